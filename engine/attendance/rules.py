"""The event that a recognised face becomes in the attendance log: one rule for recording and for the replay of past decisions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

_SAME = timedelta(seconds=10)
"""Sightings closer than this are one passage: a face is lost for a moment while somebody walks by."""


def event_for(
    time: datetime,
    cool_down: timedelta,
    *,
    punches: Collection[datetime],
    seen: Collection[datetime] = (),
    doubts: Collection[datetime] = (),
    arrival: bool = True,
    certain: bool = True,
    changes: bool = False,
) -> Literal["punch", "seen", "unidentified"] | None:
    """The kind of row to write; None: none, because another row is too close in time.

    Args:
        cool_down: rows at least this far from the sighting do not matter.
        punches, seen, doubts: times of the person's rows in the same direction, by kind; a doubt is an `unidentified` row.
        arrival: whether a presence begins; if not, the sighting is a punch only if there is no other.
        changes: the last camera that tells directions apart saw the person go the other way. This is never left out: in, out and in
            again within a minute leave the person inside.
    """

    def clear_of(times: Collection[datetime], by: timedelta = cool_down) -> bool:
        # abs(): after a step of the clock, a sighting may be earlier than existing rows
        return all(abs(time - other) >= by for other in times)

    if not certain:
        return "unidentified" if clear_of([*punches, *seen, *doubts]) else None
    if arrival and (changes or clear_of(punches)):
        return "punch"
    if not punches:
        return "punch"
    # the last of them is when somebody really left, and nobody knows yet that it is the last
    rows = [*punches, *seen]
    return "seen" if time > max(rows) and clear_of(rows, min(_SAME, cool_down)) else None
