"""Decide where to look: search the whole frame now and then, and only where faces are expected in between.

A search of the whole frame costs several times as much as a look at the known places, and a person stays in view for many
frames. So the finder searches the whole frame every `scan_interval_s` while something moves outside the known faces, every
`idle_interval_s` while nothing does, and soon after an expected face is missing. Intervals are measured in frame times: the
same frames give the same result, however fast they are read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.detection.mtcnn import Detector
from engine.types import Detections, Frame

Floats = NDArray[np.float32]

_SAMPLES = 90  # points along the shorter side
_CHANGE = 24  # grey levels
_CHANGED_SAMPLES = 4
_SOON_S = 0.1


class Finder(Protocol):
    """Finds the faces in one camera's frames, see `FaceFinder`."""

    scans: int
    scanned: datetime | None

    def look(self, frame: Frame, expected: Floats, just_seen: NDArray[np.bool_]) -> Detections:
        """Find the faces in a frame."""


class FaceFinder:
    """Finds the faces in one camera's frames.

    Attributes:
        scans, looks: number of frames searched as a whole, and of those searched at known places only.
        scanned: time of the last frame searched as a whole. A face that this search missed is not looked for again at its old
            place, so that a doubtful face cannot survive on looks alone.
    """

    def __init__(self, detector: Detector, config: DetectionConfig, min_face_px: int | None = None) -> None:
        self.scans = 0
        self.looks = 0
        self.scanned: datetime | None = None
        self._detector, self._config, self._min_face_px = detector, config, min_face_px
        self._samples: NDArray[np.int16] | None = None
        self._size: tuple[int, ...] = ()
        self._missed = False

    def look(self, frame: Frame, expected: Floats, just_seen: NDArray[np.bool_] | None = None) -> Detections:
        """Find the faces in a frame.

        Args:
            frame: the picture and its time.
            expected: (n, 4) float32, where the faces known so far should be.
            just_seen: (n,) True for faces seen in the previous frame, the only ones worth searching for; default: all.
        """
        image, time = frame.image, frame.time
        since = abs((time - self.scanned).total_seconds()) if self.scanned is not None else None
        if since is None or since >= self._config.idle_interval_s - 1e-6 or image.shape != self._size:
            return self._scan(image, time)
        if since >= self._config.scan_interval_s - 1e-6 and self._moved(image, expected):
            return self._scan(image, time)
        self.looks += 1
        found = self._detector.detect_near(image, expected, just_seen)
        self._missed |= len(found) < (len(expected) if just_seen is None else int(just_seen.sum()))
        if self._missed and since >= min(_SOON_S, self._config.scan_interval_s):
            return self._scan(image, time)
        return found

    def _scan(self, image: NDArray[np.uint8], time: datetime) -> Detections:
        self.scans += 1
        self._missed = False
        self.scanned = time
        self._samples, self._size = self._sampled(image), image.shape
        return self._detector.detect(image, self._min_face_px)

    @staticmethod
    def _sampled(image: NDArray[np.uint8]) -> NDArray[np.int16]:
        step = _step(image)
        return image[::step, ::step, 1].astype(np.int16)

    def _moved(self, image: NDArray[np.uint8], expected: Floats) -> bool:
        """Return whether anything outside the expected faces differs from the last frame searched as a whole."""
        assert self._samples is not None
        changed = np.abs(self._sampled(image) - self._samples) > _CHANGE
        step = _step(image)
        for box in expected:
            left, top, right, bottom = np.clip(box / step + np.array([-1, -1, 2, 2]), 0, None).astype(int)
            changed[top:bottom, left:right] = False
        return int(changed.sum()) >= _CHANGED_SAMPLES


def _step(image: NDArray[np.uint8]) -> int:
    """Return the distance between samples in pixels."""
    height, width = image.shape[:2]
    return int(max(1, min(height, width) // _SAMPLES))
