"""MTCNN face detection (Zhang et al. 2016) with the arithmetic of `facenet_pytorch.MTCNN`, without its overhead.

The networks are the same; the code around them is not. facenet-pytorch scales the picture once per pyramid level and crops
candidates one by one. This module makes one integral image per picture and reads every pyramid level and candidate from it
(`engine.detection.sampler`), with the means of torch's area interpolation: boxes agree to rounding
(tests/detection/test_detection.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.detection.sampler import AreaSampler, PatchSampler, Sampler
from engine.types import Detections, Network, check_image

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
_P = TypeVar("_P")

_INPUT = 12  # side of PNet's field of view
_STRIDE = 2
_SETTLED = 0.08  # box sides; a face closer than this to its expected place needs no second look
ELSEWHERE = 0.6  # box sides; a face farther than this from an expected place is another face
_PIECE = 9216  # candidate pixels that a thread takes at a time: more would not stay in its cache
_SWIFT = (0.9, 0.8)
"""Least scores in PNet and RNet when a video frame is searched. Before a wall of photographs they leave a third of the candidates, and
all faces whose final score is .98 or more."""
_SAME_PLACE = 0.35  # box sides; a candidate no farther from a known face, and of about its size, shows it again
_SAME_SIZE = 1.7


class Detector(Protocol):
    """Finds faces."""

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        """Find the faces in an RGB uint8 (H, W, 3) image, most certain first; zero rows if there is none."""

    def detect_near(
        self, image: NDArray[np.uint8], expected: Floats, again: NDArray[np.bool_] | None = None, *, around: bool = True
    ) -> Detections:
        """Find faces near expected (n, 4) boxes, many times faster than `detect`; it misses faces elsewhere.

        Args:
            again: (n,) True for boxes whose missing faces are looked for again, a little aside; default: all.
            around: where that fails, search the surroundings.
        """

    def search(
        self, image: NDArray[np.uint8], min_face_px: int | None = None, *, regions: Ints | None = None, known: Floats
    ) -> Detections:
        """Find new faces in a video frame, at a fraction of the cost of `detect`.

        Args:
            regions: (r, 4) where to look, left, top, right, bottom in pixels; None: everywhere.
            known: (n, 4) faces that need not be found; they may be among the result all the same.
        """

    def confirmed(self, image: NDArray[np.uint8], boxes: Floats) -> NDArray[np.bool_]:
        """Whether known faces (n, 4) are faces to the stages of the detector that `detect_near` leaves out, too: (n,)."""

    def detect_photo(self, image: NDArray[np.uint8]) -> Detections:
        """Find the faces in a photo, where a face may fill the picture and cost matters less."""


def _suppress(boxes: Floats, scores: Floats, overlap: float, groups: Ints | None = None) -> Ints:
    """Return the rows that greedy non-maximum suppression keeps, best first; it drops rows that overlap a kept one by more than
    `overlap` (IoU).

    With `groups` (n,) only rows of the same group compete.
    """
    if not len(boxes):
        return np.empty(0, np.intp)
    rectangles = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(np.float64)
    if groups is None:
        kept = cv2.dnn.NMSBoxes(rectangles, scores, 0.0, overlap)  # type: ignore[arg-type]
    else:
        kept = cv2.dnn.NMSBoxesBatched(rectangles, scores, groups, 0.0, overlap)  # type: ignore[arg-type]
    return np.asarray(kept, np.intp).reshape(-1)


def _suppress_contained(boxes: Floats, scores: Floats, overlap: float) -> Ints:
    """Do the same for the last stage, with the overlap as a share of the smaller box and pixels counted inclusively."""
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


_AT_EDGE = 0.95
"""Least score of a face that only the reading with a border shows, beside a more certain one: the border causes false ones."""


def _joined(plain: Detections, bordered: Detections, width: int, height: int) -> Detections:
    """Both readings of a photo: faces at its edge in either as they are with a border, if certain, the others as they are without."""

    def at_edge(found: Detections) -> NDArray[np.bool_]:
        reach = 0.1 * (found.boxes[:, 2:] - found.boxes[:, :2])
        low = (found.boxes[:, :2] <= reach).any(1)
        return np.asarray(low | (found.boxes[:, 2:] >= np.array([width, height]) - reach).any(1))

    def seen(found: Detections) -> NDArray[np.bool_]:
        return np.asarray(distances(found.boxes, bordered.boxes).min(0, initial=np.inf) <= ELSEWHERE)

    beside = at_edge(plain)
    outer = at_edge(bordered) | seen(plain[beside])
    best = max(plain.scores.max(initial=0.0), bordered[outer].scores.max(initial=0.0))
    outer &= seen(plain) | (bordered.scores >= min(_AT_EDGE, best))
    both = plain[~beside].joined(bordered[outer])
    # the larger of two faces within each other is the face; small false ones lie in real ones
    kept = _suppress_contained(both.boxes, both.areas, 0.5)
    return both[kept[np.argsort(-both.scores[kept], kind="stable")]]


def _squared(boxes: Floats) -> Floats:
    """Grow boxes to squares about their centres."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    side = sides.max(1, keepdims=True)
    origin = boxes[:, :2] + sides * 0.5 - side * 0.5
    return np.hstack([origin, origin + side]).astype(np.float32)


def _regressed(boxes: Floats, shift: Floats) -> Floats:
    """Move boxes by a network's box regression (in units of the box, pixels counted inclusively)."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return (boxes + shift * np.hstack([sides, sides])).astype(np.float32)


def distances(boxes: Floats, others: Floats) -> Floats:
    """Return the (n, m) distances between box centres, in sides of the `others`."""
    centres, places = (boxes[:, :2] + boxes[:, 2:]) / 2, (others[:, :2] + others[:, 2:]) / 2
    sides = np.maximum((others[:, 2:] - others[:, :2]).max(1), 1.0)
    return np.asarray(np.linalg.norm(centres[:, None] - places[None], axis=2) / sides, np.float32)


def _shown_again(boxes: Floats, known: Floats) -> NDArray[np.bool_]:
    """Return which boxes (n, 4) lie on a known face (m, 4) of about their size."""
    sides, others = (np.maximum((each[:, 2:] - each[:, :2]).max(1), 1.0) for each in (boxes, known))
    ratio = sides[:, None] / others[None]
    alike = (ratio <= _SAME_SIZE) & (ratio >= 1 / _SAME_SIZE)
    return np.asarray(((distances(boxes, known) <= _SAME_PLACE) & alike).any(1), np.bool_)


def _variants(square: Floats) -> Floats:
    """Return four squares a little smaller, larger, higher and lower than one (4,): (4, 4)."""
    side = square[2] - square[0]
    grown = np.array([-1, -1, 1, 1], np.float32) * side
    shifted = np.array([0, 1, 0, 1], np.float32) * side
    return np.stack([square - 0.1 * grown, square + 0.1 * grown, square - 0.12 * shifted, square + 0.12 * shifted])


def _surroundings(box: Floats, grow: float, image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Grow a box by a share of its sides, within the picture: left, top, right, bottom."""
    margin = grow * (box[2:] - box[:2])
    low = np.maximum(np.floor(box[:2] - margin), 0)
    high = np.minimum(np.ceil(box[2:] + margin), [image.shape[1], image.shape[0]])
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


class MTCNNDetector:
    """Three networks that look at fewer and fewer candidates, each more closely.

    Each stage splits its work into pieces that run in parallel: bands of pyramid levels, or shares of the candidates. So each
    network should use one thread.

    Args:
        pnet: whole pictures → (shifts (1, 4, h, w), logits of a face (1, 1, h, w)).
        rnet: (n, 3, 24, 24) → (shifts (n, 4), probabilities (n, 2)).
        onet: (n, 3, 48, 48) → (shifts (n, 4), landmarks (n, 10), probabilities (n, 2)).
        config: thresholds and sizes.
        workers: pieces that run in parallel; 1: everything runs in the caller's thread.
    """

    def __init__(
        self, pnet: Network, rnet: Network, onet: Network, config: DetectionConfig, *, workers: int = 1
    ) -> None:
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._config = config
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers - 1, "detector") if workers > 1 else None

    def alone(self) -> MTCNNDetector:
        """The same detector, but everything runs in the caller's thread."""
        return MTCNNDetector(self._pnet, self._rnet, self._onet, self._config)

    def _run(self, net: Network, prepare: Callable[[_P], Floats], pieces: Sequence[_P]) -> list[tuple[Floats, ...]]:
        """Run a network on all pieces; return its outputs in their order.

        Inputs are prepared and networks run outside of Python's lock, so this thread takes over the pieces that the pool has not begun.
        """

        def done(piece: _P) -> tuple[Floats, ...]:
            return net(prepare(piece))

        if self._pool is None or len(pieces) < 2:
            return [done(piece) for piece in pieces]
        outputs = [self._pool.submit(done, piece) for piece in pieces]
        own = {index: done(pieces[index]) for index in reversed(range(len(pieces))) if outputs[index].cancel()}
        return [own[index] if index in own else output.result() for index, output in enumerate(outputs)]

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        """Find the faces in a picture, most certain first.

        Args:
            image: RGB uint8 (H, W, 3) of any size; a picture smaller than a face has none.
            min_face_px: smallest face; default from the settings.

        Raises:
            ValueError: not an RGB uint8 image.
        """
        check_image(image)
        sampler = AreaSampler(image)
        first, second, _ = self._config.thresholds
        boxes = self._propose(sampler, min_face_px or self._config.min_face_px, first)
        return self._output(sampler, self._refine(sampler, boxes, second))

    def search(
        self, image: NDArray[np.uint8], min_face_px: int | None = None, *, regions: Ints | None = None, known: Floats
    ) -> Detections:
        """Find faces in a video frame, see `Detector`: uncertain candidates and those that show a known face are dropped early.

        Raises:
            ValueError: not an RGB uint8 image.
        """
        check_image(image)
        first, second = np.maximum(self._config.thresholds[:2], _SWIFT).tolist()
        whole = np.array([[0, 0, image.shape[1], image.shape[0]]])
        found = Detections.empty()
        for left, top, right, bottom in (whole if regions is None else regions).tolist():
            sampler = AreaSampler(image[top:bottom, left:right])
            boxes = self._propose(sampler, min_face_px or self._config.min_face_px, first)
            here = known - np.array([left, top, left, top], np.float32)
            boxes = self._refine(sampler, boxes[~_shown_again(boxes, here)], second)
            found = found.joined(self._output(sampler, boxes[~_shown_again(boxes, here)]).shifted(left, top))
        return found if regions is None else found[_suppress_contained(found.boxes, found.scores, 0.7)]

    def detect_photo(self, image: NDArray[np.uint8]) -> Detections:
        """Find the faces in a photo: smaller ones too, and with a border around it, which shows faces that fill the picture.

        The border can cause false faces at its edge: those centred on it are dropped, and so is a face that a larger one holds.
        """
        plain = self.detect(image, self._config.photo_min_face_px)
        if self._config.pad_share == 0:
            return plain
        height, width = image.shape[:2]
        dy, dx = round(height * self._config.pad_share), round(width * self._config.pad_share)
        padded = np.full((height + 2 * dy, width + 2 * dx, 3), 128, np.uint8)
        padded[dy : dy + height, dx : dx + width] = image
        found = self.detect(padded, self._config.photo_min_face_px).shifted(-dx, -dy)
        middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        within = (middle >= 0).all(1) & (middle < np.array([width, height])).all(1)
        return _joined(plain, found[within], width, height)

    def detect_near(
        self, image: NDArray[np.uint8], expected: Floats, again: NDArray[np.bool_] | None = None, *, around: bool = True
    ) -> Detections:
        """Find faces at or near the places where they are expected, such as those of the previous frame.

        ONet looks at the expected boxes themselves: its answer is a fixed point, so nothing drifts (after ten rounds landmarks
        are within 4% of the eye distance of a full detection's). Where it sees no face, it looks again a little aside, and then all three
        networks search the surroundings for a face of that size.

        Args:
            image: RGB uint8 (H, W, 3).
            expected: (n, 4) float32 boxes in pixels.
            again, around: see `Detector`.
        """
        check_image(image)
        if not len(expected):
            return Detections.empty()
        squares = _squared(np.asarray(expected, np.float32))
        sampler = PatchSampler(image)
        found = self._output(sampler, squares)
        moved = distances(found.boxes, squares).min(1) > _SETTLED
        if moved.any():  # look again from the better place
            found = found[~moved].joined(self._output(sampler, _squared(found.boxes[moved])))
        missing = distances(found.boxes, squares).min(0, initial=np.inf) > ELSEWHERE
        if again is not None:
            missing &= again
        for square in squares[missing]:
            aside = self._output(sampler, _variants(square))
            if around and not len(aside):
                aside = self._search_around(image, square)
            found = found.joined(aside)
        return found[_suppress_contained(found.boxes, found.scores, 0.7)]

    def confirmed(self, image: NDArray[np.uint8], boxes: Floats) -> NDArray[np.bool_]:
        """See `Detector`: all three networks search the surroundings of each."""
        return np.array([len(self._search_around(image, square)) > 0 for square in _squared(boxes)], np.bool_)

    def _search_around(self, image: NDArray[np.uint8], square: Floats) -> Detections:
        """Find a face of about this size whose centre is near the square's."""
        left, top, right, bottom = _surroundings(square, 0.75, image)
        side = int(square[2] - square[0])
        if right <= left or bottom <= top or side < _INPUT:
            return Detections.empty()
        found = self.detect(image[top:bottom, left:right], max(_INPUT, round(0.7 * side))).shifted(left, top)
        return found[distances(found.boxes, square[None])[:, 0] <= ELSEWHERE]

    # ----------------------------------------------------------------------------------------- stages

    def _levels(self, sampler: AreaSampler, min_face_px: int) -> list[tuple[float, int, int]]:
        """Return scale, height and width of each level of the pyramid."""
        scale = _INPUT / min_face_px
        side = min(sampler.height, sampler.width) * scale
        levels = []
        while side >= _INPUT:
            levels.append((scale, int(sampler.height * scale + 1), int(sampler.width * scale + 1)))
            scale *= self._config.scale_factor
            side *= self._config.scale_factor
        return levels

    def _bands(self, levels: list[tuple[float, int, int]]) -> list[tuple[int, int, int]]:
        """Return the level and the first and last+1 input row of each piece, large ones first.

        An output row covers 12 input rows, and the next one begins 2 further down. So bands that begin at even rows and overlap
        by 10 give the same values as the whole.
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

    def _propose(self, sampler: AreaSampler, min_face_px: int, least: float) -> Floats:
        """Return the candidate squares of the whole pyramid that PNet gives a score of at least `least`, (n, 4)."""
        levels = self._levels(sampler, min_face_px)
        if not levels:
            return np.empty((0, 4), np.float32)

        def resized(band: tuple[int, int, int]) -> Floats:
            index, *rows = band
            _, height, width = levels[index]
            return sampler.resized(height, width, (rows[0], rows[1]))

        bands = self._bands(levels)
        maps = [(logits[0, 0], shift[0]) for shift, logits in self._run(self._pnet, resized, bands)]
        # one flat array, so that candidates of all levels are picked and decoded at once
        certain = np.concatenate([logits.ravel() for logits, _ in maps])
        picked = np.flatnonzero(certain >= math.log(least / (1 - least)))
        if not len(picked):
            return np.empty((0, 4), np.float32)
        shifts = np.concatenate([shift.reshape(4, -1) for _, shift in maps], axis=1)[:, picked].T
        starts = np.cumsum([0, *(logits.size for logits, _ in maps)])
        band = np.searchsorted(starts, picked, side="right") - 1
        rows, columns = np.divmod(picked - starts[band], np.array([logits.shape[1] for logits, _ in maps])[band])
        level = np.array([index for index, _, _ in bands])[band]
        scale = np.array([levels[index][0] for index, _, _ in bands], np.float32)[band, None]
        corner = np.stack([columns * _STRIDE, rows * _STRIDE + np.array([row for _, row, _ in bands])[band]], 1)
        corner = corner.astype(np.float32)
        boxes = np.hstack([np.floor((corner + 1) / scale), np.floor((corner + _INPUT) / scale)])
        scores = 1 / (1 + np.exp(-certain[picked]))
        kept = _suppress(boxes, scores, 0.5, level)
        kept = kept[_suppress(boxes[kept], scores[kept], 0.7)]
        boxes, shifts = boxes[kept], shifts[kept]
        sides = boxes[:, 2:] - boxes[:, :2]
        return _squared(boxes + shifts * np.hstack([sides, sides]))

    def _look(self, net: Network, sampler: Sampler, rectangles: NDArray[np.int64], size: int) -> tuple[Floats, ...]:
        """Run a network on the candidates, cropped to its size; shares of them run in parallel."""
        count = max(1, len(rectangles) * size * size // _PIECE)
        shares = np.array_split(rectangles, count)
        outputs = self._run(net, lambda share: sampler.crops(share, size), shares)
        return tuple(np.concatenate(rows) for rows in zip(*outputs, strict=True))

    @staticmethod
    def _clipped(boxes: Floats, sampler: Sampler) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Clip boxes to pixel rectangles (end excluded) within the picture; also return which are not empty."""
        whole = np.trunc(boxes).astype(np.int64)
        low = np.maximum(whole[:, :2], 1) - 1
        high = np.minimum(whole[:, 2:], [sampler.width, sampler.height])
        present: NDArray[np.bool_] = np.asarray((high > low).all(1), np.bool_)
        return np.hstack([low, high]), present

    def _refine(self, sampler: AreaSampler, boxes: Floats, least: float) -> Floats:
        """Run RNet: keep candidates with a score above `least`, moved and squared, (n, 4)."""
        rectangles, present = self._clipped(boxes, sampler)
        boxes, rectangles = boxes[present], rectangles[present]
        if not len(boxes):
            return boxes
        shifts, probabilities = self._look(self._rnet, sampler, rectangles, 24)
        scores = probabilities[:, 1]
        passed = scores > least
        boxes, shifts, scores = boxes[passed], shifts[passed], scores[passed]
        kept = _suppress(boxes, scores, 0.7)
        return _squared(_regressed(boxes[kept], shifts[kept]))

    def _output(self, sampler: Sampler, boxes: Floats) -> Detections:
        """Run ONet: return faces with landmarks."""
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
