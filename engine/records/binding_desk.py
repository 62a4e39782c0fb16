"""Access of people to their own record: which account belongs to whom, changed by a named author and recorded in the audit log."""

from __future__ import annotations

from collections.abc import Callable

from engine.access import EMPLOYEE, Account
from engine.config.ids import nobody_has
from engine.errors import InputError
from engine.records.books import Records
from engine.records.user_desk import UserDesk
from engine.types import Person
from engine.words import phrase


class BindingDesk:
    """Gives people of a site access to their own record, and ends it.

    Args:
        site: its name.
        users: returns the desk of the home workspace, which holds the accounts.
    """

    def __init__(self, records: Records, site: str, users: Callable[[], UserDesk]) -> None:
        self._records, self._book, self._site, self._users = records, records.bindings, site, users

    def person(self, account: Account) -> Person | None:
        """Return the person of this site to whom an account belongs; None: to nobody who is on the list.

        Raises:
            StorageError: bindings or people cannot be read.
        """
        employee_id = self._book.person(account.id) if account.active else ""
        return self._records.people.known().get(employee_id) if employee_id else None

    def entitled(self, action: str) -> list[Account]:
        """Return the accounts that see this site and may do an action.

        Raises:
            StorageError: the accounts cannot be read.
        """
        accounts = self._users().accounts
        return [each for each in accounts.all().values() if each.may(action) and each.sees(self._site, accounts.home)]

    def account(self, employee_id: str) -> Account | None:
        """Return a person's account.

        Raises:
            StorageError: bindings or accounts cannot be read.
        """
        account_id = self._book.account(employee_id)
        return self._users().accounts.of_id(account_id) if account_id else None

    def bind(self, employee_id: str, name: str, *, author: str) -> None:
        """Let an account read a person's own record.

        Raises:
            InputError: there is no such person or account, it does not see this site, or one of them is bound already.
            StorageError: it cannot be written.
        """
        self._check(employee_id)
        accounts = self._users().accounts
        if (account := accounts.all().get(name)) is None:
            raise InputError(f"there is no user {name!r}", hint="`muster users list` lists them")
        if not account.sees(self._site, accounts.home):
            raise InputError(f"{name} does not see the site {self._site}", hint="give the account this site first")
        records, names = self._records, self._records.names
        noted = names.author(author)
        self._book.put(
            employee_id,
            account.id,
            author=names.text(author),
            now=records.now(),
            lives=lambda account_id: accounts.of_id(account_id) is not None,
        )
        records.note("bind_account", employee_id, f"account {names.ids(account.name)}", author=noted)

    def check(self, role: str, employee_id: str) -> None:
        """Check what an account is going to be, before it is written.

        Raises:
            InputError: there is no such person, or an employee's account would belong to nobody.
        """
        if role == EMPLOYEE and not employee_id:
            raise InputError(
                phrase("an employee's account belongs to a person"),
                hint=phrase("name the person whose record they read"),
            )
        if employee_id:
            self._check(employee_id)

    def rebind(self, name: str, employee_id: str, *, author: str) -> None:
        """Let an account read another person's record than before, or with an empty id nobody's.

        Raises:
            InputError: as for `bind`, or an employee's account would belong to nobody.
            StorageError: it cannot be written.
        """
        account = self._users().accounts.all().get(name)
        had = self._book.person(account.id) if account else ""
        if employee_id == had:
            return
        self.check(account.role if account else "", employee_id)
        if employee_id and (other := self.account(employee_id)) is not None:
            raise InputError(
                phrase("{id} has an account already", id=employee_id),
                hint=phrase("end that access first: {name}", name=other.name),
            )
        if had:
            self._book.remove([had])
            self._records.note("release_account", had, "", author=self._records.names.author(author))
        if employee_id:
            self.bind(employee_id, name, author=author)

    def give(self, employee_id: str, name: str = "", *, author: str) -> tuple[Account, str]:
        """Give a person an account of the role employee.

        Args:
            name: to sign in with; empty: the person's id.

        Returns:
            The account, and the code with which they choose a password, which is stored nowhere.

        Raises:
            InputError: there is no such person, they have an account, or the name cannot be used.
            StorageError: it cannot be written.
        """
        person, users = self._check(employee_id), self._users()
        if self.account(employee_id) is not None:
            raise InputError(phrase("{id} has an account already", id=employee_id), hint=phrase("renew its link"))
        taken = {account.email for account in users.accounts.all().values()}
        email = "" if person.email.casefold() in taken else person.email
        sites = () if self._site == users.accounts.home else (self._site,)
        account = users.add(
            name.strip() or employee_id, EMPLOYEE, email=email, sites=sites, invited=True, author=author
        )
        try:
            self.bind(employee_id, account.name, author=author)
        except InputError:  # somebody was faster
            users.remove(account.name, author=author)
            raise
        return account, users.invite(account.name, author=author)

    def renew(self, employee_id: str, *, author: str) -> str:
        """Return a new code for a person who has forgotten the password; the one before ends.

        Raises:
            InputError: the person has no account of the role employee.
            StorageError: it cannot be written.
        """
        account = self.account(employee_id)
        if account is None or account.role != EMPLOYEE:
            raise InputError(
                phrase("{id} has no account of the role employee", id=employee_id),
                hint=phrase("an administrator changes passwords of other accounts"),
            )
        return self._users().invite(account.name, author=author)

    def end(self, employee_id: str, *, author: str) -> None:
        """End a person's access: an account of the role employee is removed, another one stays without the person's record.

        Raises:
            InputError: the person has no access.
            StorageError: it cannot be written.
        """
        account = self.account(employee_id)
        noted = self._records.names.author(author)
        if account is not None and account.role == EMPLOYEE:
            self._users().remove(account.name, author=author)
        if not self._book.remove([employee_id]):
            raise InputError(phrase("{id} has no account", id=employee_id), hint=phrase("nothing needs to be done"))
        self._records.note("release_account", employee_id, "", author=noted)

    def erase(self, employee_id: str) -> bool:
        """End the access of somebody who is erased; return whether there was any.

        Raises:
            StorageError: it cannot be written.
        """
        account = self.account(employee_id)
        if account is not None and account.role == EMPLOYEE:
            # before the binding, by which a second attempt finds it; its name may be the person's
            self._users().remove(account.name, author="engine")
        return bool(self._book.remove([employee_id]))

    def _check(self, employee_id: str) -> Person:
        known = self._records.people.known()
        if employee_id not in known:
            raise nobody_has(employee_id, known)
        return known[employee_id]
