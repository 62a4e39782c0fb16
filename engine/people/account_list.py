"""Import opening balances of time accounts from a table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.errors import InputError
from engine.people.absence import RowRefused, Who, taken_for
from engine.people.dates import DateOrder, NotADay, infer_order, read_day
from engine.people.shift_list import SHIFT_FIELDS
from engine.people.store import Person
from engine.people.tables import RowMessage, TableRow, headings, read_table, sentence
from engine.words import phrase

ACCOUNT_FIELDS = {
    field: SHIFT_FIELDS[field] for field in ("employee_id", "email", "name", "first_name", "last_name")
} | headings(
    hours="hours, balance, opening balance, time account, account, overtime, stunden, saldo, zeitkonto, anfangssaldo, "
    "stundenkonto, uberstunden, solde",
    day="day, date, on, since, from, tag, datum, ab, stand, stichtag, a partir du",
)
"""Accepted headings by field; the first is the usual one."""
_CLOCK = re.compile(r"([+-]?)(\d{1,4}):([0-5]\d)")


@dataclass(frozen=True)
class Opening:
    """An opening balance: what an account had before a day."""

    employee_id: str
    day: date
    hours: float


@dataclass(frozen=True)
class AccountImport:
    """What a list says; rows with an error are left out."""

    openings: tuple[Opening, ...]
    messages: tuple[RowMessage, ...]

    @property
    def errors(self) -> int:
        """Number of rows that cannot be used."""
        return len({message.line for message in self.messages if message.level == "error"})


def read_openings(
    path: Path, people: Iterable[Person], day: date | None, order: DateOrder | None = None
) -> AccountImport:
    """Read a list with a person (id, e-mail address or name), hours and perhaps a day in each row.

    Args:
        day: of rows without one.

    Raises:
        InputError: the file is not a table or lacks a column.
    """
    table = read_table(path, ACCOUNT_FIELDS)
    if "hours" not in table.headings:
        raise InputError(
            phrase("{path} has no column for the hours", path=path.name), hint=phrase("name it {names}", names="hours")
        )
    order = order or infer_order([row.text("day") for row in table.rows if row.text("day")])
    who, messages, found = Who(people), list(table.messages), dict[tuple[str, date], Opening]()
    bad = {message.line for message in messages if message.level == "error"}
    for row in table.rows:
        try:
            opening = _opening(row, who, day, order)
        except RowRefused as error:
            messages.append(RowMessage(row.line, table.headings.get(error.field, ""), "error", error.reason))
            continue
        if said := taken_for(row, opening.employee_id):
            messages.append(RowMessage(row.line, table.headings["employee_id"], "warning", said))
        if row.line not in bad:
            found[opening.employee_id, opening.day] = opening
    return AccountImport(tuple(found.values()), tuple(sorted(messages, key=lambda message: message.line)))


def _opening(row: TableRow, who: Who, day: date | None, order: DateOrder | None) -> Opening:
    employee_id = who.of_row(row)
    try:
        known = read_day(row.text("day"), order) if row.text("day") else day
    except NotADay as error:
        raise RowRefused(error.reason, "day") from error
    if known is None:
        raise RowRefused(phrase("the row has no day: write it, or give one for all rows"), "day")
    try:
        return Opening(employee_id, known, hours_of(row.text("hours")))
    except InputError as error:
        raise RowRefused(sentence(error), "hours") from error


def hours_of(text: str) -> float:
    """Parse hours such as `12.5`, `-3,25` or `-3:15`.

    Raises:
        InputError: the text is something else.
    """
    bare = text.strip().replace("\u2212", "-").removesuffix("h").strip()
    if match := _CLOCK.fullmatch(bare):
        value = int(match[2]) + int(match[3]) / 60
        return round(-value if match[1] == "-" else value, 2)
    try:
        value = float(bare.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not abs(value) <= 10_000:
        raise InputError(
            phrase("{text!r} is no number of hours", text=text), hint=phrase("write it as 12.5, -3.25 or -3:15")
        )
    return round(value, 2)
