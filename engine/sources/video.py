"""A video file as a source: a frame's time is the start time plus its time in the file, however fast it is read."""

from __future__ import annotations

import logging
import os
import threading
import time as clock
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.imaging import Film, turned
from engine.sources.stream import Stream
from engine.sources.trouble import Trouble, Unreadable
from engine.types import Frame

log = logging.getLogger(__name__)

REST_S = 0.2
"""Between two frames of a source that rests."""


class VideoSource:
    """A video file.

    Args:
        path: the file.
        camera: its name.
        start: time of the first frame.
        fast: yield every frame without waiting for its time. In real time, frames whose time has passed are skipped.
        rotate: degrees clockwise by which each picture is turned: 0, 90, 180 or 270.
        doze_s: see `Stream`; in real time only.

    Attributes:
        skipped, rested: frames in real time that were left out because their time had passed, and because nothing happened.

    Raises:
        InputError: the file cannot be read as a video.
    """

    def __init__(
        self,
        path: Path,
        camera: str,
        *,
        start: datetime,
        fast: bool = False,
        rotate: int = 0,
        doze_s: float = 0.0,
    ) -> None:
        if not path.is_file() or not os.access(path, os.R_OK):
            raise InputError(f"{path}: cannot be read", hint="check the path and the access rights")
        self._stream, first = _opened(path, real_time=not fast, doze_s=doze_s, pace=self._until)
        self._first: NDArray[np.uint8] | None = first
        self.fps, self.frame_count = self._stream.fps, self._stream.frame_count
        # UTC, because adding seconds to a local time is wrong when the clocks change
        self.path, self._camera, self._start, self._fast = path, camera, start.astimezone(UTC), fast
        self.skipped = self.rested = 0
        self._rotate = rotate
        self._began: float | None = None
        self._closed, self._ended = threading.Event(), threading.Event()
        self._filming = threading.Lock()

    @property
    def resting(self) -> bool:
        """See `Source`; a recording that is read fast never rests."""
        return self._stream.resting

    @resting.setter
    def resting(self, resting: bool) -> None:
        self._stream.resting = resting and not self._fast

    @property
    def damaged(self) -> int:
        """Packets so far that could not be read or decoded."""
        return self._stream.damaged

    @property
    def catching_up(self) -> bool:
        """See `Source`."""
        return self._stream.catching_up

    def __iter__(self) -> Iterator[Frame]:
        self._began = began = clock.monotonic()
        index, position, shown_s = 0, 0.0, 0.0
        picture: NDArray[np.uint8] | None
        picture, self._first = self._first, None
        while not self._closed.is_set():
            if picture is None:
                if not self._stream.grab():
                    break
                self.rested += self._stream.passed_over
                index += self._stream.passed_over
                position = self._stream.position_s
                late = not self._fast and clock.monotonic() - began > position + 1 / self.fps
                owed = self._stream.catching_up
                if late and not owed and position - shown_s < REST_S - 1e-6:
                    self.skipped += 1  # a live viewer would have missed it, too; some are shown whatever the load
                    index += 1
                    continue
                if self.resting and not owed and position - shown_s < REST_S - 1e-6:
                    self._until(position)
                    self.rested += 1
                    index += 1
                    continue
                picture = self._stream.retrieve()
            position = self._stream.position_s
            if not self._fast:
                self._until(position)
            time = self._start + timedelta(seconds=position)
            yield Frame(turned(picture, self._rotate), time, self._camera, index)
            picture, shown_s = None, position
            index += 1
        self._ended.set()
        if self._closed.is_set():
            self._release()
        if self.damaged:
            log.warning("%s is damaged: %d of its packets could not be decoded", self.path, self.damaged)
        elif not self._closed.is_set() and (read := round(position * self.fps) + 1) < 0.98 * self.frame_count - 2:
            log.warning("%s ended early: only %d of %d frames could be read", self.path, read, self.frame_count)

    def _until(self, position_s: float) -> None:
        """Wait for the moment at which a camera would have taken this picture."""
        if self._began is not None and (left := self._began + position_s - clock.monotonic()) > 0:
            self._closed.wait(left)

    def film(self, since: datetime, until: datetime) -> Film | None:
        """See `Filming`; also after the last frame, until `close`."""
        with self._filming:
            if self._closed.is_set():
                return None
            film = self._stream.film((since - self._start).total_seconds(), (until - self._start).total_seconds())
        return film and replace(film, start_s=self._start.timestamp() + film.start_s, turned=self._rotate)

    def _release(self) -> None:
        with self._filming:
            self._stream.close()

    def close(self) -> None:
        """See `Source`."""
        self._closed.set()
        if self._ended.is_set():
            self._release()


def _opened(
    path: Path, *, real_time: bool, doze_s: float, pace: Callable[[float], None]
) -> tuple[Stream, NDArray[np.uint8]]:
    """A file's stream, and its first picture."""
    hint = "use an MP4, MKV, AVI or MOV file"
    try:
        stream = Stream(str(path), real_time=real_time, doze_s=doze_s, pace=pace)
    except Unreadable as error:
        known = error.why.kind in {Trouble.CODEC, Trouble.NO_VIDEO}
        what = error.why.told if known else "not a video that can be read"
        raise InputError(f"{path}: {what}", hint=hint) from error
    if stream.grab():
        return stream, stream.retrieve()
    stream.close()
    raise InputError(f"{path}: no picture of it can be decoded", hint=hint)
