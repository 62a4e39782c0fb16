"""The data keys of a workspace, wrapped by its workspace key; both lie outside, beside the seal key.

`vault.id` in the workspace names a folder among the user's keys:

    vaults/<id>/ring           one line per data key: its name, its owner, its state, and the key wrapped with AES-256-GCM
    vaults/<id>/<name>.key     the workspace key, 32 bytes as hexadecimal digits

A data key is made on first use and appended durably before anything is sealed with it. Erasing rewrites the ring without it: what it
sealed cannot be opened any more, in no copy of the workspace. Keys of galleries leave their name behind, so that an older copy of a
gallery is known to hold somebody erased, and not to lack a key by mistake.

A copy of a workspace reads with the keys of its original. As soon as a copy changes keys it gets a ring of its own, so that erasing
somebody in one does not reach into the other; that is told from the path of the original, which the ring notes.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.errors import StorageError
from engine.storage.files import append_lines, atomic_write, locked, storage_errors
from engine.storage.foreign import parse_json
from engine.storage.logs.witnesses import key_folder
from engine.storage.vault.rows import Head, KeyErased, RingState, Row

log = logging.getLogger(__name__)

MARKER = "vault.id"
INSIDE = "vault.keys"
"""Folder in the workspace that holds the keys if none outside can be written."""
KEY_NAME_BYTES = 16
NONCE_BYTES = 12
_KEY_BYTES = 32
_REMEMBERED = ("person", "stranger", "anchor")
"""Kinds of owners whose keys leave their name behind."""


@lru_cache(maxsize=256)
def _shared(workspace: Path) -> Ring:
    return Ring(workspace)


def ring_of(workspace: Path) -> Ring:
    """The data keys of a workspace; all of a process share what was read."""
    return _shared(workspace.absolute())


class Ring:
    """The data keys of one workspace; several processes use and change them.

    Args:
        workspace: folder; the ring is made with the first key.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace, self._marker = workspace, workspace / MARKER
        self._mutex = threading.RLock()
        self._forget()

    # ----------------------------------------------------------------------------------------- what there is

    @property
    def exists(self) -> bool:
        """Whether the workspace has keys; they may be missing all the same."""
        return self._marker.exists()

    @property
    def lost(self) -> bool:
        """Whether the workspace names keys that are not there."""
        return self.exists and not (self.folder / "ring").exists()

    @property
    def folder(self) -> Path:
        """Where the keys lie, or would lie.

        Raises:
            StorageError: `vault.id` is damaged.
        """
        return self._folder(self._name())

    def _folder(self, name: str) -> Path:
        inside = self._workspace / INSIDE
        return inside if inside.is_dir() else key_folder() / "vaults" / name

    def _name(self) -> str:
        with storage_errors(self._marker):
            try:
                name = self._marker.read_text(encoding="ascii", errors="replace").strip()
            except FileNotFoundError:
                return ""
        if not name.isalnum():
            raise StorageError(f"{self._marker} is damaged", hint="restore it from a backup")
        return name

    @property
    def origin(self) -> str:
        """The name of the workspace in associated data; copies share it.

        Raises:
            StorageError: the keys are missing or damaged.
        """
        with self._mutex:
            self._refresh()
            return self._head.origin

    def state(self) -> RingState | None:
        """Return what the ring holds; None if there is none yet.

        Raises:
            StorageError: the keys are missing or damaged.
        """
        if not self.exists:
            return None
        with self._mutex:
            self._refresh()
            kinds = dict(Counter(row.owner.partition(":")[0] for row in self._rows.values() if row.state != "gone"))
            count = [row.state for row in self._rows.values()]
            folder = self.folder
            inside = folder.resolve().is_relative_to(self._workspace.resolve())
            self._key(self._head.key)
            return RingState(folder, inside, self._head.key, kinds, count.count("old"), count.count("gone"))

    def owners(self, kind: str) -> list[str]:
        """Return the owners of a kind that have a key."""
        if not self.exists:
            return []
        with self._mutex:
            self._refresh()
            return sorted(owner for owner in {*self._current, *self._old} if owner.startswith(f"{kind}:"))

    def owner_of(self, name: str) -> str | None:
        """Return the owner of a key; None if there is no such key, or no more."""
        with self._mutex:
            self._refresh()
            row = self._rows.get(name)
            return row.owner if row and row.state != "gone" else None

    def is_old(self, name: str) -> bool:
        """Whether a key is to be replaced."""
        with self._mutex:
            self._refresh()
            return name in self._rows and self._rows[name].state == "old"

    # ----------------------------------------------------------------------------------------- reading

    def _forget(self) -> None:
        self._stamp: object = None
        self._folder_read: Path | None = None
        self._end = 0  # bytes read so far
        self._inode = 0
        self._head = Head("", "", "")
        self._rows: dict[str, Row] = {}
        self._current: dict[str, str] = {}
        self._old: dict[str, list[str]] = {}
        self._ciphers: dict[str, AESGCM] = {}
        self._keys: dict[str, AESGCM] = {}

    def _marks(self) -> object:
        try:
            status = self._marker.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, os.environ.get("MUSTER_KEYS")

    def _refresh(self) -> None:
        """Read what is new.

        Raises:
            StorageError: the keys are missing or damaged.
        """
        marks = self._marks()
        if self._folder_read is None or marks != self._stamp:
            self._forget()
            self._folder_read, self._stamp = self.folder, marks
        path = self._folder_read / "ring"
        try:
            status = path.stat()
        except OSError as error:
            raise self._lost(path) from error
        if (status.st_ino, status.st_size) == (self._inode, self._end):
            return
        with storage_errors(path), path.open("rb") as handle:
            status = os.fstat(handle.fileno())
            if status.st_ino != self._inode or status.st_size < self._end:
                folder, stamp = self._folder_read, self._stamp
                self._forget()
                self._folder_read, self._stamp = folder, stamp
            handle.seek(self._end)
            content = handle.read()
        content = content[: content.rfind(b"\n") + 1]
        self._take(content, path)
        self._inode, self._end = status.st_ino, self._end + len(content)

    def _take(self, content: bytes, path: Path) -> None:
        lines = content.decode("utf-8", "replace").splitlines()
        try:
            if not self._end:
                head = parse_json(lines[0])
                self._head, lines = Head(str(head["origin"]), str(head["home"]), str(head["key"])), lines[1:]
            for name, owner, state, wrapped in parse_json(f"[{','.join(lines)}]"):
                self._add(Row(name, owner, state, b64decode(wrapped)))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise StorageError(f"{path} is damaged ({error})", hint="restore it from its copy") from error

    def _add(self, row: Row) -> None:
        self._rows[row.name] = row
        if row.state == "old":
            self._old.setdefault(row.owner, []).append(row.name)
        elif not row.state:
            self._current[row.owner] = row.name

    def _lost(self, path: Path) -> StorageError:
        return StorageError(
            f"the keys of {self._workspace} are missing: there is no {path}",
            hint="put the folder of keys back from its copy, or set MUSTER_KEYS to where it lies",
        )

    def _key(self, name: str) -> AESGCM:
        """The workspace key of that name.

        Raises:
            StorageError: it is missing or damaged.
        """
        if (known := self._keys.get(name)) is not None:
            return known
        assert self._folder_read is not None
        path = self._folder_read / f"{name}.key"
        with storage_errors(path):
            try:
                text = path.read_text(encoding="ascii", errors="replace")
            except FileNotFoundError as error:
                raise self._lost(path) from error
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise StorageError(f"{path} is not a workspace key", hint="restore it from its copy")
        return self._keys.setdefault(name, AESGCM(key))

    def _bound(self, name: str, owner: str) -> bytes:
        return "\0".join(("muster key", self._head.origin, name, owner)).encode()

    def _wrapped(self, wrapping: AESGCM, name: str, owner: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + wrapping.encrypt(nonce, key, self._bound(name, owner))

    def _unwrapped(self, row: Row) -> bytes:
        nonce, sealed = row.wrapped[:NONCE_BYTES], row.wrapped[NONCE_BYTES:]
        try:
            return self._key(self._head.key).decrypt(nonce, sealed, self._bound(row.name, row.owner))
        except (InvalidTag, ValueError) as error:
            raise StorageError(
                f"{self._folder_read}: the workspace key does not open the key of {row.owner}",
                hint="restore ring and key from the same copy",
            ) from error

    def cipher(self, name: str) -> tuple[str, AESGCM]:
        """Return the owner of a data key, and the cipher with that key.

        Raises:
            KeyErased: the key was destroyed.
            StorageError: the key is missing.
        """
        if (found := self.ciphers([name]).get(name)) is None:
            raise KeyErased("the key was destroyed", hint="what it sealed was erased for good")
        return found

    def ciphers(self, names: Iterable[str], *, missing: bool = False) -> dict[str, tuple[str, AESGCM]]:
        """Return owner and cipher of each key by its name; destroyed ones are left out, and with `missing` those that are not there, too.

        Raises:
            StorageError: a key is missing.
        """
        found: dict[str, tuple[str, AESGCM]] = {}
        with self._mutex:
            if names := list(names):
                self._refresh()
            for name in names:
                row = self._rows.get(name)
                if row is None and missing:
                    continue
                if row is None:
                    raise StorageError(
                        f"the key {name[:8]}… is not in {self._folder_read}",
                        hint="what it sealed was erased, or the folder of keys is an older copy: put the latest one back",
                    )
                if row.state != "gone":
                    if (cipher := self._ciphers.get(name)) is None:
                        cipher = self._ciphers[name] = AESGCM(self._unwrapped(row))
                    found[name] = row.owner, cipher
        return found

    # ----------------------------------------------------------------------------------------- changing

    def names_for(self, owners: Collection[str]) -> dict[str, str]:
        """Return the name of each owner's key; keys that are missing are made, durably.

        Raises:
            StorageError: the keys are missing or cannot be written.
        """
        with self._mutex:
            if self.exists:
                self._refresh()
                if all(owner in self._current for owner in owners):
                    return {owner: self._current[owner] for owner in owners}
            with self._changing() as path:
                rows = []
                for owner in dict.fromkeys(owners):
                    if owner not in self._current:
                        name = secrets.token_hex(KEY_NAME_BYTES)
                        key = secrets.token_bytes(_KEY_BYTES)
                        rows.append(Row(name, owner, "", self._wrapped(self._key(self._head.key), name, owner, key)))
                append_lines(path, self._head.line, [row.line for row in rows])
                self._refresh()
            return {owner: self._current[owner] for owner in owners}

    def destroy(self, wanted: Callable[[str], bool]) -> int:
        """Destroy the keys of all owners that are wanted, in every state; return how many.

        Raises:
            StorageError: the keys cannot be written.
        """

        def gone(row: Row) -> Row | None:
            if row.state == "gone" or not wanted(row.owner):
                return row
            remembered = row.owner.partition(":")[0] in _REMEMBERED
            return Row(row.name, "", "gone", b"") if remembered else None

        with self._mutex:
            if not self.exists:
                return 0
            self._refresh()
            doomed = sum(row.state != "gone" and wanted(row.owner) for row in self._rows.values())
            if doomed:
                with self._changing() as path:
                    self._rewrite(path, self._head, [kept for row in self._rows.values() if (kept := gone(row))])
            return doomed

    def rotate(self) -> str:
        """Wrap all data keys with a new workspace key and delete the old one; return the new one's name.

        Raises:
            StorageError: there are no keys, or they cannot be written; the old key stays in force.
        """
        with self._mutex, self._changing() as path:
            before = self._head.key
            head = replace(self._head, key=self._new_key(path.parent))
            self._rewrite(path, head, self._rewrapped(self._key(head.key)))
            with storage_errors(path):
                for each in path.parent.glob("*.key"):
                    if each.stem != head.key:
                        each.unlink(missing_ok=True)
            self._keys.pop(before, None)
            return head.key

    def retire(self, wanted: Callable[[str], bool] = lambda _owner: True) -> int:
        """Mark the keys of owners that are wanted as old, so that new ones are made; return how many old ones there are."""
        with self._mutex, self._changing() as path:
            rows = [
                replace(row, state="old") if not row.state and wanted(row.owner) else row for row in self._rows.values()
            ]
            if rows != list(self._rows.values()):
                self._rewrite(path, self._head, rows)
            return sum(row.state == "old" for row in rows)

    def drop_old(self, wanted: Callable[[str], bool] = lambda _owner: True) -> int:
        """Destroy the old keys of owners that are wanted; return how many."""
        with self._mutex, self._changing() as path:
            rows = [row for row in self._rows.values() if row.state != "old" or not wanted(row.owner)]
            count = len(self._rows) - len(rows)
            if count:
                self._rewrite(path, self._head, rows)
            return count

    def _rewrapped(self, wrapping: AESGCM) -> list[Row]:
        return [
            row
            if row.state == "gone"
            else replace(row, wrapped=self._wrapped(wrapping, row.name, row.owner, self._unwrapped(row)))
            for row in self._rows.values()
        ]

    def _rewrite(self, path: Path, head: Head, rows: Iterable[Row]) -> None:
        atomic_write(path, "".join([head.line, *(row.line for row in rows)]).encode(), mode=0o600)
        self._inode = -1  # another file may get the old one's number
        self._refresh()

    @contextmanager
    def _changing(self) -> Iterator[Path]:
        """Hold the locks over a change of the ring, which is made, moved or copied first if need be; yields its path."""
        with locked(self._marker):
            if not self.exists:
                self._make()
            self._refresh()
            self._settle()
            assert self._folder_read is not None
            path = self._folder_read / "ring"
            with locked(path):
                self._refresh()
                yield path

    def _new_key(self, folder: Path) -> str:
        name = secrets.token_hex(4)
        atomic_write(folder / f"{name}.key", (secrets.token_hex(_KEY_BYTES) + "\n").encode(), mode=0o600)
        return name

    def _make(self) -> None:
        name = secrets.token_hex(8)
        folder = self._folder(name)
        try:
            key = self._new_folder(folder)
        except StorageError as error:
            log.warning("%s; the keys are kept in the workspace, where they protect nothing", error)
            folder = self._workspace / INSIDE
            key = self._new_folder(folder)
        head = Head(name, str(self._workspace.resolve()), key)
        atomic_write(folder / "ring", head.line.encode(), mode=0o600)
        atomic_write(self._marker, f"{name}\n".encode())

    def _new_folder(self, folder: Path) -> str:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._new_key(folder)

    def _settle(self) -> None:
        """Note where the workspace lies now; if its original is still there, this is a copy: it gets a ring of its own."""
        here = self._workspace.resolve()
        if self._head.home == str(here):
            return
        assert self._folder_read is not None
        home, folder, inside = Path(self._head.home), self._folder_read, self._workspace / INSIDE
        if folder == inside or not self._same_vault(home):
            with locked(folder / "ring"):
                self._refresh()
                self._rewrite(folder / "ring", replace(self._head, home=str(here)), list(self._rows.values()))
            return
        name = secrets.token_hex(8)
        own = self._folder(name)
        key = self._new_folder(own)
        wrapping = AESGCM(bytes.fromhex((own / f"{key}.key").read_text(encoding="ascii")))
        head = Head(self._head.origin, str(here), key)
        lines = [head.line, *(row.line for row in self._rewrapped(wrapping))]
        atomic_write(own / "ring", "".join(lines).encode(), mode=0o600)
        try:
            atomic_write(self._marker, f"{name}\n".encode())
        except StorageError:
            shutil.rmtree(own, ignore_errors=True)
            raise
        log.info("%s is a copy of %s: it has keys of its own now", here, home)
        self._forget()
        self._refresh()

    def _same_vault(self, home: Path) -> bool:
        """Whether another folder at the original's path still uses this ring."""
        try:
            if home.samefile(self._workspace):
                return False
            return (home / MARKER).read_text(encoding="ascii") == self._marker.read_text(encoding="ascii")
        except (OSError, ValueError):
            return False
