"""Where the witnesses of a workspace lie: copies of its running heads, beside the keys, that whoever can write the workspace cannot reach.

`seal.id` in the workspace names the key and with it the folder `heads/<name>`, wherever the workspace lies: moving or renaming it, or
restoring it elsewhere, loses nothing. `home` in that folder says where it was seen last.

A copy carries the same name. While its original is still where it was, a copy has no witnesses; its first change gives it a second word
in `seal.id`, and a folder of its own, `heads/<name>-<word>`: both go on independently, with the same key. For the original no second word
counts, so that nobody can make it lose its witnesses by writing one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from engine.storage.files import atomic_write, locked, storage_errors
from engine.storage.foreign import parse_json

log = logging.getLogger(__name__)

MARKER = "seal.id"
_HOME = "home"


def key_folder() -> Path:
    """The user's folder of seal keys; `MUSTER_KEYS` overrides it."""
    override = os.environ.get("MUSTER_KEYS")
    return Path(override) if override else platformdirs.user_config_path("muster") / "keys"


def _heads() -> Path:
    return key_folder() / "heads"


@dataclass(frozen=True)
class Mark:
    """What `seal.id` says: the name of the workspace and of its key, and the word that tells a copy apart (empty: an original)."""

    name: str = ""
    copy: str = ""

    @property
    def folder(self) -> Path:
        """Its witnesses."""
        return _heads() / (f"{self.name}-{self.copy}" if self.copy else self.name)


@dataclass(frozen=True)
class _Home:
    """Where the workspace of some witnesses was seen last, with the numbers of that folder in its file system."""

    path: str
    inode: tuple[int, int]


def _read_mark(workspace: Path) -> Mark:
    try:
        words = (workspace / MARKER).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return Mark()
    return Mark(*words) if 1 <= len(words) <= 2 and all(word.isalnum() for word in words) else Mark()


def _home_of(folder: Path) -> _Home | None:
    try:
        raw = parse_json((folder / _HOME).read_text(encoding="utf-8"))
        return _Home(raw["path"], (raw["inode"][0], raw["inode"][1]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _here(workspace: Path) -> _Home:
    status = workspace.stat()
    return _Home(str(workspace.resolve()), (status.st_dev, status.st_ino))


class Witnesses:
    """The witnesses of one workspace.

    Args:
        new: name of the workspace if it has none yet.
    """

    def __init__(self, workspace: Path, new: str) -> None:
        self._workspace, self._new, self._word = workspace, new, secrets.token_hex(4)
        self._known: tuple[object, Mark, Path] | None = None
        self._settled: Path | None = None

    def mark(self) -> Mark:
        """What `seal.id` says now."""
        return _read_mark(self._workspace)

    def write(self, mark: Mark) -> None:
        """Write `seal.id`."""
        words = " ".join(filter(None, (mark.name, mark.copy)))
        atomic_write(self._workspace / MARKER, f"{words}\n".encode("ascii"))

    def folder(self, *, names_key: bool) -> Path:
        """Where they lie, or would lie: a copy has none before its first change.

        Args:
            names_key: `seal.id` names the key, too, so that a wrong name cannot go unnoticed.
        """
        return self._found(names_key)[1]

    def _found(self, names_key: bool) -> tuple[Mark, Path]:
        """The mark that the workspace has or should have, and the folder where its witnesses lie now."""
        stamp: object = (os.environ.get("MUSTER_KEYS"), names_key)
        with contextlib.suppress(OSError):
            status = (self._workspace / MARKER).stat()
            stamp = (stamp, status.st_mtime_ns, status.st_ino)
        if self._known is None or self._known[0] != stamp:
            self._known = stamp, *self._find(names_key)
        return self._known[1:]

    def _find(self, names_key: bool) -> tuple[Mark, Path]:
        mark = self.mark()
        before = _heads() / _old_name(self._workspace)
        if not self._workspace.is_dir():
            mark = Mark(mark.name or self._new)
            return mark, mark.folder
        here = _here(self._workspace)
        if not (names_key or (mark.name and mark.folder.is_dir()) or before.is_dir()):
            # changed by hand: who lay here last?
            mark = _seen_at(here.path) or mark
        original = Mark(mark.name or self._new)
        home = _home_of(original.folder)
        if home is None:
            return original, before if before.is_dir() and not original.folder.is_dir() else original.folder
        at_home = here.path == home.path or here.inode == home.inode
        own = _home_of(mark.folder) if mark.copy else None
        if own is not None:
            if own.inode == here.inode or (not at_home and (own.path == here.path or not _holds(own.path, mark, here))):
                return mark, mark.folder
        elif mark.copy and not at_home:  # its folder is gone
            return mark, mark.folder
        if at_home or not _holds(home.path, original, here):
            return original, original.folder
        mark = Mark(mark.name, self._word)
        return mark, mark.folder

    def settle(self, *, names_key: bool) -> None:
        """Make the folder, note where the workspace lies, and tell a copy apart; called before anything is written there.

        Raises:
            StorageError: the folder of keys or `seal.id` cannot be written.
        """
        folder = self._found(names_key)[1]
        if self._settled == folder and (folder / _HOME).exists():
            return
        with locked(self._workspace / MARKER):
            self._known = None
            mark, folder = self._found(names_key)
            wanted, here = mark.folder, _here(self._workspace)
            with storage_errors(wanted):
                if folder != wanted:  # of an earlier version, which named it after the path
                    folder.rename(wanted)
                elif mark.copy and not wanted.is_dir():
                    log.info("%s is a copy: it has witnesses of its own now", here.path)
                    copy_heads(self._workspace, wanted)
            if _home_of(wanted) != here:
                atomic_write(wanted / _HOME, json.dumps({"path": here.path, "inode": here.inode}).encode())
            if self.mark() != mark:
                self.write(mark)
            self._known, self._settled = None, wanted


def _old_name(workspace: Path) -> str:
    """The name that earlier versions gave: made of the path."""
    place = hashlib.sha256(str(workspace.resolve()).encode()).hexdigest()[:8]
    return f"{workspace.resolve().name}-{place}"


def _holds(path: str, mark: Mark, here: _Home) -> bool:
    """Whether another folder at a path has that mark."""
    return path != here.path and _read_mark(Path(path)) == mark


def _seen_at(path: str) -> Mark | None:
    """The mark of the workspace that was last seen at a path."""
    for each in sorted(_heads().glob(f"*/{_HOME}")):
        name, _, word = each.parent.name.partition("-")
        home = _home_of(each.parent)
        if home is not None and home.path == path and ".before" not in each.parent.name:
            return Mark(name, word)
    return None


def copy_heads(workspace: Path, folder: Path) -> None:
    """Copy the running heads of a workspace to a folder of witnesses.

    Raises:
        StorageError: one cannot be read or written.
    """
    for path in (*sorted((workspace / "log" / ".heads").glob("*.csv")), workspace / "state.seals"):
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            atomic_write(folder / path.name, path.read_bytes())
