"""Who may sign in to the workbench and what they may do there: `accounts.json` in the workspace.

Passwords are kept as argon2id hashes. After five wrong ones an account waits, twice as long with every further one; the count is in
the file, so neither a restart nor a second process begins anew. What each role may do is one table, here, for every interface.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.access.credentials import CredentialFile, SlowHashes, one_more_try
from engine.errors import InputError
from engine.storage import Document, clean_text, document

__all__ = ["ACTIONS", "ALL_SITES", "OF_HOME", "PASSWORD_LENGTH", "ROLES", "Account", "AccountBook", "may"]

ROLES = ("admin", "hr", "security", "viewer")

ACTIONS: Mapping[str, frozenset[str]] = {
    action: frozenset(("admin", *roles))
    for action, roles in {
        "live.view": ("hr", "security", "viewer"),
        "live.camera": ("hr", "security"),  # start a camera of one's own: it writes attendance
        "attendance.view": ("hr", "viewer"),
        "attendance.evidence": ("hr",),  # pictures and explanation of punches
        "attendance.export": ("hr",),
        "attendance.correct": ("hr",),
        "people.view": ("hr", "security"),
        "people.enrol": ("hr", "security"),
        "people.edit": ("hr",),
        "people.forget": ("hr",),
        "alerts.view": ("security",),
        "alerts.review": ("security",),
        "system.tune": ("security",),  # the match threshold: it decides who gets in
        "system.view": ("hr", "security"),
        "system.audit": (),
        "system.manage": (),
    }.items()
}
"""Action → roles that may do it."""

OF_HOME = frozenset({"system.manage"})
"""Actions on what all sites share: only who sees the home site may do them, wherever they are at the moment."""

ALL_SITES = "*"
"""In the place of names: every site."""

PASSWORD_LENGTH = 10
"""Shortest password, in characters (NIST SP 800-63B asks for 8 at least and for no rules of composition)."""


def _loaded(row: dict[str, Any]) -> Account:
    sites = row.get("sites", [])
    if not isinstance(sites, list) or not all(isinstance(site, str) for site in sites):
        raise TypeError("sites are a list of names")
    return Account(**{**row, "sites": tuple(sites)})


def may(role: str, action: str) -> bool:
    """Whether a role may do something.

    Raises:
        KeyError: there is no such action.
    """
    return role in ACTIONS[action]


@dataclass(frozen=True)
class Account:
    """Somebody who may sign in.

    Attributes:
        name: to sign in with; the author of everything they do.
        role: one of `ROLES`.
        hash: argon2id; empty: only through the organisation's own sign-in.
        email: by which the organisation's sign-in (OIDC) knows them; may be empty.
        language: `en`, `de`, or empty: the browser's.
        sites: names of the sites that they see; none: the home site alone, `ALL_SITES`: every one, also those to come.
        active: False: may not sign in.
        epoch: grows with every change that must end running sessions.
        failures: wrong passwords since the last right one. wait_until: ISO 8601, no attempt is looked at before; may be empty.
    """

    name: str
    role: str
    hash: str = ""
    email: str = ""
    language: str = ""
    sites: tuple[str, ...] = ()
    active: bool = True
    epoch: int = 0
    failures: int = 0
    wait_until: str = ""

    def may(self, action: str) -> bool:
        """Whether they may do something, at the sites that they see."""
        return self.active and may(self.role, action)

    def sees(self, site: str, home: str) -> bool:
        """Whether a site is theirs.

        Args:
            site: its name.
            home: name of the site whose workspace holds the accounts.
        """
        return self.active and (ALL_SITES in self.sites or site in (self.sites or (home,)))


class AccountBook:
    """`accounts.json`, read and changed by several processes.

    Args:
        place: the file, or what stands for it.
        home: name of the site whose accounts these are.
    """

    def __init__(self, place: Path | Document, home: str = "main") -> None:
        self.home = home
        self.document = document(place, mode=0o600)
        self._file = CredentialFile(self.document, "name", _loaded, "restore it, or remove it and add users anew")
        self._hashes = SlowHashes()

    def all(self) -> dict[str, Account]:
        """Everybody by name; read again only when the file changed.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        return self._file.all()

    def add(
        self, name: str, role: str, password: str = "", *, email: str = "", language: str = "", sites: Sequence[str] = (),
        first: bool = False,
    ) -> Account:  # fmt: skip
        """Let somebody in.

        Args:
            name: to sign in with.
            role: one of `ROLES`.
            password: at least `PASSWORD_LENGTH` characters; empty: only with `email`, through the organisation's sign-in.
            email: by which that sign-in knows them.
            language: `en`, `de` or empty.
            sites: see `Account`.
            first: refuse when there is an account already.

        Raises:
            InputError: it cannot be.
            StorageError: it could not be written.
        """
        name = clean_text(name, what="user name", limit=60)
        email = clean_text(email, what="e-mail address", limit=200).casefold() if email.strip() else ""
        self._check_role(role)
        if not password and not email:
            raise InputError(f"{name} has neither a password nor an e-mail address", hint="give one of them")
        account = Account(name, role, self._hash(password) if password else "", email, language, self._sites(sites))

        def put(accounts: dict[str, Account]) -> None:
            if first and accounts:
                raise InputError("there is an account already", hint="sign in, or ask an administrator")
            if name in accounts:
                raise InputError(f"there is a user {name!r} already", hint="choose another name, or change that one")
            if email and any(other.email == email for other in accounts.values()):
                raise InputError(f"{email} belongs to another user", hint="give another address")
            accounts[name] = account

        self._file.change(put)
        return account

    @staticmethod
    def _check_role(role: str) -> None:
        if role not in ROLES:
            raise InputError(f"there is no role {role!r}", hint=f"choose one of {', '.join(ROLES)}")

    @staticmethod
    def _sites(names: Sequence[str]) -> tuple[str, ...]:
        """Each once; all is all."""
        found = tuple(dict.fromkeys(clean_text(name, what="site", limit=40) for name in names))
        return (ALL_SITES,) if ALL_SITES in found else found

    def _hash(self, password: str) -> str:
        if not PASSWORD_LENGTH <= len(password) <= 200:
            raise InputError(
                f"the password has {len(password)} characters", hint=f"choose one of {PASSWORD_LENGTH} to 200"
            )
        return self._hashes.make(password)

    def change(
        self, name: str, *, role: str | None = None, password: str | None = None, active: bool | None = None,
        language: str | None = None, sites: Sequence[str] | None = None,
    ) -> Account:  # fmt: skip
        """Change an account; all but the language ends its running sessions.

        Raises:
            InputError: no such user or role, a password too short, or nobody would be left to administer.
        """
        changes: dict[str, object] = {}
        if role is not None:
            self._check_role(role)
            changes["role"] = role
        if password is not None:
            changes |= {"hash": self._hash(password), "failures": 0, "wait_until": ""}
        if active is not None:
            changes["active"] = active
        if sites is not None:
            changes["sites"] = self._sites(sites)
        ends = bool(changes)
        if language is not None:
            changes["language"] = language

        def put(accounts: dict[str, Account]) -> None:
            before = self._named(accounts, name)
            accounts[name] = dataclasses.replace(before, **changes, epoch=before.epoch + ends)  # type: ignore[arg-type]
            self._keep_admin(accounts)

        self._file.change(put)
        return self.all()[name]

    def remove(self, name: str) -> None:
        """Let somebody in no more.

        Raises:
            InputError: no such user, or nobody would be left to administer.
        """

        def without(accounts: dict[str, Account]) -> None:
            self._named(accounts, name)
            del accounts[name]
            self._keep_admin(accounts)

        self._file.change(without)

    @staticmethod
    def _named(accounts: Mapping[str, Account], name: str) -> Account:
        if name not in accounts:
            raise InputError(f"there is no user {name!r}", hint="`muster users list` lists them")
        return accounts[name]

    def _keep_admin(self, accounts: Mapping[str, Account]) -> None:
        # whoever does not see the home site cannot change accounts
        if not any(account.role == "admin" and account.sees(self.home, self.home) for account in accounts.values()):
            raise InputError(
                "nobody would be left to administer",
                hint=f"give another user the role admin and the site {self.home} first",
            )

    def check(self, name: str, password: str, now: datetime) -> Account:
        """The account that a name and a password belong to.

        Args:
            name, password: as given.
            now: the present, timezone-aware.

        Raises:
            InputError: they do not belong together, or there were too many wrong tries; which of name and password is wrong is
                not told.
        """
        wrong = InputError("name or password is wrong", hint="try again, or ask an administrator for a new password")
        account = self.all().get(name.strip())
        if account is None or not account.active or not account.hash:
            self._hashes.right("", password)  # an unknown name must not answer faster than a known one
            raise wrong

        def count(accounts: dict[str, Account]) -> None:
            before = accounts[account.name]
            failures, until = one_more_try(before.failures, before.wait_until, now, secrets="passwords")
            accounts[account.name] = dataclasses.replace(before, failures=failures, wait_until=until)

        self._file.change(count)
        if not self._hashes.right(account.hash, password):
            raise wrong
        again = self._hashes.outdated(account.hash)

        def settled(accounts: dict[str, Account]) -> None:
            changes = {"failures": 0, "wait_until": "", **({"hash": self._hashes.make(password)} if again else {})}
            accounts[account.name] = dataclasses.replace(accounts[account.name], **changes)  # type: ignore[arg-type]

        self._file.change(settled)
        return self.all()[account.name]

    def of_email(self, email: str) -> Account | None:
        """The active account of an address that the organisation's sign-in vouches for."""
        wanted = email.strip().casefold()
        found = [account for account in self.all().values() if wanted and account.email == wanted and account.active]
        return found[0] if found else None
