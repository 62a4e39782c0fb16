"""One encrypted stream in a file: chunks of AES-256-GCM whose order and end are authenticated (the STREAM construction).

    MUSTERB1 · salt, 16 bytes · prefix of the nonces, 7 bytes · chunks: ciphertext of 1 MiB (the last one: less) and tag

A nonce is the prefix, the chunk's number and whether it is the last, so that chunks cannot be left out, swapped or cut off. All before
the chunks is associated data. The key comes from a passphrase by scrypt, or from the content of a key file.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from engine.errors import InputError, StorageError

MAGIC = b"MUSTERB1"
_SALT_BYTES, _PREFIX_BYTES, _TAG_BYTES = 16, 7, 16
_CHUNK = 1 << 20
_HEAD = len(MAGIC) + _SALT_BYTES + _PREFIX_BYTES
_COST = 1 << 17
"""scrypt: 128 MiB and about half a second per guess."""


def _cipher(secret: bytes, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(hashlib.sha256(secret).digest()))


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


class Encrypting(io.RawIOBase):
    """Writes an encrypted stream; `finish` writes its end.

    Args:
        target: open for writing.
        secret: passphrase, or content of a key file.
    """

    def __init__(self, target: IO[bytes], secret: bytes) -> None:
        salt, self._prefix = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_PREFIX_BYTES)
        self._target, self._head = target, MAGIC + salt + self._prefix
        self._cipher = _cipher(secret, salt)
        self._waiting, self._number = bytearray(), 0
        target.write(self._head)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: bytes, /) -> int:  # type: ignore[override]
        """Encrypt bytes."""
        self._waiting += content
        while len(self._waiting) > _CHUNK:  # the last chunk is known as such
            self._put(bytes(self._waiting[:_CHUNK]), last=False)
            del self._waiting[:_CHUNK]
        return len(content)

    def finish(self) -> None:
        """Write the end."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _put(self, content: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), content, self._head))
        self._number += 1


class Decrypting(io.RawIOBase):
    """Reads an encrypted stream.

    Raises:
        InputError: the file is no such stream, or the secret is wrong.
        StorageError: while reading: the file was changed or cut off.
    """

    def __init__(self, source: IO[bytes], secret: bytes) -> None:
        self._source, self._head = source, source.read(_HEAD)
        if not self._head.startswith(MAGIC) or len(self._head) != _HEAD:
            raise InputError("this file is no backup", hint="give a file that `muster backup` wrote")
        self._prefix = self._head[-_PREFIX_BYTES:]
        self._cipher = _cipher(secret, self._head[len(MAGIC) : len(MAGIC) + _SALT_BYTES])
        self._ready, self._number, self._ended = b"", 0, False
        self._next = source.read(_CHUNK + _TAG_BYTES)
        self._fill()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        """Decrypt into a buffer."""
        while not self._ready and not self._ended:
            self._fill()
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _fill(self) -> None:
        chunk, self._next = self._next, self._source.read(_CHUNK + _TAG_BYTES)
        last = not self._next
        try:
            self._ready = self._cipher.decrypt(_nonce(self._prefix, self._number, last=last), chunk, self._head)
        except InvalidTag as error:
            if not self._number:
                raise InputError(
                    "the passphrase or key is wrong, or the backup was changed", hint="try another"
                ) from error
            raise StorageError("the backup was changed or cut off", hint="take another backup") from error
        self._number, self._ended = self._number + 1, last
