"""Shared parts of the credential files: JSON rows that several processes change, slow hashes, and the wait after wrong secrets."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from engine.errors import InputError, StorageError
from engine.storage import Document, document, parse_json
from engine.words import N_, phrase

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")

FREE_TRIES = 5
TOO_MANY = N_("too many wrong passwords")
_LONGEST_WAIT_S = 900


class TryLater(InputError):
    """Too many wrong attempts; `wait_s`: seconds until the next one is allowed."""

    def __init__(self, message: str, *, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(message, hint=phrase("try again in {seconds} s", seconds=wait_s))


class CredentialFile(Generic[Row]):
    """Rows in one JSON file that only its owner may read; several processes read and change it.

    Args:
        place: the file, or its counterpart in a database.
        key: the field that identifies a row.
        load: turns a JSON object into a row; raises ValueError, TypeError or KeyError if it is not one.
        remedy: hint for a damaged file.
    """

    def __init__(self, place: Path | Document, key: str, load: Callable[[dict[str, Any]], Row], remedy: str) -> None:
        self.document = document(place, mode=0o600)
        self._key, self._load, self._remedy = key, load, remedy
        self._read: tuple[object, dict[str, Row]] | None = None

    def all(self) -> dict[str, Row]:
        """Return all rows by key in the order of the file, not to be modified; the file is read again only after a change.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        stamp = self.document.stamp()
        if stamp is None:
            return self._fresh()  # a sealed file that is gone must not count as "nobody"
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, self._fresh())
        return self._read[1]

    def _fresh(self) -> dict[str, Row]:
        content = self.document.read()
        if content is None:
            return {}
        try:
            values = parse_json(content)
            if not isinstance(values, list):
                raise TypeError("expected a list of rows")
            rows = [_sound(self._load(row)) for row in values]
            return {str(getattr(row, self._key)): row for row in rows}
        except (ValueError, TypeError, KeyError) as error:
            raise StorageError(f"{self.document.title} is damaged", hint=self._remedy) from error

    def _change(self, change: Callable[[dict[str, Row]], object]) -> None:
        """Change the rows under the file's lock; if the function raises, the file stays as it was.

        Raises:
            StorageError: the file cannot be read or written, or is damaged.
        """
        with self.document.exclusive():
            rows = self._fresh()  # two writes within one tick of the file system's clock may have the same stamp
            change(rows)
            texts = [self._stored(row) for row in rows.values()]
            self.document.write(json.dumps(texts, indent=1, ensure_ascii=False).encode())

    def _stored(self, row: Row) -> dict[str, Any]:
        """What is written of a row.

        Raises:
            StorageError: it cannot be encrypted.
        """
        return dataclasses.asdict(row)


_KINDS: Mapping[str, type | tuple[type, ...]] = {"str": str, "int": int, "bool": bool, "tuple[str, ...]": tuple}


def _sound(row: Row) -> Row:
    """Return a row whose fields have their types and whose wait can be read.

    Raises:
        TypeError, ValueError: one does not.
    """
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if not isinstance(value, _KINDS.get(str(field.type), object)):
            raise TypeError(f"`{field.name}` must be {field.type}")
        if field.name == "wait_until" and value and datetime.fromisoformat(str(value)).tzinfo is None:
            raise ValueError("`wait_until` needs an offset")
    return row


def digest(secret: str) -> str:
    """What is stored of a random secret: its SHA-256, hexadecimal. Nobody guesses so many bits, so it need not be slow."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


STRENGTH = RFC_9106_LOW_MEMORY
"""Cost of a hash: 64 MiB, three passes."""


_QUEUE = 4
"""How many hashes may be asked for at a time; beyond it, callers are told to try later."""
_turn, _queue = threading.RLock(), threading.Lock()
_asking: set[int] = set()


@contextlib.contextmanager
def one_at_a_time(queue: int = _QUEUE) -> Iterator[None]:
    """Wait for one's turn to hash: one in the process, because each takes 64 MiB and all processors.

    Args:
        queue: longest queue that one may join.

    Raises:
        TryLater: the queue is longer.
    """
    me = threading.get_ident()
    with _queue:
        inside = me in _asking
        if not inside and len(_asking) > queue:
            raise TryLater(phrase("too many people sign in at this moment"), wait_s=2)
        _asking.add(me)
    try:
        with _turn:
            yield
    finally:
        if not inside:
            with _queue:
                _asking.discard(me)


class SlowHashes:
    """argon2id hashes (RFC 9106) of secrets that people choose or type: every guess costs the attacker time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(STRENGTH)
        self._decoy = ""

    def make(self, secret: str) -> str:
        """Return the hash of a secret.

        Raises:
            TryLater: too many hashes are asked for.
        """
        with one_at_a_time():
            return self._hasher.hash(secret)

    def right(self, hashed: str, secret: str) -> bool:
        """Return whether a secret matches a hash; an empty hash never matches, and takes as long to check.

        Raises:
            TryLater: too many hashes are asked for.
        """
        with one_at_a_time():
            self._decoy = self._decoy or self._hasher.hash(token_hex())
            try:
                return self._hasher.verify(hashed or self._decoy, secret) and bool(hashed)
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, hashed: str) -> bool:
        """Return whether a hash was made with weaker settings than today's."""
        return self._hasher.check_needs_rehash(hashed)


def one_more_try(
    failures: int, wait_until: str, now: datetime, *, problem: str = TOO_MANY, free: int = FREE_TRIES
) -> tuple[int, str]:
    """Count an attempt before it is checked, so that simultaneous attempts count, too; call it while the file is locked.

    The first attempts are free. After them there is a wait, which doubles with every attempt up to a quarter of an hour.

    Args:
        failures, wait_until: attempts since the last correct one, and the end of the wait (ISO 8601).
        problem: what the error says.
        free: how many attempts need not wait.

    Returns:
        `failures` and `wait_until` after this attempt.

    Raises:
        TryLater: the wait has not ended.
    """
    longest = now + timedelta(seconds=_LONGEST_WAIT_S)  # a later end was written by a wrong clock
    if wait_until and now < (until := datetime.fromisoformat(wait_until)) <= longest:
        raise TryLater(phrase(problem), wait_s=math.ceil((until - now).total_seconds()))
    failures += 1
    wait_s = min(_LONGEST_WAIT_S, 2 ** min(failures - free, 20)) if failures >= free else 0
    return failures, (now + timedelta(seconds=wait_s)).isoformat() if wait_s else ""
