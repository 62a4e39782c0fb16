"""A DET plot of several engines, as an SVG picture: FNMR over FMR on normal deviate axes (Martin et al. 1997)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import scipy

__all__ = ["det_plot"]

_COLOURS = ("#0072b2", "#999999", "#e69f00", "#009e73")
_FMR_TICKS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_FNMR_TICKS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_LEFT, _TOP, _WIDE, _HIGH = 62, 16, 520, 380


def _along(rate: float, ticks: Sequence[float]) -> float:
    """Where a rate lies between the first tick (0) and the last (1)."""
    low, high = float(scipy.special.ndtri(ticks[0])), float(scipy.special.ndtri(ticks[-1]))
    return (float(scipy.special.ndtri(min(max(rate, ticks[0]), ticks[-1]))) - low) / (high - low)


def _x(rate: float) -> float:
    return _LEFT + _along(rate, _FMR_TICKS) * _WIDE


def _y(rate: float) -> float:
    return _TOP + (1 - _along(rate, _FNMR_TICKS)) * _HIGH


def _path(curve: Mapping[str, Sequence[float]]) -> str:
    """A flight of steps: a rate holds until the next threshold."""
    steps: list[str] = []
    before = 0.0
    for fmr, fnmr in zip(curve["fmr"], curve["fnmr"], strict=True):
        if _FMR_TICKS[0] <= fmr <= _FMR_TICKS[-1]:
            if steps:
                steps.append(f"L{_x(fmr):.1f},{_y(before):.1f}")
            steps.append(f"{'L' if steps else 'M'}{_x(fmr):.1f},{_y(fnmr):.1f}")
            before = fnmr
    return " ".join(steps)


def _grid() -> list[str]:
    lines = []
    for tick in _FMR_TICKS:
        x = _x(tick)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_TOP + _HIGH}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{x:.1f}" y="{_TOP + _HIGH + 15}" text-anchor="middle">{tick:.4g}</text>')
    for tick in _FNMR_TICKS:
        y = _y(tick)
        lines.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.4g}</text>')
    middle = _LEFT + _WIDE / 2
    lines.append(f'<text x="{middle}" y="{_TOP + _HIGH + 32}" text-anchor="middle">false match rate</text>')
    upright = f"translate(14 {_TOP + _HIGH / 2}) rotate(-90)"
    lines.append(f'<text transform="{upright}" text-anchor="middle">false non-match rate</text>')
    return lines


def det_plot(engines: Mapping[str, Mapping[str, Any]]) -> str:
    """The picture.

    Args:
        engines: by name, in the order of the legend: `det` (`fmr` and `fnmr`, lowest threshold first), `det_own` (the same
            over the pairs that the engine could score, drawn dashed; or None), and `all` with the TAR at two FARs, drawn as bars.
    """
    lines = _grid()
    for index, (name, row) in enumerate(engines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        lines.append(f'<path d="{_path(row["det"])}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if row["det_own"]:
            path = _path(row["det_own"])
            lines.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-dasharray="5 3"/>')
        for far in ("0.01", "0.001"):
            found = row["all"][f"tar@{far}"]
            at = _x(float(far)) + 5 * (index - (len(engines) - 1) / 2)  # side by side
            ends = f'y1="{_y(1 - found["high"]):.1f}" y2="{_y(1 - found["low"]):.1f}"'
            lines.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" {ends} stroke="{colour}" stroke-opacity="0.6" stroke-width="2"/>'
            )
        below = _TOP + _HIGH + 54 + 16 * index
        told = name + (" (dashed: over the pairs that it can score)" if row["det_own"] else "")
        lines.append(f'<rect x="{_LEFT}" y="{below - 9}" width="11" height="11" fill="{colour}"/>')
        lines.append(f'<text x="{_LEFT + 16}" y="{below}">{escape(told)}</text>')
    bottom = _TOP + _HIGH + 54 + 16 * len(engines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 24} {bottom}" font-family="sans-serif" font-size="11" '
        'fill="#222"><title>False non-matches over false matches of each engine, with 95% intervals over people</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(lines)}</svg>\n'
    )
