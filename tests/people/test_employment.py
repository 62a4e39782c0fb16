"""Employment over time: what a change does to the past, and what dates of entry and leaving mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.attendance import AttendanceBook, DaySheet, Plan, Rota, Status
from engine.config import EventsConfig, HolidaysConfig, ShiftConfig
from engine.errors import InputError
from engine.people import Career, Dating, EmploymentBook, PeopleStore, Person
from engine.people.employment import Noted, moved

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 22)
SHIFTS = {
    # eight hours a day; October 2026 has 22 working days, 12 of them until the 16th
    "early": ShiftConfig(start=time(8), end=time(16), departments=("Sales",)),
    "late": ShiftConfig(start=time(12), end=time(20), departments=("Lab",)),
}
ANN = Person("E1", "Ann", "Sales", enrolled_at="2026-01-05")


class Site:
    """People and their sheets, with a day of today that moves."""

    def __init__(self, folder: Path) -> None:
        self.today, self.folder = TODAY, folder
        self.people = PeopleStore(folder / "people.csv", today=lambda: self.today)
        self.people.put(ANN)

    def month(self, month: int = 10) -> dict[int, DaySheet]:
        """Ann's rows of a month of 2026 by day, from what is on the disk."""
        people = PeopleStore(self.folder / "people.csv", today=lambda: self.today)
        rota = Rota(SHIFTS, HolidaysConfig(), BERLIN, employment=people.employment)
        plan = Plan(rota, clock=lambda: datetime(2027, 6, 1, tzinfo=UTC))
        book = AttendanceBook(self.folder, BERLIN, EventsConfig(), plan)
        first = date(2026, month, 1)
        last = date(2026 + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return {row.day.day: row for row in book.sheets.between(first, last, people.known(), only="E1")}

    def planned(self, month: int = 10) -> float:
        return sum(row.planned_hours or 0 for row in self.month(month).values())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


# --------------------------------------------------------------------------------------------- the past stays


def test_what_was_never_dated_holds_since_ever(site: Site) -> None:
    assert not (site.folder / "employment.csv").exists()
    assert (len(site.month()), site.planned()) == (22, 22 * 8)


def test_somebody_who_leaves_is_planned_until_their_last_day(site: Site) -> None:
    site.people.change("E1", Dating(left_on=date(2026, 10, 16)))
    rows = site.month()
    assert max(rows) == 16
    assert {row.status for row in rows.values()} == {Status.ABSENT}
    assert site.planned() == 12 * 8
    assert site.people.all()["E1"].active is False
    assert site.planned(9) == 22 * 8  # and the month before is as it was


def test_inactive_without_a_date_is_inactive_from_today(site: Site) -> None:
    before = site.month()
    site.people.change("E1", active=False)
    assert site.month() == before
    assert max(site.month(11)) == 20  # Friday: today is the Sunday after it


def test_somebody_is_not_planned_before_their_first_day(site: Site) -> None:
    site.people.change("E1", Dating(hired_on=date(2026, 10, 19)))
    assert min(site.month()) == 19
    assert site.planned() == 10 * 8


@pytest.mark.parametrize(
    ("since", "early"), [(None, 22), (date(2026, 10, 12), 7), (date(2026, 10, 1), 0), (date(2026, 12, 1), 22)]
)
def test_another_department_counts_from_its_day_on(site: Site, since: date | None, early: int) -> None:
    site.people.change("E1", Dating(since), department="Lab")
    rows = list(site.month().values())
    assert [row.shift for row in rows] == ["early"] * early + ["late"] * (22 - early)
    assert [row.department for row in rows] == ["Sales"] * early + ["Lab"] * (22 - early)
    assert {row.shift for row in site.month(12).values()} == {"late"}
    assert site.people.all()["E1"].department == ("Sales" if since and since > TODAY else "Lab")


def test_a_change_dated_ahead_takes_effect_on_its_day(site: Site) -> None:
    site.people.change("E1", Dating(date(2026, 12, 1)), department="Lab")
    site.people.change("E1", Dating(left_on=date(2026, 12, 31)))
    for day, department, active in (
        (date(2026, 11, 30), "Sales", True),
        (date(2026, 12, 1), "Lab", True),
        (date(2027, 1, 1), "Lab", False),
    ):
        site.today = day
        site.people.take_effect()
        ann = site.people.all()["E1"]
        assert (ann.department, ann.active) == (department, active)
        assert site.people.take_effect() == []


def test_changes_that_nobody_applied_in_time_all_take_effect(site: Site) -> None:
    site.people.change("E1", Dating(date(2026, 12, 1)), department="Lab")
    site.people.change("E1", Dating(left_on=date(2026, 12, 31)))
    site.today = date(2027, 2, 1)
    assert site.people.take_effect() == ["E1"]
    assert (site.people.all()["E1"].department, site.people.all()["E1"].active) == ("Lab", False)


def test_a_department_changed_in_the_file_counts_from_the_day_it_is_noticed(site: Site) -> None:
    site.people.change("E1", Dating(hired_on=date(2026, 1, 5)))
    site.people.change("E1", Dating(date(2026, 10, 12)), department="Lab")
    path = site.folder / "people.csv"
    path.write_text(path.read_text().replace("Lab", "Shop"))
    assert site.people.take_effect() == ["E1"]
    assert site.people.all()["E1"].department == "Shop"
    assert [row.department for row in site.month().values()] == ["Sales"] * 7 + ["Lab"] * 15
    assert site.people.take_effect() == []


def test_somebody_may_come_back(site: Site) -> None:
    site.people.change("E1", Dating(left_on=date(2026, 10, 9)))
    site.people.change("E1", Dating(hired_on=date(2026, 10, 26)))
    assert list(site.month()) == [1, 2, 5, 6, 7, 8, 9, 26, 27, 28, 29, 30]
    assert site.people.all()["E1"].active


def test_a_date_may_be_corrected(site: Site) -> None:
    for last in (date(2026, 10, 9), date(2026, 10, 16), date(2026, 10, 14)):
        site.people.change("E1", Dating(left_on=last))
        assert max(site.month()) == last.day
    for since in (date(2026, 9, 1), date(2026, 10, 12), date(2026, 10, 5)):
        site.people.change("E1", Dating(since), department="Lab")
    assert [row.department for row in site.month().values()][:3] == ["Sales", "Sales", "Lab"]


def test_what_holds_now_replaces_what_was_noted_since_its_day(site: Site) -> None:
    site.people.change("E1", department="Shop")  # from today on
    site.people.change("E1", Dating(date(2026, 12, 1)), department="Desk")  # and ahead
    site.people.change("E1", Dating(date(2026, 10, 12)), department="Lab")
    assert site.people.all()["E1"].department == "Lab"
    assert [row.department for row in site.month().values()] == ["Sales"] * 7 + ["Lab"] * 15
    site.today = date(2026, 12, 1)
    site.people.take_effect()
    assert site.people.all()["E1"].department == "Desk"


def test_the_day_of_a_shift_or_of_leaving_says_nothing_about_the_department(site: Site) -> None:
    site.people.change("E1", Dating(date(2026, 10, 12)), department="Lab")
    site.people.change("E1", Dating(date(2026, 10, 26), shift="early"), department="Lab")
    rows = site.month()
    assert [rows[day].department for day in (9, 12, 26)] == ["Sales", "Lab", "Lab"]
    assert [rows[day].shift for day in (9, 12, 26)] == ["early", "late", "early"]
    site.people.change("E1", Dating(date(2026, 10, 29)), active=False)
    assert [row.department for row in site.month().values()] == ["Sales"] * 7 + ["Lab"] * 13


def test_a_date_may_be_taken_back(site: Site) -> None:
    site.people.change("E1", Dating(hired_on=date(2026, 10, 12), left_on=date(2026, 10, 16)))
    assert list(site.month()) == [12, 13, 14, 15, 16]
    site.people.change("E1", Dating(left_on=date.max))
    assert site.people.all()["E1"].active
    assert (min(site.month()), max(site.month())) == (12, 30)
    site.people.change("E1", Dating(hired_on=date.min))
    assert site.planned() == 22 * 8


def test_dates_that_contradict_each_other_change_nothing(site: Site) -> None:
    site.people.change("E1", Dating(hired_on=date(2026, 10, 12)))
    before = {path.name: path.read_bytes() for path in site.folder.glob("*.csv")}
    with pytest.raises(InputError, match="2026-10-12, the first day"):
        site.people.change("E1", Dating(left_on=date(2026, 9, 30)), name="Anna")
    assert {path.name: path.read_bytes() for path in site.folder.glob("*.csv")} == before


def test_nothing_is_written_without_a_change(site: Site) -> None:
    site.people.change("E1", Dating(date(2026, 10, 12), date(2026, 1, 5), date(2026, 12, 31)), department="Lab")
    before = (site.folder / "employment.csv").read_bytes()
    site.today += timedelta(days=3)
    site.people.change("E1", Dating(date(2026, 10, 12), date(2026, 1, 5), date(2026, 12, 31)), department="Lab")
    assert (site.folder / "employment.csv").read_bytes() == before


def test_who_is_removed_leaves_nothing(site: Site) -> None:
    site.people.change("E1", Dating(left_on=date(2026, 12, 31)))
    site.people.remove("E1")
    assert "E1" not in (site.folder / "employment.csv").read_text()


def test_a_file_written_by_hand_is_read(site: Site) -> None:
    (site.folder / "employment.csv").write_text(
        "employee_id,valid_from,fact,value\nE1,2026-10-12,employed,yes\nE1,soon,employed,no\nE1,2026-10-20,wages,5\n"
    )
    assert min(site.month()) == 12


# --------------------------------------------------------------------------------------------- who is not enrolled


@pytest.mark.parametrize("enrolled_at", ["", "2026-10-26T09:00:00+01:00"])
def test_somebody_not_enrolled_is_expected_only_if_their_first_day_is_known(site: Site, enrolled_at: str) -> None:
    site.people.change("E1", enrolled_at=enrolled_at)
    assert list(site.month()) == ([26, 27, 28, 29, 30] if enrolled_at else [])
    site.people.change("E1", Dating(hired_on=date(2026, 10, 19)))
    rows = site.month()
    before = [row for day, row in rows.items() if day < 26 or not enrolled_at]
    assert min(rows) == 19
    assert {row.status for row in before} == {Status.NOT_ENROLLED}
    assert {(row.planned_hours, row.credited_hours, row.to_settle) for row in before} == {(8, 8, False)}
    assert {row.status for day, row in rows.items() if day >= 26} == {
        Status.ABSENT if enrolled_at else Status.NOT_ENROLLED
    }


# --------------------------------------------------------------------------------------------- any history

DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
STEPS: Mapping[str, Callable[[Person, date], tuple[Person, Dating]]] = {
    "hired": lambda row, day: (row, Dating(hired_on=day)),
    "left": lambda row, day: (row, Dating(left_on=day)),
    "moved": lambda row, day: (Person("E1", "Ann", f"D{day.month}"), Dating(day)),
    "shift": lambda row, day: (row, Dating(day, shift=f"S{day.month}")),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), DAYS), max_size=8))
def test_any_history_is_consistent(steps: list[tuple[str, date]]) -> None:
    career, now = Career(()), Person("E1", "Ann", "D0")
    for step, day in steps:
        after, dating = STEPS[step](now, day)
        was = now.at(career.on(TODAY))
        try:
            career = moved(career, was, after, dating, TODAY)
        except InputError:
            continue
        now = after.at(career.on(TODAY))
        if dating.hired_on:
            assert career.on(day).employed
            assert career.on(day).hired_on == day
            assert not career.on(day - timedelta(days=1)).employed
        if dating.left_on:
            assert career.on(day + timedelta(days=1)).employed is False
        if step == "moved":
            assert career.on(day).department in {after.department, None}
        if step == "shift":
            assert career.on(day).shift == dating.shift
    times = career.times()
    assert all(each.last is None or each.first is None or each.first <= each.last + timedelta(days=1) for each in times)
    assert Career(career.rows).rows == career.rows
    for fact in ("department", "shift", "employed"):
        values = [row.value for row in career.rows if row.fact == fact]
        assert all(one != other for one, other in pairwise(values))


def test_rows_say_when_and_by_whom_they_were_noted(tmp_path: Path) -> None:
    book = EmploymentBook(tmp_path / "employment.csv")
    noted = Noted("E1", TODAY, "hr.kim")
    book.update(lambda _: {"E1": Career(()).hired(date(2026, 10, 1), noted)})
    assert (tmp_path / "employment.csv").read_text().splitlines() == [
        "employee_id,valid_from,fact,value,noted_on,source",
        "E1,,employed,no,2026-11-22,hr.kim",
        "E1,2026-10-01,employed,yes,2026-11-22,hr.kim",
    ]
