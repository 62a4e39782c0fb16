"""Day sheets of days that are over, cached in `attendance/.made/<day>` instead of being computed again.

A cached sheet is used only while everything it was made from is unchanged. Its seal is a keyed hash of the sheet, of the table that
people read (`attendance/<day>.csv`), and of their sources: the logs' stamps, corrections, leave, people and plan. After a correction,
an import of leave, or a change of people.csv or of the table, the seal no longer matches, and the sheet is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from engine import __version__
from engine.attendance.corrections import Correction
from engine.attendance.coverage import COVERAGE_DAYS, CoverageBook
from engine.attendance.day import SHEET_COLUMNS, DaySheet, cells, days_from_json, days_to_json
from engine.config import Away
from engine.errors import StorageError
from engine.storage import atomic_write, storage_errors, table_text
from engine.storage.logs import DayLog, Finding, Sealer
from engine.types import Person

SETTLED_DAYS = 3
"""Age of a day whose rows are complete: they are in files of up to two days later, and today's file still grows."""
_HELD_ROWS = 30_000
"""Rows that a process keeps in memory, about 2 kB each: the 13 weeks that a chart shows, of 400 people."""


def log_stamps(days: Sequence[date], attendance: DayLog, coverage: CoverageBook | None) -> dict[date, list[object]]:
    """The state of the logs behind the sheets of days, to compare; days without any row are left out."""
    logs = [attendance, *([coverage.log.raw] if coverage else [])]
    offsets = [timedelta(days=offset) for offset in range(-COVERAGE_DAYS, SETTLED_DAYS)]
    wanted = sorted({day + offset for day in days for offset in offsets})
    at = [log.stamps(wanted) for log in logs]
    found = {}
    for day in days:
        state = [stamps.get(day + offset) for stamps in at for offset in offsets]
        if any(state):
            found[day] = state
    return found


def states(
    logs: Mapping[date, object],
    rules: Sequence[str],
    people: Mapping[str, Person],
    leave: Mapping[tuple[str, date], Away],
    corrections: Iterable[Correction],
) -> dict[date, str]:
    """Everything that the sheets of days depend on, by day, as a text to compare."""
    known = (
        repr([(key, each.name, each.department, each.active, each.enrolled_at) for key, each in sorted(people.items())])
        if logs
        else ""
    )
    always = hashlib.sha256(repr((__version__, SHEET_COLUMNS, *rules, known)).encode("utf-8", "replace")).hexdigest()
    away: dict[date, list[tuple[str, str]]] = {}
    for (employee_id, day), kind in leave.items():
        away.setdefault(day, []).append((employee_id, repr(kind)))
    own: dict[date, list[Correction]] = {}
    for row in corrections:
        own.setdefault(row.day, []).append(row)
    near = {day: [own.get(day + timedelta(days=offset), []) for offset in (-2, -1, 0, 1)] for day in logs}
    return {day: repr((always, found, sorted(away.get(day, [])), near[day])) for day, found in logs.items()}


class SheetCache:
    """The folder of day sheets."""

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self._folder, self._sealer = folder, sealer
        self._held: dict[date, tuple[str, list[DaySheet]]] = {}

    def path(self, day: date) -> Path:
        """The sheet of a day."""
        return self._folder / f"{day.isoformat()}.csv"

    def _mark(self, day: date) -> Path:
        return self._folder / ".made" / day.isoformat()

    def _table(self, day: date) -> Path:
        return self._folder / ".tables" / day.isoformat()

    def _content(self, day: date) -> str:
        try:
            return self.path(day).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def write_table(self, day: date, table: str) -> None:
        """Write the table of a day that people read, and what it is checked with.

        Raises:
            StorageError: it cannot be written.
        """
        seal, before = self._table_seal(day, table), self._written(day)
        # before the table: a crash in between leaves the one of before, which is accepted, too
        if before[:1] != [seal]:
            atomic_write(self._table(day), "\n".join([seal, *before[:1]]).encode(), durable=False)
        atomic_write(self.path(day), table.encode("utf-8", "replace"))

    def _table_seal(self, day: date, table: str) -> str:
        return self._sealer.mac("table", day.isoformat(), table)

    def _written(self, day: date) -> list[str]:
        """The seals of the table as it was written last and before; none by an earlier version."""
        try:
            return self._table(day).read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return []

    def check(self) -> list[Finding]:
        """Return all findings about the tables; one of an earlier version is not covered.

        Raises:
            StorageError: one cannot be read.
        """
        findings, uncovered = [], list[str]()
        for path in sorted(self._folder.glob("*.csv")):
            with contextlib.suppress(ValueError), storage_errors(path):  # other files are not Muster's
                day, name = date.fromisoformat(path.stem), f"{self._folder.name}/{path.name}"
                seals = self._written(day)
                if not seals:
                    uncovered.append(name)
                elif self._table_seal(day, self._content(day)) not in seals:
                    detail = (
                        "the day sheet was changed outside of Muster; `muster report` computes what holds from the logs"
                    )
                    findings.append(Finding(name, 0, "changed", detail))
        if uncovered:
            detail = f"{len(uncovered)} day sheets are not covered: an earlier version wrote them, or somebody put them there"
            findings.append(Finding(self._folder.name, 0, "note", detail))
        return findings

    def forget_seals(self) -> None:
        """Delete the seals of all tables.

        Raises:
            StorageError: they cannot be deleted.
        """
        with storage_errors(self._folder):
            for path in (self._folder / ".tables").glob("*"):
                path.unlink(missing_ok=True)

    def forget(self, day: date) -> None:
        """Delete the table of a day on purpose, and all that was made with it.

        Raises:
            StorageError: it cannot be deleted.
        """
        for path in (self.path(day), self._mark(day), self._table(day)):
            with storage_errors(path):
                path.unlink(missing_ok=True)

    def _seal(self, day: date, made_from: str, table: str, rows: bytes) -> bytes:
        return self._sealer.mac("sheet", day.isoformat(), made_from, table, rows.decode()).encode()

    def read(self, day: date, made_from: str) -> list[DaySheet] | None:
        """The cached sheet; None: it must be computed. `made_from`: everything that the sheet depends on now."""
        held = self._held.pop(day, None)
        if held is None or held[0] != made_from:
            try:
                seal, rows = self._mark(day).read_bytes().split(b"\n", 1)
                if seal != self._seal(day, made_from, self._content(day), rows):
                    return None
                held = made_from, days_from_json(rows)
            except (OSError, ValueError, StorageError):  # without the key of the seals it is computed
                return None
        self._hold(day, *held)
        return list(held[1])

    def _hold(self, day: date, made_from: str, rows: Sequence[DaySheet]) -> None:
        self._held[day] = made_from, list(rows)
        self._spare()

    def _spare(self) -> None:
        """Forget the sheets that were unused for longest, as far as there are too many rows."""
        kept = list(self._held.items())
        rows = sum(len(sheet) for _, (_, sheet) in kept)
        for day, (_, sheet) in kept:
            if rows <= _HELD_ROWS:
                break
            self._held.pop(day, None)
            rows -= len(sheet)

    def write(self, day: date, rows: Sequence[DaySheet], made_from: str, *, closed: bool = False) -> None:
        """Cache a sheet; if it cannot be written, it is computed again the next time.

        Args:
            made_from: everything that it depends on, as of before it was read.
            closed: the day is closed: the table that people read keeps the closed figures.
        """
        table = table_text(SHEET_COLUMNS, map(cells, rows))
        with contextlib.suppress(OSError, StorageError, UnicodeError):
            before = self._content(day)
            if closed:
                table = before
            elif not rows and not before:
                table = ""  # no file for a day without rows
            elif table != before:
                self.write_table(day, table)
            content = days_to_json(rows)
            seal = self._seal(day, made_from, table, content)
            atomic_write(self._mark(day), seal + b"\n" + content, durable=False)
            self._hold(day, made_from, rows)
