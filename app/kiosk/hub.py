"""Events for those who look on: numbered, kept for a while, so that a broken connection loses none."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.storage import new_id

__all__ = ["Hub", "Message", "as_event"]

_KEPT = 256


@dataclass(frozen=True)
class Message:
    """One event.

    Attributes:
        number: grows by one with each. kind: `camera`, `greeting`, `withdrawn` or `prompt`. data: what it says, for JSON.
    """

    number: int
    kind: str
    data: Mapping[str, Any]


class Hub:
    """Takes events in from one side and gives them to everybody on the other. May be used from any thread.

    Args:
        clock: the present; each event says when it was.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=_KEPT)
        self._newer = threading.Condition()
        self._number = 0
        self._closed = False
        self.listeners = 0
        self.boot = new_id(clock())[-8:]

    @property
    def newest(self) -> int:
        """Number of the newest event; 0 before the first."""
        return self._number

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell everybody."""
        with self._newer:
            self._number += 1
            at = self._clock().isoformat(timespec="milliseconds")
            self._messages.append(Message(self._number, kind, {**data, "at": at}))
            self._newer.notify_all()

    def enter(self, most: int) -> bool:
        """Somebody begins to listen; False: so many do already."""
        with self._newer:
            if self.listeners >= most:
                return False
            self.listeners += 1
            return True

    def leave(self) -> None:
        """Somebody listens no more."""
        with self._newer:
            self.listeners -= 1

    def place(self, last_id: str) -> int:
        """The number after which somebody goes on who has seen `last_id`; the newest where that is not known any more."""
        boot, _, number = last_id.partition("-")
        known = boot == self.boot and number.isdecimal() and len(number) < 19 and int(number) <= self._number
        return int(number) if known else self._number

    def name(self, number: int) -> str:
        """The id of an event, such as `3fa9c2d1-17`: those of another start of the kiosk are no numbers of this one."""
        return f"{self.boot}-{number}"

    def after(self, number: int, timeout_s: float) -> list[Message]:
        """Events newer than a number, in order, as far as they are kept; waits for one, and returns none when the time is over."""
        with self._newer:
            self._newer.wait_for(lambda: self._number > number or self._closed, timeout_s)
            return [message for message in self._messages if message.number > number]

    @property
    def closed(self) -> bool:
        """Nothing more will come."""
        return self._closed

    def open(self) -> None:
        """Begin, or begin again."""
        self._closed = False

    def close(self) -> None:
        """Wake all who wait: nothing more will come."""
        with self._newer:
            self._closed = True
            self._newer.notify_all()


def as_event(kind: str, data: Mapping[str, Any], event_id: str = "") -> str:
    """A server-sent event (WHATWG HTML, section 9.2) as it goes over the line; JSON holds no line breaks."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
