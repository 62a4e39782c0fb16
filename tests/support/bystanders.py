"""People on photos who pass a camera one after the other, some of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Frame

FPS = 10
_HEIGHT, _WIDTH, _SIDE = 360, 640, 240
_GREY = (104, 108, 112)


def passing(
    photos: Sequence[Sequence[NDArray[np.uint8]]], start: datetime, *, frames: int = 14, pause_s: float = 3.0
) -> Iterator[Frame]:
    """One frame after the other of a door that each group passes.

    Args:
        photos: of the one or two people of each group, RGB uint8 (H, W, 3), mostly face.
        frames: in which each group is seen. pause_s: without anybody between them.
    """
    index = 0

    def frame(canvas: NDArray[np.uint8]) -> Frame:
        nonlocal index
        index += 1
        return Frame(canvas, start + timedelta(seconds=(index - 1) / FPS), "door", index - 1)

    empty = np.full((_HEIGHT, _WIDTH, 3), _GREY, np.uint8)
    for group in photos:
        shown = [cv2.resize(photo, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for photo in group]
        for step in range(frames):
            canvas = empty.copy()
            for place, photo in enumerate(shown):
                left, top = 20 + 310 * place + 4 * step, 50 + step % 3
                canvas[top : top + _SIDE, left : left + _SIDE] = photo
            yield frame(canvas)
        for _ in range(round(pause_s * FPS)):
            yield frame(empty.copy())
