"""Take a picture through detection, alignment, quality and embedding; enrolment, pipeline and evaluation share this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.alignment import align, measure
from engine.config import AlignmentConfig, DetectionConfig, EmbeddingConfig, QualityConfig
from engine.detection import Detector, FaceFinder, Finder, MTCNNDetector
from engine.embedding import Embedder, FaceNetEmbedder
from engine.models import ModelStore, embedder_spec
from engine.types import Detections, FaceQuality

__all__ = ["BYSTANDER_SHARE", "FaceReader", "Faces", "bystanders", "open_reader", "subject"]

Floats = NDArray[np.float32]

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


class FaceReader:
    """Finds, aligns, measures and embeds the faces in pictures."""

    def __init__(self, detector: Detector, embedder: Embedder, gate: QualityConfig) -> None:
        self.detector = detector
        self.embedder = embedder
        self._gate = gate

    def finder(self, config: DetectionConfig, min_face_px: int | None = None) -> Finder:
        """Make a finder for one camera's frames."""
        return FaceFinder(self.detector, config, min_face_px)

    def cut(self, image: NDArray[np.uint8], found: Detections) -> Faces:
        """Align and measure detected faces without embedding them."""
        crops = align(image, found.landmarks)
        return Faces(found, crops, measure(crops, found, (image.shape[1], image.shape[0]), self._gate))

    def photo(self, image: NDArray[np.uint8]) -> Faces:
        """Find and embed all faces in a photo, RGB uint8 (H, W, 3)."""
        faces = self.cut(image, self.detector.detect_photo(image))
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
    spec = embedder_spec(embedding.model)
    detector = MTCNNDetector(*models.mtcnn(), detection, workers=models.threads)
    embedder = FaceNetEmbedder(
        models.embedder(spec.model_id),
        dimension=spec.dimension,
        normalisation=spec.normalisation,
        mirror=alignment.mirror,
        max_batch=embedding.max_batch,
    )
    return FaceReader(detector, embedder, quality)
