"""From passages to presence, and who is inside now: hand-computed cases, and what must hold for any passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sheets import plain_book

from engine.attendance import Book, DayRows, Presence, PunchRow, Rota, day_sheet, inside_now
from engine.attendance.corrections import Correction
from engine.attendance.presence import Mark, TimesInside, times_inside
from engine.config import HolidaysConfig, ShiftConfig
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 23)
NIGHTS = {  # the hours before a change of the clocks, by zone
    "Europe/Berlin": ["2026-03-28T20:00", "2026-10-24T20:00"],
    "Australia/Sydney": ["2026-04-04T20:00", "2026-10-03T20:00"],
}


def local(text: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(text), BERLIN).astimezone(UTC)


def marks(text: str) -> list[Mark]:
    """Passages such as `in 08:00, out 12:00, 12:30`; without a word the camera sees both ways."""
    found = []
    for number, part in enumerate(text.split(", ") if text else []):
        word, _, clock = part.rpartition(" ")
        found.append(Mark(local(clock), f"e{number}", word or "both"))  # type: ignore[arg-type]
    return found


def clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(BERLIN):%H:%M}" if moment else ""


# ----------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("passages", "spans", "first_in", "last_out", "open_since", "missing_in"),
    [
        ("", "", "", "", "", False),
        ("08:00", "", "08:00", "", "08:00", False),
        ("08:00, 17:00", "08:00-17:00", "08:00", "17:00", "", False),
        ("17:00, 08:00, 12:00, 08:00", "08:00-17:00", "08:00", "17:00", "", False),
        ("08:00, 08:00", "", "08:00", "", "08:00", False),  # two cameras at one moment: one passage
        ("in 08:00", "", "08:00", "", "08:00", False),
        ("in 08:00, out 17:00", "08:00-17:00", "08:00", "17:00", "", False),
        ("in 08:00, out 12:00, in 13:00, out 17:00", "08:00-12:00 13:00-17:00", "08:00", "17:00", "", False),
        ("in 08:00, out 12:00, in 13:00", "08:00-12:00", "08:00", "12:00", "13:00", False),
        ("in 08:00, in 13:00, out 17:00", "08:00-17:00", "08:00", "17:00", "", False),  # a departure was missed
        ("out 17:00", "", "", "17:00", "", True),
        ("out 12:00, in 13:00, out 17:00", "13:00-17:00", "13:00", "17:00", "", True),
        ("out 07:00, in 08:00", "", "08:00", "", "08:00", True),
        ("in 08:00, out 12:00, out 17:00", "08:00-12:00", "08:00", "17:00", "", True),  # came back unseen
        (
            "in 08:00, out 17:00, out 17:01",
            "08:00-17:00",
            "08:00",
            "17:00",
            "",
            False,
        ),  # two doors, one after the other
        ("in 08:00, out 08:00", "08:00-08:00", "08:00", "08:00", "", False),
        ("in 08:00, out 08:00, in 09:00, out 17:00", "08:00-08:00 09:00-17:00", "08:00", "17:00", "", False),
        ("08:00, out 17:00", "08:00-17:00", "08:00", "17:00", "", False),
        ("in 08:00, 12:00", "08:00-12:00", "08:00", "12:00", "", False),
        ("in 08:00, 12:00, out 17:00, 17:01", "08:00-17:00", "08:00", "17:00", "", False),  # still at the door
        ("in 08:00, out 12:00, 12:02", "08:00-12:00", "08:00", "12:00", "", False),
        ("in 08:00, out 12:00, 12:03", "08:00-12:00", "08:00", "12:00", "12:03", False),
        ("in 08:00, 12:00, in 13:00", "", "08:00", "", "08:00", False),  # inside at 13:00, whatever was at noon
        ("in 08:00, 12:00, in 13:00, 17:00", "08:00-17:00", "08:00", "17:00", "", False),
    ],
)
def test_times_inside_by_hand(
    passages: str, spans: str, first_in: str, last_out: str, open_since: str, missing_in: bool
) -> None:
    found = times_inside(marks(passages))
    assert " ".join(f"{clock(begin)}-{clock(end)}" for begin, end in found.spans) == spans
    assert (clock(found.first_in), clock(found.last_out)) == (first_in, last_out)
    assert (clock(found.open_since), found.missing_in) == (open_since, missing_in)
    assert found.last_seen == max((mark.time for mark in marks(passages)), default=None)


def test_breaks_are_what_lies_between_leaving_and_coming_back() -> None:
    found = times_inside(marks("in 08:00, out 10:00, in 10:15, out 12:00, in 12:45, out 17:00"))
    assert (found.inside_s, found.break_s) == (8 * 3600, 3600)
    assert (TimesInside().inside_s, TimesInside().break_s) == (0, 0)


# ----------------------------------------------------------------------------------------- for any passages

STEPS = st.sampled_from([0, 1, 59, 120, 121, 3599, 3600, -3600, 86_400, -86_400, 7 * 3600])
MARKS = st.lists(st.tuples(STEPS, st.sampled_from(["in", "out", "both"])), max_size=9)


def walk(start: datetime, steps: Sequence[tuple[int, str]], zone: ZoneInfo) -> list[Mark]:
    """Passages of a clock that runs, stands still, and is set forward and back."""
    found, now = [], start
    for number, (step, direction) in enumerate(steps):
        now += timedelta(seconds=step)
        text = now.astimezone(zone).isoformat()  # as it stands in a row
        found.append(Mark(datetime.fromisoformat(text), f"e{number}", direction))  # type: ignore[arg-type]
    return found


@given(MARKS, st.sampled_from(sorted(NIGHTS)), st.integers(0, 1), st.randoms(use_true_random=False))
def test_time_inside_is_never_negative_nor_longer_than_from_first_in_to_last_out(
    steps: list[tuple[int, str]], place: str, night: int, chance: Random
) -> None:
    zone = ZoneInfo(place)
    drawn = walk(datetime.fromisoformat(NIGHTS[place][night]).replace(tzinfo=zone).astimezone(UTC), steps, zone)
    found = times_inside(drawn)
    assert times_inside(chance.sample(drawn * 2, 2 * len(drawn))) == found, "neither order nor doubles matter"
    times = {mark.time for mark in drawn}
    assert {found.first_in, found.last_out, found.open_since, found.last_seen} <= times | {None}
    ends = [moment for span in found.spans for moment in span]
    assert ends == sorted(ends)
    assert found.inside_s >= 0
    assert found.break_s >= 0
    if found.first_in and found.last_out:
        wall = (found.last_out - found.first_in).total_seconds()
        assert 0 <= found.inside_s + found.break_s <= wall
    if drawn:
        assert found.first_in or found.missing_in
        assert (found.open_since or found.last_out) is not None


@given(
    st.lists(st.tuples(STEPS, st.sampled_from(["in", "out", "both"]), st.sampled_from(["punch", "seen", "retract"]))),
    st.sampled_from(sorted(NIGHTS)),
    st.integers(0, 1),
    st.sampled_from([None, ("22:00", "06:00"), ("16:00", "00:00"), ("00:30", "08:30"), ("08:00", "08:00")]),
)
def test_every_valid_event_counts_on_exactly_one_day_and_hours_stay_within_what_was_seen(
    steps: list[tuple[int, str, str]], place: str, night: int, hours: tuple[str, str] | None
) -> None:
    zone = ZoneInfo(place)
    start = datetime.fromisoformat(NIGHTS[place][night]).replace(tzinfo=zone)
    drawn = walk(start.astimezone(UTC), [(step, direction) for step, direction, _ in steps], zone)
    rows = [
        PunchRow(
            mark.event_id,
            mark.time,
            "E1",
            event,
            direction=mark.direction,
            refers_to=f"e{number - 2}" if event == "retract" else "",
        )
        for number, (mark, (_, _, event)) in enumerate(zip(drawn, steps, strict=True))
    ]
    gone = {row.refers_to for row in rows if row.event == "retract"}
    valid = [row for row in rows if row.event != "retract" and row.event_id not in gone]
    shifts = {}
    if hours:
        begin, end = (time.fromisoformat(text) for text in hours)
        shifts = {"s": ShiftConfig(start=begin, end=end, days="mon-sun", break_min=45, break_after_h=1)}
    rota = Rota(shifts, HolidaysConfig(), zone)
    book = Book({"E1": Person("E1", "Ann", enrolled_at="2026-01-05T10:00:00+01:00")}, rota, zone)
    reach = range(-len(steps) - 3, len(steps) + 4)
    punches = 0
    for offset in reach:
        day = start.date() + timedelta(days=offset)
        for row in day_sheet([DayRows(rows)], day, book):
            punches += row.punches
            if row.worked is not None:
                assert row.stayed is not None
                assert timedelta() <= row.worked <= row.stayed
    assert punches == sum(row.event == "punch" for row in valid)


# ----------------------------------------------------------------------------------------- who is inside now

PEOPLE = {"E1": Person("E1", "Ann", "Lab"), "E2": Person("E2", "bob", "Lab")}


def seen(passages: str, employee_id: str = "E1", day: date = DAY) -> list[PunchRow]:
    """Rows of the log for passages of a day."""
    return [
        PunchRow(
            f"{employee_id}-{day}-{number}",
            mark.time + (day - DAY),
            employee_id,
            "punch",
            "door",
            direction=mark.direction,
        )
        for number, mark in enumerate(marks(passages))
    ]


@pytest.mark.parametrize(
    ("passages", "now", "state", "since", "last_seen"),
    [
        ("", "12:00", None, "", ""),
        ("in 08:00", "12:00", "inside", "08:00", "08:00"),
        ("in 08:00, out 11:00", "12:00", None, "", ""),
        ("in 08:00, out 11:00", "10:59", "inside", "08:00", "08:00"),  # what comes later is not known yet
        ("in 08:00, out 12:00", "12:00", None, "", ""),
        ("in 08:00", "08:00", "inside", "08:00", "08:00"),
        ("in 08:00", "07:59", None, "", ""),
        ("in 08:00, out 10:00, in 11:00", "12:00", "inside", "11:00", "11:00"),
        ("08:00", "12:00", "unsure", "08:00", "08:00"),
        ("08:00, 11:00", "12:00", "unsure", "08:00", "11:00"),
        ("in 08:00, 11:00", "12:00", "inside", "08:00", "11:00"),
        ("in 08:00, out 10:00, 11:00", "12:00", "unsure", "11:00", "11:00"),
    ],
)
def test_inside_is_whoever_is_not_known_to_have_left(
    passages: str, now: str, state: str | None, since: str, last_seen: str
) -> None:
    found = inside_now(seen(passages), plain_book(PEOPLE, BERLIN), local(now))
    if state is None:
        assert found == []
    else:
        (row,) = found
        assert (row.presence, row.name) == (Presence(state), "Ann")
        assert (row.since, row.last_seen) == (local(since), local(last_seen))
        assert {row.since.tzinfo, row.last_seen.tzinfo} == {BERLIN}


def test_the_list_is_by_department_and_name_and_names_strangers_to_the_list_by_id() -> None:
    rows = [row for who in ("E9", "E2", "E1") for row in seen("08:00", who)]
    found = inside_now(rows, plain_book(PEOPLE, BERLIN), local("12:00"))
    assert [row.employee_id for row in found] == ["E9", "E1", "E2"]


def test_a_retracted_punch_puts_nobody_inside() -> None:
    (punch,) = seen("in 08:00")
    retract = replace(punch, event_id="r", event="retract", refers_to=punch.event_id)
    assert inside_now([punch, retract], plain_book(PEOPLE, BERLIN), local("12:00")) == []


@pytest.mark.parametrize(
    ("hour", "who"), [("00:10", ["E1", "E2"]), ("11:59", ["E1", "E2"]), ("12:01", ["E2"]), ("12:31", [])]
)
def test_yesterdays_people_leave_the_list_when_their_day_would_be_too_long_and_not_at_midnight(
    hour: str, who: list[str]
) -> None:
    yesterday = DAY - timedelta(days=1)
    rows = [*seen("in 23:00", "E1", yesterday), *seen("in 23:30", "E2", yesterday), *seen("out 17:00", "E3", yesterday)]
    found = inside_now(rows, plain_book(PEOPLE, BERLIN), local(hour))
    assert [row.employee_id for row in found] == who


def test_a_night_shift_is_inside_until_it_leaves() -> None:
    night = ShiftConfig(start=time(22), end=time(6), people=("E1",))
    book = Book(PEOPLE, Rota({"night": night}, HolidaysConfig(), BERLIN), BERLIN)
    rows = seen("in 21:50", "E1", DAY - timedelta(days=0))
    for hours in (3, 9):  # 00:50 and 06:50 of the next day
        (row,) = inside_now(rows, book, local("21:50") + timedelta(hours=hours))
        assert (row.presence, row.since, row.day) == ("inside", local("21:50"), DAY)
    assert (
        inside_now(
            [*rows, *seen("out 06:05", "E1", DAY + timedelta(days=1))], book, local("22:00") + timedelta(hours=9)
        )
        == []
    )


@pytest.mark.parametrize("action", ["out", "in", "remove"])
def test_corrections_count_for_the_list(action: str) -> None:
    came = seen("in 08:00")[0]
    fields = {"action": "remove", "refers_to": came.event_id}
    if action != "remove":
        fields = {"action": "add", "time": local("11:00"), "direction": action}
    made = Correction("c", local("11:30"), DAY, "E1", author="hr", reason="seen", **fields)  # type: ignore[arg-type]
    rows = [] if action == "in" else [came]
    book = Book(PEOPLE, Rota({}, HolidaysConfig(), BERLIN), BERLIN, corrections=[made])
    found = [(row.presence, clock(row.since), row.camera) for row in inside_now(rows, book, local("12:00"))]
    assert found == ([("inside", "11:00", "corrected by hand")] if action == "in" else [])


def test_a_departure_entered_for_last_night_counts_after_midnight() -> None:
    yesterday = DAY - timedelta(days=1)
    out = Correction(
        "c", local("00:05"), yesterday, "E1", "add", local("23:40") - timedelta(days=1), "out", "", "", "hr", "seen"
    )
    book = Book(PEOPLE, Rota({}, HolidaysConfig(), BERLIN), BERLIN, corrections=[out])
    assert inside_now(seen("in 23:00", "E1", yesterday), book, local("00:10")) == []
