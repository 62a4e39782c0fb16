"""A user who may sign in, and how older versions stored one."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from engine.access.departments import Departments
from engine.access.rights import ALL_SITES, EMPLOYEE, MANAGER, may


@dataclass(frozen=True)
class Account:
    """A user who may sign in.

    Attributes:
        name: to sign in with; recorded as the author of the user's actions.
        role: one of `ROLES`.
        hash: argon2id; empty: sign-in through the organisation (OIDC) only.
        email: identifies the user to the organisation's sign-in; may be empty.
        language: `en`, `de`, or empty for the browser's.
        sites: names of the visible sites; empty: the home site; `ALL_SITES`: every site, future ones included.
        active: False: the user may not sign in.
        epoch: grows with every change that must end running sessions.
        departments: of a manager.
        totp: secret of the second factor, base32; empty: none.
        totp_step: time step of the code used last.
        recovery: SHA-256 of recovery codes.
        id: random; sessions name the account by it, because another account may bear the name later.
        issuer, subject: the identity of the organisation's sign-in to which the account is bound; empty: none yet.
        invited, invited_until_s: SHA-256 of the code with which the owner chooses a password, and until when it counts; empty: none.
        ended_s: when sessions were ended last, in whole seconds since 1970; no identity that was proven before opens the account.
    """

    name: str
    role: str
    hash: str = ""
    email: str = ""
    language: str = ""
    sites: tuple[str, ...] = ()
    active: bool = True
    epoch: int = 0
    departments: tuple[str, ...] = ()
    id: str = ""
    totp: str = ""
    totp_step: int = 0
    recovery: tuple[str, ...] = ()
    issuer: str = ""
    subject: str = ""
    ended_s: int = 0
    invited: str = ""
    invited_until_s: int = 0

    @property
    def scope(self) -> Departments | None:
        """The departments whose people the user sees, on the days on which they belonged there; None: everybody.

        An employee sees nobody: their own record is a way of its own.
        """
        return Departments(self.departments) if self.role in {MANAGER, EMPLOYEE} else None

    def may(self, action: str) -> bool:
        """Return whether the user may do an action at the sites they see."""
        return self.active and may(self.role, action)

    def sees(self, site: str, home: str) -> bool:
        """Return whether the user sees a site; `home`: the site that holds the accounts."""
        return self.active and (ALL_SITES in self.sites or site in (self.sites or (home,)))


def loaded(stored: dict[str, Any]) -> Account:
    """Return the account of a row of `accounts.json`.

    Raises:
        TypeError: it is none.
    """
    lists = {name: stored.get(name, []) for name in ("sites", "departments", "recovery")}
    for name, texts in lists.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"`{name}` must be a list of names")
    past = {"failures", "wait_until"}  # an older version counted wrong passwords here
    row = {
        **{key: value for key, value in stored.items() if key not in past},
        **{name: tuple(texts) for name, texts in lists.items()},
    }
    account = Account(**row)
    return account if account.id else dataclasses.replace(account, id=_old_id(account))


def _old_id(account: Account) -> str:
    """The id of an account that an older version made: always the same, and of no account that is made from now on."""
    return "0" + hashlib.sha256(f"{account.name}\n{account.hash}\n{account.email}".encode()).hexdigest()[:31]


def new_id() -> str:
    """Return a random id of no account before."""
    return "1" + secrets.token_hex(16)[1:]
