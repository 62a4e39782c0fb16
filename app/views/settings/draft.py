"""What the user has entered and not saved yet: fields keep their values in the session under their paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

import streamlit as st
from pydantic import BaseModel, SecretStr
from streamlit.delta_generator import DeltaGenerator

from app.views.settings.described import Block, Named
from engine.config import Config
from engine.config.editing import SettingPath, dotted, value_at
from engine.config.fields import Setting, setting
from engine.masking import HIDDEN
from engine.records import SettingsNow, shown
from engine.workbench import Workbench

_PREFIX = "set:"
UNCHANGED = object()
"""What a field for a password gives that nobody has touched."""


@dataclass
class Draft:
    """One run's reading of the fields.

    Attributes:
        now: the settings as they are.
        changes: what differs from them. slots: where to say what is wrong with a setting.
    """

    bench: Workbench
    now: SettingsNow
    changes: dict[SettingPath, Any] = field(default_factory=dict)
    slots: dict[SettingPath, DeltaGenerator] = field(default_factory=dict)

    def effective(self, path: SettingPath) -> Any:
        """The value that holds, plain and with passwords hidden; None: there is none."""
        return plain(path, at(self.now.config, path))

    def is_written(self, path: SettingPath) -> bool:
        """Whether the file says something about a setting."""
        return value_at(self.now.written, path) is not None

    def locked_by(self, path: SettingPath) -> str:
        """The environment variable that gives a setting; empty: none."""
        return self.bench.settings_desk.locked_by(path)

    def take(self, path: SettingPath, spec: Setting, value: Any) -> None:
        """Note the value of a field of what is there already."""
        old = self.effective(path)
        if value is UNCHANGED or value == old or (value in (None, "", []) and old in (None, "", [])):
            return
        usual = plain(path, spec.default)
        back = value is None or value == usual or (value == "" and (spec.optional or spec.required))
        if back and not self.is_written(path) and not spec.required:
            return
        self.changes[path] = None if back else value


@dataclass(frozen=True)
class Field:
    """A field as it is drawn.

    Attributes:
        label, note: in the viewer's language.
        value: what it shows at first. fixed: it cannot be changed.
    """

    draft: Draft
    path: SettingPath
    named: Named
    spec: Setting
    label: str
    note: str | None
    value: Any
    fixed: bool

    @property
    def key(self) -> str:
        """Under which the session keeps it."""
        return key(self.path)


def key(path: SettingPath, more: str = "") -> str:
    """Under which the session keeps a field."""
    return f"{_PREFIX}{dotted(path)}{more}"


def forget() -> None:
    """Drop all that was entered."""
    for each in [str(name) for name in st.session_state if str(name).startswith(_PREFIX)]:
        del st.session_state[each]


def at(config: Config, path: SettingPath) -> Any:
    """The value at a path of the settings; None: there is none."""
    found: Any = config
    for part in path:
        if isinstance(found, BaseModel):
            found = getattr(found, str(part), None)
        elif isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(part, int) and isinstance(found, list | tuple):
            found = found[part] if part < len(found) else None
        else:
            return None
    return found


def plain(path: SettingPath, value: Any) -> Any:
    """A value as a file would say it, with passwords hidden."""
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {k.isoformat() if isinstance(k, date) else k: plain((*path, str(k)), each) for k, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain((*path, index), each) for index, each in enumerate(value)]
    return shown(path, value)


def described(block: Block, named: Named) -> Setting:
    """What kind of value a field takes."""
    path = tuple("0" if part == "*" else part for part in block.path)
    return setting(Config, (*path, named.name))
