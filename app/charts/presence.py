"""Who was inside when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from app.charts.theme import ORANGE, blue, clock, ink, label, scatter, styled, ticks
from app.words import say, say_date, say_minutes
from engine.reports import Stay

_ROW_PX = 24
_Span = tuple[int, float, float, str]
"""Number of the lane, first and last minute of its day, and what to say about it."""


@dataclass(frozen=True)
class Lane:
    """One line of the figure: a person's day.

    Attributes:
        name: of the person, or of the day.
        day: the working day.
        stays: when they were inside.
        off: when a camera was off.
    """

    name: str
    day: date
    stays: Sequence[Stay]
    off: Sequence[tuple[datetime, datetime]] = ()


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
                inside.append((place, begin, end, f"{who}<br>{told}"))
            elif now - stay.begin < timedelta(hours=16):
                told = say("inside since {time}", time=clock(begin))
                ongoing.append((place, begin, minutes(now, lane.day), f"{who}<br>{told}"))
            else:
                told = say("came {time}, no departure was seen", time=clock(begin))
                unknown.append((place, begin, begin, f"{who}<br>{told}"))
        for lost, back in lane.off:
            a, b = minutes(lost, lane.day), minutes(back, lane.day)
            off.append((place, a, b, say("camera off {begin}–{end}", begin=clock(a), end=clock(b))))
    figure = go.Figure()
    _bars(figure, inside, say("inside"), {"color": blue()})
    _bars(figure, ongoing, say("still inside"), {"color": "#009E73"})
    if unknown:
        rows, begins, _, told_of = zip(*unknown, strict=True)
        marker = {"symbol": "triangle-right", "size": 13, "color": "#E69F00", "line": {"color": ink(), "width": 1}}
        figure.add_trace(scatter(begins, rows, "markers", told_of, name=say("no departure seen"), marker=marker))
    hatched = {
        "color": "rgba(0,0,0,0)",
        "line": {"color": ORANGE, "width": 1},
        "pattern": {"shape": "/", "fgcolor": ORANGE, "size": 6, "solidity": 0.25},
    }
    edges = [value for _, begin, end, _ in (*inside, *ongoing, *unknown) for value in (begin, end)]
    low, high = (min(edges, default=480) - 30, max(edges, default=1080) + 30)
    shown = [(place, max(a, low), min(b, high), told) for place, a, b, told in off if a < high and b > low]
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
    figure = styled(figure, title, height=130 + _ROW_PX * len(lanes), top=96)
    # measuring hundreds of names takes browsers seconds
    figure.update_yaxes(automargin=False, tickangle=0, ticklabeloverflow="allow")
    widest = max(len(label(lane.name, 28)) for lane in lanes)
    above = 1 + 30 / max(30, _ROW_PX * len(lanes))  # of the axis, which stands on top
    return figure.update_layout(legend={"y": above}, margin_l=16 + 7 * widest)


def _bars(figure: go.Figure, rows: Sequence[_Span], name: str, marker: Mapping[str, object]) -> None:
    if rows:
        places, begins, ends, texts = zip(*rows, strict=True)
        widths = [max(end - begin, 1.0) for begin, end in zip(begins, ends, strict=True)]
        hover = {"text": texts, "textposition": "none", "hovertemplate": "%{text}<extra></extra>"}
        figure.add_trace(go.Bar(orientation="h", y=places, base=begins, x=widths, name=name, marker=marker, **hover))
