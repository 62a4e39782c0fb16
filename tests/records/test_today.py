"""Arrivals of today as screens show them: real books, made-up people."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from log_builders import retraction

from engine.attendance import Sighting, Span
from engine.config import load_config
from engine.people import Person
from engine.types import Identity, TrackState
from engine.workbench import Workbench

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
SETTINGS = """
timezone = "UTC"
[shifts.office]
start = 09:00:00
end = 17:00:00
grace_min = 5
days = "mon-fri"
people = ["E1", "E2"]
"""


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    (tmp_path / "muster.toml").write_text(SETTINGS)
    bench = Workbench(tmp_path, load_config(tmp_path), clock=lambda: NOW)
    bench.people.put_all([Person("E1", "Ada"), Person("E2", "Ben"), Person("E3", "Cleo")])
    return bench


def punch(bench: Workbench, employee_id: str, hour: int, minute: int, day: int = 23) -> None:
    time = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
    identity = Identity(TrackState.KNOWN, employee_id, 3, 3, 0.8, None, None, None, 0.45)
    sighting = Sighting(employee_id, time, "entrance", f"t-{employee_id}-{hour}{minute}", identity, "model", 1)
    bench.attendance.record(sighting, bench.people.known())


def watched(bench: Workbench, hour: int) -> None:
    """The camera was watching from that hour until now."""
    coverage = bench.attendance.plan.coverage
    assert coverage is not None
    coverage.record(Span("entrance", NOW.replace(hour=hour), NOW))


def test_nobody_came_yet(bench: Workbench) -> None:
    assert bench.office.arrivals() == (0, [])


def test_arrivals_are_of_today_newest_first_with_who_is_late(bench: Workbench) -> None:
    punch(bench, "E1", 8, 0, day=22)
    punch(bench, "E1", 8, 57)
    punch(bench, "E2", 9, 20)
    punch(bench, "E3", 10, 0)
    punch(bench, "E1", 11, 0)
    watched(bench, 8)
    count, found = bench.office.arrivals()
    assert count == 3
    assert [(each.name, each.time, each.first, each.late, each.late_min) for each in found] == [
        ("Ada", "11:00", False, None, None),
        ("Cleo", "10:00", True, None, None),
        ("Ben", "09:20", True, True, 20),
        ("Ada", "08:57", True, False, 0),
    ]
    assert [each.name for each in bench.office.arrivals(2)[1]] == ["Ada", "Cleo"]


def test_whoever_left_after_midnight_comes_only_later(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text(
        SETTINGS + '[cameras.entrance]\ndirection = "out"\n[cameras.in]\ndirection = "in"\n'
    )
    bench = Workbench(tmp_path, load_config(tmp_path), clock=lambda: NOW)
    bench.people.put_all([Person("E1", "Ada")])
    punch(bench, "E1", 0, 5)
    assert bench.office.arrivals()[0] == 0
    coverage = bench.attendance.plan.coverage
    assert coverage is not None
    for camera in ("entrance", "in"):
        coverage.record(Span(camera, NOW.replace(hour=0), NOW))
    identity = Identity(TrackState.KNOWN, "E1", 3, 3, 0.8, None, None, None, 0.45)
    came = Sighting("E1", NOW.replace(hour=9, minute=20), "in", "t-in", identity, "model", 1)
    bench.attendance.record(came, bench.people.known())
    count, found = bench.office.arrivals()
    assert (count, [(each.first, each.late_min) for each in found]) == (1, [(True, 20), (False, None)])


def test_nobody_is_late_whose_arrival_a_camera_may_have_missed(bench: Workbench) -> None:
    punch(bench, "E2", 9, 20)
    watched(bench, 9)  # it was off until nine
    (row,) = bench.office.arrivals()[1]
    assert (row.first, row.late, row.late_min) == (True, None, None)


def test_a_punch_that_was_taken_back_is_no_arrival(bench: Workbench) -> None:
    punch(bench, "E1", 8, 57)
    row = bench.attendance.log.read(NOW.date(), NOW.date())[0]
    bench.attendance.retract(retraction("E1", NOW, "entrance", row.track, "somebody else"), bench.people.known())
    assert bench.office.arrivals() == (0, [])
