"""The sites that this workbench serves, and a new one."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.ui.address import to
from app.views.settings.choices import zones
from app.web import access, services
from app.words import said, say
from engine.workbench import Workbench

_ACTION = "system.manage"


def show(bench: Workbench) -> None:
    """The part of the page."""
    served = services.sites()
    rows = []
    for name in served.names:
        zone = services.timezone(name).replace("_", " ")
        rows.append((parts.link(to("/settings", site=name), name), zone, say("home") if name == served.home else ""))
    parts.table((say("Site"), say("Time zone"), ""), rows)
    for name, problem in served.problems.items():
        parts.notice(name, said(problem), tone="bad")
    if bench.config.store:
        parts.soft(say("The sites of a database are added by `muster store`."))
        return
    st.header(say("Add a site"))
    with st.form("settings-site", border=False):
        left, right = st.columns(2, gap="large")
        name = left.text_input(
            say("Name"), max_chars=40, key="settings-site-name", placeholder=say("Example: {name}", name="berlin")
        )
        zone = right.selectbox(
            say("Time zone"),
            zones(),
            zones().index(bench.config.timezone) if bench.config.timezone in zones() else 0,
            key="settings-site-zone",
        )
        wanted = st.form_submit_button(say("Add"), type="primary")
    parts.soft(say("It has people, cameras and settings of its own. Accounts are shared."))
    if wanted:
        with parts.told():
            _add(str(name or "").strip(), str(zone))
            parts.done(say("Site added"))


def _add(name: str, zone: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.sites_desk.add(name, zone, author=author)
    services.find_sites_again()
