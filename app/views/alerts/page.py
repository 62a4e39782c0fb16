"""Alerts: incidents that need a security lead, and strangers."""

from __future__ import annotations

import streamlit as st

from app.ui.address import put
from app.views.alerts import dossier, gallery, incident, strangers
from app.views.alerts.pieces import style
from app.web import access
from app.words import say
from engine.errors import MusterError
from engine.workbench import Workbench


def show() -> None:
    """The page: the gallery of alerts, one alert (`?incident=`), the strangers (`?view=strangers`) or one of them (`?dossier=`)."""
    bench = access.reading("alerts.view")
    style()
    if incident_id := st.query_params.get("incident"):
        incident.show(bench, incident_id)
        return
    if unknown_id := st.query_params.get("dossier"):
        dossier.show(bench, unknown_id)
        return
    st.title(say("Alerts"), anchor=False)
    if _view() == "strangers":
        strangers.show(bench)
    else:
        gallery.show(bench)


def _view() -> str:
    """The view named by the address."""
    key = "alerts-view"
    st.session_state[key] = "strangers" if st.query_params.get("view") == "strangers" else "alerts"

    def turned() -> None:
        put(view="strangers" if st.session_state[key] == "strangers" else "", page="")

    names = {"alerts": say("Alerts"), "strangers": say("Strangers")}
    st.segmented_control(
        say("View"),
        list(names),
        format_func=lambda word: names[word],
        key=key,
        on_change=turned,
        required=True,
        label_visibility="collapsed",
    )
    return str(st.session_state[key])


def open_count(bench: Workbench) -> int:
    """Number of open incidents for the menu; 0 if the log is unreadable, which the page reports."""
    try:
        return bench.alerts.open_count()
    except MusterError:
        return 0
