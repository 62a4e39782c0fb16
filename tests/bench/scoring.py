"""From embeddings to scores in other ways than one cosine per pair, and a choice among recipes that is judged on people it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.evaluation import Comparisons, Ranked

__all__ = ["NORMALISATIONS", "Choice", "Fusion", "all_pairs", "choose", "held_out", "template_scores"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Score = Callable[[Floats, Floats], Floats]
Fusion = Literal["weighted", "mean", "closest", "mean score"]

_NEAREST = 20  # of a cohort, for the adaptive s-norm


def all_pairs(table: Floats, owners: Indices, kept: NDArray[np.bool_] | None = None) -> Comparisons:
    """Each pair of photos once.

    Args:
        table: (n, n) similarities.
        owners: (n,) whose photo each is, from 0.
        kept: (n,) photos that take part; default: all.
    """
    first, second = np.triu_indices(len(table), 1)
    if kept is not None:
        both = kept[first] & kept[second]
        first, second = first[both], second[both]
    people = int(owners.max(initial=-1)) + 1
    return Comparisons(table[first, second], np.stack([owners[first], owners[second]], 1), people)


# --------------------------------------------------------------------------------------------- score normalisation


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))


def _cosine(faces: Floats, cohort: Floats) -> Floats:
    return np.asarray(faces @ faces.T)


def _centred(faces: Floats, cohort: Floats) -> Floats:
    rows = _unit(faces - cohort.mean(0))
    return np.asarray(rows @ rows.T)


def _standardised(faces: Floats, cohort: Floats, nearest: int | None = None) -> Floats:
    """(n, n): the score in deviations from what the cohort scores against the face of the row."""
    against = np.sort(faces @ cohort.T, axis=1)[:, -(nearest or len(cohort)) :]
    return np.asarray((faces @ faces.T - against.mean(1)[:, None]) / np.maximum(against.std(1)[:, None], 1e-12))


def _z_norm(faces: Floats, cohort: Floats) -> Floats:
    return _standardised(faces, cohort)


def _s_norm(faces: Floats, cohort: Floats) -> Floats:
    z = _standardised(faces, cohort)
    return np.asarray((z + z.T) / 2)


def _adaptive(faces: Floats, cohort: Floats) -> Floats:
    z = _standardised(faces, cohort, _NEAREST)
    return np.asarray((z + z.T) / 2)


NORMALISATIONS: Mapping[str, Score] = MappingProxyType(
    {
        "cosine (default)": _cosine,
        "cosine after taking off the others' mean": _centred,
        "z-norm: one face against the others": _z_norm,
        "s-norm: both faces against the others": _s_norm,
        f"adaptive s-norm: against the {_NEAREST} nearest others": _adaptive,
    }
)
"""Scores of faces (n, d) given a cohort (m, d) of other people: z-norm after Li & Porter 1988, s-norm after Kenny 2010."""


def _splits(owners: Indices) -> Iterator[tuple[int, int]]:
    return combinations(range(int(owners.max(initial=-1)) + 1), 2)


def held_out(embeddings: Floats, owners: Indices, score: Score) -> Comparisons:
    """Score every two people apart, with all others as the cohort, so that nobody who is compared is in it.

    A pair of two people's photos occurs once, a pair of one person's photos once for each other person.

    Args:
        embeddings: (n, d) unit rows.
        owners: (n,).
        score: one of `NORMALISATIONS`.

    Raises:
        ValueError: there are fewer than three people.
    """
    people = int(owners.max(initial=-1)) + 1
    if people < 3:
        raise ValueError(f"expected three people or more, got {people}")
    parts = []
    for pair in _splits(owners):
        inside = np.isin(owners, pair)
        parts.append(all_pairs(score(embeddings[inside], embeddings[~inside]), owners[inside]))
    return _joined(parts, people)


def _joined(parts: list[Comparisons], people: int) -> Comparisons:
    return Comparisons(
        np.concatenate([each.scores for each in parts]), np.concatenate([each.subjects for each in parts]), people
    )


# --------------------------------------------------------------------------------------------- choice


@dataclass(frozen=True)
class Choice:
    """What choosing a recipe on some people gives on others.

    Attributes:
        chosen: recipe → in how many splits it was chosen.
        scores: of the chosen recipes, on the people held out.
        default: of the first recipe on the same comparisons.
    """

    chosen: Mapping[str, int]
    scores: Comparisons
    default: Comparisons


def choose(tables: Mapping[str, Floats], owners: Indices) -> Choice:
    """Hold out every two people in turn, choose the recipe with the best AUC on the others, and score the two with it.

    Args:
        tables: (n, n) similarities by recipe, on one scale; the first is the default and wins ties.
        owners: (n,).

    Raises:
        ValueError: there are fewer than four people.
    """
    people = int(owners.max(initial=-1)) + 1
    if people < 4:
        raise ValueError(f"expected four people or more, got {people}")
    default = next(iter(tables))
    one_each = np.ones((1, people))
    chosen: Counter[str] = Counter()
    parts: tuple[list[Comparisons], list[Comparisons]] = ([], [])
    for pair in _splits(owners):
        tested = np.isin(owners, pair)
        # of equals the first is the greatest
        best = max(tables, key=lambda name: _auc(all_pairs(tables[name], owners, ~tested), one_each))
        chosen[best] += 1
        for name, part in zip((best, default), parts, strict=True):
            part.append(all_pairs(tables[name], owners, tested))
    return Choice(dict(chosen), _joined(parts[0], people), _joined(parts[1], people))


def _auc(comparisons: Comparisons, weights: Floats) -> float:
    # people who take no part have no comparisons, so their weight does not matter
    return float(Ranked(comparisons).of_people(weights[:, : comparisons.people])[0, 0])


# --------------------------------------------------------------------------------------------- templates


def template_scores(
    embeddings: Floats,
    owners: Indices,
    weights: Floats,
    photos: int,
    fusion: Fusion,
    *,
    most: int = 10,
    draws: int = 10,
    seed: int = 0,
) -> Comparisons:
    """Photos against templates of several photos.

    Args:
        embeddings: (n, d) unit rows.
        owners: (n,).
        weights: (n,) in a fused template; 0: not enrolled.
        photos: enrolled per person.
        fusion: `weighted` by quality or plain `mean` of the embeddings, the `closest` photo, or the `mean score` of all.
        most: photos set aside for enrolment in each draw, of which the first are used: so the probes are the same for every number.
        draws: of these.
        seed: the same seed gives the same draws.

    Raises:
        ValueError: an unknown fusion; somebody has no more good photos than are set aside; or more are wanted than that.
    """
    if fusion not in get_args(Fusion):
        raise ValueError(f"expected one of {', '.join(get_args(Fusion))}, got {fusion!r}")
    people = int(owners.max(initial=-1)) + 1
    fit = [np.flatnonzero((owners == person) & (weights > 0)) for person in range(people)]
    if not people or photos > most or min(len(rows) for rows in fit) <= most:
        raise ValueError(f"expected more than {most} good photos of each of {people} people, {photos} of them enrolled")
    generator = np.random.default_rng(seed)
    parts = []
    for _ in range(draws):
        aside = np.stack([generator.permutation(rows)[:most] for rows in fit])
        probes = np.setdiff1d(np.arange(len(owners)), aside)
        used = aside[:, :photos]
        if fusion in ("weighted", "mean"):
            scale = weights[used] if fusion == "weighted" else np.ones(used.shape)
            table = embeddings[probes] @ _unit((embeddings[used] * scale[..., None]).sum(1)).T
        else:
            each = (embeddings[probes] @ embeddings[used.ravel()].T).reshape(len(probes), people, photos)
            table = each.max(2) if fusion == "closest" else each.mean(2)
        probe, person = np.indices(table.shape)
        parts.append(Comparisons(table.ravel(), np.stack([owners[probes][probe.ravel()], person.ravel()], 1), people))
    return _joined(parts, people)
