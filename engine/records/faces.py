"""Finding one person in pictures that are kept, and making others unrecognisable in them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.analysis import FaceReader

__all__ = ["hide", "like"]

_BLOCKS = 6
_MARGIN = 0.25


def like(
    reader: FaceReader, image: NDArray[np.uint8], face: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which faces of a picture show a person.

    Args:
        reader: networks.
        image: RGB uint8 (H, W, 3).
        face: (d,) float32, the person's fused template.
        threshold: similarity from which on (`>=`) it is them.

    Returns:
        (n,) whether each face is theirs, and (n, 4) float32 boxes in pixels.
    """
    faces = reader.photo(image)
    if faces.embeddings is None or not len(faces):
        return np.zeros(0, np.bool_), np.empty((0, 4), np.float32)
    return np.asarray(faces.embeddings @ face >= threshold, np.bool_), faces.detections.boxes


def hide(image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture with these places coarsened until nobody can be told: a few blocks each."""
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
