"""Which account belongs to which person of a site: `bindings.json` in the site's workspace.

Accounts lie in the home workspace, people in that of their site. Whoever is bound reads their own record there, whatever their role.
The binding lies beside the person, so that it ends where and when the person is erased or removed, and nobody who is given the same id
later inherits it. The account is named by its random id, which no later account has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.access.credentials import CredentialFile
from engine.errors import InputError
from engine.storage import Document
from engine.words import phrase


@dataclass(frozen=True)
class Binding:
    """A binding.

    Attributes:
        account_id: see `Account.id`.
        since: ISO 8601.
        author: who made it.
    """

    employee_id: str
    account_id: str
    since: str
    author: str = ""


def _loaded(row: dict[str, Any]) -> Binding:
    return Binding(**row)


class BindingBook(CredentialFile[Binding]):
    """`bindings.json`: by employee id; a person has one account, and an account one person at each site."""

    def __init__(self, place: Path | Document) -> None:
        super().__init__(place, "employee_id", _loaded, "restore it, or remove it and give people access again")

    def put(
        self, employee_id: str, account_id: str, *, author: str, now: datetime, lives: Callable[[str], bool]
    ) -> None:
        """Bind an account to a person.

        Args:
            lives: whether an account of that id still exists.

        Raises:
            InputError: the person has another account, or the account another person.
            StorageError: the file cannot be written.
        """
        row = Binding(employee_id, account_id, now.isoformat(timespec="seconds"), author)

        def bound(rows: dict[str, Binding]) -> None:
            before = rows.get(employee_id)
            if before is not None and before.account_id != account_id and lives(before.account_id):
                raise InputError(
                    phrase("{id} has an account already", id=employee_id), hint=phrase("end that access first")
                )
            if other := next((key for key, each in rows.items() if each.account_id == account_id), None):
                if other == employee_id:
                    return
                raise InputError(phrase("this account belongs to {id}", id=other), hint=phrase("end that access first"))
            rows[employee_id] = row

        self._change(bound)

    def person(self, account_id: str) -> str:
        """Return the id of the person to whom an account belongs; empty: to nobody here."""
        return next((key for key, each in self.all().items() if account_id and each.account_id == account_id), "")

    def account(self, employee_id: str) -> str:
        """Return the id of a person's account; empty: there is none."""
        found = self.all().get(employee_id)
        return found.account_id if found else ""

    def remove(self, employee_ids: Collection[str]) -> list[str]:
        """End the bindings of people; return the ids of their accounts.

        Raises:
            StorageError: the file cannot be written.
        """
        if not any(key in self.all() for key in employee_ids):
            return []
        ended: list[str] = []

        def without(rows: dict[str, Binding]) -> None:
            ended.extend(rows.pop(key).account_id for key in employee_ids if key in rows)

        self._change(without)
        return ended
