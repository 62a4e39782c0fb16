"""Times that are added by hand: one rule for the command and the page, and refusals that say why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import sighting

from engine.attendance import AttendanceBook, Correction, DaySheet, Plan, Rota
from engine.config import AttendanceConfig, EventsConfig, HolidaysConfig, ShiftConfig
from engine.errors import InputError
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 10, 5)
NEXT = datetime(2026, 10, 12, 12, tzinfo=BERLIN)
DAYS = ("Mon", "Tue", "Wed")
PEOPLE = {"E1": Person("E1", "Ann", enrolled_at="2026-01-05T10:00:00+01:00")}
DIRECTIONS: Mapping[str, str] = {"in": "in", "out": "out"}
SHIFTS = {
    "none": None,
    "office": ("09:00", "17:30"),
    "late": ("14:00", "22:00"),
    "night": ("22:00", "06:00"),
    "early": ("00:30", "08:30"),
    "guard": ("07:00", "07:00"),
}


def moment(text: str) -> datetime:
    """Such as `Mon 09:00`."""
    day, clock = text.split()
    return datetime.combine(MONDAY.replace(day=MONDAY.day + DAYS.index(day)), time.fromisoformat(clock), BERLIN)


class Desk:
    """Ann's passages, and somebody who corrects her Monday."""

    def __init__(self, workspace: Path, shift: str, passages: str, days: str = "mon-fri") -> None:
        times = SHIFTS[shift]
        shifts = {}
        if times:
            start, end = map(time.fromisoformat, times)
            shifts[shift] = ShiftConfig(start=start, end=end, days="mon" if shift == "guard" else days)
        plan = Plan(
            Rota(shifts, HolidaysConfig(), BERLIN),
            AttendanceConfig(count_unapproved=True),
            directions={"in": "in", "out": "out"},
        )
        self.book = AttendanceBook(workspace, BERLIN, EventsConfig(), plan)
        for number, part in enumerate(filter(None, passages.split(", "))):
            *camera, day, clock = part.split()
            shown = sighting(time=moment(f"{day} {clock}"), track=f"run-{number}")
            object.__setattr__(shown, "camera", *camera or ["hall"])
            assert self.book.record(shown, PEOPLE)

    def add(self, direction: str, at: time | datetime) -> str:
        """Add a time to Monday, as command and page do; return where it is, such as `Tue 00:24`."""
        if isinstance(at, time):
            at = self.book.moment_on("E1", MONDAY, at, direction, PEOPLE)  # type: ignore[arg-type]
        wanted = Correction("", NEXT, MONDAY, "E1", "add", at, direction, author="hr", reason="asked")  # type: ignore[arg-type]
        made = self.book.correct(wanted, PEOPLE)
        assert made.time is not None
        local = made.time.astimezone(BERLIN)
        return f"{local:%a %H:%M}"

    def day(self) -> DaySheet:
        (row,) = self.book.sheets.on(MONDAY, PEOPLE)
        return row


@pytest.mark.parametrize(
    ("shift", "passages", "added", "where", "status", "hours"),
    [
        ("late", "in Mon 14:00", "out 00:24", "Tue 00:24", "on time", 10.4),
        ("late", "in Mon 14:00", "out 21:00", "Mon 21:00", "left early", 7),
        ("late", "out Mon 22:00", "in 13:55", "Mon 13:55", "on time", 8.08),
        ("office", "in Mon 09:00", "out 00:40", "Tue 00:40", "on time", 15.67),
        ("office", "in Mon 13:00, out Mon 17:30", "out 12:00", "Mon 12:00", "missing in", 4.5),
        ("office", "in Mon 09:00", "out 17:30", "Mon 17:30", "on time", 8.5),
        ("office", "", "in 23:00", "Mon 23:00", "missing out", None),
        ("night", "in Mon 22:00", "out 05:30", "Tue 05:30", "left early", 7.5),
        ("night", "in Mon 22:00", "out 23:30", "Mon 23:30", "left early", 1.5),
        ("night", "out Tue 06:00", "in 00:30", "Tue 00:30", "late", 5.5),
        ("early", "out Mon 08:30", "in 23:50", "Sun 23:50", "on time", 8.67),
        ("guard", "in Mon 06:55", "out 07:05", "Tue 07:05", "on time", 24.17),
        ("guard", "out Tue 07:05", "in 06:55", "Mon 06:55", "on time", 24.17),
        ("none", "in Mon 14:00", "out 00:24", "Tue 00:24", "present", 10.4),
        ("none", "in Mon 09:00", "out 00:40", "Tue 00:40", "present", 15.67),
        ("none", "in Mon 22:00", "out 06:00", "Tue 06:00", "present", 8),
        ("none", "Mon 22:00", "out 06:00", "Tue 06:00", "present", 8),
        ("none", "in Mon 09:00", "out 17:00", "Mon 17:00", "present", 8),
        ("none", "", "in 08:00", "Mon 08:00", "missing out", None),
    ],
)
def test_a_time_of_day_is_placed_where_it_belongs(
    tmp_path: Path, shift: str, passages: str, added: str, where: str, status: str, hours: float | None
) -> None:
    desk = Desk(tmp_path, shift, passages)
    direction, clock = added.split()
    assert desk.add(direction, time.fromisoformat(clock)) == where
    assert (desk.day().status, desk.day().hours) == (status, hours)


@pytest.mark.parametrize(
    ("shift", "passages", "added", "hours"),
    [
        ("office", "in Mon 09:00", "out Tue 00:40", 15.67),
        ("office", "in Mon 09:00", "out Tue 02:00", 17),  # beyond half-way to the next shift
        ("late", "in Mon 14:00", "out Tue 00:24", 10.4),
        ("none", "in Mon 14:00", "out Tue 00:40", 10.67),
        ("none", "in Mon 22:00", "out Tue 06:00", 8),
        ("guard", "in Mon 06:55", "out Tue 07:05", 24.17),
        ("none", "out Tue 06:00", "in Mon 22:00", 8),  # the departure goes with it
    ],
)
def test_a_time_with_its_date_is_accepted_where_it_is_plausible(
    tmp_path: Path, shift: str, passages: str, added: str, hours: float
) -> None:
    desk = Desk(tmp_path, shift, passages)
    direction, at = added.split(" ", 1)
    desk.add(direction, moment(at))
    assert desk.day().hours == hours


@pytest.mark.parametrize(
    ("shift", "passages", "added", "message"),
    [
        (
            "none",
            "in Mon 09:00, in Tue 09:00",
            "out Tue 09:30",
            "2026-10-06 09:30 is not within the working day 2026-10-05 → the passage at 2026-10-06 09:00 belongs to the next day",
        ),
        ("office", "in Mon 09:00", "out Wed 09:00", "give a time from 2026-10-05 01:15 to 2026-10-06 09:00, or"),
        ("night", "in Mon 22:00", "in Mon 09:00", "give a time from 2026-10-05 14:00 to 2026-10-06 22:00"),
    ],
)
def test_a_refusal_says_why(tmp_path: Path, shift: str, passages: str, added: str, message: str) -> None:
    desk = Desk(tmp_path, shift, passages)
    direction, at = added.split(" ", 1)
    with pytest.raises(InputError) as refused:
        desk.add(direction, moment(at))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("shift", "passages", "clock"),
    [
        ("none", "in Mon 13:00, out Mon 17:30", "12:00"),
        ("none", "in Mon 09:00, in Tue 00:30", "00:45"),
        ("office", "in Mon 09:00, in Tue 01:20", "01:30"),
    ],
)
def test_no_departure_is_put_before_the_arrival_without_a_word(
    tmp_path: Path, shift: str, passages: str, clock: str
) -> None:
    desk = Desk(tmp_path, shift, passages)
    with pytest.raises(InputError, match=f"{clock} lies before the arrival at .* → give the date, too"):
        desk.add("out", time.fromisoformat(clock))
