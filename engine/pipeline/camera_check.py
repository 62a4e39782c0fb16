"""What the pictures of a camera say about the camera: whether it hangs turned, and whether it shows colours.

The detector finds hardly a face that stands on its head, and is never sure of one: of 400 faces 89% had a score of `BEYOND_DOUBT`
as they stood, and none of them had it when turned by 90, 180 or 270°. So while no face is beyond doubt, the camera's pictures are
turned now and then and searched again. What is found is told; nobody turns the pictures but the setting `rotate`.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engine.detection import Detector
from engine.face_reader import BEYOND_DOUBT
from engine.imaging import turned
from engine.types import Detections, Frame, Image

log = logging.getLogger(__name__)

_EVERY_S = 3.0
_SPREAD_S = 15.0
"""After a face that stands upright only in the turned picture, the next look waits for so long: it is often another person."""
_ENOUGH_TURNED, _ENOUGH_UPRIGHT = 5, 3
_MOST_LOOKS = 300
_TURNS = (180, 90, 180, 270)
_MOVES_WITHIN_S = 0.5
_SAMPLES, _CHANGE, _CHANGED_SHARE = 64, 24, 0.005
_COLOURLESS = 0.06
"""Mean saturation below which a face is grey: of 6,921 photos of faces 17 were black and white (at most .02) and two faded
(.04, .05); the least colourful other one had .075, and 99% had more than .16."""
_LOOKED_AT_EVERY_S = 1.0


@dataclass(frozen=True)
class CameraNote:
    """What the pictures of some time said about their camera.

    Attributes:
        rotate: the value of the setting that turns them upright; None: nothing speaks against today's.
        faces, grey: faces looked at, at most one a second, and how many of them were grey (night or infrared).
    """

    rotate: int | None = None
    faces: int = 0
    grey: int = 0

    def __str__(self) -> str:
        """As the coverage log keeps it, such as `rotate=180 grey=3/40`; empty if there is nothing to tell."""
        rotate = [f"rotate={self.rotate}"] if self.rotate is not None else []
        grey = [f"grey={self.grey}/{self.faces}"] if self.faces else []
        return " ".join([*rotate, *grey])

    @classmethod
    def parse(cls, text: str) -> CameraNote:
        """Read a note; other words are ignored."""
        rotate, grey = re.search(r"\brotate=(\d+)", text), re.search(r"\bgrey=(\d+)/(\d+)", text)
        faces = (int(grey[2]), int(grey[1])) if grey else (0, 0)
        return cls(int(rotate[1]) if rotate else None, *faces)


class TurnCheck:
    """Finds out whether a camera hangs upside down or on its side. It stops after a few upright faces, or when it has told.

    A look costs one search of the frame for large faces, at most every three seconds and only while something moves.

    Args:
        rotate: how far the pictures that it sees are turned already.

    Attributes:
        advice: the value of `rotate` that would set them upright; None: not known to be turned.
        looks: turned pictures that were searched.
    """

    def __init__(self, camera: str, detector: Detector, min_face_px: int, rotate: int) -> None:
        self.advice: int | None = None
        self.looks = 0
        self._camera, self._detector, self._min_face_px, self._rotate = camera, detector, min_face_px, rotate
        self._upright = self._hits = self._turn = 0
        self._last: datetime | None = None
        self._hit: datetime | None = None
        self._samples: NDArray[np.int16] | None = None
        self._sampled: datetime | None = None

    @property
    def done(self) -> bool:
        """Nothing more will be found out."""
        return self.advice is not None or self._upright >= _ENOUGH_UPRIGHT or self.looks >= _MOST_LOOKS

    def look(self, frame: Frame, found: Detections) -> None:
        """Take in a frame and the faces that were found in it as it stands."""
        if self.done or not _passed(self._last, frame.time, _EVERY_S):
            return
        if len(found) and float(found.scores.max()) >= BEYOND_DOUBT:
            self._last = frame.time
            self._upright, self._hits = self._upright + 1, 0
        elif _passed(self._hit, frame.time, _SPREAD_S) and (len(found) or self._moved(frame)):
            self._last = frame.time
            if self._search_turned(frame.image, found):
                self._hit = frame.time

    def _moved(self, frame: Frame) -> bool:
        """Whether a picture differs from the one half a second before."""
        if not _passed(self._sampled, frame.time, _MOVES_WITHIN_S):
            return False
        self._sampled, image = frame.time, frame.image
        step = max(1, min(image.shape[:2]) // _SAMPLES)
        before, self._samples = self._samples, image[::step, ::step, 1].astype(np.int16)
        if before is None or before.shape != self._samples.shape:
            return False
        return float((np.abs(self._samples - before) > _CHANGE).mean()) >= _CHANGED_SHARE

    def _search_turned(self, image: Image, found: Detections) -> bool:
        """Search a turned picture; whether a face stands upright in it."""
        turn = self._turn if self._hits else _TURNS[self.looks % len(_TURNS)]
        self.looks += 1
        side = 0.7 * float(found.areas.max()) ** 0.5 if len(found) else 2 * self._min_face_px
        scores = self._detector.detect(turned(image, turn), max(self._min_face_px, round(side))).scores
        if not len(scores) or float(scores.max()) < BEYOND_DOUBT:
            return False
        self._turn, self._hits = turn, self._hits + 1
        if self._hits >= _ENOUGH_TURNED:
            self.advice = (self._rotate + turn) % 360
            log.warning(
                "the pictures of camera %s are turned: set rotate = %d in [cameras.%s], or hang the camera the other way",
                self._camera,
                self.advice,
                self._camera,
            )
        return True


class CameraCheck:
    """Takes notes of one camera's pictures."""

    def __init__(self, turn: TurnCheck) -> None:
        self._turn = turn
        self._note = CameraNote()
        self._looked: datetime | None = None

    @property
    def advice(self) -> int | None:
        """See `TurnCheck.advice`."""
        return self._turn.advice

    def look(self, frame: Frame, found: Detections) -> None:
        """Take in a frame and the faces in it."""
        self._turn.look(frame, found)
        if len(found) and _passed(self._looked, frame.time, _LOOKED_AT_EVERY_S):
            self._looked = frame.time
            grey = colourless(frame.image, found.boxes[found.areas.argmax()])
            self._note = replace(self._note, faces=self._note.faces + 1, grey=self._note.grey + grey)

    def taken(self) -> CameraNote:
        """What there is to tell since this was last asked."""
        note, self._note = replace(self._note, rotate=self.advice), CameraNote()
        return note


def colourless(image: Image, box: NDArray[np.float32]) -> bool:
    """Whether the part of a picture in a box (4,) is grey, as at night or in infrared light; `image`: RGB uint8 (H, W, 3)."""
    left, top = np.maximum(box[:2], 0).astype(int)
    right, bottom = np.maximum(box[2:], 0).astype(int)
    face = image[top:bottom:2, left:right:2].astype(np.float32)
    if not face.size:
        return False
    return bool((face.max(2) - face.min(2)).mean() < _COLOURLESS * face.max(2).mean())


def _passed(since: datetime | None, time: datetime, seconds: float) -> bool:
    """Whether so many seconds lie between two moments, forwards or back."""
    return since is None or abs((time - since).total_seconds()) >= seconds
