"""Which detection is whom: gaps, crossings, low frame rates, clocks that step back."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import at, detections, pose
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from engine.config import TrackingConfig
from engine.tracking import Tracker
from engine.types import Detections

GAP_S = 1.0


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(TrackingConfig(max_gap_s=GAP_S))


def test_nothing_in_gives_nothing_out(tracker: Tracker) -> None:
    assert tracker.update(Detections.empty(), at(0)) == ([], [])
    assert tracker.trails == ()
    assert tracker.finish() == []


def test_one_moving_face_keeps_its_id(tracker: Tracker) -> None:
    ids = [tracker.update(detections([pose(50 + 6 * step)]), at(step / 10))[0] for step in range(20)]
    assert ids == [[1]] * 20
    (trail,) = tracker.trails
    assert trail.hits == 20
    assert trail.first_seen == at(0)
    assert trail.last_seen == at(1.9)
    assert_allclose(trail.box, pose(50 + 6 * 19)[:4])
    assert trail.velocity[0] == pytest.approx(60, rel=0.01)  # 6 px in a tenth of a second


def test_a_new_face_gets_a_new_id_and_the_old_one_keeps_its_own(tracker: Tracker) -> None:
    tracker.update(detections([pose(50)]), at(0))
    ids, ended = tracker.update(detections([pose(300), pose(51)]), at(0.1))
    assert ids == [2, 1]
    assert ended == []


def test_many_faces_keep_their_ids_in_whatever_order_they_are_found(tracker: Tracker) -> None:
    places = [60.0 * column for column in range(1, 9)]
    first, _ = tracker.update(detections([pose(x) for x in places]), at(0))
    second, _ = tracker.update(detections([pose(x + 2) for x in reversed(places)]), at(0.1))
    assert sorted(first) == list(range(1, 9))
    assert second == first[::-1]


def test_two_people_whose_paths_cross_keep_their_ids(tracker: Tracker) -> None:
    ids = []
    for step in range(41):
        left, right = pose(100 + 10 * step, 100), pose(500 - 10 * step, 112)
        ids.append(tracker.update(detections([left, right]), at(step / 15))[0])
    assert ids == [[1, 2]] * 41


def test_two_fast_people_who_pass_each_other_are_told_apart_by_their_motion(tracker: Tracker) -> None:
    ids = []
    for step in range(14):  # side by side they are nearer to the other's last place than to their own
        ids.append(tracker.update(detections([pose(100 + 30 * step), pose(500 - 30 * step)]), at(step / 15))[0])
    assert ids == [[1, 2]] * 14


@pytest.mark.parametrize(("gap_s", "same"), [(GAP_S - 0.1, True), (GAP_S, True), (GAP_S + 0.001, False), (5.0, False)])
def test_a_track_lives_through_a_gap_up_to_the_limit_and_exactly_on_it(
    tracker: Tracker, gap_s: float, same: bool
) -> None:
    tracker.update(detections([pose(50)]), at(0))
    ids, ended = tracker.update(detections([pose(50)]), at(gap_s))
    assert ids == [1 if same else 2]
    assert [trail.track_id for trail in ended] == ([] if same else [1])


def test_a_face_out_of_view_is_not_visible_but_alive(tracker: Tracker) -> None:
    tracker.update(detections([pose(50)]), at(0))
    tracker.update(Detections.empty(), at(0.5))
    (trail,) = tracker.trails
    assert not trail.visible
    assert trail.last_seen == at(0)


def test_an_ended_track_is_reported_once(tracker: Tracker) -> None:
    tracker.update(detections([pose(50)]), at(0))
    _, ended = tracker.update(Detections.empty(), at(2))
    _, again = tracker.update(Detections.empty(), at(3))
    assert [trail.track_id for trail in ended] == [1]
    assert again == []
    assert tracker.trails == ()


def test_at_a_low_frame_rate_boxes_that_no_longer_overlap_are_one_track() -> None:
    tracker = Tracker(TrackingConfig(max_gap_s=2.0))
    shift = 30  # three quarters of a box's side within one second: overlap 1/7, less than min_iou
    ids = [tracker.update(detections([pose(50 + shift * step)]), at(step))[0] for step in range(4)]
    assert ids == [[1]] * 4


@pytest.mark.parametrize(("shift_px", "same"), [(100.0, True), (102.0, False)])
def test_nearness_counts_up_to_the_limit_and_exactly_on_it(shift_px: float, same: bool) -> None:
    tracker = Tracker(TrackingConfig(max_center_shift=1.0))
    tracker.update(detections([pose(100, side=100)]), at(0))
    ids, _ = tracker.update(detections([pose(100 + shift_px, side=100)]), at(0.5))
    assert (ids == [1]) is same


@pytest.mark.parametrize(("side", "same"), [(60.0, True), (90.0, False)])
def test_a_face_of_quite_another_size_nearby_is_somebody_else(tracker: Tracker, side: float, same: bool) -> None:
    tracker.update(detections([pose(100, side=40)]), at(0))
    ids, _ = tracker.update(detections([pose(140, side=side) if same else pose(158, side=side)]), at(0.1))
    assert (ids == [1]) is same


def test_a_clock_that_steps_back_neither_crashes_nor_splits_the_track(tracker: Tracker) -> None:
    tracker.update(detections([pose(50)]), at(0))
    ids, ended = tracker.update(detections([pose(52)]), at(-3600))
    assert (ids, ended) == ([1], [])
    (trail,) = tracker.trails
    assert trail.last_seen >= trail.first_seen
    assert np.isfinite(trail.velocity).all()


def test_after_the_clock_stepped_back_a_face_that_leaves_still_ends_its_track(tracker: Tracker) -> None:
    """Otherwise the next person at that place would go on under the first one's track for the whole hour."""
    tracker.update(detections([pose(50)]), at(0))
    tracker.update(detections([pose(50)]), at(-3600))
    for step in range(1, 10):
        tracker.update(Detections.empty(), at(-3600 + step))
    ids, _ = tracker.update(detections([pose(50)]), at(-3590))
    assert ids == [2]


def test_restart_ends_the_track_and_goes_on_under_a_new_id(tracker: Tracker) -> None:
    tracker.update(detections([pose(50)]), at(0))
    tracker.update(detections([pose(52)]), at(0.1))
    new_id, old = tracker.restart(1)
    assert (new_id, old.track_id) == (2, 1)
    assert not old.visible
    (trail,) = tracker.trails
    assert (trail.track_id, trail.hits, trail.first_seen) == (2, 1, at(0.1))
    assert trail.visible
    ids, ended = tracker.update(detections([pose(54)]), at(0.2))
    assert (ids, ended) == ([2], [])


def test_restart_of_a_track_that_is_not_there_is_an_error(tracker: Tracker) -> None:
    with pytest.raises(KeyError):
        tracker.restart(7)


def test_finish_ends_all_tracks_and_the_next_face_is_new(tracker: Tracker) -> None:
    tracker.update(detections([pose(50), pose(200)]), at(0))
    ended = tracker.finish()
    assert [trail.track_id for trail in ended] == [1, 2]
    assert not any(trail.visible for trail in ended)
    assert tracker.trails == ()
    assert tracker.update(detections([pose(50)]), at(0.1))[0] == [3]


def test_the_detections_are_not_changed(tracker: Tracker) -> None:
    found = detections([pose(50)])
    before = found.boxes.copy()
    tracker.update(found, at(0))
    tracker.update(detections([pose(55)]), at(0.1))
    assert_allclose(found.boxes, before)


@given(st.lists(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400), st.floats(5, 90)), max_size=5), max_size=8))
def test_whatever_comes_each_face_of_a_frame_has_an_id_of_its_own(
    frames: list[list[tuple[float, float, float]]],
) -> None:
    tracker = Tracker(TrackingConfig())
    for step, faces in enumerate(frames):
        ids, _ = tracker.update(detections([pose(x, y, side) for x, y, side in faces]), at(step / 5))
        assert len(ids) == len(set(ids)) == len(faces)
        assert {trail.track_id for trail in tracker.trails if trail.visible} == set(ids)
