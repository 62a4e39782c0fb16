"""Clips of a crowd: people cut out of sample photos move through the picture, known at every frame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.demo.video import Figure, cut_out
from engine.detection import Detector
from engine.imaging import VideoWriter, read_image

__all__ = ["ENROLLED", "PHOTOS", "Clip", "enrolment_of", "render_clip"]

RGB = NDArray[np.uint8]

# Photos that no enrolment photo repeats. Only five people are in the samples: a sixth face is a second photo of the first, and so on.
PHOTOS = (
    "ben_afflek/5",
    "elton_john/1",
    "jerry_seinfeld/5",
    "madonna/4",
    "mindy_kaling/5",
    "ben_afflek/2",
    "elton_john/3",
    "jerry_seinfeld/2",
    "madonna/2",
    "mindy_kaling/2",
)
_ENROLMENT_PHOTOS = 6
ENROLLED = ("ben_afflek", "elton_john", "jerry_seinfeld", "mindy_kaling")
_ENTERS_EVERY_S = 0.4
_FACE = (0.13, 0.21)  # heights of faces, far and near, as shares of the picture's


@dataclass(frozen=True)
class Clip:
    """A rendered clip.

    Attributes:
        path: MP4 file.
        width, height, fps, people: what was asked for.
        enrolment: photos of the enrolled people in it, by their ids.
        smallest_face: that is looked for, pixels.
    """

    path: Path
    width: int
    height: int
    fps: float
    people: int
    enrolment: Mapping[str, tuple[Path, ...]]
    smallest_face: int

    @property
    def enrolled(self) -> tuple[str, ...]:
        """Ids of the enrolled people in it."""
        return tuple(self.enrolment)


def enrolment_of(photos: Path, person: str) -> tuple[Path, ...]:
    """The sample photos of a person that are enrolled."""
    return tuple(sorted((photos / "train" / person).glob("*.jpg"))[:_ENROLMENT_PHOTOS])


def render_clip(
    path: Path,
    detector: Detector,
    photos: Path,
    *,
    size: tuple[int, int],
    people: int,
    fps: float,
    seconds: float,
    between_s: tuple[float, float] | None = None,
    first: int = 0,
) -> Clip:
    """Render a clip in which `people` enter 0.4 s apart and then stay in view.

    Args:
        path: MP4 file.
        detector: finds the faces to cut out.
        photos: the sample photos' folder.
        size: width and height in pixels.
        people: 1 to 10.
        fps, seconds: rate and length.
        first: which of `PHOTOS` shows the first one.
        between_s: when the first one enters and when all leave; default: from the begin to the end.
    """
    width, height = size
    enter_s, leave_s = between_s or (0.0, seconds)
    figures = [
        _fitted(
            cut_out(read_image(next((photos / "val" / Path(name).parent).glob(f"*{Path(name).name}.jpg"))), detector),
            height,
        )
        for name in PHOTOS[first : first + people]
    ]
    generator = np.random.default_rng(people)
    hall = np.broadcast_to(np.linspace(190, 120, height)[:, None, None], (height, width, 3)).astype(np.uint8).copy()
    hall[:: max(8, height // 27)] = 140
    noises = [generator.integers(-5, 6, (height, width, 1), np.int16).astype(np.int8) for _ in range(4)]
    with VideoWriter(path, fps) as writer:
        for index in range(round(seconds * fps)):
            time = index / fps
            scene = hall.copy()
            present = [number for number in range(people) if enter_s + number * _ENTERS_EVERY_S <= time < leave_s]
            for number in sorted(present, key=lambda number: _depth(number, time)):
                _paste(scene, figures[number], number, people, time)
            noise = noises[index % len(noises)]
            writer.write(np.clip(scene.astype(np.int16) + noise, 0, 255).astype(np.uint8))
    names = dict.fromkeys(name.split("/")[0] for name in PHOTOS[first : first + people])
    enrolment = {name: enrolment_of(photos, name) for name in names if name in ENROLLED}
    return Clip(path, width, height, fps, people, enrolment, 60 if height >= 1080 else 40)


def _fitted(figure: Figure, height: int) -> Figure:
    """The figure at the size of its nearest place, so that frames are quick to draw."""
    scale = _FACE[1] * height / figure.face[2]
    if scale >= 1:
        return figure
    x, y, high = figure.face
    picture = cv2.resize(figure.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(figure.cover, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return replace(
        figure,
        picture=np.asarray(picture, np.float32),
        cover=np.asarray(cover, np.float32),
        face=(x * scale, y * scale, high * scale),
        landmarks=figure.landmarks * scale,
    )


def _depth(number: int, time: float) -> float:
    return 0.5 + 0.5 * math.sin(0.5 * time + 1.7 * number)


def _paste(scene: RGB, figure: Figure, number: int, people: int, time: float) -> None:
    height, width = scene.shape[:2]
    face = (_FACE[0] + (_FACE[1] - _FACE[0]) * _depth(number, time)) * height
    scale = face / figure.face[2]
    # everybody paces up and down in a lane of their own that overlaps the neighbours'
    middle = (number % 5 + 0.5 + 0.5 * (number // 5)) / min(people, 5.5)
    x = width * (middle + 0.12 * math.sin(0.9 * time + 2.1 * number) / math.sqrt(min(people, 5)))
    y = height * (0.34 + 0.24 * (number // 5) + 0.02 * math.sin(5 * time + number))
    matrix = np.array([[scale, 0, x - scale * figure.face[0]], [0, scale, y - scale * figure.face[1]]])
    high, wide = figure.cover.shape
    left, top = max(0, int(matrix[0, 2])), max(0, int(matrix[1, 2]))
    right, bottom = min(width, int(matrix[0, 2] + scale * wide) + 1), min(height, int(matrix[1, 2] + scale * high) + 1)
    if right <= left or bottom <= top:
        return
    matrix[:, 2] -= (left, top)
    shown = cv2.warpAffine(figure.picture, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(figure.cover, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)[..., None]
    part = scene[top:bottom, left:right]
    part[...] = (part * (1 - cover) + shown * cover).astype(np.uint8)
