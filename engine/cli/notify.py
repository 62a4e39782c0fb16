"""`muster notify`: the rules, test messages and the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from engine.cli.context import Json, Workspace, open_workbench
from engine.cli.output import counted, emit_json, say, table

if TYPE_CHECKING:
    from engine.config import Config, NotificationRule
    from engine.incidents.notifications import Channels, DeliveryRow, Outbox
    from engine.workbench import Workbench

app = typer.Typer(name="notify", help="Test and deliver notifications of incidents.", no_args_is_help=True)


def _open(workspace: Path) -> tuple[Config, Outbox]:
    bench = open_workbench(workspace)  # its outbox seals the delivery log with the key of the settings
    return bench.config, bench.outbox


def _channels(workspace: Path, config: Config) -> Channels:
    from engine.incidents.notifications import Channels

    return Channels(workspace, config.notifications, clock=lambda: datetime.now(config.zone))


def _show(deliveries: Sequence[DeliveryRow], title: str, as_json: bool) -> None:
    if as_json:
        renamed = {"timestamp": "time"}
        emit_json([{renamed.get(name, name): value for name, value in vars(each).items()} for each in deliveries])
        return
    rows = [(each.rule, each.channel, each.result, each.attempt, each.detail) for each in deliveries]
    table(title, ("rule", "channel", "result", "attempt", "detail"), rows)


def _boxes(bench: Workbench) -> tuple[Outbox, Outbox]:
    """The outbox of notifications and the one of scheduled reports."""
    from engine.operations.mailing import ReportMail

    return bench.outbox, ReportMail(bench).outbox


@app.command()
def rules(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the rules.

    Of each address, only the service and the host are shown.
    """
    config, _ = _open(workspace)
    found = [_rule(rule) for rule in config.notifications.rules]
    if as_json:
        emit_json(found)
    elif not found:
        say("There are no rules, so nothing is sent. To add one, see docs/notifications.md.")
    else:
        cells = [[", ".join(value) if isinstance(value, list) else value for value in rule.values()] for rule in found]
        table("Notification rules", list(found[0]), cells)


def _rule(rule: NotificationRule) -> dict[str, object]:
    from engine.incidents.notifications import targets

    return {
        "name": rule.name,
        "kinds": list(rule.kinds) or ["all"],
        "cameras": list(rule.cameras) or ["all"],
        "hours": list(rule.hours) or ["all"],
        "days": rule.days or "all",
        "from severity": rule.min_severity.value,
        "limit": f"{rule.limit} in {rule.per_s:g} s",
        "picture": "yes" if rule.attach_image else "no",
        "to": [target.channel for target in targets(rule)],
    }


@app.command("test")
def send_test(
    rule: Annotated[
        str | None,
        Option(show_default="all", help="Send only to the addresses of this rule; mqtt: only to the broker."),
    ] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Send a test message to every address and to the broker.

    The exit code is 1 if a message could not be delivered.
    """
    from engine.operations.trial_message import send_trial

    deliveries = list(send_trial(open_workbench(workspace), rule))
    _show(deliveries, "Test messages", as_json)
    if any(delivery.result != "delivered" for delivery in deliveries):
        raise typer.Exit(1)


@app.command()
def outbox(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the messages and reports that wait to be delivered."""
    waiting = [message for box in _boxes(open_workbench(workspace)) for message in box.waiting()]
    if as_json:
        emit_json([message.model_dump(mode="json", exclude={"body", "facts"}) for message in waiting])
        return
    if not waiting:
        say("No messages are waiting.")
        return
    rows = []
    for each in waiting:
        times = (f"{each.created:%Y-%m-%d %H:%M:%S}", each.attempts, f"{each.next_at:%H:%M:%S}")
        rows.append((each.message_id, each.rule, each.channel, each.title, *times))
    table("Waiting messages", ("message", "rule", "channel", "title", "since", "attempts", "next try"), rows)


@app.command()
def drain(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Try to deliver all waiting messages and reports now.

    The exit code is 1 if a message could not be delivered.
    """
    from engine.operations.mailing import ReportMail

    bench = open_workbench(workspace)
    deliveries = bench.outbox.drain(_channels(workspace, bench.config).send, everything=True)
    deliveries += ReportMail(bench).deliver(everything=True)
    if deliveries or as_json:
        _show(deliveries, "Attempts", as_json)
    if not as_json:
        _show_left(sum(len(box.waiting()) for box in _boxes(bench)), tried=bool(deliveries))
    if any(delivery.result != "delivered" for delivery in deliveries):
        raise typer.Exit(1)


@app.command("clear")
def clear_broker(workspace: Workspace = Path("data")) -> None:
    """Have the MQTT broker forget this workspace.

    Sensors in Home Assistant disappear. Removing the broker on the Settings page does the same; use this if you remove it by hand.
    """
    from engine.operations.mqtt import clear

    say(f"The broker has forgotten {counted(clear(open_workbench(workspace)), 'topic')}.")


def _show_left(left: int, *, tried: bool) -> None:
    if left:
        say(f"{counted(left, 'message')} still waiting" + ("." if tried else "; another process is delivering now."))
    elif not tried:
        say("No messages are waiting.")
