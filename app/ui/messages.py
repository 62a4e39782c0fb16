"""Messages about the rows of an imported list."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.words import said, say, say_number, term
from engine.people import RowMessage

_SHOWN = 200


def show_messages(messages: Sequence[RowMessage]) -> None:
    """Show them, errors first."""
    if not messages:
        return
    ordered = sorted(messages, key=lambda message: (message.level != "error", message.line))
    rows = [
        {
            say("Line"): str(message.line or "–"),
            say("Column"): message.column,
            say("Type"): f"{'■' if message.level == 'error' else '▲'} {term(message.level)}",
            say("Message"): said(message.text),
        }
        for message in ordered[:_SHOWN]
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt=say("Messages"),
        column_config={
            say("Line"): st.column_config.TextColumn(width=50),
            say("Column"): st.column_config.TextColumn(width=110),
            say("Type"): st.column_config.TextColumn(width=90),
            say("Message"): st.column_config.TextColumn(width=600),
        },
    )
    if len(ordered) > _SHOWN:
        st.caption(say("… and {count} more", count=say_number(len(ordered) - _SHOWN)))
