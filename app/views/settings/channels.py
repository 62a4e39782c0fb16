"""Beside a channel's settings: a test message. Below the channels: how the broker stands, and where the outbox is."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.ui import parts
from app.ui.address import to
from app.views.settings.draft import Draft, key
from app.web import access
from app.words import say, say_count
from engine.config.editing import SettingPath
from engine.incidents.notifications import MQTT
from engine.operations.mqtt import publisher_standing
from engine.operations.trial_message import send_trial
from engine.workbench import Workbench


def show(draft: Draft, base: SettingPath, given: dict[str, Any] | None) -> None:
    """Draw it below the fields of a channel or of a report."""
    if given is not None or base[0] != "notifications":
        return
    name = str(draft.effective((*base, "name")))
    if st.button(
        say("Send a test"),
        icon=":material/send:",
        key=key(base, "#test"),
        disabled=bool(draft.changes),
        help=say("Save first.") if draft.changes else None,
    ):
        _try(name)


def _try(name: str) -> None:
    with parts.told(), st.spinner(say("Sending…")):
        bench, _ = access.acting("system.settings")
        for row in send_trial(bench, name):
            text = parts.plain(f"{row.channel}: {row.detail}" if row.detail else row.channel)
            if row.result == "delivered":
                st.success(say("Delivered: {what}", what=text), icon=":material/check:")
            else:
                st.error(say("Not delivered: {what}", what=text), icon=":material/error:")


def below(bench: Workbench) -> None:
    """How the broker stands, with a test; what waits, and where the rest is."""
    if bench.config.mqtt.on:
        _broker(bench)
    _outbox(bench)


def _broker(bench: Workbench) -> None:
    stands = publisher_standing(bench.workspace)
    if stands is None:
        parts.show("<p>{text}</p>", text=say("Nothing is published while Muster does not run here."))
    elif stands.connected:
        parts.show("<p>{text}</p>", text=say("Connected to the broker {broker}.", broker=stands.broker))
    else:
        missing = say("Not connected to the broker {broker}.", broker=stands.broker)
        parts.notice(stands.problem or missing, stands.hint, tone="bad")
    if st.button(say("Send a test to the broker"), icon=":material/send:", key="settings-mqtt-test"):
        _try(MQTT)


def _outbox(bench: Workbench) -> None:
    waiting = len(bench.outbox.waiting())
    parts.show(
        "<p>{text} {link}</p>",
        text=say_count("{count} message waits.", "{count} messages wait.", waiting),
        link=parts.link(to("/system", part="mail"), say("Outbox")),
    )
