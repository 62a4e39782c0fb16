"""Whether a door opens for somebody now. Pure: every condition must hold, and all that do not are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from engine.config import DoorConfig
from engine.config.hours import days_of_week, within
from engine.types import TrackState, same_department
from engine.words import phrase

FRESH = timedelta(seconds=2)
"""A face that confirmed the name longer ago opens nothing, and no pulse is sent later than so."""
SETTLING = timedelta(seconds=2)
"""Who is in view so soon after recording began was there before: a restart lets nobody in."""
_SKEW = timedelta(seconds=0.5)


class Refusal(StrEnum):
    """A condition that does not hold."""

    OFF = "off"
    OTHER_CAMERA = "other_camera"
    NOT_LIVE = "not_live"
    NOT_CHOSEN = "not_chosen"
    NOT_EMPLOYED = "not_employed"
    HOURS = "hours"
    NOT_DECIDED = "not_decided"
    NOT_BY_FACE = "not_by_face"
    LIVENESS = "liveness"
    NOT_ALONE = "not_alone"
    TAILGATING = "tailgating"
    OLD = "old"
    CLOCK = "clock"
    STARTED = "started"
    AGAIN = "again"


WORDS: Mapping[Refusal, str] = {
    Refusal.OFF: phrase("the door is off"),
    Refusal.OTHER_CAMERA: phrase("the camera does not belong to the door"),
    Refusal.NOT_LIVE: phrase("the camera is not live"),
    Refusal.NOT_CHOSEN: phrase("the person was not chosen"),
    Refusal.NOT_EMPLOYED: phrase("the person is not employed today"),
    Refusal.HOURS: phrase("outside the hours of the door"),
    Refusal.NOT_DECIDED: phrase("the name is not certain"),
    Refusal.NOT_BY_FACE: phrase("identified at the kiosk, not by face"),
    Refusal.LIVENESS: phrase("not proven to be a living person"),
    Refusal.NOT_ALONE: phrase("somebody else is at the door"),
    Refusal.TAILGATING: phrase("people pass together"),
    Refusal.OLD: phrase("the face was confirmed too long ago"),
    Refusal.CLOCK: phrase("the decision lies in the future: the clock was changed"),
    Refusal.STARTED: phrase("in view when recording began"),
    Refusal.AGAIN: phrase("opened for this person a moment ago"),
}
"""Refusals in words."""


@dataclass(frozen=True)
class Facts:
    """What is known of somebody before a camera.

    Attributes:
        live: the camera is, and the workspace is no sample.
        employed: today.
        state, unsure: of the decision about the name.
        by_face: not by badge or PIN.
        liveness: `passed`, `unproven` or `failed`; empty: not checked.
        others: how many other people are in view, or were within the door window.
        tailgating: people are passing together, or an alarm about it runs.
        confirmed: when a face last confirmed the name.
        first_seen: of the track. watched_since: when recording began.
        opened: when the door last opened for the person, or would have.
    """

    camera: str
    person: str
    department: str = ""
    live: bool = False
    employed: bool = False
    state: TrackState = TrackState.PENDING
    unsure: bool = False
    by_face: bool = True
    liveness: str = ""
    others: int = 0
    tailgating: bool = False
    confirmed: datetime | None = None
    first_seen: datetime | None = None
    watched_since: datetime | None = None
    opened: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """Whether the door opens, or would, and which conditions do not hold."""

    opened: bool
    refusals: tuple[Refusal, ...] = ()


def chosen(door: DoorConfig, person: str, department: str) -> bool:
    """Return whether a door is meant for somebody."""
    ours = {same_department(each) for each in door.departments} - {""}
    return bool(person) and (person in door.people or same_department(department) in ours)


def in_hours(door: DoorConfig, local: datetime) -> bool:
    """Return whether the door may open at a local time."""
    days = days_of_week(door.days) if door.days else range(7)
    return within(door.hours, local, days) if door.hours else local.weekday() in days


def decide(door: DoorConfig, facts: Facts, now: datetime, zone: tzinfo) -> Decision:
    """Decide; `off` is the only condition in which `dry_run` and `open` differ from a door that is off.

    Args:
        now: the present, timezone-aware. zone: of the workplace.
    """
    began, seen = facts.watched_since, facts.first_seen
    age = None if facts.confirmed is None else now - facts.confirmed
    holds = {
        Refusal.OFF: door.action != "off",
        Refusal.OTHER_CAMERA: facts.camera in door.cameras,
        Refusal.NOT_LIVE: facts.live,
        Refusal.NOT_CHOSEN: chosen(door, facts.person, facts.department),
        Refusal.NOT_EMPLOYED: facts.employed,
        Refusal.HOURS: in_hours(door, now.astimezone(zone)),
        Refusal.NOT_DECIDED: facts.state is TrackState.KNOWN and not facts.unsure and age is not None,
        Refusal.NOT_BY_FACE: facts.by_face,
        Refusal.LIVENESS: facts.liveness == "passed",
        Refusal.NOT_ALONE: facts.others == 0,
        Refusal.TAILGATING: not facts.tailgating,
        Refusal.OLD: age is None or age <= FRESH,
        Refusal.CLOCK: age is None or age >= -_SKEW,
        Refusal.STARTED: began is not None and seen is not None and seen - began >= SETTLING,
        Refusal.AGAIN: facts.opened is None or now - facts.opened >= timedelta(seconds=door.again_s),
    }
    refusals = tuple(word for word, held in holds.items() if not held)
    return Decision(not refusals, refusals)
