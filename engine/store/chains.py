"""The chains of a log row by row, exactly as they stand in files or in tables: what is copied and compared.

A row travels as the cells of a line of CSV. What one of the two cannot hold as it stands is refused, not mended: a row that somebody
changed is evidence, and must be the same evidence afterwards.
"""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from sqlalchemy import JSON, Date, Integer, Text, cast, column, func, insert, literal, or_, select, update

from engine.errors import StorageError
from engine.logs.days import Journal
from engine.logs.shelf import FileShelf, Shelf, stem
from engine.storage import append_lines, atomic_write, csv_line, decode_cell, encode_cell, storage_errors
from engine.store.connection import Database
from engine.store.shelf import BEGIN, CHAINS, TableShelf

__all__ = ["Cells", "Chains", "FileChains", "Key", "Mark", "TableChains"]

Key = tuple[date, str]
"""Day and recorder."""
Cells = list[str]
"""As they stand in a line of CSV, the seal as the last."""
Mark = tuple[int, str, str]
"""A running head as it stands, authentic or not: number of rows, chain, keyed hash."""

_MARK = re.compile(r"([1-9][0-9]{0,8}) ([0-9a-f]{32}) ([0-9a-f]{32})\n?")
_SPECIAL = "' =+-@"  # cells that begin so may have to be written otherwise
_PAGE = 2000  # rows that are fetched at once
_LONGEST_ID = 100
_AS_EVIDENCE = "keep the file as evidence, then restore the line from a backup or take it out, which `muster verify` goes on telling"


class Chains(Protocol):
    """The chains of one log."""

    @property
    def columns(self) -> tuple[str, ...]:
        """As in CSV files, `seal` the last."""

    @property
    def people(self) -> Sequence[int]:
        """Which of them hold ids of people."""

    @property
    def shelf(self) -> Shelf:
        """Where they stand."""

    def counts(self) -> dict[Key, int]:
        """How many rows each chain has; one that has only a running head has none."""

    def read(self, key: Key) -> Iterator[Cells]:
        """The rows of a chain in their order, not all of them in memory at once.

        Raises:
            StorageError: a row cannot be read, or could not be written elsewhere as it stands here.
        """

    def append(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        """Add rows, each to the chain of its recorder, durably, as they are; seals are not made. Call it within the log's lock.

        Raises:
            StorageError: none of them was written.
        """

    def mark(self, key: Key) -> Mark | None:
        """The running head; None: there is none, or none that could be one."""

    def set_mark(self, key: Key, mark: Mark | None) -> None:
        """Put another running head in its place."""


class FileChains:
    """The files of a log.

    Args:
        shelf: which.
        journal: knows how far days were closed.
    """

    def __init__(self, shelf: FileShelf, journal: Journal) -> None:
        self.shelf, self._journal = shelf, journal
        self.columns, self.people = shelf.columns, shelf.people
        # running heads bear the names of the files
        self._heads = FileShelf(shelf.folder / ".heads", shelf.name, shelf.columns, shelf.sealer)

    def counts(self) -> dict[Key, int]:
        """See `Chains.counts`."""
        found = {(day, each): 0 for day, recorders in self._heads.parts().items() for each in recorders}
        for day, recorders in self.shelf.parts().items():
            for each in recorders:
                found[day, each] = max(0, _lines(self.shelf.path(day, each)) - 1)
        return found

    def read(self, key: Key) -> Iterator[Cells]:
        """See `Chains.read`; what is left of a write that was cut off is no row."""
        path = self.shelf.path(*key)
        with storage_errors(path):
            if not path.exists():
                return
            with path.open("rb") as handle:
                header = handle.readline()
                if header.endswith(b"\n") and header != csv_line(self.columns).encode():
                    raise StorageError(f"{path}:1 is not the header that this version writes", hint=_AS_EVIDENCE)
                number, tail = 1, not header.endswith(b"\n")
                for number, raw in enumerate(handle, 2):
                    tail = not raw.endswith(b"\n")
                    if not tail:
                        yield _parsed(raw, len(self.columns), f"{path}:{number}")
        if tail and header:
            self._see_tail(key, f"{path}:{number}")

    def _see_tail(self, key: Key, where: str) -> None:
        """A last line without its end is what a crash leaves, unless it is known to have had one."""
        closed = self._journal.heads(self.shelf.name).get(key)
        if not any(each.what == "torn" for each in self.shelf.part(*key).check(closed)):
            raise StorageError(f"{where} has lost its end", hint=_AS_EVIDENCE)

    def append(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        """See `Chains.append`."""
        for recorder in {each for each, _ in rows}:
            lines = [csv_line(cells) for each, cells in rows if each == recorder]
            append_lines(self.shelf.path(day, recorder), csv_line(self.columns), lines)

    def mark(self, key: Key) -> Mark | None:
        """See `Chains.mark`."""
        try:
            return _mark(self._heads.path(*key).read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError):
            return None

    def set_mark(self, key: Key, mark: Mark | None) -> None:
        """See `Chains.set_mark`."""
        path = self._heads.path(*key)
        if mark is not None:
            atomic_write(path, "{} {} {}\n".format(*mark).encode("ascii"))
            return
        with storage_errors(path):
            path.unlink(missing_ok=True)


def _mark(text: str) -> Mark | None:
    found = _MARK.fullmatch(text)
    return (int(found.group(1)), found.group(2), found.group(3)) if found else None


def _lines(path: Path) -> int:
    with storage_errors(path), path.open("rb") as handle:
        return sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))


def _parsed(raw: bytes, width: int, where: str) -> Cells:
    """The cells of a line that is written as Muster writes lines: then it can be written again from them, byte for byte."""
    try:
        line = raw[:-1].decode()
        if line.isascii() and line.isprintable() and '"' not in line and ";" not in line:  # most lines
            cells = line.split(",")
            doubtful = [cell for cell in cells if cell and cell[0] in _SPECIAL]
            if len(cells) == width and all(encode_cell(decode_cell(cell)) == cell for cell in doubtful):
                return cells
        cells = next(csv.reader([line], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise StorageError(f"{where} is no CSV ({error})", hint=_AS_EVIDENCE) from error
    if len(cells) != width:
        raise StorageError(f"{where} has {len(cells)} cells instead of {width}", hint=_AS_EVIDENCE)
    sound = all(encode_cell(decode_cell(cell)) == cell for cell in cells[:-1]) and _fits(cells[-1])
    if not sound or csv_line(cells) != line + "\n":
        raise StorageError(
            f"{where} is not written as Muster writes rows, so a database cannot hold it as it stands",
            hint=_AS_EVIDENCE,
        )
    return cells


def _fits(seal: str) -> bool:
    """Whether a seal, which is no text of people, can stand in a line as it is."""
    return encode_cell("." + seal) == "." + seal


class TableChains:
    """The rows of a log in the database.

    Args:
        shelf: which.
        database: where.
    """

    def __init__(self, shelf: TableShelf, database: Database) -> None:
        self.shelf, self._database = shelf, database
        self.columns, self.people = shelf.columns, shelf.people
        self._table = shelf.table

    def counts(self) -> dict[Key, int]:
        """See `Chains.counts`."""
        table, site = self._table, self._database.site
        marked = select(CHAINS.c.day, CHAINS.c.recorder).where(
            CHAINS.c.site == site, CHAINS.c.log == self.shelf.name, or_(CHAINS.c.rows > 0, CHAINS.c.number > 0)
        )
        place = (table.c["_day"], table.c["_recorder"])
        counted = select(*place, func.count()).where(table.c["_site"] == site).group_by(*place)
        with self._database.work() as connection:
            found: dict[Key, int] = {(row.day, row.recorder): 0 for row in connection.execute(marked)}
            return found | {(day, recorder): count for day, recorder, count in connection.execute(counted)}

    def read(self, key: Key) -> Iterator[Cells]:
        """See `Chains.read`."""
        table, (day, recorder) = self._table, key
        position = table.c["_position"]
        rows = (table.c["_site"] == self._database.site, table.c["_day"] == day, table.c["_recorder"] == recorder)
        query = select(position, *(table.c[column] for column in self.columns)).where(*rows).order_by(position)
        last, full = 0, True
        while full:
            with self._database.work() as connection:
                found = connection.execute(query.where(position > last).limit(_PAGE)).all()
            for last, *values in found:
                yield self._encoded(values, f"row {last} of {stem(self.shelf.name, *key)}")
            full = len(found) == _PAGE

    def _encoded(self, values: Sequence[str], where: str) -> Cells:
        cells = [*map(encode_cell, values[:-1]), values[-1]]
        # `is`: most cells are written as they are, and need not be read back to see that they would be the same
        other = [
            column
            for column, cell, value in zip(self.columns, cells, values, strict=True)
            if not (cell is value or decode_cell(cell) == value)
        ]
        if other or not _fits(values[-1]):
            raise StorageError(
                f"{where} holds in `{[*other, 'seal'][0]}` what no line of CSV can hold as it stands",
                hint="somebody wrote there without Muster: restore the row from a backup of the database",
            )
        return cells

    def append(self, day: date, rows: Sequence[tuple[str, Cells]]) -> None:
        """See `Chains.append`; a row whose identifier stands there already gets another key, so that it can stand there twice."""
        by_id = self.columns[0].endswith("_id")
        decoded = [[*map(decode_cell, cells[:-1]), cells[-1]] for _, cells in rows]
        ids = [values[0] if by_id and len(values[0]) <= _LONGEST_ID else "" for values in decoded]
        place = {"site": self._database.site, "log": self.shelf.name, "day": day}
        with self._database.work() as connection:
            taken, positions = {""}, dict[str, int]()
            for recorder in sorted({each for each, _ in rows}):
                own = [row_id for (each, _), row_id in zip(rows, ids, strict=True) if each == recorder]
                begun = connection.execute(BEGIN, place | {"recorder": recorder, "ids": own}).one()
                taken.update(begun.known)
                positions[recorder] = begun.rows
            keys: list[tuple[str, int, str]] = []
            for (recorder, _), row_id in zip(rows, ids, strict=True):
                positions[recorder] += 1
                keys.append((recorder, positions[recorder], uuid.uuid4().hex if row_id in taken else row_id))
                taken.add(row_id)
            names = ("_recorder", "_position", "_id", *self.columns)
            content = [dict(zip(names, (*key, *cells), strict=True)) for key, cells in zip(keys, decoded, strict=True)]
            # one statement for all, for after each the rows are counted; and one text, for arrays are slow to send
            added = (
                func.json_to_recordset(cast(literal(json.dumps(content, ensure_ascii=False), Text), JSON))
                .table_valued(*(column(name, Integer if name == "_position" else Text) for name in names), name="added")
                .render_derived(with_types=True)
            )
            place_of = (literal(self._database.site, Text), literal(day, Date))
            values = select(*place_of, *(added.c[name] for name in names))
            connection.execute(insert(self._table).from_select(["_site", "_day", *names], values))

    def _chain(self, key: Key) -> Mapping[str, object]:
        return {"site": self._database.site, "log": self.shelf.name, "day": key[0], "recorder": key[1]}

    def mark(self, key: Key) -> Mark | None:
        """See `Chains.mark`."""
        query = select(CHAINS.c.number, CHAINS.c.head, CHAINS.c.mac).filter_by(**self._chain(key))
        with self._database.work() as connection:
            found = connection.execute(query).one_or_none()
        return _mark("{} {} {}".format(*found)) if found else None

    def set_mark(self, key: Key, mark: Mark | None) -> None:
        """See `Chains.set_mark`."""
        values = {"mac": ""} if mark is None else dict(zip(("number", "head", "mac"), mark, strict=True))
        with self._database.work() as connection:
            connection.execute(BEGIN, {**self._chain(key), "ids": []})
            connection.execute(update(CHAINS).filter_by(**self._chain(key)).values(values))
