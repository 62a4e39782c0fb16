"""What child processes of the tests of records do; imports little, because each child imports it anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from processes import CONTEXT

from engine.incidents import DossierBook, IncidentBook
from engine.types import Event, EventKind

__all__ = ["decide", "run_twice", "tell"]

TIME = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def run_twice(body: Callable[[Path, threading.Barrier, int], None], workspace: Path) -> None:
    """Run a body in two processes side by side, numbered 1 and 2."""
    barrier = CONTEXT.Barrier(2)
    children = [CONTEXT.Process(target=body, args=(workspace, barrier, number)) for number in (1, 2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]


def tell(workspace: Path, barrier: threading.Barrier, number: int) -> None:
    """Tell of ten visits as the sister does, the second a moment later."""
    incidents = IncidentBook(workspace, ZoneInfo("UTC"), episode_gap_s=20.0)
    begin = TIME + timedelta(milliseconds=200 * number)
    for visit in range(10):
        barrier.wait(30)
        event = Event(
            EventKind.UNKNOWN, begin, "door", (1,), (), (f"unknown-{visit}",), until=begin + timedelta(seconds=2)
        )
        incidents.record(event, {"image": np.zeros((20, 20, 3), np.uint8)})


def decide(workspace: Path, barrier: threading.Barrier, number: int) -> None:
    """Put twenty strangers of one's own on the watch list."""
    book = DossierBook(workspace, ZoneInfo("UTC"))
    for turn in range(20):
        barrier.wait(30)
        book.decide("watch", f"unknown-{number}{turn:02}", author="Sam", now=TIME)
