"""The month summary for payroll: one row per person and month."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterable
from datetime import date, timedelta

from engine.attendance import KINDS_OF_HOURS, DaySheet, Status, kinds_of_hours
from engine.config import AttendanceConfig
from engine.errors import InputError
from engine.people import TimeAccounts
from engine.reports.columns import SUMMARY_COLUMNS
from engine.storage import table_text

_COUNTED = {
    "absent": (Status.ABSENT,),
    "holiday": (Status.HOLIDAY,),
    "missing_in_out": (Status.MISSING_IN, Status.MISSING_OUT),
    "not_covered": (Status.NOT_COVERED,),
    "not_identified": (Status.NOT_IDENTIFIED,),
}

_AWAY = {"on_leave": Status.ON_LEAVE, "remote": Status.REMOTE, "sick": Status.SICK}


def payroll_period(first: date, last: date) -> str:
    """What `summarise` calls a range of days as one period: empty, so that months are summed, unless it begins within one
    month and ends in another, as payroll periods from the 16th to the 15th do."""
    return "" if first.day == 1 or (first.year, first.month) == (last.year, last.month) else f"{first}/{last}"


def period_days(period: str, today: date, rules: AttendanceConfig) -> tuple[date, date]:
    """First and last day of a period, both included.

    Args:
        rules: on which day a month begins for payroll.
        period: such as `2026-10`, `2026-10-16/2026-11-15`, `this month` (up to today), `last month`, or `21 days` (up to yesterday).

    Raises:
        InputError: it is none of these.
    """
    first, yesterday = rules.payroll_month_of(today)[0], today - timedelta(days=1)
    count, _, unit = period.partition(" ")
    if period == "this month":
        return first, today
    if period == "last month":
        return rules.payroll_month_of(first - timedelta(days=1))
    if unit in {"day", "days"} and count.isdecimal() and 0 < int(count) < 10_000:
        return yesterday - timedelta(days=int(count) - 1), yesterday
    begin, _, end = period.partition("/")
    try:
        day = date.fromisoformat(begin if end else f"{period}-01")
        found = (day, date.fromisoformat(end)) if end else rules.payroll_month(day)
    except ValueError:
        found = today, date.min
    if found[1] < found[0]:
        raise InputError(
            f"{period!r} is not a period", hint="give such as 2026-10, 2026-10-16/2026-11-15, last month or 21 days"
        )
    return found


def summarise(
    rows: Iterable[DaySheet], period: str = "", *, by_month: bool = True, accounts: TimeAccounts | None = None
) -> list[dict[str, object]]:
    """Add up day sheet rows per person and month; without `by_month`, or for one `period`, per person.

    Hours have two digits, minutes and days are whole (days of leave may be halves), and `balance`
    follows its definition in `SUMMARY_COLUMNS` exactly.

    Args:
        accounts: up to the last of the days; None: the column is empty.

    Returns:
        Rows with the columns of `SUMMARY_COLUMNS`, by department, name, id and month.
    """
    groups: dict[tuple[str, str], list[DaySheet]] = {}
    for row in rows:
        month = period or (f"{row.day:%Y-%m}" if by_month else "")
        groups.setdefault((row.employee_id, month), []).append(row)
    summary = [
        {**_summary(*key, own), "account": "" if accounts is None else _account(*key, own[0].day, accounts)}
        for key, own in groups.items()
    ]
    order = ("department", "name", "employee_id", "month")
    return sorted(summary, key=lambda row: tuple(str(row[column]).casefold() for column in order))


def _account(employee_id: str, month: str, day: date, accounts: TimeAccounts) -> object:
    """Hours of an account at the end of a month or of the whole period; empty: none."""
    end = accounts.until
    if month == f"{day:%Y-%m}":
        end = min(end, day.replace(day=calendar.monthrange(day.year, day.month)[1]))
    hours = accounts.at(employee_id, end)
    return "" if hours is None else hours


def summary_csv(rows: Iterable[DaySheet], period: str = "", accounts: TimeAccounts | None = None) -> str:
    """The month summary of day sheet rows as CSV, see `summarise`; a spreadsheet takes no cell for a formula."""
    return table_text(tuple(SUMMARY_COLUMNS), summarise(rows, period, accounts=accounts))


def _summary(employee_id: str, month: str, rows: list[DaySheet]) -> dict[str, object]:
    rows = sorted(rows, key=lambda row: row.day)
    hours, planned = _total(row.hours for row in rows), _total(row.planned_hours for row in rows)
    credited = _total(row.credited_hours for row in rows)
    kinds = [kinds_of_hours(row) for row in rows]
    values: dict[str, object] = {
        "employee_id": employee_id,
        "name": next((row.name for row in reversed(rows) if row.name), ""),
        "department": next((row.department for row in reversed(rows) if row.department), ""),
        "month": month,
        "days_worked": _days(row.days_worked for row in rows),
        "hours": hours,
        "planned_hours": planned,
        "credited_hours": credited,
        "balance": round(hours + credited - planned, 2),
        "late_days": sum(row.late is True for row in rows),
        "late_min": sum(row.late_min or 0 for row in rows),
        "early_days": sum(row.left_early is True for row in rows),
        "early_min": sum(row.early_min or 0 for row in rows),
        "corrected": sum(bool(row.corrected_by) for row in rows),
        "awaiting_approval": sum(row.awaiting_approval for row in rows),
        "pending_hours": _total(row.pending_hours for row in rows),
        "long_days": sum(row.long for row in rows),
        **{
            key: _days(part.share for row in rows for part in row.leave if part.status == word)
            for key, word in _AWAY.items()
        },
        "unpaid": _days(part.share for row in rows for part in row.leave if not part.paid),
        **{key: _total(each[key] for each in kinds) for key in KINDS_OF_HOURS},
        **{key: sum(row.status in words for row in rows) for key, words in _COUNTED.items()},
    }
    return {column: values[column] for column in SUMMARY_COLUMNS if column in values}


def _days(shares: Iterable[float]) -> float:
    found = round(math.fsum(shares), 2)
    return int(found) if found.is_integer() else found


def _total(values: Iterable[float | None]) -> float:
    return round(math.fsum(value or 0.0 for value in values), 2)
