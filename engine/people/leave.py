"""Leave: `leave.csv`, which tables, calendars and people fill and the day sheet reads, with the entitlements of the year."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from engine.config import Away, Half
from engine.people.kinds import LeaveKinds
from engine.storage import Document, document, table_rows, table_text
from engine.storage.logs.rows import RowType

log = logging.getLogger(__name__)

EntryStatus = Literal["", "approved", "pending", "entitlement"]


@dataclass(frozen=True)
class Leave:
    """A span of days, both included, on which a person is not expected at the door, or only for a part of the day.

    Attributes:
        leave_id: stays the same when the same entry is imported again.
        kind: its key in the settings.
        source: `csv:` or `ical:` and the file's name, `hand` from the page or the command, or whatever was typed into the file.
        imported_at: ISO 8601.
        share: of each day; None: whole days. Of an entitlement: days of the year.
        half: which one, as far as known.
        word: the kind as the source says it; empty if that is the kind's own name.
        status: empty is approved, too. Pending leave is no leave yet; an `entitlement` is none at all.
        reference: the source's own number of the request; may be empty.
    """

    leave_id: str
    employee_id: str
    first_day: date
    last_day: date
    kind: str
    source: str = ""
    imported_at: str = ""
    share: float | None = None
    half: Half = ""
    word: str = ""
    status: EntryStatus = ""
    reference: str = ""

    @property
    def content(self) -> tuple[object, ...]:
        """What an entry means for the sheet; a change of these is a change of the entry."""
        return self.employee_id, self.first_day, self.last_day, self.kind, self.part, self.half, self.approved

    @property
    def part(self) -> float:
        """Share of each day."""
        return 1.0 if self.share is None else self.share

    @property
    def approved(self) -> bool:
        """Whether it is leave."""
        return self.status in {"", "approved"}

    def overlaps(self, first: date, last: date) -> bool:
        """Whether one of its days is among those from `first` to `last`."""
        return self.first_day <= last and first <= self.last_day

    def __str__(self) -> str:
        """Days and kind for the logs: `annual 2026-11-02…2026-11-06 (0.5 morning)`."""
        days = f"{self.first_day}" if self.first_day == self.last_day else f"{self.first_day}…{self.last_day}"
        more = [f"{self.part:g}"] * (self.part < 1) + [self.half] * bool(self.half) + ["pending"] * (not self.approved)
        return f"{self.kind} {days}" + (f" ({' '.join(more)})" if more else "")


_LEAVE = RowType(Leave)


@dataclass(frozen=True)
class LeaveChange:
    """A change of one entry; None: it was not there before, or is not there any more."""

    before: Leave | None
    after: Leave | None

    @property
    def entry(self) -> Leave:
        """The entry after the change, else before it."""
        entry = self.after or self.before
        assert entry is not None
        return entry

    def __str__(self) -> str:
        after = str(self.after) if self.after else "–"
        return f"{self.before} → {after}" if self.before else after


class LeaveBook:
    """`leave.csv`, or its counterpart in a database.

    Several processes change it, and people may edit it by hand: delete a line to remove the entry.

    Args:
        kinds: returns those of the workplace, which may change; default: the standard ones.
    """

    def __init__(self, place: Path | Document, kinds: Callable[[], LeaveKinds] | None = None) -> None:
        self.document = document(place)
        self._kinds = kinds or LeaveKinds

    @property
    def known_kinds(self) -> LeaveKinds:
        """The kinds of leave of the workplace, as they are now."""
        return self._kinds()

    def all(self) -> list[Leave]:
        """Return all entries in the order of the file, pending ones included; an invalid line is skipped and logged.

        Raises:
            StorageError: the file cannot be read.
        """
        return [entry for _, entry in self._read() if entry and entry.status != "entitlement"]

    def of(self, employee_id: str) -> list[Leave]:
        """Return everything that the file holds about a person, entitlements included.

        Raises:
            StorageError: the file cannot be read.
        """
        return [entry for _, entry in self._read() if entry and entry.employee_id == employee_id]

    def uses(self) -> dict[str, int]:
        """Return how many entries have each kind, entitlements and pending ones included.

        Raises:
            StorageError: the file cannot be read.
        """
        return dict(Counter(entry.kind for _, entry in self._read() if entry))

    def entitlements(self, year: int) -> dict[tuple[str, str], float]:
        """Return days of leave by person and kind that somebody entered for a year."""
        return {
            (entry.employee_id, entry.kind): entry.part
            for _, entry in self._read()
            if entry and entry.status == "entitlement" and entry.first_day.year == year
        }

    def away(self, first: date, last: date, *, pending: bool = False) -> dict[tuple[str, date], Away]:
        """Return who is on leave on the days from `first` to `last`, both included, by employee id and day.

        Where entries overlap, sick overrides leave, and leave overrides remote. Every day of an entry is there: the plan says which of
        them are working days.

        Args:
            pending: what nobody has approved yet instead of what is approved.
        """
        found: dict[tuple[str, date], list[tuple[str, float, Half]]] = {}
        for entry in self.all():
            if entry.approved is pending:
                continue
            start, end = max(first, entry.first_day), min(last, entry.last_day)
            for offset in range((end - start).days + 1):
                key = (entry.employee_id, start + timedelta(days=offset))
                found.setdefault(key, []).append((entry.kind, entry.part, entry.half))
        kinds = self.known_kinds
        combined = {key: kinds.combined(parts) for key, parts in found.items()}
        return {key: away for key, away in combined.items() if away}

    def statuses(self, first: date, last: date) -> dict[tuple[str, date], str]:
        """Return `on leave`, `remote` or `sick` by employee id and day, of whole and half days."""
        return {key: away.status for key, away in self.away(first, last).items()}

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

    def put(self, entry: Leave) -> LeaveChange:
        """Add an entry, or replace the one with its id."""
        return self.change(lambda old: [entry] if old.leave_id == entry.leave_id else None, [entry])[0]

    def change(
        self,
        decide: Callable[[Leave], Sequence[Leave] | None],
        added: Iterable[Leave] = (),
        *,
        allow: Callable[[Sequence[LeaveChange]], None] | None = None,
        dry_run: bool = False,
    ) -> list[LeaveChange]:
        """Change entries under the file's lock; lines that do not change stay as they are.

        Args:
            decide: returns what takes the place of an entry (nothing: it is removed); None: it stays.
            added: further entries; those whose id was given by `decide` are not added twice.
            allow: called with the changes before they are written; may raise.
            dry_run: report without writing.

        Returns:
            What changed, in the order of the file, then what was added.
        """
        with self.document.exclusive():
            rows = self._read()
            others = {old.leave_id for _, old in rows if old}
            lines: list[Mapping[str, object]] = []
            changes: list[LeaveChange] = []
            there: set[str] = set()
            for row, old in rows:
                new = decide(old) if old else None
                if old is None or new is None or list(map(_same, new)) == [_same(old)]:
                    lines.append(row)
                    there |= {old.leave_id} if old else set()
                    continue
                # an entry that has a line of its own is not written in place of another one, too
                free = {old.leave_id} | ({each.leave_id for each in new} - others)
                fresh = [each for each in new if each.leave_id in free - there]
                there |= {each.leave_id for each in fresh}
                lines += map(_LEAVE.cells, fresh)
                changes.append(LeaveChange(old, fresh[0] if fresh else None))
                changes += [LeaveChange(None, each) for each in fresh[1:]]
            more = [entry for entry in added if entry.leave_id not in there]
            changes += [LeaveChange(None, entry) for entry in more]
            if allow is not None:
                allow(changes)
            if changes and not dry_run:
                self._write([*lines, *map(_LEAVE.cells, more)])
        return changes

    def _read(self) -> list[tuple[dict[str, str], Leave | None]]:
        """Return each line with its entry; None for an invalid line."""
        rows = table_rows(self.document.read() or b"", self.document.title, by_hand=True)
        kinds = self.known_kinds
        return [(row, self._entry(row, kinds)) for row in rows]

    def _write(self, rows: Iterable[Mapping[str, object]]) -> None:
        self.document.write(table_text(_LEAVE.columns, rows).encode("utf-8", "replace"))

    def _entry(self, row: Mapping[str, str], kinds: LeaveKinds) -> Leave | None:
        try:
            entry = _LEAVE.parse(row)
            kind = kinds.exact(entry.kind)
            if kind and entry.employee_id and entry.first_day <= entry.last_day and _sensible(entry):
                return entry if kind == entry.kind else replace(entry, kind=kind, word=entry.word or entry.kind)
            problem = "its id, kind, share or days are invalid"
        except ValueError as error:
            problem = str(error)
        log.warning("%s: skipped the entry %r: %s", self.document.title, row.get("leave_id"), problem)
        return None


def _same(entry: Leave) -> tuple[str, tuple[object, ...]]:
    return entry.leave_id, entry.content


def _sensible(entry: Leave) -> bool:
    return 0 <= entry.part <= (366 if entry.status == "entitlement" else 1)
