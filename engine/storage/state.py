"""Seals of state files: files that Muster replaces as a whole, such as accounts, people and galleries.

`state.seals` in the workspace lists for each of them the SHA-256 of what Muster wrote last, with a counter and a keyed hash over all of
it. A copy, its witness, lies beside the key: whoever puts an older file with an older list in place is found out as long as they cannot
write there. The list is written before the file (then it accepts both contents) and again after it, so that a crash in between
leaves nothing that looks like tampering.

A workspace that has no list yet is adopted by the first change: what lies there then counts as written by Muster.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.errors import InputError, StorageError, Tampered
from engine.storage.files import FileDocument, atomic_write, locked, storage_errors, writable
from engine.storage.foreign import parse_json
from engine.storage.logs.check import Finding, Head
from engine.storage.logs.sealed import file_stamp
from engine.storage.logs.seals import Sealer

log = logging.getLogger(__name__)

LIST = "state.seals"
CHAIN = "state"
"""Name of the list among the heads of logs."""

TABLES = ("people.csv", "employment.csv", "leave.csv", "time_account.csv")
"""Tables that people may edit by hand: a change is used and told, and nothing is written over it until somebody accepts it."""
SECRETS = (
    "accounts.json",
    "devices.json",
    "tokens.json",
    "pins.json",
    "badges.json",
    "bindings.json",
    "calibration.json",
    "retention.json",
)
"""Files that decide who gets in: a changed one is refused."""
GALLERIES = ("gallery/people.safetensors", "gallery/strangers.safetensors", "gallery/anchors.safetensors")
"""Templates: those that were changed are set aside."""

_ALL = (*TABLES, *SECRETS, *GALLERIES)
_TRIES = 5


@dataclass(frozen=True)
class _Entry:
    """What a file may hold.

    Attributes:
        digests: SHA-256 in hexadecimal digits, the latest first; several while it is written; empty text: no file.
        parts: the same of its list of parts.
    """

    digests: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def and_then(self, digest: str, parts: str) -> _Entry:
        """This entry while the file is replaced."""
        before = self.digests or ("",)  # no file
        return _Entry(tuple(dict.fromkeys((digest, *before))), tuple(dict.fromkeys((parts, *self.parts))))


@dataclass(frozen=True)
class _Seals:
    counter: int
    files: Mapping[str, _Entry]
    mac: str = ""


class StateSeals:
    """The seals of a workspace's state files.

    Args:
        sealer: that of the logs.
        adopted: told of the names of files that were found when the workspace got its list; not called for a new workspace.
    """

    def __init__(
        self, workspace: Path, sealer: Sealer, adopted: Callable[[Sequence[str]], object] = lambda _: None
    ) -> None:
        self.workspace, self.adopted = workspace, adopted
        self._sealer = sealer
        self._path = workspace / LIST
        self._known: tuple[object, _Seals | None] | None = None

    def of(self, name: str) -> FileSeal:
        """The seal of a file; `name`: its path in the workspace."""
        return FileSeal(self, name)

    @property
    def _places(self) -> list[Path]:
        witnesses = self._sealer.witnesses
        return [self._path, *([witnesses / LIST] if witnesses else [])]

    # ----------------------------------------------------------------------------------------- reading

    def current(self, *, fresh: bool = False) -> _Seals | None:
        """The newest list that is authentic; None: the workspace has none yet.

        Raises:
            Tampered: there is a list, but none with a seal of this key.
        """
        stamp = tuple(map(file_stamp, self._places))
        if fresh or self._known is None or self._known[0] != stamp:
            self._known = stamp, self._read()
        return self._known[1]

    def _read(self) -> _Seals | None:
        there = [path for path in self._places if path.exists()]
        if self._path in there and not self._sealer.key_path.exists():
            raise Tampered(
                f"{self._sealer.key_path} is gone: without it no file can be checked", hint="restore the key"
            )
        if not there or not self._sealer.key_path.exists():
            return None
        found = [seals for seals in map(self._authentic, there) if seals]
        if not found and self._path in there:
            raise Tampered(
                f"{self._path} has no seal of this key: it belongs to another key, or was rewritten",
                hint="restore it from a backup, or run `muster verify --accept all --reason …` if you know why",
            )
        return max(found, key=lambda seals: seals.counter, default=None)

    def _authentic(self, path: Path) -> _Seals | None:
        try:
            raw = parse_json(path.read_text(encoding="utf-8"))
            files = {name: _Entry(tuple(digests), tuple(parts)) for name, (digests, parts) in raw["files"].items()}
            seals = _Seals(raw["counter"], files, raw["seal"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return seals if seals.mac == self._mac(seals) else None

    def _mac(self, seals: _Seals) -> str:
        texts = [
            f"{name} {' '.join(each.digests)} {' '.join(each.parts)}" for name, each in sorted(seals.files.items())
        ]
        return self._sealer.mac("state", str(seals.counter), *texts)

    @property
    def foreign(self) -> bool:
        """Whether there is a list, but none with a seal of this key."""
        try:
            self.current(fresh=True)
        except Tampered:
            return True
        return False

    def head(self) -> Head | None:
        """How often the list was written, and its seal; None: there is no list."""
        seals = None if self.foreign else self.current()
        return Head(seals.counter, seals.mac) if seals else None

    def examine(self, name: str, read: Callable[[], bytes | None]) -> tuple[bytes | None, str]:
        """Read a file; return its content, and what is wrong with it (empty: it is as Muster wrote it).

        Writers are not waited for: the list is read before and after, and if the file's entry is the same, so was what it may hold.
        """
        content: bytes | None = None
        try:
            for attempt in range(_TRIES):
                before = _entry(self.current(fresh=attempt > 0), name)
                content = read()
                fault = _fault(before, content)
                if not fault or (attempt and before == _entry(self.current(fresh=True), name)):
                    return content, fault
        except Tampered as error:
            return read(), error.message
        return content, fault

    # ----------------------------------------------------------------------------------------- writing

    @contextlib.contextmanager
    def replacing(self, name: str, content: bytes, parts: str = "") -> Iterator[None]:
        """Seal what the block writes to a file; the caller holds the file's lock."""
        digest = hashlib.sha256(content).hexdigest()
        self._change({name: lambda entry: entry.and_then(digest, parts)}, durable=True)
        yield
        self._change({name: lambda _: _Entry((digest,), (parts,) if parts else ())}, durable=False)

    def adopt(self) -> None:
        """Give the workspace a list if it has none."""
        if self.current() is None and any(map(self._there, _ALL)) and writable(self.workspace):
            self._change({}, durable=True)

    def accept(self, name: str, parts: str = "") -> None:
        """Take a file as it is now for written by Muster; the caller holds the file's lock.

        Raises:
            StorageError: the file or the list cannot be written.
        """
        content = self._content(name)
        digest = "" if content is None else hashlib.sha256(content).hexdigest()
        self._change({name: lambda _: _Entry((digest,), (parts,) if parts else ())}, durable=True)
        if content is not None:  # running processes read it again
            mode = (self.workspace / name).stat().st_mode & 0o777
            atomic_write(self.workspace / name, content, mode=mode)

    def begin_anew(self) -> None:
        """Remove a list that belongs to another key; the next change adopts all files."""
        with locked(self._path), storage_errors(self._path):
            self._path.unlink(missing_ok=True)

    def _there(self, name: str) -> bool:
        return (self.workspace / name).exists()

    def _content(self, name: str) -> bytes | None:
        return FileDocument(self.workspace / name).read()

    def _change(self, changes: Mapping[str, Callable[[_Entry], _Entry]], *, durable: bool) -> None:
        with locked(self._path):
            seals = self.current(fresh=True) or self._first()
            files = dict(seals.files)
            for name, change in changes.items():
                files[name] = change(files.get(name, _Entry()))
            after = _Seals(seals.counter + 1, files)
            raw = {
                "counter": after.counter,
                "files": {name: (each.digests, each.parts) for name, each in sorted(files.items())},
                "seal": self._mac(after),
            }
            content = json.dumps(raw, indent=0).encode()
            atomic_write(self._path, content, durable=durable)
            self._write_witness(content)
            self._known = None

    def _write_witness(self, content: bytes) -> None:
        self._sealer.settle()
        for path in self._places[1:]:
            try:
                atomic_write(path, content, durable=False)
            except StorageError as error:
                log.warning("the witness of %s cannot be written: %s", LIST, error)
                self._sealer.no_witnesses()  # said once

    def _first(self) -> _Seals:
        found = {name: content for name in _ALL if (content := self._content(name)) is not None}
        if found:
            self.adopted(sorted(found))
        return _Seals(0, {name: _Entry((hashlib.sha256(content).hexdigest(),)) for name, content in found.items()})

    # ----------------------------------------------------------------------------------------- checking

    def check(self, kept: Sequence[Head] = ()) -> list[Finding]:
        """Return all findings about the state files; `kept`: heads that were kept elsewhere."""
        try:
            seals = self.current(fresh=True)
        except Tampered as error:
            return [Finding(LIST, 0, "changed", error.message)]
        if seals is None:
            return (
                [
                    Finding(
                        LIST, 0, "missing", f"the list is gone; it was written {max(each.rows for each in kept)} times"
                    )
                ]
                if kept
                else []
            )
        findings = [each for each in (self._list_fault(seals, kept),) if each]
        names = sorted({*seals.files, *filter(self._there, _ALL)})
        for name in names:
            content, fault = self.examine(name, partial(self._content, name))
            if fault:
                findings.append(Finding(name, 0, "missing" if content is None else "changed", fault))
        return findings

    def changed(self, names: Sequence[str]) -> list[str]:
        """Return those of these files that are not as Muster wrote them."""
        return [name for name in names if self.examine(name, partial(self._content, name))[1]]

    def _list_fault(self, seals: _Seals, kept: Sequence[Head]) -> Finding | None:
        own = self._authentic(self._path)
        if own is None:
            return Finding(LIST, 0, "missing", "the list of seals is gone, or is not Muster's; its witness is used")
        if own.counter + 1 < seals.counter:  # a crash can leave it one behind
            return Finding(LIST, 0, "removed", "an older list of seals was put in its place; its witness is used")
        rows = max((each.rows for each in kept), default=0)
        if rows > seals.counter or any(each.rows == seals.counter and each.chain != seals.mac for each in kept):
            detail = f"it was written {seals.counter} times, and {rows} times when its head was kept: an older one was put back"
            return Finding(LIST, 0, "removed", detail)
        return None


class FileSeal:
    """The seal of one state file, see `StateSeals`."""

    def __init__(self, seals: StateSeals, name: str) -> None:
        self.seals, self.name = seals, name

    @property
    def edited_by_hand(self) -> bool:
        """Whether a change from outside is used, although it is told."""
        return self.name in TABLES

    def examined(self, read: Callable[[], bytes | None]) -> tuple[bytes | None, str]:
        """Read the file; see `StateSeals.examine`."""
        return self.seals.examine(self.name, read)

    def checked(self, read: Callable[[], bytes | None]) -> bytes | None:
        """Read the file.

        Raises:
            Tampered: it is not as Muster wrote it, and is none that people edit by hand.
        """
        content, fault = self.examined(read)
        if fault and not self.edited_by_hand:
            raise self.error(fault)
        return content

    def before_change(self, read: Callable[[], bytes | None]) -> None:
        """Refuse to write over what somebody else wrote.

        Raises:
            Tampered: the file is not as Muster wrote it.
        """
        if self.edited_by_hand and (fault := self.examined(read)[1]):
            raise self.error(fault)

    def error(self, fault: str) -> Tampered:
        """The error for a fault."""
        path = self.seals.workspace / self.name
        return Tampered(
            f"{path}: {fault}",
            hint=f"restore it from a backup, or if the change is right run `muster verify --accept {self.name} --reason …`",
        )

    def replacing(self, content: bytes, parts: str = "") -> contextlib.AbstractContextManager[None]:
        """Seal what the block writes."""
        return self.seals.replacing(self.name, content, parts)

    def accepts_parts(self, digest: str) -> bool:
        """Whether this is the digest of the file's list of parts."""
        try:
            entry = _entry(self.seals.current(), self.name)
        except Tampered:
            return False
        return entry is not None and digest in entry.parts


def known_name(text: str) -> list[str]:
    """The state files that a user means: one by its name, or `all`.

    Raises:
        InputError: there is none of that name.
    """
    if text == "all":
        return list(_ALL)
    found = [name for name in _ALL if text in {name, Path(name).name}]
    if not found:
        raise InputError(f"{text} is no sealed file", hint=f"name one of {', '.join(_ALL)}, or `all`")
    return found


def _entry(seals: _Seals | None, name: str) -> _Entry | None:
    return None if seals is None else seals.files.get(name, _Entry())


def _fault(entry: _Entry | None, content: bytes | None) -> str:
    """What is wrong with a file's content; None instead of an entry: nothing is sealed yet."""
    if entry is None:
        return ""
    if content is None:
        return "the file is gone" if entry.digests and "" not in entry.digests else ""
    if hashlib.sha256(content).hexdigest() in entry.digests:
        return ""
    return "the file was changed outside of Muster" if entry.digests else "the file was not written by Muster"
