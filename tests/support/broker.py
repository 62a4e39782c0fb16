"""A real MQTT broker on a free port, and somebody who listens to it."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

USER, PASSWORD = "muster", "correct horse"


def mosquitto() -> str:
    """Where the broker is; Debian keeps it from users' paths."""
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")
    assert found, "install mosquitto: apt-get install mosquitto"
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RealBroker:
    """Mosquitto with what it keeps in a folder, so that it can be stopped and started again.

    Attributes:
        extra: lines of its configuration.
        password: users must sign in.
        tls: (certificate, key) as files.
    """

    folder: Path
    extra: tuple[str, ...] = ()
    password: bool = False
    tls: tuple[Path, Path] | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/"]
        lines += [f"allow_anonymous {'false' if self.password else 'true'}", "autosave_interval 1", *self.extra]
        if self.password:
            known = self.folder / "passwords"
            known.touch(0o600)
            tool = shutil.which("mosquitto_passwd") or "mosquitto_passwd"
            subprocess.run([tool, "-b", str(known), USER, PASSWORD], check=True, capture_output=True)
            lines.append(f"password_file {known}")
        if self.tls is not None:
            lines += [f"certfile {self.tls[0]}", f"keyfile {self.tls[1]}"]
        settings = self.folder / "mosquitto.conf"
        lines.append("user root")  # as whoever runs the tests: without it, root's broker could not read the folder
        settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with (self.folder / "log").open("ab") as output:
            self.process = subprocess.Popen([mosquitto(), "-c", str(settings)], stdout=output, stderr=output)
        end = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            log = (self.folder / "log").read_text(errors="replace")
            assert self.process.poll() is None, log
            assert time.monotonic() < end, log
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it as a power cut does not: it writes what it keeps first."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@contextlib.contextmanager
def running(folder: Path, **more: Any) -> Iterator[RealBroker]:
    """A broker that runs."""
    broker = RealBroker(folder, **more)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


class Listener:
    """Somebody who subscribes to everything.

    Attributes:
        retained: what the broker kept, newest by topic, when this listener came or since.
    """

    def __init__(self, port: int, topic: str = "#", **sign_in: str) -> None:
        self.heard: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self.all: list[tuple[str, bytes, bool]] = []
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.on_message = lambda _c, _d, told: self.heard.put((told.topic, told.payload, told.retain))
        ready = queue.Queue[bool]()
        client.on_connect = lambda c, *_: c.subscribe(topic, qos=1)
        client.on_subscribe = lambda *_: ready.put(True)
        if sign_in:
            client.username_pw_set(sign_in["user"], sign_in["password"])
        client.connect("127.0.0.1", port)
        client.loop_start()
        ready.get(timeout=10)
        self._client = client

    def close(self) -> None:
        """Listen no more."""
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish something oneself."""
        self._client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def until(self, wanted: Any, patience_s: float = 15.0) -> tuple[str, bytes, bool]:
        """The first message from now on for which `wanted(topic, payload)` is true."""
        end = time.monotonic() + patience_s
        while True:
            try:
                told = self.heard.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"nothing like it came; heard: {[each[0] for each in self.all]}") from None
            self.all.append(told)
            if wanted(told[0], told[1]):
                return told

    def json(self, wanted: Any, patience_s: float = 15.0) -> dict[str, Any]:
        """`until`, and what the message holds."""
        found = json.loads(self.until(wanted, patience_s)[1])
        assert isinstance(found, dict)
        return found

    def rest(self, quiet_s: float = 0.5) -> list[tuple[str, bytes, bool]]:
        """Everything that comes until it is quiet for a while."""
        while True:
            try:
                self.all.append(self.heard.get(timeout=quiet_s))
            except queue.Empty:
                return self.all


def kept_by(port: int, topic: str = "#") -> dict[str, bytes]:
    """What the broker keeps for those who come later."""
    listener = Listener(port, topic)
    try:
        return {name: payload for name, payload, retained in listener.rest(0.4) if retained}
    finally:
        listener.close()
