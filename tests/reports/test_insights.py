"""What day sheets say beyond single rows, worked out by hand."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sheets import row, unseen

from engine.attendance import DaySheet, PunchRow, Rota
from engine.attendance.corrections import Correction
from engine.attendance.presence import Direction
from engine.attendance.rows import PunchEvent
from engine.config import AttendanceConfig, HolidaysConfig, ShiftConfig
from engine.reports import (
    Day,
    arrivals,
    by_department,
    days_of,
    exceptions,
    headline,
    minute_of_day,
    punctuality,
    quarters,
    starts,
    stays,
    weeks,
)
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 23)
ROTA = Rota({"day": ShiftConfig(start=time(9), end=time(17), grace_min=5)}, HolidaysConfig(), BERLIN)


def test_nothing_gives_nothing() -> None:
    found = headline([])
    assert (found.expected, found.present, found.covered_pct) == (0, 0, None)
    assert exceptions([], datetime.now(BERLIN), ROTA) == []
    assert punctuality([]) == (0, 0)
    assert (arrivals([]), quarters([]), starts([]), days_of([]), weeks([]), by_department([])) == (
        [],
        {},
        {},
        [],
        [],
        [],
    )
    assert stays([], [], DAY, DAY, ROTA, {}, AttendanceConfig()) == []


def test_the_figures_of_a_morning() -> None:
    rows = [
        row(employee_id="E1"),
        row(employee_id="E2", status="inside", note="late by 12 min", late_min=12),
        row(employee_id="E3", status="inside"),
        row(employee_id="E4", status="late", late_min=30, covered_pct=50),
        unseen(2, "not yet", employee_id="E5"),
        unseen(2, "absent", employee_id="E6"),
        unseen(2, "on leave", employee_id="E7"),
        unseen(2, "not identified", employee_id="E8"),
        unseen(2, "not covered", employee_id="E9", covered_pct=0),
        unseen(2, "day off", employee_id="E10", planned_in="", planned_out="", covered_pct=""),
        row(employee_id="E11", status="on leave", note="seen although on leave"),
        unseen(2, "holiday", employee_id="E12", planned_hours="", covered_pct=""),
        row(employee_id="E13", status="possibly inside"),
    ]
    found = headline(rows)
    assert (found.expected, found.present, found.inside, found.unsure, found.late) == (9, 6, 2, 1, 2)
    assert (found.not_yet, found.absent, found.away, found.holiday) == (1, 1, 2, 1)
    assert (found.not_identified, found.not_covered) == (1, 1)
    assert found.covered_pct == pytest.approx((100 * 9 + 50 + 0) / 11)


@pytest.mark.parametrize(
    ("cells", "late"),
    [
        ({"status": "late"}, 1),
        ({"status": "late, left early"}, 1),
        ({"status": "inside", "late_min": 9}, 1),
        ({"status": "inside"}, 0),
        ({"status": "missing out", "late_min": 9}, 1),
        ({"status": "on leave"}, 0),
        ({"status": "not covered"}, 0),
    ],
)
def test_who_counts_as_late(cells: dict[str, object], late: int) -> None:
    day = row(**cells)
    assert (headline([day]).late, punctuality([day])[1] - punctuality([day])[0]) == (late, late)
    assert ("late" in {each.kind for each in exceptions([day], datetime.now(BERLIN), ROTA)}) is (
        late == 1 and not day.to_settle
    )


@pytest.mark.parametrize(
    ("first_in", "planned_in", "minutes"),
    [
        ("08:55:30", "09:00", -4.5),
        ("09:10:00", "09:00", 10.0),
        ("00:10:00", "22:00", 130.0),
        ("23:50:00", "00:00", -10.0),
        ("", "09:00", None),
        ("09:00:00", "", None),
    ],
)
def test_an_arrival_is_told_from_the_planned_start_across_midnight(
    first_in: str, planned_in: str, minutes: float | None
) -> None:
    assert row(first_in=first_in, planned_in=planned_in).start_offset_min == minutes


def test_exceptions_come_most_pressing_first_and_who_may_still_come_is_none() -> None:
    def at(clock: str) -> datetime:
        return datetime.combine(DAY, time.fromisoformat(clock), BERLIN)

    day = {"date": DAY.isoformat()}
    rows = [
        row(employee_id="E1", **day),
        row(employee_id="E2", status="late", **day),
        row(employee_id="E3", corrected_by="hr", **day),
        row(employee_id="E4", corrected_by="hr", approved_by="boss", **day),
        unseen(23, "absent", employee_id="E5", **day),
        unseen(23, "not yet", employee_id="E6", **day),
        unseen(23, "sick", employee_id="E7", **day),
        row(employee_id="E8", status="missing out", **day),
    ]
    kinds = [(each.row.employee_id, each.kind) for each in exceptions(rows, at("09:05:01"), ROTA)]
    assert kinds == [
        ("E6", "overdue"),
        ("E5", "absent"),
        ("E8", "missing out"),
        ("E2", "late"),
        ("E3", "awaiting approval"),
        ("E4", "corrected"),
    ]
    assert "E6" not in {each.row.employee_id for each in exceptions(rows, at("09:05:00"), ROTA)}


def test_arrivals_by_weekday_and_quarter_hour() -> None:
    rows = [
        row(2, first_in="08:59:59"),
        row(2, first_in="09:00:00", employee_id="E2"),
        row(9, first_in="08:45:00"),
        row(3, first_in="09:14:00", status="late", late_min=14),
        row(
            4, first_in="13:00:00", status="not covered"
        ),  # the camera was off in the morning: nobody knows when they came
        unseen(5, "absent"),
    ]
    found = arrivals(rows)
    assert [(each.day.day, minute_of_day(each.first_in), each.late) for each in found if each.first_in] == [
        (2, pytest.approx(539 + 59 / 60), False),
        (2, 540.0, False),
        (9, 525.0, False),
        (3, 554.0, True),
    ]
    assert punctuality(found) == (3, 4)
    assert quarters(found) == {(0, 35): 2, (0, 36): 1, (1, 36): 1}
    assert starts([*rows, row(shift="early", planned_in="06:00")]) == {"day": 540.0, "early": 360.0}


def log(event_id: str, clock: str, direction: Direction, event: PunchEvent = "punch", refers_to: str = "") -> PunchRow:
    moment = datetime.combine(DAY, time.fromisoformat(clock), BERLIN)
    return PunchRow(event_id, moment, "E1", event, "door", direction=direction, refers_to=refers_to)


def spans(rows: list[PunchRow], corrections: list[Correction] | None = None) -> list[str]:
    config = AttendanceConfig(count_unapproved=True)
    found = stays(rows, corrections or [], DAY, DAY, ROTA, {"E1": Person("E1", "Ann")}, config)
    return [f"{stay.begin:%H:%M}-{stay.end:%H:%M}{' open' if stay.open else ''}" for stay in found]


def test_stays_leave_breaks_open_and_follow_corrections() -> None:
    rows = [log("a", "09:00", "in"), log("b", "12:00", "out"), log("c", "12:30", "in")]
    assert spans(rows) == ["09:00-12:00", "12:30-12:30 open"]
    made = datetime.combine(DAY, time(18), BERLIN)
    out = Correction("k1", made, DAY, "E1", "add", made.replace(hour=17), "out", author="hr", reason="saw them")
    assert spans(rows, [out]) == ["09:00-12:00", "12:30-17:00"]
    gone = Correction("k2", made, DAY, "E1", "remove", refers_to="a", author="hr", reason="not them")
    assert spans(rows, [out, gone]) == ["12:30-17:00"]
    back = log("d", "12:31", "in", event="retract", refers_to="c")
    assert spans([*rows, back]) == ["09:00-12:00"]


def test_who_was_seen_both_ways_stayed_from_first_to_last() -> None:
    assert spans([log("a", "08:50", "both"), log("b", "12:00", "both"), log("c", "17:10", "both")]) == ["08:50-17:10"]


def test_shares_of_days_and_quartiles_of_weeks() -> None:
    def day(number: int, late: int, absent: int, whole: int = 10) -> list[DaySheet]:
        return [
            row(number, employee_id=f"E{n}", status="late")
            if n < late
            else unseen(number, "absent", employee_id=f"E{n}")
            if n < late + absent
            else row(number, employee_id=f"E{n}")
            for n in range(whole)
        ]

    rows = [*day(2, 1, 0), *day(3, 2, 1), *day(4, 3, 0), *day(9, 0, 5), unseen(3, "sick"), unseen(3, "not covered")]
    days = days_of(rows)
    assert [(each.day.day, each.expected, each.late, each.absent) for each in days] == [
        (2, 10, 0.1, 0.0),
        (3, 10, 2 / 9, 0.1),
        (4, 10, 0.3, 0.0),
        (9, 10, 0.0, 0.5),
    ]
    first, second = weeks(days)
    assert (first.monday, first.days) == (date(2026, 11, 2), 3)
    assert first.late == pytest.approx(((0.1 + 2 / 9) / 2, 2 / 9, (2 / 9 + 0.3) / 2))
    assert first.absent == pytest.approx((0.0, 0.0, 0.05))
    assert second.late == (0.0, 0.0, 0.0)
    assert second.absent == (0.5, 0.5, 0.5)


def test_weeks_begin_on_monday_across_a_year() -> None:
    days = [Day(date(2026, 12, 31) + timedelta(days=offset), 5, 0.0, 0.0) for offset in range(5)]
    assert [(week.monday, week.days) for week in weeks(days)] == [(date(2026, 12, 28), 4), (date(2027, 1, 4), 1)]


def test_departments_that_come_late_most_often_come_first() -> None:
    rows = [
        row(2, department="Lab"),
        row(3, department="Lab"),
        row(4, department="Lab", status="late"),
        unseen(5, "absent", department="Lab"),
        unseen(6, "not covered", department="Lab"),
        row(2, department="", employee_id="E2", status="late"),
        unseen(2, "on leave", department="Shop", employee_id="E3"),
        unseen(2, "day off", department="Free", employee_id="E4", planned_in=""),
    ]
    found = [
        (each.name, each.people, each.expected, each.late, each.absent, each.unsettled) for each in by_department(rows)
    ]
    assert found == [("", 1, 1, 1.0, 0.0, 0), ("Lab", 1, 4, 1 / 3, 0.25, 1)]
