"""What a recognised face becomes in the attendance log: one rule for the book that writes, and for the replay of past decisions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal


def event_for(
    time: datetime,
    cool_down: timedelta,
    *,
    punches: Collection[datetime],
    seen: Collection[datetime] = (),
    doubts: Collection[datetime] = (),
    arrival: bool = True,
    certain: bool = True,
) -> Literal["punch", "seen", "unidentified"] | None:
    """The kind of row to write; None: nothing, because another row is too near in time.

    Args:
        cool_down: a row at least so long before or after the sighting does not stand in its way.
        punches, seen, doubts: times of the person's rows in the same direction, by kind; a doubt is an `unidentified` row.
        arrival: whether a presence begins; if not, the sighting is a punch only for want of another one.
    """

    def clear_of(times: Collection[datetime]) -> bool:
        # abs(): after a step of the clock a sighting may lie before the rows that are there
        return all(abs(time - other) >= cool_down for other in times)

    if not certain:
        return "unidentified" if clear_of([*punches, *seen, *doubts]) else None
    if clear_of(punches) and (arrival or not punches):
        return "punch"
    return "seen" if clear_of(seen) and any(time > other for other in punches) else None
