"""The punch log and the day sheet: cool-down, midnight, clock changes, withdrawn names, many writers."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from fakes import at, record_in_process, sighting
from hypothesis import given
from hypothesis import strategies as st
from log_builders import retraction
from processes import CONTEXT
from sheets import plain_book

from engine.attendance import PUNCH, SHEET_COLUMNS, AttendanceBook, DayRows, PunchRow, day_sheet
from engine.config import EventsConfig
from engine.errors import StorageError
from engine.storage import read_rows
from engine.types import Person

COOL_DOWN_S = 300.0
BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 11, 23)
PEOPLE = {"E1": Person("E1", "Ann", "Lab")}


def open_book(workspace: Path, zone: ZoneInfo | None = None) -> AttendanceBook:
    return AttendanceBook(workspace, zone or ZoneInfo("UTC"), EventsConfig(cool_down_s=COOL_DOWN_S))


@pytest.fixture
def book(tmp_path: Path) -> AttendanceBook:
    return open_book(tmp_path)


def sheet_file(workspace: Path, day: date = DAY) -> Path:
    return workspace / "attendance" / f"{day}.csv"


def events(book: AttendanceBook, day: date = DAY) -> list[str]:
    return [row.event for row in book.log.read(day)]


# ----------------------------------------------------------------------------------------- punches


def test_a_day_without_sightings_has_an_empty_sheet(book: AttendanceBook) -> None:
    assert book.sheets.on(DAY, PEOPLE) == []
    assert book.log.read(DAY) == []


def test_the_first_sighting_punches_with_its_evidence(book: AttendanceBook) -> None:
    book.record(sighting(), PEOPLE, "images/evidence/x.jpg")
    (stored,) = book.log.read(DAY)
    assert (stored.event, stored.employee_id, stored.camera, stored.method) == (
        "punch",
        "E1",
        "door",
        "face",
    )
    assert stored.timestamp == at(0)
    assert (stored.agreeing_frames, stored.voting_frames) == (4, 5)
    figures = (stored.similarity, stored.runner_up_similarity, stored.margin, stored.threshold)
    assert figures == (0.9123, 0.25, 0.6623, 0.5)
    assert (stored.runner_up, stored.model, stored.gallery_version) == ("E9", "model-1", 7)
    assert stored.evidence_image == "images/evidence/x.jpg"


def test_within_the_cool_down_there_is_no_second_punch_but_the_last_sighting_is_kept(book: AttendanceBook) -> None:
    book.record(sighting(time=at(-3600)), PEOPLE)
    written = [book.record(sighting(time=at(second)), PEOPLE) for second in (0, 9, 20, 29, 150, COOL_DOWN_S - 0.001)]
    assert [row and row.event for row in written] == ["punch", None, "seen", None, "seen", "seen"]
    assert events(book) == ["punch", "punch", "seen", "seen", "seen"]
    (row,) = book.sheets.on(DAY, PEOPLE)
    assert (row.punches, row.worked) == (2, timedelta(seconds=3600 + COOL_DOWN_S - 0.001))


def test_exactly_at_the_cool_down_the_next_sighting_punches(book: AttendanceBook) -> None:
    book.record(sighting(), PEOPLE)
    row = book.record(sighting(time=at(COOL_DOWN_S)), PEOPLE)
    assert row is not None
    assert row.event == "punch"


def test_somebody_who_stays_in_view_is_seen_but_does_not_punch_again(book: AttendanceBook) -> None:
    book.record(sighting(), PEOPLE)
    later = [book.record(sighting(time=at(k * COOL_DOWN_S), arrival=False), PEOPLE) for k in range(1, 4)]
    assert [row and row.event for row in later] == ["seen"] * 3


def test_what_would_be_recorded_is_recorded(book: AttendanceBook) -> None:
    for second in (0, 10, 20, COOL_DOWN_S):
        expected = book.log.would_record(sighting(time=at(second)))
        row = book.record(sighting(time=at(second)), PEOPLE)
        assert (row and row.event) == expected


def test_a_restart_of_the_process_keeps_the_cool_down(tmp_path: Path) -> None:
    open_book(tmp_path).record(sighting(), PEOPLE)
    again = open_book(tmp_path)
    again.record(sighting(time=at(60), track="other run-1"), PEOPLE)
    assert events(again) == ["punch", "seen"]


def test_two_processes_that_record_one_person_at_once_write_one_punch(tmp_path: Path) -> None:
    barrier = CONTEXT.Barrier(2)  # they meet before each of twenty people, so that both record each at once
    children = [CONTEXT.Process(target=record_in_process, args=(tmp_path, "UTC", barrier, at(k))) for k in (0, 0.04)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    rows = open_book(tmp_path).log.read(DAY)
    assert sorted(row.employee_id for row in rows if row.event == "punch") == sorted(f"E{k}" for k in range(20))


@pytest.mark.parametrize("back_s", [1.0, 299.0])
def test_a_clock_that_steps_back_writes_no_duplicate_punch(book: AttendanceBook, back_s: float) -> None:
    book.record(sighting(), PEOPLE)
    assert book.record(sighting(time=at(-back_s)), PEOPLE) is None
    assert events(book) == ["punch"]


def test_a_clock_that_steps_back_over_midnight_writes_no_duplicate_punch(book: AttendanceBook) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    book.record(sighting(time=midnight + timedelta(seconds=20)), PEOPLE)
    assert book.record(sighting(time=midnight - timedelta(seconds=20)), PEOPLE) is None


# ----------------------------------------------------------------------------------------- days


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_midnight_of_the_workplace_divides_the_days(tmp_path: Path, zone: str) -> None:
    place = ZoneInfo(zone)
    book = open_book(tmp_path, place)
    before = datetime(2026, 11, 23, 23, 59, 59, tzinfo=place).astimezone(UTC)
    book.record(sighting("E1", before), PEOPLE)
    book.record(sighting("E2", before + timedelta(seconds=2)), PEOPLE)
    assert book.log.days() == [DAY, date(2026, 11, 24)]
    (first,), (second,) = read_rows(sheet_file(tmp_path)), read_rows(sheet_file(tmp_path, date(2026, 11, 24)))
    assert (first["employee_id"], first["first_in"]) == ("E1", "23:59:59")
    assert (second["employee_id"], second["first_in"]) == ("E2", "00:00:01")


def test_the_cool_down_holds_over_midnight(book: AttendanceBook) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    for before in (timedelta(hours=8), timedelta(seconds=1)):
        book.record(sighting(time=midnight - before), PEOPLE)
    row = book.record(sighting(time=midnight + timedelta(seconds=20)), PEOPLE)
    assert row is not None
    assert row.event == "seen"
    (day,) = book.sheets.between(DAY, DAY + timedelta(days=1), PEOPLE)
    assert (day.day, day.worked) == (DAY, timedelta(hours=8, seconds=20)), "it belongs to the punch that it follows"


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", "1.00"),  # 02:00 to 03:00 does not exist
        ("2026-10-25T01:30:00+02:00", "2026-10-25T03:30:00+01:00", "3.00"),  # 02:00 to 03:00 comes twice
        ("2026-10-25T02:45:00+02:00", "2026-10-25T02:15:00+01:00", "0.50"),  # 02:15 follows 02:45
        ("2026-07-01T09:00:00+02:00", "2026-07-01T17:15:00+02:00", "8.25"),
    ],
)
def test_hours_are_the_time_that_passed_also_when_the_clocks_change(
    tmp_path: Path, first: str, last: str, hours: str
) -> None:
    book = open_book(tmp_path, BERLIN)
    for moment in (first, last):
        book.record(sighting(time=datetime.fromisoformat(moment).astimezone(UTC)), PEOPLE)
    (row,) = read_rows(sheet_file(tmp_path, date.fromisoformat(first[:10])))
    assert (row["first_in"], row["last_out"], row["hours"]) == (first[11:19], last[11:19], hours)
    stamps = [PUNCH.texts(stored)["timestamp"] for stored in book.log.read(date.fromisoformat(first[:10]))]
    assert stamps == [first.replace("+", ".000+"), last.replace("+", ".000+")]


# ----------------------------------------------------------------------------------------- withdrawn names


def test_a_retraction_takes_the_person_off_the_sheet_with_a_row_of_its_own(
    book: AttendanceBook, tmp_path: Path
) -> None:
    punch = book.record(sighting(), PEOPLE)
    assert punch is not None
    before = book.log.raw.shelf.path(DAY).read_bytes()
    row = book.retract(retraction("E1", at(3), "door", "run-1", "later frames say unknown"), PEOPLE)
    assert row is not None
    after = book.log.raw.shelf.path(DAY).read_bytes()
    assert after.startswith(before)
    assert len(after) > len(before)
    stored = book.log.read(DAY)[-1]
    assert (stored.event, stored.refers_to, stored.author) == ("retract", punch.event_id, "engine")
    assert stored.reason == "later frames say unknown"
    assert read_rows(sheet_file(tmp_path)) == []


def test_only_what_that_track_wrote_is_retracted_and_only_once(book: AttendanceBook) -> None:
    for number in (1, 2):
        book.record(sighting(f"E{number}", at(number), track=f"run-{number}"), PEOPLE)
    claims = [("E1", "run-9"), ("E2", "run-1"), ("E1", "run-1"), ("E1", "run-1")]
    taken = [book.retract(retraction(who, at(3), "door", track, "?"), PEOPLE) is not None for who, track in claims]
    assert taken == [False, False, True, False]
    assert [row.employee_id for row in book.sheets.on(DAY, PEOPLE)] == ["E2"]


def test_after_a_retraction_the_person_can_punch_at_once(book: AttendanceBook) -> None:
    book.record(sighting(), PEOPLE)
    book.retract(retraction("E1", at(3), "door", "run-1", "?"), PEOPLE)
    assert book.log.would_record(sighting(time=at(5), track="run-2")) == "punch"


def test_a_retraction_after_midnight_corrects_the_day_before(book: AttendanceBook, tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    book.record(sighting(time=midnight - timedelta(seconds=1)), PEOPLE)
    book.retract(retraction("E1", midnight + timedelta(seconds=1), "door", "run-1", "?"), PEOPLE)
    assert read_rows(sheet_file(tmp_path)) == []


# ----------------------------------------------------------------------------------------- the sheet


def test_the_files_begin_with_their_headers(book: AttendanceBook, tmp_path: Path) -> None:
    book.record(sighting(), PEOPLE)
    log_header = book.log.raw.shelf.path(DAY).read_text(encoding="utf-8").splitlines()[0]
    sheet_header = sheet_file(tmp_path).read_text(encoding="utf-8").splitlines()[0]
    assert log_header.startswith("event_id,timestamp,employee_id,event,camera,")
    assert sheet_header.startswith("employee_id,name,date,first_in,last_out,hours")
    assert log_header.split(",") == [*PUNCH.columns, "seal"]
    assert sheet_header.split(",") == list(SHEET_COLUMNS)


def test_the_sheet_is_current_after_every_punch(book: AttendanceBook, tmp_path: Path) -> None:
    book.record(sighting(time=at(0)), PEOPLE)
    (row,) = read_rows(sheet_file(tmp_path))
    assert (row["first_in"], row["last_out"], row["hours"], row["status"]) == ("08:00:00", "", "", "missing out")
    book.record(sighting(time=at(9 * 3600)), PEOPLE)
    (row,) = read_rows(sheet_file(tmp_path))
    assert (row["first_in"], row["last_out"], row["hours"], row["status"]) == (
        "08:00:00",
        "17:00:00",
        "9.00",
        "present",
    )
    assert (row["name"], row["department"], row["date"], row["punches"]) == ("Ann", "Lab", "2026-11-23", "2")
    book.record(sighting("E2", at(10)), PEOPLE)
    assert [row["employee_id"] for row in read_rows(sheet_file(tmp_path))] == ["E1", "E2"]


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x.example","a")', "张伟", 'a,b"c', "@sum", "'quoted"])
def test_any_name_stands_in_the_sheet_and_none_is_a_formula(book: AttendanceBook, tmp_path: Path, name: str) -> None:
    book.record(sighting(), {"E1": Person("E1", name)})
    with sheet_file(tmp_path).open(encoding="utf-8", newline="") as handle:
        (raw,) = csv.DictReader(handle)
    assert raw["name"].lstrip()[0] not in "=+-@"
    assert read_rows(sheet_file(tmp_path))[0]["name"] == name
    assert name not in book.log.raw.shelf.path(DAY).read_text(encoding="utf-8")  # logs carry ids only


def test_a_row_of_any_offset_belongs_to_the_workplaces_day() -> None:
    row = PunchRow("1", datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "E1", "punch", "door")
    (line,) = day_sheet([DayRows([row])], DAY, plain_book(PEOPLE, BERLIN))
    assert (f"{line.first_in:%H:%M:%S}", line.utc_offset) == ("00:30:00", "UTC+01:00")
    assert day_sheet([DayRows([row])], DAY, plain_book(PEOPLE, ZoneInfo("UTC"))) == []


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("timestamp", "yesterday"),
        ("timestamp", "2026-11-23T08:00:00"),
        ("similarity", "nan"),
        ("voting_frames", "few"),
        ("event", "?"),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out(column: str, cell: str, caplog: pytest.LogCaptureFixture) -> None:
    good = PUNCH.texts(PunchRow("1", at(0), "E1", "punch", "door"))
    rows = PUNCH.parse_all([good | {"event_id": "2", "employee_id": "E2", column: cell}, good], "the log")
    found = day_sheet([DayRows(rows)], DAY, plain_book(PEOPLE, ZoneInfo("UTC")))
    assert [row.employee_id for row in found] == ["E1"]
    assert "row 2 of the log, which cannot be read" in caplog.text


ROWS = st.builds(
    lambda minute, employee_id, event, camera, refers_to: PunchRow(
        "",
        at(60 * minute),
        employee_id,
        event,
        camera,  # two cameras may see somebody at once
        refers_to=str(refers_to) if event == "retract" else "",
    ),
    st.sampled_from([0, 1, 600]),
    st.sampled_from(["E1", "E2"]),
    st.sampled_from(["punch", "seen", "retract"]),
    st.sampled_from(["door", "gate"]),
    st.integers(0, 7),
)


@given(st.lists(ROWS, max_size=8), st.randoms(use_true_random=False))
def test_the_sheet_does_not_depend_on_the_order_of_the_rows(rows: list[PunchRow], chance: Random) -> None:
    numbered = [replace(row, event_id=str(index)) for index, row in enumerate(rows)]
    shuffled = chance.sample(numbered, len(numbered))
    assert day_sheet([DayRows(numbered)], DAY, plain_book(PEOPLE, BERLIN)) == day_sheet(
        [DayRows(shuffled)], DAY, plain_book(PEOPLE, BERLIN)
    )


def test_when_the_log_cannot_be_written_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    with pytest.raises(StorageError):
        open_book(tmp_path).record(sighting(), PEOPLE)
    assert not (tmp_path / "attendance").exists()
