"""Rotations, assigned shifts, and holidays of some people."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.attendance import Rota
from engine.config import HolidayGroupConfig, HolidaysConfig, RotaConfig, ShiftConfig, load_config
from engine.errors import ConfigError
from engine.types import Position

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 10, 5)
SHIFTS = {
    "early": ShiftConfig(start=time(6), end=time(14)),
    "late": ShiftConfig(start=time(14), end=time(22)),
    "night": ShiftConfig(start=time(22), end=time(6), days="sun-thu"),
    "office": ShiftConfig(start=time(9), end=time(17)),
    "standby": ShiftConfig(start=time(0), end=time(12), days="mon-sun", assigned_only=True),
    "day": ShiftConfig(start=time(7), end=time(19), days="mon-sun"),
}
WEEKS = ("early", "late", "night")
ROTAS = {
    name: RotaConfig(cycle=WEEKS, anchor=MONDAY + timedelta(weeks=weeks), people=(name,))
    for weeks, name in enumerate(("E1", "E2", "E3"))
}
FOUR_ON = RotaConfig(cycle=("day",) * 4 + ("off",) * 2, anchor=MONDAY, days_each=1, departments=("Plant",))


class Dated:
    """Assigned shifts by person, from the 12th on."""

    rules = ""

    def __init__(self, **shifts: str) -> None:
        self._shifts = shifts

    def on(self, employee_id: str, day: date) -> Position:
        return Position(shift=self._shifts.get(employee_id, "") if day >= date(2026, 10, 12) else "")


def rota(**assigned: str) -> Rota:
    return Rota(SHIFTS, HolidaysConfig(), BERLIN, rotas={**ROTAS, "plant": FOUR_ON}, employment=Dated(**assigned))


@pytest.mark.parametrize(
    ("who", "weeks"),
    [
        ("E1", ["early", "late", "night", "early"]),
        ("E2", ["night", "early", "late", "night"]),  # its turn began a week later, so the week before it was the third
        ("E3", ["late", "night", "early", "late"]),
    ],
)
def test_three_teams_take_turns_by_weeks(who: str, weeks: list[str]) -> None:
    plan = rota()
    found = [plan.shift(who, "", MONDAY + timedelta(weeks=week)) for week in range(4)]
    assert found == weeks
    assert [plan.shift(who, "", MONDAY + timedelta(weeks=week - 3)) for week in range(3)] == weeks[
        :3
    ]  # and before the anchor
    assert plan.shift(who, "", date(2026, 10, 10)) == ""  # Saturday: no shift of the cycle begins


def test_four_days_on_and_two_off() -> None:
    plan = rota()
    days = [plan.shift("E9", "plant", MONDAY + timedelta(days=day)) for day in range(13)]
    assert days == ["day"] * 4 + [""] * 2 + ["day"] * 4 + [""] * 2 + ["day"]


def test_a_shift_of_a_cycle_and_one_that_must_be_assigned_are_not_for_everybody() -> None:
    assert rota().shift("E9", "", MONDAY) == "office"
    assert rota(E9="standby").shift("E9", "", date(2026, 10, 17)) == "standby"


@pytest.mark.parametrize(
    ("assigned", "day", "name"),
    [
        ("late", date(2026, 10, 9), "office"),  # before the assignment
        ("late", date(2026, 10, 12), "late"),
        ("late", date(2026, 10, 17), ""),  # Saturday: an assigned shift leaves nothing to other rules
        ("E1", date(2026, 10, 12), "late"),  # a rota
        ("gone", date(2026, 10, 12), "office"),  # no longer in the settings
    ],
)
def test_an_assigned_shift_comes_before_all_rules(assigned: str, day: date, name: str) -> None:
    assert rota(E9=assigned).shift("E9", "", day) == name


def test_shifts_that_hold_for_nobody_are_named() -> None:
    lab = ShiftConfig(start=time(9), end=time(17), departments=("Lab",))
    plan = Rota({**SHIFTS, "lab": lab}, HolidaysConfig(), BERLIN, rotas=ROTAS)
    assert plan.choice.unused([("E1", "SALES"), ("E2", "")], []) == ["standby", "lab", "E3"]
    assert plan.choice.unused([("E1", "lab "), ("E3", "")], ["standby"]) == ["E2"]


@pytest.mark.parametrize(
    ("rotas", "word"),
    [
        ('[rotas.a]\ncycle = ["early", "swing"]\nanchor = 2026-10-05', "swing"),
        ('[rotas.early]\ncycle = ["early"]\nanchor = 2026-10-05', "same name"),
        ("[rotas.a]\ncycle = []\nanchor = 2026-10-05", "cycle"),
    ],
)
def test_a_rota_that_cannot_be_is_refused(tmp_path: Path, rotas: str, word: str) -> None:
    (tmp_path / "muster.toml").write_text(f"[shifts.early]\nstart = 06:00:00\nend = 14:00:00\n{rotas}\n")
    with pytest.raises(ConfigError, match=word):
        load_config(tmp_path)


# --------------------------------------------------------------------------------------------- holidays of some

HOLIDAYS = HolidaysConfig(
    country="DE",
    subdivision="BE",
    extra={date(2026, 12, 24): "Christmas Eve"},
    groups={
        "bavaria": HolidayGroupConfig(subdivision="BY", departments=("Munich",)),
        "austria": HolidayGroupConfig(country="AT", people=("E7",), working=(date(2026, 10, 26),)),
    },
)


@pytest.mark.parametrize(
    ("who", "department", "day", "off"),
    [
        ("E1", "Sales", "2026-11-01", False),  # All Saints: in Bavaria, not in Berlin
        ("E1", "munich", "2026-11-01", True),
        ("E7", "Munich", "2026-01-06", True),  # Epiphany: in Bavaria and in Austria
        ("E7", "Munich", "2026-10-03", False),  # German Unity: who is named counts before the department
        ("E1", "Munich", "2026-10-03", True),
        ("E7", "", "2026-10-26", False),  # Austria's own day, worked here
        ("E7", "", "2026-12-24", True),  # everybody's
        ("E1", "Munich", "2026-12-24", True),
        ("E1", "", "2026-03-08", True),  # Women's Day: in Berlin
        ("E1", "Munich", "2026-03-08", False),
    ],
)
def test_holidays_of_a_department_or_a_person(who: str, department: str, day: str, off: bool) -> None:
    plan = Rota({"all": ShiftConfig(start=time(9), end=time(17), days="mon-sun")}, HOLIDAYS, BERLIN)
    at = date.fromisoformat(day)
    planned = plan.planned(who, department, at)
    assert planned is not None
    assert plan.expected(planned, at) is not off
    assert bool(plan.holiday(at, who, department)) is off
