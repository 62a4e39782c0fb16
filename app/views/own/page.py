"""My record: the present, the month, and one's days."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.own import requests
from app.web import access
from app.words import say


def show() -> None:
    """The page."""
    access.reading("own.view")
    st.title(say("My record"))
    if not access.bound():
        parts.notice(
            say("Your account belongs to nobody here"),
            say("Ask HR for access to your record."),
        )
        return
    bench, person_id, _ = access.oneself("own.view")
    requests.render(bench, person_id)
