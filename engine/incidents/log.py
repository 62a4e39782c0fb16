"""The append-only incident log with its pictures and reviews.

A review is a row that refers to its incident; the latest one counts. Muster never rewrites a row.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError, StorageError
from engine.imaging import encode_jpeg
from engine.storage import clean_text, new_id
from engine.storage.logs import FileLogs, Logs, RowType, TypedDayLog
from engine.storage.vault import Owner, Vault
from engine.types import Event, EventKind, Severity, TailgatingClass

PEOPLE_CELLS = ("employee_ids", "author", "assignee")
IMAGE_COLUMNS = ("image", "clean_image", "before_image", "after_image")
REVIEW_STATES = ("open", "acknowledged", "resolved", "false alarm")

_AGAIN, _STAYS, _EPISODE = timedelta(minutes=10), timedelta(seconds=50), timedelta(hours=1)
"""A camera that is lost again within the first time flaps; one that is lost for the second is away. The third: longest incident of one."""
_TIMES, _BACK = re.compile(r"lost (\d+) times"), ", back since"


class IncidentKind(StrEnum):
    """What a row of the incident log is about."""

    UNKNOWN = "unknown"
    TAILGATING = "tailgating"
    PRESENTATION_ATTACK = "presentation_attack"
    WATCH_LIST = "watch_list"
    WRONG_NAME = "wrong_name"
    """Somebody said at the kiosk that they are not the person whom Muster named."""
    BADGE = "badge"
    """Badge or PIN and face differ, or a revoked badge was shown; `detail` says which."""
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    PART_LOST = "part_lost"
    """A part of `muster serve` ended by itself and was started again; `detail` names it."""
    REVIEW = "review"
    TEST = "test_message"
    """Of a notification that tests an address; never in the log."""


INCIDENT_KINDS = tuple(kind.value for kind in IncidentKind if kind not in {IncidentKind.REVIEW, IncidentKind.TEST})
_REPORTS = {IncidentKind.CAMERA_LOST, IncidentKind.CAMERA_BACK, IncidentKind.PART_LOST}
ALERT_KINDS = tuple(kind for kind in INCIDENT_KINDS if kind not in _REPORTS)
"""Kinds that somebody must handle; the others report the state of cameras and of Muster itself."""


@dataclass(frozen=True)
class IncidentRow:
    """A row of the incident log: an incident or a review. Paths of pictures are relative to the workspace."""

    incident_id: str  # a review has its own
    timestamp: datetime  # of a review: when it was made
    kind: IncidentKind
    camera: str
    employee_ids: tuple[str, ...] = ()  # who was involved; in a review: who the stranger is
    unknown_ids: tuple[str, ...] = ()
    image: str = ""
    clean_image: str = ""
    before_image: str = ""
    after_image: str = ""
    classification: TailgatingClass | None = None
    people: int | None = None  # number of people who passed together
    ended: datetime | None = None
    similarity: float | None = None  # of the most similar person
    threshold: float | None = None  # that a name needed
    model: str = ""
    gallery_version: int | None = None
    state: str = ""  # one of `REVIEW_STATES`; `noted` if nobody must handle it; empty for cameras
    detail: str = ""  # of a review: the note
    refers_to: str = ""  # of a review: the incident
    author: str = ""  # `engine`, or the reviewer
    severity: Severity | None = None  # None in a review
    assignee: str = ""  # who handles the incident from this review on
    tracks: tuple[str, ...] = ()
    seal: str = ""  # as read; the log adds it when it writes the row


INCIDENTS = RowType(IncidentRow)
_FILM = "-film.mp4"


def film_of(row: IncidentRow) -> str:
    """Return where an incident's film lies if there is one, relative to the workspace."""
    return f"images/{row.kind.value}/{row.incident_id}{_FILM}"


def files_of(row: IncidentRow) -> list[str]:
    """Return all pictures that a row names, and the place of its film, relative to the workspace."""
    return [place for column in IMAGE_COLUMNS if (place := getattr(row, column))] + [film_of(row)]


@dataclass(frozen=True)
class Incident:
    """An incident with its current state.

    Attributes:
        row: as written.
        state: as in `IncidentRow`.
        assignee, note, author, reviewed_at: of the latest review; empty or None without one.
        reviews: oldest first.
    """

    row: IncidentRow
    state: str
    assignee: str = ""
    note: str = ""
    author: str = ""
    reviewed_at: datetime | None = None
    reviews: tuple[IncidentRow, ...] = ()


def with_reviews(rows: Iterable[IncidentRow]) -> list[Incident]:
    """Return incidents with their current state in the order of their rows; of rows with the same id, the first counts."""
    incidents: dict[str, IncidentRow] = {}
    reviews: dict[str, list[IncidentRow]] = {}
    for row in rows:
        if row.kind is IncidentKind.REVIEW:
            reviews.setdefault(row.refers_to, []).append(row)
        else:
            incidents.setdefault(row.incident_id, row)
    return [_reviewed(row, reviews.get(key, ())) for key, row in incidents.items()]


def _reviewed(row: IncidentRow, reviews: Sequence[IncidentRow]) -> Incident:
    if not reviews:
        return Incident(row, row.state)
    latest = reviews[-1]
    assignee = next((each.assignee for each in reversed(reviews) if each.assignee), "")
    return Incident(row, latest.state, assignee, latest.detail, latest.author, latest.timestamp, tuple(reviews))


def over(incident: Incident) -> bool:
    """Return whether the camera of an incident that was counted on came back the last time."""
    return _BACK in incident.note


class IncidentBook:
    """Writes incidents: pictures first, then the row, so that a row never names a missing picture.

    Args:
        workspace: folder of `log/` and `images/`.
        logs: makes the log; default: files in the workspace.
        vault: encrypts pictures; default: they are not encrypted.
        episode_gap_s: a stranger with an incident at the same camera within this time counts as still present.
        film_bytes: that films may take together; the oldest go first. 0: there are none.
    """

    def __init__(
        self,
        workspace: Path,
        zone: ZoneInfo,
        logs: Logs | None = None,
        *,
        vault: Vault | None = None,
        episode_gap_s: float = 0.0,
        film_bytes: float = 0.0,
    ) -> None:
        self._vault = vault or Vault(workspace, at_rest=False)
        logs = logs or FileLogs(workspace / "log")
        raw = logs.daily("incidents", INCIDENTS.columns[:-1], PEOPLE_CELLS, keys=("unknown_ids",))
        self.log = TypedDayLog(raw, INCIDENTS)
        self._workspace, self._zone, self._film_bytes = workspace, zone, film_bytes
        self._episode_gap = timedelta(seconds=episode_gap_s)

    def day_of(self, time: datetime) -> date:
        """Return the workplace day of a time."""
        return time.astimezone(self._zone).date()

    def record(
        self,
        event: Event,
        pictures: Mapping[str, NDArray[np.uint8]],
        *,
        model: str = "",
        gallery_version: int = 0,
        tracks: Sequence[str] = (),
        ahead: Callable[[IncidentRow], object] | None = None,
    ) -> IncidentRow | None:
        """Write an incident durably.

        Args:
            event: of one of the `INCIDENT_KINDS`.
            pictures: RGB uint8 (H, W, 3) by column (`IMAGE_COLUMNS`).
            tracks: names of its tracks.
            ahead: called with the row before it is written, so that it is not forgotten what must follow if the process dies then.

        Returns:
            The row; None if another process has just reported the stranger's visit, or if a camera that comes and goes was lost or is
            back once more: its incident is counted on instead.

        Raises:
            StorageError: the incident cannot be written; no picture remains.
        """
        about = (event.kind.value, event.camera, event.detail, *tracks, *event.employee_ids)
        incident_id, day = new_id(event.time.astimezone(self._zone), *about), self.day_of(event.time)
        if (standing := self.log.standing(day, "incident_id", incident_id)) is not None:
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

        def told() -> bool:
            if self._told_already(event) or self._flaps(event):
                return False
            if ahead is not None:
                ahead(row)
            self.log.append(day, [row])
            return True

        try:
            for column, picture in pictures.items():
                path = self._workspace / places[column]
                self._vault.write(path, encode_jpeg(picture), Owner.picture(path))
                written.append(path)
            kept = self.log.repeated(told)
        finally:
            for path in () if kept else written:
                with contextlib.suppress(OSError, StorageError):
                    self._vault.erase(path)
        return row if kept else None

    @property
    def films(self) -> bool:
        """Films of incidents are kept."""
        return self._film_bytes > 0

    def keep_film(self, row: IncidentRow, content: bytes) -> None:
        """Keep an incident's film, an MP4 file; older ones go if there is no room.

        Raises:
            StorageError: it cannot be written.
        """
        path = self._workspace / film_of(row)
        self._vault.write(path, content, Owner.picture(path))
        # not all folders: evidence of a year is a hundred thousand files
        folders = [self._workspace / "images" / kind for kind in ALERT_KINDS]
        kept = sorted((each for folder in folders for each in folder.glob(f"*{_FILM}")), key=lambda each: each.name)
        room = self._film_bytes
        for each in reversed(kept):
            with contextlib.suppress(OSError):
                room -= each.stat().st_size
                if room < 0 and each != path:
                    self._vault.erase(each)

    def _told_already(self, event: Event) -> bool:
        """Return whether another process at the same camera, or this one before a restart, has reported the stranger."""
        if event.kind is not EventKind.UNKNOWN or not event.unknown_ids or not self._episode_gap:
            return False
        gap, begin, end = self._episode_gap, event.time, event.until or event.time
        rows = self.log.about(event.unknown_ids[0], self.day_of(begin - gap), self.day_of(end + gap))
        # two processes see somebody arrive at about the same time, and either may write first
        return any(
            begin <= (row.ended or row.timestamp) + gap and row.timestamp <= end + gap
            for row in rows
            if (row.kind, row.camera, row.unknown_ids) == ("unknown", event.camera, event.unknown_ids[:1])
        )

    def _flaps(self, event: Event) -> bool:
        """Whether a camera is lost or back once more within an incident that is told; the incident is then counted on.

        A camera that stays away after it came and went is a new incident: somebody may have been told that it is back.
        """
        if event.kind not in {EventKind.CAMERA_LOST, EventKind.CAMERA_BACK}:
            return False
        lost, time = event.kind is EventKind.CAMERA_LOST, event.time.astimezone(self._zone)
        rows = [
            row for row in self.log.read(self.day_of(time - _EPISODE), self.day_of(time)) if row.camera == event.camera
        ]
        incident = next((row for row in reversed(rows) if row.kind is IncidentKind.CAMERA_LOST), None)
        if incident is None or time < incident.timestamp:
            return False
        later = rows[rows.index(incident) + 1 :]
        back = next((row for row in later if row.kind is IncidentKind.CAMERA_BACK), None)
        notes = [row for row in later if row.refers_to == incident.incident_id and row.author == "engine"]
        newest = max(row.timestamp for row in (incident, *notes, *([back] if back else [])))
        if back is None:  # told and not over, unless nobody has looked for long
            return lost and time - newest <= _AGAIN
        away = bool(notes) and _BACK not in notes[-1].detail
        long = time - incident.timestamp > _EPISODE or (away and time - newest >= _STAYS)
        if time - newest > _AGAIN or (long if lost else not away):
            return False
        counted = _TIMES.match(notes[-1].detail) if notes else None
        count = (int(counted[1]) if counted else 1) + (lost and not away)
        ended = "" if lost else f"{_BACK} {time:%H:%M:%S}"
        note = f"lost {count} times since {incident.timestamp.astimezone(self._zone):%H:%M:%S}{ended}"
        row = IncidentRow(
            new_id(time, "review", incident.incident_id, note),
            time,
            IncidentKind.REVIEW,
            event.camera,
            detail=note,
            refers_to=incident.incident_id,
            author="engine",
        )
        self.log.append(self.day_of(time), [row])
        return True

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
        """Write a review.

        Args:
            state: one of `REVIEW_STATES`.
            assignee: who handles the incident; may be empty.
            employee_id: who the stranger is; may be empty.

        Raises:
            InputError: the incident or the state does not exist.
            StorageError: the review cannot be written.
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
            if self.log.standing(day, "incident_id", row.incident_id) is None:
                self.log.append(day, [row])
        return row

    def find(self, incident_id: str) -> IncidentRow:
        """Return an incident's row.

        Raises:
            InputError: the incident does not exist.
        """
        row = self.log.find(incident_id)
        if row is not None and row.kind is not IncidentKind.REVIEW:
            return row
        raise InputError(f"there is no incident {incident_id!r}", hint="`muster incidents` lists them")

    def incidents(self, first: date, last: date) -> list[Incident]:
        """Return the incidents that began in a range of days with their reviews, oldest first."""
        days = self.log.by_day(day for day in self.log.days() if day >= first)
        return with_reviews(
            row for day, rows in days.items() for row in rows if day <= last or row.kind is IncidentKind.REVIEW
        )


def _place(incident_id: str, kind: EventKind, column: str) -> str:
    """Return the path of a picture, relative to the workspace."""
    suffix = column.removesuffix("_image").replace("image", "annotated")
    whole = kind is not EventKind.TAILGATING and column == "image"
    return f"images/{kind.value}/{incident_id}{'' if whole else f'-{suffix}'}.jpg"


def _rounded(similarity: float | None) -> float | None:
    return None if similarity is None else round(similarity, 4)
