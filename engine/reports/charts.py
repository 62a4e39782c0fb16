"""Charts of the month report: inline SVG from numbers and dates, in the page's own colours.

Colour is never the only sign: late arrivals differ in shape, bars show their number, and days without presence a symbol and a word.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from engine.attendance import DaySheet
from engine.reports.columns import STATUSES
from engine.words import ENGLISH, Words

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720.0, 46.0, 8.0, 12.0, 24.0


class _Days:
    """The horizontal axis of charts by day."""

    def __init__(self, first: date, last: date) -> None:
        self.days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        self.slot = (WIDTH - LEFT - RIGHT) / len(self.days)

    def middle(self, day: date) -> float:
        return LEFT + ((day - self.days[0]).days + 0.5) * self.slot

    def draw(self, bottom: float) -> list[str]:
        """Draw weekends as bands, and the days' numbers."""
        parts = []
        for day in self.days:
            if day.weekday() == 5 or (day.weekday() == 6 and day == self.days[0]):
                length = 2 if day.weekday() == 5 and day < self.days[-1] else 1
                parts.append(
                    f'<rect class="band" x="{self.middle(day) - self.slot / 2:.1f}" y="{TOP:g}" '
                    f'width="{length * self.slot:.1f}" height="{bottom - TOP:.1f}"/>'
                )
        step = -(-len(self.days) // 31)
        for index, day in enumerate(self.days[::step]):
            label = str(day.day) if step == 1 else f"{day.day}.{day.month}."
            if step == 1 or index % 4 == 0:
                parts.append(_label(self.middle(day), bottom + 15, label, "middle"))
        return parts


def _label(x: float, y: float, text: str, anchor: str, css: str = "tick") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _rule(y: float, css: str) -> str:
    return f'<path class="{css}" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{html.escape(title)}">'
        f"<title>{html.escape(title)}</title>{''.join(parts)}</svg>"
    )


def arrivals_chart(
    arrivals: Sequence[DaySheet], first: date, last: date, *, grace_min: float | None, words: Words = ENGLISH
) -> tuple[str, int]:
    """A mark per arrival, by day (`first` to `last`, both included) and by minutes after the planned start.

    Args:
        arrivals: at least one, all with a known `start_offset_min`.
        grace_min: drawn as a band above the planned start; None: no band.

    Returns:
        The SVG, and the number of arrivals drawn on its edges because they lie beyond.
    """
    height = 250.0
    base = height - BOTTOM
    deltas = [_offset(row) for row in arrivals]
    low = max(-120.0, min(-30.0, 30 * (min(deltas) // 30)))
    high = min(150.0, max(60.0, -30 * (-max(deltas) // 30)))
    axis = _Days(first, last)

    def up(delta: float) -> float:
        return base - (min(max(delta, low), high) - low) / (high - low) * (base - TOP)

    parts = axis.draw(base)
    if grace_min:
        parts.append(
            f'<rect class="grace" x="{LEFT:g}" y="{up(grace_min):.1f}" width="{WIDTH - LEFT - RIGHT:g}" '
            f'height="{up(0) - up(grace_min):.1f}"/>'
        )
    step = 30 if high - low <= 180 else 60
    for tick in range(int(low // step * step), int(high) + 1, step):
        if tick >= low:
            parts.append(_rule(up(tick), "zero" if tick == 0 else "grid"))
            parts.append(
                _label(LEFT - 6, up(tick) + 4, f"{tick:+d}".replace("-", "−") if tick else words.say("plan"), "end")
            )
    crowd = len(arrivals) / len({row.day for row in arrivals})
    size = 3.2 if crowd <= 20 else 2.2 if crowd <= 60 else 1.3
    dots, marks = "", ""
    for arrival, x in _spread(arrivals, axis, size):
        y = up(_offset(arrival))
        if arrival.late:
            marks += f"M{x:.1f} {y - size:.1f}l{size:g} {2 * size:g}h{-2 * size:g}z"
        else:
            dots += f"M{x:.1f} {y:.1f}h0"
    for css, width in (("edge", 2.4 * size), ("good", 2 * size)):  # the edge keeps light colours visible
        if dots:
            parts.append(f'<path class="dot {css}" style="stroke-width:{width:g}" d="{dots}"/>')
    if marks:
        parts.append(f'<path class="mark" d="{marks}"/>')
    beyond = sum(not low <= delta <= high for delta in deltas)
    return _svg(height, words.say("Arrivals by day, in minutes after the planned start"), parts), beyond


def _offset(row: DaySheet) -> float:
    return row.start_offset_min or 0.0


def _spread(arrivals: Sequence[DaySheet], axis: _Days, size: float) -> list[tuple[DaySheet, float]]:
    """Arrivals with their place on the horizontal axis: those on one day at about the same time are side by side."""
    bins: dict[tuple[date, int], list[DaySheet]] = {}
    for arrival in arrivals:
        bins.setdefault((arrival.day, int(_offset(arrival) // 4)), []).append(arrival)
    placed = []
    for (day, _), members in bins.items():
        step = min(2 * size, 0.84 * axis.slot / len(members))
        start = axis.middle(day) - step * (len(members) - 1) / 2
        placed += [(arrival, start + step * index) for index, arrival in enumerate(members)]
    return placed


def late_chart(
    values: Mapping[date, float], first: date, last: date, *, minutes: bool = False, words: Words = ENGLISH
) -> str:
    """A bar per day with its number above it; at least one of the values is above 0. `minutes`: of one person, not people."""
    height = 150.0
    base = height - BOTTOM
    axis = _Days(first, last)
    top = max(values.values())
    parts = axis.draw(base)
    width = min(axis.slot * 0.64, 34.0)
    for day, value in sorted(values.items()):
        if value > 0:
            tall = value / top * (base - TOP - 14)
            x = axis.middle(day)
            parts.append(
                f'<rect class="late" x="{x - width / 2:.1f}" y="{base - tall:.1f}" width="{width:.1f}" height="{tall:.1f}"/>'
            )
            parts.append(_label(x, base - tall - 4, f"{value:.0f}", "middle", "value"))
    parts.append(_rule(base, "zero"))
    title = words.say("Minutes late, by day") if minutes else words.say("Late arrivals by day, people")
    return _svg(height, title, parts)


def presence_chart(rows: Sequence[DaySheet], words: Words = ENGLISH) -> str:
    """One person's days (at least one, by day) below each other: bars from first in to last out, in frames for the plan."""
    spans = [_span(row) for row in rows]
    points = [minute for span in spans for minute in span if minute is not None]
    low = min(points, default=480.0) // 60 * 60
    high = max(-(-max(points, default=1080.0) // 60) * 60, low + 60)
    left, right, step, gap = 74.0, 176.0, 18.0, 7.0
    tops = []
    y = TOP
    for index, row in enumerate(rows):
        y += gap if index and _week(row) != _week(rows[index - 1]) else 0.0
        tops.append(y)
        y += step
    base = y + 2

    def across(minute: float) -> float:
        return left + (minute - low) / (high - low) * (WIDTH - left - right)

    parts = []
    hours = int((high - low) // 60)
    every = 1 if hours <= 12 else 2 if hours <= 24 else 4
    for hour in range(0, hours + 1, every):
        x = across(low + 60 * hour)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP:g}V{base:.1f}"/>')
        parts.append(_label(x, base + 15, f"{(int(low) // 60 + hour) % 24:02d}", "middle"))
    for row, (start, end, plan_start, plan_end), y in zip(rows, spans, tops, strict=True):
        status = STATUSES[row.status]
        parts.append(_label(left - 8, y + 11.5, words.weekday(row.day), "end"))
        if plan_start is not None and plan_end is not None:
            parts.append(_bar("plan", across(plan_start), across(plan_end), y + 1, 14.0))
        if start is not None:
            until = across(end if end is not None else start)
            parts.append(_bar("bar", across(start), max(until, across(start) + 4), y + 4, 8.0, status.colour))
        worked = row.hours
        end_x = WIDTH - right + 8
        parts.append(
            _label(end_x + 26, y + 11.5, words.number(worked, 2) if worked is not None else "", "end", "value")
        )
        parts.append(_bar("bar", end_x + 34, end_x + 42, y + 4, 8.0, status.colour))
        parts.append(_label(end_x + 48, y + 11.5, f"{status.symbol} {words.say(row.status)}"[:20], "start"))
    return _svg(base + BOTTOM, words.say("Presence by day, against the planned time"), parts)


def _week(row: DaySheet) -> tuple[int, int]:
    return row.day.isocalendar()[:2]


def _bar(css: str, start: float, end: float, y: float, height: float, colour: str = "") -> str:
    fill = f' style="fill:{colour}"' if colour else ""
    return f'<rect class="{css}" x="{start:.1f}" y="{y:.1f}" width="{end - start:.1f}" height="{height:g}"{fill}/>'


def _span(row: DaySheet) -> tuple[float | None, float | None, float | None, float | None]:
    """First in, last out, planned start and end in minutes after midnight of the row's day; beyond 1440: the next day."""
    came, left = _minutes(row.first_in, row.day), _minutes(row.last_out, row.day)
    if came is None:
        came, left = left, None  # only a departure is known
    return came, left, _minutes(row.planned_in, row.day), _minutes(row.planned_out, row.day)


def _minutes(moment: datetime | None, day: date) -> float | None:
    """Minutes on the clock since a day's midnight."""
    if moment is None:
        return None
    return (moment.replace(tzinfo=None) - datetime.combine(day, time())).total_seconds() / 60
