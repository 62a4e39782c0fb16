"""When people come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from engine.attendance import DaySheet


def arrivals(rows: Iterable[DaySheet]) -> list[DaySheet]:
    """Days with a certain arrival, without those on which cameras may have missed it."""
    return [row for row in rows if row.arrival is not None]


def punctuality(rows: Iterable[DaySheet]) -> tuple[int, int]:
    """The number of arrivals on time, and of those whose punctuality is known."""
    known = [row.late for row in rows if row.late is not None]
    return len(known) - sum(known), len(known)


def minute_of_day(time: datetime) -> float:
    """A moment as minutes after its own local midnight."""
    return time.hour * 60 + time.minute + time.second / 60


def quarters(found: Iterable[DaySheet]) -> dict[tuple[int, int], int]:
    """Number of arrivals by weekday (0 Monday) and quarter hour of the day (0 to 95)."""
    return dict(Counter((row.day.weekday(), int(minute_of_day(row.arrival) // 15)) for row in found if row.arrival))


def starts(rows: Iterable[DaySheet]) -> dict[str, float]:
    """The most frequent planned start of each shift, in minutes of the day."""
    counted: dict[str, Counter[float]] = {}
    for row in rows:
        if row.planned_in is not None:
            counted.setdefault(row.shift, Counter())[minute_of_day(row.planned_in)] += 1
    return {shift: count.most_common(1)[0][0] for shift, count in counted.items()}
