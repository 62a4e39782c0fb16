"""An alert as a ZIP file to hand over: rows, pictures, a sheet to print, and whether the seals hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.records import AlertBoard, Records, gather, note_export, pack
from engine.reports.incident import incident_sheet


@dataclass(frozen=True)
class CaseFiles:
    """Exports the alerts of a workspace; `readable`: see `engine.records.names`."""

    records: Records
    alerts: AlertBoard
    portrait: Callable[[str], Path | None]
    readable: Callable[[str], str]
    place: str
    clock: Callable[[], datetime]

    def export(self, incident_id: str, *, author: str) -> bytes:
        """The file of an alert, see `engine.records.bundle`.

        Raises:
            InputError: there is no such alert.
            StorageError: something cannot be read, or the audit log cannot be written.
        """
        records, people = self.records, self.records.people.known()
        case = gather(records, self.alerts, incident_id, people=people, portrait=self.portrait, readable=self.readable)
        now = self.clock().astimezone(records.zone)
        content = pack(case, incident_sheet(case, generated_at=now, place=self.place), now)
        note_export(records, "export_incident", incident_id, f"{len(case.pictures)} pictures", content, author=author)
        return content
