"""Filters of the alerts, kept in the address so that users can share them and go back."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import date

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.alerts.pieces import kind_name, options
from app.words import language, say
from engine.incidents import ALERT_KINDS, REVIEW_STATES, Incident
from engine.records.alerts import RECENT_DAYS, SEVERITIES, AlertFilter

PARAMS = ("state", "kind", "camera", "severity", "since", "until")
_STATES = (*REVIEW_STATES, "noted")
_ANY = "any"


def _day(param: str) -> date | None:
    with contextlib.suppress(ValueError):
        return date.fromisoformat(st.query_params.get(param, ""))
    return None


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
        _day("since"),
        _day("until"),
    )


def row(alerts: Sequence[Incident]) -> None:
    """The row of filters.

    Args:
        alerts: all there are, for the names of cameras.
    """
    cameras = sorted({each.row.camera for each in alerts if each.row.camera} - {_ANY})
    asked = st.query_params.get("camera", "")
    if asked and asked not in cameras:
        put(camera="")
    grid = st.grid(6, min_column_width=118)
    with grid.cell():
        options("state", "open", {**{word: parts.mark(word) for word in _STATES}, _ANY: say("Any state")}, say("State"))
    with grid.cell():
        options("kind", _ANY, {_ANY: say("All types"), **{kind: kind_name(kind) for kind in ALERT_KINDS}}, say("Type"))
    with grid.cell():
        options("camera", _ANY, {_ANY: say("All cameras"), **{each: each for each in cameras}}, say("Camera"))
    with grid.cell():
        options(
            "severity",
            _ANY,
            {_ANY: say("Any severity"), **{word: parts.mark(word) for word in SEVERITIES}},
            say("Severity"),
        )
    about = say("Without dates: the last {count} days and all open alerts.", count=RECENT_DAYS)
    with grid.cell():
        _date("since", say("From"), about)
    with grid.cell():
        _date("until", say("To"), about)


def _date(param: str, label: str, about: str) -> None:
    key = f"alerts-{param}"
    st.session_state[key] = _day(param)

    def chosen() -> None:
        day = st.session_state[key]
        put(**{param: day.isoformat() if day else "", "page": ""})

    written = "DD.MM.YYYY" if language() == "de" else "YYYY-MM-DD"
    st.date_input(label, value=None, key=key, on_change=chosen, help=parts.plain(about), format=written)


def nothing(hidden: bool) -> None:
    """The notice when no alert matches.

    Args:
        hidden: there are alerts, but the filters leave none.
    """
    if hidden:
        parts.notice(
            say("No alert matches these filters"),
            say("The filters hide other alerts."),
            action=lambda: st.button(say("Show open alerts"), on_click=lambda: put(**dict.fromkeys(PARAMS, ""))),
        )
        return
    parts.notice(
        say("No open alerts"),
        say("New alerts appear here automatically."),
        tone="good",
    )
