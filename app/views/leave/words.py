"""Leave in the words of who is looking."""

from __future__ import annotations

from app.words import say, say_date, say_number, term
from engine.config import Half
from engine.people import Leave, LeaveKinds

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


def days(value: float) -> str:
    """A number of days without needless digits."""
    return say_number(value, 0 if float(value).is_integer() else 2 if round(value * 10) != value * 10 else 1)


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
