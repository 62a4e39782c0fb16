"""The comparisons closest to a threshold: a slightly different one would decide them differently."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.comparisons import NO_SCORE, GalleryScores

_LOOKED_AT = 50
"""Comparisons examined for each one wanted, because the closest ones often belong to a few pairs."""


@dataclass(frozen=True)
class Compared:
    """A comparison of a template, at a row of the gallery, with its own person (without this template) or with somebody else."""

    row: int
    person: str
    other: str
    similarity: float

    @property
    def same(self) -> bool:
        """Whether both are one person."""
        return self.person == self.other


def border(scores: GalleryScores, threshold: float, most: int = 4) -> tuple[list[Compared], list[Compared]]:
    """The comparisons closest to a threshold, at most one for each pair of people.

    Returns:
        The refused and the accepted (`>=`) ones, the closest first.
    """
    mated = np.flatnonzero(scores.mated)
    probe, person = np.nonzero(scores.others > NO_SCORE)
    probes, people = np.concatenate([mated, probe]), np.concatenate([scores.owners[mated], person])
    values = np.concatenate([scores.own[mated], scores.others[probe, person]])
    sides = (np.flatnonzero(values < threshold), np.flatnonzero(values >= threshold))
    refused, accepted = (_nearest(scores, probes[at], people[at], values[at], threshold, most) for at in sides)
    return refused, accepted


def _nearest(
    scores: GalleryScores,
    probes: NDArray[np.intp],
    people: NDArray[np.intp],
    values: NDArray[np.float64],
    threshold: float,
    most: int,
) -> list[Compared]:
    gaps = np.abs(values - threshold)
    looked_at = min(len(gaps), _LOOKED_AT * most)
    near = np.argpartition(gaps, looked_at - 1)[:looked_at] if looked_at else np.empty(0, np.intp)
    found: dict[tuple[str, str], Compared] = {}
    for at in near[np.argsort(gaps[near], kind="stable")].tolist():
        person, other = scores.people[scores.owners[probes[at]]], scores.people[people[at]]
        if len(found) < most:
            found.setdefault((person, other), Compared(int(scores.rows[probes[at]]), person, other, float(values[at])))
    return list(found.values())
