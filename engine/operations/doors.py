"""Doors of a workspace: what opens them while cameras are recorded, test pulses, and what would happen when."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.access.doors import Decision, DoorKeeper, DoorRow, Facts, Refusal, decide
from engine.config import DoorConfig, MqttConfig
from engine.errors import BrokerAway, ConfigError, InputError
from engine.incidents import IncidentKind
from engine.incidents.notifications import Broker, Publication
from engine.operations.mqtt import HOW_TO, NO_BROKER, connection
from engine.storage import new_id
from engine.types import NOBODY, TrackState
from engine.workbench import Workbench

_EXPIRES_S = 2
_PATIENCE_S = 1.5


class BrokerLine:
    """The way to the relays through the broker of the settings, under a client id of its own. Messages expire and are never kept."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._broker: Broker | None = None
        self._to: MqttConfig | None = None

    def connect(self) -> None:
        """See `engine.access.doors.Line`.

        Raises:
            ConfigError: there is no broker in the settings. BrokerAway: it cannot be reached.
        """
        config = self._bench.settings.get().mqtt
        if self._broker is not None and self._broker.stands and self._to == config:
            return
        self.close()
        if not config.on:
            raise ConfigError(NO_BROKER, hint=HOW_TO)
        self._to, self._broker = config, connection(self._bench, config, beside=True)
        try:
            self._broker.connect(_PATIENCE_S)
        except BrokerAway:
            self.close()
            raise

    def say(self, topic: str, payload: bytes) -> None:
        """See `engine.access.doors.Line`."""
        self.connect()
        assert self._broker is not None
        try:
            self._broker.publish([Publication(topic, payload, expires_s=_EXPIRES_S)], _PATIENCE_S)
        except BrokerAway:
            self.close()  # with what it still holds: nothing is sent late
            raise

    def close(self) -> None:
        """See `engine.access.doors.Line`."""
        if self._broker is not None:
            self._broker.close()
        self._broker = None


@contextlib.contextmanager
def opening_doors(bench: Workbench) -> Iterator[DoorKeeper]:
    """Within the context, live cameras that are recorded with this workbench open doors."""
    keeper = DoorKeeper(
        lambda: bench.settings.get().doors, bench.config.zone, bench.clock, bench.door_book, BrokerLine(bench)
    )
    bench.door_keeper = keeper
    try:
        yield keeper
    finally:
        bench.door_keeper = None
        keeper.close()


def door_named(bench: Workbench, name: str) -> DoorConfig:
    """Return a door of the settings.

    Raises:
        InputError: there is none of that name.
    """
    doors = bench.settings.get().doors
    if name not in doors:
        known = ", ".join(sorted(doors)) or "none"
        raise InputError(f"there is no door {name}", hint=f"doors of the settings: {known}; see docs/door.md")
    return doors[name]


def send_pulse(bench: Workbench, name: str, *, author: str, wait: Callable[[float], None] = time.sleep) -> DoorRow:
    """Open a door for its pulse, whoever stands there, and write it into the door log and the audit log.

    Raises:
        InputError: there is no such door, or it has no topic.
        ConfigError: there is no broker.
        StorageError: the logs cannot be written; nothing is sent.
    """
    door = door_named(bench, name)
    if not door.topic:
        raise InputError(f"door {name} has no topic", hint="give the topic of its relay")
    now = bench.records.now()
    bench.records.note("test_door", name, f"{door.pulse_s:g} s", author=author)
    row = DoorRow(new_id(now), now, name, "", "", "test", author=bench.records.names.ids(author))
    bench.door_book.note([row])
    line, problem = BrokerLine(bench), ""
    try:
        # it is closed even if opening failed: the relay may have heard, though no answer came
        for payload, pause_s in ((door.open_payload, 0.0), (door.close_payload, door.pulse_s)):
            if payload:
                if pause_s:
                    wait(pause_s)
                try:
                    line.say(door.topic, payload.encode())
                except BrokerAway as error:
                    problem = error.message
    finally:
        line.close()
    if problem:
        now = bench.records.now()
        row = DoorRow(new_id(now), now, name, "", "", "failed", author=row.author, detail=problem)
        bench.door_book.note([row])
    return row


@dataclass(frozen=True)
class Passage:
    """A passage of the past, and what a door would have done.

    Attributes:
        decision: for somebody who was not chosen, that alone.
    """

    time: datetime
    camera: str
    person: str
    liveness: str
    decision: Decision


def what_if(bench: Workbench, name: str, person: str, camera: str, at: datetime) -> Decision:
    """Return whether a door would open for somebody whose face is certain, alive and alone before a live camera at a time.

    Raises:
        InputError: there is no such door.
    """
    door = door_named(bench, name)
    return decide(door, _facts(bench, person, camera, at), at, bench.config.zone)


def _facts(bench: Workbench, person: str, camera: str, at: datetime, liveness: str = "passed") -> Facts:
    row = bench.people.known().get(person, NOBODY)
    return Facts(
        camera=camera,
        person=person,
        department=row.department,
        live=not bench.config.sample,
        employed=row.active and row is not NOBODY,
        state=TrackState.KNOWN,
        liveness=liveness,
        confirmed=at,
        first_seen=at,
        watched_since=at - timedelta(days=1),
    )


def replayed(bench: Workbench, name: str) -> list[Passage]:
    """Return what a door, if it were on, would have done for everybody whom its cameras named in the last day, oldest first.

    The attendance log tells neither who else stood there, unless it became an alert, nor how old a decision was.

    Raises:
        InputError: there is no such door.
        StorageError: a log cannot be read.
    """
    door, now = door_named(bench, name), bench.records.now()
    if door.action == "off":
        door = door.model_copy(update={"action": "dry_run"})
    since, zone = now - timedelta(days=1), bench.config.zone
    rows = bench.attendance.log.read(since.date(), now.date())
    alive = {row.track: row.liveness for row in bench.sightings.log.read(since.date(), now.date())}
    withdrawn = {row.track for row in rows if row.event == "retract"}
    alarms = [row for row in bench.incidents.log.read(since.date(), now.date()) if row.kind is IncidentKind.TAILGATING]
    last: dict[str, datetime] = {}
    found = []
    for row in sorted(rows, key=lambda each: each.timestamp):
        if row.timestamp < since or row.camera not in door.cameras or row.event not in {"punch", "seen"}:
            continue
        person, at = row.employee_id, row.timestamp
        liveness = alive.get(row.track, row.liveness)  # the row may have been written before it was proven
        facts = replace(
            _facts(bench, person, row.camera, at, liveness),
            state=TrackState.PENDING if row.track in withdrawn else TrackState.KNOWN,
            by_face=row.by_camera,
            tailgating=any(row.track in each.tracks for each in alarms),
            opened=last.get(person),
        )
        decision = decide(door, facts, at, zone)
        if Refusal.NOT_CHOSEN in decision.refusals:
            decision = Decision(False, (Refusal.NOT_CHOSEN,))
        if decision.opened:
            last[person] = at
        found.append(Passage(at, row.camera, person, liveness, decision))
    return found
