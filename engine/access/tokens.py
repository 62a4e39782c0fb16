"""Tokens with which other programs read attendance through the workbench's REST interface: `tokens.json` in the workspace."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from engine.access.bearers import BearerBook, Kind, chosen, loaded
from engine.access.departments import Departments
from engine.errors import InputError
from engine.storage import Document

SHEETS, PEOPLE, INCIDENTS = "sheets:read", "people:read", "incidents:read"
REST_SCOPES: Mapping[str, object] = {
    SHEETS: "read day sheets",
    PEOPLE: "read the list of people",
    INCIDENTS: "read incidents",
}
"""What each scope allows."""


@dataclass(frozen=True)
class AccessToken:
    """A token of a program.

    Attributes:
        token_id: eight hexadecimal digits.
        name: chosen by its owner.
        scopes: allowed, of `REST_SCOPES`.
        hash: SHA-256 of the token, hexadecimal.
        created_at: when it was made, ISO 8601.
        author: the user who made it; may be empty.
        departments: whose people it shows; empty: everybody.
        until: last day on which it is valid, ISO 8601; empty: no end.
        revoked_at: time of revocation, ISO 8601; empty while the token is valid.
    """

    token_id: str
    name: str
    scopes: tuple[str, ...]
    hash: str
    created_at: str
    author: str
    departments: tuple[str, ...] = ()
    until: str = ""
    revoked_at: str = ""

    @property
    def sees(self) -> Departments | None:
        """The departments whose people it shows; None: everybody."""
        return Departments(self.departments) if self.departments else None

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return bool(self.until) and today > date.fromisoformat(self.until)

    def revoked(self, at: str) -> AccessToken:
        """The same, no longer valid from a moment on (ISO 8601)."""
        return dataclasses.replace(self, revoked_at=at)


def _loaded(stored: dict[str, object]) -> AccessToken:
    token = AccessToken(**loaded(stored, "scopes", "departments"))
    token.expired(date.min)  # a day that cannot be read must not become no end
    return token


_KIND = Kind(
    key="token_id",
    what="token",
    paired="valid token",
    lists="`muster token list` lists them by name and id",
    remedy="restore it, or remove it and make the tokens again",
    load=_loaded,
)


class TokenBook(BearerBook[AccessToken]):
    """`tokens.json`: all tokens by id, revoked and expired ones included, oldest first."""

    def __init__(self, place: Path | Document) -> None:
        super().__init__(place, _KIND)

    def add(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        author: str,
        now: datetime,
        departments: Iterable[str] = (),
        until: date | None = None,
    ) -> tuple[AccessToken, str]:
        """Make a token.

        Args:
            scopes: to allow; at least one.
            now: the present at the workplace.
            departments: whose people it shows; none: everybody.
            until: last day on which it is valid; None: no end.

        Returns:
            The token's row, and the token `muster_<token_id>_<secret>`, which is stored nowhere.

        Raises:
            InputError: the name cannot be used or is taken, a scope does not exist or cannot be limited to departments, or the last
                day is over.
            StorageError: the file cannot be written.
        """
        name, wanted = self.named(name), chosen(scopes, REST_SCOPES, name)
        own = Departments.of(departments)
        if own.names and INCIDENTS in wanted:
            raise InputError(
                f"{INCIDENTS} cannot be limited to departments: incidents show strangers and people of all departments",
                hint="leave it out, or make a token without departments",
            )
        if until is not None and until < now.date():
            raise InputError(f"{until} is over", hint="give a last day that is still to come")
        stamp, last = now.isoformat(timespec="seconds"), until.isoformat() if until else ""
        return self.issue(
            name,
            lambda key, digest: AccessToken(key, name, wanted, digest, stamp, author, own.names, last),
            at=stamp,
        )
