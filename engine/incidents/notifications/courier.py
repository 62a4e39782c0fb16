"""A background thread that delivers what waits in the outbox."""

from __future__ import annotations

import logging
import threading

from engine.errors import StorageError
from engine.incidents.log import IncidentRow
from engine.incidents.notifications.outbox import Outbox, Sender

log = logging.getLogger(__name__)

PAUSE_S = 60.0


class Courier:
    """Drains an outbox every few seconds, and at once when something was submitted through it.

    The thread is a daemon: a channel that hangs does not hold the end of the program up, and what it held stays in the outbox.

    Args:
        outbox: what is drained.
        send: tries a message once; called in the thread.
        interval_s: time between two looks.
    """

    def __init__(self, outbox: Outbox, send: Sender, *, interval_s: float = 5.0) -> None:
        self._outbox = outbox
        self._send = send
        self._interval_s = interval_s
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="muster-courier", daemon=True)
        self._thread.start()

    def submit(self, row: IncidentRow) -> int:
        """See `Outbox.submit`; delivery begins at once, in the thread."""
        count = self._outbox.submit(row)
        if count:
            self._wake.set()
        return count

    def close(self, timeout_s: float = 5.0) -> bool:
        """Try once more what is due, then end the thread. May be called twice.

        Args:
            timeout_s: longest wait for the thread; what it cannot send until then stays in the outbox.

        Returns:
            True if it has ended.
        """
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        last = False
        while not last:
            last = self._closing.is_set()  # asked before the drain: what was submitted before `close()` is still tried
            wait_s = self._interval_s
            try:
                self._outbox.drain(self._send)
            except StorageError as error:
                log.warning("notifications wait: %s", error)
                wait_s = PAUSE_S
            except Exception:
                log.exception("notifications wait")
                wait_s = PAUSE_S
            if not last:
                self._wake.wait(wait_s)
                self._wake.clear()
