"""The pages say what is true: their examples run, their links lead somewhere, their commands and settings exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import typer
from pydantic import BaseModel
from setting_places import with_places

import engine
from engine import api
from engine.attendance import DaySheet, Status
from engine.cli.app import app
from engine.config import Config
from engine.demo.sample import fill, prepare_sample
from engine.errors import InputError
from engine.imaging import read_image
from engine.operations.recording import recording
from engine.workbench import Workbench

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "data" / "README.md"])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
README_WORDS = 900


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """Code blocks of a language; an empty one stands for blocks without."""
    return re.findall(rf"^[ ]*```{language}\n(.*?)^[ ]*```", read(page), re.M | re.S)


# --------------------------------------------------------------------------------------------- length and links


def test_the_readme_takes_two_minutes() -> None:
    assert len(read(ROOT / "README.md").split()) <= README_WORDS


def slug(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target, anchor in re.findall(r"\]\(((?!https?:)[^)#\s]*)(?:#([^)\s]*))?\)", read(page)):
        file = page.parent / target if target else page
        anchors = (
            {slug(each) for each in re.findall(r"^#+ (.*)$", read(file), re.M)}
            if file.suffix == ".md" and file.exists()
            else set()
        )
        if not file.exists() or (anchor and anchor not in anchors):
            lost.append(f"{target}#{anchor}")
    assert lost == []


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\(([\w-]+\.md)", read(ROOT / "docs" / "index.md")))
    assert named == {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}


# --------------------------------------------------------------------------------------------- commands


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, inner in getattr(command, "commands", {}).items():
        yield from _walk(inner, f"{name} {child}")


COMMANDS = dict(_walk(typer.main.get_command(app), "muster"))


def options(name: str) -> set[str]:
    """Options of a command."""
    given = {option for each in COMMANDS[name].params for option in (*each.opts, *each.secondary_opts)}
    return {option for option in given if option.startswith("--")} | {"--help"}


def _split(words: list[str]) -> tuple[str, list[str]]:
    """The longest command that the words begin with, and the words after it."""
    count = max(n for n in range(1, len(words) + 1) if " ".join(words[:n]) in COMMANDS)
    return " ".join(words[:count]), words[count:]


def calls(page: Path) -> list[list[str]]:
    """Every `muster …` on a page, in words: in code blocks line by line, and in code within sentences."""
    text = read(page)
    lines = [line.split("#")[0] for block in re.findall(r"```\w*\n(.*?)```", text, re.S) for line in block.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    found = []
    for line in (*lines, *spans):
        if match := re.search(r"(?:^|\| |bin/)(muster [a-z].*)", line.strip()):
            found.append(
                re.split(r"[\s|]+", re.split(r"\s[|·<>&]\s|;", match[1])[0].replace("[", " ").replace("]", " ").strip())
            )
    return found


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_exist(page: Path) -> None:
    wrong = []
    for words in calls(page):
        name, rest = _split(words[: words.index("--")] if "--" in words else words)
        group = bool(getattr(COMMANDS[name], "commands", {}))
        plain = rest and re.fullmatch(r"[a-z][a-z-]+", rest[0])
        unknown = {word.split("=")[0] for word in rest if word.startswith("--")} - options(name)
        if unknown or name == "muster" or (group and plain and not COMMANDS[name].params):
            wrong.append(" ".join(words))
    assert wrong == []


def test_every_command_and_option_is_described() -> None:
    page = read(ROOT / "docs" / "commands.md")
    sections = dict(re.findall(r"^#### `(muster[^`]*)`\n(.*?)(?=^#|\Z)", page, re.M | re.S))
    leaves = {
        name
        for name, each in COMMANDS.items()
        if not getattr(each, "commands", {}) or (each.params[0:1] and name != "muster")
    }
    common = {"--help", "--json", "--workspace"}
    for name in sorted(leaves):
        shown = [text for title, text in sections.items() if " ".join(_split(title.split())[0:1]) == name]
        assert shown, f"docs/commands.md has no section on {name}"
        missing = {each for each in options(name) - common if f"`{each}" not in shown[0]}
        assert not missing, f"{name}: {missing}"


# --------------------------------------------------------------------------------------------- settings


def _settings(model: type[BaseModel], section: str = "") -> Iterator[tuple[str, str, Any]]:
    for name, field in model.model_fields.items():
        kinds = [
            each for each in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(each, type)
        ]
        inner = [each for each in kinds if issubclass(each, BaseModel)]
        if inner:
            yield from _settings(inner[0], f"{section}.{name}" if section else name)
        else:
            yield section, name, field.get_default(call_default_factory=True)


def test_every_setting_is_described_with_its_default() -> None:
    page = read(ROOT / "docs" / "settings.md").replace("[[", "[")
    for section, name, default in _settings(Config):
        part = (
            page.split(f"\n## `[{section}", 1)[1].split("\n## ")[0] if section else page.split("\n## `[", maxsplit=1)[0]
        )
        row = re.search(rf"^\| `{name}` \|\s*([^|]*?)\s*\|", part, re.M)
        assert row, f"docs/settings.md does not describe {name} in [{section}]"
        if isinstance(default, bool):
            assert row[1] == f"`{str(default).lower()}`", f"[{section}] {name}"
        elif isinstance(default, int | float):
            assert float(row[1].strip("`")) == default, f"[{section}] {name}"


def test_every_setting_says_on_which_page_it_is() -> None:
    page = ROOT / "docs" / "settings.md"
    assert read(page) == with_places(read(page)), "run python tests/support/setting_places.py"


# --------------------------------------------------------------------------------------------- the Python API


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, engine; print([m for m in ('pandas', 'numpy', 'torch', 'onnxruntime', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_exported_name_is_there_and_no_other() -> None:
    assert {name for name in engine.__all__ if getattr(engine, name) is None} == set()
    assert set(api.__all__) <= set(engine.__all__)
    assert set(dir(engine)) >= set(engine.__all__)
    with pytest.raises(AttributeError):
        engine.workspace  # noqa: B018


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> engine.Workspace:
    """A made-up fortnight of 20 people in a zone with an offset."""
    folder = tmp_path_factory.mktemp("sheets")
    prepare_sample(folder, "Asia/Tokyo")
    bench = Workbench(folder, clock=lambda: datetime(2025, 3, 14, 3, tzinfo=UTC))
    fill(bench, 20, 10, date(2025, 3, 14))
    return api.Workspace(bench)


FIRST, LAST = date(2025, 3, 3), date(2025, 3, 13)


def test_day_sheets_have_types(workspace: engine.Workspace) -> None:
    sheets = workspace.day_sheets(FIRST, LAST)
    assert len(sheets) > 100
    kinds = {name: str(dtype) for name, dtype in sheets.dtypes.items()}
    assert kinds["date"].startswith("datetime64")
    assert "Tokyo" not in kinds["date"]
    assert {"Tokyo" in kinds[name] for name in ("first_in", "last_out", "planned_in", "planned_out")} == {True}
    assert {kinds[name] for name in ("hours", "late_min", "early_min", "covered_pct", "similarity_in")} == {"float64"}
    assert {kinds[name] for name in ("late", "corrected")} == {"boolean"}
    assert kinds["punches"] == "Int64"
    assert sheets["date"].between("2025-03-03", "2025-03-13").all()


def test_day_sheets_say_what_the_rows_say(workspace: engine.Workspace) -> None:
    sheets = workspace.day_sheets(FIRST, LAST)
    rows = workspace.bench.attendance.sheets.between(FIRST, LAST, workspace.bench.people.known())
    assert len(rows) == len(sheets)
    for row, (_, found) in zip(rows, sheets.iterrows(), strict=True):
        assert (found["employee_id"], f"{found['date']:%Y-%m-%d}") == (row.employee_id, row.day.isoformat())
        for column in ("first_in", "last_out"):
            moment = getattr(row, column)
            assert found[column] == moment if moment else pd.isna(found[column])
        if row.worked is not None and row.stayed is not None:
            assert (found["last_out"] - found["first_in"]).total_seconds() / 3600 == pytest.approx(
                found["presence_hours"], abs=0.01
            )
    assert [None if pd.isna(late) else late for late in sheets["late"]] == [row.late for row in rows]
    late = sheets[sheets["status"].str.startswith("late")]
    assert len(late)
    assert late["late"].all()
    assert not sheets[sheets["status"] == "on time"]["late"].any()
    assert sheets[sheets["status"].isin(["absent", "on leave", "not covered"])]["late"].isna().all()


def test_a_night_keeps_its_moments() -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(f"2025-03-{text}+09:00")

    row = DaySheet(
        "E1",
        date(2025, 3, 3),
        Status.ON_TIME,
        first_in=moment("03T21:55:00"),
        last_out=moment("04T06:10:00"),
        late=False,
        planned_in=moment("03T22:00:00"),
        planned_out=moment("04T06:00:00"),
        worked=timedelta(hours=8, minutes=15),
    )
    frame = api._frame([api._sheet_row(row)], api._SHEET, ZoneInfo("Asia/Tokyo"))
    moments = [f"{frame[name][0]:%d %H:%M}" for name in ("planned_in", "planned_out", "first_in", "last_out")]
    assert moments == ["03 22:00", "04 06:00", "03 21:55", "04 06:10"]
    assert (frame["late"][0], frame["hours"][0], frame["date"][0].date()) == (False, 8.25, date(2025, 3, 3))


def test_incidents_have_types_and_bear_the_latest_review(workspace: engine.Workspace) -> None:
    incidents = workspace.incidents(FIRST, LAST)
    alerts = [each for each in workspace.bench.alerts.all() if FIRST <= each.row.timestamp.date() <= LAST]
    assert incidents["incident_id"].tolist() == [each.row.incident_id for each in alerts]
    assert incidents["state"].tolist() == [each.state for each in alerts]
    assert "Tokyo" in str(incidents["timestamp"].dtype)
    assert "Tokyo" in str(incidents["reviewed_at"].dtype)
    assert incidents["timestamp"].is_monotonic_increasing
    assert {type(each) for each in incidents["unknown_ids"]} == {tuple}


def test_an_empty_workspace_gives_the_same_columns_and_types(workspace: engine.Workspace, tmp_path: Path) -> None:
    prepare_sample(tmp_path, "Asia/Tokyo")
    empty = engine.open_workspace(tmp_path)
    for name in ("day_sheets", "incidents"):
        nothing, something = (getattr(each, name)(FIRST, LAST) for each in (empty, workspace))
        assert len(nothing) == 0 < len(something)
        assert nothing.dtypes.to_dict() == something.dtypes.to_dict()


def test_a_camera_that_another_process_records_is_refused(workspace: engine.Workspace) -> None:
    with recording(workspace.bench, "gate") as first:
        assert first
        with pytest.raises(InputError, match="already"):
            workspace.watch("0", "gate")


# --------------------------------------------------------------------------------------------- the examples


@pytest.fixture
def project(sample_workspace: Path, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like a newcomer's: the sample workspace, and photos and a recording of their own."""
    shutil.copytree(sample_workspace, tmp_path / "data" / "sample")
    shutil.copy(sample_workspace / "demo" / "entrance.mp4", tmp_path / "entrance.mp4")
    shutil.copytree(samples / "train" / "ben_afflek", tmp_path / "photos" / "ada")
    shutil.copy(samples / "val" / "ben_afflek" / "01.jpg", tmp_path / "photos" / "lobby.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(page: Path) -> dict[str, Any]:
    """Execute a page's Python blocks one after the other, as a reader would."""
    names: dict[str, Any] = {}
    code = blocks(page, "python")
    assert code
    for block in code:
        exec(compile(block, str(page), "exec"), names)
    return names


@pytest.mark.models
def test_the_readme_example_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(ROOT / "README.md")
    lines = [line for line in blocks(ROOT / "README.md", "python")[0].splitlines() if line.strip()]
    assert len(lines) <= 11
    assert names["sheets"]["late_min"].notna().any()
    out = capsys.readouterr().out
    # which photo comes first is chance, and some show somebody else beside its person
    assert {line.split()[0] for line in out.splitlines()} & set(names["workspace"].bench.people.known())
    assert "Production" in out


@pytest.mark.models
def test_the_api_page_example_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(ROOT / "docs" / "api.md")
    assert names["face"].match.person == "E17"
    assert names["report"].templates >= 3
    assert names["stats"].punches >= 1
    assert "E17" in names["sheets"]["employee_id"].tolist()
    assert {"unknown", "tailgating"} & set(names["incidents"]["kind"])
    assert "photos/missing.jpg" in capsys.readouterr().out
    same = names["workspace"].identify(read_image(Path("photos/lobby.jpg")))
    assert same[0].match.person == "E17"
    assert timedelta(0) < datetime.now(UTC) - names["incidents"]["timestamp"].iloc[0] < timedelta(hours=2)
