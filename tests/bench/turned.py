"""Photos as people have them: cropped tightly to the face, lying on their side, standing on their head."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from engine.config import DetectionConfig
from engine.detection import MTCNNDetector
from engine.enrolment.photos import Shot, examine_all
from engine.face_reader import FaceReader, subject
from engine.imaging import read_image
from engine.tuning.reading import LabelledPhotos
from engine.workbench import Workbench
from tests.bench.readings import Progress

__all__ = ["photos_as_people_have_them"]

_PHOTOS = 40


def photos_as_people_have_them(workbench: Workbench, photos: LabelledPhotos, progress: Progress) -> dict[str, Any]:
    """Enrol forty photos, then their faces cut out at the box, and the photos turned.

    Returns:
        `photos` that can be enrolled as they are; of these `tight` and `tight_without_border` that can be enrolled when cropped;
        `turned` by 90, 180 and 270 degrees; of these `righted`, `refused` and `taken_turned`; and `plainly_taken`, those that would
        be enrolled as they lie.
    """
    reader, config = workbench.reader, workbench.config
    plain_detector = MTCNNDetector(*workbench.models.mtcnn(), DetectionConfig(pad_share=0.0))
    plain = FaceReader(plain_detector, reader.embedder, config.quality)
    order = np.random.default_rng(0).permutation(len(photos.paths))[:_PHOTOS]
    found: Counter[str] = Counter()
    for number, row in enumerate(order):
        progress("cropping and turning photos", number, len(order))
        image = read_image(photos.paths[row])
        if not _taken(reader, image):
            continue
        found["photos"] += 1
        faces = reader.cut(image, reader.detector.detect_photo(image))
        chosen = subject(faces, (image.shape[1], image.shape[0]))
        assert chosen is not None
        left, top = np.maximum(faces.detections.boxes[chosen, :2].round().astype(int), 0)
        right, bottom = faces.detections.boxes[chosen, 2:].round().astype(int)
        face = np.ascontiguousarray(image[top:bottom, left:right])
        found["tight"] += _taken(reader, face) is not None
        found["tight_without_border"] += _taken(plain, face) is not None
        for turns in (1, 2, 3):
            found["turned"] += 1
            turned = np.ascontiguousarray(np.rot90(image, turns))
            shot = _taken(reader, turned)
            found["refused"] += shot is None
            found["righted"] += shot is not None and shot.turned_deg == 90 * turns
            found["taken_turned"] += shot is not None and shot.turned_deg != 90 * turns
            lying = reader.cut(turned, reader.detector.detect_photo(turned))
            main = subject(lying, (turned.shape[1], turned.shape[0]))
            found["plainly_taken"] += main is not None and lying.qualities[main].good
    return dict(found)


def _taken(reader: FaceReader, image: np.ndarray[Any, np.dtype[np.uint8]]) -> Shot | None:
    shots, _ = examine_all(reader, [("photo", image)])
    return shots[0] if shots else None
