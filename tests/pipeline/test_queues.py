"""What runs beside the pipeline: reading ahead, embedding in a thread; what is left out and what never is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from fakes import ListSource, at
from numpy.typing import NDArray
from waiting import until

from engine.embedding import Glance
from engine.errors import InputError
from engine.pipeline.embedding_queue import EmbeddingQueue, FaceToEmbed, LaggedQueue, ThreadedQueue
from engine.pipeline.intake import Intake
from engine.types import FaceQuality, Frame, SourceEvent

IMAGE = np.zeros((4, 4, 3), np.uint8)
PATIENCE_S = 10.0
NOW = at(0)


def _frame(index: int) -> Frame:
    return Frame(IMAGE, at(index / 10), "door", index)


def _drained(intake: Intake) -> list[Frame | SourceEvent]:
    items = []
    while (item := intake.next()) is not None:
        items.append(item)
    return items


class WatchedSource(ListSource):
    """Remembers how far it was read."""

    def __init__(self, items: Sequence[Frame | SourceEvent]) -> None:
        super().__init__(items)
        self.read = 0
        self.done = threading.Event()

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        for item in self._items:
            self.read += 1
            yield item
        self.done.set()


# --------------------------------------------------------------------------------------------- intake


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_recording_is_read_whole_and_in_order(count: int) -> None:
    intake = Intake(ListSource([_frame(index) for index in range(count)]), newest_wins=False)
    assert [item.index for item in _drained(intake) if isinstance(item, Frame)] == list(range(count))
    assert intake.dropped == 0


def test_a_recording_waits_for_the_pipeline() -> None:
    source = WatchedSource([_frame(index) for index in range(50)])
    intake = Intake(source, newest_wins=False)
    until(lambda: source.read == 7)  # six wait and the seventh stands at the door
    time.sleep(0.05)
    assert source.read == 7
    assert len(_drained(intake)) == 50


def test_of_a_camera_the_newest_frames_are_kept_and_the_others_counted() -> None:
    source = WatchedSource([_frame(index) for index in range(50)])
    intake = Intake(source, newest_wins=True, patience_s=0.001)
    assert source.done.wait(PATIENCE_S)
    assert [item.index for item in _drained(intake) if isinstance(item, Frame)] == list(range(44, 50))
    assert intake.dropped == 44


def test_a_frame_is_left_out_only_when_the_pipeline_stays_slow() -> None:
    source = WatchedSource([_frame(index) for index in range(8)])
    intake = Intake(source, newest_wins=True, patience_s=PATIENCE_S)
    until(lambda: source.read == 7)
    assert len(_drained(intake)) == 8
    assert intake.dropped == 0


def test_news_of_a_camera_is_never_left_out() -> None:
    lost, back = (SourceEvent(kind, at(1), "door") for kind in ("camera_lost", "camera_back"))
    source = WatchedSource([_frame(0), lost, back, *(_frame(index) for index in range(1, 30))])
    intake = Intake(source, newest_wins=True, patience_s=0.001)
    assert source.done.wait(PATIENCE_S)
    items = _drained(intake)
    assert items[:2] == [lost, back]
    assert [item.index for item in items[2:] if isinstance(item, Frame)] == list(range(24, 30))


def test_what_the_source_raises_is_raised_after_what_it_gave() -> None:
    class Broken(ListSource):
        def __iter__(self) -> Iterator[Frame | SourceEvent]:
            yield from self._items
            raise InputError("torn", hint="mend it")

    intake = Intake(Broken([_frame(0)]), newest_wins=False)
    assert isinstance(intake.next(), Frame)
    with pytest.raises(InputError, match="torn"):
        intake.next()


@pytest.mark.parametrize("newest_wins", [False, True])
def test_closing_ends_the_thread_and_the_source(newest_wins: bool) -> None:
    class Endless(ListSource):
        def __iter__(self) -> Iterator[Frame | SourceEvent]:
            index = 0
            while not self.closed:
                yield _frame(index)
                index += 1
                time.sleep(0.001)

    before = threading.active_count()
    source = Endless([])
    intake = Intake(source, newest_wins=newest_wins)
    assert intake.next() is not None
    intake.close()
    assert source.closed
    assert threading.active_count() == before


# --------------------------------------------------------------------------------------------- queue


class GatedEmbedder:
    """Embeds when it is let; gives each face its own first value."""

    dimension = 2

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self.batches: list[list[int]] = []

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.begun.release()
        assert self.gate.wait(PATIENCE_S)
        self.batches.append(faces[:, 0, 0, 0].tolist())
        return np.stack([[float(value), 1.0] for value in self.batches[-1]]).astype(np.float32)


def _timed(
    network: Callable[[NDArray[np.uint8]], NDArray[np.float32]], faces: NDArray[np.uint8]
) -> NDArray[np.float32]:
    return network(faces)


def _face(mark: int, track_id: int = 1, *, score: float = 0.5, order: int = 0, settled: bool = False) -> FaceToEmbed:
    quality = FaceQuality(40.0, 0.5, 0.5, 0.2, 0.0, 0.0, 0.0, 1.0, score)
    crop = np.full((160, 160, 3), mark % 256, np.uint8)
    return FaceToEmbed(track_id, at(mark), mark, crop, quality, None, order, settled)


def _marks(queue: ThreadedQueue | EmbeddingQueue) -> list[int]:
    pairs = queue.collect()
    assert [int(row[0]) for _, row in pairs] == [face.frame for face, _ in pairs]  # each has its own embedding
    return [face.frame for face, _ in pairs]


@pytest.fixture
def gated() -> Iterator[tuple[ThreadedQueue, GatedEmbedder]]:
    """A queue whose embedder is busy with a first face, number 0 of track 99."""
    embedder = GatedEmbedder()
    queue = ThreadedQueue(embedder, _timed)
    queue.offer([_face(0, 99)], NOW)
    assert embedder.begun.acquire(timeout=PATIENCE_S)
    yield queue, embedder
    embedder.gate.set()
    queue.close()


def test_at_once_means_in_order_and_nothing_waits() -> None:
    embedder = GatedEmbedder()
    embedder.gate.set()
    queue = LaggedQueue(embedder, _timed)  # of the first frame, for whose votes there is nothing to wait
    queue.offer([_face(1), _face(2)], NOW)
    assert _marks(queue) == [1, 2]
    assert queue.collect() == []
    assert not queue.waiting()
    assert queue.embedded == 2


def test_undecided_tracks_come_first_those_with_the_fewest_faces_before_others(
    gated: tuple[ThreadedQueue, GatedEmbedder],
) -> None:
    queue, embedder = gated
    faces = [_face(1, 1, settled=True), _face(2, 2, order=3), _face(3, 3, order=0), _face(4, 4, order=0, score=0.9)]
    queue.offer(faces, NOW)
    embedder.gate.set()
    queue.settle()
    assert _marks(queue) == [0, 4, 3, 2, 1]


def test_the_worst_waiting_face_of_a_track_makes_room_and_is_counted(
    gated: tuple[ThreadedQueue, GatedEmbedder],
) -> None:
    queue, embedder = gated
    queue.offer(
        [_face(mark, 1, score=score, order=mark) for mark, score in enumerate([0.5, 0.2, 0.6, 0.7, 0.8], 1)], NOW
    )
    assert queue.dropped == 1
    embedder.gate.set()
    queue.settle()
    assert _marks(queue) == [0, 1, 3, 4, 5]


def test_of_a_decided_track_only_the_newest_face_waits(gated: tuple[ThreadedQueue, GatedEmbedder]) -> None:
    queue, embedder = gated
    for mark in (1, 2, 3):
        queue.offer([_face(mark, 1, settled=True)], NOW)
    embedder.gate.set()
    queue.settle()
    assert _marks(queue) == [0, 3]
    assert queue.dropped == 2


def test_tracks_wait_until_they_are_collected_or_withdrawn(gated: tuple[ThreadedQueue, GatedEmbedder]) -> None:
    queue, embedder = gated
    queue.offer([_face(1, 1), _face(2, 2)], NOW)
    assert set(queue.waiting()) == {99, 1, 2}
    queue.withdraw({2})
    embedder.gate.set()
    queue.settle()
    assert set(queue.waiting()) == {99, 1}
    assert _marks(queue) == [0, 1]
    assert not queue.waiting()


def test_many_faces_wait_in_bounded_memory(gated: tuple[ThreadedQueue, GatedEmbedder]) -> None:
    queue, embedder = gated
    for mark in range(1, 200):
        queue.offer([_face(mark, track_id, order=mark) for track_id in (1, 2, 3)], NOW)
    embedder.gate.set()
    queue.settle()
    assert len(queue.collect()) == 1 + 3 * 4
    assert queue.embedded + queue.dropped == 1 + 3 * 199


def test_what_the_network_raises_reaches_the_pipeline() -> None:
    class Broken(GatedEmbedder):
        def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
            raise MemoryError(f"{len(faces)} faces")

    queue = ThreadedQueue(Broken(), _timed)
    queue.offer([_face(1)], NOW)
    queue.settle()
    with pytest.raises(MemoryError, match="1 faces"):
        queue.collect()
    queue.close()


def test_what_was_embedded_before_the_network_broke_is_given_first() -> None:
    class BreaksLater(GatedEmbedder):
        def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
            if self.batches:
                raise MemoryError("later")
            return super().embed(faces)

    embedder = BreaksLater()
    embedder.gate.set()
    queue = ThreadedQueue(embedder, _timed)
    queue.offer([_face(mark, mark) for mark in range(1, 5)], NOW)
    queue.settle()
    assert _marks(queue) == [1]
    with pytest.raises(MemoryError):
        queue.collect()
    queue.close()
    queue.settle()  # a closed queue keeps nobody waiting


def test_faces_of_ever_new_tracks_wait_in_bounded_memory(gated: tuple[ThreadedQueue, GatedEmbedder]) -> None:
    queue, _ = gated
    for mark in range(1, 400):
        queue.offer([_face(mark, mark, order=mark % 3)], NOW)
    assert len(queue.waiting()) <= 66
    assert queue.dropped >= 399 - 65


def test_closing_does_not_wait_for_faces_that_have_not_begun(gated: tuple[ThreadedQueue, GatedEmbedder]) -> None:
    queue, embedder = gated
    queue.offer([_face(mark, mark) for mark in range(1, 20)], NOW)
    embedder.gate.set()
    queue.close()
    assert len(embedder.batches) < 10


def test_glances_come_before_faces_that_cost_more_and_are_counted_apart() -> None:
    embedder, quick = GatedEmbedder(), GatedEmbedder()
    quick.gate.set()
    queue = ThreadedQueue(embedder, _timed, Glance(quick, slice(None), 0.5))
    queue.offer([_face(0, 99)], NOW)
    assert embedder.begun.acquire(timeout=PATIENCE_S)
    queue.offer([_face(1, 1), replace(_face(2, 2, settled=True), glance=True)], NOW)
    embedder.gate.set()
    queue.settle()
    assert _marks(queue) == [0, 2, 1]
    assert (queue.embedded, queue.glances) == (2, 1)
    assert quick.batches == [[2]]
    queue.close()


# --------------------------------------------------------------------------------------------- recordings


@pytest.mark.parametrize(("fps", "late"), [(3, 0), (10, 1), (25, 2)])
def test_a_face_of_a_recording_votes_a_fixed_time_later(fps: int, late: int) -> None:
    """However slow the network is: the same frames give the same answers."""
    for pause_s in (0.0, 0.02):

        class Slow(GatedEmbedder):
            def embed(self, faces: NDArray[np.uint8], pause_s: float = pause_s) -> NDArray[np.float32]:
                self.gate.set()
                time.sleep(pause_s)
                return super().embed(faces)

        queue = LaggedQueue(Slow(), _timed)
        voted: list[list[int]] = []
        for index in range(12):
            queue.offer([replace(_face(index + 1, index), time=at(index / fps))], at(index / fps))
            voted.append([])
            for face, _ in queue.collect():
                voted[-1].append(face.track_id)
        queue.settle()
        rest = [face.track_id for face, _ in queue.collect()]
        assert [track_id for each in voted for track_id in each] + rest == list(range(12))
        assert voted[0] == [0]  # how soon the next frame comes is not known yet
        assert voted[1:] == [[index - late] if index > late else [] for index in range(1, 12)]
        queue.close()


def test_faces_of_a_recording_are_withdrawn_even_if_they_have_begun() -> None:
    embedder = GatedEmbedder()
    queue = LaggedQueue(embedder, _timed)
    queue.offer([], at(0))
    queue.offer([replace(_face(mark, mark), time=at(0.04)) for mark in (1, 2)], at(0.04))
    assert embedder.begun.acquire(timeout=PATIENCE_S)
    assert dict(queue.waiting()) == {1: 1, 2: 1}
    queue.withdraw({1})
    assert dict(queue.waiting()) == {2: 1}
    embedder.gate.set()
    queue.settle()
    assert _marks(queue) == [2]
    queue.close()
