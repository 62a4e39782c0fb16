"""Face embeddings over aligned faces: FaceNet (Schroff et al. 2015), MobileFaceNet (Chen et al. 2018), and both together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Network

__all__ = ["Embedder", "FusedEmbedder", "Glance", "NetworkEmbedder", "fused", "normalised", "resized"]

Floats = NDArray[np.float32]

_TO_112 = np.array([[0.7061, 0.00204, -0.654], [-0.00204, 0.7061, 0.650]])
"""Takes the landmarks of an aligned face of 160 px to the five positions that networks for 112 px expect, within 0.3 px."""


class Embedder(Protocol):
    """Turns aligned faces into embeddings."""

    dimension: int

    def embed(self, faces: NDArray[np.uint8]) -> Floats:
        """Embed faces: (n, 160, 160, 3) uint8 RGB → (n, d) float32 unit rows; zero faces give zero rows."""


def normalised(faces: NDArray[np.uint8], how: Literal["per_image", "fixed"]) -> Floats:
    """Preprocess faces for the network: (n, side, side, 3) uint8 → (n, 3, side, side) float32.

    `per_image`: (x - mean) / max(std, 1/√count) over all values of a face, as in TensorFlow's per_image_standardization;
    `fixed`: (x - 127.5) / 128.
    """
    x = faces.astype(np.float32).transpose(0, 3, 1, 2)
    if how == "fixed":
        return np.ascontiguousarray((x - 127.5) / 128)
    mean = x.mean((1, 2, 3), keepdims=True)
    std = np.maximum(x.std((1, 2, 3), keepdims=True), 1 / np.sqrt(x[0].size if len(x) else 1))
    return np.ascontiguousarray((x - mean) / std, np.float32)


def resized(faces: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Fit aligned faces to a network's input: (n, 160, 160, 3) uint8 → (n, side, side, 3); `side` is 160 or 112."""
    if side == faces.shape[1]:
        return faces
    rows = [cv2.warpAffine(face, _TO_112, (side, side), borderMode=cv2.BORDER_REPLICATE) for face in faces]
    return np.asarray(rows, np.uint8).reshape(-1, side, side, 3)


class NetworkEmbedder:
    """One network with its preprocessing.

    Args:
        network: (n, 3, side, side) → (n, d).
        dimension: d.
        side: of the network's input in pixels.
        normalisation: see `normalised`.
        mirror: embed each face and its mirror image and take the mean.
        max_batch: pictures per run of the network.
        workers: runs side by side; 1: everything runs in the caller's thread.
    """

    def __init__(
        self,
        network: Network,
        *,
        dimension: int,
        normalisation: Literal["per_image", "fixed"],
        side: int = 160,
        mirror: bool = True,
        max_batch: int = 32,
        workers: int = 1,
    ) -> None:
        self.dimension = dimension
        self._network = network
        self._normalisation: Literal["per_image", "fixed"] = normalisation
        self._side = side
        self._mirror = mirror
        self._max_batch = max_batch
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, "embedder") if workers > 1 else None

    def embed(self, faces: NDArray[np.uint8]) -> Floats:
        """Embed aligned faces: (n, 160, 160, 3) uint8 → (n, d) float32 unit rows.

        Raises:
            ValueError: the faces have another shape or type.
        """
        if faces.dtype != np.uint8 or faces.ndim != 4 or faces.shape[1:] != (160, 160, 3):
            raise ValueError(f"expected faces uint8 (n, 160, 160, 3), got {faces.dtype} {faces.shape}")
        if not len(faces):
            return np.empty((0, self.dimension), np.float32)
        pictures = resized(faces, self._side)
        if self._mirror:
            pictures = np.concatenate([pictures, pictures[:, :, ::-1]])
        size = min(self._max_batch, -(-len(pictures) // self._workers))
        batches = [pictures[start : start + size] for start in range(0, len(pictures), size)]
        run = self._pool.map if self._pool is not None and len(batches) > 1 else map
        rows = np.concatenate(list(run(self._run, batches)))
        if self._mirror:
            rows = rows[: len(faces)] + rows[len(faces) :]
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)

    def _run(self, pictures: NDArray[np.uint8]) -> Floats:
        return self._network(normalised(pictures, self._normalisation))[0]


def fused(first: Floats, second: Floats, share: float) -> Floats:
    """Join unit rows (n, a) and (n, b) to unit rows (n, a + b).

    The similarity of two of them is `share` times that of the first parts plus `1 - share` times that of the second: a fusion of
    scores that galleries store and search like any other embedding.
    """
    return np.concatenate([first * np.float32(share**0.5), second * np.float32((1 - share) ** 0.5)], axis=1)


class FusedEmbedder:
    """Two embedders side by side, see `fused`."""

    def __init__(self, first: Embedder, second: Embedder, share: float) -> None:
        self.dimension = first.dimension + second.dimension
        self._first, self._second, self._share = first, second, share

    def embed(self, faces: NDArray[np.uint8]) -> Floats:
        """Embed aligned faces: (n, 160, 160, 3) uint8 → (n, d) float32 unit rows.

        Raises:
            ValueError: the faces have another shape or type.
        """
        return fused(self._first.embed(faces), self._second.embed(faces), self._share)


class Glance:
    """Tells whether a face is still the one of earlier embeddings, for an eighth of the cost of a fused embedding.

    Args:
        embedder: one network without the mirror image.
        part: of a whole embedding that this network gives, too.
        least: cosine from which on two faces of a track are the same person's.
    """

    def __init__(self, embedder: Embedder, part: slice, least: float) -> None:
        self._embedder, self._part, self._least = embedder, part, least

    def embed(self, faces: NDArray[np.uint8]) -> Floats:
        """Embed aligned faces: (n, 160, 160, 3) uint8 → (n, d) float32 unit rows, d less than that of whole embeddings."""
        return self._embedder.embed(faces)

    def agrees(self, row: Floats, whole: Floats) -> bool:
        """Whether a face, (d,) of `embed`, is the person of a whole embedding."""
        part = whole[self._part]
        return float(row @ part) >= self._least * max(float(np.linalg.norm(part)), 1e-12)
