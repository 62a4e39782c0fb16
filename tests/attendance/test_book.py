"""The attendance book when things go wrong: damaged rows, doubtful faces, clocks that step, working days that begin early."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from fakes import at, sighting
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.attendance import AttendanceBook, Plan, Rota
from engine.config import EventsConfig, HolidaysConfig, ShiftConfig
from engine.storage import read_rows
from engine.types import Person

COOL_DOWN_S = 300.0
BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 23)
LONG_AGO = "2026-01-05T10:00:00+01:00"
PEOPLE = {"E1": Person("E1", "Ann", "Lab")}


@pytest.fixture
def book(tmp_path: Path) -> AttendanceBook:
    return AttendanceBook(tmp_path, BERLIN, EventsConfig(cool_down_s=COOL_DOWN_S))


def test_a_damaged_row_stops_neither_recording_nor_sheets(book: AttendanceBook) -> None:
    for number, minute in ((1, 0), (2, 10)):
        book.record(sighting(f"E{number}", at(60 * minute)), PEOPLE)
    path = book.log.raw.shelf.path(DAY)
    path.write_bytes(path.read_bytes().replace(b",E1,", b',"E1,'))
    assert book.record(sighting("E3", at(1200)), PEOPLE)
    assert [row.employee_id for row in book.sheets.on(DAY, PEOPLE)] == ["E2", "E3"]
    assert [finding.what for finding in book.log.raw.check()] == ["changed"]


def test_a_face_that_could_not_be_told_is_written_once_per_cool_down_and_not_beside_a_punch(
    book: AttendanceBook,
) -> None:
    def doubt(second: float) -> str | None:
        row = book.record(replace(sighting(time=at(second)), certain=False, reason="left too soon"), PEOPLE)
        return row.event if row else None

    assert [doubt(second) for second in (0, 5, COOL_DOWN_S - 1, COOL_DOWN_S)] == [
        "unidentified",
        None,
        None,
        "unidentified",
    ]
    assert book.record(sighting(time=at(1000)), PEOPLE)
    assert [doubt(second) for second in (1000 - COOL_DOWN_S + 1, 1001, 1000 + COOL_DOWN_S)] == [
        None,
        None,
        "unidentified",
    ]
    assert [row.punches for row in book.sheets.on(DAY, PEOPLE)] == [1]


def test_a_working_day_that_begins_before_midnight_is_on_the_sheet_at_once(tmp_path: Path) -> None:
    early = ShiftConfig(start=time(0, 30), end=time(8), days="mon-sun", people=("E1",))
    rota = Rota(
        {"early": early, "late": early.model_copy(update={"people": ("E2",), "start": time(8)})},
        HolidaysConfig(),
        BERLIN,
    )
    now = datetime(2026, 11, 23, 22, 50, tzinfo=BERLIN)
    people = {"E1": Person("E1", "Ann", enrolled_at=LONG_AGO), "E2": Person("E2", "Bob", enrolled_at=LONG_AGO)}
    book = AttendanceBook(tmp_path, BERLIN, EventsConfig(), Plan(rota, clock=lambda: now))
    assert book.record(sighting("E1", now - timedelta(minutes=1)), people)
    tomorrow = DAY + timedelta(days=1)
    (row,) = read_rows(tmp_path / "attendance" / f"{tomorrow}.csv")
    assert (row["employee_id"], row["first_in"], row["status"]) == ("E1", "22:49:00", "possibly inside")
    assert {row.day for row in book.sheets.between(DAY, DAY + timedelta(days=9), people)} == {DAY, tomorrow}


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 299, 300, 3600, -3600, 86_400, -86_400, 43_200]), st.booleans()), max_size=7
    ),
    st.sampled_from([datetime(2026, 3, 28, 23, 59, 59), datetime(2026, 10, 25, 0, 59, 59)]),  # noqa: DTZ001 - made aware below
)
@settings(max_examples=25, deadline=None)
def test_whatever_the_clock_does_each_punch_counts_on_one_day(steps: list[tuple[int, bool]], start: datetime) -> None:
    night = ShiftConfig(start=time(22), end=time(6), days="mon-sun")
    plan = Plan(Rota({"night": night}, HolidaysConfig(), BERLIN))
    with TemporaryDirectory() as folder:
        book = AttendanceBook(Path(folder), BERLIN, EventsConfig(cool_down_s=COOL_DOWN_S), plan)
        now, written = start.replace(tzinfo=UTC), []
        for number, (step, arrival) in enumerate(steps):
            now += timedelta(seconds=step)
            row = book.record(sighting(time=now, track=f"run-{number}", arrival=arrival), PEOPLE, renew=False)
            written += [row.event] if row else []
        sheets = book.sheets.between(start.date() - timedelta(days=9), start.date() + timedelta(days=9), PEOPLE)
        assert sum(row.punches for row in sheets) == written.count("punch")
        assert all(
            timedelta() <= row.worked <= row.stayed
            for row in sheets
            if row.worked is not None and row.stayed is not None
        )
        assert book.log.raw.check() == []
