"""A pipeline fed frame by frame from outside, which ends when frames stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.imaging import WORDS, PersonMark, person_marks, turned
from engine.operations.recording import FrameRate, names_in
from engine.pipeline import FrameResult, Pipeline
from engine.types import Frame
from engine.workbench import Workbench

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Box = tuple[float, float, float, float]

_HEIGHT_PX = 480
_IDLE_S = 6.0
_ASK_S = 3.0


def _shares(box: Box, width: int, height: int) -> Box:
    """A box in pixels as shares of a picture's width and height."""
    x1, y1, x2, y2 = box
    return x1 / width, y1 / height, x2 / width, y2 / height


class LiveSession:
    """Recognition for one browser's camera: its own tracker, shared networks and books.

    It scales frames to one height, because browsers change their size in mid-stream and tracks are in pixels. A separate thread ends the
    pipeline after some seconds without a frame, however the page was left.

    Args:
        bench: the workbench.
        camera: name under which rows are written.
        words: see `engine.imaging.drawing`.
        allowed: whether the user still may; checked every few seconds, because a stream continues without its page.
    """

    def __init__(
        self,
        bench: Workbench,
        camera: str,
        words: Mapping[str, str] = WORDS,
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._bench, self._camera, self._words, self._allowed = bench, camera, words, allowed
        self._asked, self._may = 0.0, True
        self._lock = threading.Lock()
        self._pipeline: Pipeline | None = None
        self._size: tuple[int, int] | None = None
        self._index = 0
        self._last = 0.0
        self.rate = FrameRate()
        self.frames = 0

    @property
    def turn_deg(self) -> int:
        """How far clockwise the camera's picture is turned before it is looked at; boxes belong to the turned picture."""
        return self._bench.config.camera(self._camera).rotate

    def process(self, image: Image) -> list[PersonMark]:
        """Process a frame and return what to draw over it, with boxes as shares of the turned picture's width and height.

        Args:
            image: RGB uint8 (H, W, 3).

        Raises:
            MusterError: networks cannot be opened, the workspace cannot be written, or the user may no longer record.
        """
        with self._lock:
            self._check()
            pipeline = self._running()
            image = turned(image, self.turn_deg)
            height, width = image.shape[:2]
            factor = _HEIGHT_PX / height
            size = (max(1, round(width * factor)), _HEIGHT_PX)
            if self._size not in {None, size}:  # a new picture size invalidates the old tracks
                pipeline.finish()
                pipeline = self._start()
            self._size = size
            if (width, height) != size:
                image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            frame = Frame(image, self._bench.clock(), self._camera, self._index)
            self._index += 1
            result = pipeline.process(frame)
            self._last = time.monotonic()
        self.frames += 1
        self.rate.count()
        return self._marks(result)

    def _marks(self, result: FrameResult) -> list[PersonMark]:
        names, needed = names_in(self._bench, result), self._bench.config.voting.min_agreeing
        marks = person_marks(result.tracks, names, alarmed=result.alarmed, needed=needed, words=self._words)
        height, width = result.frame.image.shape[:2]
        return [replace(mark, box=_shares(mark.box, width, height)) for mark in marks]

    def _check(self) -> None:
        if time.monotonic() - self._asked > _ASK_S:
            self._asked, self._may = time.monotonic(), self._allowed()
        if not self._may:
            self._finish()
            raise InputError("you may no longer record with this camera", hint="sign in again, or ask an administrator")

    def _running(self) -> Pipeline:
        if self._pipeline is None:
            self._start()
            threading.Thread(target=self._watch, name=f"live-{self._camera}", daemon=True).start()
        assert self._pipeline is not None
        return self._pipeline

    def _start(self) -> Pipeline:
        self._pipeline = self._bench.pipeline(self._camera, live=True)
        self._size, self._last = None, time.monotonic()
        return self._pipeline

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            with self._lock:
                if self._pipeline is None:
                    return
                if time.monotonic() - self._last > _IDLE_S:
                    self._finish()
                    return

    def _finish(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is None:
            return
        try:
            pipeline.finish()
        except Exception as error:  # noqa: BLE001 - there is nobody left to tell but the log
            log.error("the last rows of camera %s could not be written: %s", self._camera, error)

    def close(self) -> None:
        """Settle open tracks and stop; a later frame starts anew."""
        with self._lock:
            self._finish()
