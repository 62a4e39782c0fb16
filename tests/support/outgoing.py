"""Builders that the tests of notifications share: rules, incidents, clocks, receivers, processes."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.config import NotificationRule, NotificationsConfig
from engine.incidents import INCIDENTS, IncidentRow
from engine.incidents.notifications import Channels, Message, Outbox, SendResult
from engine.storage import read_rows

BERLIN = ZoneInfo("Europe/Berlin")


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=BERLIN)  # a Monday


KEY = "0123456789abcdef-key"


DELIVERED = SendResult("delivered", "fine")


FAILED = SendResult("retry", "HTTP 503")


ROOT = Path(__file__).parents[2]


def rule(name: str = "night", **values: object) -> NotificationRule:
    """A rule; to one address unless told otherwise."""
    usual = {"webhook_secret_env": "GATE_KEY"} if "webhook" in values else {"to": ["json://127.0.0.1:9"]}
    return NotificationRule.model_validate({"name": name, **usual, **values})


def incident(number: int = 1, **values: object) -> IncidentRow:
    """A row of the incident log, with these cells."""
    cells = {
        "incident_id": f"20261123T120000-{number:08x}",
        "timestamp": NOON.isoformat(timespec="milliseconds"),
        "kind": "unknown",
        "camera": "entrance",
        "unknown_ids": "unknown-7",
        "image": "images/unknown/1.jpg",
        "severity": "medium",
        **values,
    }
    return INCIDENTS.parse({name: str(cell) for name, cell in cells.items()})


_NUMBERS = itertools.count(1000)


def another(**values: object) -> IncidentRow:
    """The same under an id of its own: each incident is told once."""
    return incident(next(_NUMBERS), **values)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def make_outbox(workspace: Path, *rules: NotificationRule, clock: Clock | None = None, **values: float) -> Outbox:
    """An outbox with these rules."""
    config = NotificationsConfig(rules=rules, **values)
    return Outbox(workspace, BERLIN, config, clock=clock or Clock())


def sent_rows(workspace: Path) -> list[dict[str, str]]:
    """The delivery log of all days."""
    return [row for path in sorted((workspace / "log").glob("deliveries-*.csv")) for row in read_rows(path)]


class Script:
    """A sender that answers as told, the last answer for ever, and keeps what it was given."""

    def __init__(self, *outcomes: SendResult) -> None:
        self._outcomes = list(outcomes)
        self.messages: list[Message] = []

    def __call__(self, message: Message) -> SendResult:
        self.messages.append(message)
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]


@dataclass
class Request:
    """What a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A real HTTP server on the loopback that answers as told, 200 after that."""

    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    port: int = 0

    @property
    def ids(self) -> list[str]:
        """The ids of the messages that came, in their order."""
        return [request.headers["X-Muster-Message"] for request in self.requests]


@contextlib.contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver while it runs; what it holds back is let go at the end."""
    receiver = Receiver()
    receiver.hold.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Keep the request, wait if told to, answer."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(Request(self.path, dict(self.headers.items()), body))
            status = receiver.answers.pop(0) if receiver.answers else 200
            receiver.arrived.set()
            receiver.hold.wait(20)
            try:
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:
                pass  # the sender went away

        def do_GET(self) -> None:
            """A redirected POST would arrive so."""
            receiver.requests.append(Request(self.path, {}, b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_port
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook/tok3n-in-path"
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hold.set()
        server.shutdown()
        thread.join(5)
        server.server_close()


def make_channels(workspace: Path, *rules: NotificationRule, clock: Clock | None = None, **times: float) -> Channels:
    """Channels for these rules."""
    return Channels(workspace, NotificationsConfig(rules=rules), clock=clock or Clock(), **times)


CHILD = """
import json, os, signal, sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo
from engine.config import NotificationsConfig
from engine.incidents import INCIDENTS
from engine.incidents.notifications import Channels, Courier, Outbox

workspace = Path(sys.argv[1])
clock = lambda: datetime.fromisoformat(sys.argv[2])
row = INCIDENTS.parse(json.loads(sys.argv[3]))
config = NotificationsConfig(rules=json.loads(sys.argv[4]))
outbox = Outbox(workspace, ZoneInfo("Europe/Berlin"), config, clock=clock)
channels = Channels(workspace, config, clock=clock)
"""


def start_child(code: str, workspace: Path, *rules: NotificationRule) -> subprocess.Popen[str]:
    """Run code in a process of its own that has an outbox with these rules, channels, and an incident's `row`."""
    plain = [
        entry.model_dump(mode="json", exclude={"to", "webhook"})
        | {"to": [address.get_secret_value() for address in entry.to]}
        | ({"webhook": entry.webhook.get_secret_value()} if entry.webhook else {})
        for entry in rules
    ]
    arguments = [str(workspace), NOON.isoformat(), json.dumps(INCIDENTS.texts(incident())), json.dumps(plain)]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD + code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "GATE_KEY": KEY},
    )
    STARTED.append(child)
    return child


STARTED: list[subprocess.Popen[str]] = []


def run_at_once(children: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Let children that say "ready" go on at the same time; what they say then."""
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    said = [child.communicate(timeout=30)[0] for child in children]
    assert [child.returncode for child in children] == [0] * len(children)
    return said


def write_settings(workspace: Path, text: str) -> None:
    """Give a workspace these settings."""
    (workspace / "muster.toml").write_text(text, encoding="utf-8")
