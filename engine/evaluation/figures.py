"""AUC, equal error rate and TAR at a FAR, with intervals over people.

People are drawn with replacement, and the bootstrap gives the variance, as in `engine.evaluation.intervals`, because the plain percentile
interval of few people is too short. Each draw finds its own thresholds, so the choice of the operating point is part of the spread.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from engine.evaluation.comparisons import Comparisons
from engine.evaluation.intervals import Estimate, Resampling
from engine.evaluation.rates import Floats

FARS = ("0.01", "0.001")
_RUNS, _FEWEST_RUNS = 400, 100
_WORK = 20_000_000  # pairs times runs, some seconds; with many pairs, fewer draws are made
MOST_WEIGHTS = 2_000_000
"""Weights held at once: draws times comparisons."""


class Ranked:
    """Comparisons ordered by score, so that the figures of many weightings are sums.

    Args:
        comparisons: a score of -inf is a comparison that could not be made, accepted at no real threshold.
        fars: false accept rates at which the true accept rate is wanted.

    Attributes:
        names: of the figures: `auc`, the area under the ROC curve (the chance that a genuine score exceeds an impostor one, ties count
            half); `eer`, the equal error rate, where FMR and FNMR cross; `tar@FAR`, the share of genuine comparisons accepted at the
            lowest threshold that accepts at most this share of impostors.
    """

    def __init__(self, comparisons: Comparisons, fars: tuple[str, ...] = FARS) -> None:
        self.names = figure_names(fars)
        self._fars = fars
        self._order = np.argsort(comparisons.scores, kind="stable")
        ordered = comparisons.scores[self._order]
        self._starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
        self._same = comparisons.same[self._order]
        self._subjects = comparisons.subjects[self._order]

    def of_people(self, weights: Floats) -> Floats:
        """Figures of draws of people, (runs, people) counts → (runs, figures)."""
        first, second = self._subjects.T
        different, back = np.unique(weights, axis=0, return_inverse=True)  # five people: 126 ways at most
        share = max(1, MOST_WEIGHTS // max(len(first), 1))
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
        return figures_of(genuine, impostor, self._fars)


def figure_names(fars: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the figures, see `Ranked`."""
    return "auc", "eer", *(f"tar@{far}" for far in fars)


def figures_of(genuine: Floats, impostor: Floats, fars: tuple[str, ...]) -> Floats:
    """Figures of comparisons that are counted by score: (runs, scores) each, lowest score first → (runs, figures)."""
    all_genuine, all_impostor = genuine.sum(1, keepdims=True), impostor.sum(1, keepdims=True)
    below_genuine, below_impostor = np.cumsum(genuine, 1) - genuine, np.cumsum(impostor, 1) - impostor
    rows = np.arange(len(genuine))
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw of one person alone has no impostors: NaN
        wins = (genuine * (below_impostor + impostor / 2)).sum(1)
        fnmr = below_genuine / all_genuine
        fmr = (all_impostor - below_impostor) / all_impostor
        cross = np.abs(fmr - fnmr).argmin(1)
        columns = [wins / (all_genuine * all_impostor)[:, 0], (fmr[rows, cross] + fnmr[rows, cross]) / 2]
        for far in fars:
            passing = all_impostor - below_impostor <= float(far) * all_impostor + 1e-9
            lowest = passing.argmax(1)
            columns.append(np.where(passing.any(1), 1 - fnmr[rows, lowest], 0.0))
    found = np.stack(columns, 1)
    found[(all_genuine[:, 0] <= 0) | (all_impostor[:, 0] <= 0)] = np.nan
    return found


def figures(comparisons: Comparisons, *, fars: tuple[str, ...] = FARS, seed: int = 0) -> dict[str, Estimate]:
    """AUC, EER and TAR at FAR, each with its interval over people; the same seed gives the same intervals."""
    ranked = Ranked(comparisons, fars)
    values = ranked.of_people(np.ones((1, comparisons.people)))[0]
    drawn = ranked.of_people(Resampling(comparisons.people, runs_for(comparisons), seed).weights)
    people = comparisons.people_compared
    pairs = len(comparisons)
    found = {}
    for name, value, column in zip(ranked.names, values.tolist(), drawn.T, strict=True):
        kept = column[~np.isnan(column)]
        # without variance, each pair of people is a trial of the AUC, and each person one of a rate of their own comparisons
        units = comparisons.pairs_of_people if name == "auc" else people
        known = 0 if math.isnan(value) else pairs
        estimate = Resampling.estimate(value * known, known, kept, np.ones(len(kept)), people, units)
        found[name] = replace(estimate, value=value)
    return found


def runs_for(comparisons: Comparisons) -> int:
    """Number of draws that take some seconds."""
    return int(np.clip(_WORK // max(len(comparisons), 1), _FEWEST_RUNS, _RUNS))
