"""How lateness and absence go over weeks, and how departments compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.theme import blue, ink, label, styled
from app.words import say, say_date
from engine.reports import Day, Department, Week

__all__ = ["departments", "trend"]

_LATE = "#D55E00"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def trend(days: Sequence[Day], weeks: Sequence[Week]) -> go.Figure:
    """Shares of late and absent people by week: the median day as a line, the middle half of days as a band, days as dots.

    Args:
        days, weeks: of the same time; at least one of each.
    """
    panels: list[tuple[str, str, Callable[[Day], float], Callable[[Week], tuple[float, float, float]]]] = [
        (say("late"), _LATE, lambda day: day.late, lambda week: week.late),
        (say("absent"), blue(), lambda day: day.absent, lambda week: week.absent),
    ]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.1)
    middles = [week.monday + timedelta(days=2) for week in weeks]
    for number, (name, colour, of_day, of_week) in enumerate(panels, 1):
        quartiles = [of_week(week) for week in weeks]
        band = f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},.22)"
        figure.add_trace(go.Scatter(x=middles, y=[high for _, _, high in quartiles], mode="lines", line={"width": 0}, hoverinfo="skip",
                                    showlegend=False), row=number, col=1)  # fmt: skip
        figure.add_trace(
            go.Scatter(x=middles, y=[low for low, _, _ in quartiles], mode="lines", line={"width": 0}, fill="tonexty", fillcolor=band,
                       hoverinfo="skip", name=say("middle half of days"), showlegend=False),
            row=number, col=1,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[day.day for day in days], y=[of_day(day) for day in days], mode="markers", showlegend=False,
                marker={"size": 5, "color": ink(), "opacity": 0.45},
                text=[f"{say_date(day.day)}<br>{_percent(of_day(day))} {name} {say('of {count} people', count=day.expected)}"
                      for day in days],
                hovertemplate="%{text}<extra></extra>",
            ),
            row=number, col=1,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=middles, y=[middle for _, middle, _ in quartiles], mode="lines+markers", showlegend=False,
                line={"color": colour, "width": 2.5}, marker={"size": 7},
                text=[_of_week(week, each) for week, each in zip(weeks, quartiles, strict=True)],
                hovertemplate="%{text}<extra></extra>",
            ),
            row=number, col=1,
        )  # fmt: skip
        top = max([of_day(day) for day in days] + [0.05])
        figure.update_yaxes(title={"text": say("{name}, share of people", name=name)}, tickformat=".1~%", range=[-0.04 * top, top * 1.1],
                            zeroline=False, row=number, col=1)  # fmt: skip
    step = -(-len(weeks) // 13)
    figure.update_xaxes(
        tickvals=middles[::step], ticktext=[f"{week.monday.day}.{week.monday.month}." for week in weeks[::step]]
    )
    figure.update_xaxes(title={"text": say("week beginning")}, row=2, col=1)
    title = say("Lateness and absence by week: median day, band: middle half of days, dots: days")
    return styled(figure, title, height=520)


def _of_week(week: Week, quartiles: tuple[float, float, float]) -> str:
    low, middle, high = map(_percent, quartiles)
    told = say(
        "median {middle}, middle half {low} to {high}, {count} days", middle=middle, low=low, high=high, count=week.days
    )
    return f"{say('Week of {day}', day=say_date(week.monday))}<br>{told}"


def _of_department(each: Department, share: float, word: str) -> str:
    told = say(
        "{people} people, {days} days judged, {open} unsettled",
        people=each.people,
        days=each.expected,
        open=each.unsettled,
    )
    return f"{label(each.name or say('no department'), 30)}<br>{_percent(share)} {word}<br>{told}"


def departments(found: Sequence[Department]) -> go.Figure:
    """Shares of late and absent people by department, side by side.

    Args:
        found: at least one, top to bottom.
    """
    names = [label(each.name or say("no department"), 30) for each in found]
    figure = go.Figure()
    for each, name in zip(found, names, strict=True):
        figure.add_trace(go.Scatter(x=[each.late, each.absent], y=[name, name], mode="lines", showlegend=False, hoverinfo="skip",
                                    line={"color": "rgba(128,128,128,.5)", "width": 2}))  # fmt: skip
    kinds: list[tuple[str, str, str, Callable[[Department], float]]] = [
        (say("late"), _LATE, "triangle-up", lambda each: each.late),
        (say("absent"), blue(), "square", lambda each: each.absent),
    ]
    for word, colour, symbol, share in kinds:
        figure.add_trace(
            go.Scatter(
                x=[share(each) for each in found], y=names, mode="markers", name=word,
                marker={"size": 13, "color": colour, "symbol": symbol},
                text=[_of_department(each, share(each), word) for each in found],
                hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip
    top = max([max(each.late, each.absent) for each in found] + [0.02])
    figure.update_xaxes(tickformat=".1~%", range=[-0.03 * top, top * 1.08], zeroline=False)
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    return styled(
        figure,
        say("Late and absent by department"),
        height=150 + 40 * len(found),
        x=say("share of people's days"),
        top=72,
    )
