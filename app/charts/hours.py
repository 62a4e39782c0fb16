"""Hours against the plan, balance and overtime."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go

from app.charts.axis import clip, limits, mark_beyond, padded
from app.charts.theme import blue, colours, grey, ink, label, scatter, styled
from app.words import say, say_count, say_date, say_minutes, say_number

_HEIGHT = 440
_MOST_SERIES = 6


class Steps:
    """The horizontal axis of charts by day, week or department, see `app.charts.tables.by_time`.

    Attributes:
        key: the table's column.
        values: of the column, in the order of the axis.
        names: for texts under the pointer.
        addresses: where a click on each leads.
    """

    def __init__(self, key: str, values: Sequence[object]) -> None:
        self.key, self.values = key, list(values)
        self.names = [self._name(value) for value in values]
        self.addresses = [urlencode(self._address(value)) for value in values]
        self.places = {value: place for place, value in enumerate(values)}

    def _name(self, value: object) -> str:
        if not isinstance(value, date):
            return label(value or say("no department"), 24)
        return say("Week of {day}", day=say_date(value)) if self.key == "week" else say_date(value)

    def _address(self, value: object) -> dict[str, str]:
        if not isinstance(value, date):
            return {"department": str(value)}
        last = value + timedelta(days=6) if self.key == "week" else value
        return {"from": str(value), "to": "" if last == value else str(last)}

    def draw(self, figure: go.Figure) -> go.Figure:
        """Give the figure the axis."""
        step = -(-len(self.values) // 12)
        shown = self.values[::step]
        figure.update_xaxes(
            tickvals=[self.places[value] for value in shown],
            ticktext=[self._tick(value) for value in shown],
            range=[-0.6, len(self.values) - 0.4],
            showgrid=False,
            zeroline=False,
        )
        if self.key == "week":
            figure.update_xaxes(title={"text": say("week beginning"), "standoff": 8})
        return figure

    def _tick(self, value: object) -> str:
        if isinstance(value, date):
            return say_date(value, year=False, weekday=self.key != "week")
        return label(value or say("no department"), 14)


def told(hours: float, *, signed: bool = False) -> str:
    """Hours as `7 h 42 min`, from a hundred on as `1,490 h`; `signed`: with plus or minus."""
    size = abs(hours)
    text = say_minutes(60 * size) if size < 100 else f"{say_number(size)} h"
    if signed and size >= 0.005:
        return f"{'+' if hours > 0 else '−'}{text}"
    return f"−{text}" if hours <= -0.005 else text


def hours(table: pd.DataFrame) -> go.Figure:
    """Hours worked and credited as bars and planned hours as a line, of a table as `tables.by_time` makes it, with at least one row."""
    steps = Steps(str(table.columns[0]), list(table.iloc[:, 0]))
    rows: list[Any] = list(table.itertuples())
    texts = [
        f"{name}<br>"
        + say("{hours} worked, {credited} credited", hours=told(row.hours), credited=told(row.credited_hours))
        + "<br>"
        + say(
            "{planned} planned; balance {balance}",
            planned=told(row.planned_hours),
            balance=told(row.balance, signed=True),
        )
        + "<br>"
        + say_count("{count} person", "{count} people", row.people)
        for name, row in zip(steps.names, rows, strict=True)
    ]
    figure = go.Figure()
    places = list(range(len(table)))
    for column, name, colour in (
        ("hours", say("worked"), blue()),
        ("credited_hours", say("credited"), colours()[2]),
    ):
        figure.add_trace(_bars(places, table[column], name, colour, texts, steps.addresses))
    plan = {"shape": "hvh", "color": ink(), "width": 1.5, "dash": "dot"}
    mode = "lines" if len(table) > 1 and steps.key != "department" else "markers"
    dash = {"symbol": "line-ew", "size": 34, "line": {"width": 2.5, "color": ink()}}
    figure.add_trace(scatter(places, table["planned_hours"], mode, name=say("planned"), line=plan, marker=dash))
    totals = list(table["hours"] + table["credited_hours"])
    ends = limits(totals if steps.key != "department" else [max(totals)])
    ends = (ends[0], max(ends[1], float(table["planned_hours"].max())))
    mark_beyond(figure, places, totals, ends, texts, addresses=steps.addresses)
    figure.update_layout(barmode="stack", bargap=0.3)
    figure.update_yaxes(range=padded(ends), zeroline=False)
    return steps.draw(styled(figure, say("Hours against the plan"), height=_HEIGHT, y=say("hours")))


def _bars(
    places: Sequence[int], values: pd.Series[float], name: str, colour: str, texts: Sequence[str], addresses: object
) -> go.Bar:
    hover = {"hovertext": texts, "hovertemplate": "%{hovertext}<extra></extra>"}
    return go.Bar(x=places, y=values, name=name, marker={"color": colour}, customdata=addresses, **hover)


def overtime(table: pd.DataFrame) -> go.Figure:
    """Overtime as bars, by department as far as there are colours, of a table as `tables.overtime_by_department` makes it."""
    key = str(table.columns[0])
    steps = Steps(key, list(dict.fromkeys(table.iloc[:, 0])))
    sums = table.groupby("department")["overtime_hours"].sum().sort_values(ascending=False)
    first = list(sums[sums > 0].index[:_MOST_SERIES])
    own = {name: table[table["department"] == name] for name in first}
    rest = table[~table["department"].isin(first)]
    series = list(zip(map(_department, first), colours(), own.values(), strict=False))
    if rest["overtime_hours"].sum() > 0:
        series.append((say("other departments"), grey(), rest))
    if key == "department":
        series = [(say("overtime"), blue(), table)]
    figure = go.Figure()
    for name, colour, rows in series:
        by_step = rows.groupby(key, sort=False)[["overtime_hours", "people"]].sum()
        places = [steps.places[value] for value in by_step.index]
        texts = [
            f"{steps.names[place]}<br>{name}: {told(each.overtime_hours)}<br>"
            + say_count("{count} person", "{count} people", int(each.people))
            for place, each in zip(places, by_step.itertuples(), strict=True)
        ]
        addresses = [steps.addresses[place] for place in places]
        figure.add_trace(_bars(places, by_step["overtime_hours"], name, colour, texts, addresses))
    totals = table.groupby(key, sort=False)["overtime_hours"].sum()
    places = [steps.places[value] for value in totals.index]
    ends = limits(totals if key != "department" else [totals.max()])
    texts = [f"{steps.names[place]}<br>{told(total)}" for place, total in zip(places, totals, strict=True)]
    mark_beyond(figure, places, list(totals), ends, texts, addresses=[steps.addresses[place] for place in places])
    figure.update_layout(barmode="stack", bargap=0.3, showlegend=len(figure.data) > 1)
    figure.update_yaxes(range=padded(ends), zeroline=False)
    return steps.draw(styled(figure, say("Overtime"), height=_HEIGHT, y=say("hours beyond the plan")))


def _department(name: str) -> str:
    return label(name or say("no department"), 24)


def balance(table: pd.DataFrame) -> go.Figure:
    """The balance from the first day on as a line for each person or department, of a table as `tables.running_balance` makes it.

    The six that end farthest from zero have colours; lines are in the legend as they end.
    """
    people = "employee_id" in table
    key = "employee_id" if people else "department"
    last = table.groupby(key)["balance"].last()
    coloured = list(last.abs().sort_values(ascending=False).index[:_MOST_SERIES])
    paint = dict(zip(coloured, colours(), strict=False))
    ends = limits(table["balance"])
    figure = go.Figure()
    order = list(last.sort_values(ascending=False).index)
    steps = Steps("date", sorted(set(table["date"])))
    single = len(steps.values) == 1
    for who in order:
        own = table[table[key] == who]
        name = label(own["name"].iloc[0], 24) if people else _department(who)
        texts = [_balance_of(name, each, people=people) for each in own.itertuples()]
        where = [urlencode({"person": who, "day": day} if people else {"department": who}) for day in own["date"]]
        places = [steps.places[day] for day in own["date"]]
        line = {"color": paint.get(who, grey()), "width": 2.5 if who in paint else 1.2}
        trace = scatter(places, clip(own["balance"], ends), "lines+markers", texts, name=name, line=line)
        trace.update(customdata=where, marker={"size": 9 if single else 5})
        figure.add_trace(trace)
        mark_beyond(figure, places, list(own["balance"]), ends, texts, addresses=where)
    _once_in_legend(figure)
    figure.add_hline(y=0, line={"color": ink(), "width": 1.5})
    figure.update_yaxes(range=padded(ends, 0.1), zeroline=False)
    title = say("Running balance") if people else say("Running balance, mean per person")
    return steps.draw(styled(figure, title, height=_HEIGHT, y=say("hours")))


def _once_in_legend(figure: go.Figure) -> None:
    """Show traces of the same name in the legend once."""
    seen: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.name not in seen
        trace.legendgroup = trace.name
        seen.add(trace.name)


def _balance_of(name: str, row: Any, *, people: bool) -> str:
    text = f"{name}<br>{say_date(row.date)}<br>{told(row.balance, signed=True)}"
    if people:
        return text
    count = say_count("{count} person", "{count} people", row.people)
    together = say("{hours} together", hours=told(row.total_balance, signed=True))
    return f"{text}<br>{count}, {together}"
