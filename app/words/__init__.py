"""Words in the language of who is looking: English in the code, German in the catalogues beside this file.

Another language is one more folder of catalogues and an entry in `LANGUAGES`. `say` takes sentences that stand in the code, `term`
takes words that come from the engine (statuses, kinds, reasons).
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import cache
from pathlib import Path

from app.web import viewer

__all__ = ["LANGUAGES", "catalogue", "language", "say", "say_date", "say_minutes", "say_time", "term"]

LANGUAGES = {"en": "English", "de": "Deutsch"}
_WEEKDAYS = {"en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], "de": ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"]}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@cache
def catalogue(code: str) -> dict[str, str]:
    """All translations into a language."""
    entries: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / code).glob("*.toml")):
        entries |= tomllib.loads(path.read_text(encoding="utf-8"))
    return entries


def language() -> str:
    """The language of who is looking, where there are words in it, else English."""
    wanted = viewer.language()
    return wanted if wanted in LANGUAGES else "en"


def say(text: str, **values: object) -> str:
    """A sentence in the language of who is looking.

    Args:
        text: in English, as it stands in the code; `{name}` marks a value.
        values: put in as they are: escape them for where they go (`app.ui.parts.plain`, `app.ui.parts.markup`).
    """
    code = language()
    found = text if code == "en" else catalogue(code).get(text, text)
    return found.format(**values) if values else found


def term(word: str) -> str:
    """A word of the engine's in the language of who is looking; unknown ones stay as they are, with blanks for underscores."""
    code = language()
    return word.replace("_", " ") if code == "en" else catalogue(code).get(word, word.replace("_", " "))


def say_date(day: date, *, year: bool = True) -> str:
    """Such as `Mon 23 Nov 2026` or `Mo 23.11.2026`."""
    code = language()
    weekday = _WEEKDAYS[code][day.weekday()]
    if code == "de":
        return f"{weekday} {day:%d.%m.}" + (f"{day.year}" if year else "")
    return f"{weekday} {day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")


def say_time(moment: datetime | str) -> str:
    """`08:57`; of an ISO 8601 text its own local time."""
    if isinstance(moment, str):
        return moment[11:16] if "T" in moment else moment[:5]
    return f"{moment:%H:%M}"


def say_minutes(minutes: float) -> str:
    """A duration such as `7 h 42 min`."""
    whole = round(abs(minutes))
    text = f"{whole // 60} h {whole % 60:02d} min" if whole >= 60 else f"{whole} min"
    return f"−{text}" if minutes < 0 and whole else text
