"""From impostor scores to a threshold. A prior, measured once per model, helps where few people give too few scores."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.evaluation.comparisons import Comparisons, GalleryScores, gallery_scores
from engine.evaluation.identification import fmr_of_fpir
from engine.evaluation.rates import Floats, Scores

_PRIOR_PAIRS = 50.0
_DRAWS = 20
_TAILS = (0.0, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3)
_PROBABILITIES = np.array(
    [*_TAILS, *(np.arange(1, 100) / 100).tolist(), *(1 - np.array(_TAILS[::-1]))], np.float64
).round(6)


@dataclass(frozen=True)
class ImpostorModel:
    """Similarities of different people as a normal distribution."""

    mean: float
    std: float

    def fmr(self, threshold: float) -> float:
        """Expected share of comparisons with one wrong person that reach the threshold."""
        return (
            float(scipy.special.ndtr((self.mean - threshold) / self.std))
            if self.std > 0
            else float(self.mean >= threshold)
        )

    def threshold_at(self, fmr: float) -> float:
        """The threshold that accepts this share, a similarity in [-1, 1]."""
        return float(min(1.0, max(-1.0, self.mean + self.std * float(-scipy.special.ndtri(fmr)))))


def impostor_model(impostor: Scores, people: int, *, prior_mean: float, prior_std: float) -> ImpostorModel:
    """The impostor distribution of a gallery.

    The scores of few people say little about a rate of one in ten thousand. So their distribution is assumed to be normal, with mean and
    variance shrunk towards the model's prior, which counts as fifty pairs of people.

    Args:
        impostor: similarities of templates with other people's fused templates.
    """
    pairs = people * (people - 1) / 2
    weight = pairs / (pairs + _PRIOR_PAIRS) if len(impostor) else 0.0
    if not weight:
        return ImpostorModel(prior_mean, prior_std)
    own = np.asarray(impostor, np.float64)
    own_mean, own_variance = float(own.mean()), float(own.var())
    variance = (
        weight * own_variance + (1 - weight) * prior_std**2 + weight * (1 - weight) * (own_mean - prior_mean) ** 2
    )
    return ImpostorModel(weight * own_mean + (1 - weight) * prior_mean, math.sqrt(variance))


def derive_threshold(
    impostor: Scores, people: int, *, prior_mean: float, prior_std: float, target_fmr: float, target_fpir: float
) -> float:
    """The threshold for a gallery, from its own impostor scores and a prior: see `impostor_model`.

    There the rate of false matches is `target_fmr` per comparison with one wrong person, or `target_fpir` per search by a stranger,
    whichever is stricter.

    Returns:
        A similarity in [-1, 1].
    """
    model = impostor_model(impostor, people, prior_mean=prior_mean, prior_std=prior_std)
    return model.threshold_at(min(target_fmr, fmr_of_fpir(target_fpir, people)))


@dataclass(frozen=True, eq=False)
class PriorCurve:
    """A model's scores on the sample photos, for galleries with too few people of their own.

    Attributes:
        enrolled: photos in a fused template.
        draws: of the photos that are enrolled.
        pairs_mean, pairs_std: similarity of two photos of two people; what thresholds are derived from (`EmbedderSpec.impostor_mean`).
        genuine_scores, impostor_scores: how many comparisons of a photo with a fused template.
        probabilities, genuine, impostor: (q,) quantiles of their similarities.
    """

    model_id: str
    alignment_id: str
    people: int
    photos: int
    enrolled: int
    draws: int
    pairs_mean: float
    pairs_std: float
    genuine_scores: int
    impostor_scores: int
    probabilities: Floats
    genuine: Floats
    impostor: Floats

    def fmr(self, threshold: float) -> float:
        """Share of the sample photos' impostor comparisons at or above a threshold, interpolated between quantiles."""
        return float(1 - np.interp(threshold, self.impostor, self.probabilities, left=0.0, right=1.0))

    def fnmr(self, threshold: float) -> float:
        """Share of the sample photos' genuine comparisons below a threshold."""
        return float(np.interp(threshold, self.genuine, self.probabilities, left=0.0, right=1.0))

    def to_json(self) -> str:
        """The curve as a JSON text, as it is packaged."""
        fields: dict[str, Any] = dict(vars(self))
        quantiles = {name: fields.pop(name).tolist() for name in ("probabilities", "genuine", "impostor")}
        lines = [f'  "{name}": {json.dumps(value)}' for name, value in (fields | quantiles).items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, content: str) -> PriorCurve:
        """A curve from its JSON text."""
        fields: Mapping[str, Any] = json.loads(content)
        arrays = {name: np.array(fields[name], np.float64) for name in ("probabilities", "genuine", "impostor")}
        return cls(**{**fields, **arrays})


@lru_cache(maxsize=8)
def prior_of(model_id: str) -> PriorCurve | None:
    """The prior curve that Muster ships for a model; None: there is none."""
    place = resources.files("engine.evaluation").joinpath("priors", f"{model_id}.json")
    return PriorCurve.from_json(place.read_text(encoding="utf-8")) if place.is_file() else None


def measure_prior(
    pairs: Comparisons,
    embeddings: NDArray[np.floating],
    owners: NDArray[np.intp],
    weights: NDArray[np.floating],
    *,
    model_id: str,
    alignment_id: str,
    enrolled: int = 5,
) -> PriorCurve:
    """Measure a prior curve on labelled photos.

    Args:
        pairs: all photos with each other.
        embeddings: (n, d) unit rows of the photos.
        owners: (n,) whose they are, from 0.
        weights: (n,) in a fused template; 0: not fit to be enrolled.
        enrolled: photos per person that are fused; each other photo is compared with each fused template.

    Raises:
        ValueError: somebody has no more photos than are enrolled, or there are fewer than two people.
    """
    generator = np.random.default_rng(0)
    people = int(owners.max(initial=-1)) + 1
    found: list[GalleryScores] = []
    for _ in range(_DRAWS):
        chosen = [
            generator.permutation(np.flatnonzero((owners == person) & (weights > 0)))[:enrolled]
            for person in range(people)
        ]
        if people < 2 or min(len(each) for each in chosen) < enrolled:
            raise ValueError(f"expected two people or more with {enrolled} good photos each")
        in_gallery = np.concatenate(chosen)
        probes = np.setdiff1d(np.arange(len(owners)), in_gallery)
        # a probe is a template without weight: it is compared with the rest of its person, and is no part of it
        rows = np.concatenate([in_gallery, probes])
        fused = np.where(np.arange(len(rows)) < len(in_gallery), weights[rows], 0.0)
        whole = gallery_scores([str(person) for person in range(people)], embeddings[rows], owners[rows], fused)
        kept = np.arange(len(rows)) >= len(in_gallery)
        found.append(whole.of_rows(kept))
    genuine = np.concatenate([each.own for each in found])
    impostor = np.concatenate([each.comparisons.impostor for each in found])
    other = pairs.impostor
    return PriorCurve(
        model_id,
        alignment_id,
        people,
        len(owners),
        enrolled,
        _DRAWS,
        round(float(other.mean()), 4),
        round(float(other.std()), 4),
        len(genuine),
        len(impostor),
        _PROBABILITIES,
        np.quantile(genuine, _PROBABILITIES).round(4),
        np.quantile(impostor, _PROBABILITIES).round(4),
    )
