"""Exceptions of the Attendance page one after the other: each key writes one correction, and the next day is asked about."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest

from engine.attendance import Correction, DaySheet
from engine.demo.sample import fill, prepare_sample
from engine.workbench import Workbench

FIRST, LAST = date(2025, 2, 17), date(2025, 3, 14)
ADDRESS = {"from": f"{FIRST}", "to": f"{LAST}", "view": "settle"}
OPEN = {"missing out", "missing in", "not covered", "not identified", "absent", "long day"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("made")
    prepare_sample(workspace)
    fill(Workbench(workspace, clock=lambda: datetime(2025, 3, 14, 18, 0, tzinfo=UTC)), 14, 30, LAST)
    return workspace


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "w"))


def of(page: AppTest, key: str) -> object:
    return next((each for each in page.button if (each.key or "").startswith(f"attendance-settle-{key}")), None)


def press(page: AppTest, shortcut: str) -> AppTest:
    return next(each for each in page.button if each.proto.shortcut.upper() == shortcut).click().run()


def because(page: AppTest, reason: str) -> None:
    next(each for each in page.button_group if each.key == "attendance-settle-reason").set_value(reason).run()


def rows(bench: Workbench) -> dict[tuple[str, date], DaySheet]:
    found = bench.attendance.sheets.between(FIRST, LAST, bench.people.known())
    return {(row.employee_id, row.day): row for row in found}


def made_by_hr(bench: Workbench) -> list[Correction]:
    return [each for each in bench.attendance.corrections.about_days(FIRST, LAST) if each.author == "hr"]


def test_the_page_leads_to_them_and_asks_about_as_many_as_it_says(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_of(workspace, monkeypatch)
    open_days = {key for key, row in rows(bench).items() if (row.cause or str(row.status)) in OPEN}
    page = open_page(
        "attendance", workspace, monkeypatch, "hr", query={k: v for k, v in ADDRESS.items() if k != "view"}
    )
    begin = next(each for each in page.button if each.key == "attendance-settle-begin")
    count = int(begin.label.split()[1])
    assert count >= len(open_days) > 5
    begin.click().run()
    assert not page.exception
    assert f"1 of {count}" in texts(page)


def test_a_day_is_settled_and_the_next_one_asked_about(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=ADDRESS)
    bench = bench_of(workspace, monkeypatch)
    assert of(page, "status-K").disabled, "a reason is missing"
    because(page, "told by the person")
    before = rows(bench)
    press(page, "K")
    assert "2 of" in texts(page)
    (row,) = made_by_hr(bench)
    assert (row.action, row.value, row.reason) == ("status", "sick", "told by the person")
    assert rows(bench)[row.employee_id, row.day].corrected_by == "hr"
    assert before[row.employee_id, row.day].corrected_by == ""
    assert not of(page, "status-K").disabled, "the reason stays"
    press(page, "S")
    assert "3 of" in texts(page)
    assert len(made_by_hr(bench)) == 1


def test_what_was_decided_by_mistake_is_taken_back(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=ADDRESS)
    bench = bench_of(workspace, monkeypatch)
    because(page, "told by the manager")
    press(page, "X")
    press(page, "U")
    assert "1 of" in texts(page)
    first, second = made_by_hr(bench)
    assert (second.action, second.refers_to) == ("revoke", first.correction_id)
    assert rows(bench)[first.employee_id, first.day].corrected_by == ""


def test_a_missing_departure_is_added_at_the_planned_time(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=ADDRESS)
    bench = bench_of(workspace, monkeypatch)
    because(page, "document seen")
    while not any(
        (each.key or "") == "attendance-settle-add-D" and each.proto.type == "primary" for each in page.button
    ):
        press(page, "S")
    assert of(page, "add-A") is None, "they did arrive"
    press(page, "D")
    (row,) = made_by_hr(bench)
    sheet = rows(bench)[row.employee_id, row.day]
    assert (row.action, row.direction, row.time) == ("add", "out", sheet.planned_out)
    bench.office.correct(row.employee_id, row.day, "approve", author="boss", reason="asked them")
    sheet = rows(bench)[row.employee_id, row.day]
    assert sheet.cause == ""
    assert sheet.last_out == sheet.planned_out


def test_a_correction_that_waits_is_approved_or_revoked(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(workspace, monkeypatch)
    waiting = {key for key, row in rows(bench).items() if row.pending is not None}
    assert waiting, "the sample has some"
    page = open_page("attendance", workspace, monkeypatch, "hr", query=ADDRESS)
    because(page, "told by the manager")
    while of(page, "approve-Y") is None:
        press(page, "S")
    assert of(page, "status-K") is None, "first it must be said whether the correction holds"
    press(page, "Y")
    (row,) = made_by_hr(bench)
    assert (row.action, (row.employee_id, row.day) in waiting) == ("approve", True)
    assert rows(bench)[row.employee_id, row.day].approved_by == "hr"


def test_what_cannot_be_written_stays_and_says_why(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=ADDRESS)
    bench = bench_of(workspace, monkeypatch)
    because(page, "told by the person")
    monkeypatch.setattr("engine.attendance.corrections.EXCUSES", ("present",))  # as an older engine would
    press(page, "K")
    assert "is no status" in texts(page)
    assert "1 of" in texts(page)
    assert made_by_hr(bench) == []


@pytest.mark.parametrize("role", ["viewer", "security"])
def test_who_may_not_correct_is_not_led_there(role: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, role, query=ADDRESS)
    assert all("settle" not in (each.key or "") for each in page.button)


def test_an_empty_period_says_so(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page(
        "attendance", workspace, monkeypatch, "hr", query={"from": "2024-01-06", "to": "2024-01-07", "view": "settle"}
    )
    assert "No decisions needed" in texts(page)
