"""Find the person whom an entry of a leave list or a calendar names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from engine.config.ids import StaffIds
from engine.people.store import Person
from engine.people.tables import TableRow, plain
from engine.words import N_, Phrase, phrase

_NOBODY_HAS = {
    "email": N_("nobody has the e-mail address {text!r}: correct it, or import the staff list first"),
    "name": N_("nobody has the name {text!r}: correct it, or import the staff list first"),
    "last_name": N_("nobody has the name {text!r}: correct it, or import the staff list first"),
}


class RowRefused(Exception):
    """An entry cannot be used; `field`: the one at fault, may be empty; `level`: `error` if a person should look at it."""

    def __init__(self, reason: Phrase, field: str = "", level: Literal["error", "warning"] = "error") -> None:
        super().__init__(reason)
        self.reason, self.field, self.level = reason, field, level


class Who:
    """Finds people by the id, e-mail address or name in a list or calendar."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._ids: dict[str, Person] = {}
        people = list(people)
        self._spelt = StaffIds(person.employee_id for person in people)
        self._emails: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}
        for person in people:
            self._ids[person.employee_id] = person
            if person.email:
                self._emails.setdefault(person.email.casefold(), set()).add(person.employee_id)
            for name in _orders(plain(person.name)):
                self._names.setdefault(name, set()).add(person.employee_id)
        self._longest_first = sorted(self._names, key=len, reverse=True)

    def has_id(self, text: str) -> bool:
        """Whether this is somebody's id, perhaps spelt as a spreadsheet or a terminal does."""
        return self._spelt.find(text) is not None

    def of_row(self, row: TableRow) -> str:
        """Return the id of the person in a row: by `employee_id`, else by `email`, else by `name`.

        Raises:
            RowRefused: the row matches nobody, or several people.
        """
        field = next((field for field in ("employee_id", "email", "name", "last_name") if row.text(field)), "")
        if not field:
            raise RowRefused(
                phrase("the row does not say who: write an id, an e-mail address or a name"), "employee_id"
            )
        text = row.text(field)
        if field == "employee_id":
            alike = self._spelt.find(text)
            found = {alike} if alike is not None else set()
        elif field == "email":
            found = self._emails.get(text.casefold(), set())
        else:
            text = " ".join(filter(None, (row.text("first_name"), text))) if field == "last_name" else text
            found = self._names.get(plain(text), set())
        if not found:
            known = field in _NOBODY_HAS
            raise RowRefused(phrase(_NOBODY_HAS[field], text=text) if known else self._spelt.nobody(text), field)
        return _one(found, field)

    def of_event(self, title: str, attendees: Iterable[str], organiser: str) -> tuple[str, str]:
        """Return the id of the person a calendar event is about, and the title without their name.

        Attendees and title must agree. The organiser counts only if both are silent, because another person may keep the calendar.

        Raises:
            RowRefused: the event is about nobody (a warning: calendars hold much else), or it is ambiguous.
        """
        coming = {person for email in attendees for person in self._emails.get(email, ())}
        named, rest = self._named(title)
        found = named & coming if named and coming else named or coming or self._emails.get(organiser, set())
        if not found and named:
            text = phrase(
                "the title names {named}, the attendees are {coming}", named=_list(named), coming=_list(coming)
            )
            raise RowRefused(text)
        if not found:
            raise RowRefused(phrase("names nobody of the staff list"), level="warning")
        return _one(found, ""), rest

    def _named(self, title: str) -> tuple[set[str], str]:
        """Return the people a title names, by full name or else by id, and the title without their names."""
        line = f" {plain(title)} "
        found: set[str] = set()
        for name in self._longest_first:  # Ann Lee Smith is not Ann Lee
            if f" {name} " in line:
                found |= self._names[name]
                line = line.replace(f" {name} ", " | ")
        if not found:
            for employee_id in self._ids:
                # a short number may count days and a single letter may be a word: they count in brackets only
                alone = len(employee_id) > 2 or (len(employee_id) == 2 and not employee_id.isdecimal())
                mark = re.escape(employee_id)
                pattern = rf"(?<!\w){mark}(?!\w)" if alone else rf"[\[(#]\s*{mark}\s*(?:[\])]|(?!\w))"
                if re.search(pattern, title, re.IGNORECASE):
                    found.add(employee_id)
        return found, line


def taken_for(row: TableRow, employee_id: str) -> Phrase | None:
    """What to say about a row that spells somebody's id in another way."""
    text = row.text("employee_id")
    if text in {"", employee_id}:
        return None
    return phrase(
        "{id} is taken for {found}, the only id that differs in zeros or case alone", id=text, found=employee_id
    )


def _orders(name: str) -> Iterable[str]:
    """Return a name as given, and with the family name first."""
    words = name.split()
    return {name, " ".join([*words[-1:], *words[:-1]])} - {""}


def _one(found: set[str], field: str) -> str:
    if len(found) > 1:
        who = _list(found, " / ")
        raise RowRefused(phrase("this may be {who}: it is not clear who, write the id", who=who), field)
    return next(iter(found))


def _list(ids: Iterable[str], conjunction: str = ", ") -> str:
    return conjunction.join(sorted(ids))
