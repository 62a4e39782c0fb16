"""Loads what other pages need while the first page is read, so that nobody waits for it; a site that nobody looks at does without."""

from __future__ import annotations

import importlib
import threading
from functools import cache

_LATE = ("app.charts.tuning", "app.views.attendance.drawn", "scipy.sparse", "holidays")
"""Modules that take some tenths of a second each."""


def load() -> None:
    """Import them."""
    for name in _LATE:
        importlib.import_module(name)


@cache
def begin() -> None:
    """Import them in a thread, once per process."""
    threading.Thread(target=load, name="ahead").start()
