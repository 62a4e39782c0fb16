"""Changes of settings in the name of somebody: checked before they are written, recorded with what was there before, and taken back."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.config import CONFIG_NAME, ENCODING, Config, Problem, holds_secret, parse_config, problems_of
from engine.config.editing import SettingPath, dotted, edited, value_at, variable_of
from engine.config.hidden import REFERENCE, named_secrets, read_secrets
from engine.errors import ConfigError, InputError, StorageError
from engine.masking import HIDDEN, mask
from engine.records.books import Records
from engine.records.secret_keeping import Hiding, secret_values, shown, write_secrets
from engine.storage import atomic_write, locked, parse_json, storage_errors

UNDO_NAME = "settings-undo.json"
_LONGEST = 200
_TRIAL = "try_camera"
_AROUND = 1
"""Lines of the file around a change in a preview."""


@dataclass(frozen=True)
class SettingChange:
    """A setting that was changed.

    Attributes:
        before, after: as texts for people, without secrets; `–`: the default.
    """

    path: SettingPath
    before: str
    after: str


@dataclass(frozen=True)
class SettingsNow:
    """The settings as they are.

    Attributes:
        written: what the file says, with passwords hidden. config: what holds, the environment and the defaults included.
    """

    written: Mapping[str, Any]
    config: Config


@dataclass(frozen=True)
class Preview:
    """What a change would do.

    Attributes:
        changes: none: nothing would change.
        problems: why it cannot be done.
        lines: of the file that would go (`-`), come (`+`) and stay around them (` `), without secrets.
    """

    changes: tuple[SettingChange, ...] = ()
    problems: tuple[Problem, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class LastChange:
    """The last change, which can be taken back.

    Attributes:
        at: when it was made.
    """

    at: datetime
    changes: tuple[SettingChange, ...]


@dataclass(frozen=True)
class _Plan:
    """A change before it is written; `secrets`: all there are then."""

    before: str
    after: str
    secrets: Mapping[str, str]
    changes: tuple[SettingChange, ...]


class SettingsDesk:
    """Reads and writes single settings of `muster.toml`; everything else in the file stays as it is, comments included.

    New passwords go into `secrets.toml`, and the settings name them.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self.path = records.workspace / CONFIG_NAME
        self._undo = records.workspace / UNDO_NAME

    def locked_by(self, path: SettingPath) -> str:
        """Return the environment variable that gives a setting, so that it cannot be changed here; empty: none does."""
        return variable_of(path)

    def written(self, path: SettingPath) -> Any:
        """Return what the file itself says about a setting; None: nothing, or it is a secret.

        Raises:
            ConfigError, StorageError: the file cannot be read.
        """
        return None if holds_secret(Config, path) else value_at(_parsed(self._text()), path)

    def now(self) -> SettingsNow:
        """Return the settings as they are.

        Raises:
            ConfigError: the file holds a mistake. StorageError: it cannot be read.
        """
        text = self._text()
        return SettingsNow(shown((), _parsed(text)), parse_config(text, self.path))

    def preview(self, changes: Mapping[SettingPath, Any]) -> Preview:
        """Return what `change` would do, and everything that is wrong with it.

        Raises:
            InputError, ConfigError, StorageError: see `change`.
        """
        plan = self._plan(self._text(), changes)
        if not plan.changes:
            return Preview()
        problems = problems_of(plan.after, self.path, secrets=plan.secrets)
        return Preview(plan.changes, tuple(problems), tuple(self._lines(plan)))

    def change(
        self,
        changes: Mapping[SettingPath, Any],
        *,
        author: str,
        check: Callable[[Config], object] = lambda _config: None,
    ) -> list[SettingChange]:
        """Change settings together: all of them, or none.

        Args:
            changes: value by path; None: back to the default. What the file says already is no change. A password that is hidden as
                `now` hides it stays.
            check: raises a `MusterError` if somebody cannot work with the settings that the change would make.

        Returns:
            What was changed; each is a row of the audit log.

        Raises:
            InputError: a value cannot be used, or the environment gives one of them; nothing was written.
            ConfigError: the file holds a mistake that was there before; nothing was written.
            StorageError: file or log cannot be written.
        """
        noted = self._records.names.author(author)
        with locked(self.path):
            plan = self._plan(self._text(), changes)
            if not plan.changes:
                return []
            parse_config(plan.before, self.path)
            check(self._checked(plan))
            self._carry_out(plan)
            self._note("change_setting", plan.changes, noted)
        return list(plan.changes)

    def last(self) -> LastChange | None:
        """Return the last change, if it can be taken back: nobody has edited the file since."""
        kept = self._kept()
        if kept is None or kept["after"] != _digest(self._text()):
            return None
        return LastChange(
            datetime.fromisoformat(kept["at"]),
            tuple(SettingChange(tuple(path), before, after) for path, before, after in kept["changes"]),
        )

    def undo(self, *, author: str, check: Callable[[Config], object] = lambda _config: None) -> list[SettingChange]:
        """Take the last change back. Doing it again brings the change back; for `check` see `change`.

        Returns:
            What was changed; each is a row of the audit log.

        Raises:
            InputError: there is nothing to take back, or the environment or the data have made it impossible.
            StorageError: file or log cannot be written.
        """
        noted = self._records.names.author(author)
        with locked(self.path):
            last, kept = self.last(), self._kept()
            if last is None or kept is None:
                raise InputError(
                    "there is no change to take back", hint="the file was edited since, or nothing was changed"
                )
            back = tuple(SettingChange(each.path, each.after, each.before) for each in last.changes)
            plan = _Plan(self._text(), kept["before"], read_secrets(self._records.workspace), back)
            check(self._checked(plan))
            self._carry_out(plan)
            self._note("undo_setting", back, noted)
        return list(back)

    def forget(self, named: Callable[[str], bool]) -> None:
        """Drop the last change, if it or the settings before it name somebody: nobody can take it back any more.

        Args:
            named: whether a text names them.

        Raises:
            StorageError: it cannot be dropped.
        """
        with locked(self.path), storage_errors(self._undo):
            kept = self._kept()
            if kept is None or any(map(named, _texts(kept))):  # one that cannot be read may name anybody
                self._undo.unlink(missing_ok=True)

    def note_trial(self, camera: str, *, author: str) -> None:
        """Record that somebody has taken a picture from a camera to try it.

        Raises:
            StorageError: the log cannot be written.
        """
        names = self._records.names
        self._records.note(_TRIAL, names.ids(camera), "", author=names.author(author))

    def camera_tried(self) -> bool:
        """Return whether somebody has tried a camera, and it gave a picture."""
        return any(row.action == _TRIAL for row in self._records.audit.read())

    # ------------------------------------------------------------------------------------------------ planning

    def _plan(self, text: str, changes: Mapping[SettingPath, Any]) -> _Plan:
        for path in changes:
            if variable := variable_of(path):
                raise InputError(
                    f"{dotted(path)} is given by the environment ({variable})",
                    hint="change the variable, or remove it, and start Muster again",
                )
        before = _parsed(text)
        hiding = Hiding(read_secrets(self._records.workspace))
        wanted = {}
        for path, value in changes.items():
            old = value_at(before, path)
            new = hiding.hidden(path, value, old)
            if old != new:
                wanted[path] = new
        made = tuple(
            SettingChange(path, _told(path, value_at(before, path)), _told(path, new)) for path, new in wanted.items()
        )
        return _Plan(text, edited(text, _from_behind(wanted)) if wanted else text, hiding.secrets, made)

    def _checked(self, plan: _Plan) -> Config:
        try:
            return parse_config(plan.after, self.path, secrets=plan.secrets)
        except ConfigError as error:
            raise InputError(error.message, hint="give another value; nothing was changed") from error

    def _lines(self, plan: _Plan) -> Iterator[str]:
        hidden = secret_values((), _parsed(plan.before)) | secret_values((), _parsed(plan.after))
        found = difflib.unified_diff(plan.before.splitlines(), plan.after.splitlines(), n=_AROUND, lineterm="")
        for number, line in enumerate(found):
            if number < 2:
                continue
            if line.startswith("@@"):
                if number > 2:
                    yield " …"
                continue
            shown_line = line[1:]
            for secret in hidden:
                shown_line = shown_line.replace(json.dumps(secret, ensure_ascii=False), f'"{HIDDEN}"')
            yield line[0] + mask(REFERENCE.sub(HIDDEN, shown_line))

    # ------------------------------------------------------------------------------------------------- writing

    def _carry_out(self, plan: _Plan) -> None:
        """Write a plan; what it makes needless of the secrets goes with the next change but one."""
        needed = {*named_secrets(_parsed(plan.after)), *named_secrets(_parsed(plan.before))}
        there = read_secrets(self._records.workspace)
        kept = {name: secret for name, secret in plan.secrets.items() if name in needed}
        if kept != there:
            write_secrets(self._records.workspace, {**there, **kept})  # first: the settings must find what they name
        self._write(plan.after)
        undo = {
            "at": self._records.now().isoformat(timespec="seconds"),
            "before": plan.before,
            "after": _digest(plan.after),
            "changes": [[list(each.path), each.before, each.after] for each in plan.changes],
        }
        atomic_write(self._undo, json.dumps(undo, ensure_ascii=False).encode("utf-8"), mode=0o600)
        if kept != there:
            write_secrets(self._records.workspace, kept)

    def _note(self, action: str, changes: Sequence[SettingChange], noted: str) -> None:
        names = self._records.names
        self._records.audit.note_all(
            [(action, names.ids(dotted(each.path)), names.text(f"{each.before} → {each.after}")) for each in changes],
            author=noted,
            now=self._records.clock(),
        )

    def _kept(self) -> dict[str, Any] | None:
        """What the last change left; None: nothing that can be read."""
        try:
            found = parse_json(self._undo.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and {"at", "before", "after", "changes"} <= found.keys() else None

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


def _texts(value: Any) -> Iterator[str]:
    """All texts in what was read from JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{CONFIG_NAME} cannot be read: {error}", hint="correct it in an editor") from error


def _from_behind(wanted: Mapping[SettingPath, Any]) -> dict[SettingPath, Any]:
    """Removals last and from the end of each list, so that no place in a list moves before it is used."""

    def order(path: SettingPath) -> tuple[bool, list[int]]:
        return wanted[path] is None, [-part for part in path if isinstance(part, int)]

    return {path: wanted[path] for path in sorted(wanted, key=order)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _told(path: SettingPath, value: Any) -> str:
    """A value in one line."""
    if value is None:
        return "–"
    return _in_a_line(path, shown(path, value))


def _in_a_line(path: SettingPath, value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, Mapping):
        text = ", ".join(f"{key} = {_in_a_line((*path, str(key)), each)}" for key, each in value.items()) or "{}"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
