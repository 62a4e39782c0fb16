"""What leave makes of a planned day: what is left to work, what is credited, and what the sheet says about it. Pure.

Of a half day the other half is expected. It lasts for the hours that leave does not take: at the end of the shift after a free morning, at
its beginning before a free afternoon. If nobody said which half is free, the person may come and go at any time: nobody is late or early.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from engine.attendance.day import AWAY_STATUSES, Status, credit, decided, remainder
from engine.attendance.explain import Part
from engine.attendance.rota import Planned, fixed
from engine.config import Away, AwayPart
from engine.words import N_

_QUIET = {"annual", "sick", "remote", ""}
"""Kinds that the status says already."""


def rest_of(planned: Planned, away: Away, zone: ZoneInfo) -> Planned:
    """The part of a shift that leave does not take; the whole shift if it is not known which half is free.

    Args:
        zone: of the workplace: clocks may change between the part that is free and the other.
    """
    hours = planned.hours * (1 - away.share)
    pause = planned.config.break_min / 60 if hours > planned.config.break_after_h else 0.0
    length = timedelta(hours=hours + pause)
    if away.half == "morning":
        for part in reversed(planned.parts):
            if length <= part.end - part.start:
                return replace(planned, start=fixed(part.end - length, zone))
            length -= part.end - part.start
    if away.half == "afternoon":
        for part in planned.parts:
            if length <= part.end - part.start:
                return replace(planned, end=fixed(part.start + length, zone))
            length -= part.end - part.start
    return planned


def in_force(away: Away | None, corrected: str) -> Away | None:
    """Leave after corrections; `corrected`: the status that a correction sets, may be empty."""
    if corrected == Status.EXCUSED:
        return None
    if corrected in AWAY_STATUSES:
        return Away((AwayPart("", corrected, corrected),))
    return None if corrected and away and away.whole else away


def asked_for(full: timedelta | None, away: Away | None) -> timedelta | None:
    """The working time that the plan asks for: without leave that is not planned at all; None: none."""
    if full is None or away is None:
        return full
    asked = full * (1 - away.shares("unplanned"))
    return asked if asked > timedelta(minutes=1) else None


def credited(
    status: Status, full: timedelta | None, worked: timedelta | None, away: Away | None, *, complete: bool = True
) -> timedelta:
    """Planned time that need not be worked.

    Hours worked on a whole day of leave count instead of the credit, first of all for what is not credited. The credit of half a day
    stays, whatever is worked in the other half.

    Args:
        full: planned time of the day without leave.
        complete: see `decided`.
    """
    if away is None or full is None:
        return credit(status, full, worked, complete=complete)
    leave = full * away.shares("full")
    if away.whole:
        return min(leave, remainder(asked_for(full, away) or timedelta(), worked))
    if decided(status, complete=complete):
        return leave
    return leave + remainder(full * (1 - away.share), worked)


def notes(away: Away | None) -> tuple[Part, ...]:
    """What the sheet notes about leave: halves, and kinds that the status does not tell."""
    if away is None:
        return ()
    found = []
    for part in away.parts:
        if part.half:
            morning, afternoon = N_("leave in the morning: {leave}"), N_("leave in the afternoon: {leave}")
            text = morning if part.half == "morning" else afternoon
            found.append(Part(text, {"leave": part.name}))
        elif part.share < 0.999:
            found.append(
                Part("leave for {share} of the day: {leave}", {"share": f"{part.share:g}", "leave": part.name})
            )
        elif part.kind not in _QUIET:
            found.append(Part("{leave}", {"leave": part.name}))
    return tuple(found)
