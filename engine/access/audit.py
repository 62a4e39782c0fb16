"""Who changed what, when: `log/audit.csv`, append-only and sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.storage.logs import Logs, RowType, TypedLog

__all__ = ["Audit", "AuditRow"]


@dataclass(frozen=True)
class AuditRow:
    """What somebody did."""

    timestamp: datetime
    author: str
    action: str  # one word, such as `enrol`
    subject: str  # id of the person it was done to, or name of a thing
    detail: str


AUDIT = RowType(AuditRow, timespec="seconds")


class Audit:
    """The audit log.

    Args:
        zone: of the workplace.
        logs: creates the log.
    """

    def __init__(self, zone: ZoneInfo, logs: Logs) -> None:
        self.file = logs.whole("audit", AUDIT.columns, ("author", "subject"))
        self._rows = TypedLog(self.file, AUDIT)
        self._zone = zone

    def note(self, action: str, subject: str, detail: str, *, author: str, now: datetime) -> None:
        """Record an action.

        Args:
            action: one word, such as `enrol`.
            subject: id of the person concerned, or name of a thing.
            detail: one line without names of people.
            author: the user who acted.
            now: the present.

        Raises:
            StorageError: the log cannot be written.
        """
        with self.file.exclusive():
            self._rows.append([AuditRow(now.astimezone(self._zone), author, action, subject, detail)])

    def rows(self) -> list[AuditRow]:
        """Everything that was written down, oldest first."""
        return self._rows.read()
