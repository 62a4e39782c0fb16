"""Whether something covers a face: a mask or scarf over mouth and nose, dark glasses or anything else over the eyes.

Such a face passes the quality gate and still cannot be told from others: whoever enrols it or waits before a camera must be told why.
A small network, fitted on faces with things drawn over them (`docs/models.md`), reads the aligned face and says for eyes and mouth how
surely each is covered.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Network

__all__ = ["COVERED", "LIMIT", "SIDE", "OcclusionCheck"]

SIDE = 64
"""Side of the network's input in pixels."""
COVERED = ("eyes covered", "mouth covered", "eyes and mouth covered")
"""What the check can say."""

LIMIT = 0.5
"""Score from which eyes or mouth count as covered. Of 1,266 faces of people whom the network never saw, 8 reach it uncovered."""


class OcclusionCheck:
    """Tells covered faces.

    Args:
        network: (n, 3, 64, 64) → (n, 2), how surely eyes and mouth are covered, see `ModelStore.occlusion`.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def scores(self, faces: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """How surely eyes and mouth of aligned faces, (n, 160, 160, 3) uint8, are covered: (n, 2) float32, 0 to 1."""
        if not len(faces):
            return np.empty((0, 2), np.float32)
        small = np.stack([cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for face in faces])
        pictures = (small.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128
        return self._network(np.ascontiguousarray(pictures))[0]

    def covered(self, faces: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> list[str]:
        """What of aligned faces, (n, 160, 160, 3) uint8, is covered: one of `COVERED`, or empty."""
        said = {(True, False): COVERED[0], (False, True): COVERED[1], (True, True): COVERED[2]}
        return [said.get((bool(eyes >= LIMIT), bool(mouth >= LIMIT)), "") for eyes, mouth in self.scores(faces)]
