"""On what the recognition of a person rests; it stands in the field `consent_at` of their row.

`2026-11-22` is the day, or the time, of their consent. Another basis stands before the day on which it was stated, such as
`agreement 2026-11-22`, and either may be followed by the version of the text that holds: `2026-11-22 form 3`, `agreement 2026-11-22 BV 7`.
`withdrawn` stands before the time at which it was withdrawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache

from babel.core import get_global

from engine.config import BASES, Config
from engine.errors import InputError
from engine.storage import clean_text
from engine.types import Person
from engine.words import Phrase, phrase

__all__ = ["BASES", "WITHDRAWN", "Basis", "based_on", "basis_of", "clean_consent", "country_of", "doubt", "usual_basis"]

WITHDRAWN = "withdrawn"
_WHEN = re.compile(r"(\S+(?: \d\d:\d\d\S*)?)(?: (.*))?$", re.DOTALL)
_VERSION_CHARS = 60
_GDPR = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO GB"
"""The EU, the EEA and the United Kingdom."""


@dataclass(frozen=True)
class Basis:
    """On what it rests.

    Attributes:
        kind: one of `BASES`, `WITHDRAWN`, or empty: nobody has said it.
        since: when it was given, stated or withdrawn, ISO 8601.
        version: of the form, agreement or law that holds; may be empty.
    """

    kind: str = ""
    since: str = ""
    version: str = ""

    @staticmethod
    @lru_cache(maxsize=4096)
    def read(text: str) -> Basis:
        """Read the field of a row."""
        word, space, rest = text.strip().partition(" ")
        kind, rest = (word, rest.strip()) if space and word in {*BASES, WITHDRAWN} else ("consent", text.strip())
        match = _WHEN.match(rest)
        return Basis(kind, match[1], (match[2] or "").strip()) if match else Basis()

    @classmethod
    def of(cls, person: Person) -> Basis:
        """That of a person."""
        return cls.read(person.consent_at)

    @property
    def holds(self) -> bool:
        """Somebody said on what it rests, and nobody took it back."""
        return self.kind not in {"", WITHDRAWN}

    @property
    def stored(self) -> str:
        """As the field holds it."""
        return " ".join(filter(None, ("" if self.kind == "consent" else self.kind, self.since, self.version)))


def basis_of(person: Person) -> str:
    """One of `BASES`, `WITHDRAWN`, or empty: nobody has said on what recognising this person rests."""
    return Basis.of(person).kind


def based_on(person: Person) -> str:
    """Since when the basis holds, ISO 8601; empty without one, or after it was withdrawn."""
    basis = Basis.of(person)
    return basis.since if basis.holds else ""


def usual_basis(config: Config, today: date) -> str:
    """The workplace's own basis as a row stores it; empty: there is none, or it is the consent that each person must give."""
    kind = config.people.basis
    return Basis(kind, today.isoformat(), config.people.basis_version).stored if kind not in {"", "consent"} else ""


def country_of(config: Config) -> str:
    """ISO 3166 code of the workplace's country, by its holidays or else its time zone; empty: not known."""
    return config.holidays.country or str(get_global("zone_territories").get(config.timezone, ""))


def doubt(kind: str, country: str) -> Phrase | None:
    """Why a basis may not hold in a country; None: nothing is known against it."""
    if kind != "consent" or country not in _GDPR.split():
        return None
    return phrase(
        "An employee's consent is rarely free, and then void (GDPR Art. 7, recital 43). A works agreement or a law is safer ground"
    )


def clean_consent(text: str, now: datetime) -> str:
    """Return a basis as stored, see the module.

    Args:
        now: timezone-aware, in the workplace's zone.

    Raises:
        InputError: it has no date, or one in the future, or the version is no text in one line.
    """
    if not text.strip():
        return ""
    given = Basis.read(text)
    version = clean_text(given.version, what="version", limit=_VERSION_CHARS) if given.version else ""
    return replace(given, since=_clean_day(given.since, now), version=version).stored


def _clean_day(text: str, now: datetime) -> str:
    try:
        moment = datetime.fromisoformat(text)
        local = moment.astimezone(now.tzinfo) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise InputError(phrase("{text!r} is not a day: write it as 2026-11-22", text=text)) from None
    if local.date() > now.date():
        raise InputError(phrase("{text} is in the future: correct it, or empty the cell", text=text))
    return moment.isoformat() if "T" in text or ":" in text else moment.date().isoformat()
