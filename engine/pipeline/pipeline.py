"""The main job: frames in, tracks, decisions, log rows and pictures out.

A recording is processed frame by frame, and what comes out does not depend on the machine. A live camera must be kept up with:
frames are read, faces embedded and rows written in threads of their own (`engine.pipeline.intake`,
`engine.pipeline.embedding_queue`, `engine.pipeline.writer`), and a vote may arrive some frames after its picture was taken. A track
that ends meanwhile is kept until all that is known of it has been counted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.access.doors import DoorWatch
from engine.pipeline.camera_check import CameraCheck
from engine.pipeline.claims import Claims
from engine.pipeline.coverage import CoverageKeeper
from engine.pipeline.embedding_queue import EmbeddingQueue
from engine.pipeline.events import CameraEvents
from engine.pipeline.films import FilmKeeper
from engine.pipeline.following import FaceFollower
from engine.pipeline.identification import Identification
from engine.pipeline.intake import Intake
from engine.pipeline.recorder import Recorder
from engine.pipeline.stats import FrameResult, RunStats
from engine.pipeline.strangers import Strangers
from engine.pipeline.stream_check import StreamCheck
from engine.pipeline.writer import Row, Writer
from engine.sources import Source
from engine.types import EventKind, Frame, SourceEvent, TrackState

_IDLE_S = 0.2
"""When a live camera gives no frame for so long, votes that have come in meanwhile are counted without one."""


@dataclass(frozen=True, eq=False)
class Stages:
    """The stages of a pipeline, in the order in which a frame comes by.

    Attributes:
        coverage: when the camera was watching.
        following: detection and tracking.
        check: what the pictures say about the camera.
        identification: alignment, votes and decisions.
        embedding: where faces wait to be embedded.
        strangers: identifiers of people who are not enrolled.
        claims: people who identify themselves at the kiosk.
        stream: whether the camera shows the door.
        events: what the decisions lead to.
        recorder: which rows and pictures that makes.
        films: of incidents.
        writer: puts them on disk.
        doors: opens doors; None: none may open here.
    """

    coverage: CoverageKeeper
    following: FaceFollower
    check: CameraCheck
    identification: Identification
    embedding: EmbeddingQueue
    strangers: Strangers
    claims: Claims
    stream: StreamCheck
    events: CameraEvents
    recorder: Recorder
    films: FilmKeeper
    writer: Writer
    doors: DoorWatch | None = None


class Pipeline:
    """Watches one camera, see `open_pipeline`. Not thread-safe: one thread feeds it.

    Args:
        live: frames of a live camera: the newest wins.

    Attributes:
        stats: counters of the run.
    """

    def __init__(self, stages: Stages, stats: RunStats, *, live: bool) -> None:
        self.stats = stats
        self._stages, self._live = stages, live
        self._last: Frame | None = None

    def run(
        self, source: Source, sink: Callable[[FrameResult], None] = lambda _result: None, *, limit: int | None = None
    ) -> RunStats:
        """Process a source to its end (or `limit` frames), then settle what is open.

        Args:
            sink: called with each result, in this thread.

        Raises:
            GalleryMismatch: the gallery was replaced by one of another model.
            StorageError: something could not be written, not even after trying again.
            MusterError: what the source raises.
        """
        self._stages.following.begin(at_rest=self._live and source.resting)
        self._stages.films.begin(source)
        intake = Intake(source, newest_wins=self._live)
        try:
            self._follow(source, intake, sink, limit)
            last = self.finish()
        finally:
            intake.close()
        if last is not None:
            sink(last)
        return self.stats

    def _follow(self, source: Source, intake: Intake, sink: Callable[[FrameResult], None], limit: int | None) -> None:
        try:
            while limit is None or self.stats.frames < limit:
                with self.stats.stage("waiting"):
                    item = intake.next(_IDLE_S if self._live else None)
                self.stats.dropped = intake.dropped + source.skipped
                if item is None:
                    break
                if item == "nothing yet":
                    # what was embedded since the last frame is counted now
                    result = self._settled() if self._stages.embedding.waiting() else None
                elif isinstance(item, SourceEvent):
                    result = self.source_event(item)
                else:
                    result = self.process(item)
                    source.resting = self._live and self._stages.following.resting(item.time)
                if result is not None:
                    sink(result)
        except BaseException:
            # what was decided up to here is written before the error is told
            with contextlib.suppress(Exception):
                self.finish()
            raise

    def process(self, frame: Frame) -> FrameResult:
        """Take one frame in.

        Raises:
            GalleryMismatch: the gallery was replaced by one of another model.
        """
        stages = self._stages
        self.stats.frames += 1
        stages.coverage.frame(frame.time)
        seen = stages.following.follow(frame)
        with self.stats.stage("detection"):
            stages.check.look(frame, seen.found)
        stages.embedding.offer(stages.identification.look(seen, stages.embedding.waiting()), frame.time)
        self._count_votes(frame)
        attack = stages.stream.look(frame)
        if attack is not None:
            stages.recorder.camera_event(attack, frame, stages.identification.gallery)
        return self._conclude(frame)

    def _count_votes(self, frame: Frame) -> None:
        """Faces that have been embedded since vote; strangers among those they decide get their identifiers."""
        stages = self._stages
        with self.stats.stage("matching"):
            if embedded := stages.embedding.collect():
                result = stages.identification.vote(embedded, stages.following.trails)
                stages.embedding.withdraw({*result.settled, *result.successors})
                restarts = stages.following.restart(result.successors)
                stages.identification.resolve(result, restarts, stages.following.trails)
            unknown = stages.identification.unknown
            held = stages.claims.held(unknown.keys(), frame.time)
            named = {key: faces for key, faces in unknown.items() if key not in held}
            stages.strangers.identify(named, stages.identification.gallery)

    def _conclude(self, frame: Frame, *, final: bool = False) -> FrameResult:
        """From what is known of the tracks by now to events and rows; `final`: nothing more will be known."""
        stages, stats = self._stages, self.stats
        awaited = set() if final else {*stages.embedding.waiting(), *stages.strangers.unnamed, *stages.claims.waiting}
        decisions = stages.identification.conclude(stages.following.trails, awaited)
        decisions = stages.stream.judge(stages.strangers.assign(decisions))
        decisions, differ, late = stages.claims.judge(decisions, frame.time)
        for track, person in late:
            stages.strangers.forget(track.track_id)
            stages.recorder.identified(track, person, frame.time)
        with stats.stage("events"):
            events = [*differ, *stages.events.update(decisions.tracks, frame.time, final=final)]
        with stats.stage("writing"):
            stages.strangers.forget_recognised(events)
            stages.recorder.record(frame, decisions, events, passage_open=stages.events.passage_open)
            if stages.doors is not None:
                tailgating = stages.events.passage_open or bool(stages.events.alarmed(frame.time))
                stages.doors.look(decisions.tracks, frame.time, tailgating=tailgating)
            rows = self._counted(stages.writer.write())
        stats.unresolved += sum(
            track.ended and track.identity.state in {TrackState.PENDING, TrackState.CONFLICT}
            for track in decisions.tracks
        )
        self._last = frame
        return FrameResult(
            frame, tuple(decisions.tracks), tuple(events), tuple(rows), stages.events.alarmed(frame.time)
        )

    def _counted(self, rows: list[Row]) -> list[Row]:
        """The rows, after counting them."""
        stages, stats = self._stages, self.stats
        stats.count(rows)
        queue = stages.embedding
        stats.embedded, stats.glances, stats.passed_over = queue.embedded, queue.glances, queue.dropped
        stats.latencies_s = list(stages.recorder.latencies_s) if rows else stats.latencies_s
        return rows

    def _settled(self) -> FrameResult | None:
        """What is known by now, reported with the last frame that came; None: there was none."""
        if self._last is None:
            return None
        self._count_votes(self._last)
        return self._conclude(self._last)

    def source_event(self, item: SourceEvent) -> FrameResult | None:
        """Write down that the camera was lost or is back; before that, what its last frames showed (None: there were none).

        Raises:
            ValueError: no event is of that kind.
            GalleryMismatch: the gallery was replaced by one of another model.
        """
        stages = self._stages
        stages.embedding.settle()
        result = self._settled()
        event = stages.events.source_event(item)
        if event.kind is EventKind.CAMERA_LOST:
            stages.coverage.pause("lost", item.detail)
        stages.recorder.camera_event(event)
        rows = self._counted(stages.writer.write())
        return None if result is None else replace(result, rows=(*result.rows, *rows))

    def finish(self) -> FrameResult | None:
        """The source has ended: settle open tracks and incidents. None when there was no frame.

        Raises:
            GalleryMismatch: the gallery was replaced by one of another model.
            StorageError: something could not be written, not even after trying again.
        """
        stages = self._stages
        stages.coverage.pause("stopped")
        try:
            if self._last is None:
                self._counted(stages.writer.finish())
                return None
            failed = None
            rows: list[Row] = []
            try:
                stages.embedding.settle()
                stages.claims.finish()
                self._count_votes(self._last)
                stages.writer.stop()
                rows += self._counted(stages.writer.write())  # strangers have their identifiers now
                self._count_votes(self._last)
            except Exception as error:  # noqa: BLE001 - raised below, when what was decided is written
                failed = error
            stages.identification.end(stages.following.finish())
            result = self._conclude(self._last, final=True)
            last = self._counted(stages.writer.write())
            stages.films.finish()
            last += self._counted(stages.writer.finish())
            if failed is not None:
                raise failed
            return replace(result, rows=(*rows, *result.rows, *last))
        finally:
            stages.embedding.close()
            stages.writer.stop()

    @property
    def advice(self) -> int | None:
        """The value of the camera's `rotate` that would set its pictures upright; None: not known to be turned. See `waiting`."""
        return self._stages.check.advice

    @property
    def waiting(self) -> int:
        """Rows and pictures that are not on disk yet. May be asked from other threads."""
        return self._stages.writer.waiting

    @property
    def stuck(self) -> bool:
        """Something could not be written and is tried again. May be asked from other threads."""
        return self._stages.writer.stuck

    def claim(self, person: str) -> None:
        """Somebody identified themselves at the kiosk by badge or PIN: the face in front is theirs. May be called from other threads."""
        self._stages.claims.claim(person)

    def vouch(self, track_id: int, reason: str) -> None:
        """Somebody else proved that a track is a living person, such as by following the challenge: from the next frame on it counts.

        Args:
            track_id: of a track that is alive; of others nothing is known any more.
            reason: one short line.
        """
        self._stages.identification.vouch(track_id, reason)

    def demand_challenge(self) -> None:
        """From now on only `vouch` proves that a track is a living person: what the checks pass is unproven until then."""
        self._stages.identification.demand()
