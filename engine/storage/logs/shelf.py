"""Where logs stand: the seams at which a database may take the place of files.

A log is a set of chains: one per day (or one for good, for logs that are one piece), and within a day one per recorder that writes it.
Files written by one installation have a single part, without a recorder's name.
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

__all__ = ["WHOLE", "Chain", "FileShelf", "Shelf", "stem"]

WHOLE = date.min
"""The day under which a log stands that has no days."""

_OPEN = 100  # files whose rows are kept in memory


class Chain(Protocol):
    """Rows that are sealed one after the other."""

    @property
    def name(self) -> str:
        """Part of every seal, such as `attendance-2026-11-22`."""

    def head(self) -> Head:
        """How far it is sealed; zero rows when there is none."""

    def running_head(self) -> Head | None:
        """How far the rows are vouched for; None: there is no running head, or it is not ours."""

    def set_running_head(self, head: Head | None) -> None:
        """Put another running head in its place."""

    def cells(self, closed: Callable[[], Head | None]) -> Iterator[Cells]:
        """The rows as they stand, not all of them in memory at once; `closed`: what there was when its day was closed.

        Raises:
            StorageError: a row cannot be read, or could not be written elsewhere as it stands here.
        """

    def read(self) -> list[dict[str, str]]:
        """All rows as they stand there, oldest first. Do not change them."""

    def authentic(self) -> list[dict[str, str]]:
        """The rows that bear their own seal."""

    def check(self, closed: Head | None = None) -> list[Finding]:
        """What is wrong with it; `closed`: what it held when its day was closed."""

    def redact(self, person: str) -> int:
        """Put a person's pseudonym in place of their id; how many rows named them."""

    def drop(self) -> None:
        """Delete it on purpose."""


class Shelf(Protocol):
    """Where the chains of one log stand."""

    name: str
    sealer: Sealer
    columns: tuple[str, ...]
    """As in CSV files, `seal` the last."""
    people: list[int]
    """Which of them hold ids of people."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the log's lock over a read and the append that depends on it."""

    def append(self, day: date, rows: Sequence[Row]) -> int:
        """Append rows durably, all or none; call it within `exclusive()`.

        Returns:
            Bytes of a torn last line that was removed before.

        Raises:
            StorageError: nothing was written.
        """

    def restore(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        """Append rows, each to the chain of its recorder, durably, as they are; no seals are made. Call it within `exclusive()`.

        Raises:
            StorageError: none of them was written.
        """

    def counts(self) -> dict[Key, int]:
        """How many rows each chain has; one that has only a running head has none."""

    def parts(self) -> Mapping[date, Sequence[str]]:
        """The days that have rows, oldest first, and which recorders wrote them (empty: no name)."""

    def part(self, day: date, recorder: str = "") -> Chain:
        """One of the chains."""

    def stamps(self, days: Sequence[date] | None = None) -> dict[date, object]:
        """What tells that the rows of days changed: equal stamps, equal rows. Days without rows are left out.

        Args:
            days: which; default: all.
        """

    def read(self, days: Sequence[date]) -> dict[date, list[dict[str, str]]]:
        """Rows of days, in this order; days without rows are left out. Do not change them.

        Raises:
            StorageError: they cannot be read.
        """

    def find(self, row_id: str) -> list[dict[str, str]]:
        """The row that its first column gives this identifier; empty: there is none."""

    def about(self, key: str, days: Sequence[date]) -> list[dict[str, str]]:
        """Rows of days that name something in one of their `keys` columns: what must be known before another is written."""


def stem(name: str, day: date, recorder: str) -> str:
    """The name of a chain, which is part of its seals: `attendance-2026-11-22`, `attendance-2026-11-22@gate`, `audit`."""
    return name + (f"-{day.isoformat()}" if day != WHOLE else "") + (f"@{recorder}" if recorder else "")


class FileShelf:
    """A log in sealed files, `<name>-<day>.csv` or `<name>.csv`.

    Args:
        folder: where they lie.
        name: their stem.
        columns: their header, `seal` the last.
        sealer: makes the seals.
        people: columns with ids of people.
        keys: columns that `about` looks into.
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
        """The file of a chain."""
        return self.folder / f"{stem(self.name, day, recorder)}.csv"

    def _opened(self, day: date, recorder: str = "") -> SealedFile:
        return SealedFile(self.path(day, recorder), self.columns, self.sealer, self._people)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """The cross-process lock of the log."""
        with locked(self.folder / self.name):
            yield

    def append(self, day: date, rows: Sequence[Row]) -> int:
        """See `Shelf.append`."""
        return self.part(day).append(rows)

    def restore(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        """See `Shelf.restore`."""
        for recorder in {each for each, _ in rows}:
            lines = [csv_line(cells) for each, cells in rows if each == recorder]
            append_lines(self.path(day, recorder), csv_line(self.columns), lines)

    def counts(self) -> dict[Key, int]:
        """See `Shelf.counts`."""
        found = {(day, each): 0 for day, recorders in self._found(self.folder / ".heads").items() for each in recorders}
        for day, recorders in self.parts().items():
            found |= {(day, each): max(0, _lines(self.path(day, each)) - 1) for each in recorders}
        return found

    def parts(self) -> dict[date, list[str]]:
        """See `Shelf.parts`."""
        return self._found(self.folder)

    def _found(self, folder: Path) -> dict[date, list[str]]:
        """Days and recorders of the files in a folder, which the running heads are named after, too."""
        form = re.compile(rf"{re.escape(self.name)}(?:-(\d{{4}}-\d{{2}}-\d{{2}}))?(?:@([\w.-]+))?\.csv")
        found: dict[date, list[str]] = {}
        for name in _names(folder):
            with contextlib.suppress(ValueError):  # 2026-13-45 is no day, and its file none of ours
                if match := form.fullmatch(name):
                    day = date.fromisoformat(match.group(1)) if match.group(1) else WHOLE
                    found.setdefault(day, []).append(match.group(2) or "")
        return {day: sorted(found[day]) for day in sorted(found)}

    def _recorders(self, day: date) -> list[str]:
        """The part without a name, there or not, and those of recorders, which a copied database leaves."""
        try:
            changed = self.folder.stat().st_mtime_ns
        except OSError:
            return [""]
        if changed != self._others[0]:
            others = {at: [each for each in found if each] for at, found in self.parts().items()}
            self._others = (changed, others)
        return ["", *self._others[1].get(day, ())]

    def stamps(self, days: Sequence[date] | None = None) -> dict[date, object]:
        """See `Shelf.stamps`."""
        if days is None:
            wanted: Mapping[date, Sequence[str]] = self.parts()
        else:
            wanted = {day: self._recorders(day) for day in days}
        found = {
            day: tuple(file_stamp(self.path(day, each)) for each in recorders) for day, recorders in wanted.items()
        }
        return {day: stamps for day, stamps in found.items() if any(stamps)}

    def read(self, days: Sequence[date]) -> dict[date, list[dict[str, str]]]:
        """See `Shelf.read`; of several recorders by time."""
        rows: dict[date, list[dict[str, str]]] = {}
        for day in days:
            recorders = self._recorders(day)
            found = [row for each in recorders for row in self.part(day, each).read()]
            if found:
                rows[day] = found if len(recorders) == 1 else sorted(found, key=lambda row: row.get("timestamp", ""))
        return rows

    def find(self, row_id: str) -> list[dict[str, str]]:
        """See `Shelf.find`."""

        def distance(day: date) -> tuple[bool, int]:
            return not row_id.startswith(f"{day:%Y%m%d}"), -day.toordinal()

        column = self.columns[0]
        for day in sorted(self.parts(), key=distance):  # an identifier begins with its day
            for row in self.read([day]).get(day, ()):
                if row[column] == row_id:
                    return [row]
        return []

    def about(self, key: str, days: Sequence[date]) -> list[dict[str, str]]:
        """See `Shelf.about`."""
        rows = (row for found in self.read(days).values() for row in found)
        return [row for row in rows if any(key in row[column].split(";") for column in self._keys)]


def _names(folder: Path) -> list[str]:
    with storage_errors(folder):
        try:
            return os.listdir(folder)  # noqa: PTH208 - names are enough, and there may be thousands
        except FileNotFoundError:
            return []


def _lines(path: Path) -> int:
    with storage_errors(path), path.open("rb") as handle:
        return sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))
