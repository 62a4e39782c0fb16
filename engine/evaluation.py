"""How well faces are told apart: error rates, intervals, thresholds.

Terms follow ISO/IEC 19795-1: *genuine* (mated) comparisons are of one person with themselves, *impostor* (non-mated) ones of two people;
FMR and FNMR are the rates of false matches and false non-matches; FPIR and FNIR the same for open-set identification at
rank 1. A comparison is accepted iff `similarity >= threshold`, ties included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri  # scipy.stats would take a second to import

__all__ = [
    "Rate",
    "Verification",
    "bootstrap_interval",
    "clopper_pearson",
    "derive_threshold",
    "error_rates",
    "threshold_at_fmr",
    "verification",
]

Scores = NDArray[np.floating]


@dataclass(frozen=True)
class Rate:
    """A proportion with its 95% Clopper–Pearson interval.

    Attributes:
        hits, trials: counted.
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


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a proportion (Clopper & Pearson 1934); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, trials - hits + 1, tail))
    high = 1.0 if hits == trials else float(betaincinv(hits + 1, trials - hits, 1 - tail))
    return low, high


def error_rates(genuine: Scores, impostor: Scores, threshold: float) -> tuple[Rate, Rate]:
    """FMR and FNMR at a threshold."""
    # in double precision: a threshold just above a score must not be rounded back to it
    genuine, impostor = np.asarray(genuine, np.float64), np.asarray(impostor, np.float64)
    false_matches = Rate(int((impostor >= threshold).sum()), len(impostor))
    false_non_matches = Rate(int((genuine < threshold).sum()), len(genuine))
    return false_matches, false_non_matches


def threshold_at_fmr(impostor: Scores, fmr: float) -> float:
    """The lowest threshold at which at most `fmr` of these impostor comparisons are accepted (ties included).

    Without impostors: -1, as nothing speaks against accepting everything.
    """
    if not len(impostor):
        return -1.0
    ordered = np.sort(np.asarray(impostor, np.float64))[::-1]
    allowed = math.floor(fmr * len(ordered) + 1e-9)
    if allowed >= len(ordered):
        return float(ordered[-1])
    # just above the first score that must not pass, so that its ties do not pass either
    return float(np.nextafter(ordered[allowed], math.inf))


@dataclass(frozen=True)
class Verification:
    """Results of 1:1 comparisons.

    Attributes:
        pairs: comparisons with a score.
        genuine, impostor: how many of each.
        auc: area under the ROC curve, the chance that a genuine score exceeds an impostor one (ties count half).
        eer: equal error rate, between the two thresholds where FMR and FNMR cross.
        balanced_accuracy: the best mean of 1 - FMR and 1 - FNMR, and `best_threshold` where it is reached.
        tar_at_far: share of genuine comparisons accepted at thresholds that let at most this share of impostors in.
    """

    pairs: int
    genuine: int
    impostor: int
    auc: float
    eer: float
    balanced_accuracy: float
    best_threshold: float
    tar_at_far: dict[str, Rate]


def verification(scores: Scores, same: NDArray[np.bool_], fars: Sequence[str] = ("0.01", "0.001")) -> Verification:
    """Evaluate 1:1 comparisons.

    Args:
        scores: (n,) similarities.
        same: (n,) True where both sides are one person.
        fars: false accept rates at which the true accept rate is wanted.

    Raises:
        ValueError: there are no genuine or no impostor comparisons.
    """
    scores, same = np.asarray(scores, np.float64), np.asarray(same, np.bool_)
    genuine, impostor = scores[same], scores[~same]
    if not len(genuine) or not len(impostor):
        raise ValueError(f"expected both kinds of comparisons, got {len(genuine)} genuine and {len(impostor)} impostor")
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]  # ties share their mean rank
    wins = float(ranks[same].sum()) - len(genuine) * (len(genuine) + 1) / 2
    thresholds = np.unique(scores)
    fmr = 1 - np.searchsorted(np.sort(impostor), thresholds, side="left") / len(impostor)
    fnmr = np.searchsorted(np.sort(genuine), thresholds, side="left") / len(genuine)
    balanced = 1 - (fmr + fnmr) / 2
    best = int(balanced.argmax())
    cross = int(np.argmin(np.abs(fmr - fnmr)))
    return Verification(
        pairs=len(scores),
        genuine=len(genuine),
        impostor=len(impostor),
        auc=wins / (len(genuine) * len(impostor)),
        eer=float((fmr[cross] + fnmr[cross]) / 2),
        balanced_accuracy=float(balanced[best]),
        best_threshold=float(thresholds[best]),
        tar_at_far={
            far: Rate(int((genuine >= threshold_at_fmr(impostor, float(far))).sum()), len(genuine)) for far in fars
        },
    )


def bootstrap_interval(
    scores: Scores, same: NDArray[np.bool_], subjects: NDArray[np.intp], *, runs: int = 200, seed: int = 0
) -> tuple[float, float]:
    """95% interval of the AUC, by bootstrap over people: comparisons of one person are not independent of each other.

    Args:
        scores: (n,) similarities.
        same: (n,).
        subjects: (n, 2) the people on both sides, as numbers.
        runs: resamplings.
        seed: of the generator; the same seed gives the same interval.
    """
    generator = np.random.default_rng(seed)
    scores, same = np.asarray(scores, np.float64), np.asarray(same, np.bool_)
    people = int(subjects.max()) + 1
    order = np.argsort(scores, kind="stable")
    ordered, kinds, pairs = scores[order], same[order], subjects[order]
    values = []
    for _ in range(runs):
        weight = np.bincount(generator.integers(0, people, people), minlength=people).astype(np.float64)
        # a person drawn twice brings their own comparisons twice, and those with another person as often as both are drawn
        weights = np.where(pairs[:, 0] == pairs[:, 1], weight[pairs[:, 0]], weight[pairs[:, 0]] * weight[pairs[:, 1]])
        good, bad = np.where(kinds, weights, 0), np.where(kinds, 0, weights)
        if good.sum() == 0 or bad.sum() == 0:
            continue
        # weight of impostors strictly below, plus half of those that tie
        _, group = np.unique(ordered, return_inverse=True)
        bad_per_score = np.bincount(group, bad)
        below = np.concatenate([[0.0], np.cumsum(bad_per_score)[:-1]])
        values.append(float((good * (below + bad_per_score / 2)[group]).sum() / (good.sum() * bad.sum())))
    if not values:
        return 0.0, 1.0
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def derive_threshold(
    impostor: Scores,
    people: int,
    *,
    prior_mean: float,
    prior_std: float,
    target_fmr: float,
    target_fpir: float,
    prior_weight: float = 50.0,
) -> float:
    """The threshold for a gallery, from its own impostor scores and a prior for what they cannot tell.

    The scores of few people say little about a rate of one in ten thousand, so their distribution is taken as normal, with mean and
    variance shrunk towards the model's prior: the prior counts as `prior_weight` pairs of people. From it the threshold is where the
    false-match rate is `target_fmr` per comparison, or `target_fpir` per search of the whole gallery, whichever is stricter.

    Args:
        impostor: similarities of templates with other people's fused templates.
        people: enrolled.
        prior_mean, prior_std: of the model, see the registry.
        target_fmr: accepted share of comparisons with one wrong person.
        target_fpir: accepted share of strangers' searches that name somebody.

    Returns:
        A similarity in [-1, 1].
    """
    pairs = people * (people - 1) / 2
    weight = pairs / (pairs + prior_weight) if len(impostor) else 0.0
    mean, variance = prior_mean, prior_std**2
    if weight:
        own = np.asarray(impostor, np.float64)
        own_mean, own_variance = float(own.mean()), float(own.var())
        mean = weight * own_mean + (1 - weight) * prior_mean
        variance = (
            weight * own_variance + (1 - weight) * prior_std**2 + weight * (1 - weight) * (own_mean - prior_mean) ** 2
        )
    rate = min(target_fmr, -math.expm1(math.log1p(-target_fpir) / max(people, 1)))
    return float(min(1.0, max(-1.0, mean + math.sqrt(variance) * float(-ndtri(rate)))))
