"""The time accounts: opening balances, pay-outs and corrections, and what the accounts come to.

Each change is a row of the audit log with its author and reason. Nothing is dated within or before a closed month, so that what payroll
was told stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.people import AccountEntry, AccountImport, DateOrder, TimeAccounts, read_openings
from engine.records.books import Records
from engine.storage import clean_text, new_id

_MOST = 10_000


class AccountDesk:
    """Keeps time accounts in the name of somebody."""

    def __init__(self, records: Records) -> None:
        self._records, self._book = records, records.accounts

    def entries(self, employee_id: str = "") -> list[AccountEntry]:
        """Return the entries of everybody or of one person by day.

        Raises:
            StorageError: they cannot be read.
        """
        return self._book.of(employee_id) if employee_id else self._book.all()

    def accounts(self, until: date, only: str | None = None) -> TimeAccounts:
        """Return what the accounts come to at the end of each day until `until`; `only`: one person's id.

        Raises:
            StorageError: entries or logs cannot be read.
        """
        entries = [row for row in self._book.all() if row.day <= until and only in {None, row.employee_id}]
        first = min((row.day for row in entries if row.kind == "opening"), default=None)
        if first is None:
            return TimeAccounts((), (), until)
        records = self._records
        rows = records.attendance.sheets.between(first, until, records.people.known(), only=only)
        return TimeAccounts(entries, ((row.employee_id, row.day, row.balance) for row in rows), until)

    def open(self, employee_id: str, day: date, hours: float, *, author: str, reason: str = "") -> AccountEntry:
        """Begin an account: it had these hours before the day. A later opening balance begins it anew.

        Raises:
            InputError: the person is unknown, the hours make no sense, or a month is closed that ends on that day or later.
            StorageError: it cannot be written.
        """
        why = self._records.names.text(clean_text(reason, what="reason", limit=300)) if reason.strip() else ""
        entry = self._opening(employee_id, day, hours, why, "hand")
        self._book.put([entry])
        self._note("account_open", [entry], author)
        return entry

    def change(self, employee_id: str, day: date, hours: float, *, author: str, reason: str) -> AccountEntry:
        """Add hours on a day, or with a negative number take them away, such as those that are paid out.

        Raises:
            InputError: as for `open`, or the account has no opening balance by that day, or the reason is missing.
            StorageError: it cannot be written.
        """
        why = self._records.names.text(clean_text(reason, what="reason", limit=300))
        if not any(row.kind == "opening" and row.day <= day for row in self._book.of(employee_id)):
            raise InputError(
                f"{employee_id} has no time account on {day}", hint="begin it first: `muster account open`"
            )
        now = self._records.now()
        self._check(employee_id, day, hours)
        stamp = now.isoformat(timespec="seconds")
        entry = AccountEntry(new_id(now), employee_id, day, "change", round(hours, 2), why, "hand", stamp)
        self._book.put([entry])
        self._note("account_change", [entry], author)
        return entry

    def remove(self, entry_id: str, *, author: str, reason: str) -> AccountEntry:
        """Take an entry out; the audit log keeps what it was.

        Raises:
            InputError: there is no such entry, a month is closed that ends on its day or later, or the reason is missing.
            StorageError: it cannot be written.
        """
        why = self._records.names.text(clean_text(reason, what="reason", limit=300))
        entry = next((row for row in self._book.all() if row.entry_id == entry_id), None)
        if entry is None:
            raise InputError(f"there is no entry {entry_id!r}", hint="`muster account list` lists them with their ids")
        self._check_open(entry.day)
        self._book.take_out(entry_id)
        self._note("account_remove", [entry], author, why)
        return entry

    def import_file(
        self, path: Path, day: date | None, *, author: str, order: DateOrder | None = None, dry_run: bool = False
    ) -> AccountImport:
        """Read opening balances from a table; one of the same person and day is replaced.

        Args:
            day: of rows without one.
            order: of day and month; None: as the column tells.
            dry_run: write nothing.

        Raises:
            InputError: the file is not a table, lacks a column, or a month is closed that ends on one of its days or later.
            StorageError: they cannot be written.
        """
        found = read_openings(path, self._records.people.known().values(), day, order)
        entries = [self._opening(each.employee_id, each.day, each.hours, "", path.name) for each in found.openings]
        if entries and not dry_run:
            self._book.put(entries)
            self._note("account_open", entries, author)
        return found

    def _opening(self, employee_id: str, day: date, hours: float, reason: str, source: str) -> AccountEntry:
        self._check(employee_id, day, hours)
        stamp = self._records.now().isoformat(timespec="seconds")
        entry_id = f"opening-{day}-{employee_id}"
        return AccountEntry(entry_id, employee_id, day, "opening", round(hours, 2), reason, source, stamp)

    def _check(self, employee_id: str, day: date, hours: float) -> None:
        if employee_id not in self._records.people.known():
            raise nobody_has(employee_id, self._records.people.known())
        if not abs(hours) <= _MOST:
            raise InputError(f"{hours:g} is no number of hours", hint=f"give a number up to {_MOST}")
        if not 1970 <= day.year <= 9000:
            raise InputError(f"{day} is too far from today", hint="give a day such as 2026-11-01")
        self._check_open(day)

    def _check_open(self, day: date) -> None:
        closed = [row for row in self._records.attendance.closed.in_force() if row.last >= day]
        if closed:
            last = max(closed, key=lambda row: row.last)
            raise InputError(
                f"{last.first} to {last.last} is closed, so its accounts stay", hint=f"give a day after {last.last}"
            )

    def _note(self, action: str, entries: Sequence[AccountEntry], author: str, reason: str = "") -> None:
        records = self._records
        told = [(row, reason or row.reason) for row in entries]
        records.audit.note_all(
            [(action, row.employee_id, f"{row}{f': {why}' if why else ''}") for row, why in told],
            author=records.names.author(author),
            now=records.clock(),
        )
