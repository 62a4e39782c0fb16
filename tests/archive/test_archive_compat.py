"""Process pools still say which processes they have."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

import pytest
from waiting import until

from engine.archive.compat import kill_workers


def test_a_pool_is_closed_without_waiting_for_its_task() -> None:
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    task = pool.submit(time.sleep, 600)
    until(task.running)
    began = time.monotonic()
    kill_workers(pool)
    assert time.monotonic() - began < 60
    with pytest.raises(BrokenExecutor):
        task.result(0)


def test_a_pool_that_never_began_is_closed() -> None:
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    kill_workers(pool)
    with pytest.raises(RuntimeError):
        pool.submit(time.sleep, 0)
