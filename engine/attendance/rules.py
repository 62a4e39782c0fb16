"""The event that a recognised face becomes in the attendance log: one rule for recording and for the replay of past decisions."""

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
    """The kind of row to write; None: none, because another row is too close in time.

    Args:
        cool_down: rows at least this far from the sighting do not matter.
        punches, seen, doubts: times of the person's rows in the same direction, by kind; a doubt is an `unidentified` row.
        arrival: whether a presence begins; if not, the sighting is a punch only if there is no other.
    """

    def clear_of(times: Collection[datetime]) -> bool:
        # abs(): after a step of the clock, a sighting may be earlier than existing rows
        return all(abs(time - other) >= cool_down for other in times)

    if not certain:
        return "unidentified" if clear_of([*punches, *seen, *doubts]) else None
    if clear_of(punches) and (arrival or not punches):
        return "punch"
    return "seen" if clear_of(seen) and any(time > other for other in punches) else None
