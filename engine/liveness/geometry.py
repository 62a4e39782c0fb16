"""Depth from five landmarks while a face turns.

Eyes and mouth corners lie nearly in one plane, with the tip of the nose before it. Under an affine camera (Tomasi & Kanade
1992) the four predict where a fifth point of their plane appears. The nose's distance from that point is parallax: depth times
the sine of the turn. A flat picture that turns is foreshortened, but its nose stays in the plane. A track gives two measures:

- *parallax*: how far the nose travels against the plane, in eye distances; the turn of a head follows from it;
- *foreshortening*: how much distances across the face shrink against those along it, if only a turn explains the change (a mouth
  that opens or smiles changes some distances, a turn changes all alike).

Landmarks of single frames scatter by 1-2% of the eye distance, so means over about a third of a second are compared. The mean
of affine views of a plane is again an affine view of it, so averaging loses nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Shape = NDArray[np.float64]

_CORNERS = [0, 1, 3, 4]
_MIN_SPAN_S = 0.3
_MAX_GAP_S = 1.0
_MIN_SEEN = 4
_MIN_VIEWS = 4
_READ_DEPTH = 0.36
"""Depth of a nose in a detector's landmarks, in eye distances. The true depth is about 0.48; MTCNN's landmarks follow three
quarters of a turn."""
_ALIKE = 0.6
"""Least ratio between the three foreshortenings of two views for them to come from a turn."""
_NEUTRAL_NOSE = 0.495


@dataclass(frozen=True)
class Turn:
    """The turn seen in a track's views.

    Attributes:
        views: number of views, each the mean of some frames.
        parallax: travel of the nose across the face against the plane, in eye distances.
        parallax_deg: left-to-right turn of a head of usual depth that explains the parallax.
        foreshortened_deg: turn of a plane that explains the foreshortening of several views; 0 if no turn does.
        depth: of the nose before the plane in eye distances, from the parallax between the views whose foreshortening differs most:
            about 0.35 for a head, 0.1 for a photo; NaN if no turn explains the foreshortening.
        nod: travel of the nose along the face, in eye distances.
        noise: scatter of the landmarks of single frames, in eye distances.
    """

    views: int
    parallax: float
    parallax_deg: float
    foreshortened_deg: float
    depth: float
    nod: float
    noise: float


def upright(landmarks: NDArray[np.float32]) -> Shape | None:
    """Remove position, size and roll from landmarks (5, 2): (5, 2) float64; None if they are not a face's (coincident, upside down)."""
    rows: list[tuple[float, float]] = [(x, y) for x, y in np.asarray(landmarks, np.float64).tolist()]
    (ax, ay), (bx, by), _, (cx, cy), (dx, dy) = rows
    eyes, mouth = math.hypot(bx - ax, by - ay), math.hypot(dx - cx, dy - cy)
    if not (math.isfinite(eyes + mouth + rows[2][0] + rows[2][1]) and eyes > 1e-6 and mouth > 1e-6):
        return None
    right, down = (bx - ax) / eyes + (dx - cx) / mouth, (by - ay) / eyes + (dy - cy) / mouth
    length = math.hypot(right, down)
    if length < 1.0:
        return None
    cos, sin = right / length, down / length
    mx, my = (ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4
    level = [(cos * (x - mx) + sin * (y - my), cos * (y - my) - sin * (x - mx)) for x, y in rows]
    size = math.sqrt(sum(level[corner][0] ** 2 + level[corner][1] ** 2 for corner in _CORNERS))
    wide = level[1][0] - level[0][0]
    high = (level[3][1] + level[4][1] - level[0][1] - level[1][1]) / 2
    if wide < 0.25 * high or high < 0.25 * wide:
        return None
    return np.array(level, np.float64) / size


def head_pose(landmarks: NDArray[np.float32]) -> tuple[float, float] | None:
    """Estimate yaw and pitch in degrees from the landmarks (5, 2) of a head; None if they are not a face's.

    yaw > 0: turned to the image's right; pitch > 0: looking down.
    """
    shape = upright(landmarks)
    if shape is None:
        return None
    eyes, mouth = shape[:2].mean(0), shape[3:].mean(0)
    unit = max(shape[1, 0] - shape[0, 0], 0.88 * (mouth[1] - eyes[1]))
    share = (shape[2, 1] - eyes[1]) / (mouth[1] - eyes[1])
    aside = (shape[2, 0] - eyes[0] - share * (mouth[0] - eyes[0])) / unit
    yaw = math.asin(max(-1.0, min(1.0, aside / _READ_DEPTH)))
    pitch = math.atan2(share - _NEUTRAL_NOSE, _READ_DEPTH)
    return math.degrees(yaw), math.degrees(pitch)


@dataclass
class Views:
    """The shapes of one face: means over about a third of a second, at most `limit` of them, spread over its poses."""

    limit: int = 40
    _seen: list[Shape] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _views: list[Shape] = field(default_factory=list)
    _noises: list[float] = field(default_factory=list)

    def add(self, time_s: float, landmarks: NDArray[np.float32]) -> bool:
        """Add the landmarks, (5, 2) in pixels, of a frame at a time in seconds; return True if they complete a view."""
        shape = upright(landmarks)
        if self._times and not 0 <= time_s - self._times[-1] <= _MAX_GAP_S:
            self._seen.clear()
            self._times.clear()
        if shape is None:
            return False
        self._seen.append(shape)
        self._times.append(time_s)
        if len(self._seen) < _MIN_SEEN or self._times[-1] - self._times[0] < _MIN_SPAN_S - 1e-6:
            return False
        block = np.stack(self._seen)
        self._views.append(block.mean(0))
        # second differences, so that even motion does not count as noise
        self._noises.append(float(np.sqrt((np.diff(block, 2, axis=0) ** 2).mean() / 6)))
        self._seen.clear()
        self._times.clear()
        if len(self._views) > self.limit:
            self._thin()
        return True

    def _thin(self) -> None:
        """Drop the view with the two closest neighbours: each pose keeps two views, and neither is mistaken for an outlier."""
        rows = np.stack(self._views).reshape(len(self._views), -1)
        product = rows @ rows.T
        squares = product.diagonal()
        apart = squares[:, None] + squares - 2 * product
        crowded = int(np.partition(apart, 2, axis=1)[:, 2].argmin())  # 0 is the view itself
        del self._views[crowded], self._noises[crowded]

    def assess(self) -> Turn | None:
        """Measure the turn so far; None with fewer than four views."""
        if len(self._views) < _MIN_VIEWS:
            return None
        views = np.stack(self._views)
        middle = np.median(views, 0)
        unit = float(middle[1, 0] - middle[0, 0])
        views, middle = views / unit, middle / unit
        aside = _parallax(views, middle)
        ordered = np.sort(aside, 0)
        spare = 1 if len(views) >= 2 * _MIN_VIEWS else 0  # one view may be an outlier
        across, along = (ordered[-1 - spare] - ordered[spare]).tolist()
        first, second = _pairs(len(views))
        shrunk = _foreshortening(views, first, second)
        # half as many pairs as views must agree, because a single stray view may differ from some others by chance
        rank = len(shrunk) - 1 - len(views) // 2
        most = float(np.partition(shrunk, rank)[rank])
        depth, angle = math.nan, math.acos(math.exp(-most))
        if most > 0:
            turned = shrunk >= 0.8 * most
            between = np.abs(aside[first[turned]] - aside[second[turned]])
            depth = math.hypot(*np.median(between, 0).tolist()) / math.sin(angle)
        return Turn(
            views=len(views),
            parallax=across,
            parallax_deg=2 * math.degrees(math.asin(min(1.0, across / (2 * _READ_DEPTH)))),
            foreshortened_deg=math.degrees(angle),
            depth=depth,
            nod=along,
            noise=float(np.median(self._noises)) / unit,
        )


@lru_cache(maxsize=128)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return all pairs of `count` rows, each once, the earlier row first."""
    first, second = np.triu_indices(count, 1)
    return first, second


def _parallax(views: NDArray[np.float64], middle: Shape) -> NDArray[np.float64]:
    """Return how far the nose is from where it would be in the plane of the other landmarks: (n, 2), in eye distances."""
    plane = np.linalg.pinv(middle[_CORNERS])  # (2, 4); all shapes have the corners' mean as origin
    maps = np.einsum("ij,njk->nik", plane, views[:, _CORNERS])
    scale = np.sqrt(np.abs(np.linalg.det(maps)))
    offsets = views[:, 2] - np.einsum("i,nik->nk", middle[2], maps)
    return np.asarray(offsets / np.maximum(scale, 1e-6)[:, None], np.float64)


def _foreshortening(
    views: NDArray[np.float64], first: NDArray[np.intp], second: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return -log of the cosine of the turn between pairs of views, (n,); 0 if the distances do not change as in a turn."""
    eyes, mouth = views[:, :2].mean(1), views[:, 3:].mean(1)
    eyes_wide, mouth_wide = views[:, 1, 0] - views[:, 0, 0], views[:, 4, 0] - views[:, 3, 0]
    nose_high, mouth_high = np.maximum(views[:, 2, 1] - eyes[:, 1], 0.05), mouth[:, 1] - eyes[:, 1]
    ratios = np.stack([eyes_wide / nose_high, eyes_wide / mouth_high, mouth_wide / mouth_high])
    logs = np.log(ratios)
    change = logs[:, first] - logs[:, second]
    least, most = change.min(0), change.max(0)
    small, large = np.maximum(least, -most), np.maximum(most, -least)  # in size, if all have the same sign
    return np.where((least * most > 0) & (small >= _ALIKE * large), small, 0.0)
