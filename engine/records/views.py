"""Who looked at what: rows of the audit log for pictures and records of people, one for each session and object in a while."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from engine.errors import StorageError
from engine.records.books import Records

log = logging.getLogger(__name__)

_AGAIN_S = 12 * 3600.0
_KEPT = 20_000


class Views:
    """Records views. May be used from several threads; `clock`: seconds."""

    def __init__(self, records: Records, clock: Callable[[], float] = time.monotonic) -> None:
        self._records, self._clock, self._lock = records, clock, threading.Lock()
        self._seen: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def note(self, action: str, subject: str, detail: str = "", *, author: str, session: str) -> None:
        """Record that somebody looks at something, unless their session did so a while ago: pages renew themselves.

        While the log cannot be written, people see what they may see, and the next look is recorded.

        Args:
            action: such as `view_person`.
            session: what stands for the session.
        """
        key, now = (session, action, subject), self._clock()
        with self._lock:
            last = self._seen.get(key)
            if last is not None and now - last < _AGAIN_S:
                return
            self._seen[key] = now  # a page asks for several pictures at once
            self._seen.move_to_end(key)
            while len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
        names = self._records.names
        try:
            self._records.note(action, names.ids(subject), detail, author=names.author(author))
        except StorageError as error:
            log.warning("a view cannot be recorded: %s", error)
            with self._lock:
                self._seen.pop(key, None)
