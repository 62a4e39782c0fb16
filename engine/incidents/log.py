"""The incident log, append-only, the pictures that belong to it, and what people decided about incidents.

A review is a row that names the incident it is about; the latest one holds. Nothing is rewritten.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.imaging import encode_jpeg
from engine.storage import atomic_write, clean_text, new_id
from engine.storage.logs import FileLogs, Logs, RowType, TypedDayLog
from engine.types import Event, EventKind, Severity, TailgatingClass

PEOPLE_CELLS = ("employee_ids", "author", "assignee")
IMAGE_COLUMNS = ("image", "clean_image", "before_image", "after_image")
REVIEW_STATES = ("open", "acknowledged", "resolved", "false alarm")


class IncidentKind(StrEnum):
    """What a row of the incident log is about."""

    UNKNOWN = "unknown"
    TAILGATING = "tailgating"
    PRESENTATION_ATTACK = "presentation_attack"
    WATCH_LIST = "watch_list"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    REVIEW = "review"
    TEST = "test_message"
    """Of a notification that tries an address; it never stands in the log."""


INCIDENT_KINDS = tuple(kind.value for kind in IncidentKind if kind not in {IncidentKind.REVIEW, IncidentKind.TEST})
ALERT_KINDS = tuple(kind for kind in INCIDENT_KINDS if not kind.startswith("camera_"))
"""Kinds that somebody must look at; the others tell of cameras."""


@dataclass(frozen=True)
class IncidentRow:
    """A row of the incident log: an incident as it was written, or a review of one. Pictures are relative to the workspace."""

    incident_id: str  # a review has one of its own
    timestamp: datetime  # of a review, when it was made
    kind: IncidentKind
    camera: str
    employee_ids: tuple[str, ...] = ()  # who was involved; in a review, who it turned out to be
    unknown_ids: tuple[str, ...] = ()
    image: str = ""
    clean_image: str = ""
    before_image: str = ""
    after_image: str = ""
    classification: TailgatingClass | None = None
    people: int | None = None  # who passed together
    ended: datetime | None = None
    similarity: float | None = None  # of the most similar person
    threshold: float | None = None  # what a name needed
    model: str = ""
    gallery_version: int | None = None
    state: str = ""  # one of `REVIEW_STATES`; `noted` for what nobody must look at; empty for cameras
    detail: str = ""  # of a review, the note
    refers_to: str = ""  # of a review, the incident
    author: str = ""  # `engine`, or who reviewed it
    severity: Severity | None = None  # None in a review
    assignee: str = ""  # who takes care of it since this review
    tracks: tuple[str, ...] = ()
    seal: str = ""  # as read; the log makes it when the row is written


INCIDENTS = RowType(IncidentRow)


@dataclass(frozen=True)
class Incident:
    """An incident as it stands.

    Attributes:
        row: as it was written.
        state: `open`, `acknowledged`, `resolved`, `false alarm`; `noted` for what nobody must look at; empty for cameras.
        assignee, note, author, reviewed_at: of the latest review; empty, or None, without one.
        reviews: all, oldest first.
    """

    row: IncidentRow
    state: str
    assignee: str = ""
    note: str = ""
    author: str = ""
    reviewed_at: datetime | None = None
    reviews: tuple[IncidentRow, ...] = ()


def with_reviews(rows: Iterable[IncidentRow]) -> list[Incident]:
    """Incidents as they stand, in the order of their rows; of rows that bear one id the first counts.

    Args:
        rows: incidents and reviews.
    """
    incidents: dict[str, IncidentRow] = {}
    reviews: dict[str, list[IncidentRow]] = {}
    for row in rows:
        if row.kind is IncidentKind.REVIEW:
            reviews.setdefault(row.refers_to, []).append(row)
        else:
            incidents.setdefault(row.incident_id, row)
    return [_as_it_stands(row, reviews.get(key, ())) for key, row in incidents.items()]


def _as_it_stands(row: IncidentRow, reviews: Sequence[IncidentRow]) -> Incident:
    if not reviews:
        return Incident(row, row.state)
    latest = reviews[-1]
    assignee = next((each.assignee for each in reversed(reviews) if each.assignee), "")
    return Incident(row, latest.state, assignee, latest.detail, latest.author, latest.timestamp, tuple(reviews))


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
        self.log = logs.daily("incidents", INCIDENTS.columns[:-1], PEOPLE_CELLS, keys=("unknown_ids",))
        self.rows = TypedDayLog(self.log, INCIDENTS)
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
    ) -> IncidentRow | None:
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
        incident_id, day = new_id(event.time.astimezone(self._zone), *about), self.day_of(event.time)
        if (standing := self.rows.standing(day, "incident_id", incident_id)) is not None:
            return standing
        places = {column: _place(incident_id, event.kind, column) for column in pictures}
        identity, kind = event.identity, IncidentKind(event.kind.value)
        state = "noted" if event.severity is Severity.INFO else "open"
        row = IncidentRow(
            incident_id,
            event.time.astimezone(self._zone),
            kind,
            event.camera,
            event.employee_ids,
            event.unknown_ids,
            image=places.get("image", ""),
            clean_image=places.get("clean_image", ""),
            before_image=places.get("before_image", ""),
            after_image=places.get("after_image", ""),
            classification=event.classification,
            people=event.people or None,
            ended=event.until.astimezone(self._zone) if event.until else None,
            similarity=_rounded(identity.similarity) if identity else None,
            threshold=_rounded(identity.threshold) if identity else None,
            model=model,
            gallery_version=gallery_version or None,
            state=state if kind in ALERT_KINDS else "",
            detail=event.detail,
            author="engine",
            severity=event.severity,
            tracks=tuple(tracks),
        )
        written: list[Path] = []
        kept = False
        try:
            for column, picture in pictures.items():
                path = self._workspace / places[column]
                atomic_write(path, encode_jpeg(picture))
                written.append(path)
            with self.log.exclusive():
                if not self._told_already(event):
                    self.rows.append(day, [row])
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
        rows = self.rows.about(event.unknown_ids[0], self.day_of(begin - gap), self.day_of(end + gap))
        # two processes see somebody come at about the same time, and either may write first
        return any(
            begin <= (row.ended or row.timestamp) + gap and row.timestamp <= end + gap
            for row in rows
            if (row.kind, row.camera, row.unknown_ids) == ("unknown", event.camera, event.unknown_ids[:1])
        )

    def review(
        self,
        incident_id: str,
        state: str,
        *,
        author: str,
        now: datetime,
        note: str = "",
        assignee: str = "",
        employee_id: str = "",
    ) -> IncidentRow:
        """Say what became of an incident.

        Args:
            incident_id: of the incident.
            state: one of `REVIEW_STATES`.
            author: who says so.
            now: the present.
            note, assignee: what was found, and who takes care of it; may be empty.
            employee_id: who it turned out to be; may be empty.

        Raises:
            InputError: no such incident or state.
            StorageError: it could not be written.
        """
        if state not in REVIEW_STATES:
            raise InputError(f"{state!r} is no state of an incident", hint=f"use one of {', '.join(REVIEW_STATES)}")
        author, day = clean_text(author, what="author", limit=100), self.day_of(now)
        with self.log.exclusive():
            row = IncidentRow(
                new_id(now.astimezone(self._zone), "review", incident_id, state, author),
                now.astimezone(self._zone),
                IncidentKind.REVIEW,
                self.find(incident_id).camera,
                (employee_id,) if employee_id else (),
                state=state,
                detail=clean_text(note, what="note", limit=1000) if note.strip() else "",
                refers_to=incident_id,
                author=author,
                assignee=clean_text(assignee, what="assignee", limit=100) if assignee.strip() else "",
            )
            if self.rows.standing(day, "incident_id", row.incident_id) is None:
                self.rows.append(day, [row])
        return row

    def find(self, incident_id: str) -> IncidentRow:
        """An incident's row.

        Raises:
            InputError: there is none.
        """
        row = self.rows.find(incident_id)
        if row is not None and row.kind is not IncidentKind.REVIEW:
            return row
        raise InputError(f"there is no incident {incident_id!r}", hint="`muster incidents` lists them")

    def incidents(self, first: date, last: date) -> list[Incident]:
        """Incidents that began in a range of days with what was decided about them, oldest first."""
        days = self.rows.by_day(day for day in self.log.days() if day >= first)
        return with_reviews(
            row for day, rows in days.items() for row in rows if day <= last or row.kind is IncidentKind.REVIEW
        )


def _place(incident_id: str, kind: EventKind, column: str) -> str:
    """Where a picture lies, relative to the workspace."""
    suffix = column.removesuffix("_image").replace("image", "annotated")
    whole = kind is not EventKind.TAILGATING and column == "image"
    return f"images/{kind.value}/{incident_id}{'' if whole else f'-{suffix}'}.jpg"


def _rounded(similarity: float | None) -> float | None:
    return None if similarity is None else round(similarity, 4)
