"""The door log: `log/doors-<day>.csv`, append-only and sealed. It lies in files, also beside a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from engine.storage.logs import Logs, RowType, TypedDayLog

Result = Literal["opened", "dry_run", "refused", "failed", "test"]


@dataclass(frozen=True)
class DoorRow:
    """What happened at a door.

    Attributes:
        row_id: sorts by time.
        employee_id: for whom; empty for a test.
        result: `opened` is written before the pulse is sent; `failed` after it could not be.
        reasons: conditions that did not hold, as `engine.access.doors.Refusal` has them.
        author: who tested; else `engine`. detail: why it failed.
    """

    row_id: str
    timestamp: datetime
    door: str
    camera: str
    employee_id: str
    result: Result
    reasons: tuple[str, ...] = ()
    author: str = "engine"
    detail: str = ""


DOORS = RowType(DoorRow)


class DoorBook:
    """The door log of a workspace."""

    def __init__(self, logs: Logs) -> None:
        self.log = TypedDayLog(logs.daily("doors", DOORS.columns, ("employee_id", "author")), DOORS)

    def note(self, rows: Sequence[DoorRow]) -> None:
        """Append rows.

        Raises:
            StorageError: the log cannot be written.
        """
        with self.log.exclusive():
            for day in sorted({row.timestamp.date() for row in rows}):
                self.log.append(day, [row for row in rows if row.timestamp.date() == day])

    def last(self, days: int, today: date) -> list[DoorRow]:
        """Return the rows of so many days up to today, oldest first."""
        first = today - timedelta(days=days - 1)
        return self.log.on([day for day in self.log.days() if day >= first])
