"""Difficult people: the biometric menagerie, look-alikes, templates that do not fit, and the effect of more enrolment photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.comparisons import GalleryScores
from engine.evaluation.intervals import Estimate, Resampling
from engine.evaluation.rates import Floats

_FENCE = 1.5
_FEWEST_FOR_TRAITS = 8
_MOST_PEOPLE = 500
_DRAWS = 20  # of the photos that are fused, for each template and number


@dataclass(frozen=True)
class Difficulty:
    """How hard it is to recognise one person, and to distinguish them from others.

    Attributes:
        person: id. templates: how many.
        genuine_mean, hardest: mean and least similarity of a template with the rest; None: there is only one.
        impostor_mean: of their templates with others. nearest, nearest_person: the greatest, and with whom; None: nobody else is enrolled.
        imitated_mean: of others' templates with theirs; None likewise.
        traits: see `difficulty`.
    """

    person: str
    templates: int
    genuine_mean: float | None
    hardest: float | None
    impostor_mean: float | None
    imitated_mean: float | None
    nearest: float | None
    nearest_person: str
    traits: tuple[str, ...]


def difficulty(scores: GalleryScores) -> list[Difficulty]:
    """Every person, the hardest to recognise first.

    Traits follow Doddington et al. 1998 and Yager & Dunstone 2010, and are relative to the other people; with fewer than eight
    nobody has any:

    - `goat`: mean genuine similarity below the lower fence (first quartile - 1.5 interquartile ranges);
    - `wolf`: their templates resemble others above the upper fence; `lamb`: others' templates resemble theirs so;
    - by the outer quartiles of mean genuine and mean impostor similarity together: `worm` (low, high: the worst), `chameleon`
      (high, high), `phantom` (low, low), `dove` (high, low: the best).
    """
    people = len(scores.people)
    every = [_person(scores, number) for number in range(people)]
    traits: list[list[str]] = [[] for _ in every]
    if people >= _FEWEST_FOR_TRAITS:
        means = [(each.genuine_mean, each.impostor_mean, each.imitated_mean) for each in every]
        own, others, imitated = np.array(means, np.float64).T  # None becomes NaN
        for name, column, sign in (("goat", own, -1), ("wolf", others, 1), ("lamb", imitated, 1)):
            for number in _beyond(column, sign):
                traits[number].append(name)
        low, high = _quartiles(own), _quartiles(others)
        for number in np.flatnonzero(~np.isnan(own) & ~np.isnan(others)).tolist():
            poor, good = own[number] <= low[0], own[number] >= low[1]
            alone, alike = others[number] <= high[0], others[number] >= high[1]
            kinds = {
                "worm": poor and alike,
                "chameleon": good and alike,
                "phantom": poor and alone,
                "dove": good and alone,
            }
            traits[number] += [name for name, holds in kinds.items() if holds]
    rows = [replace(each, traits=tuple(found)) for each, found in zip(every, traits, strict=True)]
    return sorted(rows, key=lambda row: 2.0 if row.hardest is None else row.hardest)


def _quartiles(column: Floats) -> tuple[float, float]:
    known = column[~np.isnan(column)]
    if not len(known):
        return -np.inf, np.inf
    low, high = np.quantile(known, [0.25, 0.75])
    return float(low), float(high)


def _beyond(column: Floats, sign: int) -> list[int]:
    low, high = _quartiles(column)
    spread = _FENCE * (high - low)
    known = ~np.isnan(column)
    far = column < low - spread if sign < 0 else column > high + spread
    return np.flatnonzero(known & far).tolist()


def _person(scores: GalleryScores, number: int) -> Difficulty:
    rows = np.flatnonzero(scores.owners == number)
    mated = scores.own[rows[scores.mated[rows]]]
    alone = len(scores.people) < 2 or not len(rows)
    others = np.delete(scores.others[rows], number, axis=1)
    imitators = scores.others[scores.owners != number, number]
    nearest = None if alone else int(rows[scores.nearest_score[rows].argmax()])
    return Difficulty(
        person=scores.people[number],
        templates=int(scores.counts[number]),
        genuine_mean=float(mated.mean()) if len(mated) else None,
        hardest=float(mated.min()) if len(mated) else None,
        impostor_mean=None if alone else float(others.mean()),
        imitated_mean=float(imitators.mean()) if len(imitators) else None,
        nearest=None if nearest is None else float(scores.nearest_score[nearest]),
        nearest_person="" if nearest is None else scores.people[scores.nearest[nearest]],
        traits=(),
    )


@dataclass(frozen=True)
class LookAlike:
    """Two people who resemble each other.

    Attributes:
        similarity: of their fused templates.
        closest: the greatest similarity of a template of one with the fused template of the other: what a search would find.
    """

    first: str
    second: str
    similarity: float
    closest: float

    def reaches(self, threshold: float) -> bool:
        """Whether one of them could be named as the other at this threshold (`>=`)."""
        return max(self.similarity, self.closest) >= threshold


def look_alikes(scores: GalleryScores, fused: NDArray[np.floating], most: int = 20) -> list[LookAlike]:
    """The most similar pairs of people, by the greater similarity; `fused`: (people, d) templates in the order of `scores.people`."""
    people = len(scores.people)
    if people < 2 or most < 1:
        return []
    # a pair among the closest of all is among the closest of one of its templates
    near = min(most, people - 1)
    others = np.argpartition(-scores.others, near - 1, axis=1)[:, :near]
    probes = np.repeat(np.arange(len(scores.rows)), near)
    ends = np.sort(np.stack([scores.owners[probes], others.ravel()], 1), axis=1)
    pairs, group = np.unique(ends, axis=0, return_inverse=True)
    closest = np.full(len(pairs), -1.0)
    np.maximum.at(closest, group.ravel(), scores.others[probes, others.ravel()])
    alike = (fused[pairs[:, 0]] * fused[pairs[:, 1]]).sum(1)
    best = np.argsort(-np.maximum(alike, closest), kind="stable")[:most]
    return [
        LookAlike(scores.people[a], scores.people[b], float(alike[row]), float(closest[row]))
        for row, (a, b) in zip(best.tolist(), pairs[best].tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Outlier:
    """A template, at a row of the gallery, that does not fit its person: perhaps somebody else's photo, or a poor one.

    Attributes:
        similarity: with the rest of the person.
        nearest, nearest_person: the most similar other person.
    """

    row: int
    person: str
    similarity: float
    nearest: float | None
    nearest_person: str


def outliers(scores: GalleryScores, different: float) -> list[Outlier]:
    """Templates whose similarity with the rest of their person is below `different`, or below that with somebody else; worst first.

    Of two templates both are reported, because nobody can know which one is wrong.
    """
    alone = len(scores.people) < 2
    far = scores.mated & ((scores.own < different) | (scores.own < scores.nearest_score))
    found = [
        Outlier(
            int(scores.rows[row]),
            scores.people[scores.owners[row]],
            float(scores.own[row]),
            None if alone else float(scores.nearest_score[row]),
            "" if alone else scores.people[scores.nearest[row]],
        )
        for row in np.flatnonzero(far)
    ]
    return sorted(found, key=lambda each: each.similarity)


@dataclass(frozen=True)
class PhotosEffect:
    """FNMR at one threshold by the number of photos enrolled per person, for the people who have more photos than the largest."""

    photos: tuple[int, ...]
    people: int
    fnmr: tuple[Estimate, ...]


def photos_effect(
    embeddings: NDArray[np.floating],
    owners: NDArray[np.intp],
    weights: NDArray[np.floating],
    threshold: float,
    *,
    photos: Sequence[int] = (),
) -> PhotosEffect:
    """The effect of more enrolment photos: each template is compared with several others of its person, drawn at random and fused.

    If there are more than five hundred people, five hundred represent all.

    Args:
        embeddings: (n, d) unit rows.
        owners: (n,) index of each template's person.
        weights: (n,) in the fused template.
        threshold: acceptance is `>=`.
        photos: numbers to try; default: from 1 to what half of the people with several templates can spare.
    """
    counts = np.bincount(owners) if len(owners) else np.empty(0, np.intp)
    several = counts[counts > 1] - 1
    tried = tuple(photos) or tuple(range(1, int(np.median(several)) + 1 if len(several) else 1))
    able = np.flatnonzero(counts > max(tried, default=0))
    able = able[np.linspace(0, len(able) - 1, min(len(able), _MOST_PEOPLE)).astype(np.intp)] if len(able) else able
    if not tried or not len(able):
        return PhotosEffect((), 0, ())
    generator = np.random.default_rng(0)
    missed, trials = np.zeros((len(tried), len(counts))), np.zeros(len(counts))
    scaled = np.asarray(embeddings, np.float64) * np.asarray(weights, np.float64)[:, None]
    for person in able:
        rows = np.flatnonzero(owners == person)
        trials[person] = len(rows)
        for row in rows:
            rest = rows[rows != row]
            order = generator.permuted(np.tile(rest, (_DRAWS, 1)), axis=1)
            running = np.cumsum(scaled[order[:, : max(tried)]], axis=1)
            similarity = (running @ embeddings[row]) / np.maximum(np.linalg.norm(running, axis=2), 1e-12)
            missed[:, person] += (similarity[:, np.array(tried) - 1] < threshold).mean(0)
    resampling = Resampling(len(counts))
    return PhotosEffect(tried, len(able), tuple(resampling.rate(row, trials) for row in missed))
