"""Pages that can be read, printed and trusted."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sheets import NOW, SCRIPT, Page, contrast, inside, month, muster, report, row, unseen

from engine.reports import STATUSES, muster_list_csv, summarise
from engine.reports.charts import arrivals_chart, presence_chart


def pages() -> Iterator[tuple[str, Page]]:
    one = [each for each in month(5) if each.employee_id == "E003"]
    yield "nobody", report([])
    yield "a day", report([row()])
    yield "a person", report(one, grace_min=10)
    yield "a team", report(month(5), grace_min=10)
    yield "inside", muster([inside("E1", "Ann"), inside("E2", "Ben", state="unsure")], unknown_today=2)
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


@pytest.mark.parametrize(
    "column", ["name", "department", "note", "employee_id", "corrected_by", "correction_reason", "approved_by"]
)
@pytest.mark.parametrize("people", [1, 2])
def test_nothing_in_a_row_becomes_markup(column: str, people: int) -> None:
    usual: dict[str, object] = {"corrected_by": "hr", column: SCRIPT}
    rows = [row(2, **usual), row(3, **{"status": "absent", "employee_id": f"E{people}", **usual})]
    page = report(rows, title=SCRIPT, organisation=SCRIPT, verified=SCRIPT)
    assert page.count("script") == 0
    assert "<script" not in page.source.lower()
    assert SCRIPT in page.text


@pytest.mark.parametrize("field", ["employee_id", "name", "department", "camera"])
def test_nothing_in_a_muster_list_becomes_markup(field: str) -> None:
    page = muster([replace(inside("E1", "Ann"), **{field: SCRIPT})], place=SCRIPT)
    assert "<script" not in page.source.lower()
    assert SCRIPT in page.text


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
    assert "Arrivals: 1, late: 0." in page.text
    assert "Nothing is open" in page.text
    assert "No day counts as late." in page.text
    assert "08:55 17:10 7.76 09:00–17:00" in page.text


def test_what_is_to_be_settled_stands_first_with_what_to_do() -> None:
    rows = [
        row(2),
        unseen(3, "absent"),
        row(4, corrected_by="hr", correction_reason="forgot", recorded_status="missing out"),
        row(5, status="missing out", last_out=""),
        unseen(6, "on leave"),
    ]
    page = report(rows)
    assert "To be settled (3)" in page.text
    assert page.text.index("To be settled (3)") < page.text.index("Arrivals")
    for step in (STATUSES["absent"].next_step, STATUSES["missing out"].next_step, "Approve the correction."):
        assert step in page.text
    assert "Corrected by hr: forgot. Recorded: …–…, missing out. Not approved yet." in page.text


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
    assert "2 November to 1 December 2026" in page.text
    assert page.count("details") == 2
    assert "15.52" in page.text


def test_a_month_of_two_hundred_people_is_one_page() -> None:
    page = report(month(200), grace_min=10)
    assert page.count("details") == 200
    assert page.count("svg") == 2


def test_a_mark_per_arrival() -> None:
    rows = [row(2), row(3, status="late", first_in="09:40:00", late_min=40), unseen(4, "absent"), row(5, planned_in="")]
    assert [each.start_offset_min for each in rows] == [pytest.approx(-4 - 50 / 60), 40.0, None, None]
    page = report(rows)
    dots = [attrs["d"] or "" for tag, attrs in page.elements if tag == "path" and "good" in (attrs.get("class") or "")]
    marks = [attrs["d"] or "" for tag, attrs in page.elements if tag == "path" and attrs.get("class") == "mark"]
    assert (sum(path.count("h0") for path in dots), sum(path.count("z") for path in marks)) == (1, 1)


def test_an_arrival_after_midnight_belongs_to_the_shift_of_the_evening() -> None:
    night = {"planned_in": "22:00", "planned_out": "06:00", "last_out": "06:10:00"}
    page = report([row(status="late", first_in="00:10:00", late_min=130, **night)])
    assert "The middle one is 130 min after the planned start." in page.text


@pytest.mark.parametrize(("delta", "beyond"), [(-120, 0), (-121, 1), (150, 0), (151, 1)])
def test_arrivals_far_away_are_drawn_on_the_edge_and_counted(delta: int, beyond: int) -> None:
    day = date(2026, 11, 2)
    came = f"{datetime(2026, 11, 2, 9, tzinfo=UTC) + timedelta(minutes=delta):%H:%M:%S}"
    rows = [row(first_in=came), row(first_in="09:00:00", employee_id="E2")]
    svg, count = arrivals_chart(rows, day, day, grace_min=None)
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


def test_everybody_inside_has_a_box_to_tick() -> None:
    rows = [
        inside("E2", "Ben", "Sales"),
        inside("E1", "ann"),
        inside("E4", "", ""),
        inside("E3", "Cem", state="unsure"),
    ]
    page = muster(rows, unknown_today=2)
    assert page.count("span", "tick") == 4
    words = page.words
    assert words[words.index("Inside") + 1] == "3"
    assert words[words.index("Unsure") + 1] == "1"
    assert words[words.index("Unknown people") + 1] == "2"
    order = [words.index(text) for text in ("Lab", "ann", "Cem", "Sales", "Ben", "No department", "E4")]
    assert order == sorted(order)
    assert page.words.count("unsure") == 1


def test_an_empty_building_is_said_to_be_empty() -> None:
    page = muster([])
    assert "Nobody is known to be inside." in page.text
    assert "not counted" in page.text


def test_times_of_today_are_short_and_others_have_their_day() -> None:
    page = muster(
        [
            inside(
                "E1", "Ann", since=datetime(2026, 12, 1, 7, 59, tzinfo=UTC), last_seen=NOW.replace(hour=8, minute=10)
            ),
            inside("E2", "Ben", since=datetime(2026, 11, 30, 22, 10, tzinfo=NOW.tzinfo)),
            inside("E3", "Cem", since=NOW.replace(hour=0, minute=15), day=date(2026, 11, 30)),
        ]
    )
    for text in ("08:59", "08:10", "Mon 30 Nov, 22:10", "00:15", "of Mon 30 Nov"):
        assert text in page.words


def test_a_muster_list_in_csv_runs_in_no_spreadsheet() -> None:
    (found,) = csv.DictReader(io.StringIO(muster_list_csv([inside("E1", "=cmd")])))
    assert found["name"] == "'=cmd"
    assert (found["since"], found["last_seen"], found["date"]) == ("08:31", "09:01", "2026-12-01")
