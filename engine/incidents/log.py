"""The incident log, append-only, the pictures that belong to it, and what people decided about incidents.

A review is a row that names the incident it is about; the latest one holds. Nothing is rewritten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.imaging import encode_jpeg
from engine.storage import atomic_write, clean_text, new_id
from engine.storage.logs import FileLogs, Logs
from engine.types import Event, EventKind, Severity

__all__ = [
    "ALERT_KINDS",
    "IMAGE_COLUMNS",
    "INCIDENT_COLUMNS",
    "INCIDENT_KINDS",
    "REVIEW_STATES",
    "Incident",
    "IncidentBook",
    "as_it_stands",
]

INCIDENT_COLUMNS = (
    "incident_id",
    "timestamp",
    "kind",
    "camera",
    "employee_ids",
    "unknown_ids",
    "image",
    "clean_image",
    "before_image",
    "after_image",
    "classification",
    "people",
    "ended",
    "similarity",
    "threshold",
    "model",
    "gallery_version",
    "state",
    "detail",
    "refers_to",
    "author",
    "severity",
    "assignee",
    "tracks",
)
PEOPLE_CELLS = ("employee_ids", "author", "assignee")
IMAGE_COLUMNS = ("image", "clean_image", "before_image", "after_image")
REVIEW_STATES = ("open", "acknowledged", "resolved", "false alarm")
_ALERTS = (EventKind.UNKNOWN, EventKind.TAILGATING, EventKind.PRESENTATION_ATTACK, EventKind.WATCH_LIST)
ALERT_KINDS = tuple(kind.value for kind in _ALERTS)
"""Kinds that somebody must look at; the others tell of cameras."""
INCIDENT_KINDS = (*ALERT_KINDS, EventKind.CAMERA_LOST.value, EventKind.CAMERA_BACK.value)


@dataclass(frozen=True)
class Incident:
    """An incident as it stands.

    Attributes:
        row: as it was written.
        state: `open`, `acknowledged`, `resolved`, `false alarm`; `noted` for what nobody must look at; empty for cameras.
        assignee, note, author, reviewed_at: of the latest review; empty without one.
        reviews: all, oldest first.
    """

    row: Mapping[str, str]
    state: str
    assignee: str = ""
    note: str = ""
    author: str = ""
    reviewed_at: str = ""
    reviews: tuple[Mapping[str, str], ...] = ()


def as_it_stands(row: Mapping[str, str], reviews: Sequence[Mapping[str, str]]) -> Incident:
    """An incident with what was decided about it.

    Args:
        row: as it was written.
        reviews: of this incident, oldest first.
    """
    latest: Mapping[str, str] = reviews[-1] if reviews else {}
    assigned = [each["assignee"] for each in reviews if each["assignee"]]
    return Incident(
        row,
        latest.get("state", row["state"]),
        assigned[-1] if assigned else "",
        latest.get("detail", ""),
        latest.get("author", ""),
        latest.get("timestamp", ""),
        tuple(reviews),
    )


class IncidentBook:
    """Writes incidents: pictures first, then the row, so that a row never names a picture that is not there.

    Args:
        workspace: folder that holds `log/` and `images/`.
        zone: the workplace's time zone.
        logs: makes the log; default: files in the workspace.
        episode_gap_s: a stranger whose incident at this camera is no older has not come back, but is still there.
    """

    def __init__(
        self, workspace: Path, zone: ZoneInfo, logs: Logs | None = None, *, episode_gap_s: float = 0.0
    ) -> None:
        logs = logs or FileLogs(workspace / "log")
        self.log = logs.daily("incidents", INCIDENT_COLUMNS, PEOPLE_CELLS, keys=("unknown_ids",))
        self._workspace = workspace
        self._zone = zone
        self._episode_gap = timedelta(seconds=episode_gap_s)

    def day_of(self, time: datetime) -> date:
        """The workplace day that a moment belongs to."""
        return time.astimezone(self._zone).date()

    def record(
        self,
        event: Event,
        pictures: Mapping[str, NDArray[np.uint8]],
        *,
        model: str = "",
        gallery_version: int = 0,
        tracks: Sequence[str] = (),
    ) -> dict[str, object] | None:
        """Write an incident down.

        Args:
            event: of kind unknown, tailgating, presentation_attack, watch_list, camera_lost or camera_back.
            pictures: RGB pictures by column (`IMAGE_COLUMNS`).
            model, gallery_version: what decided.
            tracks: names of the tracks it is about.

        Returns:
            The row that stands there durably; None when another process has told of this stranger's visit just now.

        Raises:
            StorageError: it could not be written; no picture is left behind.
        """
        about = (event.kind.value, event.camera, event.detail, *tracks, *event.employee_ids)
        incident_id = new_id(event.time.astimezone(self._zone), *about)
        if (standing := self.log.standing(self.day_of(event.time), "incident_id", incident_id)) is not None:
            return dict(standing)
        identity = event.identity
        row: dict[str, object] = {
            "incident_id": incident_id,
            "timestamp": self._stamp(event.time),
            "kind": event.kind.value,
            "camera": event.camera,
            "employee_ids": ";".join(event.employee_ids),
            "unknown_ids": ";".join(event.unknown_ids),
            "classification": event.classification.value if event.classification else "",
            "people": event.people or "",
            "ended": self._stamp(event.until) if event.until else "",
            "similarity": round(identity.similarity, 4) if identity and identity.similarity is not None else None,
            "threshold": round(identity.threshold, 4) if identity and identity.threshold is not None else None,
            "model": model,
            "gallery_version": gallery_version or "",
            "state": ("noted" if event.severity is Severity.INFO else "open") if event.kind in _ALERTS else "",
            "detail": event.detail,
            "author": "engine",
            "severity": event.severity.value,
            "tracks": ";".join(tracks),
        }
        written: list[Path] = []
        kept = False
        try:
            for column, picture in pictures.items():
                suffix = column.removesuffix("_image").replace("image", "annotated")
                name = (
                    f"{incident_id}.jpg"
                    if event.kind is not EventKind.TAILGATING and column == "image"
                    else f"{incident_id}-{suffix}.jpg"
                )
                path = self._workspace / "images" / event.kind.value / name
                atomic_write(path, encode_jpeg(picture))
                written.append(path)
                row[column] = path.relative_to(self._workspace).as_posix()
            with self.log.exclusive():
                if not self._told_already(event):
                    self.log.append(self.day_of(event.time), [row])
                    kept = True
        finally:
            for path in () if kept else written:
                with contextlib.suppress(OSError):
                    path.unlink()
        return row if kept else None

    def _told_already(self, event: Event) -> bool:
        """Another process watches the same camera, or this one was started anew, while a stranger stands there."""
        if event.kind is not EventKind.UNKNOWN or not event.unknown_ids or not self._episode_gap:
            return False
        gap, begin, end = self._episode_gap, event.time, event.until or event.time
        for row in self.log.about(event.unknown_ids[0], self.day_of(begin - gap), self.day_of(end + gap)):
            if (row["kind"], row["camera"], row["unknown_ids"]) == ("unknown", event.camera, event.unknown_ids[0]):
                with contextlib.suppress(
                    ValueError, TypeError
                ):  # a row that somebody changed: `muster verify` names it
                    since = datetime.fromisoformat(row["timestamp"])
                    until = datetime.fromisoformat(row["ended"] or row["timestamp"])
                    # two processes see somebody come at about the same time, and either may write first
                    if begin <= until + gap and since <= end + gap:
                        return True
        return False

    def _stamp(self, time: datetime) -> str:
        return time.astimezone(self._zone).isoformat(timespec="milliseconds")

    # ----------------------------------------------------------------------------------------- reviews

    def review(
        self,
        incident_id: str,
        state: str,
        *,
        author: str,
        now: datetime,
        note: str = "",
        assignee: str = "",
        employee_ids: str = "",
    ) -> dict[str, object]:
        """Say what became of an incident.

        Args:
            incident_id: of the incident.
            state: one of `REVIEW_STATES`.
            author: who says so.
            now: the present.
            note, assignee: what was found, and who takes care of it; may be empty.
            employee_ids: who it turned out to be; may be empty.

        Raises:
            InputError: no such incident or state.
            StorageError: it could not be written.
        """
        if state not in REVIEW_STATES:
            raise InputError(f"{state!r} is no state of an incident", hint=f"use one of {', '.join(REVIEW_STATES)}")
        author = clean_text(author, what="author", limit=100)
        with self.log.exclusive():
            found = self.find(incident_id)
            row: dict[str, object] = {
                "incident_id": new_id(now.astimezone(self._zone), "review", incident_id, state, author),
                "timestamp": self._stamp(now),
                "kind": "review",
                "camera": found["camera"],
                "employee_ids": employee_ids,
                "state": state,
                "detail": clean_text(note, what="note", limit=1000) if note.strip() else "",
                "refers_to": incident_id,
                "author": author,
                "assignee": clean_text(assignee, what="assignee", limit=100) if assignee.strip() else "",
            }
            if self.log.standing(self.day_of(now), "incident_id", str(row["incident_id"])) is None:
                self.log.append(self.day_of(now), [row])
        return row

    def find(self, incident_id: str) -> dict[str, str]:
        """An incident's row.

        Raises:
            InputError: there is none.
        """
        row = self.log.find(incident_id)
        if row is not None and row["kind"] != "review":
            return row
        raise InputError(f"there is no incident {incident_id!r}", hint="`muster incidents` lists them")

    def incidents(self, first: date, last: date) -> list[Incident]:
        """Incidents that began in a range of days with what was decided about them, oldest first."""
        reviews: dict[str, list[Mapping[str, str]]] = {}
        rows: list[Mapping[str, str]] = []
        for day in self.log.days():
            if day < first:
                continue
            for each in self.log.read(day):
                if each["kind"] == "review":
                    reviews.setdefault(each["refers_to"], []).append(each)
                elif day <= last:
                    rows.append(each)
        return [as_it_stands(row, reviews.get(row["incident_id"], [])) for row in rows]
