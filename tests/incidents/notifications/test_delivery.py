"""The courier, credentials that stand nowhere, and the command."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from outgoing import (
    DELIVERED,
    FAILED,
    Clock,
    Receiver,
    Script,
    incident,
    make_channels,
    make_outbox,
    rule,
    sent_rows,
    write_settings,
)
from typer.testing import CliRunner

from engine.cli.notify import app
from engine.config import load_config
from engine.errors import ConfigError, InputError
from engine.incidents.notifications import Courier, Message, Outbox, SendResult
from engine.workbench import Workbench

# apprise looks for the module on its way; Python 3.13 removed it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


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

    def send(_message: Message) -> SendResult:
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


SECRETS = ("hunter2", "tok3n-in-path", "s3cr3t-topic", "hook-key-0123456789", "mallory")


def test_no_credential_is_written_or_logged_whatever_becomes_of_the_message(
    tmp_path: Path, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GATE_KEY", "hook-key-0123456789")
    caplog.set_level(logging.INFO)
    receivers[0].answers = [500, 410]
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
    assert notify(tmp_path, "rules") == (
        0,
        "There are no rules, so nothing is sent. To add one, see docs/notifications.md.\n",
    )
    write_rules(tmp_path, "https://x.org/tok3n")
    code, out = notify(tmp_path, "rules")
    assert (code, "https://x.org" in out, "tok3n" in out) == (0, True, False)
    code, out = notify(tmp_path, "rules", "--json")
    assert json.loads(out)[0]["to"] == ["https://x.org"]


def test_the_command_sends_tests_and_says_which_failed(tmp_path: Path, receivers: list[Receiver]) -> None:
    with pytest.raises(ConfigError, match="there are no notification rules"):
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
    assert (code, "1 message still waiting" in out) == (1, True)
    code, out = notify(tmp_path, "drain", "--json")
    assert (code, [row["result"] for row in json.loads(out)]) == (0, ["delivered"])
    assert notify(tmp_path, "drain", "--json") == (0, "[]\n")
    assert notify(tmp_path, "drain") == notify(tmp_path, "outbox") == (0, "No messages are waiting.\n")
    assert len(receiver.requests) == 2


def test_the_command_seals_the_log_of_deliveries_with_the_key_of_the_settings(
    tmp_path: Path, receiver: Receiver
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    write_rules(workspace, receiver.url)
    settings_file = workspace / "muster.toml"
    settings_file.write_text(f'seal_key = "{tmp_path / "elsewhere.key"}"\n' + settings_file.read_text())
    assert notify(workspace, "test")[0] == 0
    assert len(sent_rows(workspace)) == 1
    assert (tmp_path / "elsewhere.key").exists()
    assert [finding for finding in Workbench(workspace).records.verify() if not finding.harmless] == []
