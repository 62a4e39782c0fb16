"""Presentations to a camera, rendered from photos: people as they are (bona fide), and pictures of them held in their place (attacks).

People are photos whose heads turn, blink and speak (`engine.demo.heads`); attacks are the same photos on paper or on a screen. All go
through one camera: perspective at 60 cm, light that changes, sensor noise, JPEG. Everything follows from a seed.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.demo.heads import Expression, warp_head
from tests.bench.screens import DEVICES, Surface, mains
from tests.bench.stage import HEIGHT, WIDTH, Camera, Pose, Stage, Sway, coded, place

__all__ = ["ATTACKS", "BONA_FIDE", "FPS", "Subject", "outline", "render"]

RGB = NDArray[np.uint8]
Picture = NDArray[np.float32]

FPS = 12.5
BONA_FIDE = (
    "turns the head",
    "glances aside",
    "nods",
    "talks",
    "walks up",
    "stands still",
    "flickering lamp",
    "patterns around",
    "low bit rate",
    "out of focus",
)
ATTACKS = (
    "print, turned",
    "print, held still",
    "print, bent to 50 mm",
    "phone, shaken",
    "replay, phone",
    "replay, phone turned",
    "replay, tablet",
    "replay, monitor",
    "frozen stream",
    "looped stream",
)
"""A phone's or a tablet's replay is held in the hand, a monitor's stands; all show a recording of a head that turns."""

_BEND = 50 / 63  # radius of a bent print in eye distances
_SECONDS = {"stands still": 18.0, "print, held still": 18.0, "frozen stream": 16.0, "looped stream": 20.0}
_FROZEN_FROM_S, _LOOP_S = 3.0, 5.0
_LAMPS = 0.3  # of all rooms have a lamp that flickers


@dataclass(frozen=True, eq=False)
class Subject:
    """A photo of somebody.

    Attributes:
        person: who.
        photo: RGB uint8 (H, W, 3).
        landmarks: (5, 2) float32 in pixels of it.
        number: among the person's photos; with the kind it seeds the presentation.
    """

    person: str
    photo: RGB
    landmarks: NDArray[np.float32]
    number: int = 0


def render(subject: Subject, kind: str, seed: int, seconds: float | None = None) -> Iterator[RGB]:
    """The frames of a presentation at 12.5 a second, RGB uint8 (400, 480, 3), faces 90 to 200 px high.

    Args:
        subject: whose face.
        kind: one of `BONA_FIDE` or `ATTACKS`.
        seed: of all that is random.
        seconds: length; default 8 s, longer where the check takes longer.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in BONA_FIDE + ATTACKS:
        raise ValueError(f"{kind!r} is no presentation: {', '.join(BONA_FIDE + ATTACKS)}")
    generator = np.random.default_rng(seed)
    count = round((seconds or _SECONDS.get(kind, 8.0)) * FPS)
    camera = Camera(generator)
    if kind in BONA_FIDE:
        scene = _live(subject, kind, generator, count / FPS)
        frames = (camera.take(scene(index / FPS), index / FPS) for index in range(count))
        yield from _squeezed(list(frames)) if kind == "low bit rate" else frames
    elif kind.endswith("stream"):
        yield from _stream(subject, kind, generator, camera, count)
    else:
        scene = _held(subject, kind, generator, count / FPS)
        yield from (camera.take(scene(index / FPS), index / FPS) for index in range(count))


# --------------------------------------------------------------------------------------------- motion


@dataclass(frozen=True)
class _Manner:
    """How far people of a kind move: degrees, eye distances, shares of full expressions."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    shift: float
    talk: float
    smile: float


_MANNERS = {
    "turns the head": _Manner(2, 6, 4, 0.25, 0.3, 0.5),
    "glances aside": _Manner(3, 3, 2, 0.1, 0.1, 0.3),
    "nods": _Manner(4, 14, 4, 0.05, 0.2, 0.4),
    "talks": _Manner(5, 4, 4, 0.08, 1.0, 1.0),
    "walks up": _Manner(10, 4, 4, 0.5, 0.2, 0.4),
    "stands still": _Manner(1.5, 1, 0.8, 0.03, 0.0, 0.05),
}
_TURNING = {"turns the head", "flickering lamp", "patterns around", "low bit rate", "out of focus"}
"""Heads that turn all the time."""


class _Actor:
    """A live head: photo, turn and expression at any time."""

    def __init__(self, subject: Subject, kind: str, generator: np.random.Generator, seconds: float) -> None:
        self._subject, self._kind, self._seconds = subject, kind, seconds
        self._manner = _MANNERS.get(kind, _MANNERS["turns the head"])
        self._sways = [Sway(generator, period_s) for period_s in (4, 3.3, 4, 5, 4, 6, 0.5, 2.5)]
        self._swing = generator.uniform(18, 30)
        self._side = float(generator.choice([-1.0, 1.0]))
        self._phase = generator.uniform(0, 2 * math.pi)
        self._nose = generator.uniform(0.40, 0.55)
        self._blinks: list[float] = []
        while not self._blinks or self._blinks[-1] < seconds:  # fifteen a minute, at random
            self._blinks.append((self._blinks[-1] if self._blinks else 0.0) + max(0.6, generator.exponential(4.0)))

    def _yaw(self, time_s: float) -> float:
        drift = self._manner.yaw_deg * self._sways[0](time_s)
        if self._kind in _TURNING:
            return drift + self._swing * math.sin(2 * math.pi * time_s / (0.7 * self._seconds) + self._phase)
        if self._kind == "glances aside":
            far = min(1.0, abs(time_s - self._seconds / 2) / 1.4)
            return drift + self._side * 1.2 * self._swing * (1 + math.cos(math.pi * far)) / 2
        return drift

    def head(self, time_s: float) -> RGB:
        """The photo with its head turned, RGB uint8."""
        manner = self._manner
        closed = max(max(0.0, 1.6 * (1 - abs(time_s - blink) / 0.14)) for blink in self._blinks)
        speech = max(0.0, self._sways[6](time_s)) * manner.talk
        expression = Expression(min(1.0, closed), speech, manner.smile * self._sways[7](time_s))
        return warp_head(
            self._subject.photo,
            self._subject.landmarks,
            self._yaw(time_s),
            manner.pitch_deg * self._sways[1](time_s),
            expression,
            nose_depth=self._nose,
        )

    def pose(self, time_s: float) -> Pose:
        """Where the head is and how it leans."""
        _, _, roll, x, y, near, _, _ = (sway(time_s) for sway in self._sways)
        scale = 0.65 + 0.75 * time_s / self._seconds if self._kind == "walks up" else 1 + 0.05 * near
        shift = self._manner.shift
        return Pose(0, 0, self._manner.roll_deg * roll, shift * x, 0.4 * shift * y, scale)


# --------------------------------------------------------------------------------------------- scenes

_Scene = Callable[[float], Picture]


def _live(subject: Subject, kind: str, generator: np.random.Generator, seconds: float) -> _Scene:
    lamp = mains(generator) if kind == "flickering lamp" or generator.random() < _LAMPS else None
    stage = Stage(subject.landmarks, generator, lamp)
    actor = _Actor(subject, kind, generator, seconds)
    cover = outline(subject)
    if kind == "patterns around":
        stage.pattern(_checks((HEIGHT, WIDTH), generator))
        worn = _checks(subject.photo.shape[:2], generator)
        return lambda time_s: stage.show(_dressed(actor.head(time_s), subject, worn), cover, actor.pose(time_s), time_s)
    if kind == "out of focus":
        blur = float(generator.uniform(1.2, 2.2))
        return lambda time_s: np.asarray(
            cv2.GaussianBlur(stage.show(actor.head(time_s), cover, actor.pose(time_s), time_s), (0, 0), blur),
            np.float32,
        )
    return lambda time_s: stage.show(actor.head(time_s), cover, actor.pose(time_s), time_s)


def _checks(size: tuple[int, int], generator: np.random.Generator) -> RGB:
    """Fine stripes and checks, (h, w, 3)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    across, down = 2 * math.pi / generator.uniform(3, 12, 2)
    wave = np.sin(columns * across) + np.sin(rows * down) * float(generator.random() < 0.5)
    return np.asarray(np.repeat((128 + 80 * np.sign(wave))[..., None], 3, 2), np.uint8)


def _dressed(head: RGB, subject: Subject, worn: RGB) -> RGB:
    """The picture with patterned clothes below the chin."""
    middle, unit, _ = place(subject.landmarks)
    chin = min(head.shape[0], round(middle[1] + 1.7 * unit))
    dressed = head.copy()
    dressed[chin:] = head[chin:] // 2 + worn[chin:] // 2
    return dressed


def _held(subject: Subject, kind: str, generator: np.random.Generator, seconds: float) -> _Scene:
    """A picture in somebody's hand, or on a monitor that stands."""
    stage = Stage(subject.landmarks, generator, mains(generator) if generator.random() < _LAMPS else None)
    sways = [Sway(generator, period_s) for period_s in (4, 3.3, 5, 4, 6, 4)]
    swing, rhythm, phase = generator.uniform(25, 40), generator.uniform(4, 7), generator.uniform(0, 2 * math.pi)
    actor = _Actor(subject, "turns the head", generator, seconds)
    surface = Surface(next((device for device in DEVICES if device in kind), "paper"), generator)
    askew = generator.uniform(-12, 12)  # a monitor is rarely placed squarely

    def pose(time_s: float) -> Pose:
        pace = 2.5 if "shaken" in kind else 1.0
        yaw, pitch, x, y, near, roll = (sway(pace * time_s) for sway in sways)
        if "shaken" in kind:
            return Pose(22 * yaw, 14 * pitch, 8 * roll, 0.3 * x, 0.2 * y, 1 + 0.1 * near)
        if "monitor" in kind:
            return Pose(askew, 0.2 * askew, 0, 0.01 * askew, 0, 1)
        if "turned" not in kind and "bent" not in kind:
            return Pose(1.5 * yaw, 1.5 * pitch, roll, 0.06 * x, 0.05 * y, 1 + 0.02 * near)
        turn = swing * math.sin(2 * math.pi * time_s / rhythm + phase)
        return Pose(turn, 6 * pitch, 4 * roll, 0.2 * x, 0.1 * y, 1 + 0.05 * near)

    def scene(time_s: float) -> Picture:
        picture = actor.head(time_s) if kind.startswith("replay") else subject.photo
        if "bent" in kind:
            return stage.show_bent(picture, pose(time_s), _BEND, time_s, surface)
        return stage.show(picture, None, pose(time_s), time_s, surface)

    return scene


def _squeezed(frames: list[RGB]) -> Iterator[RGB]:
    """The frames after H.264 at a low bit rate."""
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as target:
        stream = target.add_stream("libx264", rate=Fraction(FPS), options={"crf": "34", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in frames:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        target.mux(stream.encode())
    content.seek(0)
    with av.open(content) as coded_film:
        yield from (np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in coded_film.decode(video=0))


def _stream(subject: Subject, kind: str, generator: np.random.Generator, camera: Camera, count: int) -> Iterator[RGB]:
    """A recording of a live person fed in, in the camera's place."""
    recorded = round((_FROZEN_FROM_S if kind == "frozen stream" else _LOOP_S) * FPS)
    scene = _live(subject, "turns the head", generator, recorded / FPS)
    frames = [camera.take(scene(index / FPS), index / FPS) for index in range(recorded)]
    for index in range(count):
        if kind == "frozen stream":
            yield frames[min(index, recorded - 1)]
        else:
            yield coded(frames[index % recorded], 95 - index // recorded)  # each round is coded anew


def outline(subject: Subject) -> Picture:
    """Opacity of head and shoulders in a photo, without what is behind them: (h, w)."""
    photo = subject.photo
    high, wide = photo.shape[:2]
    middle, unit, _ = place(subject.landmarks)
    rows, columns = np.mgrid[:high, :wide]
    far = np.hypot((columns - middle[0]) / (1.9 * unit), (rows - middle[1]) / (2.2 * unit))
    body = (np.abs(columns - middle[0]) < 2.2 * unit) & (rows > middle[1] + 2.0 * unit)
    marks = np.full((high, wide), cv2.GC_BGD, np.uint8)
    marks[(far < 1.05) | body] = cv2.GC_PR_FGD
    marks[np.hypot((columns - middle[0]) / unit, (rows - middle[1]) / (1.35 * unit)) < 1.0] = cv2.GC_FGD
    cv2.setRNGSeed(1)
    cv2.grabCut(
        np.ascontiguousarray(photo), marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK
    )
    person = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.float32)
    edge = np.minimum.reduce([columns, wide - 1 - columns, rows]) / (0.15 * unit)
    soft = cv2.GaussianBlur(cv2.dilate(person, np.ones((3, 3))), (0, 0), 0.04 * unit)
    return np.asarray(np.minimum(soft, np.clip(edge, 0, 1)), np.float32)
