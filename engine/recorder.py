"""Events to log rows and pictures, in the order of each book, and none lost: what cannot be written now is tried again.

A full or unplugged disk must not end a camera's work, nor may it cost a punch. So each event becomes a job that holds all it needs;
jobs are done in order, and when one fails it and those behind it stay and are tried again a second later.
"""

from __future__ import annotations

import contextlib
import logging
import time as clock
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.attendance import AttendanceBook, Sighting
from engine.errors import StorageError
from engine.images import encode_jpeg
from engine.incidents import IncidentBook
from engine.storage import atomic_write, new_id
from engine.types import Event

__all__ = ["Recorder"]

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Row = Mapping[str, object]
People = Callable[[], Mapping[str, Mapping[str, str]]]

_RETRY_S = 1.0
_MOST_WITH_PICTURES = 30


class _Queue:
    """Jobs of one book, done in order.

    Attributes:
        jobs: waiting.
        failed: why the first one could not be done.
        failed_at: when that was tried last.
    """

    def __init__(self) -> None:
        self.jobs: deque[Callable[[], Row | None]] = deque()
        self.failed: StorageError | None = None
        self.failed_at = 0.0

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
    """

    def __init__(self, attendance: AttendanceBook, incidents: IncidentBook, people: People) -> None:
        self._attendance, self._incidents, self._people = attendance, incidents, people
        # one queue per book: a damaged file of one must not hold up the other
        self._punches, self._alarms = _Queue(), _Queue()

    @property
    def waiting(self) -> int:
        """Events that are not on disk yet."""
        return len(self._punches.jobs) + len(self._alarms.jobs)

    def sighting(self, sighting: Sighting, evidence: Image | None) -> None:
        """Somebody was recognised; `evidence` is the picture that shows it."""
        self._punches.jobs.append(lambda: self._write_sighting(sighting, evidence))

    def retraction(self, event: Event, track: str) -> None:
        """What a track was reported as is withdrawn."""
        self._punches.jobs.append(
            lambda: self._attendance.retract(
                event.employee_ids[0], event.time, event.camera, track, event.detail, self._people()
            )
        )

    def incident(
        self, event: Event, pictures: Mapping[str, Image], *, model: str = "", gallery_version: int = 0
    ) -> None:
        """An unknown person, tailgating, or a camera that was lost or is back."""
        if self.waiting >= _MOST_WITH_PICTURES:
            pictures = {}  # rows are never dropped, but full frames would fill the memory while a disk is away
        self._alarms.jobs.append(
            lambda: self._incidents.record(event, pictures, model=model, gallery_version=gallery_version)
        )

    def write(self) -> list[Row]:
        """Do what can be done now; return the rows that are durable since the last call."""
        return self._punches.drain() + self._alarms.drain()

    def finish(self) -> list[Row]:
        """The last attempt.

        Raises:
            StorageError: something could not be written; the message says how much.
        """
        self._punches.failed_at = self._alarms.failed_at = 0.0
        rows = self.write()
        failed = self._punches.failed or self._alarms.failed
        if failed is not None:
            raise StorageError(
                f"{self.waiting} events could not be written: {failed.message}",
                hint=f"{failed.hint}; the files hold everything up to then",
            ) from failed
        self._attendance.settle(self._people())
        return rows

    def _write_sighting(self, sighting: Sighting, evidence: Image | None) -> Row | None:
        if self._attendance.would_record(sighting) is None:
            return None
        path = self._attendance.evidence_path(new_id(sighting.time)) if evidence is not None else None
        row: Row | None = None
        try:
            if path is not None and evidence is not None:
                atomic_write(path, encode_jpeg(evidence))
            row = self._attendance.record(sighting, self._people(), self._attendance.relative(path) if path else "")
        finally:
            if row is None and path is not None:  # it failed, or another camera was faster
                with contextlib.suppress(OSError):
                    path.unlink()
        return row
