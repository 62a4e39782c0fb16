"""Lateness and absence over weeks and by department."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from engine.attendance import DaySheet, Status
from engine.reports.arrivals import punctuality


@dataclass(frozen=True)
class Day:
    """Shares of one day.

    Attributes:
        expected: people who should have come, without days that cannot be judged.
        late: share of the arrivals whose punctuality is known, 0 to 1. absent: share of `expected`.
    """

    day: date
    expected: int
    late: float
    absent: float


@dataclass(frozen=True)
class Week:
    """One week with its number of days on which somebody was expected; late, absent: quartiles of their shares, 0 to 1."""

    monday: date
    days: int
    late: tuple[float, float, float]
    absent: tuple[float, float, float]


def days_of(rows: Iterable[DaySheet]) -> list[Day]:
    """Shares of each day on which somebody was expected; today counts as far as it has gone."""
    groups: dict[date, list[DaySheet]] = {}
    for row in rows:
        if row.settled:
            groups.setdefault(row.day, []).append(row)
    return [Day(day, len(own), *_shares(own)) for day, own in sorted(groups.items())]


def _shares(settled: Sequence[DaySheet]) -> tuple[float, float]:
    """The share of late arrivals among those whose punctuality is known, and of absent people among all."""
    on_time, known = punctuality(settled)
    absent = sum(row.status is Status.ABSENT for row in settled)
    return (known - on_time) / (known or 1), absent / (len(settled) or 1)


def weeks(days: Iterable[Day]) -> list[Week]:
    """Days combined by week, oldest first."""
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
        name: empty: people without a department.
        expected: days on which somebody was expected, without those that cannot be judged, summed over people.
        late: share of the arrivals whose punctuality is known, 0 to 1. absent: share of `expected`.
        unsettled: days on which something must be found out first.
    """

    name: str
    people: int
    expected: int
    late: float
    absent: float
    unsettled: int


def by_department(rows: Iterable[DaySheet]) -> list[Department]:
    """Departments in which somebody was expected, the one with the most late arrivals first."""
    groups: dict[str, list[DaySheet]] = {}
    for row in rows:
        if row.expected:
            groups.setdefault(row.department, []).append(row)
    found = []
    for name, own in groups.items():
        settled, people = [row for row in own if row.settled], {row.employee_id for row in own}
        unsettled = sum(row.to_settle for row in own)
        found.append(Department(name, len(people), len(settled), *_shares(settled), unsettled))
    return sorted(found, key=lambda each: (-each.late, each.name.casefold()))
