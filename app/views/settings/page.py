"""Settings: what an administrator decides about this site, one part for each concern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import streamlit as st

from app.ui import parts
from app.views.settings import cameras, channels, doors, form, history, rows, screens, sites
from app.views.settings.catalogue import BLOCKS, TITLES, Part
from app.views.settings.described import Block, Takes
from app.views.settings.draft import Draft, forget
from app.web import access, services
from app.words import marked, say
from engine.workbench import Workbench

_BEFORE = "settings-part"

_BESIDE: dict[str, rows.Beside] = {"cameras": cameras.show, "doors": doors.show, "notifications": channels.show}
"""What is drawn below the fields of an entry, by the section."""
_BELOW: dict[str, Callable[[Workbench], None]] = {
    "notifications": channels.below,
    "kiosk": screens.show,
    "sites": sites.show,
}
"""What a part shows beside its settings."""


def show() -> None:
    """The page."""
    bench = access.reading(form.ACTION)
    st.title(say("Settings"))
    form.announce()
    names: dict[str, str] = {name: marked(title) for name, title in TITLES.items()} | {"history": say("History")}
    if not (_home() and access.may("system.manage")):
        del names["sign_in"], names["sites"]
    part = parts.choice(say("Part"), names, "settings-choice", address="part", drops="entry")
    if st.session_state.get(_BEFORE) != part:
        st.session_state[_BEFORE] = part
        forget()
    if part == "history":
        history.show(bench)
        return
    draft = Draft(bench, bench.settings_desk.now())
    _blocks(draft, BLOCKS[cast("Part", part)])
    if part in _BELOW and not st.query_params.get("entry"):
        _BELOW[part](bench)


def _home() -> bool:
    return access.site() == services.sites().home


def _blocks(draft: Draft, blocks: Sequence[Block]) -> None:
    """The blocks of a part: the entries, and below them one form for all single settings."""
    shown = [block for block in blocks if not block.home or _home()]
    for block in shown:
        if block.entries:
            rows.show(draft, block, _BESIDE.get(block.path[0]))
    single = [block for block in shown if not block.entries]
    if st.query_params.get("entry") or not single:  # one form at a time
        return
    for block in single:
        if block.more:
            with st.expander(marked(block.title)):
                form.fields(draft, block, block.path)
        else:
            st.header(marked(block.title))
            form.fields(draft, block, block.path)
    orders: tuple[Takes, ...] = ("server", "recorder", "kiosk", "now")
    form.save_bar(draft, next(each for each in orders if any(block.takes == each for block in single)))
