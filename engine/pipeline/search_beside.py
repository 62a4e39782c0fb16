"""Searches the frames of live cameras in a thread beside their loops."""

from __future__ import annotations

import os
import threading
import time as clock
from collections import deque
from contextlib import suppress

from engine.detection import Detector, Search

_NICE = 3
_SHARE = 0.7
"""Of one core's time that searches may take."""


class SearchBeside:
    """Runs searches one after the other in a thread of its own, which gives way to others and rests between two searches.

    One may serve several cameras: who asks first is served first.
    """

    at_once = False

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._lock = threading.Lock()
        self._waiting: deque[Search] = deque()
        self._running = False
        self._rests_until = 0.0

    def begin(self, search: Search) -> None:
        """Queue a search."""
        with self._lock:
            self._waiting.append(search)
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="search").start()

    def _work(self) -> None:
        """Run what waits. The thread is no daemon and ends with its work: a network that ran on would bring down a process that ends."""
        with suppress(OSError, AttributeError):  # on Linux, of this thread alone
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, 0) + _NICE)
        while True:
            with self._lock:
                if not self._waiting:
                    self._running = False
                    return
                search = self._waiting.popleft()
            clock.sleep(max(0.0, self._rests_until - clock.monotonic()))
            began = clock.monotonic()
            search.run(self._detector)
            ended = clock.monotonic()
            self._rests_until = ended + (ended - began) * (1 - _SHARE) / _SHARE
