"""Who may sign in, changed by somebody who is named: accounts together with the audit log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from engine.access import ALL_SITES, Account, AccountBook
from engine.errors import InputError
from engine.records.books import Records


class UserDesk:
    """Adds, changes and removes accounts, and notes who did.

    Args:
        records: the books.
        accounts: who may sign in.
        clock: the present.
        sites: names of all sites.
    """

    def __init__(
        self, records: Records, accounts: AccountBook, clock: Callable[[], datetime], sites: Callable[[], Sequence[str]]
    ) -> None:
        self._records, self._accounts, self._clock, self._sites = records, accounts, clock, sites
        self._names = records.names

    def _note(self, action: str, user: str, detail: str, author: str) -> None:
        # an account may bear an employee's name: logs know them by their id
        self._records.audit.note(
            action, self._names.ids(user), detail, author=self._names.author(author), now=self._clock()
        )

    def _check(self, wanted: Sequence[str], had: Sequence[str] = ()) -> None:
        """A slip in a name would take somebody's sites away without a word; those that are gone may be kept."""
        known = self._sites()
        if strange := [site for site in wanted if site not in (*known, *had, ALL_SITES)]:
            raise InputError(
                f"there is no site {strange[0]!r}", hint=f"choose from {', '.join(known)}, or {ALL_SITES} for all"
            )

    def add(
        self, name: str, role: str, password: str = "", *, email: str = "", sites: Sequence[str] = (), author: str
    ) -> Account:
        """Let somebody in, see `AccountBook.add`.

        Raises:
            InputError: it cannot be.
            StorageError: it could not be written.
        """
        self._check(sites)
        account = self._accounts.add(name, role, password, email=email, sites=sites)
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
    ) -> tuple[Account, str]:
        """Change an account; its sessions end, see `AccountBook.change`.

        Returns:
            The account, and what the audit log says of it.

        Raises:
            InputError: no such user, role or site, a password too short, or nobody would be left to administer.
            StorageError: it could not be written.
        """
        if sites is not None:
            before = self._accounts.all().get(name)
            self._check(sites, before.sites if before else ())
        account = self._accounts.change(name, role=role, password=password, active=active, sites=sites)
        state = "" if account.active else ", inactive"
        detail = f"{_told(account)}{state}{', new password' if password else ''}"
        self._note("change_user", name, detail, author)
        return account, detail

    def remove(self, name: str, *, author: str) -> None:
        """Let somebody in no more.

        Raises:
            InputError: no such user, or nobody would be left to administer.
            StorageError: it could not be written.
        """
        self._accounts.remove(name)
        self._note("remove_user", name, "removed", author)


def _told(account: Account) -> str:
    return f"role {account.role}" + (f", sites {' '.join(account.sites)}" if account.sites else "")
