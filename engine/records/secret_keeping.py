"""Passwords in settings: what a page sees of them, and how new ones go into `secrets.toml` instead of `muster.toml`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from engine.config import SECRETS_NAME, Config, is_secret_itself
from engine.config.editing import SettingPath, dotted
from engine.config.hidden import REFERENCE, reference
from engine.errors import InputError
from engine.masking import HIDDEN, is_secret
from engine.storage import atomic_write, storage_errors

_HEAD = "# Passwords that muster.toml names as {secret:NAME}. Keep this file to its owner: chmod 600.\n\n"
_PASSWORD = re.compile(
    r"^(?P<before>\s*(?:[a-z][a-z0-9+.-]*://|turns?:)[^:/?#@\s]*:)(?!\d{1,5}(?:[/?#]|$))(?P<secret>.*)(?P<after>@[^@]*)$",
    re.IGNORECASE,
)
"""A user's password in an address; a port is none."""
_VALUE = re.compile(r"(?P<before>[?&](?P<name>[^=&#]+)=)(?P<secret>[^&#]*)")


@dataclass(frozen=True)
class Kept:
    """Stands for an entry of a list of secrets that stays as it is.

    Attributes:
        index: its place in the list as it is in the file.
    """

    index: int


def shown(path: SettingPath, value: Any) -> Any:
    """Return what a page may see of a setting: the same, with passwords hidden."""
    if isinstance(value, Mapping):
        return {key: shown((*path, key), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown((*path, index), each) for index, each in enumerate(value)]
    if not isinstance(value, str):
        return value
    if is_secret_itself(Config, path):
        return HIDDEN if value else ""
    return _parts(REFERENCE.sub(HIDDEN, value), lambda _secret: HIDDEN)


def secret_values(path: SettingPath, value: Any) -> set[str]:
    """Return the passwords that stand in the settings themselves, which is where they were before there was `secrets.toml`."""
    if isinstance(value, Mapping):
        return {each for key, inner in value.items() for each in secret_values((*path, key), inner)}
    if isinstance(value, list | tuple):
        return {each for index, inner in enumerate(value) for each in secret_values((*path, index), inner)}
    if not isinstance(value, str):
        return set()
    found = {value} if is_secret_itself(Config, path) else set()

    def note(secret: str) -> str:
        found.add(secret)
        return secret

    _parts(value, note)
    return {each for each in found if each and not REFERENCE.fullmatch(each)}


def _parts(text: str, replaced: Callable[[str], str]) -> str:
    """Replace the passwords in an address."""
    if found := _PASSWORD.match(text):
        text = f"{found['before']}{replaced(found['secret'])}{found['after']}" if found["secret"] else text
    if "://" in text:
        text = _VALUE.sub(
            lambda pair: pair["before"] + (replaced(pair["secret"]) if is_secret(pair["name"]) else pair["secret"]),
            text,
        )
    return text


class Hiding:
    """Takes passwords out of new values.

    Args:
        known: the secrets there are, by name.

    Attributes:
        secrets: those and the new ones.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.secrets = dict(known)

    def hidden(self, path: SettingPath, value: Any, old: Any) -> Any:
        """Return what is written into `muster.toml`.

        Args:
            value: of a page, where passwords that were there before look as `shown` shows them, or are `Kept`.
            old: what the file says now.

        Raises:
            InputError: a password must be given again, because the address it belongs to is another one.
        """
        if isinstance(value, Kept):
            raise InputError("there is no such entry", hint="reload the page")
        if isinstance(value, Mapping):
            before = old if isinstance(old, Mapping) else {}
            return {key: self.hidden((*path, key), each, before.get(key)) for key, each in value.items()}
        if isinstance(value, list | tuple):
            was = old if isinstance(old, list) else []
            return [
                was[each.index]
                if isinstance(each, Kept) and each.index < len(was)
                else self.hidden((*path, index), each, was[index] if index < len(was) else None)
                for index, each in enumerate(value)
            ]
        return self._text(path, value, old) if isinstance(value, str) else value

    def _text(self, path: SettingPath, value: str, old: Any) -> str:
        if isinstance(old, str) and value in {old, shown(path, old)}:
            return old
        if REFERENCE.search(value):  # it would put a password where it can be read
            raise InputError("a setting cannot name a secret of another one", hint="give the password itself")
        if is_secret_itself(Config, path):
            if HIDDEN in value:
                raise InputError(
                    f"{dotted(path)}: give it again", hint="Muster does not show it, so it cannot be changed in part"
                )
            return reference(self._put(path, value)) if value else value
        text = _parts(value, lambda secret: secret if secret == HIDDEN else reference(self._put(path, secret)))
        return self._restored(path, text, old) if HIDDEN in text else text

    def _restored(self, path: SettingPath, text: str, old: Any) -> str:
        """Put the old password back, if it goes to the same user and host."""
        new, was = _PASSWORD.match(text), _PASSWORD.match(old) if isinstance(old, str) else None
        if new and was and new["secret"] == HIDDEN and new["before"] == was["before"]:
            host = re.match(r"@[^/?#]*", was["after"])
            same = re.match(r"@[^/?#]*", new["after"])
            if host and same and host[0] == same[0] and HIDDEN not in new["after"]:
                return f"{new['before']}{was['secret']}{new['after']}"
        raise InputError(
            f"{dotted(path)}: give the password again",
            hint=f"write it in place of {HIDDEN}: the address is another one",
        )

    def _put(self, path: SettingPath, secret: str) -> str:
        place = re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(map(str, path)))[:80]
        name = f"{place}-{secrets.token_hex(4)}"
        self.secrets[name] = secret
        return name


def write_secrets(folder: Path, kept: Mapping[str, str]) -> None:
    """Write `secrets.toml`, readable by its owner alone.

    Raises:
        StorageError: it cannot be written.
    """
    path = folder / SECRETS_NAME
    with storage_errors(path):
        target = path.resolve()
    atomic_write(target, (_HEAD + tomlkit.dumps(dict(kept))).encode("utf-8"), mode=0o600)
