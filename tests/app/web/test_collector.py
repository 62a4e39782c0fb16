"""Garbage collection stays short, however much is loaded."""

from __future__ import annotations

import gc

from app.web.collector import spare_what_is_loaded


def test_what_is_loaded_is_not_walked_through_again_and_new_garbage_still_is() -> None:
    spare_what_is_loaded("test 1")
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    assert len(gc.get_objects()) < frozen / 10
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() >= 1


def test_once_per_occasion() -> None:
    spare_what_is_loaded("test 2")
    frozen = gc.get_freeze_count()
    kept: list[list[int]] = [[] for _ in range(1000)]
    spare_what_is_loaded("test 2")
    assert gc.get_freeze_count() <= frozen
    spare_what_is_loaded("test 3")
    assert gc.get_freeze_count() >= frozen + len(kept)
