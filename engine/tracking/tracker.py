"""Which detection is whom from frame to frame.

Boxes are associated by `scipy.optimize.linear_sum_assignment` over overlap with the predicted place: one kept library
function, no further packages. (ByteTrack left `supervision`; `trackers` brings 17 packages; the others are dead or pin old
numpy.) A face is a small rigid box, so overlap with a constant-velocity prediction decides nearly always; where the frame rate is so
low that boxes no longer overlap, nearness and equal size do. What a face looks like is the vote's business: see
`engine.tracking.voting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import scipy
from numpy.typing import NDArray

from engine.config import TrackingConfig
from engine.types import Detections

Floats = NDArray[np.float32]

_FORBIDDEN = 1e3
_CLEAR = 0.7  # cost up to which a detection is certainly the track's
_SHORT_GAP_S = 0.4
_CLOSE = 0.05  # overlap of two faces in view


@dataclass
class Trail:
    """What the tracker knows of one track.

    Attributes:
        track_id: unique within the tracker.
        box, landmarks: the last detection.
        velocity: of the box's centre, pixels per second.
        first_seen, last_seen: times of detections.
        hits: number of detections.
        visible: seen in the last frame.
        seen_s: when, by the tracker's own clock, which never steps back.
        doubted: when it was last uncertain that this is still the same person: after a gap, a jump, or another face close by.
    """

    track_id: int
    box: Floats
    landmarks: Floats
    first_seen: datetime
    last_seen: datetime
    hits: int = 1
    visible: bool = True
    seen_s: float = 0.0
    velocity: tuple[float, float] = (0.0, 0.0)
    doubted: datetime | None = None

    def predicted(self, time: datetime, max_gap_s: float) -> Floats:
        """The box where it should be at `time`, (4,) float32; motion is not extrapolated beyond half the longest gap."""
        elapsed = min(max((time - self.last_seen).total_seconds(), 0.0), max_gap_s / 2)
        dx, dy = self.velocity[0] * elapsed, self.velocity[1] * elapsed
        return self.box + np.array([dx, dy, dx, dy], np.float32)


def _overlaps(boxes: Floats, others: Floats) -> Floats:
    """(n, m) intersections over unions."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    union = (boxes[:, 2:] - boxes[:, :2]).prod(1)[:, None] + (others[:, 2:] - others[:, :2]).prod(1)[None] - common
    return np.asarray(common / np.maximum(union, 1e-6), np.float32)


def _costs(predicted: Floats, boxes: Floats, config: TrackingConfig) -> NDArray[np.float64]:
    """(tracks, detections) costs: 1 - IoU where boxes overlap, 1 + distance where they are merely near, else forbidden."""
    iou = _overlaps(predicted, boxes)
    sides_a = predicted[:, 2:] - predicted[:, :2]
    sides_b = boxes[:, 2:] - boxes[:, :2]
    side_a, side_b = sides_a.mean(1)[:, None], sides_b.mean(1)[None]
    centres_a, centres_b = (predicted[:, :2] + predicted[:, 2:]) / 2, (boxes[:, :2] + boxes[:, 2:]) / 2
    distance = np.linalg.norm(centres_a[:, None] - centres_b[None], axis=2) / np.maximum((side_a + side_b) / 2, 1e-6)
    ratio = np.maximum(side_a, side_b) / np.maximum(np.minimum(side_a, side_b), 1e-6)
    near = (distance <= config.max_center_shift) & (ratio <= 1.6)
    costs = np.where(iou >= config.min_iou, 1 - iou, np.where(near, 1 + distance, _FORBIDDEN))
    return np.asarray(costs, np.float64)


class Tracker:
    """Tracks of one camera."""

    def __init__(self, config: TrackingConfig) -> None:
        self._config = config
        self._trails: dict[int, Trail] = {}
        self._next = 1
        self._clock_s = 0.0
        self._last_time: datetime | None = None

    @property
    def trails(self) -> tuple[Trail, ...]:
        """Tracks that are alive."""
        return tuple(self._trails.values())

    def expected(self, time: datetime, since: datetime | None) -> tuple[Floats, NDArray[np.bool_]]:
        """Where faces should be now.

        Args:
            time: of the next frame.
            since: faces that were not seen since then are left out; None: there are none.

        Returns:
            (n, 4) boxes, and (n,) whether each was there a frame ago.
        """
        trails = [trail for trail in self.trails if since is not None and trail.last_seen >= since]
        boxes = [trail.predicted(time, self._config.max_gap_s) for trail in trails]
        return (
            np.stack(boxes) if boxes else np.empty((0, 4), np.float32),
            np.array([trail.visible for trail in trails], np.bool_),
        )

    def update(self, found: Detections, time: datetime) -> tuple[list[int], list[Trail]]:
        """Take the detections of the next frame in.

        Args:
            found: n faces.
            time: of the frame; a step back is treated as no time passed.

        Returns:
            The track id of each detection, and the trails that have ended since the last frame.
        """
        if self._last_time is not None:
            self._clock_s += max(0.0, (time - self._last_time).total_seconds())
        self._last_time = time
        ended = [
            trail for trail in self._trails.values() if self._clock_s - trail.seen_s > self._config.max_gap_s + 1e-9
        ]
        for trail in ended:
            trail.visible = False
            del self._trails[trail.track_id]
        alive = list(self._trails.values())
        ids = [0] * len(found)
        taken: set[int] = set()
        if alive and len(found):
            predicted = np.stack([trail.predicted(time, self._config.max_gap_s) for trail in alive])
            costs = _costs(predicted, found.boxes, self._config)
            rows, columns = scipy.optimize.linear_sum_assignment(costs)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                if costs[row, column] < _FORBIDDEN:
                    clear = costs[row, column] <= _CLEAR and self._clock_s - alive[row].seen_s <= _SHORT_GAP_S
                    self._follow(alive[row], found, column, time)
                    if not clear:
                        alive[row].doubted = time
                    ids[column] = alive[row].track_id
                    taken.add(row)
            self._doubt_neighbours(alive, time)
        for row, trail in enumerate(alive):
            trail.visible = row in taken
        for column, track_id in enumerate(ids):
            if track_id == 0:
                ids[column] = self._begin(found, column, time)
        return ids, ended

    def restart(self, track_id: int) -> tuple[int, Trail]:
        """End a track and go on with its last detection under a new id: somebody else has taken its place.

        Returns:
            The new id and the trail that ended.
        """
        old = self._trails.pop(track_id)
        new = Trail(self._next, old.box, old.landmarks, old.last_seen, old.last_seen, velocity=old.velocity)
        self._trails[new.track_id] = new
        self._next += 1
        new.seen_s = old.seen_s
        old.visible = False
        return new.track_id, old

    def finish(self) -> list[Trail]:
        """End all tracks."""
        ended = list(self._trails.values())
        self._trails.clear()
        for trail in ended:
            trail.visible = False
        return ended

    def _begin(self, found: Detections, column: int, time: datetime) -> int:
        trail = Trail(self._next, found.boxes[column], found.landmarks[column], time, time, seen_s=self._clock_s)
        self._trails[trail.track_id] = trail
        self._next += 1
        return trail.track_id

    @staticmethod
    def _doubt_neighbours(trails: list[Trail], time: datetime) -> None:
        """Faces that overlap may have changed places."""
        if len(trails) < 2:
            return
        boxes = np.stack([trail.box for trail in trails])
        close = _overlaps(boxes, boxes) > _CLOSE
        np.fill_diagonal(close, val=False)
        for row in np.flatnonzero(close.any(1)):
            trails[row].doubted = time

    def _follow(self, trail: Trail, found: Detections, column: int, time: datetime) -> None:
        box = found.boxes[column]
        elapsed = (time - trail.last_seen).total_seconds()
        if elapsed > 0:
            old, new = (trail.box[:2] + trail.box[2:]) / 2, (box[:2] + box[2:]) / 2
            vx, vy = ((new - old) / elapsed).tolist()
            trail.velocity = (0.5 * trail.velocity[0] + 0.5 * vx, 0.5 * trail.velocity[1] + 0.5 * vy)
        trail.box, trail.landmarks = box, found.landmarks[column]
        trail.last_seen = max(time, trail.last_seen)
        trail.seen_s = self._clock_s
        trail.hits += 1
