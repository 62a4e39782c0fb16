"""Cameras that the server reads itself (RTSP, webcam, file): recognised while somebody looks, one reader for all viewers."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from app.broadcast import Broadcast
from app.live_session import Rate, overlay
from engine.errors import MusterError
from engine.pipeline import FrameResult
from engine.sources import Source, is_live, open_source
from engine.types import Frame, SourceEvent
from engine.workbench import Workbench

__all__ = ["Camera", "Cameras"]

log = logging.getLogger(__name__)

_LINGER_S = 8.0


class Camera:
    """One camera that can be looked at.

    Args:
        bench: the workbench.
        name: of the camera in the settings.
        source: as `open_source` takes it.
    """

    def __init__(self, bench: Workbench, name: str, source: str) -> None:
        file = bench.workspace / source
        self._bench, self.name, self._spec = bench, name, str(file) if not is_live(source) and file.exists() else source
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._source: Source | None = None
        self._left = 0.0
        self._unwatched = False
        self.picture = Broadcast()
        self.rate = Rate()
        self.state = "off"
        self.detail = ""
        self.dropped = 0
        self.recording = True

    @contextlib.contextmanager
    def watched(self) -> Iterator[Broadcast]:
        """While this lasts somebody looks, so the camera runs."""
        self.picture.enter()
        try:
            with self._lock:
                if self._thread is None:
                    self._begin()
            yield self.picture
        finally:
            self._left = time.monotonic()
            self.picture.leave()

    def _run(self) -> None:
        try:
            with self._bench.recording(self.name) as recording:
                self.recording = recording
                source = open_source(self._spec, self.name, self._bench.config.sources, now=self._bench.clock)
                self._source = source
                threading.Thread(target=self._guard, args=(source,), daemon=True).start()
                try:
                    if recording:
                        self._recognise(source)
                    else:
                        self._show(source)
                finally:
                    source.close()
            self.state = "ended"
        except MusterError as error:
            self.state, self.detail = "failed", str(error)
        except Exception as error:
            self.state, self.detail = "failed", f"{type(error).__name__}: {error}"
            log.exception("camera %s", self.name)
        finally:
            self._source = None
            self.picture.clear()
            with self._lock:
                self._thread = None
                if self._unwatched and self.picture.viewers:  # somebody came back while it was closing
                    self._begin()

    def _begin(self) -> None:
        self.state, self.detail, self._unwatched = "starting", "", False
        self._thread = threading.Thread(target=self._run, name=f"camera-{self.name}", daemon=True)
        self._thread.start()

    def _guard(self, source: Source) -> None:
        """End the source when nobody has looked for some seconds."""
        while self._source is source:
            time.sleep(0.5)
            if self.picture.viewers == 0 and time.monotonic() - self._left > _LINGER_S:
                self._unwatched = True
                source.close()
                return

    def _recognise(self, source: Source) -> None:
        pipeline = self._bench.pipeline(self.name, live=True)

        def show(result: FrameResult) -> None:
            self.dropped = pipeline.stats.dropped
            self._shown(overlay(self._bench, result) if self.picture.viewers else result.frame.image)

        pipeline.run(_Told(source, self), show)

    def _show(self, source: Source) -> None:
        for item in _Told(source, self):
            if isinstance(item, Frame):
                self._shown(item.image)

    def _shown(self, image: NDArray[np.uint8]) -> None:
        self.state, self.detail = "playing", ""
        self.rate.count()
        self.picture.show(image)


class _Told:
    """A source whose losses are told on the camera."""

    def __init__(self, source: Source, camera: Camera) -> None:
        self._source, self._camera = source, camera

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        for item in self._source:
            if isinstance(item, SourceEvent) and item.kind == "camera_lost":
                self._camera.state, self._camera.detail = "lost", item.detail
            yield item

    def close(self) -> None:
        self._source.close()


class Cameras:
    """All cameras of the settings that have a source.

    Args:
        bench: the workbench.
    """

    def __init__(self, bench: Workbench) -> None:
        configured = bench.config.cameras.items()
        self._cameras = {name: Camera(bench, name, each.source) for name, each in configured if each.source}

    @property
    def names(self) -> list[str]:
        """In the order of the settings."""
        return list(self._cameras)

    def get(self, name: str) -> Camera | None:
        """One of them; None: there is none of that name."""
        return self._cameras.get(name)
