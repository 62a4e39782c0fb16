"""When cameras were watching: frames with gaps, clocks that step, runs over midnight, processes that were killed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes import T0, at
from hypothesis import given
from hypothesis import strategies as st

from engine.attendance import AttendanceBook, CoverageBook, Plan, Rota, Span, Watching
from engine.attendance.coverage import Coverage
from engine.config import EventsConfig, HolidaysConfig, ShiftConfig
from engine.types import Person

BERLIN = ZoneInfo("Europe/Berlin")
DAY = T0.date()
ONE = timedelta(days=1)


def run(seconds: Sequence[float], gap_s: float = 10, every_s: float = 60, end: str = "stopped") -> list[Span]:
    """Spans of frames at these seconds, and of the end of the run."""
    watching = Watching("door", gap_s, every_s)
    spans = [span for second in seconds for span in watching.frame(at(second))]
    return [*spans, *watching.pause(end)]


def told(spans: Sequence[Span]) -> list[tuple[float, float, str]]:
    return [((span.begins - T0).total_seconds(), (span.ends - T0).total_seconds(), span.why) for span in spans]


# ----------------------------------------------------------------------------------------- from frames to spans


@pytest.mark.parametrize(
    ("seconds", "spans"),
    [
        ([], []),
        ([5], [(5, 5, "stopped")]),
        ([0, 1, 2], [(0, 2, "stopped")]),
        ([0, 10, 20], [(0, 20, "stopped")]),  # exactly the gap is none
        ([0, 10, 20.001, 25], [(0, 10, "gap"), (20.001, 25, "stopped")]),
        ([0, 5, 5, 6], [(0, 6, "stopped")]),
        (range(0, 130, 5), [(0, 60, "running"), (60, 120, "running"), (120, 125, "stopped")]),
        ([0, 5, 3605, 3606], [(0, 5, "gap"), (3605, 3606, "stopped")]),
        ([0, 5, -3595, -3590], [(0, 5, "gap"), (-3595, -3590, "stopped")]),  # the clock was set back
        ([0, 5, 4.9, 8], [(0, 5, "gap"), (4.9, 8, "stopped")]),
    ],
)
def test_spans_by_hand(seconds: Sequence[float], spans: list[tuple[float, float, str]]) -> None:
    assert told(run(seconds)) == spans


def test_a_camera_that_is_lost_was_watching_up_to_its_last_frame_and_not_again_until_the_next() -> None:
    watching = Watching("door", 10, 60)
    assert watching.pause("lost") == []
    for second in (0, 4, 8):
        assert watching.frame(at(second)) == []
    (span,) = watching.pause("lost", "no signal")
    assert (told([span]), span.detail) == ([(0, 8, "lost")], "no signal")
    assert watching.pause("stopped") == []
    assert watching.frame(at(12)) == []
    assert told(watching.pause("stopped")) == [(12, 12, "stopped")]


@given(st.lists(st.sampled_from([0, 0.04, 1, 9.9, 10, 10.1, 59, 3600, -1, -3600, 86_400, -86_400]), max_size=60))
def test_spans_hold_all_steps_up_to_the_gap_and_nothing_else(steps: list[float]) -> None:
    seconds = [0.0]
    for step in steps:
        seconds.append(seconds[-1] + step)
    spans = told(run(seconds))
    watched = sum(step for step in steps if 0 <= step <= 10)
    assert sum(end - begin for begin, end, _ in spans) == pytest.approx(watched)
    assert all(0 <= end - begin <= 60 + 10 for begin, end, _ in spans)


# ----------------------------------------------------------------------------------------- from spans to gaps


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 100), st.integers(0, 40)), max_size=12),
    st.integers(-10, 110),
    st.integers(0, 60),
    st.sampled_from([0, 3]),
)
def test_gaps_are_the_seconds_at_which_a_camera_was_not_watching(
    drawn: list[tuple[str, int, int]], begin: int, length: int, outage: int
) -> None:
    merged: dict[str, list[tuple[datetime, datetime]]] = {"a": [], "b": []}
    for camera, spans in merged.items():
        lit = {second for name, since, long in drawn if name == camera for second in range(since, since + long)}
        for second in sorted(lit):
            if spans and spans[-1][1] == at(second):
                spans[-1] = (spans[-1][0], at(second + 1))
            else:
                spans.append((at(second), at(second + 1)))
    found = Coverage(("a", "b"), merged, timedelta(seconds=outage)).gaps(at(begin), at(begin + length))
    dark = [
        second
        for second in range(begin, begin + length)
        if any(not any(since <= at(second) < until for since, until in spans) for spans in merged.values())
    ]
    runs: list[list[int]] = []
    for second in dark:
        if runs and runs[-1][1] == second:
            runs[-1][1] = second + 1
        else:
            runs.append([second, second + 1])
    assert found == [(at(since), at(until)) for since, until in runs if until - since > outage]
    lost = sum((until - since).total_seconds() for since, until in found)
    share = Coverage(("a", "b"), merged, timedelta(seconds=outage)).share(at(begin), at(begin + length))
    assert share == pytest.approx(1 - lost / length if length else 1)


# ----------------------------------------------------------------------------------------- the log


def book(folder: Path, **more: object) -> CoverageBook:
    return CoverageBook(folder / "log", BERLIN, **more)  # type: ignore[arg-type]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BERLIN).astimezone(UTC)


def test_a_span_over_midnight_is_found_from_both_days(tmp_path: Path) -> None:
    log = book(tmp_path)
    turn = midnight(DAY + ONE)
    log.record(Span("door", turn - timedelta(hours=3), turn + timedelta(hours=2)))
    assert log.log.days() == [DAY]
    for day in (DAY, DAY + ONE):
        found = log.between(day, day)
        assert found.gaps(turn - timedelta(hours=4), turn + timedelta(hours=4)) == [
            (turn - timedelta(hours=4), turn - timedelta(hours=3)),
            (turn + timedelta(hours=2), turn + timedelta(hours=4)),
        ]


@pytest.mark.parametrize("day", [date(2026, 11, 23), date(2026, 3, 29), date(2026, 10, 25)])
def test_a_run_over_midnight_and_a_change_of_clocks_leaves_no_gap(tmp_path: Path, day: date) -> None:
    log, watching = book(tmp_path), Watching("door", 10, 600)
    begin, now = midnight(day) - timedelta(hours=1), midnight(day) - timedelta(hours=1)
    while now < begin + timedelta(hours=6):
        for span in watching.frame(now.astimezone(BERLIN).astimezone(UTC)):
            log.record(span)
        now += timedelta(seconds=7)
    end = now - timedelta(seconds=7)
    for span in watching.pause("stopped"):
        log.record(span)
    assert book(tmp_path).between(day, day).gaps(begin, end) == []
    assert log.log.raw.check() == []


def test_of_a_process_that_was_killed_only_what_it_wrote_counts(tmp_path: Path) -> None:
    log, watching = book(tmp_path), Watching("door", 10, 60)
    for second in range(0, 170, 5):  # killed at 02:45; the last whole minute was written at 02:00
        for span in watching.frame(at(second)):
            log.record(span)
    assert log.between(DAY, DAY).gaps(at(0), at(300)) == [(at(120), at(300))]


def test_more_rows_are_seen_by_whoever_read_before(tmp_path: Path) -> None:
    log, other = book(tmp_path), book(tmp_path, outage_s=0)
    for number in range(3):
        log.record(Span("door", at(60 * number), at(60 * number + 60)))
        assert other.between(DAY, DAY).gaps(at(0), at(200)) == [(at(60 * number + 60), at(200))]


@pytest.mark.parametrize(
    ("settings", "counted"),
    [
        ({}, {"back", "front", "yard"}),
        ({"others": ["yard"]}, {"back", "front"}),
        ({"entrances": ["front"], "others": ["yard"]}, {"front"}),
        ({"entrances": ["front", "gate"]}, {"front", "gate"}),  # whoever comes by a gate without a camera is not seen
    ],
)
def test_which_cameras_count(tmp_path: Path, settings: dict[str, list[str]], counted: set[str]) -> None:
    log = book(tmp_path, outage_s=0, **settings)
    for number, camera in enumerate(("front", "back", "yard")):
        log.record(Span(camera, at(0), at(100 + number)))
    begin = {"front": 100, "back": 101, "yard": 102, "gate": 0}
    found = log.between(DAY, DAY).gaps(at(0), at(200))
    assert found == [(at(min(begin[camera] for camera in counted)), at(200))]


def test_a_camera_nobody_named_counts_for_three_days_after_it_was_last_seen(tmp_path: Path) -> None:
    log = book(tmp_path)
    log.record(Span("trial", at(0), at(3600)))
    for offset in range(8):
        log.record(Span("door", at(0) + offset * ONE, at(3600) + offset * ONE))
    covered = []
    for offset in range(8):
        day = DAY + offset * ONE
        hour = (at(0) + offset * ONE, at(3600) + offset * ONE)
        assert log.between(day, day).gaps(*hour) == log.between(DAY, DAY + 7 * ONE).gaps(*hour), (
            "whatever else is asked"
        )
        covered.append(log.between(day, day).gaps(*hour) == [])
    assert covered == [True, False, False, False, True, True, True, True]


def test_where_nothing_was_ever_watching_everything_is_a_gap(tmp_path: Path) -> None:
    found = book(tmp_path).between(DAY, DAY)
    assert found.gaps(at(0), at(100)) == [(at(0), at(100))]
    assert found.gaps(at(0), at(0)) == []
    assert (found.share(at(0), at(100)), found.share(at(0), at(0))) == (0, 1)


@pytest.mark.parametrize("damage", [(b"+01:00", b""), (b"2026", b"20x6"), (b"11-23T", b"\xff\xfe")])
def test_rows_that_were_damaged_are_left_out(tmp_path: Path, damage: tuple[bytes, bytes]) -> None:
    log = book(tmp_path)
    log.record(Span("door", at(0), at(100)))
    log.record(Span("door", at(100), at(200)))
    header, first, second = log.log.raw.shelf.path(DAY).read_bytes().splitlines(keepends=True)
    log.log.raw.shelf.path(DAY).write_bytes(header + first.replace(*damage) + second)
    assert log.between(DAY, DAY).gaps(at(0), at(200)) == [(at(0), at(100))]


# ----------------------------------------------------------------------------------------- in the sheet


def test_the_sheet_of_a_day_does_not_depend_on_the_days_asked_for_with_it(tmp_path: Path) -> None:
    rota = Rota({"s": ShiftConfig(start=time(9), end=time(10), days="mon-sun")}, HolidaysConfig(), BERLIN)
    log = book(tmp_path)
    for offset in range(14):
        log.record(Span("door", at(-7200) + offset * ONE, at(7200) + offset * ONE))
    log.record(Span("trial", at(0) + 9 * ONE, at(7200) + 9 * ONE))
    attendance = AttendanceBook(tmp_path, BERLIN, EventsConfig(), Plan(rota, coverage=log))
    people = {"E1": Person("E1", "Ann", enrolled_at="2026-01-05T10:00:00+01:00")}
    days = [DAY + offset * ONE for offset in range(14)]
    single = [row for day in days for row in attendance.sheets.on(day, people)]
    assert attendance.sheets.between(days[0], days[-1], people) == single
    assert [row.status for row in single] == ["absent"] * 10 + ["not covered"] * 3 + ["absent"]
