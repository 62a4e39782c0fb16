"""Sealed files: a header that names the key, and the content encrypted with it, bound to its place.

    MUSTERV1 · name of the key, 16 bytes · nonce, 12 bytes · ciphertext and tag of AES-256-GCM

The associated data are the workspace's name, the owner of the key, and the last folder and the name of the file, so that files cannot
be exchanged for one another, nor for those of another workspace.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag

from engine.errors import StorageError
from engine.storage.files import atomic_write, locked, storage_errors
from engine.storage.vault.ring import KEY_NAME_BYTES, MARKER, NONCE_BYTES, ring_of
from engine.storage.vault.rows import KeyErased

MAGIC = b"MUSTERV1"
_HEADER = len(MAGIC) + KEY_NAME_BYTES + NONCE_BYTES
MONTHLY = frozenset({"evidence", "unidentified"})
"""Folders of pictures whose keys are for a person and a month."""
_PICTURE = "picture:"
_DEPTH = 6
"""So many folders above a file may be its workspace."""


class Owner:
    """Names of the owners of keys: whatever must be erasable by itself."""

    @staticmethod
    def person(employee_id: str) -> str:
        """Of a person's templates and enrolment pictures."""
        return f"person:{employee_id}"

    @staticmethod
    def evidence(folder: str, month: str, employee_id: str) -> str:
        """Of the pictures of a person's passages in a month such as `2026-11`; `folder`: `evidence` or `unidentified`."""
        return f"{folder}:{month}:{employee_id}"

    @staticmethod
    def stranger(unknown_id: str) -> str:
        """Of a stranger's templates."""
        return f"stranger:{unknown_id}"

    @staticmethod
    def anchor(template_id: str) -> str:
        """Of a face that was taken for somebody by mistake."""
        return f"anchor:{template_id}"

    @staticmethod
    def picture(path: Path) -> str:
        """Of one file, such as a picture of an incident, which may show several people."""
        return f"picture:{path.parent.name}/{path.name}"

    @staticmethod
    def archive() -> str:
        """Of faces in recordings that are not decided yet."""
        return "archive:"

    @staticmethod
    def faces(model: str, day: str) -> str:
        """Of the faces that passed cameras on one day, see `engine.gallery.seen`; `model`: the folder of their file."""
        return f"faces:{model}/{day}"

    @staticmethod
    def account() -> str:
        """Of the secrets of accounts."""
        return "account:"

    @staticmethod
    def person_of(owner: str) -> str:
        """Return the id of the person to whom a key belongs: of their templates, enrolment and evidence; else an empty text."""
        kind, _, rest = owner.partition(":")
        if kind in MONTHLY:
            return rest.partition(":")[2]
        return rest if kind == "person" else ""

    @staticmethod
    def is_of(owner: str, employee_id: str) -> bool:
        """Whether a key belongs to a person, see `person_of`."""
        return Owner.person_of(owner) == employee_id

    @staticmethod
    def is_before(owner: str, folders: Collection[str], month: str) -> bool:
        """Whether a key is of pictures in one of some folders, from before a month."""
        kind, _, rest = owner.partition(":")
        return kind in MONTHLY and kind in folders and rest.partition(":")[0] < month


def is_sealed(content: bytes) -> bool:
    """Whether a file's bytes are sealed."""
    return content.startswith(MAGIC)


def sealed_key(content: bytes) -> str | None:
    """Return the name of the key with which bytes are sealed; None if they are not."""
    return content[len(MAGIC) : len(MAGIC) + KEY_NAME_BYTES].hex() if is_sealed(content) else None


class Listing(Protocol):
    """Notes what is written and erased; see `engine.storage.pictures`."""

    def writing(self, path: Path, content: bytes, read: Callable[[Path], bytes]) -> AbstractContextManager[None]:
        """Note what the block writes to a file."""

    def erasing(self, paths: Iterable[Path]) -> None:
        """Note that files are erased on purpose, before they are."""


class Vault:
    """Seals and opens what must not lie readable in a workspace.

    Args:
        workspace: folder.
        at_rest: whether new files are sealed; sealed ones are opened either way.
        listing: of pictures; default: they are not listed.
    """

    def __init__(self, workspace: Path, *, at_rest: bool = True, listing: Listing | None = None) -> None:
        self.workspace, self.at_rest, self.ring = workspace, at_rest, ring_of(workspace)
        self._listing = listing

    def _bound(self, owner: str, place: str) -> bytes:
        return "\0".join(("muster file", self.ring.origin, owner, place)).encode()

    def seal(self, content: bytes, owner: str, place: str) -> bytes:
        """Return bytes sealed for an owner and a place.

        Raises:
            StorageError: the keys are missing or cannot be written.
        """
        name = self.ring.names_for([owner])[owner]
        _, cipher = self.ring.cipher(name)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return MAGIC + bytes.fromhex(name) + nonce + cipher.encrypt(nonce, content, self._bound(owner, place))

    def open(self, content: bytes, place: str) -> bytes:
        """Return the content of bytes that were sealed for a place; bytes that are not sealed as they are.

        Raises:
            KeyErased: the key was destroyed.
            StorageError: the keys are missing, or the bytes were changed or belong elsewhere.
        """
        name = sealed_key(content)
        if name is None:
            return content
        if not self.ring.exists:
            raise StorageError(
                f"{place} is encrypted, and {self.workspace / MARKER} is missing", hint="restore it from a backup"
            )
        owner, cipher = self.ring.cipher(name)
        try:
            return cipher.decrypt(
                content[_HEADER - NONCE_BYTES : _HEADER], content[_HEADER:], self._bound(owner, place)
            )
        except (InvalidTag, ValueError) as error:
            raise StorageError(
                f"{place} was changed, or is another file than it says", hint="restore it from a backup"
            ) from error

    def open_all(self, contents: Sequence[bytes], place: str) -> list[bytes | None]:
        """Open many that were sealed for one place; None instead of those whose key is gone, or that were changed.

        Raises:
            StorageError: all keys are missing.
        """
        names = {name for each in contents if (name := sealed_key(each)) is not None}
        ciphers = self.ring.ciphers(names, missing=True) if names else {}
        bound = {owner: self._bound(owner, place) for owner, _ in ciphers.values()}
        opened: list[bytes | None] = []
        for each in contents:
            name, plain = sealed_key(each), None
            if name is None:
                plain = each
            elif name in ciphers:
                owner, cipher = ciphers[name]
                with contextlib.suppress(InvalidTag, ValueError):
                    plain = cipher.decrypt(each[_HEADER - NONCE_BYTES : _HEADER], each[_HEADER:], bound[owner])
            opened.append(plain)
        return opened

    # ----------------------------------------------------------------------------------------- files

    def write(self, path: Path, content: bytes, owner: str, *, mode: int = 0o640) -> None:
        """Replace a file atomically, sealed unless the settings say otherwise.

        Raises:
            StorageError: the keys are missing, or the file cannot be written; the old one is intact.
        """
        with self._listed(path, content):
            self._put(path, content, owner, mode)

    def _put(self, path: Path, content: bytes, owner: str, mode: int = 0o640) -> None:
        atomic_write(path, self.seal(content, owner, _place(path)) if self.at_rest else content, mode=mode)

    def _listed(self, path: Path, content: bytes) -> AbstractContextManager[None]:
        return self._listing.writing(path, content, self.read) if self._listing else contextlib.nullcontext()

    def erasing(self, paths: Iterable[Path]) -> None:
        """Note that files are erased or set aside on purpose, all at once and before they are; `erase` does so for one.

        Raises:
            StorageError: it cannot be noted; nothing may be erased.
        """
        if self._listing is not None:
            self._listing.erasing(paths)

    def read(self, path: Path) -> bytes:
        """Return the content of a file, sealed or not.

        Raises:
            FileNotFoundError: it is missing.
            KeyErased: its key was destroyed.
            StorageError: the keys are missing, or it was changed or belongs elsewhere.
        """
        return self.open(path.read_bytes(), _place(path))

    def rewrite(self, path: Path, content: bytes) -> None:
        """Replace a file by one of the same owner, which is sealed if it was; the key of a single picture is replaced, too.

        Raises:
            StorageError: the keys are missing, or the file cannot be written.
        """
        with self.erasing_files(), self._listed(path, content):
            name = self.key_of(path)
            owner = self.ring.owner_of(name) if name else None
            if owner is None:
                atomic_write(path, content)
                return
            if owner.startswith(_PICTURE):
                self._write_anew(path, content, owner)
            else:
                atomic_write(path, self.seal(content, owner, _place(path)))

    def write_anew(self, path: Path, content: bytes) -> None:
        """Replace a file, and the key of its own, so that no copy of what it was can be opened; plain if the settings say so.

        Raises:
            StorageError: the keys are missing, or the file cannot be written.
        """
        with self.erasing_files():
            if self.at_rest:
                self._write_anew(path, content, Owner.picture(path))
            else:
                atomic_write(path, content)

    def _write_anew(self, path: Path, content: bytes, owner: str) -> None:
        if self.ring.exists:
            self.ring.retire(lambda each: each == owner)
        atomic_write(path, self.seal(content, owner, _place(path)))
        self.ring.drop_old(lambda each: each == owner)

    def convert(self, path: Path, owner: str) -> bool:
        """Seal a file that is plain or has an old key, or with `at_rest` off write a sealed one plain; return whether it was changed.

        Raises:
            StorageError: the keys are missing, or the file was changed, belongs elsewhere, or cannot be written.
        """
        name = self.key_of(path)
        if (name is not None) == self.at_rest and not (name and self.ring.is_old(name)):
            return False
        if self.at_rest:
            self.ring.names_for([owner])
        with self.erasing_files(), storage_errors(path), contextlib.suppress(FileNotFoundError, KeyErased):
            self._put(path, self.read(path), owner)
            return True
        return False

    def erasing_files(self) -> AbstractContextManager[None]:
        """Hold the lock under which files are erased or written anew, so that nothing comes back that was erased.

        Without keys nothing is written anew.
        """
        return locked(self.workspace / "vault") if self.ring.exists else contextlib.nullcontext()

    def key_of(self, path: Path) -> str | None:
        """Return the name of the key with which a file is sealed; None if it is not sealed, or missing."""
        with storage_errors(path), contextlib.suppress(FileNotFoundError), path.open("rb") as handle:
            return sealed_key(handle.read(_HEADER))
        return None

    def erase(self, path: Path) -> bool:
        """Delete a file, and destroy its key if nothing else is sealed with that; return whether there was a file.

        Raises:
            StorageError: it cannot be deleted.
        """
        with self.erasing_files(), storage_errors(path):
            name = self.key_of(path)
            owner = self.ring.owner_of(name) if name and self.ring.exists else None
            self.erasing([path])
            try:
                path.unlink()
            except FileNotFoundError:
                return False
            if owner is not None and owner.startswith(_PICTURE):
                self.ring.destroy(lambda each: each == owner)
            return True


def _place(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read_file(path: Path) -> bytes:
    """Return the content of a file, which is opened if it is sealed; its workspace is found among the folders above.

    Raises:
        OSError: it is missing or cannot be read.
        KeyErased: its key was destroyed.
        StorageError: the keys are missing, or it was changed or belongs elsewhere.
    """
    content = path.read_bytes()
    if not is_sealed(content):
        return content
    for folder in path.absolute().parents[:_DEPTH]:
        if (folder / MARKER).exists():
            return Vault(folder).open(content, _place(path))
    raise StorageError(
        f"{path} is encrypted, and in no folder above it is a {MARKER}",
        hint="open it in the workspace that it belongs to",
    )
