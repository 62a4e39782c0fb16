"""Synthetic landmarks that the tests of the presentation checks share."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.config import PresentationConfig
from engine.liveness import LivenessState

PASSED, UNPROVEN, FAILED = LivenessState.PASSED, LivenessState.UNPROVEN, LivenessState.FAILED


CONFIG = PresentationConfig()


FPS = 12.5


Points = NDArray[np.float32]


# eyes, nose, corners of the mouth; right, down and towards the camera, in eye distances
HEAD = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.56, 0.48], [-0.42, 1.13, 0.06], [0.42, 1.13, 0.06]])


FLAT = HEAD * [1, 1, 0]


def seen(
    shape: NDArray[np.float64],
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    *,
    eyes_px: float = 60.0,
    away: float = 9.5,
    noise: float = 0.0,
    generator: np.random.Generator | None = None,
) -> Points:
    """The landmarks of a turned shape, seen from so many eye distances away, with noise as a share of the eye distance."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
    turned = (shape - [0, 0.5, 0]) @ (about_x @ about_y).T
    points = turned[:, :2] / (1 - turned[:, 2:] / away) * eyes_px + [320, 240]
    if generator is not None:
        points = points + generator.normal(0, noise * eyes_px, points.shape)
    return np.asarray(points, np.float32)


def swing(range_deg: float, period_s: float = 5.0) -> Callable[[float], float]:
    """Turning to and fro over so many degrees from side to side."""
    return lambda time_s: range_deg / 2 * math.sin(2 * math.pi * time_s / period_s)
