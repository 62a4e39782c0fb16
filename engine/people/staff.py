"""Import an existing staff list into `people.csv` and `employment.csv`: check it row by row, then take all of it, or all but bad rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import InputError
from engine.people.dates import DateOrder
from engine.people.staff_rows import STAFF_FIELDS, StaffRows
from engine.people.store import PeopleStore
from engine.people.tables import RowMessage, order_of_days, read_table
from engine.words import phrase

_DATES = ("hired_on", "left_on", "valid_from", "consent_at")


@dataclass(frozen=True)
class StaffImport:
    """What an import did, or would do.

    Attributes:
        added, changed, unchanged: ids, in the order of the file.
        messages: by line of the file; messages about the whole file come first.
        written: whether the store was changed.
        skipped: lines of rows with errors that were left out.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    messages: tuple[RowMessage, ...]
    written: bool = False
    skipped: tuple[int, ...] = ()

    @property
    def errors(self) -> tuple[RowMessage, ...]:
        """The messages that stop the import."""
        return tuple(message for message in self.messages if message.level == "error")


def import_staff(
    path: Path,
    people: PeopleStore,
    *,
    dry_run: bool,
    now: datetime,
    encoding: str | None = None,
    date_order: DateOrder | None = None,
    skip_bad: bool = False,
    shifts: Collection[str] = (),
    basis: str = "",
) -> StaffImport:
    """Import a staff list: CSV or Excel, with headings by any usual name (`STAFF_FIELDS`) in any order.

    Rows need an id and a name. Empty cells and missing columns keep stored values. People who are not in the list stay as they
    are. Dates of entry and leaving, and the day from which a department or a shift holds, go to `employment.csv`; what changes
    without a date changes today. An error in any row stops the whole import. Importing the same list again changes nothing.

    Args:
        dry_run: report without writing.
        now: timezone-aware, in the workplace's zone; no consent can be later.
        encoding: of a CSV file; None: it is found out.
        date_order: of days with slashes; None: as all days of the file allow.
        skip_bad: import the rows without errors, and leave out the others.
        shifts: names that can be assigned.
        basis: on what recognising new people rests whose row does not say it, as stored.

    Raises:
        InputError: the file is not a table, or lacks a column for ids or for names.
        StorageError: the store cannot be read or written.
    """
    table = read_table(path, STAFF_FIELDS, encoding=encoding)
    if "employee_id" not in table.headings:
        raise InputError(
            phrase("{path} has no column with ids", path=path.name),
            hint=phrase("name it {names}", names="id / employee id / personnel number"),
        )
    if not {"name", "first_name", "last_name"} & set(table.headings):
        raise InputError(
            phrase("{path} has no column with names", path=path.name),
            hint=phrase("name it {names}", names="name / first name + last name"),
        )
    stored = people.all()
    texts = [row.text(field) for row in table.rows for field in _DATES if row.text(field)]
    spans = [(row.text("hired_on"), row.text("left_on")) for row in table.rows]
    order, said = order_of_days(texts, date_order, spans)
    sheet = StaffRows(table, stored, now, order, shifts, basis)
    sheet.messages += said
    for row in table.rows:
        sheet.take(row)
    if skip_bad:
        sheet.drop_bad()
    sheet.check_emails()
    careers = people.employment.all() if people.employment else {}
    different = sheet.check_dates(careers, now.date())
    skipped = tuple(sorted(sheet.bad_lines)) if skip_bad else ()
    if skip_bad:
        sheet.drop_bad()
    if not table.rows:
        sheet.messages.append(RowMessage(0, "", "warning", phrase("the file names nobody")))
    if missing := len(stored.keys() - sheet.lines.keys()):
        text = (
            phrase("{count} people are not in the file: left as stored", count=missing)
            if missing > 1
            else phrase("1 person is not in the file: left as stored")
        )
        sheet.messages.append(RowMessage(0, "", "warning", text))
    added = tuple(key for key in sheet.people if key not in stored)
    changed = tuple(key for key in sheet.people if key in stored and key in different)
    messages = tuple(sorted(sheet.messages, key=lambda message: message.line))
    unchanged = tuple(key for key in sheet.people if key not in {*added, *changed})
    result = StaffImport(added, changed, unchanged, messages, skipped=skipped)
    if dry_run or (result.errors and not skip_bad) or not (added or changed):
        return result
    wanted = (*added, *changed)
    people.put_all((sheet.people[key] for key in wanted), {key: sheet.datings[key] for key in wanted})
    return dataclasses.replace(result, written=True)
