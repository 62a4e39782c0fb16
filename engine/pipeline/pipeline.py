"""The main job: frames in, tracks, decisions, log rows and pictures out.

A recording is processed frame by frame, and what comes out does not depend on the machine. A live camera must be kept up with:
frames are read, faces embedded and rows written in threads of their own (`engine.pipeline.staging`,
`engine.pipeline.recorder`), and a vote may arrive some frames after its picture was taken. A track that ends meanwhile is kept
until all that is known of it has been counted.
"""

from __future__ import annotations

import contextlib
import logging
import time as clock
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from engine.attendance import Sighting, Watching
from engine.config import Config
from engine.errors import StorageError, Unreachable
from engine.events import EventMaker
from engine.face_reader import Faces
from engine.imaging import crop_around
from engine.incidents import Register
from engine.liveness import StreamWatch
from engine.pipeline.identification import Identification
from engine.pipeline.recorder import Recorder
from engine.pipeline.scenes import SceneKeeper
from engine.pipeline.services import Services
from engine.pipeline.staging import Desk, Intake, PromptDesk, ThreadedDesk
from engine.sources import Source
from engine.tracking import Tracker, TrackSighting, Trail
from engine.types import Event, EventKind, Frame, Severity, SourceEvent, Track, TrackState

__all__ = ["FrameResult", "Pipeline", "RunStats", "Services"]

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_IDLE_S = 0.2
"""When a live camera gives no frame for so long, votes that have come in meanwhile are counted without one."""


@dataclass(frozen=True)
class FrameResult:
    """What one frame gave.

    Attributes:
        frame: as it came.
        tracks: alive, and those that ended with it.
        events: that began with it.
        rows: log rows written since the frame before: punches, sightings, retractions and incidents.
        alarmed: tracks of a running tailgating incident.
    """

    frame: Frame
    tracks: tuple[Track, ...]
    events: tuple[Event, ...]
    rows: tuple[Mapping[str, object], ...]
    alarmed: frozenset[int] = frozenset()


@dataclass
class RunStats:
    """Counters of a run.

    Attributes:
        frames, faces, tracks, punches: how many.
        dropped: frames of a live camera that were left out because newer ones were there.
        scans: frames searched as a whole; in the others faces were looked for where they were expected.
        embedded, passed_over: faces embedded, and good faces that were left out because the embedder had no time.
        seen, retracted, unresolved: `seen` rows, withdrawn names, tracks that ended without a decision.
        incidents: by kind.
        stage_s: seconds spent per stage; stages of a live camera run side by side.
        latencies_s: from a person's first good frame to their durable punch.
    """

    frames: int = 0
    faces: int = 0
    tracks: int = 0
    punches: int = 0
    dropped: int = 0
    scans: int = 0
    embedded: int = 0
    passed_over: int = 0
    seen: int = 0
    retracted: int = 0
    unresolved: int = 0
    incidents: Counter[str] = field(default_factory=lambda: Counter({"unknown": 0, "tailgating": 0}))
    stage_s: dict[str, float] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent in the block to a stage."""
        began = clock.perf_counter()
        try:
            yield
        finally:
            self.stage_s[name] = self.stage_s.get(name, 0.0) + clock.perf_counter() - began


class Pipeline:
    """Watches one camera. Not thread-safe: one thread feeds it.

    Args:
        services: networks, galleries and books.
        config: all settings.
        camera: its name.
        run_id: makes track names unique among runs.
        min_face_px: smallest face; default: the camera's in the settings, else that of all cameras.
        live: embed and write in threads of their own.
    """

    def __init__(
        self, services: Services, config: Config, camera: str, *, run_id: str, min_face_px: int | None = None,
        live: bool = False,
    ) -> None:  # fmt: skip
        self.stats = RunStats()
        self._services = services
        self._config = config
        self._camera = camera
        self._run_id = run_id
        self._live = live
        for store in (services.gallery, services.strangers):
            store.current()  # templates of another model are told at the start, not at the first face
        own = config.cameras[camera].min_face_px if camera in config.cameras else None
        self._finder = services.reader.finder(config.detection, min_face_px or own)
        self._tracker = Tracker(config.tracking)
        policy = config.presentation.policy
        self._maker = EventMaker(
            config.events, camera, config.cameras.get(camera), config.zone, require_liveness=policy == "require"
        )
        self._stream = StreamWatch(config.presentation) if live and policy != "off" else None
        self._stream_fault = ""
        rules = config.attendance
        self._watching = Watching(camera, rules.gap_s, rules.coverage_every_s)
        self._register = Register()
        with contextlib.suppress(StorageError):  # it is asked again when an alert is written
            self._decided()
        self._scenes = SceneKeeper(config.events.context_s)
        embedder = services.reader.embedder
        self._desk: Desk = ThreadedDesk(embedder, self._embedding) if live else PromptDesk(embedder)
        self._recorder = Recorder(
            services.attendance,
            services.incidents,
            services.people,
            services.sightings,
            alert=services.alert,
            threaded=live,
        )
        self._identification = Identification(
            services, config, self._tracker, self._desk, self._recorder, self._track_name
        )
        self._closing: list[Trail] = []
        self._alarmed: tuple[frozenset[int], datetime] | None = None
        self._last: Frame | None = None

    def _embedding(self, work: Callable[[], Floats]) -> Floats:
        with self.stats.stage("embedding"):
            return work()

    # ----------------------------------------------------------------------------------------- driving

    def run(
        self, source: Source, sink: Callable[[FrameResult], None] = lambda _result: None, *, limit: int | None = None
    ) -> RunStats:
        """Process a source to its end (or `limit` frames), then settle what is open.

        Args:
            source: frames.
            sink: called with each result, in this thread.
        """
        intake = Intake(source, newest_wins=self._live)
        try:
            while limit is None or self.stats.frames < limit:
                with self.stats.stage("waiting"):
                    item = intake.next(_IDLE_S if self._live else None)
                self.stats.dropped = intake.dropped
                if item is None:
                    break
                if item == "nothing yet":
                    result = self._catch_up()
                elif isinstance(item, SourceEvent):
                    result = self.source_event(item)
                else:
                    result = self.process(item)
                if result is not None:
                    sink(result)
        except BaseException:
            # what was decided up to here is written before the error is told
            with contextlib.suppress(Exception):
                self.finish()
            raise
        finally:
            intake.close()
        last = self.finish()
        if last is not None:
            sink(last)
        return self.stats

    def _catch_up(self) -> FrameResult | None:
        """No frame comes for the moment: what was embedded since the last one is counted now; None when there is nothing."""
        if self._last is None or not self._desk.waiting():
            return None
        return self._settled(self._last)

    def _settled(self, frame: Frame) -> FrameResult:
        """What is known by now, told with the last frame that came."""
        self._identification.learn(self._closing)
        return self._conclude(frame, final=False)

    def source_event(self, item: SourceEvent) -> FrameResult | None:
        """Write down that the camera was lost or is back; before that, what its last frames showed (None: there were none)."""
        self._desk.settle()
        result = None if self._last is None else self._settled(self._last)
        severity = Severity.MEDIUM if item.kind == EventKind.CAMERA_LOST else Severity.INFO
        event = Event(EventKind(item.kind), item.time, item.camera, severity=severity, detail=item.detail)
        log.warning(
            "camera %s: %s%s", item.camera, item.kind.replace("_", " "), f", {item.detail}" if item.detail else ""
        )
        if event.kind is EventKind.CAMERA_BACK:
            self._maker.resumed(item.time)
        else:
            self._maker.interrupted(item.time)
            self._recorder.watched(self._watching.pause("lost", item.detail))
        self._recorder.incident(event, {})
        rows = tuple(self._counted(self._recorder.write()))
        return None if result is None else replace(result, rows=result.rows + rows)

    def process(self, frame: Frame) -> FrameResult:
        """Take one frame in.

        Raises:
            GalleryMismatch: the gallery was replaced by one of another model.
        """
        services, stats = self._services, self.stats
        stats.frames += 1
        self._recorder.watched(self._watching.frame(frame.time))
        with stats.stage("detection"):
            expected = self._tracker.expected(frame.time, self._finder.scanned)
            found = self._finder.look(frame, *expected)
        stats.faces += len(found)
        stats.scans = self._finder.scans
        with stats.stage("tracking"):
            ids, ended = self._tracker.update(found, frame.time)
            self._closing += ended
            self._identification.follow(ids)
        with stats.stage("alignment"):
            rows = self._identification.worth_cutting(ids, frame.time)
            faces = services.reader.cut(frame.image, found[rows]) if rows else Faces.none()
            self._identification.observe(frame, ids, found, rows, faces)
        with contextlib.nullcontext() if self._live else stats.stage("embedding"):
            self._identification.consider(frame, [ids[row] for row in rows], faces)
        with stats.stage("matching"):
            self._identification.learn(self._closing)
        self._check_stream(frame)
        return self._conclude(frame, final=False)

    @property
    def waiting(self) -> int:
        """Rows and pictures that are not on disk yet. May be asked from other threads."""
        return self._recorder.waiting

    @property
    def stuck(self) -> bool:
        """Something could not be written and is tried again. May be asked from other threads."""
        return self._recorder.stuck

    def vouch(self, track_id: int, reason: str) -> None:
        """Somebody else proved that a track is a living person, such as by a head-turn challenge: from the next frame on it counts.

        Args:
            track_id: of a track that is alive; of others nothing is known any more.
            reason: one short line.
        """
        self._identification.vouch(track_id, reason)

    def _check_stream(self, frame: Frame) -> None:
        """A live camera whose pictures stand still or repeat themselves shows a recording, not the door: told once."""
        fault = self._stream.observe(frame.time, frame.image) if self._stream else ""
        if fault and fault != self._stream_fault:
            event = Event(
                EventKind.PRESENTATION_ATTACK,
                frame.time,
                self._camera,
                severity=Severity.HIGH,
                liveness="failed",
                detail=f"the camera's stream is {fault}",
            )
            self._report(event, {"image": frame.image})
        self._stream_fault = fault

    def finish(self) -> FrameResult | None:
        """The source has ended: settle open tracks and incidents. None when there was no frame.

        Raises:
            StorageError: something could not be written, not even after trying again.
        """
        self._recorder.watched(self._watching.pause("stopped"))
        try:
            if self._last is None:
                self._counted(self._recorder.finish())
                return None
            self._identification.follow([trail.track_id for trail in self._tracker.trails])
            failed = None
            rows: list[Mapping[str, object]] = []
            try:
                self._desk.settle()
                self._identification.learn(self._closing)
                self._recorder.stop()
                rows = self._counted(self._recorder.write())  # strangers have their identifiers now
                self._identification.learn(self._closing)
            except Exception as error:  # noqa: BLE001 - raised below, when what was decided is written
                failed = error
            self._closing += self._tracker.finish()
            result = self._conclude(self._last, final=True)
            if failed is not None:
                raise failed
            return replace(result, rows=(*rows, *result.rows))
        finally:
            self._desk.close()
            self._recorder.stop()

    # ----------------------------------------------------------------------------------------- telling

    def _conclude(self, frame: Frame, *, final: bool) -> FrameResult:
        open_ = set() if final else self._identification.outstanding(self._closing)
        ended = [trail for trail in self._closing if trail.track_id not in open_]
        self._closing = [trail for trail in self._closing if trail.track_id in open_]
        snapshot = self._identification.snapshot
        tracks = [snapshot(trail, ended=False) for trail in (*self._tracker.trails, *self._closing)]
        tracks += [snapshot(trail, ended=True) for trail in ended]
        if self._stream_fault:
            # the stream was told as a whole; what it shows proves nothing
            reason = f"the camera's stream is {self._stream_fault}"
            tracks = [replace(track, liveness="unproven", liveness_reason=reason) for track in tracks]
        with self.stats.stage("events"):
            events = self._maker.update(tracks, frame.time, final=final)
        with self.stats.stage("writing"):
            for event in events:
                self._hand_over(event, frame, tracks)
            for track in tracks:
                if track.ended:
                    self._keep(track)
            rows = self._counted(self._recorder.finish() if final else self._recorder.write())
            self._scenes.keep(frame, tracks, watching=self._maker.passage_open)
        for trail in ended:
            state = self._identification.forget(trail.track_id)
            self.stats.unresolved += state in {TrackState.PENDING, TrackState.CONFLICT}
        for event in events:
            if event.kind is EventKind.TAILGATING and event.severity is not Severity.INFO:
                self._alarmed = (frozenset(event.track_ids), frame.time + timedelta(seconds=3))
        alarmed = self._alarmed[0] if self._alarmed and frame.time <= self._alarmed[1] else frozenset()
        self._last = frame
        return FrameResult(frame, tuple(tracks), tuple(events), tuple(rows), alarmed)

    def _hand_over(self, event: Event, frame: Frame, tracks: list[Track]) -> None:
        """Give the recorder an event with all it needs to be written, now or later."""
        if event.kind in {EventKind.SIGHTING, EventKind.UNIDENTIFIED}:
            self._sighted(event)
            if event.kind is EventKind.SIGHTING and event.arrival:
                self._look_up(event, frame, tracks)
        elif event.kind is EventKind.RETRACTION:
            self._recorder.retraction(event, self._track_name(event.track_ids[0]))
        else:
            self._report(event, self._pictures(event, frame, tracks))

    def _sighted(self, event: Event) -> None:
        assert event.identity is not None
        gallery, track = self._identification.gallery, event.track_ids[0]
        certain = event.kind is EventKind.SIGHTING
        sighting = Sighting(
            employee_id=event.employee_ids[0],
            time=event.time,
            camera=self._camera,
            track=self._track_name(track),
            identity=event.identity,
            model=gallery.model_id,
            gallery_version=gallery.version,
            arrival=event.arrival,
            certain=certain,
            reason="" if certain else event.detail,
            liveness=event.liveness,
        )
        self._recorder.sighting(
            sighting, self._identification.picture(track), self._identification.first_good(track) if certain else None
        )

    def _keep(self, track: Track) -> None:
        """A track has ended: if it had a good face, what its decision was made of goes into the log of sightings."""
        identification = self._identification
        if identification.first_good(track.track_id) is None:
            return
        votes, left_out = identification.votes(track.track_id)
        gallery = identification.gallery
        self._recorder.ended(
            TrackSighting(
                track=self._track_name(track.track_id),
                camera=self._camera,
                first_seen=track.first_seen,
                last_seen=track.last_seen,
                identity=track.identity,
                unknown_id=track.unknown_id or "",
                candidates=identification.candidates(track.track_id),
                votes=votes,
                left_out=left_out,
                min_margin=self._services.min_margin,
                liveness=track.liveness,
                model=gallery.model_id,
                gallery_version=gallery.version,
                gallery_size=len(gallery),
            )
        )

    def _look_up(self, event: Event, frame: Frame, tracks: list[Track]) -> None:
        """Somebody was named: had they been told as a stranger a moment ago, and are they watched for?"""
        services, person, track_id = self._services, event.employee_ids[0], event.track_ids[0]
        if any(track.track_id == track_id and track.unknown_id for track in tracks):
            name = self._track_name(track_id)
            self._recorder.recognised(
                track_id,
                person,
                frame.time,
                lambda: services.strangers.update(lambda gallery: gallery.remove_templates([name])),
            )
        watched = replace(event, kind=EventKind.WATCH_LIST, severity=Severity.HIGH, detail="on the watch list")
        self._report(watched, self._pictures(watched, frame, tracks))

    def _report(self, event: Event, pictures: dict[str, Image]) -> None:
        gallery = self._identification.gallery
        self._recorder.incident(
            event,
            pictures,
            model=gallery.model_id,
            gallery_version=gallery.version,
            tracks=[self._track_name(track_id) for track_id in event.track_ids],
            judge=self._judged,
        )

    def _judged(self, event: Event) -> Event | None:
        """An incident in the light of what people decided about those it is about; None: it is none. Called when it is written."""
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
            self._register = self._services.dossiers.register()
        return self._register

    def _counted(self, rows: list[Mapping[str, object]]) -> list[Mapping[str, object]]:
        """The rows, after counting them."""
        stats = self.stats
        for row in rows:
            event = row.get("event")
            stats.punches += event == "punch"
            stats.seen += event == "seen"
            stats.retracted += event == "retract"
            if row.get("kind", "review") != "review":
                stats.incidents[str(row["kind"])] += 1
        stats.tracks = self._identification.tracks
        stats.embedded, stats.passed_over = self._desk.embedded, self._desk.dropped
        stats.latencies_s = list(self._recorder.latencies_s) if rows else stats.latencies_s
        return rows

    def _track_name(self, track_id: int) -> str:
        return f"{self._run_id}-{track_id}"

    def _pictures(self, event: Event, frame: Frame, tracks: list[Track]) -> dict[str, Image]:
        if event.kind is not EventKind.TAILGATING:
            best = self._identification.picture(event.track_ids[0])
            if best is not None:
                return {"image": best}
            box = next((track.box for track in tracks if track.track_id == event.track_ids[0]), None)
            return {"image": crop_around(frame.image, box) if box is not None else frame.image}
        names = {key: person.name for key, person in self._services.people().items()}
        return self._scenes.pictures(frame, tracks, names)
