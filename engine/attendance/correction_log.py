"""The log of corrections. A row is in the file of the day on which the correction was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        return self.make_together([wanted], begin, passages)[0]

    def make_together(
        self, wanted: Sequence[Correction], begin: datetime, passages: Iterable[PunchRow]
    ) -> list[Correction]:
        """Check and write several corrections of one person's day, all or none, see `make`.

        Rows that have an id keep it, and are written once: if one of them is in the log, nothing is written again.

        Raises:
            InputError: one of them makes no sense; nothing was written.
            StorageError: the rows could not be written.
        """
        rows, first = list(passages), wanted[0]
        with self.exclusive():
            before = [row for row in self.about_days(first.day, first.day) if row.employee_id == first.employee_id]
            given = {row.correction_id for row in wanted} - {""}
            if there := [row for row in before if row.correction_id in given]:
                return there
            made = self.checked(wanted, before, begin, rows)
            self.append(made[0].timestamp.date(), made)
        return made

    def checked(
        self, wanted: Iterable[Correction], before: Sequence[Correction], begin: datetime, passages: Iterable[PunchRow]
    ) -> list[Correction]:
        """Return corrections as they would be written, each with an id.

        Args:
            before: of the same person and day.

        Raises:
            InputError: one of them makes no sense.
        """
        held, events, made = list(before), [row.event_id for row in passages], list[Correction]()
        for each in wanted:
            now, zone = each.timestamp, self._zone
            new = replace(
                each,
                correction_id=each.correction_id or new_id(now.astimezone(zone)),
                timestamp=now.astimezone(zone),
                time=each.time.astimezone(zone) if each.time else None,
                direction=each.direction if each.action == "add" else None,
                author=clean_text(each.author, what="author", limit=100),
                reason=clean_text(each.reason, what="reason", limit=500),
            )
            if now < begin:
                hint = "correct what has been, import leave for what will be"
                raise InputError(f"{new.day} has not come yet", hint=hint)
            check(new, held, events, now, four_eyes=self._four_eyes)
            held.append(new)
            made.append(new)
        return made
