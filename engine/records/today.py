"""The moment in figures, for screens that are looked at all day: who came today, who is inside, who is a stranger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.attendance import DaySheet, valid_rows
from engine.records.books import Records
from engine.types import NOBODY, Person


@dataclass(frozen=True)
class Arrival:
    """One punch of today.

    Attributes:
        event_id: of the punch. employee_id, name: who. time: `08:57`, local. camera: where. picture: evidence, relative to the workspace.
        first: the day's first of this person.
        late: it made them late; None: not expected, unknown, or not the first. late_min: by how many minutes, 0 when not late.
    """

    event_id: str
    employee_id: str
    name: str
    time: str
    camera: str
    picture: str
    first: bool
    late: bool | None = None
    late_min: int | None = None


def arrivals(
    records: Records, people: Callable[[], Mapping[str, Person]], now: datetime, limit: int = 20
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
    rows = [row for row in valid_rows(book.log.read(today)) if row.event == "punch"]
    rows = sorted((row for row in rows if row.timestamp.date() == today), key=lambda row: row.timestamp)
    firsts: dict[str, str] = {}
    for row in rows:
        firsts.setdefault(row.employee_id, row.event_id)
    newest = rows[::-1][:limit]
    sheet: dict[str, DaySheet] = {}
    if any(firsts[row.employee_id] == row.event_id for row in newest):
        sheet = {day.employee_id: day for day in book.sheets.on(today, known)}
    found = []
    for row in newest:
        employee_id = row.employee_id
        first = firsts[employee_id] == row.event_id
        day = sheet.get(employee_id) if first else None
        found.append(
            Arrival(
                row.event_id,
                employee_id,
                known.get(employee_id, NOBODY).name,
                f"{row.timestamp:%H:%M}",
                row.camera,
                row.evidence_image,
                first,
                day.late if day else None,
                day.late_min if day else None,
            )
        )
    return len(firsts), found
