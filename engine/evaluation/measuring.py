"""Measuring a cohort on labelled photos: quantiles, tails, and who stands there under two names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.cohort import PHOTOS, PROBABILITIES, TAIL, Cohort, Scored, Tail
from engine.evaluation.comparisons import Indices
from engine.evaluation.rates import Floats
from engine.evaluation.tally import pair_blocks

_MOST_PHOTOS = 5
_DRAWS = 3
_FOLDS = 10
_FEWEST_PEOPLE = 100
_CHANCE = 0.05
"""Of one pair of people beyond the limit of twins."""

Rows = NDArray[np.float32]


def measure_cohort(
    embeddings: NDArray[np.floating],
    owners: Indices,
    weights: NDArray[np.floating],
    *,
    model_id: str,
    alignment_id: str,
) -> tuple[Cohort, list[tuple[int, int, float]]]:
    """Measure a cohort on labelled photos.

    Args:
        embeddings: (n, d) unit rows of the photos.
        owners: (n,) whose they are, from 0.
        weights: (n,) in a fused template; photos with 0 are left out.

    Returns:
        The cohort, and the pairs of people who were taken for one person and left out: two owners and the greatest similarity.

    Raises:
        ValueError: there are fewer than a hundred people, or none has a photo more than a template of three needs.
    """
    generator = np.random.default_rng(0)
    kept = few_of_each(owners, weights, generator)
    rows, whose, weight = np.asarray(embeddings[kept], np.float32), owners[kept], weights[kept]
    if len(np.unique(whose)) < _FEWEST_PEOPLE:
        raise ValueError("expected a hundred people or more")
    twins = _twins(rows, whose)
    gone = {max(pair[:2]) for pair in twins}
    inside = ~np.isin(whose, list(gone))
    rows, whose, weight = rows[inside], np.unique(whose[inside], return_inverse=True)[1], weight[inside]
    mean, std = _moments(rows, whose)
    scored = tuple(_scored(rows, whose, weight, photos, generator) for photos in PHOTOS)
    people = int(whose.max()) + 1
    harder = _harder(rows, whose)
    cohort = Cohort(model_id, alignment_id, people, len(rows), round(mean, 4), round(std, 4), round(harder, 2), scored)
    return cohort, twins


def _strangers(rows: Rows, whose: Indices) -> Iterator[tuple[Indices, Indices, Rows, NDArray[np.bool_]]]:
    """All photos with each other, in blocks: whose they are on both sides, scores, and which pairs are of two people, each once."""
    for _, _, block in pair_blocks(rows, [np.arange(len(rows))]):
        first, second = whose[block.first], whose[block.second]
        yield first, second, block.scores, block.counted & (first[:, None] != second[None])


def _moments(rows: Rows, whose: Indices) -> tuple[float, float]:
    count = total = squares = 0.0
    for _, _, scores, counts in _strangers(rows, whose):
        values = scores[counts].astype(np.float64)
        count, total, squares = count + len(values), total + values.sum(), squares + (values**2).sum()
    return total / count, float(np.sqrt(squares / count - (total / count) ** 2))


def few_of_each(owners: Indices, weights: NDArray[np.floating], generator: np.random.Generator) -> Indices:
    """At most five photos of each person whose weight is above 0, drawn at random: nobody dominates."""
    usable = [np.flatnonzero((owners == person) & (weights > 0)) for person in np.unique(owners)]
    return np.sort(np.concatenate([generator.permutation(rows)[:_MOST_PHOTOS] for rows in usable]))


def find_twins(
    embeddings: NDArray[np.floating], owners: Indices, weights: NDArray[np.floating]
) -> list[tuple[int, int, float]]:
    """People who are more alike than chance explains: probably one person under two names.

    Args:
        embeddings, owners, weights: see `measure_cohort`.

    Returns:
        Pairs of owners and their greatest similarity, the most alike first; none among few people, where nothing can be said.
    """
    kept = few_of_each(owners, weights, np.random.default_rng(0))
    return _twins(np.asarray(embeddings[kept], np.float32), owners[kept])


def _twins(rows: Rows, whose: Indices) -> list[tuple[int, int, float]]:
    """Pairs of people so alike that among all pairs the tail without them leaves a small chance for one."""
    ends, reached = [], []
    for one, other, scores, counts in _strangers(rows, whose):
        first, second = np.nonzero(counts & (scores > 0.3))
        ends.append(np.sort(np.stack([one[first], other[second]], 1), axis=1))
        reached.append(scores[first, second].astype(np.float64))
    pairs_found, group = np.unique(np.concatenate(ends), axis=0, return_inverse=True)
    most = np.full(len(pairs_found), -1.0)
    np.maximum.at(most, group.ravel(), np.concatenate(reached))
    values = np.sort(most)[::-1]
    pairs = len(np.unique(whose)) * (len(np.unique(whose)) - 1) / 2
    tail = int(TAIL * pairs)
    if len(values) <= tail or tail < 20:
        return []
    begin = float(values[tail])
    # the median does not see the twins: an exponential tail through it bounds them at first
    limit = begin + (float(np.median(values[:tail])) - begin) / np.log(2) * np.log(TAIL * pairs / _CHANCE)
    for _ in range(20):
        cut = int((values > limit).sum())
        limit = _fit(values[cut : tail + cut], float(values[tail + cut])).threshold(_CHANCE / pairs)
        if int((values > limit).sum()) == cut:
            break
    found = [(int(a), int(b), float(score)) for (a, b), score in zip(pairs_found, most, strict=True) if score > limit]
    return sorted(found, key=lambda row: -row[2])


def _fit(exceeding: Floats, start: float) -> Tail:
    """A tail by the method of moments (Hosking & Wallis 1987), which no single score moves much."""
    beyond = np.asarray(exceeding, np.float64) - start
    mean, variance = float(beyond.mean()), max(float(beyond.var()), 1e-12)
    shape = 0.5 * (1 - mean * mean / variance)
    shape = float(np.clip(shape if abs(shape) > 1e-3 else 1e-3, -0.5, 0.5))
    return Tail(start, mean * (1 - shape), shape, 0.0)


def _scored(
    rows: Rows,
    whose: Indices,
    weights: NDArray[np.floating],
    photos: int,
    generator: np.random.Generator,
) -> Scored:
    of = [np.flatnonzero(whose == person) for person in range(int(whose.max()) + 1)]
    able = [person for person, own in enumerate(of) if len(own) >= photos]
    impostor, subjects, genuine = [], [], []
    for _ in range(_DRAWS if photos > 1 else 1):
        drawn = [generator.permutation(of[person])[:photos] for person in able]
        sums = np.stack([(rows[each] * np.maximum(weights[each], 0.05)[:, None]).sum(0) for each in drawn])
        fused = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
        scores = rows @ fused.T
        same = whose[:, None] == np.array(able)[None]
        enrolled = np.zeros_like(same)
        for column, each in enumerate(drawn):
            enrolled[each, column] = True
        genuine.append(scores[same & ~enrolled])
        impostor.append(scores[~same])
        subjects.append(np.broadcast_to(np.array(able)[None], scores.shape)[~same])
    wrong, right = np.concatenate(impostor), np.concatenate(genuine)
    if not len(right):
        raise ValueError(f"nobody has a photo more than a template of {photos} needs")
    people = np.concatenate(subjects)
    return Scored(
        photos,
        len(wrong),
        len(right),
        np.quantile(wrong, PROBABILITIES),
        np.quantile(right, PROBABILITIES),
        _tail(wrong, people, generator),
    )


def _tail(scores: Rows, people: Indices, generator: np.random.Generator) -> Tail:
    """The tail, and the error of its slope from leaving out a tenth of the people at a time."""
    start = float(np.quantile(scores, 1 - TAIL))
    beyond = scores >= start
    values, of = scores[beyond], people[beyond]
    whole = _fit(values.astype(np.float64), start)
    fold = generator.permutation(int(people.max()) + 1) % _FOLDS
    at = whole.threshold(TAIL * 1e-2)
    logs = []
    for each in range(_FOLDS):
        rest = fold[of] != each
        share = float(rest.mean()) / float((fold[people] != each).mean())  # of the rest that lies beyond the start
        logs.append(np.log(share * _fit(values[rest].astype(np.float64), start).rate(at)))
    error = float(np.sqrt((_FOLDS - 1) * np.var(logs)))
    return Tail(whole.start, whole.scale, whole.shape, error / 2)  # two powers of ten beyond the start


def _harder(rows: Rows, whose: Indices) -> float:
    """How much oftener the half of the people who resemble others most do so than all of them."""
    limit = float(
        np.quantile(np.concatenate([scores[counts][::7] for _, _, scores, counts in _strangers(rows, whose)]), 0.99)
    )
    people = int(whose.max()) + 1
    hits, trials = np.zeros(people), np.zeros(people)
    for first, second, scores, counts in _strangers(rows, whose):
        reached = counts & (scores >= limit)
        for people_of, axis in ((first, 1), (second, 0)):
            np.add.at(hits, people_of, reached.sum(axis))
            np.add.at(trials, people_of, counts.sum(axis))
    rates = hits / np.maximum(trials, 1)
    return float(np.sort(rates)[people // 2 :].mean() / rates.mean())
