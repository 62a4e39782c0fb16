"""The Confirm page: faces side by side, answered one after the other; a confirmed picture is added only when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from near_line import near_line
from pages import open_page, texts

from engine.workbench import Workbench

pytestmark = pytest.mark.models


@pytest.fixture
def place(bench: Workbench, samples: Path) -> Workbench:
    near_line(bench, samples)
    return bench


def test_faces_are_answered_by_button_one_after_the_other(
    place: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = place.confirm.questions()
    assert asked
    page = open_page("confirm", tmp_path, monkeypatch, "security")
    assert not page.exception
    assert f"1 of {len(asked)}" in texts(page)
    assert "Is this Mindy Kaling?" in texts(page)
    assert texts(page).count("data:image/jpeg;base64,") == 2
    assert page.button(key="confirm-no").label == "No, take the passage back"
    keys = {each.key: each.proto.shortcut for each in page.button if each.key}
    assert {keys[f"confirm-{word}"].upper() for word in ("yes", "no", "unsure", "skip")} == {"Y", "N", "U", "S"}
    page.button(key="confirm-yes").click().run()
    assert "Recorded: this is Mindy Kaling." in texts(page)
    assert [(row.answer, row.author) for row in place.answers.rows()] == [("yes", "security")]
    assert len(place.gallery.current().templates) == 3
    assert "Of 1 answer near the line" in texts(page)
    page.button(key="confirm-template").click().run()
    assert "4 templates now" in texts(page)
    for _ in asked[1:]:
        page.button(key="confirm-skip").click().run()
    assert "All questions are answered" in texts(page)
    assert len(place.answers.rows()) == 1


def test_a_no_takes_the_passage_back(place: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("confirm", tmp_path, monkeypatch, "security", language="de")
    assert page.button(key="confirm-no").label == "Nein, Durchgang zurücknehmen"
    page.button(key="confirm-no").click().run()
    assert "Der Durchgang wurde zurückgenommen." in texts(page)
    assert [row.refers_to != "" for _, row in place.records.attendance_rows() if row.event == "retract"][:1] == [True]


def test_only_security_and_administrators_confirm(
    place: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("hr", "viewer"):
        page = open_page("confirm", tmp_path, monkeypatch, role)
        assert "data:image" not in texts(page)
        assert not page.button
    assert place.answers.rows() == []


def test_without_questions_it_says_so(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.confirm.questions() == []
    assert "No face is near the threshold" in texts(open_page("confirm", tmp_path, monkeypatch, "security"))
