"""Draw the preview of a guided capture: an oval for the face, an arrow where to turn, a tick when a picture was taken.

The page shows the words beside the picture in its own language. Colour is never the only sign: the oval is dashed while something is
wrong and solid when all is well, and fills clockwise while the picture is taken.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from engine.enrolment.capture import Guidance
from engine.types import Image

_LOOKING, _WRONG, _GOOD = (225, 225, 225), (230, 159, 0), (0, 200, 140)
_WHITE, _INK = (255, 255, 255), (20, 20, 20)
_HIGH, _WIDE = 0.36, 0.27  # half axes of the oval, as shares of the shorter side
_DASH_DEG = 9


def draw_guidance(image: Image, guidance: Guidance, *, mirrored: bool = True) -> Image:
    """Return a copy of a frame, RGB uint8 (H, W, 3), with its guidance drawn on it; `mirrored`: flipped as in a mirror."""
    picture = cv2.flip(image, 1) if mirrored else image
    high, wide = picture.shape[:2]
    side = min(high, wide)
    line = max(2, side // 120)
    out = cv2.convertScaleAbs(picture, alpha=0.45)
    cv2.copyTo(picture, _oval(high, wide), out)
    centre, axes = (wide // 2, high // 2), (round(_WIDE * side), round(_HIGH * side))
    if guidance.step is None or guidance.just_taken:
        cv2.ellipse(out, centre, axes, 0, 0, 360, _GOOD, 2 * line, cv2.LINE_AA)
        _tick(out, centre, axes[0] // 2, line)
    elif guidance.reason:
        colour = _LOOKING if guidance.box is None else _WRONG
        for start in range(0, 360, 2 * _DASH_DEG):
            for ink, width in ((_INK, 2 * line), (colour, line)):
                cv2.ellipse(out, centre, axes, 0, start, start + _DASH_DEG, ink, width, cv2.LINE_AA)
        if guidance.box is not None:
            _arrow(out, guidance, centre, axes, line, mirrored=mirrored)
    else:
        cv2.ellipse(out, centre, axes, 0, 0, 360, _GOOD, line, cv2.LINE_AA)
        cv2.ellipse(out, centre, axes, 0, -90, -90 + 360 * guidance.held, _GOOD, 3 * line, cv2.LINE_AA)
    return np.asarray(out, np.uint8)


@lru_cache(maxsize=4)
def _oval(high: int, wide: int) -> Image:
    side = min(high, wide)
    mask = np.zeros((high, wide), np.uint8)
    cv2.ellipse(mask, (wide // 2, high // 2), (round(_WIDE * side), round(_HIGH * side)), 0, 0, 360, 255, -1)
    return mask


def _tick(out: Image, centre: tuple[int, int], size: int, line: int) -> None:
    x, y = centre
    points = np.array([[x - size, y], [x - size // 3, y + 2 * size // 3], [x + size, y - 2 * size // 3]], np.int32)
    for colour, width in ((_WHITE, 5 * line), (_GOOD, 3 * line)):
        cv2.polylines(out, [points], isClosed=False, color=colour, thickness=width, lineType=cv2.LINE_AA)


def _arrow(
    out: Image, guidance: Guidance, centre: tuple[int, int], axes: tuple[int, int], line: int, *, mirrored: bool
) -> None:
    """Draw an arrowhead beside the oval on the side to turn to, if a turn is what is missing."""
    if guidance.step == "front" or guidance.reason not in {"not turned yet", "other way"}:
        return
    # without mirroring, the person's left is on the right of the picture
    across, down = {"left": (-1, 0), "right": (1, 0), "up": (0, -1)}[guidance.step or "up"]
    across = across if mirrored else -across
    size = 7 * line
    x = centre[0] + across * (axes[0] + 2 * size)
    y = centre[1] + down * (axes[1] + 2 * size)
    x, y = max(size, min(x, out.shape[1] - size - 1)), max(size, min(y, out.shape[0] - size - 1))
    head = np.array(
        [
            [x + across * size, y + down * size],
            [x - across * size + down * size, y - down * size + across * size],
            [x - across * size - down * size, y - down * size - across * size],
        ],
        np.int32,
    )
    cv2.fillPoly(out, [head], _WHITE, cv2.LINE_AA)
    cv2.polylines(out, [head], isClosed=True, color=_INK, thickness=max(1, line // 2), lineType=cv2.LINE_AA)
