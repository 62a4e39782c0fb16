"""`muster staff import`, `muster leave import`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import Author, Json, Panel, Workspace, open_workbench
from engine.cli.output import counted, emit_json, say, table

if TYPE_CHECKING:
    from engine.people import RowMessage

app = typer.Typer()
_staff = typer.Typer(name="staff", help="Import the staff list.", no_args_is_help=True)
_leave = typer.Typer(
    name="leave", rich_help_panel=Panel.ATTENDANCE, help="Import leave, remote and sick days.", no_args_is_help=True
)
app.add_typer(_staff, rich_help_panel=Panel.ATTENDANCE)
app.add_typer(_leave, rich_help_panel=Panel.ATTENDANCE)

_SHOWN_MESSAGES = 50


@_staff.command("import")
def staff_import(
    file: Annotated[Path, Argument(help="CSV file with a header row.")],
    dry_run: Annotated[bool, Option("--dry-run", help="Check the list without writing anything.")] = False,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Import a staff list, entirely or not at all.

    If a row has an error, nothing is written and the exit code is 1.
    """
    result = open_workbench(workspace).staff.import_staff(file, author=author, dry_run=dry_run)
    counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.unchanged)} unchanged"
    if as_json:
        emit_json({**dataclasses.asdict(result), "dry_run": dry_run})
    else:
        _show(file, result.messages)
        if result.errors:
            say(f"Nothing was written: {counted(len(result.errors), 'error')}. Correct the list and import it again.")
        else:
            say(f"{'Nothing was written; the import would give: ' if dry_run else ''}{counts}.")
    if result.errors:
        raise typer.Exit(1)


@_leave.command("import")
def leave_import(
    file: Annotated[Path, Argument(help="CSV file or iCalendar file (.ics).")],
    kind: Annotated[str | None, Option(help="Kind of a calendar's days: on leave, remote or sick.")] = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Import leave, remote and sick days.

    If a CSV row has an error, nothing is written. From a calendar, only events with errors are left out.

    In both cases the exit code is 1.
    """
    result = open_workbench(workspace).staff.import_leave(file, author=author, kind=kind)
    counts = f"{len(result.added)} added, {len(result.removed)} removed, {len(result.unchanged)} unchanged"
    if as_json:
        emit_json(dataclasses.asdict(result))
    else:
        _show(file, result.messages)
        say(f"{counts}.")
    if result.errors:
        raise typer.Exit(1)


def _show(file: Path, messages: Sequence[RowMessage]) -> None:
    """Print the first messages as a table, errors before warnings."""
    ordered = sorted(messages, key=lambda message: (message.level != "error", message.line))
    rows = [(message.line or "–", message.column, message.level, message.text) for message in ordered[:_SHOWN_MESSAGES]]
    if rows:
        table(f"Messages about {file.name}", ("line", "column", "level", "message"), rows)
    if len(ordered) > _SHOWN_MESSAGES:
        say(f"{counted(len(ordered) - _SHOWN_MESSAGES, 'more message')}; --json prints them all.")
