"""`muster bench`: how many cameras fit, and that the simulated one is watched as a real one is."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from engine.models import no_progress
from engine.operations.bench import Load, measure_load

LOAD = Load(cores=8, used=0.5, frames=500, dropped=0, latency_s=0.3, recognised=3, shown=3)


@pytest.mark.parametrize(
    ("cores", "used", "cameras"),
    [(8, 0.5, 12), (2, 0.4, 4), (2, 0.41, 3), (2, 1.9, 1), (1, 0.79, 1)],
)
def test_a_fifth_of_the_processor_is_left_to_spare(cores: int, used: float, cameras: int) -> None:
    assert replace(LOAD, cores=cores, used=used).cameras == cameras


def test_a_camera_that_is_not_kept_up_with_does_not_fit() -> None:
    assert replace(LOAD, frames=495, dropped=5).cameras == 12
    assert replace(LOAD, frames=494, dropped=6).cameras == 0


@pytest.mark.models
@pytest.mark.slow
def test_the_simulated_camera_shows_people_who_are_recognised(samples: Path) -> None:
    found = measure_load(samples, no_progress, seconds=8.6)
    assert found.frames + found.dropped == 215
    assert found.shown == 2
    assert found.used > 0
    assert (found.recognised == 0) == math.isnan(found.latency_s)
    if not found.dropped:
        assert found.recognised == 2
