"""The gallery of alerts: figures, filters, faces and bulk actions."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.views.alerts import filters
from app.views.alerts.decisions import decide
from app.views.alerts.pieces import (
    PAGE,
    age,
    assignee_field,
    here,
    kind_name,
    moment,
    problem,
    shown,
    state_buttons,
    tile,
)
from app.web import access
from app.words import say, say_count, say_percent
from engine.incidents import Incident
from engine.records.alerts import AlertFilter, alert_figures, next_states, select
from engine.workbench import Workbench

_EVERY_S = 5
_FRESH_FACES = 6


def show(bench: Workbench) -> None:
    """The gallery."""
    version, alerts = bench.alerts.version(), bench.alerts.all()
    with st.bottom:
        problem()
    _figures(bench, alerts)
    filters.row(alerts)
    wanted = filters.wanted()
    arrivals(wanted, version, frozenset(each.row.incident_id for each in alerts))
    if not alerts:
        parts.notice(say("No alerts yet"), say("Strangers and tailgating appear here, with pictures."))
        return
    found = select(alerts, wanted, bench.incidents.day_of(bench.clock()))
    if not found:
        filters.nothing(wanted != AlertFilter())
        return
    page = found[parts.paged(len(found), PAGE)]
    may_review = access.may("alerts.review")
    if may_review:
        _choose_all(page)
    grid = st.grid(min_column_width=170)
    for alert in page:
        with grid.cell(), st.container(key=f"tile-{alert.row.incident_id}"):
            parts.html(tile(bench, alert))
            if may_review:
                name = say("Select {what}", what=f"{kind_name(alert.row.kind)}, {moment(bench, alert.row.timestamp)}")
                st.checkbox(parts.plain(name), key=_key(alert), label_visibility="collapsed")
    if may_review:
        _bulk([alert for alert in page if st.session_state.get(_key(alert))])


def _key(alert: Incident) -> str:
    return f"pick-{alert.row.incident_id}"


def _figures(bench: Workbench, alerts: Sequence[Incident]) -> None:
    now = bench.clock()
    figures = alert_figures(alerts, now)
    share = say_percent(figures.false_alarms / figures.judged) if figures.judged else "–"
    parts.figures(
        parts.Metric(
            say("Open"), str(figures.open), say("all dates"), "bad" if figures.open else "good", to("/alerts")
        ),
        parts.Metric(say("High severity"), figures.high, say("open"), "bad", to("/alerts", severity="high")),
        parts.Metric(
            say("Oldest open"),
            age(now - figures.oldest) if figures.oldest else "–",
            moment(bench, figures.oldest) if figures.oldest else say("none open"),
            rows=_oldest(alerts) if figures.oldest else "",
        ),
        parts.Metric(
            say("False alarms"),
            share,
            say("of {count} closed in 30 days", count=figures.judged),
            rows=to("/alerts", state="false alarm"),
        ),
    )


def _oldest(alerts: Sequence[Incident]) -> str:
    first = min((each for each in alerts if each.state == "open"), key=lambda each: each.row.timestamp)
    return here(incident=first.row.incident_id)


@st.fragment(run_every=_EVERY_S)
@parts.guarded
def arrivals(wanted: AlertFilter, version: int, drawn: frozenset[str]) -> None:
    """Announces alerts newer than the gallery, which had a version of the board and the ids of all alerts drawn.

    Without changed files this costs one directory listing.
    """
    bench = access.reading("alerts.view")
    if bench.alerts.version() == version:
        return
    today = bench.incidents.day_of(bench.clock())
    fresh = [each for each in select(bench.alerts.all(), wanted, today) if each.row.incident_id not in drawn]
    if not fresh:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        faces = Markup("").join(shown(bench, each.row.image, 56, "") for each in fresh[:_FRESH_FACES])
        text = say_count("{count} new alert", "{count} new alerts", len(fresh))
        parts.show('<div class="m-faces">{faces}<strong>{text}</strong></div>', faces=faces, text=text)
        if st.button(say("Show"), type="primary", key="alerts-fresh"):
            st.rerun()


def _choose_all(page: Sequence[Incident]) -> None:
    key = "alerts-all"
    st.session_state[key] = all(st.session_state.get(_key(each)) for each in page)

    def chosen() -> None:
        for each in page:
            st.session_state[_key(each)] = st.session_state[key]

    st.checkbox(say("Select all on this page"), key=key, on_change=chosen)


def _bulk(chosen: Sequence[Incident]) -> None:
    """Bulk actions for the selected alerts, placed below so that nothing moves."""
    if not chosen:
        return

    def clear() -> None:
        for each in chosen:
            st.session_state[_key(each)] = False

    @parts.guarded
    def settle(state: str) -> None:
        done = decide(
            {each.row.incident_id: each.state for each in chosen},
            state,
            note=str(st.session_state.get("bulk-note") or ""),
            assignee=str(st.session_state.get("bulk-assignee") or ""),
        )
        if done:
            clear()
            st.session_state["bulk-note"], st.session_state["bulk-assignee"] = "", None

    with st.bottom, st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            say("{count} selected", count=len(chosen)),
            key="bulk-clear",
            type="tertiary",
            on_click=clear,
            icon=":material/close:",
            help=say("Clear selection"),
        )
        with st.container(width=180):
            assignee_field("bulk-assignee")
        st.text_input(say("Note"), key="bulk-note", max_chars=500, width=200)
        following = {(each.state, state) for each in chosen for state in next_states(each.state)}
        state_buttons({state for _, state in following - {("acknowledged", "open")}}, settle, "bulk-")
