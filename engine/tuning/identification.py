"""Open-set identification with labelled photos: galleries are drawn from the people, and everybody else is a stranger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation import Estimate, Resampling
from engine.gallery import Gallery, Template
from engine.tuning.reading import LabelledPhotos

Threshold = Callable[[Gallery], float]

_DRAWS = 10
_ONE_BY_ONE = 50  # people; in a larger gallery half of them are strangers to the other half
_AT_ONCE = 1000  # searches
_FEWEST_STRANGERS = 10
_MOST_SEARCHES = 5  # of somebody enrolled; strangers have at most three
_STRANGERS_PHOTOS = 3

SIZES = ((5, 3), (10, 3), (50, 3), (200, 1), (1000, 1))
"""People in a gallery, and photos enrolled of each."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """What galleries are made of, and how they are searched.

    Attributes:
        model_id, alignment_id: of the embeddings.
        min_margin: how far the best person must be ahead of the runner-up.
    """

    model_id: str
    alignment_id: str
    min_margin: float


@dataclass(frozen=True)
class PromiseKept:
    """What the derived threshold gave in galleries of one size. Intervals are 95% intervals over people.

    Attributes:
        people, photos: in a gallery, and enrolled of each.
        strangers: people who were searched without being enrolled.
        draws: galleries.
        threshold: their mean.
        promised: FPIR that was asked for.
        fpir: share of strangers' photos that were named.
        fnir: share of enrolled people's other photos that were not named rightly; None: nobody has another.
    """

    people: int
    photos: int
    strangers: int
    draws: int
    threshold: float
    promised: float
    fpir: Estimate
    fnir: Estimate | None


def _drawn(photos: LabelledPhotos, chosen: Sequence[tuple[int, NDArray[np.intp]]], recipe: Recipe) -> Gallery:
    """A gallery of people and the rows of their photos."""
    rows = np.concatenate([rows for _, rows in chosen])
    templates = [
        Template(f"{row}", str(person), float(photos.weights[row])) for person, own in chosen for row in own.tolist()
    ]
    return Gallery(recipe.model_id, recipe.alignment_id, photos.embeddings[rows], tuple(templates))


def _search(
    gallery: Gallery, probes: NDArray[np.float32], threshold: float, min_margin: float
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The number of the best person (n,), and whether they are named (n,), as `engine.types.Match` decides."""
    people = np.array([int(person) for person in gallery.people], np.intp)
    best, named = [np.empty(0, np.intp)], [np.empty(0, np.bool_)]
    for start in range(0, len(probes), _AT_ONCE):
        scores = probes[start : start + _AT_ONCE] @ gallery.fused.T
        rows, first = np.arange(len(scores)), scores.argmax(1)
        top = scores[rows, first].astype(np.float64)
        scores[rows, first] = -np.inf
        best.append(people[first])
        named.append((top >= threshold) & (top - scores.max(1) >= min_margin))
    return np.concatenate(best), np.concatenate(named)


def not_measured(reason: str) -> dict[str, Any]:
    """Return an identification report with the reason why nothing was measured."""
    return {"rank1": None, "fpir": None, "fnir": None, "threshold": None, "reason": reason}


def identification(photos: LabelledPhotos, enrol: int | None, recipe: Recipe, threshold: Threshold) -> dict[str, Any]:
    """Measure open-set identification over ten draws of enrolled photos.

    Each person in turn is left out of the gallery and searched as a stranger. Of more than fifty people, half are drawn as
    strangers instead. People with too few photos are strangers, too.

    Args:
        enrol: photos enrolled of each person; None: up to 5, as many as at least three people have beside one to search with.
    """
    own = [np.flatnonzero(photos.owners == person) for person in range(len(photos.people))]
    good = [rows[photos.weights[rows] > 0] for rows in own]

    def enough(count: int) -> list[int]:
        return [person for person, rows in enumerate(own) if len(good[person]) >= count and len(rows) > count]

    if enrol is None:
        enrol = next((count for count in (5, 4, 3, 2, 1) if len(enough(count)) >= 3), 1)
    usable = enough(enrol)
    if len(usable) < 3:  # a stranger, and two people to distinguish
        return not_measured(f"fewer than three people have {enrol} good photos and one more")
    generator = np.random.default_rng(0)
    found = _Searches(photos, recipe.min_margin)
    thresholds = []
    several = len(usable) > _ONE_BY_ONE
    for _ in range(_DRAWS):
        chosen = [(person, np.sort(generator.permutation(good[person])[:enrol])) for person in usable]
        if several:
            chosen = [chosen[place] for place in np.sort(generator.permutation(len(chosen))[: len(chosen) // 2])]
        gallery = _drawn(photos, chosen, recipe)
        limit = threshold(gallery)
        thresholds.append(limit)
        if not several:
            for person in usable:
                without = gallery.remove(str(person))
                found.strangers(without, own[person], threshold(without))
        inside = np.isin(photos.owners, [person for person, _ in chosen] if several else usable)
        found.strangers(gallery, np.flatnonzero(~inside), limit)
        enrolled = np.concatenate([rows for _, rows in chosen])
        found.enrolled(gallery, np.setdiff1d(np.flatnonzero(inside), enrolled), limit)
    rank1, fpir, fnir = found.rates(_DRAWS)
    return {
        "enrolled_photos": enrol,
        "people": len(chosen),
        "draws": _DRAWS,
        "rank1": rank1.value,
        "fpir": fpir.value,
        "fnir": fnir.value,
        "threshold": float(np.mean(thresholds)),
        "intervals": {"rank1": rank1.interval, "fpir": fpir.interval, "fnir": fnir.interval},
    }


class _Searches:
    """Counts, for each person, of searches and of those that went right or wrong."""

    def __init__(self, photos: LabelledPhotos, min_margin: float) -> None:
        self._photos, self._min_margin = photos, min_margin
        self._counts = np.zeros((5, len(photos.people)))  # strangers' searches and names; enrolled ones', first, named

    def strangers(self, gallery: Gallery, rows: NDArray[np.intp], limit: float) -> None:
        """Search photos of people who are not in the gallery."""
        _, named = _search(gallery, self._photos.embeddings[rows], limit, self._min_margin)
        self._add(0, rows)
        self._add(1, rows[named])

    def enrolled(self, gallery: Gallery, rows: NDArray[np.intp], limit: float) -> None:
        """Search other photos of people who are in the gallery."""
        best, named = _search(gallery, self._photos.embeddings[rows], limit, self._min_margin)
        right = best == self._photos.owners[rows]
        self._add(2, rows)
        self._add(3, rows[right])
        self._add(4, rows[right & named])

    def _add(self, kind: int, rows: NDArray[np.intp]) -> None:
        self._counts[kind] += np.bincount(self._photos.owners[rows], minlength=len(self._photos.people))

    def rates(self, draws: int) -> tuple[Estimate, Estimate, Estimate]:
        """Rank-1, FPIR and FNIR; the draws reuse the same photos, so together they count as one."""
        strange, names, searches, first, named = self._counts / draws
        resampling = Resampling(len(self._photos.people))
        return (
            resampling.rate(first, searches),
            resampling.rate(names, strange),
            resampling.rate(searches - named, searches),
        )


def promise_kept(
    photos: LabelledPhotos,
    recipe: Recipe,
    threshold: Threshold,
    promised: float,
    *,
    sizes: Sequence[tuple[int, int]] = SIZES,
    draws: Callable[[int], int] = lambda size: max(4, min(40, 2000 // size)),
    seed: int = 0,
) -> list[PromiseKept]:
    """Draw galleries of several sizes and measure a single look of strangers and of the people in them, with photos that pass the gate.

    Sizes for which there are too few people are left out.

    Args:
        threshold: of a gallery, as derived for `promised`.
        promised: FPIR.
        sizes: people, and photos enrolled of each.
        draws: galleries by size.
    """
    return [
        counts.result(promised)
        for people, enrol in sizes
        if (counts := promise_counts(photos, recipe, threshold, people, enrol, draws(people), seed)) is not None
    ]


@dataclass
class PromiseCounts:
    """What was counted in galleries of one size; counts of the same people can be added.

    Attributes:
        wrong: (2, k) strangers, and the people they were taken for.
        searches: (people,) of strangers.
        shares: (people,) of these searches for which people in the gallery account, one part in N each.
        missed, trials: (people,) of searches by people in the gallery.
    """

    people: int
    photos: int
    thresholds: list[float]
    wrong: NDArray[np.intp]
    searches: NDArray[np.float64]
    shares: NDArray[np.float64]
    missed: NDArray[np.float64]
    trials: NDArray[np.float64]

    def __add__(self, other: PromiseCounts) -> PromiseCounts:
        return PromiseCounts(
            self.people,
            self.photos,
            self.thresholds + other.thresholds,
            np.concatenate([self.wrong, other.wrong], axis=1),
            self.searches + other.searches,
            self.shares + other.shares,
            self.missed + other.missed,
            self.trials + other.trials,
        )

    def result(self, promised: float) -> PromiseKept:
        """The rates."""
        resampling = Resampling(len(self.missed))
        draws, strangers = len(self.thresholds), int((self.searches > 0).sum())
        fnir = resampling.rate(self.missed, self.trials) if self.trials.any() else None
        mean = float(np.mean(self.thresholds))
        return PromiseKept(self.people, self.photos, strangers, draws, mean, promised, self._fpir(resampling), fnir)

    def _fpir(self, resampling: Resampling) -> Estimate:
        """FPIR, whose errors belong to two people each: the variances of drawing strangers and of drawing people in galleries are
        added, less that of their pairs, which both contain (Cameron, Gelbach & Miller 2011)."""
        count, total = self.wrong.shape[1], float(self.searches.sum())
        _, repeats = np.unique(self.wrong, axis=1, return_counts=True)
        sides = []
        for people, trials in zip(self.wrong, (self.searches, self.shares), strict=True):
            errors = np.bincount(people, minlength=len(trials))
            drawn = resampling.weights @ trials
            sides.append(float(((resampling.weights @ errors) / np.maximum(drawn, 1e-12)).var()))
        spread = np.sqrt(max(*sides, sum(sides) - float((repeats**2).sum()) / total**2))
        around = np.array([count / total - spread, count / total + spread])
        strangers = int((self.searches > 0).sum())
        return Resampling.estimate(float(count), int(total), around, np.ones(2), strangers, strangers)


def promise_counts(
    photos: LabelledPhotos, recipe: Recipe, threshold: Threshold, people: int, enrol: int, draws: int, seed: int = 0
) -> PromiseCounts | None:
    """Draw galleries of so many people; None: there are too few.

    People who have more photos than are enrolled come first, because the others show nothing about misses.
    """
    generator = np.random.default_rng(seed)
    count = len(photos.people)
    good = [
        generator.permutation(np.flatnonzero((photos.owners == person) & (photos.weights > 0)))
        for person in range(count)
    ]
    more = [person for person, rows in enumerate(good) if len(rows) > enrol]
    just = [person for person, rows in enumerate(good) if len(rows) == enrol]
    if len(more) + len(just) < people or sum(len(rows) > 0 for rows in good) < people + _FEWEST_STRANGERS:
        return None
    looked = np.concatenate([rows[:_STRANGERS_PHOTOS] for rows in good])
    nobody = np.zeros(count)
    found = PromiseCounts(people, enrol, [], np.empty((2, 0), np.intp), *(nobody.copy() for _ in range(4)))
    for _ in range(draws):
        drawn = [*generator.permutation(more).tolist(), *generator.permutation(just).tolist()][:people]
        order = [generator.permutation(good[person]) for person in drawn]
        gallery = _drawn(photos, [(person, rows[:enrol]) for person, rows in zip(drawn, order, strict=True)], recipe)
        limit = threshold(gallery)
        strangers = looked[~np.isin(photos.owners[looked], drawn)]
        best, named = _search(gallery, photos.embeddings[strangers], limit, recipe.min_margin)
        own = np.concatenate([rows[enrol : enrol + _MOST_SEARCHES] for rows in order])
        answer, known = _search(gallery, photos.embeddings[own], limit, recipe.min_margin)
        wrong = ~(known & (answer == photos.owners[own]))
        inside = nobody.copy()
        inside[drawn] = len(strangers) / people
        found += PromiseCounts(
            people,
            enrol,
            [limit],
            np.stack([photos.owners[strangers[named]], best[named]]),
            np.bincount(photos.owners[strangers], minlength=count).astype(float),
            inside,
            np.bincount(photos.owners[own[wrong]], minlength=count).astype(float),
            np.bincount(photos.owners[own], minlength=count).astype(float),
        )
    return found


def told(found: PromiseKept) -> dict[str, Any]:
    """The same for JSON: rates as `value`, `low` and `high`."""
    fields = {name: value for name, value in asdict(found).items() if name not in {"fpir", "fnir"}}
    rates = {"fpir": found.fpir, "fnir": found.fnir}
    return {
        **fields,
        **{
            name: None if rate is None else {"value": rate.value, "low": rate.low, "high": rate.high}
            for name, rate in rates.items()
        },
    }
