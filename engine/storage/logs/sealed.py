"""An append-only CSV file whose rows are sealed: whoever changes, removes, moves or inserts one without the key is found out.

Nothing is ever rewritten, but for the id of somebody who asked to be forgotten. The file's end is vouched for by its running
head, a small file in `.heads` beside it that says how many rows there are and how their chain ends.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import os
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import StorageError
from engine.storage.files import append_lines, atomic_write, csv_line, decode_cell, encode_cell, locked, storage_errors
from engine.storage.logs.check import Finding, Head, Line, check_content, read_line
from engine.storage.logs.exact import AS_EVIDENCE, Cells, exact_cells
from engine.storage.logs.seals import Seal, Sealer, canonical, without_person

__all__ = ["Finding", "Head", "Row", "SealedFile", "file_stamp"]

log = logging.getLogger(__name__)

Row = Mapping[str, object]
_TAIL = 16384
_SETTLED_NS = 2 * 10**9  # the coarsest file systems tell times to two seconds


@dataclass(frozen=True)
class _Known:
    """What was read of a file before.

    Attributes:
        stamp: inode, size and times of the file that holds exactly this; None when it was changed so recently that another change
            need not show in them.
        length, checksum: of the bytes that the rows were made of.
        columns: of its header.
        rows: decoded.
    """

    stamp: tuple[int, ...] | None = None
    length: int = 0
    checksum: int = 0
    columns: tuple[str, ...] = ()
    rows: list[dict[str, str]] = field(default_factory=list)


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
        self._name = self.name = path.stem
        self._known = _Known()
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
        before = self._latest()
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
        return canonical(cells, self._people, self._sealer)

    def _authentic(self, raw: bytes) -> Seal | None:
        """The seal of a line, if it is the line's own."""
        line = self._line(raw)
        return line.seal if line.authentic else None

    def _line(self, raw: bytes) -> Line:
        return read_line(raw, self._name, self.columns, self._sealer, self._canonical)

    def _tail(self) -> list[bytes]:
        """The last whole line after the header, as the only one in a list; none when there is none."""
        length, whole = _TAIL, list[bytes]()
        try:
            with self.path.open("rb") as handle:
                size = handle.seek(0, os.SEEK_END)
                while len(whole) < 2 and length // 2 < size + _TAIL:  # the first of them may be a row's end
                    handle.seek(max(0, size - length))
                    tail = handle.read()
                    whole, length = tail[: tail.rfind(b"\n") + 1].split(b"\n")[:-1], 2 * length
        except FileNotFoundError:
            return []
        return whole[1:][-1:]

    def _latest(self) -> Seal | None:
        """The seal that the next row follows on: the last row's, or the running head's where that knows of more.

        So what was removed from the end stays missed however many rows come after. When the last row is damaged the count goes on from a
        number that no row has, so that `check` names the damage and no row is lost.
        """
        with storage_errors(self.path):
            tail = self._tail()
            seal = self._authentic(tail[0]) if tail else None
            head = self.running_head()
            if tail and seal is None:
                lines = self.path.read_bytes().split(b"\n")[1:-1]
                found = [each for each in map(self._authentic, lines) if each]
                seal = max(found, key=lambda each: each.number, default=None)
                if head is None and (seal is None or seal.number < len(lines)):
                    seal = Seal(len(lines), "", "")
        if head is not None and (seal is None or seal.number <= head.rows):
            return Seal(head.rows, "", head.chain)
        return seal

    # ----------------------------------------------------------------------------------------- heads

    @property
    def _head_path(self) -> Path:
        return self.path.parent / ".heads" / self.path.name

    def _write_head(self, seal: Seal) -> None:
        """Note how far the file is sealed. Not synced: after a power failure it may lag behind the rows, never run ahead."""
        path, text = self._head_path, self._head_text(seal.number, seal.chain)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            path.parent.mkdir(exist_ok=True)
            temporary.write_text(text, encoding="ascii")
            temporary.replace(path)
        except OSError as error:  # the row itself is durable
            log.warning("%s: the running head could not be written: %s", path, error.strerror)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _head_text(self, number: int, chain: str) -> str:
        return f"{number} {chain} {self._sealer.mac('head', self._name, str(number), chain)}\n"

    def drop(self) -> None:
        """Delete the file on purpose."""
        with storage_errors(self.path):
            # the head first: without its file it would make later rows look like what is left of more
            self._head_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def running_head(self) -> Head | None:
        """How far the rows are vouched for; None: there is no running head, or it is not ours."""
        try:
            number, chain, mac = self._head_path.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        if mac != self._sealer.mac("head", self._name, number, chain) or not number.isdecimal():
            return None
        return Head(int(number), chain)

    def set_running_head(self, head: Head | None) -> None:
        """Put another running head in its place, durably.

        Raises:
            StorageError: it cannot be written.
        """
        if head is not None:
            atomic_write(self._head_path, self._head_text(head.rows, head.chain).encode("ascii"))
            return
        with storage_errors(self._head_path):
            self._head_path.unlink(missing_ok=True)

    def head(self) -> Head:
        """How far the file is sealed; zero rows when it is missing or empty."""
        seal = self._latest()
        return Head(0, "") if seal is None else Head(seal.number, seal.chain)

    # ----------------------------------------------------------------------------------------- reading

    def read(self) -> list[dict[str, str]]:
        """All whole rows in the file's order; what was read before is not parsed again. Do not change the rows.

        A row is given as it stands there, whether somebody changed it or not: that is for `check` to say. One that is no CSV is left out.

        Raises:
            StorageError: it cannot be read, or lacks a column.
        """
        with self._mutex, storage_errors(self.path):
            try:
                with self.path.open("rb") as handle:
                    status = os.fstat(handle.fileno())
                    stamp = _stamp(status)
                    if stamp == self._known.stamp:
                        return list(self._known.rows)
                    content = handle.read()
            except FileNotFoundError:
                self._known = _Known()
                return []
            whole, known = content[: content.rfind(b"\n") + 1], self._known
            if len(whole) < known.length or zlib.crc32(whole[: known.length]) != known.checksum:
                known = _Known()
            columns, rows = self._parsed(whole[known.length :], known.columns)
            self._known = _Known(
                stamp if time.time_ns() - status.st_mtime_ns > _SETTLED_NS else None,
                len(whole),
                zlib.crc32(whole[known.length :], known.checksum),
                columns,
                [*known.rows, *rows],
            )
            return list(self._known.rows)

    def cells(self, closed: Callable[[], Head | None]) -> Iterator[Cells]:
        """The rows as they stand, one after the other; what is left of a write that was cut off is no row.

        Args:
            closed: what the file held when its day was closed; asked when the last line has no end.

        Raises:
            StorageError: it cannot be read, or a line is not written as Muster writes lines.
        """
        with storage_errors(self.path):
            if not self.path.exists():
                return
            with self.path.open("rb") as handle:
                header = handle.readline()
                if header.endswith(b"\n") and header != csv_line(self.columns).encode():
                    raise StorageError(f"{self.path}:1 is not the header that this version writes", hint=AS_EVIDENCE)
                number, raw = 1, header
                for number, raw in enumerate(handle, 2):
                    if raw.endswith(b"\n"):
                        yield exact_cells(raw, len(self.columns), f"{self.path}:{number}")
        # a last line without its end is what a crash leaves, unless it is known to have had one
        if not raw.endswith(b"\n") and raw and not any(each.what == "torn" for each in self.check(closed())):
            raise StorageError(f"{self.path}:{number} has lost its end", hint=AS_EVIDENCE)

    def authentic(self) -> list[dict[str, str]]:
        """The rows that bear their own seal; the file is read anew.

        Raises:
            StorageError: it cannot be read.
        """
        with storage_errors(self.path):
            content = self.path.read_bytes() if self.path.exists() else b""
        lines = map(self._line, content.split(b"\n")[1:-1])
        return [
            dict(zip(self.columns, map(decode_cell, line.cells), strict=True))
            for line in lines
            if line.authentic and line.cells
        ]

    def _parsed(self, raw: bytes, columns: tuple[str, ...]) -> tuple[tuple[str, ...], list[dict[str, str]]]:
        """Columns and rows of whole lines; the first of them is the header when no columns are given."""
        lines = raw.decode("utf-8" if columns else "utf-8-sig", "replace").split("\n")[:-1]
        try:
            table = list(csv.reader(lines, strict=True))
        except csv.Error:
            table = []
        if len(table) != len(lines):  # a row is a line: a damaged one must not swallow those after it
            table = [cells for cells in map(_cells, lines) if cells is not None]
            log.warning("%s: %d damaged rows are left out", self.path, len(lines) - len(table))
        if not columns and table:
            columns = tuple(map(decode_cell, table.pop(0)))
        missing = [column for column in self.columns if table and column not in columns]
        if missing:
            raise StorageError(
                f"{self.path} lacks the column {missing[0]}",
                hint="a spreadsheet may have rewritten it: restore it from a backup",
            )
        empty = dict.fromkeys(columns, "")
        return columns, [empty | dict(zip(columns, map(decode_cell, cells), strict=False)) for cells in table if cells]

    # ----------------------------------------------------------------------------------------- checking

    def check(self, closed: Head | None = None) -> list[Finding]:
        """What is wrong with the file: every row is read and its seal made anew.

        Args:
            closed: what the file held when its day was closed.
        """
        with locked(self.path), storage_errors(self.path):
            running = self.running_head()  # before the rows: who writes one adds it to them first
            content = self.path.read_bytes() if self.path.exists() else b""
        heads = [head for head in (closed, running) if head]
        if not content and heads:
            return [
                Finding(
                    self.path.name, 0, "missing", f"the file is gone; it held {max(head.rows for head in heads)} rows"
                )
            ]
        findings = check_content(content, self.path.name, self.columns, self._sealer, self._canonical, heads)
        if content.count(b"\n") > 1 and not heads:
            detail = "its running head is gone: whether rows are missing at the end cannot be told"
            findings.append(Finding(self.path.name, 0, "note", detail))
        return findings

    def redact(self, person: str) -> int:
        """Put a person's pseudonym in place of their id; seals stay valid.

        Returns:
            How many rows named them.
        """
        count = 0
        with locked(self.path), storage_errors(self.path):
            if not self.path.exists():
                return 0
            # damaged bytes stay as they are
            lines = self.path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
            for place, line in enumerate(lines[1:], start=1):
                cells = _cells(line) or []
                named = False
                for index in self._people if len(cells) == len(self.columns) else ():
                    replaced = without_person(decode_cell(cells[index]), person, self._sealer)
                    if replaced is not None:
                        named = True
                        cells[index] = encode_cell(replaced)
                if named:
                    count += 1
                    lines[place] = csv_line(cells).removesuffix("\n")
            if count:
                atomic_write(self.path, "\n".join(lines).encode("utf-8", "surrogateescape"))
        return count


def file_stamp(path: Path) -> tuple[int, ...] | None:
    """Tells that a file was changed: inode, size and times; None: there is none."""
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _cells(line: str) -> list[str] | None:
    """The cells of a line; None when it is no CSV."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None
