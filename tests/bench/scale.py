"""Muster on photos of thousands of people: alone, beside other engines, and what the derived threshold promises.

    python -m tests.bench.scale FOLDER RESULTS.json [--rivals PEOPLE]

The folder holds one folder of photos per person, such as LFW. Embeddings are kept in the user's cache, and results are written part by
part, so that a run that was stopped goes on where it stopped. `python -m tests.bench.scale_page RESULTS.json docs` writes the tables.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.cli.output import progress_bar
from engine.config import MatchingConfig
from engine.evaluation import (
    Cohort,
    Comparisons,
    derive_threshold,
    few_of_each,
    figures,
    find_twins,
    fmr_of_fpir,
    impostors_of,
    measure_cohort,
)
from engine.gallery import Gallery
from engine.models import FACENET, FUSED, MOBILEFACENET, embedder_spec
from engine.storage import atomic_write
from engine.tuning import KeptEmbeddings, Recipe, recipe_of
from engine.tuning.identification import SIZES, PromiseCounts, promise_counts, told
from engine.tuning.reading import LabelledPhotos, read_labelled
from engine.workbench import Workbench
from tests.bench.loops import has_dlib
from tests.bench.protocols import Scores, all_pairs_figures, lfw_accuracy, products, weights_held_out
from tests.bench.readings import Progress, Reading, dlib_reading, facenet_readings
from tests.bench.scoring import all_pairs
from tests.bench.turned import photos_as_people_have_them

__all__ = ["OLD", "measure_scale"]

Rows = NDArray[np.float32]

_SPLITS = 8
_DRAWS = {5: 20, 10: 20, 50: 8, 200: 8, 1000: 3}
_FARS = ("0.001", "0.0001")
_COLUMNS = ("embeddings", "acquired", "compared")
_NAMES = {FACENET: "FaceNet alone", MOBILEFACENET: "MobileFaceNet alone", FUSED: "both (default)"}
_FIVE_PEOPLE = (-0.01, 0.12)
"""Mean and deviation of impostors among five people, from whom the threshold was once derived."""
OLD = f"{_NAMES[FACENET]}, normal distribution"


def measure_scale(workbench: Workbench, folder: Path, rivals: int, results: Path, progress: Progress) -> dict[str, Any]:
    """Measure all figures. The same photos give the same figures.

    Args:
        workbench: with both networks as its model.
        folder: one folder of photos per person.
        rivals: people on whose photos other engines run; 0: none.
        results: JSON file, written after each part; parts that it holds are not measured again.
        progress: told of photos.
    """
    files = sorted(folder.glob("*/*.jpg"))
    kept = _kept(workbench, folder)
    photos = read_labelled(workbench.reader, [(file, file.parent.name) for file in files], progress, kept)
    rows = _networks(photos.embeddings)
    twins = find_twins(photos.embeddings, photos.owners, photos.weights)
    once = ~np.isin(np.arange(len(photos.people)), [max(pair[:2]) for pair in twins])
    parts: dict[str, Callable[[], Any]] = {
        "photos": lambda: len(files),
        "people": lambda: len(photos.people),
        "failures": lambda: len(photos.failures),
        "twins": lambda: [[photos.people[a], photos.people[b], round(score, 3)] for a, b, score in twins],
        "versions": lambda: {name: importlib.metadata.version(name) for name in ("muster", "onnxruntime")},
        "engines": lambda: _engines(photos, rows, once[photos.owners]),
        "weights": lambda: _weights(photos, rows, once[photos.owners]),
        "promises": lambda: _promises(photos.usable_of(once), rows, workbench.config.matching),
    }
    if rivals:
        parts["rivals"] = lambda: _beside(workbench, photos, rivals, kept.folder, progress)
    parts["readings"] = lambda: photos_as_people_have_them(workbench, photos, progress)
    found: dict[str, Any] = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    for name, measure in parts.items():
        if name not in found:
            progress(f"measuring {name}", 0, 0)
            found[name] = measure()
            atomic_write(results, (json.dumps(found, indent=1) + "\n").encode())
    return found


def _engines(photos: LabelledPhotos, rows: dict[str, Rows], clean: NDArray[np.bool_]) -> dict[str, Any]:
    """Figures of each network; all pairs without the photos of people under a second name."""
    few = few_of_each(photos.owners, clean.astype(float), np.random.default_rng(0))
    accuracy = lfw_accuracy({model: products(each) for model, each in rows.items()}, photos.owners)
    return {
        _NAMES[model]: {
            "lfw": accuracy[model],
            "all": all_pairs_figures(each[clean], _numbered(photos.owners[clean])),
            "few": all_pairs_figures(each[few], _numbered(photos.owners[few])),
        }
        for model, each in rows.items()
    }


def _weights(photos: LabelledPhotos, rows: dict[str, Rows], clean: NDArray[np.bool_]) -> dict[str, Any]:
    owners = _numbered(photos.owners[clean])
    return weights_held_out(rows[FACENET][clean], rows[MOBILEFACENET][clean], owners)


def _kept(workbench: Workbench, folder: Path) -> KeptEmbeddings:
    gallery = workbench.gallery.current()
    kept = KeptEmbeddings(folder, recipe_of(gallery.model_id, gallery.alignment_id, workbench.config))
    kept.load()
    return kept


def _numbered(owners: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.asarray(np.unique(owners, return_inverse=True)[1], np.intp)


def _networks(fused: Rows) -> dict[str, Rows]:
    """Unit rows of each network alone, out of those of both."""
    width = embedder_spec(FACENET).dimension
    parts = {FACENET: fused[:, :width], MOBILEFACENET: fused[:, width:]}
    alone = {name: part / np.linalg.norm(part, axis=1, keepdims=True) for name, part in parts.items()}
    return {**alone, FUSED: fused}


# --------------------------------------------------------------------------------------------- promises


def _promises(photos: LabelledPhotos, rows: dict[str, Rows], matching: MatchingConfig) -> dict[str, Any]:
    """What thresholds gave on people whom no cohort holds: half of the people are measured, galleries are of the other half."""

    def derived(cohort: Cohort) -> Callable[[Gallery], float]:
        def threshold(gallery: Gallery) -> float:
            found = impostors_of(cohort, gallery.impostor_scores(), gallery.counts)
            return derive_threshold(found, target_fmr=matching.target_fmr, target_fpir=matching.target_fpir)

        return threshold

    found: dict[str, dict[tuple[int, int], PromiseCounts]] = {}
    for split in range(_SPLITS):
        order = np.random.default_rng(split).permutation(len(photos.people))
        measured = np.isin(np.arange(len(photos.people)), order[: len(order) // 2])
        inside = measured[photos.owners]
        rest = photos.usable_of(~measured)
        for model, each in rows.items():
            cohort, _ = measure_cohort(
                each[inside], photos.owners[inside], photos.weights[inside], model_id=model, alignment_id=""
            )
            kinds = {_NAMES[model]: derived(cohort)}
            if model == FACENET:
                kinds[OLD] = partial(_once_derived, matching)
            for name, threshold in kinds.items():
                _add(
                    found.setdefault(name, {}),
                    replace(rest, embeddings=each),
                    Recipe(model, "", matching.min_margin),
                    threshold,
                    split,
                )
    return {
        name: [told(counts.result(matching.target_fpir)) for counts in sizes.values()] for name, sizes in found.items()
    }


def _once_derived(matching: MatchingConfig, gallery: Gallery) -> float:
    """The threshold of a normal distribution: of the gallery's own impostors, and of five people's, who count as fifty pairs."""
    own = np.asarray(gallery.impostor_scores(), np.float64)
    pairs = len(gallery) * (len(gallery) - 1) / 2
    weight = pairs / (pairs + 50)
    five, deviation = _FIVE_PEOPLE
    mean = weight * own.mean() + (1 - weight) * five
    variance = weight * own.var() + (1 - weight) * deviation**2 + weight * (1 - weight) * (own.mean() - five) ** 2
    fmr = min(matching.target_fmr, fmr_of_fpir(matching.target_fpir, len(gallery)))
    return float(mean + np.sqrt(variance) * -scipy.special.ndtri(fmr))


def _add(
    found: dict[tuple[int, int], PromiseCounts],
    photos: LabelledPhotos,
    recipe: Recipe,
    threshold: Callable[[Gallery], float],
    split: int,
) -> None:
    for size in SIZES:
        counts = promise_counts(photos, recipe, threshold, *size, _DRAWS[size[0]], seed=split)
        if counts is not None:
            found[size] = found[size] + counts if size in found else counts


# --------------------------------------------------------------------------------------------- rivals


def _beside(
    workbench: Workbench, photos: LabelledPhotos, people: int, folder: Path, progress: Progress
) -> dict[str, Any]:
    """Muster and other engines on the photos of some people, drawn at random. Pairs with a photo without a face are never accepted."""
    order = np.random.default_rng(0).permutation(len(photos.people))[:people]
    some = np.flatnonzero(np.isin(photos.owners, order))
    files = [photos.paths[row] for row in some]
    owners = _numbered(photos.owners[some])

    ours = Reading(photos.embeddings[some].astype(np.float64), np.ones(len(some), np.bool_))
    largest, chosen = _kept_readings(
        folder / f"facenet-pytorch-{people}.npz", lambda: facenet_readings(files, workbench.reader, progress)
    )
    readings = {"muster": ours, "facenet-pytorch": largest, "facenet-pytorch, face chosen as muster does": chosen}
    if has_dlib():
        path = folder / f"dlib-{people}.npz"
        (readings["face_recognition (dlib)"],) = _kept_readings(path, lambda: [dlib_reading(files, progress)])
    tables = {name: reading.similarity() for name, reading in readings.items()}
    accuracy = lfw_accuracy({name: _looked_up(table) for name, table in tables.items()}, owners)
    few = few_of_each(owners, np.ones(len(owners)), np.random.default_rng(0))
    return {
        "people": people,
        "photos": len(some),
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "facenet-pytorch", "dlib-bin")},
        "engines": {
            name: {
                "lfw": accuracy[name],
                "failures": int((~readings[name].acquired).sum()),
                "few": _fnmr(all_pairs(table[np.ix_(few, few)], owners[few])),
            }
            for name, table in tables.items()
        },
    }


def _kept_readings(path: Path, read: Callable[[], Sequence[Reading]]) -> list[Reading]:
    """Readings from an earlier run, or new ones, which are kept for the next."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        found = read()
        rows = {f"{name}{at}": getattr(each, name) for at, each in enumerate(found) for name in _COLUMNS}
        np.savez(path, **rows)
    with np.load(path) as file:
        return [
            Reading(file[f"embeddings{at}"], file[f"acquired{at}"], str(file[f"compared{at}"]))  # type: ignore[arg-type]
            for at in range(len(file.files) // len(_COLUMNS))
        ]


def _looked_up(table: NDArray[np.float64]) -> Scores:
    return lambda first, second: np.asarray(table[first, second])


def _fnmr(compared: Comparisons) -> dict[str, Any]:
    found = figures(compared, fars=_FARS)
    rates = {far: found[f"tar@{far}"] for far in _FARS}
    return {
        "genuine": len(compared.genuine),
        "impostor": len(compared.impostor),
        "fnmr": {
            far: {"value": 1 - each.value, "low": 1 - each.high, "high": 1 - each.low} for far, each in rates.items()
        },
    }


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser("python -m tests.bench.scale", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="one folder of photos per person")
    parser.add_argument("results", type=Path, help="JSON file to write; parts that it holds are not measured again")
    parser.add_argument("--rivals", type=int, default=600, metavar="PEOPLE", help="people for other engines; 0: none")
    options = parser.parse_args()
    with progress_bar() as progress, tempfile.TemporaryDirectory() as workspace:
        bench = Workbench(Path(workspace), progress=progress)
        measure_scale(bench, options.folder, options.rivals, options.results, progress)


if __name__ == "__main__":
    main()
