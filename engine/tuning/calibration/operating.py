"""The target of a threshold, what the enrolled people can prove, and what to expect at one threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.evaluation import Estimate, fmr_of_fpir
from engine.tuning.calibration.words import in_words

ASSUMPTIONS = (
    "Enrolment photos stand in for camera pictures. Muster compares each one as if it were not enrolled.",
    "An arrival counts as one comparison with each enrolled person. Voting over several frames makes both"
    " errors rarer, but the figures do not include it. They are upper estimates for cameras as good as "
    "the enrolment photos.",
    "Wrong punches are named strangers, and people recorded as someone else. The false-match rate is the "
    "greater of the measured rate and a normal distribution through the impostor scores and the prior. A "
    "gallery of N people counts as N independent comparisons.",
    "The figures do not cover twins and close relatives unless they are enrolled.",
)


@dataclass(frozen=True)
class ErrorTarget:
    """Rates that a threshold must keep; of two, the stricter one decides.

    Attributes:
        fmr: false matches per comparison with one wrong person, or None.
        fpir: share of strangers' searches that may name somebody, or None.
    """

    fmr: float | None = None
    fpir: float | None = None

    def rate(self, people: int) -> float:
        """Return the FMR that meets the target in a gallery of so many people."""
        wanted = [self.fmr] if self.fmr is not None else []
        return min(wanted + ([fmr_of_fpir(self.fpir, people)] if self.fpir is not None else []))

    def __str__(self) -> str:
        parts = [f"{name} {value:g}" for name, value in (("FMR", self.fmr), ("FPIR", self.fpir)) if value is not None]
        return " and ".join(parts)


@dataclass(frozen=True)
class Support:
    """What the enrolled people can prove.

    Attributes:
        comparisons, pairs: impostor comparisons, and pairs of people in them.
        smallest_fmr, smallest_fpir: smallest rates provable without any error, see `smallest_rate`; a trial is a pair of people, or a
            person as a stranger.
        enough: whether the target can be proved.
        statement: the same in a sentence.
    """

    people: int
    comparisons: int
    pairs: int
    smallest_fmr: float
    smallest_fpir: float
    enough: bool
    statement: str


@dataclass(frozen=True)
class Operating:
    """What to expect at one threshold. Intervals are 95% intervals over people.

    Attributes:
        threshold: smallest accepted similarity (`>=`).
        fmr, fnmr: of single comparisons in this gallery.
        fpir: of each person searched as a stranger among all others.
        fnir: of each template searched among everybody: not named at rank 1 with the margin.
        fpir_seen: of the cameras' searches in the last four weeks, see `PunchHistory`.
        model_fmr: expected rate: the greater of `fmr` and the rate of the impostor distribution with its prior.
        model_fpir: of a stranger in a gallery of this size, from `model_fmr`.
        prior_fmr, prior_fnmr: of the sample photos; None if the model was never measured.
        wrong_per_month: expected wrong punches.
        wrong_per_month_high: the same at the upper end of `fmr`'s interval, which these people cannot rule out.
        try_again: share of arrivals not named; None if nobody has two templates. With `at_most`, the upper end of an interval.
        try_again_source: empty if neither gallery nor prior shows it.
    """

    threshold: float
    fmr: Estimate
    fnmr: Estimate
    fpir: Estimate
    fnir: Estimate
    fpir_seen: Estimate
    model_fmr: float
    model_fpir: float
    prior_fmr: float | None
    prior_fnmr: float | None
    wrong_per_month: float
    wrong_per_month_high: float
    try_again: float | None
    at_most: bool
    try_again_source: Literal["gallery", "prior", ""]

    @property
    def sentence(self) -> str:
        """The expectation in words, see `in_words`."""
        return in_words(self.threshold, self.wrong_per_month, self.try_again, at_most=self.at_most)
