"""The values that travel between stations: checked when made, unchangeable after."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from fakes import detections
from numpy.testing import assert_allclose

from engine.types import (
    Candidate,
    Detections,
    FaceQuality,
    Frame,
    Identity,
    Match,
    Track,
    TrackState,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PICTURE = np.zeros((4, 6, 3), np.uint8)


def rows(count: int) -> Detections:
    """Faces in a row, each ten pixels further right and one pixel larger than the last."""
    return detections([[10 * i, 5, 10 * i + 20 + i, 25 + i, 0.9] for i in range(count)])


# --------------------------------------------------------------------------------------------- frames


def test_a_frame_keeps_its_picture_and_time() -> None:
    frame = Frame(PICTURE + 7, NOON, "door", 3)
    assert (frame.image == 7).all()
    assert (frame.time, frame.camera, frame.index) == (NOON, "door", 3)


def test_a_frame_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        Frame(PICTURE, NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    "image",
    [
        PICTURE.astype(np.float32),
        PICTURE.astype(np.int8),
        PICTURE[:, :, 0],
        PICTURE[:, :, :2],
        np.zeros((4, 6, 4), np.uint8),
        PICTURE[:0],
        PICTURE[:, :0],
    ],
    ids=["float", "signed", "grey", "two channels", "alpha", "no rows", "no columns"],
)
def test_a_frame_that_is_not_rgb_bytes_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="RGB image"):
        Frame(image, NOON)


def test_one_pixel_is_a_frame() -> None:
    assert Frame(np.full((1, 1, 3), 9, np.uint8), NOON).image.tolist() == [[[9, 9, 9]]]


def test_a_frames_picture_is_read_only_and_the_callers_stays_writeable() -> None:
    image = PICTURE.copy()
    frame = Frame(image, NOON)
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 1
    image[0, 0] = 1
    assert image[0, 0].tolist() == [1, 1, 1]


# --------------------------------------------------------------------------------------------- detections


def test_no_face_is_a_value_with_zero_rows() -> None:
    none = Detections.empty()
    assert len(none) == 0
    assert (none.boxes.shape, none.landmarks.shape, none.scores.shape) == ((0, 4), (0, 5, 2), (0,))
    assert none.areas.shape == (0,)
    assert len(none.shifted(3, 4)) == 0
    assert len(none[np.zeros(0, bool)]) == 0
    assert len(none[[]]) == 0


@pytest.mark.parametrize("count", [0, 1, 5])
def test_detections_have_as_many_rows_as_faces(count: int) -> None:
    found = rows(count)
    assert len(found) == len(found.boxes) == len(found.landmarks) == len(found.scores) == count
    assert {found.boxes.dtype, found.landmarks.dtype, found.scores.dtype} == {np.dtype(np.float32)}


def test_a_mask_picks_the_rows_that_are_true() -> None:
    found = rows(4)
    picked = found[np.array([True, False, False, True])]
    assert_allclose(picked.boxes, found.boxes[[0, 3]])
    assert_allclose(picked.landmarks, found.landmarks[[0, 3]])
    assert_allclose(picked.scores, found.scores[[0, 3]])


@pytest.mark.parametrize(("picks", "expected"), [([2, 0], [20, 0]), ([1], [10]), ([], []), (3, [30])])
def test_indices_pick_rows_in_their_order(picks: object, expected: list[float]) -> None:
    assert_allclose(rows(4)[picks].boxes[:, 0], expected)


@pytest.mark.parametrize("picks", [[4], np.array([True, False])], ids=["index", "short mask"])
def test_rows_that_are_not_there_cannot_be_picked(picks: object) -> None:
    with pytest.raises(IndexError):
        rows(4)[picks]


def test_shifting_moves_boxes_and_landmarks_alike() -> None:
    found = rows(2)
    moved = found.shifted(100, -3)
    assert_allclose(moved.boxes, [[100, 2, 120, 22], [110, 2, 131, 23]])
    assert_allclose(moved.landmarks - found.landmarks, np.broadcast_to([100, -3], (2, 5, 2)), atol=1e-4)
    assert_allclose(moved.scores, found.scores)
    assert_allclose(found.boxes[0], [0, 5, 20, 25])


def test_areas_are_width_times_height_and_never_negative() -> None:
    found = detections([[0, 0, 10, 20, 1], [5, 5, 5, 9, 1], [9, 9, 2, 2, 1]])
    assert_allclose(found.areas, [200, 0, 0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["boxes", "landmarks", "scores"])
def test_numbers_that_are_none_are_refused(part: str, bad: float) -> None:
    good = rows(2)
    values = {name: getattr(good, name).copy() for name in ("boxes", "landmarks", "scores")}
    values[part].flat[-1] = bad
    with pytest.raises(ValueError, match="NaN"):
        Detections(**values)


def test_parts_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 boxes, 3 landmark sets, 2 scores"):
        Detections(rows(2).boxes, rows(3).landmarks, rows(2).scores)


@pytest.mark.parametrize("part", ["boxes", "landmarks", "scores"])
def test_detections_are_read_only(part: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(rows(1), part)[0] = 0


# --------------------------------------------------------------------------------------------- matches

A, B = Candidate("anna", 0.75), Candidate("ben", 0.5)  # exact in binary, and so is their difference


@pytest.mark.parametrize(
    ("threshold", "person"), [(0.75, "anna"), (math.nextafter(0.75, 1), None), (math.nextafter(0.75, 0), "anna")]
)
def test_a_similarity_on_the_threshold_is_accepted(threshold: float, person: str | None) -> None:
    match = Match((A,), threshold)
    assert match.person == person
    assert match.above_threshold is (person is not None)


@pytest.mark.parametrize(
    ("margin", "person"), [(0.25, "anna"), (math.nextafter(0.25, 1), None), (math.nextafter(0.25, 0), "anna")]
)
def test_a_margin_on_the_limit_is_accepted(margin: float, person: str | None) -> None:
    match = Match((A, B), 0.5, margin)
    assert match.person == person
    assert match.margin == 0.25
    assert match.above_threshold


def test_twins_of_equal_similarity_pass_only_without_a_margin() -> None:
    twins = (Candidate("anna", 0.75), Candidate("hanna", 0.75))
    assert Match(twins, 0.5, 0.0).person == "anna"
    assert Match(twins, 0.5, 0.01).person is None


def test_an_empty_gallery_answers_nobody() -> None:
    match = Match((), threshold=-1.0)
    assert (match.person, match.similarity, match.runner_up, match.margin) == (None, None, None, None)
    assert match.above_threshold is False


def test_a_single_person_needs_no_margin() -> None:
    match = Match((A,), 0.5, 1.0)
    assert (match.person, match.runner_up, match.margin) == ("anna", None, None)


def test_runner_up_is_the_second() -> None:
    assert Match((A, B, Candidate("cleo", 0.25)), 0.5).runner_up == B


# --------------------------------------------------------------------------------------------- tracks, quality


@pytest.mark.parametrize(
    ("identity", "stranger", "label"),
    [
        (Identity(), None, "pending"),
        (Identity(TrackState.KNOWN, "anna"), None, "anna"),
        (Identity(TrackState.KNOWN, "anna"), "unknown-1", "anna"),
        (Identity(TrackState.UNKNOWN), None, "unknown"),
        (Identity(TrackState.UNKNOWN), "unknown-1", "unknown-1"),
        (Identity(TrackState.CONFLICT, "anna"), None, "conflict"),
    ],
)
def test_a_track_is_called_by_what_is_known_of_it(identity: Identity, stranger: str | None, label: str) -> None:
    found = rows(1)
    track = Track(1, found.boxes[0], found.landmarks[0], NOON, NOON, 1, True, identity=identity, unknown_id=stranger)
    assert track.label == label
    with pytest.raises(ValueError, match="read-only"):
        track.box[0] = 1


@pytest.mark.parametrize(("reason", "good"), [("", True), ("blurred", False)])
def test_a_face_is_good_when_there_is_nothing_against_it(reason: str, good: bool) -> None:
    assert FaceQuality(90, 0.5, 0.5, 0.2, 0, 0, 0, 1, 1, reason).good is good
