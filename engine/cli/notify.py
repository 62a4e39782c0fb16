"""`muster notify`: the rules, a test, what waits, and delivering it now."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.context import Json, Workspace
from engine.cli.output import console, emit_json, table
from engine.config import CONFIG_NAME, Config, NotificationRule
from engine.errors import ConfigError, InputError
from engine.notifications import Channels, Delivery, Outbox, compose, targets
from engine.storage import new_id
from engine.workbench import Workbench

__all__ = ["app"]

app = typer.Typer(help="Who is told of incidents.", no_args_is_help=True, rich_markup_mode=None)


def _open(workspace: Path) -> tuple[Config, Outbox]:
    bench = Workbench(workspace)  # its outbox seals the log of deliveries with the key that the settings name
    return bench.config, bench.outbox


def _channels(workspace: Path, config: Config) -> Channels:
    return Channels(workspace, config.notifications, clock=lambda: datetime.now(config.zone))


def _show(deliveries: Sequence[Delivery], title: str, as_json: bool) -> None:
    if as_json:
        emit_json([dataclasses.asdict(delivery) for delivery in deliveries])
        return
    rows = [
        (delivery.rule, delivery.channel, delivery.result, delivery.attempt, delivery.detail) for delivery in deliveries
    ]
    table(title, ("rule", "channel", "result", "attempt", "detail"), rows)


@app.command()
def rules(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List the rules; of addresses only service and host are shown."""
    config, _ = _open(workspace)
    found = [_rule(rule) for rule in config.notifications.rules]
    if as_json:
        emit_json(found)
    elif not found:
        console.print("no rules: nothing is sent (see docs/notifications.md)")
    else:
        cells = [[", ".join(value) if isinstance(value, list) else value for value in rule.values()] for rule in found]
        table("Notification rules", list(found[0]), cells)


def _rule(rule: NotificationRule) -> dict[str, object]:
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
    rule: Annotated[str | None, typer.Option(help="Only this rule's addresses.")] = None,
    workspace: Workspace = Path("data"),
    as_json: Json = False,
) -> None:
    """Send a test message to every address now; exit 1 if one fails."""
    config, outbox = _open(workspace)
    known = config.notifications.rules
    if not known:
        raise ConfigError(
            f"{workspace / CONFIG_NAME} has no [[notifications.rules]]", hint="see docs/notifications.md for examples"
        )
    chosen = [entry for entry in known if rule in {None, entry.name}]
    if not chosen:
        names = ", ".join(entry.name for entry in known)
        raise InputError(f"there is no notification rule {rule!r}", hint=f"choose one of: {names}")
    channels = _channels(workspace, config)
    deliveries = []
    for entry in chosen:
        for target in targets(entry):
            now = datetime.now(config.zone)
            row = {"kind": "test_message", "timestamp": now.isoformat(), "detail": "nothing has happened"}
            message = compose(entry, target, row, message_id=new_id(now), now=now, zone=config.zone)
            deliveries.append(outbox.send_once(message, channels.send))
    _show(deliveries, "Test messages", as_json)
    if any(delivery.result != "delivered" for delivery in deliveries):
        raise typer.Exit(1)


@app.command()
def outbox(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """List what waits, since when, and how often it was tried."""
    _, box = _open(workspace)
    waiting = box.waiting()
    if as_json:
        emit_json([message.model_dump(mode="json", exclude={"body", "facts"}) for message in waiting])
        return
    if not waiting:
        console.print("nothing waits")
        return
    rows = [
        (
            message.message_id,
            message.rule,
            message.channel,
            message.title,
            f"{message.created:%Y-%m-%d %H:%M:%S}",
            message.attempts,
            f"{message.next_at:%H:%M:%S}",
        )
        for message in waiting
    ]
    table("Waiting messages", ("message", "rule", "channel", "what", "since", "attempts", "next try"), rows)


@app.command()
def drain(workspace: Workspace = Path("data"), as_json: Json = False) -> None:
    """Try everything that waits now; exit 1 if an attempt fails."""
    config, box = _open(workspace)
    deliveries = box.drain(_channels(workspace, config).send, everything=True)
    if deliveries or as_json:
        _show(deliveries, "Attempts", as_json)
    left = len(box.waiting())
    if left and not as_json:
        console.print(f"{left} still waiting" if deliveries else f"{left} waiting: another process delivers just now")
    elif not deliveries and not as_json:
        console.print("nothing waits")
    if any(delivery.result != "delivered" for delivery in deliveries):
        raise typer.Exit(1)
