"""A room with a camera, in which pictures are shown flat or bent: perspective, light, sensor noise, JPEG."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.bench.screens import Flicker, Shutter, Surface, on_device

__all__ = ["HEIGHT", "WIDTH", "Camera", "Pose", "Stage", "Sway", "coded", "place"]

RGB = NDArray[np.uint8]
Picture = NDArray[np.float32]

WIDTH, HEIGHT = 480, 400
_DISTANCE = 9.5  # from camera to face in eye distances: 60 cm


class Sway:
    """Smooth motion without rhythm, mostly between -1 and 1."""

    def __init__(self, generator: np.random.Generator, period_s: float) -> None:
        self._speeds = 2 * math.pi / period_s * generator.uniform(0.7, 1.4, 3) * np.array([1.0, 0.53, 1.9])
        self._begin = generator.uniform(0, 2 * math.pi, 3)

    def __call__(self, time_s: float) -> float:
        waves = np.sin(self._speeds * time_s + self._begin)
        return float(0.7 * waves[0] + 0.35 * waves[1] + 0.15 * waves[2])


@dataclass(frozen=True)
class Pose:
    """How a thing stands before the camera: degrees, eye distances, size relative to 60 cm."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0


def place(landmarks: NDArray[np.float32]) -> tuple[NDArray[np.float64], float, float]:
    """Middle of the face in pixels of its photo, its eye distance in pixels (as if frontal), and its roll in radians."""
    points = landmarks.astype(np.float64)
    eyes, across = points[:2].mean(0), points[1] - points[0]
    unit = max(math.hypot(*across), 0.88 * math.hypot(*(points[3:].mean(0) - eyes)))
    return 0.4 * eyes + 0.6 * points.mean(0), unit, math.atan2(across[1], across[0])


class Stage:
    """A room with a camera, in which pictures are shown.

    Args:
        landmarks: (5, 2) float32 of the face in pixels of the photos.
        generator: of the room, the lens and the shutter.
        lamp: the room's light; None: it does not flicker.
    """

    def __init__(
        self, landmarks: NDArray[np.float32], generator: np.random.Generator, lamp: Flicker | None = None
    ) -> None:
        self._middle, self._unit, self._roll = place(landmarks)
        self._focal = generator.uniform(42, 80) * _DISTANCE  # eye distances of 42 to 80 px
        grey = generator.uniform(60, 200, (5, 6, 1)) + generator.normal(0, 12, (5, 6, 3))
        room = cv2.resize(grey.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        for x, y, wide, high in generator.integers(10, [WIDTH, HEIGHT, 150, 150], (8, 4)).tolist():
            room[y : y + high, x : x + wide] = generator.uniform(30, 220)
        self._room = np.asarray(cv2.GaussianBlur(room, (0, 0), 1.2), np.float32)
        self._lamp, self._shutter = lamp or Flicker(), Shutter.drawn(generator)

    def pattern(self, stripes: RGB) -> None:
        """Cover the room with a pattern (400, 480, 3)."""
        self._room = 0.5 * self._room + 0.5 * stripes.astype(np.float32)

    def _over(self, shown: Picture, cover: Picture, time_s: float, surface: Surface | None) -> Picture:
        """The room with what is shown before it, each in its own light."""
        room = self._lamp.rows(HEIGHT, time_s, self._shutter)
        own = surface.flicker.rows(HEIGHT, time_s, self._shutter) if surface and surface.flicker else room
        before, behind = shown * own, self._room * room
        return np.asarray(behind + (before - behind) * cover[..., None], np.float32)

    def show(
        self, picture: RGB, cover: Picture | None, pose: Pose, time_s: float = 0.0, surface: Surface | None = None
    ) -> Picture:
        """A flat picture: (400, 480, 3) float32.

        Args:
            picture: RGB uint8 (h, w, 3).
            cover: its opacity (h, w); None: opaque.
            pose: how it stands.
            time_s: of the frame.
            surface: the device that shows it; None: it stands there itself.
        """
        middle = self._middle
        if surface is not None:
            picture, begin = on_device(picture, self._middle, self._unit, surface)
            middle = self._middle + begin
        high, wide = picture.shape[:2]
        corners = np.array([[0.0, 0.0], [wide, 0], [wide, high], [0, high]])
        cos, sin = math.cos(self._roll), math.sin(self._roll)
        flat = (corners - middle) / self._unit @ np.array([[cos, -sin], [sin, cos]])
        turned = np.column_stack([flat, np.zeros(4)]) @ _rotation(pose).T + [pose.x, pose.y, 0]
        away = _DISTANCE / pose.scale - turned[:, 2:]
        seen = turned[:, :2] / away * self._focal + [WIDTH / 2, HEIGHT / 2]
        matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), seen.astype(np.float32))
        shown = np.asarray(cv2.warpPerspective(picture, matrix, (WIDTH, HEIGHT)), np.float32)
        opaque = np.ones((high, wide), np.float32) if cover is None else cover
        opaque = np.asarray(cv2.warpPerspective(opaque, matrix, (WIDTH, HEIGHT)), np.float32)
        if surface is not None:
            back = cv2.getPerspectiveTransform(seen.astype(np.float32), flat.astype(np.float32))
            pixels = np.dstack(np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32)))
            shown = self._on(surface, shown, cv2.perspectiveTransform(pixels, back))
        return self._over(shown, opaque, time_s, surface)

    def _on(self, surface: Surface, shown: Picture, places: NDArray[np.float32]) -> Picture:
        """What the pixels see of a device's picture, with its grid and what it reflects."""
        grid, glare = surface.grid(places, self._shutter), surface.glare(places)
        shown = shown if grid is None else shown * grid
        return shown if glare is None else shown + glare

    def show_bent(
        self, picture: RGB, pose: Pose, radius: float, time_s: float = 0.0, surface: Surface | None = None
    ) -> Picture:
        """A picture bent backwards round an upright cylinder of so many eye distances: every pixel's ray is cut with it."""
        middle = self._middle
        if surface is not None:
            picture, begin = on_device(picture, self._middle, self._unit, surface)
            middle = self._middle + begin
        step = 4  # found at every fourth pixel
        columns, rows = np.meshgrid(np.arange(0, WIDTH + step, step), np.arange(0, HEIGHT + step, step))
        across, down = (columns - WIDTH / 2) / self._focal, (rows - HEIGHT / 2) / self._focal
        turn = _rotation(pose)
        rays = np.dstack([across, down, -np.ones_like(across)]) @ turn
        eye = np.array([-pose.x, -pose.y, _DISTANCE / pose.scale]) @ turn + [0, 0, radius]  # from the cylinder's axis
        a = rays[..., 0] ** 2 + rays[..., 2] ** 2
        b = rays[..., 0] * eye[0] + rays[..., 2] * eye[2]
        inside = b * b - a * (eye[0] ** 2 + eye[2] ** 2 - radius**2)
        hit = eye + ((-b - np.sqrt(np.maximum(inside, 0))) / a)[..., None] * rays
        u = np.where(inside > 0, radius * np.arctan2(hit[..., 0], hit[..., 2]), 99.0)
        cos, sin = math.cos(self._roll), math.sin(self._roll)
        places = np.dstack([cos * u - sin * hit[..., 1], sin * u + cos * hit[..., 1]]) * self._unit + middle
        fine = np.diag([step, step, 1.0])[:2]
        x, y = cv2.split(cv2.warpAffine(places.astype(np.float32), fine, (WIDTH, HEIGHT)))
        shown = np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR), np.float32)
        cover = (x >= 0) & (x < picture.shape[1] - 1) & (y >= 0) & (y < picture.shape[0] - 1)
        if surface is not None:
            shown = self._on(surface, shown, (np.dstack([x, y]) - middle.astype(np.float32)) / np.float32(self._unit))
        return self._over(shown, cover.astype(np.float32), time_s, surface)


def _rotation(pose: Pose) -> NDArray[np.float64]:
    """(3, 3): yaw, then pitch, then roll; z towards the camera, y down."""
    yaw, pitch, roll = (math.radians(angle) for angle in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
    about_z = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float64)


class Camera:
    """Light, sensor noise and JPEG."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._light = Sway(generator, 3.0)
        self._gain, self._noise = generator.uniform(0.75, 1.1), generator.uniform(1.5, 4.0)
        self._quality = int(generator.integers(70, 93))
        self._bank = generator.normal(0, self._noise, (2 * HEIGHT, 2 * WIDTH, 1)).astype(np.float32)

    def take(self, scene: Picture, time_s: float) -> RGB:
        """A frame of a scene (400, 480, 3) float32."""
        y, x = (int(self._generator.integers(side)) for side in (HEIGHT, WIDTH))
        light = self._gain * (1 + 0.04 * self._light(time_s))
        raw = scene * light + self._bank[y : y + HEIGHT, x : x + WIDTH]
        return coded(np.clip(raw, 0, 255).astype(np.uint8), self._quality)


def coded(image: RGB, quality: int) -> RGB:
    """The picture after JPEG."""
    _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
