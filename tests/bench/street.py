"""Hard clips: many real people at several depths before a wall of real photographs, with blur, noise and a camera's compression.

The easy clips of `tests.bench.crowd` show cut-out people on a plain wall. A real street is full of texture, in which the detector finds
hundreds of candidates, and something moves everywhere.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.demo.video import Figure, cut_out
from engine.detection import Detector
from engine.errors import MusterError
from engine.imaging import list_images, read_image
from tests.bench.crowd import Clip

__all__ = ["Actor", "actors_of", "render_empty", "render_street"]

RGB = NDArray[np.uint8]

_ENROLMENT_PHOTOS = 3
_FACES = (0.065, 0.17)
"""Heights of faces, far and near, as shares of the picture's."""
_BIT_RATE = "4M"
_NOISE = 4.0
_SPEED = 0.16
"""Widths of the picture a second."""


@dataclass(frozen=True)
class Actor:
    """Somebody who walks through clips.

    Attributes:
        person: id.
        enrolment: photos to enrol.
        shown: the photo that is cut out.
    """

    person: str
    enrolment: tuple[Path, ...]
    shown: Path


def actors_of(folder: Path, count: int, *, seed: int = 19) -> list[Actor]:
    """People of a folder with a folder of photos per person; when it has too few, they come again, each time in another photo.

    Raises:
        MusterError: nobody has enough photos.
    """
    people = []
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        photos = list_images(each)
        if len(photos) > _ENROLMENT_PHOTOS:
            people.append((each.name, photos))
    if not people:
        raise MusterError(f"{folder}: nobody has {_ENROLMENT_PHOTOS + 1} photos", hint="use a folder per person")
    order = np.random.default_rng(seed).permutation(len(people)).tolist()
    actors = []
    for number in range(count):
        name, photos = people[order[number % len(order)]]
        shown = photos[_ENROLMENT_PHOTOS:][-1 - number // len(order) % (len(photos) - _ENROLMENT_PHOTOS)]
        actors.append(Actor(name, tuple(photos[:_ENROLMENT_PHOTOS]), shown))
    return actors


def _wall(photos: Sequence[Path], width: int, height: int, generator: np.random.Generator) -> RGB:
    """Photographs without their middles, where the faces are, in tiles of several sizes side by side."""
    wall = np.full((height, width, 3), 128, np.uint8)
    for share in (0.5, 0.25, 0.15):
        side = int(share * height)
        for _ in range(int(2.5 / share**2)):
            photo = read_image(photos[int(generator.integers(len(photos)))])
            high, wide = photo.shape[:2]
            part = photo[:, : wide // 4] if generator.random() < 0.5 else photo[:, -wide // 4 :]
            part = part[: int(high * generator.uniform(0.5, 1.0))]
            tile = cv2.resize(part, (side // 2, side), interpolation=cv2.INTER_CUBIC)
            x, y = int(generator.integers(-side // 4, width)), int(generator.integers(-side // 2, height))
            left, top, right, bottom = max(0, x), max(0, y), min(width, x + side // 2), min(height, y + side)
            if right > left and bottom > top:
                wall[top:bottom, left:right] = tile[top - y : bottom - y, left - x : right - x]
    sharp = cv2.addWeighted(wall, 1.6, cv2.GaussianBlur(wall, (0, 0), 2.0), -0.6, 0)
    grain = generator.normal(0, 9, (height // 2, width // 2)).astype(np.float32)
    rough = sharp.astype(np.float32) + cv2.resize(grain, (width, height))[..., None]
    return np.clip(rough, 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class _Walker:
    """A figure on its way: it comes from one side, then stands there or walks up and down."""

    figure: Figure
    lane: int
    lanes: int
    nearness: float
    begins_s: float
    stays: bool
    leftwards: bool

    def place(self, time: float) -> tuple[float, float] | None:
        """Where the face's middle is, as shares of the picture; None: not there yet."""
        since = time - self.begins_s
        if since < 0:
            return None
        middle = (self.lane + 0.5) / self.lanes
        start = 1.1 if self.leftwards else -0.1
        way_s = abs(middle - start) / _SPEED
        if since < way_s:
            x = start + (middle - start) * since / way_s
        else:
            sway = 0.012 if self.stays else 0.12
            x = middle + sway * math.sin(_SPEED / 0.12 * (since - way_s)) * math.copysign(1.0, middle - start)
        y = 0.24 + 0.30 * self.nearness + 0.006 * math.sin(6.5 * time + self.lane)
        return x, y


def _paste(scene: NDArray[np.uint8], walker: _Walker, body: RGB, time: float) -> None:
    spot = walker.place(time)
    if spot is None:
        return
    height, width = scene.shape[:2]
    figure = walker.figure
    scale = (_FACES[0] + (_FACES[1] - _FACES[0]) * walker.nearness) * height / figure.face[2]
    x, y = spot[0] * width, spot[1] * height
    matrix = np.array([[scale, 0, x - scale * figure.face[0]], [0, scale, y - scale * figure.face[1]]])
    high, wide = figure.cover.shape
    left, top = max(0, int(matrix[0, 2])), max(0, int(matrix[1, 2]))
    right, bottom = min(width, int(matrix[0, 2] + scale * wide) + 1), min(height, int(matrix[1, 2] + scale * high))
    if right <= left or bottom <= top:
        return
    if bottom < height:  # below the photo: clothes of another photo
        cloth = cv2.resize(body, (right - left, height - bottom))
        scene[bottom:, left:right] = cloth
    matrix[:, 2] -= (left, top)
    size = (right - left, bottom - top)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    shown = cv2.warpAffine(figure.picture, matrix, size, flags=flags)
    cover = cv2.warpAffine(figure.cover, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    before, after = walker.place(time - 0.02), walker.place(time + 0.02)
    smear = 1 if before is None or after is None else round(abs(after[0] - before[0]) * width * 0.5)
    if smear > 1:  # an exposure of half a frame
        shown = cv2.blur(shown, (smear, 1))
    part = scene[top:bottom, left:right]
    part[...] = (part * (1 - cover) + shown * cover).astype(np.uint8)


def _encoder(path: Path, width: int, height: int, fps: float) -> subprocess.Popen[bytes]:
    """H.264 at a camera's bit rate with a key frame every two seconds, as cameras are delivered; raw RGB frames go in."""
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += [
        "-r",
        str(fps),
        "-i",
        "-",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-g",
        str(round(2 * fps)),
        "-b:v",
        _BIT_RATE,
    ]
    command += ["-pix_fmt", "yuv420p", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def _noises(width: int, height: int, generator: np.random.Generator) -> list[NDArray[np.int16]]:
    return [generator.normal(0, _NOISE, (height, width, 1)).round().astype(np.int16) for _ in range(6)]


def render_empty(path: Path, *, size: tuple[int, int], fps: float, seconds: float) -> None:
    """Render a hall in which nothing happens but sensor noise."""
    width, height = size
    noises = _noises(width, height, np.random.default_rng(0))
    hall = np.broadcast_to(np.linspace(190, 120, height)[:, None, None], (height, width, 3)).astype(np.int16)
    with _encoder(path, width, height, fps) as encoder:
        assert encoder.stdin is not None
        for index in range(round(seconds * fps)):
            encoder.stdin.write(np.clip(hall + noises[index % 6], 0, 255).astype(np.uint8).tobytes())


def render_street(
    path: Path,
    detector: Detector,
    folder: Path,
    people: int,
    *,
    size: tuple[int, int] = (1920, 1080),
    fps: float = 25.0,
    seconds: float,
    seed: int = 0,
) -> Clip:
    """Render a street into which all people come within the first third, to stand there or to walk up and down.

    Args:
        path: MP4 file.
        detector: finds the faces to cut out.
        folder: a folder of photos per person; every second person is enrolled.
        people: how many come. If the folder has fewer, they come again in other photos.
        size: width and height in pixels.
        fps, seconds: rate and length.
        seed: other people and another wall for each.

    Raises:
        MusterError: nobody has enough photos, a photo shows no face, or ffmpeg is missing.
    """
    width, height = size
    generator = np.random.default_rng(people + 1000 * seed)
    actors = actors_of(folder, people, seed=19 + seed)
    everything = [photo for each in sorted(folder.iterdir()) if each.is_dir() for photo in list_images(each)]
    texture = [everything[index] for index in generator.permutation(len(everything))[:300].tolist()]
    wall = _wall(texture, width, height, generator)
    walkers, bodies = [], []
    for number, actor in enumerate(actors):
        figure = cut_out(read_image(actor.shown), detector)
        nearness, begins_s = float((number * 0.618) % 1.0), number * seconds / 3 / people
        walkers.append(_Walker(figure, number, people, nearness, begins_s, bool(number % 3), bool(number % 2)))
        photo = read_image(texture[int(generator.integers(len(texture)))])
        bodies.append(photo[len(photo) * 3 // 4 :])
    noises = _noises(width, height, generator)
    with _encoder(path, width, height, fps) as encoder:
        assert encoder.stdin is not None
        order = sorted(range(len(walkers)), key=lambda index: walkers[index].nearness)
        for index in range(round(seconds * fps)):
            scene = wall.copy()
            for number in order:
                _paste(scene, walkers[number], bodies[number], index / fps)
            encoder.stdin.write(np.clip(scene + noises[index % 6], 0, 255).astype(np.uint8).tobytes())
    if encoder.returncode:
        raise MusterError(f"{path}: ffmpeg could not write it", hint="install ffmpeg with libx264")
    enrolment = {actor.person: actor.enrolment for actor in actors[::2]}
    return Clip(path, width, height, fps, len(actors), enrolment, DetectionConfig().min_face_px)
