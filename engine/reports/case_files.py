"""An alert as a ZIP file for those who must have it: rows, pictures, a sheet to print, and whether the seals hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from engine.records import AlertBoard, Records, gather, pack
from engine.reports.incident import incident_sheet


class CaseFiles:
    """Exports the alerts of a workspace.

    Args:
        readable: a text from the logs for people to read, see `engine.records.names`.
    """

    def __init__(
        self,
        records: Records,
        alerts: AlertBoard,
        portrait: Callable[[str], Path | None],
        readable: Callable[[str], str],
        place: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._records, self._alerts, self._portrait, self._readable = records, alerts, portrait, readable
        self._place, self._clock = place, clock

    def export(self, incident_id: str, *, author: str) -> bytes:
        """The file of an alert, see `engine.records.bundle`.

        Raises:
            InputError: there is no such alert.
            StorageError: something could not be read, or the audit log not be written.
        """
        records = self._records
        people = records.people.known()
        case = gather(
            records, self._alerts, incident_id, people=people, portrait=self._portrait, readable=self._readable
        )
        now = self._clock().astimezone(records.zone)
        content = pack(case, incident_sheet(case, generated_at=now, place=self._place), now)
        records.audit.note("export_incident", incident_id, f"{len(case.pictures)} pictures", author=author, now=now)
        return content
