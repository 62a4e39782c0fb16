"""Who looks, as far as words and figures must know: their language, and whether on light or dark ground.

Pages of the workbench answer from the browser's session (`app.access`). Where there is none, as in notebooks, it is English on light
ground. Nothing of Streamlit is imported here, so words and figures can be used anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

__all__ = ["Theme", "answered_by", "language", "theme"]

Theme = Literal["light", "dark"]

_ask: tuple[Callable[[], str], Callable[[], Theme]] | None = None


def answered_by(language: Callable[[], str], theme: Callable[[], Theme]) -> None:
    """From now on these are asked, once per word and figure: one process serves many who look."""
    global _ask  # noqa: PLW0603 - a process has one interface
    _ask = language, theme


def language() -> str:
    """The code of their language, such as `de`; it may be one that there are no words in."""
    return _ask[0]() if _ask else "en"


def theme() -> Theme:
    """What their browser shows."""
    return _ask[1]() if _ask else "light"
