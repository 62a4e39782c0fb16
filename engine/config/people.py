"""Settings of the people who work here."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from engine.config.section import Section

BasisKind = Literal["", "consent", "agreement", "law", "contract", "visit"]
BASES: tuple[str, ...] = get_args(BasisKind)[1:]
"""Their consent, a works agreement, a law, their employment contract, a contract with a visitor."""


class PeopleConfig(Section):
    """On what recognising people rests here."""

    basis: BasisKind = ""
    """The basis on which people are enrolled unless another is stated; consent each person must give all the same."""
    basis_version: str = Field("", max_length=60)
    """Name or version of the form, agreement or law, such as `BV 7 of 2026-03`; it is noted with each person."""
