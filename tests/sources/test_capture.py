"""How a camera's reader gives its pictures to whoever asks: through shared memory, none lost to one who is a little late."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from numpy.typing import NDArray
from waiting import until

from engine.sources.capture import _Newest
from engine.sources.shared_pictures import SLOTS, SharedPictures
from engine.sources.trouble import NoPicture, Trouble

PATIENCE_S = 10.0


def picture(number: int, size: tuple[int, int] = (4, 6)) -> NDArray[np.uint8]:
    """One grey picture."""
    return np.full((*size, 3), number, np.uint8)


class SteppedCamera:
    """Gives a picture whenever the test says so; see `Stream`."""

    resting = catching_up = False
    behind_s = 0.0
    waiting: NoPicture | None = None

    def __init__(self) -> None:
        self._due = threading.Semaphore(0)
        self._coming: list[NDArray[np.uint8] | None] = []
        self.grabbed = 0
        self.converted = 0

    def send(self, sent: NDArray[np.uint8] | None) -> None:
        """The next picture; None: the camera ends."""
        self._coming.append(sent)
        self._due.release()

    def grab(self) -> bool:
        """See `Stream`."""
        assert self._due.acquire(timeout=PATIENCE_S)
        self.grabbed += 1
        return self._coming[self.grabbed - 1] is not None

    def retrieve(self) -> NDArray[np.uint8] | None:
        """See `Stream`."""
        self.converted += 1
        return self._coming[self.grabbed - 1]

    def film(self, since: float, until: float) -> None:
        """See `Stream`."""


class Viewer:
    """Asks a reader for pictures, as the parent does."""

    def __init__(self) -> None:
        self.camera = SteppedCamera()
        self._newest = _Newest(self.camera, "test")
        self._thread = threading.Thread(target=self._newest.read, daemon=True)
        self._thread.start()

    def ask(self, *, resting: bool = False) -> tuple[int, int]:
        """The grey of the next picture, and how many were left out before it."""
        laid, more = self._newest.next(resting=resting)
        assert more
        assert not isinstance(laid, NoPicture)
        taken = laid.memory.taken(laid.slot, *laid.size)
        assert taken.min() == taken.max()
        return int(taken[0, 0, 0]), laid.left_out


def first(viewer: Viewer, number: int = 1) -> None:
    """Ask for the first picture before it comes."""
    viewer.camera.send(picture(number))
    assert viewer.ask() == (number, 0)


def test_who_is_late_by_less_than_a_picture_misses_none() -> None:
    viewer = Viewer()
    first(viewer)
    for number in range(2, 30):
        viewer.camera.send(picture(number))  # before it is asked for
        until(lambda: viewer._newest._waiting is not None)
        assert viewer.ask() == (number, 0)


def test_who_is_late_by_more_is_told_how_many_were_left_out() -> None:
    viewer = Viewer()
    first(viewer)
    viewer.camera.send(picture(2))
    until(lambda: viewer._newest._waiting is not None)
    for number in (3, 4, 5):
        viewer.camera.send(picture(number))
        until(lambda: viewer._newest._left_out == number - 2)  # noqa: B023
    assert viewer.ask() == (2, 0)
    viewer.camera.send(picture(6))
    assert viewer.ask() == (6, 3)
    assert viewer.camera.converted == 3


def test_while_a_camera_rests_only_pictures_that_are_asked_for_are_converted_and_none_counts_as_left_out() -> None:
    viewer = Viewer()
    viewer.camera.send(picture(1))
    assert viewer.ask(resting=True) == (1, 0)
    for number in (2, 3, 4):
        viewer.camera.send(picture(number))
    until(lambda: viewer.camera.grabbed == 4)
    viewer.camera.send(picture(5))
    until(lambda: viewer.camera.grabbed == 5)
    assert viewer.camera.converted == 1
    asked: list[tuple[int, int]] = []
    asking = threading.Thread(target=lambda: asked.append(viewer.ask(resting=True)))
    asking.start()
    until(lambda: viewer._newest._wanted)
    viewer.camera.send(picture(6))
    asking.join(PATIENCE_S)
    assert asked == [(6, 0)]


def test_who_begins_to_rest_is_not_given_what_waited_before() -> None:
    viewer = Viewer()
    first(viewer)
    viewer.camera.send(picture(2))
    until(lambda: viewer._newest._waiting is not None)
    asked: list[tuple[int, int]] = []
    asking = threading.Thread(target=lambda: asked.append(viewer.ask(resting=True)))
    asking.start()
    until(lambda: viewer._newest._wanted)
    viewer.camera.send(picture(3))
    asking.join(PATIENCE_S)
    assert asked == [(3, 0)]


def test_a_camera_may_change_its_size_while_a_picture_waits() -> None:
    viewer = Viewer()
    first(viewer)
    viewer.camera.send(picture(2, (40, 60)))
    until(lambda: viewer._newest._waiting is not None)
    assert viewer.ask() == (2, 0)
    viewer.camera.send(picture(3, (2, 2)))
    assert viewer.ask() == (3, 0)


def test_the_last_picture_is_given_before_the_end_is_told() -> None:
    viewer = Viewer()
    first(viewer)
    viewer.camera.send(picture(2))
    until(lambda: viewer._newest._waiting is not None)
    viewer.camera.send(None)
    assert viewer.ask() == (2, 0)
    assert viewer._newest.next(resting=False) == (NoPicture(Trouble.ENDED), False)


@pytest.mark.parametrize("size", [(1, 1), (4, 6), (6, 4)])
def test_a_picture_is_taken_as_it_was_laid_down_through_the_descriptor_alone(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    ours = SharedPictures.made(4096)
    theirs = SharedPictures(os.dup(ours.handle), ours.slot_bytes)
    laid = [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(SLOTS)]
    for slot, each in enumerate(laid):
        ours.lay_down(slot, each)
    for slot, each in enumerate(laid):
        taken = theirs.taken(slot, *size)
        ours.lay_down(slot, picture(0, size))
        assert np.array_equal(taken, each)


def test_the_descriptor_is_closed_with_the_memory() -> None:
    pictures = SharedPictures.made(12)
    handle = pictures.handle
    pictures.lay_down(0, picture(9, (2, 2)))
    del pictures
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
