"""A background thread that delivers the messages in the outbox."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from engine.errors import StorageError
from engine.incidents.log import IncidentRow
from engine.incidents.notifications.outbox import Outbox, Sender

log = logging.getLogger(__name__)

PAUSE_S = 60.0


class Courier:
    """Drains an outbox every `interval_s`, and at once after a submission.

    The thread, which calls `send`, is a daemon: a channel that hangs does not delay the end of the program, and its message stays in
    the outbox.

    Args:
        written: whether the log has an incident, by its id: whoever died between an incident and its messages is made up for.
    """

    def __init__(
        self,
        outbox: Outbox,
        send: Sender,
        *,
        interval_s: float = 5.0,
        written: Callable[[str], object] = lambda _incident_id: None,
    ) -> None:
        self._outbox, self._send, self._interval_s, self._written = outbox, send, interval_s, written
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="muster-courier", daemon=True)
        self._thread.start()

    def submit(self, row: IncidentRow) -> int:
        """Queue messages, see `Outbox.submit`, and deliver them at once in the thread."""
        count = self._outbox.submit(row)
        if count:
            self._wake.set()
        return count

    def close(self, timeout_s: float = 5.0) -> bool:
        """Try messages that are due once more, then end the thread; may be called twice.

        Returns:
            Whether the thread ended within `timeout_s`; unsent messages stay in the outbox.
        """
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        last = False
        while not last:
            last = (
                self._closing.is_set()
            )  # before the drain, so that messages submitted before `close()` are still tried
            wait_s = PAUSE_S
            try:
                self._outbox.reconcile(self._written)
                self._outbox.drain(self._send)
                wait_s = self._interval_s
            except StorageError as error:
                log.warning("notifications wait: %s", error)
            except Exception:
                log.exception("notifications wait")
            if not last:
                self._wake.wait(wait_s)
                self._wake.clear()
