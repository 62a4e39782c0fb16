"""Lateness and absence over weeks, and a comparison of departments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.theme import ORANGE, blue, ink, label, scatter, styled
from app.words import say, say_count, say_date, say_percent
from engine.reports import Day, Department, Week


def _percent(share: float) -> str:
    return say_percent(share, 1 if share < 0.0995 else 0)


def trend(days: Sequence[Day], weeks: Sequence[Week]) -> go.Figure:
    """Shares of late and absent people by week: the median day as a line, the middle half of days as a band, days as dots.

    Days and weeks are of the same time; there is at least one of each.
    """
    panels: list[tuple[str, str, Callable[[Day], float], Callable[[Week], tuple[float, float, float]]]] = [
        (say("late"), ORANGE, lambda day: day.late, lambda week: week.late),
        (say("absent"), blue(), lambda day: day.absent, lambda week: week.absent),
    ]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.1)
    middles = [week.monday + timedelta(days=2) for week in weeks]
    for number, (name, colour, of_day, of_week) in enumerate(panels, 1):
        quartiles = [of_week(week) for week in weeks]
        low, middle, high = zip(*quartiles, strict=True)
        band = f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},.22)"
        shares = [of_day(day) for day in days]
        of_days = [_of_day(day, share, name) for day, share in zip(days, shares, strict=True)]
        of_weeks = [_of_week(week, each) for week, each in zip(weeks, quartiles, strict=True)]
        dots, line = {"size": 5, "color": ink(), "opacity": 0.45}, {"color": colour, "width": 2.5}
        for trace in (
            scatter(middles, high, line={"width": 0}),
            scatter(middles, low, line={"width": 0}, fill="tonexty", fillcolor=band, name=say("middle half of days")),
            scatter([day.day for day in days], shares, "markers", of_days, marker=dots),
            scatter(middles, middle, "lines+markers", of_weeks, line=line, marker={"size": 7}),
        ):
            figure.add_trace(trace.update(showlegend=False), row=number, col=1)
        top = max([*shares, 0.05])
        figure.update_yaxes(
            title={"text": say("{name}, share of people", name=name)},
            tickformat=".1~%",
            range=[-0.04 * top, top * 1.1],
            zeroline=False,
            row=number,
            col=1,
        )
    step = -(-len(weeks) // 13)
    figure.update_xaxes(
        tickvals=middles[::step], ticktext=[f"{week.monday.day}.{week.monday.month}." for week in weeks[::step]]
    )
    figure.update_xaxes(title={"text": say("week beginning")}, row=2, col=1)
    title = say("Late and absent by week; line: median, band: middle half, dots: single days")
    return styled(figure, title, height=520)


def _of_day(day: Day, share: float, word: str) -> str:
    people = say_count("of {count} person", "of {count} people", day.expected)
    return f"{say_date(day.day)}<br>{_percent(share)} {word} {people}"


def _of_week(week: Week, quartiles: tuple[float, float, float]) -> str:
    low, middle, high = map(_percent, quartiles)
    told = say_count(
        "median {middle}, middle half {low} to {high}, {count} day",
        "median {middle}, middle half {low} to {high}, {count} days",
        week.days,
        middle=middle,
        low=low,
        high=high,
    )
    return say("Week of {day}", day=say_date(week.monday)) + f"<br>{told}"


def _of_department(each: Department, share: float, word: str) -> str:
    told = say_count("{count} person", "{count} people", each.people)
    told += say_count(", {count} day counted", ", {count} days counted", each.expected)
    told += say_count(", {count} unsettled", ", {count} unsettled", each.unsettled)
    return f"{label(each.name or say('no department'), 30)}<br>{_percent(share)} {word}<br>{told}"


def departments(found: Sequence[Department]) -> go.Figure:
    """Shares of late and absent people by department, at least one, top to bottom."""
    names = [label(each.name or say("no department"), 30) for each in found]
    figure = go.Figure()
    for each, name in zip(found, names, strict=True):
        line = {"color": "rgba(128,128,128,.5)", "width": 2}
        figure.add_trace(scatter([each.late, each.absent], [name, name], showlegend=False, line=line))
    kinds: list[tuple[str, str, str, Callable[[Department], float]]] = [
        (say("late"), ORANGE, "triangle-up", lambda each: each.late),
        (say("absent"), blue(), "square", lambda each: each.absent),
    ]
    for word, colour, symbol, share in kinds:
        marker = {"size": 13, "color": colour, "symbol": symbol}
        texts = [_of_department(each, share(each), word) for each in found]
        figure.add_trace(scatter([share(each) for each in found], names, "markers", texts, name=word, marker=marker))
    top = max([max(each.late, each.absent) for each in found] + [0.02])
    figure.update_xaxes(tickformat=".1~%", range=[-0.03 * top, top * 1.08], zeroline=False)
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    return styled(
        figure,
        say("Late and absent by department"),
        height=150 + 40 * len(found),
        x=say("share of person-days"),
        top=72,
    )
