"""Programs that send a token with each request: a file of hashes, and how tokens are made, checked and revoked.

A token is printed once. The file holds only its SHA-256: nobody can guess its 256 random bits, so a slow hash would protect nothing and
cost every request.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from engine.access.credentials import CredentialFile, digest
from engine.errors import InputError
from engine.storage import Document, clean_text

if TYPE_CHECKING:
    from dataclasses import Field

_NAME_LIMIT = 60
_TOKEN = re.compile(r"muster_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class Bearer(Protocol):
    """Who sends a token."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str:
        """Chosen by its owner."""

    @property
    def hash(self) -> str:
        """SHA-256 of the token, hexadecimal; empty: there is none yet."""

    @property
    def revoked_at(self) -> str:
        """Time of revocation, ISO 8601; empty while the token is valid."""

    def revoked(self: B, at: str) -> B:
        """The same, revoked at a moment (ISO 8601)."""


B = TypeVar("B", bound=Bearer)


@dataclass(frozen=True)
class Kind(Generic[B]):
    """What a file of bearers holds, and what messages call it.

    Attributes:
        key: the field that identifies a bearer: the eight hexadecimal digits in its token.
        what, paired: names one bearer, and one that is valid.
        lists: says where valid ones are listed.
        remedy: hint for a damaged file.
        load: turns a JSON object into a bearer.
    """

    key: str
    what: str
    paired: str
    lists: str
    remedy: str
    load: Callable[[dict[str, Any]], B]


def loaded(stored: dict[str, Any], *lists: str) -> dict[str, Any]:
    """The fields of a bearer as they were stored.

    Args:
        lists: fields that are lists of texts; all others are texts.

    Raises:
        TypeError: a field has another type.
        UnicodeEncodeError: the hash is none.
    """
    if not isinstance(stored, dict) or not all(isinstance(stored[name], list) for name in lists):
        raise TypeError("expected fields, some of them lists")
    texts = [value for key, value in stored.items() if key not in lists]
    texts += [text for name in lists for text in stored[name]]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("expected texts")
    stored["hash"].encode("ascii")  # compare_digest takes ASCII only; a UnicodeEncodeError is a ValueError
    return {**stored, **{name: tuple(stored[name]) for name in lists}}


def chosen(scopes: Iterable[str], known: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The scopes to allow, each once, in the order in which they are known.

    Raises:
        InputError: there is none, or no such scope.
    """
    wanted = set(scopes)
    if unknown := sorted(wanted - known.keys()):
        raise InputError(f"there is no scope {unknown[0]!r}", hint=f"choose from {', '.join(known)}")
    if not wanted:
        raise InputError(f"{name} has no scope", hint=f"choose from {', '.join(known)}")
    return tuple(scope for scope in known if scope in wanted)


def new_token(key: str) -> str:
    """A token for the bearer of an id."""
    return f"muster_{key}_{secrets.token_urlsafe(32)}"


class BearerBook(CredentialFile[B], Generic[B]):
    """A file of bearers by id, revoked ones included, oldest first."""

    def __init__(self, place: Path | Document, kind: Kind[B]) -> None:
        super().__init__(place, kind.key, kind.load, kind.remedy)
        self._kind = kind

    def named(self, name: str) -> str:
        """A name as stored.

        Raises:
            InputError: it cannot be one.
        """
        return clean_text(name, what=f"{self._kind.what}'s name", limit=_NAME_LIMIT)

    def issue(self, name: str, make: Callable[[str, str], B], *, at: str, replace: bool = False) -> tuple[B, str]:
        """Make a token for a new bearer.

        Args:
            make: makes the bearer from its id and the hash of its token.
            at: the present, ISO 8601.
            replace: revoke a bearer of that name; delete those of that name that were revoked before (the audit log keeps them).
                One that never got its token is always deleted.

        Returns:
            The bearer, and its token `muster_<id>_<secret>`, which is stored nowhere.

        Raises:
            InputError: the name is taken.
            StorageError: the file cannot be written.
        """
        key = secrets.token_hex(4)
        token = new_token(key)
        bearer = make(key, digest(token))

        def put(bearers: dict[str, B]) -> None:
            same = {each: old for each, old in bearers.items() if old.name.casefold() == name.casefold()}
            for each, old in same.items():
                if not old.hash or (replace and old.revoked_at):
                    del bearers[each]
                elif replace:
                    bearers[each] = old.revoked(at)
                elif not old.revoked_at:
                    hint = f"choose another name, or revoke that {self._kind.what} first"
                    raise InputError(f"the {self._kind.what} {old.name!r} already exists", hint=hint)
            bearers[key] = bearer

        self._change(put)
        return bearer, token

    def check(self, token: str) -> B | None:
        """Return the bearer of a token; None for a revoked one or any other text.

        Raises:
            StorageError: the file cannot be read or is damaged.
        """
        form = _TOKEN.fullmatch(token)
        found = self.all().get(form[1]) if form else None
        if found is None or not hmac.compare_digest(found.hash, digest(token)) or found.revoked_at:
            return None
        return found

    def revoke(self, key_or_name: str, *, now: datetime) -> B:
        """Revoke the bearer of an id or else a name, from its next request on.

        Raises:
            InputError: there is no such bearer, or it is revoked already.
            StorageError: the file cannot be written.
        """
        wanted = key_or_name.strip()
        revoked: list[B] = []

        def put(bearers: dict[str, B]) -> None:
            valid = {key: bearer for key, bearer in bearers.items() if not bearer.revoked_at}
            key = next((each for each, old in valid.items() if old.name.casefold() == wanted.casefold()), wanted)
            key = wanted if wanted in valid else key
            if key not in valid:
                raise InputError(f"there is no {self._kind.paired} {wanted!r}", hint=self._kind.lists)
            bearers[key] = valid[key].revoked(now.isoformat(timespec="seconds"))
            revoked.append(bearers[key])

        self._change(put)
        return revoked[0]
