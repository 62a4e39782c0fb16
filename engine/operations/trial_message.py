"""A test message to the addresses of notification rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from engine.errors import ConfigError, InputError
from engine.incidents import IncidentKind, IncidentRow
from engine.incidents.notifications import MQTT, Channels, DeliveryRow, compose, targets
from engine.operations.mqtt import HOW_TO, NO_BROKER, send_test
from engine.storage import new_id
from engine.workbench import Workbench


def send_trial(bench: Workbench, rule: str | None = None) -> Iterator[DeliveryRow]:
    """Send a test message to each address, and to the MQTT broker, and yield what came of it.

    Args:
        rule: only of this one, or `mqtt`; None: of all.

    Raises:
        ConfigError: there are no rules, or they cannot be followed. InputError: there is none of this name.
    """
    config = bench.config
    known = config.notifications.rules
    if not known and not config.mqtt.on and rule != MQTT:
        raise ConfigError(
            "there are no notification rules", hint="add a channel on the Settings page, or see docs/notifications.md"
        )
    if rule == MQTT and not config.mqtt.on:
        raise ConfigError(NO_BROKER, hint=HOW_TO)
    chosen = [entry for entry in known if rule in {None, entry.name}]
    if not chosen and rule not in {None, MQTT}:
        names = ", ".join([*(entry.name for entry in known), *([MQTT] if config.mqtt.on else [])])
        raise InputError(f"there is no notification rule {rule!r}", hint=f"choose one of: {names}")
    channels = Channels(bench.workspace, config.notifications, clock=lambda: datetime.now(config.zone))
    for entry in chosen:
        for target in targets(entry):
            now = datetime.now(config.zone)
            row = IncidentRow("", now, IncidentKind.TEST, "", detail="nothing has happened")
            message = compose(entry, target, row, message_id=new_id(now), now=now, zone=config.zone)
            yield bench.outbox.send_once(message, channels.send)
    if config.mqtt.on and rule in {None, MQTT}:
        yield send_test(bench)
