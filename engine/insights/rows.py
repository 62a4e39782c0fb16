"""Reading cells of day sheets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from engine.attendance.sheet import Status

__all__ = ["HERE", "UNSETTLED", "Row", "came_late", "clock", "minutes_late", "text"]

Row = Mapping[str, object]
_LATE = {Status.LATE, Status.LATE_AND_EARLY}
HERE = frozenset({Status.ON_TIME, Status.LATE, Status.LEFT_EARLY, Status.LATE_AND_EARLY, Status.PRESENT, Status.INSIDE,
         Status.MISSING_IN, Status.MISSING_OUT})  # fmt: skip
"""Statuses of people who came."""
UNSETTLED = frozenset({Status.NOT_COVERED, Status.NOT_IDENTIFIED})
"""Nothing can be said."""
_LATE_NOTE = "late by "  # of rows whose status says something more pressing, see `engine.attendance.sheet`
_DAY_MIN = 1440


def text(row: Row, column: str) -> str:
    """A cell as text."""
    value = row.get(column, "")
    return "" if value is None else str(value)


def clock(cell: str) -> float | None:
    """A local time of day in minutes after midnight."""
    try:
        at = time.fromisoformat(cell)
    except ValueError:
        return None
    return at.hour * 60 + at.minute + at.second / 60


def _gap(later: float, earlier: float) -> float:
    """Minutes from one time of day to another, the short way round."""
    return (later - earlier + _DAY_MIN / 2) % _DAY_MIN - _DAY_MIN / 2


def came_late(row: Row) -> bool:
    """Came later than the grace allows; of who is still inside, or did not check out, too."""
    if text(row, "status") in _LATE:
        return True
    open_ = text(row, "status") in {Status.INSIDE, Status.MISSING_OUT, Status.MISSING_IN}
    return open_ and any(part.startswith(_LATE_NOTE) for part in text(row, "note").split("; "))


def minutes_late(row: Row) -> float | None:
    """Minutes from the planned start to the arrival, negative before it; None: no plan, or no arrival."""
    came, planned = clock(text(row, "first_in")), clock(text(row, "planned_in"))
    return None if came is None or planned is None else _gap(came, planned)
