"""Reads frames ahead of the pipeline, in a thread of its own.

What waits is bounded, so a slow pipeline costs frames of a live camera, never memory; dropped frames are counted. The news that a camera
was lost is never dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Literal

from engine.sources import Source
from engine.types import Frame, SourceEvent

_AHEAD = 6
"""Frames that may wait for the pipeline, so that a slow frame among quick ones costs none: a quarter of a second at 25 frames a second."""


class Intake:
    """Reads a source in a thread of its own.

    Args:
        newest_wins: leave out the oldest frames when the pipeline has no time for them (a live camera); otherwise the source waits.
        patience_s: how long the source waits, too, before a frame is left out; meanwhile it need not convert what nobody would see.

    Attributes:
        dropped: frames left out.
    """

    def __init__(self, source: Source, *, newest_wins: bool, patience_s: float = 0.2) -> None:
        self.dropped = 0
        self._source = source
        self._newest_wins, self._patience_s = newest_wins, patience_s
        self._items: deque[Frame | SourceEvent] = deque()
        self._changed = threading.Condition()
        self._ended = self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for item in self._source:
                with self._changed:
                    if not self._newest_wins or self._source.catching_up:
                        self._changed.wait_for(lambda: len(self._items) < _AHEAD or self._closed)
                    elif isinstance(item, Frame):
                        self._make_room()
                    if self._closed:
                        return
                    self._items.append(item)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - told in the thread that asks for the next item
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _make_room(self) -> None:
        """Leave out the oldest waiting frame if there are too many for a while; news stays."""
        self._changed.wait_for(lambda: len(self._items) < _AHEAD or self._closed, self._patience_s)
        frames = [item for item in self._items if isinstance(item, Frame)]
        if len(frames) >= _AHEAD:
            self._items.remove(frames[0])
            self.dropped += 1

    def next(self, patience_s: float | None = None) -> Frame | SourceEvent | Literal["nothing yet"] | None:
        """The next item, when there is one; None at the end; `nothing yet` when the patience is over.

        Raises:
            MusterError: what the source raised.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._ended, patience_s):
                return "nothing yet"
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
        if self._error is not None:
            raise self._error
        return None

    def close(self) -> None:
        """End the source and the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._source.close()
        self._thread.join(10)
