"""The hours that count: rounded times, minimum hours, overtime, and hours at night, on Sundays and on public holidays."""

from __future__ import annotations

from datetime import date

import pytest

from engine.config import AttendanceConfig
from tests.attendance.test_sheet import cells, sheet

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
