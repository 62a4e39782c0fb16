"""Words, numbers and dates in the viewer's language.

English texts are in the code, other languages in `locale/<code>/LC_MESSAGES/muster.po`. `make words` collects new sentences for the
translators, and a test finds missing ones. A new language needs such a file and an entry in `LANGUAGES`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from babel.dates import format_date, get_day_names
from babel.numbers import format_decimal, format_percent

import engine.words
from app.web import viewer
from app.words.terms import TERMS
from engine.errors import MusterError
from engine.words.catalogue import compiled
from engine.words.phrases import Phrase

__all__ = [
    "LANGUAGES",
    "capital",
    "choose",
    "column_format",
    "date_format",
    "language",
    "marked",
    "said",
    "say",
    "say_count",
    "say_date",
    "say_minutes",
    "say_moment",
    "say_month",
    "say_number",
    "say_percent",
    "say_time",
    "say_weekdays",
    "sentence",
    "term",
    "translations",
]

LANGUAGES = {"en": "English", "de": "Deutsch"}
_DATES = {"en": "ccc d MMM", "de": "ccc dd.MM."}
_SHORT_DATES = {"en": "d MMM", "de": "dd.MM."}
_DATES_WITH_YEAR = {"en": "ccc d MMM y", "de": "ccc dd.MM.y"}


@cache
def translations(code: str) -> NullTranslations:
    """The catalogue of a language; English needs none."""
    if code == "en":
        return NullTranslations()
    found = compiled(Path(__file__).parent / "locale" / code / "LC_MESSAGES" / "muster.po")
    found.add_fallback(engine.words.translations(code))
    return found


def choose(accepted: Sequence[str]) -> str:
    """The first of the accepted languages (such as `de-AT`, best first) that has a catalogue, else English."""
    spoken = (code.partition("-")[0].casefold() for code in accepted)
    return next((code for code in spoken if code in LANGUAGES), "en")


def language() -> str:
    """The viewer's language if it has a catalogue, else English."""
    return choose([viewer.current.get().language])


def say(text: str, /, **values: object) -> str:
    """A sentence in the viewer's language, given in English; `{name}` marks a value.

    Values are put in as they are: escape them for where they go (`app.ui.parts.plain`, `app.ui.parts.markup`).
    """
    found = translations(language()).gettext(text)
    return found.format(**values) if values else found


def said(text: object) -> str:
    """What the engine says, in the viewer's language: a phrase, or an error and its next step as sentences. Others stay as they are."""
    if isinstance(text, MusterError):
        return " ".join(sentence(said(part)) for part in (text.message, text.hint) if part)
    return text.said(translations(language()).gettext) if isinstance(text, Phrase) else str(text)


_WORD = re.compile(r"[^\W\d_]+(?=[\s,;’']|$)")


def capital(text: str) -> str:
    """A text that begins with a capital letter, unless it begins with a name such as `muster.toml`, whose letters mean something."""
    return text[:1].upper() + text[1:] if _WORD.match(text) else text


def sentence(text: str) -> str:
    """A text as a sentence of its own: the command line says `message → hint`, a page says sentences."""
    text = capital(text.strip())
    return text if not text or text[-1] in ".!?…:" else f"{text}."


def marked(text: str) -> str:
    """A text that was marked with `N_`, in the viewer's language."""
    return translations(language()).gettext(text) if text else ""


def say_count(one: str, many: str, count: int, /, **values: object) -> str:
    """The singular or the plural of a sentence, see `say`; `{count}` marks the number."""
    return translations(language()).ngettext(one, many, count).format(count=say_number(count), **values)


def term(word: str) -> str:
    """A word of the engine's in the viewer's language; one without a translation stays as it is, with blanks for underscores."""
    text = TERMS.get(word, word.replace("_", " "))
    return translations(language()).gettext(text) if text else ""


def say_number(value: float, digits: int = 0) -> str:
    """Such as `1,234.50` or `1.234,50`."""
    return format_decimal(value, f"#,##0{'.' * bool(digits)}{'0' * digits}", locale=language())


def say_percent(share: float, digits: int = 0) -> str:
    """Such as `2%` or `2 %`; a share below one per cent to its first digit, such as `0.04%`."""
    pattern = "@" if 0 < share < 0.0095 and not digits else f"#,##0{'.' * bool(digits)}{'0' * digits}"
    return format_percent(share, pattern + {"en": "%", "de": "\u202f%"}[language()], locale=language())


def say_date(day: date, *, year: bool = True, weekday: bool = True) -> str:
    """Such as `Mon 23 Nov 2026` or `Mo 23.11.2026`; without weekday also without year."""
    formats = _SHORT_DATES if not weekday else _DATES_WITH_YEAR if year else _DATES
    return format_date(day, formats[language()], locale=language())


def date_format() -> str:
    """How Streamlit's date inputs write a day."""
    return {"en": "DD/MM/YYYY", "de": "DD.MM.YYYY"}[language()]


def column_format() -> str:
    """How Streamlit's tables, which know English weekdays only, write a day."""
    return {"en": "ddd D MMM YYYY", "de": "DD.MM.YYYY"}[language()]


def say_month(day: date) -> str:
    """Such as `November 2026`."""
    return format_date(day, "LLLL y", locale=language())


def say_weekdays() -> list[str]:
    """Monday to Sunday, short."""
    names = get_day_names("abbreviated", context="stand-alone", locale=language())
    return [names[day] for day in range(7)]


def say_time(moment: datetime | str) -> str:
    """`08:57`; of an ISO 8601 text its own local time."""
    if isinstance(moment, str):
        return moment[11:16] if "T" in moment else moment[:5]
    return f"{moment:%H:%M}"


def say_moment(moment: datetime, *, year: bool = True) -> str:
    """Day and time, such as `Mon 23 Nov 2026, 08:57`."""
    return f"{say_date(moment.date(), year=year)}, {say_time(moment)}"


def say_minutes(minutes: float) -> str:
    """A duration such as `7 h 42 min`."""
    whole = round(abs(minutes))
    text = f"{whole // 60} h {whole % 60:02d} min" if whole >= 60 else f"{whole} min"
    return f"−{text}" if minutes < 0 and whole else text
