"""Corrections and approvals: rows of their own beside what cameras wrote, checked before they are written, and never rewritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import sighting
from hypothesis import given
from hypothesis import strategies as st
from log_builders import retraction

from engine.attendance import AttendanceBook, Plan, Rota, cells
from engine.attendance.corrections import ACTIONS, CORRECTION, EXCUSES, Correction, in_force
from engine.config import AttendanceConfig, EventsConfig, HolidaysConfig, ShiftConfig
from engine.errors import InputError
from engine.reports import STATUSES
from engine.storage import read_rows
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 24, 12, tzinfo=BERLIN)
LONG_AGO = "2026-01-05T10:00:00+01:00"
PEOPLE = {"E1": Person("E1", "Ann", "Lab", enrolled_at=LONG_AGO), "E2": Person("E2", "Bob", enrolled_at=LONG_AGO)}
OFFICE = ShiftConfig(start=time(9), end=time(17))


def local(text: str, day: date = DAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(text), BERLIN)


class Desk:
    """A book and somebody who corrects it, a minute later each time."""

    def __init__(
        self,
        workspace: Path,
        *shown: str,
        four_eyes: bool = True,
        shifts: bool = True,
        count_unapproved: bool = True,
    ) -> None:
        rota = Rota({"office": OFFICE} if shifts else {}, HolidaysConfig(), BERLIN)
        self.plan = Plan(
            rota, AttendanceConfig(four_eyes=four_eyes, count_unapproved=count_unapproved), directions={"door": "both"}
        )
        self.book = AttendanceBook(workspace, BERLIN, EventsConfig(cool_down_s=300), self.plan)
        self.workspace, self.now = workspace, NOON
        written = [self.book.record(sighting(time=local(at)), PEOPLE) for at in shown]
        self.events = [row.event_id for row in written if row is not None]

    def correct(
        self,
        action: str,
        *,
        author: str = "hr.kim",
        who: str = "E1",
        day: date = DAY,
        reason: str = "at the desk",
        **more: str,
    ) -> Correction:
        self.now += timedelta(minutes=1)
        fields: dict[str, object] = dict(more)
        if "time" in more:
            fields["time"] = local(more["time"])
        wanted = Correction("", self.now, day, who, action, author=author, reason=reason, **fields)  # type: ignore[arg-type]
        return self.book.correct(wanted, PEOPLE)

    def row(self, who: str = "E1", day: date = DAY) -> dict[str, object]:
        """The person's day as cells; empty without one."""
        found = [row for row in self.book.sheets.on(day, PEOPLE) if row.employee_id == who]
        return cells(found[0]) if found else {}

    def shown(self, *columns: str) -> tuple[object, ...]:
        row = self.row()
        return tuple(row[column] for column in columns)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "09:20", "16:00")


BOTH = ("first_in", "last_out", "status", "recorded_first_in", "recorded_last_out", "recorded_status")


# ----------------------------------------------------------------------------------------- what they do


def test_what_was_recorded_and_what_holds_stand_side_by_side_and_the_log_stays(desk: Desk) -> None:
    before = desk.book.log.raw.shelf.path(DAY).read_bytes()
    assert desk.shown(*BOTH, "corrected_by") == ("09:20:00", "16:00:00", "late, left early") * 2 + ("",)
    desk.correct("add", time="08:57", direction="in", reason="badge desk saw her")
    desk.correct("add", time="17:03", direction="out", author="hr.lee", reason="phoned")
    expected = ("08:57:00", "17:03:00", "on time", "09:20:00", "16:00:00", "late, left early")
    assert desk.shown(*BOTH) == expected
    assert desk.shown("corrected_by", "correction_reason") == ("hr.kim; hr.lee", "badge desk saw her; phoned")
    assert desk.shown("hours", "recorded_hours", "approved_by") == ("8.10", "6.67", "")
    assert desk.shown("camera_in", "similarity_in") == ("", ""), "no camera saw the arrival that holds"
    assert desk.book.log.raw.shelf.path(DAY).read_bytes() == before
    (row,) = read_rows(desk.workspace / "attendance" / f"{DAY}.csv")[:1]
    assert tuple(row[column] for column in BOTH) == expected, "the file is current at once"


def test_a_passage_that_is_removed_no_longer_counts(desk: Desk) -> None:
    desk.correct("remove", refers_to=desk.events[0])
    assert desk.shown("first_in", "status", "recorded_first_in") == ("16:00:00", "missing out", "09:20:00")
    desk.correct("remove", refers_to=desk.events[1])
    assert desk.shown("first_in", "status", "hours", "recorded_status") == ("", "absent", "", "late, left early")


def test_removing_all_there_was_on_a_day_off_leaves_a_day_off(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "10:00", "12:00", shifts=False)
    for event in desk.events:
        desk.correct("remove", refers_to=event)
    assert desk.shown(*BOTH) == ("", "", "day off", "10:00:00", "12:00:00", "present")
    assert desk.shown("corrected_by", "hours", "recorded_hours") == ("hr.kim", "", "2.00")


@pytest.mark.parametrize("value", EXCUSES)
def test_a_status_replaces_the_computed_one_and_is_one_that_exports_know(desk: Desk, value: str) -> None:
    desk.correct("status", value=value)
    assert desk.shown("status", "recorded_status", "hours") == (
        value,
        "late, left early",
        "8.00" if value == "as planned" else "6.67",
    )
    assert value in STATUSES
    desk.correct("status", value=value, who="E2")
    assert desk.row("E2")["status"] == value
    assert desk.row("E2")["recorded_status"] == "absent"


def test_somebody_of_whom_there_is_only_a_correction_has_a_row(tmp_path: Path) -> None:
    desk = Desk(tmp_path, shifts=False)
    desk.correct("add", time="09:00", direction="in")
    assert desk.shown(*BOTH) == ("09:00:00", "", "missing out", "", "", "")
    desk.correct("add", time="17:00", direction="out")
    assert desk.shown("hours", "status", "punches", "presence_hours") == ("8.00", "present", 0, "8.00")


def test_a_revoked_correction_leaves_no_trace_in_the_sheet_and_all_in_the_log(desk: Desk) -> None:
    before = desk.row()
    made = desk.correct("add", time="08:57", direction="in")
    desk.correct("revoke", refers_to=made.correction_id)
    assert desk.row() == before
    rows = desk.book.corrections.read(NOON.date())
    assert [row.action for row in rows] == ["add", "revoke"]
    assert desk.book.corrections.raw.check() == []


def test_corrections_are_found_by_the_day_they_are_about(desk: Desk) -> None:
    desk.now += timedelta(days=40)
    made = desk.correct("add", time="08:57", direction="in")
    assert desk.book.corrections.days() == [desk.now.date()]
    assert desk.shown("first_in") == ("08:57:00",)
    assert [each.correction_id for each in desk.book.corrections.about_days(DAY, DAY)] == [made.correction_id]
    assert desk.book.corrections.about_days(DAY + timedelta(days=1), desk.now.date()) == []


def test_a_night_is_corrected_on_both_sides_of_midnight(tmp_path: Path) -> None:
    night = ShiftConfig(start=time(22), end=time(6), days="mon-sun")
    rota = Rota({"night": night}, HolidaysConfig(), BERLIN)
    book = AttendanceBook(tmp_path, BERLIN, EventsConfig(), Plan(rota, AttendanceConfig(count_unapproved=True)))
    for at, way in ((local("21:58"), "in"), (local("06:10", DAY + timedelta(days=1)), "out")):
        book.correct(Correction("", NOON, DAY, "E1", "add", at, way, author="hr", reason="desk"), PEOPLE)  # type: ignore[arg-type]
    row = next(row for row in book.sheets.on(DAY, PEOPLE) if row.employee_id == "E1")
    assert (row.hours, row.status, row.note) == (8.2, "on time", "left on the next day")
    wanted = Correction("", NOON, DAY, "E1", "add", local("13:59"), author="hr", reason="desk")
    with pytest.raises(
        InputError,
        match="is not within the working day 2026-11-23 → give a time from 2026-11-23 14:00 to 2026-11-24 22:00",
    ):
        book.correct(wanted, PEOPLE)


# ----------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("delete", {}, "'delete' is no correction → use one of add, remove, status, approve, revoke"),
        ("add", {}, "a passage without a time"),
        ("remove", {"refers_to": "nothing"}, "'nothing' is no passage of E1 on 2026-11-23"),
        ("status", {"value": "late"}, "'late' is no status → use one of as planned, excused"),
        ("status", {"value": ""}, "'' is no status"),
        ("revoke", {"refers_to": "nothing"}, "'nothing' is no correction of E1 on 2026-11-23"),
        ("approve", {}, "no correction holds for E1 on 2026-11-23"),
        ("status", {"value": "sick", "reason": " "}, "the reason is empty"),
        ("status", {"value": "sick", "author": "\u202e"}, "the author is empty"),
        ("status", {"value": "sick", "who": "E9"}, "nobody is known as E9"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_written(
    desk: Desk, action: str, fields: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        desk.correct(action, **fields)
    assert desk.book.corrections.days() == []


def test_what_has_not_come_yet_is_refused(desk: Desk) -> None:
    desk.now = local("10:00")
    with pytest.raises(InputError, match="2026-11-23 12:00 has not come yet"):
        desk.correct("add", time="12:00")
    with pytest.raises(InputError, match="2026-11-25 has not come yet → correct what has been"):
        desk.correct("status", value="sick", day=DAY + timedelta(days=2))
    desk.correct("status", value="sick")


@pytest.mark.parametrize("kind", ["a retraction", "what was retracted", "another day's", "somebody else's"])
def test_only_a_passage_of_that_day_and_person_can_be_removed(desk: Desk, kind: str) -> None:
    book = desk.book
    other = book.record(sighting(time=local("09:00", DAY + timedelta(days=1)), track="run-2"), PEOPLE)
    theirs = book.record(sighting("E2", local("09:00"), track="run-3"), PEOPLE)
    taken = book.retract(retraction("E1", local("16:05"), "door", "run-1", "?"), PEOPLE)
    assert other
    assert theirs
    assert taken
    ids = {
        "a retraction": taken.event_id,
        "what was retracted": desk.events[0],
        "another day's": other.event_id,
        "somebody else's": theirs.event_id,
    }
    with pytest.raises(InputError, match="is no passage of E1"):
        desk.correct("remove", refers_to=ids[kind])


def test_only_what_still_holds_can_be_revoked(desk: Desk) -> None:
    made = desk.correct("add", time="08:57", direction="in")
    approval = desk.correct("approve", author="boss")
    revocation = desk.correct("revoke", refers_to=made.correction_id)
    for each in (made, approval, revocation):
        with pytest.raises(InputError, match="is no correction of E1"):
            desk.correct("revoke", refers_to=each.correction_id)
    desk.correct("approve", author="boss")
    with pytest.raises(InputError, match="no correction holds for E1"):
        Desk(desk.workspace / "other").correct("approve", author="boss")


# ----------------------------------------------------------------------------------------- approvals


@pytest.mark.parametrize("author", ["hr.kim", "HR.Kim", " hr.kim "])
def test_nobody_approves_their_own_correction(desk: Desk, author: str) -> None:
    desk.correct("status", value="excused")
    with pytest.raises(InputError, match="made the correction → let somebody else approve it"):
        desk.correct("approve", author=author)
    desk.correct("approve", author="boss")
    assert desk.shown("approved_by", "corrected_by") == ("boss", "hr.kim")


def test_without_four_eyes_one_may(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "09:00", four_eyes=False)
    desk.correct("status", value="excused")
    desk.correct("approve")
    assert desk.shown("approved_by") == ("hr.kim",)


@pytest.mark.parametrize(
    "change",
    [
        lambda desk, _: desk.correct("add", time="17:01", direction="out"),
        lambda desk, made: desk.correct("revoke", refers_to=made.correction_id),
        lambda desk, _: desk.correct("status", value="sick"),
    ],
    ids=["add", "revoke", "status"],
)
def test_whatever_is_changed_after_an_approval_waits_for_its_own(
    desk: Desk, change: Callable[[Desk, Correction], Correction]
) -> None:
    made = desk.correct("add", time="08:57", direction="in")
    desk.correct("add", time="17:00", direction="out")
    desk.correct("approve", author="boss")
    assert desk.shown("approved_by") == ("boss",)
    change(desk, made)
    assert desk.shown("approved_by") == ("",)
    desk.correct("approve", author="boss.two")
    assert desk.shown("approved_by") == ("boss.two",)


# ----------------------------------------------------------------------------------------- rows that were tampered with


@pytest.mark.parametrize(
    ("column", "value"),
    [("timestamp", "then"), ("day", "2026-13-01"), ("time", "9"), ("time", "2026-11-23T09:00:00")],
)
def test_rows_that_make_no_sense_are_left_out(column: str, value: str) -> None:
    good = {
        "correction_id": "c",
        "timestamp": "2026-11-24T12:00:00+01:00",
        "day": "2026-11-23",
        "employee_id": "E1",
        "action": "add",
        "time": "2026-11-23T09:00:00+01:00",
        "direction": "in",
        "value": "",
        "refers_to": "",
        "author": "hr",
        "reason": "x",
    }
    found = CORRECTION.parse_all([good | {column: value}, good], "the log")
    assert [(row.correction_id, row.time) for row in found] == [("c", local("09:00"))]


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 6), st.sampled_from(["hr", "boss"])), max_size=7))
def test_an_approval_covers_all_that_holds_or_nothing(actions: list[tuple[str, int, str]]) -> None:
    rows = [
        Correction(f"c{n}", NOON, DAY, "E1", action, NOON, "in", "sick", f"c{refers_to}", author, "why")
        for n, (action, refers_to, author) in enumerate(actions)
    ]
    found = in_force(rows)
    held = {row.correction_id for row in rows if row.action in {"add", "remove", "status"}}
    held -= {row.refers_to for row in rows if row.action == "revoke"}
    assert {mark.event_id for mark in found.added} <= held
    assert bool(found) == bool(held)
    changes = [place for place, row in enumerate(rows) if row.action != "approve"]
    after = [row.author for row in rows[max(changes, default=-1) + 1 :]]
    assert found.approved_by == (after[-1] if held and after else "")
