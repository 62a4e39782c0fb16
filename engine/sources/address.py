"""Addresses of cameras as people write them: passwords with signs that an address reserves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from engine.errors import InputError

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>.*)", re.DOTALL)
_PLACE = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s\[\]:@/?#]+)(?::\d{1,5})?")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CERTAIN = re.compile(r"[.:\[]|^localhost$")
"""What a host has that is no plain word."""
_HINT = (
    "in user and password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25 and a space as %20, "
    "or choose a password without them"
)


def written_out(spec: str) -> str:
    """Return an address whose user and password are encoded; what is encoded already stays as it is.

    Accepted are user names and passwords that hold `@`, `:`, `#` or `?` if only one reading makes sense.

    Raises:
        InputError: it is not certain where the password ends. The error does not repeat it.
    """
    found = _URL.fullmatch(spec.strip())
    if found is None:
        return spec.strip()
    scheme, rest = found["scheme"], found["rest"]
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    plain, after = _PLACE.fullmatch(authority) is not None, rest[len(authority) :]
    if "@" not in rest or (plain and (after.startswith("/") or "=" in after.partition("@")[0])):
        return scheme + rest  # no user; an @ belongs to the path or the query
    before = rest.partition("/")[0]
    user, at, place = before.rpartition("@")
    server = re.split(r"[?#]", place, maxsplit=1)[0]
    if plain or not at or not _PLACE.fullmatch(server) or _splits(server, rest[len(before) :]):
        ends = [] if plain else [end for end in _ends(rest) if _CERTAIN.search(re.split(r"[/?#]", rest[end + 1 :])[0])]
        if len(ends) != 1:
            raise InputError("it is not certain where the password in a camera's address ends", hint=_HINT)
        user = rest[: ends[0]]
    name, colon, password = user.partition(":")
    return f"{scheme}{_encoded(name)}{colon}{_encoded(password)}@{rest[len(user) + 1 :]}"


def _ends(rest: str) -> Iterator[int]:
    """Where the password may end: each `@` that a host follows."""
    for found in re.finditer("@", rest):
        if _PLACE.fullmatch(re.split(r"[/?#]", rest[found.end() :])[0]):
            yield found.start()


def _splits(server: str, after: str) -> bool:
    """Whether a slash may belong to the password: what seems to be the host is a plain word, and another `@` follows in the path."""
    return "@" in re.split(r"[?#]", after, maxsplit=1)[0] and not _CERTAIN.search(server)


def _encoded(text: str) -> str:
    # % stays where it encodes a sign
    return quote(_BARE_PERCENT.sub("%25", text), safe="%!$&'()*+,;=-._~")
