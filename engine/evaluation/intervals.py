"""Intervals of error rates by a bootstrap over people, because comparisons of one person are not independent.

People, not comparisons, are drawn with replacement (the subsets bootstrap of Bolle, Ratha & Pankanti 2004; Poh, Martin & Bengio 2007;
ISO/IEC 19795-1:2021 asks that dependence between attempts of one person be accounted for). A person drawn twice brings their own
comparisons twice, and those with another person as often as both are drawn; comparisons of two different people alone count as impostors.

The plain percentile interval of such a bootstrap contains the true rate too rarely: about nine times in ten with thirty people, because
the few people who err are drawn too often or not at all. So the bootstrap only gives the variance. The variance tells how many
independent trials the comparisons are worth (their effective number). Student's t reduces that number for the few people behind the
variance, and the interval is the exact one of Clopper and Pearson for the result (Korn & Graubard 1998). If there is no error, or
nothing but errors, there is no variance; then each person, or each pair of people, counts as one trial.
`tests/support/simulation.py` shows what either interval covers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.evaluation.comparisons import Comparisons
from engine.evaluation.rates import Floats, clopper_pearson


@dataclass(frozen=True)
class Estimate:
    """An error rate with its 95% interval over people.

    Attributes:
        value: errors / trials; NaN without trials.
        low, high: the interval; (0, 1) without trials.
        errors: not a whole number if expectations are summed.
        trials: comparisons, or searches.
        people: who took part.
        effective: independent trials that the trials are worth.
        percentile: the bootstrap's plain percentile interval, for comparison: it is too short.
    """

    value: float
    low: float
    high: float
    errors: float
    trials: int
    people: int
    effective: float
    percentile: tuple[float, float]

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high)."""
        return self.low, self.high


@dataclass(frozen=True, eq=False)
class Bands:
    """Error rates with their intervals over thresholds, for a DET curve.

    Attributes:
        thresholds: (n,). fmr, fnmr: (n, 3) value, low and high.
    """

    thresholds: Floats
    fmr: Floats
    fnmr: Floats


class Resampling:
    """Repeated draws of people; the same seed gives the same intervals.

    Attributes:
        weights: (runs, people) float64 counts; each row sums to `people`.
    """

    def __init__(self, people: int, runs: int = 1000, seed: int = 0) -> None:
        chances = np.full(people, 1 / max(people, 1))
        generator = np.random.default_rng(seed)
        drawn = generator.multinomial(people, chances, size=runs) if people else np.empty((runs, 0))
        self.weights = drawn.astype(np.float64)

    def rate(self, errors: NDArray[np.floating | np.integer], trials: NDArray[np.floating | np.integer]) -> Estimate:
        """A rate whose trials belong to one person each; errors, trials: (people,) sums."""
        wrong, of = np.asarray(errors, np.float64), np.asarray(trials, np.float64)
        taking_part = int((of > 0).sum())
        return self.estimate(
            float(wrong.sum()), int(of.sum()), self.weights @ wrong, self.weights @ of, taking_part, taking_part
        )

    def pairs(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> Floats:
        """(runs,) how often each resampling holds some pairs of people, (k,) each: as often as both are drawn."""
        who, row = np.unique(first, return_inverse=True)
        shape = len(who), self.weights.shape[1]
        table = scipy.sparse.coo_array((np.ones(len(first)), (row, second)), shape=shape).tocsr()
        drawn = self.weights.T
        return np.asarray((drawn[who] * np.asarray(table @ drawn)).sum(0))

    @staticmethod
    def estimate(
        errors: float, trials: int, drawn_errors: Floats, drawn_trials: Floats, people: int, units: int
    ) -> Estimate:
        """The interval from sums over resamplings.

        Args:
            drawn_errors, drawn_trials: (runs,) of the resamplings.
            units: trials that count as independent if there is no variance.
        """
        if not trials:
            return Estimate(math.nan, 0.0, 1.0, 0.0, 0, 0, 0.0, (0.0, 1.0))
        value = min(errors / trials, 1.0)
        drawn = drawn_errors[drawn_trials > 0] / drawn_trials[drawn_trials > 0]
        spread = float(drawn.std()) if len(drawn) else 0.0
        effective = float(units)
        if people > 1 and spread > 0 and 0 < value < 1:
            students = float(scipy.special.ndtri(0.975) / scipy.special.stdtrit(people - 1, 0.975)) ** 2
            effective = min(value * (1 - value) / spread**2, float(trials)) * students
        low, high = clopper_pearson(value * effective, effective)
        plain = np.clip(np.quantile(drawn, [0.025, 0.975]), 0, 1) if len(drawn) else (0.0, 1.0)
        return Estimate(value, low, high, errors, trials, people, effective, (float(plain[0]), float(plain[1])))


class SubjectBootstrap:
    """FMR and FNMR of comparisons at any threshold, with intervals over people. Made once, asked often."""

    def __init__(self, comparisons: Comparisons, runs: int = 1000, seed: int = 0) -> None:
        self.comparisons = comparisons
        self.resampling = Resampling(comparisons.people, runs, seed)

    @cached_property
    def _mated(self) -> Floats:
        """(people,) mated comparisons."""
        found = self.comparisons
        return np.bincount(found.subjects[found.same, 0], minlength=found.people).astype(np.float64)

    @cached_property
    def _pairs(self) -> NDArray[np.intp]:
        """(2, m) people of the non-mated comparisons."""
        return np.ascontiguousarray(self.comparisons.subjects[~self.comparisons.same].T)

    @cached_property
    def _drawn(self) -> Floats:
        """(runs,) non-mated comparisons in each resampling."""
        return self._drawn_of(np.ones(self._pairs.shape[1], np.bool_))

    @cached_property
    def _people(self) -> int:
        return len(np.unique(self._pairs))

    def _drawn_of(self, counted: NDArray[np.bool_]) -> Floats:
        """(runs,) how many of the counted non-mated comparisons each resampling holds."""
        return self.resampling.pairs(*self._pairs[:, counted])

    def fnmr(self, threshold: float) -> Estimate:
        """False non-match rate: mated comparisons below the threshold (ISO/IEC 19795-1:2021, 3)."""
        found = self.comparisons
        missed = found.subjects[found.same & (found.scores < threshold), 0]
        return self.resampling.rate(np.bincount(missed, minlength=found.people), self._mated)

    def fmr(self, threshold: float) -> Estimate:
        """False match rate: non-mated comparisons at or above the threshold (ISO/IEC 19795-1:2021, 3)."""
        accepted = self.comparisons.impostor >= threshold
        most = bool(accepted.sum() > len(accepted) / 2)  # counts whichever are fewer
        drawn = self._drawn - self._drawn_of(~accepted) if most else self._drawn_of(accepted)
        return self.resampling.estimate(
            float(accepted.sum()), len(accepted), drawn, self._drawn, self._people, self.comparisons.pairs_of_people
        )

    def bands(self, thresholds: Floats) -> Bands:
        """Both rates and their intervals at many thresholds."""
        fmr, fnmr = ([rate(float(each)) for each in thresholds] for rate in (self.fmr, self.fnmr))
        rows = [np.array([[e.value, e.low, e.high] for e in found]).reshape(-1, 3) for found in (fmr, fnmr)]
        return Bands(np.asarray(thresholds, np.float64), rows[0], rows[1])
