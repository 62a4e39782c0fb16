"""Galleries drawn from labelled photos: what strangers and enrolled people meet, with answers known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.evaluation import derive_threshold, impostors_of, measure_cohort
from engine.gallery import Gallery, Template
from engine.tuning.identification import Recipe, _search, identification, promise_counts, promise_kept
from engine.tuning.reading import LabelledPhotos

RECIPE = Recipe("m", "a", 0.05)
WITHOUT_MARGIN = Recipe("m", "a", 0.0)


def at(threshold: float) -> Callable[[Gallery], float]:
    return lambda _gallery: threshold


def labelled(rows: NDArray[np.floating], owners: NDArray[np.intp]) -> LabelledPhotos:
    names = tuple(f"p{number:04}" for number in range(int(owners.max()) + 1))
    paths = tuple(Path(f"{names[owner]}/{index}.jpg") for index, owner in enumerate(owners))
    return LabelledPhotos(paths, names, owners, np.asarray(rows, np.float32), np.ones(len(rows)), {})


def axes(people: int, photos: int) -> LabelledPhotos:
    """Everybody looks like themselves alone."""
    owners = np.repeat(np.arange(people), photos)
    return labelled(np.eye(people)[owners], owners)


def crowd(people: int, photos: int, seed: int = 0, noise: float = 0.5) -> LabelledPhotos:
    generator = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people), photos)
    rows = generator.normal(size=(people, 24))[owners] + noise * generator.normal(size=(len(owners), 24))
    return labelled(rows / np.linalg.norm(rows, axis=1, keepdims=True), owners)


def test_a_search_decides_as_the_gallery_does() -> None:
    photos = crowd(30, 4, noise=1.0)
    templates = tuple(Template(str(row), str(photos.owners[row]), 1.0) for row in range(0, 80, 2))
    gallery = Gallery("m", "a", photos.embeddings[:80:2], templates)
    best, named = _search(gallery, photos.embeddings, 0.5, 0.05)
    wanted = gallery.search(photos.embeddings, threshold=0.5, min_margin=0.05)
    assert [str(each) for each in best] == [match.candidates[0].person for match in wanted]
    assert named.tolist() == [match.person is not None for match in wanted]
    assert 0 < named.sum() < len(named)


@pytest.mark.parametrize("people", [4, 120])
def test_people_who_look_like_themselves_alone_are_all_named_and_no_stranger_is(people: int) -> None:
    found = identification(axes(people, 4), 2, RECIPE, at(0.5))
    assert (found["rank1"], found["fpir"], found["fnir"]) == (1, 0, 0)
    assert found["people"] == (people if people <= 50 else people // 2)
    assert found["intervals"]["fpir"][1] > 0


@pytest.mark.parametrize("people", [4, 120])
def test_people_who_look_the_same_are_never_named_with_a_margin_and_always_without(people: int) -> None:
    owners = np.repeat(np.arange(people), 4)
    same = labelled(np.ones((len(owners), 1)), owners)
    found = identification(same, 2, RECIPE, at(0.5))
    assert (found["fpir"], found["fnir"]) == (0, 1)
    found = identification(same, 2, WITHOUT_MARGIN, at(0.5))
    assert found["fpir"] == 1
    assert found["fnir"] == pytest.approx(1 - 1 / found["people"])


def test_sizes_that_do_not_fit_are_left_out() -> None:
    sizes = [(each.people, each.photos) for each in promise_kept(axes(70, 4), RECIPE, at(0.5), 1e-3)]
    assert sizes == [(5, 3), (10, 3), (50, 3)]
    assert promise_kept(axes(14, 4), RECIPE, at(0.5), 1e-3) == [], "nobody would be left as a stranger"


def test_rates_that_are_known() -> None:
    apart = promise_kept(axes(70, 4), RECIPE, at(0.5), 1e-3)
    assert all(each.fpir.value == 0 and each.fnir is not None and each.fnir.value == 0 for each in apart)
    assert [each.strangers for each in apart] == [70, 70, 70], "over the draws, everybody is a stranger"
    owners = np.repeat(np.arange(70), 4)
    twins = labelled(np.eye(35)[owners // 2], owners)  # everybody has a double
    (found,) = promise_kept(twins, WITHOUT_MARGIN, at(0.5), 1e-3, sizes=[(10, 3)], draws=lambda _: 400)
    # a stranger's double is among ten of the 69 others
    assert found.fpir.value == pytest.approx(10 / 69, abs=0.01)
    assert found.fpir.low < 10 / 69 < found.fpir.high
    assert found.promised == 1e-3


def test_photos_that_fail_the_gate_neither_search_nor_are_enrolled() -> None:
    photos = axes(40, 4)
    less = photos.usable_of(np.arange(40) < 25)
    (found,) = promise_kept(less, RECIPE, at(0.5), 1e-3, sizes=[(5, 3), (20, 3)])
    assert (found.people, found.strangers) == (5, 25)


def test_counts_of_several_draws_add_up() -> None:
    photos = crowd(60, 4, noise=0.9)
    parts = [promise_counts(photos, RECIPE, at(0.45), 10, 3, 20, seed) for seed in (1, 2)]
    first, second = (each for each in parts if each is not None)
    both = (first + second).result(0.1)
    assert both.draws == 40
    assert both.fpir.errors == first.wrong.shape[1] + second.wrong.shape[1] > 0
    alone = first.result(0.1).fpir
    assert both.fpir.high - both.fpir.low < alone.high - alone.low, "more galleries, less doubt"


def test_the_derived_threshold_keeps_its_promise_on_people_it_never_saw() -> None:
    seen, unseen = crowd(400, 4, seed=1), crowd(400, 4, seed=2)
    cohort, _ = measure_cohort(seen.embeddings, seen.owners, seen.weights, model_id="m", alignment_id="a")

    def derived(gallery: Gallery) -> float:
        found = impostors_of(cohort, gallery.impostor_scores(), gallery.counts)
        return derive_threshold(found, target_fmr=1e-3, target_fpir=1e-2)

    found = promise_kept(unseen, RECIPE, derived, 1e-2)
    assert [each.people for each in found] == [5, 10, 50, 200]
    for each in found:
        assert each.fpir.low <= 1e-2, each
        assert each.fpir.value < 1.5e-2, each
