"""Who looked at what is in the audit log: once for each session and object in a while, whatever a page asks for meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.people import Person
from engine.records import Views
from engine.workbench import Workbench


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def rows(bench: Workbench) -> list[tuple[str, str, str]]:
    return [(row.author, row.action, row.subject) for row in bench.audit.read()]


def test_a_view_is_recorded_once_for_each_session_and_object_and_again_after_a_while(bench: Workbench) -> None:
    clock = Clock()
    views = Views(bench.records, clock)
    for session in ("a", "a", "b", "a"):
        views.note("view_person", "E1", author="ann", session=session)
    views.note("view_person", "E2", author="ann", session="a")
    views.note("view_incident", "E1", author="ann", session="a")
    assert rows(bench) == [
        ("ann", "view_person", "E1"),
        ("ann", "view_person", "E1"),
        ("ann", "view_person", "E2"),
        ("ann", "view_incident", "E1"),
    ]
    clock.now += 13 * 3600
    views.note("view_person", "E1", author="ann", session="a")
    assert len(rows(bench)) == 5


def test_ids_stand_for_names(bench: Workbench) -> None:
    bench.people.put(Person("E7", "Ann Example"))
    Views(bench.records).note("view_person", "E7", author="Ann Example", session="a")
    assert rows(bench) == [("E7", "view_person", "E7")]


def test_a_page_that_asks_for_one_picture_twice_at_once_is_recorded_once(bench: Workbench) -> None:
    views = Views(bench.records)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: views.note("view_picture", "x", author="ann", session="a"), range(16)))
    assert len(rows(bench)) == 1


def test_a_view_that_could_not_be_recorded_is_recorded_next_time(bench: Workbench, tmp_path: Path) -> None:
    views = Views(bench.records)
    (tmp_path / "log").rename(tmp_path / "away") if (tmp_path / "log").exists() else None
    (tmp_path / "log").write_text("in the way")
    views.note("view_person", "E1", author="ann", session="a")
    (tmp_path / "log").unlink()
    views.note("view_person", "E1", author="ann", session="a")
    assert rows(bench) == [("ann", "view_person", "E1")]
