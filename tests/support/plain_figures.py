"""Figures of 1:1 comparisons written out plainly, without weights: what `engine.evaluation.Ranked` is held against."""

from __future__ import annotations

import numpy as np

from engine.evaluation import FARS, Comparisons, curve, threshold_at_fmr


def plain_figures(compared: Comparisons) -> list[float]:
    """AUC by ranks, EER where the two error rates cross, and TAR at each FAR."""
    genuine, impostor, same = compared.genuine, compared.impostor, compared.same
    _, group, sizes = np.unique(compared.scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]  # ties share their mean rank
    wins = float(ranks[same].sum()) - len(genuine) * (len(genuine) + 1) / 2
    every = curve(genuine, impostor, len(compared) + 1)
    fmr, fnmr = every.fmr[:-1], every.fnmr[:-1]  # some score reaches each of these thresholds
    cross = int(np.argmin(np.abs(fmr - fnmr)))
    accepted = [(genuine >= threshold_at_fmr(impostor, float(far))).mean() for far in FARS]
    return [wins / (len(genuine) * len(impostor)), float((fmr[cross] + fnmr[cross]) / 2), *map(float, accepted)]
