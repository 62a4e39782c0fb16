"""Alerts: incidents that need a security lead, and strangers."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.alerts import dossier, gallery, incident, strangers
from app.web import access
from app.words import say
from engine.errors import MusterError
from engine.workbench import Workbench


def show() -> None:
    """The page: the gallery of alerts, one alert (`?incident=`), the strangers (`?view=strangers`) or one of them (`?dossier=`)."""
    bench = access.reading("alerts.view")
    parts.stylesheet("alerts")
    if incident_id := st.query_params.get("incident"):
        incident.show(bench, incident_id)
        return
    if unknown_id := st.query_params.get("dossier"):
        dossier.show(bench, unknown_id)
        return
    st.title(say("Alerts"), anchor=False)
    names = {"alerts": say("Alerts"), "strangers": say("Strangers")}
    if parts.choice(say("View"), names, "alerts-view", "view") == "strangers":
        strangers.show(bench)
    else:
        gallery.show(bench)


def open_count(bench: Workbench) -> int:
    """Number of open incidents for the menu; 0 if the log is unreadable, which the page reports."""
    try:
        return bench.alerts.open_count()
    except MusterError:
        return 0
