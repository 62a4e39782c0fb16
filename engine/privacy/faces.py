"""Faces in stored pictures: embed them, and make them unrecognisable."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.face_reader import FaceReader

_BLOCKS = 6
_MARGIN = 0.25


def look(reader: FaceReader, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the faces of an RGB uint8 (H, W, 3) image: (n, d) float32 unit embeddings, and (n, 4) float32 xyxy boxes in pixels."""
    faces = reader.photo(image)
    assert faces.embeddings is not None
    return faces.embeddings, faces.detections.boxes


def hide(image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a copy of an RGB uint8 (H, W, 3) image with (n, 4) float32 xyxy boxes in pixels reduced to a few blocks each."""
    hidden = image.copy()
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes.tolist():
        dx, dy = _MARGIN * (x2 - x1), _MARGIN * (y2 - y1)
        left, top = int(max(0, x1 - dx)), int(max(0, y1 - dy))
        right, bottom = int(min(width, x2 + dx)), int(min(height, y2 + dy))
        if right <= left or bottom <= top:
            continue
        part = hidden[top:bottom, left:right]
        size = part.shape[1::-1]
        small = cv2.resize(part, (min(_BLOCKS, size[0]), min(_BLOCKS, size[1])), interpolation=cv2.INTER_AREA)
        hidden[top:bottom, left:right] = cv2.resize(small, size, interpolation=cv2.INTER_NEAREST)
    return hidden
