"""Badges of people who identify themselves without their face: `badges.json` in the workspace.

A badge is a code that a reader types at the kiosk: a random one that Muster prints as a QR code, or the number of a card or tag that
people have already. Such a number is short, so nothing of it may be guessed from the file: it holds a hash under the workspace's key.
"""

from __future__ import annotations

import dataclasses
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from engine.access.credentials import CredentialFile
from engine.errors import InputError
from engine.storage import Document

BadgeKind = Literal["qr", "card"]
_MARK = "MB"
_SECRET_BYTES = 16
"""128 bits. As hexadecimal digits, because readers type letters that lie elsewhere on other keyboards (Y and Z, A and Q) wrongly."""
_CARD = re.compile(r"[!-~]{8,64}")
LONGEST = 64


@dataclass(frozen=True)
class Badge:
    """A badge.

    Attributes:
        badge_id: eight hexadecimal digits.
        kind: `qr`, made by Muster, or `card`, a number that was given.
        hash: of its code, under the workspace's key, hexadecimal.
        created_at: ISO 8601.
        author: who issued it.
        revoked_at: ISO 8601; empty while it is good.
    """

    badge_id: str
    employee_id: str
    kind: str
    hash: str
    created_at: str
    author: str = ""
    revoked_at: str = ""


def _loaded(row: dict[str, Any]) -> Badge:
    badge = Badge(**row)
    badge.hash.encode("ascii")  # compare_digest takes ASCII only
    return badge


def plain(code: str) -> str:
    """A code as it is hashed: readers differ in case, and some add spaces."""
    return code[: 4 * LONGEST].strip().upper()


class BadgeBook(CredentialFile[Badge]):
    """`badges.json`: all badges by id, revoked ones included, oldest first.

    Args:
        keyed: hashes a code under a key that is not in the file.
    """

    def __init__(self, place: Path | Document, keyed: Callable[[str], str]) -> None:
        super().__init__(place, "badge_id", _loaded, "restore it, or remove it and issue the badges again")
        self._keyed = keyed

    def issue(self, employee_id: str, number: str | None, *, author: str, now: datetime) -> tuple[Badge, str]:
        """Issue a badge.

        Args:
            number: of a card or tag, as its reader types it; None: make a code up.

        Returns:
            The badge, and its code, which is stored nowhere.

        Raises:
            InputError: the number cannot be used, or somebody has it.
            StorageError: the file cannot be written.
        """
        if number is None:
            code, kind = f"{_MARK}{secrets.token_hex(_SECRET_BYTES).upper()}", "qr"
        else:
            code, kind = plain(number), "card"
            if not _CARD.fullmatch(code):
                raise InputError(
                    "a card's number has 8 to 64 letters, digits or signs", hint="read the card once with the reader"
                )
        stamp = now.isoformat(timespec="seconds")
        badge = Badge(secrets.token_hex(4), employee_id, kind, self._keyed(code), stamp, author)

        def put(badges: dict[str, Badge]) -> None:
            same = [each for each in badges.values() if hmac.compare_digest(each.hash, badge.hash)]
            if any(not each.revoked_at for each in same):
                raise InputError("this card belongs to somebody", hint="revoke that badge first")
            for each in same:  # a card that is given out again is no replay
                del badges[each.badge_id]
            badges[badge.badge_id] = badge

        self._change(put)
        return badge, code

    def find(self, code: str) -> Badge | None:
        """Return the badge of a code as a reader typed it, revoked ones included; None: there is none.

        Every badge is compared, so that the time tells nothing.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        meant = self._keyed(plain(code))
        found = [each for each in self.all().values() if hmac.compare_digest(each.hash, meant)]
        return found[0] if found else None

    def of(self, employee_id: str) -> list[Badge]:
        """Return a person's badges, revoked ones included."""
        return [each for each in self.all().values() if each.employee_id == employee_id]

    def has(self, employee_id: str) -> bool:
        """Return whether a person has a badge that is good."""
        return any(not each.revoked_at for each in self.of(employee_id))

    def any(self) -> bool:
        """Return whether there is any badge, good or not: a revoked one that is shown must be told."""
        return bool(self.all())

    def revoke(self, badge_id: str, *, now: datetime) -> Badge:
        """Revoke a badge, from its next use on.

        Raises:
            InputError: there is no such badge, or it was revoked before.
            StorageError: the file cannot be written.
        """
        revoked = list[Badge]()

        def put(badges: dict[str, Badge]) -> None:
            badge = badges.get(badge_id)
            if badge is None or badge.revoked_at:
                raise InputError(f"no badge {badge_id!r} is good", hint="`muster badge list` lists them")
            badges[badge_id] = dataclasses.replace(badge, revoked_at=now.isoformat(timespec="seconds"))
            revoked.append(badges[badge_id])

        self._change(put)
        return revoked[0]

    def remove(self, employee_id: str) -> bool:
        """Remove a person's badges; return whether there were any.

        Raises:
            StorageError: the file cannot be written.
        """
        if not self.of(employee_id):
            return False

        def put(badges: dict[str, Badge]) -> None:
            for each in [each for each in badges.values() if each.employee_id == employee_id]:
                del badges[each.badge_id]

        self._change(put)
        return True
