"""Working periods: nights, late evenings and people without a shift, each with the figure worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.attendance import Book, Correction, DayRows, DaySheet, PunchRow, Rota, day_sheet
from engine.config import AttendanceConfig, HolidaysConfig, ShiftConfig
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PEOPLE = {"E1": Person("E1", "Ann", enrolled_at="2026-01-05T10:00:00+01:00")}


def shift(start: str, end: str, days: str = "mon-fri", **more: object) -> ShiftConfig:
    return ShiftConfig(start=time.fromisoformat(start), end=time.fromisoformat(end), days=days, **more)  # type: ignore[arg-type]


OFFICE, LATE, NIGHT = shift("09:00", "17:30", break_min=30), shift("14:00", "22:00"), shift("22:00", "06:00")
GUARD = shift("07:00", "07:00", "mon,thu")


def day_of(word: str) -> date:
    """`Mon` to `Sun` of the week, `Sun-` the day before it, `Mon+` the Monday after it."""
    weeks = {"-": -7, "+": 7}.get(word[3:], 0)
    return MONDAY + timedelta(days=DAYS.index(word[:3]) + weeks)


def moment(text: str) -> datetime:
    """Such as `Mon 09:00`."""
    day, clock = text.split()
    return datetime.combine(day_of(day), time.fromisoformat(clock), BERLIN)


def log_rows(passages: str) -> list[PunchRow]:
    """Rows such as `in Mon 09:00, out Mon 17:30, Tue 09:00, seen out Tue 17:30`."""
    found = []
    for number, part in enumerate(passages.split(", ")):
        words = part.split()
        event = "seen" if "seen" in words else "punch"
        direction = next((word for word in words if word in {"in", "out"}), "both")
        found.append(PunchRow(f"e{number}", moment(" ".join(words[-2:])), "E1", event, "door", direction=direction))  # type: ignore[arg-type]
    return found


def sheets(
    passages: str,
    *shifts: ShiftConfig,
    corrections: Sequence[Correction] = (),
    now: str = "",
    **config: object,
) -> Mapping[date, DaySheet]:
    """All days of Ann from a week before to two weeks after Monday."""
    settings = AttendanceConfig(**{"count_unapproved": True, **config})  # type: ignore[arg-type]
    rota = Rota(
        {f"s{n}": each for n, each in enumerate(shifts)}, HolidaysConfig(), BERLIN, day_starts=settings.day_starts
    )
    book = Book(PEOPLE, rota, BERLIN, settings, corrections=corrections, present=moment(now) if now else None)
    logged = [DayRows(log_rows(passages))]
    days = [MONDAY + timedelta(days=offset) for offset in range(-7, 15)]
    return {row.day: row for day in days for row in day_sheet(logged, day, book)}


def said(found: Mapping[date, DaySheet], day: str) -> str:
    """Status and hours, and `!` if somebody must look at the day."""
    row = found.get(day_of(day))
    if row is None:
        return ""
    hours = "" if row.hours is None else f"{row.hours:.2f}"
    return " ".join(filter(None, (row.status, hours, "!" if row.to_settle else "")))


ISSUE = "in Mon 14:00, out Tue 00:05, in Tue 14:00, out Tue 22:00"
FRIDAY = "in Fri 09:00, out Sat 00:40"


@pytest.mark.parametrize(
    ("passages", "shifts", "expected"),
    [
        # leaving after midnight
        (ISSUE, (LATE,), {"Mon": "on time 10.08", "Tue": "on time 8.00"}),
        (
            "Mon 14:00, Tue 00:05, Tue 14:00, Tue 22:00",
            (LATE,),
            {"Mon": "on time 10.08", "Tue": "on time 8.00"},
        ),
        (ISSUE, (), {"Mon": "present 10.08", "Tue": "present 8.00"}),
        ("Mon 14:00, Tue 00:05, Tue 14:00, Tue 22:00", (), {"Mon": "present 10.08", "Tue": "present 8.00"}),
        (
            "in Mon 09:00, out Tue 00:40, in Tue 09:00, out Tue 17:00",
            (OFFICE,),
            {"Mon": "on time 15.17 !", "Tue": "left early 7.50"},
        ),
        (
            "Mon 09:00, Tue 00:40, Tue 09:00, Tue 17:00",
            (OFFICE,),
            {"Mon": "on time 15.17 !", "Tue": "left early 7.50"},
        ),
        (  # beyond the boundary, but a camera saw that it was a departure
            "in Mon 09:00, out Tue 02:00, in Tue 09:00, out Tue 17:30",
            (OFFICE,),
            {"Mon": "on time 16.50 !", "Tue": "on time 8.00"},
        ),
        (
            "in Mon 14:00, out Tue 06:30, in Tue 14:00, out Tue 22:00",
            (LATE,),
            {"Mon": "on time 16.50 !", "Tue": "on time 8.00"},
        ),
        (FRIDAY, (OFFICE,), {"Fri": "on time 15.17 !", "Sat": ""}),
        ("Fri 09:00, Sat 00:40", (OFFICE,), {"Fri": "on time 15.17 !", "Sat": ""}),
        ("in Mon 16:00, out Tue 00:00", (), {"Mon": "present 8.00", "Tue": ""}),
        ("Mon 16:00, Tue 00:00", (), {"Mon": "present 8.00", "Tue": ""}),
        ("in Mon 16:00, out Tue 00:00", (shift("16:00", "00:00"),), {"Mon": "on time 8.00", "Tue": "absent"}),
        ("in Mon 16:00, out Mon 20:00, in Mon 23:50, out Tue 00:00", (), {"Mon": "present 4.17", "Tue": ""}),
        # without a shift: nights
        ("in Mon 22:00, out Tue 06:00", (), {"Mon": "present 8.00", "Tue": ""}),
        (
            "Mon 22:00, Tue 06:00, Tue 22:00, Wed 06:00, Wed 22:00, Thu 06:00",
            (),
            {"Mon": "present 8.00", "Tue": "present 8.00", "Wed": "present 8.00", "Thu": ""},
        ),
        (
            "in Mon 22:00, out Tue 02:00, in Tue 02:30, out Tue 06:00, in Tue 22:00, out Wed 06:00",
            (),
            {"Mon": "present 7.50", "Tue": "present 8.00", "Wed": ""},
        ),
        (
            "Mon 22:00, Tue 02:00, Tue 02:30, Tue 06:00, Tue 22:00, Wed 06:00",
            (),
            {"Mon": "present 8.00", "Tue": "present 8.00", "Wed": ""},
        ),
        ("in Mon 22:00, out Mon 23:50, in Tue 00:20, out Tue 06:00", (), {"Mon": "present 7.50", "Tue": ""}),
        # without a shift: a missed passage spoils one day, not those after it
        (
            "in Mon 22:00, in Tue 22:00, out Wed 06:00",
            (),
            {"Mon": "missing out !", "Tue": "present 8.00", "Wed": ""},
        ),
        ("Mon 22:00, Tue 22:00, Wed 06:00", (), {"Mon": "missing out !", "Tue": "present 8.00", "Wed": ""}),
        ("Tue 06:00, Tue 22:00, Wed 06:00", (), {"Mon": "", "Tue": "missing out 8.00 !", "Wed": ""}),
        ("out Tue 06:00, in Tue 22:00, out Wed 06:00", (), {"Tue": "missing in 8.00 !", "Wed": ""}),
        ("Mon 18:00, Tue 08:00, Tue 17:00", (), {"Mon": "missing out !", "Tue": "present 9.00"}),
        ("in Mon 09:00, in Tue 09:00, out Tue 17:00", (), {"Mon": "missing out !", "Tue": "present 8.00"}),
        # an evening and the next morning are two days
        (
            "Mon 20:00, Mon 22:00, Tue 07:00, Tue 09:00",
            (),
            {"Mon": "present 2.00", "Tue": "present 2.00"},
        ),
        # unplanned beside planned
        (
            "in Sun- 22:00, out Mon 06:00, in Mon 22:00, out Tue 06:00",
            (NIGHT,),
            {"Sun-": "present 8.00", "Mon": "on time 8.00", "Tue": "absent"},
        ),
        (
            "Sun- 22:00, Mon 06:00, Mon 22:00, Tue 06:00",
            (NIGHT,),
            {"Sun-": "present 8.00", "Mon": "on time 8.00", "Tue": "absent"},
        ),
        (
            "Fri 22:00, Sat 06:00, Sat 22:00, Sun 06:00, Sun 22:00, Mon+ 06:00",
            (NIGHT,),
            {"Fri": "on time 8.00", "Sat": "present 8.00", "Sun": "present 8.00"},
        ),
        ("Sat 10:00, Sat 15:00", (NIGHT,), {"Fri": "late 5.00", "Sat": ""}),
        ("Sun 10:00, Sun 15:00", (NIGHT,), {"Sat": "", "Sun": "present 5.00", "Mon+": "absent"}),
        # a stray passage in the morning does not open the night
        (
            "in Mon 07:00, in Mon 23:00, out Tue 07:00",
            (shift("23:00", "07:00"),),
            {"Sun-": "missing out !", "Mon": "on time 8.00"},
        ),
        (
            "Mon 07:00, Mon 23:00, Tue 07:00",
            (shift("23:00", "07:00"),),
            {"Sun-": "missing out !", "Mon": "on time 8.00"},
        ),
        (
            "in Tue 07:00, in Tue 12:00, in Tue 23:00, out Wed 07:00",
            (shift("23:00", "07:00"),),
            {"Mon": "missing out !", "Tue": "on time 8.00"},
        ),
        # changing over: the nearest shift
        (
            "Mon 14:00, Tue 05:50, Tue 14:00",
            (shift("14:00", "22:00", "mon"), shift("06:00", "14:00", "tue-fri")),
            {"Mon": "missing out !", "Tue": "on time 8.17"},
        ),
        (
            "in Mon 14:00, in Tue 05:50, out Tue 14:00",
            (shift("14:00", "22:00", "mon"), shift("06:00", "14:00", "tue-fri")),
            {"Mon": "missing out !", "Tue": "on time 8.17"},
        ),
        # 24 hours
        ("in Mon 06:55, out Tue 07:05", (GUARD,), {"Mon": "on time 24.17", "Tue": ""}),
        ("Mon 06:55, Mon 12:00, Mon 12:30, Tue 07:05", (GUARD,), {"Mon": "on time 24.17", "Tue": ""}),
        # more than is possible
        ("in Mon 09:00, out Tue 17:00", (), {"Mon": "missing out !", "Tue": "missing in !"}),
        ("Mon 07:00, Mon 20:30", (), {"Mon": "missing out !"}),
        ("Mon 07:00, Mon 12:00, Mon 20:30", (), {"Mon": "present 13.50 !"}),
        ("in Mon 07:00, out Mon 20:30", (), {"Mon": "present 13.50 !"}),
        ("in Mon 07:00, out Mon 20:00", (), {"Mon": "present 13.00"}),
        ("in Mon 07:00, out Mon 20:30", (shift("07:00", "20:00"),), {"Mon": "on time 13.50"}),  # its shift is as long
    ],
)
def test_a_passage_belongs_to_the_nearest_plausible_period(
    passages: str, shifts: tuple[ShiftConfig, ...], expected: Mapping[str, str]
) -> None:
    found = sheets(passages, *shifts)
    assert {day: said(found, day) for day in expected} == expected
    assert sum(row.punches for row in found.values()) == len(log_rows(passages)), "none is lost or counted twice"


@pytest.mark.parametrize(
    ("passages", "monday", "tuesday"),
    [
        ("Mon 17:00, seen Tue 08:55, Tue 17:30", "missing out !", "missing out !"),  # nearer to the next shift
        ("Mon 16:00, Tue 01:10, seen Tue 01:20", "late 8.83", "absent"),  # ten minutes later somebody was still there
    ],
)
def test_a_sighting_after_the_boundary_belongs_to_the_passage_before_it_or_to_the_next_shift(
    passages: str, monday: str, tuesday: str
) -> None:
    found = sheets(passages, OFFICE)
    assert (said(found, "Mon"), said(found, "Tue")) == (monday, tuesday)
