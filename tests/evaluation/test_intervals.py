"""Bootstrap over people: what the intervals hold, and what they say when there is nothing to resample."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtri, stdtrit
from simulation import Population, coverage, simulate

from engine.evaluation import (
    Comparisons,
    Resampling,
    SubjectBootstrap,
    clopper_pearson,
    error_rates,
    smallest_rate,
)


@pytest.mark.parametrize(
    "population",
    [
        Population("fnmr", people=60, templates=5, rate=0.05, person_share=0.3),
        Population("fnmr", people=100, templates=4, rate=0.03, person_share=0.4),
        Population("fmr", people=60, templates=3, rate=0.01, person_share=0.4),
        Population("fmr", people=40, templates=4, rate=0.03, person_share=0.3),
    ],
    ids=lambda each: f"{each.kind} of {each.people}",
)
def test_the_interval_holds_the_true_rate_as_often_as_it_says(population: Population) -> None:
    found = coverage(population, runs=1000)
    assert found.runs == 1000
    assert 0.93 <= found.held <= 0.97
    assert found.percentile < found.held, "the plain percentile interval is too short"
    assert found.held + found.below + found.above == pytest.approx(1)


@pytest.mark.parametrize("kind", ["fmr", "fnmr"])
def test_the_rate_of_made_up_people_is_the_one_asked_for(kind: str) -> None:
    population = Population("fmr" if kind == "fmr" else "fnmr", people=400, templates=3, rate=0.1, person_share=0.1)
    generator = np.random.default_rng(0)
    rates = []
    for _ in range(5):
        data = simulate(population, generator)
        fmr, fnmr = error_rates(data.genuine, data.impostor, 0.0)
        rates.append(fmr.value if kind == "fmr" else fnmr.value)
    assert np.mean(rates) == pytest.approx(0.1, abs=0.012)


def test_the_estimate_is_the_rate_that_is_counted() -> None:
    data = simulate(Population("fmr", 20, 3, 0.1, 0.3), np.random.default_rng(1))
    found = SubjectBootstrap(data).fmr(0.0)
    fmr, _ = error_rates(data.genuine, data.impostor, 0.0)
    assert (found.errors, found.trials) == (fmr.hits, fmr.trials)
    assert found.value == pytest.approx(fmr.value)
    assert found.low < found.value < found.high


def test_impostor_pairs_count_as_often_as_both_people_are_drawn() -> None:
    """Three people, one pair of whom errs: worked out by hand for each of the 27 possible draws."""
    subjects = np.array([[0, 1], [0, 2], [1, 2]])
    bootstrap = SubjectBootstrap(Comparisons(np.array([1.0, 0.0, 0.0]), subjects, 3), runs=5000)
    draws = [np.bincount(each, minlength=3) for each in np.ndindex(3, 3, 3)]
    rates = [w[0] * w[1] / (w[0] * w[1] + w[0] * w[2] + w[1] * w[2]) for w in draws if (w > 0).sum() > 1]
    found = bootstrap.fmr(0.5)
    worth = min(2 / 9 / np.var(rates), 3) * (float(ndtri(0.975)) / float(stdtrit(2, 0.975))) ** 2
    assert found.effective == pytest.approx(worth, rel=0.05)
    assert found.percentile == (0.0, 1.0)


def test_comparisons_that_depend_on_each_other_are_worth_fewer() -> None:
    """Ten people who are always, or never, recognised: a hundred comparisons say no more than ten."""
    errors, trials = np.array([10, 10] + [0] * 8), np.full(10, 10)
    found = Resampling(10).rate(errors, trials)
    assert found.trials == 100
    assert 5 < found.effective < 12
    low, high = clopper_pearson(20, 100)
    assert found.low < low
    assert found.high > high


def test_independent_comparisons_are_worth_what_they_are() -> None:
    generator = np.random.default_rng(3)
    found = Resampling(500).rate(generator.binomial(4, 0.1, 500), np.full(500, 4))
    assert 1600 < found.effective <= 2000
    assert_allclose(found.interval, clopper_pearson(round(found.errors), 2000), atol=0.006)


def test_without_an_error_each_person_counts_once() -> None:
    found = Resampling(12).rate(np.zeros(12), np.full(12, 50))
    assert (found.value, found.low, found.effective) == (0, 0, 12)
    assert found.high == pytest.approx(clopper_pearson(0, 12)[1])
    wrong = Resampling(12).rate(np.full(12, 50), np.full(12, 50))
    assert (wrong.value, wrong.high) == (1, 1)


def test_without_a_false_match_each_pair_of_people_counts_once() -> None:
    subjects = np.array([[a, b] for a in range(5) for b in range(5) for _ in range(4) if a != b])
    found = SubjectBootstrap(Comparisons(np.zeros(len(subjects)), subjects, 5)).fmr(0.5)
    assert (found.trials, found.effective) == (80, 10)
    assert found.high == pytest.approx(clopper_pearson(0, 10)[1])


def test_nothing_compared_is_nothing_known_and_one_person_little() -> None:
    nothing = SubjectBootstrap(Comparisons(np.empty(0), np.empty((0, 2), np.intp), 0))
    for found in (nothing.fmr(0.5), nothing.fnmr(0.5)):
        assert math.isnan(found.value)
        assert (found.low, found.high, found.trials) == (0, 1, 0)
    one = SubjectBootstrap(Comparisons(np.array([0.2, 0.9]), np.zeros((2, 2), np.intp), 1)).fnmr(0.5)
    assert one.value == 0.5
    assert one.high - one.low > 0.9


def test_the_same_seed_gives_the_same_interval() -> None:
    data = simulate(Population("fnmr", 20, 4, 0.1, 0.3), np.random.default_rng(5))
    assert SubjectBootstrap(data, seed=4).fnmr(0.0) == SubjectBootstrap(data, seed=4).fnmr(0.0)
    assert SubjectBootstrap(data, seed=4).fnmr(0.0) != SubjectBootstrap(data, seed=5).fnmr(0.0)


def test_bands_follow_both_rates_over_the_thresholds() -> None:
    data = simulate(Population("fmr", 12, 3, 0.2, 0.3), np.random.default_rng(6))
    bootstrap = SubjectBootstrap(data)
    found = bootstrap.bands(np.array([-9.0, 0.0, 9.0]))
    assert found.fmr.shape == found.fnmr.shape == (3, 3)
    one = bootstrap.fmr(0.0)
    assert_allclose(found.fmr[1], [one.value, one.low, one.high])
    assert_allclose(found.fmr[[0, 2], 0], [1, 0])
    assert bootstrap.bands(np.empty(0)).fmr.shape == (0, 3)


@pytest.mark.parametrize(("trials", "rule_of_three"), [(30, 0.1), (300, 0.01), (30_000, 1e-4)])
def test_the_smallest_rate_follows_the_rule_of_three(trials: int, rule_of_three: float) -> None:
    assert smallest_rate(trials) == pytest.approx(rule_of_three, rel=0.06)
    assert (1 - smallest_rate(trials)) ** trials == pytest.approx(0.05)


def test_no_trials_support_no_rate() -> None:
    assert smallest_rate(0) == 1
