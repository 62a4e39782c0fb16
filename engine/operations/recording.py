"""Who records a camera, and what it shows: only one process records a camera, and others of the workspace look through it.

::

    log/.recording-NAME.lock    held by the process that records the camera, and free again when that ends, however it does
    log/recording-NAME.json     what it tells meanwhile, and where to ask for pictures; mode 0600

A viewer connects to the recorder on this machine, with the token from the file, and gets the state of the camera, its pictures and its
news. A picture is drawn and encoded once for all viewers who ask for the same, and only while there are some.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import secrets
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from engine.attendance import PunchRow
from engine.errors import MusterError
from engine.imaging import WORDS, Broadcast, Film, draw_tracks
from engine.masking import mask
from engine.operations.beats import fresh
from engine.pipeline import FrameResult
from engine.sources import Filming, Source
from engine.storage import atomic_write, claimed, file_name, parse_json, storage_errors
from engine.types import NOBODY, EventKind, Frame, Image, SourceEvent
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_BEAT_S = 2.0
_TIMEOUT_S = 6.0
_HEAD = struct.Struct(">II")
_LARGEST, _LONGEST_LINE = 4_000_000, 2000
_VIEWERS, _KEPT = 32, 64
CLEAN, NAMES, SMALL = "clean", "names", "small"
"""What every recorder shows: the picture alone; with boxes and names; and that small and twice a second, for many cameras at a glance."""
SMALL_PX = 640

State = Literal["starting", "playing", "lost", "failed"]
Draw = Callable[[FrameResult], Image]


def names_in(bench: Workbench, result: FrameResult) -> dict[str, str]:
    """The names of those who were recognised in a frame, by their ids."""
    people = bench.people.known()
    shown = [track.identity.person for track in result.tracks if track.identity.person]
    return {person: people.get(person, NOBODY).name for person in shown}


def overlay(
    bench: Workbench,
    result: FrameResult,
    words: Mapping[str, str] = WORDS,
    called: Callable[[str], str] = str,
    longest_px: int | None = None,
) -> Image:
    """The frame of a result with boxes drawn on it, and names as somebody is `called`; `longest_px`: see `draw_tracks`."""
    names = {person: called(name) for person, name in names_in(bench, result).items()}
    needed = bench.config.voting.min_agreeing
    return draw_tracks(
        result.frame.image,
        result.tracks,
        names,
        alarmed=result.alarmed,
        needed=needed,
        words=words,
        longest_px=longest_px,
    )


class FrameRate:
    """Frames per second over the last seconds. Thread-safe."""

    def __init__(self, span_s: float = 3.0) -> None:
        self._span_s, self._times = span_s, deque[float](maxlen=400)

    def count(self) -> None:
        """One more."""
        self._times.append(time.monotonic())

    def per_second(self) -> float:
        """The recent rate; 0 without frames."""
        now = time.monotonic()
        late = [moment for moment in tuple(self._times) if now - moment <= self._span_s]
        return (len(late) - 1) / (late[-1] - late[0]) if len(late) > 2 and late[-1] > late[0] else 0.0


@dataclass(frozen=True)
class Style:
    """What one kind of viewers sees.

    Attributes:
        draw: makes the picture, RGB uint8 (H, W, 3); called in the camera's thread.
        longest_px, fps: see `Broadcast`.
    """

    draw: Draw
    longest_px: int = 1280
    fps: float | None = 15.0


@dataclass(frozen=True)
class Recorded:
    """What a recorder tells of its camera.

    Attributes:
        state: `starting`, `playing`, `lost` (reconnecting) or `failed`; detail: why, for administrators. since: from when on.
        fps: frames a second. frames, dropped, losses: counted since its start.
        size: (width, height) of the newest frame.
        advice: see `Pipeline.advice`.
        pid: the process that records.
    """

    camera: str
    state: State = "starting"
    detail: str = ""
    since: str = ""
    fps: float = 0.0
    frames: int = 0
    dropped: int = 0
    losses: int = 0
    size: tuple[int, int] | None = None
    advice: int | None = None
    waiting: int = 0
    stuck: bool = False
    pid: int = 0


@dataclass(frozen=True)
class Shown:
    """One message to a viewer: the state of the camera, a picture (JPEG; empty: none that is newer) and news since the message before."""

    told: Recorded
    jpeg: bytes = b""
    news: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())


class Recorder:
    """The process that records a camera, towards the others; see `recording`. Thread-safe.

    Args:
        styles: what viewers may ask for beside `CLEAN` and `NAMES`.

    Attributes:
        claimed: called, in a thread of its own, with the id of somebody who identified themselves at a kiosk of this camera.
    """

    def __init__(self, bench: Workbench, camera: str, styles: Mapping[str, Style]) -> None:
        self._bench, self._camera, self._path = bench, camera, _path(bench.workspace, camera)
        self._styles = {
            CLEAN: Style(lambda result: result.frame.image),
            NAMES: Style(lambda result: overlay(bench, result)),
            SMALL: Style(lambda result: overlay(bench, result, longest_px=SMALL_PX), longest_px=SMALL_PX, fps=2.0),
            **styles,
        }
        self._pictures = {
            name: Broadcast(longest_px=style.longest_px, fps=style.fps) for name, style in self._styles.items()
        }
        self._rate = FrameRate()
        self._index = -1
        self._told = Recorded(camera, pid=os.getpid(), since=_now(bench))
        self._news: deque[tuple[int, str, Mapping[str, Any]]] = deque(maxlen=_KEPT)
        self._number = 0
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._token = secrets.token_hex(16)
        self.claimed: Callable[[str], None] = lambda _person: None
        self._places = threading.BoundedSemaphore(_VIEWERS)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(1.0)
        self._threads = [
            threading.Thread(target=work, name=f"{what} {camera}", daemon=True)
            for what, work in (("beat", self._beat), ("window", self._serve))
        ]

    def became(self, state: State, detail: str = "") -> None:
        """The camera's state changed."""
        with self._changed:
            # a camera that stays away is said to be lost once more
            lost = self._told.losses + (state == "lost" and self._told.state != "lost")
            self._told = replace(self._told, state=state, detail=mask(detail), since=_now(self._bench), losses=lost)
            self._changed.notify_all()
        if state != "playing":
            self._index = -1
            for picture in self._pictures.values():
                picture.clear()
        self._write()

    def saw(self, result: FrameResult, *, fresh: bool = True, **told: Any) -> None:
        """There is a result of a frame, perhaps a further one. Called in the camera's thread.

        Args:
            fresh: False: it is from before the camera was lost.
            told: other figures of `Recorded`.
        """
        new = fresh and result.frame.index != self._index
        for event in result.events:
            if event.kind is EventKind.SIGHTING and event.arrival:
                self.tell("seen", {"employee_id": event.employee_ids[0], "time": event.time.isoformat()})
        for row in result.rows:
            if isinstance(row, PunchRow) and row.camera == self._camera:
                self.tell("row", {"event_id": row.event_id, "event": row.event, "time": row.timestamp.isoformat()})
        height, width = result.frame.image.shape[:2]
        with self._changed:
            self._told = replace(self._told, frames=self._told.frames + new, size=(width, height), **told)
        if not fresh:
            return
        if new:
            self._index = result.frame.index
            self._rate.count()
        if self._told.state != "playing":
            self.became("playing")
        for name, picture in self._pictures.items():
            picture.show(lambda name=name: self._styles[name].draw(result))  # type: ignore[misc]

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Send news to all viewers."""
        with self._changed:
            self._number += 1
            self._news.append((self._number, kind, data))
            self._changed.notify_all()

    def told(self) -> Recorded:
        """What viewers are told now."""
        told = self._told
        return replace(told, fps=round(self._rate.per_second(), 1) if told.state == "playing" else 0.0)

    # ------------------------------------------------------------------------------------------------- the file

    def open(self) -> None:
        """Begin to tell."""
        self._write()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Tell no more."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        for picture in self._pictures.values():
            picture.clear()
        self._listening.close()
        for thread in self._threads:
            thread.join(3)
        with contextlib.suppress(MusterError), storage_errors(self._path):
            self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._closed.wait(_BEAT_S):
            self._write()

    def _write(self) -> None:
        if self._closed.is_set():
            return
        told = {**vars(self.told()), "port": self._listening.getsockname()[1], "token": self._token}
        try:
            atomic_write(self._path, json.dumps(told).encode(), mode=0o600, durable=False)
        except (MusterError, OSError) as error:  # it records nevertheless
            log.warning("others cannot see what records camera %s: %s", self._camera, error)

    # ---------------------------------------------------------------------------------------------- the viewers

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                line, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                line.close()
                continue
            threading.Thread(target=self._answer, args=(line,), name=f"viewer {self._camera}", daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with contextlib.closing(line), contextlib.suppress(OSError, ValueError, TypeError):
            try:
                line.settimeout(_TIMEOUT_S)
                with line.makefile("rb") as asked:
                    wish = parse_json(asked.readline(_LONGEST_LINE))
                if not hmac.compare_digest(str(wish["token"]).encode(), self._token.encode()):
                    return
                if (person := wish.get("claim")) is not None:
                    self.claimed(str(person))
                    return
                style = str(wish.get("style", NAMES))
                picture = self._pictures.get(style) or self._pictures[CLEAN]
                with _entered(picture):
                    self._send(line, picture)
            except KeyError:
                return
            finally:
                self._places.release()

    def _send(self, line: socket.socket, picture: Broadcast) -> None:
        seen, heard = picture.newest.number, self._number
        told: Recorded | None = None
        sent = 0.0
        while not self._closed.is_set():
            shot = picture.next(seen, 0.1)
            with self._changed:
                news = [(kind, data) for number, kind, data in self._news if number > heard]
                heard = self._number
            now = self.told()
            quiet = told is not None and (now.state, now.detail) == (told.state, told.detail)
            if shot is None and not news and quiet and time.monotonic() - sent < 1.0:
                continue
            seen = shot.number if shot else seen
            told, sent = now, time.monotonic()
            jpeg = shot.jpeg if shot else b""
            head = json.dumps({"told": vars(now), "news": news}).encode()
            line.sendall(_HEAD.pack(len(head), len(jpeg)) + head + jpeg)


class Reported:
    """A source that reports losses with the index of the last frame before each."""

    def __init__(self, source: Source, lost: Callable[[str, int], None]) -> None:
        self._source, self._lost = source, lost

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        index = -1
        for item in self._source:
            if isinstance(item, Frame):
                index = item.index
            elif item.kind == "camera_lost":
                self._lost(item.detail, index)
            yield item

    @property
    def resting(self) -> bool:
        return self._source.resting

    @resting.setter
    def resting(self, value: bool) -> None:
        self._source.resting = value

    @property
    def skipped(self) -> int:
        return self._source.skipped

    @property
    def catching_up(self) -> bool:
        return self._source.catching_up

    def film(self, since: datetime, until: datetime) -> Film | None:
        return self._source.film(since, until) if isinstance(self._source, Filming) else None

    def close(self) -> None:
        self._source.close()


@contextlib.contextmanager
def _entered(picture: Broadcast) -> Iterator[None]:
    picture.enter()
    try:
        yield
    finally:
        picture.leave()


@contextlib.contextmanager
def recording(bench: Workbench, camera: str, styles: Mapping[str, Style] | None = None) -> Iterator[Recorder | None]:
    """Claim a live camera, because two recorders would report everything twice; yield None if it is recorded already.

    Raises:
        StorageError: the workspace cannot be written.
    """
    with claimed(bench.workspace / "log" / f"recording-{file_name(camera)}") as first:
        if not first:
            yield None
            return
        bench.store.keep_known()
        recorder = Recorder(bench, camera, styles or {})
        recorder.open()
        try:
            yield recorder
        finally:
            recorder.close()


def recorded(workspace: Path, camera: str) -> Recorded | None:
    """What the process that records a camera tells of it; None: none does, on this machine or on another one that shares the folder."""
    found = _read(workspace, camera)
    return None if found is None else _told(found)


def recorded_by(workspace: Path, camera: str) -> str:
    """The other process that records a camera, as messages name it."""
    other = recorded(workspace, camera)
    return f"process {other.pid}" if other else "another process"


def viewing(workspace: Path, camera: str, style: str = NAMES) -> Generator[Shown] | None:
    """What the process that records a camera shows, until it ends; None: nobody records it, or not on this machine."""
    line = _asked(workspace, camera, {"style": style})
    return None if line is None else _messages(line)


def claim(workspace: Path, camera: str, person: str) -> bool:
    """Tell the process that records a camera who has just identified themselves before it; False: nobody records it."""
    line = _asked(workspace, camera, {"claim": person})
    if line is not None:
        line.close()
    return line is not None


def _asked(workspace: Path, camera: str, wish: Mapping[str, str]) -> socket.socket | None:
    """A connection to the process that records a camera, with a wish sent; None: there is none on this machine."""
    found = _read(workspace, camera)
    if found is None:
        return None
    try:
        line = socket.create_connection(("127.0.0.1", int(found["port"])), timeout=_TIMEOUT_S)
        try:
            line.sendall(json.dumps({"token": found["token"], **wish}).encode() + b"\n")
        except BaseException:
            line.close()
            raise
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return line


def newest_picture(workspace: Path, camera: str, patience_s: float = 2.0) -> bytes | None:
    """The next picture of a camera that another process records, without anything drawn on it, as JPEG; None: none came."""
    shown, until = viewing(workspace, camera, CLEAN), time.monotonic() + patience_s
    if shown is None:
        return None
    with contextlib.closing(shown):
        for each in shown:
            if each.jpeg or time.monotonic() > until:
                return each.jpeg or None
    return None


def _messages(line: socket.socket) -> Generator[Shown]:
    with (
        contextlib.closing(line),
        contextlib.suppress(OSError, ValueError, TypeError, KeyError),
        line.makefile("rb") as answer,
    ):
        while len(head := answer.read(_HEAD.size)) == _HEAD.size:
            length, size = _HEAD.unpack(head)
            if max(length, size) > _LARGEST:
                return
            message, jpeg = parse_json(answer.read(length)), answer.read(size)
            if len(jpeg) < size:
                return
            news = tuple((str(kind), data) for kind, data in message["news"])
            yield Shown(_told(message["told"]), jpeg, news)


def _told(found: Mapping[str, Any]) -> Recorded:
    values = {name: found[name] for name in Recorded.__dataclass_fields__ if name in found}
    size = values.get("size")
    return Recorded(**{**values, "size": (int(size[0]), int(size[1])) if size else None})


def _path(workspace: Path, camera: str) -> Path:
    return workspace / "log" / f"recording-{file_name(camera)}.json"


def _read(workspace: Path, camera: str) -> dict[str, Any] | None:
    """The recorder's file, while there is a recorder."""
    found = fresh(_path(workspace, camera))
    return found if found is not None and found.get("camera") == camera else None


def _now(bench: Workbench) -> str:
    return bench.clock().astimezone(bench.config.zone).isoformat(timespec="milliseconds")
