"""Keeps Python's garbage collection short, because Streamlit asks for it after every run of a page or fragment."""

from __future__ import annotations

import gc
from functools import cache


@cache
def spare_what_is_loaded(occasion: str) -> None:
    """Take everything that is loaded by now out of garbage collection, once per occasion.

    A full collection walks through all modules that are loaded, which takes some tenths of a second. No other thread of Python runs
    meanwhile: no camera is read, and a browser's WebRTC connection gets no answers until it gives up.

    Args:
        occasion: what was loaded, such as a page's path.
    """
    del occasion
    gc.collect()
    gc.freeze()
