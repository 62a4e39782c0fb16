"""When the camera was watching, written down span by span."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime

from engine.attendance import CoverageBook, Span, Watching
from engine.pipeline.writer import Writer


class CoverageKeeper:
    """Keeps the coverage log of one camera.

    Args:
        book: the log; None: coverage is not logged.
    """

    def __init__(self, watching: Watching, book: CoverageBook | None, writer: Writer) -> None:
        self._watching, self._book, self._writer = watching, book, writer

    def frame(self, time: datetime) -> None:
        """A frame came."""
        self._write(self._watching.frame(time))

    def pause(self, why: str, detail: str = "") -> None:
        """The camera was lost, or the run is over."""
        self._write(self._watching.pause(why, detail))

    def _write(self, spans: Sequence[Span]) -> None:
        if self._book is not None:
            for span in spans:
                self._writer.submit("coverage", functools.partial(self._book.record, span))
