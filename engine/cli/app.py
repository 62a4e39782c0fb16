"""The commands' names and options; what they do stands in the modules beside this one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from engine import __version__
from engine.cli import archive, attendance, calibrate, hr, kiosk, notify, records, reports, security, users, watching
from engine.cli import models as models_commands
from engine.cli import people as people_commands
from engine.cli import replay as replay_commands
from engine.cli import store as store_commands
from engine.cli.context import Author, Json, Workspace

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
app.add_typer(notify.app, name="notify")
app.add_typer(users.app, name="users")
app.add_typer(kiosk.app, name="kiosk")
app.add_typer(security.dossier_app, name="dossier")
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(archive.app, name="archive")
app.add_typer(store_commands.app, name="store")
staff_app = typer.Typer(help="The staff list.", no_args_is_help=True, rich_markup_mode=None)
leave_app = typer.Typer(help="Leave, remote and sick days.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(staff_app, name="staff")
app.add_typer(leave_app, name="leave")


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
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", help="A folder for the demo alone; default: data/demo, of the week data/week."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Time of the video's first frame, ISO 8601; of the week a day in it.")
    ] = None,
    week: Annotated[
        bool,
        typer.Option("--week", help="A working week: late, early, absent, a stranger, a photo held up, a camera off."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Fetch models and sample photos, enrol people, watch a rendered entrance and compare with the truth."""
    watching.demo(workspace, start, as_json, week=week)


@app.command("app")
def workbench(
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder with people, gallery, logs and pictures; default: data, with --sample data/sample."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: for others, too.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    sample: Annotated[bool, typer.Option("--sample", help="With made-up people and punches, to look around.")] = False,
    kiosk: Annotated[
        str | None, typer.Option(help="Also serve the screen at the door for this camera of the settings.")
    ] = None,
    kiosk_port: Annotated[int, typer.Option(min=1, max=65535, help="Where the kiosk is served.")] = 8502,
) -> None:
    """Start the workbench in the browser."""
    users.start_app(workspace, host, port, sample=sample, kiosk=kiosk, kiosk_port=kiosk_port)


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
    quick: Annotated[bool, typer.Option("--quick", help="Do not look for the face in pictures of others.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Erase a person's templates, pictures and name, and write a receipt; log rows stay under the bare id."""
    records.forget(employee_id, workspace, as_json, yes=yes, author=author, thorough=not quick)


@app.command("export-subject")
def export_subject(
    employee_id: Annotated[str, typer.Argument(help="Employee id.")],
    out: Annotated[Path, typer.Option("--out", help="The ZIP file.")],
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Write everything that is held on a person into a ZIP file, for them."""
    records.export_subject(employee_id, out, workspace, as_json, author=author)


@app.command()
def verify(
    close: Annotated[bool, typer.Option("--close", help="First close the days that are over.")] = False,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Check that no row of any log was changed, removed, moved or inserted."""
    records.verify(workspace, as_json, close=close)


@app.command()
def purge(
    apply: Annotated[bool, typer.Option("--apply", help="Erase; otherwise it is only counted.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Erase what is older than the settings allow (`[retention]`)."""
    records.purge(workspace, as_json, apply=apply, author=author)


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
    prior: Annotated[
        Path | None, typer.Option(help="Measure the model's prior curve instead, and write it into this file.")
    ] = None,
    rivals: Annotated[
        bool,
        typer.Option("--rivals", help="Compare with facenet-pytorch, dlib (extra bench) and other recipes instead."),
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="Do so, and write this page and its plot, see docs/evaluation.md.")
    ] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Measure verification and open-set identification on labelled photos."""
    reports.evaluate(folder, pairs, samples, enrol_photos, workspace, as_json, prior=prior, rivals=rivals, page=page)


@app.command()
def replay(
    threshold: Annotated[float, typer.Option(help="Similarity from which on a match would have been accepted.")],
    since: Annotated[str, typer.Option(help="YYYY-MM-DD.")],
    until: Annotated[str | None, typer.Option(help="YYYY-MM-DD; default: today.")] = None,
    min_margin: Annotated[
        float | None, typer.Option("--min-margin", help="Lead before the runner-up; default: as it was.")
    ] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Say which punches and alerts another threshold would have changed, from logged sightings; nothing is written."""
    replay_commands.replay(threshold, since, until, min_margin, workspace, as_json)


@app.command()
def report(
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD; default: today.")] = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM.")] = None,
    person: Annotated[str | None, typer.Option("--id", help="One person alone.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Sums per person instead of days.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    xlsx: Annotated[Path | None, typer.Option(help="Write an Excel file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to print.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Who was there when: first in, last out, hours, late, absent, and how sure that is."""
    attendance.report(
        day, month, workspace, as_json, person=person, as_csv=as_csv, summary=summary, xlsx=xlsx, html=html
    )


@app.command()
def inside(
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page to print.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Who is inside now, for an evacuation."""
    attendance.inside(workspace, as_json, as_csv=as_csv, html=html)


@app.command()
def correct(
    employee_id: Annotated[str, typer.Argument(help="Whose day.")],
    day: Annotated[str, typer.Option(help="YYYY-MM-DD.")],
    author: Author,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    came: Annotated[str | None, typer.Option("--in", help="They came at this time.")] = None,
    went: Annotated[str | None, typer.Option("--out", help="They went at this time.")] = None,
    status: Annotated[str | None, typer.Option(help="What the day was instead, such as sick.")] = None,
    remove: Annotated[str | None, typer.Option(help="Event id of a passage that does not count.")] = None,
    revoke: Annotated[str | None, typer.Option(help="Id of a correction that does not hold.")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Approve what was corrected.")] = False,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Correct somebody's day, or approve it: a new row with author and reason; what was recorded stays."""
    attendance.correct(
        employee_id, day, workspace, as_json, came=came, went=went, status=status, remove=remove, revoke=revoke,
        approve=approve, author=author, reason=reason,
    )  # fmt: skip


@app.command()
def corrections(
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD; default: today.")] = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List corrections and approvals."""
    attendance.corrections(day, month, workspace, as_json)


@app.command()
def incidents(
    since: Annotated[str | None, typer.Option(help="YYYY-MM-DD; default: all.")] = None,
    state: Annotated[str | None, typer.Option(help="open, acknowledged, resolved, false alarm, noted.")] = None,
    kind: Annotated[str | None, typer.Option(help="Such as unknown or tailgating.")] = None,
    zip_id: Annotated[
        str | None, typer.Option("--zip", help="Write this one into a ZIP file instead: rows, pictures, a sheet.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The ZIP file.")] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List incidents and what was decided about them, or write one into a ZIP file."""
    if zip_id is not None or out is not None:
        security.export_incident(zip_id, out, workspace, as_json, author=author)
        return
    security.incidents(workspace, as_json, since=since, state=state, kind=kind)


@app.command()
def review(
    incident_id: Annotated[str, typer.Argument(help="Id of the incident.")],
    state: Annotated[str, typer.Option(help="open, acknowledged, resolved or false alarm.")],
    author: Author,
    note: Annotated[str, typer.Option(help="What was found.")] = "",
    assignee: Annotated[str, typer.Option(help="Who takes care of it.")] = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Say what became of an incident."""
    security.review(incident_id, state, workspace, as_json, author=author, note=note, assignee=assignee)


@app.command("not-this")
def not_this(
    event_id: Annotated[str, typer.Argument(help="Event id of the punch.")],
    author: Author,
    reason: Annotated[str, typer.Option(help="Why.")] = "somebody else is in the picture",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Say that a punch shows somebody else: it is taken back, and the mistake is not made again."""
    security.not_this(event_id, workspace, as_json, author=author, reason=reason)


@staff_app.command("import")
def staff_import(
    file: Annotated[Path, typer.Argument(help="CSV with a header.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check it.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Take a staff list in: all of it, or nothing when a row has an error."""
    hr.staff_import(file, workspace, as_json, dry_run=dry_run, author=author)


@leave_app.command("import")
def leave_import(
    file: Annotated[Path, typer.Argument(help="CSV or iCal (.ics).")],
    kind: Annotated[str | None, typer.Option(help="Of a calendar: on leave, remote or sick.")] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Take leave, remote and sick days in."""
    hr.leave_import(file, workspace, as_json, kind=kind, author=author)


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
