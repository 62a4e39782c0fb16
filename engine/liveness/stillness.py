"""Measure how long a face has not changed in itself.

A live face blinks, speaks and sways; a picture held before the camera only moves as a whole. Each aligned crop is registered to
the first of the run by an affine map with gain and offset (Baker & Matthews 2004, inverse compositional). The residual is
examined in cells: for a picture it is noise of similar size everywhere, while a blink stands out in two cells. A blink lasts a
quarter of a second, so three crops a second are needed to catch it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Floats, Image

_SIDE = 80  # crops are halved
_TOP, _BOTTOM, _LEFT, _RIGHT = 20, 74, 14, 66  # brows to chin, without the outline
_MIDDLE = ((_LEFT + _RIGHT - 1) / 2, (_TOP + _BOTTOM - 1) / 2)
_UNIT = 25.0  # pixels; scales the linear terms so that all parameters are of similar size
_ROUNDS = 3
_CELLS = 8
_CHANGED = 4.5
"""A cell has changed if its residual exceeds this many times the median cell's."""
_NOISE_FLOOR = 0.02
"""Least noise assumed, as a share of the face's contrast, because coded video repeats itself more exactly."""
_MAX_WARP = 0.3
_MIN_EYES_PX = 30.0
_INTERVAL_S = 0.22
_MAX_GAP_S = 1.0
_MIN_RATE = 3.0


class Stillness:
    """A face's current run of crops that differ only by noise."""

    def __init__(self) -> None:
        self._template: _Template | None = None
        self._start_s = 0.0
        self._last_s = 0.0
        self._crops = 0

    @property
    def still_s(self) -> float:
        """Length of the run in seconds; 0 with fewer than three crops a second."""
        length = self._last_s - self._start_s
        return length if self._template is not None and self._crops >= _MIN_RATE * length else 0.0

    def observe(self, time_s: float, face: Image, eyes_px: float) -> None:
        """Process an aligned crop.

        Args:
            time_s: in seconds from any origin; a step back or a gap of a second begins a new run.
            face: (160, 160, 3) uint8 RGB.
            eyes_px: distance of the eyes in the frame; below 30 px the crop ends the run.
        """
        if eyes_px < _MIN_EYES_PX:
            self._template = None
            return
        elapsed = time_s - self._last_s
        if self._template is not None and 0 <= elapsed < _INTERVAL_S:
            return
        small = cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.GaussianBlur(small.astype(np.float32), (0, 0), 0.8), np.float32)
        if self._template is None or not 0 <= elapsed <= _MAX_GAP_S or self._template.differs(picture):
            self._template = _Template(picture)
            self._start_s, self._crops = time_s, 0
        self._crops += 1
        self._last_s = time_s


class _Template:
    """The first crop of a run, prepared for registering others to it."""

    def __init__(self, picture: Floats) -> None:
        down, right = (np.asarray(slope, np.float32) for slope in np.gradient(picture))
        place = np.s_[_TOP:_BOTTOM, _LEFT:_RIGHT]
        rows, columns = (axis.astype(np.float32) for axis in np.mgrid[_TOP:_BOTTOM, _LEFT:_RIGHT])
        x, y = ((columns - _MIDDLE[0]) / _UNIT).ravel(), ((rows - _MIDDLE[1]) / _UNIT).ravel()
        gx, gy = right[place].ravel(), down[place].ravel()
        values = picture[place].ravel()
        contrast = max(float(values.std()), 1.0)
        self._values = np.asarray((values - values.mean()) / contrast, np.float32)
        steepest = np.column_stack([gx, gx * x, gx * y, gy, gy * x, gy * y]).astype(np.float64) / contrast
        self._step = np.linalg.solve(steepest.T @ steepest + 1e-3 * np.eye(6), steepest.T).astype(np.float32)

    def differs(self, picture: Floats) -> bool:
        """Return whether part of the face has changed, or the face moved too far to compare."""
        turn, shift = np.eye(2), np.zeros(2)  # a point p relative to the middle appears at turn @ p + shift
        for _ in range(_ROUNDS):
            dx, xx, xy, dy, yx, yy = (self._step @ (self._seen(picture, turn, shift) - self._values)).tolist()
            xx, xy, yx, yy = 1 + xx / _UNIT, xy / _UNIT, yx / _UNIT, 1 + yy / _UNIT
            area = xx * yy - xy * yx
            if area < 0.25:
                return True
            turn = turn @ np.array([[yy, -xy], [-yx, xx]]) / area
            shift = shift - turn @ (dx, dy)
        if np.abs(turn - np.eye(2)).max() > _MAX_WARP:
            return True
        left = self._seen(picture, turn, shift) - self._values
        squares = (left * left).reshape(_BOTTOM - _TOP, _RIGHT - _LEFT)
        cells = np.sqrt(cv2.resize(squares, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)).ravel()
        noise = float(np.partition(cells, len(cells) // 2)[len(cells) // 2])
        return float(cells.max()) > _CHANGED * max(noise, _NOISE_FLOOR)

    def _seen(self, picture: Floats, turn: NDArray[np.float64], shift: NDArray[np.float64]) -> Floats:
        """Return the picture's values at the template's pixels, without gain and offset."""
        begin = turn @ (_LEFT - _MIDDLE[0], _TOP - _MIDDLE[1]) + shift + _MIDDLE
        matrix = np.column_stack([turn, begin])
        seen = cv2.warpAffine(
            picture,
            matrix,
            (_RIGHT - _LEFT, _BOTTOM - _TOP),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ).ravel()
        seen -= np.float32(cv2.mean(seen)[0])
        gain = float(seen @ self._values) / len(seen)
        return np.asarray(seen / np.float32(gain) if gain > 1e-3 else seen, np.float32)
