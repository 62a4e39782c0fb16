"""Who is signed in: `sessions.json` in the workspace, so that a session that was ended stays ended after a restart.

A token is 256 random bits and exists in the browser only; the file holds its SHA-256. A row names the account by its id, so the
token of a removed account opens no other account of the same name.
"""

from __future__ import annotations

import dataclasses
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.access.account import Account
from engine.access.accounts import AccountBook
from engine.access.credentials import CredentialFile, digest
from engine.errors import StorageError

Kind = Literal["session", "second"]
log = logging.getLogger(__name__)

_TEXTS, _NUMBERS = ("key", "account", "kind", "browser", "address", "data"), ("epoch", "began_s", "seen_s", "until_s")
_PER_ACCOUNT = 50
"""How many sessions one account can have; beyond it, the one that began first ends."""
_FRESH_S = 60.0
"""How exactly the last use of a session is written down."""


@dataclass(frozen=True)
class Session:
    """A session, or a sign-in that waits for its second factor.

    Attributes:
        key: SHA-256 of the token, hexadecimal.
        account: id of the account.
        epoch: of the account at the beginning; another one has ended the session.
        kind: `session`; `second`: a right password, while the second factor is asked.
        began_s, seen_s, until_s: beginning, last use and latest end, in seconds since 1970.
        browser, address: where it began, for the account's owner.
        data: what a `second` holds: the secret of a factor that is being set up, stored like those of accounts.
    """

    key: str
    account: str
    epoch: int
    kind: Kind
    began_s: float
    seen_s: float
    until_s: float
    browser: str = ""
    address: str = ""
    data: str = ""


def _loaded(row: dict[str, Any]) -> Session:
    session = Session(**row)
    if not all(isinstance(getattr(session, name), str) for name in _TEXTS):
        raise TypeError("ids and names must be texts")
    if not all(isinstance(getattr(session, name), int | float) for name in _NUMBERS):
        raise TypeError("times must be numbers")
    return session


def _place(row: Session) -> str:
    return f"sessions.json/{row.key}"


class SessionBook(CredentialFile[Session]):
    """`sessions.json`. May be used from several threads and processes.

    Args:
        life_s: longest time of a session.
        idle_s: a session ends when nobody has used it for so long; 0: never.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        place: Path,
        accounts: AccountBook,
        *,
        life_s: float,
        idle_s: float = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(place, "key", self._opened, "remove it: everybody signs in again")
        self._accounts, self.life_s, self.idle_s, self._clock = accounts, life_s, idle_s, clock

    def _opened(self, stored: dict[str, Any]) -> Session:
        row = _loaded(stored)
        try:
            return dataclasses.replace(row, data=self._accounts.secrets.open(row.data, _place(row)))
        except StorageError as error:
            log.warning("a sign-in cannot be read: %s", error)
            return dataclasses.replace(row, until_s=0)

    def _stored(self, row: Session) -> dict[str, Any]:
        return {**dataclasses.asdict(row), "data": self._accounts.secrets.seal(row.data, _place(row))}

    def begin(
        self,
        account: Account,
        kind: Kind = "session",
        *,
        life_s: float | None = None,
        browser: str = "",
        address: str = "",
        data: str = "",
    ) -> str:
        """Begin a session of an authenticated account, or its wait for the second factor, see `Session`.

        Args:
            life_s: shorter than the book's.

        Returns:
            The token.

        Raises:
            StorageError: the file cannot be written.
        """
        token, now = secrets.token_urlsafe(32), self._clock()
        until = now + (self.life_s if life_s is None else min(life_s, self.life_s))
        began = Session(
            digest(token), account.id, account.epoch, kind, now, now, until, browser[:80], address[:60], data
        )

        def put(sessions: dict[str, Session]) -> None:
            for over in [row.key for row in sessions.values() if not self._runs(row, now)]:
                del sessions[over]
            own = [row.key for row in sessions.values() if (row.account, row.kind) == (account.id, kind)]
            for first in own[: max(0, len(own) + 1 - _PER_ACCOUNT)]:
                del sessions[first]
            sessions[began.key] = began

        self._change(put)
        return token

    def _runs(self, row: Session, now: float) -> bool:
        """Whether time has not ended a row. A row from the future was written under a wrong clock and counts for nothing."""
        idle = row.kind == "session" and self.idle_s and now - row.seen_s > self.idle_s
        return not idle and row.began_s <= now + 1 and now <= min(row.until_s, row.began_s + self.life_s)

    def _valid(self, token: str | None, kind: Kind) -> tuple[Account, Session] | None:
        row = self.all().get(digest(token)) if token else None
        if row is None or row.kind != kind or not self._runs(row, self._clock()):
            return None
        account = self._accounts.of_id(row.account)
        return (account, row) if account and account.active and account.epoch == row.epoch else None

    def account(self, token: str | None) -> Account | None:
        """The account of a session, or None if there is none or it has ended.

        Raises:
            StorageError: sessions or accounts cannot be read.
        """
        found = self._valid(token, "session")
        return found[0] if found else None

    def used(self, token: str | None) -> None:
        """Note that somebody uses a session just now; what a page does by itself is no use."""
        found, now = self._valid(token, "session"), self._clock()
        if found is None or not self.idle_s or now - found[1].seen_s < min(_FRESH_S, self.idle_s / 10):
            return

        def put(sessions: dict[str, Session]) -> None:
            if (row := sessions.get(found[1].key)) is not None:
                sessions[row.key] = dataclasses.replace(row, seen_s=now)

        try:
            self._change(put)
        except StorageError as error:
            log.warning("the use of a session cannot be noted: %s", error)

    def pending(self, token: str | None) -> tuple[Account, str] | None:
        """The account that has still to give its second factor, and the data of the row."""
        found = self._valid(token, "second")
        return (found[0], found[1].data) if found else None

    def end(self, token: str | None) -> None:
        """Sign out: the token is worth nothing from now on.

        Raises:
            StorageError: the file cannot be written.
        """
        key = digest(token or "")
        if (found := self.all().get(key)) is not None:
            self._drop(lambda row: row.key == key)
            if found.kind == "session":
                self._accounts.sessions_ended(found.account)

    def of(self, account: Account) -> list[Session]:
        """The running sessions of an account, the one used last first."""
        now = self._clock()
        own = [row for row in self.all().values() if row.kind == "session" and row.account == account.id]
        return sorted(
            (row for row in own if row.epoch == account.epoch and self._runs(row, now)), key=lambda row: -row.seen_s
        )

    @staticmethod
    def key_of(token: str | None) -> str:
        """The key of a token, to find a session in a list."""
        return digest(token or "")

    def end_of(self, account: Account, key: str = "", *, but: str | None = None) -> int:
        """End sessions of an account: one by its key, else all; return how many.

        Args:
            but: token of a session that stays.

        Raises:
            StorageError: the file cannot be written.
        """
        spared = digest(but or "")
        count = self._drop(lambda row: row.account == account.id and row.key != spared and key in {"", row.key})
        self._accounts.sessions_ended(account.id)
        return count

    def keep(self, token: str | None, account: Account) -> None:
        """Let one session go on after a change of its account that its owner made in it.

        Raises:
            StorageError: the file cannot be written.
        """
        key = digest(token or "")

        def put(sessions: dict[str, Session]) -> None:
            row = sessions.get(key)
            if row is not None and row.account == account.id and self._runs(row, self._clock()):
                sessions[key] = dataclasses.replace(row, epoch=account.epoch)

        self._change(put)

    def _drop(self, ends: Callable[[Session], bool]) -> int:
        count = 0

        def without(sessions: dict[str, Session]) -> None:
            nonlocal count
            for key in [row.key for row in sessions.values() if ends(row)]:
                del sessions[key]
                count += 1

        self._change(without)
        return count
