"""Axes that one outlier does not flatten, and marks for what lies beyond them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.charts.theme import ink, scatter
from app.words import say

Ends = tuple[float, float]
"""Lowest and highest value of an axis."""

_FEWEST, _RARE = 5, 0.02


def limits(values: Iterable[float], *, zero: bool = True, most: float = 1 / 3) -> Ends:
    """The ends of an axis for some values, at least one of which is finite.

    Of five values or more, the most extreme 2% on either side (at least one) are left beyond the end if they would take more than their
    share of the axis.

    Args:
        zero: the axis includes 0.
        most: share of the axis that the extreme values may take.
    """
    found = np.sort(np.fromiter(values, float))
    found = found[np.isfinite(found)]
    rest = max(1, round(len(found) * _RARE)) if len(found) >= _FEWEST else 0
    low, high, inner_low, inner_high = (float(found[place]) for place in (0, -1, rest, -1 - rest))
    if zero:
        low, high, inner_low, inner_high = min(low, 0), max(high, 0), min(inner_low, 0), max(inner_high, 0)
    spread = inner_high - inner_low
    room = spread * most / (1 - most)
    if spread and inner_low - low > room:
        low = inner_low - spread / 12
    if spread and high - inner_high > room:
        high = inner_high + spread / 12
    return low, high


def padded(ends: Ends, share: float = 0.06) -> list[float]:
    """An axis' range with a margin, on the side of 0 only if the values cross it; never empty."""
    low, high = ends
    if low == high:
        return [low - 1 if low < 0 else low, high + 1 if high >= 0 else high]
    edge = (high - low) * share
    return [low - edge if low else low, high + edge if high else high]


def clip(values: Iterable[float], ends: Ends) -> list[float]:
    """Values moved to the ends of the axis where they lie beyond."""
    return [min(max(value, ends[0]), ends[1]) for value in values]


def mark_beyond(
    figure: go.Figure,
    places: Sequence[Any],
    values: Sequence[float],
    ends: Ends,
    texts: Sequence[str],
    *,
    across: bool = False,
    addresses: Sequence[str] | None = None,
    **where: Any,
) -> None:
    """Add an open triangle at the end of the axis for each value beyond it; it points outwards and tells its value under the pointer.

    Args:
        places: on the other axis. texts: what to say about each.
        across: values lie on the horizontal axis.
        addresses: where a click leads.
        where: panel of the figure.
    """
    low, high = ends
    own = [index for index, value in enumerate(values) if not low <= value <= high]
    if not own:
        return
    above, below = ("triangle-right", "triangle-left") if across else ("triangle-up", "triangle-down")
    at = clip([values[index] for index in own], ends)
    other = [places[index] for index in own]
    figure.add_trace(
        scatter(
            at if across else other,
            other if across else at,
            "markers",
            [texts[index] for index in own],
            name=say("beyond the axis"),
            cliponaxis=False,
            customdata=[addresses[index] for index in own] if addresses else None,
            marker={
                "symbol": [f"{above if values[index] > high else below}-open" for index in own],
                "size": 13,
                "color": ink(),
                "line": {"width": 2},
            },
        ),
        **where,
    )
