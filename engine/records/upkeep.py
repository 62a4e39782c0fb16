"""What is done now and then while a camera is watched: days are closed, and what is too old is erased."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from engine.errors import MusterError

__all__ = ["upkeep"]

log = logging.getLogger(__name__)

_JOIN_S = 5.0


@contextlib.contextmanager
def upkeep(work: Callable[[], object], every_s: float = 3600.0) -> Iterator[None]:
    """Do some work at once and then regularly, in a thread of its own; what fails is logged and tried again the next time.

    Args:
        work: called in the thread.
        every_s: pause between two times.
    """
    closing = threading.Event()

    def run() -> None:
        while True:
            try:
                work()
            except MusterError as error:
                log.warning("upkeep is put off: %s", error)
            except Exception:
                log.exception("upkeep is put off")
            if closing.wait(every_s):
                return

    thread = threading.Thread(target=run, name="upkeep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join(_JOIN_S)
