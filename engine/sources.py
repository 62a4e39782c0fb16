"""Cameras, videos and folders of pictures as iterators of frames.

A child process reads a live camera (webcam number, RTSP or HTTP url): OpenCV's readers can hang for ever, and a process can be
killed. The child keeps only the newest picture and sends it on request, so no queue builds up. If no picture comes for
`stall_timeout_s`, the source kills the child, reports `camera_lost`, and restarts it with growing pauses until `camera_back`.

A video file has its own clock: a frame's time is the start time plus its position in the file, however fast it is read.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time as clock
import types
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import SourcesConfig
from engine.errors import InputError, SourceLost
from engine.imaging import list_images, read_image, turned
from engine.types import Frame, SourceEvent

__all__ = ["FolderSource", "LiveSource", "Source", "VideoSource", "is_live", "open_source", "probe_live"]

log = logging.getLogger(__name__)

_URL_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://", "rtmp://", "udp://", "tcp://")


class Source(Protocol):
    """Yields frames; a live source also reports when the camera is lost and back.

    Attributes:
        resting: set by the pipeline while nobody is in view and nothing moves: a few frames a second are enough then.
    """

    resting: bool

    def __iter__(self) -> Iterator[Frame | SourceEvent]: ...

    def close(self) -> None:
        """Release the camera or file and end the iteration."""


def is_live(spec: str) -> bool:
    """Return whether a source is live: a webcam number, a device such as /dev/video0, or a stream's url."""
    return spec.isdecimal() or spec.startswith(_URL_SCHEMES) or spec.startswith("/dev/video")


def open_source(
    spec: str,
    camera: str,
    config: SourcesConfig,
    *,
    rotate: int = 0,
    start: datetime | None = None,
    fast: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Source:
    """Open the source that a text describes.

    Args:
        spec: webcam number, url, video file, or folder of pictures.
        camera: its name in the workspace.
        config: time-outs.
        rotate: degrees clockwise by which each picture is turned: 0, 90, 180 or 270.
        start: time of the first frame of a file or folder; default `now()`.
        fast: read a video file as fast as it can be processed instead of in real time.
        now: the clock.

    Raises:
        InputError: there is no such file, or it is not a video.
    """
    if is_live(spec):
        return LiveSource(spec, camera, config, now=now, rotate=rotate)
    path = Path(spec)
    if path.is_dir():
        return FolderSource(path, camera, start=start or now(), rotate=rotate)
    if not path.exists():
        raise InputError(
            f"{spec}: no such file or folder",
            hint="use a webcam number, an rtsp:// or http:// url, a video or a folder",
        )
    return VideoSource(path, camera, start=start or now(), fast=fast, rotate=rotate)


_REST_S = 0.2
"""Between two frames of a source that rests."""


_ONE_THREAD_PX = 1920 * 1088
"""Up to this size one thread decodes a camera in real time, for a fifth less work than several do together."""


def _opened(spec: str, *params: int, real_time: bool = True) -> cv2.VideoCapture:
    """Open a video file or a stream.

    Args:
        params: further properties for OpenCV, each followed by its value.
        real_time: nobody waits for more than the camera's own rate.
    """
    if not real_time:
        return cv2.VideoCapture(spec, cv2.CAP_FFMPEG, params)
    capture = cv2.VideoCapture(spec, cv2.CAP_FFMPEG, (*params, cv2.CAP_PROP_N_THREADS, 1))
    if capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) <= _ONE_THREAD_PX:
        return capture
    capture.release()
    return cv2.VideoCapture(spec, cv2.CAP_FFMPEG, params)


class FolderSource:
    """The pictures in a folder in the order of their names, one second apart.

    Raises:
        InputError: the folder has no pictures.
    """

    resting = False

    def __init__(self, folder: Path, camera: str, *, start: datetime, interval_s: float = 1.0, rotate: int = 0) -> None:
        self._paths = list_images(folder)
        if not self._paths:
            raise InputError(f"{folder}: no pictures in this folder", hint="use a folder with pictures")
        self._camera, self._start, self._interval = camera, start.astimezone(UTC), interval_s
        self._rotate = rotate
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        readable = 0
        for index, path in enumerate(self._paths):
            if self._closed:
                return
            try:
                image = turned(read_image(path), self._rotate)
            except InputError as error:
                log.warning("skipped %s", error)
                continue
            readable += 1
            yield Frame(image, self._start + timedelta(seconds=index * self._interval), self._camera, index)

        if not readable and not self._closed:
            raise InputError(
                f"{self._paths[0].parent}: no readable picture", hint="use pictures such as JPEG, PNG or HEIC"
            )

    def close(self) -> None:
        self._closed = True


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's own messages off the terminal; Muster raises its own errors."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    logger = getattr(getattr(cv2, "utils", None), "logging", None)
    if logger is None:
        yield
        return
    level = logger.getLogLevel()
    logger.setLogLevel(logger.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logger.setLogLevel(level)


class VideoSource:
    """A video file.

    Args:
        path: the file.
        camera: its name.
        start: time of the first frame.
        fast: yield every frame without waiting for its time. In real time, frames whose time has passed are skipped.
        rotate: see `open_source`.

    Attributes:
        skipped, rested: frames in real time that were left out because their time had passed, and because nothing happened.

    Raises:
        InputError: the file cannot be read as a video.
    """

    resting = False

    def __init__(self, path: Path, camera: str, *, start: datetime, fast: bool = False, rotate: int = 0) -> None:
        if not path.is_file() or not os.access(path, os.R_OK):
            raise InputError(f"{path}: cannot be read", hint="check the path and the access rights")
        with _quiet_opencv():
            self._capture = _opened(str(path), real_time=not fast)
            ok = self._capture.isOpened() and self._capture.grab()
            if ok:
                ok, first = self._capture.retrieve()
        if not ok or first is None or first.ndim != 3:
            self._capture.release()
            raise InputError(f"{path}: not a video that can be read", hint="use an MP4, MKV, AVI or MOV file")
        self._first: NDArray[np.uint8] | None = np.asarray(first, np.uint8)
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0.5 <= fps <= 240 else 25.0
        self.frame_count = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        # UTC, because adding seconds to a local time is wrong when the clocks change
        self.path, self._camera, self._start, self._fast = path, camera, start.astimezone(UTC), fast
        self.skipped = self.rested = 0
        self._rotate = rotate
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        began = clock.monotonic()
        index = shown = 0
        picture: NDArray[np.uint8] | None
        picture, self._first = self._first, None
        while not self._closed:
            position = index / self.fps
            if picture is None:
                with _quiet_opencv():
                    if not self._capture.grab():
                        break
                    behind = not self._fast and clock.monotonic() - began > position + 1 / self.fps
                    if behind:  # a live viewer would have missed it, too
                        self.skipped += 1
                        index += 1
                        continue
                    if self.resting and not self._fast and index - shown < _REST_S * self.fps - 1e-6:
                        clock.sleep(max(0.0, began + position - clock.monotonic()))
                        self.rested += 1
                        index += 1
                        continue
                    ok, raw = self._capture.retrieve()
                if not ok:
                    break
                picture = np.asarray(raw, np.uint8)
            if not self._fast:
                clock.sleep(max(0.0, began + position - clock.monotonic()))
            image = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
            yield Frame(turned(image, self._rotate), self._start + timedelta(seconds=position), self._camera, index)
            picture, shown = None, index
            index += 1
        self._capture.release()
        if not self._closed and index < 0.98 * self.frame_count - 2:
            log.warning("%s ended early: only %d of %d frames could be read", self.path, index, self.frame_count)

    def close(self) -> None:
        self._closed = True


# --------------------------------------------------------------------------------------------- live


def _capture_child(spec: str, connection: Connection, open_timeout_s: float, read_timeout_s: float) -> None:
    """Run in the child process: read as fast as the camera delivers, send the newest picture on request.

    Protocol: the parent sends b"?". The child answers with width, height and the picture's bytes, or with b"" if the camera
    cannot be opened or has ended, and then exits.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _quiet_opencv():  # the parent reports camera_lost
        _send_pictures(spec, connection, open_timeout_s, read_timeout_s)


class _Newest:
    """Decodes all that a camera sends, so that nothing old waits, and converts only the pictures that are asked for."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        self._changed = threading.Condition()
        self._wanted = self._ended = False
        self._picture: NDArray[np.uint8] | None = None

    def grab(self) -> None:
        """Read to the camera's end."""
        while not self._ended:
            ok, picture = self._capture.grab(), None
            if ok and self._wanted:
                ok, picture = self._capture.retrieve()
            with self._changed:
                self._ended = not ok
                if ok and picture is not None:
                    self._picture, self._wanted = np.asarray(picture, np.uint8), False
                self._changed.notify()

    def next(self) -> NDArray[np.uint8] | None:
        """The next picture, BGR; None: the camera has ended."""
        with self._changed:
            self._wanted = True
            self._changed.wait_for(lambda: self._picture is not None or self._ended)
            picture, self._picture = self._picture, None
        return picture


def _send_pictures(spec: str, connection: Connection, open_timeout_s: float, read_timeout_s: float) -> None:
    device = int(spec) if spec.isdecimal() else spec
    if isinstance(device, int) or spec.startswith("/dev/video"):
        capture = cv2.VideoCapture(device)
    else:
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
        opening = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(open_timeout_s * 1000))
        capture = _opened(spec, *opening, cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(read_timeout_s * 1000))
    if not capture.isOpened():
        with contextlib.suppress(OSError):
            connection.send_bytes(b"")
        return
    camera = _Newest(capture)
    threading.Thread(target=camera.grab, daemon=True).start()
    try:
        while connection.recv_bytes():
            picture = camera.next()
            if picture is None:
                connection.send_bytes(b"")
                return
            height, width = picture.shape[:2]
            connection.send_bytes(width.to_bytes(4, "little") + height.to_bytes(4, "little") + picture.tobytes())
    except (EOFError, OSError):
        return  # the parent has exited


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
    """A webcam or network camera, reconnected for ever."""

    resting = False

    def __init__(
        self, spec: str, camera: str, config: SourcesConfig, *, now: Callable[[], datetime], rotate: int = 0
    ) -> None:
        self._spec, self._camera, self._config, self._now, self._rotate = spec, camera, config, now, rotate
        self._closed = threading.Event()
        # only one thread at a time may wait for the child's end; re-entrant, because a signal handler may close the source
        self._reaping = threading.RLock()
        self._child: BaseProcess | None = None
        self._connection: Connection | None = None

    def _start_child(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(
            target=_capture_child,
            args=(self._spec, theirs, self._config.open_timeout_s, self._config.stall_timeout_s),
            daemon=True,
            name=f"camera {self._camera}",
        )
        with self._reaping, _no_interrupts(), _plain_main():
            child.start()
            self._child = child
        theirs.close()
        self._connection = ours

    def _stop_child(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._end_child()

    def _end_child(self) -> None:
        with self._reaping:
            if self._child is not None:
                self._child.kill()
                self._child.join(5)

    def _next_picture(self, patience_s: float) -> NDArray[np.uint8] | None:
        """Return the newest picture, RGB; None if the camera delivers none in time."""
        assert self._connection is not None
        try:
            self._connection.send_bytes(b"?")
            deadline = clock.monotonic() + patience_s
            while not self._connection.poll(min(0.2, max(0.0, deadline - clock.monotonic()))):
                if self._closed.is_set() or clock.monotonic() >= deadline:
                    return None
            answer = self._connection.recv_bytes()
        except (EOFError, OSError):
            return None
        if len(answer) < 8:
            return None
        width, height = int.from_bytes(answer[:4], "little"), int.from_bytes(answer[4:8], "little")
        picture = np.frombuffer(answer, np.uint8, offset=8).reshape(height, width, 3)
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        index = 0
        lost = False
        pause, longest = self._config.backoff_s
        # the new process needs a moment to start, on top of the camera's own time
        start_up_s = self._config.open_timeout_s + 5.0
        try:
            while not self._closed.is_set():
                self._start_child()
                patience = start_up_s
                while (picture := self._next_picture(patience)) is not None and not self._closed.is_set():
                    patience = self._config.stall_timeout_s
                    pause = self._config.backoff_s[0]
                    time = self._now()
                    if lost:
                        lost = False
                        yield SourceEvent("camera_back", time, self._camera)
                    yield Frame(turned(picture, self._rotate), time, self._camera, index)
                    index += 1
                    if self.resting:
                        self._closed.wait(_REST_S)
                self._stop_child()
                if self._closed.is_set():
                    return
                if not lost:
                    lost = True
                    detail = "no picture yet" if index == 0 else "no picture any more"
                    yield SourceEvent("camera_lost", self._now(), self._camera, detail)
                self._closed.wait(pause)
                pause = min(pause * 2, longest)
        finally:
            self._stop_child()

    def close(self) -> None:
        """See `Source`. Another thread or a signal handler may call this during iteration."""
        self._closed.set()
        self._end_child()


def probe_live(spec: str, config: SourcesConfig) -> tuple[int, int]:
    """Take one picture from a live camera; return its width and height.

    Raises:
        SourceLost: the camera delivers no picture.
    """
    source = LiveSource(spec, "probe", config, now=lambda: datetime.now(UTC))
    try:
        for item in source:
            if isinstance(item, Frame):
                return item.image.shape[1], item.image.shape[0]
            break
    finally:
        source.close()
    raise SourceLost(
        f"camera {spec} delivers no picture", hint="check cable, address and password; run `muster doctor`"
    )
