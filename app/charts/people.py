"""A comparison of people."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go

from app.charts.absence import days
from app.charts.axis import clip, limits, mark_beyond, padded
from app.charts.hours import told
from app.charts.theme import ORANGE, blue, ink, label, styled
from app.words import say, say_count, say_number

MEASURES = ("balance", "overtime_hours", "hours", "late_days", "absence_days")
"""Columns of `tables.per_person` that can be compared."""

_ROW_PX = 22


def names() -> dict[str, str]:
    """What the measures are called."""
    words = (say("Balance"), say("Overtime"), say("Hours worked"), say("Late days"), say("Days of absence"))
    return dict(zip(MEASURES, words, strict=True))


def people(table: pd.DataFrame, measure: str) -> go.Figure:
    """One bar per person, the greatest on top, and the median as a line; `table`: of `tables.per_person`, with at least one row."""
    table = table.sort_values([measure, "name"], ascending=[False, True], kind="stable")
    values = table[measure].astype(float)
    ends = limits(values)
    texts = [_told(row) for row in table.itertuples()]
    addresses = [urlencode({"person": who}) for who in table["employee_id"]]
    places = list(range(len(table)))
    inside = [value if ends[0] <= value <= ends[1] else None for value in values]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=places,
            x=clip(values, ends),
            marker={"color": [ORANGE if value < 0 else blue() for value in values]},
            customdata=addresses,
            hovertext=texts,
            hovertemplate="%{hovertext}<extra></extra>",
            text=[
                "" if value is not None else _short(measure, found) for value, found in zip(inside, values, strict=True)
            ],
            textposition="inside",
            insidetextanchor="end",
            showlegend=False,
        )
    )
    mark_beyond(figure, places, list(values), ends, texts, across=True, addresses=addresses)
    median = float(values.median())
    figure.add_vline(x=median, line={"color": ink(), "width": 1.5, "dash": "dot"})
    figure.update_xaxes(range=padded(ends), zeroline=True, zerolinewidth=1.5, side="top")
    figure.update_yaxes(
        tickvals=places,
        ticktext=[label(name, 28) for name in table["name"]],
        range=[len(table) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )
    figure.update_layout(bargap=0.3)
    unit = say("days") if measure.endswith("days") else say("hours")
    height = 150 + _ROW_PX * len(table)
    title = say("{measure}; median {value}", measure=names()[measure], value=_short(measure, median))
    figure = styled(figure, title, height=height, x=unit, top=84)
    # measuring hundreds of names takes browsers seconds
    figure.update_yaxes(automargin=False, tickangle=0, ticklabeloverflow="allow")
    widest = max(len(label(name, 28)) for name in table["name"])
    return figure.update_layout(margin_l=16 + 7 * widest, showlegend=False)


def _short(measure: str, value: float) -> str:
    if measure.endswith("days"):
        return say_number(value, 0 if value == round(value) else 1)
    return told(value, signed=measure == "balance")


def _told(row: Any) -> str:
    """All measures of a person."""
    lines = [
        label(row.name),
        label(row.department or say("no department")),
        say("{hours} worked, {planned} planned", hours=told(row.hours), planned=told(row.planned_hours)),
        say("balance {balance}", balance=told(row.balance, signed=True)),
        say("{hours} overtime", hours=told(row.overtime_hours)),
        say_count("{count} day late", "{count} days late", int(row.late_days)),
        say("{days} absent", days=days(row.absence_days)),
    ]
    return "<br>".join(lines)
