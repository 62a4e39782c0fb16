"""The log of corrections. A row is in the file of the day on which the correction was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.attendance.corrections import CORRECTION, Correction, check
from engine.attendance.rows import PunchRow
from engine.errors import InputError
from engine.storage import clean_text, new_id
from engine.storage.logs import Logs
from engine.storage.logs.rows import TypedDayLog


class CorrectionLog(TypedDayLog[Correction]):
    """Appends and reads corrections and approvals; `four_eyes`: nobody approves their own corrections."""

    def __init__(self, logs: Logs, zone: ZoneInfo, *, four_eyes: bool) -> None:
        super().__init__(logs.daily("corrections", CORRECTION.columns, ("employee_id", "author")), CORRECTION)
        self._zone, self._four_eyes = zone, four_eyes

    def about_days(self, first: date, last: date) -> list[Correction]:
        """Corrections and approvals of working days in a range, oldest first.

        Raises:
            StorageError: the log cannot be read.
        """
        made = [day for day in self.days() if day >= first - timedelta(days=1)]
        return [row for row in self.on(made) if first <= row.day <= last]

    def make(self, wanted: Correction, begin: datetime, passages: Iterable[PunchRow]) -> Correction:
        """Check a correction, give it an id and write it.

        Args:
            wanted: author and reason are required; `timestamp` is the present.
            begin: of that person's working day.
            passages: of that working day.

        Returns:
            The row that was written durably.

        Raises:
            InputError: the correction makes no sense; nothing was written.
            StorageError: the row could not be written.
        """
        now, zone = wanted.timestamp, self._zone
        new = replace(
            wanted,
            correction_id=new_id(now.astimezone(zone)),
            timestamp=now.astimezone(zone),
            time=wanted.time.astimezone(zone) if wanted.time else None,
            direction=wanted.direction if wanted.action == "add" else None,
            author=clean_text(wanted.author, what="author", limit=100),
            reason=clean_text(wanted.reason, what="reason", limit=500),
        )
        if now < begin:
            raise InputError(f"{new.day} has not come yet", hint="correct what has been, import leave for what will be")
        with self.exclusive():
            before = [row for row in self.about_days(new.day, new.day) if row.employee_id == new.employee_id]
            check(new, before, [row.event_id for row in passages], now, four_eyes=self._four_eyes)
            self.append(new.timestamp.date(), [new])
        return new
