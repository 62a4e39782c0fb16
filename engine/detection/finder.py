"""Decide where to look: search the frame now and then, and only where faces are expected in between.

A search costs many times as much as a look at the known places, and a person stays in view for many frames. So the finder looks at
known places in every frame. It searches for others every `scan_interval_s` where something else moved, soon after an expected face is
missing, and everywhere once a second while anything moves. Every `idle_interval_s` it searches everywhere in any case and confirms the
known faces, the doubtful ones each second, so that none can survive on looks alone. Intervals are measured in frame times.

A recording is searched in step with its frames: the same frames give the same result, however fast they are read. A live camera is
searched beside the loop (`engine.pipeline.search_beside`): what a search finds is looked at in the frame that is current by then. So a
slow search delays new faces and never those that are being followed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.detection.motion import MotionMap, Rectangles
from engine.detection.mtcnn import ELSEWHERE, Detector, distances
from engine.detection.searcher import Search, Searcher, SearchNow
from engine.types import Detections, Frame

Floats = NDArray[np.float32]

_SOON_S = 0.1
_MOST_MEANWHILE = 8
_DOUBTFUL = 0.99
"""Score below which a known face may be none."""
_EVERYWHERE_S = 1.0
"""Between two searches of the whole frame while anything moves: somebody may come into view in front of somebody else."""


class Finder(Protocol):
    """Finds the faces in one camera's frames, see `FaceFinder`."""

    scans: int
    scanned: datetime | None
    moved: datetime | None

    def look(self, frame: Frame, expected: Floats, just_seen: NDArray[np.bool_]) -> Detections:
        """Find the faces in a frame."""

    def forget(self) -> None:
        """What comes next has nothing to do with what came before."""

    def close(self) -> None:
        """No frame comes any more."""


class FaceFinder:
    """Finds the faces in one camera's frames.

    Args:
        searcher: runs the searches; default: in step with the frames.

    Attributes:
        scans, looks: number of searches, and of frames in which only known places were looked at.
        scanned: time of the latest frame whose search has ended. A face that was not seen since is not looked for at its old
            place.
        moved: time of the latest frame in which something was seen to move; None: nothing has yet.
    """

    def __init__(
        self,
        detector: Detector,
        config: DetectionConfig,
        min_face_px: int | None = None,
        searcher: Searcher | None = None,
    ) -> None:
        self.scans = 0
        self.looks = 0
        self.scanned: datetime | None = None
        self.moved: datetime | None = None
        self._detector, self._config, self._min_face_px = detector, config, min_face_px or config.min_face_px
        self._searcher = searcher or SearchNow(detector)
        self._motion = MotionMap()
        self._begun: datetime | None = None
        self._everywhere: datetime | None = None
        self._confirmed: datetime | None = None
        self._missed = False
        self._pending: Search | None = None
        self._meanwhile: list[NDArray[np.uint8]] = []

    def forget(self) -> None:
        """What comes next has nothing to do with what came before: search the next frame at once."""
        self.scanned = self.moved = self._begun = self._everywhere = self._confirmed = self._pending = None
        self._meanwhile.clear()

    def close(self) -> None:
        """Wait for a search that runs."""
        if self._pending is not None:
            self._pending.done.wait()

    def look(self, frame: Frame, expected: Floats, just_seen: NDArray[np.bool_] | None = None) -> Detections:
        """Find the faces in a frame.

        Args:
            frame: the picture and its time.
            expected: (n, 4) float32, where the faces known so far should be.
            just_seen: (n,) True for faces seen in the previous frame, the only ones worth searching for; default: all.
        """
        if not self._motion.fits(frame.image):
            self.forget()
        just_seen = np.ones(len(expected), np.bool_) if just_seen is None else just_seen
        if self._pending is not None:
            if self._pending.done.is_set():
                expected, just_seen = self._arrived(self._pending, expected, just_seen)
            else:
                self._remember(frame.image)
        found = Detections.empty()
        if len(expected):
            # beside the loop, the search that follows is soon enough for the surroundings
            found = self._detector.detect_near(frame.image, expected, just_seen, around=self._searcher.at_once)
            self._missed |= len(found) < int(just_seen.sum())
        search = self._begin(frame, found) if self._pending is None else None
        if search is None:
            self.looks += 1
        elif search.done.is_set():
            return self._joined(search, found)
        return found

    def _begin(self, frame: Frame, found: Detections) -> Search | None:
        """Begin a search if it is time for one."""
        time, config, known = frame.time, self._config, found.boxes
        everywhere = _passed(self._everywhere, time, config.idle_interval_s)
        regions: Rectangles | None = None
        if not everywhere:
            lost = self._missed and _passed(self._begun, time, min(_SOON_S, config.scan_interval_s))
            if not lost and not _passed(self._begun, time, config.scan_interval_s):
                return None
            moved = self._motion.look(frame.image, known, self._min_face_px)
            if moved.anywhere:
                self.moved = time
            everywhere = moved.anywhere and _passed(self._everywhere, time, _EVERYWHERE_S)
            nowhere = moved.regions is not None and not len(moved.regions)
            if nowhere and not everywhere and not lost:
                return None
            regions = None if nowhere or everywhere else moved.regions
        self._motion.searched(frame.image, regions)
        doubtful = known[:0] if regions is not None else known[found.scores < _DOUBTFUL]
        if regions is None and _passed(self._confirmed, time, config.idle_interval_s):
            self._confirmed, doubtful = time, known
        self._pending = search = Search(frame, self._min_face_px, regions, known, doubtful)
        self._searcher.begin(search)
        self._begun, self._everywhere = time, time if regions is None else self._everywhere
        self._missed = False
        self.scans += 1
        return search

    def _joined(self, search: Search, found: Detections) -> Detections:
        """The faces of a frame that was just searched, `found` being those at known places."""
        self._pending, self.scanned = None, search.frame.time
        result = search.result()
        right = found[~_near(found.boxes, result.wrong)]
        return right.joined(result.new[~_near(result.new.boxes, right.boxes)])

    def _arrived(
        self, search: Search, expected: Floats, just_seen: NDArray[np.bool_]
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Where to look after a search of an earlier frame: where faces are expected, and where it found others."""
        self._pending, self.scanned = None, search.frame.time
        result = search.result()
        right = ~_near(expected, result.wrong)
        expected, just_seen = expected[right], just_seen[right]
        new = self._caught_up(result.new.boxes)
        new = new[~_near(new, expected)]
        return np.vstack([expected, new]), np.concatenate([just_seen, np.ones(len(new), np.bool_)])

    def _remember(self, image: NDArray[np.uint8]) -> None:
        """Keep some of the frames that come while a search runs."""
        self._meanwhile.append(image)
        if len(self._meanwhile) > _MOST_MEANWHILE:
            del self._meanwhile[::2]

    def _caught_up(self, boxes: Floats) -> Floats:
        """Follow faces from the frame of a search through those that came meanwhile, (n, 4)."""
        step = np.zeros_like(boxes)
        for image in self._meanwhile if len(boxes) else ():
            ahead = boxes + step
            found = self._detector.detect_near(image, ahead, np.zeros(len(boxes), np.bool_)).boxes
            away = distances(found, ahead)
            for row in range(len(boxes) if len(found) else 0):
                best = int(away[:, row].argmin())
                if away[best, row] <= ELSEWHERE:
                    step[row] = np.tile((found[best] - boxes[row]).reshape(2, 2).mean(0), 2)
                    ahead[row] = found[best]
            boxes = ahead
        self._meanwhile.clear()
        return boxes


def _passed(since: datetime | None, time: datetime, interval_s: float) -> bool:
    return since is None or abs((time - since).total_seconds()) >= interval_s - 1e-6


def _near(boxes: Floats, others: Floats) -> NDArray[np.bool_]:
    """Which of boxes (n, 4) lie where one of the others (m, 4) does."""
    return np.asarray((distances(boxes, others) <= ELSEWHERE).any(1), np.bool_)
