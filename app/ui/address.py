"""The state of a page, kept in its address so that users can share it and go back."""

from __future__ import annotations

import contextlib
from datetime import date
from urllib.parse import quote, urlencode

import streamlit as st

from app.web import viewer
from app.web.below import at


def put(**values: str) -> None:
    """Put values into the address and remove empty ones."""
    for name, value in values.items():
        if not value:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def day_of(text: str) -> date | None:
    """The day with which a text such as `2026-11-23` or an ISO 8601 time begins; None: it is none, or no calendar shows it."""
    with contextlib.suppress(ValueError):
        found = date.fromisoformat(text[:10])
        return found if 1970 <= found.year <= 9000 else None
    return None


def to(path: str = "", **values: str) -> str:
    """An address of this workbench at the current site, such as `/people`; an empty path is the page itself.

    Empty values are left out. Following the link starts a new session.
    """
    given = {name: value for name, value in (*values.items(), ("site", viewer.current.get().site)) if value}
    query = urlencode(given, safe="", quote_via=quote)
    return at(f"{path}?{query}" if query else path)
