"""Import an existing staff list into `people.csv`: check it row by row, then take all of it or nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from engine.errors import InputError
from engine.people.store import PeopleStore, Person, clean_department, clean_email, clean_id, clean_name
from engine.people.tables import RowMessage, Table, TableRow, headings, read_table
from engine.types import NOBODY

STAFF_FIELDS = headings(
    employee_id="employee id, id, employee no, employee number, emp id, personnel number, personnel no, personnel id, "
    "staff id, staff no, staff number, badge, badge number, personalnummer, personalnr, personal nr, pers nr, "
    "mitarbeiternummer, mitarbeiternr, mitarbeiter id, mitarbeiter nr, matricule, employee, mitarbeiter",
    name="name, full name, display name, employee name, employee, mitarbeiter, mitarbeitername",
    first_name="first name, firstname, given name, forename, vorname, prenom",
    last_name="last name, lastname, surname, family name, nachname, familienname, nom",
    department="department, dept, team, unit, division, group, abteilung, bereich, service",
    email="email, e mail, mail, email address, e mail address, e mail adresse, mail address",
    active="active, status, employment status, employed, aktiv",
    consent_at="consent, consent at, consent date, consent given, einwilligung, einwilligung am",
)
"""Accepted headings by field; the first is the usual one. `Employee` is the id (Frappe, ERPNext) unless another column is."""

_YES = {"yes", "y", "true", "1", "x", "active", "employed", "current", "ja", "aktiv", "oui"}
_NO = {"no", "n", "false", "0", "inactive", "left", "former", "terminated", "nein", "inaktiv", "ausgeschieden", "non"}
_SPOILT_NUMBER = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)


@dataclass(frozen=True)
class StaffImport:
    """What an import did, or would do.

    Attributes:
        added, changed, unchanged: ids, in the order of the file.
        messages: by line of the file; messages about the whole file come first.
        written: whether the store was changed.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    messages: tuple[RowMessage, ...]
    written: bool = False

    @property
    def errors(self) -> tuple[RowMessage, ...]:
        """The messages that stop the import."""
        return tuple(message for message in self.messages if message.level == "error")


class _Sheet:
    """Turns the rows of a list into people and collects messages."""

    def __init__(self, table: Table, stored: Mapping[str, Person], now: datetime) -> None:
        self._table, self._stored, self._now = table, stored, now
        self.messages: list[RowMessage] = list(table.messages)
        self.people: dict[str, Person] = {}
        self.lines: dict[str, int] = {}
        self._spelling = {_spelling(key): key for key in stored}

    def _say(self, line: int, field: str, text: str, level: Literal["error", "warning"] = "error") -> None:
        self.messages.append(RowMessage(line, self._table.headings.get(field, ""), level, text))

    def take(self, row: TableRow) -> None:
        """Turn a row into a person, or into messages."""
        employee_id = self._id(row)
        before = self._stored.get(employee_id, NOBODY)
        person = Person(
            employee_id,
            self._name(row),
            # an empty cell keeps the stored value: a list without consents does not withdraw them
            self._cleaned(row, "department", clean_department) or before.department,
            self._cleaned(row, "email", clean_email) or before.email,
            before.enrolled_at,
            self._cleaned(row, "consent_at", lambda text: clean_consent(text, self._now)) or before.consent_at,
            self._active(row, before.active),
        )
        if employee_id in self.lines:
            self._say(row.line, "employee_id", f"the id {employee_id} is already in line {self.lines[employee_id]}")
        elif employee_id:
            self.people[employee_id], self.lines[employee_id] = person, row.line

    def _id(self, row: TableRow) -> str:
        if not row.text("employee_id"):
            self._say(row.line, "employee_id", "the id is missing")
            return ""
        employee_id = self._cleaned(row, "employee_id", clean_id)
        other = self._spelling.get(_spelling(employee_id), employee_id)
        if employee_id and employee_id not in self._stored and other != employee_id:
            text = f"{employee_id} counts as a new person, but {other} exists: did a spreadsheet change the id?"
            self._say(row.line, "employee_id", text, "warning")
        if _SPOILT_NUMBER.fullmatch(employee_id):
            text = f"{employee_id} looks like a long number that a spreadsheet cut short"
            self._say(row.line, "employee_id", text, "warning")
        return employee_id

    def _name(self, row: TableRow) -> str:
        headings = self._table.headings
        name, first, last = (row.text(field) for field in ("name", "first_name", "last_name"))
        if "name" in headings and "first_name" in headings and "last_name" not in headings:
            name = f"{first} {name}"  # beside a column of first names, `name` is the family name
        elif not name:
            name = f"{first} {last}"
        field = next(field for field in ("name", "last_name", "first_name") if field in headings)
        if not name.strip():
            self._say(row.line, field, "the name is empty")
            return ""
        return self._cleaned(row, field, lambda _: clean_name(name))

    def _cleaned(self, row: TableRow, field: str, clean: Callable[[str], str]) -> str:
        """Return a field as stored; empty if the table has none, or one that cannot be used."""
        try:
            return clean(row.text(field))
        except InputError as error:
            self._say(row.line, field, str(error))
            return ""

    def _active(self, row: TableRow, default: bool) -> bool:
        word = row.text("active").casefold()
        if word and word not in _YES | _NO:
            self._say(row.line, "active", f"{word!r} is neither yes nor no: write yes or no")
        return word in _YES if word else default

    def check_emails(self) -> None:
        """Check that no two people, listed or stored, share an address: calendars identify people by it."""
        owners: dict[str, list[str]] = {}
        for key, person in {**self._stored, **self.people}.items():
            if person.email:
                owners.setdefault(person.email.casefold(), []).append(key)
        for keys in owners.values():
            for key in keys:
                others = [other for other in keys if other != key]
                if key in self.people and others:
                    line = self.lines.get(others[0])
                    where = f"line {line}" if line else "already stored"
                    self._say(self.lines[key], "email", f"{key} and {others[0]} ({where}) have the same e-mail address")


def clean_consent(text: str, now: datetime) -> str:
    """Return the time of a consent (ISO 8601) as stored: a date, or a date and time; empty stays empty.

    Args:
        now: timezone-aware, in the workplace's zone.

    Raises:
        InputError: the text is not a date, or it is in the future.
    """
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        local = moment.astimezone(now.tzinfo) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise InputError(f"{text!r} is not a date: write it as 2026-11-22") from None
    if local.date() > now.date():
        raise InputError(f"{text} is in the future")
    return moment.isoformat() if "T" in text or ":" in text else moment.date().isoformat()


def _spelling(employee_id: str) -> str:
    """Return an id without what spreadsheets change: leading zeros and upper case."""
    return employee_id.casefold().lstrip("0")


def import_staff(path: Path, people: PeopleStore, *, dry_run: bool, now: datetime) -> StaffImport:
    """Import a staff list: CSV, with headings by any usual name (`STAFF_FIELDS`) in any order.

    Rows need an id and a name. Empty cells and missing columns keep stored values. People who are not in the list stay as they
    are. An error in any row stops the whole import. Importing the same list again changes nothing.

    Args:
        dry_run: report without writing.
        now: timezone-aware, in the workplace's zone; no consent can be later.

    Raises:
        InputError: the file is not a table, or lacks a column for ids or for names.
        StorageError: the store cannot be read or written.
    """
    table = read_table(path, STAFF_FIELDS)
    if "employee_id" not in table.headings:
        raise InputError(f"{path} has no column with ids", hint="name one of them id, employee id or personnel number")
    if not {"name", "first_name", "last_name"} & set(table.headings):
        raise InputError(f"{path} has no column with names", hint="name one of them name, or first name and last name")
    stored = people.all()
    sheet = _Sheet(table, stored, now)
    for row in table.rows:
        sheet.take(row)
    sheet.check_emails()
    if not table.rows:
        sheet.messages.append(RowMessage(0, "", "warning", "the file names nobody"))
    if missing := len(stored.keys() - sheet.people.keys()):
        text = f"{missing} people are not in the file" if missing > 1 else "1 person is not in the file"
        sheet.messages.append(RowMessage(0, "", "warning", f"{text}: left as stored"))
    added = tuple(key for key in sheet.people if key not in stored)
    changed = tuple(key for key, person in sheet.people.items() if key in stored and stored[key] != person)
    messages = tuple(sorted(sheet.messages, key=lambda message: message.line))
    result = StaffImport(added, changed, tuple(key for key in sheet.people if key not in {*added, *changed}), messages)
    if dry_run or result.errors or not (added or changed):
        return result
    people.put_all(sheet.people[key] for key in (*added, *changed))
    return dataclasses.replace(result, written=True)
