"""Who changed what, when: `log/audit.csv`, append-only and sealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.storage.logs import Logs
from engine.storage.logs.rows import RowType, TypedLog


@dataclass(frozen=True)
class AuditRow:
    """One action.

    Attributes:
        timestamp: when, timezone-aware.
        action: one word, such as `enrol`.
        subject: id of the person concerned, or name of a thing.
        detail: one line without names of people.
    """

    timestamp: datetime
    author: str
    action: str
    subject: str
    detail: str


AUDIT = RowType(AuditRow, timespec="seconds")


class Audit(TypedLog[AuditRow]):
    """The audit log, in the zone of the workplace."""

    def __init__(self, zone: ZoneInfo, logs: Logs) -> None:
        super().__init__(logs.whole("audit", AUDIT.columns, ("author", "subject")), AUDIT)
        self._zone = zone

    def note(self, action: str, subject: str, detail: str, *, author: str, now: datetime) -> None:
        """Record an action, see `AuditRow`; `now` is the present.

        Raises:
            StorageError: the log cannot be written.
        """
        self.note_all([(action, subject, detail)], author=author, now=now)

    def note_all(self, actions: Iterable[tuple[str, str, str]], *, author: str, now: datetime) -> None:
        """Record several actions (action, subject, detail) of one author at once.

        Raises:
            StorageError: the log cannot be written.
        """
        rows = [AuditRow(now.astimezone(self._zone), author, *each) for each in actions]
        if rows:
            with self.raw.exclusive():
                self.append(rows)
