"""The attendance of a workspace: its logs, the day sheets derived from them, and what keeps those current."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.attendance.closing import ClosedBook
from engine.attendance.correction_log import CorrectionLog
from engine.attendance.corrections import Correction
from engine.attendance.day import DaySheet, Status
from engine.attendance.keeper import SheetKeeper
from engine.attendance.log import PunchLog, Sighting
from engine.attendance.periods import Periods, forces, reach
from engine.attendance.placing import Placing
from engine.attendance.presence import Direction, Meaning, meaning
from engine.attendance.requests import RequestBook
from engine.attendance.rota import Rota
from engine.attendance.rows import PunchRow, valid_rows
from engine.attendance.sheet_cache import SheetCache
from engine.attendance.sheets import DaySheets, Plan
from engine.config import EventsConfig, HolidaysConfig
from engine.config.ids import nobody_has
from engine.errors import InputError, StorageError
from engine.storage.logs import FileLogs, Logs
from engine.storage.vault import Vault
from engine.types import NOBODY, Person

log = logging.getLogger(__name__)


class AttendanceBook:
    """The logs, the day sheets and their keeper, and the writes that change a day sheet.

    Args:
        logs: creates the logs; default: files in the workspace.
        may_write_sheets: see `SheetKeeper`.
        vault: encrypts pictures; default: they are not encrypted.
    """

    def __init__(
        self,
        workspace: Path,
        zone: ZoneInfo,
        config: EventsConfig,
        plan: Plan | None = None,
        logs: Logs | None = None,
        *,
        may_write_sheets: Callable[[], bool] = lambda: True,
        vault: Vault | None = None,
    ) -> None:
        self.vault = vault or Vault(workspace, at_rest=False)
        self.plan = plan = plan or Plan()
        logs = logs or FileLogs(workspace / "log")
        self.rota = plan.rota or Rota({}, HolidaysConfig(), zone)
        self.log = PunchLog(logs, workspace, zone, timedelta(seconds=config.cool_down_s), plan.directions)
        self.corrections = CorrectionLog(logs, zone, four_eyes=plan.config.four_eyes)
        self.closed = ClosedBook(logs, zone)
        self.requests = RequestBook(logs, zone)
        cache = SheetCache(workspace / "attendance", logs.sealer)
        self.sheets = DaySheets(self.log, self.corrections, self.closed, self.rota, plan, zone, cache)
        self.keeper = SheetKeeper(self.log, self.corrections, plan.coverage, self.sheets, zone, may_write_sheets)
        self._zone = zone

    def day_of(self, time: datetime) -> date:
        """The workplace day that a moment belongs to."""
        return time.astimezone(self._zone).date()

    def record(
        self, sighting: Sighting, people: Mapping[str, Person], evidence_image: str = "", *, renew: bool = True
    ) -> PunchRow | None:
        """Record a sighting, see `PunchLog.record`, and update the day sheet.

        Args:
            renew: at once; otherwise `keeper.settle` writes the sheet.

        Raises:
            StorageError: the row could not be written; the log is unchanged.
        """
        row = self.log.record(sighting, evidence_image)
        if row is not None and self.keeper.writes:
            self.keeper.changed({self._working_day(row, people)}, people, now=renew)
        return row

    def _working_day(self, row: PunchRow, people: Mapping[str, Person]) -> date:
        day = self.rota.day_of(row.timestamp, *self._who(row.employee_id, people))
        try:
            return self._periods_around(row.employee_id, day, people).day_of(row)
        except StorageError as error:  # the row is written: its sheet can wait
            log.debug("the working day of a passage could not be looked up: %s", error)
            return day

    def retract(self, wanted: PunchRow, people: Mapping[str, Person], *, renew: bool = True) -> PunchRow | None:
        """Take back what a track was reported as, see `PunchLog.retract`, and update the day sheet.

        Returns:
            The correcting row; None if the track had written nothing.

        Raises:
            StorageError: the row could not be written; the log is unchanged.
        """
        found = self.log.retract(wanted)
        days = {self.rota.day_of(row.timestamp, *self._who(row.employee_id, people)) for row, _ in found}
        days |= {day - timedelta(days=1) for day in days}  # it may have gone on
        self.keeper.changed(days, people, now=renew and bool(found))
        return found[-1][1] if found else None

    def turn(
        self, passage: PunchRow, direction: Direction, time: datetime, people: Mapping[str, Person]
    ) -> PunchRow | None:
        """Write in which direction a passage went, as the person says, see `PunchLog.turn`, and update the day sheets.

        Raises:
            StorageError: the row could not be written; the log is unchanged.
        """
        row = self.log.turn(passage, direction, time)
        if row is not None:
            day = self.rota.day_of(passage.timestamp, *self._who(passage.employee_id, people))
            self.keeper.changed({day - timedelta(days=1), day}, people)
        return row

    def add_imported(self, wanted: Sequence[PunchRow], people: Mapping[str, Person]) -> list[PunchRow]:
        """Write imported passages, see `PunchLog.add`, and update the day sheets; return those that are new.

        Raises:
            StorageError: a day could not be written; those before it stay.
        """
        found = self.log.add(wanted)
        self._imported(found, people)
        return found

    def take_back_import(
        self, import_id: str, author: str, reason: str, people: Mapping[str, Person]
    ) -> list[PunchRow]:
        """Take back the passages of an import, see `PunchLog.take_back`, and update the day sheets; return the rows that do so.

        Raises:
            StorageError: a day could not be written.
        """
        found = self.log.take_back(import_id, author, reason)
        self._imported(found, people)
        return found

    def _imported(self, rows: Iterable[PunchRow], people: Mapping[str, Person]) -> None:
        self.keeper.changed(self._touched({row.timestamp.date() for row in rows}), people)

    def correct(self, wanted: Correction, people: Mapping[str, Person]) -> Correction:
        """Correct or approve a person's day, see `CorrectionLog.make`, and update its sheet.

        Raises:
            InputError: the correction makes no sense; nothing was written.
            StorageError: the row could not be written.
        """
        made = self._corrected(wanted, people)
        self.keeper.changed(self._touched([wanted.day]), people)
        return made

    def correct_all(
        self, wanted: Iterable[Correction], people: Mapping[str, Person]
    ) -> list[tuple[Correction, InputError | None]]:
        """Correct or approve many days, each as `correct` does, and update each day's sheet once.

        Returns:
            Every correction as it was made, or as it was wanted with the reason why it was refused.

        Raises:
            StorageError: a row could not be written; those before it stay.
        """
        found: list[tuple[Correction, InputError | None]] = []
        try:
            for each in wanted:
                try:
                    found.append((self._corrected(each, people), None))
                except InputError as error:
                    found.append((each, error))
        finally:
            self.keeper.changed(self._touched(made.day for made, error in found if error is None), people)
        return found

    def correct_together(self, wanted: Sequence[Correction], people: Mapping[str, Person]) -> list[Correction]:
        """Correct one person's day by several rows, all or none, see `CorrectionLog.make_together`, and update its sheet.

        Raises:
            InputError: one of them makes no sense; nothing was written.
            StorageError: the rows could not be written.
        """
        begin, passages = self._prepared(wanted, people)
        made = self.corrections.make_together(wanted, begin, passages)
        self.keeper.changed(self._touched([wanted[0].day]), people)
        return made

    def foreseen(self, wanted: Sequence[Correction], people: Mapping[str, Person]) -> DaySheet | None:
        """What a person's day would come to with corrections that are not written; None: nobody would be seen or expected.

        Raises:
            InputError: one of them makes no sense.
            StorageError: the logs cannot be read.
        """
        begin, passages = self._prepared(wanted, people)
        who, day = wanted[0].employee_id, wanted[0].day
        before = [row for row in self.corrections.about_days(day, day) if row.employee_id == who]
        return self.sheets.foreseen(day, people, who, self.corrections.checked(wanted, before, begin, passages))

    def _corrected(self, wanted: Correction, people: Mapping[str, Person]) -> Correction:
        return self.corrections.make(wanted, *self._prepared([wanted], people))

    def _prepared(self, wanted: Sequence[Correction], people: Mapping[str, Person]) -> tuple[datetime, list[PunchRow]]:
        """Check corrections of one person's day against it; return its begin and its passages.

        Raises:
            InputError: one of them cannot be of that day.
        """
        who, day = wanted[0].employee_id, wanted[0].day
        periods, begin = self._periods_around(who, day, people), self.rota.begins(*self._who(who, people), day)
        if who not in people and not any(periods.on(day + timedelta(days=offset)) for offset in (-1, 0, 1)):
            raise nobody_has(who, people)
        for each in wanted:
            if each.time is not None and each.timestamp >= begin:
                self._placing(who, day, people, periods).check(each.time)
            if each.value == Status.AS_PLANNED and each.action == "status":
                self._check_planned(who, day, people)
        return begin, periods.on(day)

    def _touched(self, days: Iterable[date]) -> set[date]:
        """The days whose sheets a correction of these may change: a passage next to midnight may go to the neighbour."""
        own = set(days)
        around = {day + timedelta(days=offset) for day in own for offset in (-1, 1)}
        return own | set(self.log.raw.stamps(sorted(around)))

    def moment_on(
        self, employee_id: str, day: date, at: time, direction: Direction, people: Mapping[str, Person]
    ) -> datetime:
        """A time of day that somebody wants to add to a working day, as a moment, see `engine.attendance.placing`.

        Raises:
            InputError: there is no such time in the working day.
        """
        periods = self._periods_around(employee_id, day, people)
        return self._placing(employee_id, day, people, periods).moment(at, direction)

    def periods(self, employee_id: str, person: Person, first: date, last: date) -> Periods:
        """A person's passages by working day, as corrected, from a day before `first` to a day after `last`.

        Raises:
            StorageError: the logs cannot be read.
        """
        begin, end = first - timedelta(days=4), last + timedelta(days=3)
        rows = valid_rows(self.log.about(employee_id, begin, end))
        corrections = [row for row in self.corrections.about_days(begin, end) if row.employee_id == employee_id]
        longest_h = self.plan.config.longest_day_h
        return Periods(self.rota, employee_id, person.department, rows, forces(corrections), longest_h)

    def meaning(self, row: PunchRow, people: Mapping[str, Person]) -> Meaning | None:
        """What a passage counts as among those of its working day, see `engine.attendance.presence`; None: it does not count.

        Raises:
            StorageError: the logs cannot be read.
        """
        person = people.get(row.employee_id, NOBODY)
        around = self.rota.day_of(row.timestamp, row.employee_id, person.department)
        periods = self.periods(row.employee_id, person, around, around)
        planned = self.rota.planned(row.employee_id, person.department, day := periods.day_of(row))
        return meaning(periods.marks(day), row.event_id, reach(planned, self.plan.config.longest_day_h))

    def _periods_around(self, employee_id: str, day: date, people: Mapping[str, Person]) -> Periods:
        return self.periods(employee_id, people.get(employee_id, NOBODY), day, day)

    def _placing(self, employee_id: str, day: date, people: Mapping[str, Person], periods: Periods) -> Placing:
        return Placing(self.rota, *self._who(employee_id, people), day, periods, self.plan.config.longest_day_h)

    def _check_planned(self, employee_id: str, day: date, people: Mapping[str, Person]) -> None:
        planned = self.rota.planned(*self._who(employee_id, people), day)
        if planned is None or not self.rota.expected(planned, day):
            raise InputError(
                f"no hours are planned for {employee_id} on {day}", hint="add the times at which they came and went"
            )

    @staticmethod
    def _who(employee_id: str, people: Mapping[str, Person]) -> tuple[str, str]:
        return employee_id, people.get(employee_id, NOBODY).department
