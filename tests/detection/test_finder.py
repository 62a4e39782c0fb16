"""When the whole frame is searched, and when only the expected places are."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import at, detections
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.detection import FaceFinder
from engine.types import Detections, Frame

FACE = [100, 60, 140, 100, 0.99]
BOXES = np.array([FACE[:4]], np.float32)
NOBODY = np.empty((0, 4), np.float32)


class CountingDetector:
    """Says what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.near: list[list[float]] = [FACE]

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        del image
        self.asked.append(f"scan {min_face_px}")
        return detections([FACE])

    def detect_near(
        self, image: NDArray[np.uint8], expected: NDArray[np.float32], search: NDArray[np.bool_] | None = None
    ) -> Detections:
        del image, expected, search
        self.asked.append("look")
        return detections(self.near)

    def detect_photo(self, image: NDArray[np.uint8]) -> Detections:
        raise NotImplementedError


def _picture(*bright: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    picture = np.full((240, 320, 3), 90, np.uint8)
    for left, top, right, bottom in bright:
        picture[top:bottom, left:right] = 200
    return picture


STILL = _picture()
SOMEBODY = _picture((220, 40, 270, 200))


def _asked(frames: list[tuple[float, NDArray[np.uint8]]], boxes: NDArray[np.float32] = BOXES, **settings: float) -> str:
    detector = CountingDetector()
    finder = FaceFinder(detector, DetectionConfig(**settings))  # type: ignore[arg-type]
    for seconds, picture in frames:
        finder.look(Frame(picture, at(seconds)), boxes)
    return "".join(word[0] for word in detector.asked)


def test_a_still_scene_is_searched_whole_twice_a_second() -> None:
    assert _asked([(index / 10, STILL) for index in range(11)]) == "sllllslllls"


def test_movement_elsewhere_brings_the_search_forward() -> None:
    assert _asked([(0, STILL), (0.1, SOMEBODY), (0.2, SOMEBODY), (0.3, SOMEBODY), (0.4, STILL)]) == "slsls"


def test_movement_of_the_expected_face_does_not() -> None:
    moved = _picture((100, 60, 140, 100))
    assert _asked([(0, STILL), (0.2, moved), (0.3, moved), (0.4, moved)]) == "slll"


def test_noise_is_no_movement() -> None:
    generator = np.random.default_rng(3)
    frames = [
        (index / 10, np.clip(90 + generator.normal(0, 4, (240, 320, 3)), 0, 255).astype(np.uint8)) for index in range(5)
    ]
    assert _asked(frames) == "sllll"


def test_a_face_that_is_not_where_it_should_be_is_searched_for_in_the_whole_frame() -> None:
    detector = CountingDetector()
    finder = FaceFinder(detector, DetectionConfig(), 50)
    finder.look(Frame(STILL, at(0)), NOBODY)
    detector.near = []
    assert len(finder.look(Frame(STILL, at(0.05)), BOXES)) == 0  # the whole frame was searched a moment ago
    assert len(finder.look(Frame(STILL, at(0.1)), BOXES)) == 1
    assert detector.asked == ["scan 50", "look", "look", "scan 50"]
    assert (finder.scans, finder.looks) == (2, 2)


def test_somebody_who_was_not_there_before_either_does_not_cost_a_search() -> None:
    detector = CountingDetector()
    finder = FaceFinder(detector, DetectionConfig())
    finder.look(Frame(STILL, at(0)), NOBODY)
    detector.near = []
    finder.look(Frame(STILL, at(0.1)), BOXES, np.array([False]))
    assert detector.asked == ["scan None", "look"]


def test_a_face_lost_just_after_a_search_is_searched_for_soon() -> None:
    detector = CountingDetector()
    finder = FaceFinder(detector, DetectionConfig())
    finder.look(Frame(STILL, at(0)), NOBODY)
    detector.near = []
    finder.look(Frame(STILL, at(0.033)), BOXES, np.array([True]))
    finder.look(Frame(STILL, at(0.066)), BOXES, np.array([False]))
    finder.look(Frame(STILL, at(0.1)), BOXES, np.array([False]))
    assert detector.asked == ["scan None", "look", "look", "look", "scan None"]


def test_few_frames_a_second_are_all_searched_whole() -> None:
    assert _asked([(0, STILL), (1, STILL), (2, STILL)]) == "sss"


@pytest.mark.parametrize("boxes", [NOBODY, BOXES])
def test_no_interval_means_every_frame(boxes: NDArray[np.float32]) -> None:
    frames = [(index / 30, STILL) for index in range(4)]
    assert _asked(frames, boxes, scan_interval_s=0, idle_interval_s=0) == "ssss"


def test_a_clock_that_steps_and_a_size_that_changes_do_not_blind_it() -> None:
    assert _asked([(0, STILL), (-3600, STILL), (-3600.1, STILL), (7200, STILL)]) == "ssls"
    assert _asked([(0, STILL), (0.2, STILL[:120, :160]), (0.4, STILL)], NOBODY) == "sss"
