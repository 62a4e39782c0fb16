"""The picture from before an incident, and how many frames a camera keeps for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engine.pipeline.scenes import SceneKeeper
from engine.types import Event, EventKind, Frame

START = datetime(2026, 10, 25, 0, 59, tzinfo=UTC)


def frame_at(seconds: float) -> Frame:
    """A frame whose brightness tells its time, in tenths of seconds."""
    shade = round(seconds * 10) % 256
    return Frame(np.full((8, 8, 3), shade, np.uint8), START + timedelta(seconds=seconds), "door")


def earlier(keeper: SceneKeeper, frame: Frame) -> float:
    """How many seconds after the start the earlier picture of an incident was taken."""
    event = Event(EventKind.TAILGATING, frame.time, "door", (1, 2))
    return int(keeper.pictures(event, frame, [], None)["before_image"][0, 0, 0]) / 10


@pytest.mark.parametrize("context_s", [0.0, 0.4, 1.0, 5.0])
@pytest.mark.parametrize("fps", [2, 10, 25])
def test_the_earlier_picture_is_old_enough_and_few_are_kept(context_s: float, fps: int) -> None:
    keeper = SceneKeeper(context_s, dict)
    for index in range(10 * fps):
        keeper.keep(frame_at(index / fps), [], watching=False)
        assert len(keeper._ring) <= 4
    now = frame_at(10)
    keeper.keep(now, [], watching=True)
    step = max(context_s / 2, 1 / fps)
    assert 10 - context_s - step - 0.11 <= earlier(keeper, now) <= 10 - context_s + 0.05


def test_a_camera_that_has_just_begun_shows_its_first_frame() -> None:
    keeper = SceneKeeper(1.0, dict)
    keeper.keep(frame_at(0.3), [], watching=False)
    now = frame_at(0.8)
    keeper.keep(now, [], watching=True)
    assert earlier(keeper, now) == 0.3


def test_a_clock_that_is_put_back_leaves_no_picture_of_the_future() -> None:
    keeper = SceneKeeper(1.0, dict)
    for tenths in range(100, 130):
        keeper.keep(frame_at(tenths / 10), [], watching=False)
    for tenths in range(0, 25):
        keeper.keep(frame_at(tenths / 10), [], watching=False)
    now = frame_at(2.5)
    keeper.keep(now, [], watching=True)
    assert earlier(keeper, now) <= 1.5
