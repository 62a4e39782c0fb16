"""The cohort: what it promises is kept by other people, whoever stands there twice is left out, and a gallery may be harder."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from engine.alignment import ALIGNMENT_ID
from engine.evaluation import (
    Cohort,
    Impostors,
    cohort_of,
    derive_threshold,
    few_of_each,
    find_twins,
    impostors_of,
    measure_cohort,
)
from engine.evaluation.cohort import PHOTOS, STAND_IN, TAIL, Tail
from engine.models import EMBEDDERS

SHIPPED = ["facenet-mobilefacenet-320", "facenet-ms1m-128", "mobilefacenet-192"]


def crowd(seed: int, people: int, photos: int = 4, groups: int = 1) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Photos of people: (people × photos, 64) unit rows, and whose they are; people of one group share a direction."""
    generator = np.random.default_rng(seed)
    shared = np.repeat(generator.normal(size=(groups, 64)), -(-people // groups), axis=0)[:people]
    centres = generator.normal(size=(people, 64)) + (0.7 * shared if groups > 1 else 0)
    owners = np.repeat(np.arange(people), photos)
    rows = centres[owners] + 0.5 * generator.normal(size=(len(owners), 64))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32), owners


@lru_cache
def measured(groups: int = 1) -> Cohort:
    rows, owners = crowd(0, 300, groups=groups)
    cohort, twins = measure_cohort(rows, owners, np.ones(len(rows)), model_id="m", alignment_id="a")
    assert twins == []
    return cohort


def plain(cohort: Cohort, people: int, photos: int = 3) -> Impostors:
    """A gallery that shows nothing by itself."""
    return impostors_of(cohort, np.empty(0), np.full(people, photos, np.intp))


# ----------------------------------------------------------------------------------------------- as shipped


@pytest.mark.parametrize("model", SHIPPED)
def test_each_model_has_its_cohort_of_thousands(model: str) -> None:
    cohort = cohort_of(model)
    assert (cohort.model_id, cohort.alignment_id) == (model, f"{ALIGNMENT_ID}+mirror")
    assert cohort.people > 2500
    assert cohort.photos > 4000
    assert 1 < cohort.harder < 3
    for scored in cohort.scored:
        assert scored.impostors > 1_000_000
        assert np.all(np.diff(scored.impostor) >= 0)
        assert np.all(np.diff(scored.genuine) >= 0)
        assert scored.impostor[-1] == pytest.approx(scored.tail.start, abs=1e-3), "the tail begins where quantiles end"


def test_every_model_of_the_registry_has_a_cohort_its_own_or_the_stand_in() -> None:
    for model in EMBEDDERS:
        assert cohort_of(model).model_id == (model if model in SHIPPED else STAND_IN)


def test_both_networks_together_miss_fewer_at_the_same_promise() -> None:
    missed = []
    for model in SHIPPED:
        cohort = cohort_of(model)
        missed.append(cohort.fnmr(plain(cohort, 5).threshold_at(1e-4)))
    fused, facenet, mobile = missed
    assert fused < 0.6 * facenet
    assert fused < mobile


# ----------------------------------------------------------------------------------------------- tails


@pytest.mark.parametrize("shape", [-0.2, 0.001, 0.2])
@pytest.mark.parametrize("error", [0.0, 0.2])
def test_rate_and_threshold_of_a_tail_are_inverse(shape: float, error: float) -> None:
    tail = Tail(0.4, 0.02, shape, error)
    assert tail.rate(0.4) == pytest.approx(TAIL)
    for rate in (5e-4, 1e-4, 1e-5, 1e-6):
        assert tail.rate(tail.threshold(rate)) == pytest.approx(rate, rel=1e-6)


def test_uncertainty_of_a_tail_raises_its_rates() -> None:
    sure, unsure = Tail(0.4, 0.04, -0.1, 0.0), Tail(0.4, 0.04, -0.1, 0.2)
    assert unsure.rate(0.55) > sure.rate(0.55)
    assert unsure.rate(0.4) == sure.rate(0.4)


def test_beyond_the_end_of_a_tail_there_is_nobody() -> None:
    assert Tail(0.4, 0.04, -0.2, 0.1).rate(0.95) < 1e-12


def test_rates_fall_without_a_step_from_quantiles_to_tail() -> None:
    cohort = cohort_of(STAND_IN)
    rates = [cohort.fmr(threshold) for threshold in np.linspace(-0.5, 0.95, 600)]
    assert all(later <= before + 1e-12 for before, later in itertools.pairwise(rates))


# ----------------------------------------------------------------------------------------------- promises


@pytest.mark.parametrize("photos", PHOTOS)
def test_people_who_were_not_measured_keep_the_promise(photos: int) -> None:
    cohort = measured()
    rows, owners = crowd(1, 600)
    enrolled = np.stack([rows[owners == person][:photos].sum(0) for person in range(300)])
    enrolled /= np.linalg.norm(enrolled, axis=1, keepdims=True)
    strangers = rows[owners >= 300] @ enrolled.T
    for promised in (1e-2, 1e-3, 1e-4):
        threshold = Impostors(cohort, np.full(300, photos, np.intp), 1.0).threshold_at(promised)
        actual = float((strangers >= threshold).mean())
        assert promised / 6 < actual < promised * 1.1


def test_a_larger_gallery_is_stricter_and_the_least_target_decides() -> None:
    cohort = measured()
    thresholds = [
        derive_threshold(plain(cohort, people), target_fmr=1e-4, target_fpir=1e-3) for people in (0, 1, 10, 11, 1000)
    ]
    assert thresholds[0] == thresholds[1] == thresholds[2] < thresholds[3] < thresholds[4] <= 1


def test_more_photos_in_a_template_need_a_higher_threshold() -> None:
    cohort = measured()
    one, three = (plain(cohort, 10, photos).threshold_at(1e-4) for photos in (1, 3))
    assert one < three
    mixed = impostors_of(cohort, np.empty(0), np.array([1, 3], np.intp)).threshold_at(1e-4)
    assert one < mixed < three


def test_people_of_one_kind_are_harder_than_the_mixture() -> None:
    assert measured(groups=1).harder < 1.3
    rows, owners = crowd(2, 300, groups=2)
    small = np.concatenate([rows, crowd(3, 100)[0]])  # a third of the people resemble nobody in particular
    whose = np.concatenate([owners, 300 + crowd(3, 100)[1]])
    cohort, _ = measure_cohort(small, whose, np.ones(len(small)), model_id="m", alignment_id="a")
    assert cohort.harder > 1.2


def test_a_gallery_of_look_alikes_raises_its_threshold_and_few_people_hardly_do() -> None:
    cohort = measured()
    usual = plain(cohort, 200)
    alike = np.full(5000, 0.95)
    many = impostors_of(cohort, alike, np.full(200, 3, np.intp))
    two = impostors_of(cohort, alike[:4], np.full(2, 3, np.intp))
    assert many.alike > 50
    assert many.threshold_at(1e-4) > usual.threshold_at(1e-4)
    assert two.alike < 1.3
    assert impostors_of(cohort, -alike, np.full(200, 3, np.intp)).alike == 1, (
        "the easiest gallery keeps the cohort's rate"
    )


# ----------------------------------------------------------------------------------------------- measuring


def test_people_under_two_names_are_found_and_left_out() -> None:
    rows, owners = crowd(0, 300)
    twice = owners.copy()
    twice[(owners == 7) & (np.arange(len(owners)) % 4 > 1)] = 300  # half of their photos under another name
    cohort, twins = measure_cohort(rows, twice, np.ones(len(rows)), model_id="m", alignment_id="a")
    assert [pair[:2] for pair in twins] == [(7, 300)]
    assert cohort.people == 300
    limit = plain(measured(), 10).threshold_at(1e-5)
    assert plain(cohort, 10).threshold_at(1e-5) == pytest.approx(limit, abs=0.02)


def test_photos_that_are_not_good_enough_are_left_out_and_nobody_dominates() -> None:
    rows, owners = crowd(0, 150, photos=8)
    weights = np.where(np.arange(len(rows)) % 8 == 0, 0.0, 1.0)
    cohort, _ = measure_cohort(rows, owners, weights, model_id="m", alignment_id="a")
    assert cohort.photos == 150 * 5


def test_a_few_people_make_no_cohort() -> None:
    rows, owners = crowd(0, 99)
    with pytest.raises(ValueError, match="a hundred people"):
        measure_cohort(rows, owners, np.ones(len(rows)), model_id="m", alignment_id="a")
    rows, owners = crowd(0, 120, photos=3)
    with pytest.raises(ValueError, match="nobody has a photo more"):
        measure_cohort(rows, owners, np.ones(len(rows)), model_id="m", alignment_id="a")


def test_a_cohort_is_the_same_after_a_way_through_its_file() -> None:
    cohort = measured()
    again = Cohort.from_json(cohort.to_json())
    assert again.to_json() == cohort.to_json()
    assert_allclose(again.scored[2].genuine, cohort.scored[2].genuine, atol=1e-4)
    assert again.fmr(0.5) == pytest.approx(cohort.fmr(0.5), rel=1e-2)


def test_nobody_dominates() -> None:
    owners, weights = np.array([0] * 30 + [1] * 3 + [2] * 4), np.ones(37)
    weights[[32, 33]] = 0
    kept = few_of_each(owners, weights, np.random.default_rng(0))
    assert np.bincount(owners[kept]).tolist() == [5, 2, 3]
    assert len(set(kept.tolist())) == 10
    assert weights[kept].all()


def test_people_under_two_names_are_found_among_many_and_never_among_few() -> None:
    rows, owners = crowd(3, 400)
    rows[owners == 7] = rows[owners == 300]
    ((first, second, similarity),) = find_twins(rows, owners, np.ones(len(rows)))
    assert (first, second) == (7, 300)
    assert similarity == pytest.approx(1)
    few = owners < 20
    assert find_twins(np.concatenate([rows[few], rows[few]]), np.r_[owners[few], 50 + owners[few]], np.ones(160)) == []
