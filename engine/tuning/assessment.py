"""Evaluate the engine on labelled photos: a folder per person, or a table of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import InputError
from engine.evaluation import (
    FARS,
    Cohort,
    Comparisons,
    PairTally,
    Rate,
    balanced_accuracy,
    figures,
    find_twins,
    measure_cohort,
    photo_comparisons,
)
from engine.face_reader import FaceReader
from engine.imaging import IMAGE_SUFFIXES
from engine.tuning.grouping import assess_groups, read_groups
from engine.tuning.identification import Recipe, Threshold, identification, not_measured, promise_kept, told
from engine.tuning.reading import KeptEmbeddings, LabelledPhotos, read_labelled
from engine.tuning.tables import read_table
from engine.types import Progress

_SAME = {"yes", "true", "1", "same", "match", "genuine", "y", "t"}
_OTHER = {"no", "false", "0", "different", "non-match", "nonmatch", "impostor", "n", "f"}
_MOST_PAIRS = 500_000  # of which each can be weighed in a bootstrap within seconds
_PEOPLE_TO_COUNT = 40  # two for each of the groups that a tally leaves out


def _verification_report(compared: Comparisons | PairTally, failures: Mapping[str, str], photos: int) -> dict[str, Any]:
    if isinstance(compared, PairTally):
        genuine, impostor, fars = compared.genuine, compared.impostor, compared.fars()
    else:
        genuine, impostor, fars = len(compared.genuine), len(compared.impostor), FARS
    if not genuine or not impostor:
        raise InputError(
            f"too few photos with a face: expected both kinds of comparisons, got {genuine} genuine and {impostor} impostor",
            hint="give two people with two photos each",
        )
    if isinstance(compared, PairTally):
        found, balanced = compared.figures(), compared.balanced_accuracy()
    else:
        found, balanced = figures(compared), balanced_accuracy(compared.genuine, compared.impostor)
    failed = Rate(len(failures), photos)
    return {
        "photos": photos,
        "pairs": len(compared),
        "genuine": genuine,
        "impostor": impostor,
        "auc": found["auc"].value,
        "eer": found["eer"].value,
        "balanced_accuracy": balanced,
        "tar_at_far": {far: found[f"tar@{far}"].value for far in fars},
        "failure_to_acquire": failed.value,
        "intervals": {
            "auc": found["auc"].interval,
            "eer": found["eer"].interval,
            "tar_at_far": {far: found[f"tar@{far}"].interval for far in fars},
            "failure_to_acquire": failed.interval,
        },
        "failures": dict(failures),
    }


def _compared(photos: LabelledPhotos) -> Comparisons | PairTally:
    """All pairs: one by one, or only counted if there are many."""
    count = len(photos.paths)
    if count * (count - 1) / 2 > _MOST_PAIRS and len(photos.people) >= _PEOPLE_TO_COUNT:
        return PairTally(photos.embeddings, photos.owners)
    return photo_comparisons(photos.embeddings, photos.owners)


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The thresholds of galleries, as the workspace's settings give them.

    Attributes:
        recipe: of galleries and searches.
        in_force: of a gallery, a fixed or calibrated one included.
        derived: of a gallery from the promise alone.
        promised: FPIR.
        present: the one in force now.
    """

    recipe: Recipe
    in_force: Threshold
    derived: Threshold
    promised: float
    present: float


def assess_folder(
    reader: FaceReader,
    folder: Path,
    *,
    enrol: int | None,
    thresholds: Thresholds,
    groups: Path | None = None,
    kept: KeptEmbeddings | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Evaluate on a folder of people: the name of a photo's own folder, at any depth, is the person.

    Large collections hold people under two names: one of two people who are more alike than chance explains is left out of the promise
    and of the groups.

    Args:
        enrol: photos per person to enrol for identification; None: as many as the photos allow, at most 5.
        groups: CSV file with the columns person and group.
        kept: embeddings of an earlier evaluation.

    Raises:
        InputError: no such folder, no photos, or fewer than two people; or the table of groups cannot be used.
    """
    paths = _labelled(folder)
    people = sorted({path.parent.name for path in paths})
    group_of = None if groups is None else read_groups(groups, people)
    photos = read_labelled(reader, [(path, path.parent.name) for path in paths], progress, kept)
    progress("comparing", 0, 0)
    # a person without a photo that passes the quality gate cannot be enrolled
    failed = Rate(len(people) - len(np.unique(photos.owners[photos.weights > 0])), len(people))
    twins = find_twins(photos.embeddings, photos.owners, photos.weights) if len(photos.paths) else []
    twice = {photos.people[max(first, second)] for first, second, _ in twins}
    once = np.array([person not in twice for person in photos.people], np.bool_)
    report = {
        "people": len(photos.people),
        "failure_to_enrol": {"people": len(people), "failed": failed.hits, "interval": failed.interval},
        "verification": _verification_report(_compared(photos), photos.failures, len(paths)),
        "identification": identification(photos, enrol, thresholds.recipe, thresholds.in_force),
        "promise": [
            told(each)
            for each in promise_kept(photos.usable_of(once), thresholds.recipe, thresholds.derived, thresholds.promised)
        ],
        "twins": [
            {"people": [photos.people[first], photos.people[second]], "similarity": score}
            for first, second, score in twins
        ],
    }
    if group_of is not None:
        known = {person: group for person, group in group_of.items() if person not in twice}
        report["groups"] = assess_groups(photos, known, thresholds.present)
    return report


def assess_cohort(
    reader: FaceReader,
    folder: Path,
    *,
    model_id: str,
    alignment_id: str,
    kept: KeptEmbeddings | None = None,
    progress: Progress,
) -> tuple[Cohort, list[tuple[str, str, float]]]:
    """Measure a model's cohort on a folder of people, see `engine.evaluation.measure_cohort`.

    Returns:
        The cohort, and the pairs of people so alike that they were taken for one and left out, with their similarity.

    Raises:
        InputError: see `assess_folder`; or there are too few people or photos.
    """
    paths = _labelled(folder)
    found = read_labelled(reader, [(path, path.parent.name) for path in paths], progress, kept)
    progress("measuring the cohort", 0, 0)
    try:
        cohort, twins = measure_cohort(
            found.embeddings, found.owners, found.weights, model_id=model_id, alignment_id=alignment_id
        )
    except ValueError as error:
        raise InputError(f"{folder}: {error}", hint="give more people, or more photos of each") from error
    return cohort, [(found.people[first], found.people[second], score) for first, second, score in twins]


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


def _read_pairs(table: Path) -> list[tuple[Path, Path, bool]]:
    hint = "give a CSV file whose first line is file_x,file_y,Decision"
    pairs = []
    for line, (*names, said) in enumerate(read_table(table, ("file_x", "file_y", "Decision"), hint), start=2):
        if said.lower() not in _SAME | _OTHER:
            raise InputError(f"{table}, line {line}: Decision is {said!r}", hint="write Yes or No")
        first, second = (table.parent / name for name in names)
        for path in (first, second):
            if not path.is_file():
                raise InputError(
                    f"{table}, line {line}: {path} does not exist", hint="paths are relative to the CSV file"
                )
        pairs.append((first, second, said.lower() in _SAME))
    if not pairs:
        raise InputError(f"{table} has no rows", hint="one row per pair of photos")
    return pairs


def assess_pairs(
    reader: FaceReader, table: Path, *, kept: KeptEmbeddings | None = None, progress: Progress
) -> dict[str, Any]:
    """Evaluate on pairs of photos listed in a CSV file (`file_x,file_y,Decision`), paths relative to it.

    Pairs with a photo without a face are left out and counted.

    Raises:
        InputError: the table cannot be read, lacks a column, or names a missing file.
    """
    pairs = _read_pairs(table)
    files = sorted({path for first, second, _ in pairs for path in (first, second)})
    photos = read_labelled(reader, [(path, path.name) for path in files], progress, kept)
    rows = dict(zip(photos.paths, photos.embeddings, strict=True))
    scored = [(rows[a] @ rows[b], same, a, b) for a, b, same in pairs if a in rows and b in rows]
    number = _components(files, pairs)
    people = len(set(number.values()))
    # where the table contradicts itself (two files of different people are linked through others), the pair's own line counts
    subjects = [(number[a], number[b] if same or number[a] != number[b] else people) for _, same, a, b in scored]
    compared = Comparisons(np.array([row[0] for row in scored]), np.array(subjects, np.intp), people + 1)
    report = _verification_report(compared, photos.failures, len(files))
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
