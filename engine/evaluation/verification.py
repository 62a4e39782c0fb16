"""1:1: error rates over all thresholds, DET and ROC, equal error rate, area under the curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.rates import Floats, Rate, Scores, threshold_at_fmr


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


@dataclass(frozen=True, eq=False)
class Curve:
    """Error rates as functions of the threshold, for DET (FNMR over FMR) and ROC (1 - FNMR over FMR): ISO/IEC 19795-1:2021.

    Attributes:
        thresholds: (n,) increasing; at the first everything is accepted, at the last nothing.
        fmr, fnmr: (n,) each; one falls, the other rises.
    """

    thresholds: Floats
    fmr: Floats
    fnmr: Floats

    @property
    def tmr(self) -> Floats:
        """(n,) true match rate, 1 - FNMR: the ordinate of a ROC curve."""
        return np.asarray(1 - self.fnmr)


def curve(genuine: Scores, impostor: Scores, points: int = 1001) -> Curve:
    """FMR and FNMR (acceptance is `>=`) over the thresholds.

    Args:
        genuine, impostor: similarities, any number.
        points: so many thresholds at most; with fewer different scores each of them is one, and the curve is exact.

    Returns:
        Zero rows when one kind of comparison is missing: a rate of nothing is not known.
    """
    genuine, impostor = np.sort(np.asarray(genuine, np.float64)), np.sort(np.asarray(impostor, np.float64))
    if not len(genuine) or not len(impostor):
        return Curve(np.empty(0), np.empty(0), np.empty(0))
    every = np.unique(np.concatenate([genuine, impostor]))
    if len(every) >= points:
        every = np.linspace(every[0], every[-1], points - 1)
    thresholds = np.append(every, np.nextafter(every[-1], np.inf))
    return Curve(
        thresholds,
        1 - np.searchsorted(impostor, thresholds, side="left") / len(impostor),
        np.searchsorted(genuine, thresholds, side="left") / len(genuine),
    )


def verification(scores: Scores, same: NDArray[np.bool_], fars: Sequence[str] = ("0.01", "0.001")) -> Verification:
    """Evaluate 1:1 comparisons.

    Args:
        scores: (n,) similarities.
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
    every = curve(genuine, impostor, len(scores) + 1)
    thresholds, fmr, fnmr = every.thresholds[:-1], every.fmr[:-1], every.fnmr[:-1]  # some score reaches each of these
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
