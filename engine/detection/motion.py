"""Where something moved since the picture was last searched: new faces come with movement."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Floats, Image

Rectangles = NDArray[np.int64]

_SAMPLES = 90  # points along the shorter side
_CHANGE = 24  # grey levels
_CHANGED_SAMPLES = 4
_REACH = 2  # samples around a changed one that may belong to the same thing
_MARGIN = 0.3  # of a moving thing's size: a still part of it may be the face
_NEARLY_ALL = 0.7
_SHOULDERS = 0.8  # of a face's width, on either side of it


@dataclass(frozen=True, eq=False)
class Movement:
    """What moved.

    Attributes:
        anywhere: something did, be it a known face.
        regions: where somebody new may have come into view: (n, 4) left, top, right, bottom in pixels, disjoint; None: nearly everywhere.
    """

    anywhere: bool
    regions: Rectangles | None


class MotionMap:
    """Compares sparse samples of a frame with those of the frames that were searched.

    A place is compared with the frame in which it was last searched, so slow movement adds up.
    """

    def __init__(self) -> None:
        self._searched: NDArray[np.int16] | None = None
        self._size: tuple[int, ...] = ()
        self._step = 1

    def fits(self, image: Image) -> bool:
        """A frame of this size was searched before."""
        return self._searched is not None and image.shape == self._size

    def searched(self, image: Image, regions: Rectangles | None) -> None:
        """A frame is being searched, everywhere or in these regions."""
        samples = self._sampled(image)
        if regions is None or self._searched is None:
            self._searched = samples
            return
        for left, top, right, bottom in (regions // self._step).tolist():
            part = np.s_[top : bottom + 1, left : right + 1]
            self._searched[part] = samples[part]

    def look(self, image: Image, known: Floats, min_face_px: int) -> Movement:
        """Compare a frame with those that were searched.

        Args:
            image: RGB uint8 (H, W, 3), see `fits`.
            known: (m, 4) faces in it. What they and the bodies below them do brings nobody new.
            min_face_px: smallest face that may be there.
        """
        assert self._searched is not None
        changed = (np.abs(self._sampled(image) - self._searched) > _CHANGE).astype(np.uint8)
        anywhere = int(changed.sum()) >= _CHANGED_SAMPLES
        for left, top, right, bottom in known / self._step:
            aside = _SHOULDERS * (right - left)
            face = np.clip([left - 1, top - 1, right + 2, bottom + 2], 0, None).astype(int)
            body = np.clip([left - aside, bottom, right + aside + 1], 0, None).astype(int)
            changed[face[1] : face[3], face[0] : face[2]] = 0
            changed[body[1] :, body[0] : body[2]] = 0
        if int(changed.sum()) < _CHANGED_SAMPLES:
            return Movement(anywhere, np.empty((0, 4), np.int64))
        near = cv2.dilate(changed, np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(near)
        corners = stats[1:, :2].astype(np.int64) * self._step
        sides = stats[1:, 2:4].astype(np.int64) * self._step
        margin = np.maximum((_MARGIN * sides).astype(np.int64), min_face_px)
        height, width = image.shape[:2]
        low = np.maximum(corners - margin, 0)
        high = np.minimum(corners + sides + margin, [width, height])
        found = _disjoint(np.hstack([low, high]))
        areas = (found[:, 2:] - found[:, :2]).prod(1)
        return Movement(anywhere, None if areas.sum() > _NEARLY_ALL * height * width else found)

    def _sampled(self, image: Image) -> NDArray[np.int16]:
        height, width = image.shape[:2]
        self._size, self._step = image.shape, int(max(1, min(height, width) // _SAMPLES))
        return image[:: self._step, :: self._step, 1].astype(np.int16)


def _disjoint(boxes: Rectangles) -> Rectangles:
    """Join rectangles that overlap until none do."""
    apart: list[list[int]] = []
    for box in boxes.tolist():
        joined = box
        while touching := [each for each in apart if _overlap(each, joined)]:
            apart = [each for each in apart if each not in touching]
            rows = np.array([joined, *touching])
            joined = [*rows[:, :2].min(0).tolist(), *rows[:, 2:].max(0).tolist()]
        apart.append(joined)
    return np.array(apart, np.int64).reshape(-1, 4)


def _overlap(box: list[int], other: list[int]) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
