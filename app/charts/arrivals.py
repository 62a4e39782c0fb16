"""When people come."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import ceil, floor
from urllib.parse import urlencode

import plotly.graph_objects as go

from app.charts.axis import limits, mark_beyond
from app.charts.theme import ORANGE, blue, clock, ink, label, scatter, styled, ticks
from app.web import viewer
from app.words import say, say_count, say_date, say_minutes, say_number, say_weekdays
from engine.attendance import DaySheet
from engine.reports import minute_of_day

_BLUES = {
    "light": [[0, "#EAF2F8"], [0.02, "#CFE3F1"], [0.5, "#56A3D4"], [1, "#004E7C"]],
    "dark": [[0, "#1D2A36"], [0.02, "#21425A"], [0.5, "#2C8FC9"], [1, "#BFE3F8"]],
}
_ON_TOP = {"light": {"color": "#FFFFFF"}, "dark": {"color": "#10171E"}}
_LABELS = 7
"""So many labels of shift starts fit side by side."""


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

    top, theme = limits(counts.values())[1], viewer.current.get().theme
    figure = go.Figure(
        go.Heatmap(
            z=[[counts.get((day, each), 0) for each in span] for day in days],
            x=[15 * each + 7.5 for each in span],
            y=[names[day] for day in days],
            text=[[told(day, each) for each in span] for day in days],
            hovertemplate="%{text}<extra></extra>",
            colorscale=_BLUES[theme],
            zmin=0,
            zmax=top,
            xgap=1,
            ygap=2,
            colorbar={"title": {"text": say("arrivals")}, "thickness": 12, "outlinewidth": 0, "nticks": 5},
        )
    )
    _shift_lines(figure, starts, 15 * first, 15 * last + 15)
    for (day, quarter), count in counts.items():
        if count > top:  # darker than the scale: its number stands in it
            figure.add_annotation(
                x=15 * quarter + 7.5, y=names[day], text=say_number(count), showarrow=False, font=_ON_TOP[theme]
            )
    places, texts = ticks(15 * first, 15 * last + 15)
    figure.update_xaxes(tickvals=places, ticktext=texts, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return styled(
        figure, say("When people arrive"), height=120 + 44 * len(days), x=say("time of arrival (quarter hours)"), top=76
    )


def _shift_lines(figure: go.Figure, starts: Mapping[str, float], low: float, high: float) -> None:
    """Planned starts as lines; those whose labels would cover each other share one."""
    groups: list[list[tuple[float, str]]] = []
    for minute, shift in sorted((minute, shift) for shift, minute in starts.items()):
        if groups and minute - groups[-1][0][0] < (high - low) / _LABELS:
            groups[-1].append((minute, shift))
        else:
            groups.append([(minute, shift)])
    for minute in sorted(set(starts.values())):
        figure.add_vline(x=minute, line={"color": ORANGE, "width": 2})
    for place, group in enumerate(groups):
        begin, end = group[0][0], group[-1][0]
        late = begin > low + 0.6 * (high - low)
        figure.add_annotation(
            x=end if late else begin,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="right" if late else "left",
            showarrow=False,
            yshift=2 + 15 * (place % 2),
            text=_begins(group),
            hovertext="<br>".join(f"{clock(minute)} {label(shift, 30)}" for minute, shift in group),
            font={"size": 12},
        )


def _begins(group: Sequence[tuple[float, str]]) -> str:
    """Such as `office begins 09:00` or `4 shifts begin 08:00–09:30`."""
    begin, end = group[0][0], group[-1][0]
    if len(group) == 1:
        return say("{shift} begins {time}", shift=label(group[0][1], 20), time=clock(begin))
    time = clock(begin) if begin == end else f"{clock(begin)}–{clock(end)}"
    return say("{number} shifts begin {time}", number=len(group), time=time)


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
    ends = limits(minutes)
    low, high = min(-30.0, 15.0 * floor(ends[0] / 15)), max(30.0, 15.0 * ceil(ends[1] / 15))
    told = _teller(days)
    figure = go.Figure()
    if grace_min:
        figure.add_hrect(y0=0, y1=grace_min, fillcolor="#E69F00", opacity=0.22, line_width=0, layer="below")
    figure.add_hline(y=0, line={"color": ink(), "width": 1.5})
    for late, name, colour, symbol in (
        (False, say("on time"), blue(), "circle"),
        (True, say("late"), ORANGE, "triangle-up"),
    ):
        own = [arrival for arrival in planned if arrival.late is late and low <= _offset(arrival) <= high]
        x = [place[arrival.department if single else arrival.day] + _aside(arrival) for arrival in own]
        y = [_offset(arrival) for arrival in own]
        size = (10 if late else 8) if single else (8 if late else 6)
        marker = {"color": colour, "symbol": symbol, "size": size, "opacity": 0.95 if late else 0.65}
        texts, where = [told(arrival) for arrival in own], [_address(arrival) for arrival in own]
        figure.add_trace(scatter(x, y, "markers", texts, name=name, marker=marker, customdata=where))
    far = [arrival for arrival in planned if not low <= _offset(arrival) <= high]
    mark_beyond(
        figure,
        [place[arrival.department if single else arrival.day] + _aside(arrival) for arrival in far],
        [_offset(arrival) for arrival in far],
        (low, high),
        [told(arrival) for arrival in far],
        addresses=[_address(arrival) for arrival in far],
    )
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
    step = 30 * -(-int(high - low) // 300)
    places = range(-(-int(low) // step) * step, int(high) + 1, step)
    figure.update_yaxes(
        range=[low - 4, high + 4],
        zeroline=False,
        tickvals=list(places),
        ticktext=[f"{str(each).replace('-', '−')} min" if each else say("start") for each in places],
    )
    title = say("Arrivals and the planned start")
    if grace_min:
        title = say("Arrivals and the planned start ({minutes} min grace)", minutes=f"{grace_min:g}")
    return styled(figure, title, height=460)


def _address(arrival: DaySheet) -> str:
    return urlencode({"person": arrival.employee_id, "day": arrival.day})


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
