"""`muster report`, `inside`, `correct`, `corrections`, `not-this`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from engine.cli.context import (
    Author,
    Csv,
    Day,
    EmployeeId,
    From,
    Html,
    Json,
    Month,
    Panel,
    Reason,
    Until,
    Workspace,
    hand_out,
    moment_or_clock,
    note_export,
    open_workbench,
)
from engine.cli.output import answer, counted, emit_json, note, say, table
from engine.cli.span import days, spelled, working_day
from engine.config.ids import check_chosen
from engine.errors import InputError
from engine.types import NOBODY

if TYPE_CHECKING:
    from datetime import date

    from engine.attendance import Correction, DaySheet, PunchRow
    from engine.attendance.presence import Direction
    from engine.people import TimeAccounts
    from engine.workbench import Workbench

app = typer.Typer()
report_app = typer.Typer(name="report", invoke_without_command=True)
app.add_typer(report_app, rich_help_panel=Panel.ATTENDANCE)


@report_app.command("working-time")
def working_time(
    day: Day = None,
    month: Month = None,
    since: From = None,
    until: Until = None,
    person: Annotated[str | None, Option("--id", show_default="everybody", help="Employee id.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Show where working time goes beyond the law.

    Rest, hours, breaks and the mean of weeks, by the law that the settings name.

    `[attendance] working_time` names it: eu, de or at. Agreements that allow more are not known to Muster.
    """
    from engine.operations.reporting import AttendanceReports

    workbench = open_workbench(workspace)
    reports = AttendanceReports(workbench)
    if not reports.working_time_rules:
        raise InputError(
            "no law on working time is chosen", hint='set `working_time = "de"` (or eu, at) in [attendance]'
        )
    first, last = days(day, month, reports.now.date(), since, until, rules=workbench.config.attendance)
    found = reports.working_time(first, last, person)
    cells = [
        {
            "date": each.day.isoformat(),
            "employee_id": each.employee_id,
            "name": each.name,
            "kind": each.kind,
            "found_hours": round(each.found.total_seconds() / 3600, 2),
            "limit_hours": round(each.limit.total_seconds() / 3600, 2),
        }
        for each in found
    ]
    if as_json:
        emit_json({"rules": reports.working_time_rules, "warnings": cells})
        return
    title = f"Working time {spelled(first, last)} ({reports.working_time_rules})"
    cell_table(title, ["date", "employee_id", "name", "kind", "found_hours", "limit_hours"], cells)


def cell_table(title: str, columns: list[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows of cells by column as a table."""
    headings = [column.replace("_", " ") for column in columns]
    table(title, headings, [[row.get(column, "") for column in columns] for row in rows])


@report_app.callback()
def report(
    context: typer.Context,
    day: Day = None,
    month: Month = None,
    since: From = None,
    until: Until = None,
    person: Annotated[str | None, Option("--id", show_default="everybody", help="Employee id.")] = None,
    summary: Annotated[bool, Option("--summary", help="Print totals per person instead of days.")] = False,
    as_csv: Csv = False,
    xlsx: Annotated[Path | None, Option(help="Write an Excel file.")] = None,
    html: Html = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Report who was there, from when to when.

    For each person and day: first in, last out, hours, status, and how certain that is.
    """
    if context.invoked_subcommand is not None:
        return
    from engine.attendance import cells
    from engine.operations.reporting import AttendanceReports
    from engine.reports import payroll_period, sheet_csv, summary_csv

    workbench = open_workbench(workspace)
    reports = AttendanceReports(workbench)
    first, last = days(day, month, reports.now.date(), since, until, rules=workbench.config.attendance)
    rows = reports.rows(first, last, person)
    check_chosen(person, workbench.people.known(), rows)
    span = spelled(first, last)
    name = workbench.people.known().get(person, NOBODY).name or person if person else ""
    title = f"Attendance {span}" + (f", {name}" if name else "")
    if xlsx is not None or html is not None:
        _write_report(workbench, rows, title, (first, last), xlsx, html, person)
    elif summary and as_csv and not as_json:
        text = summary_csv(rows, payroll_period(first, last), reports.accounts(last, person))
        hand_out(workbench, text, "summary", span, person or "")
    elif summary:
        _print_summary(rows, first, last, reports.accounts(last, person), as_json=as_json)
    elif as_json:
        passages = reports.passages(rows)
        own = (list(map(_passage, passages.get((row.employee_id, row.day), ()))) for row in rows)
        emit_json([{**cells(row), "passages": found} for row, found in zip(rows, own, strict=True)])
    elif as_csv:
        hand_out(workbench, sheet_csv(rows), "report", span, person or "")
    elif not rows:
        say(f"Nobody was seen or expected: {span}.")
    else:
        columns = ["employee_id", "name", "first_in", "last_out", "hours", "status", "note"]
        cell_table(title, columns if first == last else ["date", *columns], list(map(cells, rows)))


def _passage(row: PunchRow) -> dict[str, str]:
    """A passage as JSON."""
    from engine.attendance import PUNCH

    texts = PUNCH.texts(row)
    columns = ("event_id", "timestamp", "event", "camera", "direction", "similarity", "evidence_image")
    return {column: texts[column] for column in columns}


def _write_report(
    workbench: Workbench,
    rows: list[DaySheet],
    title: str,
    span: tuple[date, date],
    xlsx: Path | None,
    html: Path | None,
    person: str | None,
) -> None:
    from engine.operations.reporting import AttendanceReports
    from engine.reports import payroll_period
    from engine.storage import atomic_write

    reports = AttendanceReports(workbench)
    accounts, verified = reports.accounts(span[1], person), reports.verified()
    words = reports.words
    made: dict[Path, bytes] = {}
    if xlsx is not None:
        made[xlsx] = reports.excel(rows, title, verified, payroll_period(*span), accounts, words)
    if html is not None:
        made[html] = reports.month_page(rows, title, verified, accounts, words).encode()
    for path, content in made.items():
        note_export(workbench, "report", spelled(*span), content, person or "")
        atomic_write(path, content)
        say(f"{counted(len(rows), 'row')} written to {path}")


def _print_summary(rows: list[DaySheet], first: date, last: date, accounts: TimeAccounts, *, as_json: bool) -> None:
    from engine.attendance import KINDS_OF_HOURS
    from engine.reports import payroll_period, summarise

    period = payroll_period(first, last)
    if as_json:
        emit_json(summarise(rows, period, accounts=accounts))
    else:
        sums = summarise(rows, period, accounts=accounts)
        columns = ["employee_id", "name", "days_worked", "hours", "planned_hours", "balance", "late_days", "absent"]
        columns += [column for column in (*KINDS_OF_HOURS, "account") if any(row[column] for row in sums)]
        cell_table(f"Summary {spelled(first, last)}", columns, sums)


@app.command(rich_help_panel=Panel.ATTENDANCE)
def inside(as_csv: Csv = False, html: Html = None, workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List who is inside now, for an evacuation."""
    from engine.attendance import count_inside
    from engine.reports import inside_cells

    workbench = open_workbench(workspace)
    now = workbench.clock().astimezone(workbench.config.zone)
    rows, strangers = workbench.office.inside(), workbench.office.strangers_today()
    if html is not None:
        from engine.operations.reporting import AttendanceReports
        from engine.storage import atomic_write

        content = AttendanceReports(workbench).muster_page(rows).encode()
        note_export(workbench, "muster list", f"{len(rows)} people", content)
        atomic_write(html, content)
        say(f"{counted(len(rows), 'person', 'people')} written to {html}")
    elif as_json:
        people = list(map(inside_cells, rows))
        emit_json({"time": now.isoformat(timespec="seconds"), "inside": people, "unknown_today": strangers})
    elif as_csv:
        from engine.reports import muster_list_csv

        hand_out(workbench, muster_list_csv(rows), "muster list", f"{len(rows)} people")
    else:
        columns = ["department", "name", "employee_id", "state", "since", "last_seen", "camera"]
        sure, unsure = count_inside(rows)
        cell_table(f"{now:%Y-%m-%d at %H:%M}: {sure} inside, {unsure} unsure", columns, list(map(inside_cells, rows)))
        if strangers:
            say(f"The cameras also saw {counted(strangers, 'unknown person', 'unknown people')} today.")


@app.command(rich_help_panel=Panel.ATTENDANCE)
def correct(
    employee_id: EmployeeId,
    day: Annotated[str, Option(help="Working day, YYYY-MM-DD.")],
    author: Author,
    reason: Reason = "",
    came: Annotated[str | None, Option("--in", metavar="TIME", help="Add an arrival, HH:MM or ISO 8601.")] = None,
    went: Annotated[str | None, Option("--out", metavar="TIME", help="Add a departure, HH:MM or ISO 8601.")] = None,
    status: Annotated[
        str | None, Option(help="Set the day's status: as planned, present, excused, on leave, remote, sick or absent.")
    ] = None,
    remove: Annotated[str | None, Option(metavar="ID", help="Remove the punch with this event id.")] = None,
    revoke: Annotated[str | None, Option(metavar="ID", help="Revoke the correction with this id.")] = None,
    approve: Annotated[bool, Option("--approve", help="Approve the day's corrections.")] = False,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Correct somebody's day, or approve a correction.

    Give one of --in, --out, --status, --remove, --revoke and --approve.

    A time without a date is placed in the working day: in a night shift, 05:30 is on the next date.

    "as planned" counts the planned hours as worked; "present" keeps the times and credits planned hours without times.

    The correction is a new row with author and reason. The recorded rows stay as they are.
    """
    from engine.attendance import cells

    workbench = open_workbench(workspace)
    wanted = {"in": came, "out": went, "status": status, "remove": remove, "revoke": revoke, "approve": approve or None}
    given = [name for name, value in wanted.items() if value]
    if len(given) != 1:
        raise InputError(
            "give one correction at a time", hint="use one of --in, --out, --status, --remove, --revoke, --approve"
        )
    what, on = given[0], working_day(day)
    direction: Direction = "in" if what == "in" else "out" if what == "out" else "both"
    done = workbench.office.correct(
        employee_id,
        on,
        "add" if what in {"in", "out"} else what,
        author=author,
        reason=reason or ("approved" if approve else ""),
        time=moment_or_clock(came or went or None, workbench.config.zone),
        direction=direction,
        value=status or "",
        refers_to=remove or revoke or "",
    )
    sheets = workbench.attendance.sheets.between(on, on, workbench.people.known(), only=employee_id)
    rows, waits = list(map(cells, sheets)), any(sheet.pending for sheet in sheets)
    if closed := workbench.months.closed_note(on):
        note(closed)
    if as_json:
        emit_json({"correction": _correction(done, workbench.office.readable), "sheet": rows})
        return
    columns = ["name", "recorded_first_in", "recorded_last_out", "recorded_status", "first_in", "last_out", "status"]
    pending = ["pending_first_in", "pending_last_out", "pending_status"] if waits else []
    cell_table(f"{employee_id} on {day}", [*columns, *pending, "corrected_by", "approved_by"], rows)
    if waits:
        say(f"It counts once somebody else approves it: muster correct {employee_id} --day {day} --approve")


@app.command(rich_help_panel=Panel.ATTENDANCE)
def corrections(
    day: Day = None,
    month: Month = None,
    since: From = None,
    until: Until = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """List corrections and approvals by working day."""
    workbench = open_workbench(workspace)
    zone, readable = workbench.config.zone, workbench.office.readable
    today = workbench.clock().astimezone(zone).date()
    span = days(day, month, today, since, until, rules=workbench.config.attendance)
    rows = workbench.attendance.corrections.about_days(*span)
    if as_json:
        emit_json([_correction(row, readable) for row in rows])
        return
    shown = []
    for row in rows:
        at = f"{row.direction or 'both'} {row.time.astimezone(zone):%H:%M}" if row.time else row.value or row.refers_to
        shown.append((row.correction_id, row.day, row.employee_id, row.action, at, row.author, readable(row.reason)))
    table("Corrections", ("id", "day", "person", "action", "value", "author", "reason"), shown)


def _correction(row: Correction, readable: Callable[[str], str]) -> dict[str, object]:
    """A correction as JSON."""
    shown = asdict(row) | {"made": row.timestamp, "reason": readable(row.reason), "direction": row.direction or "both"}
    first = ("correction_id", "made", "day", "employee_id", "action", "author", "reason")
    return {name: shown[name] for name in (*first, "time", "direction", "value", "refers_to")}


@app.command("not-this", rich_help_panel=Panel.ATTENDANCE)
def not_this(
    event_id: Annotated[str, Argument(help="Event id of the punch, as in `muster report --json`.")],
    author: Author,
    reason: Reason = "somebody else is in the picture",
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Take back a punch that shows somebody else.

    Muster also remembers the face, and does not give it this name again.
    """
    from engine.attendance import PUNCH

    row = open_workbench(workspace).office.not_this(event_id, author=author, reason=reason)
    text = f"Punch {event_id} was taken back. A face like this one will not be named {row.employee_id} again."
    answer(as_json, PUNCH.texts(row), text)
