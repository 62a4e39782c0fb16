"""Webcams and network cameras as sources.

A child process reads the camera, because readers can hang for ever and a process can be killed. If no picture comes for
`stall_timeout_s`, the source kills the child, reports `camera_lost`, and restarts it with growing pauses until `camera_back`.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import sys
import threading
import time as clock
import types
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import recv_handle

import numpy as np
from numpy.typing import NDArray

from engine.config import SourcesConfig
from engine.imaging import Film, turned
from engine.masking import mask_address
from engine.sources.address import written_out
from engine.sources.capture import AWAKE, FILM_ASKED, FILM_GIVEN, HEADER, RESTING, capture, unpacked
from engine.sources.shared_pictures import SharedPictures
from engine.sources.trouble import NoPicture, Trouble
from engine.sources.video import REST_S
from engine.types import Frame, SourceEvent

log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 60.0
"""A camera that sends no key frame for so long is connected anew."""
_AWAY_S = 60.0
"""A camera that is lost for so long is said once more to be lost: before, it may have come and gone."""
_FILM_S = 60.0
"""To make a film: one that must be encoded anew takes some seconds on a busy machine."""
_STEADY_S = 10.0
"""A connection that lasted longer is tried again at once; one that did not, after growing pauses."""


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Let processes started in here inherit that they ignore Ctrl-C, which a terminal sends to all its processes."""
    if threading.current_thread() is not threading.main_thread():
        if not hasattr(signal, "pthread_sigmask"):
            yield
            return
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_STARTING = threading.Lock()
_CONTEXT: BaseContext
if sys.platform == "linux":  # children of several cameras share what they have imported; elsewhere a fork is not safe
    _CONTEXT = multiprocessing.get_context("forkserver")
    _CONTEXT.set_forkserver_preload(["engine.sources.capture"])
else:
    _CONTEXT = multiprocessing.get_context("spawn")


@contextlib.contextmanager
def _plain_main() -> Iterator[None]:
    """Replace the main module while a process starts, which would otherwise load it again: a web application's may be a whole page."""
    with _STARTING:
        main, plain = sys.modules["__main__"], types.ModuleType("__main__")
        sys.modules["__main__"] = plain
        try:
            yield
        finally:
            if sys.modules["__main__"] is plain:
                sys.modules["__main__"] = main


class LiveSource:
    """A webcam or network camera, reconnected for ever.

    Args:
        spec: number, device or url.
        camera: its name.
        config: time-outs.
        now: the clock.
        rotate: degrees clockwise by which each picture is turned: 0, 90, 180 or 270.
        doze_s: see `Stream`. Whoever lets the camera doze wakes it, too, so it begins at rest: of many that begin at once, none keeps the
            others from their first search.

    Attributes:
        skipped: see `Source`.
        trouble: why there is no picture now; None while there is one, and before it is known.

    Raises:
        InputError: it is not certain where the password in the address ends.
    """

    resting = catching_up = False
    skipped = 0
    trouble: NoPicture | None = None

    def __init__(
        self,
        spec: str,
        camera: str,
        config: SourcesConfig,
        *,
        now: Callable[[], datetime],
        rotate: int = 0,
        doze_s: float = 0.0,
    ) -> None:
        self._spec, self._camera, self._config, self._now, self._rotate = written_out(spec), camera, config, now, rotate
        self._doze_s, self.resting = doze_s, doze_s > 0
        self._closed = threading.Event()
        # only one thread at a time may wait for the child's end; re-entrant, because a signal handler may close the source
        self._reaping = threading.RLock()
        self._child: BaseProcess | None = None
        self._connection: Connection | None = None
        self._films: Connection | None = None
        self._filming = threading.Lock()
        self._pictures: SharedPictures | None = None

    def start(self) -> None:
        """Begin to read before the first frame is asked for."""
        if self._connection is None:
            self._start_child()

    def _start_child(self) -> None:
        ours, theirs = _CONTEXT.Pipe()
        films, asked = _CONTEXT.Pipe()
        child = _CONTEXT.Process(  # type: ignore[attr-defined]
            target=capture,
            args=(self._spec, theirs, asked, self._config.open_timeout_s, self._config.stall_timeout_s, self._doze_s),
            daemon=True,
            name=f"camera {self._camera}",
        )
        with self._reaping, _no_interrupts(), _plain_main():
            child.start()
            self._child = child
        theirs.close()
        asked.close()
        self._connection = ours
        with self._filming:
            self._films = films

    def _stop_child(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._pictures = None
        self._end_child()
        with self._filming:  # whoever waits for a film has been told by now that none comes
            if self._films is not None:
                self._films.close()
            self._films = None

    def _end_child(self) -> None:
        with self._reaping:
            if self._child is not None:
                self._child.kill()
                self._child.join(5)

    def _next_picture(self, patience_s: float, begun: bool) -> tuple[NDArray[np.uint8], float] | NoPicture:
        """Return the newest picture, RGB, and its age in seconds, or why the camera delivers none.

        Args:
            begun: the camera has given pictures.
        """
        assert self._connection is not None
        silent = NoPicture(Trouble.STALLED if begun else Trouble.TIMEOUT)
        try:
            self._connection.send_bytes(RESTING if self.resting else AWAKE)
            deadline = clock.monotonic() + patience_s
            while not self._connection.poll(min(0.2, max(0.0, deadline - clock.monotonic()))):
                if self._closed.is_set() or clock.monotonic() >= deadline:
                    return silent
            answer = self._connection.recv_bytes()
            height, width, age_s, self.catching_up, left_out, slot, slot_bytes = HEADER.unpack_from(answer)
            if slot_bytes:
                self._pictures = SharedPictures(recv_handle(self._connection), slot_bytes)
        except (EOFError, OSError):  # the child has died
            return silent
        if not height:
            return unpacked(answer)
        self.skipped += left_out
        assert self._pictures is not None
        return self._pictures.taken(slot, height, width), age_s

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        index = 0
        lost_at: float | None = None
        told = False
        pause, longest = self._config.backoff_s
        try:
            while not self._closed.is_set():
                self.start()
                began = clock.monotonic()
                # the new process needs a moment to start, on top of the camera's own time
                patience = self._config.open_timeout_s + 5.0
                first = index
                while not self._closed.is_set():
                    taken = self._next_picture(patience, begun=index > first)
                    if isinstance(taken, NoPicture):
                        if self._closed.is_set():
                            return
                        self._because(taken)
                        away_s = clock.monotonic() - lost_at if lost_at is not None else 0.0
                        if lost_at is None or (away_s >= _AWAY_S and not told):
                            lost_at, told = lost_at or clock.monotonic(), away_s >= _AWAY_S
                            yield SourceEvent("camera_lost", self._now(), self._camera, str(taken))
                        if taken.kind is not Trouble.NO_KEY_FRAME or clock.monotonic() - began > _LONGEST_WAIT_S:
                            break
                        self._closed.wait(REST_S)
                        continue
                    picture, age_s = taken
                    patience = self._config.stall_timeout_s
                    time = self._now() - timedelta(seconds=age_s)
                    if lost_at is not None:
                        lost_at, told = None, False
                        yield SourceEvent("camera_back", time, self._camera)
                    self.trouble = None
                    yield Frame(turned(picture, self._rotate), time, self._camera, index)
                    index += 1
                    if self.resting and not self.catching_up:
                        self._closed.wait(REST_S)
                self._stop_child()
                if clock.monotonic() - began > _STEADY_S + self._config.open_timeout_s:
                    pause = self._config.backoff_s[0]
                self._closed.wait(pause)
                pause = min(pause * 2, longest)
        finally:
            self._stop_child()

    def film(self, since: datetime, until: datetime) -> Film | None:
        """See `Filming`."""
        with self._filming:
            if self._films is None:
                return None
            now = self._now()
            ages = [(now - each).total_seconds() for each in (since, until)]
            try:
                self._films.send_bytes(FILM_ASKED.pack(*ages))
                deadline = clock.monotonic() + _FILM_S
                while not self._films.poll(0.1):  # the process may be killed meanwhile
                    if self._closed.is_set() or clock.monotonic() > deadline:
                        return None
                answer = self._films.recv_bytes()
            except (EOFError, OSError):
                return None
        (age_s,) = FILM_GIVEN.unpack_from(answer)
        mp4 = answer[FILM_GIVEN.size :]
        return Film(mp4, now.timestamp() - age_s, self._rotate) if mp4 else None

    def _because(self, why: NoPicture) -> None:
        """Note why there is no picture, and log a reason that is new."""
        if why != self.trouble:
            log.warning("camera %s: %s → %s", self._camera, why.told, why.hint)
            self.trouble = why

    def close(self) -> None:
        """See `Source`. Another thread or a signal handler may call this during iteration."""
        self._closed.set()
        self._end_child()


def probe_live(spec: str, config: SourcesConfig) -> tuple[int, int]:
    """Take one picture from a live camera; return its width and height.

    Raises:
        SourceLost: the camera delivers no picture, and why.
        InputError: see `LiveSource`.
    """
    source = LiveSource(spec, "probe", config, now=lambda: datetime.now(UTC))
    try:
        for item in source:
            if isinstance(item, Frame):
                return item.image.shape[1], item.image.shape[0]
            break
    finally:
        source.close()
    raise (source.trouble or NoPicture(Trouble.TIMEOUT)).error(f"camera {mask_address(spec)}")
