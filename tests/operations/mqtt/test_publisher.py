"""What a real broker is told: events as they are written, states, discovery; and what happens while it is away."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from broker import PASSWORD, USER, Listener, RealBroker, free_port, kept_by, running
from waiting import until as wait_for

from engine.attendance import PunchRow
from engine.config.editing import edited
from engine.errors import BrokerAway, ConfigError, InputError
from engine.incidents.notifications import level
from engine.operations.mqtt import (
    Publisher,
    check_broker,
    clear,
    discovery,
    publisher_standing,
    send_test,
)
from engine.operations.mqtt.feed import Naming, incident, passage
from engine.operations.tls import OwnCertificates
from engine.operations.trial_message import send_trial
from engine.storage import new_id
from engine.types import Event, EventKind, Person, Severity
from engine.workbench import Workbench

ODD = "Ann\nbel <b>O'Neil</b>"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RealBroker]:
    with running(tmp_path / "broker") as found:
        yield found


@pytest.fixture
def heard(broker: RealBroker) -> Iterator[Listener]:
    listener = Listener(broker.port)
    yield listener
    listener.close()


def opened(folder: Path, port: int, cameras: Mapping[str, Mapping[str, Any]] | None = None, **mqtt: Any) -> Workbench:
    """A workspace that publishes, with somebody in it."""
    content: dict[str, Any] = {"mqtt": {"host": "127.0.0.1", "port": port, "tls": False, "states_every_s": 1.0, **mqtt}}
    content["cameras"] = dict(cameras or {"entrance": {"source": "rtsp://127.0.0.1:9/none"}})
    folder.mkdir(parents=True, exist_ok=True)
    changes = {(section, *path): value for section, values in content.items() for path, value in _leaves(values)}
    (folder / "muster.toml").write_text(edited("", changes), encoding="utf-8")
    bench = Workbench(folder)
    if "ann" not in bench.people.all():
        bench.people.put(Person("ann", "Annabel"))
    return bench


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


@contextlib.contextmanager
def publishing(bench: Workbench) -> Iterator[Publisher]:
    publisher = Publisher(bench)
    try:
        yield publisher
    finally:
        assert publisher.close(10)


def punch(bench: Workbench, camera: str = "entrance", **values: Any) -> str:
    """A punch of Annabel now, as a recorder writes it; its id."""
    now = bench.clock().astimezone(bench.config.zone)
    row = PunchRow(new_id(now), now, "ann", "punch", camera, "face", direction="in", liveness="passed", **values)
    with bench.attendance.log.exclusive():
        bench.attendance.log.append(now.date(), [row])
    return row.event_id


def report(bench: Workbench, kind: EventKind = EventKind.UNKNOWN, **values: Any) -> str:
    facts = {"unknown_ids": ("unknown-7",), "severity": Severity.MEDIUM, **values}
    row = bench.incidents.record(Event(kind, bench.clock(), "entrance", **facts), {})
    assert row is not None
    return row.incident_id


def connected(bench: Workbench) -> None:
    def stands() -> bool:
        found = publisher_standing(bench.workspace)
        return found is not None and found.connected

    wait_for(stands)


def test_passages_incidents_and_states_reach_the_broker(tmp_path: Path, broker: RealBroker, heard: Listener) -> None:
    bench = opened(tmp_path / "ws", broker.port)
    before = punch(bench)  # it was there before anybody published
    with publishing(bench):
        assert heard.until(lambda topic, _: topic == "muster/main/availability")[1] == b"online"
        connected(bench)
        key = punch(bench)
        told = heard.json(lambda topic, _: topic == "muster/main/camera/entrance/passage")
        assert (told["message"], told["event_type"], told["person"]) == (key, "punch", {"id": "ann"})
        assert (told["method"], told["direction"], told["liveness"]) == ("face", "in", "passed")
        found = report(bench)
        told = heard.json(lambda topic, _: topic == "muster/main/camera/entrance/incident")
        assert (told["message"], told["event_type"], told["severity"]) == (found, "unknown", "medium")
        assert told["strangers"] == ["unknown-7"]
        state = heard.json(lambda topic, text: topic == "muster/main/state" and json.loads(text)["open_alerts"] == 1)
        assert (state["inside"], state["problem"]) == (1, "OFF")
    assert heard.until(lambda topic, _: topic == "muster/main/availability")[1] == b"offline"
    everything = b"".join(payload for _, payload, _ in heard.rest())
    assert b"Annabel" not in everything  # names only where somebody asked for them
    assert before.encode() not in everything
    rows = bench.outbox.log.read(bench.attendance.day_of(bench.clock()))
    assert [(row.rule, row.channel, row.message_id, row.result) for row in rows] == [
        ("mqtt", f"mqtt://127.0.0.1:{broker.port}", key, "delivered"),
        ("mqtt", f"mqtt://127.0.0.1:{broker.port}", found, "delivered"),
    ]
    kept = kept_by(broker.port)
    assert not [topic for topic in kept if topic.endswith(("passage", "incident"))]  # events are not kept


def test_nothing_is_lost_and_nothing_comes_twice_over_an_outage_and_a_restart(
    tmp_path: Path, broker: RealBroker
) -> None:
    bench = opened(tmp_path / "ws", broker.port)
    with publishing(bench):
        connected(bench)
        first = punch(bench)
        wait_for(lambda: bench.outbox.log.read(bench.attendance.day_of(bench.clock())))
        broker.stop()
        keys = [first, *(punch(bench) for _ in range(3)), report(bench)]

        def told() -> bool:
            found = publisher_standing(bench.workspace)
            return found is not None and not found.connected and found.waiting == 4 and bool(found.hint)

        wait_for(told)
    another = punch(bench)  # while nobody publishes at all
    broker.start()
    listener = Listener(broker.port)
    with publishing(Workbench(bench.workspace)):
        listener.until(lambda _topic, text: another.encode() in text)
    got = [json.loads(text)["message"] for topic, text, _ in listener.rest() if topic.endswith(("passage", "incident"))]
    listener.close()
    assert sorted(got) == sorted([*keys[1:], another])


def test_what_waited_too_long_is_given_up_and_logged(tmp_path: Path, broker: RealBroker, heard: Listener) -> None:
    bench = opened(tmp_path / "ws", broker.port)
    with publishing(bench):
        connected(bench)
    key = punch(bench)
    later = Workbench(bench.workspace, clock=lambda: datetime.now(UTC) + timedelta(days=1, hours=1))
    with publishing(later):
        wait_for(
            lambda: (
                [row.result for row in later.outbox.log.read(later.attendance.day_of(later.clock()))] == ["given up"]
            )
        )
    assert key.encode() not in b"".join(text for _, text, _ in heard.rest())


def test_of_two_processes_one_publishes_and_the_other_takes_over(
    tmp_path: Path, broker: RealBroker, heard: Listener
) -> None:
    bench = opened(tmp_path / "ws", broker.port)
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from engine.operations.mqtt import Publisher
        from engine.workbench import Workbench
        publisher = Publisher(Workbench(Path(sys.argv[1])))
        sys.stdin.read()
        publisher.close()
        """
    )
    other = subprocess.Popen([sys.executable, "-c", script, str(bench.workspace)], stdin=subprocess.PIPE)
    try:
        connected(bench)
        with publishing(bench):
            keys = [punch(bench) for _ in range(3)]
            day = bench.attendance.day_of(bench.clock())
            wait_for(lambda: len(bench.outbox.log.read(day)) == len(keys))
            other.kill()  # it says no goodbye: the broker does
            other.wait(10)
            last = punch(bench)
            heard.until(lambda topic, text: topic.endswith("availability") and text == b"offline")
            heard.until(lambda topic, text: topic.endswith("availability") and text == b"online")
            heard.until(lambda _topic, text: last.encode() in text)
    finally:
        other.kill()
        other.wait(10)
        assert other.stdin is not None
        other.stdin.close()
    got = [json.loads(text)["message"] for topic, text, _ in heard.rest() if topic.endswith("passage")]
    assert got == [*keys, last]
    assert (broker.folder / "log").read_text().count("already connected") == 0  # nobody threw anybody out


def test_home_assistant_is_told_of_sensors_and_of_those_that_are_gone(tmp_path: Path, broker: RealBroker) -> None:
    cameras = {"entrance": {"source": "rtsp://127.0.0.1:9/a"}, "Tür #1/+ hinten": {"source": "rtsp://127.0.0.1:9/b"}}
    bench = opened(tmp_path / "ws", broker.port, cameras)
    with publishing(bench):
        connected(bench)
        wait_for(lambda: len(kept_by(broker.port)) > 10)
        kept = kept_by(broker.port)
        configs = {topic: json.loads(text) for topic, text in kept.items() if topic.startswith("homeassistant/")}
        kinds = sorted(topic.split("/")[1] for topic in configs)
        assert kinds == ["binary_sensor"] * 3 + ["event"] * 5 + ["sensor"] * 6
        assert len({each["unique_id"] for each in configs.values()}) == len(configs)
        assert all(
            set(topic) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/") for topic in kept
        )
        for each in configs.values():
            assert each["availability_topic"] == "muster/main/availability"
            if "value_template" in each:  # what a sensor shows is there
                assert each["value_template"].split(".")[1].split(" ")[0] in json.loads(kept[each["state_topic"]])
        odd = [each for each in configs.values() if each["device"]["name"] == "Tür #1/+ hinten"]
        assert len(odd) == 5
        assert {each["device"]["via_device"] for each in odd} == {"muster_muster_main"}

        text = (bench.workspace / "muster.toml").read_text()
        (bench.workspace / "muster.toml").write_text(edited(text, {("cameras", "Tür #1/+ hinten"): None}))
        wait_for(lambda: not [topic for topic in kept_by(broker.port) if "hinten" in topic])
        assert len([topic for topic in kept_by(broker.port) if "entrance" in topic]) == 6

        text = (bench.workspace / "muster.toml").read_text()
        (bench.workspace / "muster.toml").write_text(edited(text, {("mqtt",): None}))
    assert kept_by(broker.port) == {}  # the channel was removed: nothing stays behind


def test_a_workspace_can_be_cleared_from_the_broker(tmp_path: Path, broker: RealBroker) -> None:
    bench = opened(tmp_path / "ws", broker.port)
    with publishing(bench):
        connected(bench)
        with pytest.raises(InputError):
            clear(bench)
    assert kept_by(broker.port)["muster/main/availability"] == b"offline"
    assert clear(bench) > 8
    assert kept_by(broker.port) == {}


def test_names_go_out_only_where_somebody_asked_for_them_and_in_one_line(
    tmp_path: Path, broker: RealBroker, heard: Listener
) -> None:
    bench = opened(tmp_path / "ws", broker.port, who="names")
    with publishing(bench):
        connected(bench)
        punch(bench)
        told = heard.json(lambda topic, _: topic.endswith("passage"))
    assert told["person"] == {"id": "ann", "name": "Annabel"}
    row = PunchRow("1", bench.clock(), "ann", "punch", "door\r\nX: y", "badge")
    assert passage(row, Naming("names", lambda _id: ODD))["person"]["name"] == "Ann bel <b>O'Neil</b>"
    assert passage(row, Naming("names", lambda _id: ODD))["camera"] == "door X: y"
    assert passage(row, Naming("nobody", lambda _id: ODD))["person"] == {}
    key = report(bench, employee_ids=("ann",))
    found = next(
        each for each in bench.incidents.log.read(bench.attendance.day_of(bench.clock())) if each.incident_id == key
    )
    assert incident(found, Naming("nobody"))["persons"] == incident(found, Naming("nobody"))["strangers"] == []


def test_whoever_was_erased_while_the_broker_was_away_is_not_told(
    tmp_path: Path, broker: RealBroker, heard: Listener
) -> None:
    bench = opened(tmp_path / "ws", broker.port, who="names")
    with publishing(bench):
        connected(bench)
    punch(bench)
    bench.privacy.forget("ann", author="test")
    with publishing(Workbench(bench.workspace)):
        heard.until(lambda topic, _: topic.endswith("passage"))
    everything = b"".join(text for _, text, _ in heard.rest())
    assert b"Annabel" not in everything
    assert b'"ann"' not in everything


def test_a_wrong_password_says_what_to_do_and_is_shown_nowhere(tmp_path: Path) -> None:
    with running(tmp_path / "broker", password=True) as broker:
        wrong = opened(tmp_path / "wrong", broker.port, user=USER, password="not this one")
        with pytest.raises(BrokerAway, match="user and password") as caught:
            check_broker(wrong)
        assert "not this one" not in str(caught.value)
        row = send_test(wrong)
        assert (row.result, "not this one" in row.detail) == ("given up", False)
        right = opened(tmp_path / "right", broker.port, user=USER, password=PASSWORD)
        listener = Listener(broker.port, user=USER, password=PASSWORD)
        (sent,) = send_trial(right)
        assert sent.result == "delivered"
        told = listener.json(lambda topic, _: topic == "muster/main/test")
        listener.close()
    assert (told["message"], told["event_type"]) == (sent.message_id, "test")
    everything = b"".join(
        path.read_bytes() for path in right.workspace.rglob("*") if path.is_file() and path.suffix != ".toml"
    )
    assert PASSWORD.encode() not in everything


def test_tls_needs_the_authority_of_the_broker(tmp_path: Path) -> None:
    own = OwnCertificates((), tmp_path / "tls", lambda: datetime.now(UTC))
    with running(tmp_path / "broker", tls=own.files()) as broker:
        strange = opened(tmp_path / "strange", broker.port, tls=True)
        with pytest.raises(BrokerAway, match="ca_file"):
            check_broker(strange)
        trusted = opened(tmp_path / "trusted", broker.port, tls=True, ca_file=str(own.authority))
        check_broker(trusted)
        with pytest.raises(ConfigError, match="ca_file"):
            check_broker(opened(tmp_path / "missing", broker.port, tls=True, ca_file="nothing.pem"))
    with running(tmp_path / "plain") as broker, pytest.raises(BrokerAway, match="tls"):
        check_broker(opened(tmp_path / "other", broker.port, tls=True))


def test_a_broker_that_is_away_or_silent_never_delays_a_punch(tmp_path: Path) -> None:
    import socket
    import time

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        bench = opened(tmp_path / "ws", silent.getsockname()[1])
        with publishing(bench):
            began = time.monotonic()
            for _ in range(10):
                punch(bench)
            assert time.monotonic() - began < 3
    bench = opened(tmp_path / "gone", free_port())
    with pytest.raises(BrokerAway, match="start the broker"):
        check_broker(bench)


def test_forged_messages_have_no_effect(tmp_path: Path, broker: RealBroker, heard: Listener) -> None:
    bench = opened(tmp_path / "ws", broker.port)
    with publishing(bench):
        connected(bench)
        for topic in (
            "homeassistant/status",
            "muster/main/camera/entrance/passage",
            "muster/main/state",
            "muster/main/set",
        ):
            heard.say(topic, b'{"event_type":"punch","person":{"id":"ann"}}', retain=True)
        key = punch(bench)
        heard.until(lambda _topic, text: key.encode() in text)
    assert len(bench.attendance.log.read(bench.attendance.day_of(bench.clock()))) == 1
    subscribed = [line for line in (broker.folder / "log").read_text().splitlines() if "SUBSCRIBE" in line]
    assert not [line for line in subscribed if "muster-" in line]


@pytest.mark.parametrize("text", ["entrance", "a b", "a/b", "a+b", "a#b", "Tür", "", "x" * 200, "$SYS", "a.b"])
def test_levels_are_safe_and_differ(text: str) -> None:
    others = {"a-b", "a b", "a/b", "a+b", "a#b", "a.b", "T-r"} - {text}
    assert set(level(text)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert 0 < len(level(text)) <= 64
    assert level(text) not in set(map(level, others))


def test_ids_stay_the_same_and_no_template_comes_from_a_name(tmp_path: Path) -> None:
    bench = opened(tmp_path / "ws", 1883)
    name = "{{ states }}\n' | x"
    one = discovery(bench.config.mqtt, "main", name, [name])
    two = discovery(bench.config.mqtt, "main", "other", [name])
    assert set(one) == set(two)
    assert all("{{ states" not in str(each.get("value_template", "")) for each in one.values())
