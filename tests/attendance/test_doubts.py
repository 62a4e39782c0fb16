"""What the events and logs make of faces that could not be told, of pictures held before a camera, and of second thoughts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from fakes import Scene, at, make_pipeline, make_track, vector

from engine.attendance import CoverageBook, Plan
from engine.config import AttendanceConfig, Config, EventsConfig, VotingConfig
from engine.events import EventMaker
from engine.gallery import Template
from engine.pipeline import open_pipeline
from engine.storage import read_rows
from engine.types import Event, EventKind, Severity, SourceEvent, TrackState

CONFIG = EventsConfig(cool_down_s=60, episode_gap_s=20, door_window_s=2.0, min_presence_s=0.6, settle_s=4, context_s=1)
DAY = date(2026, 11, 23)


def told(events: Sequence[Event]) -> list[tuple[str, tuple[str, ...]]]:
    """Kinds and people."""
    return [(event.kind.value, event.employee_ids) for event in events]


# --------------------------------------------------------------------------------------------- not identified


@pytest.mark.parametrize("state", [TrackState.PENDING, TrackState.CONFLICT])
def test_a_face_that_resembled_somebody_until_it_left_is_told(state: TrackState) -> None:
    maker = EventMaker(CONFIG, "door")
    assert maker.update([make_track(1, 0, 1, state=state, nearest="E1", hits=4)], at(1)) == []  # it may yet be told
    (event,) = maker.update([make_track(1, 0, 1, state=state, nearest="E1", hits=4, ended=True)], at(3))
    assert told([event]) == [("unidentified", ("E1",))]
    assert event.time == at(0)
    assert "4 of 4 frames" in event.detail


@pytest.mark.parametrize(("agreeing", "hits", "expected"), [(2, 4, 1), (1, 4, 0), (2, 5, 0), (1, 1, 0), (0, 6, 0)])
def test_it_is_told_only_if_half_of_the_frames_and_two_at_least_agree(agreeing: int, hits: int, expected: int) -> None:
    track = make_track(1, 0, 1, state=TrackState.PENDING, nearest="E1", agreeing=agreeing, hits=hits, ended=True)
    assert len(EventMaker(CONFIG, "door").update([track], at(2))) == expected


def test_nobody_resembled_is_nobody_told() -> None:
    track = make_track(1, 0, 1, state=TrackState.PENDING, ended=True)
    assert EventMaker(CONFIG, "door").update([track], at(2)) == []


def test_an_unidentified_face_is_a_row_with_its_picture_unless_the_person_was_seen_just_then(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 2)  # two good frames say ann: one too few
    scene.pause(30)
    pipeline, services = make_pipeline(tmp_path, scene)
    for frame in scene.frames:
        pipeline.process(frame)
    pipeline.finish()
    (row,) = services.attendance.log.read(DAY)
    assert (row.event, row.employee_id) == ("unidentified", "ann")
    assert row.evidence_image.startswith("images/unidentified/")
    assert (tmp_path / row.evidence_image).is_file()
    assert services.attendance.sheets.on(DAY, services.people()) == []  # nobody's time


def test_a_broken_track_beside_a_punch_is_not_told(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 6)
    scene.pause(20)
    scene.walk(["ann"], 2)
    scene.pause(20)
    pipeline, services = make_pipeline(tmp_path, scene)
    for frame in scene.frames:
        pipeline.process(frame)
    pipeline.finish()
    assert [row.event for row in services.attendance.log.read(DAY)] == ["punch"]


# --------------------------------------------------------------------------------------------- living people


def test_a_name_counts_while_nothing_speaks_against_it() -> None:
    for liveness in ("", "unproven", "passed"):
        (event,) = EventMaker(CONFIG, "door").update([make_track(1, 0, 1, person="E1", liveness=liveness)], at(1))
        assert (event.kind, event.liveness) == (EventKind.SIGHTING, liveness)


def test_a_face_that_turns_out_flat_loses_its_name_and_is_an_incident_once() -> None:
    maker = EventMaker(CONFIG, "door")
    maker.update([make_track(1, 0, 1, person="E1", liveness="unproven")], at(1))
    events = maker.update([make_track(1, 0, 2, person="E1", liveness="failed")], at(2))
    assert told(events) == [("retraction", ("E1",)), ("presentation_attack", ("E1",))]
    assert events[1].severity is Severity.HIGH
    assert "not a living person" in events[0].detail
    assert maker.update([make_track(1, 0, 3, person="E1", liveness="failed")], at(3)) == []


def test_a_flat_face_is_not_told_before_it_is_known_whose_picture_it_is() -> None:
    maker = EventMaker(CONFIG, "door")
    assert maker.update([make_track(1, 0, 1, liveness="failed")], at(1)) == []
    assert told(maker.update([make_track(1, 0, 2, person="E1", liveness="failed")], at(2))) == [
        ("presentation_attack", ("E1",))
    ]
    assert told(maker.update([make_track(2, 3, 4, liveness="failed", ended=True)], at(6))) == [
        ("presentation_attack", ())
    ]


def test_where_proof_is_required_a_name_waits_for_it() -> None:
    maker = EventMaker(CONFIG, "door", require_liveness=True)
    assert maker.update([make_track(1, 0, 1, person="E1", liveness="unproven")], at(1)) == []
    (event,) = maker.update([make_track(1, 0, 2, person="E1", liveness="passed")], at(2))
    assert (event.kind, event.time) == (EventKind.SIGHTING, at(0))


def test_where_proof_is_required_whoever_leaves_without_it_was_not_identified() -> None:
    maker = EventMaker(CONFIG, "door", require_liveness=True)
    maker.update([make_track(1, 0, 1, person="E1", liveness="unproven")], at(1))
    events = maker.update([make_track(1, 0, 1, person="E1", liveness="unproven", ended=True)], at(3))
    assert told(events) == [("unidentified", ("E1",))]
    assert "not proven" in events[0].detail
    failed = maker.update([make_track(2, 5, 6, person="E1", liveness="failed", ended=True)], at(8))
    assert told(failed) == [("presentation_attack", ("E1",))]  # and not "perhaps it was them"


def test_rows_say_what_is_known_of_the_face(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 8)
    for policy, expected in (("mark", "unproven"), ("off", "")):
        config = Config(presentation={"policy": policy})
        pipeline, services = make_pipeline(tmp_path / policy, scene, config)
        for frame in scene.frames:
            pipeline.process(frame)
        pipeline.finish()
        assert [row.liveness for row in services.attendance.log.read(DAY)] == [expected]


# --------------------------------------------------------------------------------------------- second thoughts


def test_a_stranger_who_is_recognised_a_moment_later_needs_nobody_any_more(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 60)
    config = Config(voting=VotingConfig(window=5, settled_interval_s=0.1))
    pipeline, services = make_pipeline(tmp_path, scene, config, enrolled=("bob",))
    for frame in scene.frames[:20]:
        pipeline.process(frame)
    (before,) = services.incidents.incidents(DAY, DAY)
    assert (before.row.kind, before.state, len(services.strangers.current())) == ("unknown", "open", 1)
    template = Template("t-ann", "ann", 0.9)
    services.gallery.update(lambda gallery: gallery.add([template], vector("ann")[None]))
    for frame in scene.frames[20:]:
        pipeline.process(frame)
    pipeline.finish()
    (after,) = services.incidents.incidents(DAY, DAY)
    assert (after.state, after.author, after.reviews[0].employee_ids) == ("resolved", "engine", ("ann",))
    assert len(services.strangers.current()) == 0
    assert [row.event for row in services.attendance.log.read(DAY)] == ["punch"]


def test_somebody_on_the_watch_list_is_an_incident_of_high_severity(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 8)
    scene.pause(40)
    scene.walk(["stranger"], 10)
    pipeline, services = make_pipeline(tmp_path, scene)
    services.dossiers.decide("watch", "ann", author="guard", now=at(0), reason="left the company")
    services.dossiers.decide("watch", "unknown-1", author="guard", now=at(0))
    for frame in scene.frames:
        pipeline.process(frame)
    pipeline.finish()
    rows = services.incidents.log.raw.read(DAY)
    assert [(row["kind"], row["severity"]) for row in rows] == [("watch_list", "high"), ("unknown", "high")]
    assert rows[0]["employee_ids"] == "ann"


def test_a_stranger_of_no_interest_is_noted_and_opens_nothing(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["stranger"], 10)
    pipeline, services = make_pipeline(tmp_path, scene)
    services.dossiers.decide("ignore", "unknown-1", author="guard", now=at(0), reason="the postman")
    for frame in scene.frames:
        pipeline.process(frame)
    pipeline.finish()
    (row,) = services.incidents.log.raw.read(DAY)
    assert (row["state"], row["severity"]) == ("noted", "info")


# --------------------------------------------------------------------------------------------- watching


def test_the_log_says_when_the_camera_was_watching(tmp_path: Path) -> None:
    scene = Scene(fps=1.0)
    scene.pause(150)
    config = Config(attendance=AttendanceConfig(coverage_every_s=60, gap_s=5))
    _, services = make_pipeline(tmp_path, scene, config)
    book = CoverageBook(tmp_path / "log", config.zone)
    object.__setattr__(services.attendance, "plan", Plan(coverage=book))
    pipeline = open_pipeline(services, config, "door", run_id="run")
    for frame in scene.frames[:100]:
        pipeline.process(frame)
    pipeline.source_event(SourceEvent("camera_lost", at(100), "door", "cable"))
    pipeline.source_event(SourceEvent("camera_back", at(120), "door"))
    for frame in scene.frames[120:]:
        pipeline.process(frame)
    pipeline.finish()
    rows = read_rows(book.log.raw.shelf.path(DAY))
    assert [row["why"] for row in rows] == ["running", "lost", "stopped"]
    covered = book.between(DAY, DAY)
    gaps = covered.gaps(at(0), at(149))
    assert gaps == []  # twenty seconds are shorter than what is told
    strict = CoverageBook(tmp_path / "log", config.zone, outage_s=1)
    assert strict.between(DAY, DAY).gaps(at(0), at(149)) == [(at(99), at(120))]
    assert strict.between(DAY, DAY).share(at(0), at(149)) == pytest.approx(1 - 21 / 149)
    assert strict.between(DAY, DAY).gaps(at(0) - timedelta(hours=1), at(149))[0][1] == at(0)
