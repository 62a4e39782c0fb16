"""Which incidents are told to whom, in which words, and how often."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outgoing import (
    BERLIN,
    DELIVERED,
    NOON,
    Clock,
    Script,
    another,
    incident,
    make_outbox,
    rule,
    run_at_once,
    start_child,
    write_settings,
)

from engine.config import NotificationsConfig, load_config
from engine.errors import ConfigError
from engine.incidents import IncidentRow
from engine.incidents.notifications import Message, compose, matches, targets

# apprise looks for the module on its way; Python 3.13 removed it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


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
    'hours = ["25:00-06:00"]': "'25:00-06:00' is not a window of hours such as 08:00-17:30",
    'hours = ["8-17"]': "is not a window of hours",
    'hours = ["24:00-06:00"]': "is not a window of hours",
    'hours = ["08:00-08:00"]': "is empty; leave hours out",
    'days = "mon-foo"': "'mon-foo' names no days",
    'days = "mon-"': "'mon-' names no days",
    'min_severity = "urgent"': "'info', 'low', 'medium' or 'high'",
    'kinds = ["unkown"]': "'unkown' is not a kind of incident: badge, camera_back",
    "limit = 0": "greater than or equal to 1",
    "per_s = 0": "greater than 0",
    'nmae = "x"': "nmae",
    'webhook = "ftp://secret.org"\nwebhook_secret_env = "K"': "expected http:// or https://",
    'webhook = "https://me:secret@x.org"\nwebhook_secret_env = "K"': "without user and password",
    'webhook = "https://x.org:secret/"\nwebhook_secret_env = "K"': "the port of the address is not valid",
    'webhook = "https://x.org/secret with space"\nwebhook_secret_env = "K"': "expected http:// or https://",
    'webhook = "https://x.org/secret"': "needs one of webhook_key, webhook_secret_env and webhook_secret_file",
    'webhook_secret_env = "K"': "needs one of webhook_key, webhook_secret_env and webhook_secret_file",
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
    with pytest.raises(ValueError, match="'night' has no recipient"):
        rule(to=[])
    with pytest.raises(ValueError, match="two rules are named 'night'"):
        NotificationsConfig(rules=(rule(), rule()))


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


def message_for(row: IncidentRow, **values: object) -> Message:
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
        ("part_lost", "A part of Muster ended and was started again · 20:41"),
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
    assert message_for(incident(image=""), attach_image=True).image == ""


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
        counts.append(outbox.submit(another()))
        clock.forward(60)
    assert counts == [1, 1, 0, 0, 0]
    clock.forward(3600 - 5 * 60 - 1)
    assert outbox.submit(another()) == 0  # a second too early
    clock.forward(1)
    assert outbox.submit(another()) == 1
    last = outbox.waiting()[-1]
    assert last.held == 4
    assert "And 4 more since 12:02, held back by the limit of 2 in 60 minutes for a camera" in last.body
    clock.forward(7200)
    assert outbox.submit(another()) == 1
    assert outbox.waiting()[-1].held == 0  # they are told once


def test_the_limit_is_for_a_rule_and_a_camera_each(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, rule("a", limit=1), rule("b", limit=2))
    assert [outbox.submit(another(camera="yard")) for _ in range(3)] == [2, 1, 0]
    assert [outbox.submit(another(camera="gate")) for _ in range(3)] == [2, 1, 0]


def test_the_limit_survives_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    for expected in (1, 1, 0, 0):
        assert make_outbox(tmp_path, rule(limit=2), clock=clock).submit(another()) == expected
    clock.forward(3601)
    again = make_outbox(tmp_path, rule(limit=2), clock=clock)
    again.submit(another())
    assert again.waiting()[-1].held == 2


def test_a_clock_that_is_set_back_does_not_silence_a_rule(tmp_path: Path) -> None:
    clock = Clock()
    outbox = make_outbox(tmp_path, rule(limit=1), clock=clock)
    assert outbox.submit(another()) == 1
    clock.forward(-86400)
    assert [outbox.submit(another()) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"night": {"entrance": {"held": "many"}}}', b"\xff"])
def test_a_damaged_state_of_the_limits_is_set_aside_and_the_alert_goes_out(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "limits.json").write_bytes(content)
    assert make_outbox(tmp_path, rule()).submit(another()) == 1
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
            if outbox.submit(another()):
                told.append(clock.now)
        clock.forward(1000)
        assert outbox.submit(another()) == 1  # by now all limits are over
    finally:
        waiting = outbox.waiting()
        shutil.rmtree(workspace)
    for index, time_ in enumerate(told):
        assert sum(0 <= (other - time_).total_seconds() < 100 for other in told[index:]) <= limit
    assert len(waiting) + sum(message.held for message in waiting) == len(steps) + 1


def test_several_processes_keep_one_limit(tmp_path: Path) -> None:
    code = (
        "from dataclasses import replace\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "rows = [replace(row, incident_id=f'{row.incident_id}-{os.getpid()}-{n}') for n in range(15)]\n"
        "print(sum(map(outbox.submit, rows)))"
    )
    children = [start_child(code, tmp_path, rule(limit=7)) for _ in range(2)]
    assert sum(int(said) for said in run_at_once(children)) == 7
    assert len(make_outbox(tmp_path, rule()).waiting()) == 7
    limits = json.loads((tmp_path / "outbox" / "limits.json").read_text())
    assert limits["night"]["entrance"]["held"] == 30 - 7
