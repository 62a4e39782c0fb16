"""Attendance as it leaves a workspace: rows for people to read, passages by event, and exports made of them.

One composition for the command line, the workbench's pages and notebooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from engine.attendance import DaySheet, Inside
from engine.attendance.explain import Explanation, explain
from engine.attendance.sheet import valid_rows
from engine.reports import Stay, excel_bytes, month_report, muster_list_html, stays
from engine.types import NOBODY
from engine.workbench import Workbench

__all__ = ["AttendanceReports"]

_PASSAGE = ("event_id", "timestamp", "event", "camera", "direction", "similarity", "evidence_image")


class AttendanceReports:
    """Reports on the attendance of a workspace.

    Args:
        bench: the workspace.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    @property
    def now(self) -> datetime:
        """The present, in the workplace's zone."""
        return self._bench.clock().astimezone(self._bench.config.zone)

    def rows(self, first: date, last: date, only: str | None = None) -> list[DaySheet]:
        """Day sheets with reasons for people to read, see `engine.records.names`.

        Args:
            first, last: both included.
            only: this person alone.
        """
        bench = self._bench
        found = bench.attendance.sheets(first, last, bench.people.known(), only=only)
        return [
            replace(row, correction_reason=bench.office.readable(row.correction_reason))
            if row.correction_reason
            else row
            for row in found
        ]

    def passages(self, rows: Sequence[DaySheet]) -> dict[tuple[str, date], list[dict[str, str]]]:
        """What cameras saw that holds, by person and working day of the rows, as corrections name it."""
        attendance, people = self._bench.attendance, self._bench.people.known()
        found: dict[tuple[str, date], list[dict[str, str]]] = {}
        if not rows:
            return found
        dates = sorted(row.day for row in rows)
        for row in valid_rows(attendance.log.read(dates[0] - timedelta(days=1), dates[-1] + timedelta(days=2))):
            who = row["employee_id"]
            time = datetime.fromisoformat(row["timestamp"])
            day = attendance.rota.day_of(time, who, people.get(who, NOBODY).department)
            found.setdefault((who, day), []).append({column: row[column] for column in _PASSAGE})
        return found

    def stays(self, first: date, last: date, only: str | None = None) -> list[Stay]:
        """When people were inside, see `engine.reports.stays`.

        Args:
            first, last: days, both included.
            only: this person alone.
        """
        attendance = self._bench.attendance
        rows = attendance.log.read(first - timedelta(days=1), last + timedelta(days=2))
        corrections = attendance.corrections_of(first, last)
        if only is not None:
            rows = [row for row in rows if row["employee_id"] == only or row["event"] == "retract"]
            corrections = [row for row in corrections if row.employee_id == only]
        return stays(rows, corrections, first, last, attendance.rota, self._bench.people.known())

    def outages(self, day: date) -> list[tuple[datetime, datetime]]:
        """When a camera of the entrance was off on a day, as far as that can be known by now."""
        coverage = self._bench.attendance.plan.coverage
        if coverage is None:
            return []
        begin = datetime.combine(day, time(), self._bench.config.zone)
        end = min(begin + timedelta(days=1), self.now - timedelta(minutes=2))
        return coverage.between(day, day).gaps(begin, end)

    def explained(self, employee_id: str, day: date) -> list[Explanation]:
        """Every row of the log about a person's working day, oldest first: also those that were taken back, and doubts."""
        attendance, bench = self._bench.attendance, self._bench
        department = bench.people.known().get(employee_id, NOBODY).department
        begin, end = attendance.rota.window(employee_id, department, day)
        rows = [
            row
            for row in attendance.log.read(day - timedelta(days=1), day + timedelta(days=2))
            if row["employee_id"] == employee_id
        ]
        back = {row["refers_to"]: row for row in rows if row["event"] == "retract"}
        found = [
            explain(
                {**row, "reason": bench.office.readable(row["reason"])},
                {**gone, "reason": bench.office.readable(gone["reason"])}
                if (gone := back.get(row["event_id"]))
                else None,
            )
            for row in rows
            if row["event"] != "retract"
        ]
        own = [each for each in found if each.time and each.time.utcoffset() is not None and begin <= each.time < end]
        return sorted(own, key=lambda each: (str(each.time), each.event_id))

    def verified(self) -> str:
        """What verification of all logs says, for the foot of a report; it reads everything."""
        wrong = [finding for finding in self._bench.records.verify() if not finding.harmless]
        return f"{len(wrong)} faults in the logs: see muster verify" if wrong else "all logs are as they were written"

    def verified_days(self, first: date, last: date) -> str:
        """The same for the passages of some days, which is quick.

        Raises:
            StorageError: they cannot be read.
        """
        log = self._bench.attendance.log
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        faults = [each for each in log.check(days=days) if not each.harmless]
        wrong = f"{len(faults)} faults in the attendance log of these days: see muster verify"
        return wrong if faults else "the attendance log of these days is as it was written"

    def excel(self, rows: Sequence[DaySheet], title: str, verified: str) -> bytes:
        """An Excel workbook, see `engine.reports.excel_bytes`."""
        return excel_bytes(rows, title=title, generated_at=self.now, verified=verified)

    def month_page(self, rows: Sequence[DaySheet], title: str, verified: str) -> str:
        """A printable page, see `engine.reports.month_report`."""
        config = self._bench.config
        graces = {shift.grace_min for shift in config.shifts.values()}
        return month_report(
            rows,
            title=title,
            organisation=config.organisation,
            generated_at=self.now,
            verified=verified,
            grace_min=graces.pop() if len(graces) == 1 else None,
        )

    def muster_page(self, rows: Iterable[Inside]) -> str:
        """The list for the assembly point, printable.

        Args:
            rows: of `Office.inside`.
        """
        bench = self._bench
        return muster_list_html(
            list(rows),
            generated_at=self.now,
            place=bench.config.organisation or str(bench.workspace),
            unknown_today=bench.office.strangers_today(),
        )
