"""HR's own kinds of leave: added, changed, withdrawn and removed in the settings, each change recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.config import LeaveKindConfig
from engine.config.editing import SettingPath
from engine.config.leave import STANDARD_KINDS
from engine.errors import InputError
from engine.people.tables import plain
from engine.records.books import Records
from engine.records.settings_desk import SettingsDesk
from engine.storage import clean_text

_SECTION = "leave"
_LONGEST_KEY = 40


@dataclass(frozen=True)
class KindUse:
    """A kind of leave and what can be done about it.

    Attributes:
        name: as people read it.
        entries: how many entries have it; while there are any, it cannot be removed.
        standard: it is there without a setting, so it can be withdrawn, not removed.
        locked_by: the environment variable that gives it; empty: it can be changed.
    """

    key: str
    name: str
    kind: LeaveKindConfig
    entries: int
    standard: bool
    locked_by: str

    @property
    def removable(self) -> bool:
        """Whether nothing needs it."""
        return not (self.entries or self.standard or self.locked_by)


class KindDesk:
    """Changes the kinds of leave in the name of somebody."""

    def __init__(self, records: Records, settings: SettingsDesk) -> None:
        self._records, self._book, self._settings = records, records.leave, settings

    def all(self) -> list[KindUse]:
        """Return all kinds, those in the order of the settings.

        Raises:
            StorageError: the entries of leave cannot be read.
        """
        kinds = self._book.known_kinds
        used = self._book.uses()
        return [
            KindUse(
                key,
                kinds.name(key),
                kind,
                used.get(key, 0),
                key in STANDARD_KINDS,
                self._settings.locked_by((_SECTION, key)),
            )
            for key, kind in kinds.all.items()
        ]

    def find(self, key: str) -> KindUse:
        """Return a kind.

        Raises:
            InputError: there is none with this key.
        """
        found = next((each for each in self.all() if each.key == key), None)
        if found is None:
            raise InputError(
                f"there is no kind of leave {key!r}", hint="choose one of the list; somebody may have removed it"
            )
        return found

    def add(self, name: str, *, author: str, **values: Any) -> str:
        """Add a kind and return its key.

        Args:
            values: fields of `LeaveKindConfig`; those that are not given have its defaults.

        Raises:
            InputError: the name is missing or means another kind already, or a value cannot be used.
            ConfigError, StorageError: the settings cannot be changed.
        """
        name = self._name(name)
        key = self._free_key(name)
        self._settings.change({(_SECTION, key): {"name": name, **_given(values)}}, author=author)
        return key

    def change(self, key: str, *, author: str, name: str = "", **values: Any) -> None:
        """Change a kind. It counts for all days with it that are not closed, the past ones included.

        Args:
            name: empty: it stays. The name before remains a word for the kind, so that lists with it are understood.
            values: fields of `LeaveKindConfig`; None: back to the default.

        Raises:
            InputError: there is no such kind, the name means another one, or a value cannot be used.
            ConfigError, StorageError: the settings cannot be changed.
        """
        old = self.find(key)
        changes: dict[SettingPath, Any] = {
            (_SECTION, key, field): value for field, value in values.items() if value != getattr(old.kind, field)
        }
        if name.strip() and (new := self._name(name, of=key)) != old.name:
            changes[_SECTION, key, "name"] = new
            own = self._settings.written((_SECTION, key, "words")) or []
            if plain(old.name) not in {plain(word) for word in own}:
                changes[_SECTION, key, "words"] = [*own, old.name]
        self._settings.change(changes, author=author)

    def withdraw(self, key: str, *, author: str, withdrawn: bool = True) -> None:
        """Offer a kind no longer, or again; entries keep it.

        Raises:
            InputError: there is no such kind.
            ConfigError, StorageError: the settings cannot be changed.
        """
        self.change(key, author=author, withdrawn=withdrawn or None)

    def remove(self, key: str, *, author: str) -> None:
        """Remove a kind that no entry has.

        Raises:
            InputError: there is none, it is in use, or it is a standard one.
            ConfigError, StorageError: the settings cannot be changed.
        """
        old = self.find(key)
        if old.standard:
            raise InputError(f"{old.name} is there in every workspace", hint="withdraw it, so that nobody chooses it")
        if old.entries:
            raise InputError(
                f"{old.name} is in use: {old.entries} {'entry has' if old.entries == 1 else 'entries have'} it",
                hint="withdraw it, so that nobody chooses it any more, or give the entries another kind first",
            )
        self._settings.change({(_SECTION, key): None}, author=author)

    def _name(self, text: str, of: str = "") -> str:
        """Check a name; `of`: the kind that may have it already.

        Raises:
            InputError: it is missing, too long, or means another kind.
        """
        name = clean_text(text, what="name", limit=60)
        kinds = self._book.known_kinds
        if (other := kinds.exact(name)) and other != of:
            raise InputError(f"{name!r} means {kinds.name(other)} already", hint="give another name")
        return name

    def _free_key(self, name: str) -> str:
        word = re.sub(r"[^a-z0-9]+", "_", plain(name)).strip("_")[:_LONGEST_KEY] or "kind"
        taken = self._book.known_kinds.all
        return next(key for key in (word, *(f"{word}_{n}" for n in range(2, len(taken) + 3))) if key not in taken)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not the defaults, so that the file says only what somebody decided."""
    usual = LeaveKindConfig()
    return {field: value for field, value in values.items() if value is not None and value != getattr(usual, field)}
