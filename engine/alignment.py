"""Alignment and quality of faces.

A face is aligned by the least-squares similarity transform (Umeyama 1991: turn, scale, shift) of its five landmarks onto fixed
positions in a 160×160 picture. All embeddings in a gallery must use the same positions, which `ALIGNMENT_ID` names.

Scales of the quality measures (`measure`), in the spirit of ISO/IEC 29794-5:

==============  =====================================================================================================
size_px         distance of the eyes in source pixels in a frontal view: the larger of the measured eye distance and
                0.88 × distance from eyes to mouth. Passport photos have 90 and more; the gate is 14.
sharpness       standard deviation of the Laplacian over that of the luma, on the aligned face. 0 is a flat blur,
                0.1 a strongly blurred or enlarged face, 0.3 an ordinary video frame, 0.5 and more a photo in focus.
brightness      mean luma of the aligned face, 0 black to 1 white.
contrast        standard deviation of that luma, 0 to 0.5.
yaw, pitch      degrees from the landmarks and a generic head whose nose tip is 0.45 eye distances before the eyes;
                yaw > 0: turned to the image's right; pitch > 0: looking down. Accurate to about ±10°.
roll            degrees of the line through the eyes; > 0: clockwise in the image.
inside          share of the face, from brow to chin and cheek to cheek, within the picture; of a turned head, the far cheek
                counts only as far as it is seen.
score           product of ramps of size (8 → 45 px), sharpness (0.02 → 0.3), yaw (70° → 20°), pitch (60° → 20°),
                brightness and inside; 0 useless, 1 best. It weights fused embeddings and picks evidence pictures.
==============  =====================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import QualityConfig
from engine.types import Detections, FaceQuality

__all__ = ["ALIGNMENT_ID", "FACE_SIDE", "QUALITY_REASONS", "TEMPLATE", "align", "measure"]

FACE_SIDE = 160
ALIGNMENT_ID = "five-point-160-v1"
TEMPLATE: NDArray[np.float32] = np.array(
    [[54.7, 72.6], [105.0, 72.6], [80.0, 100.9], [59.1, 129.8], [101.1, 129.8]], np.float32
)

_CHECKS: Mapping[str, Callable[[FaceQuality, QualityConfig], bool]] = {
    "too small": lambda face, gate: face.size_px < gate.min_size_px,
    "cut off by the edge": lambda face, gate: face.inside < gate.min_inside,
    "too dark": lambda face, gate: face.brightness < gate.min_brightness,
    "too bright": lambda face, gate: face.brightness > gate.max_brightness,
    "too little contrast": lambda face, gate: face.contrast < gate.min_contrast,
    "blurred": lambda face, gate: face.sharpness < gate.min_sharpness,
    "turned too far": lambda face, gate: abs(face.yaw_deg) > gate.max_yaw_deg,
    "looking up or down too far": lambda face, gate: abs(face.pitch_deg) > gate.max_pitch_deg,
}
QUALITY_REASONS = tuple(_CHECKS)
"""Why a face fails the gate, in the order in which the limits are checked."""

_FACE = np.stack(np.meshgrid(np.linspace(38, 122, 13), np.linspace(48, 150, 16)), -1).reshape(-1, 2)
"""Points over an aligned face: from brow to chin, from cheek to cheek."""
_MIDDLE, _FAR_CHEEK = 80.0, 0.8
"""The middle of an aligned face, and by how much of its half the far cheek of a head in profile is narrower."""

_TOP, _BOTTOM, _LEFT, _RIGHT = 40, 150, 30, 130
"""The part of an aligned face whose sharpness, brightness and contrast are measured."""
_ENOUGH_SHOWN = 0.3

_NOSE_DEPTH = 0.45
_NEUTRAL_NOSE = 0.495  # nose height between eyes (0) and mouth (1) in a frontal view
_MIN_SCALE = 0.6  # smaller scales reduce the picture by area means first, because plain bilinear sampling would alias


def _similarity(landmarks: NDArray[np.float32], template: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that maps five landmarks onto the template with the least squared error."""
    source, target = landmarks.tolist(), template.tolist()
    # written out, because numpy takes five times as long for five points
    x, y, u, v = (sum(point[axis] for point in points) / len(points) for points in (source, target) for axis in (0, 1))
    spread = real = imaginary = 0.0
    for (left, top), (right, bottom) in zip(source, target, strict=True):
        ax, ay, bx, by = left - x, top - y, right - u, bottom - v
        spread += ax * ax + ay * ay
        # with turn and scale as one complex factor, least squares has a closed form
        real += ax * bx + ay * by
        imaginary += ax * by - ay * bx
    spread = max(spread, 1e-6)  # if all landmarks coincide, any transform will do
    real, imaginary = real / spread, imaginary / spread
    return np.array([[real, -imaginary, u - real * x + imaginary * y], [imaginary, real, v - imaginary * x - real * y]])


def align(
    image: NDArray[np.uint8], landmarks: NDArray[np.float32], template: NDArray[np.float32] = TEMPLATE
) -> NDArray[np.uint8]:
    """Cut faces out, upright.

    Args:
        image: RGB uint8 (H, W, 3).
        landmarks: (n, 5, 2) float32 in pixels of the image.
        template: (5, 2) positions of the landmarks; only measurements use others than the default.

    Returns:
        (n, 160, 160, 3) uint8; the picture's edge is repeated beyond it.
    """
    faces = np.empty((len(landmarks), FACE_SIDE, FACE_SIDE, 3), np.uint8)
    for index, points in enumerate(landmarks):
        matrix = _similarity(points, template)
        scale = math.hypot(matrix[0, 0], matrix[1, 0])
        source = image
        if scale < _MIN_SCALE:
            source, matrix = _reduced(image, matrix, scale)
        faces[index] = cv2.warpAffine(
            source, matrix, (FACE_SIDE, FACE_SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return faces


def _reduced(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Reduce the part of the picture that holds the face by area means; also return the matrix that fits it."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [FACE_SIDE, 0, 1], [0, FACE_SIDE, 1], [FACE_SIDE, FACE_SIDE, 1]]) @ inverse.T
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(0)).astype(int) - 4, 0, [width - 1, height - 1])
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int) + 4, [left + 1, top + 1], [width, height])
    part = image[top:bottom, left:right]
    new_width, new_height = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    small = cv2.resize(part, (new_width, new_height), interpolation=cv2.INTER_AREA)
    # pixel centres: x_small + 0.5 = (x - left + 0.5) * factor
    factors = np.array([new_width / part.shape[1], new_height / part.shape[0]])
    back = np.diag(1 / factors)
    offset = np.array([left, top]) - 0.5 + 0.5 / factors
    adapted = np.hstack([matrix[:, :2] @ back, (matrix[:, :2] @ offset + matrix[:, 2])[:, None]])
    return np.asarray(small, np.uint8), adapted


def _ramp(value: float, zero: float, one: float) -> float:
    """Return 0 at `zero`, 1 at `one`, linear in between."""
    return min(1.0, max(0.0, (value - zero) / (one - zero)))


def _pose(points: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Return size in pixels and yaw, pitch, roll in degrees from five landmarks (5, 2)."""
    left_eye, right_eye, nose, left_mouth, right_mouth = points.astype(np.float64)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    across = right_eye - left_eye
    roll = math.atan2(across[1], across[0])
    cos, sin = math.cos(-roll), math.sin(-roll)

    def upright(vector: NDArray[np.float64]) -> tuple[float, float]:
        return cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1]

    eye_distance = max(math.hypot(*across), 1e-3)
    _, down = upright(mouth - eyes)
    nose_x, nose_y = upright(nose - eyes)
    mouth_x, _ = upright(mouth - eyes)
    down = max(down, 1e-3)
    # as the head turns, the nose leaves the line from the middle of the eyes to the middle of the mouth
    yaw = math.atan2((nose_x - mouth_x * nose_y / down) / eye_distance, _NOSE_DEPTH)
    pitch = math.atan2(nose_y / down - _NEUTRAL_NOSE, _NOSE_DEPTH)
    return max(eye_distance, 0.88 * down), math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def _inside(inverse: NDArray[np.float64], yaw: float, width: int, height: int) -> float:
    """Share of the aligned face that the picture shows; a box may touch the edge where the face does not."""
    across = _FACE[:, 0] - _MIDDLE
    far = across * yaw > 0
    narrower = 1 - _FAR_CHEEK * math.sin(math.radians(abs(yaw)))
    face = np.stack([_MIDDLE + np.where(far, narrower * across, across), _FACE[:, 1]], 1)
    places = face @ inverse[:, :2].T + inverse[:, 2]
    within = (places >= 0).all(1) & (places <= np.array([width, height])).all(1)
    return float(within.mean())


def _shown(inverse: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_] | None:
    """Which points of the measured part of an aligned face the picture shows; None: all, or too few to measure anything.

    Args:
        inverse: (2, 3) from the aligned face to the picture, as for `_inside`.
    """
    limit = np.array([width - 1, height - 1])

    def within(across: NDArray[np.intp], down: NDArray[np.intp]) -> NDArray[np.bool_]:
        places = np.stack([across, down], -1) @ inverse[:, :2].T + inverse[:, 2]
        return np.asarray(((places >= 0) & (places <= limit)).all(-1), np.bool_)

    if within(np.array([_LEFT, _RIGHT, _LEFT, _RIGHT]), np.array([_TOP, _TOP, _BOTTOM, _BOTTOM])).all():
        return None
    shown = within(*np.meshgrid(np.arange(_LEFT, _RIGHT), np.arange(_TOP, _BOTTOM)))
    return shown if shown.mean() >= _ENOUGH_SHOWN else None


def measure(
    faces: NDArray[np.uint8], detections: Detections, image_size: tuple[int, int], gate: QualityConfig
) -> list[FaceQuality]:
    """Measure the quality of aligned faces; the module's docstring explains the scales.

    Args:
        faces: (n, 160, 160, 3) uint8 from `align`.
        detections: the n faces they were cut from.
        image_size: (width, height) of the source picture in pixels.
        gate: the limits; `reason` names the first one missed.
    """
    width, height = image_size
    rows: list[FaceQuality] = []
    for face, points in zip(faces, detections.landmarks, strict=True):
        luma = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[_TOP:_BOTTOM, _LEFT:_RIGHT].astype(np.float32)
        laplacian = cv2.Laplacian(luma, cv2.CV_32F)
        inverse = np.asarray(cv2.invertAffineTransform(_similarity(points, TEMPLATE)), np.float64)
        shown = _shown(inverse, width, height)
        if shown is not None:  # what repeats the picture's edge says nothing of the face
            luma, laplacian = luma[shown], laplacian[shown]
        mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(luma))
        contrast, brightness = deviation / 255, mean / 255
        sharpness = float(cv2.meanStdDev(laplacian)[1][0, 0]) / max(deviation, 1.0)
        size, yaw, pitch, roll = _pose(points)
        inside = _inside(inverse, yaw, width, height)
        score = (
            _ramp(size, 8, 45)
            * _ramp(sharpness, 0.02, 0.3)
            * _ramp(abs(yaw), 70, 20)
            * _ramp(abs(pitch), 60, 20)
            * _ramp(brightness, 0.02, 0.2)
            * _ramp(brightness, 1.0, 0.85)
            * _ramp(inside, 0.6, 0.95)
        )
        quality = FaceQuality(size, sharpness, brightness, contrast, yaw, pitch, roll, inside, score)
        reason = next((reason for reason, fails in _CHECKS.items() if fails(quality, gate)), "")
        rows.append(replace(quality, reason=reason))
    return rows
