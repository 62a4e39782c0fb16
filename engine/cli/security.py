"""`muster incidents`, `review`, `dossier …`, `not-this`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.context import Author, Json, Workspace
from engine.cli.output import console, emit_json, table
from engine.errors import InputError
from engine.incidents import INCIDENT_KINDS, REVIEW_STATES, Incident
from engine.records import Office
from engine.storage import atomic_write
from engine.workbench import Workbench

__all__ = ["dossier_app", "export_incident", "incidents", "not_this", "review", "who"]

Reason = Annotated[str, typer.Option(help="Why.")]


def _say(text: str) -> None:
    console.print(text, markup=False)


def who(row: Mapping[str, str]) -> str:
    """The ids of those who took part, and what else is known."""
    ids = [each for column in ("employee_ids", "unknown_ids") for each in row[column].split(";") if each]
    return ", ".join(ids) + (f" ({row['detail']})" if row["detail"] else "")


def incidents(workspace: Path, as_json: bool, *, since: str | None, state: str | None, kind: str | None) -> None:
    """Incidents with what was decided about them, newest first."""
    workbench = Workbench(workspace)
    if state is not None and state not in {*REVIEW_STATES, "noted"}:
        raise InputError(f"{state!r} is no state", hint=f"use one of {', '.join(REVIEW_STATES)}, noted")
    if kind is not None and kind not in INCIDENT_KINDS:
        raise InputError(f"{kind!r} is no kind of incident", hint=f"use one of {', '.join(INCIDENT_KINDS)}")
    try:
        first = date.fromisoformat(since) if since else date.min
    except ValueError as error:
        raise InputError(f"{since!r} is not a day", hint="write it as 2026-11-22") from error
    found = [
        row
        for row in reversed(workbench.incidents.incidents(first, date.max))
        if (state is None or row.state == state) and (kind is None or row.row["kind"] == kind)
    ]
    if as_json:
        emit_json([_whole(row, workbench.office) for row in found])
        return
    cells = [
        (
            row.row["incident_id"],
            row.row["timestamp"][:16].replace("T", " "),
            row.row["severity"],
            row.row["kind"].replace("_", " "),
            row.row["camera"],
            who(row.row),
            row.state,
            row.assignee,
        )
        for row in found
    ]
    if cells:
        table("Incidents", ("id", "time", "severity", "kind", "camera", "who", "state", "assignee"), cells)
    else:
        console.print("No such incidents.")


def export_incident(incident_id: str | None, out: Path | None, workspace: Path, as_json: bool, *, author: str) -> None:
    """Write all that is held on an incident into a ZIP file."""
    if incident_id is None or out is None:
        raise InputError("an incident and a file are needed", hint="muster incidents --zip ID --out FILE.zip")
    content = Workbench(workspace).export_incident(incident_id, author=author)
    atomic_write(out, content)
    if as_json:
        emit_json({"incident_id": incident_id, "file": str(out), "bytes": len(content)})
    else:
        _say(f"{incident_id} is in {out}.")


def _whole(incident: Incident, office: Office) -> dict[str, Any]:
    columns = ("timestamp", "state", "assignee", "detail", "author")
    reviews = [{key: office.readable(row[key]) for key in columns} for row in incident.reviews]
    return {**incident.row, "state": incident.state, "assignee": incident.assignee, "reviews": reviews}


def review(
    incident_id: str, state: str, workspace: Path, as_json: bool, *, author: str, note: str, assignee: str
) -> None:
    """Say what became of an incident."""
    office = Workbench(workspace).office
    row = office.review(incident_id, state, author=author, note=note, assignee=assignee)
    if as_json:
        emit_json({**row, "detail": office.readable(str(row["detail"]))})
    else:
        _say(f"{incident_id} is {state}.")


def not_this(event_id: str, workspace: Path, as_json: bool, *, author: str, reason: str) -> None:
    """Take a punch back that shows somebody else, and learn from it."""
    row = Workbench(workspace).office.not_this(event_id, author=author, reason=reason)
    if as_json:
        emit_json(row)
    else:
        _say(f"{event_id} was taken back; a face like that one is not taken for {row['employee_id']} again.")


dossier_app = typer.Typer(help="Strangers over days and cameras.", no_args_is_help=True, rich_markup_mode=None)
Stranger = Annotated[str, typer.Argument(help="Such as unknown-7.")]


@dossier_app.command("list")
def list_dossiers(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List strangers, the latest seen first, and which of them may be one person."""
    office = Workbench(workspace).office
    found, alike = office.dossiers(), office.suggestions()
    if as_json:
        emit_json(
            {
                "dossiers": [
                    {
                        "unknown_id": row.unknown_id,
                        "summary": row.summary,
                        "days": row.days,
                        "cameras": row.cameras,
                        "watched": row.watched,
                        "ignored": row.ignored,
                        "employee_id": row.employee_id,
                        "incidents": [each["incident_id"] for each in row.incidents],
                    }
                    for row in found
                ],
                "perhaps_one_person": [[row.first, row.second, row.similarity] for row in alike],
            }
        )
        return
    cells = [
        (
            row.unknown_id,
            row.summary,
            row.incidents[-1]["timestamp"][:16].replace("T", " "),
            ", ".join(row.cameras),
            ", ".join(what for what, holds in (("watched", row.watched), ("ignored", row.ignored)) if holds),
            row.employee_id,
        )
        for row in found
    ]
    table("Strangers", ("id", "seen", "last", "cameras", "marked", "is"), cells)
    for pair in alike:
        _say(f"{pair.first} and {pair.second} may be one person (similarity {pair.similarity:.2f}).")


@dossier_app.command()
def merge(
    unknown_id: Stranger,
    into: Annotated[str, typer.Option(help="The dossier that goes on.")],
    author: Author,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Say that two strangers are one person."""
    Workbench(workspace).office.merge(unknown_id, into, author=author, reason=reason)
    _say(f"{unknown_id} goes under {into} from now on.")


@dossier_app.command()
def split(
    unknown_id: Stranger,
    incidents: Annotated[
        list[str], typer.Option("--incident", help="An incident that shows somebody else; repeat it.")
    ],
    author: Author,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Say that some incidents of a stranger show somebody else."""
    new = Workbench(workspace).office.split(unknown_id, incidents, author=author, reason=reason)
    _say(f"Of {unknown_id} are {new} now: {', '.join(incidents)}.")


@dossier_app.command()
def name(
    unknown_id: Stranger,
    employee_id: Annotated[str, typer.Option("--id", help="Who it is; enrolled before.")],
    author: Author,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
) -> None:
    """Say that a stranger is somebody who is enrolled by now."""
    Workbench(workspace).office.name(unknown_id, employee_id, author=author, reason=reason)
    _say(f"{unknown_id} is {employee_id}.")


@dossier_app.command()
def watch(
    subject: Annotated[str, typer.Argument(help="A stranger or an employee id.")],
    author: Author,
    reason: Reason = "",
    off: Annotated[bool, typer.Option("--off", help="Take them off the list.")] = False,
    workspace: Workspace = Path("data"),
) -> None:
    """Put somebody on the watch list: each visit is an incident of high severity."""
    Workbench(workspace).office.watch(subject, author=author, reason=reason, on=not off)
    _say(f"{subject} is {'no longer ' if off else ''}on the watch list.")


@dossier_app.command()
def ignore(
    unknown_id: Stranger,
    author: Author,
    reason: Reason = "",
    off: Annotated[bool, typer.Option("--off", help="Alert again.")] = False,
    workspace: Workspace = Path("data"),
) -> None:
    """Say that a stranger is of no interest: visits are noted, but nobody is alerted."""
    Workbench(workspace).office.ignore(unknown_id, author=author, reason=reason, on=not off)
    _say(f"{unknown_id} is {'told again' if off else 'only noted from now on'}.")
