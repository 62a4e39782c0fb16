"""`muster month`: close a month for payroll, reopen it, and list what has changed since."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.attendance import cell_table
from engine.cli.context import Author, Csv, From, Json, Panel, Reason, Until, Workspace, hand_out, open_workbench
from engine.cli.output import answer, complain, counted, emit_json, say, table
from engine.cli.span import days, spelled
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.attendance import Closing, DaySheet
    from engine.workbench import Workbench

app = typer.Typer()
_month = typer.Typer(name="month", help="Close a month for payroll, and reopen it.", no_args_is_help=True)
app.add_typer(_month, rich_help_panel=Panel.ATTENDANCE)

_Month = Annotated[str | None, Argument(metavar="[MONTH]", help="Payroll month, YYYY-MM; or give --from and --until.")]
_SHOWN = 50


def _span(workbench: Workbench, month: str | None, since: str | None, until: str | None) -> tuple[date, date]:
    if not (month or since or until):
        raise InputError("no month was named", hint="write it as 2026-11, or give --from and --until")
    return days(None, month, date.min, since, until, rules=workbench.config.attendance)


def _json(row: Closing) -> dict[str, object]:
    return {name: value for name, value in asdict(row).items() if value is not None}


def _open_json(row: DaySheet) -> dict[str, object]:
    from engine.records import open_kind

    return {"employee_id": row.employee_id, "name": row.name, "day": row.day, "open": open_kind(row), "note": row.note}


def _show_open(rows: list[DaySheet]) -> None:
    """Print the first open days as a table."""
    shown = [[str(value) for value in _open_json(row).values()] for row in rows[:_SHOWN]]
    table("Open days", ("person", "name", "day", "open", "note"), shown)
    if len(rows) > _SHOWN:
        say(f"{counted(len(rows) - _SHOWN, 'more open day')}; `muster month check --json` prints them all.")


@_month.command()
def check(
    month: _Month = None,
    since: From = None,
    until: Until = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List the days that are open.

    These are missing punches, days to settle and corrections that await approval. The exit code is 1 if there are any.
    """
    from engine.records import counted_kinds

    workbench = open_workbench(workspace)
    first, last = _span(workbench, month, since, until)
    rows = workbench.months.unsettled(first, last)
    if as_json:
        emit_json(list(map(_open_json, rows)))
    elif rows:
        _show_open(rows)
        say(f"{counted(len(rows), 'day')} of {spelled(first, last)} open: {counted_kinds(rows)}.")
    else:
        say(f"Nothing is open: {spelled(first, last)} can be closed.")
    if rows:
        raise typer.Exit(1)


@_month.command()
def close(
    author: Author,
    month: _Month = None,
    since: From = None,
    until: Until = None,
    anyway: Annotated[bool, Option("--anyway", help="Close although days are open.")] = False,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Close a month, so that its figures no longer move.

    Its sheet is sealed. If days are open, the command lists them and closes nothing; the exit code is 1.
    """
    from engine.records import counted_kinds

    workbench = open_workbench(workspace)
    (first, last), desk = _span(workbench, month, since, until), workbench.months
    rows = [] if anyway or desk.closing(first, last) else desk.unsettled(first, last)
    if rows:
        if as_json:
            emit_json({"closed": False, "open": list(map(_open_json, rows))})
        else:
            _show_open(rows)
            what = f"{counted(len(rows), 'day')} of {spelled(first, last)} open: {counted_kinds(rows)}"
            complain(f"{what} → settle them, or close anyway with --anyway")
        raise typer.Exit(1)
    done = desk.close(first, last, author=author, reason=reason, anyway=anyway)
    left = f", {counted(done.unsettled, 'day')} open" if done.unsettled else ""
    text = f"{spelled(first, last)} is closed: {counted(done.rows or 0, 'row')}{left}, SHA-256 {done.sha256}."
    answer(as_json, {"closed": True, **_json(done)}, text)


@_month.command()
def reopen(
    author: Author,
    month: _Month = None,
    since: From = None,
    until: Until = None,
    reason: Reason = "",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Reopen a closed month, with a reason.

    Its figures are computed again.
    """
    workbench = open_workbench(workspace)
    first, last = _span(workbench, month, since, until)
    done = workbench.months.reopen(first, last, author=author, reason=reason)
    answer(as_json, _json(done), f"{spelled(first, last)} is open again.")


@_month.command("list")
def list_months(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List every closing and reopening: who, when and why."""
    workbench = open_workbench(workspace)
    rows, zone, readable = workbench.months.history(), workbench.config.zone, workbench.office.readable
    if as_json:
        emit_json([_json(row) | {"reason": readable(row.reason)} for row in rows])
        return
    table(
        "Closed and reopened months",
        ("time", "action", "days", "rows", "open", "author", "reason", "SHA-256"),
        [
            (
                f"{row.timestamp.astimezone(zone):%Y-%m-%d %H:%M}",
                row.action,
                spelled(row.first, row.last),
                *(row.rows, row.unsettled, row.author, readable(row.reason), row.sha256[:12]),
            )
            for row in rows
        ],
    )


_STATES = {True: "unchanged", False: "CHANGED: see `muster verify`", None: "partly erased by retention"}


@_month.command()
def show(
    month: _Month = None,
    since: From = None,
    until: Until = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Show a closed month.

    It says who closed it, whether the sealed sheet is unchanged, and its sums. The exit code is 1 if the sealed sheet was changed.
    """
    from engine.reports import payroll_period, summarise

    workbench = open_workbench(workspace)
    first, last = _span(workbench, month, since, until)
    found = workbench.months.required(first, last)
    state = workbench.months.intact(found)
    accounts = workbench.time_accounts.accounts(last)
    sums = summarise(_closed_rows(workbench, first, last), payroll_period(first, last), accounts=accounts)
    if as_json:
        emit_json({**_json(found), "unchanged": state, "summary": sums})
    else:
        when = f"{found.timestamp.astimezone(workbench.config.zone):%Y-%m-%d %H:%M}"
        left = f" with {counted(found.unsettled, 'open day')}" if found.unsettled else ""
        say(f"{spelled(first, last)} was closed by {found.author} on {when}{left}.")
        say(f"The sealed sheet of {counted(found.rows or 0, 'row')} is {_STATES[state]}. SHA-256 {found.sha256}")
        columns = ["employee_id", "name", "days_worked", "hours", "planned_hours", "balance", "late_days", "absent"]
        cell_table(f"Summary {spelled(first, last)}", columns, sums)
    if state is False:
        raise typer.Exit(1)


def _closed_rows(workbench: Workbench, first: date, last: date) -> list[DaySheet]:
    return workbench.attendance.sheets.between(first, last, workbench.people.known())


@_month.command()
def changes(
    month: _Month = None,
    since: From = None,
    until: Until = None,
    as_csv: Csv = False,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List what has changed since a month was closed.

    There is a row per person, day and column: as it was closed, and as it would be now.
    """
    from engine.storage import table_text
    from engine.types import NOBODY

    workbench = open_workbench(workspace)
    first, last = _span(workbench, month, since, until)
    found = workbench.months.changed(workbench.months.required(first, last))
    people = workbench.people.known()
    rows = [{"name": people.get(each.employee_id, NOBODY).name, **asdict(each)} for each in found]
    columns = ["employee_id", "name", "day", "column", "closed", "now"]
    if as_json:
        emit_json(rows)
    elif as_csv:
        hand_out(workbench, table_text(columns, rows), "changes", spelled(first, last))
    elif rows:
        cell_table(f"Changed since {spelled(first, last)} was closed", columns, rows)
        say("The closed figures hold. To take the changes over, reopen the month and close it again.")
    else:
        say(f"Nothing has changed since {spelled(first, last)} was closed.")
