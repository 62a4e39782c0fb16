"""The spool: sealed local files for rows that the database did not take, one per log, drained in order when it takes them.

Rows get their identifiers before they come here, and the database takes each identifier once, so an interrupted drain, or one whose
answer was lost, is simply repeated. A row that the database will never take is set aside, so that it does not hold up those behind it.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from engine.errors import StorageError, Unreachable
from engine.storage import atomic_write, claimed, locked, parse_json, storage_errors
from engine.storage.logs import SealedFile, Sealer

log = logging.getLogger(__name__)

_COLUMNS = ("spooled_at", "zone", "log", "day", "row_id", "cells", "seal")
_REFUSED = ("refused_at", "reason", *_COLUMNS)
_FIRST_FORM = ("spooled_at", "log", "day", "row_id", "cells", "seal")
"""Columns of `events.csv`, in which earlier versions kept the rows of all logs."""
_BATCH = 500

Cells = Mapping[str, str]


class Refused(StorageError):
    """The database will not take these rows, however often they are sent."""


@dataclass(frozen=True)
class Entry:
    """A row on its way to a log.

    Attributes:
        row_id: the database takes each once.
        cells: text by column, without the seal.
    """

    row_id: str
    cells: Cells


Insert = Callable[[str, date, Sequence[Entry]], None]
"""Makes rows of one log and day durable, each identifier once; raises Refused for rows that it never takes, or another StorageError."""


@dataclass(frozen=True)
class Backlog:
    """What waits for the database.

    Attributes:
        rows, size: number of rows, and the bytes of the files.
        since: time of the oldest row; None if nothing waits.
        problem: why rows went to the spool or could not be drained; empty if nothing is wrong.
        refused: number of rows set aside because the database does not take them.
    """

    rows: int = 0
    size: int = 0
    since: datetime | None = None
    problem: str = ""
    refused: int = 0


class _Queue:
    """The waiting rows of one log."""

    def __init__(self, path: Path, columns: Sequence[str], sealer: Sealer) -> None:
        self.path = path
        self._done_path = path.with_suffix(".drained")
        self.file = SealedFile(path, columns, sealer)

    def __bool__(self) -> bool:
        return self.path.exists()

    def waiting(self) -> list[dict[str, str]]:
        return self.file.read()[self._done() :] if self else []

    def authentic(self) -> frozenset[str]:
        """Return the seals of unchanged rows."""
        return frozenset(row["seal"] for row in self.file.authentic())

    def _done(self) -> int:
        try:
            return int(self._done_path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def advance(self, count: int, now: datetime) -> None:
        """Record that rows are elsewhere; a process killed in the middle hands some over again, which does no harm."""
        with locked(self.path):
            done = self._done() + count
            if done < len(self.file.read()):
                atomic_write(self._done_path, str(done).encode())
                return
            with storage_errors(self.path):
                if self and len(self.authentic()) < len(self.file.read()):
                    aside = self.path.with_name(f"damaged-{now:%Y%m%dT%H%M%S}-{self.path.name}")
                    log.error("%s contains changed rows; it is kept as %s", self.path, aside.name)
                    atomic_write(aside, self.path.read_bytes())
                self._done_path.unlink(missing_ok=True)  # first, or it would hide rows of the next file
                self.file.drop()


class Spool:
    """The waiting rows of one installation, shared by its processes.

    Args:
        folder: `spool/` of the workspace.
        zone: time zone by which rows were put into days; rows of another one are set aside.

    Attributes:
        problem: why rows went here or could not be drained; empty if nothing is wrong.
        on_put: called after rows were added.
    """

    def __init__(self, folder: Path, sealer: Sealer, clock: Callable[[], datetime], zone: str) -> None:
        self._folder, self._sealer, self._clock, self._zone = folder, sealer, clock, zone
        self._queues: dict[str, _Queue] = {}
        self._first = _Queue(folder / "events.csv", _FIRST_FORM, sealer)
        self._first_done = folder / "drained"
        self._refused = SealedFile(folder / "refused.csv", _REFUSED, sealer)
        self.problem = ""
        self.on_put: Callable[[], None] = lambda: None

    def _queue(self, name: str) -> _Queue:
        if name not in self._queues:
            self._queues[name] = _Queue(self._folder / f"waiting-{name}.csv", _COLUMNS, self._sealer)
        return self._queues[name]

    def _present(self) -> list[_Queue]:
        """Return the queues that have rows."""
        with contextlib.suppress(OSError):
            for path in sorted(self._folder.glob("waiting-*.csv")):
                self._queue(path.stem.removeprefix("waiting-"))
        return [queue for _, queue in sorted(self._queues.items()) if queue]

    def __bool__(self) -> bool:
        """Return whether anything waits."""
        return bool(self._first or self._present())

    def waits(self, name: str) -> bool:
        """Return whether rows of a log wait; later ones must then wait behind them."""
        return bool(self._first or self._queue(name))

    def put(self, name: str, day: date, entries: Sequence[Entry], why: str = "") -> None:
        """Keep rows durably until they are drained.

        Args:
            why: the database did not take them.

        Raises:
            StorageError: nothing was written.
        """
        now = self._clock().isoformat(timespec="milliseconds")
        self._put(name, [self._row(now, name, day, entry) for entry in entries])
        self.problem = why or self.problem
        self.on_put()

    def _put(self, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        queue = self._queue(name)
        with locked(queue.path):
            queue.file.append(rows)

    def _row(self, now: str, name: str, day: date, entry: Entry) -> dict[str, str]:
        values = (now, self._zone, name, day.isoformat(), entry.row_id, _json(entry.cells))
        return dict(zip(_COLUMNS, values, strict=False))

    def waiting(self, name: str, key: str) -> list[tuple[date, Entry]]:
        """Return the waiting rows of a log that contain a text, with their days."""
        needle = json.dumps(key, ensure_ascii=False)[1:-1]  # a quick filter: thousands may wait, most about others
        rows = [*self._first.waiting(), *self._queue(name).waiting()]
        return [_entry(row) for row in rows if row["log"] == name and needle in row["cells"]]

    def backlog(self) -> Backlog:
        """Return how much waits, and since when."""
        try:
            queues = [*([self._first] if self._first else []), *self._present()]
            rows = [row for queue in queues for row in queue.waiting()]
            size = sum(queue.path.stat().st_size for queue in queues) if rows else 0
            refused = len(self._refused.read())
        except (OSError, StorageError):
            return Backlog(problem=self.problem)
        if not rows:
            return Backlog(refused=refused)
        since = min(datetime.fromisoformat(row["spooled_at"]) for row in rows)
        return Backlog(len(rows), size, since, self.problem, refused)

    def drain(self, insert: Insert) -> int:
        """Insert the rows of each log in their order; one process of an installation does so at a time.

        A log whose rows the database does not take now does not hold up the others.

        Returns:
            How many rows were inserted.

        Raises:
            StorageError: from `insert`; rows inserted before are not inserted again.
        """
        count, failed = 0, None
        with claimed(self._folder / "drain") as mine:
            if not mine:
                return 0
            self._adopt()
            for queue in self._present():
                try:
                    count += self._drain(queue, insert)
                except StorageError as error:
                    self.problem, failed = error.message, failed or error
                    if isinstance(error, Unreachable):
                        raise
        if failed is not None:
            raise failed
        self.problem = ""
        return count

    def _drain(self, queue: _Queue, insert: Insert) -> int:
        count = 0
        while queue:
            with locked(queue.path):
                rows, sound = queue.waiting(), queue.authentic()
            for first in range(0, len(rows), _BATCH):
                count += self._hand_over(queue, rows[first : first + _BATCH], sound, insert)
            if not rows:
                queue.advance(0, self._clock())
        return count

    def _hand_over(self, queue: _Queue, rows: Sequence[dict[str, str]], sound: frozenset[str], insert: Insert) -> int:
        """Insert rows without those that were tampered with; their file is kept aside in the end."""
        done = count = 0
        try:
            for place, group in groupby(rows, lambda row: (row["zone"], row["day"]) if row["seal"] in sound else None):
                members = list(group)
                if place is not None and place[0] != self._zone:
                    self._refuse(members, f"its day is one of {place[0]}, and the site is in {self._zone}")
                elif place is not None:
                    count += self._insert(members, insert)
                done += len(members)
        finally:
            if done:
                queue.advance(done, self._clock())
        return count

    def _insert(self, rows: Sequence[dict[str, str]], insert: Insert) -> int:
        """Insert rows of one log and day; set aside those that are refused."""
        try:
            insert(rows[0]["log"], date.fromisoformat(rows[0]["day"]), [_entry(row)[1] for row in rows])
        except Refused as error:
            if len(rows) == 1:
                self._refuse(rows, error.message)
                return 0
            half = len(rows) // 2
            return self._insert(rows[:half], insert) + self._insert(rows[half:], insert)
        return len(rows)

    def _refuse(self, rows: Sequence[Mapping[str, str]], reason: str) -> None:
        log.error("%d rows of %s are set aside in %s: %s", len(rows), rows[0]["log"], self._refused.path, reason)
        now = self._clock().isoformat(timespec="milliseconds")
        with locked(self._refused.path):
            there = {row["row_id"] for row in self._refused.read()}
            new = [row for row in rows if row["row_id"] not in there]
            self._refused.append([{**row, "refused_at": now, "reason": reason} for row in new])

    def take_back(self) -> int:
        """Queue the rows again that were set aside; return how many.

        Raises:
            StorageError: the files cannot be read or written.
        """
        count = 0
        with locked(self._refused.path):
            rows = self._refused.authentic()
            for name, group in groupby(sorted(rows, key=lambda row: row["log"]), lambda row: row["log"]):
                own = list(group)
                self._put(name, own)
                count += len(own)
            if len(rows) == len(self._refused.read()):
                self._refused.drop()
        self.on_put()
        return count

    def change_refused(self, change: Callable[[str, Cells], Cells]) -> None:
        """Change rows that were set aside, such as to erase somebody: those are queued again, and one that was tampered with goes.

        Args:
            change: returns the new cells of a row of a log.

        Raises:
            StorageError: the files cannot be read or written.
        """
        with locked(self._refused.path):
            rows = self._refused.authentic() if self._refused else []
            changed = [{**row, "cells": _json(change(row["log"], parse_json(row["cells"])))} for row in rows]
            if changed == rows:
                return
            for row in changed:
                self._put(row["log"], [row])
            self._refused.drop()
        self.on_put()

    def _adopt(self) -> None:
        """Move the rows that an earlier version kept in one file to the files of their logs."""
        if not self._first:
            return
        with locked(self._first.path):
            with storage_errors(self._first_done):
                if self._first_done.exists():  # the name before there were several
                    self._first_done.replace(self._first.path.with_suffix(".drained"))
            rows, sound = self._first.waiting(), self._first.authentic()
            for row in rows:
                if row["seal"] in sound:
                    self._put(row["log"], [{**row, "zone": self._zone}])
        self._first.advance(len(rows), self._clock())


def _json(cells: Cells) -> str:
    return json.dumps(dict(cells), ensure_ascii=False)


def _entry(row: Mapping[str, str]) -> tuple[date, Entry]:
    return date.fromisoformat(row["day"]), Entry(row["row_id"], parse_json(row["cells"]))
