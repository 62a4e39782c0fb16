"""Interpret an entry of a leave list: the person it names, and whether it is leave, remote work or sick leave."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Literal

from engine.people.calendars import MAX_SPAN_DAYS
from engine.people.store import Person
from engine.people.tables import TableRow, plain

LEAVE_KINDS = ("remote", "on leave", "sick")
"""Where entries overlap, the later kind in this order counts: someone who falls ill on holiday is sick."""

_WORDS = {
    "sick": "sick, sick leave, sick day, sickness, ill, illness, krank, krankheit, krankmeldung, erkrankt, "
    "krankgeschrieben, arbeitsunfahig, maladie, arret maladie",
    "remote": "remote, home office, homeoffice, wfh, work from home, works from home, working from home, telework, "
    "teleworking, mobile work, mobiles arbeiten, mobile arbeit, teletravail",
    "on leave": "leave, on leave, annual leave, vacation, holiday, holidays, pto, paid time off, time off, day off, "
    "days off, off, ooo, out of office, urlaub, ferien, elternzeit, frei, conge, conges",
}
_PHRASES = sorted(
    ((phrase, kind) for kind, phrases in _WORDS.items() for phrase in phrases.split(", ")),
    key=lambda pair: -len(pair[0]),
)
_LONG = 6  # phrases of at least this length also match inside compounds: Resturlaub


class RowRefused(Exception):
    """An entry cannot be used; `field`: the one at fault, may be empty; `level`: `error` if a person should look at it."""

    def __init__(self, reason: str, field: str = "", level: Literal["error", "warning"] = "error") -> None:
        super().__init__(reason)
        self.field, self.level = field, level


def kinds_in(text: str) -> set[str]:
    """Return the kinds of absence that a text mentions; the longest phrases count, so "sick leave" is not leave."""
    line = f" {plain(text)} "
    found = set()
    for phrase, kind in _PHRASES:
        mark = phrase if len(phrase) >= _LONG else f" {phrase} "
        if mark in line:
            found.add(kind)
            line = line.replace(mark, " | ")
    return found


class Who:
    """Finds people by the id, e-mail address or name in a list or calendar."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._ids: dict[str, Person] = {}
        self._emails: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}
        for person in people:
            self._ids[person.employee_id] = person
            if person.email:
                self._emails.setdefault(person.email.casefold(), set()).add(person.employee_id)
            for name in _orders(plain(person.name)):
                self._names.setdefault(name, set()).add(person.employee_id)
        self._longest_first = sorted(self._names, key=len, reverse=True)

    def of_row(self, row: TableRow) -> str:
        """Return the id of the person in a row: by `employee_id`, else by `email`, else by `name`.

        Raises:
            RowRefused: the row matches nobody, or several people.
        """
        field = next((field for field in ("employee_id", "email", "name") if row.text(field)), "")
        if not field:
            raise RowRefused("the row does not say who", "employee_id")
        text = row.text(field)
        if field == "employee_id":
            found = {text} & self._ids.keys()
        elif field == "email":
            found = self._emails.get(text.casefold(), set())
        else:
            found = self._names.get(plain(text), set())
        if not found:
            raise RowRefused(f"nobody in people.csv has the {field.replace('_', ' ')} {text}", field)
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
            raise RowRefused(f"the title names {_list(named)}, the attendees are {_list(coming)}")
        if not found:
            raise RowRefused("names nobody of people.csv", level="warning")
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


def _orders(name: str) -> Iterable[str]:
    """Return a name as given, and with the family name first."""
    words = name.split()
    return {name, " ".join([*words[-1:], *words[:-1]])} - {""}


def _one(found: set[str], field: str) -> str:
    if len(found) > 1:
        raise RowRefused(f"this may be {_list(found, ' or ')}: it is not clear who", field)
    return next(iter(found))


def _list(ids: Iterable[str], conjunction: str = ", ") -> str:
    return conjunction.join(sorted(ids))


def read_row(row: TableRow, who: Who) -> tuple[str, date, date, str]:
    """Return a row's employee id, first day, last day and kind.

    Raises:
        RowRefused: a field cannot be used; the error names it.
    """
    employee_id = who.of_row(row)
    first = _date(row, "first_day")
    last = _date(row, "last_day") if row.text("last_day") else first
    if last < first:
        raise RowRefused(f"{last} is before {first}", "last_day")
    if (last - first).days > MAX_SPAN_DAYS:
        raise RowRefused(f"{first} to {last} is more than {MAX_SPAN_DAYS} days", "last_day")
    try:
        return employee_id, first, last, only_kind(kinds_in(row.text("kind")))
    except RowRefused as error:
        raise RowRefused(f"{row.text('kind')!r}: {error}", "kind") from error


def _date(row: TableRow, field: str) -> date:
    text = row.text(field)
    if not text:
        raise RowRefused("the day is missing", field)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RowRefused(f"{text!r} is not a day: write it as 2026-11-22", field) from error


def only_kind(kinds: set[str]) -> str:
    """Return the single kind in a set.

    Raises:
        RowRefused: the set is empty or has several kinds.
    """
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds:
        raise RowRefused(f"speaks of {' and '.join(sorted(kinds))}")
    raise RowRefused(f"does not say {', '.join(LEAVE_KINDS[:-1])} or sick")
