"""The days that a command is about: one day, a month, or a period such as 16 October to 15 November."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import TYPE_CHECKING

from engine.cli.context import parse_day
from engine.errors import InputError

if TYPE_CHECKING:
    from engine.config import AttendanceConfig

_FIRST_YEAR, _LAST_YEAR = 1900, 9000


def days(
    day: str | None,
    month: str | None,
    today: date,
    since: str | None = None,
    until: str | None = None,
    *,
    rules: AttendanceConfig,
) -> tuple[date, date]:
    """First and last day of `--day`, `--month`, or `--from` and `--until`; today by default.

    Args:
        rules: on which day a month begins for payroll.

    Raises:
        InputError: a text is not a day or month, or the options do not go together.
    """
    if len([given for given in (day, month, since or until) if given]) > 1:
        raise InputError("--day, --month and --from exclude each other", hint="give one of them")
    if since or until:
        return _period(since, until)
    if month:
        return rules.payroll_month(_month(month))
    found = today if day is None else working_day(day)
    return found, found


def _period(since: str | None, until: str | None) -> tuple[date, date]:
    if not since or not until:
        raise InputError("--from and --until belong together", hint="--from 2026-10-16 --until 2026-11-15")
    first, last = working_day(since), working_day(until)
    if last < first:
        raise InputError(f"{until} is before {since}", hint="give the first day to --from and the last one to --until")
    return first, last


def _month(month: str) -> date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise InputError(f"{month!r} is not a month", hint="write it as 2026-11")
    return working_day(f"{month}-01")


def working_day(text: str) -> date:
    """A day in a year that time zones can handle.

    Raises:
        InputError: the text is not such a day.
    """
    found = parse_day(text)
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise InputError(f"{text!r} is too far from today", hint="write it as 2026-11-22")
    return found


def spelled(first: date, last: date) -> str:
    """Days in short: `2026-11-22`, `2026-11`, or `2026-10-16 to 2026-11-15`."""
    if first == last:
        return first.isoformat()
    if first.day == 1 and last == first.replace(day=calendar.monthrange(first.year, first.month)[1]):
        return f"{first:%Y-%m}"
    return f"{first} to {last}"
