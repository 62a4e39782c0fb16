"""Durable files that several processes share: appending lines, atomic replacement, cross-process locks, safe cells.

A log row is appended under a lock: heal a torn tail back to the last newline → one write → check → fsync. A crash can
therefore lose a row that was not acknowledged yet, but never an acknowledged row or half of one. A whole file is replaced
through a temporary file in the same folder, fsync, `os.replace`, fsync of the folder.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import logging
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from engine.errors import InputError, StorageError
from engine.storage.hints import hint_for
from engine.words import phrase

log = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 30.0
_ID_BYTES = 6
"""At a thousand events a second, two ids collide within the same second once in eighteen years."""
_BREAKS = re.compile(r"[\r\n\0\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_FORMULA = re.compile(r"'*[\s\0]*[=+\-@\t\r\0＝＋－＠]")
_INNER = r"(?<=[,;\t])((?:[^\S\t]|[\0\"'])*)"
_SPLIT = re.compile(_INNER + r"(?=[=+\-@＝＋－＠])")
_MARKED = re.compile(_INNER + r"'(?=[=+\-@＝＋－＠])")
_NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")


# --------------------------------------------------------------------------------------------- text and cells


def clean_text(text: str, *, what: str, limit: int) -> str:
    """Return a text as one printable line: NFC, control and format characters dropped or turned to spaces, white space folded.

    Args:
        text: what a person typed, or a folder's name.
        what: names the text in an error, such as "employee id".
        limit: longest result in characters.

    Raises:
        InputError: nothing printable is left, or the result is too long.
    """
    # Zero-width joiners carry meaning in some scripts; direction overrides (Cf as well) only serve to deceive.
    printable = "".join(
        " " if unicodedata.category(ch) in {"Cc", "Zl", "Zp"} else ch
        for ch in text.encode("utf-8", "replace").decode("utf-8")
        if ch in "\u200c\u200d" or unicodedata.category(ch) not in {"Cf", "Cs", "Co"}
    )
    line = unicodedata.normalize("NFC", " ".join(printable.split()))
    if not line.strip(" \u200c\u200d"):
        hint = phrase("give a {what} with at least one printable character", what=what)
        raise InputError(phrase("the {what} is empty", what=what), hint=hint)
    if len(line) > limit:
        text = phrase("the {what} has {count} characters: {start}…", what=what, count=len(line), start=line[:24])
        raise InputError(text, hint=phrase("use at most {limit}", limit=limit))
    return line


def encode_cell(value: object) -> str:
    """Return a CSV cell that no spreadsheet takes for a formula; `decode_cell` restores the text.

    Texts that begin (after white space) with `= + - @`, a control character or their full-width forms get a leading
    apostrophe, the spreadsheets' own mark for text. A number stays a number, and a text that reads as one is written alike: every
    value has one form, whether it comes from a program, a file or a database. Line breaks become spaces: a row is a line.
    """
    text = value if value.__class__ is str else _text(value)
    if not text or (text.isascii() and text.isprintable() and text[0] not in "' =+-@") or _NEGATIVE.fullmatch(text):
        return text  # most cells
    text = _BREAKS.sub(" ", text)
    return f"'{text}" if _FORMULA.match(text) else text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def decode_cell(cell: str) -> str:
    """Return the text of a cell written by `encode_cell`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def table_cell(value: object) -> str:
    """Return a cell of a table that people open, in which no spreadsheet finds a formula, wherever it splits; `read_cell` restores the
    text.

    Spreadsheets of some countries split a CSV at semicolons or tabs, and quotes in the middle of what they take for a cell do not stop
    them. So a text such as `a;=1+1` gets an apostrophe behind each separator, too. Rows of logs keep the form of `encode_cell`, because
    seals hold for it.
    """
    cell = encode_cell(value)
    return _SPLIT.sub(r"\1'", cell) if set(cell) & set(",;\t") else cell


def read_cell(cell: str) -> str:
    """Return the text of a cell written by `table_cell`."""
    return decode_cell(_MARKED.sub(r"\1", cell) if "'" in cell else cell)


def csv_line(texts: Iterable[str]) -> str:
    """Return a line of CSV from encoded cells; semicolons and tabs are quoted, too, because some spreadsheets split there."""
    cells = list(texts)
    line = ",".join(cells)
    if line.count(",") >= len(cells) or '"' in line or ";" in line or "\t" in line:
        line = ",".join('"' + text.replace('"', '""') + '"' if set(text) & set('",;\t') else text for text in cells)
    return line + "\n"


# A context variable instead of an argument everywhere: logs that all cameras' pipelines share make ids deep inside, and only the run of
# one recording, in one thread, must get the same ids again.
_ORIGIN: ContextVar[str] = ContextVar("origin", default="")


@contextlib.contextmanager
def repeatable_ids(origin: str) -> Iterator[None]:
    """Make `new_id` repeatable in this thread: running the block again gives the same ids.

    Args:
        origin: part of every id's hash, such as a recording's id.
    """
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def repeatable() -> bool:
    """Return whether ids are repeatable; a row may then be in its log already."""
    return bool(_ORIGIN.get())


def new_id(time: datetime, *about: str) -> str:
    """Return an identifier that sorts by time and is safe as a file name: `20261122T085701-5f0c9a1e37b2`.

    Args:
        time: its first part.
        about: distinguishes things of the same time within `repeatable_ids`; otherwise the second part is random.
    """
    origin = _ORIGIN.get()
    basis = "\0".join((origin, time.isoformat(), *about))
    rest = (
        hashlib.sha256(basis.encode("utf-8", "replace")).hexdigest()[: 2 * _ID_BYTES]
        if origin
        else secrets.token_hex(_ID_BYTES)
    )
    return f"{time:%Y%m%dT%H%M%S}-{rest}"


# --------------------------------------------------------------------------------------------- files


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `StorageError` that names the file and the next step.

    Raises:
        StorageError: in place of any `OSError` of the block.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}", hint=hint_for(error, path)) from error


def _read_only(folder: Path) -> bool:
    """Whether nobody can write into an existing folder through this process, so that readers need no lock there."""
    return folder.is_dir() and not os.access(folder, os.W_OK)


def _acquired(path: Path, timeout_s: float) -> AbstractContextManager[object] | None:
    """Acquire the cross-process lock, never a file in its place that outlives its process; None: another holds it for so long."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return FileLock(path.with_name(f".{path.name}.lock"), fallback_to_soft=False).acquire(timeout=timeout_s)
        except Timeout:
            return None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the cross-process lock that guards `path` (a hidden `.name.lock` beside it).

    In a folder that this process may not write there is no lock: whatever the block writes would fail.

    Raises:
        StorageError: the folder cannot be created or written, or another process holds the lock for over 30 s.
    """
    if _read_only(path.parent):
        yield
        return
    lock = _acquired(path, LOCK_TIMEOUT_S)
    if lock is None:
        raise StorageError(
            f"{path} has been locked by another process for {LOCK_TIMEOUT_S:.0f} s",
            hint="stop the process that hangs, then try again",
        )
    with lock:
        yield


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Claim a path for the duration of the block, or until the process ends, without waiting.

    Yields:
        False if another process has claimed it.

    Raises:
        StorageError: the folder cannot be created or written.
    """
    lock = _acquired(path, 0)
    with lock or contextlib.nullcontext():
        yield lock is not None


def writable(folder: Path) -> bool:
    """Whether this process may write into a folder, or make it, as far as can be told without writing."""
    place = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    return os.access(place, os.W_OK)


def file_name(text: str) -> str:
    """Return a safe file name for a text, different for different texts."""
    readable = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in text)[:40]
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def atomic_write(path: Path, content: bytes, *, mode: int = 0o640, durable: bool = True) -> None:
    """Replace a file, in a folder that is created if missing; readers see the old file or the new one, never a part.

    `mode` holds the access rights before the user's mask. Without `durable`, the file before may be there after a power failure.

    Raises:
        StorageError: the file cannot be written; the old one is intact.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(content)
                handle.flush()
                if durable:
                    os.fsync(handle.fileno())
            temporary.replace(path)
            if durable:
                _sync_folder(path.parent)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _heal(descriptor: int, path: Path) -> int:
    """Cut off a torn last line; return the file's new size."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    end = size
    while end > 0:
        start = max(0, end - 65536)
        cut = os.pread(descriptor, end - start, start).rfind(b"\n")
        if cut >= 0:
            end = start + cut + 1
            break
        end = start
    os.ftruncate(descriptor, end)
    log.warning("%s: removed a torn last line of %d bytes that a crash had left", path, size - end)
    return end


def append_lines(path: Path, header: str, lines: Sequence[str]) -> int:
    """Append lines of CSV to a file durably; the caller holds the lock.

    A new file begins with the header. One write appends all lines; if it fails, the file stays as it was.

    Returns:
        How many bytes of a torn last line were cut off first, usually 0.

    Raises:
        StorageError: the disk is full, access is denied, or the file begins with another header.
    """
    if not lines:
        return 0
    head = header.encode("utf-8", "replace")
    payload = "".join(lines).encode("utf-8", "replace")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if _read_only(path.parent):  # its rows could be written, but not under a lock
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o640)
        try:
            # a crash may have left part of the header in a new file; it is healed like any torn line
            if not head.startswith(os.pread(descriptor, len(head), 0)):
                raise StorageError(
                    f"{path} has other columns than this version writes", hint="move the file aside, then try again"
                )
            before = os.fstat(descriptor).st_size
            size = _heal(descriptor, path)
            if size == 0:
                payload = head + payload
            try:
                written = os.write(descriptor, payload)
                if written != len(payload):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        if size == 0:
            _sync_folder(path.parent)
    return before - size


# --------------------------------------------------------------------------------------------- documents


class Document(Protocol):
    """A small file, or its counterpart, that several processes read and replace as a whole."""

    @property
    def title(self) -> str:
        """Its name in errors."""

    def stamp(self) -> object:
        """Return a stamp that differs after every change; None if the document does not exist.

        Raises:
            StorageError: the document cannot be accessed.
        """

    def read(self) -> bytes | None:
        """Return the content; None if the document does not exist.

        Raises:
            StorageError: the document cannot be read.
        """

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold its lock over a read and the write that depends on it."""

    def write(self, content: bytes) -> None:
        """Replace the content atomically; call it within `exclusive()`.

        Raises:
            StorageError: the document cannot be written; it stays as it was.
        """


class DocumentSeal(Protocol):
    """Notices changes of a file from outside; see `engine.storage.state`."""

    def checked(self, read: Callable[[], bytes | None]) -> bytes | None:
        """Return what `read` returns, or raise Tampered: it is not as Muster wrote it, and must not be used."""

    def before_change(self, read: Callable[[], bytes | None]) -> None:
        """Raise Tampered before anything is written over what somebody else wrote."""

    def replacing(self, content: bytes) -> AbstractContextManager[None]:
        """Seal what the block writes."""


class FileDocument:
    """A document that is a file, sealed or not."""

    def __init__(self, path: Path, *, mode: int = 0o640, seal: DocumentSeal | None = None) -> None:
        self.path, self._mode, self._seal = path, mode, seal

    @property
    def title(self) -> str:
        """The file's path."""
        return str(self.path)

    def stamp(self) -> object:
        """Return time, inode and size; two writes within one tick of the file system's clock may give the same stamp."""
        with storage_errors(self.path):
            try:
                status = self.path.stat()
            except FileNotFoundError:
                return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def read(self) -> bytes | None:
        """Return the file's bytes, or None.

        Raises:
            StorageError: the file cannot be read.
            Tampered: it is not as Muster wrote it.
        """
        return self._bytes() if self._seal is None else self._seal.checked(self._bytes)

    def _bytes(self) -> bytes | None:
        with storage_errors(self.path):
            try:
                return self.path.read_bytes()
            except FileNotFoundError:
                return None

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the cross-process lock beside the file; raises Tampered if an edit by hand was not accepted yet."""
        with locked(self.path):
            if self._seal is not None:
                self._seal.before_change(self._bytes)
            yield

    def write(self, content: bytes) -> None:
        """Replace the file atomically."""
        with self._seal.replacing(content) if self._seal else contextlib.nullcontext():
            atomic_write(self.path, content, mode=self._mode)


def document(place: Path | Document, *, mode: int = 0o640) -> Document:
    """Return a file as a document, and a document unchanged."""
    return FileDocument(place, mode=mode) if isinstance(place, Path) else place


# --------------------------------------------------------------------------------------------- tables


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Replace a whole CSV file atomically."""
    atomic_write(path, table_text(columns, rows).encode("utf-8", "replace"))


def table_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a table as CSV that is safe to open in a spreadsheet."""
    lines = (csv_line(table_cell(row.get(column, "")) for column in columns) for row in rows)
    return "".join([csv_line(map(table_cell, columns)), *lines])


def read_rows(path: Path, *, by_hand: bool = False) -> list[dict[str, str]]:
    """Return all rows of a CSV file; none if the file is missing.

    Args:
        path: the file.
        by_hand: people edit the file, so a last line without a line end counts; otherwise it is torn and left out.

    Raises:
        StorageError: the file cannot be read, is not UTF-8, or is not CSV.
    """
    content = FileDocument(path).read()
    return [] if content is None else table_rows(content, str(path), by_hand=by_hand)


def table_rows(content: bytes, title: str, *, by_hand: bool = False) -> list[dict[str, str]]:
    """Return all rows of a CSV file's bytes, see `read_rows`.

    Raises:
        StorageError: the bytes are not UTF-8 or not CSV.
    """
    try:
        text = (content if by_hand else content[: content.rfind(b"\n") + 1]).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StorageError(f"{title} is not UTF-8: {error}", hint="restore the file from a backup") from error
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise StorageError(f"{title} is not a CSV file ({error})", hint="restore the file from a backup") from error
    return [{key: read_cell(value or "") for key, value in row.items() if key is not None} for row in rows]
