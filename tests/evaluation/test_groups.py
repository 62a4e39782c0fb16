"""Rates within groups and across them, with answers known by hand and those of the bootstrap over all people."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluation import SubjectBootstrap, group_rates, photo_comparisons

X, Y, Z = np.eye(3, dtype=np.float32)


def test_rates_by_hand() -> None:
    """Group A: two people who look the same. Group B: one with two different photos, one like A's people once."""
    rows = np.stack([X, X, X, X, Y, Z, X, Y])
    owners = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    found = group_rates(rows, owners, np.array([0, 0, 1, 1]), ("A", "B"), 0.5)
    assert found.people.tolist() == [2, 2]
    assert found.photos.tolist() == [4, 4]
    assert [each.value for each in found.fnmr] == [0, 1]
    assert [each.trials for each in found.fnmr] == [2, 2]
    assert found.fmr[0][0].value == 1
    assert found.fmr[0][0].trials == 4
    assert found.fmr[1][1].value == pytest.approx(1 / 4)  # Y with Y
    assert found.fmr[0][1].value == pytest.approx(4 / 16)  # X of the fourth person with four photos of A
    assert found.fmr[1][0] == found.fmr[0][1]


def test_one_group_of_everybody_has_the_rates_and_intervals_of_everybody() -> None:
    generator = np.random.default_rng(0)
    owners = np.sort(generator.integers(0, 40, 150))
    owners = np.unique(owners, return_inverse=True)[1]
    rows = generator.normal(size=(int(owners.max()) + 1, 8))[owners] + generator.normal(size=(150, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    people = int(owners.max()) + 1
    found = group_rates(rows, owners, np.zeros(people, np.intp), ("all",), 0.6)
    everybody = SubjectBootstrap(photo_comparisons(rows.astype(np.float32), owners))
    for mine, wanted in ((found.fmr[0][0], everybody.fmr(0.6)), (found.fnmr[0], everybody.fnmr(0.6))):
        assert (mine.errors, mine.trials) == (wanted.errors, wanted.trials)
        assert mine.interval == pytest.approx(wanted.interval, rel=1e-6)
        assert 0 < mine.low < mine.value < mine.high < 1


def _alike(groups: int, alike: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    generator = np.random.default_rng(1)
    of = np.arange(200) % groups
    centres = generator.normal(size=(200, 32)) + alike * generator.normal(size=(groups, 32))[of]
    rows = np.repeat(centres, 2, axis=0) + 0.4 * generator.normal(size=(400, 32))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), of


def test_people_of_one_group_who_resemble_each_other_are_taken_for_each_other() -> None:
    rows, of = _alike(2, 1.0)
    found = group_rates(rows, np.repeat(np.arange(200), 2), of, ("A", "B"), 0.6)
    within, across = (found.fmr[0][0], found.fmr[1][1]), found.fmr[0][1]
    for each in within:
        assert each.low > across.high


def test_a_group_without_a_pair_has_no_rate() -> None:
    found = group_rates(np.stack([X, Y, Z]), np.array([0, 1, 2]), np.array([0, 1, 1]), ("alone", "two"), 0.5)
    assert found.fmr[0][0].trials == 0
    assert np.isnan(found.fmr[0][0].value)
    assert found.fmr[0][0].interval == (0, 1)
    assert found.fnmr[1].trials == 0
    assert found.fmr[1][1].value == 0
