"""The house's rules that can be read off the source: layers, no pickle, no clock in stations, torch in one place."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import errors

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "engine").rglob("*.py"))
PAGES = sorted((ROOT / "app").rglob("*.py"))
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)} | {
    "ValueError",
    "TypeError",
}
STATIONS = ("detection", "alignment", "embedding", "gallery", "tracking", "events", "attendance", "incidents")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickle_and_no_user_interface_in_the_engine(path: Path) -> None:
    names = {name.split(".")[0] for name in _imports(path)}
    assert not names & {"streamlit", "streamlit_webrtc", "flask", "plotly", "joblib", "dill", "shelve", "marshal"}
    source = path.read_text(encoding="utf-8")
    assert "pickle.load" not in source
    assert "allow_pickle=True" not in source
    assert "weights_only=False" not in source


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_torch_is_imported_in_models_only(path: Path) -> None:
    names = {name.split(".")[0] for name in _imports(path)}
    relative = path.relative_to(ROOT / "engine")
    if relative.parts[0] != "models":
        assert not names & {"torch", "torchvision", "facenet_pytorch"}


@pytest.mark.parametrize("station", STATIONS)
def test_stations_have_no_clock_of_their_own(station: str) -> None:
    files = [path for path in MODULES if path.relative_to(ROOT / "engine").parts[0].removesuffix(".py") == station]
    assert files
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    calls = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not calls & {"now", "utcnow", "today", "monotonic", "perf_counter"}


def test_the_command_starts_without_torch_and_without_networks() -> None:
    code = "import sys; import engine.cli.app; print([m for m in ('torch', 'onnxruntime', 'streamlit') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_house_stays_small() -> None:
    rooms = {path.relative_to(ROOT / "engine").parts[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert len(rooms) <= 36, sorted(rooms)
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (*MODULES, *PAGES)}
    assert {path: length for path, length in lengths.items() if length > 500} == {}
    assert statistics.median(lengths.values()) <= 160


def test_every_room_says_what_belongs_in_it() -> None:
    for path in (ROOT / "engine").glob("*/__init__.py"):
        source = path.read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(source)), path
        assert "__all__" in source, path


def _raised(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Errors that the body of a function raises itself, those of functions within it left out."""
    found, todo = set[str](), list[ast.AST](function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            found.add(node.exc.func.id)
        todo += ast.iter_child_nodes(node)
    return found


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods that others may call."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node)


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if not {"cli", "bench"} & {*path.parts}],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_public_functions_name_what_they_raise(path: Path) -> None:
    missing = [
        f"{node.name} raises {', '.join(sorted(raised))}"
        for node in _public(ast.parse(path.read_text(encoding="utf-8")))
        if (raised := {name for name in _raised(node) if name in ERRORS})
        if "Raises:" not in (ast.get_docstring(node) or "")
    ]
    assert missing == []
