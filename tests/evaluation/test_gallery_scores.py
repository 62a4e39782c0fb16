"""A gallery compared with itself: never a template with itself; open-set rates of all sizes; who is difficult."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from fakes import unit
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from engine.evaluation import (
    NO_SCORE,
    Comparisons,
    GalleryScores,
    curve,
    difficulty,
    error_rates,
    fmr_of_fpir,
    fnir,
    fpir,
    fpir_of_fmr,
    gallery_scores,
    look_alikes,
    open_set_curve,
    outliers,
    photo_comparisons,
    photos_effect,
)
from engine.gallery import Gallery, Template

Rows = NDArray[np.float32]


def gallery(people: dict[str, list[Rows]], quality: float = 0.7) -> Gallery:
    """People with these templates, of different qualities."""
    rows = [(person, index, row) for person, own in people.items() for index, row in enumerate(own)]
    empty = Gallery.empty("m", "a", len(rows[0][2]) if rows else 3)
    templates = [Template(f"{person}-{index}", person, quality - 0.1 * (index % 3)) for person, index, _ in rows]
    return empty.add(templates, np.stack([row for _, _, row in rows])) if rows else empty


def scores_of(made: Gallery) -> GalleryScores:
    return gallery_scores(made.people, made.embeddings, made.owners, made.weights)


def random_gallery(people: int, templates: int, seed: int = 0, spread: float = 0.9) -> Gallery:
    """People around centres of their own in eight dimensions."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(people, 8))
    return gallery(
        {
            f"P{person}": [
                unit(*(centres[person] + spread * generator.normal(size=8)).tolist()) for _ in range(templates)
            ]
            for person in range(people)
        }
    )


# ----------------------------------------------------------------------------------------- leave one out


@pytest.mark.parametrize("templates", [2, 4])
def test_a_template_meets_what_a_search_without_it_would_find(templates: int) -> None:
    made = random_gallery(5, templates)
    scores = scores_of(made)
    for row, template in enumerate(made.templates):
        found = made.remove_templates([template.template_id]).search(made.embeddings[row : row + 1], top=5)[0]
        similarity = {each.person: each.similarity for each in found.candidates}
        assert_allclose(scores.own[row], similarity[template.person], atol=1e-6)
        for column, person in enumerate(made.people):
            if person != template.person:
                assert_allclose(scores.others[row, column], similarity[person], atol=1e-6)


def test_impostor_scores_are_those_that_thresholds_are_derived_from() -> None:
    made = random_gallery(6, 3)
    assert_allclose(np.sort(scores_of(made).comparisons.impostor), np.sort(made.impostor_scores()), atol=1e-6)


def test_identical_templates_are_not_compared_with_themselves_but_with_each_other() -> None:
    scores = scores_of(gallery({"A": [unit(1, 0, 0)] * 3, "B": [unit(0, 1, 0)]}))
    assert_allclose(scores.comparisons.genuine, [1, 1, 1])
    assert_allclose(scores.comparisons.impostor, [0] * 4, atol=1e-9)


def test_an_empty_gallery_has_no_scores_and_one_person_no_impostors() -> None:
    nobody = scores_of(gallery({}))
    assert (len(nobody.comparisons), nobody.singles, nobody.comparisons.pairs_of_people) == (0, 0, 0)
    assert (fpir(nobody, 0.5).trials, fnir(nobody, 0.5).trials) == (0, 0)
    assert (difficulty(nobody), outliers(nobody, 0.2), look_alikes(nobody, np.empty((0, 3)))) == ([], [], [])
    alone = scores_of(gallery({"A": [unit(1, 0, 0), unit(0.6, 0.8, 0)]}))
    assert (len(alone.comparisons.genuine), len(alone.comparisons.impostor)) == (2, 0)
    assert fpir(alone, 0.5).trials == 0
    assert (fnir(alone, 0.5).errors, fnir(alone, 0.7).errors) == (0, 2)
    (only,) = difficulty(alone)
    assert (only.nearest, only.nearest_person, only.hardest) == (None, "", pytest.approx(0.6))


def test_people_with_one_template_give_no_mated_comparison_and_are_counted() -> None:
    scores = scores_of(gallery({"A": [unit(1, 0, 0)], "B": [unit(0, 1, 0)], "C": [unit(0, 0, 1)] * 2}))
    assert scores.singles == 2
    assert scores.comparisons.people_compared == 1
    assert (len(scores.comparisons.genuine), len(scores.comparisons.impostor)) == (2, 8)
    assert scores.comparisons.pairs_of_people == 3
    assert fnir(scores, 0.5).trials == 2


def test_in_a_large_gallery_evenly_spaced_templates_stand_for_all() -> None:
    made = random_gallery(40, 3)
    few = gallery_scores(made.people, made.embeddings, made.owners, made.weights, limit=1200)
    whole = scores_of(made)
    assert len(few.rows) == 30
    assert few.rows[0] == 0
    assert few.rows[-1] == 119
    assert_allclose(few.others, whole.others[few.rows])
    assert_allclose(few.own, whole.own[few.rows])


def test_comparisons_must_belong_to_people_that_are_there() -> None:
    with pytest.raises(ValueError, match="people from 0 to 1"):
        Comparisons(np.array([0.5]), np.array([[0, 2]]), 2)
    with pytest.raises(ValueError, match="one score for each of 1 pairs"):
        Comparisons(np.array([0.5, 0.6]), np.array([[0, 1]]), 2)


def test_labelled_photos_are_compared_each_pair_once() -> None:
    rows = np.stack([unit(1, 0), unit(0.6, 0.8), unit(0, 1)])
    found = photo_comparisons(rows, np.array([0, 0, 1]))
    assert_allclose(found.genuine, [0.6], atol=1e-6)
    assert_allclose(found.impostor, [0, 0.8], atol=1e-6)
    assert len(photo_comparisons(np.empty((0, 2)), np.empty(0, np.intp))) == 0


# ----------------------------------------------------------------------------------------- rates at the extremes


def test_below_all_scores_everything_is_accepted_and_above_them_nothing() -> None:
    scores = scores_of(random_gallery(6, 3))
    found = scores.comparisons
    low, high = float(found.scores.min()), float(found.scores.max())
    for threshold, fmr, fnmr in ((low, 1, 0), (low - 5, 1, 0), (math.nextafter(high, 2), 0, 1), (7.0, 0, 1)):
        one, other = error_rates(found.genuine, found.impostor, threshold)
        assert (one.value, other.value) == (fmr, fnmr)
        assert (fpir(scores, threshold).value, fnir(scores, threshold).value >= fnmr) == (fmr, True)


def test_a_curve_begins_with_everything_and_ends_with_nothing() -> None:
    found = curve(np.array([0.4, 0.8]), np.array([0.4, 0.1, 0.4]))
    assert_allclose(found.thresholds[:-1], [0.1, 0.4, 0.8])
    assert_allclose(found.fmr, [1, 2 / 3, 0, 0])
    assert_allclose(found.fnmr, [0, 0, 0.5, 1])


def test_a_curve_of_many_scores_has_as_many_points_as_asked_for() -> None:
    generator = np.random.default_rng(2)
    genuine, impostor = generator.normal(1, 0.3, 5000), generator.normal(0, 0.3, 9000)
    found = curve(genuine, impostor, points=200)
    assert len(found.thresholds) == 200
    assert (found.fmr[0], found.fnmr[0], found.fmr[-1], found.fnmr[-1]) == (1, 0, 0, 1)
    for at in (20, 90, 150):
        fmr, fnmr = error_rates(genuine, impostor, float(found.thresholds[at]))
        assert_allclose([found.fmr[at], found.fnmr[at]], [fmr.value, fnmr.value])


@pytest.mark.parametrize(("genuine", "impostor"), [([], []), ([0.5], []), ([], [0.5])])
def test_a_curve_of_nothing_has_no_points(genuine: list[float], impostor: list[float]) -> None:
    assert len(curve(np.array(genuine), np.array(impostor)).thresholds) == 0


# ----------------------------------------------------------------------------------------- open set


def searched(made: Gallery, threshold: float, size: int, margin: float) -> tuple[float, float]:
    """FPIR and FNIR by really searching every gallery of that size."""
    named, missed = [], []
    for row, template in enumerate(made.templates):
        probe = made.embeddings[row : row + 1]
        rest = [person for person in made.people if person != template.person]
        for chosen in itertools.combinations(rest, size):
            match = made.without(set(made.people) - set(chosen)).search(probe, threshold=threshold, min_margin=margin)[
                0
            ]
            named.append(match.person is not None)
        for chosen in itertools.combinations(rest, size - 1):
            smaller = made.without(set(rest) - set(chosen)).remove_templates([template.template_id])
            match = smaller.search(probe, threshold=threshold, min_margin=margin)[0]
            missed.append(match.person != template.person)
    return float(np.mean(named)), float(np.mean(missed))


@pytest.mark.parametrize("margin", [0.0, 0.15])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_open_set_rates_are_those_of_searching_every_gallery_of_that_size(size: int, margin: float) -> None:
    made = random_gallery(5, 2, seed=4)
    threshold = float(np.median(scores_of(made).nearest_score))
    expected = searched(made, threshold, size, margin)
    scores = scores_of(made)
    found = (
        fpir(scores, threshold, size, min_margin=margin).value,
        fnir(scores, threshold, size, min_margin=margin).value,
    )
    assert_allclose(found, expected, atol=1e-9)
    assert 0 < expected[0] < 1


def test_without_a_size_strangers_meet_everybody_else_and_the_enrolled_everybody() -> None:
    scores = scores_of(random_gallery(7, 3, seed=1))
    assert fpir(scores, 0.4) == fpir(scores, 0.4, 6)
    assert fnir(scores, 0.4) == fnir(scores, 0.4, 7)
    for rate, size in ((fpir, 7), (fpir, 0), (fnir, 8), (fnir, 0)):
        with pytest.raises(ValueError, match="expected a gallery of 1 to"):
            rate(scores, 0.4, size)


def test_a_score_exactly_on_the_threshold_is_a_match() -> None:
    scores = scores_of(gallery({"A": [unit(1, 0)] * 2, "B": [unit(0.6, 0.8)] * 2}))
    on = float(scores.others[scores.others > NO_SCORE].min())
    high = math.nextafter(float(scores.others.max()), 2)
    assert (fpir(scores, on).value, fpir(scores, high).value) == (1.0, 0.0)
    own = float(scores.own.min())
    assert (fnir(scores, own).value, fnir(scores, math.nextafter(own, 2)).errors > 0) == (0.0, True)


def test_two_people_exactly_alike_are_no_hit() -> None:
    scores = scores_of(gallery({"A": [unit(1, 0)] * 2, "B": [unit(1, 0)] * 2}))
    assert fnir(scores, 0.5).value == 1.0
    assert fpir(scores, 0.5).value == 1.0


def test_more_people_are_more_chances_for_a_stranger() -> None:
    scores = scores_of(random_gallery(12, 2, seed=3))
    found = open_set_curve(scores, 0.5, 0.01)
    assert found.sizes.tolist() == list(range(1, 12))
    assert np.all(np.diff(found.fpir) >= 0)
    assert np.all(np.diff(found.fnir) >= -1e-12)
    assert np.all(np.diff(found.model_fpir) > 0)
    fmr, _ = error_rates(np.empty(0), scores.comparisons.impostor, 0.5)
    assert_allclose(found.fpir[0], fmr.value)  # of one person FPIR is FMR
    assert not np.isnan(np.concatenate([found.fpir, found.fnir, found.model_fpir])).any()


def test_a_curve_over_sizes_of_one_person_is_the_model_alone() -> None:
    found = open_set_curve(scores_of(gallery({"A": [unit(1, 0)]})), 0.5, 0.01, model_sizes=(1, 10))
    assert (len(found.sizes), len(found.fpir), len(found.fnir)) == (0, 0, 0)
    assert_allclose(found.model_fpir, [0.01, 1 - 0.99**10])


@given(st.floats(1e-9, 0.5), st.integers(1, 100_000))
def test_the_model_and_its_inverse_agree(rate: float, people: int) -> None:
    assert_allclose(fpir_of_fmr(fmr_of_fpir(rate, people), people), rate, rtol=1e-6)
    assert fpir_of_fmr(1.0, people) == pytest.approx(1)
    assert fpir_of_fmr(rate, 0) == 0


# ----------------------------------------------------------------------------------------- who is difficult


def test_difficulty_names_the_hardest_first_and_whom_they_resemble() -> None:
    made = gallery(
        {"easy": [unit(1, 0, 0)] * 2, "hard": [unit(0, 1, 0), unit(0, 0.6, 0.8)], "one": [unit(0.8, 0, 0.6)]}
    )
    rows = difficulty(scores_of(made))
    assert [row.person for row in rows] == ["hard", "easy", "one"]
    assert rows[0].hardest == pytest.approx(0.6, abs=1e-6)
    assert (rows[1].nearest_person, rows[1].nearest) == ("one", pytest.approx(0.8, abs=1e-6))
    assert (rows[2].genuine_mean, rows[2].hardest, rows[2].templates) == (None, None, 1)
    assert all(row.traits == () for row in rows), "too few people to compare with"


def test_a_goat_and_a_worm_are_found_among_many() -> None:
    generator = np.random.default_rng(8)

    def around(*centre: float, spread: float) -> list[Rows]:
        return [unit(*(np.array(centre) + spread * generator.normal(size=len(centre))).tolist()) for _ in range(4)]

    people = {f"P{n}": around(*np.eye(24)[n].tolist(), spread=0.03) for n in range(20)}
    people["goat"] = around(*np.eye(24)[20].tolist(), spread=0.4)
    traits = {row.person: row.traits for row in difficulty(scores_of(gallery(people)))}
    assert "goat" in traits["goat"]
    assert sum("goat" in found for found in traits.values()) == 1
    kinds = {"worm", "chameleon", "phantom", "dove"}
    assert all(len(kinds & set(found)) <= 1 for found in traits.values())


def test_a_wolf_resembles_everybody() -> None:
    generator = np.random.default_rng(9)
    people = {
        f"P{n}": [unit(*(np.eye(16)[n] + 0.05 * generator.normal(size=16)).tolist()) for _ in range(3)]
        for n in range(15)
    }
    people["wolf"] = [unit(*(np.eye(16)[15] + 0.8).tolist())] * 3
    traits = {row.person: row.traits for row in difficulty(scores_of(gallery(people)))}
    assert {"wolf", "lamb"} <= set(traits["wolf"])
    assert not any("wolf" in found for person, found in traits.items() if person != "wolf")


def test_look_alikes_come_most_alike_first() -> None:
    made = gallery({"A": [unit(1, 0, 0)], "B": [unit(0.8, 0.6, 0)], "C": [unit(0, 0, 1)], "D": [unit(0.6, 0.8, 0)]})
    pairs = look_alikes(scores_of(made), made.fused)
    assert len(pairs) == 6
    assert {(pairs[0].first, pairs[0].second), (pairs[1].first, pairs[1].second)} == {("B", "D"), ("A", "B")}
    assert pairs[0].similarity == pytest.approx(0.96, abs=1e-6)
    assert pairs[0].reaches(0.9)
    assert not pairs[0].reaches(0.97)
    assert [each.first + each.second for each in look_alikes(scores_of(made), made.fused, 1)] == ["BD"]


def test_the_closest_pairs_are_found_in_a_large_gallery_too() -> None:
    made = random_gallery(60, 2, seed=6)
    scores = scores_of(made)
    nearest = np.full((60, 60), -1.0)
    np.maximum.at(nearest, scores.owners, scores.others)
    every = np.maximum(nearest, nearest.T)[np.triu_indices(60, 1)]
    found = look_alikes(scores, made.fused, 5)
    expected = np.sort(np.maximum(every, (made.fused @ made.fused.T)[np.triu_indices(60, 1)]))[::-1][:5]
    assert_allclose([max(each.similarity, each.closest) for each in found], expected, atol=1e-6)


def test_somebody_elses_photo_among_a_persons_is_found() -> None:
    made = gallery({"A": [unit(1, 0, 0), unit(0.9, 0.1, 0), unit(0, 1, 0)], "B": [unit(0, 1, 0.1)] * 2})
    (wrong,) = outliers(scores_of(made), 0.3)
    assert (made.templates[wrong.row].template_id, wrong.person, wrong.nearest_person) == ("A-2", "A", "B")
    assert wrong.similarity < 0.3 < wrong.nearest


def test_of_two_templates_that_differ_both_are_told() -> None:
    made = gallery({"A": [unit(1, 0, 0), unit(0, 1, 0)], "B": [unit(0, 0, 1)]})
    assert [each.row for each in outliers(scores_of(made), 0.3)] == [0, 1]


# ----------------------------------------------------------------------------------------- photos


def test_more_enrolment_photos_let_fewer_people_be_missed() -> None:
    made = random_gallery(20, 6, seed=5, spread=1.1)
    found = photos_effect(made.embeddings, made.owners, made.weights, 0.6)
    values = [each.value for each in found.fnmr]
    assert found.photos == (1, 2, 3, 4, 5)
    assert found.people == 20
    assert values[0] > values[-1] + 0.05
    assert {each.trials for each in found.fnmr} == {120}
    rest = (scores_of(made).own < 0.6).mean()
    assert values[-1] == pytest.approx(rest), "all the others fused is what leave-one-out compares with"


def test_without_second_templates_nothing_is_said_about_photos() -> None:
    made = gallery({"A": [unit(1, 0)], "B": [unit(0, 1)]})
    found = photos_effect(made.embeddings, made.owners, made.weights, 0.6)
    assert (found.photos, found.people, found.fnmr) == ((), 0, ())
    nobody = gallery({})
    assert photos_effect(nobody.embeddings, nobody.owners, nobody.weights, 0.6).photos == ()


def test_only_people_who_can_spare_so_many_photos_are_asked() -> None:
    made = gallery({"A": [unit(1, 0)] * 5, "B": [unit(0, 1)] * 2})
    found = photos_effect(made.embeddings, made.owners, made.weights, 0.5, photos=(1, 4))
    assert found.people == 1
    assert [each.value for each in found.fnmr] == [0, 0]


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(1, 4), st.floats(-1.2, 1.2), st.integers(0, 99))
def test_no_rate_leaves_its_bounds_whatever_the_gallery(
    people: int, templates: int, threshold: float, seed: int
) -> None:
    made = random_gallery(people, templates, seed)
    scores = scores_of(made)
    for found in (fpir(scores, threshold, min_margin=0.05), fnir(scores, threshold, min_margin=0.05)):
        assert 0 <= found.low <= found.high <= 1
        if found.trials:
            assert found.low - 1e-9 <= found.value <= found.high + 1e-9
        else:
            assert (found.low, found.high) == (0, 1)
