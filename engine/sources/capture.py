"""The child process that reads a live camera: as fast as the camera delivers; the newest picture goes to whoever asks.

Protocol: the parent sends b"?", or b"r?" to rest meanwhile. The child answers with height, width and the bytes of an RGB picture, or
with b"" if the camera cannot be opened or has ended, and then exits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from multiprocessing.connection import Connection
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.sources.stream import Stream

AWAKE, RESTING = b"?", b"r?"


class _Camera(Protocol):
    """A stream or a webcam; see `Stream`."""

    resting: bool

    def grab(self) -> bool: ...

    def retrieve(self) -> NDArray[np.uint8]: ...


class _Webcam:
    """A camera of this computer, through OpenCV."""

    resting = False

    def __init__(self, device: int | str) -> None:
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise OSError(f"{device}: cannot be opened")

    def grab(self) -> bool:
        return self._capture.grab()

    def retrieve(self) -> NDArray[np.uint8]:
        ok, picture = self._capture.retrieve()
        if not ok:
            raise OSError("no picture")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


class _Newest:
    """Decodes all that a camera sends, so that nothing old waits, and converts only the pictures that are asked for."""

    def __init__(self, camera: _Camera) -> None:
        self._camera = camera
        self._changed = threading.Condition()
        self._wanted = self._ended = False
        self._picture: NDArray[np.uint8] | None = None

    def read(self) -> None:
        """Read to the camera's end."""
        while not self._ended:
            picture = None
            try:
                ok = self._camera.grab()
                if ok and self._wanted:
                    picture = self._camera.retrieve()
            except OSError:
                ok = False
            with self._changed:
                self._ended = not ok
                if picture is not None:
                    self._picture, self._wanted = picture, False
                self._changed.notify()

    def next(self) -> NDArray[np.uint8] | None:
        """The next picture; None: the camera has ended."""
        with self._changed:
            self._wanted = True
            self._changed.wait_for(lambda: self._picture is not None or self._ended)
            picture, self._picture = self._picture, None
        return picture


def capture(spec: str, connection: Connection, open_timeout_s: float, read_timeout_s: float) -> None:
    """Body of the child process, see the module."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # the parent tells that a camera is lost
    with contextlib.suppress(AttributeError):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        camera = _opened(spec, open_timeout_s, read_timeout_s)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            connection.send_bytes(b"")
        return
    newest = _Newest(camera)
    threading.Thread(target=newest.read, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the parent has exited
        while wish := connection.recv_bytes():
            camera.resting = wish == RESTING
            picture = newest.next()
            if picture is None:
                connection.send_bytes(b"")
                return
            height, width = picture.shape[:2]
            connection.send_bytes(height.to_bytes(4, "little") + width.to_bytes(4, "little") + picture.tobytes())


def _opened(spec: str, open_timeout_s: float, read_timeout_s: float) -> _Camera:
    if spec.isdecimal():
        return _Webcam(int(spec))
    if spec.startswith("/dev/video"):
        return _Webcam(spec)
    return Stream(spec, timeouts_s=(open_timeout_s, read_timeout_s))
