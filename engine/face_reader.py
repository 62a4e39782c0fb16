"""Take a picture through detection, alignment, quality and embedding; enrolment, pipeline and evaluation share this."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.alignment import align, measure
from engine.config import AlignmentConfig, DetectionConfig, EmbeddingConfig, QualityConfig
from engine.detection import Detector, FaceFinder, Finder, MTCNNDetector, Searcher
from engine.embedding import Embedder, FusedEmbedder, Glance, NetworkEmbedder
from engine.imaging import turned
from engine.models import ModelStore, embedder_spec
from engine.models.runtime import cores
from engine.occlusion import OcclusionCheck
from engine.types import Detections, FaceQuality

__all__ = [
    "BEYOND_DOUBT",
    "BYSTANDER_SHARE",
    "FaceReader",
    "Faces",
    "Photo",
    "bystanders",
    "open_embedder",
    "open_reader",
    "subject",
]

Floats = NDArray[np.float32]

BEYOND_DOUBT = 0.9995
"""Score of a face that stands upright. Of 6,921 photos 9 of 10 reach it; turned by 90, 180 or 270° none of 1,200 did."""
_LESS_CLEAR, _TURNED_LESS_CLEAR = 1.5, 3.0
"""How many times as far from 1 the score of the next best position must be, for a photo to stay as it is and to be turned."""
BYSTANDER_SHARE = 0.10
"""A second face smaller than this share of the first is in the background."""


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces in one picture.

    Attributes:
        detections: n faces.
        crops: (n, 160, 160, 3) uint8, aligned.
        qualities: n.
        embeddings: (n, d) float32 unit rows; None if they were not requested.
    """

    detections: Detections
    crops: NDArray[np.uint8]
    qualities: list[FaceQuality]
    embeddings: Floats | None = None

    def __len__(self) -> int:
        return len(self.detections)

    @classmethod
    def none(cls) -> Faces:
        """Return a value without faces."""
        return cls(Detections.empty(), np.empty((0, 160, 160, 3), np.uint8), [])


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as it was read.

    Attributes:
        image: RGB uint8 (H, W, 3), upright.
        faces: in that picture.
        turned_deg: how far it was turned clockwise to stand upright: 0, 90, 180 or 270.
        doubtful: which way is up could not be told.
    """

    image: NDArray[np.uint8]
    faces: Faces
    turned_deg: int = 0
    doubtful: bool = False

    @property
    def subject(self) -> int | None:
        """Index of the main face, see `subject`."""
        return subject(self.faces, (self.image.shape[1], self.image.shape[0]))


def subject(faces: Faces, image_size: tuple[int, int]) -> int | None:
    """Return the index of the photo's main face: large, central, certain and whole; None if there is no face.

    Args:
        faces: those in the photo.
        image_size: (width, height) in pixels.
    """
    if not len(faces):
        return None
    found = faces.detections
    middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 / np.array(image_size, np.float32) - 0.5
    central = 1 - np.hypot(middle[:, 0], middle[:, 1])
    inside = np.array([quality.inside for quality in faces.qualities], np.float32)
    return int(np.argmax(found.areas * found.scores * np.maximum(central, 0.05) * inside))


def bystanders(found: Detections, chosen: int) -> int:
    """Return how many other faces are too large to be in the background."""
    large = found.areas > BYSTANDER_SHARE * found.areas[chosen]
    return int(large.sum()) - int(large[chosen])


@dataclass(frozen=True, eq=False)
class Beside:
    """What works beside a loop, each call in its caller's thread, so that the loop keeps a core.

    Attributes:
        embedder: without mirror images, at half the cost. Against templates that were made with them, .90 % instead of .81 % of genuine
            pairs of LFW miss the threshold at which 1 in 10,000 impostors pass, of whom no more than before pass; and a track has
            several looks.
        glance: tells cheaply whether a face is still that of its track; None: every face is embedded as a whole.
        turns: whoever embeds beside a live camera takes one, so that all cameras together leave a core to the loops.
    """

    detector: Detector
    embedder: Embedder
    glance: Glance | None = None
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(max(1, cores() - 1)))


class FaceReader:
    """Finds, aligns, measures and embeds the faces in pictures.

    Args:
        occlusion: tells covered faces; None: they are not told.
        beside: what works beside a live loop; default: the same detector and embedder.
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        gate: QualityConfig,
        occlusion: OcclusionCheck | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.detector = detector
        self.embedder = embedder
        self.occlusion = occlusion
        self.beside = beside or Beside(detector, embedder)
        self._gate = gate
        self._warm = False

    def warm(self) -> None:
        """Run every network once, so that the first frames of a live camera need not wait for what is loaded on first use."""
        if self._warm:
            return
        self._warm = True
        picture = np.zeros((360, 640, 3), np.uint8)
        somewhere = np.array([[200, 100, 280, 180]], np.float32)
        for detector in (self.detector, self.beside.detector):
            detector.detect(picture)
            detector.detect_near(picture, somewhere)
        marks = np.array([[[238, 151], [273, 151], [256, 171], [241, 192], [270, 192]]], np.float32)
        face = self.cut(picture, Detections(somewhere, marks, np.ones(1, np.float32))).crops
        self.beside.embedder.embed(face)
        if self.beside.glance is not None:
            self.beside.glance.embed(face)
        if self.occlusion is not None:
            self.occlusion.covered(face)

    def finder(
        self, config: DetectionConfig, min_face_px: int | None = None, searcher: Searcher | None = None
    ) -> Finder:
        """Make a finder for one camera's frames; `searcher`: see `FaceFinder`."""
        return FaceFinder(self.detector, config, min_face_px, searcher)

    def cut(self, image: NDArray[np.uint8], found: Detections) -> Faces:
        """Align and measure detected faces without embedding them."""
        crops = align(image, found.landmarks)
        qualities = measure(crops, found, (image.shape[1], image.shape[0]), self._gate)
        good = [place for place, quality in enumerate(qualities) if quality.good]
        if self.occlusion is not None and good:
            for place, covered in zip(good, self.occlusion.covered(crops[good]), strict=True):
                qualities[place] = replace(qualities[place], covered=covered)
        return Faces(found, crops, qualities)

    def photo(self, image: NDArray[np.uint8]) -> Faces:
        """Find and embed all faces in a photo, RGB uint8 (H, W, 3), as it stands."""
        return self._embedded(self.cut(image, self.detector.detect_photo(image)))

    def upright(self, image: NDArray[np.uint8]) -> Photo:
        """Find and embed all faces in a photo that may stand on its head or lie on its side, RGB uint8 (H, W, 3)."""
        photo = self.stood_up(image)
        return replace(photo, faces=self._embedded(photo.faces))

    def stood_up(self, image: NDArray[np.uint8]) -> Photo:
        """Find all faces in a photo that may stand on its head or lie on its side, without embedding them.

        Landmarks do not tell: the detector draws upright ones on a face that stands on its head. Its score does, so the photo is read
        in all four positions unless its main face is beyond doubt as it stands. If no position is clearly the best, it is left as it is.
        """
        views: list[tuple[float, Photo]] = []
        for turns in range(4):
            upright = turned(image, 90 * turns)
            photo = Photo(upright, self.cut(upright, self.detector.detect_photo(upright)), 90 * turns)
            chosen = photo.subject
            views.append((0.0 if chosen is None else float(photo.faces.detections.scores[chosen]), photo))
            if turns == 0 and views[0][0] >= BEYOND_DOUBT:
                break
        as_it_stands, (score, best) = views[0], max(views, key=lambda view: view[0])
        wanted = _TURNED_LESS_CLEAR if best.turned_deg else _LESS_CLEAR
        clear = all(1 - other >= wanted * (1 - score) for other, photo in views if photo is not best)
        return replace(best if clear or not as_it_stands[0] else as_it_stands[1], doubtful=not clear)

    def _embedded(self, faces: Faces) -> Faces:
        return Faces(faces.detections, faces.crops, faces.qualities, self.embedder.embed(faces.crops))


def open_reader(
    models: ModelStore,
    embedding: EmbeddingConfig,
    alignment: AlignmentConfig,
    detection: DetectionConfig,
    quality: QualityConfig,
) -> FaceReader:
    """Open detector and embedder, ready to run; fetch the weights if needed.

    Args:
        models: networks, and how many threads they may use.
        embedding, alignment, detection, quality: their sections of the settings.

    Raises:
        ConfigError: no such model.
        ModelUnavailable: the weights are not in the cache and cannot be fetched.
    """
    detector = MTCNNDetector(*models.mtcnn(), detection, workers=models.threads)
    plain = open_embedder(models, embedding.model, mirror=False, max_batch=embedding.max_batch)
    embedder = open_embedder(
        models, embedding.model, mirror=alignment.mirror, max_batch=embedding.max_batch, workers=models.threads
    )
    beside = Beside(detector.alone(), plain, open_glance(models, embedding.model))
    return FaceReader(detector, embedder, quality, OcclusionCheck(models.occlusion()), beside)


def open_glance(models: ModelStore, model_id: str) -> Glance | None:
    """Open the cheap check that belongs to an embedder: its last network, without the mirror image; None: it has none.

    Raises:
        ConfigError: no such model.
        ModelUnavailable: the weights are not in the cache and cannot be fetched.
    """
    spec = embedder_spec(model_id)
    last = embedder_spec(spec.parts[-1]) if spec.parts else spec
    if last.same_track is None:
        return None
    network = open_embedder(models, last.model_id, mirror=False)
    return Glance(network, slice(spec.dimension - last.dimension, None), last.same_track)


def open_embedder(
    models: ModelStore, model_id: str, *, mirror: bool = True, max_batch: int = 32, workers: int = 1
) -> Embedder:
    """Open an embedder by name, ready to run; fetch its weights if needed. Options: see `NetworkEmbedder`.

    Raises:
        ConfigError: no such model.
        ModelUnavailable: the weights are not in the cache and cannot be fetched.
    """
    spec = embedder_spec(model_id)
    if spec.parts:
        first, second = (
            open_embedder(models, part, mirror=mirror, max_batch=max_batch, workers=workers) for part in spec.parts
        )
        return FusedEmbedder(first, second, spec.share)
    return NetworkEmbedder(
        models.embedder(model_id),
        dimension=spec.dimension,
        normalisation=spec.normalisation,
        side=spec.side,
        mirror=mirror,
        max_batch=max_batch,
        workers=workers,
    )
