"""Employment over time: `employment.csv` says from which day on a person is employed, in which department, on which shift.

`people.csv` says what holds now. What was never dated holds since ever, so a workspace without this file means what it always meant.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from engine.errors import InputError, Unreachable
from engine.storage import Document, document, table_rows, table_text
from engine.storage.logs.rows import RowType
from engine.types import NOTHING_DATED, Person, Position
from engine.words import phrase

Fact = Literal["department", "shift", "employed"]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class EmploymentRow:
    """One fact that holds from a day on, until the next row about the same fact.

    Attributes:
        valid_from: None: before all that is dated.
        value: the department, the name of a shift or a rota (empty: as the settings say), or `yes` or `no`.
        noted_on: the day on which that was written down.
        source: who or what said so.
    """

    employee_id: str
    valid_from: date | None
    fact: Fact
    value: str
    noted_on: date | None = None
    source: str = ""


@dataclass(frozen=True)
class Noted:
    """Whom new rows are about, when they were written down, and who or what said so."""

    employee_id: str
    on: date
    source: str

    def row(self, valid_from: date | None, fact: Fact, value: str) -> EmploymentRow:
        """A new row."""
        return EmploymentRow(self.employee_id, valid_from, fact, value, self.on, self.source)


@dataclass(frozen=True)
class Dating:
    """When a change takes effect, as a form, a command or a list says it.

    Attributes:
        valid_from: first day of a new department, shift or state; None: today.
        hired_on, left_on: first and last day of the employment; None: not said; `date.min` and `date.max`: not dated any more.
        shift: to assign; empty: none any more; None: as before.
        source: who or what says so.
    """

    valid_from: date | None = None
    hired_on: date | None = None
    left_on: date | None = None
    shift: str | None = None
    source: str = ""


UNDATED = Dating()


@dataclass(frozen=True)
class Employed:
    """A time of employment, both days included; None: not dated, and still going on."""

    first: date | None
    last: date | None


_EMPLOYMENT = RowType(EmploymentRow)


def _order(row: EmploymentRow) -> tuple[str, date]:
    return row.fact, row.valid_from or date.min


class Career:
    """The dated facts about one person, by fact and in order of time."""

    def __init__(self, rows: Iterable[EmploymentRow]) -> None:
        self._rows: dict[Fact, list[EmploymentRow]] = {}
        self._on: dict[date, Position] = {}
        for row in sorted(rows, key=_order):
            self._rows.setdefault(row.fact, []).append(row)

    @property
    def rows(self) -> list[EmploymentRow]:
        """All rows that say something new."""
        return [row for rows in self._rows.values() for row in rows]

    def value(self, fact: Fact, day: date) -> str | None:
        """What holds on a day; None: nothing is dated."""
        rows = self._rows.get(fact)
        if not rows:
            return None
        held = [row for row in rows if row.valid_from is None or row.valid_from <= day]
        if held:
            return held[-1].value
        # a file written by hand may not say what held before
        return ("no" if rows[0].value == "yes" else "yes") if fact == "employed" else None

    def times(self) -> list[Employed]:
        """The times of employment, oldest first; none: nothing is dated."""
        found: list[Employed] = []
        rows = self._rows.get("employed", [])
        if rows and rows[0].value == "no" and rows[0].valid_from is not None:
            found.append(Employed(None, None))
        for row in rows:
            last = found[-1] if found else None
            if row.value == "yes" and (last is None or last.last is not None):
                found.append(Employed(row.valid_from, None))
            elif row.value == "no" and row.valid_from is not None and last is not None and last.last is None:
                found[-1] = replace(last, last=row.valid_from - _DAY)
        return found

    def on(self, day: date) -> Position:
        """What is dated for a day."""
        if (known := self._on.get(day)) is not None:
            return known
        employed = self.value("employed", day)
        since = next((each.first for each in reversed(self.times()) if each.first and each.first <= day), None)
        self._on[day] = found = Position(
            self.value("department", day),
            self.value("shift", day) or "",
            None if employed is None else employed == "yes",
            since if employed == "yes" else None,
        )
        return found

    def due(self, today: date) -> list[date]:
        """The days until today from which on something holds that was written down before that day."""
        dated = ((row.valid_from, row.noted_on) for row in self.rows)
        return sorted({day for day, noted in dated if day and noted and noted < day <= today})

    def dated(self, fact: Fact, value: str, since: date, *, before: str, noted: Noted) -> Career:
        """The same with a value that holds from a day on, and now, if that day is over; it may have begun earlier or later so far.

        Args:
            before: what holds now, in case nothing is dated.
        """
        if any(row.valid_from == since and row.value == value for row in self._rows.get(fact, ())):
            return self
        if fact not in self._rows and value == before:
            return self  # it holds since ever
        rows = list(self._rows.get(fact, ())) or [noted.row(None, fact, before)]
        held = [row for row in rows if row.valid_from is None or row.valid_from <= since]
        if held and held[-1].value == value and held[-1].valid_from is not None:
            rows.remove(held[-1])
        # what is said to hold now replaces what was noted for the time between; what is dated ahead stays
        rows = [row for row in rows if row.valid_from is None or not since <= row.valid_from <= max(since, noted.on)]
        return self._with(fact, [*rows, noted.row(since, fact, value)])

    def assigned(self, shift: str, first: date, last: date | None, noted: Noted) -> Career:
        """The same with a shift from a day on: until `last`, after which what was assigned holds again, or for good."""
        own = self._rows.get("shift", [])
        rows = [row for row in own if row.valid_from is None or row.valid_from < first] or [
            noted.row(None, "shift", "")
        ]
        rows.append(
            next(
                (row for row in own if (row.valid_from, row.value) == (first, shift)), noted.row(first, "shift", shift)
            )
        )
        if last is not None:
            again = last + _DAY
            rows += [noted.row(again, "shift", self.value("shift", again) or "")]
            rows += [row for row in own if row.valid_from is not None and row.valid_from > again]
        return self._with("shift", rows)

    def hired(self, first: date, noted: Noted) -> Career:
        """The same with the latest employment beginning on a day, or a new one if the day lies after its end.

        Args:
            first: `date.min` takes back what was dated.
        """
        times = self.times() or [Employed(None, None)]
        ended = times[-1].last
        if ended is None or first <= ended:
            first_known = Employed(first if first > date.min else None, ended)
            times = [each for each in times[:-1] if each.last is not None and each.last < first]
        else:
            first_known = Employed(first, None)
        return self._employed([*times, first_known], noted)

    def left(self, last: date, noted: Noted) -> Career:
        """The same with the latest employment ending on a day.

        Args:
            last: `date.max` takes back that it ends.

        Raises:
            InputError: it begins after that day.
        """
        times = self.times() or [Employed(None, None)]
        first = times[-1].first
        if first is not None and last < first - _DAY:
            raise InputError(
                phrase("{last} is before {first}, the first day", last=last, first=first),
                hint=phrase("give the first day of this employment, too"),
            )
        return self._employed([*times[:-1], Employed(first, last if last < date.max else None)], noted)

    def _employed(self, times: Sequence[Employed], noted: Noted) -> Career:
        first = "yes" if times[0].first is None else "no"
        rows = [noted.row(None, "employed", first)]
        for each in times:
            rows += [noted.row(each.first, "employed", "yes")] if each.first else []
            rows += [noted.row(each.last + _DAY, "employed", "no")] if each.last else []
        known = {(row.valid_from, row.value): row for row in self._rows.get("employed", ())}
        return self._with("employed", [known.get((row.valid_from, row.value), row) for row in rows])

    def _with(self, fact: Fact, rows: Iterable[EmploymentRow]) -> Career:
        kept: list[EmploymentRow] = []
        for row in sorted(rows, key=_order):
            if not kept or kept[-1].value != row.value:
                kept.append(row)
        return Career([*(row for row in self.rows if row.fact != fact), *kept])


NO_CAREER = Career(())


def moved(career: Career, before: Person | None, after: Person, dating: Dating, today: date) -> Career:
    """The dated facts after a change of a person's row.

    Args:
        before: the row until now; None: the person is new, so that their department holds since ever.
        after: the row that holds from `dating.valid_from` on.

    Raises:
        InputError: the dates contradict each other.
    """
    noted = Noted(after.employee_id, today, dating.source)
    since = dating.valid_from or today
    moves = before is not None and before.department != after.department
    # a day alone corrects from when on the department holds; with another change it is the day of that change
    dated = dating.valid_from and dating.shift is None and (before is None or before.active == after.active)
    if moves or dated:
        was = after.department if before is None else before.department
        career = career.dated("department", after.department, since, before=was, noted=noted)
    if dating.shift is not None:
        career = career.assigned(dating.shift, since, None, noted)
    if dating.hired_on or dating.left_on:
        return _employed(career, dating.hired_on, dating.left_on, noted)
    if before is not None and before.active != after.active and career.on(since).employed is not after.active:
        return career.hired(since, noted) if after.active else career.left(since - _DAY, noted)
    return career


def _employed(career: Career, hired_on: date | None, left_on: date | None, noted: Noted) -> Career:
    again = hired_on is not None and left_on is not None and left_on < hired_on  # left, and came back
    if left_on is not None and again and all(each.last != left_on for each in career.times()):  # not read before
        career = career.left(left_on, noted)
    if hired_on is not None:
        career = career.hired(hired_on, noted)
    if left_on is not None and not again:
        career = career.left(left_on, noted)
    return career


class EmploymentBook:
    """`employment.csv`, or its counterpart in a database; people may edit it by hand.

    `PeopleStore` writes to it whenever a department or `active` changes, and reads it again together with the people.
    """

    def __init__(self, place: Path | Document) -> None:
        self.document = document(place)
        self._stamp: object = None
        self._careers: Mapping[str, Career] = {}
        self.rules = ""
        """A text that differs after every change, as read last."""

    def all(self) -> dict[str, Career]:
        """The dated facts by person; an invalid row is skipped and logged.

        Raises:
            StorageError: the file cannot be read.
        """
        return _careers(self.document.read(), self.document.title)

    def refresh(self) -> None:
        """Read the rows again if they changed; what was read last counts while the database cannot be reached.

        Raises:
            StorageError: the file cannot be read.
        """
        with contextlib.suppress(Unreachable):
            stamp = self.document.stamp()
            if stamp != self._stamp:
                content = self.document.read()
                self._careers = _careers(content, self.document.title)
                self.rules = hashlib.sha256(content or b"").hexdigest() if self._careers else ""
                self._stamp = stamp

    def of(self, employee_id: str) -> Career:
        """The dated facts about a person, as read last."""
        return self._careers.get(employee_id, NO_CAREER)

    def on(self, employee_id: str, day: date) -> Position:
        """What is dated of a person's work on a day, as read last."""
        career = self._careers.get(employee_id)
        return NOTHING_DATED if career is None else career.on(day)

    def update(self, change: Callable[[Mapping[str, Career]], Mapping[str, Career]]) -> None:
        """Replace the facts about some people.

        Args:
            change: gets everybody's facts, returns those to replace.
        """
        with self.document.exclusive():
            before = self.all()
            after = {**before, **change(before)}
            rows, wanted = ([row for career in each.values() for row in career.rows] for each in (before, after))
            if rows != wanted:
                self.document.write(table_text(_EMPLOYMENT.columns, map(_EMPLOYMENT.cells, wanted)).encode())
        self.refresh()

    def remove(self, employee_id: str) -> int:
        """Remove what is dated of a person; return how many rows that were."""
        removed: list[EmploymentRow] = []

        def without(careers: Mapping[str, Career]) -> Mapping[str, Career]:
            removed.extend(careers.get(employee_id, NO_CAREER).rows)
            return {employee_id: NO_CAREER}

        self.update(without)
        return len(removed)


def _careers(content: bytes | None, title: str) -> dict[str, Career]:
    by_person: dict[str, list[EmploymentRow]] = {}
    for row in _EMPLOYMENT.parse_all(table_rows(content or b"", title, by_hand=True), title):
        by_person.setdefault(row.employee_id, []).append(row)
    return {key: Career(own) for key, own in by_person.items()}
