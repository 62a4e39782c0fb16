"""Append-only logs with one sealed file per workplace day, and the journal of days that are closed.

When a day is over its file is closed: the number of its rows and its head are written to `seals.csv`, itself sealed. Rows may
still come in afterwards (a recording that is processed late); they carry on the chain and the day is closed again.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from engine.errors import StorageError
from engine.logs.check import Finding, Head
from engine.logs.sealed import Row, SealedFile
from engine.logs.seals import Sealer
from engine.storage import locked, storage_errors

__all__ = ["DayLog", "Journal"]

log = logging.getLogger(__name__)

_OPEN_DAYS = 100  # files whose rows are kept in memory


class DayLog:
    """An append-only log, one sealed file per workplace day: append, read a range of days, close days that are over.

    Args:
        folder: where the files lie, such as `<workspace>/log`.
        name: their stem, such as `attendance`.
        columns: the header, without `seal`.
        sealer: makes the seals; default: with the key `seal.key` beside the folder.
        people: columns with ids of people.
    """

    def __init__(
        self, folder: Path, name: str, columns: Sequence[str], sealer: Sealer | None = None, people: Sequence[str] = ()
    ) -> None:
        self.folder, self.name = folder, name
        self.columns = (*columns, "seal")
        self.sealer = sealer or Sealer(folder.parent / "seal.key")
        self._people = tuple(people)
        self._file = lru_cache(maxsize=_OPEN_DAYS)(self._opened)
        self.journal = Journal(folder, self.sealer)

    def path(self, day: date) -> Path:
        """The file of a day."""
        return self.folder / f"{self.name}-{day.isoformat()}.csv"

    def file(self, day: date) -> SealedFile:
        """The same, as what it is."""
        return self._file(day)

    def _opened(self, day: date) -> SealedFile:
        return SealedFile(self.path(day), self.columns, self.sealer, self._people)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the log's lock over a read and the append that depends on it."""
        with locked(self.folder / self.name):
            yield

    def append(self, day: date, rows: Sequence[Row]) -> None:
        """Append rows durably; call it within `exclusive()`.

        Raises:
            StorageError: nothing was written.
        """
        healed = self.file(day).append(rows)
        if healed:
            try:
                self.journal.note(
                    "healed", self.name, day, detail=f"{healed} bytes of an interrupted write were removed"
                )
            except StorageError as error:  # the rows are durable: whoever wrote them must not write them again
                log.warning("that %s was healed could not be noted: %s", self.path(day), error)

    def read(self, first: date, last: date | None = None) -> list[dict[str, str]]:
        """Rows from `first` to `last` (inclusive; default: the same day), in the order of the files. Do not change them."""
        last = last or first
        days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
        return [row for day in days for row in self.file(day).read()]

    def days(self) -> list[date]:
        """Days that have a file, oldest first."""
        pattern = re.compile(rf"{re.escape(self.name)}-(\d{{4}}-\d{{2}}-\d{{2}})\.csv")
        days = []
        for path in self.folder.glob(f"{self.name}-*.csv"):
            with contextlib.suppress(ValueError):  # 2026-13-45 is no day, and its file none of ours
                if match := pattern.fullmatch(path.name):
                    days.append(date.fromisoformat(match.group(1)))
        return sorted(days)

    def redact(self, person: str) -> int:
        """Put a person's pseudonym in place of their id in all days; how many rows named them."""
        with self.exclusive():
            return sum(self.file(day).redact(person) for day in self.days())

    def close(self, before: date, time: datetime) -> list[date]:
        """Close all days before `before` that are open or have grown since; which they were."""
        done = []
        with self.exclusive():
            closed = self.journal.heads(self.name)
            for day in (day for day in self.days() if day < before):
                head = self.file(day).head()
                if head.rows > closed.get(day, Head(0, "")).rows:
                    self.journal.note("closed", self.name, day, head, time=time)
                    done.append(day)
        return done

    def check(self, told: Callable[[], None] | None = None) -> list[Finding]:
        """What is wrong with any day.

        Args:
            told: called after each day that has a file.
        """
        closed, findings = self.journal.heads(self.name), dict[date, list[Finding]]()
        for day in sorted({*self.days(), *closed}):
            with self.exclusive():  # day by day: whoever wants to write must not wait for all of them
                findings[day] = self.file(day).check(closed.get(day))
            if told is not None and self.path(day).exists():
                told()
        purged = closed.keys() - self.journal.heads(self.name).keys()  # meanwhile
        return [each for day, found in findings.items() if day not in purged for each in found]

    def purge(self, day: date, time: datetime, reason: str) -> None:
        """Delete a day's file because its time is over; the journal keeps its head."""
        with self.exclusive():
            self.journal.note("purged", self.name, day, self.file(day).head(), time=time, detail=reason)
            with storage_errors(self.path(day)):
                # the head first: without its file it would make later rows look like what is left of more
                self.file(day).drop_head()
                self.path(day).unlink(missing_ok=True)


class Journal:
    """`log/seals.csv`: which days of which log were closed with which head, healed after a crash, or deleted as retention wants it.

    Args:
        folder: of the logs.
        sealer: makes its own seals.
    """

    COLUMNS = ("timestamp", "action", "log", "day", "rows", "head", "key", "detail", "seal")

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self.file = SealedFile(folder / "seals.csv", self.COLUMNS, sealer)
        self._sealer = sealer

    def note(
        self,
        action: str,
        log_name: str,
        day: date,
        head: Head | None = None,
        *,
        time: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Write down what happened to a day's file."""
        row: dict[str, object] = {
            "timestamp": time.isoformat(timespec="seconds") if time else "",
            "action": action,
            "log": log_name,
            "day": day.isoformat(),
            "rows": head.rows if head else "",
            "head": head.chain if head else "",
            "key": self._sealer.key_id,
            "detail": detail,
        }
        with self.file.exclusive():
            self.file.append([row])

    def heads(self, log_name: str) -> dict[date, Head]:
        """The latest head of each closed day whose file was not deleted on purpose since."""
        heads: dict[date, Head] = {}
        for row in self._rows(log_name):
            if row["action"] == "closed":
                heads[date.fromisoformat(row["day"])] = Head(int(row["rows"]), row["head"])
            elif row["action"] == "purged":
                heads.pop(date.fromisoformat(row["day"]), None)
        return heads

    def _rows(self, log_name: str) -> list[dict[str, str]]:
        """Rows about a log; those that somebody changed or put there are for `check` to name, not to be believed."""
        return [row for row in self.file.authentic() if row["log"] == log_name]
