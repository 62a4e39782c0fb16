"""A photographed head, made to turn, nod, blink and speak: a depth map laid over the picture, seen from another side.

The depth is a generic head's: a bowl, with nose, eye sockets and muzzle placed by the five landmarks, all in eye distances. The
picture moves with the visible surface, so the nose moves before the cheeks, as on a real head. The side that a photo does not show
is stretched from its edge; beyond about 30° that shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Floats, Image

NOSE_DEPTH = 0.48
"""How far the tip of a nose lies before the eyes, in eye distances: about 30 mm of 63 mm."""

_STEP = 0.07  # the warp is found on a grid this fine, in eye distances, and interpolated
_LEFT, _RIGHT, _TOP, _BOTTOM = -2.5, 2.5, -2.4, 2.9  # what moves, in eye distances from the middle between the eyes
_PIVOT = 0.6  # axis of the turn behind the eyes; the neck's lies deeper, but then the outline would have to be made up
_ROUNDS = 9
_EYE_HIGH = 0.1  # half the height of an open eye


@dataclass(frozen=True)
class Expression:
    """What a face does beside turning.

    Attributes:
        blink: 0 eyes as in the photo, 1 closed.
        mouth: 0 as in the photo, 1 the jaw dropped by a fifth of an eye distance.
        smile: -1 to 1, corners of the mouth moved in or out by a tenth of an eye distance.
    """

    blink: float = 0.0
    mouth: float = 0.0
    smile: float = 0.0


def warp_head(
    image: Image,
    landmarks: NDArray[np.float32],
    yaw_deg: float,
    pitch_deg: float,
    expression: Expression = Expression(),
    *,
    nose_depth: float = NOSE_DEPTH,
) -> Image:
    """Turn the head of a photo, RGB uint8 (H, W, 3).

    Args:
        landmarks: (5, 2) float32 of the face in pixels.
        yaw_deg: > 0 turns to the image's right, from the pose in the photo; believable to about ±30.
        pitch_deg: > 0 looks down; believable to about ±20.
        nose_depth: of this head, in eye distances.

    Returns:
        (H, W, 3) uint8; everything but head and neck is unchanged.
    """
    points = np.asarray(landmarks, np.float64)
    origin, across = points[:2].mean(0), points[1] - points[0]
    # the eyes of a turned face are close together: the unit must not shrink with them
    unit = max(math.hypot(*across), 0.88 * math.hypot(*(points[3:].mean(0) - origin)), 2.0)
    angle = math.atan2(across[1], across[0])
    axes = unit * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    face = (points - origin) @ np.linalg.inv(axes)
    columns, rows = np.arange(_LEFT, _RIGHT, _STEP), np.arange(_TOP, _BOTTOM, _STEP)
    x, y = (grid.astype(np.float32) for grid in np.meshgrid(columns, rows))
    from_x, from_y = _unturned(face, x, y, math.radians(yaw_deg), math.radians(pitch_deg), nose_depth)
    from_x, from_y, shade = _unmoved(face, from_x, from_y, expression)
    shift = np.dstack([from_x - x, from_y - y]).reshape(-1, 2) @ axes.astype(np.float32)
    return _pulled(image, origin, axes, shift.reshape(*x.shape, 2), shade)


def _pulled(
    image: Image, origin: NDArray[np.float64], axes: NDArray[np.float64], shift: Floats, shade: Floats | None
) -> Image:
    """The picture with every pixel fetched from a place `shift` (rows, columns, 2) pixels away; the grid lies along `axes`."""
    corners = np.array([[_LEFT, _TOP], [_RIGHT, _TOP], [_LEFT, _BOTTOM], [_RIGHT, _BOTTOM]]) @ axes + origin
    high, wide = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, [wide, high])
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int) + 1, 0, [wide, high])
    if right <= left or bottom <= top:
        return image.copy()
    # from pixels of the part to cells of the grid
    back = np.linalg.inv(axes).T / _STEP
    begin = back @ (np.array([left, top]) - origin) - np.array([_LEFT, _TOP]) / _STEP
    matrix = np.hstack([back, begin[:, None]])
    size = (int(right - left), int(bottom - top))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(shift, matrix, size, flags=flags)
    columns = moved[..., 0] + np.arange(left, right, dtype=np.float32)
    rows = moved[..., 1] + np.arange(top, bottom, dtype=np.float32)[:, None]
    part = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if shade is not None:
        light = cv2.warpAffine(shade, matrix, size, flags=flags, borderValue=1.0)
        part = (part * light[..., None]).astype(np.uint8)
    out = image.copy()
    out[top:bottom, left:right] = part
    return out


def _bump(x: Floats, y: Floats, place: NDArray[np.float64], wide: float, high: float) -> Floats:
    across, down = (x - np.float32(place[0])) / wide, (y - np.float32(place[1])) / high
    return np.asarray(np.exp(-across * across - down * down), np.float32)


def _unturned(
    face: NDArray[np.float64], x: Floats, y: Floats, yaw: float, pitch: float, nose_depth: float
) -> tuple[Floats, Floats]:
    """Where the surface that is seen at (x, y) after the turn lay before it. All in eye distances, angles in radians."""
    eyes, tip, mouth = face[:2].mean(0), face[2], face[3:].mean(0)
    middle = 0.6 * eyes + 0.4 * mouth

    def bowl(x: Floats, y: Floats) -> Floats:
        far = np.hypot((x - np.float32(middle[0])) / 1.25, (y - np.float32(middle[1])) / 1.75)
        # a sphere to its outline, then a slope that stays finite
        down = -0.675 * np.minimum(far * far, 0.4 + 0.6 * far) + 0.3 * _bump(x, y, mouth, 0.6, 0.45)
        return np.asarray(down, np.float32)

    def ridge(x: Floats, y: Floats) -> Floats:
        return _bump(x, y, tip, 0.22, 0.26) + 0.35 * _bump(x, y, (eyes + tip) / 2, 0.2, 0.3)

    aside = np.array([0.5, 0.0])
    places = np.stack([eyes - aside, eyes + aside, tip]).astype(np.float32)
    levels, ridges = bowl(places[:, 0], places[:, 1]), ridge(places[:, 0], places[:, 1])
    at_eyes = levels[:2].mean()
    high = (nose_depth - levels[2] + at_eyes) / (ridges[2] - ridges[:2].mean())

    def depth(x: Floats, y: Floats) -> Floats:
        surface = bowl(x, y) + high * ridge(x, y) - at_eyes - high * ridges[:2].mean() + _PIVOT
        return np.asarray(surface, np.float32)

    cos_yaw, sin_yaw, cos_pitch, sin_pitch = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    far = np.hypot((x - np.float32(middle[0])) / 1.3, (y - np.float32(middle[1])) / 1.75)
    fade = np.clip((1.8 - far) / 0.75, 0, 1)
    fade = fade * fade * (3 - 2 * fade)
    from_x, from_y = x, y
    for _ in range(_ROUNDS):
        z = depth(from_x, from_y)
        nod = from_y - np.float32(middle[1])
        seen_x = from_x * cos_yaw + z * sin_yaw
        seen_y = nod * cos_pitch + (z * cos_yaw - from_x * sin_yaw) * sin_pitch
        # halfway to the new place: on the steep side of the nose whole steps would swing
        from_x = from_x + 0.7 * (x - fade * (seen_x - from_x) - from_x)
        from_y = from_y + 0.7 * (y - fade * (seen_y - nod) - from_y)
    return from_x, from_y


def _unmoved(
    face: NDArray[np.float64], x: Floats, y: Floats, expression: Expression
) -> tuple[Floats, Floats, Floats | None]:
    """Where what is seen at (x, y) lies on the face at rest, and how much darker it is (None: no darker)."""
    from_x, from_y = x, y
    shade = None
    for eye in face[:2]:
        if expression.blink > 0:
            down = y - np.float32(eye[1])
            lid = _EYE_HIGH * (2 * min(expression.blink, 0.95) - 1)
            brow = -2.4 * _EYE_HIGH
            shut = np.interp(down, [brow, lid, _EYE_HIGH], [brow, -_EYE_HIGH, _EYE_HIGH]).astype(np.float32)
            within = np.clip(2 - 4 * np.abs(x - np.float32(eye[0])), 0, 1)
            from_y = from_y + (within * np.where((down > brow) & (down < _EYE_HIGH), shut - down, 0)).astype(np.float32)
    if expression.mouth > 0:
        line = face[3:].mean(0)
        gap = 0.2 * expression.mouth * np.exp(-(((x - np.float32(line[0])) / 0.38) ** 2))
        down = y - np.float32(line[1])
        fade = np.clip(1.6 - down, 0, 1)
        open_ = np.clip(down / np.maximum(gap, 1e-3), 0, 1)
        from_y = from_y - (gap * open_ * fade).astype(np.float32)
        inside = np.exp(-(((down - gap / 2) / np.maximum(0.4 * gap, 0.02)) ** 2)) * np.clip(gap / 0.1, 0, 1)
        shade = np.asarray(1 - 0.65 * inside, np.float32)
    if expression.smile:
        for corner, side in ((face[3], -1.0), (face[4], 1.0)):
            pull = 0.1 * expression.smile * _bump(x, y, corner, 0.28, 0.25)
            from_x, from_y = from_x - side * pull, from_y + 0.4 * pull
    return from_x, from_y, shade
