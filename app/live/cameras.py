"""Cameras of the settings (RTSP, webcam, file) for viewers: recorded by this process, or seen through the one that records them."""

from __future__ import annotations

import contextlib
import gc
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError, MusterError
from engine.imaging import Broadcast, decode_image
from engine.operations.kiosks import waits_s
from engine.operations.recording import (
    NAMES,
    SMALL,
    Recorded,
    Recorder,
    Reported,
    Style,
    claim,
    newest_picture,
    overlay,
    recording,
    viewing,
)
from engine.operations.standing import standing
from engine.pipeline import FrameResult, Pipeline
from engine.sources import LiveSource, NoPicture, Source, is_live, open_source
from engine.workbench import Workbench

log = logging.getLogger(__name__)

CameraState = Literal["off", "starting", "playing", "lost", "ended", "failed"]

_LINGER_S = 8.0
_SETTLES_S = 15.0
_ASK_S = 0.5
_PAUSE_S = (1.0, 15.0)


class CameraWatcher:
    """Receives what a camera shows, in that camera's thread. The base class does nothing."""

    def saw(self, result: FrameResult, pipeline: Pipeline) -> None:
        """A frame was recognised."""

    def became(self, state: str, detail: str) -> None:
        """The camera's state changed."""

    def taken(self) -> None:
        """Another process records the camera, although this one may."""

    def told(self, kind: str, data: Mapping[str, Any]) -> None:
        """News of the process that records the camera, if that is another one; see `Recorder.tell`."""


class Camera:
    """One camera, running while it has viewers or is kept running.

    It is recorded meanwhile, unless another process does: then its pictures and state come from there. A video file plays in a loop,
    to try things out. It raises incidents in its first round only.

    Args:
        bench: the workbench.
        name: of the camera in the settings.
        source: as `open_source` takes it; a file's path from the workspace on.
        picture: distributes its pictures to viewers.
        watcher: receives every result and change of state.
        draw: draws a result for viewers.
        style: what this camera's viewers see if another process records it, see `Style`.
        styles: what viewers in other processes may ask for.
        records: whether this process may record it; asked each time it could begin to.
        doze: see `open_source`.

    Attributes:
        state: `off`, `starting`, `playing`, `lost` (reconnecting), `ended` or `failed`. detail: why. since: from when on.
        recording: False if another process records this camera and this one only shows it. taken: so it is, although this one may.
        recorder, pipeline: the running ones, or None.
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
        style: str = NAMES,
        styles: Mapping[str, Style] | None = None,
        records: Callable[[], bool] = lambda: True,
        doze: bool = False,
    ) -> None:
        file = bench.workspace / source
        own = bool(source) and not is_live(source) and file.exists()
        self._bench, self.name, self._spec = bench, name, str(file) if own else source
        self._watcher, self._draw = watcher or CameraWatcher(), draw
        self._style, self._styles, self._records, self._doze = style, styles, records, doze
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._source: Source | None = None
        self._left = 0.0
        self._kept = 0
        self._closing = False
        self._stop = threading.Event()
        self._newest: FrameResult | None = None
        self._told = Recorded(name)
        self._lost_at = -1
        self.picture = picture or Broadcast()
        self.state: CameraState = "off"
        self.detail, self.since = "", bench.clock()
        self.recording, self.taken = True, False
        self._waits_s = waits_s(bench, name)
        self.recorder: Recorder | None = None
        self.pipeline: Pipeline | None = None

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
    def glanced(self) -> Iterator[Camera]:
        """Keep the camera running for somebody who looks at many; yield what shows a small picture of it, twice a second.

        The process that records draws and encodes it so. Only if none does, this process records it meanwhile, as for a viewer.
        """
        with contextlib.ExitStack() as stack:
            if self._records():
                stack.enter_context(self.watched())
            stack.enter_context(self._small.watched())
            yield self._small

    @cached_property
    def _small(self) -> Camera:
        return Camera(self._bench, self.name, "", style=SMALL, records=lambda: False)

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

    @property
    def told(self) -> Recorded:
        """The figures of whoever records, or the last ones; whether the camera plays says `state`."""
        return self._told if (recorder := self.recorder) is None else recorder.told()

    @property
    def waiting(self) -> int:
        """Rows and pictures that are not on disk yet."""
        if not self.recording:
            return self._told.waiting
        return self.pipeline.waiting if self.pipeline else 0

    @property
    def stuck(self) -> bool:
        """Something could not be written and is tried again."""
        if not self.recording:
            return self._told.stuck
        return bool(self.pipeline and self.pipeline.stuck)

    def claim(self, person: str) -> None:
        """Somebody identified themselves before this camera, by badge or PIN; whoever records it is told."""
        if (pipeline := self.pipeline) is not None:
            pipeline.claim(person)
        elif not self.recording:
            claim(self._bench.workspace, self.name, person)

    def snapshot(self) -> bytes | None:
        """The newest picture as JPEG, or None."""
        if not self.recording or (self.picture.viewers and self.picture.newest.jpeg):
            return self.picture.newest.jpeg or None
        newest = self._newest
        return None if newest is None else self.picture.encode(self._draw(self._bench, newest))

    def frame(self) -> NDArray[np.uint8] | None:
        """The newest unprocessed picture, RGB uint8 (H, W, 3), or None."""
        if not self.recording:
            jpeg = newest_picture(self._bench.workspace, self.name)
            return None if jpeg is None else decode_image(jpeg, name="the camera's picture")
        newest = self._newest
        return None if newest is None else newest.frame.image

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
        while True:
            self._tried(self._once)
            self._rest(_PAUSE_S[0])
            with self._lock:
                if self._done():
                    self._thread = None
                    return

    def _tried(self, work: Callable[[], object]) -> bool:
        """Do something that may fail, and become what it came to."""
        try:
            work()
            return True
        except MusterError as error:
            told = str(error)  # an address may contain a password
            self._become("failed", told.replace(self._spec, "its source") if is_live(self._spec) else told)
        except Exception as error:
            self._become("failed", f"{type(error).__name__}: {error}")
            log.exception("camera %s", self.name)
        return False

    def _rest(self, seconds: float) -> None:
        """After a failure, wait before it is tried again."""
        self._newest = self._source = None
        self.picture.clear()
        if self._kept and self.state == "failed":
            self._stop.wait(seconds)

    def _done(self) -> bool:
        return self._closing or (not self._kept and (self.state == "failed" or not self.picture.viewers))

    def _guard(self) -> None:
        """End the source after some seconds without viewers."""
        mine = self._thread
        while self._thread is mine:
            time.sleep(0.5)
            if not self._wanted():
                self._end()

    def _once(self) -> None:
        """Record, or show what another process records."""
        while self._wanted():
            with contextlib.ExitStack() as claim:
                may = self._records()
                recorder = claim.enter_context(recording(self._bench, self.name, self._styles)) if may else None
                before, self.taken = self.taken, may and recorder is None
                self.recording = recorder is not None
                if self.taken and not before:
                    self._watcher.taken()
                if recorder is not None:
                    self._record(recorder)
                    return
            self._pass_on()

    def _record(self, recorder: Recorder) -> None:
        """Record again and again; in between nobody else does."""
        self.recorder = recorder
        pauses = _pauses()
        try:
            while True:
                self._become("starting")
                if self._tried(lambda: self._play(recorder)):
                    self._become("ended")
                    pauses = _pauses()
                self._rest(next(pauses))
                if self._done():
                    return
        finally:
            self._told, self.recorder = recorder.told(), None

    def _play(self, recorder: Recorder) -> None:
        """Record from the opening of the source to its end."""
        live = is_live(self._spec)
        for round_ in itertools.count():
            self._recognise(self._open(), recorder, incidents=round_ == 0)
            gc.collect()  # a pipeline holds pictures in reference cycles; otherwise a dozen pile up before Python collects them
            if live or not self._wanted():
                return

    def _open(self) -> Source:
        if not self._spec:
            raise ConfigError(f"camera {self.name} has no source", hint="name it in muster.toml, or with --source")
        config = self._bench.config
        rotate = config.camera(self.name).rotate
        doze_s = config.doze_s_of(self.name) if self._doze else 0.0
        source = open_source(self._spec, self.name, config.sources, rotate=rotate, now=self._bench.clock, doze_s=doze_s)
        self._source, self._lost_at = source, -1
        if not self._wanted():
            source.close()
        elif isinstance(source, LiveSource):
            source.start()  # while the networks are opened
        return source

    def _recognise(self, source: Source, recorder: Recorder, *, incidents: bool) -> None:
        before = recorder.told().dropped
        pipeline = self.pipeline = self._bench.pipeline(
            self.name, live=True, incidents=incidents, waits_s=self._waits_s, opens=is_live(self._spec)
        )
        recorder.claimed = pipeline.claim

        def saw(result: FrameResult) -> None:
            fresh = result.frame.index > self._lost_at  # not left over from before the loss
            if fresh:
                self._become("playing")
                self._newest = result
                self.picture.show(lambda: self._draw(self._bench, result))
            recorder.saw(
                result,
                fresh=fresh,
                dropped=before + pipeline.stats.dropped,
                advice=pipeline.advice,
                waiting=pipeline.waiting,
                stuck=pipeline.stuck,
            )
            self._watcher.saw(result, pipeline)

        try:
            pipeline.run(Reported(source, self._lost), saw)
        finally:
            self.pipeline = None

    def _pass_on(self) -> None:
        """Show what another process records, until it ends or nobody looks."""
        shown = viewing(self._bench.workspace, self.name, self._style)
        if shown is None:
            self._become("starting", "no process records this camera yet")
            self._stop.wait(_ASK_S) if self._kept else time.sleep(_ASK_S)
            return
        try:
            with contextlib.closing(shown):
                for each in shown:
                    told = self._told = each.told
                    self._become(told.state, told.detail)
                    if told.state != "playing":
                        if self.picture.newest.jpeg:
                            self.picture.clear()
                    elif each.jpeg:
                        self.picture.give(each.jpeg)
                    for kind, data in each.news:
                        self._watcher.told(kind, data)
                    if not self._wanted():
                        return
        finally:
            self._told = replace(self._told, fps=0.0, waiting=0, stuck=False)
            self.picture.clear()

    def _lost(self, detail: str, index: int) -> None:
        self._newest, self._lost_at = None, index
        self.picture.clear()
        self._become("lost", detail)

    def _become(self, state: CameraState, detail: str = "") -> None:
        if (state, detail) == (self.state, self.detail):
            return
        self.state, self.detail, self.since = state, detail, self._bench.clock()
        if self.recorder is not None and state in {"starting", "playing", "lost", "failed"}:
            self.recorder.became(state, detail)
        self._watcher.became(state, detail)


def _pauses() -> Iterator[float]:
    return itertools.chain((_PAUSE_S[0] * 2**step for step in range(4)), itertools.repeat(_PAUSE_S[1]))


def may_record(workspace: Path, camera: str) -> bool:
    """Whether a process may record a camera: `muster serve` leaves those of its settings to its recorder."""
    served = standing(workspace)
    return served is None or camera not in served.cameras


def open_cameras(bench: Workbench) -> dict[str, Camera]:
    """All cameras in the settings that are on and have a source, by name; none runs before it is watched.

    This process records none that `muster serve` is to record.
    """
    configured = {name: each for name, each in bench.config.cameras.items() if each.source and each.enabled}
    return {
        name: Camera(bench, name, each.source, records=partial(may_record, bench.workspace, name))
        for name, each in configured.items()
    }
