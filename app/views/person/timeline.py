"""What cameras saw of a person or a stranger, day by day, newest first."""

from __future__ import annotations

from datetime import date
from itertools import groupby

import streamlit as st

from app.ui import parts
from app.ui.address import put
from app.views.search.tiles import tile
from app.words import say, say_date
from engine.records import Seen
from engine.records.face_search import TIMELINE_DAYS
from engine.workbench import Workbench

PAGE = 36


def show(bench: Workbench, key: str) -> None:
    """The timeline; `key`: id of a person, or current id of a stranger."""
    text = st.query_params.get("page", "1")
    number = max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 5 else 1
    found, total = bench.face_search.timeline(key, skip=PAGE * (number - 1), limit=PAGE)
    pages = max(1, -(-total // PAGE))
    if number > pages:
        number = pages
        found, total = bench.face_search.timeline(key, skip=PAGE * (number - 1), limit=PAGE)
    if not found:
        parts.notice(
            say("No sightings"),
            say("No camera saw this person in the last {days} days.", days=TIMELINE_DAYS),
        )
        return

    def day_of(each: Seen) -> date:
        return each.face.first_seen.astimezone(bench.config.zone).date()

    for day, own in groupby(found, day_of):
        st.header(say_date(day), anchor=False)
        grid = st.grid(min_column_width=162)
        for each in own:
            with grid.cell():
                tile(bench, each, None)
    if pages > 1:
        key_ = f"timeline-page-{number}"
        st.pagination(pages, default=number, key=key_, on_change=lambda: put(page=str(st.session_state[key_])))
