"""Incidents: what security is told, in the light of what people have decided about those whom it is about."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from engine.errors import StorageError, Unreachable
from engine.gallery import Gallery
from engine.incidents import DossierBook, IncidentBook, IncidentRow, Register
from engine.pipeline.writer import Writer
from engine.types import Event, EventKind, Image, Severity

_MOST_WITH_PICTURES = 30


class Alerts:
    """Reports the incidents of one camera.

    Args:
        notify: tells others of an incident once it is written; may raise StorageError, and is then called again.
        announce: notes before it is written that others must be told.

    Attributes:
        film: told of each incident that was written, of which there may be a film.
    """

    def __init__(
        self,
        incidents: IncidentBook,
        dossiers: DossierBook,
        writer: Writer,
        name: Callable[[int], str],
        notify: Callable[[IncidentRow], object] | None,
        announce: Callable[[IncidentRow], object] | None = None,
    ) -> None:
        self.film: Callable[[IncidentRow], object] = lambda _row: None
        self._incidents, self._dossiers, self._writer, self._name = incidents, dossiers, writer, name
        self._notify, self._announce = notify, announce
        self._register = Register()
        with contextlib.suppress(StorageError):  # it is asked again when an alert is written
            self._decided()
        self._incident_of: dict[int, str] = {}

    def report(self, event: Event, pictures: Mapping[str, Image], gallery: Gallery | None = None) -> None:
        """An unknown person, tailgating, an attack, somebody on the watch list, or a camera that was lost or is back.

        Args:
            pictures: by the incident log's columns.
            gallery: that was searched; None: none was.
        """
        if self._writer.waiting >= _MOST_WITH_PICTURES:
            pictures = {}  # rows are never dropped, but full frames would fill the memory while a disk is away
        self._writer.submit("incidents", functools.partial(self._write, event, pictures, gallery))

    def withdraw(self, track_id: int, employee_id: str, time: datetime) -> None:
        """A track that was reported as a stranger is somebody enrolled after all: the incident needs nobody any more."""
        self._writer.submit("incidents", functools.partial(self._resolve, track_id, employee_id, time))

    def _write(self, event: Event, pictures: Mapping[str, Image], gallery: Gallery | None) -> IncidentRow | None:
        judged = self._judged(event)
        if judged is None:
            return None
        row = self._incidents.record(
            judged,
            pictures,
            model=gallery.model_id if gallery else "",
            gallery_version=gallery.version if gallery else 0,
            tracks=[self._name(track_id) for track_id in event.track_ids],
            ahead=self._announce,
        )
        if row is None:
            return None
        if event.kind is EventKind.UNKNOWN:
            self._incident_of[event.track_ids[0]] = row.incident_id
        if event.kind not in {EventKind.CAMERA_LOST, EventKind.CAMERA_BACK}:
            self.film(row)
        if self._notify is not None:
            self._writer.submit("notifications", functools.partial(self._notify, row))
        return row

    def _resolve(self, track_id: int, employee_id: str, time: datetime) -> IncidentRow | None:
        incident_id = self._incident_of.pop(track_id, None)
        if incident_id is None:
            return None
        return self._incidents.review(
            incident_id,
            "resolved",
            author="engine",
            now=time,
            note="recognised a moment later",
            employee_id=employee_id,
        )

    def _judged(self, event: Event) -> Event | None:
        """An incident as it is to be written now; None: people decided that it is none."""
        if event.kind not in {EventKind.UNKNOWN, EventKind.WATCH_LIST}:
            return event
        register = self._decided()
        if event.kind is EventKind.WATCH_LIST:
            return event if register.watched.intersection(event.employee_ids) else None
        current = {register.current(each) for each in event.unknown_ids}
        if current & register.watched:
            return replace(event, severity=Severity.HIGH, detail="on the watch list")
        if current & register.ignored and event.severity is not Severity.HIGH:  # in quiet hours nobody is ignored
            return replace(event, severity=Severity.INFO)
        return event

    def _decided(self) -> Register:
        """What people decided about strangers; while a database is away, up to then: an alert must not wait for it."""
        with contextlib.suppress(Unreachable):
            self._register = self._dossiers.register()
        return self._register
