"""What HR does about leave: enter, change, approve and take out entries, import lists, set entitlements, and look at balances.

Each change is a row of the audit log with its author and reason, and with the entry before and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from engine.access.audit import AuditRow
from engine.config import Half
from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.people import (
    Balance,
    EntryStatus,
    Leave,
    LeaveChange,
    LeaveImport,
    LeaveKinds,
    balances,
    days_left,
    import_calendar,
    import_table,
)
from engine.people.calendars import MAX_SPAN_DAYS
from engine.people.dates import DateOrder
from engine.records.books import Records
from engine.storage import clean_text, new_id
from engine.storage.logs.rows import day_range
from engine.types import NOBODY

CALENDARS = frozenset({".ics", ".ical", ".ifb", ".icalendar"})
LEAVE_ACTIONS = ("leave_add", "leave_change", "leave_remove", "leave_entitle")
BY_HAND = "hand"


@dataclass(frozen=True)
class LeaveView:
    """An entry with its number of working days, half days counted as such."""

    entry: Leave
    days: float


class LeaveDesk:
    """Changes leave in the name of somebody."""

    def __init__(self, records: Records) -> None:
        self._records, self._book = records, records.leave

    @property
    def kinds(self) -> LeaveKinds:
        """The kinds of leave of the workplace."""
        return self._book.known_kinds

    # ------------------------------------------------------------------------------------------- look

    def counts(self, employee_id: str, day: date) -> bool:
        """Whether a day of leave takes a working day from somebody."""
        department = self._records.people.known().get(employee_id, NOBODY).department
        return self._records.attendance.rota.counts_as_leave(employee_id, department, day)

    def working_days(self, entry: Leave) -> float:
        """Return the working days of an entry."""
        days = day_range(entry.first_day, entry.last_day)
        return round(entry.part * sum(self.counts(entry.employee_id, day) for day in days), 2)

    def entries(self, first: date, last: date, employee_id: str = "") -> list[LeaveView]:
        """Return the entries with days from `first` to `last`, the latest first.

        Raises:
            StorageError: the entries cannot be read.
        """
        wanted = [
            row
            for row in self._book.all()
            if row.overlaps(first, last) and (not employee_id or row.employee_id == employee_id)
        ]
        wanted.sort(key=lambda row: (row.first_day, row.last_day, row.employee_id), reverse=True)
        return [LeaveView(row, self.working_days(row)) for row in wanted]

    def years(self) -> set[int]:
        """Return the years in which somebody has leave.

        Raises:
            StorageError: the entries cannot be read.
        """
        return {day.year for row in self._book.all() for day in (row.first_day, row.last_day)}

    def find(self, leave_id: str) -> Leave:
        """Return an entry.

        Raises:
            InputError: there is none with this id.
        """
        found = next((row for row in self._book.all() if row.leave_id == leave_id), None)
        if found is None:
            raise InputError(
                f"there is no leave {leave_id!r}", hint="`muster leave list` lists all entries with their ids"
            )
        return found

    def balances(self, year: int, employee_id: str = "") -> list[Balance]:
        """Return the balances of everybody who is active, or of one person.

        Raises:
            StorageError: the entries cannot be read.
        """
        known, first, last = self._records.people.known(), date(year, 1, 1), date(year, 12, 31)
        people = [employee_id] if employee_id else [key for key, person in known.items() if person.active]
        return balances(
            people,
            self.kinds,
            year,
            self._records.now().date(),
            approved=self._book.away(first, last),
            pending=self._book.away(first, last, pending=True),
            entitlements=self._book.entitlements(year),
            counts=self.counts,
        )

    def history(self, employee_id: str = "") -> list[AuditRow]:
        """Return who changed which leave, newest first, for one person or for all.

        Raises:
            StorageError: the audit log cannot be read.
        """
        rows = [
            row
            for row in self._records.audit.read()
            if row.action in LEAVE_ACTIONS and (not employee_id or row.subject == employee_id)
        ]
        return rows[::-1]

    # ------------------------------------------------------------------------------------------- change

    def add(
        self,
        employee_id: str,
        kind: str,
        first: date,
        last: date,
        *,
        author: str,
        reason: str = "",
        share: float | None = None,
        half: Half = "",
        pending: bool = False,
        leave_id: str = "",
        reference: str = "",
    ) -> Leave:
        """Enter leave by hand.

        Args:
            kind: by any usual word.
            share: of each day; None: whole days, or half days if `half` is given.
            pending: nobody has approved it yet, so that it is no leave.
            leave_id: default: a new one. reference: see `Leave`.

        Raises:
            InputError: the person is unknown, the days make no sense, or the same kind is entered for one of them.
            StorageError: the entry cannot be written.
        """
        entry = self._new(employee_id, kind, first, last, share, half)
        status: EntryStatus = "pending" if pending else "approved"
        entry = replace(entry, leave_id=leave_id or entry.leave_id, reference=reference, status=status)
        self._put(entry, author, reason)
        return entry

    def foreseen(
        self, employee_id: str, kind: str, first: date, last: date, *, share: float | None = None, half: Half = ""
    ) -> Leave:
        """Return the entry that `add` would make, without writing it.

        Raises:
            InputError: as of `add`.
            StorageError: the entries cannot be read.
        """
        entry = self._new(employee_id, kind, first, last, share, half)
        for row in self._book.all():
            _check_clash(row, entry)
        return entry

    def _new(self, employee_id: str, kind: str, first: date, last: date, share: float | None, half: Half) -> Leave:
        if employee_id not in self._records.people.known():
            raise nobody_has(employee_id, self._records.people.known())
        now = self._records.now()
        return _checked(
            Leave(
                f"{BY_HAND}-{new_id(now)}",
                employee_id,
                first,
                last,
                self._offered(kind),
                BY_HAND,
                now.isoformat(timespec="seconds"),
                0.5 if half and share is None else share,
                half,
                status="approved",
            )
        )

    def change(
        self,
        leave_id: str,
        *,
        author: str,
        reason: str,
        first: date | None = None,
        last: date | None = None,
        kind: str = "",
        share: float | None = None,
        half: Half = "",
        whole: bool = False,
        approved: bool | None = None,
    ) -> LeaveChange:
        """Change an entry: other days, another kind, half days, or its approval; what is not given stays.

        Args:
            whole: whole days instead of a part of each.

        Raises:
            InputError: there is no such entry, the reason is missing, or the change makes no sense.
            StorageError: the entry cannot be written.
        """
        old = self.find(leave_id)
        new = replace(
            old,
            first_day=first or old.first_day,
            last_day=last or old.last_day,
            kind=self._offered(kind, old.kind) if kind else old.kind,
            status=old.status if approved is None else "approved" if approved else "pending",
        )
        if whole:
            new = replace(new, share=None, half="")
        elif share is not None or half:
            new = replace(new, share=share or 0.5, half=half)
        return self._put(_checked(new), author, self._reason(reason))

    def remove(
        self, leave_id: str, *, author: str, reason: str, first: date | None = None, last: date | None = None
    ) -> list[LeaveChange]:
        """Take an entry out, or only some of its days.

        Args:
            first, last: days to take out; None: from its first, to its last.

        Raises:
            InputError: there is no such entry, it has none of these days, or the reason is missing.
            StorageError: the entry cannot be written.
        """
        old, why = self.find(leave_id), self._reason(reason)
        begin, end = first or old.first_day, last or old.last_day
        if begin > end or not old.overlaps(begin, end):
            raise InputError(f"{old} has no day from {begin} to {end}", hint="give days of this entry")
        changes = self._book.change(lambda row: days_left(row, begin, end) if row.leave_id == leave_id else None)
        self._note(changes, author, why)
        return changes

    def entitle(
        self, employee_id: str, kind: str, year: int, days: float | None, *, author: str, reason: str = ""
    ) -> None:
        """Set the days of leave that somebody has in a year, carried days included; None: what the settings say.

        Raises:
            InputError: the person or the kind is unknown, or the number makes no sense.
            StorageError: it cannot be written.
        """
        if employee_id not in self._records.people.known():
            raise nobody_has(employee_id, self._records.people.known())
        if days is not None and not 0 <= days <= 366:
            raise InputError(f"{days:g} is no number of days in a year", hint="give a number from 0 to 366")
        if not 1970 <= year <= 9000:
            raise InputError(f"{year} is too far from today", hint="give a year such as 2026")
        key = self.kinds.only(kind)
        leave_id = f"year-{year}-{key}-{employee_id}"
        stamp = self._records.now().isoformat(timespec="seconds")
        span = date(year, 1, 1), date(year, 12, 31)
        entry = Leave(leave_id, employee_id, *span, key, BY_HAND, stamp, days, status="entitlement")
        if days is None:
            self._book.change(lambda row: [] if row.leave_id == leave_id else None)
        else:
            self._book.put(entry)
        told = f"{key} {year}: {'as in the settings' if days is None else f'{days:g} days'}"
        self._audit([("leave_entitle", employee_id, told)], author, reason)

    def import_file(
        self,
        path: Path,
        *,
        author: str,
        kind: str | None = None,
        mapping: Mapping[str, str] | None = None,
        order: DateOrder | None = None,
        encoding: str | None = None,
        dry_run: bool = False,
    ) -> LeaveImport:
        """Import a table or a calendar (`.ics`), see `engine.people.leave_import`.

        Args:
            kind: of all events in a calendar; None: what each event says.
            mapping: a kind for words that are not known, or `ignore`.
            order: of day and month in a table's dates; None: as its columns tell.
            encoding: of a table in a CSV file; None: it is found out.
            dry_run: write nothing.

        Raises:
            InputError: the file is neither a table nor a calendar, or a kind is given for a table.
            ConfigError: the packages for calendars are not installed.
            StorageError: people or leave cannot be read or written.
        """
        records, now = self._records, self._records.now()
        if path.suffix.lower() in CALENDARS:
            result = import_calendar(
                self._book,
                path,
                records.people,
                zone=records.zone,
                now=now,
                kind=kind,
                mapping=mapping,
                dry_run=dry_run,
            )
        elif kind is not None:
            raise InputError(
                "one kind for all rows is for calendars: a table says it in a column",
                hint='leave --kind out, or say what a word means: --kind "Brückentag=annual"',
            )
        else:
            result = import_table(
                self._book,
                path,
                records.people,
                now=now,
                mapping=mapping,
                order=order,
                encoding=encoding,
                dry_run=dry_run,
            )
        if result.changes and not dry_run:
            self._note(result.changes, author, "import")
            counts = f"{len(result.added)} added, {len(result.removed)} removed, {len(result.unchanged)} unchanged"
            records.note("import", "leave.csv", counts, author=records.names.author(author))
        return result

    def _put(self, entry: Leave, author: str, reason: str) -> LeaveChange:
        """Write an entry unless the person has the same kind on one of its days.

        Raises:
            InputError: they have; nothing was written.
        """

        def clash(row: Leave) -> list[Leave] | None:
            if row.leave_id == entry.leave_id:
                return [entry]
            _check_clash(row, entry)
            return None

        changes = self._book.change(clash, [entry])
        self._note(changes, author, reason)
        if not changes:
            raise InputError(f"{entry} says the same as before", hint="give other days, another kind or another part")
        return changes[0]

    def _offered(self, text: str, before: str = "") -> str:
        """Return the kind that somebody chose; `before`: the one that the entry has, which it may keep.

        Raises:
            InputError: it is none, or it was withdrawn.
        """
        key = self.kinds.only(text)
        if key != before and self.kinds.all[key].withdrawn:
            raise InputError(
                f"{self.kinds.name(key)} was withdrawn", hint=f"choose one of {', '.join(self.kinds.offered)}"
            )
        return key

    def _reason(self, reason: str) -> str:
        return clean_text(reason, what="reason", limit=300)

    def _note(self, changes: Iterable[LeaveChange], author: str, reason: str) -> None:
        rows = []
        for change in changes:
            action = (
                "leave_add" if change.before is None else "leave_remove" if change.after is None else "leave_change"
            )
            rows.append((action, change.entry.employee_id, f"{change}"))
        self._audit(rows, author, reason)

    def _audit(self, rows: Iterable[tuple[str, str, str]], author: str, reason: str) -> None:
        names = self._records.names
        why = f": {text}" if (text := names.text(reason)) else ""
        self._records.audit.note_all(
            [(action, subject, f"{detail}{why}") for action, subject, detail in rows],
            author=names.author(author),
            now=self._records.clock(),
        )


def _check_clash(row: Leave, entry: Leave) -> None:
    """Refuse an entry if its person has the same kind on one of its days.

    Raises:
        InputError: `row` is such an entry.
    """
    same = (row.employee_id, row.kind) == (entry.employee_id, entry.kind) and row.status != "entitlement"
    other_half = row.half and entry.half and row.half != entry.half
    if same and not other_half and row.overlaps(entry.first_day, entry.last_day):
        raise InputError(f"{row.employee_id} has {row} already", hint=f"change or take out the entry {row.leave_id}")


def _checked(entry: Leave) -> Leave:
    """Check an entry's days and share.

    Raises:
        InputError: they make no sense.
    """
    if entry.last_day < entry.first_day:
        raise InputError(f"{entry.last_day} is before {entry.first_day}", hint="exchange the days")
    if (entry.last_day - entry.first_day).days > MAX_SPAN_DAYS:
        raise InputError(
            f"{entry.first_day} to {entry.last_day} is more than {MAX_SPAN_DAYS} days", hint="correct the year"
        )
    if not 0 < entry.part <= 1:
        raise InputError(
            f"{entry.part:g} is no part of a day", hint="give a share such as 0.5, or morning or afternoon"
        )
    return replace(entry, share=None, half="") if entry.part == 1 else entry
