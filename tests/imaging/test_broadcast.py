"""One picture for many viewers."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from engine.imaging import Broadcast, decode_image


def shade(value: int, height: int = 90, width: int = 160) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_nothing_is_encoded_while_nobody_looks() -> None:
    broadcast = Broadcast()
    broadcast.show(lambda: shade(10))
    assert (broadcast.newest.number, broadcast.newest.jpeg) == (0, b"")
    broadcast.enter()
    broadcast.show(lambda: shade(10))
    broadcast.leave()
    broadcast.show(lambda: shade(20))
    assert broadcast.newest.number == 1


def test_a_viewer_gets_the_newest_picture_in_its_colours_and_none_twice() -> None:
    broadcast = Broadcast()
    broadcast.enter()
    red = np.zeros((90, 160, 3), np.uint8)
    red[..., 0] = 200
    for image in (shade(10), shade(120), red):
        broadcast.show(lambda image=image: image)
    shot = broadcast.next(0, 1.0)
    assert shot is not None
    assert shot.number == 3
    assert np.abs(decode_image(shot.jpeg).astype(int) - red).max() < 12
    assert broadcast.next(shot.number, 0.01) is None


@pytest.mark.parametrize(
    ("size", "sent"),
    [((2160, 3840), (720, 1280)), ((3000, 10), (1280, 4)), ((1, 1), (1, 1)), ((720, 1280), (720, 1280))],
)
def test_large_pictures_are_sent_smaller(size: tuple[int, int], sent: tuple[int, int]) -> None:
    broadcast = Broadcast()
    broadcast.enter()
    broadcast.show(lambda: shade(99, *size))
    assert decode_image(broadcast.newest.jpeg).shape[:2] == sent


def test_whoever_waits_is_woken_by_the_next_picture() -> None:
    broadcast = Broadcast()
    broadcast.enter()
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(broadcast.next(0, 10)))
    waiting.start()
    broadcast.show(lambda: shade(50))
    waiting.join(5)
    assert not waiting.is_alive()
    assert found[0] is broadcast.newest


def test_no_more_pictures_are_made_than_asked_for() -> None:
    broadcast = Broadcast(fps=20)
    broadcast.enter()
    made: list[int] = []

    def draw() -> np.ndarray:
        made.append(1)
        return shade(50)

    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < 0.5:
        broadcast.show(draw)
    assert 1 <= len(made) <= 2 + 20 * elapsed + 1  # a slow machine makes fewer


def test_whoever_begins_to_look_is_not_shown_an_old_picture() -> None:
    broadcast = Broadcast()
    broadcast.enter()
    broadcast.show(lambda: shade(50))
    broadcast.leave()
    broadcast.enter()
    assert broadcast.newest.jpeg == b""
    assert broadcast.next(0, 0) is None or not broadcast.newest.jpeg


def test_only_so_many_may_look() -> None:
    broadcast = Broadcast()
    assert [broadcast.enter(2) for _ in range(3)] == [True, True, False]
    broadcast.leave()
    assert broadcast.enter(2)
