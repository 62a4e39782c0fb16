"""The list of pictures: a sealed log of what Muster wrote to `images/`, so that a picture that was replaced or deleted is found.

`log/pictures-<day>.csv` has, for the day in a picture's name, a row for each time Muster wrote or erased it, with the SHA-256 of the
picture itself, whether or not the file is encrypted. The latest row counts. A picture is listed after its file and before the row that
names it; one that is written anew is announced before, so that a crash in between leaves nothing that looks like tampering, and one that
is erased is noted before it goes. Pictures of earlier versions are not listed, and not covered.

With a database, too, the list lies in files, beside the pictures.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from engine.errors import StorageError
from engine.storage.files import storage_errors
from engine.storage.logs import Finding, Logs, RowType, TypedDayLog
from engine.storage.vault.rows import KeyErased

FOLDER = "images"
_FILM = ".mp4"
SUFFIXES = frozenset({".jpg", _FILM})
"""Of pictures of people, films included."""
LOG = "pictures"
_STAMP = re.compile(r"(\d{8})T\d{6}-")
_UNDATED = date(2000, 1, 1)
"""Day of pictures whose names tell none."""
_NAMED = 20
"""Findings that are listed one by one."""
_MOST_DAYS = 8
"""Days whose pictures are kept in memory: somebody looks at several pictures of a day, or erases them one by one."""
CHANGED = "the picture was replaced or changed outside of Muster"
GONE = "the picture is gone, and Muster did not erase it"


def enrolment_picture(template_id: str) -> str:
    """Return the place within the workspace of the picture that a template was made from; it may be gone."""
    return f"{FOLDER}/enrolment/{template_id}.jpg"


def is_film(path: Path) -> bool:
    """Return whether a picture of people is a film."""
    return path.suffix == _FILM


def pictures_in(images: Path, folder: str) -> list[Path]:
    """Return the pictures and films in a folder of `images`, sorted; `*`: in all folders."""
    return sorted(path for path in images.glob(f"{folder}/*") if path.suffix in SUFFIXES)


@dataclass(frozen=True)
class PictureRow:
    """What Muster did to a picture.

    Attributes:
        picture: path within the workspace.
        action: `written`; `replacing`, before it is written anew; `erased`.
        sha256: of the picture, hexadecimal; of an erased one empty.
    """

    picture: str
    timestamp: datetime
    action: str
    sha256: str


PICTURES = RowType(PictureRow, timespec="seconds")


@dataclass(frozen=True)
class _Entry:
    """What the list says of a picture: hashes that it may have, all that it ever had, and whether it was erased."""

    allowed: frozenset[str] = frozenset()
    ever: frozenset[str] = frozenset()
    erased: bool = False

    def after(self, row: PictureRow) -> _Entry:
        """Return what it says with one more row."""
        own = frozenset({row.sha256} - {""})
        allowed = self.allowed | own if row.action == "replacing" else own
        return _Entry(allowed, self.ever | own, row.action == "erased")


@dataclass(frozen=True)
class _Known:
    """What the rows of a day came to so far; a log only grows."""

    last: PictureRow
    count: int
    entries: Mapping[str, _Entry]


class PictureList:
    """The list of pictures of a workspace.

    Args:
        logs: makes the log; files in the workspace.
        clock: the present, timezone-aware.
    """

    def __init__(self, workspace: Path, logs: Logs, clock: Callable[[], datetime]) -> None:
        self.log = TypedDayLog(logs.daily(LOG, PICTURES.columns), PICTURES)
        self._workspace, self._clock = workspace, clock
        self._known: dict[date, _Known] = {}

    def name_of(self, path: Path) -> str:
        """Return a picture's path within the workspace; empty: it is no picture that is listed."""
        with contextlib.suppress(ValueError):
            name = path.absolute().relative_to(self._workspace.absolute())
            if len(name.parts) == 3 and name.parts[0] == FOLDER and name.suffix in SUFFIXES:
                return name.as_posix()
        return ""

    # ----------------------------------------------------------------------------------------- writing

    @contextlib.contextmanager
    def writing(self, path: Path, content: bytes, read: Callable[[Path], bytes]) -> Iterator[None]:
        """List what the block writes to a file.

        A picture that was changed outside of Muster stays a finding, whatever is written over it.

        Args:
            content: of the picture, not encrypted.
            read: returns a picture that is there.

        Raises:
            StorageError: the list cannot be written.
        """
        name = self.name_of(path)
        if not name:
            yield
            return
        digest = hashlib.sha256(content).hexdigest()
        if path.exists() and (entry := self._entry(name)) is not None:
            if _fault(entry, path, read):
                yield
                return
            self._append([name], "replacing", digest)
        yield
        self._append([name], "written", digest)

    def erasing(self, paths: Iterable[Path]) -> None:
        """Note that pictures are erased on purpose, before they are.

        Raises:
            StorageError: the list cannot be written; nothing may be erased.
        """
        names = [name for path in paths if (name := self.name_of(path))]
        listed = {day: self._entries(day) for day in set(map(_day, names))}
        self._append([name for name in names if (entry := listed[_day(name)].get(name)) and not entry.erased], "erased")

    def accept(self, name: str, read: Callable[[Path], bytes]) -> bool:
        """Take a picture as it is now, or that it is gone, for right; return whether anything had to be noted.

        Raises:
            StorageError: it cannot be opened, or the list cannot be written.
        """
        path, entry = self._workspace / name, self._entry(name)
        if entry is not None and not _fault(entry, path, read):
            return False
        if path.is_file():
            try:
                content = read(path)
            except StorageError as error:
                raise StorageError(error.message, hint="delete it, then accept that it is gone") from error
            self._append([name], "written", hashlib.sha256(content).hexdigest())
        elif entry is not None:
            self._append([name], "erased")
        return True

    def _append(self, names: Sequence[str], action: str, digest: str = "") -> None:
        now, days = self._clock(), defaultdict[date, list[PictureRow]](list)
        for name in names:
            days[_day(name)].append(PictureRow(name, now, action, digest))
        for day, rows in days.items():
            with self.log.exclusive():
                self.log.append(day, rows)

    def purge(self, before: date, now: datetime) -> None:
        """Delete the lists of days whose pictures were all erased before a day; the journal keeps their heads."""
        # a list is not even read while a picture of its day is there: there may be years of them
        there = {_day(path.name) for path in pictures_in(self._workspace / FOLDER, "*")}
        for day in self.log.days():
            if day >= before or day in there:
                continue
            last = max((row.timestamp.date() for row in self.log.read(day)), default=date.max)
            if last < before and all(entry.erased for entry in self._entries(day).values()):
                self.log.raw.purge(day, now, "its pictures are erased")

    # ----------------------------------------------------------------------------------------- checking

    def _entries(self, day: date) -> Mapping[str, _Entry]:
        rows = self.log.by_day([day]).get(day, [])
        if not rows:
            return {}
        known, count = self._known.pop(day, None), 0
        entries: dict[str, _Entry] = {}
        if known is not None and known.count <= len(rows) and known.last is rows[known.count - 1]:
            count, entries = known.count, dict(known.entries)
        for row in rows[count:]:
            entries[row.picture] = entries.get(row.picture, _Entry()).after(row)
        self._known[day] = _Known(rows[-1], len(rows), entries)
        for old in list(self._known)[:-_MOST_DAYS]:
            self._known.pop(old, None)
        return entries

    def _entry(self, name: str) -> _Entry | None:
        return self._entries(_day(name)).get(name)

    def fault(self, name: str, read: Callable[[Path], bytes]) -> str:
        """Return what is wrong with a picture; empty: nothing, or it is not covered.

        Raises:
            StorageError: the list cannot be read.
        """
        entry = self._entry(name) if name else None
        return "" if entry is None else _fault(entry, self._workspace / name, read)

    def check(self, there: Iterable[Path], read: Callable[[Path], bytes], since: date = date.min) -> list[Finding]:
        """Return all findings about pictures.

        Args:
            there: all pictures in the workspace.
            read: returns a picture.
            since: leave out days before it.

        Raises:
            StorageError: the list cannot be read.
        """
        listed = {name: each for day in self.log.days() if day >= since for name, each in self._entries(day).items()}
        names = {name for path in there if (name := self.name_of(path)) and _day(name) >= since}
        findings = []
        for name, entry in sorted(listed.items()):
            if fault := _fault(entry, self._workspace / name, read):
                findings.append(Finding(name, 0, "missing" if fault == GONE else "changed", fault))
        findings[_NAMED:] = (
            [Finding(FOLDER, 0, "changed", f"and {len(findings) - _NAMED} more pictures")]
            if len(findings) > _NAMED
            else []
        )
        if other := names - listed.keys():
            detail = f"{len(other)} pictures are not covered: an earlier version wrote them, or somebody put them there"
            findings.append(Finding(FOLDER, 0, "note", detail))
        return findings

    def names(self) -> list[str]:
        """Return all pictures that are listed and not erased."""
        entries = (each for day in self.log.days() for each in self._entries(day).items())
        return sorted(name for name, entry in entries if not entry.erased)


def _fault(entry: _Entry, path: Path, read: Callable[[Path], bytes]) -> str:
    try:
        with storage_errors(path):
            content = read(path)
    except KeyErased:
        return "" if entry.erased else "it cannot be opened: its key was destroyed"
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return "" if entry.erased else GONE
        return error.message
    except ValueError:  # a null byte: a row that was changed
        return GONE
    allowed = entry.ever if entry.erased else entry.allowed  # one that came back from quarantine or a backup
    return "" if hashlib.sha256(content).hexdigest() in allowed else CHANGED


def _day(name: str) -> date:
    match = _STAMP.match(name.rpartition("/")[2])
    with contextlib.suppress(ValueError):
        return date.fromisoformat(match.group(1)) if match else _UNDATED
    return _UNDATED
