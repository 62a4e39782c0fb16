"""Punches from elsewhere: HR imports what a terminal recorded into the attendance log, or takes an import back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.attendance import IMPORTED, Closing, PunchRow
from engine.errors import InputError
from engine.people import RowMessage, read_clock_file
from engine.records.books import Records
from engine.records.punch_rows import ImportedRows, ReadingOfPunches
from engine.storage import clean_text


@dataclass(frozen=True)
class PunchImport:
    """What an import of punches did, or would do.

    Attributes:
        import_id: names the import in its rows and in the audit log.
        added: new rows, by person and time; of a dry run without ids that last.
        known: punches that the log had already.
        repeated: punches that the file says more than once.
        messages: by line of the file; messages about the whole file come first.
        unknown_ids, unknown_words: ids and words for directions that are not known, with the number of punches left out.
        closed: closed months that some of the new rows belong to; their figures do not move.
        written: whether the log was changed.
    """

    import_id: str
    added: tuple[PunchRow, ...]
    known: int
    repeated: int
    messages: tuple[RowMessage, ...]
    unknown_ids: Mapping[str, int]
    unknown_words: Mapping[str, int]
    closed: tuple[Closing, ...] = ()
    written: bool = False

    @property
    def errors(self) -> tuple[RowMessage, ...]:
        """The messages about punches that were left out."""
        return tuple(message for message in self.messages if message.level == "error")


@dataclass(frozen=True)
class ImportedPunches:
    """An import as the log holds it.

    Attributes:
        first, last: days of its punches.
        taken_back: number of punches that count no more.
    """

    import_id: str
    author: str
    sources: tuple[str, ...]
    first: date
    last: date
    punches: int
    taken_back: int

    @classmethod
    def of(cls, import_id: str, rows: Iterable[PunchRow]) -> ImportedPunches:
        """Count the rows of an import."""
        rows = list(rows)
        punches = [row for row in rows if row.event == "punch"]
        days, sources = [row.timestamp.date() for row in punches], dict.fromkeys(row.camera for row in punches)
        back = len(rows) - len(punches)
        return cls(import_id, punches[0].author, tuple(sources), min(days), max(days), len(punches), back)


class PunchDesk:
    """Imports punches; `keep_days`: how long the settings keep the attendance log, None: for ever."""

    def __init__(self, records: Records, keep_days: int | None) -> None:
        self._records, self._keep_days = records, keep_days

    def import_file(
        self, path: Path, how: ReadingOfPunches | None = None, *, author: str, dry_run: bool = False
    ) -> PunchImport:
        """Import the punches of a file; those that cannot be used are left out and named.

        The same punch is never imported twice, from whichever file. Closed months keep their figures.

        Args:
            path: see `read_clock_file`.
            dry_run: write nothing.

        Raises:
            InputError: the file holds no punches, or something about the reading is not known.
            StorageError: the log cannot be read or written.
        """
        records, how = self._records, how or ReadingOfPunches()
        author = records.names.author(author)
        found = read_clock_file(path, words=how.words, columns=how.columns, encoding=how.encoding, order=how.order)
        reader = ImportedRows(records, how, found, self._keep_days, author)
        rows, attendance = reader.rows(), records.attendance
        added = attendance.log.unknown(rows) if dry_run else attendance.add_imported(rows, records.people.known())
        new = {row.content for row in added}
        reader.compare_known([row for row in rows if row.content not in new])
        days = {row.timestamp.date() for row in added}
        closed = attendance.closed.about(min(days), max(days)) if days else []
        if added and not dry_run:
            counts = f"{len(added)} punches of {len({row.employee_id for row in added})} people"
            records.note("import", "attendance log", f"{counts}, import {reader.import_id}", author=author)
        return PunchImport(
            reader.import_id,
            tuple(sorted(added, key=lambda row: (row.employee_id, row.timestamp))),
            len(rows) - len(added),
            reader.repeated,
            tuple(sorted(reader.messages, key=lambda message: message.line)),
            reader.unknown_ids,
            found.unknown_words,
            tuple(row for row in closed if any(row.holds(day) for day in days)),
            bool(added) and not dry_run,
        )

    def take_back(self, import_id: str, *, author: str, reason: str) -> int:
        """Take back an import: its rows stay in the log and count no more; return how many were taken back.

        Raises:
            InputError: there is nothing to take back, or the reason is missing.
            StorageError: the log cannot be written.
        """
        records = self._records
        author = records.names.author(author)
        reason = clean_text(records.names.text(reason), what="reason", limit=500)
        known = records.people.known()
        done = records.attendance.take_back_import(import_id, author, reason, known) if import_id else []
        if not done:
            raise InputError(
                f"no punches of an import {import_id!r} count", hint="`muster punches list` lists the imports"
            )
        records.note("take_back_import", "attendance log", f"{len(done)} punches, import {import_id}", author=author)
        return len(done)

    def imports(self) -> list[ImportedPunches]:
        """Return all imports, the latest first.

        Raises:
            StorageError: the log cannot be read.
        """
        rows: dict[str, list[PunchRow]] = {}
        for _, row in self._records.attendance_rows():
            if row.method == IMPORTED:
                rows.setdefault(row.track, []).append(row)
        found = [ImportedPunches.of(import_id, own) for import_id, own in rows.items()]
        return sorted(found, key=lambda each: each.import_id, reverse=True)
