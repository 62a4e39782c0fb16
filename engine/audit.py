"""Who changed what, when: `log/audit.csv`, append-only and sealed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.logs import SealedFile, Sealer

__all__ = ["AUDIT_COLUMNS", "Audit"]

AUDIT_COLUMNS = ("timestamp", "author", "action", "subject", "detail", "seal")


class Audit:
    """The audit log.

    Args:
        workspace: folder that holds `log/`.
        zone: of the workplace.
        sealer: makes the seals.
    """

    def __init__(self, workspace: Path, zone: ZoneInfo, sealer: Sealer) -> None:
        self.file = SealedFile(workspace / "log" / "audit.csv", AUDIT_COLUMNS, sealer, ("author", "subject"))
        self._zone = zone

    def note(self, action: str, subject: str, detail: str, *, author: str, now: datetime) -> None:
        """Write down that somebody did something.

        Args:
            action: one word, such as `enrol`.
            subject: id of the person it was done to, or name of a thing.
            detail: one line without names of people.
            author: who did it.
            now: the present.

        Raises:
            StorageError: it could not be written.
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
