"""Lateness and absence over weeks and by department."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.charts.axis import clip, limits, mark_beyond, padded
from app.charts.theme import ORANGE, blue, grey, ink, label, scatter, styled
from app.words import say, say_count, say_date, say_number, say_percent
from engine.reports import Day, Week

_BETWEEN_PX = 90
"""Between two panels, with the axis of the upper one."""


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
        band = f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},.22)"
        shares = [of_day(day) for day in days]
        of_days = [_of_day(day, share, name) for day, share in zip(days, shares, strict=True)]
        of_weeks = [_of_week(week, each) for week, each in zip(weeks, quartiles, strict=True)]
        dots, line = {"size": 5, "color": ink(), "opacity": 0.45}, {"color": colour, "width": 2.5}
        ends = limits([*shares, 0.05])
        low, middle, high = (clip(each, ends) for each in zip(*quartiles, strict=True))
        where = [urlencode({"from": str(day.day)}) for day in days]
        for trace in (
            scatter(middles, high, line={"width": 0}),
            scatter(middles, low, line={"width": 0}, fill="tonexty", fillcolor=band, name=say("middle half of days")),
            scatter([day.day for day in days], clip(shares, ends), "markers", of_days, marker=dots, customdata=where),
            scatter(middles, middle, "lines+markers", of_weeks, line=line, marker={"size": 7}),
        ):
            figure.add_trace(trace.update(showlegend=False), row=number, col=1)
        dates = [day.day for day in days]
        mark_beyond(figure, dates, shares, ends, of_days, addresses=where, row=number, col=1)
        figure.update_traces(showlegend=False)
        top = ends[1]
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
        tickvals=middles[::step], ticktext=[say_date(week.monday, weekday=False) for week in weeks[::step]]
    )
    figure.update_xaxes(title={"text": say("week beginning")}, row=2, col=1)
    return styled(figure, say("Late and absent by week"), height=520)


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


def departments(table: pd.DataFrame) -> go.Figure:
    """Punctuality with its median, and shares of late and absent people, of a table as `tables.departments` makes it; not empty."""
    names = [label(name or say("no department"), 30) for name in table["department"]]
    where = [urlencode({"department": name}) for name in table["department"]]
    figure = make_subplots(
        rows=2,
        cols=1,
        vertical_spacing=_BETWEEN_PX / (_BETWEEN_PX + 80 * len(names)),
        shared_yaxes=False,
    )
    _punctuality(figure, table, names, where)
    _shares(figure, table, names, where)
    for panel in (1, 2):
        figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], row=panel, col=1)
    height = 150 + _BETWEEN_PX + 80 * len(names)
    return styled(figure, say("Punctuality and absence by department"), height=height)


def _punctuality(figure: go.Figure, table: pd.DataFrame, names: Sequence[str], where: Sequence[str]) -> None:
    """The middle half of arrivals as a bar, and their median."""
    known = table["median_min"].notna()
    own = table[known]
    quartiles = ["quartile_1_min", "quartile_3_min"]
    ends = limits(own[[*quartiles, "median_min"]].to_numpy().ravel()) if len(own) else (0.0, 1.0)
    shown = [name for name, has in zip(names, known, strict=True) if has]
    addresses = [address for address, has in zip(where, known, strict=True) if has]
    texts = [_punctual(name, row) for name, row in zip(shown, own.itertuples(), strict=True)]
    lows, highs = (clip(own[column], ends) for column in quartiles)
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=shown,
            base=lows,
            x=[max(high - low, 0.2) for low, high in zip(lows, highs, strict=True)],
            width=0.45,
            marker={"color": grey(), "opacity": 0.6},
            name=say("middle half of arrivals"),
            customdata=addresses,
            hovertext=texts,
            hovertemplate="%{hovertext}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    marker = {"symbol": "line-ns", "size": 22, "line": {"width": 3, "color": ink()}}
    medians = clip(own["median_min"], ends)
    line = scatter(medians, shown, "markers", texts, name=say("median"), marker=marker, customdata=addresses)
    figure.add_trace(line, row=1, col=1)
    figure.add_vline(x=0, line={"color": ink(), "width": 1}, row=1, col=1)
    mark_beyond(figure, shown, list(own["median_min"]), ends, texts, across=True, addresses=addresses, row=1, col=1)
    title = {"text": say("minutes after the planned start"), "standoff": 4}
    figure.update_xaxes(range=padded(ends), zeroline=False, title=title, row=1, col=1)


def _punctual(name: str, row: Any) -> str:
    median, low, high = (say_number(value) for value in (row.median_min, row.quartile_1_min, row.quartile_3_min))
    told = say("median {median} min, middle half {low} to {high} min", median=median, low=low, high=high)
    arrivals = say_count("{count} arrival", "{count} arrivals", int(row.arrivals))
    return f"{name}<br>{told.replace('-', '−')}<br>{arrivals}"


def _shares(figure: go.Figure, table: pd.DataFrame, names: Sequence[str], where: Sequence[str]) -> None:
    """Shares of late and absent people."""
    for late, absent, name in zip(table["late"], table["absent"], names, strict=True):
        line = {"color": "rgba(128,128,128,.5)", "width": 2}
        figure.add_trace(scatter([late, absent], [name, name], showlegend=False, line=line), row=2, col=1)
    ends = limits([*table["late"], *table["absent"], 0.02])
    for column, word, colour, symbol in (
        ("late", say("late"), ORANGE, "triangle-up"),
        ("absent", say("absent"), blue(), "square"),
    ):
        marker = {"size": 13, "color": colour, "symbol": symbol}
        texts = [
            _share(name, getattr(row, column), word, row) for name, row in zip(names, table.itertuples(), strict=True)
        ]
        own = {"name": word, "marker": marker, "customdata": where}
        figure.add_trace(scatter(clip(table[column], ends), names, "markers", texts, **own), row=2, col=1)
        mark_beyond(figure, names, list(table[column]), ends, texts, across=True, addresses=where, row=2, col=1)
    edge = 0.03 * ends[1]
    title = {"text": say("share of person-days"), "standoff": 4}
    figure.update_xaxes(tickformat=".1~%", range=[-edge, ends[1] + 2 * edge], zeroline=False, title=title, row=2, col=1)


def _share(name: str, share: float, word: str, row: Any) -> str:
    told = say_count("{count} person", "{count} people", row.people)
    told += say_count(", {count} day counted", ", {count} days counted", row.expected)
    told += say_count(", {count} unsettled", ", {count} unsettled", row.unsettled)
    return f"{name}<br>{_percent(share)} {word}<br>{told}"
