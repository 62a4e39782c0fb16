"""Evaluate the engine on labelled photos: a folder per person, or a table of pairs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.evaluation import (
    FARS,
    Comparisons,
    PriorCurve,
    Rate,
    balanced_accuracy,
    figures,
    measure_prior,
    photo_comparisons,
)
from engine.face_reader import FaceReader, subject
from engine.gallery import Gallery, Template
from engine.imaging import IMAGE_SUFFIXES, read_image
from engine.types import FaceQuality, Floats, Progress

_SAME = {"yes", "true", "1", "same", "match", "genuine", "y", "t"}
_OTHER = {"no", "false", "0", "different", "non-match", "nonmatch", "impostor", "n", "f"}
_DRAWS = 10


@dataclass(frozen=True, eq=False)
class Probe:
    """A photo's subject, embedded."""

    path: Path
    person: str
    embedding: Floats
    quality: FaceQuality


@dataclass
class _Acquired:
    probes: list[Probe] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def acquire(reader: FaceReader, photos: Sequence[tuple[Path, str]], progress: Progress) -> _Acquired:
    """Embed the subject of each photo; photos that are unreadable or show no face are failures to acquire."""
    result = _Acquired()
    for index, (path, person) in enumerate(photos):
        progress("reading photos", index, len(photos))
        try:
            image = read_image(path)
        except InputError as error:
            result.failures[str(path)] = str(error)
            continue
        faces = reader.photo(image)
        chosen = subject(faces, (image.shape[1], image.shape[0]))
        if chosen is None or faces.embeddings is None:
            result.failures[str(path)] = "no face found"
            continue
        result.probes.append(Probe(path, person, faces.embeddings[chosen], faces.qualities[chosen]))
    progress("reading photos", len(photos), len(photos))
    return result


def _verification_report(compared: Comparisons, acquired: _Acquired, photos: int) -> dict[str, Any]:
    genuine, impostor = len(compared.genuine), len(compared.impostor)
    if not genuine or not impostor:
        raise InputError(
            f"too few photos with a face: expected both kinds of comparisons, got {genuine} genuine and {impostor} impostor",
            hint="give two people with two photos each",
        )
    failed, found = Rate(len(acquired.failures), photos), figures(compared)
    intervals = {name: (figure.low, figure.high) for name, figure in found.items()}
    return {
        "photos": photos,
        "pairs": len(compared),
        "genuine": genuine,
        "impostor": impostor,
        "auc": found["auc"].value,
        "eer": found["eer"].value,
        "balanced_accuracy": balanced_accuracy(compared.genuine, compared.impostor),
        "tar_at_far": {far: found[f"tar@{far}"].value for far in FARS},
        "failure_to_acquire": failed.value,
        "intervals": {
            "auc": intervals["auc"],
            "eer": intervals["eer"],
            "tar_at_far": {far: intervals[f"tar@{far}"] for far in FARS},
            "failure_to_acquire": failed.interval,
        },
        "failures": acquired.failures,
    }


def assess_folder(
    reader: FaceReader,
    folder: Path,
    *,
    enrol: int | None,
    gallery: Callable[[], Gallery],
    threshold: Callable[[Gallery], float],
    min_margin: float,
    progress: Progress,
) -> dict[str, Any]:
    """Evaluate on a folder of people: the name of a photo's own folder, at any depth, is the person.

    Args:
        enrol: photos per person to enrol for identification; None: as many as the photos allow, at most 5.

    Raises:
        InputError: no such folder, no photos, or fewer than two people.
    """
    paths = _labelled(folder)
    acquired = acquire(reader, [(path, path.parent.name) for path in paths], progress)
    probes = acquired.probes
    embeddings, owners = _rows(probes)
    compared = photo_comparisons(embeddings, owners)
    people = {path.parent.name for path in paths}
    # a person without a photo that passes the quality gate cannot be enrolled
    enrolled = {probe.person for probe in probes if probe.quality.good}
    failed = Rate(len(people - enrolled), len(people))
    return {
        "people": len({probe.person for probe in probes}),
        "failure_to_enrol": {"people": len(people), "failed": failed.hits, "interval": failed.interval},
        "verification": _verification_report(compared, acquired, len(paths)),
        "identification": _identification(probes, enrol, gallery, threshold, min_margin),
    }


def assess_prior(
    reader: FaceReader, folder: Path, *, model_id: str, alignment_id: str, progress: Progress
) -> PriorCurve:
    """Measure a model's prior curve on a folder of people, see `engine.evaluation.measure_prior`.

    Raises:
        InputError: see `assess_folder`; or somebody has fewer than six good photos.
    """
    paths = _labelled(folder)
    probes = acquire(reader, [(path, path.parent.name) for path in paths], progress).probes
    embeddings, owners = _rows(probes)
    weights = np.array([max(probe.quality.score, 0.05) if probe.quality.good else 0.0 for probe in probes])
    try:
        return measure_prior(
            photo_comparisons(embeddings, owners),
            embeddings,
            owners,
            weights,
            model_id=model_id,
            alignment_id=alignment_id,
        )
    except ValueError as error:
        raise InputError(f"{folder}: {error}", hint="give more photos of each person") from error


def _labelled(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint="give a folder that holds one folder of photos per person")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.parent != folder
    )
    if not paths:
        raise InputError(f"{folder}: no photos in folders named after people", hint="lay them out as PERSON/PHOTO.jpg")
    return paths


def _rows(probes: Sequence[Probe]) -> tuple[Floats, NDArray[np.intp]]:
    """Return embeddings (n, d), and (n,) the numbers of their people in the order of names."""
    number = {name: index for index, name in enumerate(sorted({probe.person for probe in probes}))}
    embeddings = np.stack([probe.embedding for probe in probes]) if probes else np.empty((0, 1), np.float32)
    return embeddings, np.array([number[probe.person] for probe in probes], np.intp)


def not_measured(reason: str) -> dict[str, Any]:
    """Return an identification report with the reason why nothing was measured."""
    return {"rank1": None, "fpir": None, "fnir": None, "threshold": None, "reason": reason}


def _identification(
    probes: list[Probe],
    enrol: int | None,
    empty: Callable[[], Gallery],
    threshold: Callable[[Gallery], float],
    min_margin: float,
) -> dict[str, Any]:
    """Open-set identification: each person in turn is left out of the gallery and searched as a stranger.

    With `enrol` None, Muster enrols up to 5 photos, as many as at least three people have beside one to search with. People with
    fewer serve as strangers.
    """
    by_person: dict[str, list[Probe]] = {}
    for probe in probes:
        by_person.setdefault(probe.person, []).append(probe)

    def enough(photos: int) -> dict[str, list[Probe]]:
        return {
            person: rows
            for person, rows in by_person.items()
            if sum(row.quality.good for row in rows) >= photos and len(rows) > photos
        }

    if enrol is None:
        enrol = next((photos for photos in (5, 4, 3, 2, 1) if len(enough(photos)) >= 3), 1)
    usable = enough(enrol)
    if len(usable) < 3:  # a stranger, and two people to distinguish
        return not_measured(f"fewer than three people have {enrol} good photos and one more")
    others = [row for person, rows in by_person.items() if person not in usable for row in rows]
    generator = np.random.default_rng(0)
    first_right = named = searches = false_names = strangers = 0
    thresholds: list[float] = []
    for _ in range(_DRAWS):
        chosen = {
            person: set(generator.permutation([i for i, row in enumerate(rows) if row.quality.good])[:enrol].tolist())
            for person, rows in usable.items()
        }
        everybody = empty()
        for person, rows in usable.items():
            picked = [rows[index] for index in sorted(chosen[person])]
            templates = [Template(f"{person}-{row.path.stem}", person, row.quality.score) for row in picked]
            everybody = everybody.add(templates, np.stack([row.embedding for row in picked]))
        for stranger, rows in usable.items():
            gallery = everybody.remove(stranger)
            limit = threshold(gallery)
            matches = gallery.search(np.stack([row.embedding for row in rows]), threshold=limit, min_margin=min_margin)
            false_names += sum(match.person is not None for match in matches)
            strangers += len(matches)
        limit = threshold(everybody)
        thresholds.append(limit)
        if others:
            outside = everybody.search(
                np.stack([row.embedding for row in others]), threshold=limit, min_margin=min_margin
            )
            false_names += sum(match.person is not None for match in outside)
            strangers += len(outside)
        for person, rows in usable.items():
            rest = [row for index, row in enumerate(rows) if index not in chosen[person]]
            found = everybody.search(np.stack([row.embedding for row in rest]), threshold=limit, min_margin=min_margin)
            searches += len(found)
            first_right += sum(match.candidates[0].person == person for match in found)
            named += sum(match.person == person for match in found)
    right, missed = _rate(first_right, searches), _rate(searches - named, searches)
    wrong = _rate(false_names, strangers)
    return {
        "enrolled_photos": enrol,
        "people": len(usable),
        "draws": _DRAWS,
        "rank1": first_right / searches,
        "fpir": false_names / strangers,
        "fnir": 1 - named / searches,
        "threshold": float(np.mean(thresholds)),
        "intervals": {"rank1": right.interval, "fpir": wrong.interval, "fnir": missed.interval},
    }


def _rate(hits: int, trials: int) -> Rate:
    """Return the rate of one draw, because the draws reuse the same photos."""
    return Rate(round(hits / _DRAWS), round(trials / _DRAWS))


def _read_pairs(table: Path) -> list[tuple[Path, Path, bool]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            columns = reader.fieldnames or []
            missing = [column for column in ("file_x", "file_y", "Decision") if column not in columns]
            if missing:
                raise InputError(
                    f"{table} lacks the column {', '.join(missing)}; it has {', '.join(columns) or 'none'}",
                    hint="the first line must be file_x,file_y,Decision",
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{table}: {reason}", hint="give a CSV file with file_x,file_y,Decision") from error
    pairs = []
    for line, row in enumerate(rows, start=2):
        decision = (row["Decision"] or "").strip().lower()
        if decision not in _SAME | _OTHER:
            raise InputError(f"{table}, line {line}: Decision is {row['Decision']!r}", hint="write Yes or No")
        paths = [table.parent / (row[column] or "").strip() for column in ("file_x", "file_y")]
        for path in paths:
            if not path.is_file():
                raise InputError(
                    f"{table}, line {line}: {path} does not exist", hint="paths are relative to the CSV file"
                )
        pairs.append((paths[0], paths[1], decision in _SAME))
    if not pairs:
        raise InputError(f"{table} has no rows", hint="one row per pair of photos")
    return pairs


def assess_pairs(reader: FaceReader, table: Path, progress: Progress) -> dict[str, Any]:
    """Evaluate on pairs of photos listed in a CSV file (`file_x,file_y,Decision`), paths relative to it.

    Pairs with a photo without a face are left out and counted.

    Raises:
        InputError: the table cannot be read, lacks a column, or names a missing file.
    """
    pairs = _read_pairs(table)
    files = sorted({path for first, second, _ in pairs for path in (first, second)})
    acquired = acquire(reader, [(path, path.name) for path in files], progress)
    rows = {probe.path: probe.embedding for probe in acquired.probes}
    scored = [(rows[a] @ rows[b], same, a, b) for a, b, same in pairs if a in rows and b in rows]
    number = _components(files, pairs)
    people = len(set(number.values()))
    # where the table contradicts itself (two files of different people are linked through others), the pair's own line counts
    subjects = [(number[a], number[b] if same or number[a] != number[b] else people) for _, same, a, b in scored]
    compared = Comparisons(np.array([row[0] for row in scored]), np.array(subjects, np.intp), people + 1)
    report = _verification_report(compared, acquired, len(files))
    report["pairs_listed"] = len(pairs)
    return {"people": people, "verification": report, "identification": not_measured("pairs only")}


def _components(files: Sequence[Path], pairs: Sequence[tuple[Path, Path, bool]]) -> dict[Path, int]:
    """Number the people; files of the same person are linked."""
    leader = {path: path for path in files}

    def find(path: Path) -> Path:
        while leader[path] != path:
            path = leader[path]
        return path

    for first, second, same in pairs:
        if same:
            leader[find(first)] = find(second)
    roots = sorted({find(path) for path in files})
    return {path: roots.index(find(path)) for path in files}
