"""When a door opens: every condition alone keeps it closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes import T0, at
from pydantic import ValidationError

from engine.access.doors import WORDS, Decision, Facts, Refusal, decide
from engine.config import Config, DoorConfig
from engine.types import TrackState

ZONE = ZoneInfo("Europe/Berlin")  # T0 is a Monday, 09:00 there
OPEN: dict[str, Any] = {"action": "open", "cameras": ("front",), "topic": "relay/main", "reason": "hands full"}
DOOR = DoorConfig(**OPEN, people=("ann",), hours=("08:00-18:00",), days="mon-fri")
ANN = Facts(
    camera="front",
    person="ann",
    department="Sales",
    live=True,
    employed=True,
    state=TrackState.KNOWN,
    liveness="passed",
    confirmed=at(-1),
    first_seen=at(-3),
    watched_since=at(-60),
)


def door(**changes: Any) -> DoorConfig:
    return DOOR.model_copy(update=changes)


def test_it_opens_when_everything_holds() -> None:
    assert decide(DOOR, ANN, T0, ZONE) == Decision(opened=True)
    assert decide(door(action="dry_run"), ANN, T0, ZONE).opened


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"camera": "back"}, Refusal.OTHER_CAMERA),
        ({"live": False}, Refusal.NOT_LIVE),
        ({"person": "bob"}, Refusal.NOT_CHOSEN),
        ({"person": ""}, Refusal.NOT_CHOSEN),
        ({"employed": False}, Refusal.NOT_EMPLOYED),
        ({"state": TrackState.PENDING}, Refusal.NOT_DECIDED),
        ({"state": TrackState.CONFLICT}, Refusal.NOT_DECIDED),
        ({"state": TrackState.UNKNOWN}, Refusal.NOT_DECIDED),
        ({"unsure": True}, Refusal.NOT_DECIDED),
        ({"confirmed": None}, Refusal.NOT_DECIDED),
        ({"by_face": False}, Refusal.NOT_BY_FACE),
        ({"liveness": ""}, Refusal.LIVENESS),
        ({"liveness": "unproven"}, Refusal.LIVENESS),
        ({"liveness": "failed"}, Refusal.LIVENESS),
        ({"others": 1}, Refusal.NOT_ALONE),
        ({"tailgating": True}, Refusal.TAILGATING),
        ({"confirmed": at(-2.001)}, Refusal.OLD),
        ({"confirmed": at(0.6)}, Refusal.CLOCK),
        ({"first_seen": at(-59)}, Refusal.STARTED),
        ({"watched_since": None}, Refusal.STARTED),
        ({"opened": at(-9.9)}, Refusal.AGAIN),
        ({"opened": at(3600)}, Refusal.AGAIN),
    ],
)
def test_each_condition_alone_keeps_it_closed(facts: dict[str, Any], word: Refusal) -> None:
    assert decide(DOOR, replace(ANN, **facts), T0, ZONE) == Decision(False, (word,))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"action": "off"}, Refusal.OFF),
        ({"hours": ("10:00-18:00",)}, Refusal.HOURS),
        ({"hours": (), "days": "tue-sun"}, Refusal.HOURS),
        ({"hours": ("20:00-09:00",)}, Refusal.HOURS),  # the last minute does not count
        ({"people": (), "departments": ("Warehouse",)}, Refusal.NOT_CHOSEN),
        ({"people": (), "departments": ("",)}, Refusal.NOT_CHOSEN),
    ],
)
def test_the_settings_keep_it_closed(changes: dict[str, Any], word: Refusal) -> None:
    assert decide(door(**changes), ANN, T0, ZONE) == Decision(False, (word,))


def test_somebody_of_no_department_is_not_of_an_empty_one() -> None:
    nobody = replace(ANN, department="", person="eve")
    assert Refusal.NOT_CHOSEN in decide(door(departments=("",)), nobody, T0, ZONE).refusals


@pytest.mark.parametrize(
    "facts", [{"confirmed": at(-2)}, {"confirmed": at(0.4)}, {"opened": at(-10)}, {"first_seen": at(-58)}]
)
def test_limits_belong_to_what_is_allowed(facts: dict[str, Any]) -> None:
    assert decide(DOOR, replace(ANN, **facts), T0, ZONE).opened


def test_departments_are_compared_as_everywhere_and_hours_may_be_left_out() -> None:
    wide = door(people=(), departments=(" SALES ",), hours=(), days="")
    assert decide(wide, ANN, T0, ZONE).opened


def test_all_that_does_not_hold_is_named_in_words() -> None:
    found = decide(DOOR, replace(ANN, liveness="failed", others=2, opened=T0), T0 + timedelta(days=5), ZONE)
    assert {Refusal.LIVENESS, Refusal.NOT_ALONE, Refusal.HOURS, Refusal.OLD} <= {*found.refusals}
    assert set(WORDS) == set(Refusal)


@pytest.mark.parametrize("missing", ["cameras", "topic", "reason"])
def test_a_door_that_opens_must_be_complete(missing: str) -> None:
    with pytest.raises(ValidationError):
        DoorConfig(**{key: value for key, value in OPEN.items() if key != missing}, people=("ann",))


def test_a_door_opens_for_nobody_unless_somebody_is_chosen() -> None:
    with pytest.raises(ValidationError, match="choose people"):
        DoorConfig(**OPEN)
    assert DoorConfig().action == "off"


@pytest.mark.parametrize("topic", ["relay/#", "+/relay", "/relay", "relay/", "relay door", "$SYS/x"])
def test_a_topic_is_one_topic(topic: str) -> None:
    with pytest.raises(ValidationError):
        DoorConfig(**OPEN | {"topic": topic}, people=("ann",))


def test_without_a_broker_no_door_opens() -> None:
    with pytest.raises(ValidationError, match="MQTT"):
        Config(doors={"main": DOOR})
    assert Config(doors={"main": door(action="dry_run")}).doors["main"].action == "dry_run"


def test_a_time_without_its_zone_is_nobodys_business() -> None:
    with pytest.raises(TypeError):
        decide(DOOR, ANN, datetime(2026, 11, 23, 9), ZONE)  # noqa: DTZ001 - what must not pass
