"""What the cool-down keeps: from sightings at a door to the day that they come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import sighting

from engine.attendance import AttendanceBook, Plan, Rota
from engine.attendance.presence import Mark, times_inside
from engine.config import EventsConfig, HolidaysConfig, ShiftConfig
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
PEOPLE = {"E1": Person("E1", "Ann", enrolled_at="2026-01-05T10:00:00+01:00")}
OFFICE = ShiftConfig(start=time(9), end=time(17, 30))


def moment(clock: str) -> datetime:
    return datetime.combine(MONDAY, time.fromisoformat(clock), BERLIN)


def opened(workspace: Path) -> AttendanceBook:
    plan = Plan(Rota({"office": OFFICE}, HolidaysConfig(), BERLIN), directions={"in": "in", "out": "out"})
    return AttendanceBook(workspace, BERLIN, EventsConfig(cool_down_s=300), plan)


@pytest.mark.parametrize(
    ("seen", "events", "status", "hours", "last_out"),
    [
        (  # the real exit comes last, within the cool-down
            "hall 09:00:00, hall 17:26:00, hall 17:28:00, hall 17:30:40",
            "punch punch seen seen",
            "on time",
            8.51,
            "17:30:40",
        ),
        (  # in, out and in again at the door
            "in 08:55:00, out 08:55:40, in 08:56:20, out 17:30:00",
            "punch punch punch punch",
            "on time",
            8.57,
            "17:30:00",
        ),
        (  # out, in for what was forgotten, and out
            "in 08:55:00, out 17:30:00, in 17:31:00, out 17:33:00",
            "punch punch punch punch",
            "on time",
            8.62,
            "17:33:00",
        ),
        (  # still at the door after leaving
            "in 08:55:00, out 17:30:10, out 17:33:30",
            "punch punch seen",
            "on time",
            8.59,
            "17:30:10",
        ),
        # lingered after the arrival, and the departure was missed
        ("hall 08:55:00, hall 08:58:25", "punch seen", "missing out", 0, "None"),
        ("hall 08:55:00, hall 08:58:25, hall 17:30:40", "punch seen punch", "on time", 8.59, "17:30:40"),
        ("in 08:55:00, in 08:56:00, out 17:30:00", "punch seen punch", "on time", 8.58, "17:30:00"),
        (
            "hall 08:55:00, hall 08:55:30, hall 08:59:00, hall 17:31:00",
            "punch seen seen punch",
            "on time",
            8.6,
            "17:31:00",
        ),
    ],
)
def test_nothing_that_matters_is_left_out(
    tmp_path: Path, seen: str, events: str, status: str, hours: float, last_out: str
) -> None:
    for number, part in enumerate(seen.split(", ")):
        camera, clock = part.split()
        # each row is on disk at once, whatever happens to the process then
        opened(tmp_path).record(replace(sighting(time=moment(clock), track=f"run-{number}"), camera=camera), PEOPLE)
    book = opened(tmp_path)
    assert " ".join(row.event for row in book.log.read(MONDAY)) == events
    (row,) = book.sheets.on(MONDAY, PEOPLE)
    left = f"{row.last_out:%H:%M:%S}" if row.last_out else "None"
    assert (row.status, row.hours or 0, left) == (status, hours, last_out)


@pytest.mark.parametrize("rows", ["out 17:33", "in 09:00", "both 12:00"])
def test_a_sighting_alone_neither_comes_nor_goes(rows: str) -> None:
    direction, clock = rows.split()
    found = times_inside([Mark(moment(clock), "e", direction, seen=True)])  # type: ignore[arg-type]
    assert (found.first_in, found.last_out, found.spans, found.missing_in) == (None, None, (), False)


@pytest.mark.parametrize("seen", [True, False])
def test_a_sighting_too_late_for_the_day_opens_nothing(seen: bool) -> None:
    late = Mark(moment("08:01") + timedelta(days=1), "e3", seen=seen)
    found = times_inside([Mark(moment("08:00"), "e1"), Mark(moment("17:00"), "e2"), late])
    assert (found.last_out, found.missing_in) == (moment("17:00"), not seen)


def test_whoever_stands_at_the_door_for_a_minute_writes_few_rows(tmp_path: Path) -> None:
    book = opened(tmp_path)
    for second in range(60):
        book.record(sighting(time=moment(f"09:00:{second:02}"), track=f"run-{second}"), PEOPLE)
    assert len(book.log.read(MONDAY)) == 6
