"""Face embeddings: FaceNet (Schroff et al. 2015) over aligned faces."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.types import Network

__all__ = ["Embedder", "FaceNetEmbedder", "normalised"]

Floats = NDArray[np.float32]


class Embedder(Protocol):
    """Turns aligned faces into embeddings."""

    dimension: int

    def embed(self, faces: NDArray[np.uint8]) -> Floats:
        """Embed faces: (n, 160, 160, 3) uint8 RGB → (n, d) float32 unit rows; zero faces give zero rows."""


def normalised(faces: NDArray[np.uint8], how: Literal["per_image", "fixed"]) -> Floats:
    """Preprocess faces for the network: (n, 160, 160, 3) uint8 → (n, 3, 160, 160) float32.

    `per_image`: (x - mean) / max(std, 1/√count) over all values of a face, as in TensorFlow's per_image_standardization;
    `fixed`: (x - 127.5) / 128.
    """
    x = faces.astype(np.float32).transpose(0, 3, 1, 2)
    if how == "fixed":
        return np.ascontiguousarray((x - 127.5) / 128)
    mean = x.mean((1, 2, 3), keepdims=True)
    std = np.maximum(x.std((1, 2, 3), keepdims=True), 1 / np.sqrt(x[0].size if len(x) else 1))
    return np.ascontiguousarray((x - mean) / std, np.float32)


class FaceNetEmbedder:
    """FaceNet with its preprocessing.

    Args:
        network: (n, 3, 160, 160) → (n, d).
        dimension: d.
        normalisation: see `normalised`.
        mirror: embed each face and its mirror image and take the mean.
        max_batch: pictures per run of the network.
    """

    def __init__(
        self,
        network: Network,
        *,
        dimension: int,
        normalisation: Literal["per_image", "fixed"],
        mirror: bool = True,
        max_batch: int = 32,
    ) -> None:
        self.dimension = dimension
        self._network = network
        self._normalisation: Literal["per_image", "fixed"] = normalisation
        self._mirror = mirror
        self._max_batch = max_batch

    def embed(self, faces: NDArray[np.uint8]) -> Floats:
        """Embed aligned faces: (n, 160, 160, 3) uint8 → (n, d) float32 unit rows.

        Raises:
            ValueError: the faces have another shape or type.
        """
        if faces.dtype != np.uint8 or faces.ndim != 4 or faces.shape[1:] != (160, 160, 3):
            raise ValueError(f"expected faces uint8 (n, 160, 160, 3), got {faces.dtype} {faces.shape}")
        if not len(faces):
            return np.empty((0, self.dimension), np.float32)
        pictures = np.concatenate([faces, faces[:, :, ::-1]]) if self._mirror else faces
        rows = np.concatenate(
            [
                self._network(normalised(pictures[start : start + self._max_batch], self._normalisation))[0]
                for start in range(0, len(pictures), self._max_batch)
            ]
        )
        if self._mirror:
            rows = rows[: len(faces)] + rows[len(faces) :]
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)
