"""Attendance reports of a workspace: readable rows, passages by event, and exports.

The command line, the workbench's pages and notebooks share them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from engine.attendance import (
    IMPORTED,
    RULES,
    DaySheet,
    Inside,
    PunchRow,
    WorkWarning,
    day_warnings,
    turned,
    valid_rows,
    week_warnings,
)
from engine.attendance.explain import Explanation, Part, explain
from engine.attendance.periods import AFTER, BEFORE, Periods, forces
from engine.errors import InputError
from engine.operations.scoped import DepartmentView, PersonView
from engine.people import TimeAccounts
from engine.reports import (
    PassageInForce,
    Stay,
    excel_bytes,
    month_report,
    muster_list_html,
    passages_in_force,
    stays,
)
from engine.types import NOBODY, Person, same_department, spellings
from engine.words import ENGLISH, Words, phrase
from engine.workbench import Workbench


class AttendanceReports:
    """Reports on the attendance of a workspace: for somebody who sees some departments only (`engine.operations.scoped`), on these."""

    def __init__(self, bench: Workbench) -> None:
        view = getattr(bench, "view", None)
        self._view: DepartmentView | PersonView | None = view
        self._bench = bench if view is None else view.whole
        self._readable = bench.office.readable

    def _sees(self, employee_id: str, day: date) -> bool:
        return self._view is None or self._view.sees(employee_id, day)

    @property
    def now(self) -> datetime:
        """The present, in the workplace's zone."""
        return self._bench.clock().astimezone(self._bench.config.zone)

    @property
    def words(self) -> Words:
        """The words of files that nobody asked for in a language of their own: those of the settings."""
        return Words(self._bench.config.app.language or "en")

    def rows(self, first: date, last: date, only: str | None = None) -> list[DaySheet]:
        """Return day sheets with readable reasons and one spelling of each department, see `DaySheets.between` and
        `engine.records.names`.
        """
        bench, view = self._bench, self._view
        found = bench.attendance.sheets.between(first, last, bench.people.known(), only=only)
        found = [row for row in found if view is None or view.holds(row)]
        found = self._warned(self._spelt(found), first, only)
        reasons = {row.correction_reason: self._readable(row.correction_reason) for row in found}
        return [
            replace(row, correction_reason=reasons[row.correction_reason]) if row.correction_reason else row
            for row in found
        ]

    def _warned(self, rows: list[DaySheet], first: date, only: str | None) -> list[DaySheet]:
        """The rows with what the law on working time says of them among their notes."""
        rules = RULES.get(self._bench.settings.get().attendance.working_time)
        if rules is None or not rows:
            return rows
        day = first - timedelta(days=1)
        before = self._bench.attendance.sheets.between(day, day, self._bench.people.known(), only=only)
        parts: dict[tuple[str, date], tuple[Part, ...]] = {}
        for each in day_warnings([*before, *rows], rules):
            parts[each.employee_id, each.day] = (*parts.get((each.employee_id, each.day), ()), each.part)
        return [
            replace(row, notes=(*row.notes, *more)) if (more := parts.get((row.employee_id, row.day))) else row
            for row in rows
        ]

    @property
    def working_time_rules(self) -> str:
        """Whose law days are held against; empty: nobody's."""
        return self._bench.settings.get().attendance.working_time

    def working_time(self, first: date, last: date, only: str | None = None) -> list[WorkWarning]:
        """Return the warnings of the law on working time that the settings name, of days and of the weeks up to `last`; without one: none.

        Raises:
            StorageError: the logs cannot be read.
        """
        rules = RULES.get(self._bench.settings.get().attendance.working_time)
        if rules is None:
            return []
        begin = min(first - timedelta(days=1), last - timedelta(weeks=rules.weeks))
        rows = self.rows(begin, last, only)
        days = [each for each in day_warnings(rows, rules) if each.day >= first]
        return [*days, *week_warnings(rows, rules, last)]

    def _spelt(self, rows: Sequence[DaySheet]) -> list[DaySheet]:
        """The rows with `SALES` written `Sales` where most people's rows say so."""
        found = spellings(person.department for person in self._bench.people.known().values())
        for key, name in spellings(row.department for row in rows).items():
            found.setdefault(key, name)
        as_written = {name: found.get(same_department(name), name) for name in {row.department for row in rows}}
        return [
            row if as_written[row.department] == row.department else replace(row, department=as_written[row.department])
            for row in rows
        ]

    def accounts(self, until: date, only: str | None = None) -> TimeAccounts:
        """Return what the time accounts come to until a day, of people of all departments; `only`: one person's id."""
        return self._bench.time_accounts.accounts(until, only)

    def people_on(self, day: date) -> dict[str, Person]:
        """Return everybody's row as it holds on a day, by id."""
        position = self._bench.attendance.rota.position
        found = {key: row.at(position(key, day)) for key, row in self._bench.people.known().items()}
        return {key: row for key, row in found.items() if self._sees(key, day)}

    def passages(self, rows: Sequence[DaySheet]) -> dict[tuple[str, date], list[PunchRow]]:
        """Return the valid passages by person and working day, with the ids that corrections refer to."""
        attendance, people = self._bench.attendance, self._bench.people.known()
        longest_h = attendance.plan.config.longest_day_h
        found: dict[tuple[str, date], list[PunchRow]] = {}
        if not rows:
            return found
        dates: dict[str, list[date]] = {}
        for row in rows:
            dates.setdefault(row.employee_id, []).append(row.day)
        first, last = min(row.day for row in rows) - BEFORE, max(row.day for row in rows) + AFTER
        corrections = attendance.corrections.about_days(first, last)
        logged: dict[str, list[PunchRow]] = {}
        for passage in valid_rows(attendance.log.read(first, last)):
            logged.setdefault(passage.employee_id, []).append(passage)
        for who, days in dates.items():
            held = forces(row for row in corrections if row.employee_id == who)
            periods = Periods(
                attendance.rota, who, people.get(who, NOBODY).department, logged.get(who, []), held, longest_h
            )
            found |= {(who, day): own for day in days if (own := periods.on(day))}
        return found

    def punches(self, first: date, last: date, only: str | None = None, *, seen: bool = False) -> list[PassageInForce]:
        """Return the passages that count, to hand them on.

        Args:
            only: one person's id.
            seen: with sightings within the cool-down.
        """
        bench, attendance = self._bench, self._bench.attendance
        rows = attendance.log.read(first - BEFORE, last + AFTER)
        corrections = attendance.corrections.about_days(first - BEFORE, last + AFTER)
        approved = attendance.plan.config.approval_first
        found = passages_in_force(rows, corrections, first, last, bench.config.zone, approved=approved)
        return [
            row
            for row in found
            if only in {None, row.employee_id}
            and (seen or not row.seen)
            and self._sees(row.employee_id, row.time.date())
        ]

    def stays(self, first: date, last: date, only: str | None = None) -> list[Stay]:
        """Return when people were inside, see `engine.reports.stays`; `only`: one person's id.

        In closed months, later corrections do not count.
        """
        attendance = self._bench.attendance
        rows = attendance.log.read(first - BEFORE, last + AFTER)
        closed = attendance.closed.about(first, last)
        corrections = [
            row
            for row in attendance.corrections.about_days(first - BEFORE, last + AFTER)
            if all(row.timestamp <= held.timestamp for held in closed if held.holds(row.day))
        ]
        if only is not None:
            rows = [row for row in rows if row.employee_id == only or row.event == "retract"]
            corrections = [row for row in corrections if row.employee_id == only]
        people, config = self._bench.people.known(), attendance.plan.config
        found = stays(rows, corrections, first, last, attendance.rota, people, config)
        return [stay for stay in found if self._sees(stay.employee_id, stay.day)]

    def logged_days(self) -> list[date]:
        """Return the days on which a camera saw anybody, oldest first."""
        return self._bench.attendance.log.days()

    def outages(self, day: date) -> list[tuple[datetime, datetime]]:
        """Return when a camera of the entrance was off on a day, up to two minutes ago."""
        coverage = self._bench.attendance.plan.coverage
        if coverage is None:
            return []
        begin = datetime.combine(day, time(), self._bench.config.zone)
        end = min(begin + timedelta(days=1), self.now - timedelta(minutes=2))
        return coverage.between(day, day).gaps(begin, end)

    def has_picture(self, each: Explanation) -> bool:
        """Whether they may see the picture of a passage of `explained`, if there is one.

        Who sees some departments only sees no pictures of doubts and of what was taken back: these may show somebody else.
        """
        return bool(each.row.evidence_image) and (self._view is None or (each.row.passage and each.taken_back is None))

    def shows_picture(self, path: str) -> bool:
        """Whether a picture belongs to a passage whose picture they may see, on a working day on which they see the person.

        Args:
            path: within the workspace, as in rows; an evidence picture's name begins with its day.
        """
        if self._view is None:
            return True
        try:
            day = date.fromisoformat(path.rpartition("/")[2][:8])
        except ValueError:
            return False
        # of a night, the working day is another one; and the workplace's zone may have been another one
        days = [day + timedelta(days=offset) for offset in (0, -1, 1)]
        whose = {row.employee_id for row in self._bench.attendance.log.on(days) if row.evidence_image == path}
        return bool(whose) and all(
            any(
                each.row.evidence_image == path and self.has_picture(each)
                for working_day in days
                for each in self.explained(employee_id, working_day)
            )
            for employee_id in whose
        )

    def explained(self, employee_id: str, day: date) -> list[Explanation]:
        """Return every log row about a person's working day, oldest first, retracted and doubtful rows included."""
        if not self._sees(employee_id, day):
            return []
        attendance, bench = self._bench.attendance, self._bench
        person = bench.people.known().get(employee_id, NOBODY)
        begin, end = attendance.rota.window(employee_id, person.department, day)
        rows = attendance.log.about(employee_id, day - BEFORE, day + AFTER)
        readable = self._readable
        withdrawn = {row.refers_to: readable(row.reason) for row in rows if row.event == "retract"}
        periods = attendance.periods(employee_id, person, day, day)
        valid = {row.event_id for row in valid_rows(rows)}
        told = turned(rows)
        own = [row for row in rows if row.event not in {"retract", "turn"} and begin <= row.timestamp < end]
        own = [row for row in own if row.event_id not in valid] + periods.on(day)
        return [
            explain(
                replace(row, reason=readable(row.reason)),
                withdrawn.get(row.event_id),
                repeats=row.method == IMPORTED and row.event_id not in {*valid, *withdrawn},
                told=told.get(row.event_id, ""),
            )
            for row in sorted(own, key=lambda row: (row.timestamp, row.event_id))
        ]

    def heads(self) -> str:
        """Return how far each log is sealed, as a table that `muster verify --against` reads."""
        return self._bench.records.heads_table()

    def verified(self) -> str:
        """Verify all logs, which reads everything; return the result for the foot of a report.

        Files that were verified before are compared with what they were then, to the last byte.
        """
        wrong = [finding for finding in self._bench.records.verify(anew=False) if not finding.harmless]
        if wrong:
            return phrase("{count} faults in logs and sealed files: see muster verify", count=len(wrong))
        return phrase("all logs are as they were written")

    def verified_days(self, first: date, last: date) -> str:
        """Verify the passages of some days, which is quick; return the result for the foot of a report.

        Raises:
            StorageError: the log cannot be read.
        """
        log = self._bench.attendance.log
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        faults = [each for each in log.raw.check(days=days, anew=False) if not each.harmless]
        if changed := self._bench.records.changed_files():
            return phrase("changed outside of Muster: {files}; see muster verify", files=", ".join(changed))
        if faults:
            return phrase("{count} faults in the attendance log of these days: see muster verify", count=len(faults))
        return phrase("the attendance log of these days is as it was written")

    def excel(
        self,
        rows: Sequence[DaySheet],
        title: str,
        verified: str,
        period: str = "",
        accounts: TimeAccounts | None = None,
        words: Words = ENGLISH,
    ) -> bytes:
        """Return an Excel workbook, see `engine.reports.excel_bytes`."""
        return excel_bytes(
            rows,
            title=title,
            generated_at=self.now,
            verified=verified,
            period=period,
            accounts=accounts,
            words=words,
        )

    def month_page(
        self,
        rows: Sequence[DaySheet],
        title: str,
        verified: str,
        accounts: TimeAccounts | None = None,
        words: Words = ENGLISH,
    ) -> str:
        """Return a printable page, see `engine.reports.month_report`."""
        config = self._bench.config
        graces = {shift.grace_min for shift in config.shifts.values()}
        return month_report(
            rows,
            title=title,
            organisation=config.organisation,
            generated_at=self.now,
            verified=verified,
            grace_min=graces.pop() if len(graces) == 1 else None,
            accounts=accounts,
            words=words,
        )

    def muster_page(self, rows: Iterable[Inside]) -> str:
        """Return the printable list for the assembly point; `rows`: from `Office.inside`.

        Raises:
            InputError: for somebody who sees some departments only; the list is of everybody.
        """
        bench = self._bench
        if self._view is not None:
            raise InputError("the muster list shows everybody", hint="ask HR or security for it")
        return muster_list_html(
            list(rows),
            generated_at=self.now,
            place=bench.config.organisation or str(bench.workspace),
            unknown_today=bench.office.strangers_today(),
        )
