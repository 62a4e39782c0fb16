"""User accounts, changed by a named author and recorded in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.access import ALL_SITES, INVITED_DAYS, Account, AccountBook, Identity, NotAdmitted, Visitor, WrongSecret
from engine.errors import InputError
from engine.records.books import Records

_TOLD_EACH = 4


class UserDesk:
    """Adds, changes and removes accounts; `sites` returns the names of all sites."""

    def __init__(self, records: Records, accounts: AccountBook, sites: Callable[[], Sequence[str]]) -> None:
        self._records, self._accounts, self._sites = records, accounts, sites
        self.accounts = accounts

    def _note(self, action: str, user: str, detail: str, author: str) -> None:
        # an account may bear an employee's name, and logs carry ids only
        names = self._records.names
        self._records.note(action, names.ids(user), detail, author=names.author(author))

    def _check(self, wanted: Sequence[str], had: Sequence[str] = ()) -> None:
        """Reject unknown sites, because a typing error would silently take a site away; deleted ones may be kept."""
        known = self._sites()
        if strange := [site for site in wanted if site not in (*known, *had, ALL_SITES)]:
            raise InputError(
                f"there is no site {strange[0]!r}", hint=f"choose from {', '.join(known)}, or {ALL_SITES} for all"
            )

    def add(
        self,
        name: str,
        role: str,
        password: str = "",
        *,
        email: str = "",
        sites: Sequence[str] = (),
        departments: Sequence[str] = (),
        invited: bool = False,
        author: str,
    ) -> Account:
        """Add an account, see `AccountBook.add`.

        Raises:
            InputError: a value is invalid, or the name is taken.
            StorageError: the account cannot be written.
        """
        self._check(sites)
        account = self._accounts.add(
            name, role, password, email=email, sites=sites, departments=departments, invited=invited
        )
        self._note("add_user", account.name, _told(account), author)
        return account

    def change(
        self,
        name: str,
        *,
        author: str,
        role: str | None = None,
        password: str | None = None,
        active: bool | None = None,
        sites: Sequence[str] | None = None,
        departments: Sequence[str] | None = None,
    ) -> tuple[Account, str]:
        """Change an account and end its sessions, see `AccountBook.change`.

        Returns:
            The account, and the detail in the audit log.

        Raises:
            InputError: user, role or site does not exist, the password is too short, or no administrator would remain.
            StorageError: the change cannot be written.
        """
        if sites is not None:
            before = self._accounts.all().get(name)
            self._check(sites, before.sites if before else ())
        account = self._accounts.change(
            name, role=role, password=password, active=active, sites=sites, departments=departments
        )
        state = "" if account.active else ", inactive"
        detail = f"{_told(account)}{state}{', new password' if password else ''}"
        self._note("change_user", name, detail, author)
        return account, detail

    def invite(self, name: str, *, author: str) -> str:
        """Return a code with which an account's owner chooses a password, see `AccountBook.invite`.

        Raises:
            InputError: the user does not exist.
            StorageError: the change cannot be written.
        """
        code = self._accounts.invite(name)
        self._note("invite_user", name, f"to choose a password within {INVITED_DAYS} days", author)
        return code

    def accept(self, code: str, password: str) -> Account:
        """Give an account the password that its owner chose, see `AccountBook.accept`.

        Raises:
            InputError: the code does not count, or the password cannot be used.
            StorageError: the change cannot be written.
        """
        account = self._accounts.accept(code, password)
        self._note("change_user", account.name, "chose a password by the link", account.name)
        return account

    def entered(self, account: Account, detail: str = "signed in") -> None:
        """Record that a user signed in or out (`detail`)."""
        action = "sign_out" if detail == "signed out" else "sign_in"
        self._records.note(action, "", detail, author=self._records.names.author(account.name))

    def failed(self, wrong: WrongSecret, address: str) -> None:
        """Record a wrong password or code: the first ones, and then at each doubling, so that guessing fills no log.

        A name that nobody has stays out, because people may type their password as their name. What is counted are tries of
        the address, whatever the name, so that the answer takes as long for a name that nobody has.
        """
        what = wrong.message if wrong.account else "no such user"
        self._failed(what, wrong.account, wrong.attempt.address_failures, address)

    def _failed(self, what: str, account: Account | None, count: int, address: str) -> None:
        if count > _TOLD_EACH and count & (count - 1):
            return
        user = self._records.names.ids(account.name) if account else ""
        self._records.note("sign_in_failed", user, f"{what}, try {count} from {address or '?'}", author="muster app")

    def identified(self, identity: Identity, life_s: float, visitor: Visitor) -> Account:
        """Return the account of an identity that the organisation's sign-in proved; both outcomes are recorded.

        Args:
            life_s: how old the proof may be.

        Raises:
            NotAdmitted: it opens none, see `AccountBook.identified`.
            TryLater: it was refused too often.
            StorageError: a file cannot be read or written.
        """
        tries = self._accounts.tries
        attempt = tries.begin(f"{identity.issuer} {identity.subject}", "", visitor, self._records.now())
        try:
            account, bound = self._accounts.identified(identity, life_s)
        except NotAdmitted as refusal:
            told = f"organisation's sign-in: {refusal.why}"
            self._failed(told, refusal.account, attempt.address_failures, visitor.address)
            raise
        tries.settle(attempt)
        if bound:
            self._note("change_user", account.name, f"bound to an identity of {identity.issuer}", "muster app")
        self.entered(account, "signed in with the organisation's sign-in")
        return account

    def release(self, name: str, *, author: str) -> None:
        """Unbind an account from its identity at the organisation, as when the person has a new one there.

        Raises:
            InputError: no such user.
            StorageError: the change cannot be written.
        """
        self._accounts.release(name)
        self._note("change_user", name, "released from the organisation's identity", author)

    def own_password(self, account: Account, old: str, new: str, session: str) -> Account:
        """Change the password of one's own account; its sessions end.

        Args:
            session: key of the session in which it happens: wrong passwords make it wait.

        Raises:
            WrongSecret: the old password is wrong.
            InputError: the new one cannot be used.
            StorageError: the change cannot be written.
        """
        self._accounts.check(account.name, old, self._records.now(), Visitor(f"session {session}"))
        changed = self._accounts.change(account.name, password=new)
        self._note("change_user", account.name, "new password of their own", account.name)
        return changed

    def enrol(self, account: Account, secret: str, code: str) -> list[str]:
        """Give one's own account a second factor, see `AccountBook.enrol`; return its recovery codes."""
        codes = self._accounts.enrol(account.name, secret, code, self._records.now())
        self._note("change_user", account.name, "second factor set up", account.name)
        return codes

    def unenrol(self, name: str, *, author: str) -> None:
        """Take an account's second factor away, as when its owner lost the phone and the recovery codes.

        Raises:
            InputError: no such user.
            StorageError: the change cannot be written.
        """
        self._accounts.unenrol(name)
        self._note("change_user", name, "second factor removed", author)

    def remove(self, name: str, *, author: str) -> None:
        """Remove an account.

        Raises:
            InputError: the user does not exist, or no administrator would remain.
            StorageError: the change cannot be written.
        """
        self._accounts.remove(name)
        self._note("remove_user", name, "removed", author)


def _told(account: Account) -> str:
    sites = f", sites {' '.join(account.sites)}" if account.sites else ""
    departments = f", departments {', '.join(account.departments)}" if account.departments else ""
    return f"role {account.role}{departments}{sites}"
