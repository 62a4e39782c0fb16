"""Colours, fonts and axes that all figures share."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from app.web import viewer
from app.words import language, say

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe and Ito's colours, which people with any colour vision tell apart."""

ORANGE = PALETTE[5]
"""What needs a look: late people, false matches."""

LEGEND: dict[str, Any] = {
    "orientation": "h",
    "x": 0,
    "yref": "container",
    "y": 0,
    "yanchor": "bottom",
    "title": {"text": ""},
    "traceorder": "normal",
}
"""Below the figure, where it has room for several lines on a narrow screen."""
FONT = '"Source Sans", "Source Sans Pro", sans-serif'
_INK = {"light": "#1B2733", "dark": "#E8EEF3"}
_GRID = {"light": "rgba(27,39,51,.14)", "dark": "rgba(232,238,243,.16)"}
_PAPER = {"light": "#FFFFFF", "dark": "#1A242E"}
_PAGE = {"light": "#FFFFFF", "dark": "#10171E"}
_GREY = {"light": "#8A949C", "dark": "#7E8A94"}
_BLUE = {"light": PALETTE[0], "dark": PALETTE[4]}


def ink() -> str:
    """The colour of texts and lines."""
    return _INK[viewer.current.get().theme]


def blue() -> str:
    """The first colour of the palette, lighter on dark backgrounds."""
    return _BLUE[viewer.current.get().theme]


def colours() -> tuple[str, ...]:
    """The palette, for series; on dark backgrounds it begins with the lighter blue."""
    first, *middle, light, last = PALETTE
    return (blue(), *middle, first if blue() == light else light, last)


def grey() -> str:
    """What is left when the colours are used up."""
    return _GREY[viewer.current.get().theme]


def config(name: str) -> dict[str, Any]:
    """How a browser shows a figure: with a button that saves it as a picture of this name, in the viewer's language."""
    words = {"Download plot as a PNG": say("Save as PNG"), "Snapshot succeeded": say("Saved")}
    words["Taking snapshot - this may take a few seconds"] = say("Saving the picture…")
    return {
        "displayModeBar": True,
        "displaylogo": False,
        "scrollZoom": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
        "locale": language(),
        "locales": {language(): {"dictionary": words}},
    }


def label(text: object, limit: int = 40) -> str:
    """A text that people have typed, for a figure: without markup, not too long."""
    line = " ".join(str(text).split())
    return html.escape(line if len(line) <= limit else f"{line[: limit - 1]}…").replace("$", "&#36;")


def clock(minute: float) -> str:
    """Minutes of the day as 08:57, continuing from 00:00 after midnight."""
    whole = round(minute)
    return f"{whole // 60 % 24:02d}:{whole % 60:02d}"


def ticks(low: float, high: float) -> tuple[list[int], list[str]]:
    """Places and texts of full hours between two minutes of the day, at most a dozen."""
    step = next((hours for hours in (1, 2, 3, 4, 6) if (high - low) / 60 / hours <= 12), 12) * 60
    places = [minute for minute in range(-1440, 4320, step) if low <= minute <= high]
    return places, [clock(minute) for minute in places]


def scatter(x: Any, y: Any, mode: str = "lines", texts: Sequence[str] | None = None, **more: Any) -> go.Scatter:
    """A trace whose points show their own text under the pointer, or nothing; see Plotly's `Scatter`."""
    hover = {"hoverinfo": "skip"} if texts is None else {"text": texts, "hovertemplate": "%{text}<extra></extra>"}
    return go.Scatter(x=x, y=y, mode=mode, **hover, **more)


def styled(figure: go.Figure, title: str, *, height: int, x: str = "", y: str = "", top: int = 48) -> go.Figure:
    """Change a figure to the viewer's theme and give it back; axes have titles with units, heights are in pixels."""
    grid = _GRID[viewer.current.get().theme]
    place = {"x": 0, "xanchor": "left", "xref": "container", "y": 1, "yref": "container", "yanchor": "top"}
    font = {"family": FONT, "color": ink()}
    figure.update_layout(
        title={"text": title, "font": {"size": 16}, "pad": {"t": 8, "l": 4}, **place},
        height=height,
        margin={"l": 8, "r": 16, "t": top, "b": 8},
        paper_bgcolor=_PAGE[viewer.current.get().theme],  # a saved picture is read on any background
        plot_bgcolor="rgba(0,0,0,0)",
        font={**font, "size": 13},
        hoverlabel={"bgcolor": _PAPER[viewer.current.get().theme], "bordercolor": grid, "font": font, "align": "left"},
        legend=LEGEND,
        hovermode="closest",
        dragmode=False,
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": ink(), "activecolor": ink()},
        separators={"en": ".,", "de": ",."}[language()],
    )
    common = {"gridcolor": grid, "linecolor": grid, "zerolinecolor": grid, "automargin": True, "fixedrange": True}
    figure.update_xaxes(**common)
    figure.update_yaxes(**common)
    if x:
        figure.update_xaxes(title={"text": x, "standoff": 8})
    if y:
        figure.update_yaxes(title={"text": y, "standoff": 8})
    return figure
