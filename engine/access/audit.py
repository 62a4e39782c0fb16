"""Who changed what, when: `log/audit.csv`, append-only and sealed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.storage.logs import Logs

__all__ = ["AUDIT_COLUMNS", "Audit"]

AUDIT_COLUMNS = ("timestamp", "author", "action", "subject", "detail")


class Audit:
    """The audit log.

    Args:
        zone: of the workplace.
        logs: creates the log.
    """

    def __init__(self, zone: ZoneInfo, logs: Logs) -> None:
        self.file = logs.whole("audit", AUDIT_COLUMNS, ("author", "subject"))
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
        row = {
            "timestamp": now.astimezone(self._zone).isoformat(timespec="seconds"),
            "author": author,
            "action": action,
            "subject": subject,
            "detail": detail,
        }
        with self.file.exclusive():
            self.file.append([row])
