"""A workspace that does not exist: every command refuses it with the next step, except for those that begin one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.cli.app import app
from engine.errors import InputError

BEGIN = {
    *("app", "archive process", "demo", "doctor", "enrol", "evaluate", "kiosk", "kiosk pair"),
    *("serve", "service install", "staff import", "users add", "watch"),
}
"""These make the folder, or need none."""
DATABASE = {f"store {name}" for name in ("init", "migrate", "status", "drain", "grant", "revoke", "copy", "verify")}
"""These work with a database, and say so if the settings name none."""


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        path = f"{before} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, path)
            if not command.invoke_without_command:
                continue
        if any(each.name == "workspace" for each in command.params):
            yield path, command


FOUND = dict(commands(typer.main.get_command(app)))
FURTHER = {
    "correct": ["--in", "08:57"],
    "forget": ["--yes"],
    **{f"month {name}": ["2026-10"] for name in ("check", "close", "reopen", "show", "changes")},
}


def arguments(command: Any, tmp_path: Path) -> list[str]:
    """Something for each parameter that is required."""
    file = tmp_path / "file.csv"
    file.write_text("employee_id,name\nE1,Ann\n")
    found: list[str] = []
    for each in command.params:
        if each.required:
            kind = str(each.type_descriptor.annotation)
            value = str(file) if "Path" in kind else "0.5" if "float" in kind else "2026-10"
            value = {"day": "2026-11-02", "since": "2026-11-02", "scope": "sheets:read", "said": "yes"}.get(
                each.name, value
            )
            found += [each.opts[0], value] if each.opts[0].startswith("-") else [value]
    return found


def test_the_commands_that_begin_a_workspace_exist() -> None:
    assert set(FOUND) >= BEGIN | DATABASE
    assert {"report", "inside", "corrections", "incidents", "people", "verify", "users list"} <= set(FOUND) - BEGIN


@pytest.mark.parametrize("name", sorted(set(FOUND) - BEGIN - DATABASE))
def test_a_typing_error_is_refused(name: str, tmp_path: Path) -> None:
    typo = tmp_path / "typo"
    given = [*arguments(FOUND[name], tmp_path), *FURTHER.get(name, []), "--workspace", str(typo)]
    with pytest.raises(InputError, match="there is no workspace") as refused:
        FOUND[name].main(given, standalone_mode=False)
    assert "--workspace" in refused.value.hint
    assert not typo.exists()
