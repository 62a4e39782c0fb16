"""CSV, Excel and sums: nothing that runs, nothing that is lost."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sheets import NOW, SCRIPT, contrast, inside, month, muster, report, row, unseen

from engine.attendance import KINDS_OF_HOURS, SHEET_COLUMNS, DaySheet, Status
from engine.attendance.explain import Part
from engine.config import AwayPart
from engine.errors import ConfigError, InputError
from engine.reports import (
    COLUMNS,
    MUSTER_COLUMNS,
    STATUSES,
    SUMMARY_COLUMNS,
    excel,
    excel_bytes,
    inside_cells,
    muster_list_csv,
    sheet_csv,
    summarise,
    summary_csv,
)
from engine.storage import read_cell, table_cell
from engine.words import Words

DAY = date(2026, 11, 2)
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")


def test_every_column_is_documented_and_written_in_order() -> None:
    assert tuple(COLUMNS) == SHEET_COLUMNS
    assert tuple(MUSTER_COLUMNS) == tuple(inside_cells(inside("E1", "Ann")))
    for text, columns in (
        (sheet_csv([row()]), COLUMNS),
        (summary_csv([row()]), SUMMARY_COLUMNS),
        (muster_list_csv([]), MUSTER_COLUMNS),
    ):
        assert text.splitlines()[0].split(",") == list(columns)
        assert all(meaning.strip() for meaning in columns.values())


def test_every_status_has_a_symbol_a_meaning_and_a_step_when_it_waits_for_somebody() -> None:
    assert set(STATUSES) == set(Status)
    for status in STATUSES.values():
        assert len(status.symbol) == 1
        assert status.meaning
        assert bool(status.next_step) == (status.group in {"open", "absent"})
    shown = [(status.symbol, status.colour) for status in STATUSES.values()]
    twice = {pair for pair in shown if shown.count(pair) > 1}
    assert twice == {(STATUSES["missing in"].symbol, STATUSES["missing in"].colour)}  # in and out: the word tells


NAMES = st.text(max_size=12) | st.text("=+-@＝＋－＠'\"\t\r\n,; \u00a0\ufeff_x0041a1\x00\x07", max_size=10)


NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def test_two_thousand_names_come_through_csv_and_excel_and_none_of_them_runs(tmp_path: Path) -> None:
    seen = [0]
    path = tmp_path / "names.xlsx"

    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(NAMES, min_size=100, max_size=100))
    def check(names: list[str]) -> None:
        rows = [
            DaySheet(f"E{index}", DAY, Status.ABSENT, name=name, correction_reason=name)
            for index, name in enumerate(names)
        ]
        cells = [table_cell(name) for name in names]
        table = list(csv.DictReader(io.StringIO(sheet_csv(rows), newline=""), strict=True))
        assert [found["name"] for found in table] == cells
        assert [table_cell(read_cell(found["name"])) for found in table] == cells
        texts = [
            cell
            for found in table
            for cell in found.values()
            if not re.fullmatch(r"-[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", cell)
        ]
        assert not [cell for cell in texts if cell.lstrip().startswith(FORMULA_STARTS)]
        path.write_bytes(excel_bytes(rows, title=names[0], generated_at=NOW))
        book = openpyxl.load_workbook(path)
        every = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
        assert not [cell for cell in every if cell.data_type == "f" or cell.hyperlink is not None]
        column = 1 + [cell.value for cell in book["Days"][1]].index("Name")
        found = [line[0].value or "" for line in book["Days"].iter_rows(min_row=2, min_col=column, max_col=column)]
        assert found == [NOT_IN_XML.sub("\ufffd", cell) for cell in cells]
        seen[0] += len(names)

    check()
    assert seen[0] >= 2_000


def workbook(path: Path, rows: Sequence[DaySheet], **options: Any) -> openpyxl.Workbook:
    path.write_bytes(excel_bytes(rows, title=options.pop("title", "Attendance & more"), generated_at=NOW, **options))
    return openpyxl.load_workbook(path)


def cells(sheet: Any, line: int) -> dict[str, Any]:
    """The cells of a line by heading."""
    return {heading.value: cell for heading, cell in zip(sheet[1], sheet[line], strict=True)}


def test_dates_times_and_numbers_are_real_ones(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", [row(similarity_in="0.8312", break_hours="0.50", status="late", late_min=4)])
    found = {name: cell.value for name, cell in cells(book["Days"], 2).items()}
    assert found["Date"] == datetime(2026, 11, 2)  # noqa: DTZ001 - Excel knows no zones
    assert (found["First in"], found["Last out"], found["Planned in"]) == (time(8, 55, 10), time(17, 10, 40), time(9))
    assert (found["Hours"], found["Break hours"], found["Late min"], found["Similarity in"]) == (7.76, 0.5, 4, 0.8312)
    assert (found["UTC offset"], found["Status"], found["Note"]) == ("UTC+01:00", "late", None)
    assert (found["Late"], found["Left early"], found["Presence"], found["Presence hours"]) == (
        "yes",
        "no",
        "outside",
        8.26,
    )
    assert set(found) == {cell.value for cell in book["Days"][1]}
    assert len(found) == len(COLUMNS)


def test_what_is_unknown_leaves_its_cell_empty(tmp_path: Path) -> None:
    day = unseen(2, "not covered", planned_in="", planned_out="", covered_pct="")
    found = cells(workbook(tmp_path / "a.xlsx", [day])["Days"], 2)
    unknown = (
        "First in",
        "Last out",
        "Hours",
        "Late min",
        "Late",
        "Planned in",
        "Planned hours",
        "Credited hours",
        "Covered %",
    )
    assert {found[heading].value for heading in unknown} == {None}
    assert found["Status"].value == "not covered"


def test_a_numeric_id_keeps_its_zeros(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", [row(employee_id="007", name="12", department="3.0")])
    found = cells(book["Days"], 2)
    assert [found[name].value for name in ("Employee id", "Name", "Department")] == ["007", "12", "3.0"]


def test_the_sheets_can_be_filtered_scrolled_and_printed(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", month(4))
    assert book.sheetnames == ["Days", "Summary", "Columns"]
    for sheet in book:
        assert sheet.freeze_panes.endswith("2")
        assert sheet.auto_filter.ref.startswith("A1:")
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        wide = 2 if sheet.title == "Summary" else 1  # its columns would be too small to read
        assert (sheet.page_setup.fitToWidth or 1) == wide  # none given means one
        assert sheet.page_setup.fitToHeight == 0  # as many as it takes
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.oddHeader.left.text == "Attendance && more"  # a single & begins a code
    assert book["Summary"].print_title_cols == "$A:$B"
    days = book["Days"]
    assert (days.freeze_panes, days["D1"].value) == ("E2", "Date")  # name and date stay in sight
    first = cells(days, 2)
    assert (first["First in"].number_format, first["Planned in"].number_format) == ("hh:mm", "hh:mm")
    assert cells(book["Summary"], 2)["Balance"].number_format == "+0.00;[Red]−0.00;0.00"
    colours = {cells(days, line)["Status"].value: cells(days, line)["Status"].fill.fgColor.rgb for line in range(2, 80)}
    assert len(set(colours.values())) >= 5
    assert all(contrast("#000000", f"#{colour[-6:]}") >= 7 for colour in colours.values())


@pytest.mark.parametrize(("language", "made"), [("de", "Erstellt am 01.12.2026"), ("en", "Made on 2026-12-01")])
def test_rows_are_as_tall_as_their_texts_and_the_day_is_the_readers(tmp_path: Path, language: str, made: str) -> None:
    """LibreOffice makes no row taller by itself, so that long notes ran into the next row."""
    long = replace(row(), notes=(Part("camera off {time}", {"time": "08:00–09:00 " * 12}),))
    path = tmp_path / "book.xlsx"
    path.write_bytes(excel_bytes([row(), long], title="x", generated_at=NOW, words=Words(language)))
    days, _, columns = openpyxl.load_workbook(path).worksheets
    assert days.row_dimensions[2].height is None
    assert (days.row_dimensions[3].height or 0) > 40
    texts = {cell.row: len(str(cell.value)) for (cell,) in columns.iter_rows(min_col=4, max_col=4)}
    tall = {line for line, height in columns.row_dimensions.items() if line > 1 and (height.height or 0) > 20}
    assert tall == {line for line, length in texts.items() if length > 99 and line > 1}
    assert made in str(columns.cell(columns.max_row - 1, 4).value)


def test_the_summary_and_the_columns_are_in_the_workbook(tmp_path: Path) -> None:
    rows = month(3)
    book = workbook(tmp_path / "a.xlsx", rows, verified="30 days verified")
    assert [cells(book["Summary"], line)["Balance"].value for line in (2, 3, 4)] == [
        one["balance"] for one in summarise(rows)
    ]
    texts = {str(cell.value) for line in book["Columns"].iter_rows() for cell in line}
    assert {*COLUMNS.values(), *SUMMARY_COLUMNS.values(), *STATUSES, "30 days verified"} <= texts


def test_a_workbook_of_nothing_is_one(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", [])
    assert (book["Days"].max_row, book["Summary"].max_row) == (1, 1)


def test_more_rows_than_a_sheet_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MAX_ROWS", 1)
    with pytest.raises(InputError, match="2 rows"):
        excel_bytes([row(), row(3)], title="x", generated_at=NOW)


@pytest.mark.parametrize("title", ["", "2026", "&A&B", "[x]*?:/\\", "x" * 400, "=1+1", SCRIPT, "\x07"])
def test_any_title_makes_a_workbook(tmp_path: Path, title: str) -> None:
    workbook(tmp_path / "a.xlsx", [row()], title=title)


def test_nobody_has_no_summary() -> None:
    assert summarise([]) == []


def test_a_month_is_added_up_as_its_columns_say() -> None:
    rows = [
        row(2),  # 7.76 of 7.50
        row(3, status="late", hours="7.00", late_min=31),
        row(4, status="late, left early", hours="6.25", late_min="12", early_min="40"),
        row(5, status="left early", hours="7.10", early_min=15),
        row(6),
        unseen(9, "absent"),
        unseen(10, "on leave"),
        unseen(11, "sick"),
        unseen(12, "holiday", planned_hours=""),
        row(13, status="remote", hours="2.00"),
        row(16, status="missing out", last_out="", hours=""),
        unseen(17, "not covered"),
        unseen(18, "not identified"),
        row(19, corrected_by="hr", approved_by="boss"),
        row(20, corrected_by="hr"),
        row(21, status="present", hours="3.00", planned_hours=""),
    ]
    (one,) = summarise(rows)
    worked = 7.76 * 4 + 7.00 + 6.25 + 7.10 + 2.00 + 3.00
    assert list(one) == list(SUMMARY_COLUMNS)
    assert one == {
        "employee_id": "E1",
        "name": "Ann Ray",
        "department": "Lab",
        "month": "2026-11",
        "days_worked": 10,
        "hours": pytest.approx(worked),
        "planned_hours": 14 * 7.5,
        "credited_hours": pytest.approx(7.5 + 7.5 + 5.5 + 3 * 7.5),
        "balance": pytest.approx(worked + 43 - 105),
        "late_days": 2,
        "late_min": 43,
        "early_days": 2,
        "early_min": 55,
        "absent": 1,
        "on_leave": 1,
        "remote": 1,
        "sick": 1,
        "unpaid": 0,
        "holiday": 1,
        "missing_in_out": 1,
        "not_covered": 1,
        "not_identified": 1,
        "corrected": 2,
        "awaiting_approval": 1,
        "pending_hours": 0.0,
        "long_days": 0,
        **dict.fromkeys(KINDS_OF_HOURS, 0.0),
        "account": "",
    }


def test_half_days_of_leave_count_half_and_unpaid_ones_are_told_apart() -> None:
    half = AwayPart("annual", "annual leave", "on leave", 0.5, "morning")
    unpaid = AwayPart("unpaid", "unpaid leave", "on leave", 0.5, "afternoon", credit="none", paid=False)
    (one,) = summarise([row(2, leave=(half,)), row(3, leave=(half, unpaid)), row(4, status="sick")])
    assert [one[column] for column in ("on_leave", "sick", "unpaid")] == [1.5, 1, 0.5]


def test_people_and_months_are_kept_apart_and_sorted() -> None:
    rows = [
        row(date="2026-12-01"),
        row(),
        row(employee_id="E2", name="Ann Ray"),
        row(employee_id="E3", department="Art"),
    ]
    found = [(one["department"], one["employee_id"], one["month"]) for one in summarise(rows)]
    assert found == [
        ("Art", "E3", "2026-11"),
        ("Lab", "E1", "2026-11"),
        ("Lab", "E1", "2026-12"),
        ("Lab", "E2", "2026-11"),
    ]


def test_the_latest_name_counts() -> None:
    (one,) = summarise([row(5, name=""), row(4, name="Ann Ray-Moe"), row(2)])
    assert one["name"] == "Ann Ray-Moe"


@pytest.mark.parametrize("status", ["inside", "possibly inside", "not yet", "missing in"])
def test_what_is_not_settled_is_not_held_against_anybody(status: str) -> None:
    (one,) = summarise([unseen(2, status)])
    assert (one["balance"], one["hours"], one["planned_hours"]) == (0, 0, 7.5)


@given(st.lists(st.tuples(st.sampled_from(list(STATUSES)), st.integers(0, 1400), st.integers(0, 1400)), max_size=30))
@settings(max_examples=80, deadline=None)
def test_the_balance_is_what_its_definition_says(days: list[tuple[str, int, int]]) -> None:
    rows = [
        row(1 + index, status=status, hours=f"{worked / 60:.2f}", planned_hours=f"{planned / 60:.2f}")
        for index, (status, worked, planned) in enumerate(days)
    ]
    for one in summarise(rows):
        hours, credited, planned = (float(str(one[key])) for key in ("hours", "credited_hours", "planned_hours"))
        assert one["balance"] == pytest.approx(hours + credited - planned, abs=1e-9)
        assert credited >= 0


def test_without_the_packages_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("xlsxwriter", "jinja2"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=r"muster\[office\]"):
        workbook(tmp_path / "a.xlsx", [row()])
    with pytest.raises(ConfigError, match=r"muster\[office\]"):
        report([row()])
    with pytest.raises(ConfigError, match=r"muster\[office\]"):
        muster([])
