"""Who may sign in to the workbench and what they may do there: `accounts.json` in the workspace.

Passwords are stored as argon2id hashes; `engine.access.throttle` slows guesses down.
"""

from __future__ import annotations

import dataclasses
import hmac
import logging
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.access import second_factor
from engine.access.account import Account, loaded, new_id
from engine.access.choosing import account_name, check_password
from engine.access.credentials import CredentialFile, SlowHashes, digest, one_at_a_time
from engine.access.departments import Departments
from engine.access.identities import Identity, owner_of
from engine.access.rights import ALL_SITES, EMPLOYEE, MANAGER, ROLES
from engine.access.secret_texts import SecretTexts, is_sealed_text
from engine.access.throttle import Attempt, Tries, Visitor
from engine.errors import InputError, StorageError
from engine.storage import Document, clean_text, parse_json
from engine.words import N_, phrase

log = logging.getLogger(__name__)

_NOBODY = Visitor()
_QUEUE, _QUEUE_OF_KNOWN = 4, 8
"""How many may wait for their password to be checked; browsers in which the user signed in before have places of their own."""
INVITED_DAYS = 7
"""So long an invitation counts."""


class WrongSecret(InputError):
    """A password or code is wrong.

    Attributes:
        attempt: how often that happened. account: whose, if there is such an account; for the audit log only.
    """

    def __init__(self, attempt: Attempt, account: Account | None, what: str = N_("name or password is wrong")) -> None:
        self.attempt, self.account = attempt, account
        super().__init__(phrase(what), hint=phrase("try again, or ask an administrator for help"))


class AccountBook(CredentialFile[Account]):
    """`accounts.json`.

    Args:
        home: name of the site that holds the accounts.
        about: what the workplace is called, which no password may consist of.
        secrets: how the secrets of second factors are stored.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        place: Path | Document,
        home: str = "main",
        *,
        about: Sequence[str] = (),
        tries: Path | None = None,
        secrets: SecretTexts | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(place, "name", self._opened, "restore it, or remove it and add the users again")
        self.home, self._about, self._hashes, self._clock = home, tuple(about), SlowHashes(), clock
        self.secrets = secrets or SecretTexts()
        self.tries = Tries(tries or (place if isinstance(place, Path) else Path(place.title)).with_name("tries.json"))

    def _opened(self, stored: dict[str, Any]) -> Account:
        account = loaded(stored)
        try:
            return dataclasses.replace(account, totp=self.secrets.open(account.totp, _place(account)))
        except StorageError as error:  # recovery codes still count, and others can sign in
            log.warning("a second factor cannot be read: %s", error)
            return account

    def _stored(self, row: Account) -> dict[str, Any]:
        return {**dataclasses.asdict(row), "totp": self.secrets.seal(row.totp, _place(row))}

    def converted(self) -> bool:
        """Whether all secrets are stored as new ones are.

        Raises:
            StorageError: the file cannot be read, or keys are missing.
        """
        self._fresh()  # tells of a damaged file
        accounts = parse_json(self.document.read() or b"[]")
        return all(self.secrets.current(str(stored.get("totp", ""))) for stored in accounts)

    def convert(self) -> bool:
        """Store all secrets as new ones are stored, encrypted or not; return whether that changed any.

        Raises:
            StorageError: the file cannot be read or written, or keys are missing.
        """
        if self.converted():
            return False
        self._change(lambda _accounts: None)
        return True

    def add(
        self,
        name: str,
        role: str,
        password: str = "",
        *,
        email: str = "",
        language: str = "",
        sites: Sequence[str] = (),
        departments: Sequence[str] = (),
        first: bool = False,
        invited: bool = False,
    ) -> Account:
        """Add an account.

        Args:
            password: at least `PASSWORD_LENGTH` characters; empty: `email` is required.
            departments: of a manager; nobody else has any.
            first: refuse if any account exists.
            invited: neither password nor address is needed, because `invite` follows.

        Raises:
            InputError: a value cannot be used, the name or address is taken, or `first` is refused.
            StorageError: the file cannot be written.
        """
        if first and self.all():
            raise InputError(phrase("an account already exists"), hint=phrase("sign in, or ask an administrator"))
        name = account_name(name, self.all())
        email = clean_text(email, what="e-mail address", limit=200).casefold() if email.strip() else ""
        _check_role(role)
        if not password and not email and not invited:
            raise InputError(f"{name} has neither a password nor an e-mail address", hint="give one of them")
        own = _departments(role, departments)
        hashed = self._hash(password, name, email) if password else ""
        account = Account(name, role, hashed, email, language, _unique(sites), departments=own, id=new_id())
        _check_sites(account)

        def put(accounts: dict[str, Account]) -> None:
            if first and accounts:
                raise InputError(phrase("an account already exists"), hint=phrase("sign in, or ask an administrator"))
            account_name(name, accounts)
            if email and any(other.email == email for other in accounts.values()):
                raise InputError(f"{email} belongs to another user", hint="give another address")
            accounts[name] = account

        self._change(put)
        return account

    def _hash(self, password: str, *about: str) -> str:
        check_password(password, (*about, self.home, *self._about))
        return self._hashes.make(password)

    def change(
        self,
        name: str,
        *,
        role: str | None = None,
        password: str | None = None,
        active: bool | None = None,
        language: str | None = None,
        sites: Sequence[str] | None = None,
        departments: Sequence[str] | None = None,
    ) -> Account:
        """Change an account; every change but the language ends its running sessions.

        Raises:
            InputError: no such user or role, the password is too short, a manager would have no department or somebody else some, or no
                administrator would be left.
        """
        changes: dict[str, object] = {}
        if role is not None:
            _check_role(role)
            changes["role"] = role
        if password is not None:
            own = self.all().get(name)
            changes |= {"hash": self._hash(password, name, own.email if own else ""), "invited": ""}
        if active is not None:
            changes["active"] = active
        if sites is not None:
            changes["sites"] = _unique(sites)
        ends = bool(changes) or departments is not None
        if language is not None:
            changes["language"] = language

        def put(accounts: dict[str, Account]) -> None:
            before = _named(accounts, name)
            after = self._ended(before, **changes) if ends else dataclasses.replace(before, **changes)  # type: ignore[arg-type]
            if role is not None or departments is not None:
                had = before.departments if after.role == MANAGER else ()
                own = _departments(after.role, had if departments is None else departments)
                after = dataclasses.replace(after, departments=own)
            _check_sites(after)
            accounts[name] = after
            self._keep_admin(accounts)

        self._change(put)
        return self.all()[name]

    def invite(self, name: str) -> str:
        """Return a code with which the account's owner chooses a password, once and within `INVITED_DAYS`; earlier ones end.

        Raises:
            InputError: no such user.
            StorageError: the account cannot be written.
        """
        code = secrets.token_urlsafe(16)
        until = int(self._clock()) + INVITED_DAYS * 86400

        def put(accounts: dict[str, Account]) -> None:
            account = _named(accounts, name)
            accounts[name] = dataclasses.replace(account, invited=digest(code), invited_until_s=until)

        self._change(put)
        return code

    def invited(self, code: str) -> Account | None:
        """Return the account that a code invites to; None: it does not count, or not any more."""
        meant, now = digest(code.strip()), self._clock()
        good = (each for each in self.all().values() if each.invited and each.active and now < each.invited_until_s)
        return next((each for each in good if hmac.compare_digest(each.invited, meant)), None)

    def accept(self, code: str, password: str) -> Account:
        """Give an account the password that its owner chose; the code ends, and so do running sessions.

        Raises:
            InputError: the code does not count, or the password cannot be used.
            StorageError: the account cannot be written.
        """
        if (found := self.invited(code)) is None:
            raise _no_invitation()
        hashed = self._hash(password, found.name, found.email)

        def put(accounts: dict[str, Account]) -> None:
            own = next((each for each in accounts.values() if each.id == found.id), None)
            if own is None or not own.active or own.invited != found.invited:  # somebody was faster
                raise _no_invitation()
            accounts[own.name] = self._ended(own, hash=hashed, invited="", invited_until_s=0)

        self._change(put)
        accepted = self.of_id(found.id)
        if accepted is None:
            raise _no_invitation()
        return accepted

    def remove(self, name: str) -> None:
        """Remove an account.

        Raises:
            InputError: no such user, or no administrator would be left.
        """

        def without(accounts: dict[str, Account]) -> None:
            del accounts[_named(accounts, name).name]
            self._keep_admin(accounts)

        self._change(without)

    def _keep_admin(self, accounts: Mapping[str, Account]) -> None:
        # an administrator who does not see the home site cannot change accounts
        if not any(account.role == "admin" and account.sees(self.home, self.home) for account in accounts.values()):
            raise InputError(
                "no administrator would be left",
                hint=f"give another user the role admin and the site {self.home} first",
            )

    def check(self, name: str, password: str, now: datetime, visitor: Visitor = _NOBODY) -> Account:
        """Return the account of a name and a password, as typed.

        A name that nobody has costs the same work and gets the same answers.

        Raises:
            WrongSecret: name or password is wrong; the message does not say which.
            TryLater: there were too many wrong attempts, or too many people sign in at once.
            StorageError: a file cannot be read or written.
        """
        typed = name.strip() if name.strip() in self.all() else unicodedata.normalize("NFKC", name).strip()
        account = self.all().get(typed)
        usable = account if account is not None and account.active and account.hash else None
        known = account is not None and visitor.knows(account.id)
        with one_at_a_time(_QUEUE_OF_KNOWN if known else _QUEUE):
            attempt = self.tries.begin(typed, account.id if account else "", visitor, now)
            if not self._hashes.right(usable.hash if usable else "", password) or usable is None:
                raise WrongSecret(attempt, account)
            self.tries.settle(attempt)
            if self._hashes.outdated(usable.hash):
                again = self._hashes.make(password)

                def renewed(accounts: dict[str, Account]) -> None:
                    if (now_there := accounts.get(usable.name)) is not None and now_there.hash == usable.hash:
                        accounts[usable.name] = dataclasses.replace(now_there, hash=again)

                self._change(renewed)
        return usable

    def check_code(self, name: str, code: str, now: datetime) -> Account:
        """Return the account whose second factor a code is; each code counts once. The password was checked before.

        Raises:
            WrongSecret: the code is wrong or was used.
            TryLater: there were too many wrong codes.
            InputError: there is no such user.
            StorageError: a file cannot be read or written.
        """
        account = _named(self.all(), name)
        attempt = self.tries.code(account.id, now)
        right = False

        def use(accounts: dict[str, Account]) -> None:
            nonlocal right
            own = accounts.get(name)
            if own is None or not own.totp or own.id != account.id:
                return
            readable = not is_sealed_text(own.totp)
            if readable and (step := second_factor.step_of(own.totp, code, now, after=own.totp_step)):
                accounts[name] = dataclasses.replace(own, totp_step=step)
            elif (left := second_factor.without(own.recovery, code)) is not None:
                accounts[name] = dataclasses.replace(own, recovery=left)
            elif not readable:
                raise StorageError(
                    f"the second factor of {name} cannot be read",
                    hint="put the folder of keys back, use a recovery code, or let an administrator remove it",
                )
            else:
                return
            right = True

        self._change(use)
        if not right:
            raise WrongSecret(attempt, account, N_("the code is wrong"))
        self.tries.settle(attempt)
        return self.all()[name]

    def enrol(self, name: str, secret: str, code: str, now: datetime) -> list[str]:
        """Give an account a second factor and return its recovery codes; running sessions end.

        Args:
            secret: from `second_factor.new_secret`. code: of the app that has it, as proof.

        Raises:
            InputError: no such user, or the code is wrong.
            StorageError: the account cannot be written.
        """
        if not (step := second_factor.step_of(secret, code, now)):
            raise InputError(phrase("the code is wrong"), hint=phrase("type the six digits that the app shows now"))
        codes = second_factor.new_recovery_codes()
        self._renew(name, totp=secret, totp_step=step, recovery=second_factor.hashed(codes))
        return codes

    def unenrol(self, name: str) -> None:
        """Take an account's second factor away; running sessions end.

        Raises:
            InputError: no such user.
            StorageError: the account cannot be written.
        """
        self._renew(name, totp="", totp_step=0, recovery=())

    def _renew(self, name: str, **changes: Any) -> None:
        def put(accounts: dict[str, Account]) -> None:
            accounts[name] = self._ended(_named(accounts, name), **changes)

        self._change(put)

    def _ended(self, account: Account, **changes: Any) -> Account:
        """An account after a change that ends its sessions."""
        return dataclasses.replace(account, **changes, epoch=account.epoch + 1, ended_s=int(self._clock()))

    def identified(self, identity: Identity, life_s: float) -> tuple[Account, bool]:
        """Return the account of a proven identity, and whether it was bound to it just now.

        Args:
            life_s: how old the proof may be.

        Raises:
            NotAdmitted: see `owner_of`.
            StorageError: the file cannot be read or written.
        """
        found = owner_of(identity, self.all().values(), now_s=self._clock(), life_s=life_s)
        if found.subject:
            return found, False

        def bind(accounts: dict[str, Account]) -> None:
            own = owner_of(identity, accounts.values(), now_s=self._clock(), life_s=life_s)
            accounts[own.name] = dataclasses.replace(own, issuer=identity.issuer, subject=identity.subject)

        self._change(bind)
        return owner_of(identity, self.all().values(), now_s=self._clock(), life_s=life_s), True

    def release(self, name: str) -> None:
        """Unbind an account from its identity, so that the next one with its address binds it; running sessions end.

        Raises:
            InputError: no such user.
            StorageError: the account cannot be written.
        """
        self._renew(name, issuer="", subject="")

    def sessions_ended(self, account_id: str) -> None:
        """Note that sessions of an account were ended, so that an identity that was proven before opens no new one.

        Raises:
            StorageError: the account cannot be written.
        """
        found = self.of_id(account_id)
        if found is None or not found.subject or found.ended_s >= int(self._clock()):
            return

        def note(accounts: dict[str, Account]) -> None:
            if (own := accounts.get(found.name)) is not None and own.id == account_id:
                accounts[own.name] = dataclasses.replace(own, ended_s=int(self._clock()))

        self._change(note)

    def of_id(self, account_id: str) -> Account | None:
        """Return the account of an id, or None."""
        return next((each for each in self.all().values() if each.id == account_id), None)


def _place(account: Account) -> str:
    return f"accounts.json/{account.id}"


def _no_invitation() -> InputError:
    return InputError(
        phrase("this link was used or has expired"), hint=phrase("sign in, or ask whoever sent it for a new one")
    )


def _check_sites(account: Account) -> None:
    if account.role == EMPLOYEE and (len(account.sites) > 1 or ALL_SITES in account.sites):
        raise InputError("an employee has one site", hint="name the site at which they work")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError(f"there is no role {role!r}", hint=f"choose one of {', '.join(ROLES)}")


def _departments(role: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the departments of an account as stored."""
    own = Departments.of(names).names
    if role == MANAGER and not own:
        raise InputError("a manager has at least one department", hint="name the departments they may see")
    if role != MANAGER and own:
        raise InputError(f"the role {role} sees all departments", hint=f"give the role {MANAGER}, or no departments")
    return own


def _unique(sites: Sequence[str]) -> tuple[str, ...]:
    """Return each name once; `ALL_SITES` alone if it is among them."""
    found = tuple(dict.fromkeys(clean_text(name, what="site", limit=40) for name in sites))
    return (ALL_SITES,) if ALL_SITES in found else found


def _named(accounts: Mapping[str, Account], name: str) -> Account:
    if name not in accounts:
        raise InputError(f"there is no user {name!r}", hint="`muster users list` lists them")
    return accounts[name]
