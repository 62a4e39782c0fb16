"""Absence by kind."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from app.charts.axis import limits, mark_beyond, padded
from app.charts.hours import Steps
from app.charts.theme import ORANGE, colours, grey, label, styled
from app.words import say, say_count, say_number, term

_MOST_KINDS = 5


def absence(table: pd.DataFrame, steps: Sequence[object], title: str = "") -> go.Figure:
    """Days of absence as bars by kind, of a table as `tables.absence_by_kind` makes it, with at least one row.

    Args:
        steps: of the axis, also those without absence, see `tables.steps`.
        title: of other days by kind.
    """
    key = str(table.columns[0])
    axis = Steps(key, steps)
    sums = table.groupby("kind")["days"].sum().sort_values(ascending=False)
    kinds = [kind for kind in sums.index if kind != "absent"]
    paint = dict(zip(kinds[:_MOST_KINDS], colours()[:_MOST_KINDS], strict=False))
    series = [(label(term(kind)), colour, table[table["kind"] == kind]) for kind, colour in paint.items()]
    if kinds[_MOST_KINDS:]:
        series.append((say("other kinds"), grey(), table[table["kind"].isin(kinds[_MOST_KINDS:])]))
    if "absent" in sums:
        series.append((term("absent"), ORANGE, table[table["kind"] == "absent"]))
    figure = go.Figure()
    for name, colour, rows in series:
        found = rows.groupby(key)[["days", "people"]].sum()
        places = [axis.places[value] for value in found.index]
        texts = [
            f"{axis.names[place]}<br>{name}: {days(each.days)}<br>"
            + say_count("{count} person", "{count} people", int(each.people))
            for place, each in zip(places, found.itertuples(), strict=True)
        ]
        figure.add_trace(
            go.Bar(
                x=places,
                y=found["days"],
                name=name,
                marker={"color": colour},
                hovertext=texts,
                hovertemplate="%{hovertext}<extra></extra>",
                customdata=[axis.addresses[place] for place in places],
            )
        )
    totals = table.groupby(key)["days"].sum().reindex(list(steps), fill_value=0.0)
    ends = limits(totals if key != "department" else [totals.max()])
    texts = [f"{name}<br>{days(total)}" for name, total in zip(axis.names, totals, strict=True)]
    mark_beyond(figure, list(range(len(totals))), list(totals), ends, texts, addresses=axis.addresses)
    figure.update_layout(barmode="stack", bargap=0.3, showlegend=True)
    figure.update_yaxes(range=padded(ends), zeroline=False)
    return axis.draw(styled(figure, title or say("Absence by kind"), height=440, y=say("person-days")))


def days(count: float) -> str:
    """Such as `1 day` or `2.5 days`."""
    if count == round(count):
        return say_count("{count} day", "{count} days", round(count))
    return say("{count} days", count=say_number(count, 1 if count * 10 == round(count * 10) else 2))
