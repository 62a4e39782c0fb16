"""Who is inside now: the list that is read out at the assembly point. Pure.

Whoever is not known to have left is on it. Where only cameras are that see both ways, nobody can be known to have left, so everybody
seen on their working day, or in the last six hours, is `possibly inside`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from engine.attendance.corrections import in_force
from engine.attendance.presence import Mark
from engine.attendance.sheet import Book, marks_of, valid_rows

__all__ = ["INSIDE_COLUMNS", "inside_now"]

_LATE = timedelta(hours=6)
"""Whoever was seen so recently is listed though their working day is over: nobody leaves because it strikes midnight."""

INSIDE_COLUMNS = ("employee_id", "name", "department", "state", "since", "last_seen", "camera", "date")


def inside_now(rows: Sequence[Mapping[str, str]], book: Book, now: datetime) -> list[dict[str, object]]:
    """Everybody who may be inside, by department and name.

    Args:
        rows: of the attendance log, of today and the two days before.
        book: people, plan and corrections.
        now: the present; later rows are left out.
    """
    seen: dict[str, list[Mapping[str, str]]] = {}
    for row in valid_rows(rows):
        seen.setdefault(row["employee_id"], []).append(row)
    corrected = {row.employee_id for row in book.corrections}
    found: list[dict[str, object]] = []
    for employee_id in {*seen, *corrected}:
        known = book.people.get(employee_id, {})
        day = book.rota.day_of(now, employee_id, known.get("department", ""))
        begin, _ = book.rota.window(employee_id, known.get("department", ""), day)
        own = [row for row in book.corrections if row.employee_id == employee_id]
        forces = [in_force([row for row in own if row.day == each]) for each in (day - timedelta(days=1), day)]
        removed = {event_id for force in forces for event_id in force.removed}
        cameras = {row["event_id"]: row["camera"] for row in seen.get(employee_id, [])}
        marks = [mark for mark in marks_of(seen.get(employee_id, [])) if mark.event_id not in removed]
        marks += [mark for force in forces for mark in force.added]
        marks = sorted(mark for mark in marks if min(begin, now - _LATE) <= mark.time <= now)
        if not marks or marks[-1].direction == "out":
            continue
        found.append(
            {
                "employee_id": employee_id,
                "name": known.get("name", ""),
                "department": known.get("department", ""),
                "state": "inside" if _came_in(marks) else "possibly inside",
                "since": f"{_since(marks).astimezone(book.zone):%H:%M}",
                "last_seen": f"{marks[-1].time.astimezone(book.zone):%H:%M}",
                "camera": cameras.get(marks[-1].event_id, "corrected by hand"),
                "date": day.isoformat(),
            }
        )
    order = ("department", "name", "employee_id")
    return sorted(found, key=lambda row: [str(row[column]).casefold() for column in order])


def _came_in(marks: Sequence[Mark]) -> bool:
    """The last passage through a camera that tells directions apart was an arrival."""
    told = [mark.direction for mark in marks if mark.direction != "both"]
    return bool(told) and told[-1] == "in"


def _since(marks: Sequence[Mark]) -> datetime:
    """When the present stay began: the first passage after the last departure."""
    begin = marks[0].time
    for before, mark in pairwise(marks):
        if before.direction == "out":
            begin = mark.time
    return begin
