"""The viewer's language, theme and site, for words, figures and addresses.

Pages of the workbench answer from the browser's session (`app.web.access`). Where there is none, as in notebooks, it is English on light
ground. Nothing of Streamlit is imported here, so words and figures can be used anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

__all__ = ["Theme", "answered_by", "language", "site", "theme"]

Theme = Literal["light", "dark"]

_ask: tuple[Callable[[], str], Callable[[], Theme], Callable[[], str]] | None = None


def answered_by(language: Callable[[], str], theme: Callable[[], Theme], site: Callable[[], str]) -> None:
    """Install the functions that answer for the current viewer; one process serves many."""
    global _ask  # noqa: PLW0603 - a process has one interface
    _ask = language, theme, site


def language() -> str:
    """The code of the viewer's language, such as `de`, whether or not it is supported."""
    return _ask[0]() if _ask else "en"


def theme() -> Theme:
    """The theme of the viewer's browser."""
    return _ask[1]() if _ask else "light"


def site() -> str:
    """The viewer's site; empty for home."""
    return _ask[2]() if _ask else ""
