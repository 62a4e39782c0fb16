"""Publishes to the broker while Muster runs: one process per workspace does, whichever claimed it first."""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from engine.config import Config, MqttConfig, load_config
from engine.errors import BrokerAway, ConfigError, InputError, MusterError, StorageError
from engine.incidents.notifications import MQTT, Broker, DeliveryRow, Publication, client_id_of
from engine.operations.beats import fresh
from engine.operations.health import health
from engine.operations.mqtt.feed import Feed, Happened
from engine.operations.mqtt.topics import Topics, discovery
from engine.operations.recording import recorded
from engine.operations.site import recorded_cameras
from engine.storage import atomic_write, claimed, new_id, parse_json, storage_errors
from engine.words import phrase
from engine.workbench import Workbench

log = logging.getLogger(__name__)

FOLDER = "outbox/mqtt"
_LOOK_S = 0.5
_BEAT_S = 2.0
_CLAIM_S = 2.0
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_TAKEN_S = 60.0
_PATIENCE_S = 5.0
_AT_ONCE = 50
"""So many messages are under way at the same time."""


@dataclass(frozen=True)
class Standing:
    """How the connection to the broker stands.

    Attributes:
        since: from when on, ISO 8601. problem, hint: why there is none. waiting: messages that the broker has not confirmed.
    """

    broker: str
    connected: bool
    since: str
    waiting: int = 0
    problem: str = ""
    hint: str = ""


def publisher_standing(workspace: Path) -> Standing | None:
    """How it stands; None: no process publishes."""
    told = fresh(_standing_path(workspace))
    try:
        return Standing(**told) if told is not None else None
    except TypeError:
        return None


def _claim(workspace: Path) -> Path:
    return workspace / FOLDER / "publisher"


def _standing_path(workspace: Path) -> Path:
    return workspace / "log" / "mqtt.json"


class _Kept:
    """Topics of which the broker keeps something for this workspace, so that it can be taken back."""

    def __init__(self, folder: Path, broker: str) -> None:
        self._path, self._broker = folder / "kept.json", broker

    def read(self) -> set[str]:
        """The topics; none at another broker."""
        try:
            found = parse_json(self._path.read_bytes())
            return set(map(str, found["topics"])) if found["broker"] == self._broker else set()
        except (OSError, ValueError, KeyError, TypeError):
            return set()

    def write(self, topics: set[str]) -> None:
        """Note them.

        Raises:
            StorageError: the file cannot be written.
        """
        atomic_write(self._path, json.dumps({"broker": self._broker, "topics": sorted(topics)}).encode())


class Publisher:
    """A thread that publishes while it has claimed the workspace, until `close`.

    Raises:
        ConfigError: paho is not installed, or the certificate of the authority cannot be used.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench, self._config = bench, bench.config.mqtt
        self._folder = bench.workspace / FOLDER
        self._topics = Topics(self._config.base_topic, bench.config.site)
        self._kept = _Kept(self._folder, self._config.address)
        self._feed: Feed | None = None
        self._broker: Broker | None = None
        self._opening: Broker | None = None
        self._states: dict[str, bytes] = {}
        self._discovered: dict[str, bytes] = {}
        self._frames: dict[str, tuple[int, str]] = {}
        self._stood, self._told, self._told_at = self._standing(connected=False), "", 0.0
        self._states_due = 0.0
        self._made()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="muster-mqtt", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 5.0) -> bool:
        """End the thread; return whether it ended in time. What was not sent waits in the logs."""
        self._closing.set()
        if (opening := self._opening) is not None:
            opening.abort()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _made(self) -> Broker:
        return connection(self._bench, self._config, self._topics.availability)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                if self._bench.store.writes_sheets:  # of several machines on a database, one publishes
                    with claimed(_claim(self._bench.workspace)) as mine:
                        if mine:
                            self._publish()
            except MusterError as error:
                log.warning("MQTT waits: %s", error)
            except Exception:
                log.exception("MQTT waits")
            self._closing.wait(_CLAIM_S)

    # ------------------------------------------------------------------------------------- while it is claimed

    def _publish(self) -> None:
        failures = 0
        with contextlib.ExitStack() as stack:
            stack.callback(self._forget_standing)
            stack.callback(self._leave)
            while not self._closing.is_set():
                pause = _LOOK_S
                try:
                    self._round()
                    failures = 0
                except (BrokerAway, StorageError, ConfigError) as error:
                    self._failed(error)
                    pause = (
                        _TAKEN_S if "client id" in error.message else _BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)]
                    )
                    failures += 1
                self._closing_after(pause)

    def _closing_after(self, pause: float) -> None:
        """Wait, and tell how it stands meanwhile."""
        while pause > 0 and not self._closing.is_set():
            self._tell()
            step = min(pause, _BEAT_S)
            self._closing.wait(step)
            pause -= step

    def _round(self) -> None:
        """Connect if need be, publish the states that are due and what has happened.

        Raises:
            BrokerAway, StorageError, ConfigError: another round goes on.
        """
        if self._broker is not None and not self._broker.stands:
            self._broker.publish(
                [Publication(self._topics.availability, b"online", retain=True)]
            )  # says why it does not
        if self._broker is None:
            self._opening = broker = self._made()
            try:
                broker.connect()
            finally:
                self._opening = None
            self._broker, self._states, self._discovered, self._states_due = broker, {}, {}, 0.0
            log.info("connected to the MQTT broker %s", self._config.place)
            self._stood = self._standing(connected=True)
        if time.monotonic() >= self._states_due:
            self._publish_states(self._broker)
            self._states_due = time.monotonic() + self._config.states_every_s
        if self._config.events:
            self._publish_events(self._broker)

    def _failed(self, error: MusterError) -> None:
        if self._broker is not None:
            self._broker.close()
            self._broker = None
        if self._stood.connected or self._stood.problem != error.message:
            log.warning("MQTT waits: %s", error)
            self._stood = self._standing(connected=False, problem=error.message, hint=error.hint)

    def _publish_states(self, broker: Broker) -> None:
        config = self._bench.settings.get()
        cameras = recorded_cameras(config)
        wanted: dict[str, bytes] = {}
        if self._config.discovery:
            told = discovery(self._config, config.site, config.organisation, cameras)
            wanted = {topic: _json(content) for topic, content in told.items()}
        states = {topic: _json(content) for topic, content in self._now(config, cameras).items()}
        topics = {*wanted, *states, self._topics.availability}
        if (before := self._kept.read()) != topics:
            self._kept.write(before | topics)  # first: what the broker keeps must be known
            broker.publish([Publication(topic, b"", retain=True) for topic in sorted(before - topics)])
            self._kept.write(topics)
        fresh_ones = [*_changed(wanted, self._discovered), *_changed(states, self._states)]
        broker.publish([Publication(topic, content, retain=True) for topic, content in fresh_ones])
        self._discovered, self._states = wanted, states

    def _now(self, config: Config, cameras: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found = health(self._bench.workspace)
        states: dict[str, Mapping[str, Any]] = {
            self._topics.state: {
                "inside": len(self._bench.office.inside()),
                "open_alerts": self._bench.alerts.open_count(),
                "problem": "ON" if found.faults else "OFF",
                "faults": list(found.faults),
            }
        }
        for name in cameras:
            told = recorded(self._bench.workspace, name)
            frames, last = self._frames.get(name, (0, ""))
            if told is not None and told.frames != frames:
                frames, last = told.frames, self._bench.clock().astimezone(config.zone).isoformat(timespec="seconds")
                self._frames[name] = frames, last
            states[self._topics.of_camera(name, "state")] = {
                "state": told.state if told else "off",
                "recording": "ON" if told and told.state == "playing" else "OFF",
                "fps": round(told.fps) if told else 0,
                "last_frame": last or None,
            }
        return states

    def _publish_events(self, broker: Broker) -> None:
        if self._feed is None:
            lasts_s = self._bench.config.notifications.give_up_s
            self._feed = Feed(self._bench, self._folder, self._config, self._bench.config.site, lasts_s)
        while not self._closing.is_set():
            new, late = self._feed.waiting()
            if late:
                log.error("%d messages to the MQTT broker are given up: it was away for too long", len(late))
                self._feed.done(late)
                self._note(late, "given up")
            if not new:
                return
            rows = new[:_AT_ONCE]
            broker.publish(self._feed.publications(rows))
            self._feed.done(rows)
            self._note(rows, "delivered")

    def _note(self, rows: Sequence[Happened], result: Literal["delivered", "given up"]) -> None:
        now = self._bench.clock().astimezone(self._bench.config.zone)
        self._bench.outbox.note([_delivery(self._config, now, each.key, result) for each in rows])

    def _leave(self) -> None:
        """Say goodbye; if the settings name another broker now, or none, take back what this one keeps."""
        if self._broker is None:
            return
        broker, self._broker, moved = self._broker, None, False
        with contextlib.suppress(MusterError):
            if moved := load_config(self._bench.workspace).mqtt.address != self._config.address:
                take_back(broker, self._kept)
        broker.close(goodbye=not moved)

    # ------------------------------------------------------------------------------------------ how it stands

    def _standing(self, *, connected: bool, problem: str = "", hint: str = "") -> Standing:
        now = self._bench.clock().astimezone(self._bench.config.zone)
        return Standing(self._config.place, connected, now.isoformat(timespec="seconds"), 0, problem, hint)

    def _tell(self) -> None:
        waiting = 0
        if self._feed is not None:
            with contextlib.suppress(StorageError):
                waiting = len(self._feed.waiting()[0])
        told = json.dumps(asdict(self._stood) | {"waiting": waiting})
        if told != self._told or time.monotonic() >= self._told_at + _BEAT_S:
            self._told, self._told_at = told, time.monotonic()
            with contextlib.suppress(MusterError, OSError):
                atomic_write(_standing_path(self._bench.workspace), told.encode(), durable=False)

    def _forget_standing(self) -> None:
        path = _standing_path(self._bench.workspace)
        with contextlib.suppress(MusterError), storage_errors(path):
            path.unlink(missing_ok=True)


def connection(bench: Workbench, config: MqttConfig, availability: str = "", *, beside: bool = False) -> Broker:
    """A connection that is not open yet.

    Args:
        availability: see `Broker`.
        beside: under a name of its own, beside the process that publishes.

    Raises:
        ConfigError: see `Broker`.
    """
    name = client_id_of(config, bench.workspace, bench.config.site)
    return Broker(config, f"{name}-{secrets.token_hex(3)}" if beside else name, bench.workspace, availability)


def check_broker(bench: Workbench) -> None:
    """Connect to the broker of the settings, and leave.

    Raises:
        BrokerAway: it cannot be reached, or refuses. ConfigError: see `Broker`.
    """
    broker = connection(bench, bench.config.mqtt, beside=True)
    try:
        broker.connect(_PATIENCE_S)
    finally:
        broker.close()


def send_test(bench: Workbench) -> DeliveryRow:
    """Publish a test message, and log what came of it.

    Raises:
        ConfigError: see `Broker`. StorageError: the log cannot be written.
    """
    config, now = bench.config.mqtt, bench.clock().astimezone(bench.config.zone)
    key = new_id(now)
    content = {"event_type": "test", "message": key, "time": now.isoformat(), "detail": "nothing has happened"}
    broker = connection(bench, config, beside=True)
    try:
        broker.connect()
        broker.publish([Publication(Topics(config.base_topic, bench.config.site).test, _json(content))])
        row = _delivery(config, now, key, "delivered")
    except BrokerAway as error:
        row = _delivery(config, now, key, "given up", str(error))
    finally:
        broker.close()
    bench.outbox.note([row])
    return row


def clear(bench: Workbench) -> int:
    """Have the broker forget everything that it keeps for this workspace; return how many topics.

    Raises:
        ConfigError: there is no broker in the settings, or see `Broker`.
        InputError: a process publishes at the moment.
        BrokerAway: it cannot be reached.
    """
    config = bench.config.mqtt
    if not config.on:
        raise ConfigError(NO_BROKER, hint=HOW_TO)
    with claimed(_claim(bench.workspace)) as mine:
        if not mine:
            raise InputError(
                "Muster publishes at the moment", hint="stop `muster serve`, or remove the broker on the Settings page"
            )
        broker = connection(bench, config)
        try:
            broker.connect()
            return take_back(broker, _Kept(bench.workspace / FOLDER, config.address))
        finally:
            broker.close()


NO_BROKER = phrase("there is no MQTT broker in the settings")
HOW_TO = phrase("give its host on the Settings page under Notifications, or see docs/notifications.md")


def take_back(broker: Broker, kept: _Kept) -> int:
    """Have the broker forget what it keeps; return how many topics.

    Raises:
        BrokerAway, StorageError: it keeps some of it.
    """
    topics = kept.read()
    broker.publish([Publication(topic, b"", retain=True) for topic in sorted(topics)])
    kept.write(set())
    return len(topics)


def _changed(now: Mapping[str, bytes], before: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    return [(topic, content) for topic, content in now.items() if before.get(topic) != content]


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _delivery(
    config: MqttConfig, now: datetime, key: str, result: Literal["delivered", "given up"], detail: str = ""
) -> DeliveryRow:
    return DeliveryRow(
        delivery_id=new_id(now),
        timestamp=now,
        message_id=key,
        incident_id="",
        rule=MQTT,
        channel=config.address,
        result=result,
        attempt=1,
        detail=detail,
    )
