"""Events to the books they belong in, each with all it needs to be written, now or later."""

from __future__ import annotations

import functools
import time as clock
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from engine.attendance import PunchRow, Sighting, record_shown
from engine.gallery import Gallery, SeenFace
from engine.pipeline.alerts import Alerts
from engine.pipeline.discretion import Discretion
from engine.pipeline.faces import Decisions
from engine.pipeline.films import FilmKeeper
from engine.pipeline.scenes import SceneKeeper
from engine.pipeline.services import Services
from engine.pipeline.writer import Writer
from engine.tracking import TrackSighting
from engine.types import Event, EventKind, Frame, Image, Severity, Track, TrackState

_MOST_WITH_EVIDENCE = 300


class Recorder:
    """Records what one camera's pipeline decided.

    Attributes:
        latencies_s: seconds from a person's first good frame to their durable punch.
    """

    def __init__(
        self,
        services: Services,
        camera: str,
        writer: Writer,
        alerts: Alerts,
        scenes: SceneKeeper,
        films: FilmKeeper,
        name: Callable[[int], str],
        discretion: Discretion,
    ) -> None:
        self.latencies_s: deque[float] = deque(maxlen=10_000)
        self._services, self._camera, self._writer = services, camera, writer
        self._alerts, self._scenes, self._films, self._name = alerts, scenes, films, name
        self._discretion = discretion

    def record(self, frame: Frame, decisions: Decisions, events: Sequence[Event], *, passage_open: bool) -> None:
        """Record the events of a frame, and what the tracks that ended with it were decided on.

        Args:
            passage_open: people are passing together, so an incident may come of it.
        """
        for event in filter(self._discretion.may_tell, events):
            if event.kind in {EventKind.SIGHTING, EventKind.UNIDENTIFIED}:
                self._sighted(event, decisions)
                if event.kind is EventKind.SIGHTING and event.arrival:
                    self._arrived(event, frame, decisions)
            elif event.kind is EventKind.RETRACTION:
                self._writer.submit("punches", functools.partial(self._write_retraction, event))
            else:
                self._incident(event, frame, decisions)
        for track in decisions.tracks:
            if track.ended:
                self._ended(track, decisions)
        self._scenes.keep(frame, decisions.tracks, watching=passage_open and self._discretion.films)
        self._films.keep(frame, decisions.tracks)

    def identified(self, track: Track, person: str, time: datetime) -> None:
        """A stranger identified themselves at the kiosk: the incident about them, if there is one, needs nobody any more."""
        self._alerts.withdraw(track.track_id, person, time)

    def camera_event(self, event: Event, frame: Frame | None = None, gallery: Gallery | None = None) -> None:
        """An incident that is about the camera itself; `frame` shows it."""
        pictures = {} if frame is None or not self._discretion.films else {"image": frame.image}
        self._alerts.report(event, pictures, gallery)

    def _incident(self, event: Event, frame: Frame, decisions: Decisions) -> None:
        faces = decisions.faces.get(event.track_ids[0])  # who passed together may have gone
        face = faces.picture if faces else None
        pictures = self._scenes.pictures(event, frame, decisions.tracks, face) if self._discretion.films else {}
        if face is not None and not self._discretion.films and event.kind is not EventKind.TAILGATING:
            pictures = {"image": face}
        self._alerts.report(event, pictures, decisions.gallery)

    def _arrived(self, event: Event, frame: Frame, decisions: Decisions) -> None:
        """Somebody was named: had they been reported as a stranger a moment ago, and are they watched for?"""
        track_id, person = event.track_ids[0], event.employee_ids[0]
        self._alerts.withdraw(track_id, person, frame.time)
        watched = replace(event, kind=EventKind.WATCH_LIST, severity=Severity.HIGH, detail="on the watch list")
        self._incident(watched, frame, decisions)

    def _sighted(self, event: Event, decisions: Decisions) -> None:
        assert event.identity is not None
        faces, gallery = decisions.faces[event.track_ids[0]], decisions.gallery
        certain = event.kind is EventKind.SIGHTING
        sighting = Sighting(
            employee_id=event.employee_ids[0],
            time=event.time,
            camera=self._camera,
            track=self._name(event.track_ids[0]),
            identity=event.identity,
            model=gallery.model_id,
            gallery_version=gallery.version,
            arrival=event.arrival,
            certain=certain,
            reason="" if certain else event.detail,
            liveness=event.liveness,
        )
        # rows are never dropped, but pictures would fill the memory while a disk is away
        evidence = faces.picture if self._writer.waiting < _MOST_WITH_EVIDENCE else None
        since = faces.first_good if certain else None
        self._writer.submit("punches", functools.partial(self._write_sighting, sighting, evidence, since))

    def _write_sighting(self, sighting: Sighting, evidence: Image | None, since: float | None) -> PunchRow | None:
        services, renew = self._services, not self._writer.threaded
        row = record_shown(services.attendance, sighting, services.people, evidence, renew=renew)
        if row is not None and row.event == "punch" and since is not None:
            self.latencies_s.append(clock.monotonic() - since)
        return row

    def _write_retraction(self, event: Event) -> PunchRow | None:
        wanted = PunchRow(
            "",
            event.time,
            event.employee_ids[0],
            "retract",
            event.camera,
            track=self._name(event.track_ids[0]),
            runner_up=(event.identity.person or "") if event.identity else "",
            author="engine",
            reason=event.detail,
        )
        people, renew = self._services.people(), not self._writer.threaded
        return self._services.attendance.retract(wanted, people, renew=renew)

    def _ended(self, track: Track, decisions: Decisions) -> None:
        """If a track had a good face, it is kept for the search by photo, and what its decision was made of in the log of sightings."""
        if track.claimed:  # nothing of their face is kept: they chose another way
            return
        faces, gallery = decisions.faces[track.track_id], decisions.gallery
        if faces.first_good is None or not self._discretion.may_log(track):
            return
        sighting = TrackSighting(
            track=self._name(track.track_id),
            camera=self._camera,
            first_seen=track.first_seen,
            last_seen=track.until,
            identity=track.identity,
            unknown_id=track.unknown_id or "",
            candidates=faces.candidates,
            votes=tuple(faces.votes),
            left_out=faces.voted - len(faces.votes),
            min_margin=self._services.min_margin,
            liveness=track.liveness,
            model=gallery.model_id,
            gallery_version=gallery.version,
            gallery_size=len(gallery),
        )
        self._writer.submit("sightings", functools.partial(self._services.sightings.record, sighting))
        face = faces.voter.supporting if track.identity.state is TrackState.UNKNOWN else faces.voter.fused
        if face is not None:
            seen = SeenFace(
                track=sighting.track,
                camera=self._camera,
                first_seen=track.first_seen,
                last_seen=track.until,
                state=track.identity.state.value,
                employee_id=track.identity.person or track.identity.nearest or "",
                unknown_id=track.unknown_id or "",
            )
            self._writer.submit("faces", functools.partial(self._services.seen.record, seen, face))
