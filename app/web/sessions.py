"""What the browser keeps of a session, and the key that signs what else it keeps."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import threading
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from engine.storage import atomic_write, locked, storage_errors

COOKIE = "muster_session"


def token_of(cookie_header: str) -> str:
    """The session's token in a request's Cookie header; empty if there is none."""
    try:
        cookie = SimpleCookie(cookie_header).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


class Key:
    """The key in `sessions.key`, which is made when it is missing. May be used from several threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._secrets = path, threading.Lock(), dict[str, str]()

    def derived(self, purpose: str) -> str:
        """A secret for a purpose, which tells nothing of the others.

        Raises:
            StorageError: the key cannot be read or written.
        """
        with self._lock:
            if purpose not in self._secrets:
                self._secrets[purpose] = hmac.new(self._read(), purpose.encode(), "sha256").hexdigest()
            return self._secrets[purpose]

    def _read(self) -> bytes:
        with storage_errors(self._path), contextlib.suppress(FileNotFoundError):
            if key := self._path.read_bytes():
                return key
        with locked(self._path), storage_errors(self._path):
            if not self._path.exists():
                atomic_write(self._path, secrets.token_bytes(32), mode=0o600)
            return self._path.read_bytes()
