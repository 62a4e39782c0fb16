"""Rows as frozen values: a dataclass defines the row, and its texts are parsed once, at the edge.

One field is one column, in order. A field may be `str`, `int`, `float`, `bool`, `date`, an aware `datetime`, a `StrEnum`, a `Literal` of
texts, a tuple of texts or floats (joined by `;`, floats with four decimals), or any of these `| None`, which is an empty cell.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from math import isfinite
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from engine.errors import LockLost
from engine.storage.files import decode_cell, encode_cell, repeatable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from engine.storage.logs.days import DayLog, WholeLog

log = logging.getLogger(__name__)

T = TypeVar("T", bound="DataclassInstance")
R = TypeVar("R")
Cells = Mapping[str, str]


def split(text: str) -> tuple[str, ...]:
    """Split a cell into its texts."""
    return tuple(text.split(";")) if text else ()


def day_range(first: date, last: date) -> list[date]:
    """Return the days from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def joined(texts: Iterable[str]) -> str:
    """Join texts into one cell."""
    return ";".join(texts)


def _aware(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.utcoffset() is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return time


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


def _truth(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


_READERS: Mapping[object, Callable[[str], object]] = {
    str: str,
    int: int,
    float: _number,
    bool: _truth,
    date: date.fromisoformat,
    datetime: _aware,
}


def _reader(hint: Any) -> Callable[[str], Any]:
    """Return the function that parses the cells of a field."""
    if hint in _READERS:
        return _READERS[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        part = _reader(arguments[0])
        return lambda text: tuple(map(part, split(text)))
    if origin is Literal:
        return _one_of(arguments)
    if origin in {Union, UnionType} and NoneType in arguments:
        (inner,) = (each for each in arguments if each is not NoneType)
        read = _reader(inner)
        return lambda text: read(text) if text else None
    raise TypeError(f"a row cannot hold {hint}")


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return read


class RowType(Generic[T]):
    """Converts between values of a frozen dataclass and rows of texts.

    Args:
        kind: the dataclass.
        timespec: precision of written times, see `datetime.isoformat`.

    Raises:
        TypeError: a cell cannot hold the type of a field.
    """

    def __init__(self, kind: type[T], timespec: str = "milliseconds") -> None:
        hints = get_type_hints(kind)
        self.kind, self._timespec = kind, timespec
        self.columns = tuple(each.name for each in fields(kind))
        readers = ((place, _reader(hints[name])) for place, name in enumerate(self.columns))
        # few cells of a column differ, but for times
        self._readers = [
            (place, read if read is _aware else lru_cache(1 << 14)(read)) for place, read in readers if read is not str
        ]

    def parse(self, cells: Cells) -> T:
        """Parse a row of texts; missing columns count as empty.

        Raises:
            ValueError: a cell cannot be parsed.
        """
        get = cells.get
        values: list[Any] = [get(name, "") for name in self.columns]
        for place, read in self._readers:
            values[place] = read(values[place])
        return self.kind(*values)

    def parse_all(self, rows: Iterable[Cells], what: str) -> list[T]:
        """Parse rows; skip and log those that cannot be read, because the file was edited.

        Args:
            rows: as texts.
            what: names the rows in the log.
        """
        found = []
        for row in rows:
            try:
                found.append(self.parse(row))
            except ValueError as error:
                log.warning("skipped row %s of %s, which cannot be read: %s", row.get(self.columns[0]), what, error)
        return found

    def cells(self, row: T) -> dict[str, object]:
        """Return a value's cells by column."""
        return {name: self._cell(getattr(row, name)) for name in self.columns}

    def _cell(self, value: object) -> object:
        if isinstance(value, datetime):
            return value.isoformat(timespec=self._timespec)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, tuple):
            return joined(f"{each:.4f}" if isinstance(each, float) else each for each in value)
        return value

    def texts(self, row: T) -> dict[str, str]:
        """A value as its row reads in the file."""
        return {name: decode_cell(encode_cell(cell)) for name, cell in self.cells(row).items()}


@dataclass
class _Parsed(Generic[T]):
    """The rows of one day parsed so far; a log only grows."""

    last: Cells
    count: int
    rows: list[T]


_TRIES = 3
"""How often work is done whose lock is lost each time."""
_MOST_DAYS = 100
"""Rows of so many days are kept in memory."""


class TypedDayLog(Generic[T]):
    """A log with chains per day, as values."""

    def __init__(self, raw: DayLog, kind: RowType[T]) -> None:
        self.raw, self.kind = raw, kind
        self._known: dict[date, _Parsed[T]] = {}

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Hold the log's lock over a read and the append that depends on it."""
        return self.raw.exclusive()

    def repeated(self, work: Callable[[], R]) -> R:
        """Do a read and the append that depends on it within `exclusive()`; repeat both if the lock was lost in between.

        Raises:
            StorageError: nothing was written.
        """
        for _ in range(_TRIES - 1):
            with contextlib.suppress(LockLost), self.exclusive():
                return work()
        with self.exclusive():
            return work()

    def days(self) -> list[date]:
        """Days that have rows, oldest first."""
        return self.raw.days()

    def append(self, day: date, rows: Sequence[T]) -> None:
        """Append rows durably; call it within `exclusive()`.

        Raises:
            StorageError: nothing was written.
        """
        self.raw.append(day, [self.kind.cells(row) for row in rows])

    def by_day(self, days: Iterable[date]) -> dict[date, list[T]]:
        """Return the rows by day, without days that have none; do not modify the lists."""
        return {day: self._rows(day, raw) for day, raw in self.raw.by_day(days).items()}

    def on(self, days: Iterable[date]) -> list[T]:
        """Return the rows of these days, in this order."""
        return [row for rows in self.by_day(days).values() for row in rows]

    def read(self, first: date, last: date | None = None) -> list[T]:
        """Return the rows from `first` to `last` (inclusive; default: the same day), day by day."""
        return self.on(day_range(first, last or first))

    def about(self, key: str, first: date, last: date) -> list[T]:
        """Return the rows from `first` to `last` with a key in one of the `keys` columns."""
        return self.kind.parse_all(self.raw.shelf.about(key, day_range(first, last)), self.raw.name)

    def find(self, row_id: str) -> T | None:
        """Return the row of an identifier, or None."""
        return next(iter(self.kind.parse_all(self.raw.shelf.find(row_id), self.raw.name)), None)

    def standing(self, day: date, column: str, identifier: str) -> T | None:
        """Return the row that an interrupted earlier run wrote under a repeatable id, or None."""
        rows = self.raw.read(day) if repeatable() else []
        raw = [row for row in rows if row[column] == identifier][:1]
        return next(iter(self.kind.parse_all(raw, self.raw.name)), None)

    def _rows(self, day: date, raw: Sequence[Cells]) -> list[T]:
        known = self._known.pop(day, None)
        if known is None or known.count > len(raw) or known.last is not raw[known.count - 1]:
            known = _Parsed(raw[-1], 0, [])
        if known.count < len(raw):
            fresh = self.kind.parse_all(raw[known.count :], f"{self.raw.name} of {day}")
            known = _Parsed(raw[-1], len(raw), [*known.rows, *fresh])
        self._known[day] = known
        for old in list(self._known)[:-_MOST_DAYS]:
            self._known.pop(old, None)
        return known.rows


class TypedLog(Generic[T]):
    """A log that is not divided into days, as values."""

    def __init__(self, raw: WholeLog, kind: RowType[T]) -> None:
        self.raw, self.kind = raw, kind

    def append(self, rows: Sequence[T]) -> None:
        """Append rows durably; call it within `raw.exclusive()`.

        Raises:
            StorageError: nothing was written.
        """
        self.raw.append([self.kind.cells(row) for row in rows])

    def read(self) -> list[T]:
        """Return all rows."""
        return self.kind.parse_all(self.raw.read(), self.raw.shelf.name)
