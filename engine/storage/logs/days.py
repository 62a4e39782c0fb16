"""Append-only logs with sealed chains per workplace day, and the journal of closed days.

Closing a day writes its number of rows and its head to `seals.csv`, which is sealed, too. Late rows (from a recording processed later,
or a recorder that was offline) continue the chain, and the day is closed again.
"""

from __future__ import annotations

import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from engine.errors import StorageError
from engine.storage.logs.check import Finding, Head
from engine.storage.logs.keys import sealer_of
from engine.storage.logs.rows import day_range
from engine.storage.logs.sealed import Row
from engine.storage.logs.seals import Sealer
from engine.storage.logs.shelf import WHOLE, FileShelf, Shelf, stem

log = logging.getLogger(__name__)

Heads = Mapping[str, Head]
Kept = Mapping[str, Sequence[Head]]
"""Heads that were kept elsewhere, of one time or of many, by the name of the chain."""
"""How far chains are sealed, by their names, such as `attendance-2026-11-22`."""


class Logs(ABC):
    """Creates the logs of a workspace, sealed by `sealer`."""

    def __init__(self, sealer: Sealer) -> None:
        self.sealer = sealer
        self._journal = Journal(self.whole("seals", Journal.COLUMNS))

    @abstractmethod
    def shelf(self, name: str, columns: Sequence[str], people: Sequence[str], keys: Sequence[str]) -> Shelf:
        """Return where a log is stored; `columns` with `seal`."""

    def daily(self, name: str, columns: Sequence[str], people: Sequence[str] = (), keys: Sequence[str] = ()) -> DayLog:
        """Return a log with chains per day.

        Args:
            name: such as `attendance`.
            columns: without `seal`; the first one identifies a row, if any does.
            people: columns with ids of people.
            keys: columns that `TypedDayLog.about` searches.
        """
        return DayLog(self.shelf(name, (*columns, "seal"), people, keys), self._journal)

    def whole(self, name: str, columns: Sequence[str], people: Sequence[str] = ()) -> WholeLog:
        """Return a log that is not divided into days."""
        return WholeLog(self.shelf(name, (*columns, "seal"), people, ()))


class FileLogs(Logs):
    """Logs in CSV files.

    Args:
        folder: such as `<workspace>/log`.
        sealer: default: that of the workspace in which the folder is.
    """

    def __init__(self, folder: Path, sealer: Sealer | None = None) -> None:
        self._folder = folder
        super().__init__(sealer or sealer_of(folder.parent))

    def shelf(self, name: str, columns: Sequence[str], people: Sequence[str], keys: Sequence[str]) -> Shelf:
        return FileShelf(self._folder, name, columns, self.sealer, people, keys)


class WholeLog:
    """An append-only log that is not divided into days."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    @property
    def sealer(self) -> Sealer:
        """Makes its seals."""
        return self.shelf.sealer

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Hold its lock over a read and the append that depends on it."""
        return self.shelf.exclusive()

    def append(self, rows: Sequence[Row]) -> None:
        """Append rows durably; call it within `exclusive()`.

        Raises:
            StorageError: nothing was written.
        """
        self.shelf.append(WHOLE, rows)

    def _recorders(self) -> Sequence[str]:
        return self.shelf.parts().get(WHOLE, ())

    def __bool__(self) -> bool:
        """Return whether the log has any rows."""
        return bool(self._recorders())

    def read(self) -> list[dict[str, str]]:
        """Return all rows, not to be modified."""
        return self.shelf.read([WHOLE]).get(WHOLE, [])

    def authentic(self) -> list[dict[str, str]]:
        """Return the rows whose seals are valid."""
        return [row for each in self._recorders() for row in self.shelf.part(WHOLE, each).authentic()]

    def check(self, against: Kept | None = None, *, anew: bool = True) -> list[Finding]:
        """Return all findings about the log.

        Args:
            against: heads that were kept elsewhere.
            anew: see `Chain.check`.
        """
        with self.exclusive():
            recorders = {"", *self._recorders(), *self.shelf.witnessed().get(WHOLE, ())}
            parts = [self.shelf.part(WHOLE, recorder) for recorder in sorted(recorders)]
            return [each for part in parts for each in part.check(*(against or {}).get(part.name, ()), anew=anew)]

    def heads(self) -> Heads:
        """Return how far each chain is sealed."""
        with self.exclusive():
            parts = [self.shelf.part(WHOLE, recorder) for recorder in self._recorders()]
            return {part.name: part.head() for part in parts}

    def redact(self, person: str) -> int:
        """Replace a person's id by their pseudonym; return how many rows named them."""
        with self.exclusive():
            return sum(self.shelf.part(WHOLE, each).redact(person) for each in self._recorders())


class DayLog:
    """An append-only log with sealed chains per workplace day."""

    def __init__(self, shelf: Shelf, journal: Journal) -> None:
        self.shelf, self.journal = shelf, journal
        self.name = shelf.name

    @property
    def sealer(self) -> Sealer:
        """Makes its seals."""
        return self.shelf.sealer

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Hold the log's lock over a read and the append that depends on it."""
        return self.shelf.exclusive()

    def append(self, day: date, rows: Sequence[Row]) -> None:
        """Append rows durably; call it within `exclusive()`.

        Raises:
            StorageError: nothing was written.
        """
        healed = self.shelf.append(day, rows)
        if healed:
            try:
                detail = f"{healed} bytes of an interrupted write were removed"
                self.journal.note("healed", self.name, day, detail=detail)
            except StorageError as error:  # the rows are durable: the caller must not write them again
                log.warning("%s of %s was healed, but the journal could not record it: %s", self.name, day, error)

    def read(self, first: date, last: date | None = None) -> list[dict[str, str]]:
        """Return the rows from `first` to `last` (inclusive; default: the same day), day by day, not to be modified."""
        return self.on(day_range(first, last or first))

    def on(self, days: Iterable[date]) -> list[dict[str, str]]:
        """Return the rows of these days, in this order, not to be modified."""
        return [row for rows in self.by_day(days).values() for row in rows]

    def by_day(self, days: Iterable[date]) -> dict[date, list[dict[str, str]]]:
        """Return the rows by day, without days that have none."""
        return self.shelf.read(list(days))

    def days(self) -> list[date]:
        """Return the days that have rows, oldest first."""
        return [day for day in self.shelf.parts() if day != WHOLE]

    def stamps(self, days: Sequence[date] | None = None) -> dict[date, object]:
        """Return stamps that differ after every change, by day (default: all days), without days that have no rows."""
        found = self.shelf.stamps(days)
        found.pop(WHOLE, None)
        return found

    def files(self, day: date) -> list[str]:
        """Return the names that `check` gives the chains of a day."""
        return [f"{stem(self.name, day, each)}.csv" for each in self.shelf.parts().get(day, ())]

    def redact(self, person: str) -> int:
        """Replace a person's id by their pseudonym on all days; return how many rows named them."""
        with self.exclusive():
            return sum(self.shelf.part(day, each).redact(person) for day, each in self._chains())

    def _chains(self) -> list[tuple[date, str]]:
        return [(day, each) for day, recorders in self.shelf.parts().items() if day != WHOLE for each in recorders]

    def close(self, before: date, time: datetime) -> list[date]:
        """Close all days before `before` that are open or have grown since they were closed; return them."""
        done: list[date] = []
        with self.exclusive():
            closed = self.journal.heads(self.name)
            for day, recorder in self._chains():
                head = self.shelf.part(day, recorder).head() if day < before else Head(0, "")
                if head.rows > closed.get((day, recorder), Head(0, "")).rows:
                    self.journal.note("closed", self.name, day, head, recorder=recorder, time=time)
                    done.append(day)
        return list(dict.fromkeys(done))

    def check(
        self,
        told: Callable[[], None] | None = None,
        *,
        days: Iterable[date] | None = None,
        against: Kept | None = None,
        anew: bool = True,
    ) -> list[Finding]:
        """Return all findings about the log's days.

        Args:
            told: called after each day that has rows.
            days: to check; default: all.
            against: heads that were kept elsewhere.
            anew: see `Chain.check`.
        """
        closed, there, kept = self.journal.heads(self.name), self.shelf.parts(), against or {}
        chains = {(day, each) for found in (there, self.shelf.witnessed()) for day in found for each in found[day]}
        chains |= closed.keys() | {key for name in kept if (key := self._key(name)) is not None}
        wanted = sorted(key for key in chains if key[0] != WHOLE)
        if days is not None:
            only = set(days)
            wanted = [key for key in wanted if key[0] in only]
        findings = dict[tuple[date, str], list[Finding]]()
        for day, of_day in groupby(wanted, lambda key: key[0]):
            with self.exclusive():  # day by day, so that writers do not wait for the whole check
                for key in of_day:
                    part = self.shelf.part(*key)
                    findings[key] = part.check(closed.get(key), *kept.get(part.name, ()), anew=anew)
            if told is not None and day in there:
                told()
        rows = self.shelf.parts()
        purged = {(day, each) for day, each in self.journal.deleted(self.name) if each not in rows.get(day, ())}
        return [each for key, found in findings.items() if key not in purged for each in found]

    def _key(self, name: str) -> tuple[date, str] | None:
        """Day and recorder of a chain of this log; None: it belongs to another log."""
        rest = name.removeprefix(f"{self.name}-")
        with contextlib.suppress(ValueError):
            day = date.fromisoformat(rest[:10])
            if rest != name and name == stem(self.name, day, recorder := rest[11:]):
                return day, recorder
        return None

    def heads(self) -> Heads:
        """Return how far each chain is sealed."""
        with self.exclusive():
            parts = [self.shelf.part(*key) for key in self._chains()]
            return {part.name: part.head() for part in parts}

    def purge(self, day: date, time: datetime, reason: str) -> None:
        """Delete a day whose retention has ended; the journal keeps its head."""
        with self.exclusive():
            for recorder in self.shelf.parts().get(day, ()):
                part = self.shelf.part(day, recorder)
                self.journal.note("purged", self.name, day, part.head(), recorder=recorder, time=time, detail=reason)
                part.drop()


class Journal:
    """Records which days of a log were closed (with their heads), healed after a crash, or deleted by retention.

    Args:
        file: the log `seals` with the columns `COLUMNS`.
    """

    COLUMNS = ("timestamp", "action", "log", "day", "rows", "head", "key", "detail")

    def __init__(self, file: WholeLog) -> None:
        self.file = file

    def note(
        self,
        action: str,
        log_name: str,
        day: date,
        head: Head | None = None,
        *,
        recorder: str = "",
        time: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Record an action on a chain."""
        when = time.isoformat(timespec="seconds") if time else ""
        log = f"{log_name}@{recorder}" if recorder else log_name
        rows, chain = (head.rows, head.chain) if head else ("", "")
        cells = (when, action, log, day.isoformat(), rows, chain, self.file.sealer.key_id, detail)
        with self.file.exclusive():
            self.file.append([dict(zip(self.COLUMNS, cells, strict=True))])

    def begin_anew(self) -> None:
        """Delete the journal and begin it again with only what retention deleted: heads of before say nothing under another key.

        Raises:
            StorageError: it cannot be read or written.
        """
        with self.file.exclusive():
            purged = [row for row in self.file.read() if row["action"] == "purged"]
            for recorder in list(self.file.shelf.parts().get(WHOLE, ())):
                self.file.shelf.part(WHOLE, recorder).drop()
            self.file.append([row | {"rows": "", "head": "", "key": self.file.sealer.key_id} for row in purged])

    def keys(self) -> set[str]:
        """Return the ids of the keys that days were sealed with."""
        return {row["key"] for row in self.file.read()}

    def purged(self, log_name: str) -> date | None:
        """Return the latest day of a log that was deleted on purpose; None: no day was."""
        rows = (row for row in self.file.authentic() if row["action"] == "purged")
        days = (row["day"] for row in rows if row["log"].partition("@")[0] == log_name)
        return max(map(date.fromisoformat, days), default=None)

    def deleted(self, log_name: str) -> set[tuple[date, str]]:
        """Return the chains that were deleted on purpose and have not been written since."""
        return self._states(log_name)[1]

    def heads(self, log_name: str) -> dict[tuple[date, str], Head]:
        """Return the latest head of each closed chain by day and recorder, without chains deleted on purpose since."""
        return self._states(log_name)[0]

    def _states(self, log_name: str) -> tuple[dict[tuple[date, str], Head], set[tuple[date, str]]]:
        heads, deleted = dict[tuple[date, str], Head](), set[tuple[date, str]]()
        # forged rows are not trusted here; `check` reports them
        for row in self.file.authentic():
            name, _, recorder = row["log"].partition("@")
            if name != log_name:
                continue
            key = date.fromisoformat(row["day"]), recorder
            if row["action"] == "closed":
                heads[key] = Head(int(row["rows"]), row["head"])
                deleted.discard(key)
            elif row["action"] == "purged":
                heads.pop(key, None)
                deleted.add(key)
        return heads, deleted
