"""Cameras, videos and folders of pictures as iterators of frames.

FFmpeg decodes files and network cameras (`stream`), Muster itself reads pictures over HTTP (`http`), and OpenCV reads webcams. A child
process reads a live camera and keeps only the newest picture, so no queue builds up. Times of a file are its container's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.config import SourcesConfig
from engine.errors import InputError
from engine.sources.film import Filming
from engine.sources.folder import FolderSource
from engine.sources.live import LiveSource, probe_live
from engine.sources.trouble import NoPicture, Trouble
from engine.sources.video import VideoSource
from engine.types import Frame, SourceEvent

__all__ = [
    "Filming",
    "FolderSource",
    "LiveSource",
    "NoPicture",
    "Source",
    "Trouble",
    "VideoSource",
    "is_live",
    "open_source",
    "probe_live",
]

_STREAM = re.compile(r"(rtsps?|https?|rtmps?|rtp|srt|udp|tcp|mms)://", re.IGNORECASE)


class Source(Protocol):
    """Yields frames; a live source also reports when the camera is lost and back.

    Attributes:
        resting: set by the pipeline while nobody is in view and nothing moves: a few frames a second are enough then.
        skipped: frames that were left out because nobody took them in time, while the source did not rest.
        catching_up: frames that were held back while the source rested are coming: none of them may be left out.
    """

    resting: bool

    @property
    def skipped(self) -> int: ...

    @property
    def catching_up(self) -> bool: ...

    def __iter__(self) -> Iterator[Frame | SourceEvent]: ...

    def close(self) -> None:
        """Release the camera or file and end the iteration."""


def is_live(spec: str) -> bool:
    """Return whether a source is live: a webcam number, a device such as /dev/video0, or a stream's url."""
    spec = spec.strip()
    return spec.isdecimal() or _STREAM.match(spec) is not None or spec.startswith("/dev/video")


def open_source(
    spec: str,
    camera: str,
    config: SourcesConfig,
    *,
    rotate: int = 0,
    start: datetime | None = None,
    zone: ZoneInfo | None = None,
    fast: bool = False,
    doze_s: float = 0.0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Source:
    """Open the source that a text describes.

    Args:
        spec: webcam number, url, video file, or folder of pictures.
        camera: its name in the workspace.
        config: time-outs.
        rotate: degrees clockwise by which each picture is turned: 0, 90, 180 or 270.
        start: time of the first frame of a file or folder; default `now()`, or what the pictures of a folder say.
        zone: the workplace's, for times of pictures without an offset; None: pictures are not asked for their times.
        fast: read a video file as fast as it can be processed instead of in real time.
        doze_s: a video or network camera that rests shows only its key frames if they are no further apart than this.
        now: the clock.

    Raises:
        InputError: there is no such file, or it is not a video; or it is not certain where the password in an address ends.
    """
    if is_live(spec):
        return LiveSource(spec.strip(), camera, config, now=now, rotate=rotate, doze_s=doze_s)
    path = Path(spec)
    if path.is_dir():
        return FolderSource(path, camera, start=start, zone=zone, now=now, rotate=rotate)
    if not path.exists():
        raise InputError(
            f"{spec}: no such file or folder",
            hint="use a webcam number, an rtsp:// or http:// url, a video or a folder",
        )
    return VideoSource(path, camera, start=start or now(), fast=fast, rotate=rotate, doze_s=doze_s)
