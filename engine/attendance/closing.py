"""Closed months: their day sheets are sealed, and every reader gets the sealed figures until somebody reopens the month.

Two append-only logs hold them. `closings` says who closed or reopened which days, when and why, with the SHA-256 of the sheet.
`closed_days` holds the sheet itself, a row per person and day, in the file of that day. Rows carry ids and no names, as all logs do,
so that a person can be forgotten: their id may become a pseudonym, and seals and hash stay valid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from engine.attendance.day import DaySheet, days_from_json, days_to_json
from engine.errors import InputError
from engine.storage import clean_text, csv_line, new_id
from engine.storage.logs import Logs
from engine.storage.logs.rows import RowType, TypedDayLog, day_range
from engine.types import NOBODY, Person


@dataclass(frozen=True)
class Closing:
    """One row of the log of closings.

    Attributes:
        timestamp: when it was made, timezone-aware.
        first, last: the days that it is about, both included.
        rows: number of rows of the sealed sheet; None when reopened.
        sha256: of the sealed sheet, see `ClosedBook.digest`; empty when reopened.
        unsettled: days that were open when somebody closed the month nevertheless; None when reopened.
        refers_to: of a `reopen` row: the closing that it ends.
    """

    closing_id: str
    timestamp: datetime
    action: Literal["close", "reopen"]
    first: date
    last: date
    rows: int | None = None
    sha256: str = ""
    unsettled: int | None = None
    refers_to: str = ""
    author: str = ""
    reason: str = ""

    def holds(self, day: date) -> bool:
        """Return whether a day is among its days."""
        return self.first <= day <= self.last


@dataclass(frozen=True)
class ClosedDay:
    """One row of a sealed sheet; `sheet`: what it says besides the other columns, as JSON without names."""

    row_id: str
    closing_id: str
    day: date
    employee_id: str
    corrected_by: tuple[str, ...]
    approved_by: str
    sheet: str


CLOSING, CLOSED_DAY = RowType(Closing), RowType(ClosedDay)
_BETWEEN = "; "


class ClosedBook:
    """The logs of closings and of sealed sheets."""

    def __init__(self, logs: Logs, zone: ZoneInfo) -> None:
        self._zone = zone
        self.log = TypedDayLog(logs.daily("closings", CLOSING.columns, ("author",)), CLOSING)
        people = ("employee_id", "corrected_by", "approved_by")
        self.days = TypedDayLog(logs.daily("closed_days", CLOSED_DAY.columns, people, ("employee_id",)), CLOSED_DAY)
        self._held: dict[date, tuple[list[ClosedDay], str, list[DaySheet]]] = {}

    def history(self) -> list[Closing]:
        """Return every closing and reopening, oldest first.

        Raises:
            StorageError: the log cannot be read.
        """
        return self.log.on(self.log.days())

    def in_force(self) -> list[Closing]:
        """Return the closings that nobody has reopened, by their first day."""
        rows = self.history()
        ended = {row.refers_to for row in rows if row.action == "reopen"}
        held = [row for row in rows if row.action == "close" and row.closing_id not in ended]
        return sorted(held, key=lambda row: row.first)

    def about(self, first: date, last: date) -> list[Closing]:
        """Return the closings in force that share a day with a range."""
        return [row for row in self.in_force() if row.first <= last and row.last >= first]

    def sheets(self, days: Sequence[date], people: Mapping[str, Person]) -> dict[date, list[DaySheet]]:
        """Return the sealed sheets of those days that are closed, with the names that people have now.

        A closed day whose rows retention has erased has none.
        """
        held = self.about(days[0], days[-1]) if days else []
        closed = {day: row.closing_id for row in held for day in days if row.holds(day)}
        rows = self.days.by_day(closed)
        return {
            day: [
                replace(row, name=people.get(row.employee_id, NOBODY).name)
                for row in self._parsed(day, closing_id, rows.get(day, []))
            ]
            for day, closing_id in closed.items()
        }

    def _parsed(self, day: date, closing_id: str, rows: list[ClosedDay]) -> list[DaySheet]:
        known = self._held.get(day)
        if known is None or known[0] is not rows or known[1] != closing_id:
            known = self._held[day] = rows, closing_id, _unsealed(row for row in rows if row.closing_id == closing_id)
        return known[2]

    def rows_of(self, closing: Closing) -> list[ClosedDay]:
        """Return the rows of a closing's sealed sheet, as far as retention keeps them."""
        rows = self.days.read(closing.first, closing.last)
        return [row for row in rows if row.closing_id == closing.closing_id]

    def digest(self, rows: Iterable[ClosedDay]) -> str:
        """Return the SHA-256 of a sealed sheet: of its rows in order as CSV, with pseudonyms in place of ids."""
        pseudonym, content = cache(self.days.raw.sealer.pseudonym), hashlib.sha256()
        for row in rows:
            by = ";".join(map(pseudonym, row.corrected_by))
            told = (row.day.isoformat(), pseudonym(row.employee_id), by, pseudonym(row.approved_by), row.sheet)
            content.update(csv_line(told).encode("utf-8", "replace"))
        return content.hexdigest()

    def close(self, wanted: Closing, sheet: Sequence[DaySheet]) -> Closing:
        """Seal the sheet of some days.

        Args:
            wanted: days, author and reason; `timestamp` is the present.
            sheet: the rows of all its days.

        Returns:
            The row that was written durably, after the sheet.

        Raises:
            InputError: some of the days are closed.
            StorageError: the sheet could not be written; the days stay open.
        """
        closing_id = new_id(wanted.timestamp.astimezone(self._zone))
        rows = [_sealed(f"{closing_id}-{number}", closing_id, row) for number, row in enumerate(sheet, 1)]
        with self.log.exclusive():
            if before := self.about(wanted.first, wanted.last):
                one = before[0]
                raise InputError(f"{one.first} to {one.last} is closed already", hint="reopen it first")
            for day in day_range(wanted.first, wanted.last):
                if own := [row for row in rows if row.day == day]:
                    with self.days.exclusive():
                        self.days.append(day, own)
            made = replace(wanted, closing_id=closing_id, rows=len(rows), sha256=self.digest(rows))
            return self._written(made)

    def reopen(self, wanted: Closing) -> Closing:
        """End the closing that `refers_to` names; its sealed sheet stays in the log.

        Raises:
            InputError: it is not in force.
            StorageError: the row could not be written.
        """
        with self.log.exclusive():
            if wanted.refers_to not in {row.closing_id for row in self.in_force()}:
                raise InputError(f"{wanted.first} to {wanted.last} is open already", hint="nothing needs to be done")
            return self._written(replace(wanted, closing_id=new_id(wanted.timestamp.astimezone(self._zone))))

    def _written(self, row: Closing) -> Closing:
        made = replace(
            row,
            timestamp=row.timestamp.astimezone(self._zone),
            author=clean_text(row.author, what="author", limit=100),
            reason=clean_text(row.reason, what="reason", limit=500) if row.reason or row.action == "reopen" else "",
        )
        self.log.append(made.timestamp.date(), [made])
        return made


def _sealed(row_id: str, closing_id: str, row: DaySheet) -> ClosedDay:
    bare = replace(row, employee_id="", name="", corrected_by="", approved_by="")
    by = tuple(filter(None, row.corrected_by.split(_BETWEEN)))
    content = days_to_json([bare], whole=False).decode()
    return ClosedDay(row_id, closing_id, row.day, row.employee_id, by, row.approved_by, content[1:-1])


def _unsealed(rows: Iterable[ClosedDay]) -> list[DaySheet]:
    rows = list(rows)
    bare = days_from_json(f"[{','.join(row.sheet for row in rows)}]".encode())
    return [
        replace(
            sheet,
            employee_id=row.employee_id,
            corrected_by=_BETWEEN.join(row.corrected_by),
            approved_by=row.approved_by,
        )
        for row, sheet in zip(rows, bare, strict=True)
    ]
