"""From a person's passages of a day to the times when they were there: first in, last out, breaks, hours. Pure.

A camera sees people come (`in`), go (`out`), or both. A passage of the last kind begins a presence if the person was outside;
otherwise it shows that they were still there. If no camera tells directions apart, the first passage is the arrival, the last is the
departure, and the time in between is presence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Direction = Literal["in", "out", "both"]

SAME_PASSAGE = timedelta(minutes=2)
"""Somebody who left may stay at the door for this long without a camera that sees both ways taking it for an arrival."""


@dataclass(frozen=True, order=True)
class Mark:
    """One passage: its time (timezone-aware) and the id of its row in the log or in the corrections."""

    time: datetime
    event_id: str
    direction: Direction = "both"


@dataclass(frozen=True)
class TimesInside:
    """When somebody was there on a day.

    Attributes:
        first_in, last_out: the second is not before the first; None if not known.
        spans: times inside whose beginning and end cameras saw, in order.
        open_since: arrival without a departure; None if the last departure is known.
        missing_in: at least one departure has no arrival.
        last_seen: the last passage of any kind; None without passages.
    """

    first_in: datetime | None = None
    last_out: datetime | None = None
    spans: tuple[tuple[datetime, datetime], ...] = ()
    open_since: datetime | None = None
    missing_in: bool = False
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


def times_inside(marks: Iterable[Mark]) -> TimesInside:
    """Combine a person's passages, in any order, duplicates included."""
    ordered = sorted(set(marks))
    spans: list[tuple[datetime, datetime]] = []
    since: datetime | None = None  # inside since
    until: datetime | None = None  # certainly still inside at this time
    left: datetime | None = None
    strays: list[datetime] = []  # departures without an arrival
    for mark in ordered:
        if mark.direction == "out":
            if since is not None:
                spans.append((since, mark.time))
            elif left is None or mark.time - left > SAME_PASSAGE:
                strays.append(mark.time)
            since, until, left = None, None, mark.time
        elif since is not None:
            until = mark.time if mark.direction == "both" else None
        elif mark.direction == "in" or left is None or mark.time - left > SAME_PASSAGE:
            since, until = mark.time, None
    open_since = since
    if since is not None and until is not None and until > since:
        spans.append((since, until))
        open_since = None
    first_in = min([begin for begin, _ in spans] + ([open_since] if open_since else []), default=None)
    ends = [end for _, end in spans] + strays
    return TimesInside(
        first_in=first_in,
        last_out=max((end for end in ends if first_in is None or end >= first_in), default=None),
        spans=tuple(spans),
        open_since=open_since,
        missing_in=bool(strays),
        last_seen=ordered[-1].time if ordered else None,
    )
