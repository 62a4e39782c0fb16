"""What the law says of working time, and where days and weeks go beyond it: warnings, no judgement.

Rules of `[attendance] working_time`: the EU's directive 2003/88/EC, and what Germany (ArbZG) and Austria (AZG) say beyond it. They do not
know agreements that allow more, nor work elsewhere. Hours are those of the day sheet, so breaks count as it deducts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Literal

from engine.attendance.day import DaySheet
from engine.attendance.explain import Part

Kind = Literal["rest", "day", "break", "week"]
_HOUR = timedelta(hours=1)
_WORKDAYS = 5


@dataclass(frozen=True)
class WorkingTimeRules:
    """What a law allows.

    Attributes:
        rest: shortest time between two working days.
        day: longest work on a day; None: it does not say.
        week: longest work in a week, in the mean over `weeks`.
        breaks: from how much work on, how long breaks must be together; longest work first.
    """

    rest: timedelta
    day: timedelta | None
    week: timedelta
    weeks: int
    breaks: tuple[tuple[timedelta, timedelta], ...] = ()


RULES: Mapping[str, WorkingTimeRules] = {
    "eu": WorkingTimeRules(11 * _HOUR, None, 48 * _HOUR, 17),
    "de": WorkingTimeRules(
        11 * _HOUR,
        10 * _HOUR,
        48 * _HOUR,
        24,
        ((9 * _HOUR, timedelta(minutes=45)), (6 * _HOUR, timedelta(minutes=30))),
    ),
    "at": WorkingTimeRules(11 * _HOUR, 12 * _HOUR, 48 * _HOUR, 17, ((6 * _HOUR, timedelta(minutes=30)),)),
}
"""By the word in the settings."""


@dataclass(frozen=True)
class WorkWarning:
    """A day, or the weeks up to it, that went beyond the rules.

    Attributes:
        found, limit: hours that were worked, rested or paused, and what the rules say.
    """

    employee_id: str
    name: str
    department: str
    day: date
    kind: Kind
    found: timedelta
    limit: timedelta

    @property
    def part(self) -> Part:
        """The warning as a note."""
        return Part(_TEXTS[self.kind], {"found": spelt(self.found), "limit": spelt(self.limit)})


_TEXTS: Mapping[Kind, str] = {
    "rest": Part("rest of {found} h before the day, at least {limit} h").text,
    "day": Part("worked {found} h, at most {limit} h").text,
    "break": Part("breaks of {found} h, at least {limit} h").text,
    "week": Part("{found} h a week in the mean, at most {limit} h").text,
}


def spelt(time: timedelta) -> str:
    """Such as `10:30`."""
    minutes = int(time.total_seconds() // 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def day_warnings(rows: Iterable[DaySheet], rules: WorkingTimeRules) -> list[WorkWarning]:
    """Warnings of days: rest before them, their hours and their breaks. For the rest before the first day, give the day before it, too."""
    found: list[WorkWarning] = []
    for own in _by_person(rows).values():
        before: DaySheet | None = None
        for row in own:
            if not row.present:
                continue
            found += _of_day(row, rules)
            if before is not None and before.last_out is not None and row.first_in is not None:
                # not wall times: between two days the clock may have been put on or back
                rest = row.first_in.astimezone(UTC) - before.last_out.astimezone(UTC)
                if timedelta() <= rest < rules.rest:
                    found.append(_warning(row, "rest", rest, rules.rest))
            before = row
    return sorted(found, key=lambda each: (each.day, each.employee_id, each.kind))


def _of_day(row: DaySheet, rules: WorkingTimeRules) -> list[WorkWarning]:
    if row.worked is None:
        return []
    found = [_warning(row, "day", row.worked, rules.day)] if rules.day is not None and row.worked > rules.day else []
    needed = next((long for above, long in rules.breaks if row.worked > above), timedelta())
    paused = max(row.breaks or timedelta(), (row.stayed or row.worked) - row.worked)
    if paused < needed:
        found.append(_warning(row, "break", paused, needed))
    return found


def week_warnings(rows: Sequence[DaySheet], rules: WorkingTimeRules, last: date) -> list[WorkWarning]:
    """Warnings of the weeks up to a day, which closes the reference period; days of leave and remote work are left out.

    Args:
        rows: of the reference period; of somebody who began later, the mean is over the weeks since then.
    """
    first = last - timedelta(weeks=rules.weeks) + timedelta(days=1)
    found = []
    for own in _by_person(row for row in rows if first <= row.day <= last).values():
        worked = [row for row in own if row.worked is not None]
        if not worked:
            continue
        begin = max(first, worked[0].day - timedelta(days=worked[0].day.weekday()))
        weeks = ((last - begin).days + 1) / 7 - sum(row.leave_days for row in own if row.day >= begin) / _WORKDAYS
        mean = sum((row.worked for row in worked if row.worked is not None), timedelta()) / max(1.0, weeks)
        if mean > rules.week:
            found.append(_warning(replace(worked[-1], day=last), "week", mean, rules.week))
    return found


def _by_person(rows: Iterable[DaySheet]) -> dict[str, list[DaySheet]]:
    found: dict[str, list[DaySheet]] = {}
    for row in sorted(rows, key=lambda each: each.day):
        found.setdefault(row.employee_id, []).append(row)
    return found


def _warning(row: DaySheet, kind: Kind, found: timedelta, limit: timedelta) -> WorkWarning:
    return WorkWarning(row.employee_id, row.name, row.department, row.day, kind, found, limit)
