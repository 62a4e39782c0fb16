"""Filters of the alerts, kept in the address so that users can share them and go back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.ui import parts
from app.ui.address import day_of, put
from app.views.alerts.pieces import kind_name
from app.words import date_format, say
from engine.incidents import ALERT_KINDS, REVIEW_STATES, Incident
from engine.records.alerts import RECENT_DAYS, SEVERITIES, AlertFilter

PARAMS = ("state", "kind", "camera", "severity", "since", "until")
_STATES = (*REVIEW_STATES, "noted")
_ANY = "any"


def wanted() -> AlertFilter:
    """What the address asks for."""
    asked = st.query_params
    state = asked.get("state", "open")

    def one_of(param: str, words: Sequence[str]) -> str:
        word = asked.get(param, "")
        return word if word in words else ""

    return AlertFilter(
        "" if state == _ANY else state if state in _STATES else "open",
        one_of("kind", ALERT_KINDS),
        asked.get("camera", ""),
        one_of("severity", SEVERITIES),
        day_of(asked.get("since", "")),
        day_of(asked.get("until", "")),
    )


def row(alerts: Sequence[Incident]) -> None:
    """The row of filters; all alerts there are name the cameras."""
    cameras = sorted({each.row.camera for each in alerts if each.row.camera} - {_ANY})
    asked = st.query_params.get("camera", "")
    if asked and asked not in cameras:
        put(camera="")
    any_of = {
        "state": (say("State"), {**{word: parts.mark(word) for word in _STATES}, _ANY: say("Any state")}),
        "kind": (say("Type"), {_ANY: say("All types"), **{kind: kind_name(kind) for kind in ALERT_KINDS}}),
        "camera": (say("Camera"), {_ANY: say("All cameras"), **{each: each for each in cameras}}),
        "severity": (say("Severity"), {_ANY: say("Any severity"), **{word: parts.mark(word) for word in SEVERITIES}}),
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label, names = any_of.pop("state")
        parts.choice(label, names, "alerts-state", "state", menu=True, width=190)
        more = sum(bool(st.query_params.get(param)) for param in PARAMS if param != "state")
        label = say("Filters ({count})", count=more) if more else say("Filters")
        with st.popover(label, icon=":material/filter_list:", key="alerts-filters"):
            for param, (label, names) in any_of.items():
                parts.choice(label, names, f"alerts-{param}", param, menu=True)
            about = say("Without dates: the last {count} days and all open alerts.", count=RECENT_DAYS)
            for param, label in (("since", say("From")), ("until", say("To"))):
                _date(param, label, about)
        if more:
            st.button(
                say("Clear"),
                type="tertiary",
                key="alerts-clear",
                on_click=lambda: put(**dict.fromkeys((*PARAMS[1:], "page"), "")),
            )


def _date(param: str, label: str, about: str) -> None:
    key = f"alerts-{param}"
    st.session_state[key] = day_of(st.query_params.get(param, ""))

    def chosen() -> None:
        day = st.session_state[key]
        put(**{param: day.isoformat() if day else "", "page": ""})

    st.date_input(label, value=None, key=key, on_change=chosen, help=parts.plain(about), format=date_format())


def nothing(hidden: bool) -> None:
    """The notice when there is no alert, or the filters have hidden all."""
    if hidden:
        parts.notice(
            say("No alert matches these filters"),
            say("The filters hide other alerts."),
            action=lambda: st.button(say("Show open alerts"), on_click=lambda: put(**dict.fromkeys(PARAMS, ""))),
        )
        return
    parts.notice(say("No open alerts"), say("New alerts appear here automatically."), tone="good")
