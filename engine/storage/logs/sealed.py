"""An append-only CSV file with sealed rows: changing, removing, moving or inserting one without the key is detected.

Nothing is ever rewritten except the id of a person who asked to be forgotten. The running head, a small file in `.heads` beside the
file, protects its end: it holds the number of rows and the last value of their chain. A copy of it, the witness, is kept beside the key:
whoever deletes a file with its head, or puts an older copy of both in place, is found out as long as they cannot write there.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import hmac
import logging
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine import __version__
from engine.errors import StorageError
from engine.storage.files import append_lines, atomic_write, csv_line, decode_cell, encode_cell, locked, storage_errors
from engine.storage.logs.check import Finding, Head, Line, check_content, read_line
from engine.storage.logs.exact import AS_EVIDENCE, Cells, exact_cells
from engine.storage.logs.seals import Seal, Sealer, without_person

log = logging.getLogger(__name__)

Row = Mapping[str, object]
_TAIL = 16384
_SETTLED_NS = 2 * 10**9  # the coarsest file systems store times to two seconds


@dataclass(frozen=True)
class _LastRead:
    """The content of a file as last read.

    Attributes:
        stamp: inode, size and times of the file with this content; None if it changed so recently that another change may not
            show in them.
        length, checksum: of the bytes that were parsed.
        columns: of the header.
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
        columns: the header, `seal` last.
        sealer: makes the seals.
        people: columns with ids of people, several separated by `;`.
    """

    def __init__(self, path: Path, columns: Sequence[str], sealer: Sealer, people: Sequence[str] = ()) -> None:
        if columns[-1] != "seal":
            raise ValueError("the last column must be `seal`")
        self.path, self.columns = path, tuple(columns)
        self._sealer = sealer
        self._people = [self.columns.index(column) for column in people]
        self.name = path.stem
        self._known = _LastRead()
        self._mutex = threading.Lock()

    def append(self, rows: Sequence[Row]) -> int:
        """Append rows durably and seal them; call it within the lock.

        Returns:
            How many bytes of a torn last line were removed first.

        Raises:
            StorageError: nothing was written.
        """
        if not rows:
            return 0
        before = self._latest()
        self._begin_heads()
        lines = []
        for row in rows:
            cells = [encode_cell(row.get(column, "")) for column in self.columns[:-1]]
            before = self._sealer.next(before, self.name, cells, self._people)
            lines.append(csv_line([*cells, str(before)]))
        healed = append_lines(self.path, csv_line(self.columns), lines)
        assert before is not None
        self._write_head(before)
        return healed

    def _authentic(self, raw: bytes) -> Seal | None:
        """Return the seal of a line if it is valid."""
        line = self._line(raw)
        return line.seal if line.authentic else None

    def _line(self, raw: bytes) -> Line:
        return read_line(raw, self.name, self.columns, self._sealer, self._people)

    def _tail(self) -> list[bytes]:
        """Return the last whole line after the header in a list; an empty list without one."""
        length, whole = _TAIL, list[bytes]()
        try:
            with self.path.open("rb") as handle:
                size = handle.seek(0, os.SEEK_END)
                while len(whole) < 2 and length // 2 < size + _TAIL:  # the first may be the end of a row
                    handle.seek(max(0, size - length))
                    tail = handle.read()
                    whole, length = tail[: tail.rfind(b"\n") + 1].split(b"\n")[:-1], 2 * length
        except FileNotFoundError:
            return []
        return whole[1:][-1:]

    def _latest(self) -> Seal | None:
        """Return the seal that the next row follows: the last row's, or the running head's if it covers more rows.

        Rows removed from the end thus stay detectable however many rows follow. After a damaged last row the count continues from an
        unused number, so that `check` reports the damage and no row is lost.
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

    @property
    def _head_path(self) -> Path:
        return self.path.parent / ".heads" / self.path.name

    @property
    def _heads(self) -> list[Path]:
        """Where the running head is, and where its witness."""
        witnesses = self._sealer.witnesses
        return [self._head_path, *([witnesses / self.path.name] if witnesses else [])]

    def _begin_heads(self) -> None:
        """Note durably that a file begins: if its heads are missing later, somebody deleted them."""
        self._sealer.settle()
        for path in self._heads:
            if not path.exists():
                try:
                    atomic_write(path, self._head_text(0, "").encode("ascii"))
                except StorageError as error:
                    self._not_written(path, str(error))

    def _write_head(self, seal: Seal) -> None:
        """Record how far the file is sealed. It is not synced: after a power failure it may lag behind the rows, never run ahead."""
        text = self._head_text(seal.number, seal.chain).encode("ascii")
        for path in self._heads:
            try:
                atomic_write(path, text, durable=False)
            except StorageError as error:  # the row itself is durable
                self._not_written(path, str(error))

    def _not_written(self, path: Path, why: str) -> None:
        log.warning("the running head cannot be written: %s", why)
        if path != self._head_path:
            self._sealer.no_witnesses()  # said once

    def _head_text(self, number: int, chain: str) -> str:
        return f"{number} {chain} {self._sealer.mac('head', self.name, str(number), chain)}\n"

    def drop(self) -> None:
        """Delete the file on purpose."""
        with storage_errors(self.path):
            # the heads first: alone, they would make later rows look like the rest of a longer file
            for path in (*reversed(self._heads), *self._memory):
                path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def running_head(self) -> Head | None:
        """Return how far the rows are protected, as the head or its witness says; None if both are missing or forged."""
        found = map(self._read_head, self._heads)
        return max((head for head in found if head), key=lambda head: head.rows, default=None)

    def _read_head(self, path: Path) -> Head | None:
        try:
            number, chain, mac = path.read_text(encoding="ascii").rstrip("\n").split(" ")
        except (OSError, ValueError):
            return None
        if mac != self._sealer.mac("head", self.name, number, chain) or not number.isdecimal():
            return None
        return Head(int(number), chain)

    def set_running_head(self, head: Head | None) -> None:
        """Replace the running head and its witness durably.

        Raises:
            StorageError: the head cannot be written.
        """
        self._sealer.settle()
        for path in self._heads:
            if head is not None:
                atomic_write(path, self._head_text(head.rows, head.chain).encode("ascii"))
                continue
            with storage_errors(path):
                path.unlink(missing_ok=True)

    def head(self) -> Head:
        """Return how far the file is sealed; zero rows if it is missing or empty."""
        seal = self._latest()
        return Head(0, "") if seal is None else Head(seal.number, seal.chain)

    def read(self) -> list[dict[str, str]]:
        """Return all whole rows in the file's order, not to be modified; only new lines are parsed.

        Rows are returned whether or not they were tampered with, which `check` reports. A row that is not CSV is left out.

        Raises:
            StorageError: the file cannot be read, or lacks a column.
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
                self._known = _LastRead()
                return []
            whole, known = content[: content.rfind(b"\n") + 1], self._known
            if len(whole) < known.length or zlib.crc32(whole[: known.length]) != known.checksum:
                known = _LastRead()
            columns, rows = self._parsed(whole[known.length :], known.columns)
            self._known = _LastRead(
                stamp if time.time_ns() - status.st_mtime_ns > _SETTLED_NS else None,
                len(whole),
                zlib.crc32(whole[known.length :], known.checksum),
                columns,
                [*known.rows, *rows],
            )
            return list(self._known.rows)

    def cells(self, closed: Callable[[], Head | None]) -> Iterator[Cells]:
        """Yield the rows unchanged, one by one, without the remains of an interrupted write.

        Args:
            closed: returns the head from when the day was closed; called if the last line has no end.

        Raises:
            StorageError: the file cannot be read, or a line is not in Muster's own form.
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
        # a crash leaves a last line without its end, unless the heads prove that it had one
        if not raw.endswith(b"\n") and raw and not any(each.what == "torn" for each in self.check(closed())):
            raise StorageError(f"{self.path}:{number} has lost its end", hint=AS_EVIDENCE)

    def authentic(self) -> list[dict[str, str]]:
        """Read the file again and return the rows whose seals are valid.

        Raises:
            StorageError: the file cannot be read.
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
        """Return columns and rows of whole lines; the first line is the header if no columns are given."""
        lines = raw.decode("utf-8" if columns else "utf-8-sig", "replace").split("\n")[:-1]
        try:
            table = list(csv.reader(lines, strict=True))
        except csv.Error:
            table = []
        if len(table) != len(lines):  # a row is a line: a damaged one must not swallow those after it
            table = [cells for cells in map(_cells, lines) if cells is not None]
            log.warning("%s: skipped %d damaged rows", self.path, len(lines) - len(table))
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

    def check(self, *known: Head | None, anew: bool = True) -> list[Finding]:
        """Return all findings about the file, after verifying every row's seal.

        Args:
            known: heads from elsewhere, such as that from when its day was closed.
            anew: False: a file of which every byte was read, verified with these heads and found right before is not verified again.
        """
        with locked(self.path), storage_errors(self.path):
            running = [self._read_head(path) for path in self._heads]  # before the rows: a writer adds the row first
            content = self.path.read_bytes() if self.path.exists() else b""
        heads = [head for head in (*known, *running) if head]
        if not content and any(head.rows for head in heads):
            detail = f"the file is gone; it held {max(head.rows for head in heads)} rows"
            return [Finding(self.path.name, 0, "missing", detail)]
        proof = self._proof(content, heads)
        findings = list[Finding]()
        if anew or not self._was_right(proof):
            findings = check_content(content, self.path.name, self.columns, self._sealer, self._people, heads)
            if not findings:
                self._remember(proof)
        if content.count(b"\n") > 1 and not heads and all(each.line for each in findings):
            detail = "its running head is gone: rows may be missing at the end, and nothing tells how many"
            findings.append(Finding(self.path.name, 0, "missing", detail))
        return findings

    @property
    def _memory(self) -> list[Path]:
        """Where it is kept what was verified: beside the witnesses, out of reach of whoever can write the workspace."""
        witnesses = self._sealer.witnesses
        return [witnesses / "checked" / self.name] if witnesses else []

    def _proof(self, content: bytes, heads: Sequence[Head]) -> str:
        """A keyed hash over all that `check_content` depends on: with the same one, it finds the same."""
        told = [f"{head.rows} {head.chain}" for head in heads]
        digest = hashlib.sha256(content).hexdigest()
        columns, people = ",".join(self.columns), ",".join(map(str, self._people))
        return self._sealer.mac("checked", __version__, self.name, columns, people, digest, *told)

    def _was_right(self, proof: str) -> bool:
        for path in self._memory:
            with contextlib.suppress(OSError, ValueError):
                return hmac.compare_digest(path.read_text(encoding="ascii"), proof)
        return False

    def _remember(self, proof: str) -> None:
        for path in self._memory:
            if not path.parent.parent.is_dir() or self._was_right(proof):
                continue  # a copy has no witnesses before its first change
            with contextlib.suppress(StorageError):  # it is only verified again
                atomic_write(path, proof.encode("ascii"), durable=False)

    def reseal(self, change: Callable[[list[str]], list[str]] = list) -> int:
        """Seal all rows anew with the present key, whatever their seals say; return how many. Call it within the lock.

        A line that is no row is left out.

        Args:
            change: returns the encoded cells of a row, without the seal, as they are to be sealed.

        Raises:
            StorageError: the file cannot be read or written.
        """
        with storage_errors(self.path):
            content = self.path.read_bytes() if self.path.exists() else b""
        lines, seal = [csv_line(self.columns)], None
        for cells in map(_cells, content.decode("utf-8", "replace").split("\n")[1:-1]):
            if cells and len(cells) == len(self.columns):
                own = [encode_cell(decode_cell(cell)) for cell in change(cells[:-1])]
                seal = self._sealer.next(seal, self.name, own, self._people)
                lines.append(csv_line([*own, str(seal)]))
        if seal is None:
            return 0
        atomic_write(self.path, "".join(lines).encode())
        self.set_running_head(Head(seal.number, seal.chain))
        return seal.number

    def redact(self, person: str) -> int:
        """Replace a person's id by their pseudonym, which keeps seals valid; return how many rows named them."""
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
    """Return inode, size and times, which differ after a change; None if there is no file."""
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _cells(line: str) -> list[str] | None:
    """Return the cells of a line; None if it is not CSV."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None
