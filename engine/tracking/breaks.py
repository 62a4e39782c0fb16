"""Where what a camera shows does not go on: cuts, stalls, jumps in time, jumps of the picture.

Geometry alone would carry a name over a cut: the next scene's face sits where the last one's was. So a break ends every track,
and whoever is in view afterwards is recognised anew, in some frames.
"""

from __future__ import annotations

from datetime import datetime

import cv2
import numpy as np

from engine.types import Floats, Image

_SIZE = (32, 18)
_SAMPLES = 90  # along the shorter side, before the thumbnail is averaged
_SAME_SCENE = 0.6
_CHANGED = 15.0
"""Two pictures in a row are of different scenes when their thumbnails correlate less and differ by more grey levels on average.
People who pass close to a camera leave 0.87 and change 9; a cut, or a camera that turns away in a moment, leaves less than 0.5
and changes 25 and more as a rule."""
_DOZE_S = 5.0
"""No camera rests with a longer time between two pictures: `sources.doze_s` is four seconds at most."""
_STALL_S = 0.9
_STALL_STEPS = 4.0


class BreakWatch:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._time: datetime | None = None
        self._step_s = 0.0
        self._thumbnail: Floats | None = None

    def look(self, time: datetime, image: Image, *, resting: bool = False) -> str:
        """Take a frame in; why it does not go on from the one before, or an empty text.

        Args:
            time: of the frame.
            image: RGB uint8 (H, W, 3).
            resting: the source was told to rest, so that it may show its key frames only.
        """
        before, self._thumbnail = self._thumbnail, _thumbnail(image)
        last, self._time = self._time, time
        if last is None or before is None:
            return ""
        step = (time - last).total_seconds()
        if resting and 0 <= step <= _DOZE_S:  # neither a stall nor what is usual when it is awake
            usual = step
        else:
            usual, self._step_s = self._step_s, 0.8 * self._step_s + 0.2 * min(abs(step), 2 * _STALL_S)
        if step < 0:
            return "the time steps back"
        if step > max(_STALL_S, _STALL_STEPS * usual):
            return f"no picture for {step:.1f} s"
        changed = float(np.abs(before - self._thumbnail).mean()) >= _CHANGED
        return "another scene" if changed and _correlation(before, self._thumbnail) < _SAME_SCENE else ""


def _thumbnail(image: Image) -> Floats:
    """(18, 32) coarse brightness of a picture, in grey levels."""
    step = max(1, min(image.shape[:2]) // _SAMPLES)
    return np.asarray(cv2.resize(image[::step, ::step, 1], _SIZE, interpolation=cv2.INTER_AREA), np.float32)


def _correlation(first: Floats, second: Floats) -> float:
    a, b = first - first.mean(), second - second.mean()
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-6))
