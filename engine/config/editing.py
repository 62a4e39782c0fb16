"""Changes of the text of `muster.toml` that leave its comments, its order and everything else in it alone."""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping, MutableMapping, MutableSequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from engine.errors import ConfigError

SettingPath = tuple[str | int, ...]
"""Sections and key, such as `("leave", "duty", "name")`; a number is a place in a list: `("notifications", "rules", 0)`."""


def dotted(path: SettingPath) -> str:
    """Return a path as messages and logs name it, such as `leave.duty.name`."""
    return ".".join(map(str, path))


def variable_of(path: SettingPath) -> str:
    """Return the environment variable that sets something at, above or below a path; empty: none does."""
    own = "MUSTER_" + "__".join(part for part in path if isinstance(part, str)).upper()
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
        if isinstance(part, int):
            if not isinstance(found, list) or not part < len(found):
                return None
        elif not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def edited(text: str, changes: Mapping[SettingPath, Any]) -> str:
    """Return the text of a settings file with some settings changed.

    Args:
        changes: value by path: a number, text, truth, list, or a table as a mapping; None: back to the default, an entry of a list is
            removed. The place behind a list's last entry adds one.

    Raises:
        ConfigError: the text is not TOML, or it is written so that it cannot be changed without changing more.
    """
    try:
        before = tomllib.loads(text)
        document = tomlkit.parse(text)
        wanted = copy.deepcopy(before)
        for path, value in changes.items():
            _put(document, path, value, _Written)
            _put(wanted, path, value, _Plain)
        after = tomlkit.dumps(document)
        done = _filled(tomllib.loads(after)) == _filled(wanted)
    except (tomllib.TOMLDecodeError, TOMLKitError) as error:
        raise ConfigError(f"the settings cannot be read: {error}", hint="correct muster.toml in an editor") from error
    if not done:  # a file can be written in ways that no editor of TOML understands: never write what was not asked for
        raise ConfigError("muster.toml is written in a way that Muster cannot change", hint="change it in an editor")
    return after


class _Plain:
    """Makes what a changed file should hold."""

    @staticmethod
    def table(value: Mapping[str, Any], *, above: bool) -> Any:
        del above
        return dict(value)

    @staticmethod
    def entries(value: Any) -> Any:
        del value
        return []


class _Written:
    """Makes what is written into the file."""

    @staticmethod
    def table(value: Mapping[str, Any], *, above: bool) -> Any:
        """A table; `above`: it holds other tables only and needs no line of its own."""
        table = tomlkit.table(is_super_table=above)
        table.update(value)
        return table

    @staticmethod
    def entries(value: Any) -> Any:
        """An empty list for entries such as `value`."""
        return tomlkit.aot() if isinstance(value, Mapping) else tomlkit.array()


def _put(content: MutableMapping[str, Any], path: SettingPath, value: Any, made: type[_Plain | _Written]) -> None:
    *sections, key = path
    place: Any = content
    above: Any = content
    for depth, section in enumerate(sections):
        there = section < len(place) if isinstance(section, int) else section in place
        if not there:
            if value is None:
                return
            if isinstance(section, int):
                raise ConfigError(f"{dotted(path)} is no place in a list", hint="reload the page")
            if isinstance(path[depth + 1], int):
                place[section] = made.entries(value)
            else:
                # `[leave.duty]` needs no line `[leave]` above it
                last = depth == len(sections) - 1
                place[section] = made.table({}, above=not last or isinstance(value, Mapping))
        above, place = place, place[section]
        if not isinstance(place, MutableMapping | MutableSequence):
            raise ConfigError(
                f"{'.'.join(map(str, sections[: depth + 1]))} is no section in muster.toml",
                hint="correct it in an editor",
            )
    if isinstance(place, MutableSequence):
        _put_entry(place, path, value, made)
        if not place:
            above.pop(sections[-1])
    elif value is None:
        place.pop(key, None)
    else:
        place[key] = made.table(value, above=False) if isinstance(value, Mapping) else value


def _put_entry(place: MutableSequence[Any], path: SettingPath, value: Any, made: type[_Plain | _Written]) -> None:
    index = path[-1]
    if not isinstance(index, int) or index > len(place):
        raise ConfigError(f"{dotted(path)} is no place in a list", hint="reload the page")
    if value is None:
        del place[index : index + 1]
    elif index < len(place):
        place[index] = value
    else:
        inline = isinstance(place, Array)
        place.append(made.table(value, above=False) if isinstance(value, Mapping) and not inline else value)


def _filled(content: Any) -> Any:
    """The same without tables that hold nothing, which a file need not name."""
    if isinstance(content, Mapping):
        inner = {key: _filled(value) for key, value in content.items()}
        return {key: value for key, value in inner.items() if value != {}}
    return [_filled(value) for value in content] if isinstance(content, list) else content
