"""Requests of the kiosk's server on their way in: a thread gets one when it is there, so that whoever sends slowly occupies none.

Cheroot hands a connection to a thread with its first byte. Here it waits in a hall until head and body have arrived, and with TLS hands
are shaken; plain bytes stay with the operating system meanwhile. Only bodies that are too large for that are read by a thread, those of
a few known devices at a time.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from cheroot.makefile import StreamReader

from app.kiosk.secure import Shaken

_HEAD_BYTES = 32 * 1024
_PEEK_BYTES = 64 * 1024
"""So much of a request waits with the operating system."""
_LOOK_S, _IDLE_S = 0.01, 0.5
"""How often to look while somebody waits, and whether the server has ended while nobody does."""
_WAIT_S = 12.0
"""Time limit for a request."""
_LARGE = 16
"""Threads that may read large bodies at a time."""
_LENGTH = re.compile(rb"\r?\ncontent-length:\s*(\d{1,15})\s*\r?\n", re.I)
_STREAMED = re.compile(rb"\r?\n(transfer-encoding|expect):", re.I)
_TOKEN = re.compile(rb"\r?\n(?:authorization:\s*bearer\s+|cookie:[^\r\n]*\bmuster_kiosk=)([^\s;]+)", re.I)

Stage = Literal["coming", "here", "large", "gone"]


def stage(data: bytes) -> tuple[Stage, int]:
    """How far a request is, of which these bytes have arrived, and the length of its head.

    `large`: its head is here, and its body does not fit in with it. `gone`: nobody sends any more.
    """
    if not data:
        return "gone", 0
    end = re.search(rb"\r?\n\r?\n", data)
    if end is None:
        return ("here" if len(data) > _HEAD_BYTES else "coming"), 0  # too long: the server refuses it
    head = data[: end.end()]
    if _STREAMED.search(head):
        return "large", end.end()
    found = _LENGTH.search(head)
    whole = end.end() + (int(found[1]) if found else 0)
    if whole > _PEEK_BYTES:
        return "large", end.end()
    return ("here" if len(data) >= whole else "coming"), end.end()


class Hall:
    """Where connections wait for their requests.

    Args:
        go: hands a connection to a thread.
        known: whether a token is a device's.
    """

    def __init__(self, go: Callable[[Any], None], known: Callable[[str], bool]) -> None:
        self._go, self._known = go, known
        self._waiting: dict[Any, float] = {}
        self._reading: set[Any] = set()
        self._lock, self._somebody = threading.Lock(), threading.Event()

    def enter(self, connection: Any) -> None:
        """A connection has something to read."""
        with self._lock:
            self._waiting.setdefault(connection, time.monotonic() + _WAIT_S)
        self._look(connection)
        self._somebody.set()

    def left(self, connection: Any) -> None:
        """A thread is through with a connection."""
        with self._lock:
            self._reading.discard(connection)

    def _look(self, connection: Any) -> None:
        with self._lock:  # whoever is handed to a thread is not looked at any more
            if connection not in self._waiting:
                return
            data = _arrived(connection)
            now_at, length = stage(data) if data is not None else ("coming", 0)
            if now_at == "coming":
                return
            token = _TOKEN.search(data[:length]) if data and now_at == "large" else None
            known = token is not None and self._known(token[1].decode("latin-1"))
            if known and len(self._reading) >= _LARGE:
                return
            del self._waiting[connection]
            if known:
                self._reading.add(connection)
            elif now_at == "large":
                connection.unread = True  # somebody unknown is answered at once, and the body is not waited for
        if now_at == "gone":
            _close(connection)
        else:
            self._go(connection)

    def keep(self, open_: Callable[[], bool]) -> None:
        """Look at who waits until the server ends."""
        while open_():
            if not self._somebody.wait(_IDLE_S):
                continue
            time.sleep(_LOOK_S)
            now = time.monotonic()
            with self._lock:
                waiting = dict(self._waiting)
                if not waiting:
                    self._somebody.clear()
            for connection, due in waiting.items():
                if now < due:
                    self._look(connection)
                    continue
                with self._lock:
                    self._waiting.pop(connection, None)
                _close(connection)


def _arrived(connection: Any) -> bytes | None:
    """What of a request has arrived; None: nothing yet, and empty: nobody sends any more."""
    buffered = StreamReader.has_data(connection.rfile)  # type: ignore[no-untyped-call]
    before = bytes(connection.rfile.peek(0)) if buffered else b""
    line = connection.socket
    try:
        patience = line.gettimeout()
        line.settimeout(0)  # MSG_DONTWAIT alone does not help: Python waits before it asks the system
        try:
            more = line.look(_PEEK_BYTES) if isinstance(line, Shaken) else line.recv(_PEEK_BYTES, socket.MSG_PEEK)
        finally:
            line.settimeout(patience)
    except BlockingIOError:
        more = None
    except OSError:
        more = b""
    return before + (more or b"") or more


def _close(connection: Any) -> None:
    with contextlib.suppress(OSError):
        connection.close()
