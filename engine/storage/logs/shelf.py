"""Where logs are stored: the protocols that files and a database implement.

A log is a set of chains: one per day and recorder, or one per recorder for a log without days. In the files of a single installation
the only chain of a day has no recorder's name.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from engine.storage.files import append_lines, csv_line, locked, storage_errors
from engine.storage.logs.check import Finding, Head
from engine.storage.logs.exact import Cells, Key
from engine.storage.logs.sealed import Row, SealedFile, file_stamp
from engine.storage.logs.seals import Sealer

WHOLE = date.min
"""Stands for the day of a log without days."""

_OPEN = 100  # files whose rows are kept in memory


class Chain(Protocol):
    """Rows sealed one after the other."""

    @property
    def name(self) -> str:
        """Part of every seal, such as `attendance-2026-11-22`."""

    def head(self) -> Head:
        """Return how far the chain is sealed; zero rows for an empty one."""

    def running_head(self) -> Head | None:
        """Return how far the rows are protected; None if the running head is missing or forged."""

    def set_running_head(self, head: Head | None) -> None:
        """Replace the running head."""

    def cells(self, closed: Callable[[], Head | None]) -> Iterator[Cells]:
        """Yield the rows unchanged, one by one; `closed` returns the head from when the day was closed.

        Raises:
            StorageError: a row cannot be read, or could not be written elsewhere unchanged.
        """

    def read(self) -> list[dict[str, str]]:
        """Return all rows, oldest first, not to be modified."""

    def authentic(self) -> list[dict[str, str]]:
        """Return the rows whose seals are valid."""

    def check(self, *known: Head | None, anew: bool = True) -> list[Finding]:
        """Return all findings; `known` are heads from elsewhere, such as that from when the day was closed.

        Without `anew`, what was verified before and is the same to the last byte need not be verified again.
        """

    def redact(self, person: str) -> int:
        """Replace a person's id by their pseudonym; return how many rows named them."""

    def drop(self) -> None:
        """Delete the chain on purpose."""


class Shelf(Protocol):
    """Where the chains of one log are stored."""

    name: str
    sealer: Sealer
    columns: tuple[str, ...]
    """As in CSV files, `seal` last."""
    people: list[int]
    """Indices of the columns with ids of people."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the log's lock over a read and the append that depends on it."""

    def append(self, day: date, rows: Sequence[Row]) -> int:
        """Append rows durably, all or none; call it within `exclusive()`.

        Returns:
            How many bytes of a torn last line were removed first.

        Raises:
            StorageError: nothing was written.
        """

    def restore(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        """Append sealed rows unchanged and durably, each to its recorder's chain; call it within `exclusive()`.

        Raises:
            StorageError: nothing was written.
        """

    def counts(self) -> dict[Key, int]:
        """Return the number of rows of each chain; 0 for one that has only a running head."""

    def parts(self) -> Mapping[date, Sequence[str]]:
        """Return the recorders (empty: no name) that wrote rows, by day, oldest first."""

    def witnessed(self) -> Mapping[date, Sequence[str]]:
        """Return the same of chains whose heads are known, whether or not they have rows."""

    def part(self, day: date, recorder: str = "") -> Chain:
        """Return one of the chains."""

    def stamps(self, days: Sequence[date] | None = None) -> dict[date, object]:
        """Return stamps that differ after every change, by day (default: all days), without days that have no rows."""

    def read(self, days: Sequence[date]) -> dict[date, list[dict[str, str]]]:
        """Return the rows by day, in this order, not to be modified, without days that have none.

        Raises:
            StorageError: the rows cannot be read.
        """

    def find(self, row_id: str) -> list[dict[str, str]]:
        """Return the row with this identifier in its first column, in a list; an empty list without one."""

    def about(self, key: str, days: Sequence[date]) -> list[dict[str, str]]:
        """Return the rows of days with a key in one of the `keys` columns."""


def stem(name: str, day: date, recorder: str) -> str:
    """Return the name of a chain, part of its seals: `attendance-2026-11-22`, `attendance-2026-11-22@gate`, `audit`."""
    return name + (f"-{day.isoformat()}" if day != WHOLE else "") + (f"@{recorder}" if recorder else "")


class FileShelf:
    """A log in sealed files, `<name>-<day>.csv` or `<name>.csv`.

    Args:
        columns: the header, `seal` last.
        people: columns with ids of people.
        keys: columns that `about` searches.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        columns: Sequence[str],
        sealer: Sealer,
        people: Sequence[str] = (),
        keys: Sequence[str] = (),
    ) -> None:
        self.folder, self.name, self.sealer = folder, name, sealer
        self.columns, self._people, self._keys = tuple(columns), tuple(people), tuple(keys)
        self.people = [self.columns.index(column) for column in people]
        self.part = lru_cache(maxsize=_OPEN)(self._opened)
        self._others: tuple[int, dict[date, list[str]]] = (-1, {})

    def path(self, day: date, recorder: str = "") -> Path:
        """Return the file of a chain."""
        return self.folder / f"{stem(self.name, day, recorder)}.csv"

    def _opened(self, day: date, recorder: str = "") -> SealedFile:
        return SealedFile(self.path(day, recorder), self.columns, self.sealer, self._people)

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the log's cross-process lock."""
        return locked(self.folder / self.name)

    def append(self, day: date, rows: Sequence[Row]) -> int:
        return self.part(day).append(rows)

    def restore(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        for recorder in {each for each, _ in rows}:
            lines = [csv_line(cells) for each, cells in rows if each == recorder]
            append_lines(self.path(day, recorder), csv_line(self.columns), lines)

    def counts(self) -> dict[Key, int]:
        heads = self._found(self.folder / ".heads")
        found = {(day, each): 0 for day, recorders in heads.items() for each in recorders}
        for day, recorders in self.parts().items():
            found |= {(day, each): max(0, _lines(self.path(day, each)) - 1) for each in recorders}
        return found

    def parts(self) -> dict[date, list[str]]:
        return self._found(self.folder)

    def witnessed(self) -> dict[date, list[str]]:
        found: dict[date, set[str]] = {}
        for folder in (self.folder / ".heads", self.sealer.witnesses):
            for day, recorders in self._found(folder).items() if folder else ():
                found.setdefault(day, set()).update(recorders)
        return {day: sorted(recorders) for day, recorders in found.items()}

    def _found(self, folder: Path) -> dict[date, list[str]]:
        """Return the days and recorders of the files in a folder of chains or running heads."""
        form = re.compile(rf"{re.escape(self.name)}(?:-(\d{{4}}-\d{{2}}-\d{{2}}))?(?:@([\w.-]+))?\.csv")
        found: dict[date, list[str]] = {}
        for name in _names(folder):
            with contextlib.suppress(ValueError):  # 2026-13-45 is not a day, and not a file of the log
                if match := form.fullmatch(name):
                    day = date.fromisoformat(match.group(1)) if match.group(1) else WHOLE
                    found.setdefault(day, []).append(match.group(2) or "")
        return {day: sorted(found[day]) for day in sorted(found)}

    def _recorders(self, day: date) -> list[str]:
        """Return the part without a name, which may not exist, and those of recorders, which a copied database leaves."""
        try:
            changed = self.folder.stat().st_mtime_ns
        except OSError:
            return [""]
        if changed != self._others[0]:
            others = {at: [each for each in found if each] for at, found in self.parts().items()}
            self._others = (changed, others)
        return ["", *self._others[1].get(day, ())]

    def stamps(self, days: Sequence[date] | None = None) -> dict[date, object]:
        if days is None:
            wanted: Mapping[date, Sequence[str]] = self.parts()
        else:
            wanted = {day: self._recorders(day) for day in days}
        found = {
            day: tuple(file_stamp(self.path(day, each)) for each in recorders) for day, recorders in wanted.items()
        }
        return {day: stamps for day, stamps in found.items() if any(stamps)}

    def read(self, days: Sequence[date]) -> dict[date, list[dict[str, str]]]:
        """See `Shelf.read`; rows of several recorders are sorted by time."""
        rows: dict[date, list[dict[str, str]]] = {}
        for day in days:
            recorders = self._recorders(day)
            found = [row for each in recorders for row in self.part(day, each).read()]
            if found:
                rows[day] = found if len(recorders) == 1 else sorted(found, key=lambda row: row.get("timestamp", ""))
        return rows

    def find(self, row_id: str) -> list[dict[str, str]]:
        def distance(day: date) -> tuple[bool, int]:
            return not row_id.startswith(f"{day:%Y%m%d}"), -day.toordinal()

        column = self.columns[0]
        for day in sorted(self.parts(), key=distance):  # an identifier begins with its day
            for row in self.read([day]).get(day, ()):
                if row[column] == row_id:
                    return [row]
        return []

    def about(self, key: str, days: Sequence[date]) -> list[dict[str, str]]:
        rows = (row for found in self.read(days).values() for row in found)
        return [row for row in rows if any(key in row[column].split(";") for column in self._keys)]


def _names(folder: Path) -> list[str]:
    with storage_errors(folder):
        try:
            return os.listdir(folder)  # noqa: PTH208 - names are enough, and there may be thousands
        except (FileNotFoundError, NotADirectoryError):
            return []


def _lines(path: Path) -> int:
    with storage_errors(path), path.open("rb") as handle:
        return sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))
