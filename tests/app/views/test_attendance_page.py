"""The attendance page: figures, exceptions, sheet, charts, a person, corrections, downloads; by role, language, with hostile names."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import streamlit as st
from pages import bench_of, open_page, texts
from streamlit.testing.v1 import AppTest

from app.charts.tables import csv
from app.views.attendance import downloads
from app.views.attendance.charts import follow
from app.views.attendance.drawn import DRAWN
from app.views.attendance.filters import SheetFilter, spans
from app.words import say_date
from engine.attendance import DaySheet
from engine.demo.sample import fill, prepare_sample
from engine.people import Dating
from engine.workbench import Workbench

FRIDAY = date(2025, 3, 14)
NOW = datetime(2025, 3, 20, 9, 20, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)> ![](http://example.invalid/x) :smile: $x$"
SPAN = {"from": "2025-03-03", "to": "2025-03-14"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("made")
    prepare_sample(workspace)
    bench = Workbench(workspace, clock=lambda: NOW)
    fill(bench, 14, 12, date(2025, 3, 14))
    since = Dating(valid_from=date(2024, 1, 1))
    bench.people.change("S001", since, name=HOSTILE, department=HOSTILE[:40])
    return workspace


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "w"))


def statuses(workspace: Path, monkeypatch: pytest.MonkeyPatch, day: date = FRIDAY) -> dict[str, str]:
    bench = bench_of(workspace, monkeypatch)
    return {row.employee_id: str(row.status) for row in bench.attendance.sheets.on(day, bench.people.known())}


def button(page: AppTest, label: str) -> object:
    return next((each for each in page.button if each.label == label), None)


def click(page: AppTest, label: str) -> AppTest:
    found = next(each for each in page.button if each.label == label)
    return found.click().run()


def tables_of(page: AppTest) -> list[list[str]]:
    """The rows of each table of people, as HTML."""
    bodies = [each.proto.body for each in page.get("html") if "m-table a-sheet" in each.proto.body]
    return [re.findall(r"<tr>(.*?)</tr>", body.partition("<tbody>")[2], re.S) for body in bodies]


def ids_of(rows: list[str]) -> list[str]:
    return [re.search(r"person=(\w+)", row).group(1) for row in rows]  # type: ignore[union-attr]


# --------------------------------------------------------------------------------------------- the page


def test_figures_exceptions_and_sheet_of_a_day(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query={"from": "2025-03-14"})
    assert not page.exception
    found = statuses(workspace, monkeypatch)
    shown, (*above, sheet) = texts(page), tables_of(page)
    assert "Sheet of Fri 14 Mar 2025" in shown
    assert len(sheet) == len(found)
    late = sum(status in {"late", "late, left early"} for status in found.values())
    assert f'>Late</span><strong class="m-{"warn" if late else "quiet"}">{late}<' in shown
    assert all("/portrait?id=S0" in row and "day=2025-03-14" in row for row in sheet)
    assert "on time" not in str(above)


def test_a_range_shows_dates_newest_first_and_never_more_than_allowed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=SPAN)
    days = [re.search(r"day=([-\d]+)", row).group(1) for row in tables_of(page)[-1]]  # type: ignore[union-attr]
    assert days == sorted(days, reverse=True)
    assert (len(days), days[0]) == (50, "2025-03-14"), "a page of rows"
    page = open_page("attendance", workspace, monkeypatch, "hr", query={**SPAN, "page": "999"})
    assert "day=2025-03-03" in tables_of(page)[-1][-1], "the last page"


def test_a_range_that_is_too_long_is_cut_with_a_word(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """92 days from 1 January end on 2 April; 366 days on 1 January of the next year."""
    query = {"from": "2025-01-01", "to": "2025-06-30"}
    page = open_page("attendance", workspace, monkeypatch, "hr", query=query)
    assert not page.exception
    (said,) = (str(each.value).replace("\\", "") for each in page.warning)
    assert "The page shows 92 days, from Wed 1 Jan 2025 to Wed 2 Apr 2025" in said
    assert "Downloads hold all days until Mon 30 Jun 2025" in said
    page = open_page("attendance", workspace, monkeypatch, "hr", query={**query, "to": "2026-12-31"})
    assert "Downloads end on Thu 1 Jan 2026" in str(page.warning[0].value).replace("\\", "")
    page = open_page("attendance", workspace, monkeypatch, "hr", query={**query, "to": "2025-04-02"})
    assert not page.warning


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"find": "s003"}, {"S003"}),
        ({"find": "alert(1)"}, {"S001"}),
        ({"department": "Engineering"}, {"S002", "S008", "S010"}),
    ],
)
def test_filters_keep_who_is_asked_for(
    query: dict[str, str], kept: set[str], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query={**SPAN, **query})
    assert set(ids_of(tables_of(page)[-1])) == kept


@pytest.mark.parametrize(
    "query",
    [
        {"from": "nonsense"},
        {"from": "2025-03-14", "to": "2024-01-01"},
        {"from": "0001-01-01"},
        {"day": "x", "person": "S003"},
        {"person": "nobody"},
        {"chart": "nonsense"},
        {"from": "2025-03-14", "find": "zzz"},
        {"from": "2025-03-14", "department": "zzz"},
    ],
)
def test_an_address_that_makes_no_sense_is_no_fault(
    query: dict[str, str], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not open_page("attendance", workspace, monkeypatch, "hr", query=query).exception


def test_periods_are_kept_in_the_address(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=SPAN)
    page.segmented_control(key="attendance-period").set_value("today").run()
    assert "from" not in page.query_params
    page.text_input(key="attendance-find").set_value("S005").run()
    assert page.query_params["find"] in ("S005", ["S005"])
    assert not page.exception


@pytest.mark.parametrize(
    ("show", "fits"),
    [
        ("late", lambda row: row.late is True),
        ("present", lambda row: row.present),
        ("absent", lambda row: str(row.status) == "absent"),
        ("away", lambda row: row.away),
    ],
)
def test_a_figure_leads_to_the_rows_that_it_counts(
    show: str, fits: Callable[[DaySheet], bool], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_of(workspace, monkeypatch)
    rows = bench.attendance.sheets.between(date(2025, 3, 3), FRIDAY, bench.people.known())
    wanted = sorted(row.employee_id for row in rows if fits(row))
    shown = texts(open_page("attendance", workspace, monkeypatch, "hr", query=SPAN))
    assert (f"show={show}" in shown) == bool(wanted), "a figure of 0 leads nowhere"
    found, page = [], 1
    while len(found) < len(wanted):
        query = {**SPAN, "show": show, "page": str(page)}
        (rows_shown,) = tables_of(open_page("attendance", workspace, monkeypatch, "hr", query=query))
        found, page = found + ids_of(rows_shown), page + 1
    assert sorted(found) == wanted


def test_a_column_sorts_the_sheet_both_ways(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = {"from": "2025-03-14", "show": "present"}
    for sort, turned in (("worked", False), ("-worked", True)):
        page = open_page("attendance", workspace, monkeypatch, "hr", query={**query, "sort": sort})
        hours = [
            [int(number) for number in re.findall(r"(\d+) h (\d+) min", row)[0]]
            for row in tables_of(page)[0]
            if " h " in row
        ]
        assert len(hours) > 3
        assert hours == sorted(hours, reverse=turned)
        assert f'aria-sort="{"descending" if turned else "ascending"}"' in texts(page)


@pytest.mark.parametrize(
    ("today", "opens"),
    [
        (datetime(2025, 3, 15, 9, 20, tzinfo=UTC), FRIDAY),
        (datetime(2025, 3, 16, 9, 20, tzinfo=UTC), FRIDAY),
        (datetime(2025, 3, 17, 4, 0, tzinfo=UTC), date(2025, 3, 17)),
    ],
    ids=["saturday", "sunday", "monday, before anybody came"],
)
def test_on_a_day_off_the_page_opens_on_the_last_working_day(
    today: datetime, opens: date, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_of(workspace, monkeypatch)
    monkeypatch.setattr(bench, "clock", lambda: today)
    page = open_page("attendance", workspace, monkeypatch, "hr")
    shown = texts(page)
    assert f"Sheet of {say_date(opens)}" in shown
    assert ("is a day off" in shown) == (opens != today.date())
    page.segmented_control(key="attendance-period").set_value("today").run()
    assert not page.exception
    assert page.query_params.get("from") in (
        (None,) if opens == today.date() else (today.date().isoformat(), [today.date().isoformat()])
    )


def test_an_empty_workspace_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = texts(open_page("attendance", tmp_path, monkeypatch, "hr"))
    assert "No one is enrolled yet" in shown
    assert "Register someone" in shown
    shown = texts(open_page("attendance", tmp_path, monkeypatch, "viewer"))
    assert "No one is enrolled yet" in shown
    assert "Register someone" not in shown


def test_names_of_people_are_texts_and_nothing_else(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for query in (SPAN, {**SPAN, "person": "S001", "day": "2025-03-14"}):
        page = open_page("attendance", workspace, monkeypatch, "hr", query=query)
        assert not page.exception
        for each in page.get("html"):
            assert "<img src=x" not in each.proto.body
        for kind in ("markdown", "caption", "title", "subheader"):
            assert not any(HOSTILE[:20] in str(each.value) for each in page.get(kind))
    for chart in ("delays", "presence", "departments"):
        page = open_page("attendance", workspace, monkeypatch, "hr", query={**SPAN, "chart": chart})
        (figure,) = page.get("plotly_chart")
        assert "<img" not in figure.proto.spec
        assert "example.invalid/x" in figure.proto.spec or chart == "presence" or "&lt;img" in figure.proto.spec


def test_the_page_speaks_german(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", language="de", query={"from": "2025-03-14"})
    shown = texts(page)
    for word in ("Anwesend", "Verspätet", "Tagesblatt vom Fr 14.03.2025", "Tagesblatt, CSV"):
        assert word in shown, word
    assert page.segmented_control(key="attendance-view").options == ["Tagesblatt", "Diagramme"]
    page = open_page("attendance", workspace, monkeypatch, "hr", language="de", query={**SPAN, "chart": "trend"})
    (figure,) = page.get("plotly_chart")
    assert "03.03." in figure.proto.spec, "Monday as Germans write it"
    assert "Als PNG speichern" in figure.proto.config
    page = open_page(
        "attendance", workspace, monkeypatch, "hr", language="de", query={"person": "S003", "day": "2025-03-14"}
    )
    assert "März 2025" in texts(page)


# --------------------------------------------------------------------------------------------- charts


@pytest.mark.parametrize("chart", list(DRAWN))
@pytest.mark.parametrize("query", [SPAN, {"from": "2025-03-08"}])
def test_each_chart_is_drawn_or_says_that_there_is_nothing(
    chart: str, query: dict[str, str], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("attendance", workspace, monkeypatch, "viewer", query={**query, "chart": chart})
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1 or "No data" in texts(page)
    assert (query == {"from": "2025-03-08"}) <= (not page.get("plotly_chart") or chart == "trend")
    assert page.get("download_button") == [], "a viewer exports nothing"


@pytest.mark.parametrize("asked", [SheetFilter(FRIDAY, FRIDAY), SheetFilter(FRIDAY.replace(day=3), FRIDAY, "", "S003")])
def test_a_single_day_and_a_single_person_are_drawn_and_have_data(
    asked: SheetFilter, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_of(workspace, monkeypatch)
    found = {name: draw(bench, asked, "hours") for name, draw in DRAWN.items()}
    assert {name for name, chart in found.items() if chart is None} <= {"absence", "overtime", "working_time"}
    for chart in filter(None, found.values()):
        assert csv(chart.table).startswith(",".join(chart.table.columns).encode())
        assert len(chart.table) > 0


def test_charts_are_beside_the_sheet_and_the_address_keeps_which(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=SPAN)
    assert page.get("plotly_chart") == []
    page.segmented_control(key="attendance-view").set_value("charts").run()
    assert page.selectbox(key="attendance-chart-day-2025-03-03").value == FRIDAY, "the last working day"
    page.segmented_control(key="attendance-chart").set_value("hours").run()
    assert len(page.get("plotly_chart")) == 1
    assert "Data, CSV" in [each.label for each in page.get("download_button")]
    assert page.query_params["chart"] in ("hours", ["hours"])
    assert tables_of(page) == []
    page.segmented_control(key="attendance-view").set_value("sheet").run()
    assert "chart" not in page.query_params
    assert tables_of(page)


def test_a_link_from_before_charts_had_a_tab_opens_them(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query={**SPAN, "chart": "absence"})
    assert len(page.get("plotly_chart")) == 1


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("person=S003&day=2025-03-14", {"person": "S003", "day": "2025-03-14", "chart": "hours"}),
        ("from=2025-03-10&to=2025-03-16", {"from": "2025-03-10", "to": "2025-03-16"}),
        ("from=2025-03-10", {"from": "2025-03-10", "view": "", "chart": ""}),
        ("department=Sales", {"department": "Sales", "view": ""}),
        ("site=other", {"view": "charts", "site": ""}),
    ],
)
def test_a_point_leads_to_its_person_or_its_rows(
    address: str, leads_to: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    query = {**SPAN, "view": "charts", "chart": "hours"}
    state = {"k": {"selection": {"points": [{"customdata": [address]}]}}}
    monkeypatch.setattr(st, "query_params", query)
    monkeypatch.setattr(st, "session_state", state)
    follow("k")
    assert {name: query.get(name, "") for name in leads_to} == leads_to
    assert query.get("to", "") == leads_to.get("to", "" if "from" in leads_to else SPAN["to"])


def test_last_month_is_a_whole_month() -> None:
    assert spans(date(2026, 3, 31))["last"] == (date(2026, 2, 1), date(2026, 2, 28))
    assert spans(date(2026, 1, 1))["last"] == (date(2025, 12, 1), date(2025, 12, 31))


def test_people_are_compared_only_where_somebody_gave_a_reason(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query={**SPAN, "chart": "people"})
    assert "People" not in page.segmented_control(key="attendance-chart").options
    assert not [each for each in page.selectbox if each.key == "attendance-chart-measure"]
    bench, asked = bench_of(workspace, monkeypatch), SheetFilter(date(2025, 3, 3), date(2025, 3, 14))
    names = {row.name for row in asked.rows(bench)} | {row.employee_id for row in asked.rows(bench)}
    for chosen in ("delays", "balance"):
        chart = DRAWN[chosen](bench, asked, "")
        assert chart is not None
        told = chart.figure.to_json() + chart.table.to_csv()
        assert not [name for name in names if f'"{name}' in told or f",{name}," in told], chosen
    with (workspace / "muster.toml").open("a") as settings:
        settings.write('\n[attendance]\ncompare_people = "asked for by the works council"\n')
    page = open_page("attendance", workspace, monkeypatch, "hr", query={**SPAN, "chart": "people", "by": "hours"})
    assert page.selectbox(key="attendance-chart-measure").value == "hours"
    assert "People" in page.segmented_control(key="attendance-chart").options
    named = DRAWN["delays"](bench_of(workspace, monkeypatch), asked, "")
    assert named is not None
    assert set(named.table["employee_id"]) <= names


# --------------------------------------------------------------------------------------------- one person


def test_a_person_has_a_calendar_and_each_passage_explained(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(workspace, monkeypatch)
    row = next(row for row in bench.attendance.log.read(FRIDAY) if row.event == "punch")
    page = open_page("attendance", workspace, monkeypatch, "hr", query={"person": row.employee_id, "day": "2025-03-14"})
    assert not page.exception
    shown = texts(page)
    assert "March 2025" in shown
    assert "Fri 14 Mar 2025" in shown
    assert f"{row.timestamp:%H:%M}</strong> came in · entrance" in shown
    assert "agreeing frames" in shown
    assert f"threshold {row.threshold:.2f}" in shown
    assert 'class="m-bar' in shown


def test_a_viewer_sees_times_but_no_evidence_and_no_controls(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = next(row for row in bench_of(workspace, monkeypatch).attendance.log.read(FRIDAY) if row.event == "punch")
    page = open_page(
        "attendance", workspace, monkeypatch, "viewer", query={"person": row.employee_id, "day": "2025-03-14"}
    )
    shown = texts(page)
    assert f"{row.timestamp:%H:%M}</strong>" in shown
    for word in ("agreeing frames", 'class="m-bar', "/picture/", "threshold"):
        assert word not in shown, word
    assert [each.label for each in page.expander] == []
    page = open_page("attendance", workspace, monkeypatch, "viewer", query=SPAN)
    assert page.get("download_button") == []


def test_who_may_not_see_attendance_is_refused(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("security", None):
        page = open_page("attendance", workspace, monkeypatch, role, query=SPAN)
        assert tables_of(page) == []
        assert "does not allow" in texts(page) or "signed out" in texts(page)


# --------------------------------------------------------------------------------------------- corrections


def person_with(workspace: Path, monkeypatch: pytest.MonkeyPatch, status: str) -> tuple[str, str]:
    bench = bench_of(workspace, monkeypatch)
    rows = bench.attendance.sheets.between(date(2025, 3, 1), FRIDAY, bench.people.known())
    row = next(row for row in rows if row.status == status and not row.corrected_by)
    return row.employee_id, row.day.isoformat()


def test_a_correction_shows_with_author_and_reason_and_somebody_else_approves_it(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, day = person_with(workspace, monkeypatch, "late")
    page = open_page("attendance", workspace, monkeypatch, "hr", query={"person": who, "day": day})
    page.segmented_control(key="attendance-correct-action").set_value("in").run()
    page.text_input(key="attendance-correct-reason").set_value("badge desk saw them").run()
    page = click(page, "Save correction")
    assert not page.exception
    shown = texts(page)
    for part in ("badge desk saw them", ">hr<", "counts once approved", "Cameras only", "once approved: on time"):
        assert part in shown, part
    bench = bench_of(workspace, monkeypatch)
    (row,) = bench.attendance.sheets.between(
        date.fromisoformat(day), date.fromisoformat(day), bench.people.known(), only=who
    )
    assert (row.corrected_by, bool(row.late_min), row.approved_by) == ("hr", True, "")
    assert ">valid<" not in shown
    assert row.pending is not None
    assert row.pending.status == "on time"
    assert "approve" not in page.segmented_control(key="attendance-correct-action").options
    page = open_page("attendance", workspace, monkeypatch, "admin", query={"person": who, "day": day})
    page.segmented_control(key="attendance-correct-action").set_value("approve").run()
    page = click(page, "Approve")
    assert "approved by admin" in texts(page)
    (row,) = bench.attendance.sheets.between(
        date.fromisoformat(day), date.fromisoformat(day), bench.people.known(), only=who
    )
    assert (row.late_min, row.pending) == (0, None)
    page.segmented_control(key="attendance-correct-action").set_value("revoke").run()
    page.text_input(key="attendance-correct-reason").set_value("it was not so").run()
    page = click(page, "Save correction")
    assert "revoked" in texts(page)
    (row,) = bench.attendance.sheets.between(
        date.fromisoformat(day), date.fromisoformat(day), bench.people.known(), only=who
    )
    assert row.corrected_by == ""


def test_a_passage_is_removed_and_stays_in_the_log(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who, day = person_with(workspace, monkeypatch, "on time")
    bench = bench_of(workspace, monkeypatch)
    before = bench.attendance.log.raw.shelf.path(date.fromisoformat(day)).read_bytes()
    page = open_page("attendance", workspace, monkeypatch, "hr", query={"person": who, "day": day})
    page.segmented_control(key="attendance-correct-action").set_value("remove").run()
    page.text_input(key="attendance-correct-reason").set_value("a double").run()
    page = click(page, "Save correction")
    assert "passage removed" in texts(page)
    assert bench.attendance.log.raw.shelf.path(date.fromisoformat(day)).read_bytes() == before
    assert [
        each.action
        for each in bench.attendance.corrections.about_days(FRIDAY.replace(day=1), FRIDAY)
        if each.author == "hr"
    ] == ["remove"]


def test_a_correction_without_a_reason_cannot_be_saved(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who, day = person_with(workspace, monkeypatch, "late")
    page = open_page("attendance", workspace, monkeypatch, "hr", query={"person": who, "day": day})
    page.segmented_control(key="attendance-correct-action").set_value("status").run()
    assert next(each for each in page.button if each.label == "Save correction").disabled


def test_a_role_that_was_taken_away_corrects_nothing_any_more(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who, day = person_with(workspace, monkeypatch, "late")
    page = open_page("attendance", workspace, monkeypatch, "hr", query={"person": who, "day": day})
    page.segmented_control(key="attendance-correct-action").set_value("status").run()
    page.text_input(key="attendance-correct-reason").set_value("no").run()
    bench = bench_of(workspace, monkeypatch)
    bench.accounts.change("hr", role="viewer")
    click(page, "Save correction")
    assert not [
        each for each in bench.attendance.corrections.about_days(FRIDAY.replace(day=1), FRIDAY) if each.author == "hr"
    ]


# --------------------------------------------------------------------------------------------- downloads


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("csv", b"employee_id,name,"),
        ("excel", b"PK"),
        ("report", b"<!"),
        ("payroll", b"employee_id,"),
        ("muster", b"<!"),
    ],
)
def test_files_are_made_when_asked_for(
    kind: str, begins: bytes, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=SPAN)
    assert not page.exception
    assert kind in downloads._FILES
    asked = SheetFilter(date(2025, 3, 3), FRIDAY)
    content = downloads.maker(kind, bench_of(workspace, monkeypatch), asked)()
    assert content.lstrip().startswith(begins)
    assert kind in {"csv", "payroll"} or b"<img src=x" not in content  # in CSV it is a text like any other


def test_one_menu_offers_every_file(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query=SPAN)
    offered = [each.label for each in page.get("download_button")]
    assert len(offered) == len(downloads._FILES)
    assert button(page, "Prepare") is None


def test_a_missing_package_is_told_beside_the_file_only(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    page = open_page("attendance", workspace, monkeypatch, "hr", query=SPAN)
    assert not page.exception
    assert "muster[office]" in texts(page)
    assert tables_of(page)
    offered = {each.label: each.proto.disabled for each in page.get("download_button")}
    assert [label for label, off in offered.items() if off] == ["Day sheet, Excel"]


def test_hr_opens_a_time_account_and_pays_hours_out(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("attendance", workspace, monkeypatch, "hr", query={"person": "S002", "day": "2025-03-14"})
    assert "Time account" not in texts(page)

    def entered(day: date, hours: str, reason: str) -> AppTest:
        page.date_input(key="attendance-account-day").set_value(day)
        page.text_input(key="attendance-account-hours").set_value(hours)
        page.text_input(key="attendance-account-reason").set_value(reason).run()
        return page.button(key="attendance-account-save").click().run()

    entered(date(2025, 3, 15), "12:30", "")
    assert "+12.50" in texts(page)
    page.selectbox(key="attendance-account-action").set_value("change").run()
    entered(date(2025, 3, 15), "viel", "paid out")
    assert "no number of hours" in texts(page)
    entered(date(2025, 3, 15), "-10", "paid out")
    assert not page.exception
    bench = bench_of(workspace, monkeypatch)
    assert [(row.hours, row.reason) for row in bench.time_accounts.entries("S002")] == [(12.5, ""), (-10.0, "paid out")]
    assert bench.time_accounts.accounts(date(2025, 3, 16)).at("S002", date(2025, 3, 16)) == 2.5
