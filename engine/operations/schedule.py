"""When a scheduled report is sent, and which days it is about. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from engine.config import ScheduledReport

_DAY = timedelta(days=1)
_LONGEST = timedelta(days=70)
"""Within these days every schedule has been due at least once: two months and the week in which a report may be sent."""


@dataclass(frozen=True)
class Run:
    """One report of a schedule: its first and last day, and when it is sent."""

    first: date
    last: date
    due: datetime


def runs(report: ScheduledReport, since: date, zone: ZoneInfo) -> Iterator[Run]:
    """Yield reports without end, oldest first, from the one that is about the day `since`."""
    while True:
        first, last = _period(report, since)
        sent = next(day for day in _onwards(last + _DAY) if day.weekday() in report.weekdays)
        yield Run(first, last, datetime.combine(sent, report.at, zone))
        since = last + _DAY


def last_run(report: ScheduledReport, now: datetime, zone: ZoneInfo) -> Run:
    """Return the latest report that was due by now."""
    today = now.astimezone(zone).date()
    return [*takewhile(lambda run: run.due <= now, runs(report, today - _LONGEST, zone))][-1]


def next_run(report: ScheduledReport, now: datetime, zone: ZoneInfo) -> Run:
    """Return the first report that will be due."""
    return next(runs(report, last_run(report, now, zone).last + _DAY, zone))


def _onwards(day: date) -> Iterator[date]:
    while True:
        yield day
        day += _DAY


def _period(report: ScheduledReport, day: date) -> tuple[date, date]:
    """First and last day of the period with this day."""
    if report.every == "month":
        return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])
    if report.every == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    back = next(offset for offset in range(7) if (day - timedelta(days=offset)).weekday() in report.weekdays)
    ahead = next(offset for offset in range(7) if (day + timedelta(days=offset + 1)).weekday() in report.weekdays)
    return day - timedelta(days=back), day + timedelta(days=ahead)
