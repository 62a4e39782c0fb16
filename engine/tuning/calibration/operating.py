"""The target of a threshold, what the enrolled people can prove, and what to expect at one threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.evaluation import Estimate, fmr_of_fpir
from engine.tuning.calibration.words import in_words

ASSUMPTIONS = (
    "Enrolment photos and the cohort's photos stand in for camera pictures. Muster compares each one as if it were not enrolled.",
    "An arrival counts as a single look, compared with each enrolled person. Second looks are those of the cohort, unless "
    "the enrolment photos show that there are more or fewer here.",
    "Wrong punches are named strangers, and people recorded as someone else. The false-match rate is the "
    "greater of the measured rate and that of the cohort, raised for people who resemble each other. A "
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
        model_fmr: expected rate: the greater of `fmr` and that of the cohort for this gallery, see `engine.evaluation.Impostors`.
        model_fpir: of a stranger's single look in a gallery of this size, from `model_fmr`.
        passage_fpir: of a stranger's passage, at most; see `engine.tracking.passage_factor`.
        wrong_per_month: expected wrong punches; None if nobody knows the traffic.
        try_again: expected share of arrivals that a single look does not name: of the cohort, with as many photos enrolled as is
            usual in this gallery. If the interval of `fnir` excludes that, its nearer end.
        try_again_source: whose it is then.
    """

    threshold: float
    fmr: Estimate
    fnmr: Estimate
    fpir: Estimate
    fnir: Estimate
    fpir_seen: Estimate
    model_fmr: float
    model_fpir: float
    passage_fpir: float
    wrong_per_month: float | None
    try_again: float
    try_again_source: Literal["gallery", "cohort"]

    @property
    def sentence(self) -> str:
        """The expectation in words, see `in_words`."""
        return in_words(self.threshold, self.model_fpir, self.try_again, self.wrong_per_month)
