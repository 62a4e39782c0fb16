"""Keeps the files of day sheets current, and closes days that are over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.attendance.correction_log import CorrectionLog
from engine.attendance.coverage import CoverageBook
from engine.attendance.log import PunchLog
from engine.attendance.sheets import DaySheets
from engine.errors import StorageError
from engine.types import Person

log = logging.getLogger(__name__)

_AT_ONCE = timedelta(days=6)
_PAUSE = 3
"""Preparing takes a quarter of a processor: so many times as long as a week took, it rests."""
_READY = timedelta(weeks=13)
"""Sheets of this time are prepared when days are closed: the longest range that people look at day by day."""


class SheetKeeper:
    """Writes day sheets after the log has changed. The log is the truth, so a sheet that cannot be written is written later.

    Args:
        may_write: whether this process may write day sheets; a recorder with few rights may not.
        pause: rests for some seconds.
    """

    def __init__(
        self,
        log: PunchLog,
        corrections: CorrectionLog,
        coverage: CoverageBook | None,
        sheets: DaySheets,
        zone: ZoneInfo,
        may_write: Callable[[], bool],
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._log, self._corrections, self._coverage = log, corrections, coverage
        self._sheets, self._zone, self._may_write = sheets, zone, may_write
        self._pause = pause
        self._behind: set[date] = set()
        self._followed: dict[date, object] = {}

    @property
    def writes(self) -> bool:
        """Whether this process writes day sheets."""
        return self._may_write()

    @property
    def behind(self) -> bool:
        """Whether a day sheet is behind the log."""
        return bool(self._behind)

    def refresh(self, day: date, people: Mapping[str, Person]) -> None:
        """Write a day sheet from the log.

        Raises:
            StorageError: the log cannot be read, or the sheet cannot be written.
        """
        with self._log.exclusive():
            self._sheets.write(day, people)

    def changed(self, days: set[date], people: Mapping[str, Person], *, now: bool = True) -> None:
        """Update the sheets of working days whose rows changed; `now`: at once if possible, otherwise `settle` does it."""
        if not self.writes:
            return
        self._behind |= days
        if now:
            try:
                self.settle(people)
            except StorageError as error:
                log.warning("the day sheet is behind the log: %s", error)

    def settle(self, people: Mapping[str, Person]) -> None:
        """Write the sheets that are behind the log.

        Raises:
            StorageError: one cannot be written.
        """
        for day in sorted(self._behind):
            self.refresh(day, people)
            self._behind.discard(day)

    def follow(self, now: datetime, people: Mapping[str, Person]) -> list[date]:
        """Update the sheets of today and yesterday if other processes wrote to the log; return the days of these sheets.

        Raises:
            StorageError: the log cannot be read, or a sheet cannot be written.
        """
        today = now.astimezone(self._zone).date()
        stamps = self._log.raw.stamps([today - timedelta(days=1), today, today + timedelta(days=1)])
        changed = [day for day in (today - timedelta(days=1), today) if self._followed.get(day) != stamps.get(day)]
        for day in changed:
            self.refresh(day, people)
            self._followed[day] = stamps.get(day)
        return changed

    def close_days(self, now: datetime, people: Mapping[str, Person]) -> list[date]:
        """Close the logs of days that are over for everybody, and write their final sheets; return the closed days.

        A day is over when the next day has ended, too: until then a night shift may go on, and a name may be withdrawn.

        Raises:
            StorageError: a log cannot be read or closed, or a sheet cannot be written.
        """
        before = now.astimezone(self._zone).date() - timedelta(days=1)
        closed = self._log.raw.close(before, now)
        self._corrections.raw.close(before, now)
        if self._coverage is not None:
            self._coverage.log.raw.close(before, now)
        for day in (*closed, before):  # yesterday, too: nobody is `inside` there any more
            if self._log.raw.stamps([day]):
                self.refresh(day, people)
        if logged := self._log.days():
            self._prepare(max(logged[0], before - _READY), before, people)
        return closed

    def _prepare(self, first: date, last: date, people: Mapping[str, Person]) -> None:
        """Make the sheets of some days, the latest first and with pauses: whoever opens a page meanwhile comes first."""
        while last >= first:
            began = time.thread_time()
            self._sheets.between(max(first, last - _AT_ONCE), last, people)
            last -= _AT_ONCE + timedelta(days=1)
            if last >= first:
                self._pause(_PAUSE * (time.thread_time() - began))
