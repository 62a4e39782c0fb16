"""The house's rules that can be read off the source: layers, no pickle, no clock in stations, torch in one place."""

from __future__ import annotations

import ast
import re
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


def test_every_dialog_and_fragment_is_guarded() -> None:
    """Streamlit runs them again without the page around them: unguarded, they would lose the language and show tracebacks."""
    opened = re.compile(r"^(?:st\.)?(?:dialog|fragment)\b")
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in PAGES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(opened.match(ast.unparse(each)) for each in node.decorator_list)
        and "parts.guarded" not in map(ast.unparse, node.decorator_list)
    ]
    assert bare == []


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


# ----------------------------------------------------------------------------------------- rows are values

EDGE = ("engine/storage", "engine/postgres")
"""Rooms that read and write cells as text, because a file and a table hold nothing else."""

READERS = {
    "engine/people/leave.py": "leave.csv is edited by hand, and lines that cannot be read must stay",
    "engine/people/store.py": "people.csv is edited by hand, and may lack columns",
    "engine/people/tables.py": "tables of other programs",
    "engine/privacy/erasure.py": "looks for an id in exported day sheets",
    "engine/records/bundle.py": "rows of the log as they are written, seals included",
    "engine/reports/month.py": "sums of a table that is about to be printed",
    "engine/tuning/assessment.py": "pairs of photos in a table of another program",
}
"""Modules that read a file of their own, and hand out values."""

VOCABULARIES = {
    ("app/charts/people.py", "names"): "labels by value",
    ("app/charts/tables.py", "stays"): "names by id",
    ("app/kiosk/words.py", "table"): "texts by English text",
    ("app/kiosk/words.py", "pairing_words"): "texts by English text",
    ("app/live/session.py", "LiveSession.__init__"): "words by word",
    ("engine/operations/recording.py", "names_in"): "names by id",
    ("engine/operations/recording.py", "overlay"): "words by word",
    ("app/ui/parts.py", "choice"): "labels by value",
    ("app/views/alerts/decisions.py", "decide"): "states by incident",
    ("app/views/attendance/drawn.py", "of_person"): "names by id",
    ("app/views/leave/words.py", "part_names"): "labels by value",
    ("app/words/terms.py", "TERMS"): "words by word",
    ("engine/access/devices.py", "SCOPES"): "descriptions by scope",
    ("engine/config/__init__.py", "parse_config"): "secrets by name",
    ("engine/config/__init__.py", "problems_of"): "secrets by name",
    ("engine/config/hidden.py", "read_secrets"): "secrets by name",
    ("engine/config/hidden.py", "with_secrets"): "secrets by name",
    ("engine/operations/camera_trial.py", "webcams"): "names by number",
    ("engine/records/secret_keeping.py", "Hiding.__init__"): "secrets by name",
    ("engine/records/secret_keeping.py", "write_secrets"): "secrets by name",
    ("engine/attendance/explain.py", "Part"): "values to put into a sentence",
    ("engine/attendance/log.py", "PunchLog.__init__"): "directions by camera",
    ("engine/attendance/sheets.py", "Plan"): "directions by camera",
    ("engine/demo/opening.py", "opened"): "environment variables",
    ("engine/enrolment/drafts.py", "EnrolmentReport"): "reasons by photo",
    ("engine/imaging/drawing.py", "WORDS"): "words by word",
    ("engine/imaging/drawing.py", "draw_tracks"): "names by id, words by word",
    ("engine/imaging/drawing.py", "person_marks"): "names by id, words by word",
    ("engine/incidents/dossiers.py", "Register"): "current identifiers by former ones",
    ("engine/incidents/notifications/rules.py", "Message"): "what a template may name",
    ("engine/masking.py", "veiled"): "variables of the environment by name",
    ("engine/models/registry.py", "MTCNN_WEIGHTS"): "digests by file",
    ("engine/operations/overview.py", "versions"): "versions by package",
    ("engine/people/clock_files.py", "ClockFile"): "headings by field",
    ("engine/people/clock_files.py", "read_clock_file"): "headings by field",
    ("engine/people/clock_files.py", "read_ids"): "employee ids by ids of a terminal",
    ("engine/people/kinds.py", "LeaveKinds.with_words"): "kinds by word",
    ("engine/people/leave_import.py", "import_calendar"): "kinds by word",
    ("engine/people/leave_import.py", "import_table"): "kinds by word",
    ("engine/people/leave_import.py", "mapped_kinds"): "kinds by word",
    ("engine/people/store.py", "PeopleStore.names"): "names by id",
    ("engine/people/tables.py", "with_columns"): "headings by field",
    ("engine/records/leave_desk.py", "LeaveDesk.import_file"): "kinds by word",
    ("engine/records/punch_rows.py", "ReadingOfPunches"): "ids, headings by field",
    ("engine/records/names.py", "replaced"): "words by word",
    ("engine/reports/columns.py", "COLUMNS"): "headings by column",
    ("engine/reports/columns.py", "SUMMARY_COLUMNS"): "headings by column",
    ("engine/reports/muster_list.py", "MUSTER_COLUMNS"): "headings by column",
    ("engine/reports/punches.py", "attlog"): "ids of a terminal by employee id",
    ("engine/tuning/grouping.py", "assess_groups"): "groups by person",
    ("engine/tuning/grouping.py", "read_groups"): "groups by person",
    ("engine/tuning/reading.py", "LabelledPhotos"): "reasons by photo",
    ("engine/tuning/replay/changes.py", "Past.__init__"): "directions by camera",
    ("engine/tuning/replay/rules.py", "DoorRules.__init__"): "directions by camera",
    ("engine/types.py", "spellings"): "departments by their form to compare",
}
"""Public mappings of texts that are no rows: what they hold, by module and name."""

_ROWS = {"row", "rows", "incident", "cells", "each", "entry", "seen", "raw"}


def _holds_texts(annotation: ast.AST | None) -> bool:
    """Return whether an annotation contains a mapping of texts to texts."""
    return annotation is not None and any(
        isinstance(node, ast.Subscript)
        and ast.unparse(node.value).rpartition(".")[2] in {"dict", "Mapping", "MutableMapping"}
        and ast.unparse(node.slice).strip("()") == "str, str"
        for node in ast.walk(annotation)
    )


def _doors(tree: ast.Module) -> Iterator[tuple[str, ast.AST | None]]:
    """Every public name of a module with the annotations that cross its door, and aliases of mappings."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target), node.annotation
        elif isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0]), node.value
        elif isinstance(node, ast.ClassDef):
            yield from ((node.name, each.annotation) for each in node.body if isinstance(each, ast.AnnAssign))
        for function in [node, *(node.body if isinstance(node, ast.ClassDef) else ())]:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                name = function.name if function is node else f"{getattr(node, 'name', '')}.{function.name}"
                yield name, function.returns
                arguments = function.args
                for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                    yield name, each.annotation


def _looked_up(tree: ast.Module) -> Iterator[str]:
    """Cells that are looked up by the name of a column in something that is called a row."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            mapping, key = node.value, node.slice
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and node.args
        ):
            mapping, key = node.func.value, node.args[0]
        else:
            continue
        name = ast.unparse(mapping).rpartition(".")[2]
        if name in _ROWS and isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield ast.unparse(node)


def _inside(path: Path) -> bool:
    place = path.relative_to(ROOT).as_posix()
    return not place.startswith(EDGE) and place not in READERS


INSIDE = [path for path in (*MODULES, *PAGES) if _inside(path)]


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_row_of_texts_crosses_a_door(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    crossing = [
        name
        for name, annotation in _doors(tree)
        if _holds_texts(annotation)
        and (place, name) not in VOCABULARIES
        and not (name.rpartition(".")[2].startswith("_") and not name.endswith("__init__"))
    ]
    assert crossing == []
    assert list(_looked_up(tree)) == []


def test_a_row_of_texts_would_be_found() -> None:
    tree = ast.parse(
        "Row = Mapping[str, str]\n"
        "class Case:\n"
        "    rows: Sequence[Mapping[str, str]]\n"
        "    def first(self, rows: list[dict[str, str]]) -> dict[str, str]:\n"
        "        return {'a': rows[0]['b'], 'c': self.row['c'], 'd': row.get('d', '')}\n"
    )
    assert [name for name, annotation in _doors(tree) if _holds_texts(annotation)] == [
        "Row",
        "Case",
        "Case.first",
        "Case.first",
    ]
    assert sorted(_looked_up(tree)) == ["row.get('d', '')", "self.row['c']"]


def test_exceptions_are_still_needed() -> None:
    known = {(path, name) for path, name in VOCABULARIES}
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (*MODULES, *PAGES)
        for name, annotation in _doors(ast.parse(path.read_text(encoding="utf-8")))
        if _holds_texts(annotation)
    }
    assert known - found == set()
    assert [path for path in READERS if not (ROOT / path).is_file()] == []
