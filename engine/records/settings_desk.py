"""Changes of settings in the name of somebody: checked before they are written, and recorded with what was there before."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.config import CONFIG_NAME, ENCODING, Config, holds_secret, parse_config
from engine.config.editing import SettingPath, edited, value_at, variable_of
from engine.errors import ConfigError, InputError, StorageError
from engine.masking import HIDDEN
from engine.records.books import Records
from engine.storage import atomic_write, locked, storage_errors

_LONGEST = 200


@dataclass(frozen=True)
class SettingChange:
    """A setting that was changed.

    Attributes:
        before, after: as texts for people, without secrets; `–`: the default.
    """

    path: SettingPath
    before: str
    after: str


class SettingsDesk:
    """Reads and writes single settings of `muster.toml`; everything else in the file stays as it is, comments included."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.path = records.workspace / CONFIG_NAME

    def locked_by(self, path: SettingPath) -> str:
        """Return the environment variable that gives a setting, so that it cannot be changed here; empty: none does."""
        return variable_of(path)

    def written(self, path: SettingPath) -> Any:
        """Return what the file itself says about a setting; None: nothing, or it is a secret.

        Raises:
            ConfigError, StorageError: the file cannot be read.
        """
        return None if holds_secret(Config, path) else value_at(_parsed(self._text()), path)

    def change(self, changes: Mapping[SettingPath, Any], *, author: str) -> list[SettingChange]:
        """Change settings together: all of them, or none.

        Args:
            changes: value by path; None: back to the default. What the file says already is no change.

        Returns:
            What was changed; each is a row of the audit log.

        Raises:
            InputError: a value cannot be used, or the environment gives one of them; nothing was written.
            ConfigError: the file holds a mistake that was there before; nothing was written.
            StorageError: file or log cannot be written.
        """
        for path in changes:
            if variable := variable_of(path):
                raise InputError(
                    f"{'.'.join(path)} is given by the environment ({variable})",
                    hint="change the variable, or remove it, and start Muster again",
                )
        names = self._records.names
        noted = names.author(author)
        with locked(self.path):
            text = self._text()
            before = _parsed(text)
            wanted = {path: value for path, value in changes.items() if value_at(before, path) != value}
            if not wanted:
                return []
            parse_config(text, self.path)
            after = edited(text, wanted)
            try:
                parse_config(after, self.path)
            except ConfigError as error:
                raise InputError(error.message, hint="give another value; nothing was changed") from error
            self._write(after)
            made = [
                SettingChange(path, _told(path, value_at(before, path)), _told(path, wanted[path])) for path in wanted
            ]
            self._records.audit.note_all(
                [
                    ("change_setting", names.ids(".".join(each.path)), names.text(f"{each.before} → {each.after}"))
                    for each in made
                ],
                author=noted,
                now=self._records.clock(),
            )
        return made

    def _text(self) -> str:
        with storage_errors(self.path):
            try:
                return self.path.read_text(encoding=ENCODING)
            except FileNotFoundError:
                return ""
            except UnicodeDecodeError as error:
                raise StorageError(f"{self.path} cannot be read: {error}", hint="save it as UTF-8") from error

    def _write(self, text: str) -> None:
        """Replace the file itself, not a link to it, and keep its rights."""
        with storage_errors(self.path):
            target = self.path.resolve()
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o640
        atomic_write(target, text.encode("utf-8"), mode=mode)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{CONFIG_NAME} cannot be read: {error}", hint="correct it in an editor") from error


def _told(path: SettingPath, value: Any) -> str:
    """A value in one line."""
    if value is None:
        return "–"
    if holds_secret(Config, path):
        return HIDDEN
    if isinstance(value, str):
        text = value
    elif isinstance(value, Mapping):
        text = ", ".join(f"{key} = {_told((*path, str(key)), each)}" for key, each in value.items()) or "{}"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
