"""Ways of comparing photos of thousands of people: the protocol of LFW, all pairs, and weights of two networks chosen on other people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation import PairTally, few_of_each

__all__ = ["all_pairs_figures", "lfw_accuracy", "products", "weights_held_out"]

Rows = NDArray[np.floating]
Indices = NDArray[np.intp]
Scores = Callable[[Indices, Indices], NDArray[np.floating]]
"""Similarities (n,) of pairs of photos, higher is more alike; -inf if one of them has no face."""

_FOLDS = 10
_PAIRS = 300  # of each kind in a fold
_DRAWS = 10
_SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0)
_FMR = "0.0001"


# --------------------------------------------------------------------------------------------- LFW


def _fold_pairs(owners: Indices, people: Indices, generator: np.random.Generator) -> tuple[Indices, Indices]:
    """Genuine and impostor pairs of photos, (2, 300) each, as LFW draws them: first the people, then a photo of each; none twice."""
    of = {int(person): np.flatnonzero(owners == person) for person in people}
    several = [person for person, rows in of.items() if len(rows) > 1]
    possible = sum(len(of[person]) * (len(of[person]) - 1) // 2 for person in several)
    genuine: set[tuple[int, int]] = set()
    while len(genuine) < min(_PAIRS, possible):
        first, second = sorted(generator.choice(of[int(generator.choice(several))], 2, replace=False).tolist())
        genuine.add((first, second))
    impostor: set[tuple[int, int]] = set()
    while len(impostor) < len(genuine):
        pair = generator.choice(people, 2, replace=False)
        first, second = sorted(int(generator.choice(of[int(person)])) for person in pair)
        impostor.add((first, second))
    return np.array(sorted(genuine)).T, np.array(sorted(impostor)).T


def products(rows: Rows) -> Scores:
    """Inner products of unit rows (n, d)."""
    return lambda first, second: np.asarray((rows[first] * rows[second]).sum(1))


def lfw_accuracy(scores: Mapping[str, Scores], owners: Indices) -> dict[str, dict[str, float]]:
    """Accuracy by the protocol of LFW, view 2 (Huang et al. 2007), on these people.

    Ten folds of people, with 300 genuine and as many impostor pairs each. The threshold that is best on nine folds decides the
    tenth. The mean over ten draws of pairs; all engines decide the same pairs.

    Args:
        scores: by engine.
        owners: (n,).

    Returns:
        `accuracy` and `error`, the standard error of the mean over folds.
    """
    means: dict[str, list[float]] = {name: [] for name in scores}
    errors: dict[str, list[float]] = {name: [] for name in scores}
    for draw in range(_DRAWS):
        generator = np.random.default_rng(draw)
        folds = np.array_split(generator.permutation(np.unique(owners)), _FOLDS)
        pairs = [_fold_pairs(owners, people, generator) for people in folds]
        for name, score in scores.items():
            sides = [[score(kind[0], kind[1]) for kind in fold] for fold in pairs]
            found = np.array([_tested(sides, fold) for fold in range(_FOLDS)])
            means[name].append(float(found.mean()))
            errors[name].append(float(found.std(ddof=1) / np.sqrt(_FOLDS)))
    return {name: {"accuracy": float(np.mean(means[name])), "error": float(np.mean(errors[name]))} for name in scores}


def _tested(sides: list[list[NDArray[np.floating]]], fold: int) -> float:
    """Accuracy on one fold at the threshold that is best on the others."""
    genuine, impostor = (
        np.sort(np.concatenate([each[kind] for at, each in enumerate(sides) if at != fold])) for kind in (0, 1)
    )
    scores = np.unique(np.concatenate([genuine, impostor]))
    scores = scores[np.isfinite(scores)]
    thresholds = (scores[1:] + scores[:-1]) / 2
    accepted = len(genuine) - np.searchsorted(genuine, thresholds)
    refused = np.searchsorted(impostor, thresholds)
    best = accepted + refused == (accepted + refused).max()
    threshold = np.median(thresholds[best])
    right = (sides[fold][0] >= threshold).sum() + (sides[fold][1] < threshold).sum()
    return float(right / (len(sides[fold][0]) + len(sides[fold][1])))


# --------------------------------------------------------------------------------------------- all pairs


def all_pairs_figures(rows: Rows, owners: Indices) -> dict[str, Any]:
    """Pairs, EER, and FNMR at each FMR that the pairs can show, with intervals over people. Photos without a face have no row."""
    tally = PairTally(rows, owners)
    found = tally.figures()
    fnmr = {far: found[f"tar@{far}"] for far in tally.fars()}
    return {
        "genuine": tally.genuine,
        "impostor": tally.impostor,
        "eer": {"value": found["eer"].value, "low": found["eer"].low, "high": found["eer"].high},
        "fnmr": {
            far: {"value": 1 - each.value, "low": 1 - each.high, "high": 1 - each.low} for far, each in fnmr.items()
        },
    }


# --------------------------------------------------------------------------------------------- fusion


def weights_held_out(first: Rows, second: Rows, owners: Indices) -> dict[str, Any]:
    """FNMR at FMR 1e-4 by the share of the first network in the similarity, and which share the others' photos would choose.

    Args:
        first, second: (n, a) and (n, b) unit rows of two networks.
        owners: (n,).

    Returns:
        `fnmr` by share over all people, and for each fifth of the people the share `chosen` on the other four fifths.
    """
    kept = few_of_each(owners, np.ones(len(owners)), np.random.default_rng(0))
    fold = np.random.default_rng(0).permutation(int(owners.max()) + 1) % 5

    def fnmr(share: float, rows: Indices) -> float:
        both = np.concatenate([first[rows] * share**0.5, second[rows] * (1 - share) ** 0.5], axis=1)
        people = np.unique(owners[rows], return_inverse=True)[1]
        return 1 - PairTally(both, people).figures()[f"tar@{_FMR}"].value

    whole = {str(share): fnmr(share, kept) for share in _SHARES}
    chosen = [min(_SHARES, key=lambda share: fnmr(share, kept[fold[owners[kept]] != each])) for each in range(5)]
    return {"fnmr": whole, "chosen": chosen}
