"""The moment in figures, for screens that are looked at all day: who came today, who is inside, who is a stranger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.attendance.sheet import valid_rows
from engine.records.books import Records

__all__ = ["Arrival", "arrivals"]


@dataclass(frozen=True)
class Arrival:
    """One punch of today.

    Attributes:
        event_id: of the punch. employee_id, name: who. time: `08:57`, local. camera: where. picture: evidence, relative to the workspace.
        first: the day's first of this person. late_min: how late it made them; None: on time, not expected, or not the first.
        planned: they were expected today.
    """

    event_id: str
    employee_id: str
    name: str
    time: str
    camera: str
    picture: str
    first: bool
    late_min: int | None
    planned: bool


def arrivals(
    records: Records, people: Callable[[], Mapping[str, Mapping[str, str]]], now: datetime, limit: int = 20
) -> tuple[int, list[Arrival]]:
    """How many people came today, and their punches, newest first.

    Args:
        records: the books.
        people: name and department by id.
        now: the present.
        limit: so many punches at most.
    """
    book = records.attendance
    today, known = book.day_of(now), people()
    rows = [row for row in valid_rows(book.log.read(today, today)) if row["event"] == "punch"]
    rows = sorted((row for row in rows if row["timestamp"][:10] == today.isoformat()), key=lambda row: row["timestamp"])
    firsts: dict[str, str] = {}
    for row in rows:
        firsts.setdefault(row["employee_id"], row["event_id"])
    newest = rows[::-1][:limit]
    sheet = {}
    if any(firsts[row["employee_id"]] == row["event_id"] for row in newest):
        sheet = {str(row["employee_id"]): row for row in book.sheet(today, known)}
    found = []
    for row in newest:
        employee_id, day = row["employee_id"], sheet.get(row["employee_id"], {})
        first = firsts[employee_id] == row["event_id"]
        late = str(day.get("late_min") or "") if first else ""
        found.append(
            Arrival(
                row["event_id"],
                employee_id,
                known.get(employee_id, {}).get("name", ""),
                row["timestamp"][11:16],
                row["camera"],
                row["evidence_image"],
                first,
                int(late) if late.isdecimal() and int(late) > 0 else None,
                bool(day.get("planned_in")),
            )
        )
    return len(firsts), found
