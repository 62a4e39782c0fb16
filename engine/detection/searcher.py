"""Searches of video frames, and who runs them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.detection.motion import Rectangles
from engine.detection.mtcnn import Detector
from engine.types import Detections, Frame


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes:
        new: faces that were not known, and perhaps some that were.
        wrong: (n, 4) places of known faces that are none.
    """

    new: Detections
    wrong: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Search:
    """A search that has been asked for, see `Detector.search`.

    Attributes:
        frame: the frame.
        known: (n, 4) faces that were known in it.
        doubtful: (m, 4) those of them that a look may have mistaken for faces: the search confirms them.
        done: set when it has ended.
    """

    frame: Frame
    min_face_px: int
    regions: Rectangles | None
    known: NDArray[np.float32]
    doubtful: NDArray[np.float32]
    done: threading.Event = field(default_factory=threading.Event)
    _result: list[SearchResult | BaseException] = field(default_factory=list)

    def run(self, detector: Detector) -> None:
        """Run it."""
        image = self.frame.image
        try:
            new = detector.search(image, self.min_face_px, regions=self.regions, known=self.known)
            right = detector.confirmed(image, self.doubtful)
            self._result.append(SearchResult(new, self.doubtful[~right]))
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asks for the result
            self._result.append(error)
        self.done.set()

    def result(self) -> SearchResult:
        """What it found.

        Raises:
            MusterError: what the search raised.
        """
        (result,) = self._result
        if isinstance(result, BaseException):
            raise result
        return result


class Searcher(Protocol):
    """Runs searches.

    Attributes:
        at_once: a search has ended when `begin` returns.
    """

    at_once: bool

    def begin(self, search: Search) -> None:
        """Run a search, or queue it."""


class SearchNow:
    """Runs each search at once: the same frames give the same faces on any machine."""

    at_once = True

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def begin(self, search: Search) -> None:
        """Run a search."""
        search.run(self._detector)
