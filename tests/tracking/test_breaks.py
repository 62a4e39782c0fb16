"""Breaks in what a camera shows, and faces that do not look like the one before."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from fakes import T0, at
from numpy.typing import NDArray

from engine.tracking import SAME_FACE, BreakWatch, appearance

Picture = NDArray[np.uint8]


def hall(seed: int) -> Picture:
    """A scene of large blocks; another seed is another scene."""
    blocks = np.random.default_rng(seed).integers(20, 236, (9, 16, 3)).astype(np.uint8)
    return np.kron(blocks, np.ones((40, 40, 1), np.uint8))


def reasons(pictures: list[Picture], times: list[float]) -> list[str]:
    watch = BreakWatch()
    return [watch.look(at(time), picture) for time, picture in zip(times, pictures, strict=True)]


def test_the_first_picture_and_one_that_goes_on_are_no_break() -> None:
    assert reasons([hall(1)] * 5, [0, 0.04, 0.08, 0.12, 0.16]) == [""] * 5


def test_a_cut_to_another_scene_is_a_break_once() -> None:
    assert reasons([hall(1), hall(1), hall(2), hall(2)], [0, 0.04, 0.08, 0.12]) == ["", "", "another scene", ""]


def test_somebody_who_fills_a_quarter_of_the_picture_is_no_break() -> None:
    pictures = []
    for step in range(12):
        picture = hall(1)
        picture[90:360, 30 * step : 30 * step + 160] = 200
        pictures.append(picture)
    assert not any(reasons(pictures, [0.08 * step for step in range(12)]))


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([0, 0.04, 0.08, 1.08], "no picture for 1.0 s"),
        ([0, 0.04, 0.08, 1.0], "no picture for 0.9 s"),
        ([0, 0.04, 0.08, 0.78], ""),  # some frames lost
        ([0, 0.04, 0.08, 0.02], "the time steps back"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8], ""),  # a picture a second from a slow camera, once it is known to be slow
    ],
)
def test_a_stall_and_a_step_back_are_breaks(times: list[float], told: str) -> None:
    assert reasons([hall(1)] * len(times), times)[-1] == told


def test_a_camera_that_rests_shows_key_frames_alone_which_is_no_stall() -> None:
    watch = BreakWatch()
    awake = [0.04 * step for step in range(50)]
    assert not any(watch.look(at(time), hall(1)) for time in awake)
    assert not any(watch.look(at(time), hall(1), resting=True) for time in (4.0, 6.0, 10.0))
    assert watch.look(at(16.0), hall(1), resting=True) == "no picture for 6.0 s"
    assert watch.look(at(18.0), hall(2), resting=True) == "another scene"
    assert watch.look(at(18.04), hall(2)) == ""
    assert watch.look(at(20.04), hall(2)) == "no picture for 2.0 s", (
        "what was usual at rest is not usual when it is awake"
    )


def test_brighter_light_is_no_other_scene() -> None:
    dark = (hall(1) * 0.6).astype(np.uint8)
    assert not any(reasons([hall(1), dark, hall(1)], [0, 0.04, 0.08]))


def test_a_black_picture_between_is_a_break() -> None:
    assert any(reasons([hall(1), np.zeros_like(hall(1)), hall(1)], [0, 0.04, 0.08]))


def test_a_picture_of_one_pixel_is_compared_too() -> None:
    one = np.zeros((1, 1, 3), np.uint8)
    assert reasons([one, one], [0, 0.04]) == ["", ""]


def test_the_same_face_a_little_moved_looks_alike_and_another_does_not() -> None:
    generator = np.random.default_rng(3)
    coarse = generator.integers(40, 220, (2, 10, 10)).astype(np.uint8)
    faces = [np.repeat(np.kron(each, np.ones((16, 16), np.uint8))[..., None], 3, axis=2) for each in coarse]
    moved = np.roll(faces[0], (2, 2), (0, 1))
    first = appearance(faces[0])
    assert first.shape == (576,)
    assert float(first @ first) == pytest.approx(1, abs=1e-5)
    assert float(first @ appearance(moved)) > SAME_FACE
    assert float(first @ appearance(faces[1])) < SAME_FACE


def test_a_face_without_contrast_has_no_appearance() -> None:
    assert not appearance(np.full((160, 160, 3), 90, np.uint8)).any()


def test_the_clock_may_be_of_any_zone() -> None:
    watch = BreakWatch()
    assert watch.look(T0, hall(1)) == ""
    assert watch.look((T0 + timedelta(seconds=0.04)).astimezone(), hall(1)) == ""
