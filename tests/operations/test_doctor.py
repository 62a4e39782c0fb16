"""The check-up names what is wrong, and what mends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paperwork import bench, enrol, face

from engine.attendance import Span
from engine.operations.doctor import Check, examine


def rows(workspace: Path, *sources: str) -> dict[str, Check]:
    return {check.what: check for check in examine(workspace, sources, thorough=False)}


def test_a_line_says_what_was_found_and_what_to_do() -> None:
    assert Check("disk", "full", False, "free space").line == "full → free space"
    assert Check("disk", "fine").line == "fine"


def test_an_empty_workspace_is_well_but_for_what_is_not_there(tmp_path: Path) -> None:
    found = rows(tmp_path)
    assert found["python"].ok
    assert found["workspace"].ok
    assert found["people"].found.startswith("0 listed, 0 with templates")
    assert not (tmp_path / "people.csv").exists(), "looking makes nothing"


def test_missing_models_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "no-cache"))
    found = rows(tmp_path)
    assert not found["model facenet-ms1m-128"].ok
    assert "muster models fetch" in found["model facenet-ms1m-128"].found
    assert found["model facenet-vggface2-512"].ok, "it is not in use"


def test_people_without_templates_and_templates_without_people_are_named(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    enrol(workbench, "E1", "Ann")
    enrol(workbench, "E2", "Ben", face(1, 0))
    workbench.people.remove("E2")
    found = rows(tmp_path)
    assert (found["people without templates"].found, found["people without templates"].ok) == ("E1", False)
    assert found["people without templates"].hint == "enrol them"
    assert "E2" in found["templates without a person"].found


def test_settings_that_make_no_sense_are_one_row(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text("timezone = 'Nowhere'")
    found = rows(tmp_path)
    assert not found["workspace"].ok
    assert "Nowhere" in found["workspace"].found
    assert found["workspace"].hint


def test_a_camera_that_gives_no_picture_is_named(tmp_path: Path) -> None:
    found = rows(tmp_path, str(tmp_path / "none.mp4"))
    assert not found[f"camera {tmp_path / 'none.mp4'}"].ok


def test_a_turned_camera_is_a_fault_and_grey_faces_are_a_fact(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    book, now = workbench.attendance.plan.coverage, datetime.now(UTC)
    assert book is not None
    for name, detail in (("door", "rotate=180 grey=0/3"), ("yard", "grey=5/10"), ("gate", "grey=1/200")):
        book.record(Span(name, now - timedelta(minutes=1), now, "running", detail))
    found = rows(tmp_path)
    assert (found["pictures of camera door"].ok, "rotate = 180" in found["pictures of camera door"].hint) == (
        False,
        True,
    )
    assert (found["light of camera yard"].ok, "50%" in found["light of camera yard"].found) == (True, True)
    assert {name for name in found if " of camera " in name} == {"pictures of camera door", "light of camera yard"}
