"""Who is inside now: the list that is read out at the assembly point. Pure.

It names everybody who is not known to have left; `engine.attendance.stay` decides that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.attendance.corrections import Correction
from engine.attendance.day import Presence
from engine.attendance.periods import Periods, forces
from engine.attendance.rows import PunchRow, valid_rows
from engine.attendance.sheet import Book
from engine.attendance.stay import current_stay
from engine.types import NOBODY


@dataclass(frozen=True)
class Inside:
    """Somebody who is inside, or may be.

    Attributes:
        presence: `inside`, or `unsure` if no camera could have seen them leave.
        since, last_seen: the arrival and the last passage, timezone-aware, in the workplace's zone.
        camera: of the last passage; `corrected by hand` if a correction added it.
    """

    employee_id: str
    name: str
    department: str
    presence: Presence
    since: datetime
    last_seen: datetime
    camera: str
    day: date


def inside_now(rows: Sequence[PunchRow], book: Book, now: datetime) -> list[Inside]:
    """Everybody who may be inside, by department and name.

    Args:
        rows: of the attendance log, of today and the two days before.
        now: the present; later rows are left out.
    """
    seen: dict[str, list[PunchRow]] = {}
    for row in valid_rows(rows):
        seen.setdefault(row.employee_id, []).append(row)
    corrected: dict[str, list[Correction]] = {}
    for correction in book.corrections:
        corrected.setdefault(correction.employee_id, []).append(correction)
    found: list[Inside] = []
    for employee_id in {*seen, *corrected}:
        known, own = book.people.get(employee_id, NOBODY), seen.get(employee_id, [])
        department = known.department  # today's
        day = book.rota.day_of(now, employee_id, department)
        held = corrected.get(employee_id, [])
        periods = Periods(book.rota, employee_id, department, own, forces(held), book.config.longest_day_h)
        goes_on = now < periods.end(day - timedelta(days=1))
        begin = book.rota.begins(employee_id, department, day - timedelta(days=1) if goes_on else day)
        stay = current_stay((row.mark for row in own), held, day, begin, now)
        if stay is None:
            continue
        cameras = {row.event_id: row.camera for row in own}
        found.append(
            Inside(
                employee_id,
                known.name,
                department,
                stay.presence,
                stay.since.astimezone(book.zone),
                stay.last.time.astimezone(book.zone),
                cameras.get(stay.last.event_id, "corrected by hand"),
                day,
            )
        )
    return sorted(found, key=lambda row: [text.casefold() for text in (row.department, row.name, row.employee_id)])


def count_inside(rows: Iterable[Inside]) -> tuple[int, int]:
    """The number of people who are inside, and of those who may be."""
    sure = [row.presence is Presence.INSIDE for row in rows]
    return sum(sure), len(sure) - sum(sure)
