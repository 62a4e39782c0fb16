"""A shift of several parts with an unpaid gap: hours, punctuality of each part, passages that are missing, leave, and the settings."""

from __future__ import annotations

from datetime import date, time

import pytest

from engine.config import ShiftConfig
from engine.config.away import Away, AwayPart
from tests.attendance.test_sheet import MONDAY, cells, sheet, watched

SPLIT = ShiftConfig.model_validate({"hours": ["06:00-10:00", "16:00-20:00"], "days": "mon-sun"})
COLUMNS = ("status", "hours", "break_hours", "late_min", "early_min")


def test_its_hours_are_the_sum_of_its_parts() -> None:
    assert (SPLIT.start, SPLIT.end, SPLIT.parts_min) == (time(6), time(20), ((360, 600), (960, 1200)))
    row = sheet("in 06:00, out 10:00, in 16:00, out 20:00", shift=SPLIT)
    assert cells(row, "planned_in", "planned_out", "planned_hours", "presence_hours") == (
        "06:00",
        "20:00",
        "8.00",
        "14.00",
    )
    with_break = SPLIT.model_copy(update={"break_min": 30})
    row = sheet("in 06:00, out 10:00, in 16:00, out 20:00", shift=with_break)
    assert cells(row, "planned_hours", "hours", "break_hours") == ("7.50", "7.50", "0.50")


@pytest.mark.parametrize(
    ("passages", "expected"),
    [
        ("in 06:00, out 10:00, in 16:00, out 20:00", ("on time", "8.00", "0.00", 0, 0)),
        ("06:00, 10:00, 16:00, 20:00", ("on time", "8.00", "0.00", 0, 0)),  # cameras that see both ways
        ("in 06:00, out 10:00, in 16:30, out 20:00", ("late", "7.50", "0.00", 30, 0)),
        ("in 06:10, out 10:00, in 16:30, out 20:00", ("late", "7.33", "0.00", 40, 0)),
        ("06:00, 09:30, 16:04, 20:00", ("left early", "7.43", "0.00", 0, 30)),
        ("in 06:00, out 10:40, in 15:50, out 20:00", ("on time", "8.83", "0.00", 0, 0)),  # what is worked counts
        ("in 06:00, out 07:00, in 07:15, out 10:00, in 16:00, out 20:00", ("on time", "7.75", "0.25", 0, 0)),
        ("in 16:00, out 20:00", ("late", "4.00", "0.00", 240, 0)),
        ("in 06:00, out 10:00", ("left early", "4.00", "0.00", 0, 240)),
        ("in 06:00, out 20:00", ("on time", "8.00", "0.00", 0, 0)),  # whoever stays is not paid for the gap
        ("06:00, 16:00, 20:00", ("missing out", "4.00", "0.00", 0, 0)),
        ("06:00, 10:00, 20:00", ("missing in", "4.00", "0.00", 0, 0)),
        ("in 06:00, out 10:00, in 16:00", ("missing out", "4.00", "0.00", 0, "")),
        ("", ("absent", "", "", "", "")),
    ],
)
def test_each_part_is_judged_by_itself(passages: str, expected: tuple[object, ...]) -> None:
    assert cells(sheet(passages, shift=SPLIT, coverage=watched()), *COLUMNS) == expected


def test_before_a_part_is_over_nobody_has_missed_it() -> None:
    for now in ("12:00", "19:00"):
        row = sheet("in 06:00, out 10:00", shift=SPLIT, now=now)
        assert cells(row, "status", "late_min", "early_min") == ("on time", 0, 0)
    assert sheet("in 06:00, out 10:00", shift=SPLIT, now="20:01")["status"] == "left early"


def test_a_camera_that_was_off_excuses_the_part_that_it_hides() -> None:
    passages = "in 06:00, out 10:00, in 16:30, out 20:00"
    assert cells(sheet(passages, shift=SPLIT, coverage=watched("15:40-16:20")), "status", "late") == ("not covered", "")
    assert sheet(passages, shift=SPLIT, coverage=watched("11:00-15:00"))["status"] == "late"
    assert sheet("", shift=SPLIT, coverage=watched("11:00-15:00"))["status"] == "absent"  # nobody was expected then


@pytest.mark.parametrize(
    ("half", "planned", "passages"),
    [("morning", ("16:00", "20:00"), "16:00, 20:00"), ("afternoon", ("06:00", "10:00"), "06:00, 10:00")],
)
def test_half_a_day_of_leave_leaves_a_part(half: str, planned: tuple[str, str], passages: str) -> None:
    part = AwayPart("annual", "annual", "on leave", share=0.5, half=half)  # type: ignore[arg-type]
    row = sheet(passages, shift=SPLIT, leave={("E1", MONDAY): Away((part,))})
    assert cells(row, "planned_in", "planned_out", "status", "hours", "credited_hours") == (
        *planned,
        *("on time", "4.00", "4.00"),
    )


def test_parts_may_lie_around_midnight_and_a_clock_change() -> None:
    night = ShiftConfig.model_validate({"hours": ["20:00-24:00", "02:00-06:00"], "days": "mon-sun"})
    assert night.parts_min == ((1200, 1440), (1560, 1800))
    row = sheet("in 20:00, out +1 00:00, in +1 02:00, out +1 06:00", shift=night)
    assert cells(row, "status", "hours", "night_hours") == ("on time", "8.00", "5.00")
    row = sheet("", date(2026, 10, 24), shift=night)  # 02:00 to 06:00 are five hours
    assert row["planned_hours"] == "9.00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": ["06:00-10:00", "09:00-12:00"]},
        {"hours": ["06:00-10:00", "10:00-12:00"]},
        {"hours": ["16:00-20:00", "06:00-10:00", "15:00-17:00"]},
        {"hours": ["06:00-10:00"], "start": "07:00"},
        {"hours": ["6-10"]},
        {},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"hours|start|Field required"):
        ShiftConfig.model_validate(wrong)
