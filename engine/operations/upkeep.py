"""What goes on while cameras are watched: days are closed, what is too old is erased, and notifications are delivered.

Here is settled, too, which process records a camera.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from engine.errors import MusterError
from engine.incidents.notifications import Channels, Courier
from engine.storage import claimed, file_name
from engine.workbench import Workbench

log = logging.getLogger(__name__)

_JOIN_S = 5.0
_SHEETS_S = 10.0
"""Where recorders write to a database, day sheets are exported so often."""


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


@contextlib.contextmanager
def attended(bench: Workbench) -> Iterator[None]:
    """While this lasts, notifications are delivered, days that are over closed, and what is too old erased.

    Raises:
        ConfigError: a notification rule cannot be followed.
    """

    def keep_house() -> None:
        if bench.store.writes_sheets:  # else this is a recorder, which others keep house for
            bench.records.close(bench.clock(), bench.people.known())
            bench.privacy.purge(apply=True, author="engine")

    def follow() -> None:
        if bench.store.writes_sheets:
            bench.attendance.keeper.follow(bench.clock(), bench.people.known())

    rules = bench.config.notifications
    with upkeep(keep_house), contextlib.ExitStack() as stack:
        if bench.config.store:
            stack.enter_context(upkeep(follow, _SHEETS_S))
        if rules.rules:
            channels = Channels(bench.workspace, rules, clock=bench.clock)
            stack.callback(Courier(bench.outbox, channels.send, interval_s=rules.interval_s).close)
        yield


@contextlib.contextmanager
def recording(bench: Workbench, camera: str) -> Iterator[bool]:
    """While this lasts, nobody else writes down what a live camera sees: two recorders would report everything twice.

    Yields:
        False: another process, or another part of this one, does so already.
    """
    with claimed(bench.workspace / "log" / f"recording-{file_name(camera)}") as first:
        if first:
            bench.store.keep_known()
        yield first
