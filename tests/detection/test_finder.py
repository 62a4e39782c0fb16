"""When the whole frame is searched, and when only the expected places are."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import CountingDetector, at
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.detection import FaceFinder
from engine.types import Frame

FACE = [100.0, 60.0, 140.0, 100.0, 0.99]
BOXES = np.array([FACE[:4]], np.float32)
NOBODY = np.empty((0, 4), np.float32)


def _picture(*bright: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    picture = np.full((240, 320, 3), 90, np.uint8)
    for left, top, right, bottom in bright:
        picture[top:bottom, left:right] = 200
    return picture


STILL = _picture()
SOMEBODY = _picture((220, 40, 270, 200))


def _asked(frames: list[tuple[float, NDArray[np.uint8]]], boxes: NDArray[np.float32] = BOXES, **settings: float) -> str:
    """What is searched in each frame: w(hole), p(art), or nothing (-)."""
    detector = CountingDetector(FACE)
    finder = FaceFinder(detector, DetectionConfig(**settings))  # type: ignore[arg-type]
    answer = ""
    for seconds, picture in frames:
        detector.asked.clear()
        finder.look(Frame(picture, at(seconds)), boxes)
        answer += next((word[0] for word in detector.asked if word[0] != "l"), "-")
    return answer


def test_a_still_scene_is_searched_whole_every_four_seconds() -> None:
    assert _asked([(index / 2, STILL) for index in range(17)]) == "w-------w-------w"


def test_movement_elsewhere_is_searched_where_it_is() -> None:
    assert _asked([(0, STILL), (0.1, SOMEBODY), (0.2, SOMEBODY), (0.3, SOMEBODY), (0.4, STILL)]) == "w-p-p"
    detector = CountingDetector(FACE)
    finder = FaceFinder(detector, DetectionConfig())
    finder.look(Frame(STILL, at(0)), BOXES)
    finder.look(Frame(SOMEBODY, at(0.2)), BOXES)
    region = detector.regions[-1]
    assert region is not None
    ((left, top, right, bottom),) = region.tolist()
    assert left <= 220
    assert right >= 270
    assert top <= 40
    assert bottom >= 200
    assert left > 140  # the known face is left alone


def test_movement_of_a_known_face_and_the_body_below_it_brings_nobody_new() -> None:
    moved = _picture((100, 60, 140, 240))
    assert _asked([(0, STILL), (0.2, moved), (0.3, moved), (0.4, moved)]) == "w---"


def test_while_anything_moves_everything_is_searched_once_a_second() -> None:
    steps = [_picture((100, 60, 140, 200 + 20 * (index % 2))) for index in range(12)]
    assert _asked([(index / 5, picture) for index, picture in enumerate(steps)]) == "w----w----w-"


def test_noise_is_no_movement() -> None:
    generator = np.random.default_rng(3)
    frames = [
        (index / 10, np.clip(90 + generator.normal(0, 4, (240, 320, 3)), 0, 255).astype(np.uint8)) for index in range(5)
    ]
    assert _asked(frames) == "w----"


def test_slow_movement_adds_up() -> None:
    frames = [(index / 4, np.full((240, 320, 3), 90 + 6 * index, np.uint8)) for index in range(6)]
    assert _asked(frames, NOBODY) == "w----w"
    fading = [picture.copy() for _, picture in frames]
    for index, picture in enumerate(fading):
        picture[:, :280] = 90
        frames[index] = (index / 8, picture)
    assert _asked(frames, NOBODY) == "w----p"


def test_a_face_that_is_not_where_it_should_be_is_searched_for_soon() -> None:
    detector = CountingDetector(FACE)
    finder = FaceFinder(detector, DetectionConfig(), 50)
    finder.look(Frame(STILL, at(0)), NOBODY)
    detector.near, detector.elsewhere = [], [FACE]
    assert len(finder.look(Frame(STILL, at(0.05)), BOXES)) == 0  # the frame was searched a moment ago
    assert len(finder.look(Frame(STILL, at(0.1)), BOXES)) == 1
    assert detector.asked == ["whole 50", "look 1", "look 1", "whole 50"]
    assert (finder.scans, finder.looks) == (2, 1)


def test_somebody_who_was_not_there_before_either_does_not_cost_a_search() -> None:
    detector = CountingDetector(FACE)
    finder = FaceFinder(detector, DetectionConfig())
    finder.look(Frame(STILL, at(0)), NOBODY)
    detector.near = []
    finder.look(Frame(STILL, at(0.1)), BOXES, np.array([False]))
    assert detector.asked == ["whole 40", "look 1"]


def test_a_face_lost_just_after_a_search_is_searched_for_soon() -> None:
    detector = CountingDetector(FACE)
    finder = FaceFinder(detector, DetectionConfig())
    finder.look(Frame(STILL, at(0)), NOBODY)
    detector.near = []
    finder.look(Frame(STILL, at(0.033)), BOXES, np.array([True]))
    finder.look(Frame(STILL, at(0.066)), BOXES, np.array([False]))
    finder.look(Frame(STILL, at(0.1)), BOXES, np.array([False]))
    assert detector.asked == ["whole 40", "look 1", "look 1", "look 1", "whole 40"]


def test_a_known_face_that_the_search_does_not_confirm_is_none() -> None:
    detector = CountingDetector(FACE)
    detector.confirms = False
    finder = FaceFinder(detector, DetectionConfig())
    assert len(finder.look(Frame(STILL, at(0)), BOXES)) == 0
    assert len(finder.look(Frame(STILL, at(0.1)), BOXES)) == 1


def test_doubtful_faces_are_confirmed_each_second_and_all_of_them_now_and_then() -> None:
    confirmed: list[int] = []

    class Confirming(CountingDetector):
        """Remembers how many faces it was to confirm."""

        def confirmed(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
            confirmed.append(len(boxes))
            return super().confirmed(image, boxes)

    detector = Confirming(FACE)
    detector.near = [[100, 60, 140, 100, 0.999], [200, 60, 240, 100, 0.8]]
    finder = FaceFinder(detector, DetectionConfig(scan_interval_s=1.0, idle_interval_s=4.0))
    for second in range(5):
        finder.look(Frame(SOMEBODY if second % 2 else STILL, at(second)), BOXES)
    assert confirmed == [2, 1, 1, 1, 2]


def test_a_face_that_is_found_again_counts_once() -> None:
    detector = CountingDetector(FACE)
    detector.elsewhere = [[102, 61, 141, 102, 0.99], [200, 60, 240, 100, 0.99]]
    finder = FaceFinder(detector, DetectionConfig())
    found = finder.look(Frame(STILL, at(0)), BOXES)
    assert found.boxes[:, 0].tolist() == [100, 200]


def test_few_frames_a_second_are_searched_where_something_moves() -> None:
    assert _asked([(0, STILL), (1, SOMEBODY), (2, STILL), (3, STILL)]) == "www-"


@pytest.mark.parametrize("boxes", [NOBODY, BOXES])
def test_no_interval_means_every_frame(boxes: NDArray[np.float32]) -> None:
    frames = [(index / 30, STILL) for index in range(4)]
    assert _asked(frames, boxes, scan_interval_s=0, idle_interval_s=0) == "wwww"


def test_a_clock_that_steps_and_a_size_that_changes_do_not_blind_it() -> None:
    assert _asked([(0, STILL), (-3600, STILL), (-3600.1, STILL), (7200, STILL)]) == "ww-w"
    assert _asked([(0, STILL), (0.2, STILL[:120, :160]), (0.4, STILL)], NOBODY) == "www"
