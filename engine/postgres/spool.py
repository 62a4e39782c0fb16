"""The spool: a sealed local file for rows that the database could not take, drained in order when the database is back.

Rows get their identifiers before they come here, and the database takes each identifier once, so an interrupted drain, or one whose
answer was lost, is simply repeated.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from engine.errors import StorageError
from engine.storage import atomic_write, claimed, locked, storage_errors
from engine.storage.logs import SealedFile, Sealer

log = logging.getLogger(__name__)

_COLUMNS = ("spooled_at", "log", "day", "row_id", "cells", "seal")
_BATCH = 500

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """A row on its way to a log.

    Attributes:
        row_id: the database takes each once.
        cells: text by column, without the seal.
    """

    row_id: str
    cells: Cells


@dataclass(frozen=True)
class Backlog:
    """What waits for the database.

    Attributes:
        rows, size: number of rows, and the bytes of the file.
        since: time of the oldest row; None if nothing waits.
        problem: why the last drain failed; empty if it did not.
    """

    rows: int = 0
    size: int = 0
    since: datetime | None = None
    problem: str = ""


class Spool:
    """The waiting rows of one installation, shared by its processes.

    Attributes:
        problem: why the last drain failed; empty if it did not.
        on_put: called after rows were added.
    """

    def __init__(self, folder: Path, sealer: Sealer, clock: Callable[[], datetime]) -> None:
        self._path = folder / "events.csv"
        self._done_path = folder / "drained"
        self._file = SealedFile(self._path, _COLUMNS, sealer)
        self._clock = clock
        self.problem = ""
        self.on_put: Callable[[], None] = lambda: None

    def __bool__(self) -> bool:
        """Return whether anything waits; later rows must then wait behind it."""
        return self._path.exists()

    def put(self, name: str, day: date, entries: Sequence[Entry]) -> None:
        """Keep rows durably until they are drained.

        Raises:
            StorageError: nothing was written.
        """
        now = self._clock().isoformat(timespec="milliseconds")
        rows = [
            {
                "spooled_at": now,
                "log": name,
                "day": day.isoformat(),
                "row_id": entry.row_id,
                "cells": json.dumps(dict(entry.cells), ensure_ascii=False),
            }
            for entry in entries
        ]
        with locked(self._path):
            self._file.append(rows)
        self.on_put()

    def _waiting(self) -> list[dict[str, str]]:
        return self._file.read()[self._done() :] if self else []

    def waiting(self, name: str, key: str) -> list[tuple[date, Entry]]:
        """Return the waiting rows of a log that contain a text, with their days."""
        needle = json.dumps(key, ensure_ascii=False)[1:-1]  # a quick filter: thousands may wait, most about others
        return [_entry(row) for row in self._waiting() if row["log"] == name and needle in row["cells"]]

    def backlog(self) -> Backlog:
        """Return how much waits, and since when."""
        try:
            rows = self._waiting()
            size = self._path.stat().st_size if rows else 0
        except (OSError, StorageError):
            return Backlog(problem=self.problem)
        if not rows:
            return Backlog()
        return Backlog(len(rows), size, datetime.fromisoformat(rows[0]["spooled_at"]), self.problem)

    def drain(self, insert: Callable[[str, date, Sequence[Entry]], None]) -> int:
        """Insert the rows in their order; one process of an installation does so at a time.

        Args:
            insert: makes rows of one log and day durable, each identifier once; raises StorageError if it cannot.

        Returns:
            How many rows were inserted.

        Raises:
            StorageError: from `insert`; rows inserted before are not inserted again.
        """
        count = 0
        with claimed(self._path.with_name("drain")) as mine:
            while mine and self:
                with locked(self._path):
                    rows, sound = self._waiting(), self._authentic()
                for first in range(0, len(rows), _BATCH):
                    count += self._hand_over(rows[first : first + _BATCH], sound, insert)
                if not rows:
                    self._advance(0)
        return count

    def _hand_over(
        self,
        rows: Sequence[Mapping[str, str]],
        sound: frozenset[str],
        insert: Callable[[str, date, Sequence[Entry]], None],
    ) -> int:
        """Insert rows without those that were tampered with; their file is kept aside in the end."""
        done = count = 0
        try:
            for place, group in groupby(rows, lambda row: (row["log"], row["day"]) if row["seal"] in sound else None):
                members = list(group)
                if place is not None:
                    insert(place[0], date.fromisoformat(place[1]), [_entry(row)[1] for row in members])
                    count += len(members)
                done += len(members)
        except StorageError as error:
            self.problem = error.message
            raise
        finally:
            if done:
                self._advance(done)
        self.problem = ""
        return count

    def _authentic(self) -> frozenset[str]:
        """Return the seals of unchanged rows."""
        return frozenset(row["seal"] for row in self._file.authentic())

    def _done(self) -> int:
        try:
            return int(self._done_path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def _advance(self, count: int) -> None:
        """Record that rows were inserted; a process killed in the middle inserts some again, which does no harm."""
        with locked(self._path):
            done = self._done() + count
            if done < len(self._file.read()):
                atomic_write(self._done_path, str(done).encode())
                return
            with storage_errors(self._path):
                if len(self._authentic()) < len(self._file.read()):
                    aside = self._path.with_name(f"damaged-{self._clock():%Y%m%dT%H%M%S}.csv")
                    log.error("%s contains changed rows; it is kept as %s", self._path, aside.name)
                    atomic_write(aside, self._path.read_bytes())
                self._done_path.unlink(missing_ok=True)  # first, or it would hide rows of the next file
                self._file.drop()


def _entry(row: Mapping[str, str]) -> tuple[date, Entry]:
    return date.fromisoformat(row["day"]), Entry(row["row_id"], json.loads(row["cells"]))
