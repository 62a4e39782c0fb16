"""Faces in a picture: MTCNN (Zhang et al. 2016) with the arithmetic of `facenet_pytorch.MTCNN`, without its overhead.

The networks are the same; what is around them is not. facenet-pytorch scales the picture once per pyramid level and cuts
candidates out one by one. Here one integral image is made per picture, and every pyramid level and every candidate crop is
read from it: the mean over a rectangle of pixels is four look-ups, so all crops of a stage come out of one indexing step.
It is the same adaptive mean that torch's area interpolation takes, so boxes agree to rounding (tests/test_detection.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.types import Detections, check_image

__all__ = ["Detector", "MTCNNDetector", "Net"]

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
_P = TypeVar("_P")
_R = TypeVar("_R")

_INPUT = 12  # side of PNet's field of view
_STRIDE = 2
_BIG_PICTURE = 8_000_000  # pixels; beyond, sums of 8-bit values overflow 32-bit integers


class Net(Protocol):
    """A network: (n, 3, h, w) float32 in, float32 arrays out."""

    def __call__(self, x: Floats) -> tuple[Floats, ...]: ...


class Detector(Protocol):
    """Finds faces."""

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        """Faces in an RGB uint8 (H, W, 3) image, most certain first; zero rows when there is none."""
        ...

    def detect_photo(self, image: NDArray[np.uint8]) -> Detections:
        """Faces in a photo, where a face may fill the picture and cost matters less."""
        ...


class _AreaSampler:
    """Means over rectangles of one picture, by its integral image.

    Args:
        image: RGB uint8 (H, W, 3).
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.height, self.width = image.shape[:2]
        depth = cv2.CV_32S if self.height * self.width <= _BIG_PICTURE else cv2.CV_64F
        self._sums = cv2.integral(image, sdepth=depth).reshape(-1, 3)

    @staticmethod
    def _edges(length: NDArray[np.int64], bins: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last+1 index of each bin when `length` pixels are spread over `bins` (torch's adaptive pooling)."""
        steps = np.arange(bins, dtype=np.int64)
        low = steps * length[..., None] // bins
        high = -((-(steps + 1) * length[..., None]) // bins)
        return low, high

    def resized(self, height: int, width: int, rows: tuple[int, int]) -> Floats:
        """Some rows of the whole picture at another size: (1, 3, rows, width) float32, normalised as MTCNN wants it."""
        top, bottom = self._edges(np.array([self.height]), height)
        left, right = self._edges(np.array([self.width]), width)
        part = slice(*rows)
        return self._means(left, top[:, part], right, bottom[:, part])

    def crops(self, boxes: NDArray[np.int64], size: int) -> Floats:
        """Rectangles at `size`×`size`: (n, 3, size, size) float32, normalised.

        Args:
            boxes: (n, 4) int64, x1 y1 x2 y2 with the end excluded, inside the picture, not empty.
            size: side of the result.
        """
        left, right = self._edges(boxes[:, 2] - boxes[:, 0], size)
        top, bottom = self._edges(boxes[:, 3] - boxes[:, 1], size)
        x, y = boxes[:, :1], boxes[:, 1:2]
        return self._means(left + x, top + y, right + x, bottom + y)

    def _means(
        self, left: NDArray[np.int64], top: NDArray[np.int64], right: NDArray[np.int64], bottom: NDArray[np.int64]
    ) -> Floats:
        """Means over all cells of n grids, given by their (n, columns) and (n, rows) edges: (n, 3, rows, columns)."""
        stride = self.width + 1
        high, low = (bottom * stride)[:, :, None], (top * stride)[:, :, None]
        near, far = left[:, None, :], right[:, None, :]
        # np.take with clipping is many times faster than indexing with arrays; the indices are in range anyway
        total = np.take(self._sums, high + far, axis=0, mode="clip")
        total -= np.take(self._sums, low + far, axis=0, mode="clip")
        total -= np.take(self._sums, high + near, axis=0, mode="clip")
        total += np.take(self._sums, low + near, axis=0, mode="clip")
        count = ((bottom - top)[:, :, None] * (right - left)[:, None, :])[..., None]
        means = total.astype(np.float32)
        means *= np.float32(0.0078125) / count.astype(np.float32)
        means -= np.float32(127.5 * 0.0078125)
        return np.ascontiguousarray(means.transpose(0, 3, 1, 2))


def _suppress(boxes: Floats, scores: Floats, overlap: float) -> Ints:
    """Greedy non-maximum suppression: rows kept, best first; a row overlapping a kept one by more than `overlap` (IoU) goes."""
    if not len(boxes):
        return np.empty(0, np.intp)
    rectangles = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(np.float64)
    return np.asarray(cv2.dnn.NMSBoxes(rectangles, scores, 0.0, overlap), np.intp).reshape(-1)  # type: ignore[arg-type]


def _suppress_contained(boxes: Floats, scores: Floats, overlap: float) -> Ints:
    """The same for the last stage: the overlap is measured against the smaller box, pixels counted inclusively."""
    order = np.argsort(-scores, kind="stable")
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    areas = sides[:, 0] * sides[:, 1]
    kept: list[int] = []
    for index in order:
        if kept:
            others = boxes[kept]
            common = np.clip(
                np.minimum(boxes[index, 2:], others[:, 2:]) - np.maximum(boxes[index, :2], others[:, :2]) + 1, 0, None
            )
            share = common[:, 0] * common[:, 1] / np.minimum(areas[index], areas[kept])
            if (share > overlap).any():
                continue
        kept.append(int(index))
    return np.asarray(kept, np.intp)


def _squared(boxes: Floats) -> Floats:
    """Boxes grown to squares about their centres."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    side = sides.max(1, keepdims=True)
    origin = boxes[:, :2] + sides * 0.5 - side * 0.5
    return np.hstack([origin, origin + side]).astype(np.float32)


def _regressed(boxes: Floats, shift: Floats) -> Floats:
    """Boxes moved by a network's box regression (in units of the box, pixels counted inclusively)."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return (boxes + shift * np.hstack([sides, sides])).astype(np.float32)


class MTCNNDetector:
    """Three networks, each looking closer at fewer candidates.

    The work of a stage is cut into pieces that run side by side: bands of pyramid levels, shares of candidates. Everything in a
    piece (sampling, network, thresholding) leaves Python's lock, so the networks should use one thread each.

    Args:
        pnet: whole pictures → (shifts (1, 4, h, w), probabilities (1, 2, h, w)).
        rnet: (n, 3, 24, 24) → (shifts (n, 4), probabilities (n, 2)).
        onet: (n, 3, 48, 48) → (shifts (n, 4), landmarks (n, 10), probabilities (n, 2)).
        config: thresholds and sizes.
        workers: pieces that run side by side; 1 works in the caller's thread.
    """

    def __init__(self, pnet: Net, rnet: Net, onet: Net, config: DetectionConfig, *, workers: int = 1) -> None:
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._config = config
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers - 1, "detector") if workers > 1 else None

    def _side_by_side(self, piece: Callable[[_P], _R], pieces: Sequence[_P]) -> list[_R]:
        """The results of all pieces, in their order; the caller's thread takes its share of the work."""
        if self._pool is None or len(pieces) < 2:
            return [piece(each) for each in pieces]
        waiting = deque(enumerate(pieces))
        results: dict[int, _R] = {}

        def work() -> None:
            while True:
                try:
                    index, each = waiting.popleft()
                except IndexError:
                    return
                results[index] = piece(each)

        helpers = [self._pool.submit(work) for _ in range(min(self._workers, len(pieces)) - 1)]
        work()
        for helper in helpers:
            helper.result()
        return [results[index] for index in range(len(pieces))]

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        """Faces in a picture, most certain first.

        Args:
            image: RGB uint8 (H, W, 3), of any size: smaller than a face means no face.
            min_face_px: smallest face; default from the settings.

        Raises:
            ValueError: not an RGB uint8 image.
        """
        check_image(image)
        sampler = _AreaSampler(image)
        boxes = self._propose(sampler, min_face_px or self._config.min_face_px)
        boxes = self._refine(sampler, boxes)
        return self._output(sampler, boxes)

    def detect_photo(self, image: NDArray[np.uint8]) -> Detections:
        """Faces in a photo: smaller ones, too, and a second look with a border when a tight crop hides the face.

        The border is used only when nothing was found: it can make up a second face at its edge. Found boxes that lie
        mostly on the border are dropped.
        """
        found = self.detect(image, self._config.photo_min_face_px)
        if len(found) or self._config.pad_share == 0:
            return found
        height, width = image.shape[:2]
        dy, dx = round(height * self._config.pad_share), round(width * self._config.pad_share)
        padded = np.full((height + 2 * dy, width + 2 * dx, 3), 128, np.uint8)
        padded[dy : dy + height, dx : dx + width] = image
        found = self.detect(padded, self._config.photo_min_face_px).shifted(-dx, -dy)
        middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        within = (middle >= 0).all(1) & (middle < np.array([width, height])).all(1)
        return found[within]

    # ----------------------------------------------------------------------------------------- stages

    def _levels(self, sampler: _AreaSampler, min_face_px: int) -> list[tuple[float, int, int]]:
        """Scale, height and width of each level of the pyramid."""
        scale = _INPUT / min_face_px
        side = min(sampler.height, sampler.width) * scale
        levels = []
        while side >= _INPUT:
            levels.append((scale, int(sampler.height * scale + 1), int(sampler.width * scale + 1)))
            scale *= self._config.scale_factor
            side *= self._config.scale_factor
        return levels

    def _bands(self, levels: list[tuple[float, int, int]]) -> list[tuple[int, int, int]]:
        """Level and first and last+1 row of input of each piece, the large ones first.

        An output row looks at 12 input rows and the next one begins 2 further down, so bands that begin at even rows and overlap by 10
        give the same values as the whole.
        """
        areas = [height * width for _, height, width in levels]
        share = max(1.0, sum(areas) / (2 * self._workers))
        bands = []
        for index, (_, height, _) in enumerate(levels):
            count = 1 if self._workers == 1 else max(1, min(round(areas[index] / share), height // 32))
            outputs = (height - 1) // 2 - 4
            cuts = [outputs * part // count for part in range(count + 1)]
            for part in range(count):
                stop = height if part == count - 1 else 2 * cuts[part + 1] + 10
                bands.append((index, 2 * cuts[part], stop))
        return bands

    def _propose(self, sampler: _AreaSampler, min_face_px: int) -> Floats:
        """Candidate squares of the whole pyramid, (n, 4)."""
        levels = self._levels(sampler, min_face_px)

        def search(band: tuple[int, int, int]) -> Floats:
            index, start, stop = band
            scale, height, width = levels[index]
            shifts, probabilities = self._pnet(sampler.resized(height, width, (start, stop)))
            rows, columns = np.nonzero(probabilities[0, 1] >= self._config.thresholds[0])
            corner = np.stack([columns * _STRIDE, rows * _STRIDE + start], 1).astype(np.float32)
            low = np.floor((corner + 1) / np.float32(scale))
            high = np.floor((corner + _INPUT) / np.float32(scale))
            certain = probabilities[0, 1, rows, columns][:, None]
            return np.hstack([low, high, certain, shifts[0][:, rows, columns].T]).astype(np.float32)

        bands = self._bands(levels)
        by_level: list[list[Floats]] = [[] for _ in levels]
        for (index, _, _), rows in zip(bands, self._side_by_side(search, bands), strict=True):
            by_level[index].append(rows)
        kept = []
        for parts in by_level:
            candidates = np.vstack(parts)
            kept.append(candidates[_suppress(candidates[:, :4], candidates[:, 4], 0.5)])
        if not kept:
            return np.empty((0, 4), np.float32)
        found = np.vstack(kept)
        found = found[_suppress(found[:, :4], found[:, 4], 0.7)]
        sides = found[:, 2:4] - found[:, :2]
        return _squared(found[:, :4] + found[:, 5:9] * np.hstack([sides, sides]))

    def _look(self, net: Net, sampler: _AreaSampler, rectangles: NDArray[np.int64], size: int) -> tuple[Floats, ...]:
        """A network's outputs over candidates, cut out at its size; shares of them run side by side."""
        count = max(1, min(self._workers, len(rectangles) // 4))
        shares = np.array_split(rectangles, count)
        outputs = self._side_by_side(lambda share: net(sampler.crops(share, size)), shares)
        return tuple(np.concatenate(rows) for rows in zip(*outputs, strict=True))

    @staticmethod
    def _clipped(boxes: Floats, sampler: _AreaSampler) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Pixel rectangles (end excluded) of boxes within the picture, and which of them are not empty."""
        whole = np.trunc(boxes).astype(np.int64)
        low = np.maximum(whole[:, :2], 1) - 1
        high = np.minimum(whole[:, 2:], [sampler.width, sampler.height])
        present: NDArray[np.bool_] = np.asarray((high > low).all(1), np.bool_)
        return np.hstack([low, high]), present

    def _refine(self, sampler: _AreaSampler, boxes: Floats) -> Floats:
        """RNet: candidates that look like a face, moved and squared, (n, 4)."""
        rectangles, present = self._clipped(boxes, sampler)
        boxes, rectangles = boxes[present], rectangles[present]
        if not len(boxes):
            return boxes
        shifts, probabilities = self._look(self._rnet, sampler, rectangles, 24)
        scores = probabilities[:, 1]
        passed = scores > self._config.thresholds[1]
        boxes, shifts, scores = boxes[passed], shifts[passed], scores[passed]
        kept = _suppress(boxes, scores, 0.7)
        return _squared(_regressed(boxes[kept], shifts[kept]))

    def _output(self, sampler: _AreaSampler, boxes: Floats) -> Detections:
        """ONet: faces with landmarks."""
        rectangles, present = self._clipped(boxes, sampler)
        boxes, rectangles = boxes[present], rectangles[present]
        if not len(boxes):
            return Detections.empty()
        shifts, marks, probabilities = self._look(self._onet, sampler, rectangles, 48)
        scores = probabilities[:, 1]
        passed = scores > self._config.thresholds[2]
        boxes, shifts, marks, scores = boxes[passed], shifts[passed], marks[passed], scores[passed]
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        landmarks = np.stack([marks[:, :5] * sides[:, :1], marks[:, 5:] * sides[:, 1:]], 2) + boxes[:, None, :2] - 1
        boxes = _regressed(boxes, shifts)
        kept = _suppress_contained(boxes, scores, 0.7)
        return Detections(boxes[kept], landmarks[kept], scores[kept])
