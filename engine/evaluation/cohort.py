"""A cohort: how alike thousands of people are to a model, and what a threshold therefore promises.

A gallery's own people are too few to show a rate of one in ten thousand. So the distribution of impostor scores is measured once per
model on a large cohort, and shipped as statistics. Up to the rate `TAIL`, the measured quantiles are used; beyond it, a
generalised Pareto distribution over the exceedances (Pickands 1975; Coles 2001, 4), because the tail of real faces is heavier than that
of a normal distribution.

Three things keep the promise where it is hardest:

- Scores are those of a photo with a *fused* template, by the number of photos in it, as cameras search: a mean of three photos is more
  like everybody than a single photo is.
- The cohort mixes men and women, who are hardly ever taken for one another. The staff of one sex, or of one family, are more alike:
  the rate holds for the half of the cohort's people who resemble others most (`harder`), or for the gallery itself if its people
  resemble each other even more (`Impostors`).
- The tail is taken one standard error higher than it was measured.

Large collections hold people under two names. Pairs of people more alike than the tail allows are left out, and listed by whoever
measures (`engine.evaluation.measuring`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.evaluation.identification import fmr_of_fpir
from engine.evaluation.rates import Floats, Scores

TAIL = 1e-3
"""Share of comparisons that the fitted tail covers."""
STAND_IN = "facenet-ms1m-128"
"""Whose cohort is used for a model that was never measured: a FaceNet, too."""
PHOTOS = (1, 2, 3)
"""Photos in a fused template for which scores are measured; more make no difference."""

_ALIKE = 1e-2
_OWN_PAIRS = 5.0
"""Pairs beyond the rate `_ALIKE` that a gallery is credited with in advance: a few people prove little."""
PROBABILITIES = np.array([0, *np.geomspace(1e-4, 0.01, 9), *(np.arange(2, 100) / 100), 0.995, 0.998, 1 - TAIL])


@dataclass(frozen=True)
class Tail:
    """The exceedances beyond a score: generalised Pareto.

    Attributes:
        start: the score beyond which `TAIL` of all comparisons lie.
        scale, shape: of the distribution; a negative shape ends somewhere.
        error: standard error of the natural logarithm of the rate, per unit of log10 beyond the start.
    """

    start: float
    scale: float
    shape: float
    error: float

    def rate(self, threshold: float) -> float:
        """The share of comparisons at or above a threshold that is not below the start."""
        base = max(1 + self.shape * (threshold - self.start) / self.scale, 1e-300)
        decades = -np.log10(base) / self.shape  # how far beyond the start, in powers of ten
        return float(TAIL * 10 ** (decades + np.log10(np.e) * self.error * min(-decades, 4.0)))

    def threshold(self, rate: float) -> float:
        """The threshold at which the share of comparisons is `rate`, at most `TAIL`."""
        low, high = self.start, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.rate(middle) > rate else (low, middle)
        return high


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of photos with fused templates of so many photos.

    Attributes:
        photos: in a template.
        impostors, genuines: comparisons.
        impostor, genuine: quantiles of their scores at `PROBABILITIES`; those of impostors end where the tail begins.
        tail: of the impostors.
    """

    photos: int
    impostors: int
    genuines: int
    impostor: Floats
    genuine: Floats
    tail: Tail

    @classmethod
    def of(cls, *, impostor: list[float], genuine: list[float], tail: Mapping[str, float], **counts: int) -> Scored:
        """As a JSON file holds it."""
        return cls(impostor=np.array(impostor), genuine=np.array(genuine), tail=Tail(**tail), **counts)


@dataclass(frozen=True, eq=False)
class Cohort:
    """How alike people are to a model.

    Attributes:
        model_id, alignment_id: the recipe that was measured.
        people, photos: measured; of one person at most five photos.
        pairs_mean, pairs_std: similarity of two photos of two people.
        harder: how much oftener than all people the half who resemble others most are taken for somebody.
        scored: by the number of photos in a template, one row for each of `PHOTOS`.
    """

    model_id: str
    alignment_id: str
    people: int
    photos: int
    pairs_mean: float
    pairs_std: float
    harder: float
    scored: tuple[Scored, ...]

    def _of(self, photos: int) -> Scored:
        return self.scored[min(max(photos, 1), len(self.scored)) - 1]

    def fmr(self, threshold: float, photos: int = 3) -> float:
        """The share of strangers' photos that reach a threshold with one person's template of so many photos."""
        found = self._of(photos)
        if threshold >= found.tail.start:
            return found.tail.rate(threshold)
        return float(1 - np.interp(threshold, found.impostor, PROBABILITIES, left=0.0))

    def fnmr(self, threshold: float, photos: int = 3) -> float:
        """The share of people's own photos that do not reach a threshold with their template of so many photos."""
        found = self._of(photos)
        return float(np.interp(threshold, found.genuine, PROBABILITIES, left=0.0, right=1.0))

    def drawn(self, *, genuine: bool, photos: int = 3, count: int = 4000) -> Floats:
        """So many scores, evenly spread over the distribution of genuines or impostors: for a chart."""
        found = self._of(photos)
        places = (np.arange(count) + 0.5) / count
        return np.asarray(np.interp(places, PROBABILITIES, found.genuine if genuine else found.impostor))

    def to_json(self) -> str:
        """The cohort as a JSON text, as it is packaged."""
        fields: dict[str, Any] = {name: value for name, value in vars(self).items() if name != "scored"}
        rows = []
        for each in self.scored:
            row = {**vars(each), "tail": {name: round(value, 5) for name, value in asdict(each.tail).items()}}
            rows.append({**row, "impostor": each.impostor.round(4).tolist(), "genuine": each.genuine.round(4).tolist()})
        lines = ",\n".join(json.dumps(row) for row in rows)
        return f'{json.dumps(fields)[:-1]},\n"scored": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, content: str) -> Cohort:
        """A cohort from its JSON text."""
        fields: Mapping[str, Any] = json.loads(content)
        scored = tuple(Scored.of(**each) for each in fields["scored"])
        return cls(**{**fields, "scored": scored})


@lru_cache(maxsize=8)
def cohort_of(model_id: str) -> Cohort:
    """The cohort that comes with Muster for a model; that of `STAND_IN` for one that was never measured."""
    folder = resources.files("engine.evaluation").joinpath("cohorts")
    place = folder.joinpath(f"{model_id}.json")
    found = place if place.is_file() else folder.joinpath(f"{STAND_IN}.json")
    return Cohort.from_json(found.read_text(encoding="utf-8"))


@dataclass(frozen=True, eq=False)
class Impostors:
    """How often strangers reach a threshold in one gallery.

    Attributes:
        cohort: the people from whom rates are taken.
        counts: (people,) templates of each person.
        alike: how much oftener its people resemble each other than the cohort's do, from their own scores; 1 or more.
    """

    cohort: Cohort
    counts: NDArray[np.intp]
    alike: float

    @property
    def factor(self) -> float:
        """By how much the cohort's rates are raised: for its harder half, or for this gallery."""
        return max(self.cohort.harder, self.alike)

    def fmr(self, threshold: float) -> float:
        """Expected share of strangers' photos that reach a threshold with one of the gallery's people, the mean over them."""
        several = np.bincount(np.clip(self.counts, 1, len(PHOTOS)), minlength=len(PHOTOS) + 1)[1:]
        weights = several / several.sum() if several.sum() else np.array([0.0] * (len(PHOTOS) - 1) + [1.0])
        rates = [self.cohort.fmr(threshold, photos) for photos in PHOTOS]
        return min(1.0, self.factor * float(np.dot(weights, rates)))

    def threshold_at(self, fmr: float) -> float:
        """The lowest threshold, to 1e-6, at which that share is accepted; in [-1, 1]."""
        low, high = -1.0, 1.0
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (middle, high) if self.fmr(middle) > fmr else (low, middle)
        return high


def impostors_of(cohort: Cohort, scores: Scores, counts: NDArray[np.intp]) -> Impostors:
    """The impostors of a gallery.

    Args:
        scores: similarities of its templates with the fused templates of other people.
        counts: (people,) templates of each person.
    """
    pairs = len(counts) * (len(counts) - 1) / 2
    plain = Impostors(cohort, counts, 1.0)
    expected = _ALIKE / plain.factor
    at = plain.threshold_at(_ALIKE)
    seen = float((np.asarray(scores) >= at).mean()) if len(scores) else 0.0
    return Impostors(cohort, counts, max(1.0, (seen * pairs + _OWN_PAIRS) / (expected * pairs + _OWN_PAIRS)))


def derive_threshold(impostors: Impostors, *, target_fmr: float, target_fpir: float) -> float:
    """The threshold of a gallery: where strangers are named as seldom as asked for, per comparison or per search, the stricter.

    Args:
        impostors: of the gallery.
        target_fmr: accepted share of comparisons with one wrong person.
        target_fpir: accepted share of strangers' searches that name somebody.

    Returns:
        A similarity in [-1, 1].
    """
    return impostors.threshold_at(min(target_fmr, fmr_of_fpir(target_fpir, len(impostors.counts))))
