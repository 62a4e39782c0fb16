"""Streams that stand still or repeat themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from fakes import at
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from shapes import CONFIG, FPS

from engine.config import PresentationConfig
from engine.liveness import StreamWatch


class Hall:
    """A camera in a hall through which somebody walks: pictures (108, 192, 3) with sensor noise."""

    def __init__(self, noise: float = 2.0, seed: int = 0) -> None:
        self.generator = np.random.default_rng(seed)
        self.noise = noise
        self.hall = cv2.resize(self.generator.uniform(40, 200, (6, 9, 3)), (192, 108), interpolation=cv2.INTER_CUBIC)
        self.person = self.generator.uniform(20, 230, (60, 30, 3))
        self.person = cv2.GaussianBlur(self.person, (0, 0), 2) * 3 % 255

    def take(self, x: float = -100.0) -> NDArray[np.uint8]:
        """With the person at column `x`."""
        picture = self.hall.copy()
        place = np.array([[1, 0, x], [0, 1, 40]])
        cover = cv2.warpAffine(np.ones((60, 30)), place, (192, 108))[..., None]
        picture += (cv2.warpAffine(self.person, place, (192, 108)) - picture) * cover
        noisy = picture + self.generator.normal(0, self.noise, picture.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    def walk(self, seconds: float = 6.0, begin: float = -30.0, speed: float = 36.0) -> list[NDArray[np.uint8]]:
        """From left to right, never quite at the same pace."""
        step_s, foot = self.generator.uniform(0.9, 1.1), self.generator.uniform(0, 2 * math.pi)
        times = np.arange(round(seconds * FPS)) / FPS
        return [self.take(begin + speed * time + 2 * math.sin(2 * math.pi * time / step_s + foot)) for time in times]


def judged(frames: Sequence[NDArray[np.uint8]], config: PresentationConfig = CONFIG) -> list[str]:
    """What is said of each frame of a stream."""
    stream = StreamWatch(config)
    return [stream.observe(at(index / FPS), frame) for index, frame in enumerate(frames)]


def test_an_empty_scene_with_sensor_noise_is_neither_frozen_nor_looped() -> None:
    hall = Hall()
    frames = [hall.take() for _ in range(200)]
    order = np.random.default_rng(1).integers(
        0, 200, 2000
    )  # noise is what a camera repeats least: pictures in any order
    assert set(judged([hall.take() for _ in range(300)])) == {""}
    assert "frozen" not in judged([frames[index] for index in order])


def test_a_picture_that_stands_still_is_frozen_from_the_limit_on() -> None:
    frames = Hall().walk(3.0)
    said = judged(frames + [frames[-1]] * 200)
    first = said.index("frozen")
    since_s = (first - (len(frames) - 1)) / FPS
    assert_allclose(since_s, CONFIG.frozen_s, atol=1 / FPS + 1e-6)
    assert set(said[first:]) == {"frozen"}
    assert set(said[:first]) == {""}


def test_a_stream_that_moves_again_is_no_longer_frozen() -> None:
    frames = Hall().walk()
    assert judged([frames[0]] * 150 + frames)[-1] == ""


@pytest.mark.parametrize("length", [25, 60, 75, 76])
def test_a_repeated_recording_is_looped(length: int) -> None:
    frames = Hall().walk()[10:][:length] if length < 60 else (Hall().walk(8.0))[:length]
    said = judged([frames[index % length] for index in range(round(20 * FPS))])
    assert "looped" in said
    assert said.index("looped") / FPS <= length / FPS + 2 * CONFIG.loop_s
    assert "frozen" not in said


def test_a_recording_that_is_coded_anew_each_time_is_looped() -> None:
    frames = Hall().walk()
    generator = np.random.default_rng(4)
    coded = []
    for index in range(250):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(85, 96))]
        coded.append(cv2.imdecode(cv2.imencode(".jpg", frames[index % 75], quality)[1], cv2.IMREAD_COLOR))
    assert "looped" in judged(coded)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.floats(0.7, 3.0))
def test_somebody_who_walks_the_same_way_again_is_no_loop(seed: int, noise: float) -> None:
    hall, generator = Hall(noise, seed), np.random.default_rng(seed)
    frames: list[NDArray[np.uint8]] = []
    for _ in range(4):
        frames += hall.walk(6.0, -30 + generator.normal(0, 3), 36 * generator.uniform(0.95, 1.05))
    assert set(judged(frames)) == {""}


def test_a_loop_is_seen_after_the_memory_has_gone_round() -> None:
    hall = Hall()
    frames = [hall.take() for _ in range(round(150 * FPS))]
    loop = hall.walk()
    said = judged(frames + loop * 3)
    assert set(said[: len(frames)]) == {""}
    assert "looped" in said[len(frames) :]


def test_a_stream_of_another_size_begins_anew() -> None:
    frames = Hall().walk()
    stream = StreamWatch(CONFIG)
    for index in range(150):
        stream.observe(at(index / FPS), frames[index % 75] if index < 75 else frames[index % 75][::2, ::2])
    assert stream.observe(at(12.0), frames[0][:1, :1]) == ""
    assert stream.observe(at(1.0), frames[0]) == ""  # and when the clock is set back
