"""The `muster` program: the commands of the modules beside this one, in the order in which the help lists them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer import Option
from typer.core import TyperGroup

from engine import __version__
from engine.cli import (
    account,
    archive,
    attendance,
    backup,
    badge,
    calibrate,
    confirm,
    demo,
    door,
    evaluate,
    hr,
    keys,
    kiosk,
    leave,
    machine,
    mail,
    month,
    notify,
    papers,
    people,
    punches,
    records,
    replay,
    requests,
    search,
    security,
    serve,
    service,
    store,
    token,
    users,
    watching,
    workbench,
)
from engine.cli.context import Panel
from engine.masking import mask


class _Program(TyperGroup):
    """Complains about wrong usage without repeating passwords."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """See click."""
        with _masking():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """See click."""
        with _masking():
            return super().invoke(ctx)


@contextlib.contextmanager
def _masking() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(text := getattr(error, "message", None), str):  # click's
            error.message = mask(text)  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    cls=_Program, name="muster", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
_PANELS = {
    Panel.START: (demo, serve, workbench, machine),
    Panel.RECOGNISE: (people, watching, kiosk, badge, door, archive),
    Panel.ATTENDANCE: (attendance, punches, leave, requests, account, month, hr),
    Panel.SECURITY: (security, search, confirm, notify),
    Panel.ADMINISTER: (users, token, store, records, keys, backup, service, papers),
    Panel.MEASURE: (calibrate, replay, evaluate),
}
attendance.report_app.add_typer(mail.app)
for _panel, _modules in _PANELS.items():
    for _module in _modules:
        app.add_typer(_module.app, rich_help_panel=_panel)


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


command = typer.main.get_command(app)
