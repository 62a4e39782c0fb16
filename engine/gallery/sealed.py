"""A gallery file whose templates are encrypted, each person's with a key of their own.

    MUSTERG1 · length of the header, 8 bytes · header · one part per owner: nonce, 12 bytes, ciphertext and tag of AES-256-GCM

The header is JSON: model, alignment, version, identifiers issued, length of an embedding, and the name of the key and the length of
each part. A part holds a person's id, their templates and their embeddings. Whose key was destroyed is left out when the file is read.

A stranger's key is replaced when a template of theirs is removed, and destroyed with the last one; that of a face that was taken for
somebody by mistake is its own. The key of an enrolled person also opens pictures: whoever erases the person destroys it.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidTag

from engine.errors import StorageError
from engine.gallery.templates import Gallery, Template
from engine.storage import parse_json, storage_errors
from engine.storage.vault import Owner, Vault
from engine.storage.vault.ring import NONCE_BYTES

log = logging.getLogger(__name__)

MAGIC = b"MUSTERG1"
_LENGTH = 8
_OWNERS: Mapping[str, Callable[[Template], str]] = {
    "strangers": lambda template: Owner.stranger(template.person),
    "anchors": lambda template: Owner.anchor(template.template_id),
}
_KINDS = {"strangers": "stranger", "anchors": "anchor"}
"""Galleries whose keys open nothing else, and the kind of their owners."""


def _name(path: Path) -> str:
    return path.name.partition(".")[0]


def _owner(path: Path) -> Callable[[Template], str]:
    return _OWNERS.get(_name(path), lambda template: Owner.person(template.person))


def _bound(origin: str, owner: str, path: Path) -> bytes:
    return "\0".join(("muster gallery", origin, owner, _name(path))).encode()


def sealed(path: Path) -> bool:
    """Whether a gallery file is encrypted.

    Raises:
        StorageError: it cannot be read.
    """
    with storage_errors(path), path.open("rb") as handle:
        return handle.read(len(MAGIC)) == MAGIC


def to_sealed(gallery: Gallery, path: Path, vault: Vault) -> bytes:
    """Return a gallery as the content of the file `path`.

    Raises:
        StorageError: the keys are missing or cannot be written.
    """
    owner_of = _owner(path)
    rows_of: dict[str, list[int]] = {}
    for row, template in enumerate(gallery.templates):
        rows_of.setdefault(owner_of(template), []).append(row)
    names = vault.ring.names_for(rows_of.keys()) if rows_of else {}
    ciphers = vault.ring.ciphers(names.values())
    origin = vault.ring.origin if rows_of else ""
    embeddings = np.ascontiguousarray(gallery.embeddings, "<f4")
    parts, told = [], []
    for owner, rows in rows_of.items():
        person = gallery.templates[rows[0]].person
        templates = [(each.template_id, round(each.quality, 4)) for each in (gallery.templates[row] for row in rows)]
        head = json.dumps([person, templates]).encode()
        content = b"".join((len(head).to_bytes(_LENGTH, "little"), head, embeddings[rows].tobytes()))
        nonce = secrets.token_bytes(NONCE_BYTES)
        part = nonce + ciphers[names[owner]][1].encrypt(nonce, content, _bound(origin, owner, path))
        parts.append(part)
        told.append((names[owner], len(part)))
    header = {
        "model_id": gallery.model_id,
        "alignment_id": gallery.alignment_id,
        "version": gallery.version,
        "issued": gallery.issued,
        "dimension": gallery.embeddings.shape[1],
        "parts": told,
    }
    text = json.dumps(header).encode()
    return b"".join((MAGIC, len(text).to_bytes(_LENGTH, "little"), text, *parts))


def _unreadable(path: Path, error: object) -> StorageError:
    return StorageError(
        f"{path} cannot be read ({error})", hint="restore it from a backup, or remove it and enrol again"
    )


def model_of_sealed(path: Path) -> str:
    """Read the model of an encrypted gallery; needs no key.

    Raises:
        StorageError: the file cannot be read.
    """
    return str(_header(path)["model_id"])


def keys_in(path: Path) -> list[str]:
    """Read the names of the keys of an encrypted gallery; needs no key.

    Raises:
        StorageError: the file cannot be read.
    """
    return [str(name) for name, _ in _header(path)["parts"]]


def _header(path: Path) -> dict[str, Any]:
    with storage_errors(path), path.open("rb") as handle:
        length = int.from_bytes(handle.read(len(MAGIC) + _LENGTH)[len(MAGIC) :], "little")
        text = handle.read(min(length, path.stat().st_size))
    try:
        header: dict[str, Any] = parse_json(text)
        if not {"model_id", "parts"} <= header.keys():
            raise ValueError("its header is not whole")
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error
    return header


def from_sealed(path: Path, vault: Vault, content: bytes, *, tolerant: bool = False) -> Gallery:
    """Read an encrypted gallery, whatever its model.

    Args:
        path: where it lies.
        content: of the file.
        tolerant: leave out parts that were changed.

    Raises:
        StorageError: the file cannot be read or was changed, or the keys are missing.
    """
    begin = len(MAGIC) + _LENGTH
    try:
        length = int.from_bytes(content[len(MAGIC) : begin], "little")
        header: dict[str, Any] = parse_json(content[begin : begin + length])
        wanted = [(str(name), int(size)) for name, size in header["parts"]]
        dimension, recipe = int(header["dimension"]), (str(header["model_id"]), str(header["alignment_id"]))
        version, issued = int(header["version"]), int(header["issued"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, error) from error
    if sum(size for _, size in wanted) != len(content) - begin - length:
        raise _unreadable(path, "its length is not what its header says")
    ciphers = vault.ring.ciphers(name for name, _ in wanted)
    origin = vault.ring.origin if wanted else ""
    templates: list[Template] = []
    rows = []
    view, place, owner_of = memoryview(content), begin + length, _owner(path)
    for name, size in wanted:
        part, place = view[place : place + size], place + size
        if name not in ciphers:
            continue
        owner, cipher = ciphers[name]
        try:
            plain = cipher.decrypt(part[:NONCE_BYTES], part[NONCE_BYTES:], _bound(origin, owner, path))
            start = _LENGTH + int.from_bytes(plain[:_LENGTH], "little")
            person, told = parse_json(plain[_LENGTH:start])
            own = [Template(template_id, person, quality) for template_id, quality in told]
            if {owner_of(each) for each in own} != {owner}:
                raise ValueError(f"a part is not of {owner}")
            rows.append(np.frombuffer(plain, "<f4", offset=start).reshape(len(own), dimension))
        except (InvalidTag, ValueError, TypeError) as error:
            if tolerant:
                continue
            what = "a part was changed, or belongs elsewhere" if isinstance(error, InvalidTag) else error
            raise _unreadable(path, what) from error
        templates += own
    if gone := len(wanted) - len(ciphers):
        log.info("%s: %d people in this copy were erased", path, gone)
    embeddings = np.concatenate(rows) if rows else np.empty((0, dimension), np.float32)
    return Gallery(*recipe, np.asarray(embeddings, np.float32), tuple(templates), version, issued)


def retire_keys(before: Gallery, after: Gallery, path: Path, vault: Vault) -> bool:
    """Before `after` is written: let those strangers who lose a template, but not all, get a new key; return whether there are any."""
    if _name(path) not in _KINDS or not vault.ring.exists:
        return False
    owner_of = _owner(path)
    left = {each.template_id: owner_of(each) for each in after.templates}
    lost = {owner_of(each) for each in before.templates if left.get(each.template_id) != owner_of(each)}
    lost &= set(left.values())
    if lost:
        vault.ring.retire(lambda owner: owner in lost)
    return bool(lost)


def destroy_keys(after: Gallery, path: Path, vault: Vault, *, retired: bool) -> None:
    """After `after` was written: destroy the keys of strangers, or of mistaken faces, that it does not hold."""
    if (kind := _KINDS.get(_name(path))) is None or not vault.ring.exists:
        return
    owner_of = _owner(path)
    held = {owner_of(each) for each in after.templates}
    if gone := set(vault.ring.owners(kind)) - held:
        vault.ring.destroy(lambda owner: owner in gone)
    if retired:
        vault.ring.drop_old(lambda owner: owner in held)
