"""Who works here: `people.csv`, the only place that stores names. Logs carry ids only."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from engine.config.ids import nobody_has
from engine.errors import InputError, StorageError, Unreachable
from engine.people.basis import WITHDRAWN, basis_of
from engine.people.employment import NO_CAREER, UNDATED, Career, Dating, EmploymentBook, moved
from engine.storage import FileDocument, clean_text, table_rows, table_text
from engine.types import Person, same_department
from engine.words import phrase

__all__ = [
    "PEOPLE_COLUMNS",
    "PeopleKeep",
    "PeopleStore",
    "Person",
    "clean_department",
    "clean_email",
    "clean_id",
    "clean_name",
]

PEOPLE_COLUMNS = ("employee_id", "name", "department", "email", "enrolled_at", "consent_at", "active")
ID_LIMIT = 64
NAME_LIMIT = 200
_EMAIL = re.compile(r"[^@\s,;<>\"()]+@[^@\s,;<>\"()]+\.[^@\s,;<>\"().]{2,}")


def clean_id(text: str) -> str:
    """Return an employee id as stored: one printable line of at most 64 characters, without `;` (which separates ids in logs).

    Raises:
        InputError: it cannot be one.
    """
    value = clean_text(text, what=phrase("employee id"), limit=ID_LIMIT)
    if ";" in value:
        raise InputError(
            phrase("the employee id {text!r} contains a semicolon", text=value),
            hint=phrase("use letters, digits, dots or dashes"),
        )
    if value.startswith("unknown-"):
        raise InputError(
            phrase("the employee id {text!r} is reserved for strangers", text=value), hint=phrase("choose another id")
        )
    return value


def clean_name(text: str) -> str:
    """Return a person's name as stored: one printable line of at most 200 characters.

    Raises:
        InputError: it cannot be one.
    """
    return clean_text(text, what=phrase("name"), limit=NAME_LIMIT)


def clean_email(text: str) -> str:
    """Return an e-mail address as stored; empty stays empty.

    Raises:
        InputError: the text is not an address.
    """
    email = clean_text(text, what=phrase("email"), limit=254) if text.strip() else ""
    if email and not _EMAIL.fullmatch(email):
        raise InputError(phrase("{text} is not an e-mail address: write it as ann@example.org", text=email))
    return email


def clean_department(text: str) -> str:
    """Return a department as stored; empty stays empty.

    Raises:
        InputError: the text is not one printable line of at most 200 characters.
    """
    return clean_text(text, what=phrase("department"), limit=NAME_LIMIT) if text.strip() else ""


class PeopleKeep(Protocol):
    """Where the rows of people are stored."""

    def stamp(self) -> object:
        """Return a stamp that differs after every change of the rows."""

    def load(self) -> dict[str, Person]:
        """Return everybody by id, in the order in which they were added.

        Raises:
            StorageError: the rows cannot be read.
        """

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the lock over a read and the write that depends on it."""

    def save(self, before: Mapping[str, Person], after: Mapping[str, Person]) -> None:
        """Replace the loaded rows; call it within `exclusive()`."""


class PeopleFile(FileDocument):
    """`people.csv`."""

    def load(self) -> dict[str, Person]:
        """See `PeopleKeep.load`; people may have edited the file by hand.

        Raises:
            StorageError: the file cannot be read or lacks a column.
        """
        people: dict[str, Person] = {}
        for row in table_rows(self.read() or b"", self.title, by_hand=True):
            if "employee_id" not in row or "name" not in row:
                raise StorageError(
                    f"{self.path} lacks the column employee_id or name",
                    hint=f"it must begin {','.join(PEOPLE_COLUMNS)}",
                )
            values = {column: row.get(column, "") for column in PEOPLE_COLUMNS if column != "active"}
            active = row.get("active", "").strip().lower() not in {"no", "false", "0"}
            people[row["employee_id"]] = Person(**values, active=active)
        return people

    def save(self, before: Mapping[str, Person], after: Mapping[str, Person]) -> None:
        """Replace the file."""
        del before
        self.write(self.content(after))

    @staticmethod
    def content(people: Mapping[str, Person]) -> bytes:
        """Return the bytes of a file with these people."""
        return table_text(PEOPLE_COLUMNS, map(dataclasses.asdict, people.values())).encode("utf-8", "replace")


class PeopleStore:
    """Who works here: `people.csv`, or its counterpart in a database; several processes read and change it.

    Args:
        employment: where changes of department and of `active` are dated; default: `employment.csv` beside the file.
        today: the workplace's day, from which on a change holds that has no date.
        passing: told of the ids of people who come or go, so that nobody inherits what belonged to somebody else of the same id.
    """

    def __init__(
        self,
        place: Path | PeopleKeep,
        employment: EmploymentBook | None = None,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
        passing: Callable[[Collection[str]], object] = lambda _ids: None,
    ) -> None:
        self.keep = PeopleFile(place) if isinstance(place, Path) else place
        if employment is None and isinstance(place, Path):
            employment = EmploymentBook(place.with_name("employment.csv"))
        self.employment, self.today, self._passing = employment, today, passing
        self._known: tuple[object, Mapping[str, Person]] | None = None

    def all(self) -> dict[str, Person]:
        """Return everybody by id, in the order in which they were added.

        Raises:
            StorageError: the rows cannot be read.
        """
        return self.keep.load()

    def known(self) -> Mapping[str, Person]:
        """The same for frequent use: rows are read again only after a change, and kept while the database cannot be reached.

        Raises:
            StorageError: the rows cannot be read, and never were.
        """
        if self.employment is not None:
            self.employment.refresh()
        stamp = self.stamp()
        if self._known is None or self._known[0] != stamp:
            try:
                self._known = stamp, self.all()
            except Unreachable:
                if self._known is None:
                    raise  # else the rows read last count: a camera must not stop for that
        return self._known[1]

    def unknown_departments(self, names: Iterable[str]) -> list[str]:
        """Return those names of departments in which nobody is or was, because they may be misspelt."""
        careers = self.dated().all().values()
        known = {same_department(row.department) for row in self.known().values()}
        known |= {same_department(row.value) for career in careers for row in career.rows if row.fact == "department"}
        return [name for name in names if same_department(name) not in known]

    def dated(self) -> EmploymentBook:
        """The book in which changes are dated.

        Raises:
            StorageError: this store has none.
        """
        if self.employment is None:
            raise StorageError("changes of people have no dates here", hint="open the workspace itself")
        return self.employment

    def inactive(self) -> frozenset[str]:
        """Ids of people who are not recognised: their row says `active` = `no`, or they withdrew their consent.

        Raises:
            StorageError: the rows cannot be read, and never were.
        """
        return frozenset(
            key for key, person in self.known().items() if not person.active or basis_of(person) == WITHDRAWN
        )

    def stamp(self) -> object:
        """Return a stamp that differs after every change of the rows."""
        return self.keep.stamp()

    def names(self) -> dict[str, str]:
        """Names by id, see `known`."""
        return {key: person.name for key, person in self.known().items()}

    def _change(
        self, change: Callable[[dict[str, Person]], object], dating: Callable[[str], Dating] = lambda _: UNDATED
    ) -> dict[str, Person]:
        with self.keep.exclusive():
            before = self.keep.load()
            after = dict(before)
            change(after)
            if passing := before.keys() ^ after.keys():
                self._passing(passing)
            self._date(before, after, dating)
            self.keep.save(before, after)
        return after

    def _date(self, before: Mapping[str, Person], after: dict[str, Person], dating: Callable[[str], Dating]) -> None:
        """Date what changed, and leave in the rows what holds today."""
        book, today = self.employment, self.today()
        changed = [key for key, row in after.items() if before.get(key) != row or dating(key) is not UNDATED]
        gone = before.keys() - after.keys()
        if book is None or not (changed or gone):
            return

        def moves(careers: Mapping[str, Career]) -> dict[str, Career]:
            made = {}
            for key in changed:
                career = careers.get(key, NO_CAREER)
                made[key] = moved(career, before.get(key), after[key], dating(key), today)
                if made[key] is not career:
                    after[key] = after[key].at(made[key].on(today))
            return made | dict.fromkeys(gone, NO_CAREER)

        book.update(moves)

    def take_effect(self) -> list[str]:
        """Bring rows up to date whose change was dated ahead, and date today what was changed in the file by hand.

        Returns:
            Ids of the people concerned.

        Raises:
            StorageError: the rows cannot be read or written.
        """
        if self.employment is None:
            return []
        self.employment.refresh()
        today, concerned = self.today(), []
        with self.keep.exclusive():
            before = self.keep.load()
            after = dict(before)
            by_hand: dict[str, tuple[Person, Person]] = {}
            for key, row in before.items():
                career = self.employment.of(key)
                now = row.at(career.on(today))
                if now == row:
                    continue
                concerned.append(key)
                if any(row.at(career.on(day - timedelta(days=1))) == row for day in career.due(today)):
                    after[key] = now
                else:
                    by_hand[key] = now, row
            if by_hand:
                self.employment.update(
                    lambda careers: {
                        key: moved(careers.get(key, NO_CAREER), was, row, Dating(source="people.csv"), today)
                        for key, (was, row) in by_hand.items()
                    }
                )
            if after != before:
                self.keep.save(before, after)
        return concerned

    def put(self, person: Person) -> None:
        """Add a person, or replace their row."""
        self.put_all([person])

    def add(self, person: Person) -> None:
        """Add a new person.

        Raises:
            InputError: the id is taken.
        """

        def added(people: dict[str, Person]) -> None:
            if person.employee_id in people:
                raise InputError(f"the id {person.employee_id} is taken", hint="choose another one")
            people[person.employee_id] = person

        self._change(added)

    def put_all(self, added: Iterable[Person], datings: Mapping[str, Dating] | None = None) -> None:
        """Add people, or replace their rows, in one write.

        Args:
            datings: from when on what changed holds, by id; default: from today on.

        Raises:
            InputError: dates contradict each other; nothing was written.
        """
        rows = {person.employee_id: person for person in added}
        dated = datings or {}
        self._change(lambda people: people.update(rows), lambda key: dated.get(key, UNDATED))

    def change(self, employee_id: str, dating: Dating = UNDATED, **changes: Any) -> tuple[Person, Person]:
        """Change fields of a person's row; leave the fields that another process changed meanwhile.

        Args:
            dating: from when on the department and `active` hold, and what else is dated.
            changes: validated fields of `Person`.

        Returns:
            The row before and after.

        Raises:
            InputError: nobody has that id, another person has the e-mail address, or dates contradict each other.
        """
        found: list[Person] = []

        def changed(people: dict[str, Person]) -> None:
            if employee_id not in people:
                raise nobody_has(employee_id, people)
            after = dataclasses.replace(people[employee_id], **changes)
            email = after.email.casefold()
            others = (key for key, each in people.items() if key != employee_id and each.email.casefold() == email)
            if changes.get("email") and (other := next(others, None)) is not None:
                raise InputError(f"{after.email} belongs to {other}", hint="give another address")
            found.append(people[employee_id])
            people[employee_id] = after

        people = self._change(changed, lambda key: dating if key == employee_id else UNDATED)
        return found[0], people[employee_id]

    def remove(self, employee_id: str) -> None:
        """Remove a person's row, if there is one."""
        self._change(lambda people: people.pop(employee_id, None))
