"""Punches of a terminal: imported once, told apart from faces, paired with what cameras saw, taken back, exported."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paperwork import Clock, bench, enrol, face, punch

from engine.attendance import DaySheet, PunchRow, Span, valid_rows
from engine.attendance.presence import Direction
from engine.cli import main
from engine.errors import InputError
from engine.operations.reporting import AttendanceReports
from engine.people import read_clock_file
from engine.records import PunchImport, ReadingOfPunches
from engine.reports import attlog, punches_csv
from engine.storage.logs.rows import day_range
from engine.tuning.calibration.traffic import punch_history, traffic_of
from engine.workbench import Workbench

BERLIN = ZoneInfo("Europe/Berlin")
DAY, NOW = date(2026, 10, 5), datetime(2026, 11, 3, 10, tzinfo=BERLIN)
SETTINGS = {
    "timezone": "Europe/Berlin",
    "shifts": {"office": {"start": "09:00:00", "end": "17:30:00", "days": "mon-fri", "break_min": 30, "grace_min": 5}},
    "holidays": {"country": ""},
    "retention": {"attendance": 100},
    "attendance": {"count_unapproved": True},
}
WEEK = [(day, clock, state) for day in range(5, 10) for clock, state in (("08:55:00", 0), ("17:30:00", 1))]
"""Five days of 8:35 h, of which 30 minutes are the break: 8.08 h each."""


def lines(*punches: tuple[str, str, int], day: int = 5) -> str:
    return "".join(f"{who:>9}\t2026-10-{day:02} {clock}\t1\t{state}\t1\t0\r\n" for who, clock, state in punches)


def week(who: str = "17") -> str:
    return "".join(lines((who, clock, state), day=day) for day, clock, state in WEEK)


@pytest.fixture
def place(tmp_path: Path) -> Workbench:
    made = bench(tmp_path / "w", Clock(NOW), **SETTINGS)
    enrol(made, "0017", "Ann Ray", face(1))
    enrol(made, "E2", "Ben Orr", face(0, 1))
    for who in ("0017", "E2"):
        made.people.change(who, enrolled_at="2026-09-01T08:00:00+02:00")
    book = made.attendance.plan.coverage
    assert book is not None
    with book.log.exclusive():
        for day in day_range(date(2026, 9, 28), date(2026, 10, 31)):
            begin = datetime.combine(day, time(), BERLIN)
            book.log.append(day, [Span("door", begin, begin + timedelta(days=1), "stopped")])
    return made


@pytest.fixture
def take(place: Workbench, tmp_path: Path) -> Callable[..., PunchImport]:
    def taken(text: str, *, dry_run: bool = False, **how: Any) -> PunchImport:
        path = tmp_path / "attlog.dat"
        path.write_text(text, newline="")
        return place.punches.import_file(path, ReadingOfPunches(**how), author="Ann Ray", dry_run=dry_run)

    return taken


def sheet(place: Workbench, who: str = "0017", day: date = DAY) -> DaySheet:
    (row,) = place.attendance.sheets.between(day, day, place.people.known(), only=who)
    return row


def seen(place: Workbench, clock: str, who: str = "0017") -> None:
    punch(place, who, datetime.fromisoformat(f"2026-10-05T{clock}").replace(tzinfo=BERLIN), track=f"t-{clock}")


Take = Callable[..., PunchImport]


def test_a_week_is_imported_once_and_a_later_export_adds_what_is_new(place: Workbench, take: Take) -> None:
    dry = take(week(), dry_run=True)
    assert (len(dry.added), dry.written, place.attendance.log.days()) == (10, False, [])
    first = take(week() + week())
    assert (len(first.added), first.known, first.repeated, first.written) == (10, 0, 10, True)
    again = take(week() + lines(("17", "08:50:00", 0), day=12), source="another name")
    assert (len(again.added), again.known) == (1, 10)
    rows = place.attendance.log.on(place.attendance.log.days())
    assert len(rows) == len({row.event_id for row in rows}) == 11
    one = rows[0]
    assert (one.employee_id, one.method, one.event, one.direction, one.camera) == (
        "0017",
        "imported",
        "punch",
        "in",
        "terminal 1",
    )
    assert (one.similarity, one.evidence_image, one.model, one.author) == (None, "", "", "0017"), (
        "no face, and no name in the log"
    )
    assert [sheet(place, day=date(2026, 10, day)).hours for day in range(5, 10)] == [8.08] * 5
    assert sheet(place).status == "on time"
    assert place.records.verify() == []
    notes = [(row.action, row.detail) for row in place.audit.read() if row.action == "import"]
    assert notes[0] == ("import", f"10 punches of 1 people, import {first.import_id}")


def test_what_cannot_be_used_is_named_and_the_rest_is_imported(place: Workbench, take: Take) -> None:
    text = lines(("17", "09:00:00", 0), ("99", "09:00:00", 0), ("99", "17:00:00", 1), ("e2", "09:00:00", 0))
    for moment in ("2026-11-03 10:00:01", "2026-07-25 09:00:00", "2000-01-01 00:00:10", "2026-10-25 02:30:00"):
        text += f"17\t{moment}\t1\t0\r\n"
    found = take(text)
    assert [(each.line, each.column, each.level, each.text) for each in found.messages] == [
        (1, "id", "warning", "17 is taken for 0017, the only id that differs in zeros or case alone"),
        (2, "id", "error", "nobody has the id '99', 2 punches left out: say who it is, or import the staff list first"),
        (4, "id", "warning", "e2 is taken for E2, the only id that differs in zeros or case alone"),
        (5, "time", "error", "2026-11-03 10:00 is in the future: check the terminal's clock and the time zone"),
        (
            6,
            "time",
            "error",
            "2026-07-25 is too old: attendance is kept for 100 days (retention.attendance), so from 2026-07-26 on",
        ),
        (7, "time", "error", "2000-01-01 cannot be: the terminal had lost its time, so correct the day"),
        (8, "time", "warning", "02:30:00 comes twice on 2026-10-25, read as the first, 02:30:00 +02:00"),
    ]
    assert found.unknown_ids == {"99": 2}
    assert len(found.added) == 3
    assert len(take(text, people={"99": "E2"}).added) == 1, "09:00 of E2 is there already"


def test_zone_direction_and_source_can_be_said(place: Workbench, take: Take) -> None:
    found = take(lines(("17", "07:00:00", 0)), zone=ZoneInfo("UTC"), direction="both", source="gate of Ann Ray")
    assert [(row.timestamp.isoformat(), row.direction, row.camera) for row in found.added] == [
        ("2026-10-05T09:00:00+02:00", "both", "gate of 0017")
    ]


def test_an_hour_that_comes_twice_has_two_moments(place: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "punches.csv"
    path.write_text("id,timestamp,direction\n0017,2026-10-25T02:30:00+02:00,in\n0017,2026-10-25T02:30:00+01:00,out\n")
    assert len(place.punches.import_file(path, author="hr.kim").added) == 2
    again = place.punches.import_file(path, author="hr.kim")
    assert (again.added, again.known, again.messages) == ((), 2, ())
    assert sheet(place, day=date(2026, 10, 25)).hours == 1.0


def test_keys_that_nobody_presses_are_noticed(place: Workbench, take: Take) -> None:
    text = "".join(lines(("17", f"{hour:02}:00:00", 0), day=day) for day in (5, 6) for hour in range(8, 18))
    (warning,) = [each.text for each in take(text, dry_run=True).messages if each.line == 0]
    assert warning == "every punch is an arrival: if people do not choose a key, read all of them as both"


@pytest.mark.parametrize(
    ("cameras", "terminal", "status", "hours", "punches"),
    [
        # the camera of these tests sees both ways; 08:59 to 17:31 are 8:32, less the break of 30 minutes
        ("08:59:00 17:31:00", "08:59:40/0 17:30:10/1", "on time", 8.03, 2),
        ("08:59:00", "08:59:40/0", "missing out", None, 1),  # one passage is no departure
        ("08:59:40", "08:59:00/0", "missing out", None, 1),
        ("08:59:00", "08:59:40/255", "missing out", None, 1),
        ("17:31:00", "17:30:00/1", "missing in", None, 1),
        ("08:59:00", "09:01:01/255 17:31:00/1", "on time", 8.03, 3),  # more than two minutes: a passage of its own
        ("", "08:59:00/255 08:59:03/255 17:31:00/255", "on time", 8.03, 2),  # a badge that was read twice
        (
            "",
            "08:59:00/0 08:59:30/1 08:59:50/0 17:31:00/1",
            "on time",
            8.03,
            4,
        ),  # out and in again at once: 20 s outside
    ],
)
def test_the_same_passage_counts_once(
    place: Workbench, take: Take, cameras: str, terminal: str, status: str, hours: float | None, punches: int
) -> None:
    for clock in cameras.split():
        seen(place, clock)
    take(lines(*(("17", each.split("/")[0], int(each.split("/")[1])) for each in terminal.split())))
    row = sheet(place)
    assert (row.status, row.hours, row.punches) == (status, hours, punches)
    assert len(place.attendance.log.read(DAY)) == len(cameras.split()) + len(terminal.split()), "every row is kept"


@given(
    st.lists(st.tuples(st.integers(241, 9000), st.sampled_from(["in", "out", "both"])), min_size=1, max_size=8),
    st.lists(st.integers(-120, 120), min_size=8, max_size=8),
    st.randoms(),
)
@settings(max_examples=60, deadline=None)
def test_a_terminal_beside_a_camera_changes_nothing(
    passages: list[tuple[int, Direction]], apart: list[int], order: Random
) -> None:
    """Passages more than four minutes apart, each recorded by a camera and, within two minutes, by a terminal as well."""
    at, rows, beside = datetime(2026, 10, 5, 8, tzinfo=BERLIN), [], []
    for number, (gap, direction) in enumerate(passages):
        at += timedelta(seconds=gap)
        rows.append(PunchRow(f"r{number}", at, "E1", "punch", "door", "face", direction=direction))
        near = at + timedelta(seconds=apart[number] if gap > 600 else 0)
        beside.append(replace(rows[-1], event_id=f"i{number}", timestamp=near, method="imported"))
    mixed = [*rows, *beside]
    order.shuffle(mixed)
    assert sorted(valid_rows(mixed), key=lambda row: row.timestamp) == rows


def test_a_camera_records_as_if_nothing_had_been_imported(place: Workbench, take: Take) -> None:
    take(lines(("17", "08:59:00", 255)))
    seen(place, "09:00:00")
    assert [(row.event, row.method) for row in place.attendance.log.read(DAY)] == [
        ("punch", "imported"),
        ("punch", "face"),
    ]
    shown = AttendanceReports(place).explained("0017", DAY)
    assert [(str(each), each.repeats) for each in shown] == [
        ("imported, recorded by terminal 1, imported by 0017, another row shows the same passage", True),
        ("4 agreeing frames, of 5 that voted, similarity .90, next best .20 (E9), threshold .50", False),
    ]


def test_an_import_is_no_evidence_of_a_face(place: Workbench, take: Take) -> None:
    """Evaluation, calibration and "not this person" look at what cameras decided alone."""
    before = traffic_of(place.records, 2, NOW)
    event_id = take(week()).added[0].event_id
    assert traffic_of(place.records, 2, NOW) == before
    assert punch_history(place.records, "", NOW).people == ()
    with pytest.raises(InputError, match="was imported, so no camera saw a face"):
        place.office.not_this(event_id, author="hr.kim", reason="no")


def test_whoever_badged_in_is_inside(tmp_path: Path) -> None:
    place = bench(tmp_path / "w", Clock(datetime(2026, 10, 5, 12, tzinfo=BERLIN)), **SETTINGS)
    enrol(place, "17", "Ann Ray", face(1))
    path = tmp_path / "attlog.dat"
    path.write_text(lines(("17", "08:55:00", 0)))
    place.punches.import_file(path, author="hr.kim")
    (inside,) = place.office.inside()
    assert (inside.employee_id, inside.presence, inside.camera) == ("17", "inside", "terminal 1")
    came, arrivals = place.office.arrivals()
    assert (came, [(each.time, each.picture) for each in arrivals]) == (1, [("08:55", "")])


def test_a_closed_month_keeps_its_figures_and_lists_what_was_imported(place: Workbench, take: Take) -> None:
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    closing = place.months.close(first, last, author="hr.kim", anyway=True)
    found = take(week())
    assert found.closed == (closing,)
    assert sheet(place).hours is None
    changed = [each for each in place.months.changed(closing) if each.column == "hours"]
    assert [(each.employee_id, each.day.day, each.closed, each.now) for each in changed] == [
        ("0017", day, "", "8.08") for day in range(5, 10)
    ]


def test_an_import_is_taken_back_and_can_be_repeated(place: Workbench, take: Take) -> None:
    wrong = take(week(), direction="out")
    assert sheet(place).status == "missing in"
    again = take(week())
    assert again.added == (), "the moments are known"
    assert [each.text for each in again.messages if each.line == 0] == [
        "the log says another direction for 5 of the known punches, and it stays: take that import back first"
    ]
    with pytest.raises(InputError, match="reason"):
        place.punches.take_back(wrong.import_id, author="hr.kim", reason="")
    assert place.punches.take_back(wrong.import_id, author="hr.kim", reason="wrong keys") == 10
    absent = place.attendance.sheets.on(DAY, place.people.known())
    assert {row.status for row in absent} == {"absent"}, "nobody says that somebody like them was seen"
    with pytest.raises(InputError, match="no punches of an import"):
        place.punches.take_back(wrong.import_id, author="hr.kim", reason="wrong keys")
    right = take(week())
    assert (len(right.added), sheet(place).hours) == (10, 8.08)
    assert [(each.punches, each.taken_back) for each in place.punches.imports()] in (
        [(10, 0), (10, 10)],
        [(10, 10), (10, 0)],
    )
    ids = [row.event_id for row in place.attendance.log.on(place.attendance.log.days())]
    assert len(ids) == len(set(ids)) == 30
    assert place.records.verify() == []


def test_a_forgotten_person_leaves_no_id_behind(place: Workbench, take: Take) -> None:
    take(week() + week("E2"))
    place.attendance.log.raw.redact("E2")
    assert place.records.verify() == []
    assert not any(row.employee_id == "E2" for row in place.attendance.log.on(place.attendance.log.days()))


def test_an_export_is_what_counts_and_can_be_read_again(place: Workbench, take: Take, tmp_path: Path) -> None:
    seen(place, "08:59:00", "E2")
    seen(place, "17:31:00", "E2")
    take(lines(("17", "08:55:00", 0), ("17", "17:30:00", 1), ("17", "12:00:00", 1)))
    lunch = next(row for row in place.attendance.log.read(DAY) if f"{row.timestamp:%H}" == "12")
    office = place.office
    office.correct("0017", DAY, "remove", author="hr.kim", reason="no break", refers_to=lunch.event_id)
    at = datetime(2026, 10, 5, 19, tzinfo=BERLIN)
    office.correct("0017", DAY, "add", author="hr.kim", reason="came back", time=at, direction="in")
    reports = AttendanceReports(place)
    assert attlog(reports.punches(DAY, DAY), {"0017": "17"}) == (
        "       17\t2026-10-05 08:55:00\t2\t0\t0\t0\r\n"
        "       E2\t2026-10-05 08:59:00\t1\t255\t15\t0\r\n"
        "       17\t2026-10-05 17:30:00\t2\t1\t0\t0\r\n"
        "       E2\t2026-10-05 17:31:00\t1\t255\t15\t0\r\n"
        "       17\t2026-10-05 19:00:00\t0\t0\t0\t0\r\n"
    )
    office.correct("0017", DAY, "approve", author="hr.lee", reason="ok")
    path = tmp_path / "punches.csv"
    path.write_text(punches_csv(reports.punches(DAY, DAY, "0017")))
    again = read_clock_file(path)
    assert [(each.who, f"{each.time:%H:%M%z}", each.direction, each.device) for each in again.punches] == [
        ("0017", "08:55+0200", "in", "terminal 1"),
        ("0017", "17:30+0200", "out", "terminal 1"),
        ("0017", "19:00+0200", "in", ""),
    ]


def test_the_commands(
    place: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place.workspace / "muster.toml").write_text('timezone = "Europe/Berlin"\n')
    path, ids = tmp_path / "attlog.dat", tmp_path / "ids.csv"
    path.write_text(week() + week("7") + week("8"))
    ids.write_text("terminal id,employee id\n7,E2\n")

    def muster(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["muster", "punches", *words, "--workspace", str(place.workspace)])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), capsys.readouterr().out

    options = ("--people", str(ids), "--source", "gate", "--author", "hr.kim")
    code, out = muster("import", str(path), *options, "--dry-run", "--json")
    told = json.loads(out)
    assert (code, len(told["added"]), told["unknown_ids"], told["import_id"]) == (1, 20, {"8": 10}, None)
    code, out = muster("import", str(path), *options)
    assert code == 1
    assert "nobody has the id '8', 10 punches left out" in out
    assert "20 new punches of 2 people, 0 known already. Import " in out
    assert muster("import", str(path), *options, "--person", "8=E2", "--json")[0] == 0
    (listed,) = json.loads(muster("list", "--json")[1])
    assert (listed["punches"], listed["author"], listed["sources"]) == (20, "hr.kim", ["gate"])
    code, out = muster(
        "export", "--from", "2026-10-05", "--until", "2026-10-06", "--format", "attlog", "--people", str(ids)
    )
    assert out.splitlines()[0] == "     0017\t2026-10-05 08:55:00\t1\t0\t0\t0"
    assert len(out.splitlines()) == 8
    assert "10 punches" not in muster("undo", listed["import_id"], "--author", "hr.kim", "--reason", "test")[1][:10]
    assert muster("export", "--month", "2026-10")[1].count("\n") == 1, "the header alone"
    for wrong in (("--zone", "Mars"), ("--direction", "up"), ("--column", "id"), ("--person", "17")):
        assert muster("import", str(path), *wrong)[0] == 4
