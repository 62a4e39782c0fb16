"""Sentences, numbers and days of one language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal

from engine.words.catalogue import LANGUAGES, translations
from engine.words.phrases import Phrase

_LOCALES = {"en": "en_GB", "de": "de"}
_DAYS = {"en": "ccc d MMM", "de": "ccc d.M."}
_WHOLE_DAYS = {"en": "d MMMM y", "de": "d. MMMM y"}


_KEPT = 8192
"""A month of 200 people spells 14,000 numbers and 4,000 days, most of them over and over."""
_decimal = lru_cache(_KEPT)(format_decimal)
_date = lru_cache(_KEPT)(format_date)


@dataclass(frozen=True)
class Words:
    """The words of a language; one without a catalogue is English.

    Args:
        code: such as `de`.
    """

    code: str = "en"

    def __post_init__(self) -> None:
        if self.code not in LANGUAGES:
            object.__setattr__(self, "code", "en")

    @property
    def locale(self) -> str:
        """Of numbers and days."""
        return _LOCALES[self.code]

    def say(self, text: str, /, **values: object) -> str:
        """A sentence, given in English; `{name}` marks a value. What has no translation stays English."""
        catalogue = translations(self.code)
        if isinstance(text, Phrase):
            return text.said(catalogue.gettext)
        found = catalogue.gettext(text) if text else ""
        return found.format(**values) if values else found

    def number(self, value: float, digits: int = 0) -> str:
        """Such as `1,234.50` or `1.234,50`."""
        # a negative zero is equal to another one, and would be kept for it
        return _decimal(value or 0, f"#,##0{'.' * bool(digits)}{'0' * digits}", locale=self.locale)

    def signed(self, value: float, digits: int = 2) -> str:
        """Such as `+1.50` or `−0,25`, with a minus sign."""
        sign = "−" if round(value, digits) < 0 else "+"
        return f"{sign}{self.number(abs(value), digits)}"

    def day(self, day: date) -> str:
        """Such as `Thu 1 Oct` or `Do 1.10.`"""
        return _date(day, _DAYS[self.code], locale=self.locale)

    def whole_day(self, day: date) -> str:
        """Such as `1 October 2026` or `1. Oktober 2026`."""
        return format_date(day, _WHOLE_DAYS[self.code], self.locale)

    def weekday(self, day: date) -> str:
        """Such as `Thu 1` or `Do 1.`"""
        return format_date(day, "ccc d" if self.code == "en" else "ccc d.", locale=self.locale)

    def span(self, first: date, last: date) -> str:
        """Such as `1 to 31 October 2026` or `1. bis 31. Oktober 2026`; a single day with its day of the week."""
        whole = format_date(last, _WHOLE_DAYS[self.code], self.locale)
        if first == last:
            return f"{format_date(first, 'EEEE', self.locale)}, {whole}"
        parts = ("d." if self.code == "de" else "d", " MMMM", " y")
        count = 1 if (first.year, first.month) == (last.year, last.month) else 2 if first.year == last.year else 3
        return (
            f"{format_date(first, ''.join(parts[:count]), self.locale)} {'bis' if self.code == 'de' else 'to'} {whole}"
        )


ENGLISH = Words()
