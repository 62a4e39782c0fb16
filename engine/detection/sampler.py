"""Means over rectangles of a picture, read from its integral image."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]

_BIG_PICTURE = 8_000_000  # pixels; in larger pictures sums of 8-bit values overflow 32-bit integers
_SCALE = np.float32(0.0078125)  # MTCNN wants (x - 127.5) / 128
_SHIFT = np.float32(127.5 * 0.0078125)


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile a function so that it runs outside of Python's lock; where nothing can be kept on disk, anew in each process."""
    import numba  # noqa: PLC0415 - keeps a start without networks light

    try:
        return cast("Callable[..., None]", numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # neither this folder nor the user's cache can be written
        return cast("Callable[..., None]", numba.njit(nogil=True)(function))


def _fill(sums, left, top, right, bottom, means):  # type: ignore[no-untyped-def]
    """Write the means over all cells of n grids to `means`, see `AreaSampler._means`."""
    for grid in range(len(left)):
        # unsigned, because an index that may be negative is checked each time
        near, far = left[grid].astype(np.uint32), right[grid].astype(np.uint32)
        across = _SCALE / (right[grid] - left[grid]).astype(np.float32)
        for row in range(top.shape[1]):
            low, high = sums[np.uint32(top[grid, row])], sums[np.uint32(bottom[grid, row])]
            down = np.float32(1) / np.float32(bottom[grid, row] - top[grid, row])
            for column in range(len(near)):
                i, j, weight = near[column], far[column], down * across[column]
                for channel in range(3):
                    total = high[j, channel] - low[j, channel] - high[i, channel] + low[i, channel]
                    means[grid, channel, row, column] = np.float32(total) * weight - _SHIFT


@cache
def _compiled_fill() -> Callable[..., None]:
    return compiled(_fill)


def _edges(length: Whole, bins: int) -> tuple[Whole, Whole]:
    """Return first and last+1 index of each bin when `length` pixels are spread over `bins` (torch's adaptive pooling)."""
    steps = np.arange(bins, dtype=np.int64)
    low = steps * length[..., None] // bins
    high = -((-(steps + 1) * length[..., None]) // bins)
    return low, high


class Sampler(Protocol):
    """Cuts rectangles out of a picture."""

    height: int
    width: int

    def crops(self, boxes: Whole, size: int) -> Floats:
        """Return the rectangles at `size`×`size`: (n, 3, size, size) float32, normalised.

        Args:
            boxes: (n, 4) int64, x1 y1 x2 y2 with the end excluded, inside the picture, not empty.
            size: side of the result.
        """


class AreaSampler:
    """Reads a picture at other sizes. Each value is the mean over the pixels that it covers, as in torch's area interpolation.

    Args:
        image: RGB uint8 (H, W, 3).
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.height, self.width = image.shape[:2]
        depth = cv2.CV_32S if self.height * self.width <= _BIG_PICTURE else cv2.CV_64F
        self._sums = cv2.integral(image, sdepth=depth)

    def resized(self, height: int, width: int, rows: tuple[int, int]) -> Floats:
        """Return some rows of the whole picture at another size: (1, 3, rows, width) float32, normalised for MTCNN."""
        part = slice(*rows)
        top, bottom = _edges(np.array([self.height]), height)
        left, right = _edges(np.array([self.width]), width)
        return self._means(left, top[:, part], right, bottom[:, part])

    def crops(self, boxes: Whole, size: int) -> Floats:
        left, right = _edges(boxes[:, 2] - boxes[:, 0], size)
        top, bottom = _edges(boxes[:, 3] - boxes[:, 1], size)
        x, y = boxes[:, :1], boxes[:, 1:2]
        return self._means(left + x, top + y, right + x, bottom + y)

    def _means(self, left: Whole, top: Whole, right: Whole, bottom: Whole) -> Floats:
        """Return the means over all cells of n grids, given by their (n, columns) and (n, rows) edges: (n, 3, rows, columns)."""
        means = np.empty((len(left), 3, top.shape[1], left.shape[1]), np.float32)
        _compiled_fill()(self._sums, left, top, right, bottom, means)
        return means


class PatchSampler:
    """Does the same for a few rectangles of a large picture: it sums only their pixels."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.height, self.width = image.shape[:2]
        self._image = image

    def crops(self, boxes: Whole, size: int) -> Floats:
        patches = (self._image[top:bottom, left:right] for left, top, right, bottom in boxes.tolist())
        whole = [AreaSampler(patch).resized(size, size, (0, size)) for patch in patches]
        return np.concatenate(whole) if whole else np.empty((0, 3, size, size), np.float32)
