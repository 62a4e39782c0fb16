"""`muster report`, `inside`, `correct`, `corrections`."""

from __future__ import annotations

import calendar
import dataclasses
import re
import sys
from datetime import date, datetime
from pathlib import Path

from engine.attendance import cells, count_inside
from engine.attendance.presence import Direction
from engine.cli.output import console, emit_json, table
from engine.errors import InputError
from engine.exports import inside_cells, muster_list_csv, sheet_csv, summarise, summary_csv
from engine.reporting import AttendanceReports
from engine.storage import atomic_write
from engine.workbench import Workbench

__all__ = ["correct", "corrections", "days", "inside", "report"]

_FIRST_YEAR, _LAST_YEAR = 1900, 9000


def days(day: str | None, month: str | None, today: date) -> tuple[date, date]:
    """First and last day that `--day` or `--month` mean; today by default.

    Raises:
        InputError: they are no day or month, or both are given.
    """
    if day and month:
        raise InputError("--day and --month together", hint="give one of them")
    if month:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            raise InputError(f"{month!r} is not a month", hint="write it as 2026-11")
        first = _day(f"{month}-01")
        return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
    if day is None:
        return today, today
    found = _day(day)
    return found, found


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a day", hint="write it as 2026-11-22") from error
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise InputError(f"{text!r} is no day of this age", hint="write it as 2026-11-22")
    return found


def report(
    day: str | None, month: str | None, workspace: Path, as_json: bool, *, person: str | None, as_csv: bool,
    summary: bool, xlsx: Path | None, html: Path | None,
) -> None:  # fmt: skip
    """Day sheets from the log: on screen, as CSV, Excel or a printable page."""
    workbench = Workbench(workspace)
    reports = AttendanceReports(workbench)
    first, last = days(day, month, reports.now.date())
    people = workbench.known_people()
    rows = reports.rows(first, last, person)
    span = month or first.isoformat()
    title = f"Attendance {span}" + (f", {people.get(person, {}).get('name') or person}" if person else "")
    if xlsx is not None:
        atomic_write(xlsx, reports.excel(rows, title, reports.verified()))
        console.print(f"{len(rows)} rows written to {xlsx}", markup=False)
    if html is not None:
        page = reports.month_page(rows, title, reports.verified())
        atomic_write(html, page.encode())
        console.print(f"{len(rows)} rows written to {html}", markup=False)
    if xlsx is not None or html is not None:
        return
    if summary:
        totals = summarise(rows)
        if as_json:
            emit_json(totals)
        elif as_csv:
            sys.stdout.write(summary_csv(rows))
        else:
            columns = ["employee_id", "name", "days_worked", "hours", "planned_hours", "balance", "late_days", "absent"]
            _table(f"Summary {span}", columns, totals)
    elif as_json:
        passages = reports.passages(rows)
        emit_json([{**cells(row), "passages": passages.get((row.employee_id, row.day), [])} for row in rows])
    elif as_csv:
        sys.stdout.write(sheet_csv(rows))
    elif not rows:
        console.print(f"Nobody was seen {'in ' + month if month else 'on ' + first.isoformat()}.")
    else:
        columns = ["employee_id", "name", "first_in", "last_out", "hours", "status", "note"]
        if first != last:
            columns.insert(0, "date")
        _table(title, columns, list(map(cells, rows)))


def _table(title: str, columns: list[str], rows: list[dict[str, object]]) -> None:
    headings = [column.replace("_", " ") for column in columns]
    table(title, headings, [[row.get(column, "") for column in columns] for row in rows])


def inside(workspace: Path, as_json: bool, *, as_csv: bool, html: Path | None) -> None:
    """Who is inside now."""
    workbench = Workbench(workspace)
    now = workbench.clock().astimezone(workbench.config.zone)
    rows, strangers = workbench.office.inside(), workbench.office.strangers_today()
    if html is not None:
        page = AttendanceReports(workbench).muster_page(rows)
        atomic_write(html, page.encode())
        console.print(f"{len(rows)} {'person' if len(rows) == 1 else 'people'} written to {html}", markup=False)
    elif as_json:
        emit_json(
            {
                "time": now.isoformat(timespec="seconds"),
                "inside": list(map(inside_cells, rows)),
                "unknown_today": strangers,
            }
        )
    elif as_csv:
        sys.stdout.write(muster_list_csv(rows))
    else:
        inside, unsure = count_inside(rows)
        _table(
            f"{now:%Y-%m-%d at %H:%M}: {inside} inside, {unsure} unsure",
            ["department", "name", "employee_id", "state", "since", "last_seen", "camera"],
            list(map(inside_cells, rows)),
        )
        if strangers:
            console.print(f"Besides, {strangers} unknown people were seen today.")


def correct(
    employee_id: str, day: str, workspace: Path, as_json: bool, *, came: str | None, went: str | None,
    status: str | None, remove: str | None, revoke: str | None, approve: bool, author: str, reason: str,
) -> None:  # fmt: skip
    """Correct somebody's day, or approve what was corrected."""
    workbench = Workbench(workspace)
    wanted = {"in": came, "out": went, "status": status, "remove": remove, "revoke": revoke, "approve": approve or None}
    given = [name for name, value in wanted.items() if value]
    if len(given) != 1:
        raise InputError(
            "one correction at a time", hint="give one of --in, --out, --status, --remove, --revoke, --approve"
        )
    (what,), on = given, _day(day)
    direction: Direction = "in" if what == "in" else "out" if what == "out" else "both"
    text = came or went
    done = workbench.office.correct(
        employee_id,
        on,
        "add" if text else what,
        author=author,
        reason=reason or ("approved" if approve else ""),
        time=_moment(on, text, workbench) if text else None,
        direction=direction,
        value=status or "",
        refers_to=remove or revoke or "",
    )
    rows = list(map(cells, workbench.attendance.sheets(on, on, workbench.known_people(), only=employee_id)))
    if as_json:
        reason = workbench.office.readable(done.reason)
        emit_json({"correction": dataclasses.asdict(done) | {"reason": reason}, "sheet": rows})
        return
    columns = ["name", "recorded_first_in", "recorded_last_out", "recorded_status", "first_in", "last_out", "status"]
    _table(f"{employee_id} on {day}", [*columns, "corrected_by", "approved_by"], rows)


def _moment(day: date, text: str, workbench: Workbench) -> datetime:
    """A time of day, or a whole time, of the workplace."""
    zone = workbench.config.zone
    try:
        time = datetime.fromisoformat(text if "T" in text or " " in text else f"{day.isoformat()}T{text}")
    except ValueError as error:
        raise InputError(f"{text!r} is not a time", hint="write it as 08:57 or 2026-11-22T08:57") from error
    return time if time.tzinfo else time.replace(tzinfo=zone)


def corrections(day: str | None, month: str | None, workspace: Path, as_json: bool) -> None:
    """What was corrected and approved, by the working day it is about."""
    workbench = Workbench(workspace)
    today = workbench.clock().astimezone(workbench.config.zone).date()
    rows = workbench.attendance.corrections_of(*days(day, month, today))
    if as_json:
        emit_json([dataclasses.asdict(row) | {"reason": workbench.office.readable(row.reason)} for row in rows])
        return
    shown = [
        (
            row.correction_id,
            row.day,
            row.employee_id,
            row.action,
            f"{row.direction} {row.time.astimezone(workbench.config.zone):%H:%M}"
            if row.time
            else row.value or row.refers_to,
            row.author,
            workbench.office.readable(row.reason),
        )
        for row in rows
    ]
    table("Corrections", ("id", "day", "person", "action", "what", "author", "reason"), shown)
