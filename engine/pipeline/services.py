"""The networks, galleries and books that pipelines use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.attendance import AttendanceBook
from engine.detection import Searcher
from engine.face_reader import FaceReader
from engine.gallery import Gallery, GalleryStore, SeenFaces, deny
from engine.incidents import DossierBook, IncidentBook, IncidentRow
from engine.tracking import SightingBook
from engine.types import FaceQuality, Match, Person


@dataclass(frozen=True, eq=False)
class IdentifiedFace:
    """One face of a photo and who it is.

    Attributes:
        box: (4,) xyxy in pixels. landmarks: (5, 2).
        score: the detector's.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float
    quality: FaceQuality
    match: Match


@dataclass(frozen=True)
class Services:
    """The networks, galleries and books of a pipeline; one set may serve the pipelines of several cameras.

    Attributes:
        gallery, strangers: enrolled people, and people seen but not enrolled.
        anchors: faces that were taken for somebody by mistake, under that person's id.
        seen: faces of all who passed, for the search by photo.
        swap_similarity: below this two faces of one track are taken for two people.
        min_margin: how far the best person must lie before the runner-up.
        inactive: ids of people who are enrolled but no longer recognised.
        searcher: searches the frames of all live cameras; None: each camera has its own.
        alert: notifies others of an incident that was written; may raise StorageError, and is then called again.
        announce: called before that with an incident that is about to be written.
    """

    reader: FaceReader
    gallery: GalleryStore
    strangers: GalleryStore
    anchors: GalleryStore
    attendance: AttendanceBook
    incidents: IncidentBook
    dossiers: DossierBook
    sightings: SightingBook
    seen: SeenFaces
    people: Callable[[], Mapping[str, Person]]
    threshold: Callable[[Gallery], float]
    swap_similarity: float
    min_margin: float = 0.0
    inactive: Callable[[], Collection[str]] = frozenset
    searcher: Searcher | None = None
    alert: Callable[[IncidentRow], object] | None = None
    announce: Callable[[IncidentRow], object] | None = None

    def search(self, probes: NDArray[np.float32], gallery: Gallery | None = None) -> list[Match]:
        """Who these faces are, with all that people have said about mistakes.

        Args:
            probes: (n, d) float32 unit rows.
        """
        gallery = gallery if gallery is not None else self.gallery.current()
        matches = gallery.search(
            probes, threshold=self.threshold(gallery), min_margin=self.min_margin, top=5, without=self.inactive()
        )
        return deny(matches, probes, self.anchors.current())

    def identify(self, image: NDArray[np.uint8]) -> list[IdentifiedFace]:
        """Who is in a photo, largest face first; with nobody enrolled every face is unknown.

        Args:
            image: RGB uint8 (H, W, 3).
        """
        faces = self.reader.photo(image)
        assert faces.embeddings is not None
        found, matches = faces.detections, self.search(faces.embeddings)
        return [
            IdentifiedFace(found.boxes[i], found.landmarks[i], float(found.scores[i]), faces.qualities[i], matches[i])
            for i in np.argsort(-found.areas, kind="stable").tolist()
        ]
