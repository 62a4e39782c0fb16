"""Many cameras at a glance: 2×2 or 3×3 small pictures with names, each of which opens its camera."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from app.ui import parts
from app.ui.address import put, to
from app.web import access, services
from app.web.below import at
from app.web.pictures import at_site
from app.words import say

GRIDS = {"4": 2, "9": 3}
"""Columns by the number of cameras."""
_draw = parts.component("grid")


def choose(cameras: int) -> str:
    """The number of cameras that the user wants to see at once: `1`, or one of `GRIDS`."""
    if cameras < 2:
        return "1"
    names = {"1": say("One camera"), "4": "2 × 2", "9": "3 × 3"}
    return parts.choice(say("Cameras at once"), names, "live-grid", "grid")


def show(grid: str) -> None:
    """The small pictures. A picture opens its camera."""
    names, tiles = list(services.cameras(access.site())), int(grid)
    shown = names[parts.paged(len(names), tiles)]
    query = "&".join(f"name={quote(name, safe='')}" for name in shown)
    opened = _draw(
        key="live-tiles",
        data={
            "source": at(f"/cameras?{query}{at_site()}"),
            "columns": GRIDS[grid],
            "cameras": [
                {
                    "name": name,
                    "href": to("/", camera=name),
                    "alt": say("Live picture of camera {name}", name=name),
                }
                for name in shown
            ],
            "words": {
                "label": say("Cameras"),
                "playing": say("live"),
                "starting": say("Opening the camera…"),
                "off": say("Opening the camera…"),
                "lost": say("connection lost"),
                "failed": say("cannot be read"),
                "ended": say("recording has ended"),
                "gone": say("no connection to Muster"),
                "old": say("picture is {seconds} s old"),
            },
        },
        on_camera_change=lambda: None,
    )
    name = opened.get("camera")
    if isinstance(name, str) and name in names:
        put(grid="", page="", camera=name)
        st.rerun()
