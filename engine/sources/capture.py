"""The child process that reads a live camera: as fast as the camera delivers; the newest picture goes to whoever asks.

Protocol: the parent sends b"?", or b"r?" to rest meanwhile. The child answers with a `HEADER`, and the bytes of an RGB picture as a message
of its own. A height of 0 means that there is none: a `NoPicture` as JSON follows in the same message, and the child exits unless it says
that the camera may still begin.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
import threading
from multiprocessing.connection import Connection
from typing import NoReturn, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.sources.http import open_pictures
from engine.sources.stream import Stream
from engine.sources.trouble import NoPicture, Trouble, Unreadable, of_device, of_error

AWAKE, RESTING = b"?", b"r?"
_WAITING_S = 0.5
HEADER = struct.Struct("<IIf?I")
"""Height and width in pixels, how long ago the camera gave the picture in seconds, whether the next one is waiting (see `Stream`), and how
many pictures were left out since the last answer because nobody had asked for them."""


_Answer = tuple[bytes, NDArray[np.uint8] | None]
_PR_SET_PDEATHSIG = 1


def packed(why: NoPicture) -> bytes:
    """Why there is no picture, as it is sent."""
    return HEADER.pack(0, 0, 0.0, False, 0) + json.dumps([why.kind, why.extra]).encode()


def unpacked(answer: bytes) -> NoPicture:
    """The reverse of `packed`."""
    kind, extra = json.loads(answer[HEADER.size :])
    return NoPicture(Trouble(kind), extra)


class _Camera(Protocol):
    """A stream or a webcam; see `Stream`. No picture: the last one cannot be decoded."""

    resting: bool
    behind_s: float
    waiting: NoPicture | None

    @property
    def catching_up(self) -> bool: ...

    def grab(self) -> bool: ...

    def retrieve(self) -> NDArray[np.uint8] | None: ...


class _Webcam:
    """A camera of this computer, through OpenCV."""

    resting = catching_up = False
    behind_s = 0.0
    waiting: NoPicture | None = None

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._capture = cv2.VideoCapture(int(spec) if spec.isdecimal() else spec)
        if not self._capture.isOpened():
            self._fail()

    def grab(self) -> bool:
        return self._capture.grab() or self._fail()

    def retrieve(self) -> NDArray[np.uint8]:
        ok, picture = self._capture.retrieve()
        if not ok:
            self._fail()
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)

    def _fail(self) -> NoReturn:
        why = of_device(self._spec)
        raise Unreadable(why.kind, why.extra)


class _Newest:
    """Decodes all that a camera sends, so that nothing old waits, and converts only the pictures that are asked for.

    While a camera catches up, each of its pictures waits until it is taken.
    """

    def __init__(self, camera: _Camera, spec: str) -> None:
        self._camera, self._spec = camera, spec
        self._changed = threading.Condition()
        self._wanted = self._ended = self._asked = False
        self._left_out = 0
        self._answer: _Answer | None = None
        self._why = NoPicture(Trouble.ENDED)

    def read(self) -> None:
        """Read to the camera's end."""
        camera = self._camera
        while not self._ended:
            answer = None
            try:
                ok = camera.grab()
                if ok and (self._wanted or camera.catching_up):
                    answer = _answer(camera, self._left_out)
                elif ok and self._asked and not camera.resting:
                    self._left_out += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told and begins anew
                ok, self._why = False, of_error(error, self._spec)
            with self._changed:
                if camera.catching_up:
                    self._changed.wait_for(lambda: self._answer is None)
                self._ended = not ok
                if answer is not None:
                    self._answer, self._wanted, self._left_out = answer, False, 0
                self._changed.notify_all()

    def next(self) -> tuple[_Answer, bool]:
        """The next picture with its header, or why there is none; and whether anything more may come."""
        with self._changed:
            self._wanted = self._asked = True
            while not self._changed.wait_for(lambda: self._answer is not None or self._ended, _WAITING_S):
                if (why := self._camera.waiting) is not None:
                    return (packed(why), None), True
            answer, self._answer = self._answer, None
            self._changed.notify_all()
        return answer or (packed(self._why), None), answer is not None


def _answer(camera: _Camera, left_out: int) -> _Answer | None:
    picture = camera.retrieve()
    if picture is None:
        return None
    header = HEADER.pack(*picture.shape[:2], camera.behind_s, camera.catching_up, left_out)
    return header, np.ascontiguousarray(picture)


def capture(
    spec: str, connection: Connection, open_timeout_s: float, read_timeout_s: float, doze_s: float = 0.0
) -> None:
    """Body of the child process, see the module."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # the parent tells that a camera is lost
    with contextlib.suppress(AttributeError):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        camera = _opened(spec, (open_timeout_s, read_timeout_s), doze_s)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told and begins anew
        with contextlib.suppress(OSError, EOFError):
            connection.recv_bytes()
            connection.send_bytes(packed(of_error(error, spec)))
        return
    newest = _Newest(camera, spec)
    threading.Thread(target=newest.read, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the parent has exited
        more = True
        while more and (wish := connection.recv_bytes()):
            camera.resting = wish == RESTING
            (header, picture), more = newest.next()
            connection.send_bytes(header)
            if picture is not None:  # not joined to the header, which would copy six megabytes
                connection.send_bytes(picture.data.cast("B"))


def _end_with_parent() -> None:
    """Die with the process that started this one, even while a camera's driver hangs."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _opened(spec: str, timeouts_s: tuple[float, float], doze_s: float) -> _Camera:
    if spec.isdecimal() or spec.startswith("/dev/video"):
        return _Webcam(spec)
    if spec.lower().startswith(("http://", "https://")) and (pictures := open_pictures(spec, timeouts_s)) is not None:
        return pictures
    return Stream(spec, timeouts_s=timeouts_s, doze_s=doze_s)
