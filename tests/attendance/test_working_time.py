"""Days and weeks beyond the law on working time, by the edges of each rule."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from command import muster
from fakes import T0
from paperwork import Clock, enrol, face, punch
from sheets import BERLIN

from engine.attendance import RULES, DaySheet, Status, WorkWarning, day_warnings, week_warnings
from engine.config import AwayPart, ScheduledReport
from engine.operations.letters import letter
from engine.operations.reporting import AttendanceReports
from engine.workbench import Workbench

MONDAY = date(2026, 11, 2)


def day(number: int, begin: str = "08:00", hours: float = 8, pause_min: float = 30, who: str = "E1") -> DaySheet:
    """A day of somebody: from when, so many hours of work, and breaks."""
    at = datetime.combine(MONDAY + timedelta(days=number), time.fromisoformat(begin), BERLIN)
    work, pause = timedelta(hours=hours), timedelta(minutes=pause_min)
    return DaySheet(
        who,
        MONDAY + timedelta(days=number),
        Status.PRESENT,
        first_in=at,
        last_out=at + work + pause,
        worked=work,
        breaks=pause,
        stayed=work + pause,
    )


def kinds(found: list[WorkWarning]) -> list[tuple[int, str]]:
    return [((each.day - MONDAY).days, each.kind) for each in found]


@pytest.mark.parametrize(
    ("law", "hours", "pause", "wanted"),
    [
        ("de", 6, 0, []),
        ("de", 6.01, 0, ["break"]),
        ("de", 6.01, 30, []),
        ("de", 9, 30, []),
        ("de", 9.01, 30, ["break"]),
        ("de", 10, 45, []),
        ("de", 10.01, 45, ["day"]),
        ("at", 10.5, 30, []),
        ("at", 12.01, 30, ["day"]),
        ("at", 6.5, 29, ["break"]),
        ("eu", 13, 0, []),
    ],
)
def test_hours_and_breaks_of_a_day(law: str, hours: float, pause: float, wanted: list[str]) -> None:
    assert [each.kind for each in day_warnings([day(0, hours=hours, pause_min=pause)], RULES[law])] == wanted


def test_rest_is_from_the_last_departure_to_the_next_arrival() -> None:
    late = day(0, "13:00", 8, 60)  # until 22:00
    assert kinds(day_warnings([late, day(1, "09:00")], RULES["de"])) == []
    (found,) = day_warnings([late, day(1, "08:59")], RULES["de"])
    assert (found.kind, str(found.part)) == ("rest", "rest of 10:59 h before the day, at least 11:00 h")
    assert kinds(day_warnings([late, day(1, "08:00", who="E2")], RULES["de"])) == []
    unknown = replace(late, last_out=None)
    assert kinds(day_warnings([unknown, day(1, "06:00")], RULES["de"])) == []
    off = DaySheet("E1", MONDAY + timedelta(days=1), Status.DAY_OFF)
    assert kinds(day_warnings([late, off, day(2, "08:00")], RULES["de"])) == []


def test_the_night_on_which_clocks_are_put_on_is_an_hour_shorter() -> None:
    saturday = (date(2027, 3, 27) - MONDAY).days
    (found,) = day_warnings([day(saturday, "13:00", 8, 60), day(saturday + 1, "09:00")], RULES["de"])
    assert found.found == timedelta(hours=10)


def test_days_carry_the_warnings_and_a_command_and_a_letter_tell_of_them(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('timezone = "UTC"\n')
    place = Workbench(tmp_path, clock=Clock(T0))
    enrol(place, "E1", "Ann Lee", face(1, 0))
    first, last = T0.date() - timedelta(days=5), T0.date() - timedelta(days=4)
    for offset, hours in ((5, (6, 17.5)), (4, (3, 9))):
        for hour in hours:
            at = datetime.combine(T0.date() - timedelta(days=offset), time(), UTC) + timedelta(hours=hour)
            punch(place, "E1", at, track=f"run-{offset}-{hour}")
    assert not any("rest" in row.note for row in AttendanceReports(place).rows(first, last))
    command = ("report", "working-time", "--from", first, "--until", last, "--json", "--workspace", tmp_path)
    assert muster(*command).code == 4
    (tmp_path / "muster.toml").write_text('timezone = "UTC"\n[attendance]\nworking_time = "de"\n')
    reports = AttendanceReports(Workbench(tmp_path, clock=Clock(T0)))
    found = [(each.day, each.kind) for each in reports.working_time(first, last)]
    assert found == [(first, "break"), (first, "day"), (last, "rest")]
    assert "worked 11:30 h, at most 10:00 h" in reports.rows(first, first)[0].note
    (alone,) = reports.rows(last, last, "E1")  # the day before is read, too
    assert "rest of 9:30 h before the day, at least 11:00 h" in alone.note
    told = json.loads(muster(*command).out)
    assert [(each["date"], each["kind"]) for each in told["warnings"]] == [(str(each), kind) for each, kind in found]
    written = letter(reports, ScheduledReport(name="weekly", to=("a@example.org",)), first, last, "", "en")
    assert "Warnings of working time: 3" in written.body


def test_the_mean_of_weeks_leaves_out_leave_and_weeks_before_the_first() -> None:
    weeks = [day(7 * week + each, hours=hours) for week, hours in enumerate((9, 9, 9)) for each in range(6)]
    last = MONDAY + timedelta(days=20)
    (found,) = week_warnings(weeks, RULES["de"], last)
    assert (found.kind, found.found, found.day) == ("week", timedelta(hours=54), last)
    assert week_warnings([replace(row, worked=timedelta(hours=8)) for row in weeks], RULES["de"], last) == []
    leave = [
        replace(
            day(7 * 2 + each), worked=None, first_in=None, last_out=None, leave=(AwayPart("annual", "on leave", 1.0),)
        )
        for each in range(5)
    ]
    fifty = [day(7 * week + each, hours=10) for week in range(2) for each in range(5)]
    (found,) = week_warnings([*fifty, *leave], RULES["de"], last)
    assert found.found == timedelta(hours=50)
    assert week_warnings([], RULES["de"], last) == []
