"""Leave, remote and sick days: `leave.csv`, which tables and calendars fill and the day sheet reads."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import InputError
from engine.people.absence import LEAVE_KINDS, RowRefused, Who, kinds_in, only_kind, read_row
from engine.people.calendars import CalendarFile, read_calendar
from engine.people.store import PeopleStore
from engine.people.tables import RowMessage, headings, read_table
from engine.storage import Document, document, table_rows, table_text
from engine.storage.logs.rows import RowType

__all__ = ["LEAVE_FIELDS", "LEAVE_KINDS", "Leave", "LeaveBook", "LeaveImport"]

log = logging.getLogger(__name__)

LEAVE_FIELDS = headings(
    employee_id="employee id, id, employee no, employee number, personnel number, personnel no, staff id, staff no, "
    "personalnummer, personalnr, mitarbeiternummer, mitarbeiter id, matricule",
    email="email, e mail, mail, email address, e mail address, e mail adresse",
    name="name, full name, employee, employee name, mitarbeiter",
    first_day="first day, from, start, start date, begin, date, day, von, beginn, datum, tag",
    last_day="last day, to, until, end, end date, through, bis, ende",
    kind="kind, type, reason, absence, absence type, leave type, art, grund, abwesenheit",
)
"""Accepted headings by field; the first is the usual one."""


@dataclass(frozen=True)
class Leave:
    """A span of days, both included, on which a person is not expected at the door.

    Attributes:
        leave_id: stays the same when the same entry is imported again.
        kind: one of `LEAVE_KINDS`.
        source: `csv:` or `ical:` and the file's name, or whatever was typed by hand.
        imported_at: ISO 8601.
    """

    leave_id: str
    employee_id: str
    first_day: date
    last_day: date
    kind: str
    source: str = ""
    imported_at: str = ""

    @property
    def content(self) -> tuple[object, ...]:
        """Whose days these are and of which kind; a change of these is a change of the entry."""
        return self.employee_id, self.first_day, self.last_day, self.kind


_LEAVE = RowType(Leave)


@dataclass(frozen=True)
class LeaveImport:
    """What an import did.

    Attributes:
        added, removed, unchanged: ids of entries; an entry whose days or kind changed counts as removed and added.
        messages: by line of the file; messages about the whole file come first.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    messages: tuple[RowMessage, ...] = ()

    @property
    def errors(self) -> tuple[RowMessage, ...]:
        """The messages about entries that should have been imported but were not."""
        return tuple(message for message in self.messages if message.level == "error")


class LeaveBook:
    """`leave.csv`, or its counterpart in a database.

    Several processes change it, and people may edit it by hand: delete a line to remove the entry.
    """

    def __init__(self, place: Path | Document) -> None:
        self.document = document(place)

    def all(self) -> list[Leave]:
        """Return all entries in the order of the file; an invalid line is skipped and logged.

        Raises:
            StorageError: the file cannot be read.
        """
        return [entry for _, entry in self._read() if entry]

    def kinds(self, first: date, last: date) -> dict[tuple[str, date], str]:
        """Return who is absent on the days from `first` to `last`, both included.

        Returns:
            One of `LEAVE_KINDS` by employee id and day, only for days with an entry. Where entries overlap, sick overrides
            leave, and leave overrides remote.
        """
        found: dict[tuple[str, date], str] = {}
        for entry in self.all():
            start, end = max(first, entry.first_day), min(last, entry.last_day)
            for offset in range((end - start).days + 1):
                key = (entry.employee_id, start + timedelta(days=offset))
                found[key] = max(found.get(key, entry.kind), entry.kind, key=LEAVE_KINDS.index)
        return found

    def remove(self, employee_id: str) -> int:
        """Remove all entries of a person; return how many lines that were."""
        with self.document.exclusive():
            before = self._read()
            others = [row for row, _ in before if row.get("employee_id") != employee_id]
            if len(others) < len(before):
                self._write(others)
        return len(before) - len(others)

    def extend(self, entries: Iterable[Leave]) -> None:
        """Append entries; leave the lines that are there unchanged."""
        with self.document.exclusive():
            self._write([*(row for row, _ in self._read()), *map(_LEAVE.cells, entries)])

    def import_csv(self, path: Path, people: PeopleStore, *, now: datetime, dry_run: bool = False) -> LeaveImport:
        """Import a table: who (id, e-mail or name), first and last day (both included, ISO 8601), and kind.

        A row without a last day is one day. An error in any row stops the whole import. An entry for the same person and days
        is replaced, so importing the same table again changes nothing.

        Args:
            path: the table; see `LEAVE_FIELDS` for its headings.
            now: timezone-aware time of the import.
            dry_run: report without writing.

        Raises:
            InputError: the file is not a table or lacks a column.
            StorageError: people or leave cannot be read or written.
        """
        table = read_table(path, LEAVE_FIELDS)
        for wanted in ("first_day", "kind"):
            if wanted not in table.headings:
                names = " or ".join(LEAVE_FIELDS[wanted][:2])
                raise InputError(f"{path} has no column for the {wanted.replace('_', ' ')}", hint=f"name it {names}")
        if not {"employee_id", "email", "name"} & set(table.headings):
            raise InputError(f"{path} has no column that says who", hint="name it employee id, email or name")
        who = Who(people.all().values())
        messages = list(table.messages)
        entries: dict[str, Leave] = {}
        lines: dict[str, int] = {}
        for row in table.rows:
            try:
                employee_id, first, last, kind = read_row(row, who)
            except RowRefused as error:
                messages.append(RowMessage(row.line, table.headings.get(error.field, ""), "error", str(error)))
                continue
            key = f"csv-{_hash(employee_id, first, last)}"
            if key not in lines:
                lines[key] = row.line
                entries[key] = Leave(key, employee_id, first, last, kind, f"csv:{path.name}", _stamp(now))
                continue
            text = f"line {lines[key]} says {entries[key].kind} for the same days"
            messages.append(RowMessage(row.line, "", "warning" if entries[key].kind == kind else "error", text))
        messages.sort(key=lambda message: message.line)
        if any(message.level == "error" for message in messages):
            return LeaveImport(messages=tuple(messages))
        return self._merge(entries, lambda entry: entry.leave_id in entries, messages, dry_run=dry_run)

    def import_ical(
        self,
        path: Path,
        people: PeopleStore,
        *,
        zone: ZoneInfo,
        now: datetime,
        kind: str | None = None,
        horizon_days: int = 730,
        dry_run: bool = False,
    ) -> LeaveImport:
        """Import the whole days of a calendar's events, repetitions included.

        An event imported before is replaced, found by its UID; a cancelled event is removed. An unusable event is skipped with a
        message. An event is about its attendee, or the person whose full name or id is in the title (both must agree), else
        about its organiser.

        Args:
            path: an `.ics` file.
            zone: the workplace's time zone.
            now: timezone-aware time of the import.
            kind: of all events, by any usual word; default: from each event's title or category.
            horizon_days: how far before and after `now` events count.
            dry_run: report without writing.

        Raises:
            InputError: the file is not a calendar, or the kind is unknown.
            ConfigError: the packages for calendars are not installed.
            StorageError: people or leave cannot be read or written.
        """
        fixed = kinds_in(kind) if kind is not None else set()
        if kind is not None and len(fixed) != 1:
            raise InputError(f"{kind!r} is not a kind of absence", hint=f"choose one of {', '.join(LEAVE_KINDS)}")
        today = now.astimezone(zone).date()
        first = today - timedelta(days=horizon_days)
        calendar = read_calendar(path, zone, first, today + timedelta(days=horizon_days))
        who = Who(people.all().values())
        messages = list(calendar.messages)
        refused: set[str] = set()
        entries: dict[str, Leave] = {}
        for span in calendar.spans:
            try:
                employee_id, title = who.of_event(span.summary, span.attendees, span.organiser)
                one = only_kind(fixed or kinds_in(title))
            except RowRefused as error:
                # calendars hold much else: only an event that mentions absence is worth an error
                level = error.level if fixed or kinds_in(span.summary) else "warning"
                messages.append(RowMessage(span.line, "", level, f"{span.title!r}: {error}"))
                if level == "error":
                    refused.add(span.uid)
                continue
            key = f"{_event_id(span.uid)}-{_hash(employee_id, span.first_day)}"
            entries[key] = Leave(key, employee_id, span.first_day, span.last_day, one, f"ical:{path.name}", _stamp(now))
        if missing := self._missing(calendar, path, today):
            messages.append(RowMessage(0, "", "warning", missing))
        events = {_event_id(uid) for uid in calendar.uids - refused}  # refused events keep their entries
        messages = sorted(dict.fromkeys(messages), key=lambda message: message.line)  # one message per series
        return self._merge(
            entries,
            lambda entry: entry.leave_id[:_EVENT_ID] in events and entry.last_day >= first,
            messages,
            dry_run=dry_run,
        )

    def _missing(self, calendar: CalendarFile, path: Path, today: date) -> str:
        """Return a warning about future days that an earlier file of this name had and this one lacks.

        They may have been deleted in the calendar, or this is another calendar of the same name: only a person can tell.
        """
        events = {_event_id(uid) for uid in calendar.uids | calendar.damaged}
        future = [row for row in self.all() if row.source == f"ical:{path.name}" and row.last_day >= today]
        gone = sum(row.leave_id[:_EVENT_ID] not in events for row in future)
        if not gone:
            return ""
        text = f"future entries of an earlier {path.name} are not in this one and were kept ({gone})"
        return f"{text}: delete their lines in leave.csv if they no longer apply"

    def _read(self) -> list[tuple[dict[str, str], Leave | None]]:
        """Return each line with its entry; None for an invalid line."""
        rows = table_rows(self.document.read() or b"", self.document.title, by_hand=True)
        return [(row, self._entry(row)) for row in rows]

    def _write(self, rows: Iterable[Mapping[str, object]]) -> None:
        self.document.write(table_text(_LEAVE.columns, rows).encode("utf-8", "replace"))

    def _entry(self, row: Mapping[str, str]) -> Leave | None:
        try:
            entry = _LEAVE.parse(row)
            if entry.kind in LEAVE_KINDS and entry.employee_id and entry.first_day <= entry.last_day:
                return entry
            problem = "its id, kind or days are invalid"
        except ValueError as error:
            problem = str(error)
        log.warning("%s: skipped the entry %r: %s", self.document.title, row.get("leave_id"), problem)
        return None

    def _merge(
        self,
        entries: Mapping[str, Leave],
        is_replaced: Callable[[Leave], bool],
        messages: Iterable[RowMessage],
        *,
        dry_run: bool,
    ) -> LeaveImport:
        """Write entries in place of those they replace; leave lines with the same content alone."""
        kept: list[Mapping[str, object]] = []
        removed: list[str] = []
        unchanged: list[str] = []
        with self.document.exclusive():
            for row, entry in self._read():
                new = entries.get(entry.leave_id) if entry else None
                if entry and new and new.content == entry.content:
                    unchanged.append(entry.leave_id)
                elif entry and (new or is_replaced(entry)):
                    removed.append(entry.leave_id)
                    continue
                kept.append(row)
            added = [entry for key, entry in entries.items() if key not in set(unchanged)]
            if (added or removed) and not dry_run:
                self._write([*kept, *map(_LEAVE.cells, added)])
        return LeaveImport(tuple(entry.leave_id for entry in added), tuple(removed), tuple(unchanged), tuple(messages))


def _hash(*values: object) -> str:
    return hashlib.sha256("\n".join(map(str, values)).encode("utf-8", "replace")).hexdigest()[:12]


_EVENT_ID = len("ical-") + 12


def _event_id(uid: str) -> str:
    return f"ical-{_hash(uid)}"


def _stamp(now: datetime) -> str:
    return now.isoformat(timespec="seconds")
