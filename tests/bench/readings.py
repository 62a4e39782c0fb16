"""The same photos through three engines: ours, face_recognition (dlib), and facenet-pytorch as its documentation uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.alignment import FACE_SIDE
from engine.embedding import normalised
from engine.face_reader import FaceReader, subject
from engine.imaging import read_image
from engine.models import FACENET, ModelStore, embedder_spec
from engine.types import Detections
from tests.bench.loops import dlib_parts

__all__ = ["BOX_MARGIN_PX", "Progress", "Reading", "dlib_reading", "facenet_readings", "gathered"]

RGB = NDArray[np.uint8]
Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

BOX_MARGIN_PX = 32
"""Around the box in a picture of 160: as FaceNet was trained, and better on the sample photos than facenet-pytorch's own default of 0."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What one engine makes of n photos.

    Attributes:
        embeddings: (n, d) float64; zeros where no face was found.
        acquired: (n,) bool, a face was found.
        compared: how two embeddings are compared.
    """

    embeddings: Floats
    acquired: NDArray[np.bool_]
    compared: Literal["cosine", "euclidean"] = "cosine"

    def similarity(self) -> Floats:
        """(n, n) float64, higher is more alike; -inf where a photo of the two has no face. Euclidean distances are negated."""
        if self.compared == "cosine":
            table = self.embeddings @ self.embeddings.T
        else:
            squares = (self.embeddings**2).sum(1)
            apart = squares[:, None] + squares[None] - 2 * self.embeddings @ self.embeddings.T
            table = -np.sqrt(np.maximum(apart, 0.0))
        return np.where(self.acquired[:, None] & self.acquired[None], table, -np.inf)


def gathered(
    rows: Sequence[NDArray[np.floating] | None], compared: Literal["cosine", "euclidean"] = "cosine"
) -> Reading:
    """A reading from one row per photo; None: no face was found."""
    width = next((len(row) for row in rows if row is not None), 1)
    filled = [np.zeros(width) if row is None else np.asarray(row, np.float64) for row in rows]
    embeddings = np.stack(filled) if filled else np.empty((0, width))
    return Reading(embeddings, np.array([row is not None for row in rows], np.bool_), compared)


def dlib_reading(files: Sequence[Path], progress: Progress) -> Reading:
    """`face_recognition.face_locations` and `face_encodings` with their defaults; of several faces the largest."""
    detector, landmarks, network = dlib_parts()
    rows: list[Floats | None] = []
    for index, file in enumerate(files):
        progress("reading photos with dlib", index, len(files))
        image = np.ascontiguousarray(read_image(file))
        boxes = detector(image, 1)
        largest = max(boxes, key=lambda box: box.area(), default=None)
        found = None if largest is None else network.compute_face_descriptor(image, landmarks(image, largest), 1)
        rows.append(None if found is None else np.array(found, np.float64))
    return gathered(rows, "euclidean")


def facenet_readings(files: Sequence[Path], reader: FaceReader, progress: Progress) -> tuple[Reading, Reading]:
    """facenet-pytorch's detector and box crops with the same weights as ours: of the largest face, and of the one that we would choose.

    Args:
        files: photos.
        reader: ours; it chooses the second.
        progress: told of photos.
    """
    import torch
    from facenet_pytorch import MTCNN

    spec = embedder_spec(FACENET)
    module = ModelStore("torch").module(spec.model_id)
    detector = MTCNN(image_size=FACE_SIDE, margin=BOX_MARGIN_PX, keep_all=True, post_process=False, device="cpu")
    largest: list[Floats | None] = []
    chosen: list[Floats | None] = []
    for index, file in enumerate(files):
        progress("reading photos with facenet-pytorch", index, len(files))
        image = read_image(file)
        boxes, scores, marks = detector.detect(image, landmarks=True)
        if boxes is None:
            largest.append(None)
            chosen.append(None)
            continue
        boxes = np.array(boxes.tolist(), np.float64)
        crops = detector.extract(image, boxes, None).numpy().astype(np.uint8).transpose(0, 2, 3, 1)
        with torch.inference_mode():
            rows = np.asarray(module(torch.from_numpy(normalised(crops, spec.normalisation))).numpy(), np.float64)
        found = Detections(*(np.array(each.tolist(), np.float32) for each in (boxes, marks, scores)))
        ours = subject(reader.cut(image, found), (image.shape[1], image.shape[0]))
        largest.append(rows[int(found.areas.argmax())])
        chosen.append(None if ours is None else rows[ours])
    return gathered(largest), gathered(chosen)
