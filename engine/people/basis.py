"""On what the recognition of a person rests; it stands in the field `consent_at` of their row.

A date or time is that of their consent. Another basis is its word before the day on which it was stated, such as `law 2026-11-22`.
`withdrawn` stands before the time at which a consent was withdrawn.
"""

from __future__ import annotations

from engine.types import Person

BASES = ("consent", "agreement", "law", "contract")
"""Their consent, a works agreement, a law, their contract."""
WITHDRAWN = "withdrawn"


def basis_of(person: Person) -> str:
    """One of `BASES`, `WITHDRAWN`, or empty: nobody has said on what recognising this person rests."""
    word, space, _ = person.consent_at.partition(" ")
    return word if space and word in {*BASES, WITHDRAWN} else "consent" if person.consent_at else ""


def based_on(person: Person) -> str:
    """Since when the basis holds, ISO 8601; empty without one, or after the consent was withdrawn."""
    basis = basis_of(person)
    return {WITHDRAWN: "", "consent": person.consent_at}.get(basis, person.consent_at.rpartition(" ")[2])
