"""Leave in the words of who is looking."""

from __future__ import annotations

import re
from datetime import date

from app.words import say, say_count, say_date, say_number, term
from engine.config import Half
from engine.people import Leave, LeaveKinds

_ENTRY = re.compile(
    r"([\w-]+) (\d{4}-\d\d-\d\d)(?:…(\d{4}-\d\d-\d\d))?(?: \(((?:[\d.]+|morning|afternoon|pending)(?: (?:morning|afternoon|pending))*)\))?"
)

PARTS: dict[str, tuple[float | None, Half]] = {
    "whole": (None, ""),
    "morning": (0.5, "morning"),
    "afternoon": (0.5, "afternoon"),
    "half": (0.5, ""),
    "quarter": (0.25, ""),
    "three quarters": (0.75, ""),
}
"""Shares of a day that a form offers, with the half."""


def part_names() -> dict[str, str]:
    """Labels of `PARTS`."""
    return {
        "whole": say("Whole days"),
        "morning": say("Mornings"),
        "afternoon": say("Afternoons"),
        "half": say("Half days, either half"),
        "quarter": say("A quarter of the day"),
        "three quarters": say("Three quarters of the day"),
    }


def part_of(entry: Leave) -> str:
    """The word of `PARTS` for an entry; the nearest one for other shares."""
    if entry.half:
        return entry.half
    return min(PARTS, key=lambda word: (abs((PARTS[word][0] or 1.0) - entry.part), PARTS[word][1]))


def kind_name(kinds: LeaveKinds, key: str) -> str:
    """The name of a kind, with a capital letter."""
    return capital(kinds.name(key))


def capital(name: str) -> str:
    """The name of a kind in the viewer's language, with a capital letter."""
    text = term(name)
    return text[:1].upper() + text[1:]


def change(detail: str, kinds: LeaveKinds) -> str:
    """What the audit log says about a change (`annual 2026-11-02…2026-11-06 (0.5 morning) → –: moved`), for the reader; a reason stays."""

    def entry(match: re.Match[str]) -> str:
        key, first, last, more = match.groups()
        if key not in kinds.all:
            return match[0]
        told = [_marks(word) for word in (more or "").split()]
        spelt = " – ".join(say_date(date.fromisoformat(day)) for day in (first, last) if day)
        return f"{kind_name(kinds, key)} {spelt}" + (f" ({', '.join(told)})" if told else "")

    try:
        return _ENTRY.sub(entry, detail)
    except ValueError:  # a reason that looks like an entry
        return detail


def _marks(word: str) -> str:
    marks = {"morning": say("morning"), "afternoon": say("afternoon"), "pending": say("pending")}
    return marks.get(word) or say("{share} of the day", share=days(float(word)))


def days(value: float) -> str:
    """A number of days without needless digits."""
    return say_number(value, 0 if float(value).is_integer() else 2 if round(value * 10) != value * 10 else 1)


def in_days(value: float) -> str:
    """Such as `1 day` or `2.5 days`."""
    if float(value).is_integer():
        return say_count("{count} day", "{count} days", round(value))
    return say("{count} days", count=days(value))


def span(entry: Leave) -> str:
    """The days of an entry."""
    if entry.first_day == entry.last_day:
        return say_date(entry.first_day)
    return f"{say_date(entry.first_day)} – {say_date(entry.last_day)}"


def part(entry: Leave) -> str:
    """Which part of the day it is; empty for whole days."""
    if entry.part >= 1:
        return ""
    if entry.half:
        return say("morning") if entry.half == "morning" else say("afternoon")
    return say("{share} of the day", share=days(entry.part))
