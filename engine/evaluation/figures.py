"""AUC, equal error rate and TAR at a FAR with intervals over people, and how far two systems lie apart on the same comparisons.

People are drawn with replacement, as in `engine.evaluation.intervals`; what is taken from the bootstrap is again the variance, because
the plain percentile interval of few people is too short. Each draw finds its own thresholds, so the choice of the operating point is part
of the spread. The difference of two systems is taken draw by draw: what makes a draw hard for both cancels out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.evaluation.comparisons import Comparisons
from engine.evaluation.intervals import Resampling

__all__ = ["FARS", "Difference", "Figure", "Ranked", "figures", "paired"]

Floats = NDArray[np.float64]

FARS = ("0.01", "0.001")
_RUNS, _FEWEST_RUNS = 400, 100
_WORK = 20_000_000  # pairs times runs, some seconds; of many pairs fewer draws are made
_MOST_WEIGHTS = 2_000_000


@dataclass(frozen=True)
class Figure:
    """A figure of merit with its 95% interval over people, see `engine.evaluation.intervals`.

    Attributes:
        value: measured; NaN when one kind of comparison is missing.
        low, high: the interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One system's figure less another's.

    Attributes:
        value: of all comparisons.
        low, high: 95% interval over people: Student's t for so many people around the value, with the bootstrap's deviation.
        percentile: the bootstrap's plain percentile interval over people: too short for few people.
        pairs: the percentile interval when pairs instead of people are drawn: optimistic, as pairs of one person depend on each other.
    """

    value: float
    low: float
    high: float
    percentile: tuple[float, float]
    pairs: tuple[float, float]

    @property
    def significant(self) -> bool:
        """The interval over people does not hold zero."""
        return self.low > 0 or self.high < 0


class Ranked:
    """Comparisons in the order of their scores, so that the figures of many weightings are sums.

    Args:
        comparisons: scores may be -inf: a comparison that could not be made, accepted at no threshold worth the name.
        fars: false accept rates at which the true accept rate is wanted.

    Attributes:
        names: of the figures: `auc`, `eer` and `tar@FAR`, defined as in `verification`.
    """

    def __init__(self, comparisons: Comparisons, fars: tuple[str, ...] = FARS) -> None:
        self.names = ("auc", "eer", *(f"tar@{far}" for far in fars))
        self._fars = [float(far) for far in fars]
        self._order = np.argsort(comparisons.scores, kind="stable")
        ordered = comparisons.scores[self._order]
        self._starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
        self._same = comparisons.same[self._order]
        self._subjects = comparisons.subjects[self._order]

    def of_people(self, weights: Floats) -> Floats:
        """Figures of draws of people, (runs, people) counts → (runs, figures)."""
        first, second = self._subjects.T
        different, back = np.unique(weights, axis=0, return_inverse=True)  # five people: 126 ways at most
        share = max(1, _MOST_WEIGHTS // max(len(first), 1))
        rows = [
            self._figures(part[:, first] * np.where(self._same, 1.0, part[:, second]))
            for part in (different[start : start + share] for start in range(0, len(different), share))
        ]
        return np.concatenate(rows)[back.ravel()]

    def of_pairs(self, weights: Floats) -> Floats:
        """Figures of draws of pairs, (runs, pairs) counts in the comparisons' order → (runs, figures)."""
        return self._figures(weights[:, self._order])

    def _figures(self, weights: Floats) -> Floats:
        if not len(self._starts):
            return np.full((len(weights), len(self.names)), np.nan)
        genuine, impostor = (
            np.add.reduceat(np.where(kind, weights, 0.0), self._starts, axis=1) for kind in (self._same, ~self._same)
        )
        all_genuine, all_impostor = genuine.sum(1, keepdims=True), impostor.sum(1, keepdims=True)
        below_genuine, below_impostor = np.cumsum(genuine, 1) - genuine, np.cumsum(impostor, 1) - impostor
        rows = np.arange(len(weights))
        with np.errstate(invalid="ignore", divide="ignore"):  # a draw of one person alone has no impostors: NaN
            wins = (genuine * (below_impostor + impostor / 2)).sum(1)
            fnmr = below_genuine / all_genuine
            fmr = (all_impostor - below_impostor) / all_impostor
            cross = np.abs(fmr - fnmr).argmin(1)
            columns = [
                wins / (all_genuine * all_impostor)[:, 0],
                (fmr[rows, cross] + fnmr[rows, cross]) / 2,
            ]
            for far in self._fars:
                passing = all_impostor - below_impostor <= far * all_impostor + 1e-9
                lowest = passing.argmax(1)
                columns.append(np.where(passing.any(1), 1 - fnmr[rows, lowest], 0.0))
        found = np.stack(columns, 1)
        found[(all_genuine[:, 0] <= 0) | (all_impostor[:, 0] <= 0)] = np.nan
        return found


def figures(comparisons: Comparisons, *, fars: tuple[str, ...] = FARS, seed: int = 0) -> dict[str, Figure]:
    """AUC, EER and TAR at FAR of comparisons, each with its interval over people.

    Args:
        comparisons: see `Ranked`.
        fars: see `Ranked`.
        seed: of the draws; the same seed gives the same intervals.
    """
    ranked = Ranked(comparisons, fars)
    values = ranked.of_people(np.ones((1, comparisons.people)))[0]
    drawn = ranked.of_people(Resampling(comparisons.people, _runs(comparisons), seed).weights)
    people = comparisons.people_compared
    found = {}
    for name, value, column in zip(ranked.names, values.tolist(), drawn.T, strict=True):
        if math.isnan(value):
            found[name] = Figure(value, 0.0, 1.0)
            continue
        kept = column[~np.isnan(column)]
        pairs = len(comparisons)
        # without variance each pair of people speaks for the AUC, each person for a rate of their own comparisons
        units = comparisons.pairs_of_people if name == "auc" else people
        interval = Resampling.estimate(value * pairs, pairs, kept, np.ones(len(kept)), people, units).interval
        found[name] = Figure(value, *interval)
    return found


def paired(
    one: Comparisons, other: Comparisons, *, fars: tuple[str, ...] = FARS, seed: int = 0
) -> dict[str, Difference]:
    """How much one system's figures exceed another's on the same comparisons.

    Args:
        one, other: the same comparisons in the same order, with each system's own scores; their scales need not agree.
        fars, seed: see `figures`.

    Raises:
        ValueError: they are not of the same people.
    """
    if one.people != other.people or not np.array_equal(one.subjects, other.subjects):
        raise ValueError(f"expected the same comparisons twice, got {len(one)} and {len(other)} of other people")
    sides = [Ranked(each, fars) for each in (one, other)]
    people = one.people_compared
    whole = np.ones((1, one.people))
    values = sides[0].of_people(whole)[0] - sides[1].of_people(whole)[0]
    weights = Resampling(one.people, _runs(one), seed).weights
    drawn = sides[0].of_people(weights) - sides[1].of_people(weights)
    by_pairs = np.concatenate([sides[0].of_pairs(part) - sides[1].of_pairs(part) for part in _pairs_drawn(one, seed)])
    wide = float(scipy.special.stdtrit(people - 1, 0.975)) if people > 1 else math.inf
    found = {}
    for index, name in enumerate(sides[0].names):
        value, column = float(values[index]), drawn[:, index][~np.isnan(drawn[:, index])]
        reach = wide * float(column.std()) if people > 1 and len(column) else math.inf
        found[name] = Difference(
            value,
            max(value - reach, -1.0),
            min(value + reach, 1.0),
            _percentile(column),
            _percentile(by_pairs[:, index]),
        )
    return found


def _runs(comparisons: Comparisons) -> int:
    return int(np.clip(_WORK // max(len(comparisons), 1), _FEWEST_RUNS, _RUNS))


def _percentile(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return -1.0, 1.0
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def _pairs_drawn(comparisons: Comparisons, seed: int) -> list[Floats]:
    """Draws of pairs with replacement, genuine and impostor ones apart, in parts of (runs, pairs)."""
    generator = np.random.default_rng(seed)
    pairs = len(comparisons)
    share = max(1, _MOST_WEIGHTS // max(pairs, 1))
    kinds = [np.flatnonzero(comparisons.same), np.flatnonzero(~comparisons.same)]
    parts = []
    runs = _runs(comparisons)
    for start in range(0, runs, share):
        weights = np.zeros((min(share, runs - start), pairs))
        for kind in kinds:
            for row in weights:
                if len(kind):
                    row[kind] = np.bincount(generator.integers(0, len(kind), len(kind)), minlength=len(kind))
        parts.append(weights)
    return parts
