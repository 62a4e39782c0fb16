"""Figures about a threshold: similarities, error rates, gallery size, enrolment photos. For workbench and notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtri

from app.charts.theme import ORANGE, blue, ink, scatter, styled
from app.words import say, say_count, say_number
from app.words.tuning import FEWEST_PEOPLE
from engine.evaluation import Estimate
from engine.tuning.calibration import CalibrationReport, percent

Floats = NDArray[np.float64]

_OTHERS = ORANGE
_FAINT = {_OTHERS: "rgba(213,94,0,.16)", "#0072B2": "rgba(0,114,178,.16)", "#56B4E9": "rgba(86,180,233,.16)"}
_STRONG = {_OTHERS: "rgba(213,94,0,.55)", "#0072B2": "rgba(0,114,178,.55)", "#56B4E9": "rgba(86,180,233,.55)"}
_RATES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95)
_RAREST = 1e-5
_BINS = 400
_RUG = 300
_FEWEST = 10
_TICKS = 6
_MIDDLE = float(ndtri(0.01))  # names right of this go to the left of their line
_HEIGHT = 360
_BELOW = {"orientation": "h", "x": 0, "yref": "paper", "y": -0.24, "yanchor": "top"}


def densities(report: CalibrationReport, threshold: float) -> go.Figure:
    """Similarities of people with themselves and with others, and where the threshold cuts them.

    Each curve has the same area, however many comparisons it stands for; where it lies on the wrong side of the threshold it is filled
    strongly. While people are few, single comparisons are ticks below, and the cohort is drawn dashed.
    """
    own = blue()
    kinds = (
        (say("other people"), _OTHERS, report.comparisons.impostor, 1),
        (say("the same person"), own, report.comparisons.genuine, -1),
    )
    figure = go.Figure()
    few = not report.support.enough
    low, high = _span(report, threshold, cohort=few)
    grid = np.linspace(low, high, _BINS)
    top, rug = 0.0, False
    for name, colour, scores, wrong in kinds:
        if len(scores) >= _FEWEST:
            height = _smooth(scores, grid)
            top = max(top, float(height.max()))
            for side, fill in ((-wrong, _FAINT), (wrong, _STRONG)):
                part = side * (grid - threshold) >= 0
                x, y, colours = grid[part], height[part], fill[colour]
                figure.add_trace(scatter(x, y, "none", fill="tozeroy", fillcolor=colours, showlegend=False))
            figure.add_trace(scatter(grid, height, name=f"{name} ({len(scores):,})", line=_pen(colour)))
        if few:
            height = _smooth(report.cohort.drawn(genuine=wrong < 0), grid)
            top = max(top, float(height.max()))
            line = _pen(colour, 1.5, "dash")
            figure.add_trace(scatter(grid, height, name=say("cohort"), showlegend=wrong < 0, line=line))
    top = top or 1.0
    for row, (name, colour, scores, _) in enumerate(kinds, 1):
        if 0 < len(scores) <= _RUG:
            rug = True
            ticks = scatter(
                scores,
                np.full(len(scores), -0.05 * row * top),
                "markers",
                [f"{name}: {say_number(each, 3)}" for each in scores],
                name=f"{name} ({len(scores)})",
                showlegend=len(scores) < _FEWEST,
                marker={"symbol": "line-ns", "size": 9, "line": _pen(colour, 1.5)},
            )
            figure.add_trace(ticks)
    _lines(figure, report, threshold)
    figure.update_xaxes(range=[low, high], showgrid=False, zeroline=False)
    figure.update_yaxes(
        range=[-0.14 * top if rug else 0, 1.04 * top], showticklabels=False, showgrid=False, zeroline=False
    )
    figure = styled(
        figure, say("How alike people are"), height=_HEIGHT, top=68, x=say("similarity"), y=say("share of comparisons")
    )
    return figure.update_layout(legend=_BELOW)


def _span(report: CalibrationReport, threshold: float, *, cohort: bool) -> tuple[float, float]:
    found = [threshold, report.in_force, report.proposed_threshold]
    scores = report.comparisons.scores
    if len(scores):
        found += [float(scores.min()), float(scores.max())]
    if cohort:
        found += [float(report.cohort.drawn(genuine=own)[end]) for own, end in ((False, 0), (True, -1))]
    return max(-1.0, min(found) - 0.05), min(1.0, max(found) + 0.05)


def _smooth(scores: Floats, grid: Floats) -> Floats:
    """A Gaussian kernel density on an even grid, by Silverman's rule."""
    spread = float(min(scores.std(), np.subtract(*np.quantile(scores, [0.75, 0.25])) / 1.34) or scores.std())
    width = max(0.9 * spread * len(scores) ** -0.2, 0.008)
    step = float(grid[1] - grid[0])
    counts, _ = np.histogram(scores, bins=np.append(grid - step / 2, grid[-1] + step / 2))
    heights = gaussian_filter1d(counts / (len(scores) * step), width / step, mode="constant")
    return np.asarray(heights, np.float64)


def _lines(figure: go.Figure, report: CalibrationReport, threshold: float) -> None:
    """Lines at the threshold tried, the one in force and the proposed one; those that coincide are one line."""
    groups: list[tuple[float, list[str], str]] = []
    for value, name, dash in (
        (threshold, say("tried out"), "solid"),
        (report.in_force, say("active"), "dash"),
        (report.proposed_threshold, say("proposed"), "dot"),
    ):
        near = next((group for group in groups if abs(group[0] - value) < 0.0005), None)
        if near is None:
            groups.append((value, [name], dash))
        else:
            near[1].append(name)
    for place, (value, names, dash) in enumerate(groups):
        figure.add_vline(x=value, line=_pen(ink(), 2.5 if dash == "solid" else 1.5, dash))
        _above(figure, value, f"{', '.join(names)} {say_number(value, 3)}", yshift=1 + 15 * place, xanchor="center")


def _pen(colour: str, width: float = 2.5, dash: str = "solid") -> dict[str, object]:
    return {"color": colour, "width": width, "dash": dash}


def _above(figure: go.Figure, x: float, text: str, **more: object) -> None:
    """A text above the plot."""
    place = {"yref": "paper", "yanchor": "bottom", "showarrow": False}
    figure.add_annotation(x=x, y=1, text=text, font={"size": 12}, **place, **more)


def det(report: CalibrationReport, threshold: float) -> go.Figure:
    """False non-matches over false matches on normal-deviate axes (ISO/IEC 19795-1:2021), with the 95% interval of both.

    Such axes cannot show a rate of zero, so it is drawn at the edge. The band is widened where it would narrow only because one threshold
    has no error and the next has one.
    """
    colour = blue()
    bands = report.bands
    title, x = say("What a threshold costs"), say("false matches (FMR)")
    y = say("false non-matches (FNMR)")
    if not len(bands.thresholds):
        return _nothing(title, say("Enrol two people, one of them with two pictures"), x=x, y=y)
    left, low = (0.4 / max(len(scores), 2) for scores in (report.comparisons.impostor, report.comparisons.genuine))
    few = not report.support.enough
    edges = (min(left, _RAREST) if few else left, low)  # what few people cannot show, the cohort does
    (fmr, fmr_low, fmr_high), (fnmr, fnmr_low, fnmr_high) = (
        [_deviate(column, edge) for column in rates.T]
        for rates, edge in zip((bands.fmr, bands.fnmr), edges, strict=True)
    )
    fmr_low, fmr_high = np.minimum.accumulate(fmr_low), np.maximum.accumulate(fmr_high[::-1])[::-1]
    fnmr_low, fnmr_high = np.minimum.accumulate(fnmr_low[::-1])[::-1], np.maximum.accumulate(fnmr_high)
    figure = go.Figure()
    outline = (
        [*fmr_low, fmr_low[-1], *fmr_high[::-1], fmr_high[0]],
        [*fnmr_low, fnmr_high[-1], *fnmr_high[::-1], fnmr_low[0]],
    )
    sure = report.support.people >= FEWEST_PEOPLE  # over fewer people the interval is nearly the whole plane
    if sure:
        name = say("95% interval across people")
        figure.add_trace(scatter(*outline, "none", fill="toself", fillcolor=_FAINT[colour], name=name))
    else:
        fmr_high, fnmr_high = fmr, fnmr
    hover = [
        f"{say_number(each, 3)}<br>FMR {_interval(a)}<br>FNMR {_interval(b)}"
        for each, a, b in zip(bands.thresholds.tolist(), bands.fmr.tolist(), bands.fnmr.tolist(), strict=True)
    ]
    figure.add_trace(scatter(fmr, fnmr, "lines", hover, line=_pen(colour), name=say("this gallery")))
    if few:
        tried = np.linspace(-0.3, 0.95, 120)
        rates = np.array([[report.cohort.fmr(each), report.cohort.fnmr(each)] for each in tried.tolist()])
        kept = ((rates >= edges) & (rates < 1)).all(1)
        name, line = say("cohort"), _pen(colour, 1.5, "dash")
        figure.add_trace(scatter(ndtri(rates[kept, 0]), ndtri(rates[kept, 1]), name=name, line=line))
    marks = [(threshold, say("tried out"), "diamond", ink())]
    if abs(threshold - report.in_force) >= 0.0005:
        marks.append((report.in_force, say("active"), "circle-open", ink()))
    reached = [0.0, 0.0]
    for value, name, symbol, shade in marks:
        a, b = report.bootstrap.fmr(value), report.bootstrap.fnmr(value)
        told = f"{name} {say_number(value, 3)}"
        above = value >= max(threshold, report.in_force)  # it misses more, so it lies above the other one
        figure.add_trace(_point(a, b, edges, told, symbol, shade, bars=sure and value == threshold, above=above))
        reached = [max(high, rate.value) for high, rate in zip(reached, (a, b), strict=True)]
    for axis, values, edge, high in zip("xy", (fmr_high, fnmr_high), edges, reached, strict=True):
        _deviates(figure, axis, values, edge, min(high, 1 - edge))
    return styled(figure, title, height=_HEIGHT, top=46, x=x, y=y).update_layout(legend=_BELOW)


def _deviate(rates: Floats, edge: float) -> Floats:
    return np.asarray(ndtri(np.clip(rates, edge, 1 - edge)))


def _interval(row: Sequence[float]) -> str:
    return f"{percent(row[0])} ({percent(row[1])} – {percent(row[2])})"


def _point(
    fmr: Estimate,
    fnmr: Estimate,
    edges: tuple[float, ...],
    name: str,
    symbol: str,
    shade: str,
    *,
    bars: bool,
    above: bool,
) -> go.Scatter:
    """A threshold on the curve, with its intervals."""
    (x, x_low, x_high), (y, y_low, y_high) = (
        _deviate(np.array([rate.value, rate.low, rate.high]), edge).tolist()
        for rate, edge in zip((fmr, fnmr), edges, strict=True)
    )
    told = f"{name}<br>FMR {_interval([fmr.value, fmr.low, fmr.high])}<br>FNMR {_interval([fnmr.value, fnmr.low, fnmr.high])}"
    side = f"{'top' if above else 'bottom'} {'right' if x < _MIDDLE else 'left'}"
    return go.Scatter(
        x=[x],
        y=[y],
        mode="markers+text",
        name=name,
        showlegend=False,
        cliponaxis=False,
        marker={"size": 11, "symbol": symbol, "color": shade, "line": {"width": 2}},
        error_x=_whiskers([(x, x_low, x_high)], shade, width=4, visible=bars),
        error_y=_whiskers([(y, y_low, y_high)], shade, width=4, visible=bars),
        text=[name],
        textposition=side,
        hovertext=[told],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _whiskers(rows: Iterable[tuple[float, float, float]], colour: str, **more: object) -> dict[str, object]:
    """Error bars of (value, low, high)."""
    above, below = zip(*((high - value, value - low) for value, low, high in rows), strict=True)
    plain = {"type": "data", "symmetric": False, "thickness": 1.5, "color": colour}
    return {**plain, "array": above, "arrayminus": below, **more}


def _deviates(figure: go.Figure, axis: str, values: Floats, edge: float, least: float) -> None:
    """Ticks in percent; the edge means zero, and the axis reaches at least to `least`."""
    low, high = float(ndtri(edge)), max(float(min(values.max(), ndtri(0.6))), float(ndtri(least)))
    shown = [rate for rate in _RATES if 0.08 * (high - low) < ndtri(rate) - low <= high - low]
    if len(shown) > _TICKS:
        shown = shown[::-2][::-1]
    places, texts = [low, *map(float, ndtri(shown))], ["0", *map(percent, shown)]
    around = {"range": [low - 0.12, high + 0.12], "zeroline": False}
    figure.update_layout({f"{axis}axis": {**around, "tickvals": places, "ticktext": texts, "tickangle": 0}})


def open_set(report: CalibrationReport, threshold: float) -> go.Figure:
    """How often strangers are named and people are not, by the number of people enrolled."""
    own = blue()
    found, people = report.open_set(threshold), len(report.gallery)
    figure = go.Figure()
    told = say("{count} people enrolled")
    rows = [
        (say("strangers named (expected)"), _OTHERS, "dash", found.model_sizes, found.model_fpir),
        (say("strangers named (measured)"), _OTHERS, "solid", found.sizes, found.fpir),
    ]
    if len(found.fnir):
        rows.append((say("people not named (measured)"), own, "solid", found.sizes, found.fnir))
    for name, colour, dash, sizes, rates in rows:
        if not len(sizes):
            continue
        hover = [
            f"{told.format(count=size)}<br>{name}: {percent(rate)}"
            for size, rate in zip(sizes.tolist(), rates.tolist(), strict=True)
        ]
        line, y = _pen(colour, dash=dash), np.maximum(rates, 1e-6)
        figure.add_trace(scatter(sizes, y, "lines+markers", hover, name=name, line=line, marker={"size": 5}))
    if people:
        figure.add_vline(x=people, line=_pen(ink(), 1.5, "dot"))
        _above(figure, float(np.log10(people)), say("{count} today", count=people))
    figure.update_xaxes(
        type="log", tickvals=[1, 10, 100, 1000], ticktext=["1", "10", "100", "1000"], range=[-0.05, 3.75]
    )
    exponents = range(-6, 1, 2)
    figure.update_yaxes(
        type="log",
        range=[-6.15, 0.15],
        tickvals=[10.0**each for each in exponents],
        ticktext=[("≤ " if each == exponents[0] else "") + percent(10.0**each) for each in exponents],
    )
    figure = styled(
        figure,
        say("Strangers named by number of people, at {threshold}", threshold=say_number(threshold, 3)),
        height=_HEIGHT,
        top=60,
        x=say("people enrolled"),
        y=say("share of searches"),
    )
    return figure.update_layout(legend=_BELOW)


def photos_effect(report: CalibrationReport, threshold: float) -> go.Figure:
    """How often people are not recognised, by the number of their enrolment photos, with 95% intervals."""
    own = blue()
    found = report.photos(threshold)
    title = say("Misses by number of enrolment photos, at {threshold}", threshold=say_number(threshold, 3))
    x, y = say("enrolment photos per person"), say("false non-matches (FNMR)")
    if not found.photos:
        return _nothing(title, say("No one has two pictures to compare"), x=x, y=y)
    rows = [(rate.value, rate.low, rate.high) for rate in found.fnmr]
    texts = [
        say_count("{count} photo", "{count} photos", count) + f"<br>FNMR {_interval(row)}"
        for count, row in zip(found.photos, rows, strict=True)
    ]
    line = scatter(
        found.photos,
        [value for value, _, _ in rows],
        "lines+markers",
        texts,
        line=_pen(own),
        marker={"size": 9},
        error_y=_whiskers(rows, own, width=5),
        showlegend=False,
    )
    figure = go.Figure(line)
    figure.update_xaxes(tickvals=list(found.photos), range=[0.6, max(found.photos) + 0.4], showgrid=False)
    top = max(high for _, _, high in rows)
    figure.update_yaxes(tickformat=".1~%", range=[-0.03 * top, 1.08 * top], zeroline=False)
    return styled(
        figure,
        title,
        height=_HEIGHT,
        x=x,
        y=say_count("{what}, {count} person", "{what}, {count} people", found.people, what=y),
    )


def _nothing(title: str, why: str, *, x: str, y: str) -> go.Figure:
    """A figure that says why it is empty."""
    figure = go.Figure()
    figure.add_annotation(x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, text=why, font={"size": 14})
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False, range=[0, 1])
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, range=[0, 1])
    return styled(figure, title, height=_HEIGHT, x=x, y=y)
