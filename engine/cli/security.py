"""`muster incidents`, `review`, `dossier`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Panel, Reason, Workspace, open_workbench, parse_day
from engine.cli.output import answer, emit_json, say, table
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.incidents import Incident, IncidentRow
    from engine.records import Office
    from engine.workbench import Workbench

app = typer.Typer()


def who(row: IncidentRow) -> str:
    """The ids of an incident's people, and its detail."""
    return ", ".join((*row.employee_ids, *row.unknown_ids)) + (f" ({row.detail})" if row.detail else "")


@app.command(rich_help_panel=Panel.SECURITY)
def incidents(
    since: Annotated[str | None, Option(show_default="all", help="First day, YYYY-MM-DD.")] = None,
    state: Annotated[str | None, Option(help="State: open, acknowledged, resolved, false alarm or noted.")] = None,
    kind: Annotated[str | None, Option(help="Kind, such as unknown or tailgating.")] = None,
    zip_id: Annotated[str | None, Option("--zip", metavar="ID", help="Write this incident to --out.")] = None,
    out: Annotated[Path | None, Option("--out", help="ZIP file for --zip.")] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List incidents, newest first, or export one.

    The ZIP file holds the incident's rows, its pictures and a sheet to print.
    """
    if zip_id is not None or out is not None:
        _export(zip_id, out, workspace, as_json, author)
        return
    workbench = open_workbench(workspace)
    found = _chosen(workbench, since, state, kind)
    if as_json:
        emit_json([_incident_json(row, workbench.office) for row in found])
    elif found:
        columns = ("id", "time", "severity", "kind", "camera", "who", "state", "assignee")
        table("Incidents", columns, [_cells(row) for row in found])
    else:
        say("No such incidents.")


def _chosen(workbench: Workbench, since: str | None, state: str | None, kind: str | None) -> list[Incident]:
    """Incidents of a state and kind, newest first."""
    from engine.incidents import INCIDENT_KINDS, REVIEW_STATES

    if state is not None and state not in {*REVIEW_STATES, "noted"}:
        raise InputError(f"{state!r} is not a state", hint=f"use one of {', '.join(REVIEW_STATES)}, noted")
    if kind is not None and kind not in INCIDENT_KINDS:
        raise InputError(f"{kind!r} is not a kind of incident", hint=f"use one of {', '.join(INCIDENT_KINDS)}")
    first = parse_day(since) if since else date.min
    return [
        row
        for row in reversed(workbench.incidents.incidents(first, date.max))
        if (state is None or row.state == state) and (kind is None or row.row.kind == kind)
    ]


def _cells(incident: Incident) -> tuple[str, ...]:
    row = incident.row
    what = (f"{row.timestamp:%Y-%m-%d %H:%M}", row.severity or "", row.kind.replace("_", " "), row.camera, who(row))
    return (row.incident_id, *what, incident.state, incident.assignee)


def _incident_json(incident: Incident, office: Office) -> dict[str, Any]:
    from engine.incidents import INCIDENTS

    columns = ("timestamp", "state", "assignee", "detail", "author")
    reviews = [{key: office.readable(row[key]) for key in columns} for row in map(INCIDENTS.texts, incident.reviews)]
    return {**INCIDENTS.texts(incident.row), "state": incident.state, "assignee": incident.assignee, "reviews": reviews}


def _export(incident_id: str | None, out: Path | None, workspace: Path, as_json: bool, author: str) -> None:
    from engine.storage import atomic_write

    if incident_id is None or out is None:
        raise InputError("--zip and --out belong together", hint="muster incidents --zip ID --out FILE.zip")
    content = open_workbench(workspace).cases.export(incident_id, author=author)
    atomic_write(out, content)
    written = {"incident_id": incident_id, "file": str(out), "bytes": len(content)}
    answer(as_json, written, f"Incident {incident_id} written to {out}.")


@app.command(rich_help_panel=Panel.SECURITY)
def review(
    incident_id: Annotated[str, Argument(help="Incident id, as in `muster incidents`.")],
    state: Annotated[str, Option(help="New state: open, acknowledged, resolved or false alarm.")],
    author: Author,
    note: Annotated[str, Option(show_default=False, help="What you found.")] = "",
    assignee: Annotated[str, Option(show_default=False, help="Who takes care of the incident.")] = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Set the state of an incident."""
    from engine.incidents import INCIDENTS

    office = open_workbench(workspace).office
    row = office.review(incident_id, state, author=author, note=note, assignee=assignee)
    answer(as_json, {**INCIDENTS.texts(row), "detail": office.readable(row.detail)}, f"{incident_id} is {state}.")


_dossier = typer.Typer(name="dossier", help="List, merge, split and name dossiers of strangers.", no_args_is_help=True)
app.add_typer(_dossier, rich_help_panel=Panel.SECURITY)
_Stranger = Annotated[str, Argument(help="Id of the dossier, such as unknown-7.")]


@_dossier.command("list")
def list_dossiers(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List strangers, the most recent first.

    The list also names pairs of dossiers that may be one person.
    """
    office = open_workbench(workspace).office
    found, alike = office.dossiers(), office.suggestions()
    if as_json:
        columns = ("unknown_id", "summary", "days", "cameras", "watched", "ignored", "employee_id")
        dossiers = [
            {name: getattr(row, name) for name in columns} | {"incidents": [each.incident_id for each in row.incidents]}
            for row in found
        ]
        pairs = [[row.first, row.second, row.similarity] for row in alike]
        emit_json({"dossiers": dossiers, "perhaps_one_person": pairs})
        return
    cells = []
    for row in found:
        last = f"{row.incidents[-1].timestamp:%Y-%m-%d %H:%M}"
        marks = [mark for mark, holds in (("watched", row.watched), ("ignored", row.ignored)) if holds]
        cells.append((row.unknown_id, row.summary, last, ", ".join(row.cameras), ", ".join(marks), row.employee_id))
    table("Strangers", ("id", "seen", "last", "cameras", "marked", "employee"), cells)
    for pair in alike:
        say(f"{pair.first} and {pair.second} may be one person (similarity {pair.similarity:.2f}).")


@_dossier.command()
def merge(
    unknown_id: _Stranger,
    into: Annotated[str, Option(metavar="ID", help="The dossier that remains.")],
    author: Author,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Merge two dossiers of one person."""
    open_workbench(workspace).office.merge(unknown_id, into, author=author, reason=reason)
    say(f"{unknown_id} was merged into {into}.")


@_dossier.command()
def split(
    unknown_id: _Stranger,
    incidents: Annotated[list[str], Option("--incident", metavar="ID", help="Incident to move; repeatable.")],
    author: Author,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Move incidents of somebody else to a new dossier."""
    new = open_workbench(workspace).office.split(unknown_id, incidents, author=author, reason=reason)
    say(f"Moved from {unknown_id} to {new}: {', '.join(incidents)}.")


@_dossier.command()
def name(
    unknown_id: _Stranger,
    employee_id: Annotated[str, Option("--id", help="Employee id; enrol this person first.")],
    author: Author,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Say which enrolled person a stranger is."""
    open_workbench(workspace).office.name(unknown_id, employee_id, author=author, reason=reason)
    say(f"{unknown_id} is {employee_id}.")


@_dossier.command()
def watch(
    subject: Annotated[str, Argument(help="Id of a dossier, or an employee id.")],
    author: Author,
    reason: Reason = "",
    off: Annotated[bool, Option("--off", help="Take this person off the watch list.")] = False,
    workspace: Workspace = Path("data"),
) -> None:
    """Put somebody on the watch list.

    Each visit is then an incident of high severity.
    """
    open_workbench(workspace).office.watch(subject, author=author, reason=reason, on=not off)
    say(f"{subject} is {'no longer ' if off else ''}on the watch list.")


@_dossier.command()
def ignore(
    unknown_id: _Stranger,
    author: Author,
    reason: Reason = "",
    off: Annotated[bool, Option("--off", help="Alert again.")] = False,
    workspace: Workspace = Path("data"),
) -> None:
    """Stop alerts about a stranger of no interest.

    Visits are still recorded, with the state noted.
    """
    open_workbench(workspace).office.ignore(unknown_id, author=author, reason=reason, on=not off)
    say(f"Visits of {unknown_id} {'alert again' if off else 'no longer alert'}.")
