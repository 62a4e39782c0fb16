"""What the computation would say today, against what is closed: by person, day and column. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from engine.attendance.day import KINDS_OF_HOURS, SHEET_COLUMNS, DaySheet, cells

_NOT_FIGURES = frozenset(
    {
        *("employee_id", "name", "date", "note", "utc_offset", "presence", "punches"),
        *("camera_in", "similarity_in", "liveness", "covered_pct", "correction_reason"),
    }
)
"""Columns that say nothing about attendance itself; what cameras alone say (`recorded_…`) matters only where it counts."""
COMPARED = tuple(name for name in SHEET_COLUMNS if name not in _NOT_FIGURES and not name.startswith("recorded_"))


@dataclass(frozen=True)
class SheetChange:
    """One cell of a day sheet that would differ.

    Attributes:
        column: of `SHEET_COLUMNS`.
        closed: as it is sealed; empty, too, where the sealed sheet has no row of the person.
        now: as computed now; empty, too, where the person would have no row.
    """

    employee_id: str
    day: date
    column: str
    closed: str
    now: str


def changes(closed: Iterable[DaySheet], now: Iterable[DaySheet]) -> list[SheetChange]:
    """Compare a sealed sheet with the same days as computed now; by day, person and column."""
    before, after = ({(row.day, row.employee_id): row for row in rows} for rows in (closed, now))
    found = []
    for day, who in sorted(before.keys() | after.keys()):
        old, new = before.get((day, who)), after.get((day, who))
        if old == new:
            continue
        texts = [cells(row) if row is not None else {} for row in (old, new)]
        if (
            old is not None and old.worked is not None and old.night is None
        ):  # closed before Muster told these hours apart
            texts = [{name: cell for name, cell in each.items() if name not in KINDS_OF_HOURS} for each in texts]
        pairs = ((column, *(str(each.get(column, "")) for each in texts)) for column in COMPARED)
        found += [SheetChange(who, day, *pair) for pair in pairs if pair[1] != pair[2]]
    return found
