"""Detection and tracking: the faces of a frame, and whose track each belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from engine.config.outlines import Outline
from engine.detection import Finder
from engine.pipeline.stats import RunStats
from engine.tracking import BreakWatch, Tracker, Trail
from engine.types import Detections, Frame

_RESTS_AFTER_S = 3.0
Region = tuple[float, float, float, float]


def within(
    found: Detections, region: Region | None, size: tuple[int, ...], masks: Sequence[Outline] = ()
) -> Detections:
    """Return the faces whose middle lies in a region and in none of some masks.

    Args:
        region, masks: see `FaceFollower`. size: height and width of the picture in pixels.
    """
    height, width = size
    middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 / (width, height)  # as shares
    counted = np.ones(len(middle), bool)
    if region is not None:
        counted &= ((middle >= region[:2]) & (middle <= region[2:])).all(1)
    for mask in masks:
        outline = np.array(mask, np.float32)
        hidden = [cv2.pointPolygonTest(outline, (float(x), float(y)), measureDist=False) >= 0 for x, y in middle]
        counted &= ~np.array(hidden, bool)
    return found[counted]


@dataclass(frozen=True, eq=False)
class FollowedFaces:
    """The faces of one frame.

    Attributes:
        found: n detections.
        track_ids: n tracks.
        ended: trails that ended with this frame.
        doubted: when it was last uncertain that a track is still the same person, by track.
    """

    frame: Frame
    found: Detections
    track_ids: list[int]
    ended: list[Trail]
    doubted: dict[int, datetime | None]


class FaceFollower:
    """Finds the faces of one camera's frames and follows them.

    Args:
        region: left, top, right and bottom edge, as shares of the picture's sides, of the part in which faces count; None: all of it.
        masks: parts in which they do not count.
    """

    def __init__(
        self,
        finder: Finder,
        tracker: Tracker,
        stats: RunStats,
        region: Region | None = None,
        masks: Sequence[Outline] = (),
    ) -> None:
        self._finder, self._tracker, self._stats = finder, tracker, stats
        self._region, self._masks = region, masks
        self._breaks = BreakWatch()
        self._rested = self._at_rest = False

    def begin(self, *, at_rest: bool) -> None:
        """A source begins; `at_rest`: it rests until something says otherwise."""
        self._at_rest = at_rest

    @property
    def trails(self) -> tuple[Trail, ...]:
        """Tracks that are alive."""
        return self._tracker.trails

    def follow(self, frame: Frame) -> FollowedFaces:
        """Take the next frame in."""
        cut_off: list[Trail] = []
        if self._breaks.look(frame.time, frame.image, resting=self._rested):
            cut_off = self._tracker.finish()
            self._finder.forget()  # what is in the new picture is looked for at once
        with self._stats.stage("detection"):
            expected = self._tracker.expected(frame.time, self._finder.scanned)
            found = self._finder.look(frame, *expected)
            if self._region is not None or self._masks:
                found = within(found, self._region, frame.image.shape[:2], self._masks)
        self._stats.faces += len(found)
        self._stats.scans = self._finder.scans
        with self._stats.stage("tracking"):
            track_ids, ended = self._tracker.update(found, frame.time)
        doubted = {trail.track_id: trail.doubted for trail in self.trails}
        return FollowedFaces(frame, found, track_ids, cut_off + ended, doubted)

    def resting(self, time: datetime) -> bool:
        """Whether the source may rest until the next frame: a first search is over, nobody is in view and nothing has moved for a while.

        A source that begins at rest does not wake for its first search.
        """
        moved, searched = self._finder.moved, self._at_rest or self._finder.scanned is not None
        still = moved is None or (time - moved).total_seconds() >= _RESTS_AFTER_S
        self._rested = searched and not self.trails and still
        return self._rested

    def restart(self, track_ids: Iterable[int]) -> list[tuple[int, Trail]]:
        """End these tracks and go on with their last detections under new ids; each new id, and the trail that ended."""
        return [self._tracker.restart(track_id) for track_id in track_ids]

    def finish(self) -> list[Trail]:
        """End all tracks: no frame comes any more."""
        self._finder.close()
        return self._tracker.finish()
