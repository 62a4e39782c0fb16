"""Sessions: a signed cookie names the account until it expires, the account changes, or the user signs out."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import threading
from pathlib import Path

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from engine.access import Account, AccountBook
from engine.storage import atomic_write, locked, storage_errors

COOKIE = "muster_session"
_TICKET_S = 60
_KNOWN = 10_000
_CLOCK = TimestampSigner("clock")


class Sessions:
    """Issues and checks session tokens. May be used from several threads.

    The key file holds the secret that signs, and is made when it is missing. A session lasts `life_h` hours at most.
    """

    def __init__(self, accounts: AccountBook, key_file: Path, *, life_h: float) -> None:
        self._accounts, self._key_file = accounts, key_file
        self.life_s = round(life_h * 3600)
        self._ended: dict[str, float] = {}
        self._redeeming = threading.Lock()
        self._known: dict[tuple[str, str], tuple[str, int, float]] = {}
        self._lock = threading.Lock()
        self._signers: dict[str, URLSafeTimedSerializer] = {}

    def _signer(self, purpose: str) -> URLSafeTimedSerializer:
        with self._lock:
            if purpose not in self._signers:
                self._signers[purpose] = URLSafeTimedSerializer(self._key(), salt=purpose)
            return self._signers[purpose]

    def _key(self) -> bytes:
        with storage_errors(self._key_file), contextlib.suppress(FileNotFoundError):
            if key := self._key_file.read_bytes():
                return key
        with locked(self._key_file), storage_errors(self._key_file):
            if not self._key_file.exists():
                atomic_write(self._key_file, secrets.token_bytes(32), mode=0o600)
            return self._key_file.read_bytes()

    def derived(self, purpose: str) -> str:
        """Derive a separate secret for another purpose."""
        return hmac.new(self._key(), purpose.encode(), "sha256").hexdigest()

    def issue(self, account: Account) -> str:
        """Issue a session token for an authenticated account."""
        return self._write("session", account)

    def ticket(self, account: Account) -> str:
        """Issue a single-use ticket valid for a minute, fit for an address."""
        return self._write("ticket", account)

    def _write(self, purpose: str, account: Account) -> str:
        return str(self._signer(purpose).dumps([account.name, account.epoch, secrets.token_hex(8)]))

    def account(self, token: str | None) -> Account | None:
        """The account of a session, or None if it is invalid or has ended."""
        return self._read("session", token, self.life_s)

    def redeem(self, ticket: str) -> Account | None:
        """Redeem a ticket once: its account, or None."""
        with self._redeeming:
            account = self._read("ticket", ticket, _TICKET_S)
            if account is not None:
                self.end(ticket)
            return account

    def _proven(self, purpose: str, token: str) -> tuple[str, int, float]:
        """Account, epoch and time of issue of a valid token, cached because pages ask often."""
        if (purpose, token) not in self._known:
            (name, epoch, _nonce), issued = self._signer(purpose).loads(token, return_timestamp=True)
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[purpose, token] = (str(name), int(epoch), issued.timestamp())
        return self._known[purpose, token]

    def _read(self, purpose: str, token: str | None, life_s: int) -> Account | None:
        if not token or token in self._ended:
            return None
        try:
            name, epoch, issued = self._proven(purpose, token)
        except (BadData, ValueError, TypeError):
            return None
        if not 0 <= _CLOCK.get_timestamp() - issued <= life_s:  # tokens carry whole seconds
            return None
        account = self._accounts.all().get(name)
        return account if account is not None and account.active and account.epoch == epoch else None

    def end(self, token: str) -> None:
        """Sign out: revoke the token in this process. Elsewhere it expires."""
        for purpose in ("session", "ticket"):
            with contextlib.suppress(BadData, ValueError, TypeError):
                _, _, issued = self._proven(purpose, token)
                self._ended[token] = issued
        oldest = _CLOCK.get_timestamp() - self.life_s
        for old in [each for each, issued in tuple(self._ended.items()) if issued < oldest]:
            self._ended.pop(old, None)  # it has expired anyway
