"""Whether somebody is inside right now: one answer for pages, the kiosk, day sheets and the muster list. Pure.

Somebody is `inside` if the last camera that tells directions apart saw them come in, and `outside` if it saw them leave. If only cameras
that look both ways saw them, nobody can know whether they left: the answer is `unsure`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from engine.attendance.corrections import Correction, in_force
from engine.attendance.day import Presence
from engine.attendance.presence import SAME_PASSAGE, Mark

_RECENT = timedelta(hours=6)
"""Passages of the previous working day count for this long, because nobody leaves at midnight on the dot."""


@dataclass(frozen=True)
class CurrentStay:
    """Somebody is inside, or may be (`unsure`), since the first passage after the last departure; `last`: the last passage."""

    presence: Presence
    since: datetime
    last: Mark


def current_stay(
    marks: Iterable[Mark], corrections: Sequence[Correction], day: date, begin: datetime, now: datetime
) -> CurrentStay | None:
    """Whether somebody is inside now; None: no.

    Args:
        marks: their recorded passages of the working day and of the day before.
        corrections: theirs, of both days.
        now: the present; later passages are left out.
    """
    forces = [in_force([row for row in corrections if row.day == each]) for each in (day - timedelta(days=1), day)]
    removed = {event_id for force in forces for event_id in force.removed}
    own = [mark for mark in marks if mark.event_id not in removed] + [mark for force in forces for mark in force.added]
    recent = _passages(sorted(mark for mark in set(own) if min(begin, now - _RECENT) <= mark.time <= now))
    if not recent or recent[-1].direction == "out":
        return None
    directed = [mark.direction for mark in recent if mark.direction != "both"]
    since = recent[0].time
    for before, mark in pairwise(recent):
        if before.direction == "out":
            since = mark.time
    return CurrentStay(Presence.INSIDE if directed and directed[-1] == "in" else Presence.UNSURE, since, recent[-1])


def _passages(marks: Sequence[Mark]) -> list[Mark]:
    """Leave out passages right after a departure: people may stay at the door for a moment without coming back."""
    passages: list[Mark] = []
    left: datetime | None = None
    for mark in marks:
        if mark.direction == "out":
            left = mark.time
        if mark.direction != "both" or left is None or mark.time - left > SAME_PASSAGE:
            passages.append(mark)
    return passages
