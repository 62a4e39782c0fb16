"""Changes of the text of `muster.toml` that leave its comments, its order and everything else in it alone."""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from engine.errors import ConfigError

SettingPath = tuple[str, ...]
"""Sections and key, such as `("leave", "duty", "name")`."""


def variable_of(path: SettingPath) -> str:
    """Return the environment variable that sets something at, above or below a path; empty: none does."""
    own = "MUSTER_" + "__".join(path).upper()
    for name in sorted(os.environ):
        upper = name.upper()
        above = upper.startswith("MUSTER_") and own.startswith(f"{upper}__")
        if upper == own or above or upper.startswith(f"{own}__"):
            return name
    return ""


def value_at(content: Mapping[str, Any], path: SettingPath) -> Any:
    """Return what a file says at a path; None: nothing."""
    found: Any = content
    for part in path:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def edited(text: str, changes: Mapping[SettingPath, Any]) -> str:
    """Return the text of a settings file with some settings changed.

    Args:
        changes: value by path: a number, text, truth, list, or a table as a mapping; None: back to the default.

    Raises:
        ConfigError: the text is not TOML, or it is written so that it cannot be changed without changing more.
    """
    try:
        before = tomllib.loads(text)
        document = tomlkit.parse(text)
        wanted = copy.deepcopy(before)
        for path, value in changes.items():
            _put(document, path, value)
            _put(wanted, path, value)
        after = tomlkit.dumps(document)
        done = tomllib.loads(after) == wanted
    except (tomllib.TOMLDecodeError, TOMLKitError) as error:
        raise ConfigError(f"the settings cannot be read: {error}", hint="correct muster.toml in an editor") from error
    if not done:  # a file can be written in ways that no editor of TOML understands: never write what was not asked for
        raise ConfigError("muster.toml is written in a way that Muster cannot change", hint="change it in an editor")
    return after


def _put(content: MutableMapping[str, Any], path: SettingPath, value: Any) -> None:
    *sections, key = path
    place: Any = content
    for depth, section in enumerate(sections):
        if section not in place:
            if value is None:
                return
            # `[leave.duty]` needs no line `[leave]` above it
            last = depth == len(sections) - 1
            place[section] = tomlkit.table(is_super_table=not last or isinstance(value, Mapping))
        place = place[section]
        if not isinstance(place, MutableMapping):
            raise ConfigError(
                f"{'.'.join(sections[: depth + 1])} is no section in muster.toml", hint="correct it in an editor"
            )
    if value is None:
        place.pop(key, None)
    elif isinstance(value, Mapping):
        table = tomlkit.table()
        table.update(value)
        place[key] = table
    else:
        place[key] = value
