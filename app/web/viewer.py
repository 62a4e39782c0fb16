"""Who looks, as far as words, figures and addresses must know: their language, whether on light or dark ground, and at which site.

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
    """From now on these are asked, once per word and figure: one process serves many who look."""
    global _ask  # noqa: PLW0603 - a process has one interface
    _ask = language, theme, site


def language() -> str:
    """The code of their language, such as `de`; it may be one that there are no words in."""
    return _ask[0]() if _ask else "en"


def theme() -> Theme:
    """What their browser shows."""
    return _ask[1]() if _ask else "light"


def site() -> str:
    """The site that they look at; empty: home."""
    return _ask[2]() if _ask else ""
