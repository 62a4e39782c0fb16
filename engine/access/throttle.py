"""Slows down who guesses passwords, without shutting out whom the passwords belong to: `tries.json` in the workspace.

Tries are counted by name and address together, so a stranger makes nobody else wait. Tries of one address for many names, and of many
addresses for one name, have budgets of their own. A browser in which somebody signed in before has a count of its own for that
account (after OWASP's device cookies), so its owner gets in whatever strangers do.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine.access.credentials import TOO_MANY, CredentialFile, TryLater, one_more_try
from engine.words import N_, phrase

_ADDRESS_BURST, _ADDRESS_EVERY_S = 30, 10
"""Wrong tries of one address: so many at once, then one each so many seconds."""
_NAME_BURST, _NAME_EVERY_S = 100, 60
"""Wrong tries for one name from unknown browsers."""
_FORGET_S = 6 * 3600
_ROWS = 4000
_YEARS = range(1970, 9000)


@dataclass(frozen=True)
class Visitor:
    """Who tries to sign in.

    Attributes:
        address: IP address; empty: unknown.
        browser: random name of a browser in which somebody signed in before; empty: a new one.
        accounts: ids of the accounts that signed in there.
    """

    address: str = ""
    browser: str = ""
    accounts: frozenset[str] = frozenset()

    def knows(self, account_id: str) -> bool:
        """Whether an account signed in there before."""
        return bool(self.browser) and account_id in self.accounts


@dataclass(frozen=True)
class Tried:
    """A count.

    Attributes:
        key: part of the SHA-256 of what is counted, since people may type a password as their name.
        failures, wait_until: see `engine.access.credentials.one_more_try`; for a budget, `wait_until` is when it is full again.
        last: last try, ISO 8601.
    """

    key: str
    failures: int = 0
    wait_until: str = ""
    last: str = ""


@dataclass(frozen=True)
class Attempt:
    """Counts that an attempt was added to.

    Attributes:
        stairs: the key whose waits double. budgets: keys with their seconds per try. failures: so many tries in a row, this one included.
        address_failures: of the address, for any name.
    """

    stairs: str
    budgets: Mapping[str, int]
    failures: int
    address_failures: int


def _loaded(row: dict[str, Any]) -> Tried:
    tried = Tried(**row)
    if not isinstance(tried.key, str) or not isinstance(tried.failures, int):
        raise TypeError("expected a key and a number")
    for text in (tried.wait_until, tried.last):
        if text and ((found := datetime.fromisoformat(text)).tzinfo is None or found.year not in _YEARS):
            raise ValueError("times need an offset, and to be of these days")
    return tried


def _network(address: str) -> str:
    """The address, or the network of an IPv6 address, which one machine has for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or (found if found.version == 4 else ipaddress.ip_network((int(found), 64), strict=False)))


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


class Tries(CredentialFile[Tried]):
    """`tries.json`."""

    def __init__(self, place: Path) -> None:
        super().__init__(place, "key", _loaded, "remove it: waits after wrong passwords begin anew")

    def begin(self, name: str, account_id: str, visitor: Visitor, now: datetime) -> Attempt:
        """Count an attempt before it is checked, so that simultaneous ones count, too.

        Args:
            name: as typed; there need be no such account.
            account_id: empty: there is none.

        Raises:
            TryLater: a wait has not ended; the attempt must not be checked.
            StorageError: the file cannot be read or written.
        """
        self._counted(self.all(), name, account_id, visitor, now)  # refuses a flood without waiting for the file
        made: list[Attempt] = []

        def count(tried: dict[str, Tried]) -> None:
            attempt, rows = self._counted(tried, name, account_id, visitor, now)
            made.append(attempt)
            for row in rows:
                tried.pop(row.key, None)
                tried[row.key] = row  # in the order of the last try
            _prune(tried, now)

        self._change(count)
        return made[0]

    def code(self, account_id: str, now: datetime) -> Attempt:
        """Count a second factor before it is checked: by account alone, because who gives one knows the password.

        Raises:
            TryLater, StorageError: see `begin`.
        """
        made: list[Attempt] = []

        def count(tried: dict[str, Tried]) -> None:
            row = _step(tried, _key("code", account_id), now, N_("too many wrong codes"))
            tried.pop(row.key, None)
            tried[row.key] = row
            made.append(Attempt(row.key, {}, row.failures, row.failures))

        self._change(count)
        return made[0]

    def settle(self, attempt: Attempt) -> None:
        """The attempt was right: it does not count."""

        def uncount(tried: dict[str, Tried]) -> None:
            tried.pop(attempt.stairs, None)
            for key, every_s in attempt.budgets.items():
                if (row := tried.get(key)) is not None and row.wait_until:
                    full = datetime.fromisoformat(row.wait_until) - timedelta(seconds=every_s)
                    tried[key] = dataclasses.replace(
                        row, failures=max(0, row.failures - 1), wait_until=full.isoformat()
                    )

        self._change(uncount)

    @staticmethod
    def _counted(
        tried: Mapping[str, Tried], name: str, account_id: str, visitor: Visitor, now: datetime
    ) -> tuple[Attempt, list[Tried]]:
        if account_id and visitor.knows(account_id):
            try:
                row = _step(tried, _key("browser", visitor.browser, account_id), now)
            except TryLater:
                pass  # then it is a browser like any other
            else:
                return Attempt(row.key, {}, row.failures, row.failures), [row]
        network = _network(visitor.address)
        stairs = _step(tried, _key("pair", name.casefold(), network), now)
        address = _budget(tried, _key("address", network), now, _ADDRESS_BURST, _ADDRESS_EVERY_S)
        named = _budget(tried, _key("name", name.casefold()), now, _NAME_BURST, _NAME_EVERY_S)
        budgets = {address.key: _ADDRESS_EVERY_S, named.key: _NAME_EVERY_S}
        return Attempt(stairs.key, budgets, stairs.failures, address.failures), [stairs, address, named]


def _row(tried: Mapping[str, Tried], key: str, now: datetime) -> Tried:
    row = tried.get(key, Tried(key))
    fresh = row.last and abs((now - datetime.fromisoformat(row.last)).total_seconds()) <= _FORGET_S
    return row if fresh else Tried(key)


def _step(tried: Mapping[str, Tried], key: str, now: datetime, problem: str = TOO_MANY) -> Tried:
    row = _row(tried, key, now)
    failures, until = one_more_try(row.failures, row.wait_until, now, problem=problem)
    return Tried(key, failures, until, now.isoformat())


def _budget(tried: Mapping[str, Tried], key: str, now: datetime, burst: int, every_s: int) -> Tried:
    """One more try of a budget that fills by one try each so many seconds (the generic cell rate algorithm)."""
    row = _row(tried, key, now)
    before = max(now, datetime.fromisoformat(row.wait_until)) if row.wait_until else now
    full = before + timedelta(seconds=every_s)
    over_s = (full - now).total_seconds() - burst * every_s
    if over_s > 0:
        raise TryLater(phrase(TOO_MANY), wait_s=math.ceil(over_s))
    return Tried(key, row.failures + 1, full.isoformat(), now.isoformat())


def _prune(tried: dict[str, Tried], now: datetime) -> None:
    for key in [key for key in tried if not _row(tried, key, now).last]:
        del tried[key]
    for key in list(tried)[: max(0, len(tried) - _ROWS)]:
        del tried[key]
