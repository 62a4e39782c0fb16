"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["until"]


def until(what: Callable[[], object], seconds: float = 90.0, *, every_s: float = 0.01) -> None:
    """Wait until something is so; an assertion fails when it is not by then."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not so after {seconds:g} s"
        time.sleep(every_s)
