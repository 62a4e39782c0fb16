"""From passages to working days and times inside, as the prose tells it. Nothing here comes from the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.attendance.independent_plan import DAY, HOUR, MINUTE, Span


@dataclass(frozen=True)
class Mark:
    """A passage."""

    time: datetime
    key: str
    direction: str
    seen: bool = False


@dataclass
class Door:
    """Inside or outside, as the second rule of the working day tells."""

    shorter: timedelta
    longer: timedelta
    inside: bool = False
    arrival: datetime | None = None
    left: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None

    def step(self, mark: Mark) -> None:
        at = mark.time
        self.first, self.last = self.first or at, at
        if mark.direction == "out":
            self.inside, self.left = False, at
        elif mark.seen:
            return
        elif mark.direction == "in":
            self.inside, self.arrival = True, at
        elif self.inside:
            if at - self.arrival > self.shorter:
                self.arrival = at
            else:
                self.inside, self.left = False, at
        elif self.left is None or at - self.left > 2 * MINUTE:
            self.inside, self.arrival = True, at

    def goes_on(self, mark: Mark, shift_after: bool) -> bool:
        """Whether a passage after the boundary continues the day."""
        if self.last is None:
            return False
        at = mark.time
        if mark.seen and at - self.last <= HOUR:
            return True
        if mark.direction == "out":
            return self.inside and at - self.arrival <= self.longer
        at_the_door = mark.direction == "both" and not self.inside and self.left and at - self.left <= 2 * MINUTE
        if at_the_door or shift_after:
            return bool(at_the_door)
        if mark.direction == "both" and self.inside:
            return at - self.arrival <= self.shorter
        return at - self.last < 4 * HOUR and at - self.first <= DAY


class Stay:
    """What a day's passages come to: follows somebody in and out.

    Args:
        shorter, longer: time without a passage after which somebody who comes has left unseen; most hours of a day.
        has_shift: a camera that sees both ways shows no new arrival on a day with a shift.
    """

    def __init__(self, marks: Sequence[Mark], shorter: timedelta, longer: timedelta, *, has_shift: bool) -> None:
        self.pairs: list[Span] = []
        self.strays: list[datetime] = []
        self.missing_in = False
        self.missing_out = bool(marks) and all(mark.seen for mark in marks)
        self._begin: datetime | None = None
        self._end: datetime | None = None
        self._left: datetime | None = None
        first: datetime | None = None
        before: datetime | None = None
        for mark in marks:
            if first and mark.time - first > longer:
                self.missing_in |= not mark.seen
                continue
            new = before is not None and mark.time - before > shorter and (mark.direction == "in" or not has_shift)
            (self._sighting if mark.seen else self._out if mark.direction == "out" else self._come)(mark, new)
            first, before = first or self._begin, mark.time
        inside = self._begin is not None
        if self._begin and self._end:
            inside = False
            self.pairs.append((self._begin, self._end))
        self.missing_out |= inside
        punch = next((mark for mark in marks if not mark.seen), None)
        self.arrival = punch.time if punch and punch.direction != "out" else None
        ends = [*(until for _, until in self.pairs), *self.strays]
        self.departure = None if inside else max(ends, default=None)

    def _leave(self, at: datetime) -> None:
        assert self._begin
        self.pairs.append((self._begin, at))
        self._begin, self._end, self._left = None, None, at

    def _sighting(self, mark: Mark, _: bool) -> None:
        if self._begin and mark.direction == "out":
            self._leave(mark.time)
        elif self._begin and mark.direction == "both" and (self._end or mark.time - self._begin > 15 * MINUTE):
            self._end = mark.time

    def _out(self, mark: Mark, _: bool) -> None:
        if self._begin:
            self._leave(mark.time)
        elif not self._at_the_door(mark):
            self.missing_in = True
            self.strays.append(mark.time)
        self._left = mark.time

    def _come(self, mark: Mark, new: bool) -> None:
        if self._begin is None:
            if mark.direction == "in" or not self._at_the_door(mark):
                self._begin, self._end = mark.time, None
        elif new:
            if self._end:
                self.pairs.append((self._begin, self._end))
            else:
                self.missing_out = True
            self._begin, self._end = mark.time, None
        else:
            self._end = mark.time if mark.direction == "both" else None

    def _at_the_door(self, mark: Mark) -> bool:
        return self._left is not None and mark.time - self._left <= 2 * MINUTE
