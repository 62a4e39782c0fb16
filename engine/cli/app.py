"""The commands' names and options; what they do stands in the modules beside this one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from engine import __version__
from engine.cli import models as models_commands
from engine.cli import people as people_commands
from engine.cli import reports, watching
from engine.cli.context import Json, Workspace

__all__ = ["app"]

app = typer.Typer(
    name="muster",
    help="Face-recognition attendance and entrance security.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(models_commands.app, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"muster {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    del version
    logging.basicConfig(level=logging.WARNING, format="muster (%(levelname)s): %(message)s")


@app.command()
def demo(
    workspace: Annotated[Path, typer.Option("--workspace", help="A folder for the demo alone.")] = Path("data/demo"),
    start: Annotated[str | None, typer.Option(help="Time of the video's first frame, ISO 8601.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch models and sample photos, enrol people, watch a rendered entrance and compare with the truth."""
    watching.demo(workspace, start, as_json)


@app.command()
def enrol(
    paths: Annotated[list[Path], typer.Argument(help="A folder of photos per person, or photos with --id.")],
    employee_id: Annotated[
        str | None, typer.Option("--id", help="Employee id; the paths are then photos of this person.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name; default: the id.")] = None,
    department: str = "",
    email: str = "",
    consent: Annotated[str, typer.Option(help="Date of the person's consent, ISO 8601.")] = "",
    allow_look_alike: Annotated[
        bool, typer.Option("--allow-look-alike", help="Enrol although somebody enrolled looks the same.")
    ] = False,
    author: Annotated[str, typer.Option(help="Who does this, for the audit log.")] = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Enrol people from photos."""
    people_commands.enrol(
        paths,
        employee_id,
        name,
        workspace,
        as_json,
        department=department,
        email=email,
        consent_at=consent,
        allow_look_alike=allow_look_alike,
        author=author,
    )


@app.command()
def identify(
    images: Annotated[list[Path], typer.Argument(help="Photos.")],
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Say who is in photos."""
    people_commands.identify(images, workspace, as_json)


@app.command()
def people(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List who is enrolled."""
    people_commands.people(workspace, as_json)


@app.command()
def forget(
    employee_id: Annotated[str, typer.Argument(help="Employee id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    author: Annotated[str, typer.Option(help="Who does this, for the audit log.")] = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Erase a person's templates, pictures and name; log rows stay under the bare id."""
    people_commands.forget(employee_id, workspace, as_json, yes=yes, author=author)


@app.command()
def watch(
    source: Annotated[
        str, typer.Option(help="Webcam number, rtsp:// or http:// url, video file, or folder of pictures.")
    ],
    camera: Annotated[str, typer.Option(help="The camera's name in the logs.")],
    start: Annotated[str | None, typer.Option(help="Time of a file's first frame, ISO 8601; default: now.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Read a file as fast as possible, every frame.")] = False,
    save_video: Annotated[Path | None, typer.Option(help="Write an annotated MP4.")] = None,
    min_face: Annotated[int | None, typer.Option(min=12, help="Smallest face for this camera, pixels.")] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Watch a camera or a video: recognise people, write attendance and incidents, until the source ends or Ctrl-C."""
    watching.watch(
        source,
        camera,
        workspace,
        as_json,
        start=start,
        fast=fast,
        save_video=save_video,
        min_face_px=min_face,
        limit=frames,
    )


@app.command()
def evaluate(
    folder: Annotated[Path | None, typer.Argument(help="A folder per person, at any depth.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="CSV with file_x,file_y,Decision instead.")] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Use the sample photos.")] = False,
    enrol_photos: Annotated[
        int | None,
        typer.Option("--enrol", min=1, help="Photos per person enrolled for identification; default: up to 5."),
    ] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Measure verification and open-set identification on labelled photos."""
    reports.evaluate(folder, pairs, samples, enrol_photos, workspace, as_json)


@app.command()
def report(
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD; default: today.")] = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """The day sheet: first in, last out, hours."""
    reports.report(day, month, as_csv, workspace, as_json)


@app.command()
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the stations one by one: a minute instead of ten.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="Also write the results as a page with a plot, such as docs/performance.md.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure speed against facenet-pytorch on the same work, in one run."""
    reports.bench(as_json, quick=quick, page=page)


@app.command()
def doctor(
    camera: Annotated[
        list[str] | None, typer.Option(help="Also try this camera (number or url); may be repeated.")
    ] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Check models, cache, workspace, cameras and versions; say what is wrong and what to do."""
    reports.doctor(camera or [], workspace, as_json)
