"""What the browser keeps of a session, and the key that signs what else it keeps."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import threading
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from itsdangerous import BadData, URLSafeTimedSerializer

from engine.access import Account, Visitor
from engine.storage import atomic_write, locked, storage_errors

COOKIE = "muster_session"
BROWSER = "muster_browser"
"""The cookie of a browser in which somebody signed in: strangers elsewhere cannot make its users wait."""
BROWSER_S = 180 * 86400
_USERS = 8


def token_of(cookie_header: str) -> str:
    """The session's token in a request's Cookie header; empty if there is none."""
    try:
        cookie = SimpleCookie(cookie_header).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


class Browsers:
    """Signs and reads the cookie that lets a browser be known again."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._key.derived("browser"))

    def visitor(self, cookie: str, address: str) -> Visitor:
        """Who a request comes from.

        Raises:
            StorageError: the key cannot be read or written.
        """
        try:
            name, accounts = self._signer().loads(cookie, max_age=BROWSER_S)
            return Visitor(address, str(name), frozenset(map(str, accounts)))
        except (BadData, ValueError, TypeError):
            return Visitor(address)

    def after(self, visitor: Visitor, account: Account) -> str:
        """The cookie after somebody signed in."""
        others = sorted(visitor.accounts - {account.id})[: _USERS - 1]
        return str(self._signer().dumps([visitor.browser or secrets.token_hex(8), [account.id, *others]]))


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
