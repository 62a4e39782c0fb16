"""Renders the demo's entrance: people cut out of sample photos walk through a drawn hall.

The cut-outs come from GrabCut (Rother et al. 2004) started from the face that the detector finds, so they follow the person's outline. A
barrier in front hides where the photos end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.demo.heads import Expression, warp_head
from engine.demo.script import FPS, Pass
from engine.detection import Detector
from engine.errors import MusterError
from engine.imaging import VideoWriter, read_image

WIDTH, HEIGHT = 1280, 720
BARRIER_Y = 560
FACE_PX = (104.0, 164.0)  # height of a face box, far and near
FACE_Y = 365

RGB = NDArray[np.uint8]
_Place = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class Figure:
    """A cut-out person.

    Attributes:
        picture: (h, w, 3) float32 RGB.
        cover: (h, w) float32 opacity.
        face: x, y of the face's middle and its height in pixels of the picture.
        landmarks: (5, 2) float32 of the face in pixels of the picture.
        photo: RGB uint8, as it was taken.
    """

    picture: NDArray[np.float32]
    cover: NDArray[np.float32]
    face: tuple[float, float, float]
    landmarks: NDArray[np.float32]
    photo: RGB


def cut_out(photo: RGB, detector: Detector) -> Figure:
    """Cut the person out of a photo, RGB uint8 (H, W, 3).

    Raises:
        MusterError: the photo shows no face.
    """
    found = detector.detect_photo(photo)
    if not len(found):
        raise MusterError("a sample photo shows no face", hint="`muster models fetch --force`")
    edge = 4  # some photos have a coloured frame
    whole = photo = photo[edge:-edge, edge:-edge]
    subject = int(found.areas.argmax())
    x1, y1, x2, y2 = (float(value) - edge for value in found.boxes[subject])
    wide, high = x2 - x1, y2 - y1
    cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
    photo = photo[: min(len(photo), int(y2 + 1.6 * high))]
    rows, columns = np.mgrid[: photo.shape[0], : photo.shape[1]]
    head = ((columns - cx) / wide) ** 2 + ((rows - cy + 0.15 * high) / high) ** 2 < 1
    shoulders = (rows > y2 - 0.1 * high) & (abs(columns - cx) < np.minimum(wide * 0.9 + (rows - y2), wide * 2.2))
    core = ((columns - cx) / (0.45 * wide)) ** 2 + ((rows - cy) / (0.55 * high)) ** 2 < 1
    neck = (rows > y2 - 0.2 * high) & (abs(columns - cx) < 0.3 * wide + np.clip(rows - y2 - 0.3 * high, 0, None) / 2)
    mask = np.full(photo.shape[:2], cv2.GC_BGD, np.uint8)
    mask[head | shoulders] = cv2.GC_PR_FGD
    mask[core | neck] = cv2.GC_FGD
    cv2.setRNGSeed(1)
    cv2.grabCut(photo, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    person = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    person = cv2.morphologyEx(person, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    person = cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, parts = cv2.connectedComponents(person)
    person = (parts == parts[min(len(parts) - 1, int(cy)), int(cx)]).astype(np.float32)
    # what the photo does not show is hidden by the barrier but for a little: repeat the last row
    missing = max(0, int(y2 + 1.8 * high) - len(photo))
    picture = np.pad(photo, ((0, missing), (0, 0), (0, 0)), mode="edge").astype(np.float32)
    cover = np.pad(person, ((0, missing), (0, 0)), mode="edge")
    return Figure(picture, cv2.GaussianBlur(cover, (5, 5), 1.2), (cx, cy, high), found.landmarks[subject] - edge, whole)


def _hall() -> NDArray[np.float32]:
    """The empty entrance with the barrier in front: (720, 1280, 3)."""
    wall = np.linspace(214, 186, HEIGHT)[:, None, None] * np.array([1.0, 0.985, 0.95])
    scene = Image.fromarray(np.broadcast_to(wall, (HEIGHT, WIDTH, 3)).astype(np.uint8).copy())
    pen = ImageDraw.Draw(scene)
    pen.rectangle((0, 540, WIDTH, HEIGHT), fill=(120, 116, 110))
    for x in range(-600, WIDTH + 600, 120):
        pen.line((WIDTH / 2 + (x - WIDTH / 2) * 0.6, 540, x, HEIGHT), fill=(108, 104, 98), width=2)
    for x in (140, 780):  # two glass doors in a frame
        pen.rectangle((x, 70, x + 360, 540), fill=(168, 190, 204), outline=(74, 78, 82), width=10)
        pen.line((x + 180, 70, x + 180, 540), fill=(74, 78, 82), width=8)
        pen.polygon(((x + 30, 530), (x + 140, 80), (x + 180, 80), (x + 70, 530)), fill=(182, 202, 214))
    pen.rounded_rectangle((545, 96, 735, 150), 8, fill=(0, 94, 148))
    pen.text((640, 123), "ENTRANCE", font=ImageFont.load_default(size=28), fill=(255, 255, 255), anchor="mm")
    soft = np.asarray(cv2.GaussianBlur(np.asarray(scene, np.float32), (0, 0), 1.6), np.float32)
    front = Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    pen = ImageDraw.Draw(front)
    pen.rectangle((0, BARRIER_Y, WIDTH, HEIGHT), fill=(62, 66, 72))
    pen.rectangle((0, BARRIER_Y, WIDTH, BARRIER_Y + 22), fill=(198, 200, 202))
    for x in range(0, WIDTH, 160):
        pen.line((x, BARRIER_Y + 22, x, HEIGHT), fill=(52, 56, 61), width=3)
    soft[BARRIER_Y:] = np.asarray(front, np.float32)[BARRIER_Y:]
    return soft


def _matrix(walk: Pass, figure: Figure, time: float) -> NDArray[np.float64] | None:
    """The figure's place at a time: (2, 3) from its picture to the scene; None if it is not there."""
    if not walk.start_s <= time <= walk.end_s:
        return None
    progress = (time - walk.start_s) / (walk.end_s - walk.start_s)
    across = 1 - progress if walk.leftwards else progress
    depth = walk.depth + 0.3 * math.sin(math.pi * progress) - 0.15  # comes nearer, then goes
    size = FACE_PX[0] + (FACE_PX[1] - FACE_PX[0]) * depth
    scale = size / figure.face[2]
    step = 2 * math.pi * (time - walk.start_s) * 1.7  # steps per second
    x = -180 + across * (WIDTH + 360)
    y = FACE_Y + 18 * depth + 5 * math.sin(step)
    turn = math.radians(2.5 * math.sin(step / 2))
    a, b = scale * math.cos(turn), scale * math.sin(turn)
    fx, fy, _ = figure.face
    return np.array([[a, -b, x - a * fx + b * fy], [b, a, y - b * fx - a * fy]])


class Entrance:
    """The hall, and the people of all walks that it may be asked for. The same passes give the same pictures."""

    def __init__(self, detector: Detector, photos: Path, passes: Iterable[Pass]) -> None:
        generator = np.random.default_rng(2026)
        self._hall = _hall()
        shown = dict.fromkeys((walk.person, walk.photo) for walk in passes)
        self._figures = {
            (person, photo): cut_out(read_image(photos / "val" / person / f"{photo}.jpg"), detector)
            for person, photo in shown
        }
        self._noises = [
            generator.normal(0, 3.0, (HEIGHT, WIDTH, 1)).repeat(3, 2).round().astype(np.int16) for _ in range(8)
        ]
        self._empty = [_noisy(self._hall, noise) for noise in self._noises]

    def frame(self, passes: Iterable[Pass], time: float, index: int) -> RGB:
        """The picture at a time in seconds, as in the passes, RGB uint8 (720, 1280, 3); `index` picks the sensor's noise."""
        noise = index % len(self._noises)
        picture = self._empty[noise].copy()
        scene, touched = self._hall.copy(), list[_Place]()
        for walk in sorted(passes, key=lambda walk: walk.depth):
            figure = self._figures[walk.person, walk.photo]
            matrix = _matrix(walk, figure, time)
            if matrix is not None and walk.printed:
                touched.append(_hold_up(scene, walk, figure, matrix, time))
            elif matrix is not None:
                touched.append(_paste(scene, walk, figure, matrix, time))
        for place in touched:
            picture[place] = _noisy(scene[place], self._noises[noise][place])
        return picture


def _noisy(scene: NDArray[np.float32], noise: NDArray[np.int16]) -> RGB:
    return np.asarray(np.clip(scene.astype(np.int16) + noise, 0, 255), np.uint8)


def _paste(scene: NDArray[np.float32], walk: Pass, figure: Figure, matrix: NDArray[np.float64], time: float) -> _Place:
    """Draw a figure into the scene, behind the barrier; where."""
    height, width = figure.cover.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    left, top = np.clip(corners.min(0).astype(int) - 12, 0, [WIDTH, BARRIER_Y])
    right, bottom = np.clip(corners.max(0).astype(int) + 12, 0, [WIDTH, BARRIER_Y])
    place = np.s_[top:bottom, left:right]
    if right <= left or bottom <= top:
        return place
    shifted = matrix - np.array([[0, 0, left], [0, 0, top]])
    size = (int(right - left), int(bottom - top))
    sway = 1 + 0.05 * math.sin(time * 2.1 + walk.start_s)  # light changes along the way
    picture = np.clip(_living(walk, figure, time) * np.float32(walk.light * sway), 0, 255)
    shown = cv2.warpAffine(picture, shifted, size, flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(figure.cover, shifted, size, flags=cv2.INTER_LINEAR)
    motion = 1 + 2 * round(4 * walk.blur * (1 + 0.5 * math.sin(time * 5)))
    if motion > 1:
        shown, cover = cv2.blur(shown, (motion, 1)), cv2.blur(cover, (motion, 1))
    opacity = cover[..., None]
    scene[place] = scene[place] * (1 - opacity) + shown * opacity
    return place


def _living(walk: Pass, figure: Figure, time: float) -> NDArray[np.float32]:
    """The figure's picture with its head turned as the walk says: from one side to the other and back, eyes and mouth moving."""
    if not walk.turn_deg:
        return figure.picture
    progress = (time - walk.start_s) / (walk.end_s - walk.start_s)
    yaw = walk.turn_deg * math.sin(2 * math.pi * progress)
    face = Expression(
        blink=max(0.0, math.sin(7.0 * progress * math.pi) - 0.8) * 5,
        mouth=0.4 * max(0.0, math.sin(11.0 * progress)),
        smile=0.5 * math.sin(5.0 * progress),
    )
    turned = warp_head(figure.picture.astype(np.uint8), figure.landmarks, yaw, 3 * math.sin(9 * progress), face)
    return turned.astype(np.float32)


def _hold_up(
    scene: NDArray[np.float32], walk: Pass, figure: Figure, matrix: NDArray[np.float64], time: float
) -> _Place:
    """Draw a print with a white edge, turned about its upright axis in perspective; where."""
    height, width = figure.photo.shape[:2]
    edge = max(4, width // 25)
    card = cv2.copyMakeBorder(figure.photo, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(245, 245, 242))
    fx, fy, face = figure.face
    corners = np.array([[-edge, -edge], [width + edge, -edge], [width + edge, height + edge], [-edge, height + edge]])
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    middle = matrix @ np.array([fx, fy, 1.0])
    turn = math.radians(walk.turn_deg * math.sin(2 * math.pi * (time - walk.start_s) / 3.5))
    away = 9.0 * face / 2  # as far as the camera is from the card, in its pixels
    flat = corners - [fx, fy]
    nearer = away / (away + flat[:, 0] * math.sin(turn))
    seen = middle + scale * np.column_stack([flat[:, 0] * math.cos(turn), flat[:, 1]]) * nearer[:, None]
    source = np.array([[0, 0], [width + 2 * edge, 0], [width + 2 * edge, height + 2 * edge], [0, height + 2 * edge]])
    warp = cv2.getPerspectiveTransform(source.astype(np.float32), seen.astype(np.float32))
    shown = cv2.warpPerspective(card.astype(np.float32) * walk.light, warp, (WIDTH, HEIGHT))
    cover = cv2.warpPerspective(np.ones(card.shape[:2], np.float32), warp, (WIDTH, HEIGHT))[..., None]
    scene[:] = scene * (1 - cover) + np.clip(shown, 0, 255) * cover
    return np.s_[:, :]


def render_video(
    path: Path,
    detector: Detector,
    photos: Path,
    scenes: Sequence[tuple[Sequence[Pass], int]],
    progress: Callable[[int, int], None],
    *,
    fps: float = FPS,
    begin_s: float = 0.0,
) -> None:
    """Write scenes one after the other: the walks of each, and its number of frames; the first frame is at `begin_s` of the walks."""
    entrance = Entrance(detector, photos, [walk for passes, _ in scenes for walk in passes])
    total, done = sum(frames for _, frames in scenes), 0
    with VideoWriter(path, fps) as writer:
        for passes, frames in scenes:
            for index in range(frames):
                writer.write(entrance.frame(passes, begin_s + index / fps, done))
                done += 1
                progress(done, total)
