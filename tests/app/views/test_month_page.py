"""The month page: people × days, filters, exceptions in groups, one decision for many days, closing; by role and language."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest

from app.views.month import filters, grid
from app.views.month.filters import MonthFilter
from app.web import viewer
from engine.attendance import DaySheet
from engine.demo.sample import fill, prepare_sample
from engine.operations.reporting import AttendanceReports
from engine.reports import open_groups, summarise
from engine.workbench import Workbench

FIRST, LAST = date(2025, 2, 1), date(2025, 2, 28)
FEBRUARY = {"from": "2025-02-01"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen people over twelve weeks, the last of which ends in March."""
    workspace = tmp_path_factory.mktemp("made")
    prepare_sample(workspace)
    fill(Workbench(workspace, clock=lambda: datetime(2025, 3, 20, 9, 20, tzinfo=UTC)), 14, 60, date(2025, 3, 14))
    return workspace


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "w"))


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    token = viewer.current.set(viewer.Viewer("en", "light", ""))
    yield
    viewer.current.reset(token)


def sheet(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> list[DaySheet]:
    return AttendanceReports(bench_of(workspace, monkeypatch)).rows(FIRST, LAST)


def pressed(page: AppTest, label: str) -> AppTest:
    return next(each for each in page.button if each.label == label).click().run()


def test_the_grid_shows_every_day_and_the_sums_of_the_report(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sheet(workspace, monkeypatch)
    shown = grid.values(rows, MonthFilter(FIRST, LAST), date(2025, 3, 20))
    assert [day[1] for day in shown["days"]] == list(range(1, 29))
    assert [day[3] for day in shown["days"][:3]] == ["q-off", "q-off", ""], "1 February 2025 is a Saturday"
    sums = {row["employee_id"]: row for row in summarise(rows)}
    assert [person["id"] for person in shown["people"]] == list(sums)
    for person in shown["people"]:
        row = sums[person["id"]]
        assert person["totals"][:2] == [f"{row['hours']:,.2f}", f"{row['planned_hours']:,.2f}"]
    cells = {(row.employee_id, row.day.day): row for row in rows}
    for person in shown["people"]:
        for number, cell in enumerate(person["cells"], 1):
            day = cells.get((person["id"], number))
            if day is None:
                assert cell == 0
                continue
            assert shown["statuses"][cell[0]][2] == day.status
            assert (cell[1] == "") == (day.hours is None)
            assert abs(float(cell[1] or 0) - (day.hours or 0)) < 0.0501
    assert shown["present"][2] == sum(row.present for row in rows if row.day == date(2025, 2, 3))


def test_every_status_has_a_letter_of_its_own_in_both_languages() -> None:
    for language in ("en", "de"):
        viewer.current.set(viewer.Viewer(language, "light", ""))
        found = [grid.letter(word) for word in grid._LETTERS]
        assert all(0 < len(each) <= 2 for each in found)
        alike = 1 if language == "en" else 0  # on time and present are both P
        assert len(set(found)) == len(found) - alike, found
    viewer.current.set(viewer.Viewer("en", "light", ""))


@pytest.mark.parametrize("kind", list(filters.KINDS))
def test_a_kind_keeps_the_people_who_have_such_a_day(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    rows = sheet(workspace, monkeypatch)
    kept = MonthFilter(FIRST, LAST, kind=kind).of_kind(rows)
    who = {row.employee_id for row in rows if filters.KINDS[kind](row)}
    assert {row.employee_id for row in kept} == who
    assert len(kept) == sum(row.employee_id in who for row in rows), "with all their days"
    page = open_page("month", workspace, monkeypatch, "hr", query={**FEBRUARY, "kind": kind})
    assert not page.exception
    assert (f'<strong class="m-quiet">{len(who)}<' in texts(page)) or ("No one matches" in texts(page) and not who)


def test_the_page_in_german_and_for_whoever_may_only_look(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("month", workspace, monkeypatch, "viewer", query=FEBRUARY)
    assert not page.exception
    assert "February 2025" in texts(page)
    assert not [each for each in page.expander if "Close" in each.label]
    page = open_page("month", workspace, monkeypatch, "hr", language="de", query=FEBRUARY)
    assert "Februar 2025" in texts(page)
    assert "Diesen Monat abschließen" in [each.label for each in page.expander]


def test_groups_are_settled_with_one_reason(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_groups(sheet(workspace, monkeypatch))
    first = before[0]
    page = open_page("month", workspace, monkeypatch, "hr", query={**FEBRUARY, "view": "open"})
    assert not page.exception
    assert page.dataframe[0].value["days"].tolist() == [len(group.rows) for group in before]
    save = next(each for each in page.button if each.key == "month-bulk-save")
    assert save.disabled
    page.selectbox(key=f"month-bulk-action-{first.kind}").select("status").run()
    page.selectbox(key="month-bulk-status").select("excused").run()
    page.text_input(key="month-bulk-reason").input("camera replaced").run()
    next(each for each in page.button if each.key == "month-bulk-save").click().run()
    assert not page.exception
    rows = {(row.employee_id, row.day): row for row in sheet(workspace, monkeypatch)}
    for row in first.rows:
        now = rows[row.employee_id, row.day]
        assert now.pending is not None, "it holds once somebody else approves it"
        assert (now.pending.status, now.corrected_by, now.correction_reason) == ("excused", "hr", "camera replaced")
    assert first.kind not in {group.kind for group in open_groups(rows.values()) if group.day == first.day}


def test_a_month_is_closed_and_reopened_on_the_page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("month", workspace, monkeypatch, "hr", query=FEBRUARY)
    close = next(each for each in page.button if each.label == "Close February 2025")
    assert close.disabled, "days are open"
    page.checkbox(key="month-close-anyway").check().run()
    page = pressed(page, "Close February 2025")
    assert not page.exception
    bench = bench_of(workspace, monkeypatch)
    held = bench.months.required(FIRST, LAST)
    assert held.author == "hr"
    assert held.unsettled
    assert held.sha256[:12] in texts(page)
    bench.staff.change("S002", author="hr", department="Elsewhere", valid_from=FIRST)
    page = open_page("month", workspace, monkeypatch, "hr", query={**FEBRUARY, "view": "changes"})
    assert "Elsewhere" in texts(page)
    page.text_input(key="month-close-reason").input("department was wrong").run()
    page = pressed(page, "Reopen February 2025")
    assert bench.months.closing(FIRST, LAST) is None
    assert bench.months.history()[-1].reason == "department was wrong"
