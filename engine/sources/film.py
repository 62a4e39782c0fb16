"""The last seconds of a camera, as it sent them, so that an incident has a film that begins before it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import av
import cv2
import numpy as np
from av import Packet, VideoStream
from numpy.typing import NDArray

from engine.imaging import Film, encoded, remuxed, rgb_of

log = logging.getLogger(__name__)

KEPT_S, KEPT_AT_REST_S = 14.0, 6.0
"""How far back a film may reach. A tailgating incident is told some seconds late, when everybody involved is decided; while a camera
rests, nothing that could be told has begun."""
_MOST_BYTES = 8_000_000
_STEP_S = 0.2
_AS_IT_IS = "h264"
"""Every browser plays it."""


@runtime_checkable
class Filming(Protocol):
    """A source that can show again what it has just shown."""

    def film(self, since: datetime, until: datetime) -> Film | None:
        """A film of the last seconds; `start_s` is a timestamp. None: nothing of that time is kept.

        It begins with the last key frame before `since`.
        """
        ...


class PacketRing:
    """The packets of the last seconds, from a key frame on. One thread adds, others may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: deque[list[tuple[float, Packet[Any]]]] = deque()
        self._bytes = 0

    def add(self, packet: Packet[Any], moment: float, *, keep_s: float = KEPT_S) -> None:
        """Keep a packet; `moment`: when it came, in seconds of any clock."""
        with self._lock:
            if packet.is_keyframe:
                self._groups.append([])
            elif not self._groups:
                return
            if self._groups[-1] and moment < self._groups[-1][-1][0]:  # the camera was set back
                self._groups.clear()
                self._bytes = 0
                return
            self._groups[-1].append((moment, packet))
            self._bytes += packet.size
            while len(self._groups) > 1 and (self._bytes > _MOST_BYTES or moment - self._groups[1][0][0] > keep_s):
                self._bytes -= sum(each.size for _, each in self._groups.popleft())

    def between(self, since: float, until: float) -> list[tuple[float, Packet[Any]]]:
        """Packets with their moments, from the last key frame before `since` on, or from the first one there is."""
        with self._lock:
            groups = list(self._groups)
            begin = max((i for i, group in enumerate(groups) if group and group[0][0] <= since), default=0)
            return [each for group in groups[begin:] for each in group if each[0] <= until]

    def film(self, since: float, until: float, stream: VideoStream) -> Film | None:
        """See `Filming`, on the clock of `add`."""
        kept = self.between(since, until)
        if not kept:
            return None
        packets = [packet for _, packet in kept]
        as_it_is = stream.codec_context.name == _AS_IT_IS
        try:
            mp4 = remuxed(packets, stream) if as_it_is else encoded(_decoded(packets, stream))
        except (av.error.FFmpegError, ValueError) as error:
            log.warning("no film could be made: %s", error)
            return None
        return Film(mp4, kept[0][0]) if mp4 else None


def _decoded(packets: list[Packet[Any]], stream: VideoStream) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Pictures of packets, with seconds since the first."""
    context = av.CodecContext.create(stream.codec_context.name, "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = stream.codec_context.extradata
    context.thread_count = 1
    converter = av.video.reformatter.VideoReformatter()
    first: float | None = None
    for packet in [*packets, None]:
        try:
            frames = context.decode(packet)
        except av.error.FFmpegError:
            continue
        for frame in frames:
            at = float((frame.pts or 0) * (stream.time_base or 0))
            first = at if first is None else first
            yield at - first, rgb_of(frame, converter)


class PictureRing:
    """Some pictures of the last seconds, of a camera that sends no film: five a second at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[tuple[float, bytes]] = deque()
        self._bytes = 0

    def due(self, moment: float) -> bool:
        """Whether it is time for the next one."""
        return not self._kept or moment - self._kept[-1][0] >= _STEP_S

    def add(self, picture: bytes, moment: float) -> None:
        """Keep the file of a picture if it is due."""
        with self._lock:
            if not self.due(moment):
                return
            self._kept.append((moment, picture))
            self._bytes += len(picture)
            while len(self._kept) > 1 and (self._bytes > _MOST_BYTES or moment - self._kept[0][0] > KEPT_S):
                self._bytes -= len(self._kept.popleft()[1])

    def film(self, since: float, until: float) -> Film | None:
        """See `Filming`, on the clock of `add`."""
        with self._lock:
            kept = [each for each in self._kept if since <= each[0] <= until]
        mp4 = encoded((moment - kept[0][0], picture) for moment, data in kept if (picture := _opened(data)) is not None)
        return Film(mp4, kept[0][0]) if mp4 else None


def _opened(data: bytes) -> NDArray[np.uint8] | None:
    with contextlib.suppress(cv2.error):
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None:
            return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
    return None
