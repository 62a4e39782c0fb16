"""How well three engines tell people apart on the same photos, and what other recipes of ours would give.

Rates follow ISO/IEC 19795-1:2021. A photo in which an engine finds no face is a failure to acquire (FTA). Pairs are counted in two
ways: *all* pairs, where one with such a photo is accepted at no threshold, so that FMR and FNMR become the generalised rates GFAR and
GFRR; and *common* pairs, those that every engine could score, which spares an engine the photos it could not read.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.embedding import Embedder
from engine.errors import InputError
from engine.evaluation import Comparisons, Rate, Resampling, clopper_pearson, curve, figures, threshold_at_fmr
from engine.face_reader import open_embedder
from engine.models import FUSED
from engine.workbench import Workbench
from tests.bench.loops import has_dlib
from tests.bench.paired import paired
from tests.bench.readings import Progress, Reading, dlib_reading, facenet_readings
from tests.bench.recipes import DEFAULT, RECIPES, SamplePhotos, read_samples, recipe_readings
from tests.bench.scoring import NORMALISATIONS, Fusion, all_pairs, choose, held_out, template_scores

__all__ = ["DLIB", "FACENET", "FACENET_SUBJECT", "MUSTER", "compare", "per_person", "run_accuracy"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MUSTER = "muster"
FACENET = "facenet-pytorch"
FACENET_SUBJECT = "facenet-pytorch, face chosen as muster does"
DLIB = "face_recognition"

_FAR = 0.001
_FPIR = 0.01
_ENROLLED = 5
_DRAWS = 20
_DET_POINTS = 250
_FUSIONS: tuple[tuple[str, int, Fusion], ...] = (
    ("5 photos, mean weighted by quality (default)", 5, "weighted"),
    ("5 photos, plain mean", 5, "mean"),
    ("5 photos, the closest one", 5, "closest"),
    ("5 photos, mean of the five scores", 5, "mean score"),
    ("1 photo", 1, "weighted"),
    ("3 photos", 3, "weighted"),
    ("10 photos", 10, "weighted"),
)


def _told(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"value": each.value, "low": each.low, "high": each.high} for name, each in found.items()}


def _differences(one: Comparisons, other: Comparisons) -> dict[str, Any]:
    found = paired(one, other)
    return {name: {**asdict(each), "significant": each.significant} for name, each in found.items()}


def per_person(reading: Reading, owners: Indices, threshold: float) -> list[dict[str, Any]]:
    """FNMR and the nearest impostor of everybody.

    Args:
        reading: of the photos.
        owners: (n,).
        threshold: acceptance is `>=`.

    Returns:
        Per person `photos`, `no_face`, `fnmr` (pairs without a face are rejected: GFRR), `interval` (Clopper-Pearson as if
        there were as many trials as photos, because pairs share photos), `nearest` similarity and `nearest_person`, a number.
    """
    table = reading.similarity()
    rows = []
    for person in range(int(owners.max(initial=-1)) + 1):
        own = owners == person
        scores = all_pairs(table[np.ix_(own, own)], np.zeros(int(own.sum()), np.intp)).scores
        rate = Rate(int((scores < threshold).sum()), len(scores))
        others = table[np.ix_(own, ~own)]
        who, best = None, None
        if others.size and np.isfinite(others.max()):
            best = float(others.max())
            who = int(owners[~own][int(others.max(0).argmax())])
        rows.append(
            {
                "photos": int(own.sum()),
                "no_face": int((own & ~reading.acquired).sum()),
                "fnmr": rate.value,
                "interval": clopper_pearson(rate.value * own.sum(), own.sum()) if rate.trials else (0.0, 1.0),
                "nearest": best,
                "nearest_person": who,
            }
        )
    return rows


def _det(scores: Comparisons) -> dict[str, list[float]]:
    """FMR and FNMR, thinned evenly by the FNMR and by the FMR's logarithm."""
    whole = curve(scores.genuine, scores.impostor, points=len(scores) + 2)
    steps = np.concatenate(
        [
            np.searchsorted(whole.fnmr, np.linspace(0, 1, _DET_POINTS)),
            np.searchsorted(-whole.fmr, -np.geomspace(1, 1e-4, _DET_POINTS)),
        ]
    )
    kept = np.unique(np.clip(steps, 0, len(whole.fmr) - 1))
    return {"fmr": whole.fmr[kept].round(6).tolist(), "fnmr": whole.fnmr[kept].round(6).tolist()}


def _open_set(reading: Reading, owners: Indices, chosen: Sequence[Indices], weights: Floats | None) -> dict[str, Any]:
    """FNIR at the threshold where at most 1% of strangers' searches name somebody, over draws of enrolled photos.

    Each person in turn is a stranger to a gallery of the others. Of a fused template (`weights`), or of the closest enrolled photo.
    """
    people = int(owners.max()) + 1
    table = reading.similarity()
    strangers: list[Floats] = []
    searches: list[tuple[Floats, Indices]] = []
    for draw in chosen:
        probes = np.setdiff1d(np.arange(len(owners)), draw)
        if weights is None:
            scores = np.stack([table[np.ix_(probes, rows)].max(1) for rows in draw], 1)
        else:
            sums = np.stack([(reading.embeddings[rows] * weights[rows, None]).sum(0) for rows in draw])
            sums /= np.linalg.norm(sums, axis=1, keepdims=True)
            scores = np.where(reading.acquired[probes, None], reading.embeddings[probes] @ sums.T, -np.inf)
        others = scores.copy()
        others[np.arange(len(probes)), owners[probes]] = -np.inf
        strangers.append(others.max(1))
        searches.append((scores, owners[probes]))
    pooled = np.concatenate(strangers)
    threshold = threshold_at_fmr(pooled, _FPIR)
    missed, trials = np.zeros(people), np.zeros(people)
    for scores, of in searches:
        own = scores[np.arange(len(of)), of]
        right = (own >= threshold) & (own >= scores.max(1))
        missed += np.bincount(of, ~right, people)
        trials += np.bincount(of, minlength=people)
    found = Resampling(people).rate(missed / len(chosen), trials / len(chosen))
    return {"fnir": found.value, "interval": found.interval, "fpir": float((pooled >= threshold).mean())}


def compare(readings: Mapping[str, Reading], owners: Indices, weights: Floats) -> dict[str, Any]:
    """Engines side by side.

    Args:
        readings: by engine; the first is ours.
        owners: (n,) whose photo each is, from 0.
        weights: (n,) of our photos in a fused template; 0: not fit to be enrolled.

    Returns:
        `engines` (failure to acquire, figures over own, all and common pairs, open-set rates, per person, DET), `differences` (ours less
        each other's, over all and common pairs) and `common_pairs`.
    """
    first = next(iter(readings))
    acquired = np.logical_and.reduce([reading.acquired for reading in readings.values()])
    generator = np.random.default_rng(0)
    people = range(int(owners.max()) + 1)
    fit = [np.flatnonzero((owners == person) & acquired & (weights > 0)) for person in people]
    enough = min(len(rows) for rows in fit) > _ENROLLED and len(fit) > 2
    draws = [
        np.stack([generator.permutation(rows)[:_ENROLLED] for rows in fit]) for _ in range(_DRAWS if enough else 0)
    ]
    engines, differences = {}, {}
    every = {
        name: {
            "all": all_pairs(reading.similarity(), owners),
            "own": all_pairs(reading.similarity(), owners, reading.acquired),
            "common": all_pairs(reading.similarity(), owners, acquired),
        }
        for name, reading in readings.items()
    }
    for name, reading in readings.items():
        failed = Rate(int((~reading.acquired).sum()), len(owners))
        scores = every[name]
        threshold = threshold_at_fmr(scores["all"].impostor, _FAR)
        engines[name] = {
            "failure_to_acquire": {"failed": failed.hits, "photos": failed.trials, "interval": failed.interval},
            **{kind: {"pairs": len(each), **_told(figures(each))} for kind, each in scores.items()},
            "open_set": _open_set(reading, owners, draws, weights if name == first else None) if draws else None,
            "threshold": threshold,
            "people": per_person(reading, owners, threshold),
            "det": _det(scores["all"]),
            "det_own": _det(scores["own"]) if failed.hits else None,
        }
        if name != first:
            differences[name] = {kind: _differences(every[first][kind], scores[kind]) for kind in ("all", "common")}
    return {"engines": engines, "differences": differences, "common_pairs": len(every[first]["common"])}


def _row(scores: Comparisons, default: Comparisons | None, **more: Any) -> dict[str, Any]:
    gain = None if default is None or default is scores else _differences(scores, default)
    return {**more, **_told(figures(scores)), "gain": gain}


def _tried(photos: SamplePhotos, plain: Embedder, owners: Indices, progress: Progress) -> dict[str, Any]:
    """Recipes, score normalisations and templates against the default each, and a choice judged on people held out."""
    readings = recipe_readings(photos, plain, progress)
    tables = {name: reading.similarity() for name, reading in readings.items()}
    pairs = {name: all_pairs(table, owners) for name, table in tables.items()}
    recipes = {recipe.name: _row(pairs[recipe.name], pairs[DEFAULT.name], runs=len(recipe.views)) for recipe in RECIPES}
    choice = choose(tables, owners)
    found = photos.reading.acquired
    rows, of, weights = photos.reading.embeddings[found], owners[found], photos.weights[found]
    normalised = {name: held_out(rows, of, score) for name, score in NORMALISATIONS.items()}
    plainly = next(iter(normalised.values()))
    fused = {name: template_scores(rows, of, weights, count, fusion) for name, count, fusion in _FUSIONS}
    usual = next(iter(fused.values()))
    return {
        "recipes": recipes,
        "held_out": _row(choice.scores, choice.default, chosen=dict(choice.chosen)),
        "normalisation": {name: _row(each, plainly) for name, each in normalised.items()},
        "templates": {name: _row(each, usual) for name, each in fused.items()},
    }


def run_accuracy(workbench: Workbench, folder: Path, progress: Progress) -> dict[str, Any]:
    """Evaluate the default recipe on labelled photos against the engines that are installed. The same photos give the same figures.

    Args:
        workbench: with the default model and alignment.
        folder: the sample photos, `{train,val}/PERSON/PHOTO.jpg`.
        progress: told of photos.

    Returns:
        `model`, `alignment`, `versions`, `photos`, `people` (names), `pairs`, what `compare` returns, and `tried`.

    Raises:
        InputError: the workbench's settings are others.
    """
    if workbench.spec.model_id != FUSED or not workbench.config.alignment.mirror:
        raise InputError(
            f"the comparison is of {FUSED} with the mirror image, the settings say otherwise",
            hint="use a workspace with the default embedding.model and alignment.mirror",
        )
    files = sorted(folder.glob("*/*/*.jpg"))
    names = sorted({file.parent.name for file in files})
    owners = np.array([names.index(file.parent.name) for file in files], np.intp)
    spec = workbench.spec
    photos = read_samples(files, workbench.reader, progress)
    readings = {MUSTER: photos.reading}
    if has_dlib():
        readings[DLIB] = dlib_reading(files, progress)
    readings[FACENET], readings[FACENET_SUBJECT] = facenet_readings(files, workbench.reader, progress)
    plain = open_embedder(workbench.models, spec.model_id, mirror=False)
    progress("comparing", 0, 0)
    wanted = ("muster", "onnxruntime", "torch", "facenet-pytorch", *(("dlib-bin",) if has_dlib() else ()))
    return {
        "model": spec.model_id,
        "alignment": workbench.gallery.current().alignment_id,
        "versions": {name: importlib.metadata.version(name) for name in wanted},
        "photos": len(files),
        "people": names,
        "pairs": len(files) * (len(files) - 1) // 2,
        **compare(readings, owners, photos.weights),
        "tried": _tried(photos, plain, owners, progress),
    }
