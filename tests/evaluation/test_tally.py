"""Counted pairs give the figures of pairs that are held, in memory that does not grow with them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluation import PairTally, balanced_accuracy, figures, photo_comparisons, threshold_at_fmr
from engine.evaluation.figures import Ranked
from engine.evaluation.tally import pair_blocks

Rows = NDArray[np.float32]


def crowd(people: int, photos: int, noise: float = 1.2, seed: int = 0) -> tuple[Rows, NDArray[np.intp]]:
    """Unit rows around a centre each, and whose they are."""
    generator = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people), photos)
    rows = generator.normal(size=(people, 16))[owners] + noise * generator.normal(size=(len(owners), 16))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32), owners


def test_each_pair_of_photos_comes_once() -> None:
    rows, _ = crowd(1500, 1)
    parts = [np.arange(0, 1200), np.empty(0, np.intp), np.arange(1200, 1500)]
    seen = np.zeros((1500, 1500), int)
    for _, _, block in pair_blocks(rows, parts):
        low, high = np.sort(np.broadcast_arrays(block.first[:, None], block.second[None]), axis=0)
        np.add.at(seen, (low[block.counted], high[block.counted]), 1)
    assert np.array_equal(seen, np.triu(np.ones_like(seen), 1))


def test_the_figures_are_those_of_all_pairs() -> None:
    rows, owners = crowd(60, 5)
    tally, plain = PairTally(rows, owners), photo_comparisons(rows, owners)
    assert (tally.genuine, tally.impostor) == (len(plain.genuine), len(plain.impostor)) == (600, 44_250)
    wanted = dict(zip(Ranked(plain).names, Ranked(plain).of_people(np.ones((1, 60)))[0], strict=True))
    found = tally.figures()
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value, abs=2e-3), name
    assert tally.balanced_accuracy() == pytest.approx(balanced_accuracy(plain.genuine, plain.impostor), abs=1e-3)
    for far in (0.1, 0.01, 0.001):
        assert tally.threshold_at_fmr(far) == pytest.approx(threshold_at_fmr(plain.impostor, far), abs=1e-4)


def test_intervals_over_people_are_about_as_wide_as_those_of_the_bootstrap() -> None:
    ratios = []
    for seed in range(3):
        rows, owners = crowd(50, 3, seed=seed)
        counted, drawn = PairTally(rows, owners).figures(), figures(photo_comparisons(rows, owners))
        for name in ("auc", "eer", "tar@0.01"):
            assert counted[name].low <= counted[name].value <= counted[name].high
            ratios.append((counted[name].high - counted[name].low) / (drawn[name].high - drawn[name].low))
    assert 0.75 < np.median(ratios) < 1.35


def test_strict_rates_are_given_where_ten_impostors_pass() -> None:
    few, many = PairTally(*crowd(50, 2)), PairTally(*crowd(700, 2))
    assert few.fars() == ("0.01", "0.001")
    assert many.impostor == 1400 * 1399 // 2 - 700
    assert many.fars() == ("0.01", "0.001", "0.0001")
    assert many.figures()["tar@0.0001"].value <= many.figures()["tar@0.001"].value


def test_perfect_scores_leave_the_doubt_of_few_people() -> None:
    owners = np.repeat(np.arange(50), 2)
    tally = PairTally(np.eye(50, dtype=np.float32)[owners], owners)
    found = tally.figures()
    assert (found["auc"].value, found["tar@0.001"].value) == (1, 1)
    assert (found["eer"].value, found["eer"].low) == (0, 0)
    assert 0 < found["eer"].high < 0.1


def test_memory_does_not_grow_with_the_pairs() -> None:
    rows, owners = crowd(2500, 2)
    tracemalloc.start()
    tally = PairTally(rows, owners)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tally) == 5000 * 4999 // 2
    assert peak < 60e6, "a table of all pairs in single precision has 100 MB"
