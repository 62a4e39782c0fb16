"""Rows and pictures to disk, in the order of each book, and none lost: what cannot be written now is tried again.

A full or unplugged disk must not end a camera's work, nor may it cost a punch. So whatever is written is a job that holds all it needs;
jobs are done in order, and when one fails it and those behind it stay and are tried again a second later. Beside a live camera they
are done in a thread of their own, so that a slow disk holds nobody up.
"""

from __future__ import annotations

import logging
import threading
import time as clock
from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal, cast, get_args

from engine.attendance import AttendanceBook, PunchRow
from engine.errors import StorageError, Unreachable
from engine.incidents import IncidentRow
from engine.types import Person

log = logging.getLogger(__name__)

Row = PunchRow | IncidentRow
Job = Callable[[], object]
People = Callable[[], Mapping[str, Person]]
Book = Literal["punches", "incidents", "strangers", "coverage", "sightings", "faces", "notifications", "films"]
"""What has a queue of its own, in the order in which they are written: a damaged file must not hold up the others."""
_REPORTED: tuple[Book, ...] = ("punches", "incidents")
"""Books whose new rows are of interest to whoever watches."""

_RETRY_S = 1.0
_SHEET_SHARE = 5
"""Beside a camera, the day sheet is written after a pause of this many times as long as writing it took, and of a second at least:
a large sheet must not hold up rows in a rush."""


class _Queue:
    """Jobs of one book, done in order.

    Attributes:
        failed: why the first one could not be done, and will be tried again.
        broken: what a job raised that no second try would mend; it is given up.
        failed_at: when that was tried last.
    """

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()
        self.failed: StorageError | None = None
        self.failed_at = 0.0
        self.broken: BaseException | None = None

    def drain(self) -> list[object]:
        """Do what can be done now; what came of it."""
        done: list[object] = []
        if self.failed is not None and clock.monotonic() - self.failed_at < _RETRY_S:
            return done
        while self.jobs:
            try:
                done.append(self.jobs[0]())
            except StorageError as error:
                if self.failed is None:
                    log.warning("%s (kept in memory, tried again every second)", error)
                self.failed, self.failed_at = error, clock.monotonic()
                return done
            except BaseException as error:  # noqa: BLE001 - told when the other jobs are done
                self.broken = self.broken or error
            self.jobs.popleft()
            self.failed = None
        return done


class Writer:
    """Does the jobs of one camera's pipeline, and brings the day sheet up to date after them.

    Args:
        threaded: write in a thread of its own instead of in `write`.
    """

    def __init__(self, attendance: AttendanceBook, people: People, *, threaded: bool = False) -> None:
        self._attendance, self._people = attendance, people
        self._queues: dict[Book, _Queue] = {book: _Queue() for book in get_args(Book)}
        self._rows: deque[Row] = deque()
        self._error: BaseException | None = None
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="writing", daemon=True) if threaded else None
        if self._thread is not None:
            self._thread.start()

    @property
    def threaded(self) -> bool:
        """Jobs are done in a thread of their own, which brings day sheets up to date, too."""
        return self._thread is not None

    @property
    def waiting(self) -> int:
        """What is not on disk yet."""
        return sum(len(queue.jobs) for queue in self._queues.values())

    def count(self, book: Book) -> int:
        """What of one book is not on disk yet."""
        return len(self._queues[book].jobs)

    @property
    def stuck(self) -> bool:
        """Something could not be written, and is tried again."""
        return any(queue.failed for queue in self._queues.values())

    def failed(self, book: Book) -> bool:
        """Nothing can be written into this book at the moment."""
        return self._queues[book].failed is not None

    def submit(self, book: Book, job: Job, *, at_once: bool = False) -> None:
        """Take a job in.

        Args:
            job: does it, and gives the row that came of it, if any; may raise StorageError, and is then called again.
            at_once: without a thread of its own, do it now.
        """
        self._queues[book].jobs.append(job)
        self._wake.set()
        if at_once and self._thread is None:
            self._queues[book].drain()

    def _drain(self) -> None:
        for book, queue in self._queues.items():
            done = queue.drain()
            if book in _REPORTED:
                self._rows += (cast(Row, row) for row in done if row is not None)
        for queue in self._queues.values():
            if queue.broken is not None:
                error, queue.broken = queue.broken, None
                raise error

    def _work(self) -> None:
        sheet_due = 0.0
        while not self._stopping.is_set():
            pause = _RETRY_S if self.stuck else None
            if self._attendance.keeper.behind:
                pause = min(_RETRY_S, max(0.0, sheet_due - clock.monotonic()))
            self._wake.wait(pause)
            self._wake.clear()
            try:
                self._drain()
                if self._attendance.keeper.behind and clock.monotonic() >= sheet_due:
                    sheet_due = self._renew_sheets()
            except BaseException as error:  # noqa: BLE001 - told in the pipeline's thread
                self._error = self._error or error

    def _renew_sheets(self) -> float:
        """Bring day sheets up to date; the monotonic time from which they may be again."""
        began = clock.monotonic()
        try:
            self._attendance.keeper.settle(self._people())
        except StorageError as error:
            log.warning("the day sheet is behind the log: %s", error)
        ended = clock.monotonic()
        return ended + max(_RETRY_S, _SHEET_SHARE * (ended - began))

    def write(self) -> list[Row]:
        """The rows that became durable since the last call; without a thread of its own, do first what can be done now.

        Raises:
            Exception: what a job raised that no second try would mend.
        """
        if self._thread is None:
            self._drain()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def stop(self) -> None:
        """End the thread; from here on `write` does the work, and tries at once what failed."""
        if self._thread is not None:
            self._stopping.set()
            self._wake.set()
            self._thread.join()
            self._thread = None
        for queue in self._queues.values():
            queue.failed_at = 0.0

    def finish(self) -> list[Row]:
        """The last attempt.

        Raises:
            StorageError: something could not be written; the message says how much.
        """
        self.stop()
        rows = self.write()
        strangers = self._queues["strangers"]
        if isinstance(strangers.failed, Unreachable):  # they were reported all the same
            log.warning("%d strangers got no number: %s", len(strangers.jobs), strangers.failed)
            strangers.jobs.clear()
            strangers.failed = None
        failed = next((queue.failed for queue in self._queues.values() if queue.failed), None)
        if failed is not None:
            raise StorageError(
                f"{self.waiting} events could not be written: {failed.message}",
                hint=f"{failed.hint}; the files hold everything up to then",
            ) from failed
        self._attendance.keeper.settle(self._people())
        return rows
