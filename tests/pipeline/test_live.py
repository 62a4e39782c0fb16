"""A live camera: stages side by side, a slow embedder, a disk that is away; the decisions stay those of a recording."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fakes import ListSource, PaletteEmbedder, Scene, make_pipeline, pose
from numpy.typing import NDArray

from engine.attendance import PunchRow
from engine.config import Config, VotingConfig
from engine.errors import GalleryMismatch, StorageError
from engine.incidents import IncidentRow
from engine.pipeline import FrameResult, Pipeline, RunStats, Services
from engine.storage import read_rows
from engine.types import Frame, SourceEvent, TrackState

pytestmark = pytest.mark.alone

DAY = date(2026, 11, 23)
PATIENCE_S = 20.0


def assert_soon(event: threading.Event) -> None:
    """Wait for it."""
    assert event.wait(PATIENCE_S)


class SteppedSource(ListSource):
    """Gives a frame when the pipeline is done with the one before, so that none is left out however slow the machine is."""

    def __init__(self, items: Sequence[Frame | SourceEvent], pause_s: float = 0.0) -> None:
        super().__init__(items)
        self._pause_s = pause_s
        self._free = threading.Semaphore(1)

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        for item in self._items:
            assert self._free.acquire(timeout=PATIENCE_S)
            if isinstance(item, SourceEvent):
                self._free.release()
            time.sleep(self._pause_s)
            if self.closed:
                return
            yield item

    def done(self, _result: FrameResult) -> None:
        """The pipeline's sink."""
        self._free.release()

    def close(self) -> None:
        """See `Source`."""
        super().close()
        self._free.release()


class Lingering(SteppedSource):
    """After its last item it stays silent until a row is written, and tells whether one was."""

    def __init__(self, items: Sequence[Frame | SourceEvent], services: Services) -> None:
        super().__init__(items)
        self._services = services
        self.written = False

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        yield from super().__iter__()
        deadline = time.monotonic() + PATIENCE_S
        while not _rows(self._services) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.written = bool(_rows(self._services))


class SlowEmbedder(PaletteEmbedder):
    """Takes its time."""

    seconds = 0.05

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        time.sleep(self.seconds * len(faces))
        return super().embed(faces)


def _watch(pipeline: Pipeline, scene: Scene, pause_s: float = 0.0) -> RunStats:
    source = SteppedSource(scene.frames, pause_s)
    return pipeline.run(source, source.done)


def _rows(services: Services) -> list[tuple[str, str]]:
    return [(row.employee_id, row.event) for row in services.attendance.log.read(DAY)]


def _crowd() -> Scene:
    scene = Scene()
    scene.walk(["ann"], 20)
    scene.pause(40)
    scene.walk(["bob", "stranger"], 25)
    scene.pause(40)
    scene.walk(["stranger"], 15)
    scene.pause(15)
    return scene


def test_a_live_camera_comes_to_the_decisions_of_a_recording(tmp_path: Path) -> None:
    scene = _crowd()
    recorded, _ = make_pipeline(tmp_path / "recording", scene)
    expected = recorded.run(ListSource(scene.frames))
    pipeline, services = make_pipeline(tmp_path / "live", scene, live=True)
    stats = _watch(pipeline, scene)
    assert sorted(_rows(services)) == [("ann", "punch"), ("bob", "punch")]
    sheet = read_rows(tmp_path / "live" / "attendance" / f"{DAY}.csv")
    assert [row["employee_id"] for row in sheet] == ["ann", "bob"]
    assert stats.incidents == expected.incidents
    # a search beside the loop finds a face some frames later
    assert 0 <= expected.faces - stats.faces <= 3 * expected.tracks
    assert (stats.frames, stats.tracks, stats.dropped) == (expected.frames, expected.tracks, 0)
    assert (stats.punches, stats.retracted, stats.unresolved) == (2, 0, 0)
    strangers = {row["unknown_ids"] for row in services.incidents.log.raw.read(DAY) if row["kind"] == "unknown"}
    assert strangers == {"unknown-1"}
    sighted = [(row.state, row.employee_id, row.unknown_id) for row in services.sightings.read(DAY, DAY)]
    assert sorted(sighted) == [
        ("known", "ann", ""),
        ("known", "bob", ""),
        ("unknown", "", "unknown-1"),
        ("unknown", "", "unknown-1"),
    ]


def test_somebody_who_has_gone_before_they_are_recognised_is_still_a_punch(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann", "bob"], 5)
    scene.pause(30)
    embedder = SlowEmbedder()
    embedder.seconds = 0.1
    pipeline, services = make_pipeline(tmp_path, scene, live=True, embedder=embedder)
    results: list[FrameResult] = []
    source = SteppedSource(scene.frames)

    def sink(result: FrameResult) -> None:
        results.append(result)
        source.done(result)

    stats = pipeline.run(source, sink)
    assert sorted(_rows(services)) == [("ann", "punch"), ("bob", "punch")]
    assert stats.unresolved == 0
    assert results[20].tracks  # long out of view, and kept until they are decided
    assert not any(track.visible for track in results[20].tracks)


def test_a_slow_embedder_costs_faces_not_frames_and_not_punches(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann", "bob"], 60)
    pipeline, services = make_pipeline(tmp_path, scene, live=True, embedder=SlowEmbedder())
    stats = _watch(pipeline, scene, 0.002)
    assert sorted(_rows(services)) == [("ann", "punch"), ("bob", "punch")]
    assert stats.frames == 60
    assert stats.passed_over > 0
    assert stats.embedded + stats.passed_over <= 120


def test_the_latency_to_the_durable_row_is_counted(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 20)
    pipeline, _ = make_pipeline(tmp_path, scene, live=True)
    stats = _watch(pipeline, scene, 0.005)
    (latency,) = stats.latencies_s
    assert 0 < latency < PATIENCE_S


def test_a_log_that_cannot_be_written_for_a_while_costs_a_live_camera_no_punch(tmp_path: Path) -> None:
    obstacle = tmp_path / "log" / ".attendance.lock"
    obstacle.mkdir(parents=True)
    scene = Scene()
    scene.walk(["ann"], 20)
    pipeline, services = make_pipeline(tmp_path, scene, live=True)
    source = SteppedSource(scene.frames)

    def sink(result: FrameResult) -> None:
        if result.frame.index == 12 and obstacle.exists():
            obstacle.rmdir()
        source.done(result)

    stats = pipeline.run(source, sink)
    assert _rows(services) == [("ann", "punch")]
    assert stats.punches == 1


def test_a_log_that_stays_away_is_told_at_the_end_and_no_thread_is_left(tmp_path: Path) -> None:
    (tmp_path / "log" / ".attendance.lock" / "x").mkdir(parents=True)
    before = threading.active_count()
    scene = Scene()
    scene.walk(["ann"], 20)
    pipeline, _ = make_pipeline(tmp_path, scene, live=True)
    with pytest.raises(StorageError, match="1 events could not be written"):
        _watch(pipeline, scene)
    assert threading.active_count() == before


def test_what_breaks_in_a_thread_ends_the_run_with_its_error(tmp_path: Path) -> None:
    class Broken(PaletteEmbedder):
        def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
            if faces.any():  # the blank one only warms the network up
                raise GalleryMismatch(f"{len(faces)} faces of another model", hint="none")
            return super().embed(faces)

    before = threading.active_count()
    scene = Scene()
    scene.walk(["ann"], 40)
    pipeline, _ = make_pipeline(tmp_path, scene, live=True, embedder=Broken())
    with pytest.raises(GalleryMismatch):
        _watch(pipeline, scene, 0.005)
    assert threading.active_count() == before


def test_the_day_sheet_follows_while_the_camera_runs(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 20)
    scene.pause(400)
    pipeline, _ = make_pipeline(tmp_path, scene, live=True)
    source = SteppedSource(scene.frames)
    seen: list[bool] = []

    def sink(result: FrameResult) -> None:
        if result.frame.index >= 20 and not seen:
            time.sleep(0.01)
            if (tmp_path / "attendance" / f"{DAY}.csv").exists():
                seen.append(True)
        source.done(result)

    pipeline.run(source, sink)
    assert seen


def test_frames_that_nobody_had_time_for_are_counted(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 12)
    pipeline, _ = make_pipeline(tmp_path, scene, live=True)
    whole = threading.Event()

    class Hurried(ListSource):
        def __iter__(self) -> Iterator[Frame | SourceEvent]:
            yield from self._items
            whole.set()

    stats = pipeline.run(Hurried(scene.frames), lambda _result: assert_soon(whole))
    assert stats.frames + stats.dropped == 12
    assert stats.dropped > 0


# ----------------------------------------------------------------------------------------- what must not be lost


def test_who_passed_together_is_told_though_the_votes_come_after_they_have_gone(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann", "bob"], 10)
    scene.pause(60)
    embedder = SlowEmbedder()
    embedder.seconds = 0.1
    pipeline, services = make_pipeline(tmp_path, scene, live=True, embedder=embedder)
    _watch(pipeline, scene, 0.02)
    (row,) = [row for row in services.incidents.log.raw.read(DAY) if row["kind"] == "tailgating"]
    assert (row["classification"], row["employee_ids"]) == ("known+known", "ann;bob")


def test_a_camera_that_is_lost_does_not_keep_the_last_punch_in_memory(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 6)
    pipeline, services = make_pipeline(tmp_path, scene, live=True, embedder=SlowEmbedder())
    source = Lingering([*scene.frames, SourceEvent("camera_lost", scene.frames[-1].time, "door")], services)
    told: list[object] = []

    def sink(result: FrameResult) -> None:
        told.extend(result.rows)
        source.done(result)

    pipeline.run(source, sink)
    assert source.written
    punch, lost = told
    assert isinstance(punch, PunchRow)
    assert isinstance(lost, IncidentRow)
    assert (punch.event, lost.kind) == ("punch", "camera_lost")


def test_votes_are_counted_though_no_further_frame_comes(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 6)
    pipeline, services = make_pipeline(tmp_path, scene, live=True, embedder=SlowEmbedder())
    source = Lingering(scene.frames, services)
    pipeline.run(source, source.done)
    assert source.written


@pytest.mark.parametrize("live", [False, True])
def test_a_picture_that_cannot_be_made_costs_no_row_of_any_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    def fails(_image: object) -> bytes:
        raise MemoryError("no room")

    monkeypatch.setattr("engine.attendance.evidence.encode_jpeg", fails)
    scene = _crowd()
    pipeline, services = make_pipeline(tmp_path, scene, live=live)
    _watch(pipeline, scene)
    assert sorted(_rows(services)) == [("ann", "punch"), ("bob", "punch")]
    assert {row.evidence_image for row in services.attendance.log.read(DAY)} == {""}
    assert [row["kind"] for row in services.incidents.log.raw.read(DAY)].count("unknown") == 1


@pytest.mark.parametrize("live", [False, True])
def test_a_job_that_breaks_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    scene = _crowd()
    pipeline, services = make_pipeline(tmp_path, scene, live=live)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(services.incidents, "record", fails)
    with pytest.raises(RuntimeError, match="fault of ours"):
        _watch(pipeline, scene)
    assert sorted(_rows(services)) == [("ann", "punch"), ("bob", "punch")]


@pytest.mark.parametrize("live", [False, True])
def test_strangers_are_told_without_identifier_when_their_gallery_cannot_be_written(tmp_path: Path, live: bool) -> None:
    scene = _crowd()
    pipeline, services = make_pipeline(tmp_path, scene, live=live)
    (tmp_path / "gallery" / ".strangers.safetensors.lock").mkdir()
    with pytest.raises(StorageError, match="could not be written"):
        _watch(pipeline, scene)
    unknown = [row for row in services.incidents.log.raw.read(DAY) if row["kind"] == "unknown"]
    assert unknown
    assert {row["unknown_ids"] for row in unknown} == {""}


# ----------------------------------------------------------------------------------------- what is worth embedding


def test_a_decided_track_is_verified_now_and_then_only(tmp_path: Path) -> None:
    scene = Scene(fps=25)
    for _ in range(250):
        scene.show({"ann": pose(120, 110, 60)})
    pipeline, _ = make_pipeline(tmp_path, scene)
    stats = pipeline.run(ListSource(scene.frames))
    assert stats.punches == 1
    assert stats.embedded <= 3 + 7  # three votes, then one every second and a half


def test_people_who_cross_are_verified_at_once(tmp_path: Path) -> None:
    scene = Scene(fps=25)
    for index in range(60):
        scene.show({"ann": pose(60 + 4 * index, 110, 60), "bob": pose(300 - 4 * index, 118, 60)})
    pipeline, services = make_pipeline(tmp_path, scene)
    stats = pipeline.run(ListSource(scene.frames))
    assert {person for person, event in _rows(services) if event == "punch"} == {"ann", "bob"}
    assert stats.retracted == 0
    assert stats.embedded > 2 * 4


def test_swapped_tracks_are_noticed_soon_after_the_crossing(tmp_path: Path) -> None:
    scene = Scene(fps=25)
    for _ in range(25):
        scene.show({"ann": pose(100, 110, 60), "bob": pose(220, 110, 60)})
    for index in range(10):  # they come close, and part as the tracker must misread it: each in the other's place
        scene.show({"ann": pose(100 + 4 * index, 110, 60), "bob": pose(220 - 4 * index, 110, 60)})
    for index in range(20):
        scene.show({"bob": pose(136 - 2 * index, 110, 60), "ann": pose(184 + 2 * index, 110, 60)})
    pipeline, _ = make_pipeline(tmp_path, scene)
    results: list[FrameResult] = []
    pipeline.run(ListSource(scene.frames), results.append)
    last = {track.identity.person for track in results[-2].tracks if track.visible}
    assert last == {"ann", "bob"}
    for track in results[-2].tracks:
        if track.visible and track.identity.state is TrackState.KNOWN:
            assert track.identity.person == ("bob" if track.box[0] < 130 else "ann")


def test_who_stays_undecided_is_embedded_ever_less_often(tmp_path: Path) -> None:
    scene = Scene(fps=25)
    for index in range(500):  # a face that is now this one's, now that one's
        scene.show({("ann", "bob")[index // 2 % 2]: pose(120, 110, 60)})
    pipeline, _ = make_pipeline(tmp_path, scene, Config(voting=VotingConfig(settled_interval_s=0.5)))
    stats = pipeline.run(ListSource(scene.frames))
    assert stats.embedded < 120
