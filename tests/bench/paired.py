"""How far two systems lie apart on the same comparisons.

The difference is taken draw by draw: what makes a draw of people hard for both systems cancels out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.evaluation import FARS, Comparisons, Ranked, Resampling
from engine.evaluation.figures import MOST_WEIGHTS, runs_for

__all__ = ["PairedDifference", "paired"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairedDifference:
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


def paired(
    one: Comparisons, other: Comparisons, *, fars: tuple[str, ...] = FARS, seed: int = 0
) -> dict[str, PairedDifference]:
    """By how much one system's figures exceed another's on the same comparisons.

    Args:
        one, other: the same comparisons in the same order, with each system's own scores; their scales need not agree.
        fars, seed: see `engine.evaluation.figures`.

    Raises:
        ValueError: they are not of the same people.
    """
    if one.people != other.people or not np.array_equal(one.subjects, other.subjects):
        raise ValueError(f"expected the same comparisons twice, got {len(one)} and {len(other)} of other people")
    sides = [Ranked(each, fars) for each in (one, other)]
    people = one.people_compared
    whole = np.ones((1, one.people))
    values = sides[0].of_people(whole)[0] - sides[1].of_people(whole)[0]
    weights = Resampling(one.people, runs_for(one), seed).weights
    drawn = sides[0].of_people(weights) - sides[1].of_people(weights)
    by_pairs = np.concatenate([sides[0].of_pairs(part) - sides[1].of_pairs(part) for part in _pairs_drawn(one, seed)])
    wide = float(scipy.special.stdtrit(people - 1, 0.975)) if people > 1 else math.inf
    found = {}
    for index, name in enumerate(sides[0].names):
        value, column = float(values[index]), drawn[:, index][~np.isnan(drawn[:, index])]
        reach = wide * float(column.std()) if people > 1 and len(column) else math.inf
        found[name] = PairedDifference(
            value,
            max(value - reach, -1.0),
            min(value + reach, 1.0),
            _percentile(column),
            _percentile(by_pairs[:, index]),
        )
    return found


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
    share = max(1, MOST_WEIGHTS // max(pairs, 1))
    kinds = [np.flatnonzero(comparisons.same), np.flatnonzero(~comparisons.same)]
    parts = []
    runs = runs_for(comparisons)
    for start in range(0, runs, share):
        weights = np.zeros((min(share, runs - start), pairs))
        for kind in kinds:
            for row in weights:
                if len(kind):
                    row[kind] = np.bincount(generator.integers(0, len(kind), len(kind)), minlength=len(kind))
        parts.append(weights)
    return parts
