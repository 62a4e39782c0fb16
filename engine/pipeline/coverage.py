"""When the camera was watching, and what its pictures say about it, written down span by span."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from engine.attendance import CoverageBook, Span, Watching
from engine.pipeline.camera_check import CameraCheck
from engine.pipeline.writer import Writer


class CoverageKeeper:
    """Keeps the coverage log of one camera.

    Args:
        book: the log; None: coverage is not logged.
        check: takes notes of the pictures.
    """

    def __init__(self, watching: Watching, book: CoverageBook | None, writer: Writer, check: CameraCheck) -> None:
        self._watching, self._book, self._writer, self._check = watching, book, writer, check

    def frame(self, time: datetime) -> None:
        """A frame came."""
        self._write(self._watching.frame(time))

    def pause(self, why: str, detail: str = "") -> None:
        """The camera was lost, or the run is over."""
        self._write(self._watching.pause(why, detail))

    def _write(self, spans: Sequence[Span]) -> None:
        if self._book is not None:
            for span in spans:
                noted = replace(span, detail=" ".join(filter(None, (span.detail, str(self._check.taken())))))
                self._writer.submit("coverage", functools.partial(self._book.record, noted))
