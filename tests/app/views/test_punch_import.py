"""The import of punches on the attendance page: preview, questions about unknown ids and words, and what the person's page shows."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest

from app.web import viewer
from engine.people import Person
from engine.workbench import Workbench

DAY = (datetime.now(UTC) - timedelta(days=3)).date()
LOG = "".join(
    f"{who:>9}\t{DAY} {clock}:00\t1\t{state}\t1\t0\r\n"
    for who in (17, 18)
    for clock, state in (("08:55", 0), ("17:30", "x"))
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    bench = bench_of(tmp_path, monkeypatch)
    bench.people.put_all([Person("17", "Ada Lovelace"), Person("E2", "Ben <i>Ode</i>")])
    return bench


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def test_an_import_asks_for_unknown_ids_and_words(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", place.workspace, monkeypatch, "hr")
    press(page, "Import punches")
    page.file_uploader(key="import_punches").set_value(("attlog.dat", LOG.encode(), "text/plain"))
    press(page, "Import punches")
    assert {"Unknown ids", "Unknown directions"} <= {each.value for each in page.subheader}
    assert page.button(key="import_apply").label == "Import the rest"
    next(each for each in page.selectbox if each.label == "18 (1)").set_value("E2")
    press(page, "Import punches")
    next(each for each in page.selectbox if each.label == "x (2)").set_value("out")
    press(page, "Import punches")
    assert page.button(key="import_apply").label == "Import"
    assert "Nothing is saved yet." in texts(page)
    assert place.attendance.log.days() == []
    page.button(key="import_apply").click()
    press(page, "Import punches")
    rows = place.attendance.log.read(DAY)
    assert sorted((row.employee_id, row.direction, f"{row.timestamp:%H:%M}") for row in rows) == [
        ("17", "in", "08:55"),
        ("17", "out", "17:30"),
        ("E2", "in", "08:55"),
        ("E2", "out", "17:30"),
    ]
    query = {"person": "E2", "day": DAY.isoformat()}
    shown = texts(open_page("attendance", place.workspace, monkeypatch, "hr", query=query))
    assert shown.count("imported, no picture") == 2
    assert "Imported, recorded by terminal 1" in shown


def test_whoever_may_only_look_imports_nothing(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", place.workspace, monkeypatch, "viewer")
    assert "Import punches" not in {button.label for button in page.button}


def _speak(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    """AppTest formats choices outside of the page's run."""
    monkeypatch.setattr(viewer, "current", ContextVar("viewer", default=viewer.Viewer(language)))  # noqa: B039 - it is frozen


def test_what_is_wrong_is_told_in_the_readers_language(place: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns of a log without headings, lines that are none, and ids that are nearly somebody's."""
    _speak(monkeypatch, "de")
    log = f"17\t{DAY} 07:00:00\t1\t0\ne02\t{DAY} 08:00:00\t1\t0\n17\t{DAY} 08:00:00\t1\t0\nE2 08:00\n17\tx\t1\t0\n"
    page = open_page("attendance", place.workspace, monkeypatch, "hr", language="de")
    press(page, "Buchungen importieren")
    page.file_uploader(key="import_punches").set_value(("attlog.dat", log.encode(), "text/plain"))
    press(page, "Buchungen importieren")
    told = next(table.value for table in page.dataframe if "Spalte" in table.value)
    assert set(told["Spalte"]) == {"Personalnummer", "Zeit"}
    assert any("„E2 08:00“ ist keine Zeile eines Terminals" in text for text in told["Hinweis"])
    assert any("Meinten Sie E2?" in text for text in told["Hinweis"])
    labels = [each.label.replace("\\", "") for each in page.selectbox]
    assert any(label.startswith("e02 (1) · Meinten Sie E2") for label in labels), labels
    assert page.text_input(key="import_punches-column-id").placeholder == "Personalnummer"


@pytest.mark.parametrize("language", ["en", "de"])
def test_headings_that_the_page_names_are_understood(
    place: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str
) -> None:
    _speak(monkeypatch, language)
    page = open_page("attendance", place.workspace, monkeypatch, "hr", language=language)
    press(page, "Import punches" if language == "en" else "Buchungen importieren")
    page.file_uploader(key="import_punches").set_value(("attlog.dat", LOG.encode(), "text/plain"))
    press(page, "Import punches" if language == "en" else "Buchungen importieren")
    names = {
        name: page.text_input(key=f"import_punches-column-{name}").placeholder
        for name in ("id", "date", "time", "state", "datetime")
    }
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text(
        f"{names['id']},{names['date']},{names['time']},{names['state']}\n17,{DAY},08:00,0\n", encoding="utf-8"
    )
    two.write_text(f"{names['id']},{names['datetime']}\n17,{DAY} 08:00\n", encoding="utf-8")
    assert [len(place.punches.import_file(path, author="hr", dry_run=True).added) for path in (one, two)] == [1, 1]
