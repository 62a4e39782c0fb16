"""The figures of a day or of a range, and the rows that need somebody."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from engine.attendance.rota import Rota
from engine.attendance.sheet import Status
from engine.insights.rows import HERE, UNSETTLED, Row, came_late, text

__all__ = ["Exceptional", "Headline", "exceptions", "headline"]


@dataclass(frozen=True)
class Headline:
    """The figures of a day or of a range, in rows (a person's day each).

    Attributes:
        expected: were to come.
        present: came. inside: of them, are inside now. late: of them, came late.
        not_yet: have not come and still may. absent: did not come.
        away: on leave, remote, sick, holiday, excused.
        not_identified, not_covered: nothing can be said.
        covered_pct: mean share of planned time during which cameras were watching; None: nobody was expected.
    """

    expected: int
    present: int
    inside: int
    late: int
    not_yet: int
    absent: int
    away: int
    not_identified: int
    not_covered: int
    covered_pct: float | None


def headline(rows: Iterable[Row]) -> Headline:
    """Count rows."""
    rows = list(rows)
    count = Counter(text(row, "status") for row in rows)
    present = [row for row in rows if text(row, "status") in HERE or text(row, "first_in")]
    covered = [float(found) for row in rows if (found := text(row, "covered_pct"))]
    settled = {*HERE, *UNSETTLED, Status.NOT_YET, Status.ABSENT, Status.DAY_OFF}
    return Headline(
        expected=sum(bool(text(row, "planned_in")) and text(row, "status") in settled for row in rows),
        present=len(present),
        inside=count[Status.INSIDE],
        late=sum(map(came_late, rows)),
        not_yet=count[Status.NOT_YET],
        absent=count[Status.ABSENT],
        away=sum(number for word, number in count.items() if word not in settled),
        not_identified=count[Status.NOT_IDENTIFIED],
        not_covered=count[Status.NOT_COVERED],
        covered_pct=statistics.fmean(covered) if covered else None,
    )


@dataclass(frozen=True)
class Exceptional:
    """A row that needs a decision, or shows one.

    Attributes:
        row: of the sheet.
        kind: a status, `overdue` (should be here and is not), `awaiting approval` (a correction waits for it) or `corrected`.
    """

    row: Row
    kind: str


_ORDER = (
    "overdue", Status.ABSENT, Status.NOT_IDENTIFIED, Status.NOT_COVERED, Status.MISSING_OUT, Status.MISSING_IN,
    Status.LATE, Status.LEFT_EARLY, "awaiting approval", "corrected",
)  # fmt: skip


def exceptions(rows: Iterable[Row], now: datetime, rota: Rota) -> list[Exceptional]:
    """Rows that somebody should look at, the most pressing first.

    Args:
        rows: of day sheets.
        now: the present: whoever is not here yet is overdue when the grace of their shift is over.
        rota: the plan.
    """
    found = [Exceptional(row, kind) for row in rows if (kind := _kind(row, now, rota))]
    return sorted(
        found, key=lambda each: (_ORDER.index(each.kind), _newest(each.row), text(each.row, "name").casefold())
    )


def _newest(row: Row) -> int:
    try:
        return -date.fromisoformat(text(row, "date")).toordinal()
    except ValueError:
        return 0


def _kind(row: Row, now: datetime, rota: Rota) -> str:
    status = text(row, "status")
    if status == Status.NOT_YET:
        planned = rota.planned(text(row, "employee_id"), text(row, "department"), date.fromisoformat(text(row, "date")))
        return "overdue" if planned is not None and now > planned.start + planned.grace else ""
    if status in {Status.ABSENT, Status.NOT_IDENTIFIED, Status.NOT_COVERED, Status.MISSING_OUT, Status.MISSING_IN}:
        return status
    if came_late(row):
        return Status.LATE
    if status == Status.LEFT_EARLY:
        return status
    if text(row, "corrected_by"):
        return "corrected" if text(row, "approved_by") else "awaiting approval"
    return ""
