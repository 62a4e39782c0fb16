"""Places for answers that do not end by themselves, so that one who takes many leaves some for others."""

from __future__ import annotations

import threading
from collections import Counter


class Places:
    """So many places for each owner. Thread-safe."""

    def __init__(self, each: int) -> None:
        self._each, self._lock = each, threading.Lock()
        self._taken: Counter[str] = Counter()

    def enter(self, owner: str) -> bool:
        """Take a place; False: the owner has all of theirs."""
        with self._lock:
            if self._taken[owner] >= self._each:
                return False
            self._taken[owner] += 1
            return True

    @property
    def owners(self) -> tuple[str, ...]:
        """Who has places now."""
        with self._lock:
            return tuple(self._taken)

    def leave(self, owner: str) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[owner] -= 1
            if self._taken[owner] <= 0:
                del self._taken[owner]
