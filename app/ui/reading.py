"""How to read a list that another program made: its encoding, and the order of day and month."""

from __future__ import annotations

from typing import cast

import streamlit as st

from app.words import said, say
from engine.people import ENCODINGS, DateOrder


def asked(what: str) -> tuple[str | None, DateOrder | None]:
    """Ask for both, for those whom the preview does not convince; None: Muster finds it out.

    Args:
        what: the kind of list, part of the widgets' keys.
    """
    orders: dict[str, str] = {"": say("As the columns tell"), "dmy": say("Day first"), "mdy": say("Month first")}
    encodings = {"": say("Found out"), **{key: said(name) for key, name in ENCODINGS.items()}}
    encoding = st.selectbox(say("Encoding"), list(encodings), format_func=encodings.__getitem__, key=f"encoding_{what}")
    order = st.selectbox(say("Days such as 03/04"), list(orders), format_func=orders.__getitem__, key=f"order_{what}")
    return encoding or None, cast("DateOrder | None", order or None)
