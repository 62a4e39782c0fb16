"""Open-set identification at rank 1: how often strangers are named, and enrolled people are not, in galleries of any size.

FPIR (false-positive identification rate) is the share of searches by people who are not enrolled that name somebody; FNIR (false-negative
identification rate) the share of searches by enrolled people that do not name them, at rank 1: ISO/IEC 19795-1:2021, 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.evaluation.comparisons import NO_SCORE, GalleryScores
from engine.evaluation.intervals import Estimate, Resampling
from engine.evaluation.rates import Floats


def fpir_of_fmr(fmr: float, people: int) -> float:
    """1 - (1 - FMR)^N: the FPIR of a gallery of N people if comparisons were independent. Usually too high, because a face that
    resembles one person tends to resemble several."""
    return float(-np.expm1(max(people, 0) * np.log1p(-min(max(fmr, 0.0), 1 - 1e-16))))


def fmr_of_fpir(fpir: float, people: int) -> float:
    """The FMR at which a gallery of this many people has this FPIR, by the same model."""
    return float(-np.expm1(np.log1p(-fpir) / max(people, 1)))


@dataclass(frozen=True, eq=False)
class OpenSetCurve:
    """FPIR and FNIR over gallery sizes.

    Attributes:
        sizes: (k,) possible with the gallery's people; fpir, fnir: (k,) measured in galleries of that size drawn from it. FNIR has no
            rows if nobody has two templates.
        model_sizes: (m,) any; model_fpir: (m,) from the FMR alone, see `fpir_of_fmr`.
    """

    threshold: float
    sizes: NDArray[np.intp]
    fpir: Floats
    fnir: Floats
    model_sizes: NDArray[np.intp]
    model_fpir: Floats


def _chosen(among: NDArray[np.integer], drawn: int, total: int) -> Floats:
    """The chance that all of `drawn` people, out of `total`, are from `among` of them."""
    among = among.astype(np.float64)
    inside = np.maximum(among - drawn, 0)
    ways = scipy.special.gammaln  # logarithms of factorials
    share = ways(among + 1) - ways(inside + 1) - ways(total + 1) + ways(total - drawn + 1)
    return np.where(among >= drawn, np.exp(share), 0.0)


def _named(others: Floats, threshold: float, size: int, min_margin: float) -> Floats:
    """(n,) chance that a stranger is named in a gallery of `size` people drawn from those they are compared with."""
    total = others.shape[1] - 1  # their own column holds nobody
    reached = (others >= threshold) & (others > NO_SCORE)
    if min_margin <= 0:
        return np.asarray(1 - _chosen(total - reached.sum(1), size, total))
    chance = np.zeros(len(others))
    for row in np.flatnonzero(reached.any(1)):
        ordered = np.sort(others[row])[1:]
        first = ordered[ordered >= threshold]
        behind = np.searchsorted(ordered, first - min_margin, side="right")
        # this person is drawn, and all others are from among those far enough behind
        chance[row] = float((_chosen(behind, size - 1, total - 1) * size / total).sum())
    return chance


def _missed(own: Floats, others: Floats, threshold: float, size: int, min_margin: float) -> Floats:
    """(n,) chance that somebody enrolled is not named among `size` people, themselves included."""
    limit = own[:, None] - min_margin
    # without a margin a tie is in the way, up to rounding
    in_the_way = ((others > limit) if min_margin > 0 else (others >= limit - 1e-9)) & (others > NO_SCORE)
    total = others.shape[1] - 1
    return np.where(own >= threshold, 1 - _chosen(total - in_the_way.sum(1), size - 1, total), 1.0)


def fpir(
    scores: GalleryScores,
    threshold: float,
    size: int | None = None,
    *,
    min_margin: float = 0.0,
    resampling: Resampling | None = None,
) -> Estimate:
    """False-positive identification rate: each person in turn is left out of the gallery and searched as a stranger.

    For a smaller gallery this is the mean over *all* galleries of that size that can be drawn from this one, because for each probe
    the number of drawn people who reach the threshold is hypergeometric. The interval resamples the people who are searched, not the
    gallery.

    Args:
        threshold: acceptance is `>=`.
        size: people enrolled besides the stranger; default: all.
        min_margin: how far the best person must be ahead of the runner-up (`>=`).
        resampling: of `len(scores.people)` people; default: a new one.

    Raises:
        ValueError: there are fewer people.
    """
    size = _size(size, max(len(scores.people) - 1, 0))
    alone = len(scores.people) < 2
    chance = np.empty(0) if alone else _named(scores.others, threshold, size, min_margin)
    return _by_owner(scores, chance, scores.owners[: len(chance)], resampling)


def fnir(
    scores: GalleryScores,
    threshold: float,
    size: int | None = None,
    *,
    min_margin: float = 0.0,
    resampling: Resampling | None = None,
) -> Estimate:
    """False-negative identification rate at rank 1: a template is searched in the gallery without itself, and its person not named.

    That happens below the threshold, or if somebody else is more similar or not far enough behind. A tie is no hit.

    Args:
        scores, threshold, min_margin, resampling: see `fpir`.
        size: people enrolled, including the one who is searched; default: all.

    Raises:
        ValueError: there are fewer people.
    """
    size, mated = _size(size, len(scores.people)), scores.mated
    chance = _missed(scores.own[mated], scores.others[mated], threshold, size, min_margin)
    return _by_owner(scores, chance, scores.owners[mated], resampling)


def _by_owner(
    scores: GalleryScores, chance: Floats, owners: NDArray[np.intp], resampling: Resampling | None
) -> Estimate:
    people = len(scores.people)
    errors, trials = np.bincount(owners, chance, people), np.bincount(owners, minlength=people)
    return (resampling or Resampling(people)).rate(errors, trials)


def _size(size: int | None, most: int) -> int:
    if size is None:
        return most
    if not min(most, 1) <= size <= most:
        raise ValueError(f"expected a gallery of {min(most, 1)} to {most} people, got {size}")
    return size


def open_set_curve(
    scores: GalleryScores,
    threshold: float,
    fmr: float,
    *,
    model_sizes: Sequence[int] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
    min_margin: float = 0.0,
) -> OpenSetCurve:
    """FPIR and FNIR over gallery size, measured and by the model; `fmr`: at this threshold, for the model."""
    most = len(scores.people) - 1
    wanted = np.unique(np.linspace(1, most, min(most, 40)).astype(int)).tolist() if most > 0 else []
    once = Resampling(len(scores.people), runs=1)  # the values alone are wanted
    measured, missed = (
        [rate(scores, threshold, each, min_margin=min_margin, resampling=once) for each in wanted]
        for rate in (fpir, fnir)
    )
    return OpenSetCurve(
        threshold,
        np.array(wanted, np.intp),
        np.array([each.value for each in measured]),
        np.array([each.value for each in missed if each.trials]),
        np.array(model_sizes, np.intp),
        np.array([fpir_of_fmr(fmr, each) for each in model_sizes]),
    )
