"""What a correction does with the hours, and from when: each figure worked out by hand for an office from 09:00 to 17:00."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import sighting

from engine.attendance import AttendanceBook, Correction, DaySheet, Plan, Rota, Status, cells
from engine.config import AttendanceConfig, EventsConfig, HolidaysConfig, ShiftConfig
from engine.errors import InputError
from engine.reports import exceptions, summarise
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY, SATURDAY, FAIR = date(2026, 11, 23), date(2026, 11, 28), date(2026, 11, 24)
NOON = datetime(2026, 11, 30, 12, tzinfo=BERLIN)
PEOPLE = {"E1": Person("E1", "Ann", "Lab", enrolled_at="2026-01-05T10:00:00+01:00")}
ROTA = Rota({"office": ShiftConfig(start=time(9), end=time(17))}, HolidaysConfig(extra={FAIR: "Fair"}), BERLIN)


def local(clock: str, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), BERLIN)


class Desk:
    def __init__(self, workspace: Path, *shown: str, **config: bool) -> None:
        plan = Plan(ROTA, AttendanceConfig(**config), directions={"door": "both"})  # type: ignore[arg-type]
        self.book = AttendanceBook(workspace, BERLIN, EventsConfig(), plan)
        self.events = [self.book.record(sighting(time=local(clock)), PEOPLE) for clock in shown]
        self.now = NOON

    def correct(self, action: str, day: date = MONDAY, author: str = "hr", **more: object) -> Correction:
        self.now += timedelta(minutes=1)
        wanted = Correction("", self.now, day, "E1", action, author=author, reason="asked", **more)  # type: ignore[arg-type]
        return self.book.correct(wanted, PEOPLE)

    def day(self, day: date = MONDAY) -> DaySheet:
        (row,) = self.book.sheets.on(day, PEOPLE)
        return row

    def figures(self) -> tuple[str, float | None, float, object]:
        """Status, hours, credited hours and the balance of the day."""
        row = self.day()
        return str(row.status), row.hours, row.credited_hours, summarise([row])[0]["balance"]


@pytest.mark.parametrize(
    ("shown", "status", "hours", "credited", "balance"),
    [
        ("", "as planned", 8, 0, 0),
        ("", "present", None, 8, 0),
        ("", "excused", None, 8, 0),
        ("", "absent", None, 0, -8),
        ("10:00", "as planned", 8, 0, 0),
        ("10:00", "present", None, 8, 0),  # nobody saw when they left
        ("10:00", "absent", None, 0, -8),
        ("10:00 16:00", "as planned", 8, 0, 0),
        ("10:00 16:00", "present", 6, 0, -2),  # the times are known, and they count
        ("10:00 16:00", "excused", 6, 2, 0),
        ("08:00 19:00", "as planned", 8, 0, 0),
        ("08:00 19:00", "present", 11, 0, 3),
    ],
)
def test_what_a_status_does_with_the_hours(
    tmp_path: Path, shown: str, status: str, hours: float | None, credited: float, balance: float
) -> None:
    desk = Desk(tmp_path, *shown.split(), count_unapproved=True)
    desk.correct("status", value=status)
    assert desk.figures() == (status, hours, credited, balance)
    assert ("missing planned hours are credited" in desk.day().note) == (status == "present" and credited > 0)


@pytest.mark.parametrize("day", [SATURDAY, FAIR])
def test_hours_that_are_not_planned_cannot_count_as_worked(tmp_path: Path, day: date) -> None:
    desk = Desk(tmp_path)
    with pytest.raises(InputError, match=f"no hours are planned for E1 on {day} → add the times"):
        desk.correct("status", day, value="as planned")


def test_a_correction_counts_only_when_somebody_else_has_approved_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "10:00", "17:00")
    before = ("late", 7.0, 0.0, -1.0)
    assert desk.figures() == before
    assert desk.day().pending is None
    desk.correct("add", time=local("08:55"), direction="in")
    assert desk.figures() == before
    row = desk.day()
    assert row.pending is not None
    assert (row.pending.first_in, row.pending.worked, row.pending.status) == (
        local("08:55"),
        timedelta(hours=8, minutes=5),
        Status.ON_TIME,
    )
    assert (row.awaiting_approval, row.pending_hours, row.corrected_by) == (True, 1.08, "hr")
    table = cells(row)
    assert [table[f"pending_{name}"] for name in ("first_in", "last_out", "hours", "status")] == [
        "08:55:00",
        "17:00:00",
        "8.08",
        "on time",
    ]
    summary = summarise([row])[0]
    assert (summary["hours"], summary["pending_hours"], summary["awaiting_approval"]) == (7.0, 1.08, 1)
    assert [each.kind for each in exceptions([row], NOON, ROTA)] == ["awaiting approval"]
    desk.correct("approve", author="boss")
    assert desk.figures() == ("on time", 8.08, 0.0, 0.08)
    assert (desk.day().pending, desk.day().approved_by, desk.day().pending_hours) == (None, "boss", 0.0)


@pytest.mark.parametrize("config", [{"four_eyes": False}, {"count_unapproved": True}])
def test_by_setting_it_counts_at_once(tmp_path: Path, config: dict[str, bool]) -> None:
    desk = Desk(tmp_path, **config)
    assert desk.figures() == ("absent", None, 0.0, -8.0)
    desk.correct("status", value="excused")
    assert desk.figures() == ("excused", None, 8.0, 0.0)
    assert (desk.day().pending, desk.day().pending_hours) == (None, 0.0)


def test_what_was_approved_holds_until_its_revocation_is_approved(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    made = desk.correct("status", value="as planned")
    desk.correct("approve", author="boss")
    desk.correct("revoke", refers_to=made.correction_id)
    row = desk.day()
    assert (row.status, row.hours, row.pending_hours, row.awaiting_approval) == ("as planned", 8.0, -8.0, True)
    with pytest.raises(InputError, match="hr made the correction"):
        desk.correct("approve")
    desk.correct("approve", author="boss")
    assert desk.figures() == ("absent", None, 0.0, -8.0)
    assert not desk.day().awaiting_approval


def test_a_removed_passage_counts_until_its_removal_is_approved(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "09:00", "17:00", "20:00")
    assert desk.events[2] is not None
    desk.correct("remove", refers_to=desk.events[2].event_id)
    assert (desk.day().hours, desk.day().pending_hours) == (11.0, -3.0)
    desk.correct("approve", author="boss")
    assert desk.day().hours == 8.0


def test_a_correction_on_a_day_without_a_plan_waits_visibly(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for clock, direction in (("10:00", "in"), ("14:00", "out")):
        desk.correct("add", SATURDAY, time=local(clock, SATURDAY), direction=direction)
    row = desk.day(SATURDAY)
    assert (row.status, row.hours, row.pending_hours) == ("day off", None, 4.0)
    desk.correct("approve", SATURDAY, author="boss")
    assert (desk.day(SATURDAY).status, desk.day(SATURDAY).hours) == ("present", 4.0)


def test_a_long_day_is_looked_at_until_it_is_corrected(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "08:00", "22:00", count_unapproved=True)
    row = desk.day()
    assert (row.status, row.hours, row.long, row.to_settle, row.note) == (
        "on time",
        14.0,
        True,
        True,
        "longer than 13 h",
    )
    assert [each.kind for each in exceptions([row], NOON, ROTA)] == ["long day"]
    assert summarise([row])[0]["long_days"] == 1
    desk.correct("status", value="present")
    row = desk.day()
    assert (row.status, row.hours, row.long, row.to_settle) == ("present", 14.0, False, False)
