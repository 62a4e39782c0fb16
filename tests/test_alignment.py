"""Faces cut out upright, and how good they are: seen by dots that must come out at the template's places."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from engine.alignment import FACE_SIDE, TEMPLATE, align, measure
from engine.config import QualityConfig
from engine.types import Detections, FaceQuality

Floats = NDArray[np.float32]


def moved(
    scale: float = 1.0, turn_deg: float = 0.0, shift: Sequence[float] = (0, 0), points: Floats = TEMPLATE
) -> Floats:
    """The points turned, scaled and shifted about the template's middle."""
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    middle = np.array([80, 80])
    rotated = (points - middle) @ np.array([[cos, sin], [-sin, cos]]) * scale
    return np.asarray(rotated + middle + shift, np.float32)


def come_out(size: int, sets: Floats, radius: float) -> NDArray[np.float64]:
    """Where each landmark of n faces comes out: one picture per landmark with white discs, (n, 5, 2)."""
    places = np.empty((len(sets), 5, 2))
    for index in range(5):
        canvas = np.zeros((size, size, 3), np.uint8)
        for x, y in sets[:, index].tolist():
            centre = (round(x * 256), round(y * 256))  # in 256ths of a pixel
            cv2.circle(canvas, centre, round(radius * 256), (255, 255, 255), -1, cv2.LINE_AA, 8)
        for row, face in enumerate(align(canvas, sets)):
            weight = face[..., 0].astype(float)
            ys, xs = np.mgrid[:FACE_SIDE, :FACE_SIDE]
            places[row, index] = (weight * xs).sum() / weight.sum(), (weight * ys).sum() / weight.sum()
    return places


# ----------------------------------------------------------------------------------------- align


def test_no_face_gives_no_rows() -> None:
    assert align(np.zeros((10, 10, 3), np.uint8), np.empty((0, 5, 2), np.float32)).shape == (0, 160, 160, 3)


def test_landmarks_in_place_change_nothing() -> None:
    image = np.random.default_rng(1).integers(0, 256, (FACE_SIDE, FACE_SIDE, 3)).astype(np.uint8)
    (face,) = align(image, TEMPLATE[None])
    assert_allclose(face.astype(int), image.astype(int), atol=1)


@pytest.mark.parametrize("turn_deg", [0.0, 17.0, -40.0, 90.0, 180.0])
@pytest.mark.parametrize("scale", [0.7, 1.0, 1.6, 1.7, 4.0])
def test_landmarks_turned_and_scaled_come_out_at_the_templates_places(scale: float, turn_deg: float) -> None:
    points = moved(scale, turn_deg, (420, 430))
    assert_allclose(come_out(1000, points[None], 5 * scale), TEMPLATE[None], atol=0.2)


def test_many_faces_are_cut_out_in_their_order() -> None:
    sets = np.stack([moved(shift=(100, 100)), moved(2.0, 30.0, (500, 400)), moved(0.8, shift=(700, 100))])
    assert_allclose(come_out(900, sets, 5), np.stack([TEMPLATE] * 3), atol=1.0)


def test_a_large_face_is_not_aliased() -> None:
    ys, xs = np.mgrid[:1000, :1000]
    checkers = np.repeat((((xs + ys) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)
    (face,) = align(checkers, moved(5.0, 20.0, (420, 420))[None])
    middle = face[20:140, 20:140].astype(float)
    assert_allclose(middle.mean(), 127.5, atol=2)
    assert middle.std() < 6


def test_outside_the_picture_its_edge_goes_on() -> None:
    image = np.full((200, 200, 3), 77, np.uint8)
    (beside, corner) = align(image, np.stack([moved(1.0, shift=(-500, 0)), moved(3.0, shift=(150, 150))]))
    assert (beside == 77).all()
    assert (corner == 77).all()


@pytest.mark.parametrize("size", [1, 2, 7])
def test_tiny_pictures_and_landmarks_in_one_point_are_taken(size: int) -> None:
    image = np.full((size, size, 3), 50, np.uint8)
    landmarks = np.stack([TEMPLATE, np.full((5, 2), 3, np.float32), moved(9.0)])
    faces = align(image, landmarks)
    assert (faces == 50).all()


# ----------------------------------------------------------------------------------------- measure

GATE = QualityConfig()


def textured(low: int = 60, high: int = 180, blur: float = 0.0, block: int = 8) -> NDArray[np.uint8]:
    """A face of blocks."""
    ys, xs = np.mgrid[:FACE_SIDE, :FACE_SIDE]
    face = np.repeat(np.where((xs // block + ys // block) % 2, low, high).astype(np.uint8)[..., None], 3, axis=2)
    return np.asarray(cv2.GaussianBlur(face, (0, 0), blur), np.uint8) if blur else face


def quality(
    face: NDArray[np.uint8] | None = None,
    points: Floats = TEMPLATE,
    box: Sequence[float] = (20, 20, 140, 150),
    gate: QualityConfig = GATE,
    image_size: tuple[int, int] = (160, 160),
) -> FaceQuality:
    found = Detections(np.array([box], np.float32), points[None], np.ones(1, np.float32))
    return measure((textured() if face is None else face)[None], found, image_size, gate)[0]


def nose(dx: float = 0.0, dy: float = 0.0) -> Floats:
    points = TEMPLATE.copy()
    points[2] += (dx, dy)
    return points


def test_no_face_has_no_quality() -> None:
    assert measure(np.empty((0, 160, 160, 3), np.uint8), Detections.empty(), (10, 10), GATE) == []


def test_a_frontal_face_in_focus_is_good() -> None:
    row = quality()
    assert row.good
    assert row.score == pytest.approx(1)
    assert abs(row.yaw_deg) < 5
    assert abs(row.pitch_deg) < 5
    assert abs(row.roll_deg) < 1
    assert row.inside == 1
    assert row.size_px == pytest.approx(math.dist(TEMPLATE[0], TEMPLATE[1]), rel=0.01)
    assert row.brightness == pytest.approx(120 / 255, abs=0.02)
    assert row.contrast == pytest.approx(60 / 255, abs=0.02)  # half light, half dark: half their difference


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("too small", quality(points=moved(0.2))),
        ("cut off by the edge", quality(points=TEMPLATE - np.array([60, 0], np.float32))),
        ("too dark", quality(textured(0, 20))),
        ("too bright", quality(textured(240, 255))),
        ("too little contrast", quality(textured(120, 124))),
        ("blurred", quality(textured(blur=8.0, block=30))),
        ("turned too far", quality(points=nose(dx=40))),
        ("turned too far", quality(points=nose(dx=-40))),
        ("looking up or down too far", quality(points=nose(dy=40))),
        ("looking up or down too far", quality(points=nose(dy=-40))),
    ],
)
def test_each_limit_has_its_reason(reason: str, row: FaceQuality) -> None:
    assert row.reason == reason
    assert not row.good


def test_a_measure_exactly_on_its_limit_passes() -> None:
    row = quality()
    limits = {"min_size_px": row.size_px, "min_sharpness": row.sharpness, "min_contrast": row.contrast}
    limits |= {"min_brightness": row.brightness, "max_brightness": row.brightness, "min_inside": row.inside}
    assert quality(gate=QualityConfig(**limits)).good


def test_a_nose_shifted_to_the_right_is_a_head_turned_to_the_right() -> None:
    assert quality(points=nose(dx=10)).yaw_deg > 10
    assert quality(points=nose(dx=-10)).yaw_deg < -10
    assert quality(points=nose(dy=10)).pitch_deg > 10
    assert quality(points=nose(dy=-10)).pitch_deg < -10
    askew = nose(dx=5)
    askew[3:] += (10, 0)  # the mouth further than the nose: a slanted face, but one that looks ahead
    assert abs(quality(points=askew).yaw_deg) < 2


@pytest.mark.parametrize("turn_deg", [-30.0, 10.0, 45.0])
def test_a_tilted_head_has_a_roll_and_keeps_its_yaw_and_pitch(turn_deg: float) -> None:
    row = quality(points=moved(1.0, turn_deg, points=nose(dx=10, dy=5)))
    upright = quality(points=nose(dx=10, dy=5))
    assert row.roll_deg == pytest.approx(turn_deg, abs=0.01)
    assert_allclose(
        (row.yaw_deg, row.pitch_deg, row.size_px), (upright.yaw_deg, upright.pitch_deg, upright.size_px), rtol=1e-4
    )


def test_the_score_ranks_faces_by_size_focus_and_pose() -> None:
    assert quality(points=moved(0.6)).score < quality(points=moved(0.8)).score < quality().score
    blurred = [quality(textured(blur=blur, block=20)).score for blur in (0.0, 2.0, 2.5, 3.0)]
    assert blurred == sorted(blurred, reverse=True)
    assert blurred[0] > blurred[-1]
    assert quality(points=nose(dx=30)).score < quality(points=nose(dx=20)).score < quality().score
    assert 0 <= quality(points=moved(0.01)).score < 0.01


def test_the_share_inside_is_of_the_face_and_not_of_its_box() -> None:
    assert quality(box=(-60, 20, 60, 150)).inside == 1, "a box may leave the picture where the face does not"
    half = quality(points=TEMPLATE - np.array([80, 0], np.float32))  # its middle is at the picture's left edge
    assert half.inside == pytest.approx(0.5, abs=0.1)
    assert quality(points=TEMPLATE + np.array([500, 500], np.float32)).inside == 0


def test_background_beside_a_turned_head_may_be_cut_off() -> None:
    cut = (112, 160)  # on the right of a face that reaches from 38 to 122
    assert quality(image_size=cut).inside == pytest.approx(0.85, abs=0.02)
    assert quality(points=nose(dx=20), image_size=cut).inside == 1
    assert quality(points=nose(dx=-20), image_size=cut).inside < 0.9
