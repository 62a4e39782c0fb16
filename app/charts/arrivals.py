"""When people come."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import ceil, floor

import plotly.graph_objects as go

from app.charts.theme import ORANGE, blue, clock, ink, label, scatter, styled, ticks
from app.web import viewer
from app.words import say, say_count, say_date, say_minutes, say_weekdays
from engine.attendance import DaySheet
from engine.reports import minute_of_day

_BLUES = {
    "light": [[0, "#EAF2F8"], [0.02, "#CFE3F1"], [0.5, "#56A3D4"], [1, "#004E7C"]],
    "dark": [[0, "#1D2A36"], [0.02, "#21425A"], [0.5, "#2C8FC9"], [1, "#BFE3F8"]],
}
_EARLIEST, _LATEST = -60.0, 120.0


def heat_map(counts: Mapping[tuple[int, int], int], starts: Mapping[str, float]) -> go.Figure:
    """Arrivals, at least one, by weekday (0 Monday) and quarter hour; planned starts of shifts, in minutes of the day, as lines."""
    names = say_weekdays()
    days = range(7 if any(day > 4 for day, _ in counts) else 5)
    quarters = [quarter for _, quarter in counts]
    first, last = max(0, min(quarters) - 2), min(95, max(quarters) + 2)
    span = range(first, last + 1)

    def told(day: int, quarter: int) -> str:
        arrivals = say_count("{count} arrival", "{count} arrivals", counts.get((day, quarter), 0))
        return f"{names[day]} {clock(15 * quarter)}–{clock(15 * quarter + 15)}<br>{arrivals}"

    figure = go.Figure(
        go.Heatmap(
            z=[[counts.get((day, each), 0) for each in span] for day in days],
            x=[15 * each + 7.5 for each in span],
            y=[names[day] for day in days],
            text=[[told(day, each) for each in span] for day in days],
            hovertemplate="%{text}<extra></extra>",
            colorscale=_BLUES[viewer.current.get().theme],
            zmin=0,
            xgap=1,
            ygap=2,
            colorbar={"title": {"text": say("arrivals")}, "thickness": 12, "outlinewidth": 0, "nticks": 5},
        )
    )
    for place, (shift, minute) in enumerate(sorted(starts.items(), key=lambda pair: pair[1])):
        figure.add_vline(x=minute, line={"color": ORANGE, "width": 2})
        figure.add_annotation(
            x=minute,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="left",
            showarrow=False,
            yshift=2 + 15 * (place % 2),
            text=say("{shift} begins {time}", shift=label(shift, 20), time=clock(minute)),
            font={"size": 12},
        )
    places, texts = ticks(15 * first, 15 * last + 15)
    figure.update_xaxes(tickvals=places, ticktext=texts, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return styled(
        figure, say("When people arrive"), height=120 + 44 * len(days), x=say("time of arrival (quarter hours)"), top=76
    )


def delays(found: Sequence[DaySheet], grace_min: float | None) -> go.Figure:
    """A dot per arrival: minutes after the planned start, by day, or by department for a single day; the grace is shaded.

    Days without a known start offset are left out; at least one must have it.
    """
    planned = [row for row in found if row.start_offset_min is not None]
    days = sorted({arrival.day for arrival in planned})
    groups = sorted({arrival.department for arrival in planned}, key=str.casefold)
    single = len(days) == 1
    place = {key: index for index, key in enumerate(groups if single else days)}
    minutes = [_offset(row) for row in planned]
    low = max(_EARLIEST, min(-30.0, 30 * floor(min(minutes) / 30)))
    high = min(_LATEST, max(30.0, 30 * ceil(max(minutes) / 30)))
    told = _teller(days)
    figure = go.Figure()
    if grace_min:
        figure.add_hrect(y0=0, y1=grace_min, fillcolor="#E69F00", opacity=0.22, line_width=0, layer="below")
    figure.add_hline(y=0, line={"color": ink(), "width": 1.5})
    for late, name, colour, symbol in (
        (False, say("on time"), blue(), "circle"),
        (True, say("late"), ORANGE, "triangle-up"),
    ):
        own = [arrival for arrival in planned if arrival.late is late]
        x = [place[arrival.department if single else arrival.day] + _aside(arrival) for arrival in own]
        y = [min(max(_offset(arrival), low), high) for arrival in own]
        size = (10 if late else 8) if single else (8 if late else 6)
        marker = {"color": colour, "symbol": symbol, "size": size, "opacity": 0.95 if late else 0.65}
        figure.add_trace(scatter(x, y, "markers", [told(arrival) for arrival in own], name=name, marker=marker))
    step = -(-len(place) // 12)
    shown = list(place.items())[::step]
    figure.update_xaxes(
        tickvals=[index for _, index in shown],
        ticktext=[
            label(key or say("no department"), 14) if single else say_date(key, year=False)  # type: ignore[arg-type]
            for key, _ in shown
        ],
        range=[-0.6, len(place) - 0.4],
        showgrid=False,
        zeroline=False,
    )
    places = range(int(low), int(high) + 1, 30)
    beyond = {int(low): "≤ " if min(minutes) < low else "", int(high): "≥ " if max(minutes) > high else ""}
    figure.update_yaxes(
        range=[low - 4, high + 4],
        zeroline=False,
        tickvals=list(places),
        ticktext=[
            f"{beyond.get(each, '')}{str(each).replace('-', '−')} min" if each else say("start") for each in places
        ],
    )
    title = say("Arrivals before and after the planned start")
    if grace_min:
        title = say(
            "Arrivals before and after the planned start; shaded: {minutes} min grace", minutes=f"{grace_min:g}"
        )
    return styled(figure, title, height=460, top=72)


def _offset(row: DaySheet) -> float:
    return row.start_offset_min or 0.0


def _aside(arrival: DaySheet) -> float:
    """Spread dots sideways, reproducibly."""
    return (zlib.crc32(f"{arrival.employee_id}{arrival.day}".encode()) % 1000 / 1000 - 0.5) * 0.7


def _teller(days: Sequence[date]) -> Callable[[DaySheet], str]:
    """A function that describes an arrival; the words are looked up once."""
    after, before = say("{time} after the start"), say("{time} before the start")
    names = {day: say_date(day) for day in days}

    def told(arrival: DaySheet) -> str:
        minutes = _offset(arrival)
        how = (after if minutes >= 0 else before).format(time=say_minutes(abs(minutes)))
        time = clock(int(minute_of_day(arrival.arrival))) if arrival.arrival else "–"
        return f"{label(arrival.name or arrival.employee_id)}<br>{names[arrival.day]}, {time}<br>{how}"

    return told
