"""What becomes of incidents: reviews as rows of their own, and one incident for one visit whoever tells it."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import pytest
from fakes import T0, at
from paperwork import Clock, bench, enrol, face, picture, stranger
from two_processes import run_twice, tell

from engine.errors import InputError
from engine.incidents import REVIEW_STATES, IncidentBook
from engine.types import Event, EventKind, Severity
from engine.workbench import Workbench

DAY = T0.date()
ALWAYS = (date.min, date.max)


@pytest.fixture
def clock() -> Clock:
    return Clock(at(3600))


@pytest.fixture
def workbench(tmp_path: Path, clock: Clock) -> Workbench:
    workbench = bench(tmp_path, clock)
    enrol(workbench, "E1", "Ada Lovelace")
    return workbench


def visit(workbench: Workbench) -> str:
    return stranger(workbench, face(1), T0, track="run-1").incident_id


# ----------------------------------------------------------------------------------------- reviews


def test_an_incident_is_open_until_somebody_says_otherwise(workbench: Workbench) -> None:
    visit(workbench)
    (incident,) = workbench.incidents.incidents(DAY, DAY)
    assert (incident.state, incident.assignee, incident.note, incident.author) == ("open", "", "", "")
    assert incident.reviews == ()


def test_what_nobody_must_look_at_is_noted(workbench: Workbench) -> None:
    stranger(workbench, face(1), T0, track="run-1", severity=Severity.INFO)
    workbench.incidents.record(Event(EventKind.CAMERA_LOST, at(5), "door"), {})
    assert [each.state for each in workbench.incidents.incidents(DAY, DAY)] == ["noted", ""]


def test_the_latest_review_holds_and_all_are_kept(workbench: Workbench, clock: Clock) -> None:
    incident_id = visit(workbench)
    log = workbench.incidents.log.raw.shelf.path(DAY)
    before = log.read_bytes()
    workbench.office.review(incident_id, "acknowledged", author="Sam", assignee="Kim", note="on my way")
    clock.forward(days=2)
    workbench.office.review(incident_id, "resolved", author="Kim", note="a courier")
    (incident,) = workbench.incidents.incidents(DAY, DAY)
    assert (incident.state, incident.note, incident.author) == ("resolved", "a courier", "Kim")
    assert incident.assignee == "Kim"  # a review without one takes nobody away
    assert incident.reviewed_at == at(3600) + timedelta(days=2)
    assert [(row.state, row.author, row.camera) for row in incident.reviews] == [
        ("acknowledged", "Sam", "door"),
        ("resolved", "Kim", "door"),
    ]
    assert log.read_bytes().startswith(before)  # nothing was rewritten
    assert workbench.records.verify() == []


@pytest.mark.parametrize("state", REVIEW_STATES)
def test_every_state_can_follow_every_other(workbench: Workbench, state: str) -> None:
    incident_id = visit(workbench)
    for before in REVIEW_STATES:
        workbench.office.review(incident_id, before, author="Sam")
        workbench.office.review(incident_id, state, author="Sam")
        assert workbench.incidents.incidents(*ALWAYS)[0].state == state


@pytest.mark.parametrize(
    ("incident", "state", "author", "message"),
    [
        ("20991231T000000-00000000", "resolved", "Sam", "there is no incident"),
        (None, "done", "Sam", "open, acknowledged, resolved, false alarm"),
        (None, "resolved", "", "the author is empty"),
        (None, "resolved", " \u200b", "is empty"),
        (None, "resolved", "S" * 101, "101 characters"),
    ],
)
def test_a_review_that_makes_no_sense_writes_nothing(
    workbench: Workbench, incident: str | None, state: str, author: str, message: str
) -> None:
    incident_id = visit(workbench)
    before = workbench.incidents.log.raw.shelf.path(DAY).read_bytes()
    with pytest.raises(InputError, match=message):
        workbench.office.review(incident or incident_id, state, author=author)
    assert workbench.incidents.log.raw.shelf.path(DAY).read_bytes() == before


def test_a_review_is_no_incident_and_cannot_be_reviewed(workbench: Workbench) -> None:
    row = workbench.office.review(visit(workbench), "resolved", author="Sam")
    with pytest.raises(InputError, match="no incident"):
        workbench.office.review(row.incident_id, "open", author="Sam")
    assert len(workbench.incidents.incidents(*ALWAYS)) == 1


def test_incidents_are_those_that_began_in_the_range_with_reviews_of_later_days(
    workbench: Workbench, clock: Clock
) -> None:
    first = visit(workbench)
    stranger(workbench, face(0, 1), T0 + timedelta(days=1), track="run-2")
    clock.forward(days=5)
    workbench.office.review(first, "false alarm", author="Sam")
    assert [each.state for each in workbench.incidents.incidents(DAY, DAY)] == ["false alarm"]
    assert [each.state for each in workbench.incidents.incidents(*ALWAYS)] == ["false alarm", "open"]
    assert workbench.incidents.incidents(DAY + timedelta(days=2), date.max) == []


@pytest.mark.parametrize(
    "text", ["Ada Lovelace", "ADA LOVELACE", "Ada  Lovelace", "Ada\nLovelace", "A\u200bda Lovelace"]
)
def test_names_in_notes_become_ids_however_they_are_written(workbench: Workbench, text: str) -> None:
    incident_id = visit(workbench)
    workbench.office.review(
        incident_id, "resolved", author="Ada Lovelace", assignee="ada lovelace", note=f"{text} knew."
    )
    (incident,) = workbench.incidents.incidents(*ALWAYS)
    assert (incident.note, incident.author, incident.assignee) == ("E1 knew.", "E1", "E1")
    assert b"Lovelace" not in workbench.incidents.log.raw.shelf.path(DAY).read_bytes()


# ----------------------------------------------------------------------------------------- one visit, one incident

VISIT = Event(EventKind.UNKNOWN, T0, "door", (1,), (), ("unknown-1",), until=at(2))


def book(workspace: Path, gap_s: float = 20.0) -> IncidentBook:
    return IncidentBook(workspace, bench(workspace).config.zone, episode_gap_s=gap_s)


@pytest.mark.parametrize(
    ("begin_s", "end_s", "again"),
    [
        pytest.param(0.0, 2.0, False, id="the same moment"),
        pytest.param(0.4, 1.5, False, id="while the other saw them"),
        pytest.param(-0.4, 1.0, False, id="a moment earlier"),
        pytest.param(22.0, 23.0, False, id="just within the gap"),
        pytest.param(22.1, 23.0, True, id="just beyond it"),
        pytest.param(-25.0, -20.0, False, id="told late, just within the gap before"),
        pytest.param(-25.0, -20.1, True, id="told late, beyond it"),
    ],
)
def test_a_visit_told_by_two_processes_is_one_incident(
    tmp_path: Path, begin_s: float, end_s: float, again: bool
) -> None:
    assert book(tmp_path).record(VISIT, {"image": picture()}) is not None
    second = book(tmp_path).record(dataclasses.replace(VISIT, time=at(begin_s), until=at(end_s)), {"image": picture()})
    assert (second is not None) == again
    assert len(list((tmp_path / "images").rglob("*.jpg"))) == 1 + again  # no picture without its row


@pytest.mark.parametrize("change", [{"camera": "gate"}, {"unknown_ids": ("unknown-2",)}, {"unknown_ids": ()}])
def test_another_camera_or_another_stranger_is_another_incident(tmp_path: Path, change: dict[str, object]) -> None:
    incidents = book(tmp_path)
    incidents.record(VISIT, {})
    assert incidents.record(dataclasses.replace(VISIT, **change), {}) is not None


def test_a_row_that_was_tampered_with_keeps_no_visit_from_being_told(tmp_path: Path) -> None:
    incidents = book(tmp_path)
    incidents.record(VISIT, {})
    log = incidents.log.raw.shelf.path(DAY)
    log.write_bytes(log.read_bytes().replace(b",2026-11-23T08:00:00.000+00:00", b",2026-11-23T99:00:00.000+00:00"))
    assert incidents.record(VISIT, {}) is not None
    assert len(incidents.incidents(*ALWAYS)) == 1  # the other has no time any more


def test_a_visit_across_midnight_is_one_incident(tmp_path: Path) -> None:
    midnight = T0 + timedelta(hours=16)
    incidents = book(tmp_path)
    event = dataclasses.replace(VISIT, time=midnight - timedelta(seconds=5), until=midnight - timedelta(seconds=3))
    incidents.record(event, {})
    later = dataclasses.replace(VISIT, time=midnight + timedelta(seconds=5), until=midnight + timedelta(seconds=6))
    assert incidents.record(later, {}) is None


def test_two_processes_at_one_camera_tell_each_visit_once(tmp_path: Path) -> None:
    run_twice(tell, tmp_path)
    rows = book(tmp_path).log.raw.read(DAY)
    assert sorted(row["unknown_ids"] for row in rows) == sorted(f"unknown-{number}" for number in range(10))
    assert {tmp_path / row["image"] for row in rows} == set((tmp_path / "images" / "unknown").glob("*.jpg"))
