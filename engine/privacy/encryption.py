"""Encryption of what a workspace holds already: files of before, new keys for all files, and how far it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError, StorageError
from engine.gallery import GalleryFile
from engine.gallery.sealed import sealed
from engine.records.aside import set_aside
from engine.records.books import PICTURE_FOLDERS, Records
from engine.storage.pictures import pictures_in
from engine.storage.vault import MONTHLY, Owner, RingState
from engine.types import Progress

_MONTH = re.compile(r"(\d{4})(\d{2})\d{2}T")


@dataclass(frozen=True)
class Encryption:
    """How far a workspace is encrypted.

    Attributes:
        at_rest: whether new files are.
        keys: None without any.
        sealed, plain: galleries, pictures and other files with faces.
    """

    at_rest: bool
    keys: RingState | None
    sealed: int
    plain: int


def examine(records: Records) -> Encryption:
    """Count what is encrypted and what is not.

    Raises:
        StorageError: the keys are missing or damaged.
    """
    states = [sealed(path) for store in _files(records) for path in [store.path, *store.aside()] if path.exists()]
    states += [records.vault.key_of(path) is not None for path, _ in _pictures(records, dict)]
    states += records.seen.sealed()
    return Encryption(records.vault.at_rest, records.vault.ring.state(), states.count(True), states.count(False))


def convert(records: Records, progress: Progress) -> int:
    """Encrypt what is plain, or with encryption off write plain what is encrypted; return the number of files.

    Each file is replaced by itself, so that an interrupted run is continued by another one. Files with old keys get new ones.

    Raises:
        StorageError: a file cannot be read or written.
    """
    count = sum(store.convert() for store in _files(records))
    if records.users is not None and records.users.convert():
        count += 1
    vault, found = records.vault, list(_pictures(records, lambda: _evidence(records)))
    for index, (path, owner) in enumerate(found):
        progress("encrypting pictures" if vault.at_rest else "decrypting pictures", index, len(found))
        count += vault.convert(path, owner)
    return count + records.seen.convert()


def reencrypt(records: Records, progress: Progress) -> int:
    """Encrypt everything with new keys and destroy the old ones; return the number of files.

    Raises:
        InputError: encryption is off.
        StorageError: a file cannot be read or written; another attempt continues.
    """
    vault = records.vault
    if not vault.at_rest:
        raise InputError("encryption is off", hint="remove `at_rest = false` from [encryption] in the settings first")
    state = vault.ring.state()
    if state is None or not state.old:
        vault.ring.retire()
    count = convert(records, progress)
    still = [path for path, _ in _pictures(records, dict) if (name := vault.key_of(path)) and vault.ring.is_old(name)]
    if still:
        raise StorageError(f"{len(still)} files have old keys still, such as {still[0]}", hint="run it again")
    if records.users is not None and not records.users.converted():
        raise StorageError("the secrets of accounts have an old key still", hint="run it again")
    vault.ring.drop_old()
    return count


def _files(records: Records) -> Iterator[GalleryFile]:
    for store in (records.gallery, records.strangers, records.anchors):
        if isinstance(store.keep, GalleryFile):
            yield store.keep


def _evidence(records: Records) -> dict[str, str]:
    """Whose evidence each picture is."""
    return {row.evidence_image: row.employee_id for _, row in records.attendance_rows() if row.evidence_image}


def _pictures(records: Records, evidence: Callable[[], dict[str, str]]) -> Iterator[tuple[Path, str]]:
    """Yield every picture and other file with faces, and the owner of its key."""
    gallery = records.gallery.stored()
    person = {key: each.employee_id for key, each in set_aside(records).items()}
    person |= {each.template_id: each.person for each in gallery.templates} if gallery else {}
    whose = evidence()
    for folder in PICTURE_FOLDERS:
        for path in pictures_in(records.workspace / "images", folder):
            if folder == "enrolment":
                yield path, Owner.person(person.get(path.stem, ""))
            elif folder in MONTHLY:
                found = _MONTH.match(path.name)
                month = "-".join(found.groups()) if found else "0000-00"
                yield path, Owner.evidence(folder, month, whose.get(f"images/{folder}/{path.name}", ""))
            else:
                yield path, Owner.picture(path)
    for path in sorted((records.workspace / "archive").glob("*/**/*.npz")):
        yield path, Owner.archive()
    for path in sorted((records.workspace / "known").glob("*.safetensors")):
        yield path, Owner.picture(path)
