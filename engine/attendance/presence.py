"""From a person's passages of a day to the times when they were there: first in, last out, breaks, hours. Pure.

A camera sees people come (`in`), go (`out`), or both. A passage of the last kind begins a presence if the person was outside;
otherwise it shows that they were still there. If no camera tells directions apart, the first passage is the arrival, the last is the
departure, and the time in between is presence. A sighting within the cool-down of a passage (`seen`) begins nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Direction = Literal["in", "out", "both"]

SAME_PASSAGE = timedelta(minutes=2)
"""Somebody who left may stay at the door for this long without a camera that sees both ways taking it for an arrival."""
COMING = timedelta(minutes=15)
"""Somebody who came may linger at the door: a sighting this soon after the arrival is no departure."""


@dataclass(frozen=True, order=True)
class Mark:
    """One passage: its time (timezone-aware) and the id of its row in the log or in the corrections.

    Attributes:
        seen: only a sighting soon after a passage, so that it neither begins a presence nor changes sides.
    """

    time: datetime
    event_id: str
    direction: Direction = "both"
    seen: bool = False


@dataclass(frozen=True)
class Reach:
    """How far apart the passages of a working day may be.

    Attributes:
        day: passages later than this after the first arrival are not paired: no day has more hours.
        arrival: an `in` later than this after the last passage begins a new presence, because a departure was missed.
        either: the same for passages that can be either.
    """

    day: timedelta = timedelta(hours=24)
    arrival: timedelta = timedelta(hours=13)
    either: timedelta = timedelta(hours=24)

    def parts(self, mark: Mark, last: datetime) -> bool:
        """Whether a passage of somebody who is inside is a new arrival; `last`: the passage before."""
        return not mark.seen and mark.time - last > (self.arrival if mark.direction == "in" else self.either)


@dataclass(frozen=True)
class TimesInside:
    """When somebody was there on a day.

    Attributes:
        first_in, last_out: the second is not before the first; None if not known.
        spans: times inside whose beginning and end cameras saw, in order.
        open_since: last arrival if it has no departure; None if the last departure is known.
        missing_in: at least one departure has no arrival, or passages are too late to be paired.
        last_stray: the last departure that has no arrival.
        missing_out: an arrival before the last one has no departure.
        last_seen: the last passage of any kind; None without passages.
    """

    first_in: datetime | None = None
    last_out: datetime | None = None
    spans: tuple[tuple[datetime, datetime], ...] = ()
    open_since: datetime | None = None
    missing_in: bool = False
    last_stray: datetime | None = None
    missing_out: bool = False
    last_seen: datetime | None = None

    @property
    def inside_s(self) -> float:
        """Seconds inside, without the breaks that cameras saw."""
        return sum((end - begin).total_seconds() for begin, end in self.spans)

    @property
    def break_s(self) -> float:
        """Seconds outside between leaving and coming back."""
        pairs = zip(self.spans, self.spans[1:], strict=False)
        return sum((later[0] - earlier[1]).total_seconds() for earlier, later in pairs)


def times_inside(marks: Iterable[Mark], reach: Reach | None = None) -> TimesInside:
    """Combine a person's passages, in any order, duplicates included."""
    ordered, reach = sorted(set(marks)), reach or Reach()
    walk = _Walk(reach)
    for mark in ordered:
        if walk.first_in is not None and mark.time - walk.first_in > reach.day:
            walk.too_late |= not mark.seen
            continue
        walk.take(mark)
    open_since = walk.finish()
    spans = tuple((begin, end) for begin, end in walk.spans if end is not None)
    ends = [end for _, end in spans] + walk.strays
    return TimesInside(
        first_in=walk.first_in,
        last_out=max((end for end in ends if walk.first_in is None or end >= walk.first_in), default=None),
        spans=spans,
        open_since=open_since,
        missing_in=bool(walk.strays) or walk.too_late,
        last_stray=max(walk.strays, default=None),
        missing_out=any(end is None for _, end in walk.spans),
        last_seen=ordered[-1].time if ordered else None,
    )


@dataclass(frozen=True)
class Meaning:
    """What a passage counts as.

    Attributes:
        direction: `both`: the person was inside before, and may have left or not.
        away: for an arrival: how long the person was outside since the last departure of the day; None: they were not there before.
    """

    direction: Direction
    away: timedelta | None = None


def meaning(marks: Iterable[Mark], event_id: str, reach: Reach | None = None) -> Meaning | None:
    """What one of a person's passages of a day counts as, as far as it is known at that moment; None: it is not among them."""
    walk = _Walk(reach or Reach())
    for mark in sorted(set(marks)):
        left = walk.spans[-1][1] if walk.spans and walk.since is None else None
        walk.take(mark)
        if mark.event_id != event_id:
            continue
        if mark.direction == "both" and walk.since != mark.time:
            return Meaning("both")
        arrives = mark.direction != "out"
        return Meaning("in" if arrives else "out", mark.time - left if arrives and left is not None else None)
    return None


class _Walk:
    """Follows somebody in and out.

    Attributes:
        first_in: the first arrival.
        since: inside since; None: outside.
        spans: arrivals with their departures; None: missed.
        strays: departures without an arrival.
    """

    def __init__(self, reach: Reach) -> None:
        self.first_in: datetime | None = None
        self.since: datetime | None = None
        self.spans: list[tuple[datetime, datetime | None]] = []
        self.strays: list[datetime] = []
        self.too_late = False
        self._reach = reach
        self._until: datetime | None = None  # certainly still inside at this time
        self._left: datetime | None = None
        self._last: datetime | None = None

    def take(self, mark: Mark) -> None:
        """The next passage."""
        if self.since is None:
            self._outside(mark)
        elif mark.direction == "out":
            self._end(mark.time)
            self._left = mark.time
        elif self._reach.parts(mark, self._last or self.since):
            self._end(self._until if self._until and self._until > self.since else None)
            self._begin(mark.time)
        elif not mark.seen or self._until or mark.time - self.since > COMING:
            self._until = mark.time if mark.direction == "both" else None
        self._last = mark.time

    def _outside(self, mark: Mark) -> None:
        again = self._left is not None and mark.time - self._left <= SAME_PASSAGE
        if mark.seen:
            return
        if mark.direction == "out":
            if not again:
                self.strays.append(mark.time)
            self._left = mark.time
        elif mark.direction == "in" or not again:
            self._begin(mark.time)

    def _begin(self, time: datetime) -> None:
        self.since, self._until = time, None
        self.first_in = self.first_in or time

    def _end(self, time: datetime | None) -> None:
        assert self.since is not None
        self.spans.append((self.since, time))
        self.since = self._until = None

    def finish(self) -> datetime | None:
        """End the last presence with the last passage that can be a departure; return its arrival if there is none."""
        if self.since is not None and self._until is not None and self._until > self.since:
            self._end(self._until)
        return self.since
