"""The attendance of a workspace: its logs, the day sheets derived from them, and what keeps those current."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.attendance.correction_log import CorrectionLog
from engine.attendance.corrections import Correction
from engine.attendance.keeper import SheetKeeper
from engine.attendance.log import PunchLog, Sighting, near
from engine.attendance.rota import Rota
from engine.attendance.rows import PunchRow
from engine.attendance.sheet_cache import SheetCache
from engine.attendance.sheets import DaySheets, Plan
from engine.config import EventsConfig, HolidaysConfig
from engine.errors import InputError
from engine.storage.logs import FileLogs, Logs
from engine.types import NOBODY, Person


class AttendanceBook:
    """The logs, the day sheets and their keeper, and the writes that change a day sheet.

    Args:
        logs: creates the logs; default: files in the workspace.
        may_write_sheets: see `SheetKeeper`.
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
    ) -> None:
        self.plan = plan = plan or Plan()
        logs = logs or FileLogs(workspace / "log")
        self.rota = plan.rota or Rota({}, HolidaysConfig(), zone)
        self.log = PunchLog(logs, workspace, zone, timedelta(seconds=config.cool_down_s), plan.directions)
        self.corrections = CorrectionLog(logs, zone, self.log, four_eyes=plan.config.four_eyes)
        cache = SheetCache(workspace / "attendance", logs.sealer)
        self.sheets = DaySheets(self.log, self.corrections, self.rota, plan, zone, cache)
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
        if row is not None:
            self.keeper.changed({self._work_day(row, people)}, people, now=renew)
        return row

    def retract(self, wanted: PunchRow, people: Mapping[str, Person], *, renew: bool = True) -> PunchRow | None:
        """Take back what a track was reported as, see `PunchLog.retract`, and update the day sheet.

        Returns:
            The correcting row; None if the track had written nothing.

        Raises:
            StorageError: the row could not be written; the log is unchanged.
        """
        found = self.log.retract(wanted)
        self.keeper.changed({self._work_day(row, people) for row, _ in found}, people, now=renew and bool(found))
        return found[-1][1] if found else None

    def correct(self, wanted: Correction, people: Mapping[str, Person]) -> Correction:
        """Correct or approve a person's day, see `CorrectionLog.make`, and update its sheet.

        Raises:
            InputError: the correction makes no sense; nothing was written.
            StorageError: the row could not be written.
        """
        who, day = wanted.employee_id, wanted.day
        if who not in people and not any(row.employee_id == who for row in self.log.on(near(day))):
            raise InputError(f"nobody is known as {who}", hint="`muster people` lists who is")
        begin, end = self.rota.window(who, people.get(who, NOBODY).department, day)
        made = self.corrections.make(wanted, begin, end)
        self.keeper.changed({day}, people)
        return made

    def _work_day(self, row: PunchRow, people: Mapping[str, Person]) -> date:
        department = people.get(row.employee_id, NOBODY).department
        return self.rota.day_of(row.timestamp, row.employee_id, department)
