"""The one place where concrete classes meet: a workspace on disk, the networks, and what can be done with both."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.alignment import ALIGNMENT_ID
from engine.analysis import FaceReader
from engine.attendance import AttendanceBook
from engine.config import Config, load_config
from engine.detection import MTCNNDetector
from engine.embedding import FaceNetEmbedder
from engine.enrolment import EnrolmentReport, examine_files, judge
from engine.errors import InputError
from engine.evaluation import derive_threshold
from engine.gallery import Gallery, GalleryStore, Template
from engine.images import write_jpeg
from engine.incidents import IncidentBook
from engine.models import ModelStore, Progress, embedder_spec, no_progress
from engine.people import PeopleStore, Person, clean_id, clean_name
from engine.pipeline import Pipeline, Services
from engine.storage import append_rows, locked, new_id
from engine.types import FaceQuality, Match

__all__ = ["AUDIT_COLUMNS", "IdentifiedFace", "Workbench"]

AUDIT_COLUMNS = ("timestamp", "author", "action", "subject", "detail")


@dataclass(frozen=True, eq=False)
class IdentifiedFace:
    """One face of a photo and who it is.

    Attributes:
        box: (4,) xyxy in pixels. landmarks: (5, 2).
        score: the detector's.
        quality: measured.
        match: the 1:N search.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float
    quality: FaceQuality
    match: Match


class Workbench:
    """Everything Muster can do with a workspace.

    Args:
        workspace: folder; made when something is first written.
        config: settings; default: read from the workspace and the environment.
        progress: told of downloads and conversions.
        models: networks; default: the user's cache.
    """

    def __init__(
        self,
        workspace: Path,
        config: Config | None = None,
        *,
        progress: Progress = no_progress,
        models: ModelStore | None = None,
    ) -> None:
        self.workspace = workspace
        self.config = config or load_config(workspace)
        self.models = models or ModelStore(self.config.runtime.backend, self.config.runtime.threads, progress)
        self.spec = embedder_spec(self.config.embedding.model)
        self.people = PeopleStore(workspace / "people.csv")
        folder = workspace / "gallery"
        self.gallery = GalleryStore(
            folder / "people.safetensors", self.spec.model_id, self._alignment_id, self.spec.dimension
        )
        self.strangers = GalleryStore(
            folder / "strangers.safetensors", self.spec.model_id, self._alignment_id, self.spec.dimension
        )
        self.attendance = AttendanceBook(workspace, self.config.zone, self.config.events)
        self.incidents = IncidentBook(workspace, self.config.zone)
        self._threshold: tuple[Gallery, float] | None = None
        self._names: tuple[object, Mapping[str, Mapping[str, str]]] | None = None
        self._inactive: frozenset[str] = frozenset()
        self._opening = threading.Lock()

    @property
    def _alignment_id(self) -> str:
        return f"{ALIGNMENT_ID}{'+mirror' if self.config.alignment.mirror else ''}"

    # ----------------------------------------------------------------------------------------- networks

    @cached_property
    def reader(self) -> FaceReader:
        """Detector and embedder, opened on first use (weights are fetched if need be)."""
        with self._opening:
            detector = MTCNNDetector(*self.models.mtcnn(), self.config.detection, workers=self.models.threads)
            embedder = FaceNetEmbedder(
                self.models.embedder(self.spec.model_id),
                dimension=self.spec.dimension,
                normalisation=self.spec.normalisation,
                mirror=self.config.alignment.mirror,
                max_batch=self.config.embedding.max_batch,
            )
            return FaceReader(detector, embedder, self.config.quality)

    def threshold(self, gallery: Gallery | None = None) -> float:
        """The matching threshold in force: fixed by the settings, or derived from the gallery's own impostor scores."""
        gallery = gallery if gallery is not None else self.gallery.current()
        if self._threshold is None or self._threshold[0] is not gallery:
            self._threshold = (gallery, self.threshold_of(gallery))
        return self._threshold[1]

    def threshold_of(self, gallery: Gallery) -> float:
        """The same, computed anew for any gallery."""
        matching = self.config.matching
        if matching.threshold is not None:
            return matching.threshold
        return derive_threshold(
            gallery.impostor_scores(),
            len(gallery),
            prior_mean=self.spec.impostor_mean,
            prior_std=self.spec.impostor_std,
            target_fmr=matching.target_fmr,
            target_fpir=matching.target_fpir,
        )

    @property
    def _other_person(self) -> float:
        """Similarity below which two photos are taken for two people: about one in forty impostor pairs lies above."""
        return self.spec.impostor_mean + 2 * self.spec.impostor_std

    # ----------------------------------------------------------------------------------------- people

    def known_people(self) -> Mapping[str, Mapping[str, str]]:
        """Name and department by id; read again only when the file changed."""
        try:
            status = self.people.path.stat()
            stamp: object = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            stamp = None
        if self._names is None or self._names[0] != stamp:
            people = self.people.all()
            rows = {key: {"name": person.name, "department": person.department} for key, person in people.items()}
            self._names = (stamp, rows)
            self._inactive = frozenset(key for key, person in people.items() if not person.active)
        return self._names[1]

    def inactive(self) -> frozenset[str]:
        """Ids of people whose row in people.csv says `active` = `no`: they are not recognised any more."""
        self.known_people()
        return self._inactive

    def enrol(
        self,
        employee_id: str,
        name: str,
        photos: Sequence[Path],
        *,
        department: str = "",
        email: str = "",
        consent_at: str = "",
        allow_look_alike: bool = False,
        author: str = "",
        now: datetime | None = None,
    ) -> EnrolmentReport:
        """Enrol a person from photos, or give an enrolled one more templates.

        Raises:
            InputError: id or name cannot be used.
            EnrolmentRejected: see `engine.enrolment`; nothing was changed.
            StorageError: the workspace cannot be written; nothing was changed.
        """
        moment = now or datetime.now(UTC)
        employee_id, name = clean_id(employee_id), clean_name(name)
        report = EnrolmentReport(employee_id, name)
        shots = examine_files(self.reader, photos, report)
        gallery = self.gallery.current()
        kept = judge(
            shots,
            report,
            gallery,
            threshold=self.threshold(gallery),
            same_person=self._other_person,
            allow_look_alike=allow_look_alike,
        )
        templates = [Template(new_id(moment), employee_id, shot.quality.score) for shot in kept]
        rows = np.stack([shot.embedding for shot in kept])
        pictures = [self._enrolment_picture(template.template_id) for template in templates]
        before = self.people.all().get(employee_id)
        try:
            for path, shot in zip(pictures, kept, strict=True):
                write_jpeg(path, shot.picture)
            self.people.put(
                Person(
                    employee_id,
                    name,
                    department or (before.department if before else ""),
                    email or (before.email if before else ""),
                    before.enrolled_at if before else self._stamp(moment),
                    consent_at or (before.consent_at if before else ""),
                )
            )
            after = self.gallery.update(lambda current: current.add(templates, rows))
        except BaseException:
            for path in pictures:
                with contextlib.suppress(OSError):
                    path.unlink()
            if before is None and employee_id not in self.gallery.current().people:
                self.people.remove(employee_id)
            raise
        report.templates = len(after.of(employee_id)[0])
        self.audit(
            "enrol", employee_id, f"{len(templates)} templates added, gallery version {after.version}", author, moment
        )
        return report

    def _enrolment_picture(self, template_id: str) -> Path:
        return self.workspace / "images" / "enrolment" / f"{template_id}.jpg"

    def forget(self, employee_id: str, *, author: str = "", now: datetime | None = None) -> dict[str, int]:
        """Erase a person: templates, name, enrolment and evidence pictures, and those of incidents they took part in.

        Log rows stay under the bare id.

        Returns:
            How much of each was erased.

        Raises:
            InputError: nobody of that id is known.
        """
        moment = now or datetime.now(UTC)
        templates, _ = self.gallery.current().of(employee_id)
        if employee_id not in self.people.all() and not templates:
            raise InputError(f"nobody is enrolled as {employee_id}", hint="`muster people` lists who is")
        paths = [self._enrolment_picture(template.template_id) for template in templates]
        evidence: list[Path] = []
        days = set()
        for day in self.attendance.log.days():
            for row in self.attendance.log.read(day):
                if row["employee_id"] == employee_id:
                    days.add(day)
                    if row["evidence_image"]:
                        evidence.append(self.workspace / row["evidence_image"])
        for day in self.incidents.log.days():
            for row in self.incidents.log.read(day):
                if employee_id in row["employee_ids"].split(";"):
                    columns = ("image", "clean_image", "before_image", "after_image")
                    evidence += [self.workspace / row[column] for column in columns if row[column]]
        inside = self.workspace.resolve()
        erased = 0
        for path in [*paths, *evidence]:
            if path.resolve().is_relative_to(inside) and path.exists():
                path.unlink()
                erased += 1
        # the pictures' names stand in the gallery and the logs, so it goes after them: a broken attempt can be repeated
        self.gallery.update(lambda gallery: gallery.remove(employee_id))
        self.people.remove(employee_id)
        for day in sorted(days):
            self.attendance.refresh(day, self.known_people())
        receipt = {"templates": len(templates), "pictures": erased, "day_sheets": len(days)}
        self.audit(
            "forget", employee_id, ", ".join(f"{count} {what}" for what, count in receipt.items()), author, moment
        )
        return receipt

    def audit(self, action: str, subject: str, detail: str, author: str, moment: datetime) -> None:
        """Write down who changed what, when."""
        path = self.workspace / "log" / "audit.csv"
        row: dict[str, Any] = {
            "timestamp": self._stamp(moment), "author": author, "action": action, "subject": subject, "detail": detail,
        }  # fmt: skip
        with locked(path):
            append_rows(path, AUDIT_COLUMNS, [row])

    def _stamp(self, moment: datetime) -> str:
        return moment.astimezone(self.config.zone).isoformat(timespec="seconds")

    # ----------------------------------------------------------------------------------------- recognition

    def identify(self, image: NDArray[np.uint8]) -> list[IdentifiedFace]:
        """Who is in a photo, largest face first; with nobody enrolled every face is unknown."""
        faces = self.reader.photo(image)
        gallery = self.gallery.current()
        assert faces.embeddings is not None
        matches = gallery.search(
            faces.embeddings,
            threshold=self.threshold(gallery),
            min_margin=self.config.matching.min_margin,
            top=5,
            without=self.inactive(),
        )
        found = faces.detections
        rows = [
            IdentifiedFace(found.boxes[i], found.landmarks[i], float(found.scores[i]), faces.qualities[i], matches[i])
            for i in range(len(faces))
        ]
        return [rows[i] for i in np.argsort(-found.areas, kind="stable")]

    def services(self) -> Services:
        """What pipelines work with."""
        return Services(
            reader=self.reader,
            gallery=self.gallery,
            strangers=self.strangers,
            attendance=self.attendance,
            incidents=self.incidents,
            people=self.known_people,
            threshold=self.threshold,
            swap_similarity=self.spec.impostor_mean + self.spec.impostor_std,
            inactive=self.inactive,
        )

    def pipeline(
        self, camera: str, *, run_id: str | None = None, min_face_px: int | None = None, live: bool = False
    ) -> Pipeline:
        """A pipeline for one camera; `live` where a camera must be kept up with, see `engine.pipeline`."""
        run = run_id or new_id(datetime.now(UTC))[9:]
        return Pipeline(self.services(), self.config, camera, run_id=run, min_face_px=min_face_px, live=live)
