"""Events to log rows and pictures, in the order of each book, and none lost: what cannot be written now is tried again.

A full or unplugged disk must not end a camera's work, nor may it cost a punch. So each event becomes a job that holds all it needs;
jobs are done in order, and when one fails it and those behind it stay and are tried again a second later. Beside a live camera they
are done in a thread of their own, so that a slow disk holds nobody up.
"""

from __future__ import annotations

import functools
import logging
import threading
import time as clock
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engine.attendance import AttendanceBook, CoverageBook, Sighting, Span, record_shown
from engine.errors import StorageError, Unreachable
from engine.incidents import IncidentBook
from engine.tracking import SightingBook, TrackSighting
from engine.types import Event, EventKind, Person

__all__ = ["Recorder"]

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Row = Mapping[str, object]
People = Callable[[], Mapping[str, Person]]

_RETRY_S = 1.0
_SHEET_SHARE = 5
"""Beside a camera, the day sheet is written after a pause of this many times as long as writing it took, and of a second at least:
a large sheet must not hold up rows in a rush."""
_MOST_WITH_PICTURES = 30
_MOST_WITH_EVIDENCE = 300


class _Queue:
    """Jobs of one book, done in order.

    Attributes:
        jobs: waiting.
        failed: why the first one could not be done, and will be tried again.
        broken: what a job raised that no second try would mend; it is given up.
        failed_at: when that was tried last.
    """

    def __init__(self) -> None:
        self.jobs: deque[Callable[[], Row | None]] = deque()
        self.failed: StorageError | None = None
        self.failed_at = 0.0
        self.broken: BaseException | None = None

    def drain(self) -> list[Row]:
        """Do what can be done now; the rows that came of it."""
        rows: list[Row] = []
        if self.failed is not None and clock.monotonic() - self.failed_at < _RETRY_S:
            return rows
        while self.jobs:
            try:
                row = self.jobs[0]()
            except StorageError as error:
                if self.failed is None:
                    log.warning("%s (kept in memory, tried again every second)", error)
                self.failed, self.failed_at = error, clock.monotonic()
                return rows
            except BaseException as error:  # noqa: BLE001 - told when the other jobs are done
                self.broken = self.broken or error
                row = None
            self.jobs.popleft()
            self.failed = None
            if row is not None:
                rows.append(row)
        return rows


class Recorder:
    """Writes what one camera's pipeline decided.

    Args:
        attendance, incidents: the books.
        people: name and department by id, for the day sheet.
        sightings: the log of what decisions were made of.
        alert: tells others of an incident once it is written.
        threaded: write in a thread of its own instead of in `write`.

    Attributes:
        latencies_s: seconds from a person's first good frame to their durable punch.
    """

    def __init__(
        self,
        attendance: AttendanceBook,
        incidents: IncidentBook,
        people: People,
        sightings: SightingBook,
        *,
        alert: Callable[[Row], object] | None = None,
        threaded: bool = False,
    ) -> None:
        self.latencies_s: deque[float] = deque(maxlen=10_000)
        self._attendance, self._incidents, self._people = attendance, incidents, people
        self._sightings = sightings
        # one queue per file: a damaged one must not hold up the others
        self._punches, self._alarms, self._strangers, self._spans, self._ended, self._outgoing = self._queues = (
            _Queue(), _Queue(), _Queue(), _Queue(), _Queue(), _Queue(),
        )  # fmt: skip
        self._alert = alert
        self._incident_of: dict[int, str] = {}
        self._rows: deque[Row] = deque()
        self._named: deque[tuple[int, str]] = deque()
        self._unnamed: set[int] = set()
        self._error: BaseException | None = None
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="writing", daemon=True) if threaded else None
        if self._thread is not None:
            self._thread.start()

    # ----------------------------------------------------------------------------------------- handing over

    @property
    def waiting(self) -> int:
        """What is not on disk yet."""
        return sum(len(queue.jobs) for queue in self._queues)

    @property
    def stuck(self) -> bool:
        """Something could not be written, and is tried again."""
        return any(queue.failed for queue in self._queues)

    def _submit(self, queue: _Queue, job: Callable[[], Row | None]) -> None:
        queue.jobs.append(job)
        self._wake.set()

    def sighting(self, sighting: Sighting, evidence: Image | None, since: float | None = None) -> None:
        """Somebody was recognised; `evidence` is the picture that shows it, `since` the monotonic time of the first good frame."""
        if self.waiting >= _MOST_WITH_EVIDENCE:
            evidence = None
        self._submit(self._punches, lambda: self._write_sighting(sighting, evidence, since))

    def ended(self, sighting: TrackSighting) -> None:
        """A track with a good face has ended: what its decision was made of is kept."""

        def job() -> None:
            self._sightings.record(sighting)

        self._submit(self._ended, job)

    def retraction(self, event: Event, track: str) -> None:
        """What a track was reported as is withdrawn."""
        self._submit(
            self._punches,
            lambda: self._attendance.retract(
                event.employee_ids[0],
                event.time,
                event.camera,
                track,
                event.detail,
                self._people(),
                instead=(event.identity.person or "") if event.identity else "",
                renew=self._thread is None,
            ),
        )

    def incident(
        self,
        event: Event,
        pictures: Mapping[str, Image],
        *,
        model: str = "",
        gallery_version: int = 0,
        tracks: Sequence[str] = (),
        judge: Callable[[Event], Event | None] | None = None,
    ) -> None:
        """An unknown person, tailgating, an attack, or a camera that was lost or is back.

        Args:
            event, pictures, model, gallery_version, tracks: see `IncidentBook.record`.
            judge: what people have decided about whom it is about, asked when it is written: the event as it is to stand there, or
                None when it is none.
        """
        if self.waiting >= _MOST_WITH_PICTURES:
            pictures = {}  # rows are never dropped, but full frames would fill the memory while a disk is away

        def job() -> Row | None:
            judged = event if judge is None else judge(event)
            if judged is None:
                return None
            row = self._incidents.record(judged, pictures, model=model, gallery_version=gallery_version, tracks=tracks)
            if row is not None and event.kind is EventKind.UNKNOWN:
                self._incident_of[event.track_ids[0]] = str(row["incident_id"])
            if row is not None and self._alert is not None:
                self._submit(self._outgoing, functools.partial(self._tell, row))
            return row

        self._submit(self._alarms, job)

    def _tell(self, row: Row) -> None:
        if self._alert is not None:
            self._alert(row)

    def recognised(self, track_id: int, employee_id: str, time: datetime, forget: Callable[[], object]) -> None:
        """A track that was told as a stranger is somebody enrolled after all: the incident needs nobody any more.

        Args:
            track_id, employee_id, time: who, and when it was found.
            forget: takes their template from among the strangers'.
        """

        def job() -> Row | None:
            incident_id = self._incident_of.pop(track_id, None)
            if incident_id is None:
                return None
            return self._incidents.review(
                incident_id,
                "resolved",
                author="engine",
                now=time,
                note="recognised a moment later",
                employee_ids=employee_id,
            )

        self._submit(self._alarms, job)

        def drop() -> None:
            forget()

        self._submit(self._strangers, drop)

    def watched(self, spans: Sequence[Span]) -> None:
        """The camera was watching."""
        book = self._attendance.plan.coverage
        if book is not None:
            for span in spans:
                self._submit(self._spans, functools.partial(self._write_span, book, span))

    @staticmethod
    def _write_span(book: CoverageBook, span: Span) -> None:
        book.record(span)

    def stranger(self, track_id: int, choose: Callable[[], str]) -> None:
        """Find the identifier of a stranger (a gallery on disk is read and changed); `names` tells it later."""
        if track_id in self._unnamed:
            return
        self._unnamed.add(track_id)

        def job() -> None:
            self._named.append((track_id, choose()))

        self._submit(self._strangers, job)
        if self._thread is None:
            self._strangers.drain()

    @property
    def unnamed(self) -> frozenset[int]:
        """Tracks whose stranger's identifier is being looked for; none while that cannot be done."""
        return frozenset() if self._strangers.failed else frozenset(self._unnamed)

    def names(self) -> list[tuple[int, str]]:
        """Track and stranger's identifier, as far as found since the last call."""
        found = [self._named.popleft() for _ in range(len(self._named))]
        self._unnamed -= {track_id for track_id, _ in found}
        return found

    # ----------------------------------------------------------------------------------------- writing

    def _drain(self) -> None:
        for queue in self._queues:
            self._rows += queue.drain()
        for queue in self._queues:
            if queue.broken is not None:
                error, queue.broken = queue.broken, None
                raise error

    def _work(self) -> None:
        sheet_due = 0.0
        while not self._stopping.is_set():
            pause = _RETRY_S if any(queue.failed for queue in self._queues) else None
            if self._attendance.behind:
                pause = min(_RETRY_S, max(0.0, sheet_due - clock.monotonic()))
            self._wake.wait(pause)
            self._wake.clear()
            try:
                self._drain()
                if self._attendance.behind and clock.monotonic() >= sheet_due:
                    sheet_due = self._renew_sheets()
            except BaseException as error:  # noqa: BLE001 - told in the pipeline's thread
                self._error = self._error or error

    def _renew_sheets(self) -> float:
        """Bring day sheets up to date; the monotonic time from which they may be again."""
        began = clock.monotonic()
        try:
            self._attendance.settle(self._people())
        except StorageError as error:
            log.warning("the day sheet is behind the log: %s", error)
        ended = clock.monotonic()
        return ended + max(_RETRY_S, _SHEET_SHARE * (ended - began))

    def write(self) -> list[Row]:
        """The rows that became durable since the last call; without a thread of its own, do first what can be done now."""
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
        for queue in self._queues:
            queue.failed_at = 0.0

    def finish(self) -> list[Row]:
        """The last attempt.

        Raises:
            StorageError: something could not be written; the message says how much.
        """
        self.stop()
        rows = self.write()
        if isinstance(self._strangers.failed, Unreachable):  # they were told all the same
            log.warning("%d strangers got no number: %s", len(self._strangers.jobs), self._strangers.failed)
            self._strangers.jobs.clear()
            self._strangers.failed = None
        failed = next((queue.failed for queue in self._queues if queue.failed), None)
        if failed is not None:
            raise StorageError(
                f"{self.waiting} events could not be written: {failed.message}",
                hint=f"{failed.hint}; the files hold everything up to then",
            ) from failed
        self._attendance.settle(self._people())
        return rows

    def _write_sighting(self, sighting: Sighting, evidence: Image | None, since: float | None) -> Row | None:
        row = record_shown(self._attendance, sighting, self._people, evidence, renew=self._thread is None)
        if row is not None and row["event"] == "punch" and since is not None:
            self.latencies_s.append(clock.monotonic() - since)
        return row
