"""Cameras that this process reads itself (RTSP, webcam, file): one reader and one recognition for all viewers."""

from __future__ import annotations

import contextlib
import gc
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from app.live.broadcast import Broadcast
from app.live.relay import pictures
from app.live.session import FrameRate, overlay
from engine.errors import ConfigError, MusterError
from engine.operations.upkeep import recording
from engine.pipeline import FrameResult, Pipeline
from engine.sources import LiveSource, NoPicture, Source, is_live, open_source
from engine.types import Frame, SourceEvent
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_LINGER_S = 8.0
_SETTLES_S = 15.0
_CLAIM_S = 5.0
_PAUSE_S = (1.0, 15.0)


class CameraWatcher:
    """Receives what a camera shows, in that camera's thread. The base class does nothing."""

    def saw(self, result: FrameResult, pipeline: Pipeline) -> None:
        """A frame was recognised."""

    def became(self, state: str, detail: str) -> None:
        """The camera's state changed."""


class Camera:
    """One camera, running while it has viewers or is kept running.

    A video file plays in a loop, to try things out. It raises incidents in its first round only.

    Args:
        bench: the workbench.
        name: of the camera in the settings.
        source: as `open_source` takes it; a file's path from the workspace on.
        picture: distributes its pictures to viewers.
        watcher: receives every result and change of state.
        draw: draws a result for viewers.
        elsewhere: the pictures of another process that records the camera, with names on them; None: there is none.

    Attributes:
        state: `off`, `starting`, `playing`, `lost` (reconnecting), `ended` or `failed`. detail: why. since: from when on.
        recording: False if another process records this camera and this one only shows it.
        pipeline: the running one, or None.
        frames, dropped, losses: counted since the start.
        size: (width, height) of the newest frame.
    """

    def __init__(
        self,
        bench: Workbench,
        name: str,
        source: str,
        *,
        picture: Broadcast | None = None,
        watcher: CameraWatcher | None = None,
        draw: Callable[[Workbench, FrameResult], NDArray[np.uint8]] = overlay,
        elsewhere: Callable[[Workbench, str], Iterator[bytes] | None] = lambda _bench, _name: None,
    ) -> None:
        file = bench.workspace / source
        own = bool(source) and not is_live(source) and file.exists()
        self._bench, self.name, self._spec = bench, name, str(file) if own else source
        self._watcher, self._draw, self._elsewhere = watcher or CameraWatcher(), draw, elsewhere
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._source: Source | None = None
        self._left = 0.0
        self._kept = 0
        self._closing = False
        self._stop = threading.Event()
        self._newest: FrameResult | Frame | None = None
        self._lost_at = -1
        self.picture = picture or Broadcast()
        self.rate = FrameRate()
        self.state, self.detail, self.since = "off", "", bench.clock()
        self.recording = True
        self.pipeline: Pipeline | None = None
        self.frames = self.dropped = self.losses = 0
        self.size: tuple[int, int] | None = None

    @contextlib.contextmanager
    def watched(self) -> Iterator[Broadcast]:
        """Keep the camera running for a viewer."""
        self.picture.enter()
        try:
            self._begin()
            yield self.picture
        finally:
            self._left = time.monotonic()
            self.picture.leave()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the camera running without viewers and retry failures. On exit, settle and write open rows."""
        self._kept += 1
        self._stop.clear()
        try:
            self._begin()
            yield
        finally:
            self._kept -= 1
            if not self._kept:
                self._closing = True  # remaining viewers
                self._stop.set()
                self._end()
                if (thread := self._thread) is not None:
                    thread.join(_SETTLES_S)
                self._closing = False

    def snapshot(self) -> bytes | None:
        """The newest picture as JPEG, or None."""
        if self.picture.viewers and self.picture.newest.jpeg:
            return self.picture.newest.jpeg
        newest = self._newest
        return None if newest is None else self.picture.encode(self._drawn(newest))

    def frame(self) -> NDArray[np.uint8] | None:
        """The newest unprocessed picture, RGB uint8 (H, W, 3), or None."""
        newest = self._newest
        return newest.frame.image if isinstance(newest, FrameResult) else newest.image if newest else None

    def _wanted(self) -> bool:
        if self._closing:
            return False
        return bool(self._kept or self.picture.viewers) or time.monotonic() - self._left < _LINGER_S

    @property
    def trouble(self) -> NoPicture | None:
        """Why a live camera gives no picture now; None: it does, or nothing is known."""
        source = self._source
        return source.trouble if isinstance(source, LiveSource) and self.state != "playing" else None

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"camera-{self.name}", daemon=True)
                self._thread.start()

    def _end(self) -> None:
        if (source := self._source) is not None:
            source.close()

    def _run(self) -> None:
        guard = threading.Thread(target=self._guard, daemon=True)
        guard.start()
        pauses = itertools.chain((_PAUSE_S[0] * 2**step for step in range(4)), itertools.repeat(_PAUSE_S[1]))
        while True:
            self._become("starting")
            try:
                self._once()
                self._become("ended")
            except MusterError as error:
                told = str(error)  # an address may contain a password
                self._become("failed", told.replace(self._spec, "its source") if is_live(self._spec) else told)
            except Exception as error:
                self._become("failed", f"{type(error).__name__}: {error}")
                log.exception("camera %s", self.name)
            self._newest = self._source = None
            self.picture.clear()
            if self._kept and self.state == "failed":
                self._stop.wait(next(pauses))
            with self._lock:
                if self._closing or (not self._kept and (self.state == "failed" or not self.picture.viewers)):
                    self._thread = None
                    return

    def _guard(self) -> None:
        """End the source after some seconds without viewers."""
        mine = self._thread
        while self._thread is mine:
            time.sleep(0.5)
            if not self._wanted():
                self._end()

    def _once(self) -> None:
        """Run from the opening of the source to its end."""
        with contextlib.ExitStack() as claim:
            self.recording = claim.enter_context(recording(self._bench, self.name))
            if not self.recording:
                if (shown := self._elsewhere(self._bench, self.name)) is not None:
                    self._pass_on(shown)
                else:
                    self._show()
                return
            live = is_live(self._spec)
            for round_ in itertools.count():
                self._recognise(self._open(), incidents=round_ == 0)
                gc.collect()  # a pipeline holds pictures in reference cycles; otherwise a dozen pile up before Python collects them
                if live or not self._wanted():
                    return

    def _open(self) -> Source:
        if not self._spec:
            raise ConfigError(f"camera {self.name} has no source", hint="name it in muster.toml, or with --source")
        config = self._bench.config
        rotate = config.camera(self.name).rotate
        source = open_source(self._spec, self.name, config.sources, rotate=rotate, now=self._bench.clock)
        self._source, self._lost_at = source, -1
        if not self._wanted():
            source.close()
        return source

    def _recognise(self, source: Source, *, incidents: bool) -> None:
        before = self.dropped
        pipeline = self.pipeline = self._bench.pipeline(self.name, live=True, incidents=incidents)

        def saw(result: FrameResult) -> None:
            self.dropped = before + pipeline.stats.dropped
            if result.frame.index > self._lost_at:  # not a frame left over from before the loss
                if not isinstance(self._newest, FrameResult) or self._newest.frame is not result.frame:
                    self._playing(result.frame)
                self._newest = result
                self.picture.show(lambda: self._drawn(result))
            self._watcher.saw(result, pipeline)

        try:
            pipeline.run(_Told(source, self._lost), saw)
        finally:
            self.pipeline = None

    def _pass_on(self, shown: Iterator[bytes]) -> None:
        """Relay a kiosk's pictures unchanged, with the names drawn on them."""
        for jpeg in shown:
            self.rate.count()
            self._become("playing")
            self.picture.give(jpeg)
            if not self._wanted():
                return

    def _show(self) -> None:
        """Show the camera without recording, until the other recorder stops."""
        source, asked = self._open(), time.monotonic()
        with contextlib.closing(source):
            for item in _Told(source, self._lost):
                if isinstance(item, Frame):
                    self._playing(item)
                    self._newest = item
                    self.picture.show(lambda item=item: item.image)  # type: ignore[misc]
                if time.monotonic() - asked > _CLAIM_S:
                    asked = time.monotonic()
                    with recording(self._bench, self.name) as free:
                        if free:
                            return

    def _drawn(self, shown: FrameResult | Frame) -> NDArray[np.uint8]:
        return shown.image if isinstance(shown, Frame) else self._draw(self._bench, shown)

    def _playing(self, frame: Frame) -> None:
        self.frames += 1
        self.rate.count()
        self.size = (frame.image.shape[1], frame.image.shape[0])
        self._become("playing")

    def _lost(self, detail: str, index: int) -> None:
        self.losses += self.state != "lost"  # a camera that stays away is said to be lost once more
        self._newest, self._lost_at = None, index
        self.picture.clear()
        self._become("lost", detail)

    def _become(self, state: str, detail: str = "") -> None:
        if (state, detail) == (self.state, self.detail):
            return
        self.state, self.detail, self.since = state, detail, self._bench.clock()
        self._watcher.became(state, detail)


class _Told:
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
    def catching_up(self) -> bool:
        return self._source.catching_up

    def close(self) -> None:
        self._source.close()


def open_cameras(bench: Workbench) -> dict[str, Camera]:
    """All cameras in the settings that have a source, by name; none runs before it is watched."""
    configured = bench.config.cameras.items()
    return {name: Camera(bench, name, each.source, elsewhere=pictures) for name, each in configured if each.source}
