"""The day sheet, case by case: every status by hand, what a camera that was off excuses, the present, nights, breaks, leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.attendance import PUNCH, SHEET_COLUMNS, Book, DayRows, PunchRow, Rota, Status, day_sheet
from engine.attendance import cells as table
from engine.attendance.corrections import EXCUSES, Correction
from engine.attendance.coverage import Coverage
from engine.config import LEAVE_STATUSES, AttendanceConfig, HolidaysConfig, ShiftConfig
from engine.config.away import Away, AwayPart
from engine.people import LeaveKinds
from engine.reports import COLUMNS, STATUSES
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 28)
PEOPLE = {"E1": Person("E1", "Ann", "Lab", enrolled_at="2026-01-05T10:00:00+01:00")}
OFFICE = ShiftConfig(start=time(9), end=time(17, 30), break_min=30)
NIGHT = ShiftConfig(start=time(22), end=time(6), days="mon-sun")
Row = dict[str, object]


def moment(text: str, day: date = MONDAY, zone: ZoneInfo = BERLIN) -> datetime:
    """A local time such as `09:05:01`, or `+1 06:00` of the next day."""
    ahead, _, clock = text.rpartition(" ")
    return datetime.combine(day + timedelta(days=int(ahead or 0)), time.fromisoformat(clock), zone)


def log_rows(passages: str, day: date = MONDAY, zone: ZoneInfo = BERLIN, who: str = "E1") -> list[PunchRow]:
    """Rows for passages such as `in 09:00, seen 10:00, out +1 06:00, unidentified 09:00, retract-0 09:01`."""
    rows = []
    for number, part in enumerate(passages.split(", ") if passages else []):
        words = part.split()
        when = " ".join(word for word in words if word[0] in "+-" or word[0].isdigit())
        kind = next((word for word in words if word.split("-")[0] in {"seen", "unidentified", "retract"}), "punch")
        event, _, refers_to = kind.partition("-")
        cells = {
            "event_id": f"{who}-{number}",
            "employee_id": who,
            "event": event,
            "similarity": f"0.{number + 1}",
            "timestamp": moment(when, day, zone).isoformat(),
            "direction": next((word for word in words if word in {"in", "out"}), "both"),
            "camera": f"cam-{number}",
            "refers_to": f"{who}-{refers_to}" if refers_to else "",
            "liveness": "passed",
        }
        rows.append(PUNCH.parse(cells))
    return rows


def watched(*gaps: str, until: str = "+2 00:00", day: date = MONDAY) -> Coverage:
    """A camera that was watching from three days before, but for gaps such as `08:50-09:10`."""
    at, spans = moment("-3 00:00", day), []
    for gap in gaps:
        begin, end = gap.split("-")
        spans.append((at, moment(begin, day)))
        at = moment(end, day)
    return Coverage(("door",), {"door": [*spans, (at, moment(until, day))]}, timedelta(seconds=60))


def sheet(
    passages: str = "",
    day: date = MONDAY,
    shift: ShiftConfig | None = OFFICE,
    now: str | None = None,
    person: Mapping[str, Any] | None = None,
    zone: ZoneInfo = BERLIN,
    rows: Sequence[PunchRow] = (),
    **book: object,
) -> Row:
    """Ann's row as cells; empty when there is none."""
    people = {"E1": replace(PEOPLE["E1"], **(person or {}))}
    rota = Rota({"office": shift} if shift else {}, HolidaysConfig(), zone)
    values = {"people": people, "rota": rota, "zone": zone, "present": moment(now, day, zone) if now else None} | book
    found = day_sheet([DayRows([*rows, *log_rows(passages, day, zone)])], day, Book(**values))  # type: ignore[arg-type]
    assert all(row.status in STATUSES for row in found)
    return table(found[0]) if found else {}


def cells(row: Row, *columns: str) -> tuple[object, ...]:
    return tuple(row.get(column, "") for column in columns)


# ----------------------------------------------------------------------------------------- every status

CASES = {
    # passages: status, hours, late_min, early_min
    "09:00, 17:30": ("on time", "8.00", 0, 0),
    "08:30, 18:00": ("on time", "9.00", 0, 0),
    "09:05:00, 17:30": ("on time", "7.92", 0, 0),  # exactly on the grace
    "09:05:01, 17:30": ("late", "7.92", 5, 0),  # a second over it
    "11:00, 17:30": ("late", "6.00", 120, 0),
    "09:00, 17:29:59": ("left early", "8.00", 0, 0),
    "09:00, 16:00": ("left early", "6.50", 0, 90),
    "09:30, 15:30": ("late, left early", "6.00", 30, 120),  # six hours exactly: no break
    "09:30, 15:30:36": ("late, left early", "6.00", 30, 119),  # nor less than six hours for a little more
    "09:00": ("missing out", "", 0, ""),
    "in 09:00": ("missing out", "", 0, ""),
    "in 09:00, out 12:00, in 13:00": ("missing out", "3.00", 0, ""),
    "out 17:30": ("missing in", "", "", 0),
    "out 12:00, in 13:00, out 17:30": ("missing in", "4.50", "", 0),  # came before noon, nobody knows when
    "in seen 08:57, out 12:00, in 13:00, out 17:30": ("missing in", "4.50", "", 0),  # a sighting is no arrival
    "in 09:00, out 12:00, out 17:30": ("missing in", "3.00", 0, 0),  # did not leave at noon for good
    "in 09:00, out 12:00, in 13:00, out 17:30": ("on time", "7.50", 0, 0),
    "in 09:00, out 12:00, in 12:10, out 17:30": ("on time", "8.00", 0, 0),  # the planned break is longer
    "": ("absent", "", "", ""),
    "unidentified 08:57": ("not identified", "", "", ""),
    "08:57, retract-0 08:58": ("not identified", "", "", ""),
    "08:57, retract-0 08:58, 09:00, seen 17:31": ("on time", "8.02", 0, 0),
}


@pytest.mark.parametrize("passages", CASES)
def test_a_day_by_hand(passages: str) -> None:
    row = sheet(passages, coverage=watched())
    assert cells(row, "status", "hours", "late_min", "early_min") == CASES[passages]
    assert cells(row, "recorded_status", "recorded_hours", "corrected_by") == (row["status"], row["hours"], "")
    assert cells(row, "shift", "planned_in", "planned_out", "planned_hours") == ("office", "09:00", "17:30", "8.00")
    assert cells(row, "name", "date", "utc_offset", "covered_pct") == ("Ann", "2026-11-23", "UTC+01:00", 100)


def test_hours_and_breaks_add_up_to_presence() -> None:
    row = sheet("in 08:00, out 12:00, in 13:15, out 18:00, in 18:10, out 19:00")
    assert cells(row, "presence_hours", "break_hours", "hours") == ("11.00", "1.42", "9.58")
    assert cells(sheet("09:00, 18:00"), "presence_hours", "break_hours", "hours") == ("9.00", "0.50", "8.50")


def test_late_without_a_departure_is_noted_as_late() -> None:
    assert cells(sheet("in 10:00"), "status", "note") == ("missing out", "late by 60 min")
    assert cells(sheet("out 12:00, in 13:00"), "status", "note") == ("missing out", "")


def test_leaving_has_a_grace_of_its_own() -> None:
    shift = OFFICE.model_copy(update={"leave_grace_min": 10})
    assert [sheet(f"09:00, {end}", shift=shift)["status"] for end in ("17:20:00", "17:19:59")] == [
        "on time",
        "left early",
    ]


def test_all_statuses_have_a_case_and_a_meaning() -> None:
    here = {status for status, *_ in CASES.values()}
    today = {Status.INSIDE, Status.POSSIBLY_INSIDE, Status.NOT_YET}
    elsewhere = {
        Status.PRESENT,
        Status.NOT_COVERED,
        Status.HOLIDAY,
        Status.DAY_OFF,
        Status.NOT_ENROLLED,
        Status.HALF_DAY,
    }
    assert here | today | elsewhere | {*EXCUSES, *LEAVE_STATUSES} == set(Status)
    assert set(STATUSES) == set(Status)
    assert tuple(COLUMNS) == SHEET_COLUMNS


@pytest.mark.parametrize(
    ("passages", "config", "hours"),
    [
        ("09:00, 15:00", {}, "6.00"),
        ("09:00, 15:01", {}, "6.00"),  # a minute more is not paid less
        ("09:00, 15:30", {}, "6.00"),
        ("09:00, 15:45", {}, "6.25"),
        ("in 09:00, out 12:00, in 12:10, out 15:20", {}, "6.00"),  # ten minutes were seen, ten more are missing
        ("in 09:00, out 12:00, in 12:45, out 15:20", {}, "5.58"),  # a longer break was seen
        ("09:00, 15:01", {"break_floor": False}, "5.52"),
        ("09:00, 15:00", {"break_floor": False}, "6.00"),
    ],
)
def test_the_planned_break_has_no_cliff(passages: str, config: dict[str, bool], hours: str) -> None:
    assert sheet(passages, shift=OFFICE.model_copy(update=config))["hours"] == hours


@pytest.mark.parametrize("off_plan", [True, False])
@pytest.mark.parametrize("day", [MONDAY, SATURDAY, MONDAY + timedelta(days=1)], ids=["planned", "free", "holiday"])
def test_whether_the_break_holds_off_the_plan_is_a_setting(day: date, off_plan: bool) -> None:
    shift = OFFICE.model_copy(update={"break_off_plan": off_plan})
    rota = Rota({"office": shift}, HolidaysConfig(extra={MONDAY + timedelta(days=1): "Fair"}), BERLIN)
    row = sheet("09:00, 17:00", day=day, rota=rota)
    assert row["hours"] == ("7.50" if off_plan or day == MONDAY else "8.00")


def test_without_any_shift_near_no_break_is_planned() -> None:
    office = OFFICE.model_copy(update={"valid_until": MONDAY})
    for days, hours in ((6, "7.50"), (7, "7.50"), (8, "8.00")):
        assert sheet("09:00, 17:00", day=MONDAY + timedelta(days=days), shift=office)["hours"] == hours


# ----------------------------------------------------------------------------------------- cameras that were off


@pytest.mark.parametrize(
    ("passages", "gaps", "status", "note"),
    [
        ("09:20, 17:30", ["08:50-09:10"], "not covered", "camera off 08:50–09:10"),
        (
            "09:20, 17:30",
            ["08:20-08:40"],
            "not covered",
            "camera off 08:30–08:40",
        ),  # half an hour before the shift counts
        ("09:20, 17:30", ["08:20-08:30"], "late", ""),
        ("09:20, 17:30", ["09:20-12:00"], "late", ""),
        ("09:00, 17:30", ["08:00-08:59", "10:00-17:00"], "on time", ""),  # in the middle nobody need be seen
        ("09:00, 16:00", ["16:30-17:00"], "not covered", "camera off 16:30–17:00"),
        ("09:00, 16:00", ["12:00-16:00"], "left early", ""),
        ("09:00, 16:00", ["17:30-18:00"], "left early", ""),
        ("09:20, 16:00", ["09:05-09:10", "17:00-17:10"], "not covered", "camera off 09:05–09:10, 17:00–17:10"),
        ("in 09:00", ["17:20-17:40"], "not covered", "camera off 17:20–17:40"),
        ("in 09:00", ["17:50-19:00"], "not covered", "camera off 17:50–18:00"),
        ("in 09:00", ["18:00-19:00"], "missing out", ""),
        ("in 09:00, out 19:00, in 19:30", ["19:40-19:50"], "not covered", "camera off 19:40–19:50"),
        ("out 17:30", ["08:45-08:50"], "not covered", "camera off 08:45–08:50"),
        ("out 17:30", ["07:00-08:30"], "missing in", ""),
        ("out 08:00, in 08:55, out 17:30", ["10:00-10:30"], "missing in", ""),  # they came before 8:00
        ("", ["08:00-18:00"], "not covered", "camera off 09:00–17:30"),
        ("", ["12:00-12:01:00"], "absent", ""),  # a minute is not told
        ("", ["12:00-12:01:01"], "not covered", "camera off 12:00–12:01"),
        ("", ["07:00-09:00", "17:30-20:00"], "absent", ""),
        ("unidentified 08:57", ["12:00-13:00"], "not identified", "somebody like them was seen at 08:57"),
    ],
)
def test_what_a_camera_did_not_see_is_not_held_against_anybody(
    passages: str, gaps: list[str], status: str, note: str
) -> None:
    assert cells(sheet(passages, coverage=watched(*gaps)), "status", "note") == (status, note)


@pytest.mark.parametrize(
    ("passages", "action", "of", "gap", "status", "late"),
    [
        # without the passage of somebody else, the arrival is late, and a camera was off before it
        ("in 08:00, in 09:20, out 17:30", "remove", "E1-0", "08:50-09:10", "not covered", ""),
        ("in 08:00, in 09:20, out 17:30", "remove", "E1-0", "07:00-08:00", "late", "yes"),
        ("in 09:20, out 17:30", "add in", "09:15", "08:50-09:10", "late", "yes"),  # somebody says so
        ("in 09:20", "add out", "17:30", "08:50-09:10", "not covered", ""),
        ("in 09:00", "add out", "17:30", "08:50-09:10", "on time", "no"),
        ("in 09:00, out 12:00", "add in", "13:00", "17:20-17:40", "not covered", "no"),
        ("in 09:00", "add out", "16:00", "16:30-17:00", "left early", "no"),
        ("in 09:00", "remove", "E1-0", "08:50-09:10", "not covered", ""),
        ("in 09:20, out 17:30", "status", "present", "08:50-09:10", "present", ""),
    ],
)
def test_an_outage_excuses_what_nobody_corrected(
    passages: str, action: str, of: str, gap: str, status: str, late: str
) -> None:
    action, _, way = action.partition(" ")
    more: dict[str, object] = {"remove": {"refers_to": of}, "status": {"value": of}}.get(action, {"direction": way})
    if action == "add":
        more["time"] = moment(of)
    correction = Correction("c1", moment("18:00"), MONDAY, "E1", action, author="hr", reason="asked", **more)  # type: ignore[arg-type]
    config = AttendanceConfig(count_unapproved=True)
    row = sheet(passages, coverage=watched(gap), corrections=[correction], config=config)
    assert cells(row, "status", "late") == (status, late)


def test_all_cameras_of_the_entrance_must_watch() -> None:
    spans = {"front": watched().spans["door"], "back": watched("10:00-11:00").spans["door"]}
    for cameras, status in (
        (("front",), "absent"),
        (("front", "back"), "not covered"),
        (("front", "gone"), "not covered"),
    ):
        assert sheet(coverage=Coverage(cameras, spans, timedelta(seconds=60)))["status"] == status


def test_how_much_was_covered() -> None:
    assert sheet(coverage=watched("10:00-10:51"))["covered_pct"] == 90
    assert cells(sheet(coverage=Coverage((), {}, timedelta(0))), "status", "covered_pct") == ("not covered", 0)
    assert cells(sheet(coverage=None), "status", "covered_pct") == ("absent", "")


# ----------------------------------------------------------------------------------------- the present


@pytest.mark.parametrize(
    ("passages", "now", "status"),
    [
        ("", "08:00", "not yet"),
        ("", "17:29:59", "not yet"),
        ("", "17:30:00", "absent"),
        ("in 09:00", "09:00", "inside"),
        ("in 09:20", "12:00", "inside"),
        ("09:00, 12:00", "17:29", "possibly inside"),  # a camera that sees both ways cannot tell
        ("09:00, 12:00", "17:30", "left early"),
        ("in 09:00, out 12:00", "12:30", "on time"),  # may come back from lunch
        ("in 09:20, out 12:00", "12:30", "late"),
        ("in 09:00, out 12:00", "17:30", "left early"),
        ("in 09:00, out 12:00, in 13:00", "19:00", "inside"),  # works on
        ("09:00", "+1 01:14:59", "possibly inside"),
        ("09:00", "+1 01:15", "missing out"),  # half-way to the next shift
        ("09:00, 17:20", "17:30:05", "left early"),  # the last minute's coverage is not written yet
        ("out 12:00", "12:30", "missing in"),
        ("", "-1 23:59", ""),  # has not begun
    ],
)
def test_the_sheet_of_today(passages: str, now: str, status: str) -> None:
    seen_until = max(moment(now) - timedelta(seconds=55), moment("-2 00:00"))
    coverage = Coverage(("door",), {"door": [(moment("-3 00:00"), seen_until)]}, timedelta(seconds=60))
    assert sheet(passages, now=now, coverage=coverage).get("status", "") == status


def test_a_camera_that_is_off_now_is_told_once_that_is_certain() -> None:
    seen = [
        sheet("in 09:20, out 09:30", now=now, coverage=watched(until="09:10"))["status"] for now in ("09:40", "18:00")
    ]
    assert seen == ["not covered", "not covered"]
    assert sheet("in 09:00, out 16:00", now="17:30:30", coverage=watched(until="17:29"))["status"] == "left early"


@pytest.mark.parametrize(
    ("passages", "status"),
    [
        ("09:00", "possibly inside"),
        ("in 09:00", "inside"),
        ("09:00, 11:00", "present"),
        ("in 09:00, out 11:00", "present"),
    ],
)
def test_today_without_a_shift(passages: str, status: str) -> None:
    assert sheet(passages, shift=None, now="12:00")["status"] == status
    assert sheet("09:00", shift=None, now="+1 00:00")["status"] == "missing out"


# ----------------------------------------------------------------------------------------- nights


@pytest.mark.parametrize(
    ("place", "day", "hours"),
    [
        ("Europe/Berlin", "2026-11-23", "8.17"),
        ("Europe/Berlin", "2026-03-28", "7.17"),  # an hour is left out
        ("Europe/Berlin", "2026-10-24", "9.17"),  # and comes twice
        ("Australia/Sydney", "2026-10-03", "7.17"),
        ("Australia/Sydney", "2026-04-04", "9.17"),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins_and_lasts_as_long_as_it_really_did(
    place: str, day: str, hours: str
) -> None:
    on, zone = date.fromisoformat(day), ZoneInfo(place)
    row = sheet("in 21:55, out +1 06:05", day=on, shift=NIGHT, zone=zone)
    assert cells(row, "status", "hours", "note", "late_min", "early_min") == (
        "on time",
        hours,
        "left on the next day",
        0,
        0,
    )
    assert float(str(row["planned_hours"])) == pytest.approx(float(hours) - 1 / 6, abs=0.01)
    rows = log_rows("in 21:55, out +1 06:05", on, zone)
    after = sheet(day=on + timedelta(days=1), shift=NIGHT, zone=zone, rows=rows)
    assert cells(after, "status", "punches") == ("absent", 0)


def test_a_name_withdrawn_after_midnight_is_a_doubt_about_the_evening() -> None:
    rows = log_rows("23:59:58, retract-0 +1 00:00:02")
    shift = ShiftConfig(start=time(14), end=time(22))
    assert cells(sheet(rows=rows, shift=shift), "status", "note") == (
        "not identified",
        "somebody like them was seen at 23:59",
    )
    assert sheet(rows=rows, shift=shift, day=MONDAY + timedelta(days=1))["status"] == "absent"


# ----------------------------------------------------------------------------------------- who is expected


def test_a_day_off_has_no_row_unless_somebody_comes() -> None:
    assert sheet(day=SATURDAY) == {}
    row = sheet("10:00, 12:00", day=SATURDAY)
    assert cells(row, "status", "hours", "shift", "planned_hours", "late_min") == ("present", "2.00", "", "", "")


def test_a_holiday_and_work_on_it() -> None:
    rota = Rota({"office": OFFICE}, HolidaysConfig(country="DE", extra={MONDAY: "Fair"}), BERLIN)
    assert cells(sheet(rota=rota), "status", "note", "planned_hours") == ("holiday", "Fair", "")
    row = sheet("10:00, 18:00", rota=rota)
    assert cells(row, "status", "hours", "planned_hours", "late_min") == ("present", "7.50", "", "")
    assert row["note"] == "worked on a holiday: Fair"
    christmas = date(2026, 12, 25)
    assert sheet(day=christmas, rota=rota)["status"] == "holiday"
    assert sheet(day=christmas + timedelta(days=1), rota=rota) == {}, "a holiday on a day off"
    always = Rota(
        {"office": OFFICE.model_copy(update={"on_holidays": True})}, HolidaysConfig(extra={MONDAY: "Fair"}), BERLIN
    )
    assert cells(sheet(rota=always), "status", "planned_hours") == ("absent", "8.00")


def leave(text: str, day: date = MONDAY, who: str = "E1") -> dict[tuple[str, date], Away]:
    """Leave of one day: kinds with the part of the day, such as `annual morning, sick afternoon` or `unpaid 0.25`."""
    parts: list[tuple[str, float, Any]] = []
    for each in text.split(", "):
        kind, _, part = each.partition(" ")
        share = 0.5 if part in {"morning", "afternoon"} else float(part or 1)
        parts.append((kind, share, part if share == 0.5 and part.isalpha() else ""))
    away = LeaveKinds().combined(parts)
    assert away is not None
    return {(who, day): away}


@pytest.mark.parametrize("kind", ["annual", "remote", "sick"])
def test_whoever_is_away_is_not_late_when_they_come_nevertheless(kind: str) -> None:
    status = {"annual": "on leave"}.get(kind, kind)
    away = leave(kind)
    assert cells(sheet(leave=away, coverage=watched("10:00-12:00")), "status", "hours", "note") == (status, "", "")
    row = sheet("11:00, 13:00", leave=away)
    assert cells(row, "status", "first_in", "hours", "late_min") == (status, "11:00:00", "2.00", "")
    assert cells(row, "note", "credited_hours") == (f"seen although {status}", "6.00")
    assert sheet(leave=leave(kind, who="E2"))["status"] == "absent"


WEEK = [date(2026, 11, 27) + timedelta(days=offset) for offset in range(4)]  # Friday to Monday


def test_leave_from_friday_to_monday_is_two_days() -> None:
    away = {key: value for day in WEEK for key, value in leave("annual", day).items()}
    rows = [sheet(day=day, leave=away) for day in WEEK]
    assert [row.get("status", "") for row in rows] == ["on leave", "", "", "on leave"]
    assert [row.get("leave_days", "") for row in rows] == ["1", "", "", "1"]
    assert sheet("10:00, 12:00", day=SATURDAY, leave=away)["status"] == "present"


def test_a_holiday_within_leave_is_no_day_of_leave() -> None:
    rota = Rota({"office": OFFICE}, HolidaysConfig(extra={MONDAY: "Fair"}), BERLIN)
    assert cells(sheet(rota=rota, leave=leave("annual")), "status", "leave_days", "credited_hours") == (
        "holiday",
        "",
        "",
    )
    always = Rota(
        {"office": OFFICE.model_copy(update={"on_holidays": True})}, HolidaysConfig(extra={MONDAY: "Fair"}), BERLIN
    )
    assert cells(sheet(rota=always, leave=leave("annual")), "status", "leave_days") == ("on leave", "1")


@pytest.mark.parametrize(("day", "counts"), [(MONDAY, True), (SATURDAY, False), (date(2026, 11, 24), False)])
def test_without_a_shift_monday_to_friday_count(day: date, counts: bool) -> None:
    rota = Rota({}, HolidaysConfig(extra={date(2026, 11, 24): "Fair"}), BERLIN)
    row = sheet(day=day, rota=rota, leave=leave("annual", day))
    assert cells(row, "status", "leave_days", "credited_hours") == (("on leave", "1", "") if counts else ("", "", ""))


def test_a_day_off_in_a_rota_of_four_days_is_no_day_of_leave() -> None:
    shift = OFFICE.model_copy(update={"days": "mon-thu"})
    friday = date(2026, 11, 27)
    assert sheet(day=friday, shift=shift, leave=leave("annual", friday)) == {}


PARTS = {
    # the plan is 9:00 to 17:30 with half an hour's break, so 8 hours: half of it is 13:30 to 17:30, or 9:00 to 13:00
    ("annual morning", "13:30, 17:30"): ("on time", "4.00", "4.00", 0, 0),
    ("annual morning", "13:35, 17:30"): ("on time", "3.92", "4.00", 0, 0),  # within the grace
    ("annual morning", "14:00, 17:30"): ("late", "3.50", "4.00", 30, 0),
    ("annual morning", "13:30, 17:00"): ("left early", "3.50", "4.00", 0, 30),
    ("annual morning", "09:00, 17:30"): ("on time", "8.00", "4.00", 0, 0),
    ("annual morning", ""): ("absent", "", "4.00", "", ""),
    ("annual afternoon", "09:00, 13:00"): ("on time", "4.00", "4.00", 0, 0),
    ("annual afternoon", "09:30, 12:30"): ("late, left early", "3.00", "4.00", 30, 30),
    ("annual afternoon", "09:00"): ("missing out", "", "8.00", 0, ""),  # undecided: nothing is missing yet
    ("annual 0.5", "09:00, 13:00"): ("present", "4.00", "4.00", "", ""),  # which half is not known
    ("annual 0.5", "13:30, 17:30"): ("present", "4.00", "4.00", "", ""),
    ("annual 0.5", ""): ("absent", "", "4.00", "", ""),
    ("annual 0.25", "09:00, 15:00"): ("present", "6.00", "2.00", "", ""),
    ("unpaid morning", "13:30, 17:30"): ("on time", "4.00", "", 0, 0),
    ("unpaid morning", ""): ("absent", "", "", "", ""),
    ("unpaid afternoon", "09:00"): ("missing out", "", "4.00", 0, ""),  # the half that is expected is undecided
    ("annual morning, sick afternoon", ""): ("sick", "", "8.00", "", ""),
    ("annual morning, unpaid afternoon", ""): ("on leave", "", "4.00", "", ""),
    ("unpaid morning, sick afternoon", ""): ("sick", "", "4.00", "", ""),
    ("unpaid morning, sick afternoon", "09:00, 11:00"): ("sick", "2.00", "4.00", "", ""),  # for the unpaid half first
    ("unpaid morning, sick afternoon", "09:00, 15:30"): ("sick", "6.00", "2.00", "", ""),
    ("annual, sick", ""): ("sick", "", "8.00", "", ""),
    ("annual, sick morning", ""): ("sick", "", "8.00", "", ""),
    ("remote morning", "13:30, 17:30"): ("on time", "4.00", "4.00", 0, 0),
    ("annual", ""): ("on leave", "", "8.00", "", ""),
    ("unpaid", ""): ("on leave", "", "", "", ""),
    ("unpaid", "10:00, 12:00"): ("on leave", "2.00", "", "", ""),
    ("time_off", ""): ("on leave", "", "", "", ""),
    ("training", ""): ("on leave", "", "8.00", "", ""),
    ("special", ""): ("on leave", "", "8.00", "", ""),
}


@pytest.mark.parametrize(("text", "passages"), PARTS)
def test_parts_of_a_day_and_kinds_of_leave(text: str, passages: str) -> None:
    row = sheet(passages, leave=leave(text))
    columns = ("status", "hours", "credited_hours", "late_min", "early_min")
    assert cells(row, *columns) == PARTS[text, passages]
    assert row["planned_hours"] == "8.00"


@pytest.mark.parametrize(
    ("text", "planned_in", "planned_out", "note"),
    [
        ("annual", "09:00", "17:30", ""),
        ("annual morning", "13:30", "17:30", "leave in the morning: annual leave"),
        ("sick afternoon", "09:00", "13:00", "leave in the afternoon: sick leave"),
        ("annual 0.5", "", "", "leave for 0.5 of the day: annual leave"),
        ("unpaid", "09:00", "17:30", "unpaid leave"),
    ],
)
def test_the_sheet_says_which_part_is_planned_and_which_kind_it_is(
    text: str, planned_in: str, planned_out: str, note: str
) -> None:
    row = sheet("09:00, 17:30" if " " in text else "", leave=leave(text))
    assert cells(row, "planned_in", "planned_out") == (planned_in, planned_out)
    assert str(row["note"]).split("; ")[0] == note


def test_leave_that_is_not_planned_at_all_asks_for_no_hours() -> None:
    row = sheet(leave=leave("parental"))
    assert cells(row, "status", "planned_hours", "credited_hours", "leave_days") == ("on leave", "", "", "1")
    half = sheet("09:00, 13:00", leave=leave("parental afternoon"))
    assert cells(half, "status", "planned_hours", "credited_hours", "hours") == ("on time", "4.00", "", "4.00")


def test_a_long_half_keeps_its_break() -> None:
    """Three quarters of 12 hours are 9, with the break 9:30: from 8:00 to 17:30."""
    long = ShiftConfig(start=time(8), end=time(20, 30), break_min=30)
    away = Away((AwayPart("annual", "annual leave", "on leave", 0.25, "afternoon"),))
    assert cells(
        sheet("08:00, 17:30", shift=long, leave={("E1", MONDAY): away}), "status", "hours", "credited_hours"
    ) == (
        "on time",
        "9.00",
        "3.00",
    )


@pytest.mark.parametrize(("now", "status"), [("12:00", "not yet"), ("13:40", "not yet"), ("17:40", "absent")])
def test_before_the_half_is_over_nobody_is_absent(now: str, status: str) -> None:
    assert sheet(now=now, leave=leave("annual morning"))["status"] == status


def test_a_camera_that_was_off_in_the_free_half_does_not_matter() -> None:
    assert sheet("13:30, 17:30", leave=leave("annual morning"), coverage=watched("08:00-12:00"))["status"] == "on time"
    assert sheet(leave=leave("annual morning"), coverage=watched("08:00-12:00"))["status"] == "absent"
    assert sheet(leave=leave("annual morning"), coverage=watched("14:00-15:00"))["status"] == "not covered"
    anytime = leave("annual 0.5")  # nobody said which half is free
    assert sheet("in 09:00", leave=anytime, coverage=watched("12:00-15:00"))["status"] == "not covered"
    assert sheet("in 09:00", leave=anytime, coverage=watched("07:00-08:00"))["status"] == "missing out"


@pytest.mark.parametrize(
    ("text", "corrected", "status", "credited", "days"),
    [
        ("annual", "absent", "absent", "", ""),
        ("annual", "sick", "sick", "8.00", "1"),
        ("unpaid", "on leave", "on leave", "8.00", "1"),
        ("annual morning", "absent", "absent", "4.00", "0.5"),
        ("annual morning", "sick", "sick", "8.00", "1"),
        ("annual morning", "excused", "excused", "8.00", ""),
    ],
)
def test_a_correction_counts_more_than_leave(text: str, corrected: str, status: str, credited: str, days: str) -> None:
    correction = Correction("c1", moment("18:00"), MONDAY, "E1", "status", value=corrected, author="hr", reason="asked")
    row = sheet(leave=leave(text), corrections=[correction], config=AttendanceConfig(count_unapproved=True))
    assert cells(row, "status", "credited_hours", "leave_days") == (status, credited, days)


@pytest.mark.parametrize(
    ("person", "status", "note"),
    [
        ({"active": False}, "", ""),
        ({"enrolled_at": "2026-11-24T08:00:00+01:00"}, "", ""),
        ({"enrolled_at": "2026-11-23T23:30:00+00:00"}, "", ""),  # the 24th in Berlin
        ({"enrolled_at": "2026-11-24"}, "", ""),  # as somebody wrote it
        ({"enrolled_at": "2026-11-23"}, "absent", ""),
        ({"enrolled_at": "when?"}, "absent", ""),
        ({"enrolled_at": ""}, "", ""),  # nobody said that they work here already
    ],
)
def test_who_is_not_expected_is_not_absent(person: Mapping[str, Any], status: str, note: str) -> None:
    assert cells(sheet(person=person), "status", "note") == (status, note)
    on_time = status or person == {"enrolled_at": ""}  # seen all the same, by a PIN
    assert sheet("09:00, 17:30", person=person)["status"] == ("on time" if on_time else "present")


@pytest.mark.parametrize(
    ("day", "shift"), [("2026-11-20", "old"), ("2026-11-23", "new"), ("2026-11-30", "new"), ("2026-12-01", "")]
)
def test_a_change_of_plan_does_not_rewrite_the_past(day: str, shift: str) -> None:
    old = OFFICE.model_copy(update={"valid_until": date(2026, 11, 22)})
    new = OFFICE.model_copy(update={"valid_from": date(2026, 11, 23), "valid_until": date(2026, 11, 30)})
    row = sheet(day=date.fromisoformat(day), rota=Rota({"new": new, "old": old}, HolidaysConfig(), BERLIN))
    assert row.get("shift", "") == shift


def test_somebody_who_is_not_in_the_list_is_told_by_id_when_seen_and_expected_by_nobody() -> None:
    book = Book(PEOPLE, Rota({"office": OFFICE}, HolidaysConfig(), BERLIN), BERLIN)
    rows = [*log_rows("11:00, 12:00", who="E7"), *log_rows("unidentified 09:00", who="E8")]
    found = day_sheet([DayRows(rows)], MONDAY, book)
    assert [cells(table(row), "employee_id", "name", "status") for row in found] == [
        ("E7", "", "present"),
        ("E1", "Ann", "absent"),
    ]
    assert day_sheet([DayRows(rows)], MONDAY, book, only="E1") == found[1:]
    assert day_sheet([DayRows(rows)], MONDAY, book, only="E9") == []


def test_camera_and_evidence_are_those_of_the_first_arrival() -> None:
    row = sheet("out 08:00, in 09:00, out 17:30")
    assert cells(row, "first_in", "camera_in", "similarity_in", "liveness") == ("09:00:00", "cam-1", "0.2", "passed")
    assert cells(sheet("out 17:30"), "first_in", "camera_in") == ("", "")


def test_margins_come_from_the_settings() -> None:
    config = AttendanceConfig(lead_min=0)
    assert sheet("09:20, 17:30", coverage=watched("08:40-09:00"), config=config)["status"] == "late"
