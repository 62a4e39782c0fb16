"""One picture for many viewers: encoded once, the newest wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LivePicture:
    """A picture on its way to viewers.

    Attributes:
        number: grows by one with each. jpeg: the picture; empty: there is none any more.
    """

    number: int
    jpeg: bytes


def shrunk(image: NDArray[np.uint8], longest_px: int) -> tuple[NDArray[np.uint8], float]:
    """A picture of any shape (H, W, 3), no longer than that, and the factor back to its original size."""
    factor = max(image.shape[:2]) / longest_px
    if factor <= 1:
        return image, 1.0
    size = (max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), factor


class Broadcast:
    """Holds the newest picture and encodes it only while there are viewers.

    Args:
        longest_px: larger pictures are made smaller to this length of their longer side.
        quality: of the JPEG.
        fps: most pictures a second; None: all.

    Attributes:
        newest: number 0 and no bytes before the first. viewers: how many there are.
    """

    def __init__(self, *, longest_px: int = 1280, quality: int = 80, fps: float | None = None) -> None:
        self._longest_px, self._quality = longest_px, quality
        self._pause_s = 1 / fps if fps else 0.0
        self._due = 0.0
        self._newer = threading.Condition()
        self.newest = LivePicture(0, b"")
        self.viewers = 0

    def enter(self, most: int | None = None) -> bool:
        """Add a viewer; False if the limit is reached."""
        with self._newer:
            if most is not None and self.viewers >= most:
                return False
            if self.viewers == 0:
                self.newest = LivePicture(self.newest.number, b"")  # since the last viewer
            self.viewers += 1
            return True

    def leave(self) -> None:
        """Remove a viewer."""
        with self._newer:
            self.viewers -= 1

    def show(self, draw: Callable[[], NDArray[np.uint8]]) -> None:
        """Draw and publish a picture, RGB uint8 (H, W, 3), unless there are no viewers or the previous one is too recent."""
        now = time.monotonic()
        if self.viewers == 0 or now < self._due:
            return
        # the rate holds on average: cameras are not exactly regular
        self._due = max(self._due, now - self._pause_s) + self._pause_s
        self.give(self.encode(draw()))

    def give(self, jpeg: bytes) -> None:
        """Publish a new picture that is already a JPEG."""
        with self._newer:
            self.newest = LivePicture(self.newest.number + 1, jpeg)
            self._newer.notify_all()

    def encode(self, image: NDArray[np.uint8]) -> bytes:
        """Encode a picture, RGB uint8 (H, W, 3), for the viewers."""
        image, _ = shrunk(image, self._longest_px)
        _, buffer = cv2.imencode(
            ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        )
        return buffer.tobytes()

    def clear(self) -> None:
        """Drop the picture, so that viewers never take an old one for a new one."""
        self.give(b"")

    def next(self, after: int, timeout_s: float) -> LivePicture | None:
        """The newest picture once it is newer than number `after`; None: none came in time."""
        with self._newer:
            self._newer.wait_for(lambda: self.newest.number > after, timeout_s)
            return self.newest if self.newest.number > after else None
