"""Who is told of incidents: rules, limits, an outbox that survives, signatures, and no credential where it does not belong."""

from __future__ import annotations

import base64
import http.server
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from typer.testing import CliRunner

from engine.cli.notify import app
from engine.config import NotificationRule, NotificationsConfig, load_config
from engine.errors import ConfigError, InputError, StorageError
from engine.notifications import (
    Channels,
    Courier,
    Message,
    Outbox,
    Outcome,
    compose,
    matches,
    post_webhook,
    sign,
    targets,
    verify_signature,
)
from engine.storage import read_rows

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=BERLIN)  # a Monday
KEY = "0123456789abcdef-key"
DELIVERED = Outcome("delivered", "fine")
FAILED = Outcome("retry", "HTTP 503")
ROOT = Path(__file__).parent.parent

# apprise looks for the module on its way; Python 3.13 removed it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


# --------------------------------------------------------------------------------------------- builders


def rule(name: str = "night", **values: object) -> NotificationRule:
    """A rule; to one address unless told otherwise."""
    usual = {"webhook_secret_env": "GATE_KEY"} if "webhook" in values else {"to": ["json://127.0.0.1:9"]}
    return NotificationRule.model_validate({"name": name, **usual, **values})


def incident(number: int = 1, **values: object) -> dict[str, object]:
    """A row of the incident log."""
    return {
        "incident_id": f"20261123T120000-{number:08x}",
        "timestamp": NOON.isoformat(timespec="milliseconds"),
        "kind": "unknown",
        "camera": "entrance",
        "employee_ids": "",
        "unknown_ids": "unknown-7",
        "image": "images/unknown/1.jpg",
        "severity": "medium",
        "detail": "",
        "people": "",
        **values,
    }


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

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes)
        self.messages: list[Message] = []

    def __call__(self, message: Message) -> Outcome:
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


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Receiver]]:
    """Two receivers; what they hold back is let go at the end."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATE_KEY", KEY)
    servers, found = [], []
    for _ in range(2):
        receiver = Receiver()
        receiver.hold.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            state = receiver

            def do_POST(self) -> None:
                """Keep the request, wait if told to, answer."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.state.requests.append(Request(self.path, dict(self.headers.items()), body))
                status = self.state.answers.pop(0) if self.state.answers else 200
                self.state.arrived.set()
                self.state.hold.wait(20)
                try:
                    self.send_response(status)
                    for name, value in self.state.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                except OSError:
                    pass  # the sender went away

            def do_GET(self) -> None:
                """A redirected POST would arrive so."""
                self.state.requests.append(Request(self.path, {}, b""))
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
        servers.append((server, thread))
        found.append(receiver)
    yield found
    for receiver in found:
        receiver.hold.set()
    for server, thread in servers:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture
def receiver(receivers: list[Receiver]) -> Receiver:
    """The first of the two."""
    return receivers[0]


def make_channels(workspace: Path, *rules: NotificationRule, clock: Clock | None = None, **times: float) -> Channels:
    """Channels for these rules."""
    return Channels(workspace, NotificationsConfig(rules=rules), clock=clock or Clock(), **times)


CHILD = """
import json, os, signal, sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo
from engine.config import NotificationsConfig
from engine.notifications import Channels, Courier, Outbox

workspace = Path(sys.argv[1])
clock = lambda: datetime.fromisoformat(sys.argv[2])
row = json.loads(sys.argv[3])
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
    arguments = [str(workspace), NOON.isoformat(), json.dumps(incident()), json.dumps(plain)]
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


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    yield
    while STARTED:
        with STARTED.pop() as child:
            child.kill()


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


# --------------------------------------------------------------------------------------------- settings


def write_settings(workspace: Path, text: str) -> None:
    """Give a workspace these settings."""
    (workspace / "muster.toml").write_text(text, encoding="utf-8")


def test_without_rules_nothing_is_sent_and_nothing_is_written(tmp_path: Path) -> None:
    assert load_config(tmp_path).notifications.rules == ()
    outbox = make_outbox(tmp_path)
    assert outbox.submit(incident()) == 0
    assert outbox.drain(Script(DELIVERED)) == []
    assert list(tmp_path.iterdir()) == []


def test_rules_are_read_from_the_workspace(tmp_path: Path) -> None:
    write_settings(
        tmp_path,
        '[notifications]\ngive_up_s = 60\n[[notifications.rules]]\nname = "night"\nkinds = ["unknown", "camera_lost"]\n'
        'hours = ["20:00-06:00", "12:00-24:00"]\ndays = "Fri-mon"\nto = ["dbus://"]\n'
        '[[notifications.rules]]\nname = "all"\nwebhook = "https://x.org/a?b=c"\nwebhook_secret_file = "hook.key"\n',
    )
    config = load_config(tmp_path).notifications
    night, everything = config.rules
    assert (config.give_up_s, night.name, everything.name) == (60, "night", "all")
    assert night.weekdays == {4, 5, 6, 0}
    assert everything.weekdays == set(range(7))


def test_rules_are_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_NOTIFICATIONS__RULES", '[{"name": "night", "to": ["dbus://"]}]')
    assert [entry.name for entry in load_config(tmp_path).notifications.rules] == ["night"]


FAULTS = {
    'hours = ["25:00-06:00"]': "'25:00-06:00' is no window of hours such as 08:00-17:30",
    'hours = ["8-17"]': "is no window of hours",
    'hours = ["24:00-06:00"]': "is no window of hours",
    'hours = ["08:00-08:00"]': "is empty; leave hours out",
    'days = "mon-foo"': "'mon-foo' names no days",
    'days = "mon-"': "'mon-' names no days",
    'min_severity = "urgent"': "'info', 'low', 'medium' or 'high'",
    'kinds = ["unkown"]': "'unkown' is no kind of incident: camera_back, camera_lost",
    "limit = 0": "greater than or equal to 1",
    "per_s = 0": "greater than 0",
    'nmae = "x"': "nmae",
    'webhook = "ftp://secret.org"\nwebhook_secret_env = "K"': "expected http:// or https://",
    'webhook = "https://me:secret@x.org"\nwebhook_secret_env = "K"': "without user and password",
    'webhook = "https://x.org:secret/"\nwebhook_secret_env = "K"': "the port of the address makes no sense",
    'webhook = "https://x.org/secret with space"\nwebhook_secret_env = "K"': "expected http:// or https://",
    'webhook = "https://x.org/secret"': "needs either webhook_secret_env or webhook_secret_file",
    'webhook_secret_env = "K"': "needs either webhook_secret_env or webhook_secret_file",
    'webhook = "https://x.org"\nwebhook_secret_env = "MUSTER_KEY"': "names that begin with MUSTER_ are settings",
    'to = ["guard@secret.org"]': "an address begins with its service",
    "to = [3]": "valid string",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_rule_is_one_line_that_says_what_was_expected_and_no_secret(tmp_path: Path, fault: str) -> None:
    address = "" if re.match("to|webhook = ", fault) else 'to = ["json://user:secret@x.org"]\n'
    write_settings(tmp_path, f'[[notifications.rules]]\nname = "night"\n{address}{fault}\n')
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert FAULTS[fault] in str(caught.value)
    assert "notifications.rules.0" in str(caught.value)
    assert "secret" not in str(caught.value).replace("webhook_secret", "")
    assert "secret" not in str(caught.value.__cause__).replace("webhook_secret", "")  # what a trace shows


def test_a_rule_needs_somebody_to_tell_and_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="'night' tells nobody"):
        rule(to=[])
    with pytest.raises(ValueError, match="two rules are called 'night'"):
        NotificationsConfig(rules=(rule(), rule()))


# --------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("wanted", "there", "fits"),
    [
        ({}, {}, True),
        ({"kinds": ["unknown", "tailgating"]}, {"kind": "tailgating"}, True),
        ({"kinds": ["unknown", "tailgating"]}, {"kind": "camera_lost"}, False),
        ({"cameras": ["yard"]}, {"camera": "yard"}, True),
        ({"cameras": ["yard"]}, {"camera": "Yard"}, False),
        ({"kinds": ["unknown"], "cameras": ["yard"]}, {"camera": "entrance"}, False),
        ({"min_severity": "high"}, {"severity": ""}, True),  # better one message too many
        ({}, {"kind": "review", "refers_to": "20261123T110000-00000001", "detail": "it was Ada"}, False),
    ],
)
def test_a_rule_asks_for_kinds_and_cameras(wanted: dict[str, object], there: dict[str, object], fits: bool) -> None:
    assert matches(rule(**wanted), incident(**there), BERLIN) is fits


@pytest.mark.parametrize("wanted", range(4))
@pytest.mark.parametrize("there", range(4))
def test_a_severity_is_enough_exactly_on_the_minimum(wanted: int, there: int) -> None:
    names = ("info", "low", "medium", "high")
    fits = matches(rule(min_severity=names[wanted]), incident(severity=names[there]), BERLIN)
    assert fits is (there >= wanted)


@pytest.mark.parametrize(
    ("hours", "local", "inside"),
    [
        ("20:00-06:00", "19:59:59", False),
        ("20:00-06:00", "20:00:00", True),
        ("20:00-06:00", "23:59:59", True),
        ("20:00-06:00", "00:00:00", True),
        ("20:00-06:00", "05:59:59", True),
        ("20:00-06:00", "06:00:00", False),
        ("08:00-17:30", "08:00:00", True),
        ("08:00-17:30", "17:30:00", False),
        ("00:00-24:00", "23:59:59", True),
        ("00:00-24:00", "00:00:00", True),
        ("20:00-00:00", "00:00:00", False),
    ],
)
def test_the_first_minute_of_a_window_counts_and_the_last_does_not(hours: str, local: str, inside: bool) -> None:
    row = incident(timestamp=f"2026-11-23T{local}+01:00")
    assert matches(rule(hours=[hours]), row, BERLIN) is inside


def test_hours_are_the_workplaces_local_time_on_both_nights_of_the_clock_change() -> None:
    early = rule(hours=["02:00-03:00"])
    assert matches(early, incident(timestamp="2026-10-25T00:30:00+00:00"), BERLIN)  # 02:30 in summer time
    assert matches(early, incident(timestamp="2026-10-25T01:30:00+00:00"), BERLIN)  # 02:30 once more
    assert not matches(early, incident(timestamp="2026-10-25T02:30:00+00:00"), BERLIN)
    spring = ["2026-03-29T00:59:59+00:00", "2026-03-29T01:00:00+00:00"]  # 01:59:59, then 03:00:00: the hour is left out
    assert not any(matches(early, incident(timestamp=time), BERLIN) for time in spring)


MINUTES = st.integers(0, 1439)
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def clock_text(minute: int) -> str:
    """Minutes of the day as hours and minutes."""
    return f"{minute // 60:02}:{minute % 60:02}"


@given(
    st.lists(st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]), max_size=3),
    st.sets(st.integers(0, 6), max_size=4),
    st.integers(0, 7 * 1440 - 1),
    st.integers(0, 59),
)
@settings(max_examples=200)
def test_a_moment_is_inside_iff_walking_from_a_windows_beginning_reaches_it(
    windows: list[tuple[int, int]], days: set[int], moment: int, second: int
) -> None:
    """Windows over midnight included: the minutes of the week are walked through, from each day's beginning."""
    reached: set[int] = set()
    for day in days or range(7):
        for first, end in windows or [(0, 0)]:
            steps = (end - first) % 1440 or 1440
            reached.update((day * 1440 + first + step) % (7 * 1440) for step in range(steps))
    wanted = rule(
        hours=[f"{clock_text(first)}-{clock_text(end)}" for first, end in windows],
        days=",".join(DAY_NAMES[day] for day in sorted(days)),
    )
    time = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=moment, seconds=second)
    assert matches(wanted, incident(timestamp=time.isoformat()), ZoneInfo("UTC")) is (moment in reached)


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_range_of_days_runs_from_the_first_to_the_last_over_the_weekend_if_need_be(first: int, last: int) -> None:
    expected, day = {first}, first
    while day != last:
        day = (day + 1) % 7
        expected.add(day)
    assert rule(days=f"{DAY_NAMES[first]}-{DAY_NAMES[last]}").weekdays == expected


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        matches(rule(), incident(timestamp="2026-11-23T12:00:00"), BERLIN)


# --------------------------------------------------------------------------------------------- words


def message_for(row: dict[str, object], **values: object) -> Message:
    """The message of a rule with one address."""
    chosen = rule(**values)
    return compose(chosen, targets(chosen)[0], row, message_id="m-1", now=NOON, zone=BERLIN)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("unknown", "Unknown person at entrance · 20:41"),
        ("tailgating", "Tailgating at entrance · 20:41"),
        ("presentation_attack", "Suspected picture or screen instead of a face at entrance · 20:41"),
        ("watch_list", "Somebody on the watch list at entrance · 20:41"),
        ("camera_lost", "Camera entrance is lost · 20:41"),
        ("camera_back", "Camera entrance is back · 20:41"),
        ("door_forced", "Door forced at entrance · 20:41"),
    ],
)
def test_a_message_is_in_plain_words_and_local_time(kind: str, title: str) -> None:
    row = incident(kind=kind, timestamp="2026-11-22T19:41:07.250+00:00", employee_ids="E17;E4", detail="two at once")
    message = message_for(row, min_severity="low")
    assert message.title == title
    lines = message.body.splitlines()
    assert "Time: 2026-11-22 20:41:07 CET" in lines
    assert "Severity: medium" in lines
    assert "Who: E17, E4, unknown-7" in lines
    assert "Detail: two at once" in lines
    assert "Incident: 20261123T120000-00000001" in lines
    assert any("m-1" in line for line in lines)
    assert "held back" not in message.body


def test_only_known_columns_leave_so_no_name_does() -> None:
    row = incident(author="Ada Lovelace", name="Ada Lovelace", clean_image="images/x.jpg")
    assert "Ada" not in message_for(row, attach_image=True).model_dump_json()


@given(st.text(max_size=80), st.text(max_size=1000), st.text(max_size=80))
def test_whatever_a_camera_is_called_it_adds_no_line_and_no_control_character(
    camera: str, detail: str, who: str
) -> None:
    plain = message_for(incident(camera="c", detail="d", employee_ids="E"))
    odd = message_for(incident(camera=camera, detail=detail, employee_ids=who))
    assert odd.title.isprintable()
    assert len(odd.body.splitlines()) <= len(plain.body.splitlines())
    assert all(line.isprintable() for line in odd.body.splitlines())


def test_the_picture_is_named_only_if_the_rule_says_so() -> None:
    assert message_for(incident()).image == ""
    assert message_for(incident(), attach_image=True).image == "images/unknown/1.jpg"
    assert message_for(incident(image=None), attach_image=True).image == ""


# --------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("address", "channel"),
    [
        ("mailto://ada:hunter2@example.org?to=bob@x.org", "mailto://example.org"),
        ("mailtos://ada:p%40ss@example.org", "mailtos://example.org"),
        ("jsons://ada:hunter2@example.org:8443/tok3n", "jsons://example.org"),
        ("json://localhost/tok3n", "json://localhost"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "slack://"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544", "tgram://"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord://"),
        ("ntfys://secret-topic", "ntfys://"),
        ("json://ada:p/hunter2@example.org", "json://"),
        ("mailto://[half", "mailto://"),
        ("dbus://", "dbus://"),
        ("DBUS://", "dbus://"),
    ],
)
def test_of_an_address_only_service_and_host_are_shown(address: str, channel: str) -> None:
    chosen = rule(to=[address])
    (target,) = targets(chosen)
    assert (target.channel, target.place) == (channel, 1)
    rest = address.partition("://")[2]
    for text in (repr(target), repr(chosen), chosen.model_dump_json(), str(NotificationsConfig(rules=(chosen,)))):
        assert not rest or rest not in text


@pytest.mark.parametrize(
    ("webhook", "channel"),
    [
        ("https://Example.org/tok3n?key=tok3n", "https://example.org"),
        ("http://127.0.0.1:8080/tok3n", "http://127.0.0.1:8080"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_of_a_webhook_only_scheme_host_and_port_are_shown(webhook: str, channel: str) -> None:
    chosen = rule(webhook=webhook)
    assert [(target.channel, target.place) for target in targets(chosen)] == [(channel, 0)]
    assert "tok3n" not in repr(chosen)


def test_addresses_of_one_host_are_told_apart() -> None:
    chosen = rule(to=["json://a.org/1", "json://b.org/2", "json://a.org/3"], webhook="https://a.org")
    assert [(target.channel, target.place) for target in targets(chosen)] == [
        ("https://a.org", 0),
        ("json://a.org", 1),
        ("json://b.org", 1),
        ("json://a.org", 2),
    ]


# --------------------------------------------------------------------------------------------- the limit


def test_an_incident_is_queued_once_for_each_address_of_each_rule_that_fits(tmp_path: Path) -> None:
    outbox = make_outbox(
        tmp_path,
        rule("a", to=["json://a.org", "json://b.org"]),
        rule("b", kinds=["unknown"], webhook="https://a.org"),
        rule("c", kinds=["tailgating"]),
    )
    assert outbox.submit(incident()) == 3
    waiting = outbox.waiting()
    assert Counter((message.rule, message.channel) for message in waiting) == Counter(
        [("a", "json://a.org"), ("a", "json://b.org"), ("b", "https://a.org")]
    )
    assert len({message.message_id for message in waiting}) == 3
    assert {message.incident_id for message in waiting} == {"20261123T120000-00000001"}


def test_what_the_limit_holds_back_is_counted_and_told_with_the_next_message(tmp_path: Path) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(limit=2, per_s=3600), clock=clock)
    counts = []
    for _ in range(5):
        counts.append(outbox.submit(incident()))
        clock.forward(60)
    assert counts == [1, 1, 0, 0, 0]
    clock.forward(3600 - 5 * 60 - 1)
    assert outbox.submit(incident()) == 0  # a second too early
    clock.forward(1)
    assert outbox.submit(incident()) == 1
    last = outbox.waiting()[-1]
    assert last.held == 4
    assert "And 4 more since 12:02, held back by the limit of 2 in 60 minutes for a camera" in last.body
    clock.forward(7200)
    assert outbox.submit(incident()) == 1
    assert outbox.waiting()[-1].held == 0  # they are told once


def test_the_limit_is_for_a_rule_and_a_camera_each(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule("a", limit=1), rule("b", limit=2))
    assert [outbox.submit(incident(camera="yard")) for _ in range(3)] == [2, 1, 0]
    assert [outbox.submit(incident(camera="gate")) for _ in range(3)] == [2, 1, 0]


def test_the_limit_survives_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    for expected in (1, 1, 0, 0):
        assert make_outbox(tmp_path, rule(limit=2), clock=clock).submit(incident()) == expected
    clock.forward(3601)
    again = make_outbox(tmp_path, rule(limit=2), clock=clock)
    again.submit(incident())
    assert again.waiting()[-1].held == 2


def test_a_clock_that_is_set_back_does_not_silence_a_rule(tmp_path: Path) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(limit=1), clock=clock)
    assert outbox.submit(incident()) == 1
    clock.forward(-86400)
    assert [outbox.submit(incident()) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"night": {"entrance": {"held": "many"}}}', b"\xff"])
def test_a_damaged_state_of_the_limits_is_set_aside_and_the_alert_goes_out(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "limits.json").write_bytes(content)
    assert make_outbox(tmp_path, rule()).submit(incident()) == 1
    assert (tmp_path / "outbox" / "limits.json.damaged").read_bytes() == content
    assert "limits.json is damaged" in caplog.text


@given(st.lists(st.integers(0, 120), max_size=25), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_in_no_stretch_of_time_more_than_the_limit_goes_out_and_none_is_forgotten(steps: list[int], limit: int) -> None:
    clock = Clock()
    workspace = Path(tempfile.mkdtemp())
    try:
        outbox = make_outbox(workspace, rule(limit=limit, per_s=100), clock=clock)
        told: list[datetime] = []
        for step in steps:
            clock.forward(step)
            if outbox.submit(incident()):
                told.append(clock.now)
        clock.forward(1000)
        assert outbox.submit(incident()) == 1  # by now all limits are over
    finally:
        waiting = outbox.waiting()
        shutil.rmtree(workspace)
    for index, time_ in enumerate(told):
        assert sum(0 <= (other - time_).total_seconds() < 100 for other in told[index:]) <= limit
    assert len(waiting) + sum(message.held for message in waiting) == len(steps) + 1


def test_several_processes_keep_one_limit(tmp_path: Path) -> None:
    code = "print('ready', flush=True); sys.stdin.readline(); print(sum(outbox.submit(row) for _ in range(15)))"
    children = [start_child(code, tmp_path, rule(limit=7)) for _ in range(2)]
    assert sum(int(said) for said in run_at_once(children)) == 7
    assert len(make_outbox(tmp_path, rule()).waiting()) == 7
    limits = json.loads((tmp_path / "outbox" / "limits.json").read_text())
    assert limits["night"]["entrance"]["held"] == 30 - 7


# --------------------------------------------------------------------------------------------- the outbox


def test_a_delivered_message_is_gone_and_logged(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (message,) = outbox.waiting()
    script = Script(DELIVERED)
    (delivery,) = outbox.drain(script)
    assert script.messages == [message]
    assert (delivery.result, delivery.attempt, delivery.message_id) == ("delivered", 1, message.message_id)
    assert outbox.waiting() == []
    assert outbox.drain(script) == []
    (row,) = sent_rows(tmp_path)
    assert row.pop("seal")
    assert row == (
        {
            "delivery_id": delivery.delivery_id,
            "timestamp": "2026-11-23T12:00:00.000+01:00",
            "message_id": message.message_id,
            "incident_id": "20261123T120000-00000001",
            "rule": "night",
            "channel": "json://127.0.0.1",
            "result": "delivered",
            "attempt": "1",
            "detail": "fine",
        }
    )


def test_what_fails_is_tried_ever_less_often_until_it_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(), clock=clock, give_up_s=9000)
    outbox.submit(incident())
    tried = []
    for _ in range(920):
        if outbox.drain(Script(FAILED)):
            tried.append((clock.now - NOON).total_seconds())
        clock.forward(10)
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits[:6] == [10, 30, 120, 600, 3600, 3600]
    assert tried[-1] == 9000  # the last try is when its time is over
    results = [(row["result"], row["attempt"], row["detail"]) for row in sent_rows(tmp_path)]
    assert [result for result, _, _ in results] == ["retry"] * (len(tried) - 1) + ["given up"]
    assert [attempt for _, attempt, _ in results] == [str(number + 1) for number in range(len(tried))]
    assert {detail for _, _, detail in results} == {"HTTP 503"}
    assert outbox.waiting() == []
    assert "is given up: HTTP 503" in caplog.text


def test_nothing_is_tried_before_it_is_due_unless_everything_is_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(), clock=clock)
    outbox.submit(incident())
    assert [delivery.result for delivery in outbox.drain(Script(FAILED))] == ["retry"]
    clock.forward(9.999)
    assert outbox.drain(Script(FAILED)) == []
    assert [delivery.attempt for delivery in outbox.drain(Script(FAILED), everything=True)] == [2]
    clock.forward(30)
    assert [delivery.attempt for delivery in outbox.drain(Script(DELIVERED))] == [3]


@pytest.mark.parametrize(("asked_s", "wait_s"), [(None, 10), (3, 10), (300, 300), (3600, 3600), (1e6, 3600)])
def test_a_receivers_wish_to_wait_is_respected_within_bounds(
    tmp_path: Path, asked_s: float | None, wait_s: float
) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    outbox.drain(Script(Outcome("retry", "HTTP 429", asked_s)))
    assert outbox.waiting()[0].next_at - NOON == timedelta(seconds=wait_s)


def test_what_is_refused_is_given_up_at_once(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    assert [delivery.result for delivery in outbox.drain(Script(Outcome("refused", "HTTP 403 Forbidden")))] == [
        "given up"
    ]
    assert outbox.waiting() == []


def test_an_address_that_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule(to=["json://dead.org", "json://alive.org"]))
    for number in range(3):
        outbox.submit(incident(number))
    tried: list[str] = []

    def send(message: Message) -> Outcome:
        tried.append(message.channel)
        return FAILED if "dead" in message.channel else DELIVERED

    outbox.drain(send)
    assert Counter(tried) == {"json://dead.org": 1, "json://alive.org": 3}
    assert [message.channel for message in outbox.waiting()] == ["json://dead.org"] * 3


def test_a_clock_that_is_set_back_does_not_hold_a_message(tmp_path: Path) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(), clock=clock)
    outbox.submit(incident())
    outbox.drain(Script(FAILED))
    clock.forward(-7200)
    assert [delivery.result for delivery in outbox.drain(Script(DELIVERED))] == ["delivered"]


DAMAGE = [b"", b"{", b"null", b"[]", b"\0" * 600, b"\xff\xfe", b'{"message_id": "20261123T120000-aaaaaaaa"}']


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_file_is_set_aside_and_the_others_go_out(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    path = outbox.folder / "20261123T120000-aaaaaaaa.json"
    path.write_bytes(content)
    assert [delivery.result for delivery in outbox.drain(Script(DELIVERED))] == ["delivered"]
    assert path.with_name(f"{path.name}.damaged").read_bytes() == content
    assert not path.exists()
    assert f"{path.name} is damaged" in caplog.text
    assert outbox.drain(Script(DELIVERED)) == []


def test_a_message_cut_off_anywhere_is_set_aside(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (path,) = outbox.folder.glob("2*.json")
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        assert outbox.waiting() == []
        assert not path.exists()


def test_a_copy_of_a_message_under_another_name_is_not_sent_twice(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (path,) = outbox.folder.glob("2*.json")
    shutil.copy(path, path.with_name("20261123T999999-00000000.json"))
    assert len(outbox.drain(Script(DELIVERED))) == 1


def test_an_outbox_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    outbox = make_outbox(tmp_path, rule())
    with pytest.raises(StorageError, match="outbox"):
        outbox.submit(incident())
    assert outbox.drain(Script(DELIVERED)) == []


def test_a_full_disk_is_a_storage_error_and_leaves_no_half_of_the_messages(tmp_path: Path) -> None:
    short, long = rule("a", to=["json://a.org"]), rule("b", to=["json://" + "b" * 60 + ".org"])
    sizes = []
    for number, chosen in enumerate((short, long)):
        make_outbox(tmp_path / str(number), chosen).submit(incident())
        sizes += [path.stat().st_size for path in (tmp_path / str(number) / "outbox").glob("2*.json")]
    room = sizes[0] + 20  # enough for the first message, not for the second
    assert room < sizes[1]
    code = (
        f"import resource; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "try: outbox.submit(row)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    out, _ = start_child(code, tmp_path, short, long).communicate(timeout=30)
    assert out.startswith("StorageError")
    assert str(tmp_path / "outbox") in out
    assert make_outbox(tmp_path, short, long).waiting() == []
    assert not list((tmp_path / "outbox").glob("[!.]*"))


def test_a_delivered_message_is_not_sent_again_although_the_log_cannot_be_written(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule())
    outbox.submit(incident())
    (tmp_path / "log").write_text("in the way")
    script = Script(DELIVERED)
    with pytest.raises(StorageError):
        outbox.drain(script)
    outbox.drain(script)
    assert len(script.messages) == 1


# --------------------------------------------------------------------------------------------- the signature


@given(st.binary(min_size=1, max_size=80), st.integers(0, 10**10), st.binary(max_size=300), st.integers(-300, 300))
def test_a_signature_is_verified_within_the_tolerance(key: bytes, stamp: int, body: bytes, late_s: int) -> None:
    now = datetime.fromtimestamp(stamp + late_s + 400, UTC)
    timestamp = str(stamp + 400)
    assert verify_signature(key, timestamp, body, sign(key, timestamp, body), now)


def test_a_signature_is_the_one_that_others_compute() -> None:
    """Checked with another implementation: openssl."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    command = ["openssl", "dgst", "-sha256", "-hmac", KEY]
    answer = subprocess.run(command, input=b'1700000000.{"a":1}', capture_output=True, check=True)
    assert sign(KEY.encode(), "1700000000", b'{"a":1}') == "sha256=" + answer.stdout.decode().split()[-1]


@pytest.mark.parametrize(("late_s", "good"), [(300, True), (301, False), (-300, True), (-301, False)])
def test_an_old_message_is_not_accepted(late_s: int, good: bool) -> None:
    now = datetime.fromtimestamp(1_700_000_000 + late_s, UTC)
    signature = sign(b"key", "1700000000", b"{}")
    assert verify_signature(b"key", "1700000000", b"{}", signature, now) is good


@given(st.data())
def test_any_change_breaks_the_signature(data: st.DataObject) -> None:
    key, timestamp, body = KEY.encode(), "1700000000", b'{"incident":"1"}'
    signature = sign(key, timestamp, body)
    now = datetime.fromtimestamp(1_700_000_000, UTC)
    place = data.draw(st.integers(0, len(body) - 1))
    flipped = bytes([*body[:place], body[place] ^ data.draw(st.integers(1, 255)), *body[place + 1 :]])
    assert not verify_signature(key, timestamp, flipped, signature, now)
    assert not verify_signature(key, "1700000001", body, signature, now)
    assert not verify_signature(key, timestamp[:-1], timestamp[-1].encode() + b"." + body, signature, now)
    assert not verify_signature(key + b"x", timestamp, body, signature, now)
    assert not verify_signature(key, timestamp, body, data.draw(st.text(max_size=80)), now)
    assert not verify_signature(key, timestamp, body, signature.upper(), now)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", " 1700000000", "１７０００００００", "1e9", "9" * 400])
def test_a_timestamp_that_is_none_is_not_accepted(timestamp: str) -> None:
    now = datetime.fromtimestamp(1_700_000_000, UTC)
    assert not verify_signature(b"key", timestamp, b"", sign(b"key", timestamp, b""), now)


# --------------------------------------------------------------------------------------------- webhook


def test_a_receiver_that_fails_twice_gets_the_same_signed_message_a_third_time(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [503, 500]
    clock = Clock()
    chosen = rule(webhook=receiver.url)
    outbox = make_outbox(tmp_path, chosen, clock=clock)
    channels = make_channels(tmp_path, chosen, clock=clock)
    outbox.submit(incident(employee_ids="E17"))
    results = []
    for _ in range(4):
        results += [delivery.result for delivery in outbox.drain(channels.send)]
        clock.forward(60)
    assert results == ["retry", "retry", "delivered"]
    assert [row["detail"] for row in sent_rows(tmp_path)] == [
        "HTTP 503 Service Unavailable",
        "HTTP 500 Internal Server Error",
        "HTTP 200",
    ]
    assert len(set(receiver.ids)) == 1
    assert len({request.body for request in receiver.requests}) == 1
    for turn, request in enumerate(receiver.requests):
        stamp, signature = request.headers["X-Muster-Timestamp"], request.headers["X-Muster-Signature"]
        assert int(stamp) == int(NOON.timestamp()) + 60 * turn
        now = NOON + timedelta(seconds=60 * turn)
        assert verify_signature(KEY.encode(), stamp, request.body, signature, now)
    content = json.loads(receiver.requests[0].body)
    assert content["message"] == receiver.ids[0]
    assert content["incident"]["employee_ids"] == "E17"
    assert content["title"] == "Unknown person at entrance · 12:00"
    assert "picture_jpeg_base64" not in content


def post(receiver: Receiver, timeout_s: float = 5) -> Outcome:
    """One attempt."""
    return post_webhook(SecretStr(receiver.url), KEY.encode(), b"{}", "m-1", NOON, timeout_s)


@pytest.mark.parametrize(
    ("status", "result"),
    [(200, "delivered"), (201, "delivered"), (204, "delivered")]
    + [(status, "refused") for status in (400, 401, 403, 404, 410, 422)]
    + [(status, "retry") for status in (302, 307, 408, 429, 500, 502, 503, 599)],
)
def test_what_a_receiver_answers_decides(receiver: Receiver, status: int, result: str) -> None:
    receiver.answers = [status]
    outcome = post(receiver)
    assert outcome.result == result
    assert outcome.detail.startswith(f"HTTP {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receivers: list[Receiver], status: int) -> None:
    first, second = receivers
    first.answers, first.headers = [status], {"Location": second.url}
    outcome = post(first)
    assert (outcome.result, len(first.requests), second.requests) == ("retry", 1, [])
    assert "redirects are not followed" in outcome.detail


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Mon, 23 Nov 2026 11:05:00 GMT", 300.0),
        ("Mon, 23 Nov 2026 10:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(receiver: Receiver, header: str, seconds: float | None) -> None:
    receiver.answers, receiver.headers = [429], {"Retry-After": header}
    assert post(receiver).retry_after_s == seconds


def test_a_receiver_that_does_not_answer_is_tried_again_later(receiver: Receiver) -> None:
    receiver.hold.clear()
    outcome = post(receiver, timeout_s=0.2)
    assert (outcome.result, outcome.detail) == ("retry", "no answer within 0.2 s")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/tok3n", "http://no-such-host.invalid/tok3n"])
def test_a_receiver_that_is_not_there_is_tried_again_later(url: str) -> None:
    outcome = post_webhook(SecretStr(url), b"key", b"{}", "m-1", NOON, 5)
    assert outcome.result == "retry"
    assert outcome.detail.startswith("not reached: ")
    assert "tok3n" not in outcome.detail


def test_the_receiver_in_the_documentation_accepts_what_we_send_and_nothing_else(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTROL_ROOM_KEY", KEY)
    (sample,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "notifications.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(sample, names)
    accept = names["accept"]
    assert callable(accept)
    now = datetime.now(UTC)
    post_webhook(SecretStr(receiver.url), KEY.encode(), b'{"a":1}', "m-1", now, 5)
    (request,) = receiver.requests
    assert accept(request.headers, request.body) is True
    assert accept(request.headers, request.body + b" ") is False
    assert accept({**request.headers, "X-Muster-Signature": "é"}, request.body) is False


# --------------------------------------------------------------------------------------------- apprise


def picture_in(workspace: Path) -> bytes:
    """Put the incident's picture where its row says."""
    path = workspace / "images" / "unknown" / "1.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8\xff picture")
    return path.read_bytes()


@pytest.mark.parametrize("attach", [False, True])
def test_apprise_delivers_for_real_with_the_picture_only_if_the_rule_says_so(
    tmp_path: Path, receiver: Receiver, attach: bool
) -> None:
    workspace = tmp_path / "odd %41 näme?#"
    picture = picture_in(workspace)
    receiver.answers = [500]
    clock = Clock()
    chosen = rule(to=[f"json://mallory:hunter2@127.0.0.1:{receiver.port}/tok3n"], attach_image=attach)
    outbox = make_outbox(workspace, chosen, clock=clock)
    channels = make_channels(workspace, chosen, clock=clock)
    outbox.submit(incident())
    results = [delivery.result for delivery in outbox.drain(channels.send)]
    clock.forward(10)
    results += [delivery.result for delivery in outbox.drain(channels.send)]
    assert results == ["retry", "delivered"]
    content = json.loads(receiver.requests[-1].body)
    assert content["title"] == "Unknown person at entrance · 12:00"
    assert "Who: unknown-7\n" in content["message"]
    assert content["type"] == "warning"
    sent = [base64.b64decode(item["base64"]) for item in content["attachments"]]
    assert sent == ([picture] if attach else [])


@pytest.mark.parametrize("kind", ["json", "webhook"])
def test_a_picture_that_is_gone_or_not_ours_is_not_sent_but_the_message_is(
    tmp_path: Path, receiver: Receiver, kind: str
) -> None:
    workspace = tmp_path / "workspace"
    picture_in(workspace)
    (tmp_path / "outside.jpg").write_bytes(b"not ours")
    address = {"to": [f"json://127.0.0.1:{receiver.port}"]} if kind == "json" else {"webhook": receiver.url}
    chosen = rule(attach_image=True, **address)
    channels = make_channels(workspace, chosen)
    (target,) = targets(chosen)
    sizes = []
    for image in ("images/unknown/1.jpg", "images/unknown/2.jpg", "../outside.jpg", str(tmp_path / "outside.jpg"), ""):
        row = incident(image=image)
        message = compose(chosen, target, row, message_id="m-1", now=NOON, zone=BERLIN)
        assert channels.send(message).result == "delivered"
        content = json.loads(receiver.requests[-1].body)
        sizes.append(len(content.get("attachments") or content.get("picture_jpeg_base64") or ""))
    assert sizes[0] > 0
    assert sizes[1:] == [0] * 4


def test_what_a_service_says_is_kept_without_any_part_of_the_address(tmp_path: Path) -> None:
    from apprise.decorators import notify as service

    @service(on="parrot")
    def parrot(*_: object, meta: dict[str, str], **__: object) -> bool:
        logging.getLogger("apprise").warning("Refused by the server: %s, mallory, A/B", meta["url"])
        return False

    chosen = rule(to=["parrot://mallory:hunter2@tok3n.example/A%2FB/t0ken2?key=s3cret"])
    outbox = make_outbox(tmp_path, chosen)
    outbox.submit(incident())
    (delivery,) = outbox.drain(make_channels(tmp_path, chosen).send)
    assert delivery.detail.startswith("Refused by the server: parrot://")
    for part in ("mallory", "hunter2", "tok3n", "t0ken2", "s3cret", "A/B", "A%2FB"):
        assert part not in delivery.detail


def test_a_message_whose_address_was_taken_out_of_the_settings_is_given_up(tmp_path: Path, receiver: Receiver) -> None:
    outbox = make_outbox(tmp_path, rule(webhook=receiver.url))
    outbox.submit(incident())
    channels = make_channels(tmp_path, rule("other", webhook=receiver.url))
    (delivery,) = outbox.drain(channels.send)
    assert (delivery.result, delivery.detail) == ("given up", "the rule or its address is no longer in the settings")
    assert receiver.requests == []


def test_what_is_wrong_with_an_address_or_a_key_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = "https://x.org/tok3n"
    monkeypatch.delenv("GATE_KEY", raising=False)
    with pytest.raises(ConfigError, match="in the environment variable GATE_KEY, found 0"):
        make_channels(tmp_path, rule(webhook=hook))
    monkeypatch.setenv("GATE_KEY", "s3cret-too-short"[:15])
    with pytest.raises(ConfigError, match=r"16 characters or more.*found 15") as caught:
        make_channels(tmp_path, rule(webhook=hook))
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("GATE_KEY", "x" * 16)
    make_channels(tmp_path, rule(webhook=hook))
    from_file = rule(webhook=hook, webhook_secret_env="", webhook_secret_file="hook.key")
    with pytest.raises(ConfigError, match=r"hook\.key cannot be read.*openssl rand"):
        make_channels(tmp_path, from_file)
    (tmp_path / "hook.key").write_text("y" * 32 + "\n")
    make_channels(tmp_path, from_file)
    for address in ("nonsense://tok3n/tok3n", "slack://tok3n"):
        with pytest.raises(ConfigError, match="'night': apprise does not understand the address") as caught:
            make_channels(tmp_path, rule(to=[address]))
        assert "tok3n" not in str(caught.value)


def test_a_key_file_signs_without_its_line_end(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "hook.key").write_text(KEY + "\n")
    chosen = rule(webhook=receiver.url, webhook_secret_env="", webhook_secret_file="hook.key")
    outbox = make_outbox(tmp_path, chosen)
    outbox.submit(incident())
    outbox.drain(make_channels(tmp_path, chosen).send)
    headers = receiver.requests[0].headers
    expected = sign(KEY.encode(), headers["X-Muster-Timestamp"], receiver.requests[0].body)
    assert headers["X-Muster-Signature"] == expected


def test_without_apprise_the_error_says_what_to_install(tmp_path: Path) -> None:
    """In a process where the import fails, as where it is not installed; a webhook alone needs no apprise."""
    code = (
        "sys.modules['apprise'] = None; Channels(workspace, config, clock=clock); print('fine')\n"
        "other = NotificationsConfig(rules=[{'name': 'a', 'to': ['dbus://']}])\n"
        "try: Channels(workspace, other, clock=clock)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    out, _ = start_child(code, tmp_path, rule(webhook="https://x.org")).communicate(timeout=30)
    assert out.startswith("fine\nConfigError")
    assert "pip install 'muster[notify]'" in out


# --------------------------------------------------------------------------------------------- what hangs


def test_an_attempt_that_hangs_ends_at_the_deadline_and_is_not_doubled(tmp_path: Path, receiver: Receiver) -> None:
    receiver.hold.clear()
    chosen = rule(webhook=receiver.url)
    channels = make_channels(tmp_path, chosen, timeout_s=30, deadline_s=0.3)
    outbox = make_outbox(tmp_path, chosen)
    outbox.submit(incident())
    (message,) = outbox.waiting()
    started = time.monotonic()
    first, second = channels.send(message), channels.send(message)
    assert time.monotonic() - started < 3
    assert (first.result, first.detail) == ("retry", "no end within 0.3 s")
    assert (second.result, second.detail) == ("retry", "an earlier attempt is still hanging")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_a_hanging_channel_does_not_hold_up_the_end_of_the_program(
    tmp_path: Path, receiver: Receiver, kind: str
) -> None:
    receiver.hold.clear()
    slow = {"to": [f"json://127.0.0.1:{receiver.port}?rto=60"]} if kind == "apprise" else {"webhook": receiver.url}
    code = (
        "channels = Channels(workspace, config, clock=clock, timeout_s=60)\n"
        "courier = Courier(outbox, channels.send); courier.submit(row); sys.stdin.readline()\n"
        "print(courier.close(0.2), flush=True)"
    )
    process = start_child(code, tmp_path, rule(**slow))
    assert receiver.arrived.wait(20)
    out, _ = process.communicate("\n", timeout=10)  # far less than the 60 s that the attempt may take
    assert (process.returncode, out.strip()) == (0, "False")
    assert len(list((tmp_path / "outbox").glob("2*.json"))) == 1


# --------------------------------------------------------------------------------------------- processes that die


def test_a_message_queued_by_a_process_that_was_killed_is_delivered_once_by_another(
    tmp_path: Path, receiver: Receiver
) -> None:
    chosen = rule(webhook=receiver.url)
    process = start_child("outbox.submit(row); os.kill(os.getpid(), signal.SIGKILL)", tmp_path, chosen)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert receiver.requests == []
    for _ in range(2):
        start_child("outbox.drain(channels.send)", tmp_path, chosen).communicate(timeout=30)
    assert len(receiver.requests) == 1
    assert json.loads(receiver.requests[0].body)["incident"]["incident_id"] == "20261123T120000-00000001"
    assert [row["result"] for row in sent_rows(tmp_path)] == ["delivered"]


def test_a_message_whose_sender_was_killed_before_the_answer_comes_again_with_the_same_id(
    tmp_path: Path, receiver: Receiver
) -> None:
    chosen = rule(webhook=receiver.url)
    outbox = make_outbox(tmp_path, chosen)
    outbox.submit(incident())
    receiver.hold.clear()
    process = start_child("outbox.drain(channels.send)", tmp_path, chosen)
    assert receiver.arrived.wait(20)
    assert outbox.drain(make_channels(tmp_path, chosen).send) == []  # the other still holds it
    process.kill()
    process.communicate(timeout=10)
    receiver.hold.set()
    assert [delivery.result for delivery in outbox.drain(make_channels(tmp_path, chosen).send)] == ["delivered"]
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_two_processes_that_drain_at_once_send_each_message_once(tmp_path: Path, receiver: Receiver) -> None:
    chosen = rule(webhook=receiver.url, limit=100)
    outbox = make_outbox(tmp_path, chosen)
    for number in range(30):
        outbox.submit(incident(number))
    code = (
        "print('ready', flush=True); sys.stdin.readline(); count = 0\n"
        "while outbox.waiting(): count += len(outbox.drain(channels.send))\n"
        "print(count)"
    )
    said = run_at_once([start_child(code, tmp_path, chosen) for _ in range(2)])
    assert sum(int(count) for count in said) == 30
    assert len(receiver.ids) == 30
    assert len(set(receiver.ids)) == 30
    assert len(sent_rows(tmp_path)) == 30


# --------------------------------------------------------------------------------------------- courier


def wait_until(condition: object, patience_s: float = 10.0) -> None:
    """Return once a function gives something true."""
    assert callable(condition)
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def test_a_courier_delivers_at_once_and_again_when_it_failed(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [503]
    chosen, clock = rule(webhook=receiver.url), Clock()
    outbox = make_outbox(tmp_path, chosen, clock=clock)
    courier = Courier(outbox, make_channels(tmp_path, chosen, clock=clock).send, interval_s=0.05)
    try:
        assert courier.submit(incident()) == 1
        wait_until(lambda: len(sent_rows(tmp_path)) == 1)
        clock.forward(10)
        wait_until(lambda: len(sent_rows(tmp_path)) == 2)
    finally:
        assert courier.close()
    assert [row["result"] for row in sent_rows(tmp_path)] == ["retry", "delivered"]


def test_a_courier_that_is_closed_has_tried_what_was_submitted_before(tmp_path: Path) -> None:
    script = Script(DELIVERED)
    outbox = make_outbox(tmp_path, rule(limit=100))
    courier = Courier(outbox, script, interval_s=600)
    for number in range(5):
        courier.submit(incident(number))
    assert courier.close()
    assert courier.close()
    assert len(script.messages) == 5


def test_a_courier_outlives_a_log_that_cannot_be_written_and_a_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "log").write_text("in the way")
    faults = [RuntimeError("a fault of ours")]

    def send(_message: Message) -> Outcome:
        if faults:
            raise faults.pop()
        return DELIVERED

    courier = Courier(make_outbox(tmp_path, rule(limit=100)), send, interval_s=0.05)
    try:
        courier.submit(incident(1))
        wait_until(lambda: "a fault of ours" in caplog.text)
        courier.submit(incident(2))
        wait_until(lambda: "notifications wait: " in caplog.text)
        (tmp_path / "log").unlink()
        courier.submit(incident(3))
        wait_until(lambda: len(sent_rows(tmp_path)) >= 1)
    finally:
        assert courier.close()


# --------------------------------------------------------------------------------------------- credentials


SECRETS = ("hunter2", "tok3n-in-path", "s3cr3t-topic", "hook-key-0123456789", "mallory")


def test_no_credential_is_written_or_logged_whatever_becomes_of_the_message(
    tmp_path: Path, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GATE_KEY", "hook-key-0123456789")
    caplog.set_level(logging.INFO)
    receivers[0].answers = [500, 403]
    receivers[1].answers = [500]
    clock = Clock()
    chosen = rule(
        to=[
            f"json://mallory:hunter2@127.0.0.1:{receivers[1].port}/tok3n-in-path",
            "json://mallory:hunter2@127.0.0.1:1/tok3n-in-path",
            "mailto://mallory:hunter2@127.0.0.1:1/?smtp=127.0.0.1&to=mallory@x.org&from=mallory@x.org",
            "ntfy://mallory:hunter2@127.0.0.1:1/s3cr3t-topic",
        ],
        webhook=receivers[0].url,
    )
    outbox = make_outbox(tmp_path, chosen, clock=clock, give_up_s=30)
    channels = make_channels(tmp_path, chosen, clock=clock)
    outbox.submit(incident())
    seen = [repr(outbox.waiting()), repr(channels), repr(outbox), repr(chosen)]
    for _ in range(3):
        for path in outbox.folder.glob("2*.json"):
            seen.append(path.read_text())
        seen += [repr(delivery) for delivery in outbox.drain(channels.send)]
        clock.forward(20)
    results = Counter(row["result"] for row in sent_rows(tmp_path))
    assert (results["retry"], results["given up"], results["delivered"]) == (8, 4, 1)
    seen += [path.read_text() for path in (tmp_path / "log").glob("*.csv")]
    seen.append(caplog.text)
    for text in seen:
        for secret in SECRETS:
            assert secret not in text


# --------------------------------------------------------------------------------------------- command


def notify(workspace: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `muster notify …`; an error of ours is raised."""
    answer = CliRunner().invoke(app, [*arguments, "--workspace", str(workspace)])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, answer.output


def write_rules(workspace: Path, *urls: str) -> None:
    """One rule for each address, named after its place."""
    rules: Sequence[str] = [
        f'[[notifications.rules]]\nname = "r{index}"\nwebhook = "{url}"\nwebhook_secret_env = "GATE_KEY"\n'
        for index, url in enumerate(urls)
    ]
    write_settings(workspace, "".join(rules))


def test_the_command_lists_rules_without_credentials(tmp_path: Path) -> None:
    assert notify(tmp_path, "rules") == (0, "no rules: nothing is sent (see docs/notifications.md)\n")
    write_rules(tmp_path, "https://x.org/tok3n")
    code, out = notify(tmp_path, "rules")
    assert (code, "https://x.org" in out, "tok3n" in out) == (0, True, False)
    code, out = notify(tmp_path, "rules", "--json")
    assert json.loads(out)[0]["to"] == ["https://x.org"]


def test_the_command_sends_tests_and_says_which_failed(tmp_path: Path, receivers: list[Receiver]) -> None:
    with pytest.raises(ConfigError, match=r"has no \[\[notifications\.rules\]\]"):
        notify(tmp_path, "test")
    write_rules(tmp_path, receivers[0].url, receivers[1].url)
    receivers[1].answers = [404]
    code, out = notify(tmp_path, "test", "--json")
    assert code == 1
    assert [(row["rule"], row["result"]) for row in json.loads(out)] == [("r0", "delivered"), ("r1", "given up")]
    assert notify(tmp_path, "test", "--rule", "r0")[0] == 0
    assert [json.loads(request.body)["title"][:12] for request in receivers[0].requests] == ["Test message"] * 2
    assert len(receivers[1].requests) == 1
    with pytest.raises(InputError, match=r"no notification rule 'r9' → choose one of: r0, r1"):
        notify(tmp_path, "test", "--rule", "r9")
    assert [row["result"] for row in sent_rows(tmp_path)] == ["delivered", "given up", "delivered"]
    assert notify(tmp_path, "outbox", "--json") == (0, "[]\n")  # a test is not kept


def test_the_command_shows_what_waits_and_delivers_it_now(tmp_path: Path, receiver: Receiver) -> None:
    write_rules(tmp_path, receiver.url)
    config = load_config(tmp_path)
    outbox = Outbox(tmp_path, config.zone, config.notifications, clock=lambda: datetime.now(UTC))
    outbox.submit(incident())
    outbox.drain(Script(FAILED))
    code, out = notify(tmp_path, "outbox", "--json")
    (waiting,) = json.loads(out)
    assert (code, waiting["attempts"], waiting["rule"]) == (0, 1, "r0")
    assert "Unknown person at entrance" in notify(tmp_path, "outbox")[1]
    receiver.answers = [500]
    code, out = notify(tmp_path, "drain")
    assert (code, "1 still waiting" in out) == (1, True)
    code, out = notify(tmp_path, "drain", "--json")
    assert (code, [row["result"] for row in json.loads(out)]) == (0, ["delivered"])
    assert notify(tmp_path, "drain", "--json") == (0, "[]\n")
    assert notify(tmp_path, "drain") == notify(tmp_path, "outbox") == (0, "nothing waits\n")
    assert len(receiver.requests) == 2
