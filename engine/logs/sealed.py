"""Append-only CSV logs whose rows are sealed: one file, or one per workplace day with closed days.

When a day is over its file is closed: the number of its rows and its head are written to `log/seals.csv`, itself sealed. Rows
may still come in afterwards (a recording that is processed late); they carry on the chain and the day is closed again. So
nothing is ever rewritten, and `check` names every row that was changed, removed, moved or inserted by somebody without the
key. The end of a file that is still open is vouched for by its running head, a small file in `log/.heads`.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from engine.errors import StorageError
from engine.logs.check import Finding, Head, check_content
from engine.logs.seals import Seal, Sealer, parse_seal
from engine.storage import (
    append_lines,
    atomic_write,
    csv_line,
    decode_cell,
    encode_cell,
    locked,
    parse_rows,
    storage_errors,
)

__all__ = ["DayLog", "Finding", "Head", "Journal", "SealedFile"]

log = logging.getLogger(__name__)

Row = Mapping[str, object]
_TAIL = 16384
_OPEN_DAYS = 400
_PROBE = 64  # bytes before the place up to which a file was read, to notice that it is another one now


class SealedFile:
    """One append-only CSV file with a `seal` as its last column.

    Args:
        path: the file.
        columns: its header, `seal` the last of them.
        sealer: makes the seals.
        people: columns with ids of people, several separated by `;`.
    """

    def __init__(self, path: Path, columns: Sequence[str], sealer: Sealer, people: Sequence[str] = ()) -> None:
        if columns[-1] != "seal":
            raise ValueError("the last column must be `seal`")
        self.path, self.columns = path, tuple(columns)
        self._sealer = sealer
        self._people = [self.columns.index(column) for column in people]
        self._name = path.stem
        self._cache: tuple[int, int, int, bytes, list[dict[str, str]]] | None = None
        self._mutex = threading.Lock()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the file's lock over a read and the append that depends on it."""
        with locked(self.path):
            yield

    # ----------------------------------------------------------------------------------------- writing

    def append(self, rows: Sequence[Row]) -> int:
        """Append rows durably and seal them; call it within the lock.

        Returns:
            Bytes of a torn last line that was removed before.

        Raises:
            StorageError: nothing was written.
        """
        if not rows:
            return 0
        before = self._last()
        lines = []
        for row in rows:
            cells = [encode_cell(row.get(column, "")) for column in self.columns[:-1]]
            before = self._seal(before, cells)
            lines.append(csv_line([*cells, str(before)]))
        healed = append_lines(self.path, csv_line(self.columns), lines)
        assert before is not None
        self._write_head(before)
        return healed

    def _seal(self, before: Seal | None, cells: Sequence[str]) -> Seal:
        number = 1 if before is None else before.number + 1
        own = self._sealer.own(self._name, number, self._canonical(cells))
        return Seal(number, own, self._sealer.chain("" if before is None else before.chain, own))

    def _canonical(self, cells: Sequence[str]) -> list[str]:
        sealed = list(cells)
        for index in self._people:
            sealed[index] = ";".join(self._sealer.pseudonym(person) for person in decode_cell(cells[index]).split(";"))
        return sealed

    def _last(self) -> Seal | None:
        """The seal that the next row follows on: of the last whole row."""
        length, whole = _TAIL, list[bytes]()
        with storage_errors(self.path):
            try:
                with self.path.open("rb") as handle:
                    size = handle.seek(0, os.SEEK_END)
                    while len(whole) < 2 and length // 2 < size + _TAIL:  # the first of them may be a row's end
                        handle.seek(max(0, size - length))
                        tail = handle.read()
                        whole, length = tail[: tail.rfind(b"\n") + 1].splitlines(), 2 * length
            except FileNotFoundError:
                return None
        if not whole or whole[-1] == csv_line(self.columns).rstrip("\n").encode():
            return None
        seal = parse_seal(whole[-1].rpartition(b",")[2].decode("ascii", "replace"))
        if (
            seal is None
        ):  # damaged: go on from a number that no row has, so that `check` names the damage, and no row is lost
            count = self.path.read_bytes().count(b"\n") - 1
            return Seal(count, "", "")
        return seal

    # ----------------------------------------------------------------------------------------- heads

    @property
    def _head_path(self) -> Path:
        return self.path.parent / ".heads" / self.path.name

    def _write_head(self, seal: Seal) -> None:
        """Note how far the file is sealed. Not synced: after a power failure it may lag behind the rows, never run ahead."""
        text = f"{seal.number} {seal.chain} {self._sealer.mac('head', self._name, str(seal.number), seal.chain)}\n"
        path = self._head_path
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            path.parent.mkdir(exist_ok=True)
            temporary.write_text(text, encoding="ascii")
            temporary.replace(path)
        except OSError as error:  # the row itself is durable
            log.warning("%s: the running head could not be written: %s", path, error.strerror)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def drop_head(self) -> None:
        """Forget how far the file was sealed, because it was deleted on purpose."""
        self._head_path.unlink(missing_ok=True)

    def _running_head(self) -> Head | None:
        try:
            number, chain, mac = self._head_path.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        if mac != self._sealer.mac("head", self._name, number, chain) or not number.isdecimal():
            return None
        return Head(int(number), chain)

    def head(self) -> Head:
        """The file's head as its last row has it; zero rows when it is missing or empty."""
        seal = self._last()
        return Head(0, "") if seal is None else Head(seal.number, seal.chain)

    # ----------------------------------------------------------------------------------------- reading

    def read(self) -> list[dict[str, str]]:
        """All whole rows in the file's order; what was read before is not read again. Do not change the rows.

        Raises:
            StorageError: it cannot be read, or lacks a column.
        """
        with self._mutex, storage_errors(self.path):
            try:
                with self.path.open("rb") as handle:
                    status = os.fstat(handle.fileno())
                    known = self._cache
                    if known is not None and (known[0], known[1], known[2]) == (
                        status.st_ino, status.st_mtime_ns, status.st_size,
                    ):  # fmt: skip
                        return list(known[4])
                    offset, rows = self._known_part(handle.read, handle.seek, status.st_ino)
                    handle.seek(offset)
                    content = handle.read()
            except FileNotFoundError:
                self._cache = None
                return []
            whole = content[: content.rfind(b"\n") + 1]
            try:
                text = whole.decode("utf-8-sig" if offset == 0 else "utf-8")
            except UnicodeDecodeError as error:
                raise StorageError(
                    f"{self.path} is not UTF-8: {error}", hint="`muster verify` tells what was changed"
                ) from error
            new = parse_rows(text, self.path, self.columns if offset else None)
            missing = [column for column in self.columns if new and column not in new[0]]
            if missing:
                raise StorageError(
                    f"{self.path} lacks the column {missing[0]}",
                    hint="a spreadsheet may have rewritten it: restore it from a backup",
                )
            rows = [*rows, *new]
            self._place = (offset + len(whole), (content[: len(whole)] or b"")[-_PROBE:])
            self._cache = (status.st_ino, status.st_mtime_ns, offset + len(content), self._place[1], rows)
            return list(rows)

    _place: tuple[int, bytes] = (0, b"")

    def _known_part(
        self, read: Callable[[int], bytes], seek: Callable[[int], int], inode: int
    ) -> tuple[int, list[dict[str, str]]]:
        """How far the file was read before, and the rows of that part; from the start when it is another file now."""
        place, probe = self._place
        if self._cache is None or self._cache[0] != inode or not probe:
            return 0, []
        seek(place - len(probe))
        return (place, self._cache[4]) if read(len(probe)) == probe else (0, [])

    # ----------------------------------------------------------------------------------------- checking

    def check(self, closed: Head | None = None) -> list[Finding]:
        """What is wrong with the file: every row is read and its seal made anew.

        Args:
            closed: what the file held when its day was closed.
        """
        with locked(self.path), storage_errors(self.path):
            content = self.path.read_bytes() if self.path.exists() else b""
            running = self._running_head()
        heads = [head for head in (closed, running) if head]
        if not content and heads:
            return [
                Finding(
                    self.path.name, 0, "missing", f"the file is gone; it held {max(head.rows for head in heads)} rows"
                )
            ]
        return check_content(content, self.path.name, self.columns, self._sealer, self._canonical, heads)

    def redact(self, person: str) -> int:
        """Put a person's pseudonym in place of their id; seals stay valid.

        Returns:
            How many rows named them.
        """
        count = 0
        with locked(self.path), storage_errors(self.path):
            if not self.path.exists():
                return 0
            lines = self.path.read_bytes().decode("utf-8").split("\n")
            for place, line in enumerate(lines[1:], start=1):
                cells = next(csv.reader([line]), [])
                named = False
                for index in self._people if len(cells) == len(self.columns) else ():
                    ids = decode_cell(cells[index]).split(";")
                    if person in ids:
                        named = True
                        replaced = (self._sealer.pseudonym(each) if each == person else each for each in ids)
                        cells[index] = encode_cell(";".join(replaced))
                if named:
                    count += 1
                    lines[place] = csv_line(cells).removesuffix("\n")
            if count:
                atomic_write(self.path, "\n".join(lines).encode())
        return count


class DayLog:
    """An append-only log, one sealed file per workplace day: append, read a range of days, close days that are over.

    Args:
        folder: where the files lie, such as `<workspace>/log`.
        name: their stem, such as `attendance`.
        columns: the header, without `seal`.
        sealer: makes the seals; default: with the key `seal.key` beside the folder.
        people: columns with ids of people.
    """

    def __init__(
        self, folder: Path, name: str, columns: Sequence[str], sealer: Sealer | None = None, people: Sequence[str] = ()
    ) -> None:
        self.folder, self.name = folder, name
        self.columns = (*columns, "seal")
        self.sealer = sealer or Sealer(folder.parent / "seal.key")
        self._people = tuple(people)
        self._files: dict[date, SealedFile] = {}
        self.journal = Journal(folder, self.sealer)

    def path(self, day: date) -> Path:
        """The file of a day."""
        return self.folder / f"{self.name}-{day.isoformat()}.csv"

    def file(self, day: date) -> SealedFile:
        """The same, as what it is."""
        if day not in self._files:
            if len(self._files) > _OPEN_DAYS:
                self._files.clear()
            self._files[day] = SealedFile(self.path(day), self.columns, self.sealer, self._people)
        return self._files[day]

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the log's lock over a read and the append that depends on it."""
        with locked(self.folder / self.name):
            yield

    def append(self, day: date, rows: Sequence[Row]) -> None:
        """Append rows durably; call it within `exclusive()`.

        Raises:
            StorageError: nothing was written.
        """
        healed = self.file(day).append(rows)
        if healed:
            self.journal.note("healed", self.name, day, detail=f"{healed} bytes of an interrupted write were removed")

    def read(self, first: date, last: date | None = None) -> list[dict[str, str]]:
        """Rows from `first` to `last` (inclusive; default: the same day), in the order of the files. Do not change them."""
        last = last or first
        days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
        return [row for day in days for row in self.file(day).read()]

    def days(self) -> list[date]:
        """Days that have a file, oldest first."""
        pattern = re.compile(rf"{re.escape(self.name)}-(\d{{4}}-\d{{2}}-\d{{2}})\.csv")
        days = []
        for path in self.folder.glob(f"{self.name}-*.csv"):
            with contextlib.suppress(ValueError):  # 2026-13-45 is no day, and its file none of ours
                if match := pattern.fullmatch(path.name):
                    days.append(date.fromisoformat(match.group(1)))
        return sorted(days)

    def redact(self, person: str) -> int:
        """Put a person's pseudonym in place of their id in all days; how many rows named them."""
        with self.exclusive():
            return sum(self.file(day).redact(person) for day in self.days())

    def close(self, before: date, time: datetime) -> list[date]:
        """Close all days before `before` that are open or have grown since; which they were."""
        closed = self.journal.heads(self.name)
        done = []
        with self.exclusive():
            for day in self.days():
                head = self.file(day).head()
                if day < before and closed.get(day) != head and head.rows > closed.get(day, Head(0, "")).rows:
                    self.journal.note("closed", self.name, day, head, time=time)
                    done.append(day)
        return done

    def check(self) -> list[Finding]:
        """What is wrong with any day."""
        closed, purged = self.journal.heads(self.name), self.journal.purged(self.name)
        days = sorted({*self.days(), *closed} - purged)
        return [finding for day in days for finding in self.file(day).check(closed.get(day))]

    def purge(self, day: date, time: datetime, reason: str) -> None:
        """Delete a day's file because its time is over; the journal keeps its head."""
        with self.exclusive():
            self.journal.note("purged", self.name, day, self.file(day).head(), time=time, detail=reason)
            with storage_errors(self.path(day)):
                self.path(day).unlink(missing_ok=True)
                self.file(day).drop_head()


class Journal:
    """`log/seals.csv`: which days of which log were closed with which head, healed after a crash, or deleted as retention wants it.

    Args:
        folder: of the logs.
        sealer: makes its own seals.
    """

    COLUMNS = ("timestamp", "action", "log", "day", "rows", "head", "key", "detail", "seal")

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self.file = SealedFile(folder / "seals.csv", self.COLUMNS, sealer)
        self._sealer = sealer

    def note(
        self,
        action: str,
        log_name: str,
        day: date,
        head: Head | None = None,
        *,
        time: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Write down what happened to a day's file."""
        row: dict[str, object] = {
            "timestamp": time.isoformat(timespec="seconds") if time else "",
            "action": action,
            "log": log_name,
            "day": day.isoformat(),
            "rows": head.rows if head else "",
            "head": head.chain if head else "",
            "key": self._sealer.key_id,
            "detail": detail,
        }
        with self.file.exclusive():
            self.file.append([row])

    def heads(self, log_name: str) -> dict[date, Head]:
        """The latest head of each closed day."""
        rows = (row for row in self.file.read() if row["log"] == log_name and row["action"] == "closed")
        return {date.fromisoformat(row["day"]): Head(int(row["rows"]), row["head"]) for row in rows}

    def purged(self, log_name: str) -> set[date]:
        """Days whose file was deleted on purpose."""
        rows = self.file.read()
        return {date.fromisoformat(row["day"]) for row in rows if (row["log"], row["action"]) == (log_name, "purged")}
