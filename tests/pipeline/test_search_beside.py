"""Searches beside a live loop: nothing waits for them, and what they find is caught up with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes import CountingDetector, ListSource, Scene, at, detections, make_pipeline
from numpy.typing import NDArray
from waiting import until

from engine.config import DetectionConfig
from engine.detection import FaceFinder
from engine.pipeline import SearchBeside
from engine.types import Detections, Frame, SourceEvent

FACE = [100.0, 60.0, 140.0, 100.0, 0.99]
BOXES = np.array([FACE[:4]], np.float32)
NOBODY = BOXES[:0]
STILL = np.full((240, 320, 3), 90, np.uint8)


def test_beside_the_loop_a_slow_search_holds_no_frame_up() -> None:
    detector = CountingDetector(FACE)
    detector.gate, detector.elsewhere = threading.Event(), [[200, 60, 240, 100, 0.99]]
    finder = FaceFinder(detector, DetectionConfig(), searcher=SearchBeside(detector))
    for index in range(5):
        assert len(finder.look(Frame(STILL, at(index / 25)), BOXES)) == 1
    assert finder.scans == 1
    detector.gate.set()
    finder.close()
    detector.asked.clear()
    finder.look(Frame(STILL, at(0.2)), BOXES)
    # the face that was found is followed through the four frames that came meanwhile, and looked at in this one
    assert detector.asked == ["look 1"] * 4 + ["look 2"]
    assert finder.scanned == at(0)


def test_a_face_that_moved_while_it_was_searched_for_is_caught_up_with() -> None:
    class Follows(CountingDetector):
        """Sees a face that walks ten pixels to the right with every frame, if it looks close to it."""

        def detect_near(
            self,
            image: NDArray[np.uint8],
            expected: NDArray[np.float32],
            again: NDArray[np.bool_] | None = None,
            *,
            around: bool = True,
        ) -> Detections:
            del again, around
            left = float(image[0, 0, 0])
            near = [box for box in expected if abs(box[0] - left) < 25]
            return detections([[left, 60, left + 40, 100, 0.99]] if near else [])

    detector = Follows(FACE)
    detector.gate, detector.elsewhere = threading.Event(), [[0, 60, 40, 100, 0.99]]
    finder = FaceFinder(detector, DetectionConfig(), searcher=SearchBeside(detector))
    for index in range(13):
        assert not len(finder.look(Frame(np.full((240, 320, 3), 10 * index, np.uint8), at(index / 25)), NOBODY))
    detector.gate.set()
    finder.close()
    found = finder.look(Frame(np.full((240, 320, 3), 130, np.uint8), at(13 / 25)), NOBODY)
    assert found.boxes[:, 0].tolist() == [130]


def test_one_thread_serves_all_cameras_in_turn_and_ends_with_its_work() -> None:
    def searching() -> int:
        return sum(thread.name == "search" for thread in threading.enumerate())

    until(lambda: searching() == 0)
    detector = CountingDetector(FACE)
    searcher = SearchBeside(detector)
    finders = [FaceFinder(detector, DetectionConfig(), 40 + number, searcher) for number in range(3)]
    detector.gate = threading.Event()
    for finder in finders:
        finder.look(Frame(STILL, at(0)), NOBODY)
    assert searching() == 1
    detector.gate.set()
    for finder in finders:
        finder.close()
    until(lambda: searching() == 0)
    assert detector.asked == ["whole 40", "whole 41", "whole 42"]


def test_what_a_search_raises_reaches_the_loop() -> None:
    class Broken(CountingDetector):
        def confirmed(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
            raise MemoryError(f"{len(boxes)} faces")

    detector = Broken(FACE)
    finder = FaceFinder(detector, DetectionConfig(), searcher=SearchBeside(detector))
    finder.look(Frame(STILL, at(0)), BOXES)
    finder.close()
    with pytest.raises(MemoryError, match="1 faces"):
        finder.look(Frame(STILL, at(0.04)), BOXES)


def test_a_camera_rests_while_nobody_is_in_view_and_nothing_moves(tmp_path: Path) -> None:
    scene = Scene(fps=10)
    scene.pause(60)
    scene.walk(["ann"], 20)
    scene.pause(80)

    class Watched(ListSource):
        """Remembers in which frames it was let rest."""

        def __init__(self) -> None:
            super().__init__(scene.frames)
            self.rests: list[bool] = []

        def __iter__(self) -> Iterator[Frame | SourceEvent]:
            for item in self._items:
                yield item
                self.rests.append(self.resting)
                time.sleep(0.01)

    for live in (True, False):
        pipeline, _ = make_pipeline(tmp_path / str(live), scene, live=live)
        source = Watched()
        pipeline.run(source)
        rests = source.rests
        assert any(rests[5:25]) is live  # from the first search on: nothing has moved yet
        assert any(rests[35:55]) is live
        assert not any(rests[75:100])
        assert any(rests[130:150]) is live
