"""Comparisons with the people who took part in them: of labelled photos, and of a gallery with itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.rates import Floats

Indices = NDArray[np.intp]

_MOST_SCORES = 4_000_000
NO_SCORE = -2.0
"""Score in place of an impostor comparison of somebody with themselves: below every similarity."""


def _frozen(array: NDArray[np.generic]) -> None:
    array.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Comparisons:
    """1:1 comparisons. Mated (genuine) ones are of one person with themselves, non-mated (impostor) ones of two people.

    Attributes:
        scores: (n,) float64 similarities.
        subjects: (n, 2) numbers of the people on both sides, from 0.
        people: number of people, including those without a comparison.

    Raises:
        ValueError: scores and subjects differ in number, or a subject is not one of the people.
    """

    scores: Floats
    subjects: Indices
    people: int

    def __post_init__(self) -> None:
        scores = np.array(self.scores, np.float64)
        subjects = np.array(self.subjects, np.intp).reshape(-1, 2)
        if scores.shape != (len(subjects),):
            raise ValueError(f"expected one score for each of {len(subjects)} pairs, got {scores.shape}")
        if len(subjects) and not (subjects.min() >= 0 and subjects.max() < self.people):
            raise ValueError(f"expected people from 0 to {self.people - 1}, got up to {subjects.max()}")
        for name, array in (("scores", scores), ("subjects", subjects)):
            _frozen(array)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def same(self) -> NDArray[np.bool_]:
        """(n,) True where both sides are one person."""
        return np.asarray(self.subjects[:, 0] == self.subjects[:, 1])

    @cached_property
    def genuine(self) -> Floats:
        """(g,) scores of mated comparisons."""
        return np.asarray(self.scores[self.same])

    @cached_property
    def impostor(self) -> Floats:
        """(m,) scores of non-mated comparisons."""
        return np.asarray(self.scores[~self.same])

    @cached_property
    def pairs_of_people(self) -> int:
        """Number of different pairs of people that were compared, whichever of the two was the probe."""
        low, high = np.sort(self.subjects[~self.same], axis=1).T
        return len(np.unique(low * self.people + high))

    @cached_property
    def people_compared(self) -> int:
        """Number of people with a mated comparison."""
        return len(np.unique(self.subjects[self.same, 0]))


def photo_comparisons(embeddings: NDArray[np.floating], owners: Indices) -> Comparisons:
    """All pairs of labelled photos, each once: (n, d) unit rows, and (n,) the number of each photo's person, from 0."""
    first, second = np.triu_indices(len(embeddings), 1)
    scores = (embeddings @ embeddings.T)[first, second] if len(embeddings) else np.empty(0)
    people = int(owners.max()) + 1 if len(owners) else 0
    return Comparisons(scores, np.stack([owners[first], owners[second]], 1), people)


@dataclass(frozen=True, eq=False)
class GalleryScores:
    """A gallery compared with itself: each template is searched as a probe, as if it had not been enrolled.

    It is compared with the fused template of everybody else, and with that of the *rest* of its own person (leave-one-out). In a large
    gallery, evenly spaced templates represent all, so that `own` and `others` hold up to some four million scores.

    Attributes:
        people: ids; the numbers of people below are indices into it.
        rows: (n,) of each probe among the gallery's templates.
        owners: (n,) number of each probe's person.
        own: (n,) similarity with the rest of the person; -2 if there is no rest.
        others: (n, people) similarity with everybody's fused template; -2 in the person's own column.
        counts: (people,) templates of each person.
    """

    people: tuple[str, ...]
    rows: Indices
    owners: Indices
    own: Floats
    others: Floats
    counts: Indices

    def __post_init__(self) -> None:
        for array in (self.rows, self.owners, self.own, self.others, self.counts):
            _frozen(array)

    @cached_property
    def mated(self) -> NDArray[np.bool_]:
        """(n,) True for probes whose person has another template."""
        return np.asarray(self.counts[self.owners] > 1)

    @property
    def singles(self) -> int:
        """People with one template: they give no mated comparison."""
        return int((self.counts == 1).sum())

    @cached_property
    def nearest(self) -> Indices:
        """(n,) number of the most similar other person; -1 if there is none."""
        if len(self.people) < 2:
            return np.full(len(self.rows), -1, np.intp)
        return np.asarray(self.others.argmax(1), np.intp)

    @cached_property
    def nearest_score(self) -> Floats:
        """(n,) similarity with them; -2 if there is none."""
        return np.asarray(self.others.max(1)) if len(self.people) else np.empty(0)

    @cached_property
    def comparisons(self) -> Comparisons:
        """All comparisons one by one, mated first."""
        mated = self.owners[self.mated]
        probe, person = np.nonzero(self.others > NO_SCORE)
        scores = np.concatenate([self.own[self.mated], self.others[probe, person]])
        subjects = np.concatenate([np.stack([mated, mated], 1), np.stack([self.owners[probe], person], 1)])
        return Comparisons(scores, subjects, len(self.people))

    def of_rows(self, kept: NDArray[np.bool_]) -> GalleryScores:
        """The scores of the probes for which `kept`, (n,), is True."""
        return replace(
            self, rows=self.rows[kept], owners=self.owners[kept], own=self.own[kept], others=self.others[kept]
        )


def gallery_scores(
    people: Sequence[str],
    embeddings: NDArray[np.floating],
    owners: Indices,
    weights: NDArray[np.floating],
    *,
    limit: int = _MOST_SCORES,
) -> GalleryScores:
    """Compare a gallery with itself.

    Args:
        embeddings: (n, d) unit rows.
        owners: (n,) index of each template's person.
        weights: (n,) of each template in its person's fused one, 0 or more.
        limit: most scores; beyond it, evenly spaced templates are the probes.
    """
    count = len(people)
    sums = np.zeros((count, embeddings.shape[1]))
    np.add.at(sums, owners, embeddings * np.asarray(weights, np.float64)[:, None])
    probes = min(len(embeddings), max(1, limit // max(count, 1)))
    rows = np.linspace(0, max(len(embeddings) - 1, 0), probes).astype(np.intp)
    of, probe = owners[rows], np.asarray(embeddings[rows], np.float64)
    rest = sums[of] - probe * np.asarray(weights, np.float64)[rows, None]
    counts = np.bincount(owners, minlength=count).astype(np.intp)
    own = np.where(counts[of] > 1, (probe * _unit(rest)).sum(1), NO_SCORE)
    others = probe @ _unit(sums).T
    others[np.arange(len(rows)), of] = NO_SCORE
    return GalleryScores(tuple(people), rows, of, own, others, counts)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
