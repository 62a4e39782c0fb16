"""Guided capture: frames of a camera become one good picture each of a face from the front, turned left, turned right and looking up.

Frame by frame it says what is wrong and takes the picture itself once the face is good, in the pose and still. Nothing is embedded here,
and only the crops around the face that were taken are kept.

Poses are measured from the person's own straight look: the pitch that landmarks show differs between straight faces by 40° (a long nose
reads as looking down), and MTCNN's landmarks follow a turn by a half to all of it (0.8 on average). So 10° here
are 10 to 20° of a head. The gate's own limits apply to everything.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.face_reader import FaceReader, bystanders, subject
from engine.imaging import crop_around
from engine.types import FaceQuality

__all__ = ["STEPS", "CaptureLimits", "Guidance", "GuidedCapture", "Step", "Take"]

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Step = Literal["front", "left", "right", "up"]

STEPS: tuple[Step, ...] = ("front", "left", "right", "up")
"""What is asked for, in this order. Left and right are the person's own."""

_DARK, _BRIGHT = 0.12, 0.92  # mean luma of a picture in which light is why no face is found
_PICTURE_GROW = 0.8  # of the crop around the face, in box sides
_PICTURE_SIDE = 1280


@dataclass(frozen=True)
class CaptureLimits:
    """What a good picture for enrolment is, beyond the gate.

    Attributes:
        min_face, max_face: height of the face's box, as a share of the picture's shorter side.
        off_centre: how far the face may lie from the middle, as a share of that side.
        min_sharpness: see `engine.alignment`.
        front_yaw_deg: largest turn of a straight look. front_pitch_deg: what straight looks of different people read as.
        turn_deg, most_turn_deg: how far to the side from the straight look.
        up_deg, most_up_deg: how far up from it.
        aside_deg: how far a turn may go off its direction.
        slack_deg: a pose that was reached may be left by this much: landmarks tremble.
        still: how far the landmarks may wander while the picture is taken, in eye distances.
        frames, hold_s: how many good frames, over how long, before the best of them is taken.
        gap_s: a longer one between frames begins anew.
        interval_s: frames that come sooner are not looked at.
        pause_s: after a picture, before the next one begins.
    """

    min_face: float = 0.22
    max_face: float = 0.85
    off_centre: float = 0.22
    min_sharpness: float = 0.15
    front_yaw_deg: float = 14.0
    front_pitch_deg: tuple[float, float] = (-14.0, 32.0)
    turn_deg: float = 10.0
    most_turn_deg: float = 36.0
    up_deg: float = 8.0
    most_up_deg: float = 32.0
    aside_deg: float = 14.0
    slack_deg: float = 3.0
    still: float = 0.15
    frames: int = 3
    hold_s: float = 0.35
    gap_s: float = 1.0
    interval_s: float = 0.08
    pause_s: float = 0.9


@dataclass(frozen=True, eq=False)
class Take:
    """A picture that was taken.

    Attributes:
        step: what it shows.
        picture: RGB uint8, the face and what is close around it.
        quality: of the face.
    """

    step: Step
    picture: Image
    quality: FaceQuality


@dataclass(frozen=True, eq=False)
class Guidance:
    """What to tell the person now.

    Attributes:
        step: what is asked for; None: everything was taken.
        reason: why this frame is not good; empty: it is. Beside the gate's reasons: `no face`, `two faces`, `too close`, `off centre`,
            `not turned yet`, `other way`, `turned aside`, `hold still`.
        held: share of the good frames that this step takes, 0 to 1.
        progress: of the whole, 0 to 1.
        just_taken: the step whose picture was taken a moment ago.
        box, landmarks: (4,) and (5, 2) float32 of the face in pixels of the frame; None: there is none.
        takes: pictures so far, in the order of the steps.
    """

    step: Step | None
    reason: str = "no face"
    held: float = 0.0
    progress: float = 0.0
    just_taken: Step | None = None
    box: Floats | None = None
    landmarks: Floats | None = None
    takes: tuple[Take, ...] = ()


@dataclass(frozen=True, eq=False)
class _Good:
    """A frame that would do."""

    time_s: float
    landmarks: Floats
    quality: FaceQuality
    picture: Image


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a frame shows, and why it is not good (empty: it is)."""

    reason: str
    box: Floats | None = None
    landmarks: Floats | None = None
    quality: FaceQuality | None = None


class GuidedCapture:
    """Takes the pictures of one person. May be fed from one thread and asked from others.

    Args:
        reader: finds and measures faces.
        limits: of good pictures.
        steps: what to ask for.
    """

    def __init__(
        self, reader: FaceReader, limits: CaptureLimits = CaptureLimits(), steps: Sequence[Step] = STEPS
    ) -> None:
        self._reader, self._limits, self._steps = reader, limits, tuple(steps)
        self._lock = threading.Lock()
        self._takes: dict[Step, Take] = {}
        self._rest = (0.0, sum(limits.front_pitch_deg) / 2)
        self._good: list[_Good] = []
        self._last_s: float | None = None
        self._taken_s = -np.inf
        self._taken: Step | None = None
        self._guidance = Guidance(self._steps[0])

    @property
    def guidance(self) -> Guidance:
        """What was said of the last frame."""
        return self._guidance

    def retake(self, step: Step) -> Guidance:
        """Throw a picture away and ask for it again."""
        with self._lock:
            self._takes.pop(step, None)
            self._good = []
            self._taken = None
            return self._say(replace(self._guidance, reason="", box=None, landmarks=None))

    def feed(self, image: Image, time_s: float) -> Guidance:
        """Look at a frame.

        Args:
            image: RGB uint8 (H, W, 3), not mirrored.
            time_s: of the frame in seconds, on any clock that only goes forward.
        """
        with self._lock:
            step = self._step
            if step is None or (self._last_s is not None and 0 <= time_s - self._last_s < self._limits.interval_s):
                return self._guidance
            if self._last_s is not None and not 0 <= time_s - self._last_s <= self._limits.gap_s:
                self._good = []
            self._last_s = time_s
            seen = self._look(image, step)
            pausing = self._taken is not None and 0 <= time_s - self._taken_s < self._limits.pause_s
            if not pausing:
                self._taken = None
            reason = seen.reason
            if reason or pausing or seen.quality is None or seen.landmarks is None or seen.box is None:
                self._good = []
            else:
                picture = crop_around(image, seen.box, grow=_PICTURE_GROW, side=_PICTURE_SIDE)
                reason = self._hold(_Good(time_s, seen.landmarks, seen.quality, picture), step)
            return self._say(Guidance(step, reason, box=seen.box, landmarks=seen.landmarks))

    # ----------------------------------------------------------------------------------------- state

    @property
    def _step(self) -> Step | None:
        return next((step for step in self._steps if step not in self._takes), None)

    def _say(self, guidance: Guidance) -> Guidance:
        """Complete what is said with what is so far."""
        step, limits = self._step, self._limits
        span = self._good[-1].time_s - self._good[0].time_s if self._good else 0.0
        held = min(len(self._good) / limits.frames, span / limits.hold_s if limits.hold_s else 1.0) if step else 0.0
        self._guidance = replace(
            guidance,
            step=step,
            reason=guidance.reason if step else "",
            held=min(1.0, held),
            progress=(len(self._takes) + min(1.0, held)) / len(self._steps),
            just_taken=self._taken,
            takes=tuple(self._takes[each] for each in self._steps if each in self._takes),
        )
        return self._guidance

    def _hold(self, good: _Good, step: Step) -> str:
        """Take a good frame in; the best is taken when there are enough."""
        if self._good:
            first = self._good[0]
            apart = np.linalg.norm(good.landmarks - first.landmarks, axis=1).mean()
            if apart > self._limits.still * max(first.quality.size_px, 1.0):
                self._good = [good]
                return "hold still"
        self._good.append(good)
        span = good.time_s - self._good[0].time_s
        if len(self._good) >= self._limits.frames and span >= self._limits.hold_s - 1e-6:
            best = max(self._good, key=lambda each: each.quality.sharpness)
            self._takes[step] = Take(step, best.picture, best.quality)
            if step == "front":
                self._rest = (best.quality.yaw_deg, best.quality.pitch_deg)
            self._good, self._taken, self._taken_s = [], step, good.time_s
        return ""

    # ----------------------------------------------------------------------------------------- one frame

    def _look(self, image: Image, step: Step) -> _Seen:
        high, wide = image.shape[:2]
        side = min(high, wide)
        # faces somewhat below the limit are found, so that one can say "come closer"
        found = self._reader.detector.detect(image, max(20, round(0.5 * self._limits.min_face * side)))
        faces = self._reader.cut(image, found)
        chosen = subject(faces, (wide, high))
        if chosen is None:
            light = float(image[::16, ::16].mean()) / 255
            return _Seen("too dark" if light < _DARK else "too bright" if light > _BRIGHT else "no face")
        box, landmarks, quality = found.boxes[chosen], found.landmarks[chosen], faces.qualities[chosen]
        reason = "two faces" if bystanders(found, chosen) else self._place(box, wide, high) or quality.reason
        if not reason and quality.sharpness < self._limits.min_sharpness:
            reason = "blurred"
        return _Seen(reason or self._pose(quality, step), box, landmarks, quality)

    def _place(self, box: Floats, wide: int, high: int) -> str:
        """Why a face is not where it should be; empty: it is."""
        x1, y1, x2, y2 = (float(value) for value in box)
        side, limits = min(wide, high), self._limits
        if y2 - y1 < limits.min_face * side:
            return "too small"
        if y2 - y1 > limits.max_face * side:
            return "too close"
        away = max(abs((x1 + x2) - wide), abs((y1 + y2) - high)) / 2
        return "off centre" if away > limits.off_centre * side else ""

    def _pose(self, quality: FaceQuality, step: Step) -> str:
        """Why a good face is not in the pose that is asked for; empty: it is."""
        limits = self._limits
        slack = limits.slack_deg if self._good else 0.0
        if step == "front":
            low, high = limits.front_pitch_deg
            if abs(quality.yaw_deg) > limits.front_yaw_deg + slack:
                return "turned too far"
            return "" if low - slack <= quality.pitch_deg <= high + slack else "looking up or down too far"
        yaw, up = quality.yaw_deg - self._rest[0], self._rest[1] - quality.pitch_deg
        turned, aside = {"left": (yaw, up), "right": (-yaw, up), "up": (up, yaw)}[step]
        least, most = (limits.up_deg, limits.most_up_deg) if step == "up" else (limits.turn_deg, limits.most_turn_deg)
        if turned < least - slack:
            return "other way" if turned <= -least else "not turned yet"
        if turned > most + slack:
            return "turned too far"
        return "turned aside" if abs(aside) > limits.aside_deg + slack else ""
