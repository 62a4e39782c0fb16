"""Keyed hashes over log rows, which reveal changed, removed, inserted and moved rows.

A row's last cell is its seal, `<number>.<own>.<chain>`: the row's number in the file from 1, an HMAC-SHA256 over the file's
name, that number and the row's cells, and another over the previous chain value and `own`. The chain's last value, the head,
covers all rows up to it.

Cells with ids of people are hashed by pseudonym, an HMAC of the id. An id can thus be replaced by its own pseudonym, and by
nothing else, while every seal stays valid; this is how a person is forgotten.

Limit: anybody who can read the key can seal anything. It lies outside of the workspace (`engine.storage.logs.keys`); keep it where
people who could gain from a changed sheet cannot read it, and keep a copy of the heads elsewhere (`muster heads export`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.errors import StorageError
from engine.storage.files import atomic_write, decode_cell, encode_cell, locked, storage_errors

PSEUDONYM = "erased-"
_KEY_BYTES = 32
_DIGITS = 32  # 128 bits: half of the hash, the minimum that RFC 2104 advises
_FORM = re.compile(rf"([1-9]\d{{0,11}})\.([0-9a-f]{{{_DIGITS}}})\.([0-9a-f]{{{_DIGITS}}})")


@dataclass(frozen=True)
class Seal:
    """A row's seal.

    Attributes:
        number: of the row in its file, from 1.
        own: over the row alone, hexadecimal.
        chain: over the row and all rows before it, hexadecimal.
    """

    number: int
    own: str
    chain: str

    def __str__(self) -> str:
        return f"{self.number}.{self.own}.{self.chain}"


def parse_seal(cell: str) -> Seal | None:
    """Return the seal in a cell; None if it is not a seal."""
    match = _FORM.fullmatch(cell)
    return Seal(int(match.group(1)), match.group(2), match.group(3)) if match else None


class Sealer:
    """Makes and checks seals with the key in a file, which is created on first use.

    Args:
        key_path: file with the key, 32 bytes as hexadecimal digits.
        witnesses: folder for copies of the running heads; default: beside the key.
    """

    def __init__(self, key_path: Path, witnesses: Path | None = None) -> None:
        self._key_path = key_path
        self._witnesses = witnesses or key_path.with_suffix(".heads")
        self._silent = False

    @property
    def witnesses(self) -> Path | None:
        """Folder of the witnesses; None: they cannot be written, which was said."""
        return None if self._silent else self._folder()

    def _folder(self) -> Path:
        return self._witnesses

    def settle(self) -> None:
        """Prepare the folder of witnesses before something is written there; the key is made.

        Raises:
            StorageError: the key is gone, or cannot be made.
        """

    def no_witnesses(self) -> None:
        """Do without witnesses from now on, because they cannot be written."""
        self._silent = True

    def begin(self) -> None:
        """Make a key if there is none, whatever was sealed with another one before.

        Raises:
            StorageError: it cannot be written.
        """
        if self._read() is None:
            self._make()
        self.__dict__.pop("_key", None)

    @property
    def key_path(self) -> Path:
        """File with the key, whether or not it exists yet."""
        return self._key_path

    @cached_property
    def _key(self) -> bytes:
        key = self._read()
        return self._made() if key is None else key

    def _made(self) -> bytes:
        """Make the key on first use."""
        return self._make()

    def _make(self) -> bytes:
        with locked(self.key_path):
            key = self._read()
            if key is None:
                key = secrets.token_bytes(_KEY_BYTES)
                atomic_write(self.key_path, (key.hex() + "\n").encode(), mode=0o600)
        return key

    def _read(self) -> bytes | None:
        with storage_errors(self.key_path):
            try:
                text = self.key_path.read_text(encoding="ascii", errors="replace")
            except (FileNotFoundError, NotADirectoryError):
                return None
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise StorageError(
                f"{self.key_path} is not a seal key",
                hint=f"restore it from a backup: {2 * _KEY_BYTES} hexadecimal digits",
            )
        return key

    @property
    def key_id(self) -> str:
        """Identifies the key without revealing it."""
        return hashlib.sha256(b"muster seal key" + self._key).hexdigest()[:8]

    def derived(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for another purpose, which does not reveal this one."""
        return hmac.new(self._key, f"muster key for {purpose}".encode(), hashlib.sha256).digest()

    def mac(self, *parts: str) -> str:
        """Return a keyed hash over texts, 32 hexadecimal digits; the hashed message differs for different lists of texts."""
        encoded = [text.encode("utf-8", "replace") for text in parts]
        message = b"".join([piece for part in encoded for piece in (len(part).to_bytes(8, "big"), part)])
        # a long log is half a second faster than with `hmac.new`
        return hmac.digest(self._key, message, "sha256").hex()[:_DIGITS]

    def pseudonym(self, person: str) -> str:
        """Return the id that replaces a forgotten person's in the logs."""
        return person if person.startswith(PSEUDONYM) or not person else f"{PSEUDONYM}{self.mac('person', person)[:16]}"

    def next(self, before: Seal | None, file: str, cells: Sequence[str], people: Sequence[int]) -> Seal:
        """Return the seal of the row that follows the one with the seal `before`; the other arguments are those of `own`."""
        number, chain = (1, "") if before is None else (before.number + 1, before.chain)
        own = self.own(file, number, cells, people)
        return Seal(number, own, self.chain(chain, own))

    def own(self, file: str, number: int, cells: Sequence[str], people: Sequence[int]) -> str:
        """Return the hash of a row by itself, in which pseudonyms stand for people.

        Args:
            file: name of the chain.
            number: of the row, from 1.
            cells: encoded, without the seal.
            people: indices of cells with ids of people, several separated by `;`.
        """
        sealed = list(cells)
        for index in people:
            ids = decode_cell(cells[index])
            if encode_cell(ids) == cells[index]:  # an id in another form was not sealed
                sealed[index] = ";".join(map(self.pseudonym, ids.split(";")))
        return self.mac("row", file, str(number), *sealed)

    def chain(self, before: str, own: str) -> str:
        """Return the hash of a row and all rows before it."""
        return self.mac("chain", before, own)


def without_person(ids: str, person: str, sealer: Sealer) -> str | None:
    """Return a cell's ids with a person's replaced by their pseudonym; None if the cell does not name them."""
    found = ids.split(";")
    if person not in found:
        return None
    return ";".join(sealer.pseudonym(each) if each == person else each for each in found)
