"""Import which shift or rota is assigned to whom from when on: into `employment.csv`, all of the list or all but bad rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.errors import InputError
from engine.people.absence import RowRefused, Who, taken_for
from engine.people.dates import DateOrder, NotADay, infer_order, read_day
from engine.people.employment import NO_CAREER, Career, EmploymentBook, Noted
from engine.people.staff import StaffImport
from engine.people.store import Person
from engine.people.tables import (
    FIRST_NAMES,
    ID_HEADINGS,
    LAST_NAMES,
    RowMessage,
    Table,
    TableRow,
    headings,
    plain,
    read_table,
)
from engine.words import phrase

SHIFT_FIELDS = headings(
    employee_id=ID_HEADINGS,
    first_name=FIRST_NAMES,
    last_name=LAST_NAMES,
    email="email, e mail, mail, email address, e mail address, e mail adresse",
    name="name, full name, employee name, employee, mitarbeiter",
    shift="shift, shift name, shift type, rota, schicht, schichtname, dienst, equipe",
    valid_from="valid from, from, since, start, start date, first day, date, day, gultig ab, ab, von, beginn, datum, tag, a partir du",
    valid_until="valid until, until, to, end, end date, last day, gultig bis, bis, ende, jusqu au",
)
"""Accepted headings by field; the first is the usual one."""

_NONE = {"", "none", "no", "no shift", "keine", "aucune"}


@dataclass(frozen=True)
class _Assignment:
    line: int
    employee_id: str
    shift: str
    first: date
    last: date | None


def import_shifts(
    path: Path,
    book: EmploymentBook,
    people: Mapping[str, Person],
    shifts: Collection[str],
    today: date,
    *,
    dry_run: bool = False,
    encoding: str | None = None,
    date_order: DateOrder | None = None,
    skip_bad: bool = False,
) -> StaffImport:
    """Import assignments: who (id, e-mail or name), the shift, from when on, and until when (both days included).

    Without an end, the shift holds for good and replaces what was assigned for later; rows of one list are taken in order of time.
    An empty cell or `none` ends an assignment. Importing the same list again changes nothing.

    Args:
        shifts: names of shifts and rotas in the settings.
        today: first day of a row without one.

    Raises:
        InputError: the file is not a table or lacks a column.
        StorageError: the file of employment cannot be read or written.
    """
    table = read_table(path, SHIFT_FIELDS, encoding=encoding)
    if "shift" not in table.headings:
        raise InputError(
            phrase("{path} has no column for the shift", path=path.name), hint=phrase("name it {names}", names="shift")
        )
    if not {"employee_id", "email", "name", "last_name"} & set(table.headings):
        raise InputError(
            phrase("{path} has no column that says who", path=path.name),
            hint=phrase("name it {names}", names="employee id / email / name"),
        )
    texts = [row.text(field) for row in table.rows for field in ("valid_from", "valid_until") if row.text(field)]
    order = date_order or infer_order(texts, [(row.text("valid_from"), row.text("valid_until")) for row in table.rows])
    who, names = Who(people.values()), {plain(name): name for name in shifts}
    messages, found = list(table.messages), []
    for row in table.rows:
        try:
            found.append(_assignment(row, table, who, names, today, order))
            if said := taken_for(row, found[-1].employee_id):
                messages.append(RowMessage(row.line, table.headings["employee_id"], "warning", said))
        except RowRefused as error:
            messages.append(RowMessage(row.line, table.headings.get(error.field, ""), "error", error.reason))
    bad = {message.line for message in messages if message.level == "error"}
    wanted = [each for each in found if each.line not in bad]
    before = book.all()
    after = _assigned(before, wanted, today)
    changed = tuple(key for key, career in after.items() if career.rows != before.get(key, NO_CAREER).rows)
    unchanged = tuple(key for key in after if key not in changed)
    messages.sort(key=lambda message: message.line)
    skipped = tuple(sorted(bad)) if skip_bad else ()
    writes = bool(changed) and not dry_run and (skip_bad or not bad)
    if writes:
        book.update(lambda careers: _assigned(careers, wanted, today))
    return StaffImport((), changed, unchanged, tuple(messages), writes, skipped)


def _assignment(
    row: TableRow, table: Table, who: Who, names: Mapping[str, str], today: date, order: DateOrder | None
) -> _Assignment:
    """Return what a row assigns.

    Raises:
        RowRefused: a field cannot be used; the error names it.
    """
    employee_id = who.of_row(row)
    text = row.text("shift")
    shift = "" if plain(text) in _NONE else names.get(plain(text))
    if shift is None:
        raise RowRefused(
            phrase(
                "{text!r} is not a shift of the settings: use {names}",
                text=text,
                names=", ".join(names.values()) or "–",
            ),
            "shift",
        )
    try:
        first = read_day(row.text("valid_from"), order) if row.text("valid_from") else today
        last = read_day(row.text("valid_until"), order) if row.text("valid_until") else None
    except NotADay as error:
        raise RowRefused(error.reason, "valid_from" if "valid_from" in table.headings else "valid_until") from error
    if last is not None and last < first:
        raise RowRefused(
            phrase("{last} is before {first}: give the first day first", last=last, first=first), "valid_until"
        )
    return _Assignment(row.line, employee_id, shift, first, last)


def _assigned(careers: Mapping[str, Career], wanted: list[_Assignment], today: date) -> dict[str, Career]:
    """Return the facts about the people of a list as it says."""
    after: dict[str, Career] = {}
    for each in sorted(wanted, key=lambda each: (each.first, each.line)):
        career = after.get(each.employee_id, careers.get(each.employee_id, NO_CAREER))
        noted = Noted(each.employee_id, today, "shift list")
        after[each.employee_id] = career.assigned(each.shift, each.first, each.last, noted)
    return after
