"""Closing months: what is open before, sealing the sheet, reopening, and what has changed since.

Payroll works with a sheet that stays as it is. Later corrections, leave and punches are recorded as ever, and listed against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from engine.attendance import Closing, DaySheet, SheetChange, Status, changes
from engine.errors import InputError
from engine.records.books import Records
from engine.storage.logs.rows import day_range

AWAITING = "awaiting approval"
_TODAY = frozenset({Status.INSIDE, Status.POSSIBLY_INSIDE, Status.NOT_YET})


def open_kind(row: DaySheet) -> str:
    """Why a day is open: what somebody must settle, or `awaiting approval`; empty: it is not."""
    return AWAITING if row.pending is not None or (row.awaiting_approval and not row.cause) else row.cause


def counted_kinds(rows: Sequence[DaySheet]) -> str:
    """How many days are open, by kind: `3 missing out, 2 awaiting approval`."""
    return ", ".join(f"{count} {kind}" for kind, count in Counter(map(open_kind, rows)).most_common() if kind)


class MonthDesk:
    """Closes and reopens months, or other periods such as from the 16th to the 15th."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def history(self) -> list[Closing]:
        """Return every closing and reopening, oldest first."""
        return self._records.attendance.closed.history()

    def closing(self, first: date, last: date) -> Closing | None:
        """Return the closing in force of exactly these days; None: they are open, or not closed as one."""
        found = self._records.attendance.closed.about(first, last)
        return next((row for row in found if (row.first, row.last) == (first, last)), None)

    def unsettled(self, first: date, last: date) -> list[DaySheet]:
        """Return the days that are open: missing punches, days that cannot be judged, corrections that await approval."""
        return [row for row in self._sheets(first, last) if open_kind(row)]

    def close(self, first: date, last: date, *, author: str, reason: str = "", anyway: bool = False) -> Closing:
        """Seal the sheet of some days; from now on, every reader gets these figures.

        Args:
            anyway: close although days are open.

        Raises:
            InputError: days are not over, open or closed already, or there is nothing to close.
            StorageError: the sheet could not be written; the days stay open.
        """
        records, now = self._records, self._records.now()
        rows = self._sheets(first, last)
        if last >= now.date() or any(row.status in _TODAY for row in rows):
            raise InputError(f"{last} is not over yet", hint="close the month when its last shift has ended")
        if not rows:
            raise InputError(f"nobody was seen or expected from {first} to {last}", hint="name a month that has days")
        unsettled = [row for row in rows if open_kind(row)]
        if unsettled and not anyway:
            raise InputError(
                f"{len(unsettled)} of {len(rows)} days are open: {counted_kinds(unsettled)}",
                hint="settle them (`muster month check` lists them), or close anyway with --anyway",
            )
        wanted = Closing("", now, "close", first, last, unsettled=len(unsettled))
        made = records.attendance.closed.close(self._signed(wanted, author, reason), rows)
        self._renew(made)
        records.note("close_month", f"{first}/{last}", f"{made.rows} rows, {made.unsettled} open", author=made.author)
        return made

    def reopen(self, first: date, last: date, *, author: str, reason: str) -> Closing:
        """Open closed days again; their figures are those of the computation from now on.

        Raises:
            InputError: they are not closed, or the reason is missing.
            StorageError: the log cannot be written.
        """
        held = self.required(first, last)
        wanted = Closing("", self._records.now(), "reopen", first, last, refers_to=held.closing_id)
        made = self._records.attendance.closed.reopen(self._signed(wanted, author, reason))
        self._renew(made)
        self._records.note("reopen_month", f"{first}/{last}", made.reason, author=made.author)
        return made

    def required(self, first: date, last: date) -> Closing:
        """Return the closing in force of exactly these days.

        Raises:
            InputError: there is none.
        """
        if (found := self.closing(first, last)) is None:
            others = self._records.attendance.closed.about(first, last)
            told = ", ".join(f"{row.first} to {row.last}" for row in others)
            hint = (
                f"closed is {told}: name these days with --from and --until"
                if told
                else "`muster month list` lists what is"
            )
            raise InputError(f"{first} to {last} is not closed", hint=hint)
        return found

    def changed(self, closing: Closing) -> list[SheetChange]:
        """Return what the computation would say now against what is closed, for everybody in the list of people.

        Days whose log retention has erased cannot be computed again and are left out.
        """
        attendance, people = self._records.attendance, self._records.people.known()
        raw, first = attendance.log.raw, closing.first
        if (purged := raw.journal.purged(raw.name)) is not None:
            first = max(first, purged + timedelta(days=1))
        if first > closing.last:
            return []
        sealed = attendance.closed.sheets(day_range(first, closing.last), people)
        before = [row for rows in sealed.values() for row in rows]
        found = changes(before, attendance.sheets.computed(first, closing.last, people))
        return [each for each in found if each.employee_id in people]

    def intact(self, closing: Closing) -> bool | None:
        """Return whether the sealed sheet has the hash that was recorded; None: retention has erased some of it."""
        closed = self._records.attendance.closed
        purged = closed.days.raw.journal.purged(closed.days.raw.name)
        if purged is not None and purged >= closing.first:
            return None
        return closed.digest(closed.rows_of(closing)) == closing.sha256

    def closed_note(self, day: date) -> str:
        """Return what somebody must know who changes a closed day; empty if the day is open."""
        found = self._records.attendance.closed.about(day, day)
        if not found:
            return ""
        span = f"{found[0].first} to {found[0].last}"
        return f"{span} is closed: the sheet keeps its figures, and the change is listed until somebody reopens it."

    def _sheets(self, first: date, last: date) -> list[DaySheet]:
        return self._records.attendance.sheets.between(first, last, self._records.people.known())

    def _signed(self, row: Closing, author: str, reason: str) -> Closing:
        names = self._records.names
        return replace(row, author=names.ids(author), reason=names.text(reason))

    def _renew(self, closing: Closing) -> None:
        """Write the tables of the days anew."""
        days = set(day_range(closing.first, closing.last))
        self._records.attendance.keeper.changed(days, self._records.people.known())
