"""Passages that people may still change on the screen that greeted them: only those just shown, and only for a moment."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.attendance import PunchRow

OPEN_S = 20.0
"""Seconds after the greeting within which a change is accepted; the screen shows its buttons for less (`kiosk.change_s`)."""
_BYTES = 16


@dataclass(frozen=True)
class Offer:
    """A passage, and until when it may be changed (monotonic seconds)."""

    row: PunchRow
    until: float


class Offers:
    """The passages that may be changed now, each under a random name that only paired screens are told. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._open: dict[str, Offer] = {}

    def make(self, row: PunchRow) -> str:
        """Offer a passage; return the name under which it may be changed."""
        name, now = secrets.token_urlsafe(_BYTES), self._clock()
        with self._lock:
            self._open = {key: each for key, each in self._open.items() if now < each.until}
            self._open[name] = Offer(row, now + OPEN_S)
        return name

    def find(self, name: str) -> PunchRow | None:
        """The passage that a name stands for; None: there is none, or its time is over."""
        with self._lock:
            found = self._open.get(name)
        return found.row if found is not None and self._clock() < found.until else None

    def end(self, event_id: str) -> None:
        """A passage may not be changed any more."""
        with self._lock:
            self._open = {key: each for key, each in self._open.items() if each.row.event_id != event_id}
