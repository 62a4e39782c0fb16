"""`muster staff import`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from engine.cli import employment
from engine.cli.context import Author, Json, Panel, Workspace, open_workbench
from engine.cli.employment import DryRun, Encoding, Order, SkipBadRows, order_of
from engine.cli.output import counted, emit_json, say, table

if TYPE_CHECKING:
    from engine.people import RowMessage

app = typer.Typer()
_staff = typer.Typer(name="staff", help="Import the staff list, and date changes of people.", no_args_is_help=True)
_staff.add_typer(employment.app)
app.add_typer(_staff, rich_help_panel=Panel.ATTENDANCE)

_SHOWN_MESSAGES = 50


@_staff.command("import")
def staff_import(
    file: Annotated[Path, Argument(help="CSV or Excel file with a header row.")],
    dry_run: DryRun = False,
    skip_bad_rows: SkipBadRows = False,
    encoding: Encoding = None,
    date_order: Order = None,
    author: Author = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Import a staff list, entirely or not at all.

    If a row has an error, nothing is written and the exit code is 1. With --skip-bad-rows only that row is left out.

    Dates of entry and leaving, and the day from which a department holds, are read. A change without a date holds from today.
    """
    result = open_workbench(workspace, begin=True).staff.import_staff(
        file,
        author=author,
        dry_run=dry_run,
        encoding=encoding,
        date_order=order_of(date_order),
        skip_bad=skip_bad_rows,
    )
    counts = f"{len(result.added)} added, {len(result.changed)} changed, {len(result.unchanged)} unchanged"
    if as_json:
        emit_json({**dataclasses.asdict(result), "dry_run": dry_run})
    else:
        show_messages(file, result.messages)
        if result.errors and not skip_bad_rows:
            hint = "Correct the list and import it again, or leave these rows out with --skip-bad-rows."
            say(f"Nothing was written: {counted(len(result.errors), 'error')}. {hint}")
        else:
            counts += f", {counted(len(result.skipped), 'row')} with errors left out" if result.skipped else ""
            say(f"{'Nothing was written; the import would give: ' if dry_run else ''}{counts}.")
    if result.errors:
        raise typer.Exit(1)


def show_messages(file: Path, messages: Sequence[RowMessage]) -> None:
    """Print the first messages as a table, errors before warnings."""
    ordered = sorted(messages, key=lambda message: (message.level != "error", message.line))
    rows = [(message.line or "–", message.column, message.level, message.text) for message in ordered[:_SHOWN_MESSAGES]]
    if rows:
        table(f"Messages about {file.name}", ("line", "column", "level", "message"), rows)
    if len(ordered) > _SHOWN_MESSAGES:
        say(f"{counted(len(ordered) - _SHOWN_MESSAGES, 'more message')}; --json prints them all.")
