"""Who was inside when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from app.charts.axis import limits, mark_beyond
from app.charts.theme import ORANGE, blue, clock, ink, label, scatter, styled, ticks
from app.words import say, say_date, say_minutes
from engine.attendance import DaySheet
from engine.reports import Stay

_ROW_PX = 24
_Span = tuple[int, float, float, str, str]
"""Number of the lane, first and last minute of its day, what to say about it, and where a click leads."""


@dataclass(frozen=True)
class Lane:
    """One line of the figure: a person's day.

    Attributes:
        name: of the person, or of the day.
        day: the working day.
        stays: when they were inside.
        off: when a camera was off.
        address: where a click leads, as parameters of the page's address.
    """

    name: str
    day: date
    stays: Sequence[Stay]
    off: Sequence[tuple[datetime, datetime]] = ()
    address: str = ""


def opening_day(rows: Sequence[DaySheet]) -> date | None:
    """The last working day on which somebody came: at least half as many people were expected as on the fullest day.

    Without such a day it is the last one on which anybody came; None: nobody came.
    """
    came = {row.day for row in rows if row.present}
    expected = Counter(row.day for row in rows if row.expected)
    enough = max(expected.values(), default=0) / 2
    return max((day for day in came if expected[day] >= enough > 0), default=max(came, default=None))


def time_line(lanes: Sequence[Lane], title: str, zone: ZoneInfo, now: datetime) -> go.Figure:
    """One horizontal bar per lane, at least one, top to bottom, with gaps for absence and hatching for camera outages.

    Whoever has not left yet is drawn up to `now`; the time zone is the workplace's.
    """
    inside: list[_Span] = []
    unknown: list[_Span] = []
    ongoing: list[_Span] = []
    off: list[_Span] = []

    def minutes(moment: datetime, day: date) -> float:
        local = moment.astimezone(zone).replace(tzinfo=None)
        return (local - datetime.combine(day, time())).total_seconds() / 60

    for place, lane in enumerate(lanes):
        who = f"{label(lane.name)}<br>{say_date(lane.day)}"
        for stay in lane.stays:
            begin, end = minutes(stay.begin, lane.day), minutes(stay.end, lane.day)
            if not stay.open:
                told = f"{clock(begin)}–{clock(end)}, {say_minutes((stay.end - stay.begin).total_seconds() / 60)}"
                inside.append((place, begin, end, f"{who}<br>{told}", lane.address))
            elif now - stay.begin < timedelta(hours=16):
                told = say("inside since {time}", time=clock(begin))
                ongoing.append((place, begin, minutes(now, lane.day), f"{who}<br>{told}", lane.address))
            else:
                told = say("came {time}, no departure was seen", time=clock(begin))
                unknown.append((place, begin, begin, f"{who}<br>{told}", lane.address))
        for lost, back in lane.off:
            a, b = minutes(lost, lane.day), minutes(back, lane.day)
            off.append((place, a, b, say("camera off {begin}–{end}", begin=clock(a), end=clock(b)), lane.address))
    figure = go.Figure()
    _bars(figure, inside, say("inside"), {"color": blue()})
    _bars(figure, ongoing, say("still inside"), {"color": "#009E73"})
    if unknown:
        rows, begins, _, told_of, where = zip(*unknown, strict=True)
        marker = {"symbol": "triangle-right", "size": 13, "color": "#E69F00", "line": {"color": ink(), "width": 1}}
        name = say("no departure seen")
        figure.add_trace(scatter(begins, rows, "markers", told_of, name=name, marker=marker, customdata=where))
    hatched = {
        "color": "rgba(0,0,0,0)",
        "line": {"color": ORANGE, "width": 1},
        "pattern": {"shape": "/", "fgcolor": ORANGE, "size": 6, "solidity": 0.25},
    }
    spans = [*inside, *ongoing, *unknown]
    edges = [value for _, begin, end, *_ in spans for value in (begin, end)]
    ends = limits(edges or [480, 1080], zero=False, most=0.6)
    mark_beyond(
        figure,
        [span[0] for span in spans],
        [begin if begin < ends[0] else end for _, begin, end, *_ in spans],
        ends,
        [span[3] for span in spans],
        across=True,
        addresses=[span[4] for span in spans],
    )
    low, high = ends[0] - 30, ends[1] + 30
    shown = [
        (place, max(a, low), min(b, high), told, where) for place, a, b, told, where in off if a < high and b > low
    ]
    _bars(figure, shown, say("camera off"), hatched)
    places, texts = ticks(low, high)
    figure.update_xaxes(tickvals=places, ticktext=texts, range=[low, high], side="top")
    figure.update_yaxes(
        tickvals=list(range(len(lanes))),
        ticktext=[label(lane.name, 28) for lane in lanes],
        range=[len(lanes) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )
    figure.update_layout(barmode="overlay", bargap=0.35, showlegend=True)
    figure = styled(figure, title, height=146 + _ROW_PX * len(lanes), top=112)
    # measuring hundreds of names takes browsers seconds
    figure.update_yaxes(automargin=False, tickangle=0, ticklabeloverflow="allow")
    widest = max(len(label(lane.name, 28)) for lane in lanes)
    above = 1 + 44 / max(30, _ROW_PX * len(lanes))  # of the axis, which stands on top
    return figure.update_layout(legend={"yref": "paper", "y": above}, margin_l=16 + 7 * widest)


def _bars(figure: go.Figure, rows: Sequence[_Span], name: str, marker: Mapping[str, object]) -> None:
    if rows:
        places, begins, ends, texts, where = zip(*rows, strict=True)
        widths = [max(end - begin, 1.0) for begin, end in zip(begins, ends, strict=True)]
        hover = {"text": texts, "textposition": "none", "hovertemplate": "%{text}<extra></extra>", "customdata": where}
        figure.add_trace(go.Bar(orientation="h", y=places, base=begins, x=widths, name=name, marker=marker, **hover))
