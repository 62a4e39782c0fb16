"""The time account: `time_account.csv` holds opening balances, and what was paid out or corrected; days add their balance."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Literal

from engine.storage import Document, document, table_rows, table_text
from engine.storage.logs.rows import RowType


@dataclass(frozen=True)
class AccountEntry:
    """An entry of somebody's time account.

    Attributes:
        day: an opening balance is what the account had before this day; a change counts on this day.
        hours: of a change, what it adds; negative for hours that are paid out.
        source: who or what said so.
        noted_at: ISO 8601.
    """

    entry_id: str
    employee_id: str
    day: date
    kind: Literal["opening", "change"]
    hours: float
    reason: str = ""
    source: str = ""
    noted_at: str = ""

    def __str__(self) -> str:
        """Day, kind and hours for the logs: `change 2026-11-30 -10.00 h`."""
        return f"{self.kind} {self.day} {self.hours:+.2f} h"


_ENTRY = RowType(AccountEntry)


class TimeAccountBook:
    """`time_account.csv`, or its counterpart in a database; people may edit it by hand."""

    def __init__(self, place: Path | Document) -> None:
        self.document = document(place)

    def all(self) -> list[AccountEntry]:
        """Return all entries by day; an invalid line is skipped and logged.

        Raises:
            StorageError: the file cannot be read.
        """
        rows = _ENTRY.parse_all(self._lines(), self.document.title)
        return sorted(rows, key=lambda row: (row.day, row.kind != "opening", row.entry_id))

    def of(self, employee_id: str) -> list[AccountEntry]:
        """Return the entries of a person by day."""
        return [row for row in self.all() if row.employee_id == employee_id]

    def put(self, entries: Iterable[AccountEntry]) -> None:
        """Add entries; one with the id of an entry that is there replaces it."""
        wanted = {row.entry_id: row for row in entries}
        with self.document.exclusive():
            kept = [line for line in self._lines() if line.get("entry_id") not in wanted]
            self._write([*kept, *map(_ENTRY.cells, wanted.values())])

    def take_out(self, entry_id: str) -> None:
        """Remove an entry."""
        self._remove("entry_id", entry_id)

    def remove(self, employee_id: str) -> int:
        """Remove all entries of a person; return how many lines that were."""
        return self._remove("employee_id", employee_id)

    def _remove(self, column: str, value: str) -> int:
        with self.document.exclusive():
            lines = self._lines()
            kept = [line for line in lines if line.get(column) != value]
            if len(kept) < len(lines):
                self._write(kept)
        return len(lines) - len(kept)

    def _lines(self) -> list[dict[str, str]]:
        return table_rows(self.document.read() or b"", self.document.title, by_hand=True)

    def _write(self, lines: Iterable[Mapping[str, object]]) -> None:
        self.document.write(table_text(_ENTRY.columns, lines).encode("utf-8", "replace"))


class TimeAccounts:
    """What the accounts of people come to.

    Args:
        days: employee id, day and balance (hours worked and credited, less the planned ones) from the first opening balance on.

    Attributes:
        until: the last day that is known.
    """

    def __init__(self, entries: Iterable[AccountEntry], days: Iterable[tuple[str, date, float]], until: date) -> None:
        self.until = until
        self._openings: dict[str, list[AccountEntry]] = {}
        moved: dict[str, list[tuple[date, float]]] = {}
        for row in entries:
            if row.kind == "opening":
                self._openings.setdefault(row.employee_id, []).append(row)
            else:
                moved.setdefault(row.employee_id, []).append((row.day, row.hours))
        for employee_id, day, balance in days:
            moved.setdefault(employee_id, []).append((day, balance))
        self._sums: dict[str, tuple[list[date], list[float]]] = {}
        for employee_id, own in moved.items():
            own.sort()
            self._sums[employee_id] = [day for day, _ in own], list(accumulate(value for _, value in own))

    def at(self, employee_id: str, day: date) -> float | None:
        """Return the hours of an account at the end of a day; None: it has no opening balance by then."""
        opening = max(
            (row for row in self._openings.get(employee_id, ()) if row.day <= day),
            key=lambda row: row.day,
            default=None,
        )
        if opening is None:
            return None
        days, sums = self._sums.get(employee_id, ([], []))

        def before(place: int) -> float:
            return sums[place - 1] if place else 0.0

        since = before(bisect_right(days, day)) - before(bisect_left(days, opening.day))
        return round(opening.hours + since, 2)
