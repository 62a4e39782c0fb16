"""Do the intervals hold what they promise? Made-up comparisons of people whose true error rates are known.

Similarities are normal with random effects of the people, so that comparisons of one person are correlated, as real ones are:
some people are hard to recognise, some resemble everybody. A 95% interval should hold the true rate in 95 of 100 data sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from engine.evaluation.comparisons import Comparisons
from engine.evaluation.intervals import SubjectBootstrap

__all__ = ["Coverage", "Population", "coverage", "simulate"]


@dataclass(frozen=True)
class Population:
    """People whose error rate is known.

    Attributes:
        kind: which rate.
        people: in a data set.
        templates: comparisons of each person with themselves; of FMR probes of each person, compared with everybody else once.
        rate: the true rate at threshold 0.
        person_share: of the scores' variance that belongs to people, the same in all their comparisons.
    """

    kind: Literal["fmr", "fnmr"]
    people: int
    templates: int
    rate: float
    person_share: float


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the true rate.

    Attributes:
        runs: data sets.
        held: share of them whose interval holds the true rate.
        below, above: share of them whose interval lies wholly below, or above it.
        percentile: share that the bootstrap's plain percentile interval holds.
    """

    runs: int
    held: float
    below: float
    above: float
    percentile: float


def simulate(population: Population, generator: np.random.Generator) -> Comparisons:
    """One data set of a population; its threshold is 0."""
    people, templates, share = population.people, population.templates, population.person_share
    if population.kind == "fnmr":
        scores = np.sqrt(share) * generator.normal(size=(people, 1)) + np.sqrt(1 - share) * generator.normal(
            size=(people, templates)
        )
        owners = np.repeat(np.arange(people), templates)
        return Comparisons(scores.ravel() - scipy.special.ndtri(population.rate), np.stack([owners, owners], 1), people)
    person = generator.normal(size=people)
    pair = np.triu(generator.normal(size=(people, people)), 1)
    effects = np.sqrt(share / 2) * (person[:, None] + person) + np.sqrt((1 - share) / 2) * (pair + pair.T)
    scores = effects[:, None] + np.sqrt((1 - share) / 2) * generator.normal(size=(people, templates, people))
    probe, template, reference = np.nonzero(np.ones(scores.shape))
    kept = probe != reference
    subjects = np.stack([probe[kept], reference[kept]], 1)
    return Comparisons(
        scores[probe, template, reference][kept] + scipy.special.ndtri(population.rate), subjects, people
    )


def coverage(population: Population, *, runs: int = 1000, resamplings: int = 500, seed: int = 0) -> Coverage:
    """Draw data sets, make the interval of each, count how many hold the true rate.

    Args:
        population: with the true rate.
        runs: data sets.
        resamplings: of the bootstrap in each.
        seed: of the generator.
    """
    generator = np.random.default_rng(seed)
    held = below = above = plain = 0
    for _ in range(runs):
        bootstrap = SubjectBootstrap(simulate(population, generator), resamplings, int(generator.integers(2**31)))
        found = bootstrap.fmr(0.0) if population.kind == "fmr" else bootstrap.fnmr(0.0)
        held += found.low <= population.rate <= found.high
        below += found.high < population.rate
        above += found.low > population.rate
        plain += found.percentile[0] <= population.rate <= found.percentile[1]
    return Coverage(runs, held / runs, below / runs, above / runs, plain / runs)
