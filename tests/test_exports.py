"""What leaves Muster: nothing that runs, nothing that is lost, and pages that can be read, printed and trusted."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.attendance import SHEET_COLUMNS, Status
from engine.attendance.inside import INSIDE_COLUMNS
from engine.errors import ConfigError, InputError, StorageError
from engine.exports import (
    COLUMNS,
    MUSTER_COLUMNS,
    STATUSES,
    SUMMARY_COLUMNS,
    excel,
    month_report,
    muster_list_csv,
    muster_list_html,
    sheet_csv,
    summarise,
    summary_csv,
    write_excel,
)
from engine.exports.charts import Arrival, arrivals_chart, arrivals_of, presence_chart
from engine.hr.absence import LEAVE_KINDS
from engine.storage import decode_cell, encode_cell

NOW = datetime(2026, 12, 1, 9, 5, tzinfo=timezone(timedelta(hours=1)))
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
SCRIPT = '<script>alert("x")</script>'


def row(day: int = 2, **values: object) -> dict[str, object]:
    """A day of Ann's as the sheet has it; on time unless said otherwise."""
    usual: dict[str, object] = {
        **dict.fromkeys(COLUMNS, ""),
        "employee_id": "E1",
        "name": "Ann Ray",
        "date": f"2026-11-{day:02d}",
        "first_in": "08:55:10",
        "last_out": "17:10:40",
        "hours": "7.76",
        "status": "on time",
        "punches": 2,
        "utc_offset": "UTC+01:00",
        "department": "Lab",
        "shift": "day",
        "planned_in": "09:00",
        "planned_out": "17:00",
        "planned_hours": "7.50",
        "late_min": 0,
        "early_min": 0,
        "covered_pct": 100,
    }
    return {**usual, **values}


def unseen(day: int, status: str, **values: object) -> dict[str, object]:
    """A planned day on which nobody was seen."""
    return row(day, status=status, first_in="", last_out="", hours="", late_min="", early_min="", **values)


def month(people: int) -> list[dict[str, object]]:
    """The working days of November 2026 of so many people, every status among them."""
    words = list(STATUSES)
    days = [day for day in range(1, 31) if date(2026, 11, day).weekday() < 5]
    rows = []
    for person in range(people):
        for index, day in enumerate(days):
            word = words[(person * 7 + index) % len(words)] if (person + index) % 4 == 0 else "on time"
            who = {"employee_id": f"E{person:03d}", "name": f"Person {person}", "department": f"D{person % 5}"}
            if STATUSES[word].group == "worked":
                late = 25 if "late" in word else 0
                rows.append(row(day, status=word, first_in=f"{9:02d}:{late:02d}:00", late_min=late, **who))
            else:
                rows.append(unseen(day, word, **who))
    return rows


# --------------------------------------------------------------------------------------------- CSV


def test_every_column_is_documented_and_written_in_order() -> None:
    assert tuple(COLUMNS) == SHEET_COLUMNS
    assert tuple(MUSTER_COLUMNS) == INSIDE_COLUMNS
    for text, columns in (
        (sheet_csv([row()]), COLUMNS),
        (summary_csv([row()]), SUMMARY_COLUMNS),
        (muster_list_csv([]), MUSTER_COLUMNS),
    ):
        assert text.splitlines()[0].split(",") == list(columns)
        assert all(meaning.strip() for meaning in columns.values())


def test_every_status_has_a_symbol_a_meaning_and_a_step_when_it_waits_for_somebody() -> None:
    assert set(STATUSES) == {*map(str, Status), *LEAVE_KINDS, "day off", "excused"}
    for status in STATUSES.values():
        assert len(status.symbol) == 1
        assert status.meaning
        assert bool(status.next_step) == (status.group in {"open", "absent"})
    shown = [(status.symbol, status.colour) for status in STATUSES.values()]
    twice = {pair for pair in shown if shown.count(pair) > 1}
    assert twice == {(STATUSES["missing in"].symbol, STATUSES["missing in"].colour)}  # in and out: the word tells


# --------------------------------------------------------------------------------------------- names

NAMES = st.text(max_size=12) | st.text("=+-@＝＋－＠'\"\t\r\n,; \u00a0\ufeff_x0041a1\x00\x07", max_size=10)
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def test_ten_thousand_names_come_through_csv_and_excel_and_none_of_them_runs(tmp_path: Path) -> None:
    seen = [0]
    path = tmp_path / "names.xlsx"

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(NAMES, min_size=100, max_size=100))
    def check(names: list[str]) -> None:
        rows = [{"name": name, "employee_id": f"E{index}", "note": name} for index, name in enumerate(names)]
        cells = [encode_cell(name) for name in names]
        table = list(csv.DictReader(io.StringIO(sheet_csv(rows), newline=""), strict=True))
        assert [found["name"] for found in table] == cells
        assert [encode_cell(decode_cell(found["name"])) for found in table] == cells
        assert not [cell for found in table for cell in found.values() if cell.lstrip().startswith(FORMULA_STARTS)]
        write_excel(path, rows, title=names[0], generated_at=NOW)
        book = openpyxl.load_workbook(path)
        every = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
        assert not [cell for cell in every if cell.data_type == "f" or cell.hyperlink is not None]
        column = 1 + [cell.value for cell in book["Days"][1]].index("Name")
        found = [line[0].value or "" for line in book["Days"].iter_rows(min_row=2, min_col=column, max_col=column)]
        assert found == [NOT_IN_XML.sub("\ufffd", cell) for cell in cells]
        seen[0] += len(names)

    check()
    assert seen[0] >= 10_000


# --------------------------------------------------------------------------------------------- Excel


def workbook(path: Path, rows: Sequence[dict[str, object]], **options: Any) -> openpyxl.Workbook:
    write_excel(path, rows, title=options.pop("title", "Attendance & more"), generated_at=NOW, **options)
    return openpyxl.load_workbook(path)


def cells(sheet: Any, line: int) -> dict[str, Any]:
    """The cells of a line by heading."""
    return {heading.value: cell for heading, cell in zip(sheet[1], sheet[line], strict=True)}


def test_dates_times_and_numbers_are_real_ones(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", [row(similarity_in="0.8312", break_hours="0.50", late_min=4)])
    found = {name: cell.value for name, cell in cells(book["Days"], 2).items()}
    assert found["Date"] == datetime(2026, 11, 2)  # noqa: DTZ001 - Excel knows no zones
    assert (found["First in"], found["Last out"], found["Planned in"]) == (time(8, 55, 10), time(17, 10, 40), time(9))
    assert (found["Hours"], found["Break hours"], found["Late min"], found["Similarity in"]) == (7.76, 0.5, 4, 0.8312)
    assert (found["UTC offset"], found["Status"], found["Note"]) == ("UTC+01:00", "on time", None)
    assert set(found) == {cell.value for cell in book["Days"][1]}
    assert len(found) == len(COLUMNS)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("date", "soon"),
        ("date", "0001-01-01"),
        ("first_in", "25:00"),
        ("hours", "nan"),
        ("hours", "1e999"),
        ("late_min", "4'"),
    ],
)
def test_what_is_no_date_time_or_number_stays_a_text(tmp_path: Path, column: str, value: str) -> None:
    heading = {"date": "Date", "first_in": "First in", "hours": "Hours", "late_min": "Late min"}[column]
    cell = cells(workbook(tmp_path / "a.xlsx", [row(2, **{column: value})])["Days"], 2)[heading]
    assert (cell.value, cell.data_type) == (value, "s")


def test_a_numeric_id_keeps_its_zeros(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", [row(employee_id="007", name="12", department="3.0")])
    found = cells(book["Days"], 2)
    assert [found[name].value for name in ("Employee id", "Name", "Department")] == ["007", "12", "3.0"]


def test_the_sheets_can_be_filtered_scrolled_and_printed(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", month(2))
    assert book.sheetnames == ["Days", "Summary", "Columns"]
    for sheet in book:
        assert sheet.freeze_panes.endswith("2")
        assert sheet.auto_filter.ref.startswith("A1:")
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.page_setup.fitToWidth in {None, 1}  # none given means one
        assert sheet.page_setup.fitToHeight == 0  # as many as it takes
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.oddHeader.left.text == "Attendance && more"  # a single & begins a code
    days = book["Days"]
    colours = {cells(days, line)["Status"].value: cells(days, line)["Status"].fill.fgColor.rgb for line in range(2, 40)}
    assert len(set(colours.values())) >= 5
    assert all(contrast("#000000", f"#{colour[-6:]}") >= 7 for colour in colours.values())


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


def test_the_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"old")
    monkeypatch.setattr(excel, "MAX_ROWS", 1)
    with pytest.raises(InputError, match="2 rows"):
        write_excel(path, [row(), row(3)], title="x", generated_at=NOW)
    assert path.read_bytes() == b"old"
    with pytest.raises(StorageError):
        write_excel(tmp_path, [row()], title="x", generated_at=NOW)
    assert [item.name for item in tmp_path.iterdir()] == ["a.xlsx"]


@pytest.mark.parametrize("title", ["", "2026", "&A&B", "[x]*?:/\\", "x" * 400, "=1+1", SCRIPT, "\x07"])
def test_any_title_makes_a_workbook(tmp_path: Path, title: str) -> None:
    workbook(tmp_path / "a.xlsx", [row()], title=title)


# --------------------------------------------------------------------------------------------- summary


def test_nobody_has_no_summary() -> None:
    assert summarise([]) == []


def test_a_month_is_added_up_as_its_columns_say() -> None:
    rows = [
        row(2),  # 7.76 of 7.50
        row(3, status="late", hours="7.00", late_min=31),
        row(4, status="late, left early", hours="6.25", late_min="12", early_min="40"),
        row(5, status="left early", hours="7.10", early_min=15),
        row(6, late_min=4),  # within the grace: on time, so its minutes do not count
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
        "employee_id": "E1", "name": "Ann Ray", "department": "Lab", "month": "2026-11",
        "days_worked": 10,
        "hours": pytest.approx(worked),
        "planned_hours": 14 * 7.5,
        "credited_hours": pytest.approx(7.5 + 7.5 + 5.5 + 3 * 7.5),
        "balance": pytest.approx(worked + 43 - 105),
        "late_days": 2, "late_min": 43, "early_days": 2, "early_min": 55,
        "absent": 1, "on_leave": 1, "remote": 1, "sick": 1, "holiday": 1,
        "missing_in_out": 1, "not_covered": 1, "not_identified": 1, "corrected": 2, "awaiting_approval": 1,
    }  # fmt: skip


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


@pytest.mark.parametrize("status", ["", "inside", "not yet", "missing in", "something new"])
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


# --------------------------------------------------------------------------------------------- pages

VOID = {"meta", "br", "hr", "img", "input", "link", "path", "rect", "circle", "wbr"}


class Page(HTMLParser):
    """A page that was read: elements in order, visible text, and whether all that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"{tag} ends here, but something else is open"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style" and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def count(self, tag: str, css: str = "") -> int:
        return sum(name == tag and css in (attrs.get("class") or "") for name, attrs in self.elements)


def report(rows: Sequence[dict[str, object]], **options: Any) -> Page:
    usual = {"title": "Attendance", "organisation": "Works", "generated_at": NOW, "verified": "30 days verified"}
    return Page(month_report(rows, **{**usual, **options}))


def muster(rows: Sequence[dict[str, object]], **options: Any) -> Page:
    return Page(muster_list_html(rows, **{"generated_at": NOW, "place": "Hall 2", **options}))


def inside(
    employee_id: str, name: str, department: str = "Lab", state: str = "inside", **more: object
) -> dict[str, object]:
    base = {"date": "2026-12-01", "since": "08:31:10", "last_seen": "2026-12-01T09:01:00+01:00", "camera": "door"}
    return {"employee_id": employee_id, "name": name, "department": department, "state": state, **base, **more}


def pages() -> Iterator[tuple[str, Page]]:
    one = [each for each in month(5) if each["employee_id"] == "E003"]
    yield "nobody", report([])
    yield "a day", report([row()])
    yield "a person", report(one, grace_min=10)
    yield "a team", report(month(5), grace_min=10)
    yield "inside", muster([inside("E1", "Ann"), inside("E2", "Ben", state="possibly inside")], unknown_today=2)
    yield "empty", muster([])


@pytest.mark.parametrize(("name", "page"), list(pages()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_page_stands_alone_and_prints_on_a4(name: str, page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base"}, name
    for _, attrs in page.elements:
        assert not {key for key in attrs if key.startswith("on") or key in {"src", "href", "srcset", "action"}}
    assert not re.search(r"url\(|@import|https?:|javascript:", page.source)
    assert "default-src 'none'" in page.source
    assert "size: A4 portrait" in page.source
    assert "@media print" in page.source
    assert "prefers-color-scheme: dark" in page.source
    assert page.count("h1") == 1


@pytest.mark.parametrize("column", ["name", "department", "note", "status", "employee_id", "corrected_by", "correction_reason",
                                    "recorded_status", "approved_by", "first_in", "planned_in"])  # fmt: skip
@pytest.mark.parametrize("people", [1, 2])
def test_nothing_in_a_row_becomes_markup(column: str, people: int) -> None:
    rows = [row(2, corrected_by="hr"), row(3, status="absent", corrected_by="hr", employee_id=f"E{people}")]
    page = report([{**each, column: SCRIPT} for each in rows], title=SCRIPT, organisation=SCRIPT, verified=SCRIPT)
    assert page.count("script") == 0
    assert "<script" not in page.source.lower()
    assert SCRIPT in page.text


@pytest.mark.parametrize("column", MUSTER_COLUMNS)
def test_nothing_in_a_muster_list_becomes_markup(column: str) -> None:
    page = muster([{**inside("E1", "Ann"), column: SCRIPT}], place=SCRIPT)
    assert "<script" not in page.source.lower()
    assert SCRIPT in page.text


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_all_text_can_be_read_on_light_and_on_dark() -> None:
    source = report([row()]).source
    for theme in re.findall(r":root \{[^}]*?(--paper[^}]*)\}", source):
        colour = dict(re.findall(r"--(\w+): (#\w{6})", theme))
        for ink in ("ink", "soft"):
            for paper in ("paper", "wash"):
                assert contrast(colour[ink], colour[paper]) >= 4.5
    for status in STATUSES.values():
        ink = "#ffffff" if status.colour == "#0072B2" else "#000000"
        assert contrast(ink, status.colour) >= 4.5


def test_a_status_is_never_shown_without_its_symbol_and_colour() -> None:
    page = report(month(3))
    signs = [attrs for tag, attrs in page.elements if tag == "span" and "sign" in (attrs.get("class") or "").split()]
    assert len(signs) == page.count("span", "status")
    assert all((attrs.get("style") or "").startswith("--c:#") for attrs in signs)
    for word, status in STATUSES.items():
        assert f"{status.symbol} {word}" in page.text


def test_a_report_of_nothing_says_so() -> None:
    page = report([])
    assert "nothing to report" in page.text
    assert page.count("svg") == 0
    assert "What the columns mean" in page.text


def test_a_day_of_one_person_is_a_report() -> None:
    page = report([row()], grace_min=5)
    assert "2 November 2026" in page.text
    assert "1 arrival, 0 late" in page.text
    assert "Nothing is open" in page.text
    assert "No day counts as late." in page.text
    assert "08:55 17:10 7.76 09:00–17:00" in page.text


def test_rows_without_a_day_are_left_out() -> None:
    assert "nothing to report" in report([row(date=""), row(date="soon")]).text


def test_what_is_to_be_settled_stands_first_with_what_to_do() -> None:
    rows = [row(2), unseen(3, "absent"), row(4, corrected_by="hr", correction_reason="forgot", recorded_status="missing out"),
            row(5, status="missing out", last_out=""), unseen(6, "on leave")]  # fmt: skip
    page = report(rows)
    assert "To be settled (3)" in page.text
    assert page.text.index("To be settled (3)") < page.text.index("Arrivals")
    for step in (STATUSES["absent"].next_step, STATUSES["missing out"].next_step, "Approve the correction."):
        assert step in page.text
    assert "Corrected by hr: forgot. Recorded: – to –, missing out. Not approved yet." in page.text


def test_many_open_days_are_cut_and_counted() -> None:
    rows = [unseen(2, "absent", employee_id=f"E{index}") for index in range(130)]
    assert "The first 100 of 130" in report(rows).text


def test_the_numbers_of_the_month_are_those_of_the_summary() -> None:
    rows = month(4)
    page, summary = report(rows), summarise(rows)
    words = page.words
    assert words[words.index("People") + 1] == "4"
    assert words[words.index("Absent") + 1] == str(sum(int(str(one["absent"])) for one in summary))
    for one in summary:
        assert f"{one['hours']:,.2f}" in page.text


def test_everybody_has_a_table_of_days() -> None:
    page = report(month(3))
    assert page.count("details") == 3
    assert page.count("table", "days") == 3
    assert report(month(1)).count("details") == 0


def test_a_report_over_two_months_has_one_line_per_person() -> None:
    rows = [row(), row(date="2026-12-01"), row(employee_id="E2", name="Ben")]
    page = report(rows)
    assert "2 November 2026 to 1 December 2026" in page.text
    assert page.count("details") == 2
    assert "15.52" in page.text


def test_a_month_of_two_hundred_people_is_one_page() -> None:
    page = report(month(200), grace_min=10)
    assert page.count("details") == 200
    assert page.count("svg") == 2


# --------------------------------------------------------------------------------------------- charts


def test_a_mark_per_arrival() -> None:
    rows = [row(2), row(3, status="late", first_in="09:40:00", late_min=40), unseen(4, "absent"), row(5, planned_in="")]
    assert arrivals_of(rows) == [
        Arrival(date(2026, 11, 2), pytest.approx(-4 - 50 / 60), False),
        Arrival(date(2026, 11, 3), 40.0, True),
    ]
    page = report(rows)
    dots = [attrs["d"] or "" for tag, attrs in page.elements if tag == "path" and "good" in (attrs.get("class") or "")]
    marks = [attrs["d"] or "" for tag, attrs in page.elements if tag == "path" and attrs.get("class") == "mark"]
    assert (sum(path.count("h0") for path in dots), sum(path.count("z") for path in marks)) == (1, 1)


def test_an_arrival_after_midnight_belongs_to_the_shift_of_the_evening() -> None:
    (arrival,) = arrivals_of([row(status="late", first_in="00:10:00", planned_in="22:00")])
    assert arrival.delta_min == 130


@pytest.mark.parametrize(("delta", "beyond"), [(-120, 0), (-121, 1), (150, 0), (151, 1)])
def test_arrivals_far_away_are_drawn_on_the_edge_and_counted(delta: float, beyond: int) -> None:
    day = date(2026, 11, 2)
    svg, count = arrivals_chart([Arrival(day, delta, False), Arrival(day, 0.0, False)], day, day, grace_min=None)
    assert count == beyond
    for y in re.findall(r"M[\d.]+ ([\d.]+)h0", svg):
        assert 0 <= float(y) <= 250


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.times().map(lambda clock: f"{clock:%H:%M:%S}") | st.just("")] * 4), min_size=1, max_size=5)
)
def test_any_day_can_be_drawn(times: list[tuple[str, str, str, str]]) -> None:
    names = ("first_in", "last_out", "planned_in", "planned_out")
    rows = [row(2 + index, **dict(zip(names, clocks, strict=True))) for index, clocks in enumerate(times)]
    svg = presence_chart(rows)
    for x, width in re.findall(r'x="(-?[\d.]+)" y="[\d.]+" width="(-?[\d.]+)"', svg):
        assert float(width) >= 0
        assert 0 <= float(x) <= 720
    report(rows)


# --------------------------------------------------------------------------------------------- muster list


def test_everybody_inside_has_a_box_to_tick() -> None:
    rows = [
        inside("E2", "Ben", "Sales"),
        inside("E1", "ann"),
        inside("E4", "", ""),
        inside("E3", "Cem", state="possibly inside"),
    ]
    page = muster(rows, unknown_today=2)
    assert page.count("span", "tick") == 4
    words = page.words
    assert words[words.index("Inside") + 1] == "3"
    assert words[words.index("Possibly inside") + 1] == "1"
    assert words[words.index("Unknown people") + 1] == "2"
    order = [words.index(text) for text in ("Lab", "ann", "Cem", "Sales", "Ben", "No department", "E4")]
    assert order == sorted(order)
    assert page.text.count("possibly inside") == 1


def test_who_may_be_inside_is_never_left_out_for_an_odd_word() -> None:
    assert "possibly inside" in muster([inside("E1", "Ann", state="?")]).words


def test_an_empty_building_is_said_to_be_empty() -> None:
    page = muster([])
    assert "Nobody is known to be inside." in page.text
    assert "not counted" in page.text


def test_times_of_today_are_short_and_others_have_their_day() -> None:
    page = muster([
        inside("E1", "Ann", since="2026-12-01T07:59:00+00:00", last_seen="08:10:59"),
        inside("E2", "Ben", since="2026-11-30T22:10:00+01:00", last_seen="?"),
        inside("E3", "Cem", since="22:15", date="2026-11-30"),
    ])  # fmt: skip
    for text in ("08:59", "08:10", "Mon 30 Nov, 22:10", "?", "22:15", "of Mon 30 Nov"):
        assert text in page.words


def test_a_muster_list_in_csv_runs_in_no_spreadsheet() -> None:
    (found,) = csv.DictReader(io.StringIO(muster_list_csv([inside("E1", "=cmd")])))
    assert found["name"] == "'=cmd"


# --------------------------------------------------------------------------------------------- packages


def test_without_the_packages_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("xlsxwriter", "jinja2"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=r"muster\[office\]"):
        workbook(tmp_path / "a.xlsx", [row()])
    with pytest.raises(ConfigError, match=r"muster\[office\]"):
        report([row()])
    with pytest.raises(ConfigError, match=r"muster\[office\]"):
        muster([])
