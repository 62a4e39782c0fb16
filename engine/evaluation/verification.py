"""1:1: error rates over all thresholds, for DET and ROC curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.evaluation.rates import Floats, Scores


@dataclass(frozen=True, eq=False)
class Curve:
    """Error rates as functions of the threshold, for DET (FNMR over FMR) and ROC (1 - FNMR over FMR): ISO/IEC 19795-1:2021.

    Attributes:
        thresholds: (n,) increasing; the first accepts everything, the last nothing.
        fmr, fnmr: (n,) each; one falls, the other rises.
    """

    thresholds: Floats
    fmr: Floats
    fnmr: Floats


def curve(genuine: Scores, impostor: Scores, points: int = 1001) -> Curve:
    """FMR and FNMR (acceptance is `>=`) over the thresholds.

    Args:
        points: most thresholds; with fewer different scores, each of them is one, and the curve is exact.

    Returns:
        Zero rows if one kind of comparison is missing.
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


def balanced_accuracy(genuine: Scores, impostor: Scores) -> float:
    """The best mean of 1 - FMR and 1 - FNMR over all thresholds.

    Raises:
        ValueError: one kind of comparison is missing.
    """
    every = curve(genuine, impostor, len(genuine) + len(impostor) + 1)
    return float((1 - (every.fmr + every.fnmr) / 2).max())
