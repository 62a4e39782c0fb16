"""Error rates at their analytic extremes, exact intervals, thresholds with ties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from engine.evaluation import (
    Comparisons,
    Ranked,
    Rate,
    balanced_accuracy,
    clopper_pearson,
    error_rates,
    threshold_at_fmr,
)

Floats = NDArray[np.float64]
SCORES = st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(-1, 1), min_size=1, max_size=30)


def rates(genuine: list[float], impostor: list[float]) -> list[float]:
    """AUC, EER and TAR at FAR 1% and 0.1%."""
    subjects = np.array([(0, 0)] * len(genuine) + [(0, 1)] * len(impostor))
    return Ranked(Comparisons(np.array([*genuine, *impostor]), subjects, 2)).of_people(np.ones((1, 2)))[0].tolist()


def balanced(genuine: list[float], impostor: list[float]) -> float:
    return balanced_accuracy(np.array(genuine), np.array(impostor))


# ----------------------------------------------------------------------------------------- 1:1


def test_perfect_separation_has_no_error() -> None:
    assert rates([0.8, 0.9], [0.1, 0.2, 0.3]) == [1, 0, 1, 1]
    assert balanced([0.8, 0.9], [0.1, 0.2, 0.3]) == 1


def test_identical_scores_tell_nothing() -> None:
    assert rates([0.5] * 4, [0.5] * 6) == [0.5, 0.5, 0, 0]  # the tie would let all impostors in
    assert balanced([0.5] * 4, [0.5] * 6) == 0.5


def test_scores_the_wrong_way_round_are_all_errors() -> None:
    assert rates([0.1, 0.2], [0.8, 0.9])[:2] == [0, 1]


def test_one_pair_of_each_kind_is_enough() -> None:
    assert rates([0.9], [0.1])[0] == 1


def test_without_one_kind_of_pairs_nothing_is_known() -> None:
    for genuine, impostor in (([0.5], []), ([], [0.5])):
        assert np.isnan(rates(genuine, impostor)).all()
        with pytest.raises(ValueError, match="zero-size"):
            balanced(genuine, impostor)


@given(SCORES, SCORES)
def test_the_auc_is_the_chance_that_a_genuine_score_wins(genuine: list[float], impostor: list[float]) -> None:
    wins = sum((g > i) + 0.5 * (g == i) for g in genuine for i in impostor)
    auc, eer, *_ = rates(genuine, impostor)
    assert auc == pytest.approx(wins / (len(genuine) * len(impostor)))
    assert 0 <= eer <= 1
    assert balanced(genuine, impostor) >= 0.5 - 1e-12  # accepting everything reaches a half


@given(SCORES, SCORES)
def test_equal_error_of_exchanged_and_negated_scores_is_the_same_auc(
    genuine: list[float], impostor: list[float]
) -> None:
    other = rates([-score for score in impostor], [-score for score in genuine])
    assert rates(genuine, impostor)[0] == pytest.approx(other[0])


def test_a_threshold_below_all_scores_accepts_all_and_one_above_none() -> None:
    genuine, impostor = np.array([0.4, 0.6]), np.array([0.1, 0.5, 0.3])
    fmr, fnmr = error_rates(genuine, impostor, 0.0)
    assert (fmr.value, fnmr.value) == (1.0, 0.0)
    fmr, fnmr = error_rates(genuine, impostor, 0.7)
    assert (fmr.value, fnmr.value) == (0.0, 1.0)


def test_scores_on_the_threshold_are_accepted() -> None:
    fmr, fnmr = error_rates(np.array([0.5, 0.25]), np.array([0.5, 0.25]), 0.5)
    assert (fmr.hits, fnmr.hits) == (1, 1)


def test_rates_without_trials_are_not_a_number_and_know_nothing() -> None:
    fmr, fnmr = error_rates(np.empty(0), np.empty(0), 0.5)
    assert math.isnan(fmr.value)
    assert math.isnan(fnmr.value)
    assert fmr.interval == (0.0, 1.0)


# ----------------------------------------------------------------------------------------- intervals


@pytest.mark.parametrize("trials", [1, 10, 59, 1000])
def test_no_error_in_n_trials_has_the_upper_bound_of_the_closed_form(trials: int) -> None:
    low, high = clopper_pearson(0, trials)
    assert low == 0
    assert_allclose(high, 1 - 0.025 ** (1 / trials), rtol=1e-9)
    assert_allclose(clopper_pearson(trials, trials), (0.025 ** (1 / trials), 1), rtol=1e-9)


def test_the_interval_of_one_in_ten_is_the_textbooks() -> None:
    assert_allclose(clopper_pearson(1, 10), (0.0025, 0.4450), atol=5e-5)
    assert_allclose(clopper_pearson(5, 10), (0.1871, 0.8129), atol=5e-5)
    assert_allclose(Rate(5, 10).interval, (0.1871, 0.8129), atol=5e-5)


@given(st.integers(1, 300), st.floats(0, 1))
def test_the_interval_leaves_two_and_a_half_percent_on_either_side(trials: int, share: float) -> None:
    hits = round(share * trials)
    low, high = clopper_pearson(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1

    def tail(rate: float, counts: range) -> float:
        return sum(math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in counts)

    if hits > 0:
        assert_allclose(tail(low, range(hits, trials + 1)), 0.025, rtol=1e-6)
    if hits < trials:
        assert_allclose(tail(high, range(hits + 1)), 0.025, rtol=1e-6)


def test_without_trials_anything_is_possible() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


# ----------------------------------------------------------------------------------------- thresholds


@given(SCORES, st.floats(0, 1))
def test_the_threshold_at_a_rate_is_the_lowest_that_keeps_it(scores: list[float], fmr: float) -> None:
    impostor = np.array(scores)
    threshold = threshold_at_fmr(impostor, fmr)
    assert (impostor >= threshold).mean() <= fmr + 1e-9
    lower = impostor[impostor < threshold]
    if len(lower):
        assert (impostor >= lower.max()).mean() > fmr


def test_ties_at_the_threshold_do_not_pass_together() -> None:
    impostor = np.array([0.5, 0.5, 0.1, 0.0])
    assert error_rates(np.array([0.9]), impostor, threshold_at_fmr(impostor, 0.25))[0].hits == 0  # one may, both would
    assert error_rates(np.array([0.9]), impostor, threshold_at_fmr(impostor, 0.5))[0].hits == 2
    assert error_rates(np.array([0.9]), impostor, threshold_at_fmr(impostor, 1.0))[0].hits == 4


def test_the_threshold_keeps_its_rate_for_scores_in_single_precision() -> None:
    """Galleries give float32 scores: the threshold just above one must not round down onto it."""
    impostor = np.array([0.3, 0.7, 0.7, 0.1], np.float32)
    fmr, _ = error_rates(np.array([0.9], np.float32), impostor, threshold_at_fmr(impostor, 0.0))
    assert fmr.hits == 0


def test_without_impostors_everything_may_be_accepted() -> None:
    assert threshold_at_fmr(np.empty(0), 0.01) == -1.0
