"""Between key frames nothing need be decoded while nothing moves: what is held back meanwhile, and when it must be decoded after all."""

from __future__ import annotations

import time as clock
from collections import deque
from typing import Any

import av
import cv2
import numpy as np
from av import Packet, VideoFrame
from numpy.typing import NDArray

_SIZE = (160, 90)
_CHANGE = 7
"""Grey levels. A cell of a 1080p picture is a mean over 144 pixels: sensor noise leaves less than one level, coding two or three."""
_CHANGED_CELLS = 3
_INTERVALS = 3
_SLACK = 1.1
_MOST_BYTES = 24_000_000
_MOST_BEHIND_S, _LONGEST_CHASE_S = 6.0, 15.0
"""A viewer who is further behind, or for longer, does not catch up and misses frames like any who is too slow."""


class Spacing:
    """How far apart a stream's key frames are.

    Args:
        limit_s: distance up to which a stream may doze.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._last_s: float | None = None
        self._intervals: deque[float] = deque(maxlen=_INTERVALS)

    def key_frame(self, time_s: float) -> None:
        """A key frame came; `time_s`: the container's time."""
        if self._last_s is not None:
            self._intervals.append(time_s - self._last_s)
        self._last_s = time_s

    @property
    def short(self) -> bool:
        """Whether key frames come regularly and soon enough to look at them alone."""
        if len(self._intervals) < _INTERVALS or min(self._intervals) <= 0:
            return False
        return max(self._intervals) <= _SLACK * self._limit_s

    def overdue(self, time_s: float) -> bool:
        """Whether a packet's time shows that the next key frame does not come as those before did."""
        return self._last_s is None or time_s - self._last_s > 2 * max(self._intervals, default=0.0)

    def forget(self) -> None:
        """The camera does not keep to what it did."""
        self._intervals.clear()


class Held:
    """Packets since the last key frame that was looked at alone, that one included."""

    def __init__(self) -> None:
        self._packets: list[Packet[Any]] = []
        self._bytes = 0
        self._before: NDArray[np.uint8] | None = None
        self._converter = av.video.reformatter.VideoReformatter()

    def __bool__(self) -> bool:
        return bool(self._packets)

    @property
    def passed_over(self) -> int:
        """Packets that nobody looked at."""
        return max(0, len(self._packets) - 1)

    @property
    def full(self) -> bool:
        """It must not hold more."""
        return self._bytes >= _MOST_BYTES

    def add(self, packet: Packet[Any]) -> None:
        """Hold a packet back."""
        self._packets.append(packet)
        self._bytes += packet.size

    def taken(self) -> list[Packet[Any]]:
        """The packets, held no more."""
        packets, self._packets, self._bytes = self._packets, [], 0
        return packets

    def still(self, picture: VideoFrame) -> bool:
        """Whether a key frame shows what the one before showed; the first one does."""
        small = self._converter.reformat(picture, *_SIZE, format="gray", interpolation="AREA")
        lines = np.frombuffer(memoryview(small.planes[0]), np.uint8).reshape(_SIZE[1], -1)
        now = lines[:, : _SIZE[0]].copy()
        before, self._before = self._before if self._packets else None, now
        return before is None or int((cv2.absdiff(now, before) >= _CHANGE).sum()) < _CHANGED_CELLS


class Chase:
    """How far behind the camera a stream is that decodes what was held back.

    Args:
        moment, position_s: when the stream was in time (`time.monotonic`), and which frame it had then, in seconds since the first.
    """

    def __init__(self, moment: float, position_s: float) -> None:
        self._lead_s = moment - position_s
        self._given_up = clock.monotonic() + _LONGEST_CHASE_S

    def behind_s(self, position_s: float) -> float:
        """How long ago a frame came; 0: it is in time, or the stream does not catch up."""
        now = clock.monotonic()
        behind_s = now - self._lead_s - position_s
        return behind_s if 0 < behind_s < _MOST_BEHIND_S and now < self._given_up else 0.0
