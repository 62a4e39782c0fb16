"""Signed webhooks, apprise, and channels that hang."""

from __future__ import annotations

import base64
import json
import logging
import re
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outgoing import (
    BERLIN,
    KEY,
    NOON,
    ROOT,
    Clock,
    Receiver,
    incident,
    make_channels,
    make_outbox,
    rule,
    sent_rows,
    start_child,
)
from pydantic import SecretStr

from engine.errors import ConfigError
from engine.incidents.notifications import (
    SendResult,
    compose,
    post_webhook,
    send_apprise,
    sign,
    targets,
    verify_signature,
)

# apprise looks for the module on its way; Python 3.13 removed it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


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


def post(receiver: Receiver, timeout_s: float = 5) -> SendResult:
    """One attempt."""
    return post_webhook(SecretStr(receiver.url), KEY.encode(), b"{}", "m-1", NOON, timeout_s)


@pytest.mark.parametrize(
    ("status", "result"),
    [(200, "delivered"), (201, "delivered"), (204, "delivered")]
    + [(status, "refused") for status in (400, 410, 422)]
    + [(status, "retry") for status in (302, 307, 401, 403, 404, 408, 429, 500, 502, 503, 599)],
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


def test_an_attempt_that_hangs_ends_at_the_deadline_and_is_not_doubled(tmp_path: Path, receiver: Receiver) -> None:
    receiver.hold.clear()
    chosen = rule(webhook=receiver.url)
    channels = make_channels(tmp_path, chosen, timeout_s=30, deadline_s=0.3)
    outbox = make_outbox(tmp_path, chosen)
    outbox.submit(incident())
    (message,) = outbox.waiting()
    started = time.monotonic()
    first, second = channels.send(message), channels.send(message)
    assert time.monotonic() - started < 30  # what the attempt itself would wait
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


def test_no_channel_follows_a_redirect(receivers: list[Receiver]) -> None:
    receivers[0].answers = [302]
    receivers[0].headers = {"Location": receivers[1].url}
    address = SecretStr(f"json://127.0.0.1:{receivers[0].port}/")
    assert send_apprise(address, "title", "body").result == "retry"
    assert receivers[0].requests
    assert not receivers[1].requests
