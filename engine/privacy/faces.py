"""Faces in pictures that are kept: what they are like, and how they are made unrecognisable."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.face_reader import FaceReader

_BLOCKS = 6
_MARGIN = 0.25


def look(reader: FaceReader, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The faces of a picture.

    Args:
        reader: networks.
        image: RGB uint8 (H, W, 3).

    Returns:
        (n, d) float32 unit embeddings, and (n, 4) float32 xyxy boxes in pixels.
    """
    faces = reader.photo(image)
    assert faces.embeddings is not None
    return faces.embeddings, faces.detections.boxes


def hide(image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture with these places coarsened until nobody can be told: a few blocks each.

    Args:
        image: RGB uint8 (H, W, 3), not changed.
        boxes: (n, 4) float32 xyxy in pixels.
    """
    hidden = image.copy()
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes.tolist():
        dx, dy = _MARGIN * (x2 - x1), _MARGIN * (y2 - y1)
        left, top = int(max(0, x1 - dx)), int(max(0, y1 - dy))
        right, bottom = int(min(width, x2 + dx)), int(min(height, y2 + dy))
        if right <= left or bottom <= top:
            continue
        part = hidden[top:bottom, left:right]
        small = cv2.resize(
            part, (min(_BLOCKS, part.shape[1]), min(_BLOCKS, part.shape[0])), interpolation=cv2.INTER_AREA
        )
        hidden[top:bottom, left:right] = cv2.resize(
            small, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST
        )
    return hidden
