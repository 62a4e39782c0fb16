"""Counted rates, exact intervals, thresholds with ties."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are used: importing them all would take a second
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scores = NDArray[np.floating]
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """A proportion with its 95% Clopper–Pearson interval, for independent trials.

    Failure to enrol (FTE, of people) and failure to acquire (FTA, of pictures) are such rates: ISO/IEC 19795-1:2021, 3.
    """

    hits: int
    trials: int

    @property
    def value(self) -> float:
        """hits / trials; NaN without trials."""
        return self.hits / self.trials if self.trials else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """See `clopper_pearson`."""
        return clopper_pearson(self.hits, self.trials)


def clopper_pearson(hits: float, trials: float) -> tuple[float, float]:
    """The exact interval of a proportion (Clopper & Pearson 1934); (0, 1) without trials.

    Hits and trials need not be whole numbers: effective numbers of trials are not.
    """
    if trials <= 0:
        return 0.0, 1.0
    tail = (1 - _CONFIDENCE) / 2
    low = 0.0 if hits <= 0 else float(scipy.special.betaincinv(hits, trials - hits + 1, tail))
    high = 1.0 if hits >= trials else float(scipy.special.betaincinv(hits + 1, trials - hits, 1 - tail))
    return low, high


def smallest_rate(trials: int) -> float:
    """The smallest error rate that this number of independent trials without an error can support; 1 without trials.

    At this rate or a greater one, no error would occur with a chance of at most 5%: the one-sided bound of Clopper and Pearson, about
    3 / trials, the "rule of 3" of ISO/IEC 19795-1:2021.
    """
    return 1.0 if trials <= 0 else -math.expm1(math.log(1 - _CONFIDENCE) / trials)


def error_rates(genuine: Scores, impostor: Scores, threshold: float) -> tuple[Rate, Rate]:
    """FMR and FNMR at a threshold."""
    # in double precision: a threshold just above a score must not be rounded back to it
    genuine, impostor = np.asarray(genuine, np.float64), np.asarray(impostor, np.float64)
    false_matches = Rate(int((impostor >= threshold).sum()), len(impostor))
    false_non_matches = Rate(int((genuine < threshold).sum()), len(genuine))
    return false_matches, false_non_matches


def threshold_at_fmr(impostor: Scores, fmr: float) -> float:
    """The lowest threshold that accepts at most `fmr` of these impostor comparisons (ties included); -1 without impostors."""
    if not len(impostor):
        return -1.0
    ordered = np.sort(np.asarray(impostor, np.float64))[::-1]
    allowed = math.floor(fmr * len(ordered) + 1e-9)
    if allowed >= len(ordered):
        return float(ordered[-1])
    # just above the first score that must not pass, so that its ties do not pass either
    return float(np.nextafter(ordered[allowed], math.inf))
