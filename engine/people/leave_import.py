"""Import leave from tables and calendars: what they say now takes the place of what they said before.

A row that cannot be used is left out with a message; the rest is imported.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.config import Half
from engine.errors import InputError
from engine.people.absence import RowRefused, Who
from engine.people.calendars import CalendarFile, CalendarSpan, read_calendar
from engine.people.dates import DateOrder
from engine.people.kinds import LeaveKinds, part_of_day
from engine.people.leave import Leave, LeaveBook, LeaveChange
from engine.people.leave_table import IGNORED, LEAVE_FIELDS, LeaveRow, LeaveTable, UnknownKind
from engine.people.store import PeopleStore
from engine.people.tables import RowMessage, plain, read_table
from engine.words import N_, Phrase, phrase

_NO_HALF: Half = ""
_NO_COLUMN = {
    "first_day": N_("{path} has no column for the first day"),
    "kind": N_("{path} has no column for the kind"),
}


@dataclass(frozen=True)
class LeaveImport:
    """What an import did, or would do.

    Attributes:
        added, removed, unchanged: ids of entries; an entry whose days or kind changed counts as removed and added.
        changes: entries before and after.
        messages: by line of the file; messages about the whole file come first.
        unknown_kinds: words of the file that are no known kind, with the number of rows that were left out for them.
        order: of day and month in the file's dates, where it mattered.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    changes: tuple[LeaveChange, ...] = ()
    messages: tuple[RowMessage, ...] = ()
    unknown_kinds: Mapping[str, int] | None = None
    order: DateOrder | None = None

    @property
    def errors(self) -> tuple[RowMessage, ...]:
        """The messages about entries that should have been imported but were not."""
        return tuple(message for message in self.messages if message.level == "error")


def mapped_kinds(kinds: LeaveKinds, mapping: Mapping[str, str]) -> tuple[LeaveKinds, frozenset[str]]:
    """Return the kinds with further words, and the words whose rows are to be left out.

    Args:
        mapping: a kind for each word, or `ignore`.

    Raises:
        InputError: one of them is no kind.
    """
    words = {word: kind for word, kind in mapping.items() if plain(kind) != IGNORED}
    return kinds.with_words({word: kinds.only(kind) for word, kind in words.items()}), frozenset(
        plain(word) for word in mapping if word not in words
    )


def import_table(
    book: LeaveBook,
    path: Path,
    people: PeopleStore,
    *,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    order: DateOrder | None = None,
    encoding: str | None = None,
    dry_run: bool = False,
) -> LeaveImport:
    """Import a table: who (id, e-mail or name), first and last day (both included), kind, and perhaps status, half days and a request id.

    Only approved rows are leave; pending ones are kept apart, rejected and cancelled ones take out what was imported before. A row replaces
    the entry with its request id; without one, entries of the same person and kind from tables that overlap it. So importing the same table
    again changes nothing, and a shortened leave is shortened.

    Args:
        path: the table; see `LEAVE_FIELDS` for its headings.
        now: timezone-aware time of the import.
        mapping: kinds for words that are not known, see `mapped_kinds`.
        order: of day and month in dates with slashes; None: the only one that fits all of them.
        encoding: of a CSV file; None: it is found out.
        dry_run: report without writing.

    Raises:
        InputError: the file is not a table or lacks a column.
        StorageError: people or leave cannot be read or written.
    """
    table = read_table(path, LEAVE_FIELDS, encoding=encoding)
    for wanted in ("first_day", "kind"):
        if wanted not in table.headings:
            names = " / ".join(LEAVE_FIELDS[wanted][:2])
            text = phrase(_NO_COLUMN[wanted], path=path.name)
            raise InputError(text, hint=phrase("name it {names}", names=names))
    if not {"employee_id", "email", "name", "employee", "last_name"} & set(table.headings):
        raise InputError(
            phrase("{path} has no column that says who", path=path.name),
            hint=phrase("name it {names}", names="employee id / email / name"),
        )
    kinds, ignored = mapped_kinds(book.known_kinds, {**_as_before(book), **(mapping or {})})
    reader = LeaveTable(table, Who(people.all().values()), kinds, order, ignored)
    spoilt = {message.line for message in table.messages if message.level == "error" and message.line}
    messages = list(table.messages)
    unknown: Counter[str] = Counter()
    rows: list[LeaveRow] = []
    for row in table.rows:
        if row.line in spoilt:
            continue
        try:
            rows += reader.read(row)
        except RowRefused as error:
            if isinstance(error, UnknownKind):
                unknown[error.word] += 1
            messages.append(RowMessage(row.line, reader.heading(error.field), "error", error.reason))
    merge = _Merge(book, f"csv:{path.name}", now, rows)
    messages += [*reader.notes, *merge.messages, *_about_status(rows)]
    messages += merge.beside(row for row in book.all() if not row.source.startswith(("csv:", "ical:")))
    messages.sort(key=lambda message: message.line)
    changes = merge.write(dry_run=dry_run)
    return _report(changes, merge.entries, messages, unknown=dict(unknown), order=reader.order)


def _as_before(book: LeaveBook) -> dict[str, str]:
    """Kinds of words that are known only because somebody said it in an earlier import."""
    said = {row.word: row.kind for row in book.all() if row.word and row.source.startswith("csv:")}
    return {word: kind for word, kind in said.items() if not part_of_day(word) and not book.known_kinds.within(word)}


def _about_status(rows: Sequence[LeaveRow]) -> list[RowMessage]:
    count = Counter(row.status for row in rows)
    if not any(count[status] for status in ("pending", "rejected", "cancelled")):
        return []
    text = phrase(
        "rows that are no leave: {pending} pending, {rejected} rejected, {cancelled} cancelled",
        pending=count["pending"],
        rejected=count["rejected"],
        cancelled=count["cancelled"],
    )
    return [RowMessage(0, "", "warning", text)]


def _report(
    changes: Sequence[LeaveChange],
    entries: Mapping[str, Leave],
    messages: Sequence[RowMessage],
    *,
    unknown: Mapping[str, int] | None = None,
    order: DateOrder | None = None,
) -> LeaveImport:
    added = tuple(change.after.leave_id for change in changes if change.after)
    removed = tuple(change.before.leave_id for change in changes if change.before)
    unchanged = tuple(key for key in entries if key not in set(added))
    return LeaveImport(added, removed, unchanged, tuple(changes), tuple(messages), unknown or {}, order)


class _Merge:
    """Puts the rows of a table in place of what tables said before."""

    def __init__(self, book: LeaveBook, source: str, now: datetime, rows: Sequence[LeaveRow]) -> None:
        self._book, self._source, self._stamp = book, source, now.isoformat(timespec="seconds")
        self.messages: list[RowMessage] = []
        self.entries: dict[str, Leave] = {}
        self._lines: dict[str, int] = {}
        self._withdrawn: dict[str, list[LeaveRow]] = {}
        for row in rows:
            if row.status in {"approved", "pending"}:
                self._take(row)
            else:
                self._withdrawn.setdefault(row.employee_id, []).append(row)
        self._of: dict[str, list[Leave]] = {}
        for entry in self.entries.values():
            self._of.setdefault(entry.employee_id, []).append(entry)

    def _take(self, row: LeaveRow) -> None:
        entry = self._entry(row)
        key = entry.leave_id
        if key not in self.entries:
            self.entries[key], self._lines[key] = entry, row.line
            return
        before = self.entries[key]
        level = "warning" if before.content == entry.content else "error"
        said = (
            phrase(
                "line {line} says {kind} for the same request: keep one of them",
                line=self._lines[key],
                kind=before.kind,
            )
            if row.reference
            else phrase(
                "line {line} says {kind} for the same days: keep one of them", line=self._lines[key], kind=before.kind
            )
        )
        self.messages.append(RowMessage(row.line, "", level, said))  # type: ignore[arg-type]

    def _entry(self, row: LeaveRow) -> Leave:
        if row.reference:
            key = f"ref-{_hash(row.reference, row.employee_id, row.place)}"
        elif row.share is None:
            key = f"csv-{_hash(row.employee_id, row.first, row.last)}"
        else:
            key = f"csv-{_hash(row.employee_id, row.first, row.last, row.half or (row.share, row.kind))}"
        return Leave(
            key,
            row.employee_id,
            row.first,
            row.last,
            row.kind,
            self._source,
            self._stamp,
            row.share,
            row.half,
            row.word,
            "approved" if row.status == "approved" else "pending",
            row.reference,
        )

    def beside(self, by_hand: Iterable[Leave]) -> list[RowMessage]:
        """Warnings about entries that people made by hand for the same days: an import does not touch them."""
        found = []
        for old in by_hand:
            for new in self._of.get(old.employee_id, ()):
                if new.overlaps(old.first_day, old.last_day) and new.leave_id != old.leave_id:
                    said = phrase(
                        "{entry} of {person} was entered by hand and stays, too: take it out if this row replaces it",
                        entry=str(old),
                        person=old.employee_id,
                    )
                    found.append(RowMessage(self._lines[new.leave_id], "", "warning", said))
        return found

    def write(self, *, dry_run: bool) -> list[LeaveChange]:
        """Change the book."""
        return self._book.change(self._instead_of, self.entries.values(), dry_run=dry_run)

    def _instead_of(self, old: Leave) -> list[Leave] | None:
        """What takes the place of an entry; None: it stays."""
        if old.leave_id in self.entries:
            return [self.entries[old.leave_id]]
        if not old.source.startswith("csv:") or old.status == "entitlement":
            return None
        if new := next((new for new in self._of.get(old.employee_id, ()) if self._supersedes(new, old)), None):
            return [new]
        left = [old]
        for row in self._withdrawn.get(old.employee_id, ()):
            left = [piece for entry in left for piece in _without(entry, row)]
        return None if left == [old] else left

    @staticmethod
    def _supersedes(new: Leave, old: Leave) -> bool:
        if not new.overlaps(old.first_day, old.last_day):
            return False
        if new.reference and old.reference:
            return new.reference == old.reference  # another part of the same request
        if new.half and old.half and new.half != old.half:
            return False
        same_days = (new.first_day, new.last_day, new.source) == (old.first_day, old.last_day, old.source)
        return new.kind == old.kind or same_days


def _without(entry: Leave, row: LeaveRow) -> list[Leave]:
    """What is left of an entry after a rejected or cancelled row."""
    if row.reference and entry.reference:
        return [] if row.reference == entry.reference else [entry]
    if not entry.overlaps(row.first, row.last):
        return [entry]
    same_part = row.share is None or (row.share, row.half) == (entry.share, entry.half)
    if (row.kind and row.kind != entry.kind) or not same_part:
        return [entry]
    if row.status == "rejected":  # another request for overlapping days may have been approved
        return [] if (row.first, row.last) == (entry.first_day, entry.last_day) else [entry]
    return days_left(entry, row.first, row.last)


def days_left(entry: Leave, first: date, last: date) -> list[Leave]:
    """Return an entry without the days from `first` to `last`: none, one, or one before and one after."""
    before, after = first - timedelta(days=1), last + timedelta(days=1)
    left = []
    if entry.first_day <= before:
        left.append(replace(entry, last_day=min(before, entry.last_day)))
    if after <= entry.last_day:
        rest = replace(entry, first_day=max(after, entry.first_day))
        left.append(replace(rest, leave_id=f"{entry.leave_id}-{rest.first_day:%m%d}") if left else rest)
    return left


def import_calendar(
    book: LeaveBook,
    path: Path,
    people: PeopleStore,
    *,
    zone: ZoneInfo,
    now: datetime,
    kind: str | None = None,
    mapping: Mapping[str, str] | None = None,
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
        mapping: further words for kinds, see `mapped_kinds`.
        horizon_days: how far before and after `now` events count.
        dry_run: report without writing.

    Raises:
        InputError: the file is not a calendar, or the kind is unknown.
        ConfigError: the packages for calendars are not installed.
        StorageError: people or leave cannot be read or written.
    """
    kinds, ignored = mapped_kinds(book.known_kinds, mapping or {})
    fixed = kinds.only(kind) if kind is not None else ""
    today = now.astimezone(zone).date()
    first = today - timedelta(days=horizon_days)
    calendar = read_calendar(path, zone, first, today + timedelta(days=horizon_days))
    who = Who(people.all().values())
    messages = list(calendar.messages)
    refused: set[str] = set()
    entries: dict[str, Leave] = {}
    for span in calendar.spans:
        if ignored and any(f" {word} " in f" {plain(span.summary)} " for word in ignored):
            continue
        try:
            key, entry = _event(span, who, kinds, fixed)
        except RowRefused as error:
            # calendars hold much else: only an event that mentions absence is worth an error
            level = error.level if fixed or kinds.within(span.summary) else "warning"
            text = phrase("{title!r}: {what}", title=span.title, what=error.reason)
            messages.append(RowMessage(span.line, "", level, text))
            if level == "error":
                refused.add(span.uid)
            continue
        entries[key] = replace(entry, source=f"ical:{path.name}", imported_at=now.isoformat(timespec="seconds"))
    if missing := _missing(book, calendar, path, today):
        messages.append(RowMessage(0, "", "warning", missing))
    events = {_event_id(uid) for uid in calendar.uids - refused}  # refused events keep their entries
    messages = sorted(dict.fromkeys(messages), key=lambda message: message.line)  # one message per series

    def instead_of(old: Leave) -> list[Leave] | None:
        if old.leave_id in entries:
            return [entries[old.leave_id]]
        return [] if old.leave_id[:_EVENT_ID] in events and old.last_day >= first else None

    changes = book.change(instead_of, entries.values(), dry_run=dry_run)
    return _report(changes, entries, messages)


def _event(span: CalendarSpan, who: Who, kinds: LeaveKinds, fixed: str) -> tuple[str, Leave]:
    """An event as an entry with its id.

    Raises:
        RowRefused: it is not clear whom it is about, or which kind it is.
    """
    employee_id, title = who.of_event(span.summary, span.attendees, span.organiser)
    part = part_of_day(title)
    found = {fixed} if fixed else kinds.within(part[2] if part else title)
    if len(found) != 1:
        names = ", ".join(sorted(map(kinds.name, found)))
        raise RowRefused(
            phrase("speaks of several kinds ({kinds}): name one of them", kinds=names)
            if found
            else phrase("does not say which kind of leave it is: {kinds}", kinds=", ".join(kinds.all))
        )
    share, half = part[:2] if part and not fixed else (None, _NO_HALF)
    key = f"{_event_id(span.uid)}-{_hash(employee_id, span.first_day)}"
    word = " ".join(title.replace("|", " ").split())[:60]  # without the person's name
    days = span.first_day, span.last_day
    return key, Leave(key, employee_id, *days, found.pop(), share=share, half=half, word=word, status="approved")


def _missing(book: LeaveBook, calendar: CalendarFile, path: Path, today: date) -> Phrase | None:
    """Return a warning about future days that an earlier file of this name had and this one lacks.

    They may have been deleted in the calendar, or this is another calendar of the same name: only a person can tell.
    """
    events = {_event_id(uid) for uid in calendar.uids | calendar.damaged}
    future = [row for row in book.all() if row.source == f"ical:{path.name}" and row.last_day >= today]
    gone = sum(row.leave_id[:_EVENT_ID] not in events for row in future)
    if not gone:
        return None
    return phrase(
        "future entries of an earlier {file} are not in this one and were kept ({count}): "
        "take them out with `muster leave remove` if they no longer apply",
        file=path.name,
        count=gone,
    )


def _hash(*values: object) -> str:
    return hashlib.sha256("\n".join(map(str, values)).encode("utf-8", "replace")).hexdigest()[:12]


_EVENT_ID = len("ical-") + 12


def _event_id(uid: str) -> str:
    return f"ical-{_hash(uid)}"
