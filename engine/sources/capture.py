"""The child process that reads a live camera: as fast as the camera delivers; the newest picture goes to whoever asks.

Protocol: the parent sends b"?", or b"r?" to rest meanwhile. The child answers with a `HEADER` and the bytes of an RGB picture, or with
b"" if the camera cannot be opened or has ended, and then exits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import threading
from multiprocessing.connection import Connection
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.sources.stream import Stream

AWAKE, RESTING = b"?", b"r?"
HEADER = struct.Struct("<IIf?")
"""Height and width in pixels, how long ago the camera gave the picture in seconds, and whether the next one is waiting; see `Stream`."""


class _Camera(Protocol):
    """A stream or a webcam; see `Stream`."""

    resting: bool
    behind_s: float

    @property
    def catching_up(self) -> bool: ...

    def grab(self) -> bool: ...

    def retrieve(self) -> NDArray[np.uint8]: ...


class _Webcam:
    """A camera of this computer, through OpenCV."""

    resting = catching_up = False
    behind_s = 0.0

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
    """Decodes all that a camera sends, so that nothing old waits, and converts only the pictures that are asked for.

    While a camera catches up, each of its pictures waits until it is taken.
    """

    def __init__(self, camera: _Camera) -> None:
        self._camera = camera
        self._changed = threading.Condition()
        self._wanted = self._ended = False
        self._answer: bytes | None = None

    def read(self) -> None:
        """Read to the camera's end."""
        camera = self._camera
        while not self._ended:
            answer = None
            try:
                ok = camera.grab()
                if ok and (self._wanted or camera.catching_up):
                    answer = _answer(camera)
            except OSError:
                ok = False
            with self._changed:
                if camera.catching_up:
                    self._changed.wait_for(lambda: self._answer is None)
                self._ended = not ok
                if answer is not None:
                    self._answer, self._wanted = answer, False
                self._changed.notify_all()

    def next(self) -> bytes:
        """The next picture with its header; empty: the camera has ended."""
        with self._changed:
            self._wanted = True
            self._changed.wait_for(lambda: self._answer is not None or self._ended)
            answer, self._answer = self._answer, None
            self._changed.notify_all()
        return answer or b""


def _answer(camera: _Camera) -> bytes:
    picture = camera.retrieve()
    return HEADER.pack(*picture.shape[:2], camera.behind_s, camera.catching_up) + picture.tobytes()


def capture(
    spec: str, connection: Connection, open_timeout_s: float, read_timeout_s: float, doze_s: float = 0.0
) -> None:
    """Body of the child process, see the module."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # the parent tells that a camera is lost
    with contextlib.suppress(AttributeError):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        camera = _opened(spec, (open_timeout_s, read_timeout_s), doze_s)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            connection.send_bytes(b"")
        return
    newest = _Newest(camera)
    threading.Thread(target=newest.read, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the parent has exited
        while wish := connection.recv_bytes():
            camera.resting = wish == RESTING
            answer = newest.next()
            connection.send_bytes(answer)
            if not answer:
                return


def _opened(spec: str, timeouts_s: tuple[float, float], doze_s: float) -> _Camera:
    if spec.isdecimal():
        return _Webcam(int(spec))
    if spec.startswith("/dev/video"):
        return _Webcam(spec)
    return Stream(spec, timeouts_s=timeouts_s, doze_s=doze_s)
