"""The hours that count: rounded times, minimum hours, overtime, and hours at night, on Sundays and on public holidays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.views.month.filters import MonthFilter
from engine.attendance import DaySheet, Rota, Status, changes
from engine.attendance import cells as table
from engine.attendance.day import days_from_json, days_to_json
from engine.cli.app import app
from engine.cli.span import days, spelled
from engine.config import AttendanceConfig, HolidayGroupConfig, HolidaysConfig
from engine.config.away import Away, AwayPart
from engine.reports import summarise
from tests.attendance.test_sheet import BERLIN, MONDAY, NIGHT, OFFICE, SATURDAY, cells, sheet

QUARTERS = {"round_in_min": 15, "round_in": "up", "round_out_min": 15, "round_out": "down"}


@pytest.mark.parametrize(
    ("rule", "passages", "counted", "hours"),
    [
        ({}, "08:52, 17:38", ("", ""), "8.27"),
        (QUARTERS, "08:52, 17:38", ("09:00", "17:30"), "8.00"),
        (QUARTERS, "09:00:40, 17:30", ("09:00", ""), "8.00"),  # seconds do not make it 09:15
        ({"round_in_min": 15, "round_in": "down"}, "09:14, 17:38", ("09:00", ""), "8.13"),
        ({"round_in_min": 10, "round_out_min": 10}, "08:55, 17:34:59", ("09:00", "17:30"), "8.00"),  # a half goes up
        ({"round_in_min": 10, "round_out_min": 10}, "08:54:59, 17:35", ("08:50", "17:40"), "8.33"),
        (QUARTERS, "in 08:52, out 12:07, in 12:41, out 17:38", ("09:00", "17:30"), "7.93"),  # 34 min of break stay
        (
            QUARTERS,
            "in 08:52, out 08:58, in 09:10, out 17:38",
            ("09:00", "17:30"),
            "7.83",
        ),  # before 09:00: nothing counts
        (QUARTERS, "in 08:52, out 08:58", ("09:00", "09:00"), "0.00"),
        (QUARTERS, "in 09:00", ("", ""), ""),
    ],
)
def test_rounding_moves_the_hours_and_not_the_times(
    rule: dict[str, object], passages: str, counted: tuple[str, str], hours: str
) -> None:
    row = sheet(passages, config=AttendanceConfig.model_validate(rule))
    assert cells(row, "counted_in", "counted_out", "hours") == (*counted, hours)
    exact = sheet(passages)
    recorded = ("first_in", "last_out", "status", "late_min", "early_min", "presence_hours", "recorded_first_in")
    assert cells(row, *recorded) == cells(exact, *recorded)


def test_rounding_keeps_to_the_local_clock_of_a_night_with_a_clock_change() -> None:
    row = sheet("22:03, +1 06:08", day=date(2026, 10, 24), shift=None, config=AttendanceConfig.model_validate(QUARTERS))
    assert cells(row, "counted_in", "counted_out", "hours") == ("22:15", "06:00", "8.75")  # 03:00 comes twice


KINDS = ("hours", "overtime_hours", "night_hours", "sunday_hours", "holiday_hours")
NIGHT_SHIFT = NIGHT.model_copy(update={"break_min": 30})


@pytest.mark.parametrize(
    ("passages", "day", "expected"),
    [
        ("22:00, +1 06:00", MONDAY, ("7.50", "", "6.56", "", "")),  # 7 h × 7.5 / 8
        ("22:00, +1 06:00", SATURDAY, ("7.50", "", "6.56", "5.62", "")),  # 6 h of Sunday × 7.5 / 8
        ("in 22:00, out +1 02:00, in +1 02:30, out +1 06:00", MONDAY, ("7.50", "", "6.50", "", "")),  # a break at night
        ("22:00, +1 07:00", MONDAY, ("8.50", "1.00", "6.61", "", "")),  # 7 h × 8.5 / 9
        (
            "22:00, +1 06:00",
            date(2026, 10, 24),
            ("8.50", "", "7.56", "6.61", ""),
        ),  # 9 h, planned 8.5: 03:00 comes twice
        ("22:00, +1 06:00", date(2026, 3, 28), ("6.50", "", "5.57", "4.64", "")),  # 7 h, planned 6.5
    ],
)
def test_hours_of_nights_and_sundays_are_elapsed_time(passages: str, day: date, expected: tuple[str, ...]) -> None:
    assert cells(sheet(passages, day, NIGHT_SHIFT), *KINDS) == expected


@pytest.mark.parametrize(
    ("passages", "book", "overtime"),
    [
        ("09:00, 17:30", {}, ""),
        ("09:00, 19:00", {}, "1.50"),
        ("09:00, 19:00", {"after": 30}, "1.00"),
        ("09:00, 17:45", {"after": 30}, ""),
        ("09:00", {}, ""),  # missing out: nobody knows
        ("09:00, 13:00", {"day": SATURDAY}, "4.00"),  # nothing is planned
        ("09:00, 13:00", {"day": SATURDAY, "shift": None}, ""),  # nor on any other day
        ("09:00, 14:00", {"leave": 0.5}, "1.00"),  # four hours of eight are leave
        ("09:00, 11:00", {"leave": 1.0}, ""),
    ],
)
def test_overtime_is_what_goes_beyond_the_plan(passages: str, book: dict[str, object], overtime: str) -> None:
    given = dict(book)
    day = given.pop("day", MONDAY)
    config = AttendanceConfig(overtime_after_min=given.pop("after", 0))  # type: ignore[arg-type]
    if share := given.pop("leave", None):
        half = "afternoon" if share == 0.5 else ""
        part = AwayPart("annual", "annual", "on leave", share=share, half=half)  # type: ignore[arg-type]
        given["leave"] = {("E1", day): Away((part,))}
    row = sheet(passages, day, config=config, **given)  # type: ignore[arg-type]
    assert row.get("overtime_hours") == overtime


def test_holiday_hours_are_those_of_the_persons_group() -> None:
    group = HolidayGroupConfig(extra={MONDAY: "Fair"}, departments=("Lab",))
    holidays = HolidaysConfig(extra={date(2026, 11, 24): "Rest day"}, groups={"lab": group})
    rota = Rota({"office": OFFICE}, holidays, BERLIN)
    assert cells(sheet("09:00, 15:00", rota=rota), *KINDS) == ("6.00", "6.00", "", "", "6.00")
    other = sheet("in 20:00, out +1 02:00", rota=rota, person={"department": "Sales"})
    assert cells(other, "overtime_hours", "night_hours", "holiday_hours") == ("", "3.00", "2.00")


def test_months_that_were_closed_before_these_columns_list_no_change_of_them() -> None:
    now = replace(DaySheet("E1", MONDAY, Status.PRESENT, worked=timedelta(hours=8)), night=timedelta(hours=1))
    old = days_from_json(days_to_json([replace(now, night=None)], whole=False))
    assert (cells(table(old[0]), "hours", "night_hours"), changes(old, [now])) == (("8.00", ""), [])
    later = replace(now, night=timedelta(hours=2))
    assert [(each.column, each.closed, each.now) for each in changes([now], [later])] == [
        ("night_hours", "1.00", "2.00")
    ]


DAYS = OFFICE.model_copy(update={"full_day_h": 7.0, "half_day_h": 3.0})
HALF = {("E1", MONDAY): Away((AwayPart("annual", "annual", "on leave", share=0.5, half="afternoon"),))}


@pytest.mark.parametrize(
    ("passages", "book", "expected"),
    [
        ("09:00, 16:30", {}, ("left early", "7.00", "", "", "yes")),  # exactly enough
        ("09:00, 16:29", {}, ("half day", "6.98", "0.5", "", "yes")),
        ("12:00, 15:00", {}, ("half day", "3.00", "0.5", "", "yes")),
        ("12:00, 14:59", {}, ("absent", "2.98", "0", "", "yes")),
        ("12:00", {}, ("missing out", "", "", "8.00", "")),  # nobody knows the hours
        ("09:00, 12:30", {"leave": HALF}, ("left early", "3.50", "", "4.00", "yes")),
        ("09:00, 12:00", {"leave": HALF}, ("half day", "3.00", "0.5", "4.00", "yes")),
        ("09:00, 10:00", {"day": SATURDAY}, ("present", "1.00", "", "", "")),
        ("09:00, 12:00", {"shift": OFFICE}, ("left early", "3.00", "", "", "yes")),
        ("in 09:00, out 11:00", {"now": "14:00"}, ("on time", "2.00", "", "", "")),  # may come back
    ],
)
def test_a_day_needs_its_hours(passages: str, book: dict[str, object], expected: tuple[str, ...]) -> None:
    row = sheet(passages, **({"shift": DAYS} | book))  # type: ignore[arg-type]
    assert cells(row, "status", "hours", "day_share", "credited_hours", "left_early") == expected


def test_the_summary_counts_half_days() -> None:
    days = [DaySheet("E1", MONDAY + timedelta(days=n), Status.PRESENT, worked=timedelta(hours=4)) for n in range(3)]
    rows = [replace(days[0], day_share=0.5), replace(days[1], day_share=0.0), days[2]]
    assert summarise(rows)[0]["days_worked"] == 1.5


@pytest.mark.parametrize(
    ("begins", "day", "expected"),
    [
        (1, "2026-11-30", ("2026-11-01", "2026-11-30")),
        (1, "2024-02-01", ("2024-02-01", "2024-02-29")),
        (16, "2026-11-15", ("2026-10-16", "2026-11-15")),
        (16, "2026-11-16", ("2026-11-16", "2026-12-15")),
        (16, "2026-12-31", ("2026-12-16", "2027-01-15")),
        (28, "2026-01-30", ("2026-01-28", "2026-02-27")),
        (28, "2026-02-28", ("2026-02-28", "2026-03-27")),
    ],
)
def test_a_payroll_month_begins_on_its_day(begins: int, day: str, expected: tuple[str, str]) -> None:
    rules = AttendanceConfig(payroll_day=begins)
    found = rules.payroll_month_of(date.fromisoformat(day))
    assert tuple(map(str, found)) == expected
    assert rules.payroll_month(found[1]) == found


def test_commands_and_the_month_page_take_the_payroll_month(tmp_path: Path) -> None:
    rules, november = AttendanceConfig(payroll_day=16), (date(2026, 10, 16), date(2026, 11, 15))
    assert days(None, "2026-11", MONDAY, rules=rules) == november
    assert spelled(*november) == "2026-10-16 to 2026-11-15"
    assert MonthFilter(*november, rules=rules).whole
    assert not MonthFilter(*november).whole
    (tmp_path / "muster.toml").write_text("[attendance]\npayroll_day = 16\n")
    answer = CliRunner().invoke(app, ["month", "close", "2026-11", "--author", "kim", "--workspace", str(tmp_path)])
    assert "nobody was seen or expected from 2026-10-16 to 2026-11-15" in str(answer.exception)
