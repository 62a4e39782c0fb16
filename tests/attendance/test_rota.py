"""Plans: which shift holds, how long it really lasts, and that every moment belongs to exactly one working day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.attendance import Rota
from engine.attendance.holidays import _calendar
from engine.config import HolidaysConfig, ShiftConfig
from engine.errors import ConfigError

BERLIN, SYDNEY = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Sydney")
SANTIAGO = ZoneInfo("America/Santiago")  # changes at midnight: one day has none, another has its last hour twice
ZONES = st.sampled_from([BERLIN, SYDNEY, SANTIAGO])
MONDAY = date(2026, 11, 23)
CHANGES = [
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 4, 5),
    date(2026, 10, 4),
    date(2026, 9, 6),
    date(2026, 4, 4),
]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def shift(start: str, end: str, days: str = "mon-sun", **more: object) -> ShiftConfig:
    return ShiftConfig(start=time.fromisoformat(start), end=time.fromisoformat(end), days=days, **more)  # type: ignore[arg-type]


def rota(zone: ZoneInfo = BERLIN, /, **shifts: ShiftConfig) -> Rota:
    return Rota(shifts, HolidaysConfig(), zone)


# ----------------------------------------------------------------------------------------- which shift

RULES: Mapping[str, ShiftConfig] = {
    "all": shift("08:00", "16:00", "mon-fri"),
    "second": shift("09:00", "17:00", "mon-fri"),
    "lab": shift("10:00", "18:00", "mon-thu", departments=("Lab", "Shop")),
    "ann": shift("06:00", "14:00", "mon-tue", people=("E1",)),
    "old": shift("05:00", "13:00", "mon-tue", people=("E2",), valid_until=MONDAY),
    "new": shift("07:00", "15:00", "mon-tue", people=("E2",), valid_from=MONDAY + timedelta(days=1)),
    "weekend": shift("12:00", "18:00", "sat", people=("E1",), departments=("Shop",)),
}


@pytest.mark.parametrize(
    ("who", "department", "offset", "name"),
    [
        ("E9", "", 0, "all"),
        ("E9", "Shop", 0, "lab"),
        ("E9", " lAB ", 0, "lab"),  # however it is written
        ("E9", "Laboratory", 0, "all"),  # another department
        ("E9", "Lab", 4, "all"),
        ("E1", "Lab", 0, "ann"),
        ("E1", "Lab", 2, "lab"),
        ("E1", "", 5, "weekend"),
        ("E9", "Shop", 5, "weekend"),
        ("E9", "Lab", 5, ""),
        ("E9", "", 6, ""),
        ("E2", "", 0, "old"),
        ("E2", "", 1, "new"),
        ("E2", "", 8, "new"),
        ("E2", "", -7, "old"),
    ],
)
def test_a_person_comes_before_a_department_before_all_and_the_first_of_equals_wins(
    who: str, department: str, offset: int, name: str
) -> None:
    plan, day = rota(**RULES), MONDAY + timedelta(days=offset)
    assert plan.shift(who, department, day) == name
    planned = plan.planned(who, department, day)
    assert (planned.shift if planned else "") == name


def test_without_shifts_nobody_is_expected() -> None:
    assert not rota()
    assert rota(a=RULES["all"])
    assert rota().planned("E1", "Lab", MONDAY) is None


# ----------------------------------------------------------------------------------------- how long


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends", "hours"),
    [
        (BERLIN, "2026-03-27", "22:00", "06:00", 8),
        (BERLIN, "2026-03-28", "22:00", "06:00", 7),  # 02:00 to 03:00 does not exist
        (BERLIN, "2026-10-24", "22:00", "06:00", 9),  # and comes twice
        (SYDNEY, "2026-10-03", "22:00", "06:00", 7),
        (SYDNEY, "2026-04-04", "22:00", "06:00", 9),
        (BERLIN, "2026-10-25", "00:00", "00:00", 25),
        (BERLIN, "2026-03-29", "00:00", "00:00", 23),
        (BERLIN, "2026-10-25", "02:30", "03:00", 1.5),  # from the first 02:30 on
        (BERLIN, "2026-03-29", "02:30", "03:30", 0),  # begins at 03:30, as 02:30 does not exist
        (BERLIN, "2026-03-29", "02:30", "03:00", 0),
        (BERLIN, "2026-11-23", "08:00", "08:00", 24),
        (BERLIN, "2026-11-23", "16:00", "00:00", 8),
        (BERLIN, "2026-11-23", "23:59", "00:00", 1 / 60),
    ],
)
def test_a_shift_lasts_as_long_as_really_passes(zone: ZoneInfo, day: str, begins: str, ends: str, hours: float) -> None:
    planned = rota(zone, s=shift(begins, ends)).planned("E1", "", date.fromisoformat(day))
    assert planned is not None
    assert planned.hours == pytest.approx(hours)
    assert (planned.end - planned.start).total_seconds() == pytest.approx(hours * 3600)
    assert planned.end.astimezone(UTC) - planned.start.astimezone(UTC) == planned.end - planned.start


@pytest.mark.parametrize(
    ("ends", "floor", "hours"),
    [
        ("13:59", True, 5 + 59 / 60),
        ("14:00", True, 6),
        ("14:01", True, 6),
        ("14:30", True, 6),
        ("14:45", True, 6.25),
        ("16:00", True, 7.5),
        ("14:00", False, 6),
        ("14:01", False, 5 + 31 / 60),
        ("16:00", False, 7.5),
    ],
)
def test_the_break_is_planned_only_in_a_shift_longer_than_the_rule_says(ends: str, floor: bool, hours: float) -> None:
    planned = rota(s=shift("08:00", ends, break_min=30, break_floor=floor)).planned("E1", "", MONDAY)
    assert planned is not None
    assert planned.hours == pytest.approx(hours)


def test_a_break_longer_than_the_shift_leaves_no_hours_and_no_fewer() -> None:
    for floor, hours in ((True, 1), (False, 0)):
        config = shift("08:00", "10:00", break_min=180, break_after_h=1, break_floor=floor)
        planned = rota(s=config).planned("E1", "", MONDAY)
        assert planned is not None
        assert planned.hours == hours


# ----------------------------------------------------------------------------------------- holidays


def test_holidays_of_a_country_and_of_one_state_with_own_days_more_and_less() -> None:
    days = {date(2026, 12, 24): "Christmas Eve", date(2026, 12, 25): "Closed"}
    config = HolidaysConfig(country="DE", subdivision="BE", extra=days, working=(date(2026, 5, 1), date(2026, 12, 24)))
    plan = Rota(
        {"s": shift("08:00", "16:00"), "h": shift("08:00", "16:00", people=("E9",), on_holidays=True)}, config, BERLIN
    )
    assert plan.holiday(date(2026, 3, 8)) != ""  # Women's Day, in Berlin
    assert plan.holiday(date(2026, 1, 6)) == ""  # Epiphany, elsewhere
    assert plan.holiday(date(2026, 1, 1)) != ""
    assert plan.holiday(date(2026, 5, 1)) == ""
    assert (plan.holiday(date(2026, 12, 24)), plan.holiday(date(2026, 12, 25))) == ("Christmas Eve", "Closed")
    assert plan.holiday(date(2031, 1, 1)) != ""
    christmas = date(2026, 12, 25)
    for who, expected in (("E1", False), ("E9", True)):
        planned = plan.planned(who, "", christmas)
        assert planned is not None
        assert plan.expected(planned, christmas) is expected


@pytest.mark.parametrize(
    ("language", "country", "name"),
    [("en", "DE", "German Unity Day"), ("de", "DE", "Tag der Deutschen Einheit"), ("de", "BR", "")],
)
@pytest.mark.parametrize("locale", ["C.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8"])
def test_holidays_have_their_names_in_the_language_of_the_settings_whatever_the_machine_speaks(
    monkeypatch: pytest.MonkeyPatch, locale: str, language: str, country: str, name: str
) -> None:
    for each in ("LANGUAGE", "LC_ALL", "LANG"):
        monkeypatch.setenv(each, locale)
    _calendar.cache_clear()
    plan = Rota({}, HolidaysConfig(country=country), BERLIN, language=language)
    assert plan.holiday(date(2026, 10, 3)) == name
    if country == "BR":
        assert plan.holiday(date(2026, 9, 7)) == "Independência do Brasil", "in the country's own language"
    assert plan.rules != Rota({}, HolidaysConfig(country=country), BERLIN, language="fr").rules


@pytest.mark.parametrize(("country", "subdivision"), [("XX", ""), ("DE", "XX")])
def test_a_place_that_is_not_known_is_an_error_of_the_settings(country: str, subdivision: str) -> None:
    plan = Rota({}, HolidaysConfig(country=country, subdivision=subdivision), BERLIN)
    with pytest.raises(ConfigError, match=f"no holidays are known for {country}"):
        plan.holiday(MONDAY)


def test_without_a_country_only_own_days_are_holidays() -> None:
    plan = Rota({}, HolidaysConfig(extra={MONDAY: "Fair"}), BERLIN)
    assert [plan.holiday(MONDAY + timedelta(days=offset)) for offset in (0, 1)] == ["Fair", ""]


# ----------------------------------------------------------------------------------------- working days

TIMES = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
SHIFTS = st.lists(
    st.builds(
        lambda start, end, days: ShiftConfig(start=start, end=end, days=",".join(sorted(days))),
        TIMES | st.sampled_from([time(0), time(0, 30), time(22), time(23, 59)]),
        TIMES | st.sampled_from([time(0), time(0, 30), time(6), time(23, 59)]),
        st.sets(st.sampled_from(DAYS), min_size=1),
    ),
    max_size=4,
)


@given(SHIFTS, st.sampled_from(CHANGES), ZONES, st.integers(-36 * 3600, 60 * 3600))
@example([shift("00:00", "00:00")], CHANGES[0], BERLIN, 0)
@example([shift("00:30", "08:30")], CHANGES[1], BERLIN, -7200)
@example([shift("22:00", "21:59")], CHANGES[0], BERLIN, 0)
@example([shift("16:00", "00:00"), shift("00:00", "08:00", "mon")], CHANGES[0], BERLIN, -1)
def test_windows_of_neighbouring_days_share_no_moment_and_leave_none_out(
    shifts: list[ShiftConfig], change: date, zone: ZoneInfo, second: int
) -> None:
    plan = rota(zone, **{f"s{number}": each for number, each in enumerate(shifts)})
    days = [change + timedelta(days=offset) for offset in range(-5, 6)]
    windows = [plan.window("E1", "", day) for day in days]
    for (begin, end), (following, _) in pairwise(windows):
        assert begin < end
        assert end == following
    moment = datetime.combine(change, time(), zone).astimezone(UTC) + timedelta(seconds=second)
    holding = [day for day, (begin, end) in zip(days, windows, strict=True) if begin <= moment < end]
    assert holding == [plan.day_of(moment, "E1", "")]


@given(TIMES, st.integers(1, 16 * 60), st.sampled_from(CHANGES), ZONES, st.integers(-3, 3))
def test_who_comes_or_goes_half_an_hour_around_a_daily_shift_belongs_to_its_day(
    start: time, minutes: int, change: date, zone: ZoneInfo, offset: int
) -> None:
    end = (datetime.combine(change, start) + timedelta(minutes=minutes)).time()
    plan, day = rota(zone, s=ShiftConfig(start=start, end=end, days="mon-sun")), change + timedelta(days=offset)
    planned = plan.planned("E1", "", day)
    assert planned is not None
    for moment in (
        planned.start - timedelta(minutes=30),
        planned.start,
        planned.end,
        planned.end + timedelta(minutes=30),
    ):
        assert plan.day_of(moment, "E1", "") == day


@pytest.mark.parametrize(
    ("shifts", "begin", "end"),
    [
        ({}, "23 00:00", "24 00:00"),
        ({"day": shift("08:00", "16:00")}, "23 00:00", "24 00:00"),
        ({"late": shift("14:00", "22:00")}, "23 06:00", "24 06:00"),  # half-way to the next
        ({"late": shift("14:00", "23:00")}, "23 06:30", "24 06:30"),
        ({"late": shift("16:00", "00:00")}, "23 08:00", "24 08:00"),
        ({"office": shift("09:00", "17:30")}, "23 01:15", "24 01:15"),
        ({"clean": shift("05:00", "08:00")}, "23 00:00", "24 00:00"),  # half-way is before midnight
        ({"night": shift("22:00", "06:00")}, "23 14:00", "24 14:00"),
        ({"night": shift("22:00", "06:00", "mon")}, "23 14:00", "24 14:00"),  # as if there were one before and after
        ({"night": shift("22:00", "12:00")}, "23 17:00", "24 17:00"),
        ({"early": shift("00:30", "08:30")}, "22 22:30", "23 22:30"),
        ({"early": shift("02:00", "08:30")}, "23 00:00", "24 00:00"),
        ({"guard": shift("08:00", "08:00")}, "23 08:00", "24 08:00"),
        ({"guard": shift("08:00", "08:00", "mon,thu")}, "23 04:00", "24 12:00"),  # four hours on either side
        ({"guard": shift("20:00", "20:00", "sun")}, "23 21:59", "24 00:00"),
        ({"guard": shift("08:00", "08:00", "sun,wed")}, "23 12:00", "24 00:00"),
        ({"night": shift("22:00", "06:00", "sun"), "day": shift("10:00", "18:00", "mon")}, "23 08:00", "24 02:00"),
        ({"day": shift("10:00", "18:00", "mon"), "early": shift("00:30", "08:00", "tue")}, "23 02:00", "23 22:30"),
    ],
)
def test_working_days_by_hand(shifts: Mapping[str, ShiftConfig], begin: str, end: str) -> None:
    window = rota(**shifts).window("E1", "", MONDAY)
    assert [f"{moment:%d %H:%M}" for moment in window] == [begin, end]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-23", 24)])
def test_a_day_without_shifts_is_as_long_as_the_calendars(day: str, hours: int) -> None:
    begin, end = rota().window("E1", "", date.fromisoformat(day))
    assert (end - begin) == timedelta(hours=hours)
