"""`muster enrol`, `identify`, `people`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from engine.cli.output import console, emit_json, note, progress_bar, rounded, table
from engine.enrolment import EnrolmentReport
from engine.errors import InputError, MusterError
from engine.images import list_images, read_image
from engine.workbench import IdentifiedFace, Workbench

__all__ = ["enrol", "identify", "people"]


def _jobs(
    paths: Sequence[Path], employee_id: str | None, name: str | None
) -> list[tuple[str, str, Path | None, list[Path]]]:
    """(id, name, folder, photos) of each person to enrol."""
    if employee_id is not None:
        photos = [photo for path in paths for photo in (list_images(path) if path.is_dir() else [path])]
        return [(employee_id, name or employee_id, None, photos)]
    if name is not None:
        raise InputError("--name without --id", hint="give both, or folders named after people")
    for path in paths:
        if not path.is_dir():
            what = "is not a folder" if path.exists() else "does not exist"
            raise InputError(f"{path} {what}", hint="give a folder of photos per person, or --id ID with photos")
    return [(path.resolve().name, path.resolve().name, path, []) for path in paths]


def enrol(
    paths: Sequence[Path], employee_id: str | None, name: str | None, workspace: Path, as_json: bool, **details: Any
) -> None:
    """Enrol one person after the other; those that fail do not keep the others out."""
    jobs = _jobs(paths, employee_id, name)
    reports: list[EnrolmentReport] = []
    errors: list[tuple[str, MusterError]] = []
    with progress_bar(quiet=as_json) as progress:
        bench = Workbench(workspace, progress=progress)
        for index, (person, called, folder, photos) in enumerate(jobs):
            progress("enrolling", index, len(jobs))
            try:
                files = list_images(folder) if folder else photos
                if not files:
                    raise InputError(f"{folder}: no pictures in this folder", hint="give JPEG, PNG or WebP photos")
                reports.append(bench.enrol(person, called, files, **details))
            except MusterError as error:
                if len(jobs) == 1:
                    raise
                errors.append((person, error))
        progress("enrolling", len(jobs), len(jobs))
    if as_json:
        done = [dataclasses.asdict(report) for report in reports]
        emit_json({"enrolled": done, "failed": {person: str(error) for person, error in errors}})
    else:
        for report in reports:
            for reason in report.rejected.values():
                note(f"left out: {reason}")
            for other in report.look_alikes:
                note(f"{report.employee_id} resembles {other.person} (similarity {other.similarity:.2f}): check both")
        rows = [
            (row.employee_id, row.name, len(row.accepted), len(row.rejected), row.templates, rounded(row.coherence))
            for row in reports
        ]
        if rows:
            table("Enrolled", ("id", "name", "photos taken", "left out", "templates", "alike"), rows)
    for _, failure in errors:
        print(f"muster: {failure}", file=sys.stderr)  # noqa: T201
    if errors:
        raise typer.Exit(errors[0][1].exit_code)


def _face(row: IdentifiedFace) -> dict[str, Any]:
    match = row.match
    return {
        "box": row.box,
        "landmarks": row.landmarks,
        "detection_score": row.score,
        "quality": dataclasses.asdict(row.quality),
        "person": match.person,
        "similarity": match.similarity,
        "runner_up": match.runner_up.person if match.runner_up else None,
        "runner_up_similarity": match.runner_up.similarity if match.runner_up else None,
        "margin": match.margin,
        "threshold": match.threshold,
        "nearest": match.candidates[0].person if match.candidates else None,
    }


def _short(path: str) -> str:
    """The last two parts of a path."""
    parts = Path(path).parts
    return "/".join(parts[-2:]) if len(parts) > 2 else path


def identify(images: Sequence[Path], workspace: Path, as_json: bool) -> None:
    """Search the faces of each photo."""
    answers: list[dict[str, Any]] = []
    errors: list[MusterError] = []
    with progress_bar(quiet=as_json) as progress:
        bench = Workbench(workspace, progress=progress)
        for path in images:
            try:
                faces = bench.identify(read_image(path))
            except InputError as error:
                if len(images) == 1:
                    raise
                errors.append(error)
                answers.append({"file": str(path), "faces": [], "error": str(error)})
                continue
            answers.append({"file": str(path), "faces": [_face(row) for row in faces]})
    if as_json:
        emit_json(answers)
    else:
        rows = []
        for answer in answers:
            for face in answer["faces"]:
                x1, y1, x2, y2 = (round(float(value)) for value in face["box"])
                rows.append(
                    (
                        _short(answer["file"]),
                        face["person"] or "unknown",
                        rounded(face["similarity"]),
                        face["runner_up"] or "–",
                        rounded(face["margin"]),
                        f"{x2 - x1}×{y2 - y1} at {x1},{y1}",
                        face["quality"]["reason"] or "good",
                    )
                )
            if not answer["faces"] and "error" not in answer:
                rows.append((_short(answer["file"]), "no face", "", "", "", "", ""))
        title = f"Who is in the pictures (threshold {bench.threshold():.2f})"
        table(title, ("file", "person", "similarity", "runner-up", "margin", "face", "quality"), rows)
    for failure in errors:
        print(f"muster: {failure}", file=sys.stderr)  # noqa: T201
    if errors:
        raise typer.Exit(errors[0].exit_code)


def people(workspace: Path, as_json: bool) -> None:
    """List everybody in people.csv with their templates."""
    bench = Workbench(workspace)
    gallery = bench.gallery.current()
    rows = [
        {**dataclasses.asdict(person), "templates": len(gallery.of(key)[0])}
        for key, person in bench.people.all().items()
    ]
    if as_json:
        emit_json({"people": rows, "threshold": bench.threshold(gallery), "gallery_version": gallery.version})
        return
    if not rows:
        console.print("Nobody is enrolled yet: muster enrol PERSON_DIR…")
        return
    cells = [
        (
            row["employee_id"],
            row["name"],
            row["department"],
            row["templates"],
            row["enrolled_at"][:10],
            row["consent_at"] or "–",
        )
        for row in rows
    ]
    table(f"People in {workspace}", ("id", "name", "department", "templates", "enrolled", "consent"), cells)
