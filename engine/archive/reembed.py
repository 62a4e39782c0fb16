"""Embed all templates again from their pictures, after a change of model or recipe.

A template keeps its id, person, weight and place. People are embedded from their enrolment pictures, strangers from the picture of their
incident, mistaken faces from that of the punch. Templates without a picture, or without a face in it, can no longer be compared: they are
left out and reported. Muster replaces a gallery when all its templates are there, and keeps the old one beside it.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.archive.crew import Crew
from engine.archive.observe import Recipe
from engine.errors import InputError, MusterError, StorageError
from engine.face_reader import FaceReader, subject
from engine.gallery import Gallery, GalleryStore, Template
from engine.imaging import read_image
from engine.incidents import IncidentKind
from engine.storage import claimed, read_arrays
from engine.storage.vault import Owner, Vault, read_file
from engine.types import Floats, Progress
from engine.workbench import Workbench

_PIECE = 16
"""Pictures per piece of work."""


@dataclass
class GalleryReport:
    """The result for a gallery.

    Attributes:
        name: `people`, `strangers` or `anchors`.
        outcome: `embedded`, `of this recipe already`, `empty` or `failed`.
        before: earlier model and alignment.
        templates: how many the gallery holds now.
        left_out: id, person and reason of lost templates.
        emptied: people without templates, who must be enrolled again.
        kept: file of the old gallery; may be empty.
    """

    name: str
    outcome: str = "of this recipe already"
    before: str = ""
    templates: int = 0
    left_out: list[tuple[str, str, str]] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    kept: str = ""


@dataclass
class ReembedReport:
    """The result for all galleries.

    Attributes:
        recipe: model and alignment of the settings.
        told: what failed.
        concerns: what no longer fits, such as a threshold.
        dropped: number of deleted old files.
    """

    recipe: str
    galleries: list[GalleryReport]
    told: list[str] = field(default_factory=list)
    concerns: list[str] = field(default_factory=list)
    dropped: int = 0

    @property
    def complete(self) -> bool:
        """Whether nothing failed and everybody is still enrolled."""
        return not self.told and not any(each.emptied for each in self.galleries if each.name == "people")


@dataclass(frozen=True)
class ReembedTask:
    """Embed some pictures, which the task carries by template id because workers may not reach the workspace."""

    pictures: tuple[tuple[str, NDArray[np.uint8]], ...]

    @property
    def where(self) -> str:
        """Names the pictures for people."""
        return f"pictures of the templates {self.pictures[0][0]} to {self.pictures[-1][0]}"

    @property
    def part_of(self) -> str:
        """Nothing larger."""
        return self.where

    @property
    def deadline_s(self) -> float:
        """After this time a worker hangs."""
        return 120.0 + 30.0 * len(self.pictures)

    def run(self, reader: FaceReader, recipe: Recipe) -> bytes:
        """Return embeddings and whether each picture shows a face, as an npz file without pickle."""
        del recipe
        rows = np.zeros((len(self.pictures), reader.embedder.dimension), np.float32)
        found = np.zeros(len(self.pictures), np.bool_)
        for place, (_, image) in enumerate(self.pictures):
            faces = reader.photo(image)
            chosen = subject(faces, (image.shape[1], image.shape[0]))
            if chosen is not None and faces.embeddings is not None:
                rows[place], found[place] = faces.embeddings[chosen], True
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, embeddings=rows, found=found)
        return buffer.getvalue()


def reembed(
    bench: Workbench,
    hired: Callable[[Recipe], AbstractContextManager[Crew]],
    progress: Progress,
    *,
    author: str,
    drop_old: bool = False,
) -> ReembedReport:
    """Embed all templates again that are not of the settings' recipe; a second run continues an interrupted one.

    Args:
        hired: returns workers for a recipe.
        author: for the audit log.
        drop_old: delete the kept galleries of other models.

    Raises:
        InputError: another process works on the archive, or there are no workers.
        ModelUnavailable: the networks cannot be opened.
        StorageError: something cannot be read or written.
        GalleryMismatch: somebody changed a gallery meanwhile.
    """
    stores = {"people": bench.gallery, "strangers": bench.strangers, "anchors": bench.anchors}
    report = ReembedReport("+".join(bench.gallery.recipe), [])
    with claimed(bench.workspace / "archive" / "process") as first:
        if not first:
            raise InputError("another process works on this archive", hint="wait for it, or end it")
        recipe = Recipe.of(bench.config, bench.models)
        found = {name: store.stored() for name, store in stores.items()}
        due = {name: old for name, old in found.items() if old is not None and old.recipe != stores[name].recipe}
        pictures = {name: _pictures_of(bench, name, old) for name, old in due.items()}
        pieces = _Pieces(bench.workspace / "archive" / "reembed", recipe, bench.records.vault)
        if due:
            with hired(recipe) as crew:
                report.told = pieces.make([each for some in pictures.values() for each in some.items()], crew, progress)
        for name, store in stores.items():
            old = found[name]
            row = GalleryReport(name, templates=len(old.templates) if old else 0)
            report.galleries.append(row)
            if old is None:
                row.outcome = "empty"
            elif name in due:
                row.before, row.outcome = "+".join(old.recipe), "failed"
                if not report.told:
                    _replace(bench, store, old, pieces.answers, pictures[name], row, author)
        if not report.told:
            pieces.clear()
            if drop_old:
                report.dropped = sum(store.drop_aside() for store in stores.values())
    if due and not report.told:
        report.concerns = _concerns(bench)
    return report


def _replace(
    bench: Workbench,
    store: GalleryStore,
    old: Gallery,
    answers: Mapping[str, Floats],
    pictures: Mapping[str, Path],
    row: GalleryReport,
    author: str,
) -> None:
    """Replace the old gallery."""
    kept: list[Template] = []
    for template in old.templates:
        if template.template_id in answers:
            kept.append(template)
        else:
            reason = "no face on its picture" if template.template_id in pictures else "no picture"
            row.left_out.append((template.template_id, template.person, reason))
    dimension = bench.spec.dimension
    rows = [answers[template.template_id] for template in kept]
    embeddings = np.stack(rows) if rows else np.empty((0, dimension), np.float32)
    new = Gallery(*store.recipe, embeddings, tuple(kept), old.version + 1, old.issued)
    kept_aside = store.supersede(old, new)
    row.kept = kept_aside.name if kept_aside else ""
    row.outcome, row.templates = "embedded", len(kept)
    row.emptied = sorted(set(old.people) - set(new.people))
    detail = f"{row.before} to {'+'.join(store.recipe)}: {len(kept)} templates, {len(row.left_out)} left out, version {new.version}"
    bench.audit.note("reembed", row.name, detail, author=author, now=bench.clock())


def _pictures_of(bench: Workbench, name: str, gallery: Gallery) -> dict[str, Path]:
    """Return the picture of each template that has one."""
    if name == "people":
        paths = {each.template_id: bench.registrar.picture(each.template_id) for each in gallery.templates}
        return {key: path for key, path in paths.items() if path.is_file()}
    if name == "anchors":
        told = {row.event_id: row.evidence_image for _, row in bench.records.attendance_rows()}
    else:  # a stranger's template is named after its track
        told = {
            track: row.image
            for row in bench.records.incident_rows()
            if row.kind is IncidentKind.UNKNOWN and row.image
            for track in row.tracks
        }
    found = {each.template_id: bench.records.inside(told.get(each.template_id, "")) for each in gallery.templates}
    return {key: path for key, path in found.items() if path is not None}


def _concerns(bench: Workbench) -> list[str]:
    """Return concerns about the threshold, which is for similarities of one model."""
    found = bench.calibration.in_force(bench.gallery.current())
    concerns = [f"{each.what} → {each.hint}" for each in found.concerns]
    if found.source == "settings":
        concerns.append(
            f"{bench.calibration.fixed_where} fixes the threshold at {found.threshold:g}, which was chosen for another model → remove it, "
            "then `muster calibrate`"
        )
    return concerns


class _Pieces:
    """Embedded pictures, kept until all are there; `answers` holds the embeddings by template."""

    def __init__(self, folder: Path, recipe: Recipe, vault: Vault) -> None:
        self.answers: dict[str, Floats] = {}
        self._folder, self._recipe, self._vault = folder, recipe, vault
        self._done = self._all = 0
        self._mutex = threading.Lock()

    def make(self, pictures: Sequence[tuple[str, Path]], crew: Crew, progress: Progress) -> list[str]:
        """Embed pictures; return a line for each failure."""
        failed: list[str] = []
        pieces = [pictures[begin : begin + _PIECE] for begin in range(0, len(pictures), _PIECE)]
        self._all = len(pictures)
        coming = iter(enumerate(pieces))

        def more() -> bool:
            if (following := next(coming, None)) is not None:
                self._hand_out(*following, crew, progress, failed)
            return following is not None

        crew.run(more)
        return failed

    def _hand_out(
        self, number: int, piece: Sequence[tuple[str, Path]], crew: Crew, progress: Progress, failed: list[str]
    ) -> None:
        read: list[tuple[str, NDArray[np.uint8]]] = []
        told = [self._recipe.digest]
        for template_id, path in piece:
            try:
                image = read_image(path)
            except InputError:
                continue  # reported like a picture without a face
            read.append((template_id, image))
            told += [template_id, hashlib.sha256(image.tobytes()).hexdigest()]
        names = [template_id for template_id, _ in read]
        place = self._folder / f"{hashlib.sha256(' '.join(told).encode()).hexdigest()[:32]}.npz"

        def take(content: bytes) -> None:
            rows, there = read_arrays(content, str(place), "embeddings", "found")
            found = there.tolist()
            with self._mutex:  # kept pieces are read in a thread of their own
                self.answers.update({key: row for key, row, there in zip(names, rows, found, strict=True) if there})
                self._done += len(piece)
                progress("embedding pictures", self._done, self._all)

        def done(content: bytes) -> None:
            self._vault.write(place, content, Owner.archive())
            take(content)

        def lost(error: MusterError) -> None:
            failed.append(str(error))

        if not read:
            return
        try:
            if place.is_file():
                take(read_file(place))
                return
        except (OSError, ValueError, TypeError, StorageError):
            place.unlink(missing_ok=True)
        crew.add((number,), ReembedTask(tuple(read)), done, lost)

    def clear(self) -> None:
        """Delete the kept pieces.

        Raises:
            StorageError: a file cannot be deleted.
        """
        try:
            for path in self._folder.glob("*.npz"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._folder}: {error.strerror}", hint="delete this folder") from error
