"""What `muster --help` and the help of every command show: whole sentences, in panels, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from engine.access import REST_SCOPES, ROLES, SCREEN_SCOPES
from engine.access.devices import SCOPES
from engine.cli.app import app
from engine.cli.context import Panel
from engine.postgres.setup import KINDS

ROOT = typer.main.get_command(app)


def commands(command: typer.main.TyperCommand | typer.main.TyperGroup, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command and group, the program itself first."""
    yield path
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, *path, name)


ALL = list(commands(ROOT))


def found(path: tuple[str, ...]) -> typer.main.TyperCommand:
    command = ROOT
    for name in path:
        command = command.commands[name]
    return command


def help_of(*path: str, width: int = 100) -> str:
    answer = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": str(width)}, terminal_width=width)
    assert answer.exit_code == 0, answer.output
    return answer.output


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_is_shown_whole(path: tuple[str, ...], width: int) -> None:
    shown = help_of(*path, width=width)
    assert max(map(len, shown.splitlines())) == width, "laid out for this width"
    words = set("".join(each if each.isalnum() or each in "-_" else " " for each in shown).split())
    command = found(path)
    wanted = {word for param in command.params for word in param.opts if word.startswith("--")}
    assert wanted | set(getattr(command, "commands", {})) <= words
    assert "…" not in shown


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_is_made_of_sentences(path: tuple[str, ...]) -> None:
    command = found(path)
    assert command.help
    for paragraph in command.help.split("\n\n"):
        assert paragraph.strip().endswith("."), paragraph
        assert "\n" not in paragraph.strip(), "the help keeps line breaks"
    assert len(command.help.split("\n\n")[0]) <= 60, "one line of `muster --help`"
    for param in command.params:
        if param.name != "help":
            assert param.help, param.name
            assert param.help.endswith("."), param.help


def test_every_command_belongs_to_a_panel_and_panels_keep_their_order() -> None:
    panels = [command.rich_help_panel for command in ROOT.commands.values()]
    assert list(dict.fromkeys(panels)) == list(Panel)
    assert panels == sorted(panels, key=list(Panel).index), "commands of a panel stand together"
    shown = help_of()
    titles = [line.split("─ ")[1].split(" ─")[0] for line in shown.splitlines() if line.startswith("╭─ ")]
    assert titles == ["Options", *Panel]


def test_words_written_into_help_are_those_of_the_engine() -> None:
    """Help repeats them, because importing them would make every command start slower."""
    for path, option, values in (
        (("users", "add"), "role", ROLES),
        (("users", "set"), "role", ROLES),
        (("kiosk", "pair"), "scope", SCOPES),
        (("token", "add"), "scope", REST_SCOPES),
        (("store", "grant"), "kind", KINDS),
    ):
        (param,) = (each for each in found(path).params if each.name == option)
        listed = param.help.rstrip(".").partition(": ")[2].partition(";")[0]
        *others, last = values
        assert listed == f"{', '.join(others)} or {last}"
    (scope,) = (each for each in found(("kiosk", "pair")).params if each.name == "scope")
    assert scope.show_default == ", ".join(SCREEN_SCOPES)
    (model,) = (each for each in found(("models", "fetch")).params if each.name == "model")
    assert model.default == ""
