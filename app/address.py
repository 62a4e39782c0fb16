"""What a page shows stands in its address, so that it can be passed on and gone back to."""

from __future__ import annotations

import streamlit as st

__all__ = ["put"]


def put(**values: str) -> None:
    """Put values into the address; empty ones leave it."""
    for name, value in values.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
