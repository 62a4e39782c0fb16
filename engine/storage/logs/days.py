"""Append-only logs, one or more sealed chains per workplace day, and the journal of days that are closed.

When a day is over it is closed: the number of its rows and its head are written to `seals.csv`, itself sealed. Rows may still come in
afterwards (a recording that is processed late, a recorder that was cut off); they carry on the chain and the day is closed again.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from engine.errors import StorageError
from engine.storage.files import repeatable
from engine.storage.logs.check import Finding, Head
from engine.storage.logs.sealed import Row
from engine.storage.logs.seals import Sealer
from engine.storage.logs.shelf import WHOLE, FileShelf, Shelf, stem

__all__ = ["DayLog", "FileLogs", "Journal", "Logs", "WholeLog"]

log = logging.getLogger(__name__)


class Logs(Protocol):
    """Makes the logs of a workspace."""

    @property
    def sealer(self) -> Sealer:
        """Makes their seals."""

    def daily(self, name: str, columns: Sequence[str], people: Sequence[str] = (), keys: Sequence[str] = ()) -> DayLog:
        """A log with a chain per day.

        Args:
            name: such as `attendance`.
            columns: without `seal`; the first one identifies a row, or there is nothing that does.
            people: columns with ids of people.
            keys: columns that `DayLog.about` looks into.
        """

    def whole(self, name: str, columns: Sequence[str], people: Sequence[str] = ()) -> WholeLog:
        """A log that is one piece."""


class FileLogs:
    """Logs in CSV files.

    Args:
        folder: such as `<workspace>/log`.
        sealer: makes the seals; default: with the key `seal.key` beside the folder.
    """

    def __init__(self, folder: Path, sealer: Sealer | None = None) -> None:
        self._folder = folder
        self.sealer = sealer or Sealer(folder.parent / "seal.key")
        self._journal = Journal(self.whole("seals", Journal.COLUMNS))

    def daily(self, name: str, columns: Sequence[str], people: Sequence[str] = (), keys: Sequence[str] = ()) -> DayLog:
        """See `Logs.daily`."""
        return DayLog(FileShelf(self._folder, name, (*columns, "seal"), self.sealer, people, keys), self._journal)

    def whole(self, name: str, columns: Sequence[str], people: Sequence[str] = ()) -> WholeLog:
        """See `Logs.whole`."""
        return WholeLog(FileShelf(self._folder, name, (*columns, "seal"), self.sealer, people))


class WholeLog:
    """An append-only log that is one piece.

    Args:
        shelf: where it stands.
    """

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
        """Whether anything stands there."""
        return bool(self._recorders())

    def read(self) -> list[dict[str, str]]:
        """All rows. Do not change them."""
        return self.shelf.read([WHOLE]).get(WHOLE, [])

    def authentic(self) -> list[dict[str, str]]:
        """The rows that bear their own seal."""
        return [row for each in self._recorders() for row in self.shelf.part(WHOLE, each).authentic()]

    def check(self) -> list[Finding]:
        """What is wrong with it."""
        with self.exclusive():
            return [each for recorder in {"", *self._recorders()} for each in self.shelf.part(WHOLE, recorder).check()]

    def redact(self, person: str) -> int:
        """Put a person's pseudonym in place of their id; how many rows named them."""
        with self.exclusive():
            return sum(self.shelf.part(WHOLE, each).redact(person) for each in self._recorders())


class DayLog:
    """An append-only log with sealed chains per workplace day: append, read a range of days, close days that are over.

    Args:
        shelf: where it stands.
        journal: tells which days were closed.
    """

    def __init__(self, shelf: Shelf, journal: Journal) -> None:
        self.shelf, self.journal = shelf, journal
        self.name = shelf.name

    @property
    def sealer(self) -> Sealer:
        """Makes its seals."""
        return self.shelf.sealer

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the log's lock over a read and the append that depends on it."""
        with self.shelf.exclusive():
            yield

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
            except StorageError as error:  # the rows are durable: whoever wrote them must not write them again
                log.warning("that %s of %s was healed could not be noted: %s", self.name, day, error)

    def read(self, first: date, last: date | None = None) -> list[dict[str, str]]:
        """Rows from `first` to `last` (inclusive; default: the same day), day by day. Do not change them."""
        return self.on(_range(first, last or first))

    def on(self, days: Iterable[date]) -> list[dict[str, str]]:
        """Rows of these days, in their order. Do not change them."""
        return [row for rows in self.by_day(days).values() for row in rows]

    def by_day(self, days: Iterable[date]) -> dict[date, list[dict[str, str]]]:
        """The same, by day; days without rows are left out."""
        return self.shelf.read(list(days))

    def about(self, key: str, first: date, last: date) -> list[dict[str, str]]:
        """Rows from `first` to `last` that are about somebody or something: what must be known before another is written."""
        return self.shelf.about(key, _range(first, last))

    def find(self, row_id: str) -> dict[str, str] | None:
        """The row of that identifier; None: there is none."""
        return next(iter(self.shelf.find(row_id)), None)

    def standing(self, day: date, column: str, identifier: str) -> dict[str, str] | None:
        """The row of that identifier, where an interrupted run wrote it before this one; asked only of ids that can be made again."""
        if not repeatable():
            return None
        return next((row for row in self.read(day) if row[column] == identifier), None)

    def days(self) -> list[date]:
        """Days that have rows, oldest first."""
        return [day for day in self.shelf.parts() if day != WHOLE]

    def stamps(self, days: Sequence[date] | None = None) -> dict[date, object]:
        """What tells that the rows of days (default: of all) changed; days without rows are left out."""
        found = self.shelf.stamps(days)
        found.pop(WHOLE, None)
        return found

    def files(self, day: date) -> list[str]:
        """How the chains of a day are called in `check`."""
        return [f"{stem(self.name, day, each)}.csv" for each in self.shelf.parts().get(day, ())]

    def redact(self, person: str) -> int:
        """Put a person's pseudonym in place of their id in all days; how many rows named them."""
        with self.exclusive():
            return sum(self.shelf.part(day, each).redact(person) for day, each in self._chains())

    def _chains(self) -> list[tuple[date, str]]:
        return [(day, each) for day, recorders in self.shelf.parts().items() if day != WHOLE for each in recorders]

    def close(self, before: date, time: datetime) -> list[date]:
        """Close all days before `before` that are open or have grown since; which they were."""
        done: list[date] = []
        with self.exclusive():
            closed = self.journal.heads(self.name)
            for day, recorder in self._chains():
                head = self.shelf.part(day, recorder).head() if day < before else Head(0, "")
                if head.rows > closed.get((day, recorder), Head(0, "")).rows:
                    self.journal.note("closed", self.name, day, head, recorder=recorder, time=time)
                    done.append(day)
        return list(dict.fromkeys(done))

    def check(self, told: Callable[[], None] | None = None, *, days: Iterable[date] | None = None) -> list[Finding]:
        """What is wrong with any day.

        Args:
            told: called after each day that has rows.
            days: only these.
        """
        closed, there = self.journal.heads(self.name), self.shelf.parts()
        wanted = {*there, *(day for day, _ in closed)} - {WHOLE}
        if days is not None:
            wanted &= set(days)
        findings = dict[tuple[date, str], list[Finding]]()
        for day in sorted(wanted):
            with self.exclusive():  # day by day: whoever wants to write must not wait for all of them
                for each in sorted({*there.get(day, ()), *(recorder for at, recorder in closed if at == day)}):
                    findings[day, each] = self.shelf.part(day, each).check(closed.get((day, each)))
            if told is not None and day in there:
                told()
        purged = closed.keys() - self.journal.heads(self.name).keys()  # meanwhile
        return [each for key, found in findings.items() if key not in purged for each in found]

    def purge(self, day: date, time: datetime, reason: str) -> None:
        """Delete a day because its time is over; the journal keeps its head."""
        with self.exclusive():
            for recorder in self.shelf.parts().get(day, ()):
                part = self.shelf.part(day, recorder)
                self.journal.note("purged", self.name, day, part.head(), recorder=recorder, time=time, detail=reason)
                part.drop()


def _range(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


class Journal:
    """Which days of which log were closed with which head, healed after a crash, or deleted as retention wants it.

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
        """Write down what happened to a chain."""
        row: dict[str, object] = {
            "timestamp": time.isoformat(timespec="seconds") if time else "",
            "action": action,
            "log": f"{log_name}@{recorder}" if recorder else log_name,
            "day": day.isoformat(),
            "rows": head.rows if head else "",
            "head": head.chain if head else "",
            "key": self.file.sealer.key_id,
            "detail": detail,
        }
        with self.file.exclusive():
            self.file.append([row])

    def heads(self, log_name: str) -> dict[tuple[date, str], Head]:
        """By day and recorder the latest head of each chain that was closed and not deleted on purpose since."""
        heads: dict[tuple[date, str], Head] = {}
        # rows that somebody changed or put there are for `check` to name, not to be believed
        for row in self.file.authentic():
            name, _, recorder = row["log"].partition("@")
            if name != log_name:
                continue
            key = date.fromisoformat(row["day"]), recorder
            if row["action"] == "closed":
                heads[key] = Head(int(row["rows"]), row["head"])
            elif row["action"] == "purged":
                heads.pop(key, None)
        return heads
