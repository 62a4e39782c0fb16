"""What to draw over the preview of a browser's camera. The picture stays in the browser; only this goes to it.

Knows neither Streamlit nor Starlette.
"""

from __future__ import annotations

import json
import secrets
import weakref
from collections.abc import Callable
from dataclasses import asdict

from engine.enrolment import GuideMark
from engine.imaging import PersonMark

Drawing = list[PersonMark] | GuideMark


class Overlay:
    """Holds the newest drawing for one page. One thread writes; others may read.

    Args:
        owner: name of the account whose page it is.
        allowed: whether the page's session still has the right to it.

    Attributes:
        key: names it in an address; it cannot be guessed.
        newest: number, which grows by one with each drawing, and JSON: `{"people": […]}`, `{"guide": {…}}` or `{}` for nothing.
    """

    def __init__(self, owner: str, allowed: Callable[[], bool]) -> None:
        self.owner, self.allowed = owner, allowed
        self.key = secrets.token_urlsafe(16)
        self.newest = (0, "{}")
        _open[self.key] = self

    def show(self, drawing: Drawing | None) -> None:
        """Replace the drawing; None: nothing is drawn."""
        told: dict[str, object] = {}
        if isinstance(drawing, GuideMark):
            told["guide"] = asdict(drawing)
        elif drawing is not None:
            told["people"] = [asdict(mark) for mark in drawing]
        self.newest = (self.newest[0] + 1, json.dumps(told))


_open: weakref.WeakValueDictionary[str, Overlay] = weakref.WeakValueDictionary()


def find(key: str, viewer: str) -> Overlay | None:
    """The overlay with that key, or None if there is none or it is not the viewer's."""
    found = _open.get(key)
    return found if found is not None and found.owner == viewer else None
