"""When people come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from engine.attendance.sheet import Status
from engine.insights.rows import Row, came_late, clock, minutes_late, text

__all__ = ["Arrival", "arrivals", "quarters", "starts"]


@dataclass(frozen=True)
class Arrival:
    """Somebody came.

    Attributes:
        employee_id, name, department, day: who and when.
        minute: of the day, local. late_min: after the planned start, negative before; None: without a plan.
        late: later than the grace allows.
    """

    employee_id: str
    name: str
    department: str
    day: date
    minute: float
    late_min: float | None
    late: bool


def arrivals(rows: Iterable[Row]) -> list[Arrival]:
    """First arrivals, in the order of the rows; left out are days on which the real one may have been missed."""
    found = []
    for row in rows:
        minute = clock(text(row, "first_in"))
        if minute is not None and text(row, "status") not in {Status.NOT_COVERED, Status.MISSING_IN}:
            found.append(
                Arrival(
                    text(row, "employee_id"), text(row, "name") or text(row, "employee_id"), text(row, "department"),
                    date.fromisoformat(text(row, "date")), minute, minutes_late(row), came_late(row),
                )
            )  # fmt: skip
    return found


def quarters(found: Iterable[Arrival]) -> dict[tuple[int, int], int]:
    """How many came, by weekday (0 Monday) and quarter hour of the day (0 to 95)."""
    return dict(Counter((arrival.day.weekday(), int(arrival.minute // 15)) for arrival in found))


def starts(rows: Iterable[Row]) -> dict[str, float]:
    """Planned starts in minutes of the day, by shift, as most rows have them."""
    counted: dict[str, Counter[float]] = {}
    for row in rows:
        if (minute := clock(text(row, "planned_in"))) is not None:
            counted.setdefault(text(row, "shift"), Counter())[minute] += 1
    return {shift: count.most_common(1)[0][0] for shift, count in counted.items()}
