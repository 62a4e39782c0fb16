"""What a passage of several people means at one camera: its door window, two known people, hosts and visitors, quiet hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from fakes import T0, at

from engine.config import CameraConfig, EventsConfig
from engine.events import EventMaker
from engine.types import Event, EventKind, Severity, TailgatingClass
from tests.events.test_events import CONFIG, Walk

ANN, BOB = Walk(1, 0, 6, "ann"), Walk(2, 0, 6, "bob")
BERLIN = ZoneInfo("Europe/Berlin")


def watch(
    walks: Sequence[Walk],
    rules: CameraConfig | None = None,
    *,
    until_s: float = 30,
    config: EventsConfig = CONFIG,
    zone: ZoneInfo | None = None,
    begin_s: float = 0,
    kind: EventKind = EventKind.TAILGATING,
) -> list[Event]:
    """Events of that kind of the walks, ten frames a second, from `begin_s` after T0 on."""
    maker = EventMaker(config, "door", rules, zone or ZoneInfo("UTC"))
    events: list[Event] = []
    for step in range(round(begin_s * 10), round((begin_s + until_s) * 10) + 1):
        alive = [track for track in (walk.snapshot(step / 10) for walk in walks) if track is not None]
        events += maker.update(alive, at(step / 10))
    return [event for event in events if event.kind is kind]


def at_hour(hour: int, minute: int = 0) -> float:
    """Seconds from T0 to that time of day in UTC on the same date."""
    return (T0.replace(hour=hour, minute=minute) - T0).total_seconds()


def together(begin_s: float, *others: Walk) -> list[Walk]:
    """Ann and others for six seconds from a moment on."""
    return [
        Walk(walk.track_id, begin_s + walk.begins_s, begin_s + walk.leaves_s, walk.person, walk.stranger, begin_s)
        for walk in (ANN, *others)
    ]


# ----------------------------------------------------------------------------------------- door window


@pytest.mark.parametrize(
    ("own_s", "gap_s", "incidents"),
    [(None, 2.0, 1), (None, 2.1, 0), (0.5, 0.5, 1), (0.5, 0.6, 0), (6.0, 6.0, 1), (6.0, 6.1, 0), (0.0, 0.1, 0)],
)
def test_a_camera_has_a_door_window_of_its_own(own_s: float | None, gap_s: float, incidents: int) -> None:
    begins = round(6 + gap_s, 3)
    walks = [ANN, Walk(2, begins, begins + 6, "bob")]
    assert len(watch(walks, CameraConfig(door_window_s=own_s))) == incidents


def test_without_a_door_window_people_in_view_at_once_pass_together() -> None:
    assert len(watch([ANN, BOB], CameraConfig(door_window_s=0.0))) == 1


@pytest.mark.parametrize(
    ("everywhere", "here", "incidents"), [(True, None, 1), (True, False, 0), (False, None, 0), (False, True, 1)]
)
def test_a_camera_may_tell_groups_or_not_whatever_the_others_do(
    everywhere: bool, here: bool | None, incidents: int
) -> None:
    config = CONFIG.model_copy(update={"tailgating": everywhere})
    assert len(watch([ANN, BOB], CameraConfig(tailgating=here), config=config)) == incidents


# ----------------------------------------------------------------------------------------- two known people


@pytest.mark.parametrize(("rule", "severity"), [("incident", Severity.LOW), ("note", Severity.INFO)])
def test_two_known_people_are_an_incident_or_a_note(rule: str, severity: Severity) -> None:
    (event,) = watch([ANN, BOB], CameraConfig.model_validate({"two_known": rule}))
    assert (event.severity, event.classification) == (severity, TailgatingClass.TWO_KNOWN)


def test_two_known_people_may_be_nothing_at_all() -> None:
    assert watch([ANN, BOB], CameraConfig(two_known="ignore")) == []


@pytest.mark.parametrize("rule", ["incident", "note", "ignore"])
def test_what_two_known_people_mean_excuses_no_stranger(rule: str) -> None:
    rules = CameraConfig.model_validate({"two_known": rule})
    (event,) = watch([ANN, BOB, Walk(3, 0, 6, stranger="unknown-1")], rules)
    assert (event.severity, event.classification, event.people) == (Severity.HIGH, TailgatingClass.KNOWN_UNKNOWN, 3)
    (event,) = watch([Walk(3, 0, 6, stranger="unknown-1"), Walk(4, 0, 6, stranger="unknown-2")], rules)
    assert event.severity is Severity.MEDIUM


@pytest.mark.parametrize("rule", ["incident", "note", "ignore"])
@pytest.mark.parametrize("after_s", [0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 4.0])
def test_a_stranger_who_slips_in_behind_two_known_people_is_told(rule: str, after_s: float) -> None:
    stranger = Walk(3, after_s, after_s + 6, stranger="unknown-1", settles_s=after_s + 0.7)
    events = watch([ANN, BOB, stranger], CameraConfig.model_validate({"two_known": rule}))
    (told,) = [event for event in events if event.severity is Severity.HIGH]
    assert told.unknown_ids == ("unknown-1",)
    assert told.classification is TailgatingClass.KNOWN_UNKNOWN


# ----------------------------------------------------------------------------------------- hosts and visitors

VISITOR = Walk(5, 0, 6, stranger="unknown-5")
OTHER_VISITOR = Walk(6, 0, 6, stranger="unknown-6")


@pytest.mark.parametrize(
    ("hosts", "per_host", "walks", "escorted"),
    [
        pytest.param((), 1, [ANN, VISITOR], False, id="nobody may bring visitors"),
        pytest.param(("ann",), 1, [ANN, VISITOR], True, id="a host and a visitor"),
        pytest.param(("*",), 1, [ANN, VISITOR], True, id="everybody may"),
        pytest.param(("bob",), 1, [ANN, VISITOR], False, id="the host is not there"),
        pytest.param(("ann",), 1, [ANN, BOB, VISITOR], True, id="a colleague goes along"),
        pytest.param(("ann",), 1, [ANN, VISITOR, OTHER_VISITOR], False, id="one visitor too many"),
        pytest.param(("ann",), 2, [ANN, VISITOR, OTHER_VISITOR], True, id="as many as allowed"),
        pytest.param(("*",), 1, [ANN, BOB, VISITOR, OTHER_VISITOR], True, id="two hosts, two visitors"),
        pytest.param(("*",), 1, [VISITOR, OTHER_VISITOR], False, id="visitors alone"),
    ],
)
def test_visitors_of_a_host_are_a_note(
    hosts: tuple[str, ...], per_host: int, walks: list[Walk], escorted: bool
) -> None:
    (event,) = watch(walks, CameraConfig(hosts=hosts, visitors_per_host=per_host))
    assert (event.severity is Severity.INFO) == escorted
    assert event.detail.endswith("escorted") == escorted


def test_a_visitor_whose_face_never_settles_is_a_visitor() -> None:
    (event,) = watch([ANN, Walk(5, 0, 6, settles_s=None)], CameraConfig(hosts=("ann",)))
    assert event.severity is Severity.INFO


@pytest.mark.parametrize("after_s", [0.8, 1.5, 3.0])
def test_whoever_slips_in_behind_an_escorted_visitor_is_told(after_s: float) -> None:
    late = Walk(7, after_s, after_s + 6, stranger="unknown-7", settles_s=after_s + 0.7)
    events = watch([ANN, VISITOR, late], CameraConfig(hosts=("ann",)))
    (told,) = [event for event in events if event.severity is Severity.HIGH]
    assert "unknown-7" in told.unknown_ids
    assert len(events) <= 2


def test_an_escorted_visitor_who_gets_an_identifier_late_is_told_once() -> None:
    late = Walk(5, 0, 12, stranger="unknown-5", settles_s=7)
    events = watch([Walk(1, 0, 12, "ann"), late], CameraConfig(hosts=("ann",)))
    assert [event.severity for event in events] == [Severity.INFO]


# ----------------------------------------------------------------------------------------- quiet hours

QUIET = CameraConfig(two_known="ignore", hosts=("*",), visitors_per_host=9, quiet_hours=("20:00-06:00",))


@pytest.mark.parametrize("other", [BOB, VISITOR])
@pytest.mark.parametrize(
    ("hour", "minute", "quiet"), [(19, 59, False), (20, 0, True), (23, 59, True), (5, 59, True), (6, 0, False)]
)
def test_in_quiet_hours_no_exception_holds(other: Walk, hour: int, minute: int, quiet: bool) -> None:
    begin = at_hour(hour, minute)
    events = watch(together(begin, other), QUIET, begin_s=begin)
    assert [event.severity for event in events if event.severity is not Severity.INFO] == [Severity.HIGH] * quiet
    assert all("in quiet hours" in event.detail for event in events if quiet)


def test_quiet_hours_are_local() -> None:
    begin = at_hour(19, 30)  # 20:30 in Berlin in November
    assert datetime.fromisoformat("2026-11-23T20:30:00+01:00") == at(begin)
    walks = together(begin, BOB)
    assert watch(walks, QUIET, begin_s=begin) == []
    (event,) = watch(walks, QUIET, begin_s=begin, zone=BERLIN)
    assert event.severity is Severity.HIGH


@pytest.mark.parametrize(("hour", "severity"), [(12, Severity.MEDIUM), (22, Severity.HIGH)])
def test_a_stranger_alone_matters_more_in_quiet_hours(hour: int, severity: Severity) -> None:
    begin = at_hour(hour)
    walk = Walk(1, begin, begin + 5, stranger="unknown-1", settles_s=begin)
    (event,) = watch([walk], QUIET, begin_s=begin, kind=EventKind.UNKNOWN)
    assert event.severity is severity
