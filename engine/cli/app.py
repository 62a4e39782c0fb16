"""The `muster` program: the commands of the modules beside this one, in the order in which the help lists them."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from typer import Option

from engine import __version__
from engine.cli import (
    archive,
    attendance,
    bench,
    calibrate,
    demo,
    doctor,
    evaluate,
    hr,
    kiosk,
    models,
    notify,
    people,
    records,
    replay,
    security,
    store,
    users,
    watching,
    workbench,
)
from engine.cli.context import Panel

app = typer.Typer(name="muster", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

app.add_typer(demo.app)
app.add_typer(workbench.app)
app.add_typer(doctor.app)
app.add_typer(models.app, rich_help_panel=Panel.START)

app.add_typer(people.app)
app.add_typer(watching.app)
app.add_typer(kiosk.app, rich_help_panel=Panel.RECOGNISE)
app.add_typer(archive.app, rich_help_panel=Panel.RECOGNISE)

app.add_typer(attendance.app)
app.add_typer(hr.app)

app.add_typer(security.app)
app.add_typer(notify.app, rich_help_panel=Panel.SECURITY)

app.add_typer(users.app, rich_help_panel=Panel.ADMINISTER)
app.add_typer(store.app, rich_help_panel=Panel.ADMINISTER)
app.add_typer(records.app)

app.add_typer(calibrate.app, rich_help_panel=Panel.MEASURE)
app.add_typer(replay.app)
app.add_typer(evaluate.app)
app.add_typer(bench.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"muster {__version__}")
        raise typer.Exit


@app.callback()
def muster(
    version: Annotated[bool, Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Face-recognition attendance and entrance security."""
    del version
    logging.basicConfig(level=logging.WARNING, format="muster (%(levelname)s): %(message)s")
