"""The figures of a day or of a range, and the rows that need attention."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine.attendance import LONG, DaySheet, Presence, Status
from engine.attendance.rota import Rota


@dataclass(frozen=True)
class Headline:
    """The figures of a day or of a range: numbers of rows, each of which is one person's day.

    Attributes:
        inside, unsure: are inside now, and may be inside.
        not_yet: have not come and still may.
        away: on leave, remote, sick or excused.
        not_identified, not_covered: nobody can say whether they came.
        covered_pct: mean share of planned time during which cameras were watching; None: nobody was expected.
    """

    expected: int
    present: int
    inside: int
    unsure: int
    late: int
    not_yet: int
    absent: int
    away: int
    holiday: int
    not_identified: int
    not_covered: int
    covered_pct: float | None


def headline(rows: Iterable[DaySheet]) -> Headline:
    """Count rows."""
    rows = list(rows)

    def count(status: Status) -> int:
        return sum(row.status is status for row in rows)

    covered = [row.covered_pct for row in rows if row.covered_pct is not None]
    return Headline(
        expected=sum(row.expected for row in rows),
        present=sum(row.present for row in rows),
        inside=sum(row.presence is Presence.INSIDE for row in rows),
        unsure=sum(row.presence is Presence.UNSURE for row in rows),
        late=sum(row.late is True for row in rows),
        not_yet=count(Status.NOT_YET),
        absent=count(Status.ABSENT),
        away=sum(row.away for row in rows),
        holiday=count(Status.HOLIDAY),
        not_identified=count(Status.NOT_IDENTIFIED),
        not_covered=count(Status.NOT_COVERED),
        covered_pct=statistics.fmean(covered) if covered else None,
    )


@dataclass(frozen=True)
class Exceptional:
    """A row that needs a decision or shows one; `kind`: a status, `overdue`, `long day`, `awaiting approval` or `corrected`."""

    row: DaySheet
    kind: str

    @property
    def open(self) -> bool:
        """Somebody must still say what happened, or approve what somebody said: not a late arrival, and not an absence already decided."""
        told = {Status.LATE, Status.LEFT_EARLY, Status.NOT_ENROLLED, "corrected"}
        return self.kind not in told and not (self.kind == Status.ABSENT and self.row.corrected_by)


_ORDER = (
    "overdue",
    Status.ABSENT,
    Status.NOT_IDENTIFIED,
    Status.NOT_COVERED,
    Status.NOT_ENROLLED,
    Status.MISSING_OUT,
    Status.MISSING_IN,
    LONG,
    Status.LATE,
    Status.LEFT_EARLY,
    "awaiting approval",
    "corrected",
)


def exceptions(rows: Iterable[DaySheet], now: datetime, rota: Rota) -> list[Exceptional]:
    """Rows that somebody should look at, the most pressing first; people are overdue after the grace of their shift.

    Somebody who is not enrolled is told once, by the latest of their rows.
    """
    rows = list(rows)
    latest = {
        row.employee_id: row for row in sorted(rows, key=lambda row: row.day) if row.status is Status.NOT_ENROLLED
    }
    found = [Exceptional(row, Status.NOT_ENROLLED) for row in latest.values()]
    found += [Exceptional(row, kind) for row in rows if (kind := _kind(row, now, rota))]
    return sorted(
        found, key=lambda each: (_ORDER.index(each.kind), -each.row.day.toordinal(), each.row.name.casefold())
    )


def _kind(row: DaySheet, now: datetime, rota: Rota) -> str:
    if row.status is Status.NOT_YET:
        planned = rota.planned(row.employee_id, row.department, row.day)
        begins = row.planned_in  # not the shift's own begin on a half day of leave
        return "overdue" if planned is not None and begins is not None and now > begins + planned.grace else ""
    rules = (
        (row.pending is not None, "awaiting approval"),
        (row.long, LONG),
        (row.to_settle or row.status is Status.ABSENT, row.status),
        (bool(row.late), Status.LATE),
        (bool(row.left_early), Status.LEFT_EARLY),
        (row.awaiting_approval, "awaiting approval"),
        (bool(row.corrected_by), "corrected"),
    )
    return next((kind for holds, kind in rules if holds), "")
