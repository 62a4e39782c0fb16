"""Error rates at one threshold within groups of people and across them: whom the errors hit (ISO/IEC 19795-10:2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.comparisons import Indices
from engine.evaluation.intervals import Estimate, Resampling
from engine.evaluation.rates import Floats
from engine.evaluation.tally import pair_blocks


@dataclass(frozen=True, eq=False)
class GroupRates:
    """Error rates of single comparisons of two photos. Intervals are 95% intervals over people.

    Attributes:
        threshold: acceptance is `>=`.
        names: of the groups.
        people, photos: (groups,) in each.
        fnmr: of each group's own people.
        fmr: [first][second], of a person of the first with one of the second; the same in both orders.
    """

    threshold: float
    names: tuple[str, ...]
    people: Indices
    photos: Indices
    fnmr: tuple[Estimate, ...]
    fmr: tuple[tuple[Estimate, ...], ...]


def group_rates(
    embeddings: NDArray[np.floating], owners: Indices, groups: Indices, names: Sequence[str], threshold: float
) -> GroupRates:
    """Compare all photos with each other, each pair once.

    Args:
        embeddings: (n, d) unit rows.
        owners: (n,) the number of each photo's person, from 0.
        groups: (people,) the number of each person's group, an index into `names`.
        threshold: acceptance is `>=`.
    """
    people = len(groups)
    photos = np.bincount(owners, minlength=people).astype(np.float64)
    missed = np.zeros(people)
    accepted: list[NDArray[np.intp]] = []
    for _, _, block in pair_blocks(embeddings, [np.arange(len(owners))]):
        first, second = owners[block.first], owners[block.second]
        reached = block.scores.astype(np.float64) >= threshold
        same = first[:, None] == second[None]
        row, _ = np.nonzero(block.counted & same & ~reached)
        missed += np.bincount(first[row], minlength=people)
        row, column = np.nonzero(block.counted & ~same & reached)
        accepted.append(np.sort(np.stack([first[row], second[column]]), axis=0))
    resampling = Resampling(people)
    wrong = np.concatenate(accepted, axis=1)
    kind = np.sort(groups[wrong], axis=0)
    several = range(len(names))
    members = [groups == each for each in several]
    fnmr = tuple(resampling.rate(missed * inside, photos * (photos - 1) / 2 * inside) for inside in members)
    table: dict[tuple[int, int], Estimate] = {}
    for one in several:
        for other in range(one, len(names)):
            of = wrong[:, (kind[0] == one) & (kind[1] == other)]
            table[one, other] = table[other, one] = _fmr(resampling, of, photos * members[one], photos * members[other])
    return GroupRates(
        threshold,
        tuple(names),
        np.bincount(groups, minlength=len(names)),
        np.array([int(photos[inside].sum()) for inside in members], np.intp),
        fnmr,
        tuple(tuple(table[one, other] for other in several) for one in several),
    )


def _fmr(resampling: Resampling, wrong: Indices, first: Floats, second: Floats) -> Estimate:
    """FMR of the people of two groups, or of one.

    Args:
        wrong: (2, k) pairs of people who were taken for each other.
        first, second: (people,) photos of the members; 0 for others.
    """
    within = bool((first == second).all())

    def pairs(photos: Floats, others: Floats) -> Floats:
        """(runs,) pairs of two people's photos, given (runs, people) photos; a person drawn twice is no pair."""
        whole = photos.sum(1) * others.sum(1)
        return np.asarray((whole - (photos**2).sum(1)) / 2 if within else whole)

    weights = resampling.weights
    trials = float(pairs(first[None], second[None])[0])
    taking_part = int(((first > 0) | (second > 0)).sum())
    units = pairs((first > 0)[None].astype(float), (second > 0)[None].astype(float))[0]
    return resampling.estimate(
        float(wrong.shape[1]),
        int(trials),
        resampling.pairs(*wrong),
        pairs(weights * first, weights * second),
        taking_part,
        int(units),
    )
