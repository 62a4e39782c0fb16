"""A replay under the threshold that was in force changes nothing; under another one it tells what a run under that one would have given."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from command import Answer, muster
from fakes import T0, Scene, at
from hypothesis import given, settings
from hypothesis import strategies as st
from log_builders import retraction
from paperwork import Clock, bench, punch
from sightings import DAY, EVERY_FRAME, moved, replayed, track, walks, watched

from engine.attendance import PunchRow, Sighting
from engine.config import Config, EventsConfig, MatchingConfig, VotingConfig
from engine.errors import InputError
from engine.pipeline import Services
from engine.tracking import TrackSighting
from engine.tuning.replay import ChangeKind, Limits, Past, Replay, rerun
from engine.types import Event, EventKind, TailgatingClass, TrackState

GROUPS = [["ann"], ["bob"], ["stranger"], ["ann", "bob"], ["ann", "stranger"], ["visitor", "bob"]]
ALONE = Config(
    voting=EVERY_FRAME.voting,
    events=EventsConfig(cool_down_s=5, episode_gap_s=0.001),
    matching=MatchingConfig(stranger_threshold=0.999),
)
"""Every visit of a stranger is one of its own: how strangers are told apart does not play into it."""


def crowd(seed: int) -> Scene:
    """Visits by one or two people, long and short ones."""
    chance = random.Random(seed)
    parts: list[tuple[Sequence[str], int]] = []
    for _ in range(6):
        parts += [(chance.choice(GROUPS), chance.randint(3, 14)), ((), chance.choice([5, 9]))]
    return walks(*parts)


def punches(services: Services) -> set[tuple[str, str]]:
    """Track and person of the punches that hold."""
    rows = services.attendance.log.read(DAY)
    gone = {row.refers_to for row in rows}
    return {(row.track, row.employee_id) for row in rows if row.event == "punch" and row.event_id not in gone}


def alerts(services: Services) -> set[str]:
    return {row["tracks"] for row in services.incidents.log.raw.read(DAY) if row["kind"] == "unknown"}


def as_told(services: Services, result: Replay) -> tuple[set[tuple[str, str]], set[str]]:
    """Punches and alerts of a run, with the changes of a replay made to them."""
    punched, alerted = punches(services), alerts(services)
    for change in result.changes:
        if change.kind is ChangeKind.LOST:
            punched.remove((change.track, change.person_then))
        elif change.kind is ChangeKind.NEW:
            punched.add((change.track, change.person_now))
        elif change.kind is ChangeKind.GONE:
            alerted.remove(change.track)
        elif change.kind is ChangeKind.APPEARED:
            alerted.add(change.track)
    return punched, alerted


# ----------------------------------------------------------------------------------------- against real runs


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.45, 0.6, 0.7, 0.8]), spread=st.floats(0, 1.2))
def test_the_threshold_that_was_in_force_changes_nothing(
    seed: int, threshold: float, spread: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    services = watched(tmp_path_factory.mktemp("w"), crowd(seed), threshold=threshold, seed=seed, spread=spread)
    result = replayed(services, threshold)
    assert result.changes == ()
    assert result.tracks == len(services.sightings.read(DAY, DAY)) > 0
    assert replace(result.limits, tailgating=0) == Limits()  # every decision, punch and alert is explained
    (day,) = result.days
    assert (day.punches_then, day.punches_now) == (len(punches(services)),) * 2
    assert (day.unknown_then, day.unknown_now) == (len(alerts(services)),) * 2


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), then=st.sampled_from([0.5, 0.65, 0.8]), now=st.sampled_from([0.4, 0.7, 0.75, 0.9]))
def test_another_threshold_gives_what_a_run_under_it_would_have_given(
    seed: int, then: float, now: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    was, would_be = (
        watched(tmp_path_factory.mktemp("w"), crowd(seed), ALONE, threshold=each, seed=seed, spread=0.8)
        for each in (then, now)
    )
    result = replayed(was, now, ALONE)
    assert as_told(was, result) == (punches(would_be), alerts(would_be))


def test_the_usual_settings_replay_without_a_difference(tmp_path: Path) -> None:
    services = watched(tmp_path, crowd(3), Config(), spread=0.8)
    result = replayed(services, 0.6, Config())
    assert (result.changes, replace(result.limits, tailgating=0)) == ((), Limits())
    assert result.in_force == (0.6, 0.6)


# ----------------------------------------------------------------------------------------- votes


def known(sightings: Sequence[TrackSighting], threshold: float) -> set[str]:
    outcomes = rerun(sightings, VotingConfig(), threshold)
    return {key[1] for key, outcome in outcomes.items() if outcome.identity.state is TrackState.KNOWN}


likeness = st.lists(st.floats(-1, 1, allow_nan=False), min_size=1, max_size=20)


@given(frames=likeness, thresholds=st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_a_track_that_is_known_under_a_threshold_is_known_under_a_lower_one(
    frames: list[float], thresholds: tuple[float, float]
) -> None:
    one = [track("run-1", [{"E1": value} for value in frames])]
    assert known(one, max(thresholds)) <= known(one, min(thresholds))


@given(frames=likeness)
def test_the_least_threshold_accepts_all_and_none_accepts_what_lies_below(frames: list[float]) -> None:
    one = [track("run-1", [{"E1": value} for value in frames])]
    assert known(one, -1.0) == ({"run-1"} if len(frames) >= 3 else set())
    above = max(frames) + 2e-4
    assert known(one, above) == set()


def test_a_similarity_exactly_on_the_threshold_is_accepted() -> None:
    one = [track("run-1", [{"E1": 0.7}] * 3)]
    assert known(one, 0.7) == {"run-1"}
    assert known(one, 0.7001) == set()


def test_of_two_tracks_in_view_only_one_is_the_same_person() -> None:
    twins = [track("run-1", [{"E1": 0.8}] * 5), track("run-2", [{"E1": 0.7}] * 5)]
    later = replace(track("run-2", [{"E1": 0.7}] * 5, start_s=60))
    assert known(twins, 0.5) == {"run-1"}
    assert known([twins[0], later], 0.5) == {"run-1", "run-2"}
    assert known([twins[0], replace(twins[1], camera="gate")], 0.5) == {"run-1", "run-2"}


def test_a_wider_margin_takes_names_away() -> None:
    near = [track("run-1", [{"E1": 0.8, "E2": 0.7}] * 5)]
    assert known(near, 0.5) == {"run-1"}
    outcomes = rerun(near, VotingConfig(), None, 0.2)
    assert [outcome.identity.state for outcome in outcomes.values()] != [TrackState.KNOWN]


# ----------------------------------------------------------------------------------------- from logs


class Door:
    """A workspace whose logs tell of these tracks what the door would have written.

    Args:
        folder: the workspace.
        tracks: in the order of time, far enough apart to be no company.
    """

    def __init__(self, folder: Path, *tracks: TrackSighting, **settings: object) -> None:
        self.bench = bench(folder, Clock(T0 + timedelta(hours=9)), **settings)
        self.rows: dict[str, PunchRow] = {}
        for each in tracks:
            self.bench.sightings.record(each)
            identity = each.identity
            if identity.state is TrackState.KNOWN and identity.person and each.liveness != "failed":
                sighting = Sighting(
                    identity.person, each.first_seen, each.camera, each.track, identity, "m", 1, liveness=each.liveness
                )
                row = self.bench.attendance.record(sighting, {}, f"images/evidence/{each.track}.jpg")
                if row is not None:
                    self.rows[each.track] = row
            elif identity.state is TrackState.UNKNOWN:
                event = Event(
                    EventKind.UNKNOWN, each.first_seen, each.camera, (1,), (), (each.unknown_id,), until=each.last_seen
                )
                self.bench.incidents.record(event, {}, tracks=[each.track])

    def replay(self, threshold: float, **more: float) -> Replay:
        return self.bench.replays.replay(threshold, DAY, **more)


FIRM, FAINT = {"E1": 0.9, "E2": 0.1}, {"E1": 0.6, "E2": 0.2}


def test_a_punch_that_would_be_missing_names_its_row_and_picture(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FIRM] * 8), track("run-2", [FAINT] * 8, start_s=3600))
    result = door.replay(0.7)
    appeared, lost = result.changes
    assert (lost.kind, lost.then, lost.now) == (ChangeKind.LOST, "known", "unknown")
    assert (lost.person_then, lost.person_now, lost.similarity) == ("E1", "", 0.6)
    assert (lost.event_id, lost.picture) == (door.rows["run-2"].event_id, "images/evidence/run-2.jpg")
    assert (lost.time, lost.day, lost.track) == (at(3600), DAY, "run-2")
    assert (appeared.kind, appeared.track, appeared.incident_id) == (ChangeKind.APPEARED, "run-2", "")
    (day,) = result.days
    assert (day.tracks, day.punches_then, day.punches_now, day.unknown_then, day.unknown_now) == (2, 2, 1, 0, 1)
    assert day.changes == {ChangeKind.LOST: 1, ChangeKind.APPEARED: 1}
    assert result.count(ChangeKind.LOST, ChangeKind.APPEARED) == 2
    assert door.replay(0.5).changes == ()


def test_a_stranger_who_would_have_been_named_is_a_new_punch_and_one_alert_less(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [{"E1": 0.45, "E2": 0.1}] * 8, unknown_id="unknown-1"))
    incident_id = door.bench.incidents.log.raw.read(DAY)[0]["incident_id"]
    door.bench.incidents.review(incident_id, "false alarm", author="Sam", now=at(900))
    new, gone = sorted(door.replay(0.4).changes, key=lambda change: change.kind, reverse=True)
    assert (new.kind, new.person_then, new.person_now, new.then, new.now) == (
        ChangeKind.NEW,
        "",
        "E1",
        "unknown",
        "known",
    )
    assert (gone.kind, gone.incident_id, gone.said) == (ChangeKind.GONE, incident_id, "false alarm")


def test_what_people_took_back_is_said(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FAINT] * 8))
    door.bench.attendance.retract(retraction("E1", at(1), "door", "run-1", "not this one", author="Sam"), {})
    lost = next(change for change in door.replay(0.7).changes if change.kind is ChangeKind.LOST)
    assert (lost.said, lost.event_id) == ("taken back", door.rows["run-1"].event_id)


def test_a_punch_moves_to_the_next_sighting_when_the_first_is_missing(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FAINT] * 8), track("run-2", [FIRM] * 8, start_s=60))
    assert door.rows["run-2"].event == "seen"
    found = {change.kind: change for change in door.replay(0.7).changes}
    assert found[ChangeKind.LOST].track == "run-1"
    assert (found[ChangeKind.NEW].track, found[ChangeKind.NEW].then) == ("run-2", "cool-down")
    assert found[ChangeKind.NEW].event_id == ""


def test_punches_of_tracks_without_a_sighting_stay_and_keep_others_from_being_new(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-2", [{"E1": 0.45, "E2": 0.1}] * 8, start_s=60, unknown_id="unknown-1"))
    punch(door.bench, "E1", T0, track="old-1")
    result = door.replay(0.4)
    assert result.limits.without_sighting == 1
    assert [(change.kind, change.now) for change in result.changes] == [(ChangeKind.GONE, "cool-down")]
    assert [(day.punches_then, day.punches_now) for day in result.days] == [(1, 1)]


def test_a_picture_held_before_the_camera_punches_under_no_threshold(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FAINT] * 8, liveness="failed", threshold=0.7, unknown_id="unknown-1"))
    (gone,) = door.replay(0.5).changes
    assert (gone.kind, gone.now) == (ChangeKind.GONE, "not living")


def test_where_liveness_is_required_only_who_passed_it_would_punch(tmp_path: Path) -> None:
    tracks = [
        track(f"run-{n}", [FAINT] * 8, liveness=state, threshold=0.7, unknown_id=f"unknown-{n}", start_s=600 * n)
        for n, state in enumerate(["passed", "unproven", ""])
    ]
    door = Door(tmp_path, *tracks, presentation={"policy": "require"})
    assert [change.track for change in door.replay(0.5).changes if change.kind is ChangeKind.NEW] == ["run-0"]


def test_a_visit_in_several_tracks_is_one_alert(tmp_path: Path) -> None:
    steps = (0, 10, 25, 200)
    door = Door(tmp_path, *(track(f"run-{n}", [FAINT] * 8, start_s=step) for n, step in enumerate(steps)))
    told = [change.track for change in door.replay(0.7).changes if change.kind is ChangeKind.APPEARED]
    assert told == ["run-0", "run-3"]  # 20 s apart at most is one visit


def test_a_short_look_that_would_decide_nothing_any_more_is_counted(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FAINT] * 3))
    result = door.replay(0.7)
    assert [(change.kind, change.now) for change in result.changes] == [(ChangeKind.LOST, "undecided")]
    assert result.limits.undecided == 1


def test_a_track_whose_votes_do_not_lead_to_its_decision_is_left_out_and_counted(tmp_path: Path) -> None:
    odd = track("run-1", [FAINT] * 8)
    door = Door(tmp_path, replace(odd, identity=replace(odd.identity, person="E2")))
    result = door.replay(0.95)
    assert (result.changes, result.tracks, result.limits.unexplained) == ((), 0, 1)
    assert [(day.punches_then, day.punches_now) for day in result.days] == [(1, 1)]


def test_a_punch_that_the_decision_does_not_lead_to_is_counted_and_not_told(tmp_path: Path) -> None:
    door = Door(tmp_path)
    door.bench.sightings.record(track("run-1", [FAINT] * 8))  # and nothing in the attendance log
    result = door.replay(0.95)
    assert (result.limits.disagreeing, [change.kind for change in result.changes]) == (1, [ChangeKind.APPEARED])


def test_another_gallery_and_long_tracks_are_counted(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FIRM] * 8), track("run-2", [FIRM] * 8, start_s=900, left_out=4))
    limits = door.replay(0.6).limits
    assert (limits.other_gallery, limits.shortened) == (2, 1)  # nobody is enrolled today


def test_rows_that_somebody_changed_are_counted_and_do_not_break_the_replay(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FIRM] * 8), track("run-2", [FAINT] * 8, start_s=900))
    for log, old, new in (
        (door.bench.sightings.log.raw, b",2026-11-23T08:15", b",noon"),
        (door.bench.attendance.log.raw, b",2026-11-23T08:15", b",noon"),
    ):
        path = log.shelf.path(DAY)
        path.write_bytes(path.read_bytes().replace(old, new))
    result = door.replay(0.95)
    assert (result.limits.unreadable, result.tracks) == (1, 1)


def together(door: Door, *tracks: str, kind: TailgatingClass, people: int) -> str:
    event = Event(
        EventKind.TAILGATING, T0, "door", (1, 2), classification=kind, people=people, until=at(5), detail="together"
    )
    row = door.bench.incidents.record(event, {}, tracks=tracks)
    assert row is not None
    return row.incident_id


def test_a_passage_is_of_another_class_when_somebody_is_a_stranger(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FIRM] * 8), track("run-2", [{"E1": 0.1, "E2": 0.6}] * 8))
    incident_id = together(door, "run-1", "run-2", "run-9", kind=TailgatingClass.TWO_KNOWN, people=2)
    change = next(change for change in door.replay(0.7).changes if change.kind is ChangeKind.RECLASSIFIED)
    assert (change.incident_id, change.then, change.now) == (incident_id, "known+known", "known+unknown")
    assert (change.person_then, change.person_now) == ("E1;E2", "E1")


def test_a_passage_of_tracks_that_are_one_person_is_none(tmp_path: Path) -> None:
    second = track("run-2", [FAINT] * 8, start_s=3, threshold=0.7, unknown_id="unknown-1")
    door = Door(tmp_path, track("run-1", [FIRM] * 8, threshold=0.7), second)
    together(door, "run-1", "run-2", kind=TailgatingClass.KNOWN_UNKNOWN, people=2)
    change = next(change for change in door.replay(0.5).changes if change.kind is ChangeKind.RECLASSIFIED)
    assert change.now == "none"


def test_a_passage_that_the_decisions_do_not_explain_is_counted(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FIRM] * 8))
    together(door, "run-1", "run-9", kind=TailgatingClass.KNOWN_UNKNOWN, people=2)
    result = door.replay(0.95)
    assert result.limits.tailgating == 1
    assert ChangeKind.RECLASSIFIED not in {change.kind for change in result.changes}


# ----------------------------------------------------------------------------------------- days, asked wrongly


def test_days_are_the_workplaces(tmp_path: Path) -> None:
    late = moved(track("run-1", [FAINT] * 8), timedelta(hours=15.5))
    door = Door(tmp_path, late, timezone="Asia/Tokyo")
    door.bench.clock.forward(days=1)  # type: ignore[attr-defined]
    day = DAY + timedelta(days=1)
    assert {change.day for change in door.bench.replays.replay(0.7, DAY).changes} == {day}
    assert door.bench.replays.replay(0.7, day).tracks == 1
    with pytest.raises(InputError, match="no sighting was logged"):
        door.bench.replays.replay(0.7, DAY, DAY)


@pytest.mark.parametrize(
    ("threshold", "margin"),
    [(1.01, None), (-1.01, None), (float("nan"), None), (float("inf"), None), (0.5, -0.1), (0.5, 2)],
)
def test_what_is_no_threshold_or_margin_is_refused(tmp_path: Path, threshold: float, margin: float | None) -> None:
    door = Door(tmp_path, track("run-1", [FIRM] * 8))
    with pytest.raises(InputError, match=r"is no (similarity|margin)"):
        door.bench.replays.replay(threshold, DAY, min_margin=margin)


def test_days_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FIRM] * 8))
    with pytest.raises(InputError, match="has not come yet"):
        door.bench.replays.replay(0.5, DAY + timedelta(days=1))
    with pytest.raises(InputError, match="lies after"):
        door.bench.replays.replay(0.5, DAY, DAY - timedelta(days=1))
    with pytest.raises(InputError, match="no sighting was logged"):
        bench(tmp_path / "empty").replays.replay(0.5, date(2026, 11, 1))
    assert door.bench.replays.replay(0.6, date.min, date.max).tracks == 1  # all there is


def test_nothing_logged_replays_to_nothing() -> None:
    config = Config()
    past = Past([], [], [], first=DAY, last=DAY, zone=config.zone, voting=config.voting, events=config.events)
    result = past.at(0.5)
    assert (result.tracks, result.changes, result.days, result.in_force, result.limits) == (0, (), (), None, Limits())


def test_a_replay_writes_nothing(tmp_path: Path) -> None:
    door = Door(tmp_path, track("run-1", [FAINT] * 8))
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    door.replay(0.9)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


# ----------------------------------------------------------------------------------------- the command


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace of yesterday, for a process whose clock is the machine's."""
    by = datetime.combine(datetime.now(UTC).date() - timedelta(days=1), T0.timetz()) - T0
    Door(
        tmp_path, *(moved(each, by) for each in (track("run-1", [FIRM] * 8), track("run-2", [FAINT] * 8, start_s=3600)))
    )
    return tmp_path


def ask(place: Path, *arguments: str) -> Answer:
    return muster("replay", *arguments, "--workspace", place)


def test_the_command_tells_changes_and_a_sentence(place: Path) -> None:
    day = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    answer = ask(place, "--threshold", "0.7", "--since", day, "--until", day)
    assert answer.code == 0, answer.err
    assert "punch lost" in answer.out
    assert "of 2 punches, 1 would be missing and 0 new" in answer.out
    assert "instead of 0.5000" in answer.out
    result = json.loads(ask(place, "--threshold", "0.7", "--since", day, "--json").out)
    assert [change["kind"] for change in result["changes"]] == ["alert new", "punch lost"]
    assert result["days"][0]["changes"] == {"alert new": 1, "punch lost": 1}


@pytest.mark.parametrize(
    ("threshold", "since", "told"),
    [
        ("0.5", "2999-01-01", "has not come yet"),
        ("0.5", "tomorrow", "is not a day"),
        ("0.5", "0001-01-01", "is too far from today"),
        ("0.5", "2020-01-01", "no sighting"),
    ],
)
def test_the_command_says_what_it_cannot_do_in_one_line(tmp_path: Path, threshold: str, since: str, told: str) -> None:
    answer = ask(tmp_path, "--threshold", threshold, "--since", since)
    assert (answer.code, len(answer.error_lines)) == (4, 1)
    assert told in answer.err
