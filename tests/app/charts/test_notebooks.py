"""The notebooks: clean in git, calls into the engine only, and what they tell and write is what the product says."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from command import muster
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from app.charts.notebook import pictures, progress
from engine.attendance import cells
from engine.demo import FPS
from engine.demo.opening import SAMPLE, opened
from engine.demo.sample import prepare_sample
from engine.errors import InputError
from engine.evaluation import clopper_pearson
from engine.imaging import VideoWriter
from engine.operations.reporting import AttendanceReports
from engine.reports import payroll_period, summarise
from engine.sources import VideoSource
from engine.workbench import Workbench

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "notebooks"
NAMES = ("01_threshold_tuning", "02_attendance_explorer", "03_incident_review")
READ_FROM = {"app", "engine", "pandas", "plotly", "ipywidgets", "IPython", *sys.stdlib_module_names}
START = datetime(2030, 1, 7, 8, tzinfo=UTC)
FOLDED = {"jupyter": {"source_hidden": True}}
STATE = "application/vnd.jupyter.widget-state+json"


def read(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code(book: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


# --------------------------------------------------------------------------------------------- as they lie in git


def test_there_are_three() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb"))) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_run_is_kept(name: str) -> None:
    book = read(name)
    nbformat.validate(book)
    assert [cell.id for cell in code(book) if cell.outputs or cell.execution_count is not None] == []
    assert [cell.id for cell in code(book) if cell.metadata not in ({}, FOLDED)] == []
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert book.metadata.kernelspec.name == "python3"
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert not any(
        place in text for place in (str(ROOT), str(Path.home()) + "/", "/home/", "/tmp/", "/Users/", "C:\\\\")
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_function_hides_in_a_cell(name: str) -> None:
    hidden = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    for cell in code(read(name)):
        tree = ast.parse(cell.source)
        assert not [node for node in ast.walk(tree) if isinstance(node, hidden)], cell.source
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {each.partition(".")[0] for each in imported} <= READ_FROM


@pytest.mark.parametrize("name", NAMES)
def test_every_part_says_what_it_answers_how_to_read_it_and_what_to_decide(name: str) -> None:
    cells = read(name).cells
    assert cells[0].cell_type == "markdown"
    asked = [cell.source for cell in cells if "**The question:**" in cell.source]
    assert len(asked) >= 4
    assert [source for source in asked if "**How to read it:**" not in source] == []
    for before, cell in itertools.pairwise(cells):
        if "**The question:**" in before.source:
            assert cell.cell_type == "code"


def test_figures_are_drawn_without_streamlit() -> None:
    modules = ", ".join(f"app.charts.{path.stem}" for path in (ROOT / "app" / "charts").glob("[a-z]*.py"))
    asked = f"import sys, {modules}"
    answer = subprocess.run(
        [sys.executable, "-c", f"{asked}; print('streamlit' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "False"


# --------------------------------------------------------------------------------------------- which workspace


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "notebooks").mkdir()
    prepare_sample(tmp_path / SAMPLE)
    return tmp_path


@pytest.mark.parametrize("folder", [".", "notebooks"])
def test_without_a_name_it_is_the_sample_of_the_project_wherever_the_kernel_runs(project: Path, folder: str) -> None:
    bench = opened({}, project / folder)
    assert (bench.workspace, bench.config.sample) == (project / SAMPLE, True)
    assert opened({"MUSTER_WORKSPACE": ""}, project / folder).workspace == project / SAMPLE


@pytest.mark.parametrize("folder", [".", "notebooks"])
def test_a_relative_name_begins_at_the_project(project: Path, folder: str) -> None:
    (project / "mine").mkdir()
    assert opened({"MUSTER_WORKSPACE": "mine"}, project / folder).workspace == project / "mine"
    assert opened({"MUSTER_WORKSPACE": str(project / "mine")}, project / folder).workspace == project / "mine"


def test_beside_a_project_it_begins_here(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert opened({"MUSTER_WORKSPACE": "mine"}, tmp_path).workspace == tmp_path / "mine"


def test_a_workspace_that_is_not_there_is_not_made(project: Path) -> None:
    with pytest.raises(InputError, match="no workspace"):
        opened({"MUSTER_WORKSPACE": "typo"}, project)
    assert not (project / "typo").exists()


# --------------------------------------------------------------------------------------------- pictures


def test_texts_of_people_are_no_markup_and_paths_lead_nowhere_else(project: Path) -> None:
    bench = opened({}, project)
    (project / "secret.jpg").write_bytes(b"x")
    shown = pictures(
        bench, [("../../secret.jpg", '<img src=x onerror="alert(1)">'), ("images/unknown/gone.jpg", "A & B")]
    ).data
    assert shown is not None
    assert shown.count("no picture") == 2
    assert "<img" not in shown
    assert "&lt;img" in shown
    assert "A &amp; B" in shown


# --------------------------------------------------------------------------------------------- run


@dataclass(frozen=True)
class Run:
    """A notebook that was executed.

    Attributes:
        book: with its outputs.
        told: what was asked of its kernel at the end.
    """

    book: NotebookNode
    told: Any

    @property
    def outputs(self) -> list[NotebookNode]:
        """Of all cells, and of the slider's view."""
        state = self.book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
        inner = [each for model in state.values() for each in model["state"].get("outputs", ())]
        return [each for cell in code(self.book) for each in cell.outputs] + [NotebookNode(each) for each in inner]

    def texts(self) -> str:
        """Everything that is said as text, Markdown or HTML."""
        said = [
            str(each.get("data", {}).get(kind, ""))
            for each in self.outputs
            for kind in ("text/markdown", "text/html", "text/plain")
        ]
        return "\n".join(said)

    @property
    def figures(self) -> list[Any]:
        """As Plotly's JSON."""
        kind = "application/vnd.plotly.v1+json"
        return [each.data[kind] for each in self.outputs if kind in each.get("data", {})]


def run(
    name: str,
    workspace: Path,
    asked: str,
    *,
    folder: Path = FOLDER,
    before: str = "",
    typed: Mapping[str, str] | None = None,
) -> Run:
    """Execute a notebook.

    Args:
        name: of the notebook. workspace: that it opens.
        asked: an expression, of the kernel's variables, that JSON can hold.
        folder: the kernel's.
        before: executed before that.
        typed: what somebody types in the place of what stands in a cell.
    """
    book = read(name)
    for old, new in (typed or {}).items():
        (cell,) = [each for each in code(book) if old in each.source]
        cell.source = cell.source.replace(old, new)
    for source in filter(None, (before, f"import json\nprint(json.dumps({asked}, default=str))")):
        book.cells.append(nbformat.v4.new_code_cell(source))
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / f"{each}.ipynb" for each in ("in", "out")]
        nbformat.write(book, paths[0])
        answer = subprocess.run(
            [sys.executable, ROOT / "tests" / "support" / "execute.py", *paths, folder],
            env={**os.environ, "PYTHONPATH": str(ROOT), "MUSTER_WORKSPACE": str(workspace)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr[-3000:]
        book = nbformat.read(paths[1], as_version=4)
    return Run(book, json.loads(book.cells.pop().outputs[0].text))


def no_warnings(found: Run) -> bool:
    return not [each for each in found.outputs if each.output_type in {"stream", "error"}]


@pytest.fixture(scope="module")
def workspace(sample_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(sample_workspace, tmp_path_factory.mktemp("notebooks") / "sample"))


TUNED = "{'chosen': CHOSEN, 'proposed': report.proposed_threshold, 'before': report.in_force, 'evaluation': report.evaluation_id}"


@pytest.fixture(scope="module")
def tuned(workspace: Path) -> Run:
    return run(NAMES[0], workspace, TUNED, typed={"APPLY = False": "APPLY = True"})


@pytest.fixture(scope="module")
def own(sample_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A workspace in whose notebook somebody moves the slider, and decides nothing."""
    place = Path(shutil.copytree(sample_workspace, tmp_path_factory.mktemp("own") / "own"))
    asked = "{'apply': APPLY, 'counts': notebook.confusion(report, 0.3).to_numpy().tolist()}"
    return place, run(NAMES[0], place, asked, folder=ROOT, before="slider.value = 0.3")


@pytest.mark.models
@pytest.mark.slow
def test_the_threshold_written_is_in_force_with_who_and_why(tuned: Run, workspace: Path) -> None:
    bench = Workbench(workspace)
    found, (version,) = bench.calibration.in_force(), bench.calibration.history()
    assert (found.threshold, found.source) == (tuned.told["chosen"], "calibration")
    assert bench.calibration.threshold() == tuned.told["chosen"] == tuned.told["proposed"] != tuned.told["before"]
    assert (version.previous, version.evaluation_id) == (tuned.told["before"], tuned.told["evaluation"])
    assert version.author
    assert "100,000" in version.reason
    assert version.target == "FMR 1e-05"


@pytest.mark.models
@pytest.mark.slow
def test_what_a_camera_writes_next_was_decided_by_it(tuned: Run, workspace: Path, tmp_path: Path) -> None:
    copy, clip = Path(shutil.copytree(workspace, tmp_path / "copy")), tmp_path / "clip.mp4"
    source = VideoSource(copy / "demo" / "entrance.mp4", "entrance", start=START, fast=True)
    with VideoWriter(clip, FPS) as writer:
        for frame in itertools.islice(source, int(9 * FPS)):  # one person comes
            writer.write(frame.image)
    known = {row.event_id for _, row in Workbench(copy).records.attendance_rows()}
    answer = muster(
        "watch",
        "--source",
        clip,
        "--camera",
        "side",
        "--fast",
        "--start",
        START.isoformat(),
        "--workspace",
        copy,
        PYTHONPATH=str(ROOT),
    )
    assert answer.code == 0, answer.err
    rows = [row for _, row in Workbench(copy).records.attendance_rows() if row.event_id not in known]
    punches = [row for row in rows if row.event == "punch"]
    assert {row.threshold for row in punches} == {round(tuned.told["chosen"], 4)}


@pytest.mark.models
@pytest.mark.slow
def test_counts_sentence_and_faces_follow_the_slider(own: tuple[Path, Run], tuned: Run) -> None:
    place, moved = own
    report = Workbench(place).calibration.report()
    genuine, impostor = report.comparisons.genuine, report.comparisons.impostor
    counts = [
        [int((genuine >= 0.3).sum()), int((genuine < 0.3).sum())],
        [int((impostor >= 0.3).sum()), int((impostor < 0.3).sum())],
    ]
    assert moved.told["counts"] == counts
    assert counts[1][0] > 0
    for found, threshold, wrong in ((tuned, f"{tuned.told['chosen']:.2f}", False), (moved, "0.30", True)):
        (view,) = [
            each for each in found.outputs if f"<b>At {threshold}, " in str(each.get("data", {}).get("text/html"))
        ]
        assert "arriving employees to look again. That makes" in view.data["text/html"], "the sample's traffic is known"
        assert "In a whole passage" in view.data["text/html"]
        accepted = next(
            text for each in found.outputs if "<b>Accepted" in (text := str(each.get("data", {}).get("text/html")))
        )
        assert accepted.count("data:image/jpeg") == 8
        assert ("✗ wrong" in accepted) == wrong


@pytest.mark.models
@pytest.mark.slow
def test_it_draws_what_it_promises_and_nothing_warns(tuned: Run) -> None:
    assert no_warnings(tuned)
    assert len(tuned.figures) == 5
    assert "could only prove a false-match rate below" in tuned.texts()


@pytest.mark.models
@pytest.mark.slow
def test_a_run_of_all_cells_changes_nothing(own: tuple[Path, Run]) -> None:
    place, found = own
    assert found.told["apply"] is False
    assert "Nothing was changed" in found.texts()
    assert not (place / "calibration.json").exists()
    assert Workbench(place).calibration.in_force().source == "derived"


@pytest.fixture(scope="module")
def attended(workspace: Path) -> Run:
    asked = (
        "{'first': first, 'last': last, 'summary': summary.to_dict('records'), 'rows': len(sheet), "
        "'late': int(ranking['late_days'].sum()), 'unclear': unclear[['employee_id', 'date']].values.tolist(), "
        "'day': days[-1], 'written': written.to_dict('records'), 'marks': grid['mark'].tolist()}"
    )
    return run(NAMES[1], workspace, asked, folder=ROOT)


@pytest.mark.models
@pytest.mark.slow
def test_an_exported_page_has_the_figures_and_asks_no_server(attended: Run) -> None:
    page, _ = HTMLExporter(exclude_input=True).from_notebook_node(attended.book)
    assert len(attended.figures) >= 5
    assert len(re.findall(r"Plotly\.newPlot\(", page)) >= len(attended.figures)
    assert "plotly.js v" in page  # the library itself
    assert not re.search(r"<script[^>]+src=.https?://[^>]*plotly", page)


@pytest.mark.models
@pytest.mark.slow
def test_its_numbers_are_those_of_the_reports(attended: Run, workspace: Path) -> None:
    told, reports = attended.told, AttendanceReports(Workbench(workspace))
    first, last = (date.fromisoformat(told[key]) for key in ("first", "last"))
    rows = reports.rows(first, last)
    assert told["rows"] == len(rows) > 300
    assert told["late"] == sum(row.late is True for row in rows) > 0
    unclear = {"missing out", "missing in", "not identified", "not covered"}
    assert told["unclear"] == [[row.employee_id, row.day.isoformat()] for row in rows if row.status in unclear]
    assert told["unclear"]
    summary = json.loads(json.dumps(summarise(rows, payroll_period(first, last)), default=str))
    assert told["summary"] == summary


@pytest.mark.models
@pytest.mark.slow
def test_a_day_of_the_files_is_the_day_of_the_reports(attended: Run, workspace: Path) -> None:
    day = date.fromisoformat(attended.told["day"])
    rows = AttendanceReports(Workbench(workspace)).rows(day, day)
    assert [
        {key: str(cells(row)[key]) for key in written}
        for row, written in zip(rows, attended.told["written"], strict=True)
    ] == [{key: written[key] for key in written} for written in attended.told["written"]]


@pytest.mark.models
@pytest.mark.slow
def test_every_status_has_its_letter_and_nothing_warns(attended: Run) -> None:
    assert no_warnings(attended)
    assert len(attended.figures) == 10, "without a reason, people are not compared by name"
    assert "people are not compared by name here" in str(attended.book)
    assert {mark for mark in attended.told["marks"] if len(mark) > 2} == set()


@pytest.fixture(scope="module")
def reviewed(workspace: Path) -> Run:
    asked = (
        "{'judged': judged.to_dict('records'), 'rates': by_hour.to_dict('records'), 'first': first, 'last': last, "
        "'strangers': [each.unknown_id for each in dossiers], 'passages': len(passages), 'visits': len(visits)}"
    )
    return run(NAMES[2], workspace, asked)


@pytest.mark.models
@pytest.mark.slow
def test_false_alarms_are_those_that_people_said(reviewed: Run, workspace: Path) -> None:
    rows = Workbench(workspace).records.incident_rows()
    said = {row.refers_to: row.state for row in rows if row.kind == "review"}
    kinds = {row.incident_id: row.kind for row in rows if row.incident_id in said}
    settled = Counter(kinds[key] for key in said)
    false = Counter(kinds[key] for key, state in said.items() if state == "false alarm")
    assert false.total() > 0
    for row in reviewed.told["judged"]:
        hits, trials = false[row["kind"]], settled[row["kind"]]
        assert (row["false alarms"], row["settled"]) == (hits, trials)
        assert (row["low"], row["high"]) == pytest.approx(clopper_pearson(hits, trials))
    assert {row["kind"] for row in reviewed.told["judged"]} == {"unknown", "tailgating", "presentation_attack"}


@pytest.mark.models
@pytest.mark.slow
def test_every_alert_has_its_hour_and_every_stranger_a_dossier(reviewed: Run, workspace: Path) -> None:
    bench = Workbench(workspace)
    within = [
        each
        for each in bench.alerts.all()
        if reviewed.told["first"] <= each.row.timestamp.date().isoformat() <= reviewed.told["last"]
    ]
    assert sum(row["alerts"] for row in reviewed.told["rates"]) == len(within) > 10
    assert reviewed.told["strangers"] == [each.unknown_id for each in bench.office.dossiers()]
    kinds = Counter(each.row.kind for each in within)
    assert (reviewed.told["passages"], reviewed.told["visits"]) == (kinds["tailgating"], kinds["unknown"])


@pytest.mark.models
@pytest.mark.slow
def test_it_shows_the_stranger_and_the_latest_passage_and_nothing_warns(reviewed: Run) -> None:
    assert no_warnings(reviewed)
    assert len(reviewed.figures) == 4
    assert reviewed.texts().count("data:image/jpeg") == 1 + 3


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_workspace_with_nothing_in_it_is_shown_as_that(name: str, tmp_path: Path) -> None:
    found = run(name, tmp_path, "len(bench.gallery.current())")
    assert found.told == 0
    assert no_warnings(found)
    assert list(tmp_path.iterdir()) == []


def test_what_a_long_cell_does_is_shown_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    handle = SimpleNamespace(update=lambda content: told.append(str(content.data)))
    monkeypatch.setattr("app.charts.notebook.display", lambda *_, **__: handle)
    with progress("opening <b>") as step:
        for number in range(1, 101):
            step("drawing", number, 100)
    assert told[0].strip() == "opening &lt;b&gt;"
    assert told[-2] == '<progress max="100" value="100"></progress> drawing'
    assert told[-1] == ""
    assert len(told) < 50, "a page is not drawn anew for each step"
