"""Sightings, withdrawn names and strangers; tailgating has its own half of this file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from fakes import at, make_track

from engine.config import EventsConfig
from engine.events import EventMaker, classify
from engine.types import Event, EventKind, TailgatingClass, Track, TrackState

WINDOW_S = 2.0
CONFIG = EventsConfig(
    cool_down_s=60, episode_gap_s=20, door_window_s=WINDOW_S, min_presence_s=0.6, settle_s=4, context_s=1
)


@dataclass(frozen=True)
class Walk:
    """Somebody in view from `begins_s` to `leaves_s` under one track; the identity settles at `settles_s` (None: never)."""

    track_id: int
    begins_s: float
    leaves_s: float
    person: str | None = None
    stranger: str | None = None
    settles_s: float | None = 0.0

    def snapshot(self, now_s: float, gap_s: float = 1.0) -> Track | None:
        """The track as it stands at a moment; None before it begins and after it was reported as ended."""
        if now_s < self.begins_s - 1e-6 or now_s > self.leaves_s + gap_s + 0.1 + 1e-6:
            return None
        last = min(now_s, self.leaves_s)
        settled = self.settles_s is not None and now_s >= self.settles_s - 1e-6
        return make_track(
            self.track_id,
            self.begins_s,
            last,
            person=self.person if settled else None,
            stranger=self.stranger if settled else None,
            hits=round((last - self.begins_s) * 10) + 1,
            visible=now_s <= self.leaves_s + 1e-6,
            ended=now_s > self.leaves_s + gap_s + 1e-6,
        )


def watch(walks: Sequence[Walk], until_s: float, *, final: bool = False, config: EventsConfig = CONFIG) -> list[Event]:
    """The tailgating events of the walks at ten frames a second; with `final` the last frame is said to be the last."""
    maker = EventMaker(config, "door")
    events: list[Event] = []
    steps = round(until_s * 10)
    for step in range(steps + 1):
        alive = [track for track in (walk.snapshot(step / 10) for walk in walks) if track is not None]
        events += maker.update(alive, at(step / 10), final=final and step == steps)
    return [event for event in events if event.kind is EventKind.TAILGATING]


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.kind.value for event in events]


# ----------------------------------------------------------------------------------------- one track


def test_no_track_gives_no_event() -> None:
    assert EventMaker(CONFIG, "door").update([], at(0)) == []


def test_a_known_person_is_a_sighting_once_per_track() -> None:
    maker = EventMaker(CONFIG, "door")
    assert maker.update([make_track(1, 0, 0.2)], at(0.2)) == []
    (event,) = maker.update([make_track(1, 0, 0.3, person="E1")], at(0.3))
    assert (event.kind, event.employee_ids, event.camera, event.track_ids) == (
        EventKind.SIGHTING,
        ("E1",),
        "door",
        (1,),
    )
    assert event.time == at(0)  # when they came, not when the name was found
    assert event.arrival
    for step in range(4, 100):
        assert maker.update([make_track(1, 0, step / 10, person="E1")], at(step / 10)) == []


def test_somebody_still_in_view_after_the_cool_down_is_seen_again_but_does_not_arrive() -> None:
    maker = EventMaker(CONFIG, "door")
    maker.update([make_track(1, 0, 0, person="E1")], at(0))
    assert maker.update([make_track(1, 0, 59.9, person="E1")], at(59.9)) == []
    (event,) = maker.update([make_track(1, 0, 60, person="E1")], at(60))  # exactly on the cool-down
    assert (event.kind, event.time, event.arrival) == (EventKind.SIGHTING, at(60), False)


def test_two_tracks_of_one_person_are_two_sightings() -> None:
    maker = EventMaker(CONFIG, "door")
    events = maker.update([make_track(1, 0, 1, person="E1", ended=True)], at(1))
    events += maker.update([make_track(2, 3, 4, person="E1")], at(4))
    assert [(event.kind, event.arrival) for event in events] == [(EventKind.SIGHTING, True)] * 2


@pytest.mark.parametrize("state", [TrackState.CONFLICT, TrackState.UNKNOWN, TrackState.PENDING])
def test_a_name_that_no_longer_holds_is_retracted_once(state: TrackState) -> None:
    maker = EventMaker(CONFIG, "door")
    maker.update([make_track(1, 0, 0, person="E1")], at(0))
    (event,) = maker.update([make_track(1, 0, 1, state=state)], at(1))
    assert (event.kind, event.employee_ids, event.track_ids) == (EventKind.RETRACTION, ("E1",), (1,))
    assert state.value in event.detail
    assert maker.update([make_track(1, 0, 2, state=state)], at(2)) == []


def test_a_name_that_becomes_another_is_retracted_and_the_other_one_seen() -> None:
    maker = EventMaker(CONFIG, "door")
    maker.update([make_track(1, 0, 0, person="E1")], at(0))
    events = maker.update([make_track(1, 0, 1, person="E2")], at(1))
    assert [(event.kind.value, event.employee_ids) for event in events] == [
        ("retraction", ("E1",)),
        ("sighting", ("E2",)),
    ]
    assert events[1].arrival


def test_a_stranger_is_one_incident_per_track() -> None:
    maker = EventMaker(CONFIG, "door")
    (event,) = maker.update([make_track(1, 0, 1, stranger="unknown-1")], at(1))
    assert (event.kind, event.unknown_ids, event.employee_ids) == (EventKind.UNKNOWN, ("unknown-1",), ())
    for second in range(2, 120):
        assert maker.update([make_track(1, 0, second, stranger="unknown-1")], at(second)) == []


@pytest.mark.parametrize(("gap_s", "incidents"), [(5.0, 1), (20.0, 1), (20.001, 2), (600.0, 2)])
def test_a_stranger_who_returns_is_a_new_incident_only_after_the_episode_gap(gap_s: float, incidents: int) -> None:
    maker = EventMaker(CONFIG, "door")
    events = maker.update([make_track(1, 0, 10, stranger="unknown-1", ended=True)], at(12))
    events += maker.update([make_track(2, 10 + gap_s, 12 + gap_s, stranger="unknown-1")], at(12 + gap_s))
    assert kinds(events) == ["unknown"] * incidents


def test_two_strangers_are_two_incidents() -> None:
    maker = EventMaker(CONFIG, "door")
    tracks = [make_track(1, 0, 1, stranger="unknown-1"), make_track(2, 0, 1, stranger="unknown-2")]
    assert kinds(maker.update(tracks, at(1))) == ["unknown", "unknown"]


def test_unknown_incidents_can_be_switched_off() -> None:
    maker = EventMaker(EventsConfig(unknown=False), "door")
    assert maker.update([make_track(1, 0, 1, stranger="unknown-1")], at(1)) == []


# ----------------------------------------------------------------------------------------- groups

ANN = Walk(1, 0, 4, "ann")


@pytest.mark.parametrize(
    ("known", "others", "expected"),
    [(2, 0, "known+known"), (1, 1, "known+unknown"), (3, 1, "known+unknown"), (0, 2, "unknown+unknown")],
)
def test_the_kind_of_a_passage(known: int, others: int, expected: str) -> None:
    assert classify(known, others) is TailgatingClass(expected)


def test_nobody_and_somebody_alone_are_no_tailgating() -> None:
    assert watch([], 3) == []
    assert watch([ANN], 10, final=True) == []


@pytest.mark.parametrize(
    ("other", "expected", "employees", "strangers"),
    [
        (Walk(2, 0, 4, "bob"), "known+known", ("ann", "bob"), ()),
        (Walk(2, 0, 4, stranger="unknown-1"), "known+unknown", ("ann",), ("unknown-1",)),
    ],
)
def test_two_together_are_one_incident_of_their_kind(
    other: Walk, expected: str, employees: tuple[str, ...], strangers: tuple[str, ...]
) -> None:
    (event,) = watch([ANN, other], 20, final=True)
    assert event.classification is TailgatingClass(expected)
    assert (event.employee_ids, event.unknown_ids, event.people) == (employees, strangers, 2)
    assert set(event.track_ids) == {1, 2}


def test_two_strangers_together_are_one_incident_of_their_kind() -> None:
    (event,) = watch([Walk(1, 0, 4, stranger="unknown-1"), Walk(2, 1, 4, stranger="unknown-2")], 20)
    assert event.classification is TailgatingClass.TWO_UNKNOWN
    assert event.unknown_ids == ("unknown-1", "unknown-2")


def test_one_incident_per_episode_even_when_it_lasts_long() -> None:
    assert len(watch([Walk(1, 0, 120, "ann"), Walk(2, 0, 120, "bob")], 125, final=True)) == 1


def test_two_episodes_are_two_incidents() -> None:
    first, second = [ANN, Walk(2, 0, 4, "bob")], [Walk(3, 60, 64, "ann"), Walk(4, 60, 64, "bob")]
    assert len(watch([*first, *second], 80)) == 2


def test_three_together_are_one_incident_of_three() -> None:
    (event,) = watch([ANN, Walk(2, 0, 4, "bob"), Walk(3, 0.5, 4, stranger="unknown-1")], 20)
    assert (event.people, event.classification) == (3, TailgatingClass.KNOWN_UNKNOWN)
    late = [Walk(3, 5.5, 9, "cem"), Walk(4, 5.5, 9, "dan")]
    assert len(watch([ANN, Walk(2, 0, 4, "bob"), *late], 20)) == 1  # within the window: the same episode


@pytest.mark.parametrize("after_s", [0.5, 1.0, 1.9, WINDOW_S])
def test_a_follower_within_the_door_window_and_exactly_on_it_is_tailgating(after_s: float) -> None:
    begins = round(4 + after_s, 3)
    assert len(watch([ANN, Walk(2, begins, begins + 4, "bob")], 20)) == 1


@pytest.mark.parametrize("after_s", [WINDOW_S + 0.1, 30.0])
def test_a_follower_beyond_the_door_window_is_not_tailgating(after_s: float) -> None:
    begins = round(4 + after_s, 3)
    assert watch([ANN, Walk(2, begins, begins + 4, "bob")], 60, final=True) == []


def test_a_track_that_breaks_and_resumes_as_the_same_person_is_nobodys_follower() -> None:
    assert watch([ANN, Walk(2, 5.5, 9, "ann", settles_s=6.5)], 20, final=True) == []
    strangers = [Walk(1, 0, 4, stranger="unknown-1"), Walk(2, 5.5, 9, stranger="unknown-1", settles_s=7.5)]
    assert watch(strangers, 20, final=True) == []


def test_a_flicker_is_not_a_person() -> None:
    assert watch([ANN, Walk(2, 1, 1.5, stranger="unknown-1")], 20, final=True) == []  # 0.5 s, less than min_presence_s


def test_a_presence_exactly_on_the_limit_is_a_person() -> None:
    assert len(watch([ANN, Walk(2, 1, 1.6, stranger="unknown-1")], 20, final=True)) == 1


def test_a_face_that_never_settles_counts_beside_another() -> None:
    (event,) = watch([Walk(1, 0, 9, "ann"), Walk(2, 0, 9, settles_s=None)], 20)
    assert (event.people, event.classification) == (2, TailgatingClass.KNOWN_UNKNOWN)
    assert "not identified" in event.detail


def test_two_faces_that_never_settle_are_two_people() -> None:
    (event,) = watch([Walk(1, 0, 9, settles_s=None), Walk(2, 0, 9, settles_s=None)], 20)
    assert (event.people, event.classification) == (2, TailgatingClass.TWO_UNKNOWN)


def test_two_detections_far_apart_in_time_are_not_a_person() -> None:
    maker = EventMaker(CONFIG, "door")
    pair = [make_track(1, 0, 4, person="ann"), make_track(2, 0, 4, person="bob", hits=2)]
    assert "tailgating" not in kinds(maker.update(pair, at(4), final=True))


def test_a_face_that_never_settles_does_not_count_alone_after_another() -> None:
    assert watch([ANN, Walk(2, 5, 9, settles_s=None)], 20, final=True) == []


def test_the_incident_waits_for_identities() -> None:
    (event,) = watch([Walk(1, 0, 9, "ann"), Walk(2, 0, 9, "bob", settles_s=3)], 20)
    assert event.employee_ids == ("ann", "bob")
    assert event.until == at(3)
    assert event.time < at(1)  # it began when they were two


def test_the_incident_does_not_wait_longer_than_the_settling_time() -> None:
    (event,) = watch([Walk(1, 0, 30, "ann"), Walk(2, 0, 30, "bob", settles_s=20)], 40)
    assert event.employee_ids == ("ann",)
    assert event.until == event.time + (at(CONFIG.settle_s) - at(0))


def test_the_end_of_the_source_settles_what_is_open() -> None:
    walks = [Walk(1, 0, 9, "ann"), Walk(2, 0, 9, "bob")]
    assert watch(walks, 0.9) == []
    assert len(watch(walks, 0.9, final=True)) == 1
    assert len(watch([Walk(1, 0, 1, "ann"), Walk(2, 0, 1, "bob")], 20)) == 1  # also when they leave before it is told


def test_pictures_are_wanted_only_while_an_incident_is_being_watched() -> None:
    maker = EventMaker(CONFIG, "door")
    states = []
    for step in range(25):
        pair = [make_track(1, 0, step / 10, person="ann"), make_track(2, 0, step / 10, person="bob")]
        events = maker.update(pair, at(step / 10))
        states.append((maker.passage_open, "tailgating" in kinds(events)))
    told = states.index((False, True))
    assert states[0] == (False, False)
    assert (True, False) in states[:told]
    assert all(state == (False, False) for state in states[told + 1 :])


def test_tailgating_can_be_switched_off() -> None:
    off = CONFIG.model_copy(update={"tailgating": False})
    assert watch([ANN, Walk(2, 0, 4, "bob")], 20, final=True, config=off) == []


def test_after_the_clock_stepped_back_somebody_long_gone_is_not_followed() -> None:
    maker = EventMaker(CONFIG, "door")
    events = maker.update([make_track(1, 3600, 3604, person="ann", ended=True)], at(3605))
    for second in range(30):
        events += maker.update([], at(second))  # half a minute of nobody, on the clock that was set back
    for step in range(40):
        events += maker.update([make_track(2, 30, 30 + step / 10, person="bob")], at(30 + step / 10))
    assert kinds(events) == ["sighting", "sighting"]


@pytest.mark.parametrize(("away_s", "returns_s", "anew"), [(30, 0.5, False), (30, 10, True), (2, 0.0, False)])
def test_whoever_stands_there_before_and_after_an_outage_has_not_arrived_twice(
    away_s: float, returns_s: float, anew: bool
) -> None:
    maker = EventMaker(CONFIG, "door")
    (first,) = maker.update([make_track(1, 0, 1, person="E1")], at(1))
    assert first.arrival
    maker.interrupted(at(2))
    back = 2 + away_s
    maker.resumed(at(back))
    seen = back + returns_s
    tracks = [make_track(1, 0, 1, person="E1", ended=True), make_track(2, seen, seen + 1, person="E1")]
    (second,) = maker.update(tracks, at(seen + 1))
    assert second.arrival == anew
    (other,) = maker.update([make_track(3, seen, seen + 1, person="E2")], at(seen + 1))
    assert other.arrival  # somebody else has come


def test_an_outage_right_after_another_one_forgets_nobody() -> None:
    maker = EventMaker(CONFIG, "door")
    maker.update([make_track(1, 0, 1, person="E1")], at(1))
    maker.interrupted(at(2))
    maker.update([make_track(1, 0, 1, person="E1", ended=True)], at(5))
    maker.resumed(at(5))
    maker.interrupted(at(6))
    maker.resumed(at(9))
    (again,) = maker.update([make_track(2, 10, 11, person="E1")], at(11))
    assert not again.arrival
    maker.update([make_track(2, 10, 12, person="E1", ended=True)], at(30))
    maker.interrupted(at(60))
    maker.resumed(at(61))
    (later,) = maker.update([make_track(3, 62, 63, person="E1")], at(63))
    assert later.arrival  # they had gone long before the last outage
