"""The prior curve: measured, stored with its model, and the two numbers that thresholds are derived from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import unit
from numpy.testing import assert_allclose

from engine.alignment import ALIGNMENT_ID
from engine.errors import InputError
from engine.evaluation import PriorCurve, error_rates, impostor_model, measure_prior, photo_comparisons, prior_of
from engine.face_reader import FaceReader
from engine.models import DEFAULT_EMBEDDER, EMBEDDERS
from engine.tuning import assess_prior


def made_up(photos: int = 12, people: int = 4, enrolled: int = 3) -> PriorCurve:
    generator = np.random.default_rng(0)
    owners = np.repeat(np.arange(people), photos)
    centres = generator.normal(size=(people, 16))
    rows = np.stack([unit(*(centres[owner] + 0.7 * generator.normal(size=16)).tolist()) for owner in owners])
    return measure_prior(
        photo_comparisons(rows, owners),
        rows,
        owners,
        np.ones(len(rows)),
        model_id="m",
        alignment_id="a",
        enrolled=enrolled,
    )


def test_the_default_models_curve_comes_with_the_package() -> None:
    prior = prior_of(DEFAULT_EMBEDDER)
    assert prior is not None
    assert prior.model_id == DEFAULT_EMBEDDER
    assert prior.alignment_id == f"{ALIGNMENT_ID}+mirror"
    assert (prior.people, prior.photos) == (5, 118)
    for quantiles in (prior.probabilities, prior.genuine, prior.impostor):
        assert np.all(np.diff(quantiles) >= 0)
    assert prior.genuine[len(prior.genuine) // 2] > prior.impostor[-1], (
        "a usual friend is nearer than the nearest stranger"
    )


def test_thresholds_are_derived_from_what_was_measured() -> None:
    """The registry repeats two digits of the curve; whoever measures it anew sees when they differ."""
    prior, spec = prior_of(DEFAULT_EMBEDDER), EMBEDDERS[DEFAULT_EMBEDDER]
    assert prior is not None
    assert (spec.impostor_mean, spec.impostor_std) == (round(prior.pairs_mean, 2), round(prior.pairs_std, 2))


def test_the_normal_prior_does_not_promise_more_than_the_photos_keep() -> None:
    prior, spec = prior_of(DEFAULT_EMBEDDER), EMBEDDERS[DEFAULT_EMBEDDER]
    assert prior is not None
    model = impostor_model(np.empty(0), 0, prior_mean=spec.impostor_mean, prior_std=spec.impostor_std)
    for fmr in (1e-3, 1e-4):  # at 1e-2 they keep 1.3e-2: the shoulders of five people are not normal
        assert prior.fmr(model.threshold_at(fmr)) <= fmr * 1.2


def test_a_model_that_was_never_measured_has_no_curve() -> None:
    assert prior_of("facenet-vggface2-512") is None


def test_a_curve_is_the_same_after_a_way_through_a_file() -> None:
    prior = made_up()
    again = PriorCurve.from_json(prior.to_json())
    assert again.to_json() == prior.to_json()
    assert_allclose(again.impostor, prior.impostor)
    assert (again.genuine_scores, again.enrolled) == (prior.genuine_scores, 3)


def test_probes_meet_fused_templates_they_are_no_part_of() -> None:
    prior = made_up()
    assert prior.genuine_scores == 20 * 4 * (12 - 3)
    assert prior.impostor_scores == 3 * prior.genuine_scores
    assert prior.genuine[-1] < 1, "no photo met itself"
    again = made_up()
    assert again.to_json() == prior.to_json(), "the same photos give the same curve"


def test_rates_of_the_curve_follow_its_scores() -> None:
    prior = made_up()
    assert (prior.fmr(-1), prior.fnmr(-1), prior.fmr(1.01), prior.fnmr(1.01)) == (1, 0, 0, 1)
    scores = np.interp(np.linspace(0, 1, 20_001), prior.probabilities, prior.impostor)
    for threshold in (-0.2, 0.1, 0.4):
        assert prior.fmr(threshold) == pytest.approx(error_rates(scores, scores, threshold)[0].value, abs=2e-4)


def test_too_few_photos_make_no_curve() -> None:
    with pytest.raises(ValueError, match="3 good photos each"):
        made_up(photos=2)
    with pytest.raises(ValueError, match="two people"):
        made_up(people=1)


@pytest.mark.models
def test_the_stored_curve_is_what_the_command_measures(samples: Path, reader: FaceReader) -> None:
    stored = prior_of(DEFAULT_EMBEDDER)
    assert stored is not None
    found = assess_prior(
        reader, samples, model_id=stored.model_id, alignment_id=stored.alignment_id, progress=lambda *_: None
    )
    assert found.pairs_mean == pytest.approx(stored.pairs_mean, abs=2e-3)
    assert found.pairs_std == pytest.approx(stored.pairs_std, abs=2e-3)
    assert (found.genuine_scores, found.impostor_scores) == (stored.genuine_scores, stored.impostor_scores)
    assert_allclose(found.impostor, stored.impostor, atol=0.01)
    assert_allclose(found.genuine, stored.genuine, atol=0.01)


def test_a_folder_without_photos_makes_no_curve(tmp_path: Path) -> None:
    class Nobody:
        """Is never asked."""

    with pytest.raises(InputError, match="no photos"):
        assess_prior(Nobody(), tmp_path, model_id="m", alignment_id="a", progress=lambda *_: None)  # type: ignore[arg-type]
