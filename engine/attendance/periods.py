"""Which working day each passage of a person belongs to: that of the nearest plausible working period. Pure.

The plan cuts a person's time into windows, see `Rota.begins`. Whoever is inside at such a boundary has not begun a new day: passages
that continue the presence still belong to the day before. Corrections belong to the day that they name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from operator import attrgetter

from engine.attendance.corrections import Correction, InForce, in_force
from engine.attendance.presence import SAME_PASSAGE, Mark, Reach
from engine.attendance.rota import Planned, Rota
from engine.attendance.rows import PunchRow

BEFORE, AFTER = timedelta(days=3), timedelta(days=2)
"""Days of the logs around a working day that matter to it: see `engine.attendance.log.near`."""
_DAY = timedelta(days=1)
_LONGEST = timedelta(hours=24)
_OVER = timedelta(hours=4)
"""Time around a long shift that still belongs to its day."""
_BREAK = timedelta(hours=4)
"""Whoever comes back within this time after a boundary was on a break."""
_SEEN = timedelta(hours=1)
_ORDER = attrgetter("timestamp", "event_id")


def reach(planned: Planned | None, longest_day_h: float) -> Reach:
    """How far apart the passages of a working day may be, by its shift; None: it has none."""
    longest = timedelta(hours=longest_day_h)
    if planned is None:
        return Reach(_LONGEST, longest, longest)
    shift = planned.end - planned.start + _OVER
    return Reach(max(_LONGEST, shift), max(longest, shift), max(_LONGEST, shift))


def forces(corrections: Iterable[Correction], *, approved: bool = False) -> dict[date, InForce]:
    """The corrections of one person that are in force, by day; `approved`: without those that nobody has approved."""
    by_day: dict[date, list[Correction]] = {}
    for row in corrections:
        by_day.setdefault(row.day, []).append(row)
    return {day: in_force(rows, approved=approved) for day, rows in by_day.items()}


class Periods:
    """The passages of one person by working day.

    Args:
        rows: passages that are not taken back, in any order; for the sheet of a day those from `BEFORE` to `AFTER` around it matter.
        corrected: corrections in force, by day; they matter from two days before to one day after.
    """

    def __init__(
        self,
        rota: Rota,
        employee_id: str,
        department: str,
        rows: Iterable[PunchRow],
        corrected: Mapping[date, InForce],
        longest_day_h: float,
    ) -> None:
        self._rota, self._who, self._longest_h = rota, (employee_id, department), longest_day_h
        self._corrected = corrected
        removed = {event_id: day for day, force in corrected.items() for event_id in force.removed}
        self._removed: dict[date, list[PunchRow]] = {}
        self._rows: list[PunchRow] = []
        for row in sorted(rows, key=_ORDER):
            if row.event_id in removed:
                self._removed.setdefault(removed[row.event_id], []).append(row)
            else:
                self._rows.append(row)
        self._times = [row.timestamp for row in self._rows]
        self._first: dict[date, int] = {}
        self._known: dict[tuple[date, int], frozenset[str]] = {}

    def on(self, day: date) -> list[PunchRow]:
        """The passages of a working day in order of time, those that a correction of this day removes included."""
        gone, come = self._continued(day), self._continued(day + _DAY)
        rows = [row for row in self._within(day) if row.event_id not in gone]
        if come:
            rows += [row for row in self._within(day + _DAY) if row.event_id in come]
        if removed := self._removed.get(day):
            rows = sorted([*rows, *removed], key=_ORDER)
        return rows

    def marks(self, day: date) -> list[Mark]:
        """The passages of a working day that count, added ones included, in order of time."""
        force = self._corrected.get(day, InForce())
        return sorted([*(row.mark for row in self.on(day) if row.event_id not in force.removed), *force.added])

    def day_of(self, row: PunchRow) -> date:
        """The working day of one of the rows."""
        removed = next((day for day, rows in self._removed.items() if row in rows), None)
        if removed is not None:
            return removed
        day = self._rota.day_of(row.timestamp, *self._who)
        return day - _DAY if row.event_id in self._continued(day) else day

    def end(self, day: date) -> datetime:
        """When a working day is over for this person: at the boundary, or later if they are still inside then."""
        following = day + _DAY
        boundary, until = self._rota.begins(*self._who, following), None
        come, later = self._continued(following), self._within(following)
        if len(come) == len(later) and not self._added(following):
            presence = self._presence(day, 2)
            for row in later:
                presence.take(row.mark)
            until = presence.until(free=self._free(following))
        return max(boundary, until) if until else boundary

    def _within(self, day: date) -> list[PunchRow]:
        """Rows between the boundaries of a day."""
        return self._rows[self._index(day) : self._index(day + _DAY)]

    def _index(self, day: date) -> int:
        if day not in self._first:
            self._first[day] = bisect_left(self._times, self._rota.begins(*self._who, day))
        return self._first[day]

    def _free(self, day: date) -> bool:
        return not self._rota.shift(*self._who, day)

    def _added(self, day: date) -> tuple[Mark, ...]:
        force = self._corrected.get(day)
        return force.added if force else ()

    def _reach(self, day: date) -> Reach:
        return reach(self._rota.planned(*self._who, day), self._longest_h)

    def _continued(self, day: date, boundaries: int = 2) -> frozenset[str]:
        """Ids of the rows after the boundary before `day` that continue the day before it.

        Args:
            boundaries: number of boundaries to look at: this one and those before it.
        """
        rows = self._within(day)
        if not boundaries or not rows or self._begins_anew(rows[0], day):
            return frozenset()
        if (day, boundaries) not in self._known:
            self._known[day, boundaries] = frozenset(self._found(rows, day, boundaries))
        return self._known[day, boundaries]

    def _begins_anew(self, row: PunchRow, day: date) -> bool:
        """Whether the first passage of a day is too far from the one before to continue anything; quick, for most days."""
        if row.direction == "out" or row.event == "seen":
            return False
        at = self._index(day)
        before = [self._times[at - 1]] if at else []
        before += [mark.time for mark in self._added(day - _DAY)]
        longest = self._reach(day - _DAY).arrival if self._free(day) else SAME_PASSAGE
        return all(row.timestamp - time > max(longest, _BREAK if self._free(day) else longest) for time in before)

    def _presence(self, day: date, boundaries: int) -> _Presence:
        """Who is inside at the end of a day's window."""
        earlier = self._continued(day, boundaries - 1)
        own = [row.mark for row in self._within(day) if row.event_id not in earlier]
        presence = _Presence(self._reach(day))
        for mark in sorted([*own, *self._added(day)]):
            presence.take(mark)
        return presence

    def _found(self, rows: Iterable[PunchRow], day: date, boundaries: int) -> Iterator[str]:
        presence, free = self._presence(day - _DAY, boundaries), self._free(day)
        begins = min((mark.time for mark in self._added(day)), default=None)
        for row in rows:
            if (begins is not None and begins <= row.timestamp) or not presence.continued_by(row.mark, free=free):
                return
            presence.take(row.mark)
            yield row.event_id


class _Presence:
    """Whether somebody is inside, passage by passage."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._since: datetime | None = None
        self._left: datetime | None = None
        self._sure = False  # the arrival was seen by a camera that tells directions apart

    def take(self, mark: Mark) -> None:
        """The next passage."""
        self._first, self._last = self._first or mark.time, mark.time
        if mark.direction == "out":
            self._since, self._left = None, mark.time
        elif mark.seen:
            return
        elif mark.direction == "in" or self._arrives(mark.time):
            self._since, self._sure = mark.time, mark.direction == "in"
        elif self._since is not None:
            self._since, self._left = None, mark.time

    def _arrives(self, time: datetime) -> bool:
        """Whether a passage that can be either is an arrival."""
        if self._since is not None:
            return time - self._since > self._reach.arrival
        return not self._at_the_door(time)

    def _at_the_door(self, time: datetime) -> bool:
        return self._left is not None and time - self._left <= SAME_PASSAGE

    def continued_by(self, mark: Mark, *, free: bool) -> bool:
        """Whether a passage after the boundary continues the day before it; `free`: the day after the boundary has no shift."""
        if mark.seen and self._last is not None and mark.time - self._last <= _SEEN:
            return True
        if mark.direction == "out":
            return self._since is not None and mark.time - self._since <= self._reach.day
        if mark.direction == "both" and self._at_the_door(mark.time):
            return True
        if not free or self._first is None or self._last is None:
            return False
        if mark.direction == "both" and self._since is not None:
            return mark.time - self._since <= self._reach.arrival
        return mark.time - self._last < _BREAK and mark.time - self._first <= _LONGEST

    def until(self, *, free: bool) -> datetime | None:
        """The moment until which the person may be inside without a new passage; None: they are not."""
        return self._since + self._reach.arrival if self._since is not None and (free or self._sure) else None
