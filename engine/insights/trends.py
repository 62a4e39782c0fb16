"""Lateness and absence over weeks and by department."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from engine.attendance.sheet import Status
from engine.insights.rows import HERE, UNSETTLED, Row, came_late, text

__all__ = ["Day", "Department", "Week", "by_department", "days_of", "weeks"]


@dataclass(frozen=True)
class Day:
    """Shares of one day.

    Attributes:
        day: which. expected: people who were to come and of whom something can be said.
        late, absent: shares of them, 0 to 1.
    """

    day: date
    expected: int
    late: float
    absent: float


@dataclass(frozen=True)
class Week:
    """The days of one week: median and quartiles of their shares, 0 to 1.

    Attributes:
        monday: its first day. days: how many had somebody expected.
        late, absent: lower quartile, median, upper quartile.
    """

    monday: date
    days: int
    late: tuple[float, float, float]
    absent: tuple[float, float, float]


def days_of(rows: Iterable[Row]) -> list[Day]:
    """Shares of each day on which somebody was expected; days that are not over count who has come or failed to so far."""
    groups: dict[date, list[Row]] = {}
    for row in rows:
        if text(row, "planned_in") and text(row, "status") in {*HERE, Status.ABSENT}:
            groups.setdefault(date.fromisoformat(text(row, "date")), []).append(row)
    return [
        Day(
            day,
            len(own),
            sum(map(came_late, own)) / len(own),
            sum(text(row, "status") == Status.ABSENT for row in own) / len(own),
        )
        for day, own in sorted(groups.items())
    ]


def weeks(days: Iterable[Day]) -> list[Week]:
    """Days put together by week, oldest first."""
    groups: dict[date, list[Day]] = {}
    for day in days:
        groups.setdefault(day.day - timedelta(days=day.day.weekday()), []).append(day)
    return [
        Week(monday, len(own), _quartiles([day.late for day in own]), _quartiles([day.absent for day in own]))
        for monday, own in sorted(groups.items())
    ]


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


@dataclass(frozen=True)
class Department:
    """A department over a range of days.

    Attributes:
        name: empty: people without one. people: how many. expected: days on which somebody was expected and of which something can be
            said, summed over people.
        late, absent: shares of them, 0 to 1. unsettled: days of which nothing can be said yet.
    """

    name: str
    people: int
    expected: int
    late: float
    absent: float
    unsettled: int


def by_department(rows: Iterable[Row]) -> list[Department]:
    """Departments in which somebody was expected, those that come late most often first."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if text(row, "planned_in"):
            groups.setdefault(text(row, "department"), []).append(row)
    found = []
    for name, own in groups.items():
        judged = [row for row in own if text(row, "status") in {*HERE, Status.ABSENT}]
        whole = len(judged) or 1
        found.append(
            Department(
                name,
                len({text(row, "employee_id") for row in own}),
                len(judged),
                sum(map(came_late, judged)) / whole,
                sum(text(row, "status") == Status.ABSENT for row in judged) / whole,
                sum(text(row, "status") in {*UNSETTLED, Status.MISSING_IN, Status.MISSING_OUT} for row in own),
            )
        )
    return sorted(found, key=lambda each: (-each.late, each.name.casefold()))
