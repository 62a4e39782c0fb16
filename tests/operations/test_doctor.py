"""The check-up names what is wrong, and what mends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paperwork import bench, enrol, face

from engine.attendance import Span
from engine.operations.doctor import Check, examine
from engine.types import Person
from engine.workbench import Workbench


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
    Workbench(tmp_path).pins.put("E1", "482913", datetime(2026, 11, 23, tzinfo=UTC))
    assert "people without templates" not in rows(tmp_path)  # they chose another way


SHIFTS = """
[shifts.office]
start = 09:00:00
end = 17:00:00
departments = ["Sales"]
[shifts.typo]
start = 09:00:00
end = 17:00:00
departments = ["Laab"]
[shifts.spare]
start = 12:00:00
end = 20:00:00
assigned_only = true
"""


def test_shifts_for_nobody_and_people_without_a_shift_are_named(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text(SHIFTS)
    workbench = Workbench(tmp_path)
    workbench.people.put_all(
        [
            Person("E1", "Ann", "SALES "),
            Person("E2", "Ben", "Lab"),
            Person("E3", "Cem"),
            Person("E4", "Dan", active=False),
        ]
    )
    found = rows(tmp_path)
    assert (found["shifts for nobody"].found, found["shifts for nobody"].ok) == ("typo, spare", False)
    assert found["people without a shift"].found == "Lab (1), no department (1)"
    workbench.staff.change("E2", author="hr", shift="spare")
    workbench.staff.change("E3", author="hr", department="sales")
    found = rows(tmp_path)
    assert found["shifts for nobody"].found == "typo"
    assert "people without a shift" not in found
    (tmp_path / "muster.toml").write_text(SHIFTS.replace("spare", "late"))
    assert rows(tmp_path)["assigned shifts"].found == "not in the settings: spare"


def test_a_list_that_was_edited_by_hand_is_named(tmp_path: Path) -> None:
    workbench = bench(tmp_path)
    workbench.people.put(Person("E1", "Ann", "Sales"))
    workbench.staff.change("E1", author="hr", department="Lab")
    assert "people.csv" not in rows(tmp_path)
    path = tmp_path / "people.csv"
    path.write_text(path.read_text().replace("Lab", "Shop"))
    assert "E1" in rows(tmp_path)["people.csv"].found


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
