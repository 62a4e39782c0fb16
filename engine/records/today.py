"""Who came today, for screens that people look at all day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.attendance import DaySheet, valid_rows
from engine.records.books import Records
from engine.types import NOBODY


@dataclass(frozen=True)
class Arrival:
    """A punch of today.

    Attributes:
        time: local, such as `08:57`.
        picture: evidence, relative to the workspace.
        first: whether it is the person's first punch of the day.
        late: whether the person was late; None if not expected, unknown, or not the first punch.
        late_min: minutes after the planned start, 0 if not late.
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


def arrivals(records: Records, now: datetime, limit: int = 20) -> tuple[int, list[Arrival]]:
    """Return how many people came today, and their latest punches, newest first, at most `limit`."""
    book = records.attendance
    today, known = book.day_of(now), records.people.known()
    rows = [row for row in valid_rows(book.log.read(today)) if row.event == "punch"]
    rows = sorted((row for row in rows if row.timestamp.date() == today), key=lambda row: row.timestamp)
    firsts: dict[str, str] = {}
    for row in rows:
        if row.direction != "out":  # whoever leaves after midnight has not come today
            firsts.setdefault(row.employee_id, row.event_id)
    newest = rows[::-1][:limit]
    sheet: dict[str, DaySheet] = {}
    if any(firsts.get(row.employee_id) == row.event_id for row in newest):
        sheet = {day.employee_id: day for day in book.sheets.on(today, known)}
    found = []
    for row in newest:
        first = firsts.get(row.employee_id) == row.event_id
        name = known.get(row.employee_id, NOBODY).name
        day = sheet.get(row.employee_id) if first else None
        late = (day.late, day.late_min) if day else (None, None)
        place = (row.camera, row.evidence_image, first)
        found.append(Arrival(row.event_id, row.employee_id, name, f"{row.timestamp:%H:%M}", *place, *late))
    return len(firsts), found
