"""Detect streams that are frozen or looped.

A camera never gives the same picture twice, because its sensor has noise. So this module compares single pixels on a coarse
grid, without averaging:

- *frozen*: for `frozen_s` the pixels have not changed by more than coding noise;
- *looped*: for `loop_s` pictures with motion have repeated those of a fixed time ago, up to coding noise. A person who walks the
  same way twice is never on the same pixels at the same moments; an empty scene repeats itself, but without motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import PresentationConfig

_WIDE, _HIGH = 48, 27
_SAME_MEAN, _SAME_MOST = 0.5, 8  # grey levels between pictures of a frozen stream, from coding noise
_MEMORY_S, _EVERY_S = 120.0, 0.2
_MIN_LAG_S = 1.0  # shortest loop
_LAG_JITTER_S = 0.1
_CODING = 1.5  # most mean difference in grey levels that coding causes
_MOTION = 1.0  # least mean difference in grey levels that counts as motion
_SHARP = 3.0  # the pictures before and after the repeated one must differ by this many times as much
_MOVING = 16  # grey levels by which those two differ at a moving point
_MIN_MOVING = 12  # fewest moving points
_EXACT, _EXACT_TIMES = 1.0, 1.5  # moving points may differ by 1.0 grey level plus 1.5 times the rest's difference
_HITS_PER_S = 3.0  # of about 4.5 pictures kept per second
_LOST_S = 1.0

Grid = NDArray[np.uint8]


class StreamWatch:
    """Watches the pictures of one camera. Holds 600 grids of 48×27 values (0.8 MB). Not thread-safe."""

    def __init__(self, config: PresentationConfig) -> None:
        self._config = config
        self._start: datetime | None = None
        self._last_s = 0.0
        self._shape: tuple[int, ...] = ()
        self._still: Grid | None = None
        self._still_since_s = 0.0
        self._ring = _Ring(round(_MEMORY_S / _EVERY_S), _WIDE * _HIGH)
        self._run = _Run()

    def observe(self, time: datetime, image: NDArray[np.uint8]) -> str:
        """Process a frame (timezone-aware time, RGB uint8 (H, W, 3)); return "frozen", "looped", or "" for neither."""
        self._start = self._start or time
        time_s = (time - self._start).total_seconds()
        if image.shape != self._shape or time_s < self._last_s:  # another camera mode, or the clock was set
            self._shape, self._still = image.shape, None
            self._ring.clear()
            self._run = _Run()
        self._last_s = time_s
        grid = _grid(image)
        if self._still is None or not _same(grid, self._still):
            self._still, self._still_since_s = grid, time_s
        frozen = time_s - self._still_since_s >= self._config.frozen_s
        looped = self._loops(grid, time_s, still=time_s > self._still_since_s)
        return "frozen" if frozen else "looped" if looped else ""

    def _loops(self, grid: Grid, time_s: float, *, still: bool) -> bool:
        if not still:
            self._compare(grid, time_s)
        run = self._run
        if time_s - run.seen_s > _LOST_S:
            self._run = run = _Run()
        if time_s - self._ring.newest_s >= _EVERY_S - 1e-6:
            self._ring.add(time_s, grid)
        length = run.hit_s - run.first_s
        return length >= self._config.loop_s and run.hits >= _HITS_PER_S * length

    def _compare(self, grid: Grid, time_s: float) -> None:
        """Look for an earlier picture that this one repeats."""
        times, apart = self._ring.compare(grid)
        old = int(np.searchsorted(times, time_s - _MIN_LAG_S, side="right"))
        if old < 3:
            return
        run = self._run
        if run.hits:  # look at the run's lag first, then anywhere
            near = np.flatnonzero(np.abs(time_s - times[:old] - run.lag_s) <= _LAG_JITTER_S)
            if len(near) and apart[near].min() <= _CODING:
                run.seen_s = time_s
                best = int(near[apart[near].argmin()])
                if self._repeats(grid, apart, best):
                    run.hits, run.hit_s = run.hits + 1, time_s
                return
            if time_s - run.seen_s <= _LOST_S:
                return
        best = int(apart[:old].argmin())
        if self._repeats(grid, apart, best):
            self._run = _Run(time_s - float(times[best]), 1, time_s, time_s, time_s)

    def _repeats(self, grid: Grid, apart: NDArray[np.float64], best: int) -> bool:
        """Return whether a picture repeats the one at `best` during motion, exactly at the moving points."""
        if not 0 < best < len(apart) - 1 or apart[best] > _CODING:
            return False
        if min(apart[best - 1], apart[best + 1]) < max(_MOTION, _SHARP * apart[best]):
            return False
        before, then, after = (self._ring.grid(place) for place in (best - 1, best, best + 1))
        moving = cv2.absdiff(before, after).ravel() > _MOVING
        left = cv2.absdiff(grid, then).ravel()
        if moving.sum() < _MIN_MOVING or moving.all():
            return False
        return bool(left[moving].mean() <= _EXACT + _EXACT_TIMES * left[~moving].mean())


@dataclass
class _Run:
    """Pictures that repeat those of `lag_s` ago: their number, the first, the last, and when the run was last plausible."""

    lag_s: float = 0.0
    hits: int = 0
    first_s: float = 0.0
    hit_s: float = 0.0
    seen_s: float = -1e9


class _Ring:
    """The grids of the last two minutes, oldest first."""

    def __init__(self, capacity: int, width: int) -> None:
        self._grids = np.empty((capacity, width), np.uint8)
        self._times = np.empty(capacity, np.float64)
        self._count = 0

    @property
    def newest_s(self) -> float:
        """Time of the newest grid in seconds; minus infinity if there is none."""
        return float(self._times[(self._count - 1) % len(self._times)]) if self._count else -np.inf

    def clear(self) -> None:
        self._count = 0

    def add(self, time_s: float, grid: Grid) -> None:
        """Add a grid (n,) uint8; it replaces the oldest if the ring is full."""
        place = self._count % len(self._times)
        self._grids[place], self._times[place] = grid, time_s
        self._count += 1

    def grid(self, place: int) -> Grid:
        """Return a grid by age, the oldest at 0."""
        filled = min(self._count, len(self._times))
        return np.asarray(self._grids[(self._count - filled + place) % len(self._times)])

    def compare(self, grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the times (n,) of the grids, oldest first, and the mean absolute difference to each, (n,) in grey levels."""
        filled = min(self._count, len(self._times))
        if not filled:
            return np.empty(0), np.empty(0)
        apart = cv2.absdiff(self._grids[:filled], np.repeat(grid[None], filled, 0))
        sums = cv2.reduce(apart, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
        turn = self._count % len(self._times) if self._count > filled else 0
        return np.roll(self._times[:filled], -turn), np.roll(sums / grid.size, -turn)


def _grid(image: NDArray[np.uint8]) -> Grid:
    """Return the green values at 48×27 pixels, (1296,) uint8."""
    high, wide = image.shape[:2]
    rows = (np.arange(_HIGH) * high + high // 2) // _HIGH
    columns = (np.arange(_WIDE) * wide + wide // 2) // _WIDE
    return np.asarray(image[rows[:, None], columns, 1], np.uint8).ravel()


def _same(grid: Grid, other: Grid) -> bool:
    apart = cv2.absdiff(grid, other)
    return int(apart.max()) <= _SAME_MOST and float(apart.mean()) <= _SAME_MEAN
