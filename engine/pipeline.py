"""The main job: frames in, tracks, decisions, log rows and pictures out."""

from __future__ import annotations

import contextlib
import logging
import time as clock
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.analysis import FaceReader
from engine.attendance import AttendanceBook, Sighting
from engine.config import Config
from engine.drawing import crop_around, draw_tracks
from engine.errors import MusterError, StorageError
from engine.events import EventMaker
from engine.gallery import Gallery, GalleryStore, Template
from engine.incidents import IncidentBook
from engine.recorder import Recorder
from engine.sources import Source
from engine.storage import new_id
from engine.tracking import Tracker, Trail
from engine.types import (
    Event,
    EventKind,
    FaceQuality,
    Frame,
    Match,
    SourceEvent,
    Track,
    TrackState,
)
from engine.voting import Voter, assign, one_place_each

__all__ = ["FrameResult", "Pipeline", "RunStats", "Services"]

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SWAPPED = 2
"""So many good frames in a row that do not look like the track's own mean: somebody else has taken its place."""
_RING = 8


class Threshold(Protocol):
    """The threshold in force for a gallery."""

    def __call__(self, gallery: Gallery) -> float: ...


@dataclass(frozen=True)
class Services:
    """What a pipeline works with; one set may serve the pipelines of several cameras.

    Attributes:
        reader: networks.
        gallery, strangers: enrolled people, and people seen but not enrolled.
        attendance, incidents: the books.
        people: name and department by id.
        threshold: for a gallery.
        swap_similarity: below this two faces of one track are taken for two people.
        inactive: ids of people who are enrolled but no longer recognised.
    """

    reader: FaceReader
    gallery: GalleryStore
    strangers: GalleryStore
    attendance: AttendanceBook
    incidents: IncidentBook
    people: Callable[[], Mapping[str, Mapping[str, str]]]
    threshold: Threshold
    swap_similarity: float
    inactive: Callable[[], Collection[str]] = frozenset


@dataclass(frozen=True)
class FrameResult:
    """What one frame gave.

    Attributes:
        frame: as it came.
        tracks: alive, and those that ended with it.
        events: that began with it.
        rows: log rows written: punches, sightings, retractions and incidents.
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
        seen, retracted, unresolved: `seen` rows, withdrawn names, tracks that ended without a decision.
        incidents: by kind.
        stage_s: seconds spent per stage.
    """

    frames: int = 0
    faces: int = 0
    tracks: int = 0
    punches: int = 0
    seen: int = 0
    retracted: int = 0
    unresolved: int = 0
    incidents: Counter[str] = field(default_factory=lambda: Counter({"unknown": 0, "tailgating": 0}))
    stage_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent in the block to a stage."""
        began = clock.perf_counter()
        try:
            yield
        finally:
            self.stage_s[name] = self.stage_s.get(name, 0.0) + clock.perf_counter() - began


@dataclass
class _Following:
    """What the pipeline knows of a track beyond its places."""

    voter: Voter
    unknown_id: str | None = None
    quality: FaceQuality | None = None
    last_vote: datetime | None = None
    strange: int = 0
    best: tuple[float, Image] | None = None  # score and picture of the best good frame


class Pipeline:
    """Watches one camera. Not thread-safe: one thread feeds it.

    Args:
        services: networks, galleries and books.
        config: all settings.
        camera: its name.
        run_id: makes track names unique among runs.
        min_face_px: smallest face for this camera; default from the settings.
    """

    def __init__(
        self, services: Services, config: Config, camera: str, *, run_id: str, min_face_px: int | None = None
    ) -> None:
        self.stats = RunStats()
        self._services = services
        self._config = config
        self._camera = camera
        self._run_id = run_id
        self._min_face_px = min_face_px
        self._tracker = Tracker(config.tracking)
        self._maker = EventMaker(config.events, camera)
        for store in (services.gallery, services.strangers):
            store.current()  # templates of another model are told at the start, not at the first face
        self._recorder = Recorder(services.attendance, services.incidents, services.people)
        self._following: dict[int, _Following] = {}
        self._ring: deque[tuple[datetime, Image]] = deque(maxlen=_RING)
        self._scene: tuple[tuple[int, float], Image, Image] | None = None  # rank, clean, annotated
        self._before: Image | None = None
        self._alarmed: tuple[frozenset[int], datetime] | None = None
        self._last: Frame | None = None

    # ----------------------------------------------------------------------------------------- driving

    def run(
        self, source: Source, sink: Callable[[FrameResult], None] = lambda _result: None, *, limit: int | None = None
    ) -> RunStats:
        """Process a source to its end (or `limit` frames), then settle what is open.

        Args:
            source: frames.
            sink: called with each result, in this thread.
        """
        iterator = iter(source)
        try:
            while limit is None or self.stats.frames < limit:
                with self.stats.stage("capture"):
                    item = next(iterator, None)
                if item is None:
                    break
                if isinstance(item, SourceEvent):
                    self.source_event(item)
                else:
                    sink(self.process(item))
        except BaseException:
            # what was decided up to here is written before the error is told
            with contextlib.suppress(MusterError):
                self.finish()
            raise
        finally:
            source.close()
        last = self.finish()
        if last is not None:
            sink(last)
        return self.stats

    def source_event(self, item: SourceEvent) -> None:
        """Write down that the camera was lost or is back."""
        event = Event(EventKind(item.kind), item.time, item.camera, detail=item.detail)
        log.warning(
            "camera %s: %s%s", item.camera, item.kind.replace("_", " "), f", {item.detail}" if item.detail else ""
        )
        self._recorder.incident(event, {})
        self._counted(self._recorder.write())

    def process(self, frame: Frame) -> FrameResult:
        """Take one frame in.

        Raises:
            GalleryMismatch: the gallery was replaced by one of another model.
        """
        services, stats = self._services, self.stats
        stats.frames += 1
        with stats.stage("detection"):
            found = services.reader.detector.detect(frame.image, self._min_face_px)
        stats.faces += len(found)
        with stats.stage("tracking"):
            ids, ended = self._tracker.update(found, frame.time)
            for track_id in ids:
                if track_id not in self._following:
                    self._following[track_id] = _Following(Voter(self._config.voting))
                    stats.tracks += 1
        with stats.stage("alignment"):
            faces = services.reader.cut(frame.image, found)
            for track_id, quality in zip(ids, faces.qualities, strict=True):
                self._following[track_id].quality = quality
        voting = [
            (row, track_id)
            for row, track_id in enumerate(ids)
            if faces.qualities[row].good and self._due(track_id, frame.time)
        ]
        if voting:
            with stats.stage("embedding"):
                embeddings = services.reader.embedder.embed(faces.crops[[row for row, _ in voting]])
            with stats.stage("matching"):
                ended += self._vote(frame, voting, embeddings, faces.qualities, found.boxes)
        return self._conclude(frame, ended, final=False)

    def finish(self) -> FrameResult | None:
        """The source has ended: settle open tracks and incidents. None when there was no frame.

        Raises:
            StorageError: something could not be written, not even after trying again.
        """
        if self._last is None:
            self._counted(self._recorder.finish())
            return None
        return self._conclude(self._last, self._tracker.finish(), final=True)

    # ----------------------------------------------------------------------------------------- deciding

    def _due(self, track_id: int, time: datetime) -> bool:
        following = self._following[track_id]
        settled = following.voter.identity.state in {TrackState.KNOWN, TrackState.UNKNOWN}
        interval = self._config.voting.settled_interval_s if settled else self._config.voting.embed_interval_s
        return following.last_vote is None or abs((time - following.last_vote).total_seconds()) >= interval

    def _search(self, probes: Floats) -> list[Match]:
        gallery = self._services.gallery.current()
        return gallery.search(
            probes,
            threshold=self._services.threshold(gallery),
            min_margin=self._config.matching.min_margin,
            top=5,
            without=self._services.inactive(),
        )

    def _vote(
        self,
        frame: Frame,
        voting: list[tuple[int, int]],
        embeddings: Floats,
        qualities: list[FaceQuality],
        boxes: Floats,
    ) -> list[Trail]:
        """Let the good faces of a frame vote; return tracks that ended because somebody else took their place."""
        ended: list[Trail] = []
        for (row, track_id), person, embedding in zip(
            voting, assign(self._search(embeddings)), embeddings, strict=True
        ):
            following = self._following[track_id]
            fused = following.voter.fused
            if len(following.voter) >= self._config.voting.min_agreeing and fused is not None:
                unlike = float(fused @ embedding) < self._services.swap_similarity
                following.strange = following.strange + 1 if unlike else 0
                if unlike and following.strange < _SWAPPED:
                    continue  # one odd frame decides nothing: it votes only if the next one is not odd, too
                if unlike:
                    new_id, old = self._tracker.restart(track_id)
                    ended.append(old)
                    following = self._following[new_id] = _Following(Voter(self._config.voting), quality=qualities[row])
                    self.stats.tracks += 1
            following.last_vote = frame.time
            score = qualities[row].score
            following.voter.vote(person, embedding, score, lambda probe: self._search(probe[None])[0])
            if following.best is None or score > following.best[0]:
                following.best = (score, crop_around(frame.image, boxes[row]))
        visible = {trail.track_id for trail in self._tracker.trails if trail.visible}
        for loser in one_place_each([self._following[key].voter for key in sorted(visible)]):
            person = loser.identity.person
            assert person is not None
            loser.deny(person)
        for _, track_id in voting:
            self._name_stranger(track_id, frame.time)
        return ended

    def _name_stranger(self, track_id: int, time: datetime) -> None:
        """Give an unknown track the identifier of the stranger it is, an old one if they were here before."""
        following = self._following.get(track_id)
        if following is None or following.unknown_id or following.voter.identity.state is not TrackState.UNKNOWN:
            return
        fused = following.voter.supporting
        assert fused is not None
        score = following.best[0] if following.best else 0.1
        config = self._config.matching

        def remember(strangers: Gallery) -> Gallery:
            threshold = config.stranger_threshold
            if threshold is None:
                threshold = self._services.threshold(self._services.gallery.current())
            match = strangers.search(fused[None], threshold=threshold)[0]
            if match.above_threshold:
                following.unknown_id = match.candidates[0].person
                if len(strangers.of(following.unknown_id)[0]) >= 10:
                    return strangers
            else:
                numbers = [int(person.rpartition("-")[2]) for person in strangers.people]
                following.unknown_id = f"unknown-{max(numbers, default=0) + 1}"
            template = Template(new_id(time), following.unknown_id, score)
            return strangers.add([template], fused[None])

        try:
            self._services.strangers.update(remember)
        except StorageError as error:
            following.unknown_id = None  # the next vote tries again
            log.warning("%s", error)

    def _snapshot(self, trail: Trail, *, ended: bool) -> Track:
        following = self._following[trail.track_id]
        return Track(
            track_id=trail.track_id,
            box=trail.box,
            landmarks=trail.landmarks,
            first_seen=trail.first_seen,
            last_seen=trail.last_seen,
            hits=trail.hits,
            visible=trail.visible and not ended,
            ended=ended,
            identity=following.voter.identity,
            unknown_id=following.unknown_id,
            quality=following.quality,
        )

    # ----------------------------------------------------------------------------------------- telling

    def _conclude(self, frame: Frame, ended: list[Trail], *, final: bool) -> FrameResult:
        tracks = [self._snapshot(trail, ended=False) for trail in self._tracker.trails]
        tracks += [self._snapshot(trail, ended=True) for trail in ended]
        with self.stats.stage("events"):
            events = self._maker.update(tracks, frame.time, final=final)
        with self.stats.stage("writing"):
            for event in events:
                self._hand_over(event, frame, tracks)
            rows = self._counted(self._recorder.finish() if final else self._recorder.write())
            self._keep_pictures(frame, tracks)
        for trail in ended:
            state = self._following.pop(trail.track_id).voter.identity.state
            self.stats.unresolved += state in {TrackState.PENDING, TrackState.CONFLICT}
        for event in events:
            if event.kind is EventKind.TAILGATING:
                self._alarmed = (frozenset(event.track_ids), frame.time + timedelta(seconds=3))
        alarmed = self._alarmed[0] if self._alarmed and frame.time <= self._alarmed[1] else frozenset()
        self._last = frame
        return FrameResult(frame, tuple(tracks), tuple(events), tuple(rows), alarmed)

    def _keep_pictures(self, frame: Frame, tracks: list[Track]) -> None:
        """Keep what a tailgating incident may need: a few frames from before, and the one that shows most people best."""
        gap = timedelta(seconds=self._config.events.context_s / 4)
        if not self._ring or abs(frame.time - self._ring[-1][0]) >= gap:
            self._ring.append((frame.time, frame.image))
        if not self._maker.passage_open:
            self._scene = self._before = None
            return
        if self._before is None:
            earlier = [
                image
                for time, image in self._ring
                if (frame.time - time).total_seconds() >= self._config.events.context_s
            ]
            self._before = earlier[-1] if earlier else self._ring[0][1]
        visible = [track for track in tracks if track.visible]
        rank = (len(visible), sum(track.quality.score if track.quality else 0.0 for track in visible))
        if self._scene is None or rank > self._scene[0]:
            names = {key: row.get("name", "") for key, row in self._services.people().items()}
            annotated = draw_tracks(frame.image, tracks, names, alarmed={track.track_id for track in visible})
            self._scene = (rank, frame.image, annotated)

    def _hand_over(self, event: Event, frame: Frame, tracks: list[Track]) -> None:
        """Give the recorder an event with all it needs to be written, now or later."""
        gallery = self._services.gallery.current()
        if event.kind is EventKind.SIGHTING:
            assert event.identity is not None
            sighting = Sighting(
                employee_id=event.employee_ids[0],
                time=event.time,
                camera=self._camera,
                track=self._track_name(event),
                identity=event.identity,
                model=gallery.model_id,
                gallery_version=gallery.version,
                arrival=event.arrival,
            )
            best = self._following[event.track_ids[0]].best
            self._recorder.sighting(sighting, best[1] if best else None)
        elif event.kind is EventKind.RETRACTION:
            self._recorder.retraction(event, self._track_name(event))
        else:
            self._recorder.incident(
                event,
                self._pictures(event, frame, tracks),
                model=gallery.model_id,
                gallery_version=gallery.version,
            )

    def _counted(self, rows: list[Mapping[str, object]]) -> list[Mapping[str, object]]:
        """The rows, after counting them."""
        for row in rows:
            event = row.get("event")
            self.stats.punches += event == "punch"
            self.stats.seen += event == "seen"
            self.stats.retracted += event == "retract"
            if "kind" in row:
                self.stats.incidents[str(row["kind"])] += 1
        return rows

    def _track_name(self, event: Event) -> str:
        return f"{self._run_id}-{event.track_ids[0]}"

    def _pictures(self, event: Event, frame: Frame, tracks: list[Track]) -> dict[str, Image]:
        if event.kind is EventKind.UNKNOWN:
            best = self._following[event.track_ids[0]].best
            box = next((track.box for track in tracks if track.track_id == event.track_ids[0]), None)
            if best is not None:
                return {"image": best[1]}
            return {"image": crop_around(frame.image, box) if box is not None else frame.image}
        if self._scene is None:
            return {"image": draw_tracks(frame.image, tracks), "clean_image": frame.image}
        _, clean, annotated = self._scene
        pictures = {"image": annotated, "clean_image": clean, "after_image": frame.image}
        if self._before is not None:
            pictures["before_image"] = self._before
        return pictures
