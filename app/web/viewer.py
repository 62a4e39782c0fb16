"""The viewer's language, theme and site, for words, figures and addresses.

`app.web.access.look` sets them at the beginning of each run of a page or fragment. By default, as in notebooks, the language is English
and the theme light. This module does not import Streamlit, so words and figures work anywhere.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page.

    Attributes:
        language: its code, such as `de`, whether or not there are words in it. theme: of the browser. site: empty for home.
    """

    language: str = "en"
    theme: Theme = "light"
    site: str = ""


current: ContextVar[Viewer] = ContextVar("viewer", default=Viewer())  # noqa: B039 - it is frozen
"""The viewer of this run. Each run has a thread of its own, so one process serves many."""
