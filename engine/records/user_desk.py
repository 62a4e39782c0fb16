"""Who may sign in, changed by somebody who is named: accounts together with the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from engine.accounts import Account, AccountBook
from engine.records.books import Records
from engine.records.names import Names

__all__ = ["UserDesk"]


class UserDesk:
    """Adds, changes and removes accounts, and notes who did.

    Args:
        records: the books.
        accounts: who may sign in.
        clock: the present.
    """

    def __init__(self, records: Records, accounts: AccountBook, clock: Callable[[], datetime]) -> None:
        self._records, self._accounts, self._clock = records, accounts, clock
        self._names = Names(records.people, records.attendance.log.sealer)

    def _note(self, action: str, user: str, detail: str, author: str) -> None:
        # an account may bear an employee's name: logs know them by their id
        self._records.audit.note(
            action, self._names.ids(user), detail, author=self._names.author(author), now=self._clock()
        )

    def add(self, name: str, role: str, password: str = "", *, email: str = "", author: str) -> Account:
        """Let somebody in, see `AccountBook.add`.

        Raises:
            InputError: it cannot be.
            StorageError: it could not be written.
        """
        account = self._accounts.add(name, role, password, email=email)
        self._note("add_user", account.name, f"role {account.role}", author)
        return account

    def change(
        self,
        name: str,
        *,
        author: str,
        role: str | None = None,
        password: str | None = None,
        active: bool | None = None,
    ) -> tuple[Account, str]:
        """Change an account; its sessions end, see `AccountBook.change`.

        Returns:
            The account, and what the audit log says of it.

        Raises:
            InputError: no such user or role, a password too short, or nobody would be left to administer.
            StorageError: it could not be written.
        """
        account = self._accounts.change(name, role=role, password=password, active=active)
        state = "" if account.active else ", inactive"
        detail = f"role {account.role}{state}{', new password' if password else ''}"
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
