"""Masks, dark glasses and covered eyes are told, on real faces of people whom the check was not fitted on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.config import QualityConfig
from engine.enrolment.photos import examine_all
from engine.face_reader import FaceReader, open_embedder
from engine.imaging import read_image
from engine.models import MOBILEFACENET, ModelStore
from engine.occlusion import COVERED, OcclusionCheck

Picture = NDArray[np.uint8]
Points = NDArray[np.float32]


class Says:
    """A network that gives each face the scores written in its first pixel."""

    def __call__(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        return ((x[:, :2, 0, 0] * 128 + 127.5) / 255,)


def test_what_is_covered_is_said_for_each_face() -> None:
    faces = np.zeros((4, 160, 160, 3), np.uint8)
    for face, (eyes, mouth) in zip(faces, [(0, 0), (255, 0), (0, 255), (255, 255)], strict=True):
        face[..., 0], face[..., 1] = eyes, mouth
    assert OcclusionCheck(Says()).covered(faces) == ["", *COVERED]
    assert OcclusionCheck(Says()).covered(faces[:0]) == []


# --------------------------------------------------------------------------------------------- real faces


def _up(points: Points) -> tuple[Points, Points]:
    """Unit vectors across and down a face."""
    across = points[1] - points[0]
    across = across / max(float(np.linalg.norm(across)), 1e-3)
    return across, np.array([-across[1], across[0]], np.float32)


def _quad(image: Picture, corners: list[Points], colour: tuple[int, int, int]) -> Picture:
    drawn = image.copy()
    cv2.fillPoly(drawn, [np.array(corners).round().astype(np.int32)], colour, cv2.LINE_AA)
    return drawn


def in_a_mask(image: Picture, points: Points, colour: tuple[int, int, int] = (120, 170, 210)) -> Picture:
    across, down = _up(points)
    eye = float(np.linalg.norm(points[1] - points[0]))
    top, bottom = points[2] - 0.1 * eye * down, (points[3] + points[4]) / 2 + 0.75 * eye * down
    left, right = -0.95 * eye * across, 0.95 * eye * across
    return _quad(image, [top + left, top + right, bottom + 0.7 * right, bottom + 0.7 * left], colour)


def in_a_black_mask(image: Picture, points: Points) -> Picture:
    return in_a_mask(image, points, (20, 20, 24))


def in_dark_glasses(image: Picture, points: Points) -> Picture:
    drawn = image.copy()
    eye = float(np.linalg.norm(points[1] - points[0]))
    angle = float(np.degrees(np.arctan2(*(points[1] - points[0])[::-1])))
    for x, y in points[:2]:
        axes = (round(0.42 * eye), round(0.3 * eye))
        cv2.ellipse(drawn, (round(float(x)), round(float(y))), axes, angle, 0, 360, (12, 12, 12), -1, cv2.LINE_AA)
    ends = [tuple(round(float(value)) for value in point) for point in points[:2]]
    cv2.line(drawn, ends[0], ends[1], (12, 12, 12), max(1, round(eye / 12)), cv2.LINE_AA)
    return drawn


def with_a_bar_over_the_eyes(image: Picture, points: Points) -> Picture:
    across, down = _up(points)
    eye = float(np.linalg.norm(points[1] - points[0]))
    left, right = points[0] - 0.8 * eye * across, points[1] + 0.8 * eye * across
    return _quad(
        image,
        [left - 0.3 * eye * down, right - 0.3 * eye * down, right + 0.3 * eye * down, left + 0.3 * eye * down],
        (0, 0, 0),
    )


Draw = Callable[[Picture, Points], Picture]
DRAWINGS: dict[Draw, str] = {
    in_a_mask: "mouth covered",
    in_a_black_mask: "mouth covered",
    in_dark_glasses: "eyes covered",
    with_a_bar_over_the_eyes: "eyes covered",
}


REAL = ("elton_john/04", "elton_john/05", "elton_john/12", "elton_john/13", "elton_john/15", "madonna/18")
"""Sample photos for training of people in dark glasses."""


@pytest.fixture(scope="module")
def quick(reader: FaceReader, store: ModelStore) -> FaceReader:
    """The product's with the smaller embedder: to tell who somebody is takes half of the time, and nobody asks here."""
    embedder = open_embedder(store, MOBILEFACENET, mirror=False)
    return FaceReader(reader.detector, embedder, QualityConfig(), reader.occlusion)


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}" if path.parts[-3] == "train" else str(path)


@pytest.fixture(scope="module")
def portraits(quick: FaceReader, sample_photos: list[Path]) -> list[tuple[Path, Picture, Points]]:
    """Sample photos with a good face in which nobody wears dark glasses, and its landmarks."""
    found = []
    for path in sample_photos:
        image = read_image(path)
        photo = quick.stood_up(image)
        chosen = photo.subject
        if chosen is not None and photo.faces.qualities[chosen].good and name_of(path) not in REAL:
            found.append((path, photo.image, photo.faces.detections.landmarks[chosen]))
    assert len(found) > 60
    return found


@pytest.mark.models
@pytest.mark.parametrize("draw", DRAWINGS)
def test_covered_faces_are_told_and_not_enrolled(
    quick: FaceReader, portraits: list[tuple[Path, Picture, Points]], draw: Draw
) -> None:
    shots, refused = examine_all(quick, [(path.name, draw(image, points)) for path, image, points in portraits])
    told = sum(each.reason in COVERED for each in refused)
    assert told >= 0.85 * (len(portraits) - sum(each.reason == "no face found" for each in refused))
    right = sum(each.reason == DRAWINGS[draw] for each in refused)
    assert right >= 0.8 * told
    assert len(shots) <= 0.1 * len(portraits)


@pytest.mark.models
def test_untouched_faces_are_left_alone(quick: FaceReader, portraits: list[tuple[Path, Picture, Points]]) -> None:
    refused = examine_all(quick, [(path.name, image) for path, image, _ in portraits])[1]
    assert sum(each.reason in COVERED for each in refused) <= 0.02 * len(portraits)


@pytest.mark.models
def test_real_dark_glasses_are_told(quick: FaceReader, sample_photos: list[Path]) -> None:
    worn = [(name_of(path), path) for path in sample_photos if name_of(path) in REAL]
    assert len(worn) == len(REAL)
    shots, refused = examine_all(quick, worn)
    assert [(each.name, each.reason) for each in refused] == [(name, "eyes covered") for name, _ in worn]
    assert shots == []
