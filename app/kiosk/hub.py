"""Numbered events for listeners, kept for a while so that a broken connection loses none."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.storage import new_id

_KEPT = 256


@dataclass(frozen=True)
class HubEvent:
    """One event.

    Attributes:
        number: grows by one with each. kind: `camera`, `greeting`, `changed`, `withdrawn` or `prompt`. data: what it says, for JSON.
    """

    number: int
    kind: str
    data: Mapping[str, Any]


class Hub:
    """Distributes events to all listeners. Thread-safe.

    Attributes:
        newest: number of the newest event; 0 before the first. closed: whether it has ended. listeners: how many there are.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._messages: deque[HubEvent] = deque(maxlen=_KEPT)
        self._newer = threading.Condition()
        self.newest = 0
        self.closed = False
        self.listeners = 0
        self.boot = new_id(clock())[-8:]

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Publish an event."""
        with self._newer:
            self.newest += 1
            at = self._clock().isoformat(timespec="milliseconds")
            self._messages.append(HubEvent(self.newest, kind, {**data, "at": at}))
            self._newer.notify_all()

    def enter(self, most: int) -> bool:
        """Add a listener; False if the limit is reached."""
        with self._newer:
            if self.listeners >= most:
                return False
            self.listeners += 1
            return True

    def leave(self) -> None:
        """Remove a listener."""
        with self._newer:
            self.listeners -= 1

    def place(self, last_id: str) -> int:
        """The number to continue after for a listener who has seen `last_id`; the newest if that is no longer known."""
        boot, _, number = last_id.partition("-")
        known = boot == self.boot and number.isdecimal() and len(number) < 19 and int(number) <= self.newest
        return int(number) if known else self.newest

    def name(self, number: int) -> str:
        """The id of an event, such as `3fa9c2d1-17`. Its prefix distinguishes restarts of the kiosk."""
        return f"{self.boot}-{number}"

    def after(self, number: int, timeout_s: float) -> list[HubEvent]:
        """Kept events newer than a number, in order. Waits for one and returns none after the timeout."""
        with self._newer:
            self._newer.wait_for(lambda: self.newest > number or self.closed, timeout_s)
            return [message for message in self._messages if message.number > number]

    def open(self) -> None:
        """Open the hub, or reopen it."""
        self.closed = False

    def close(self) -> None:
        """Close the hub and wake all waiting listeners."""
        with self._newer:
            self.closed = True
            self._newer.notify_all()


def as_event(kind: str, data: Mapping[str, Any], event_id: str = "") -> str:
    """A server-sent event (WHATWG HTML, section 9.2) in wire format; JSON contains no line breaks."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
