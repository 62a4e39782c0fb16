"""The child process that reads a live camera: as fast as the camera delivers; whoever asks gets a picture that is new to them.

Protocol: the parent sends b"?", or b"r?" to rest meanwhile. The child answers with a `HEADER` that says where in the shared memory the RGB
picture lies, and with the memory's descriptor when it is another one than before. The parent has copied the picture when it asks again. A
height of 0 means that there is none: a `NoPicture` as JSON follows in the same message, and the child exits unless it says that the camera
may still begin.
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
import time as clock
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from typing import NoReturn, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.imaging import Film, encode_jpeg, shrunk
from engine.sources.film import PictureRing
from engine.sources.http import open_pictures
from engine.sources.shared_pictures import SLOTS, SharedPictures
from engine.sources.stream import Stream
from engine.sources.trouble import NoPicture, Trouble, Unreadable, of_device, of_error

AWAKE, RESTING = b"?", b"r?"
_WAITING_S = 0.5
HEADER = struct.Struct("<IIf?III")
"""Height and width in pixels, how long ago the camera gave the picture in seconds, whether the next one is waiting (see `Stream`), how many
pictures were left out since the last answer because nobody had taken those before, the slot, and the size of the slots if the memory's
descriptor follows, otherwise 0."""
FILM_ASKED, FILM_GIVEN = struct.Struct("<dd"), struct.Struct("<d")
"""How long ago a film begins and ends, in seconds; and when it begins indeed, before the MP4 file, which is empty if there is none."""
_FILMED_PX = 1280
_PR_SET_PDEATHSIG = 1
_NICE = 5
"""Readers of many cameras give way to whoever works on their pictures, who would otherwise never come to say that they may rest."""


def packed(why: NoPicture) -> bytes:
    """Why there is no picture, as it is sent."""
    return HEADER.pack(0, 0, 0.0, False, 0, 0, 0) + json.dumps([why.kind, why.extra]).encode()


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

    def film(self, since: float, until: float) -> Film | None: ...


class _Webcam:
    """A camera of this computer, through OpenCV."""

    resting = catching_up = False
    behind_s = 0.0
    waiting: NoPicture | None = None

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._ring = PictureRing()
        self._capture = cv2.VideoCapture(int(spec) if spec.isdecimal() else spec)
        if not self._capture.isOpened():
            self._fail()

    def grab(self) -> bool:
        return self._capture.grab() or self._fail()

    def retrieve(self) -> NDArray[np.uint8]:
        ok, picture = self._capture.retrieve()
        if not ok:
            self._fail()
        rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        if self._ring.due(now := clock.monotonic()):
            self._ring.add(encode_jpeg(shrunk(rgb, _FILMED_PX)[0], 80), now)
        return rgb

    def film(self, since: float, until: float) -> Film | None:
        """See `Stream.film`."""
        return self._ring.film(since, until)

    def _fail(self) -> NoReturn:
        why = of_device(self._spec)
        raise Unreadable(why.kind, why.extra)


@dataclass(frozen=True)
class _Laid:
    """A picture that waits to be taken."""

    memory: SharedPictures
    slot: int
    size: tuple[int, int]
    behind_s: float
    at: float
    catching_up: bool
    left_out: int

    def header(self, *, new_memory: bool) -> bytes:
        age_s = self.behind_s + clock.monotonic() - self.at
        slot_bytes = self.memory.slot_bytes if new_memory else 0
        return HEADER.pack(*self.size, age_s, self.catching_up, self.left_out, self.slot, slot_bytes)


class _Newest:
    """Decodes all that a camera sends, so that nothing old waits, and converts only the pictures that somebody takes.

    One picture waits to be taken, so that nobody misses one who is late by less than the camera's pace. While a camera rests none does, and
    while it catches up each does.
    """

    def __init__(self, camera: _Camera, spec: str) -> None:
        self._camera, self._spec = camera, spec
        self._changed = threading.Condition()
        self._wanted = self._ended = self._asked = False
        self._left_out = 0
        self._memory: SharedPictures | None = None
        self._taken = 0
        self._waiting: _Laid | None = None
        self._why = NoPicture(Trouble.ENDED)

    def read(self) -> None:
        """Read to the camera's end."""
        camera, ok = self._camera, True
        while ok:
            laid = None
            try:
                ok = camera.grab()
                if ok and camera.catching_up:
                    self._wait_for_room()
                awake = self._asked and not camera.resting
                if ok and self._waiting is None and (self._wanted or awake or camera.catching_up):
                    laid = self._laid()
                elif ok and awake:
                    self._left_out += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told and begins anew
                ok, self._why = False, of_error(error, self._spec)
            with self._changed:
                self._ended = not ok
                if laid is not None:
                    self._waiting, self._wanted, self._left_out = laid, False, 0
                self._changed.notify_all()

    def _wait_for_room(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is None)

    def _laid(self) -> _Laid | None:
        """The camera's picture, in the slot that nobody copies from."""
        at, picture = clock.monotonic(), self._camera.retrieve()
        if picture is None:
            return None
        if self._memory is None or picture.nbytes > self._memory.slot_bytes:
            self._memory = SharedPictures.made(picture.nbytes)
        if self._camera.resting and self._wanted:  # the parent has copied all: one slot is enough
            slot = 0
            self._memory.release(1)
        else:
            slot = (self._taken + 1) % SLOTS
        self._memory.lay_down(slot, picture)
        height, width = picture.shape[:2]
        return _Laid(
            self._memory, slot, (height, width), self._camera.behind_s, at, self._camera.catching_up, self._left_out
        )

    def next(self, *, resting: bool) -> tuple[_Laid | NoPicture, bool]:
        """The next picture, or why there is none; and whether anything more may come."""
        with self._changed:
            self._camera.resting = resting
            if resting and not (self._waiting and self._waiting.catching_up):  # what waits is as old as the pause
                self._left_out = self._waiting.left_out if self._waiting else 0
                self._waiting = None
            self._wanted = self._asked = True
            while not self._changed.wait_for(lambda: self._waiting is not None or self._ended, _WAITING_S):
                if (why := self._camera.waiting) is not None:
                    return why, True
            laid, self._waiting = self._waiting, None
            if laid is None:
                return self._why, False
            self._taken = laid.slot
            self._changed.notify_all()
        return laid, True


def capture(
    spec: str,
    connection: Connection,
    films: Connection,
    open_timeout_s: float,
    read_timeout_s: float,
    doze_s: float = 0.0,
) -> None:
    """Body of the child process, see the module; `films`: a line of its own for those who want the last seconds again."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    with contextlib.suppress(OSError):
        os.nice(_NICE)
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
    threading.Thread(target=_film_all, args=(camera, films), daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the parent has exited
        _answer_all(newest, connection)


def _answer_all(newest: _Newest, connection: Connection) -> None:
    """Answer what the parent asks until the camera ends."""
    memory: SharedPictures | None = None
    more = True
    while more and (wish := connection.recv_bytes()):
        found, more = newest.next(resting=wish == RESTING)
        if isinstance(found, NoPicture):
            connection.send_bytes(packed(found))
            continue
        connection.send_bytes(found.header(new_memory=found.memory is not memory))
        if found.memory is not memory:
            memory = found.memory
            send_handle(connection, memory.handle, os.getppid())


def _film_all(camera: _Camera, films: Connection) -> None:
    """Give every film that the parent asks for."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            since_s, until_s = FILM_ASKED.unpack(films.recv_bytes())
            now, film = clock.monotonic(), None
            with contextlib.suppress(Exception):  # whatever a camera's packets are, its pictures go on
                film = camera.film(now - since_s, now - until_s)
            films.send_bytes(FILM_GIVEN.pack(now - film.start_s) + film.mp4 if film else FILM_GIVEN.pack(0.0))


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
