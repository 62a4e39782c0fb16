"""Guided capture: take one good picture each of a face from the front, turned left, turned right and looking up.

The capture says frame by frame what is wrong, and takes the picture itself once the face is good, in the pose and still. It embeds
nothing, and keeps only the crops around the face.

Poses are measured relative to the person's own straight look: the pitch read from landmarks differs by 40° between straight faces (a
long nose reads as looking down), and MTCNN's landmarks follow half of a turn to all of it (0.8 on average), so 10° here are 10 to 20°
of a head. The quality gate's limits apply as well.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from engine.face_reader import FaceReader, bystanders, subject
from engine.imaging import crop_around
from engine.types import FaceQuality, Floats, Image

Step = Literal["front", "left", "right", "up"]

STEPS: tuple[Step, ...] = ("front", "left", "right", "up")
"""The poses in the order in which they are asked for. Left and right are the person's own."""

_DARK, _BRIGHT = 0.12, 0.92  # mean luma beyond which light is the likely reason that no face is found
_PICTURE_GROW = 0.8  # of the crop around the face, in box sides
_PICTURE_SIDE = 1280


@dataclass(frozen=True)
class CaptureLimits:
    """Limits of a good picture for enrolment, beyond the quality gate.

    Attributes:
        min_face, max_face: height of the face's box, as a share of the picture's shorter side.
        off_centre: largest distance of the face from the middle, as a share of that side.
        min_sharpness: see `engine.alignment`.
        front_yaw_deg: largest turn of a straight look.
        front_pitch_deg: range of pitch that straight looks of different people read as.
        turn_deg, most_turn_deg: smallest and largest turn to the side, from the straight look.
        up_deg, most_up_deg: smallest and largest turn upwards, from the straight look.
        aside_deg: largest deviation of a turn from its direction.
        slack_deg: tolerance for a pose once reached, since landmarks tremble.
        still: largest movement of the landmarks while a picture is taken, in eye distances.
        frames, hold_s: number of good frames, and their time span, before the best of them is taken.
        gap_s: a longer gap between frames restarts the step.
        interval_s: frames that follow sooner are skipped.
        pause_s: pause after a picture.
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
    """A picture taken by the capture: the pose, an RGB uint8 crop around the face, and the face's quality."""

    step: Step
    picture: Image
    quality: FaceQuality


@dataclass(frozen=True, eq=False)
class Guidance:
    """What to tell the person now.

    Attributes:
        step: the pose asked for; None: all pictures are taken.
        reason: why this frame is not good; empty if it is. Beside the gate's reasons: `no face`, `two faces`, `too close`,
            `off centre`, `not turned yet`, `other way`, `turned aside`, `hold still`.
        held: share of the step's good frames so far, 0 to 1.
        progress: of the whole capture, 0 to 1.
        just_taken: the step whose picture was taken a moment ago.
        box, landmarks: (4,) and (5, 2) float32 of the face in pixels of the frame; None without a face.
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
    """A frame good enough to be taken."""

    time_s: float
    landmarks: Floats
    quality: FaceQuality
    picture: Image


@dataclass(frozen=True, eq=False)
class _Seen:
    """The face in a frame, and why it is not good (empty if it is)."""

    reason: str
    box: Floats | None = None
    landmarks: Floats | None = None
    quality: FaceQuality | None = None


class GuidedCapture:
    """Takes the pictures of one person. One thread feeds frames; others may read `guidance`, which is from the last frame."""

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
        self.guidance = Guidance(self._steps[0])

    def retake(self, step: Step) -> Guidance:
        """Discard a picture and ask for it again."""
        with self._lock:
            self._takes.pop(step, None)
            self._good = []
            self._taken = None
            return self._say(replace(self.guidance, reason="", box=None, landmarks=None))

    def feed(self, image: Image, time_s: float) -> Guidance:
        """Process a frame.

        Args:
            image: RGB uint8 (H, W, 3), not mirrored.
            time_s: of the frame in seconds, on any clock that only goes forward.
        """
        with self._lock:
            step = self._step
            if step is None or (self._last_s is not None and 0 <= time_s - self._last_s < self._limits.interval_s):
                return self.guidance
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

    @property
    def _step(self) -> Step | None:
        return next((step for step in self._steps if step not in self._takes), None)

    def _say(self, guidance: Guidance) -> Guidance:
        """Complete the guidance with the progress so far."""
        step, limits = self._step, self._limits
        span = self._good[-1].time_s - self._good[0].time_s if self._good else 0.0
        held = min(len(self._good) / limits.frames, span / limits.hold_s if limits.hold_s else 1.0) if step else 0.0
        self.guidance = replace(
            guidance,
            step=step,
            reason=guidance.reason if step else "",
            held=min(1.0, held),
            progress=(len(self._takes) + min(1.0, held)) / len(self._steps),
            just_taken=self._taken,
            takes=tuple(self._takes[each] for each in self._steps if each in self._takes),
        )
        return self.guidance

    def _hold(self, good: _Good, step: Step) -> str:
        """Add a good frame; take the best once there are enough. Return a reason if the face moved."""
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

    def _look(self, image: Image, step: Step) -> _Seen:
        high, wide = image.shape[:2]
        side = min(high, wide)
        # detect faces down to half the limit, to be able to say "come closer"
        found = self._reader.detector.detect(image, max(20, round(0.5 * self._limits.min_face * side)))
        faces = self._reader.cut(image, found)
        chosen = subject(faces, (wide, high))
        if chosen is None:
            light = float(image[::16, ::16].mean()) / 255
            return _Seen("too dark" if light < _DARK else "too bright" if light > _BRIGHT else "no face")
        box, landmarks, quality = found.boxes[chosen], found.landmarks[chosen], faces.qualities[chosen]
        reason = "two faces" if bystanders(found, chosen) else self._place(box, wide, high) or quality.flaw
        if not reason and quality.sharpness < self._limits.min_sharpness:
            reason = "blurred"
        return _Seen(reason or self._pose(quality, step), box, landmarks, quality)

    def _place(self, box: Floats, wide: int, high: int) -> str:
        """Return why a face is not in place; empty if it is."""
        x1, y1, x2, y2 = (float(value) for value in box)
        side, limits = min(wide, high), self._limits
        if y2 - y1 < limits.min_face * side:
            return "too small"
        if y2 - y1 > limits.max_face * side:
            return "too close"
        away = max(abs((x1 + x2) - wide), abs((y1 + y2) - high)) / 2
        return "off centre" if away > limits.off_centre * side else ""

    def _pose(self, quality: FaceQuality, step: Step) -> str:
        """Return why a good face is not in the pose asked for; empty if it is."""
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
