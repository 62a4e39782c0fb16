"""How well engines tell people apart: figures with intervals over people, fair comparisons, choices judged on others, the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from plain_figures import plain_figures

from engine.evaluation import Comparisons, Ranked, figures
from engine.face_reader import FaceReader, open_embedder, subject
from engine.imaging import read_image
from engine.models import FUSED, ModelStore
from tests.bench.accuracy import DLIB, MUSTER, compare, per_person
from tests.bench.accuracy_page import write_accuracy_page
from tests.bench.det import det_plot
from tests.bench.loops import has_dlib
from tests.bench.paired import paired
from tests.bench.readings import Reading, dlib_reading, gathered
from tests.bench.recipes import DEFAULT, Recipe, read_samples, recipe_readings
from tests.bench.scoring import NORMALISATIONS, all_pairs, choose, held_out, template_scores


def crowd(
    people: int = 5, photos: int = 12, noise: float = 0.6, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Unit rows around a centre each, and whose they are."""
    generator = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people), photos)
    rows = generator.normal(size=(people, 16))[owners] + noise * generator.normal(size=(len(owners), 16))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), owners


def pairs(noise: float, seed: int = 0, people: int = 5) -> Comparisons:
    rows, owners = crowd(people, noise=noise, seed=seed)
    return all_pairs(rows @ rows.T, owners)


# ----------------------------------------------------------------------------------------- figures


def test_weighted_figures_of_everybody_once_are_the_plain_ones() -> None:
    generator = np.random.default_rng(3)
    scores = pairs(2.0)
    tied = Comparisons(scores.scores.round(1), scores.subjects, scores.people)
    for data in (scores, tied, Comparisons(generator.permutation(scores.scores), scores.subjects, scores.people)):
        wanted = plain_figures(data)
        (found,) = Ranked(data).of_people(np.ones((1, data.people)))
        assert_allclose(found, wanted, atol=1e-12)
        assert_allclose(Ranked(data).of_pairs(np.ones((1, len(data))))[0], wanted, atol=1e-12)


def test_a_person_drawn_twice_counts_as_two_people_with_the_same_photos() -> None:
    """Their own pairs twice, those with others twice, as written out by hand."""
    data = pairs(2.0, people=3)
    (found,) = Ranked(data).of_people(np.array([[2.0, 1.0, 0.0]]))
    kept = (data.subjects < 2).all(1)
    times = np.ones(len(data), int)
    times[(data.subjects == 0).any(1)] = 2
    written = np.repeat(np.flatnonzero(kept), times[kept])
    plain = plain_figures(Comparisons(data.scores[written], data.subjects[written], data.people))
    assert found[[0, 3]] == pytest.approx([plain[0], plain[3]])


def test_perfect_and_hopeless_scores() -> None:
    data = pairs(1.0)
    perfect = figures(Comparisons(data.same.astype(float), data.subjects, 5))
    assert (perfect["auc"].value, perfect["eer"].value, perfect["tar@0.001"].value) == (1, 0, 1)
    assert perfect["auc"].high == 1
    assert perfect["auc"].low < 0.8, "five people without an error prove little"
    hopeless = figures(Comparisons(-data.same.astype(float), data.subjects, 5))
    assert (hopeless["auc"].value, hopeless["tar@0.001"].value) == (0, 0)
    equal = figures(Comparisons(np.zeros(len(data)), data.subjects, 5))
    assert (equal["auc"].value, equal["eer"].value, equal["tar@0.01"].value) == (0.5, 0.5, 0)


def test_intervals_hold_the_value_repeat_and_narrow_with_people() -> None:
    few, many = (figures(pairs(2.0, people=people)) for people in (5, 20))
    for found in (few, many):
        for figure in found.values():
            assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert many["auc"].high - many["auc"].low < few["auc"].high - few["auc"].low
    assert figures(pairs(2.0)) == few
    assert figures(pairs(2.0), seed=1)["auc"] != few["auc"]


def test_one_person_or_nobody_has_no_figures() -> None:
    alone = Comparisons(np.array([0.9, 0.8]), np.zeros((2, 2), int), 1)
    nobody = Comparisons(np.empty(0), np.empty((0, 2), int), 0)
    for data in (alone, nobody):
        found = figures(data)["auc"]
        assert np.isnan(found.value)
        assert (found.low, found.high) == (0, 1)


def test_an_engine_equals_itself_on_any_scale() -> None:
    data = pairs(2.0)
    for found in paired(data, Comparisons(100 * data.scores - 7, data.subjects, data.people)).values():
        assert (found.value, found.low, found.high, found.percentile, found.pairs) == (0, 0, 0, (0, 0), (0, 0))
        assert not found.significant


def test_a_better_engine_is_better_beyond_doubt_when_it_is_so_for_everybody() -> None:
    good, poor = pairs(0.7, people=10), pairs(4.0, people=10)
    found, reverse = paired(good, poor)["auc"], paired(poor, good)["auc"]
    assert found.significant
    assert found.low > 0
    assert reverse.value == -found.value
    assert (reverse.low, reverse.high) == pytest.approx((-found.high, -found.low))
    assert found.pairs[1] - found.pairs[0] < found.high - found.low, "pairs seem more certain than people"


def test_a_gain_for_one_person_of_five_is_no_gain_beyond_doubt() -> None:
    poor = pairs(2.5)
    scores = poor.scores.copy()
    scores[(poor.subjects == 0).all(1)] = 2.0
    found = paired(Comparisons(scores, poor.subjects, 5), poor)["tar@0.001"]
    assert found.value > 0.05
    assert not found.significant


def test_other_pairs_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same comparisons"):
        paired(pairs(1.0), pairs(1.0, people=4))


# ----------------------------------------------------------------------------------------- readings


def test_a_photo_without_a_face_is_accepted_at_no_threshold() -> None:
    rows, owners = crowd(3, 4, noise=0.2)
    some: list[NDArray[np.float64] | None] = [None, *rows[1:]]
    reading = gathered(some)
    table = reading.similarity()
    assert np.isneginf(table[0]).all()
    assert np.isneginf(table[:, 0]).all()
    found = figures(all_pairs(table, owners))
    # 3 of 18 genuine pairs cannot be made, 8 of 48 impostor pairs neither: ties share their rank
    assert found["tar@0.001"].value == pytest.approx(15 / 18)
    assert found["auc"].value == pytest.approx(15 / 18 + 3 / 18 * (8 / 48) / 2)
    (row, *_) = per_person(reading, owners, threshold=-1.0)
    assert (row["photos"], row["no_face"], row["fnmr"]) == (4, 1, 0.5)


def test_euclidean_distances_are_negated_and_nobody_is_an_empty_table() -> None:
    reading = Reading(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([True, True]), "euclidean")
    assert_allclose(reading.similarity(), [[0, -5], [-5, 0]])
    assert gathered([]).similarity().shape == (0, 0)
    assert np.isneginf(gathered([None, None]).similarity()).all()


def test_everybodys_nearest_impostor_is_named() -> None:
    rows = np.array([[1, 0, 0], [1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0, 1]], float)
    first, second, third = per_person(gathered(list(rows)), np.array([0, 0, 1, 1, 2]), threshold=0.9)
    assert (first["nearest_person"], first["nearest"], first["fnmr"]) == (1, pytest.approx(0.6), 0)
    assert (second["nearest_person"], second["fnmr"]) == (0, 1)
    assert np.isnan(third["fnmr"])
    assert third["interval"] == (0, 1)


# ----------------------------------------------------------------------------------------- held-out people


def test_cohorts_hold_nobody_who_is_compared_and_each_impostor_pair_comes_once() -> None:
    rows, owners = crowd(4, 3)
    seen: list[tuple[int, int]] = []

    def score(faces: NDArray[np.float64], cohort: NDArray[np.float64]) -> NDArray[np.float64]:
        assert (faces @ cohort.T).max() < 1 - 1e-9, "somebody who is compared is in the cohort"
        seen.append((len(faces), len(cohort)))
        return np.asarray(faces @ faces.T)

    found = held_out(rows, owners, score)
    assert seen == [(6, 6)] * 6
    assert len(found.impostor) == 6 * 9
    assert len(found.genuine) == 3 * 4 * 3
    plain = all_pairs(rows @ rows.T, owners)
    assert_allclose(np.sort(found.impostor), np.sort(plain.impostor))
    assert_allclose(figures(found)["auc"].value, figures(plain)["auc"].value)
    with pytest.raises(ValueError, match="three people"):
        held_out(*crowd(2, 3), score)


def test_normalised_scores_do_not_depend_on_the_order_of_a_pair_and_z_norm_does() -> None:
    rows, owners = crowd(4, 6)
    faces, cohort = rows[owners < 2], rows[owners >= 2]
    for name, score in NORMALISATIONS.items():
        table = score(faces, cohort)
        assert np.isfinite(table).all()
        assert np.allclose(table, table.T) == (not name.startswith("z-norm")), name


def test_a_choice_is_judged_on_people_who_had_no_part_in_it() -> None:
    """A recipe that is perfect for three people and worthless for two is chosen where only the three are seen, and then fails."""
    rows, owners = crowd(5, 8, noise=1.2)
    default = rows @ rows.T
    lucky = default.copy()
    same = owners[:, None] == owners[None]
    trained = (owners < 3)[:, None] & (owners < 3)[None]
    lucky[trained] = np.where(same, 1.0, -1.0)[trained]
    lucky[~trained] = -default[~trained]
    found = choose({"default": default, "lucky": lucky}, owners)
    assert sum(found.chosen.values()) == 10
    assert found.chosen["lucky"] >= 1
    assert paired(found.scores, found.default)["auc"].value < 0
    equal = choose({"default": default, "copy": default.copy()}, owners)
    assert equal.chosen == {"default": 10}, "the default wins ties"
    with pytest.raises(ValueError, match="four people"):
        choose({"default": default[:24, :24]}, owners[:24])


def test_more_photos_make_better_templates_and_probes_are_in_none() -> None:
    rows, owners = crowd(4, 16, noise=1.6)
    weights = np.ones(len(owners))
    found = {count: template_scores(rows, owners, weights, count, "weighted", draws=5) for count in (1, 10)}
    assert {len(each) for each in found.values()} == {5 * 4 * 6 * 4}
    assert figures(found[10])["auc"].value > figures(found[1])["auc"].value
    assert found[1].scores.max() < 1 - 1e-9
    assert_allclose(template_scores(rows, owners, weights, 10, "mean", draws=5).scores, found[10].scores)
    one = [template_scores(rows, owners, weights, 1, fusion, draws=5).scores for fusion in ("closest", "mean score")]
    for scores in one:
        assert_allclose(scores, found[1].scores)
    with pytest.raises(ValueError, match="good photos"):
        template_scores(rows, owners, weights * (owners > 0), 5, "mean")
    with pytest.raises(ValueError, match="expected one of weighted"):
        template_scores(rows, owners, weights, 5, "median")  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------- engines, page


def compared() -> dict[str, Any]:
    """Three engines on made-up people; the second fails on two photos."""
    rows, owners = crowd(5, 12, noise=0.5)
    poor, _ = crowd(5, 12, noise=1.5)
    blind: list[NDArray[np.float64] | None] = list(poor)
    blind[0] = blind[13] = None
    readings = {MUSTER: gathered(list(rows)), DLIB: gathered(blind, "euclidean"), "third": gathered(list(poor))}
    return compare(readings, owners, np.ones(len(owners)))


def test_engines_are_compared_on_all_pairs_and_on_those_that_all_could_score() -> None:
    result = compared()
    ours, theirs = result["engines"][MUSTER], result["engines"][DLIB]
    assert (ours["all"]["pairs"], ours["own"]["pairs"], ours["common"]["pairs"]) == (
        60 * 59 // 2,
        60 * 59 // 2,
        58 * 57 // 2,
    )
    assert theirs["own"]["pairs"] == result["common_pairs"] == 58 * 57 // 2
    assert theirs["failure_to_acquire"]["failed"] == 2
    assert theirs["all"]["auc"]["value"] < theirs["common"]["auc"]["value"]
    assert result["differences"][DLIB]["all"]["auc"]["value"] == pytest.approx(
        ours["all"]["auc"]["value"] - theirs["all"]["auc"]["value"]
    )
    assert MUSTER not in result["differences"]
    assert theirs["open_set"]["fpir"] <= 0.01
    assert theirs["open_set"]["fnir"] >= ours["open_set"]["fnir"]
    json.dumps(result)
    assert result == compared(), "the same photos give the same figures"


def test_too_few_photos_leave_the_open_set_out() -> None:
    rows, owners = crowd(3, 4)
    result = compare({MUSTER: gathered(list(rows))}, owners, np.ones(12))
    assert result["engines"][MUSTER]["open_set"] is None


def _whole() -> dict[str, Any]:
    rows, owners = crowd(5, 12)
    first = all_pairs(rows @ rows.T, owners)
    gain = {name: {**vars(each), "significant": each.significant} for name, each in paired(first, first).items()}
    row = {name: vars(each) for name, each in figures(first).items()}
    return {
        "model": "m",
        "alignment": "a",
        "versions": {"muster": "1"},
        "photos": 60,
        "pairs": 1770,
        "people": ["ann_<b>", "bob", "cy", "di", "ed"],
        **compared(),
        "tried": {
            "recipes": {"usual": {**row, "gain": None, "runs": 2}, "other": {**row, "gain": gain, "runs": 4}},
            "held_out": {**row, "gain": gain, "chosen": {"usual": 10}},
            "normalisation": {"cosine": {**row, "gain": None}},
            "templates": {"five": {**row, "gain": None}},
        },
    }


def test_the_page_tells_what_the_figures_say(tmp_path: Path) -> None:
    result = _whole()
    write_accuracy_page(tmp_path / "docs" / "evaluation.md", result)
    page = (tmp_path / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert "1,653" in page, "the common pairs"
    assert "2 of 60" in page
    assert "No gain has an interval over people that excludes zero" in page
    assert "images/evaluation.svg" in page
    assert "nan" not in page
    assert max(len(line.split("|")) for line in page.splitlines() if line.startswith("| bob".title())) == 8
    better = result["tried"]["recipes"]["other"]["gain"]["auc"]
    better.update(value=0.1, low=0.05, high=0.15, significant=True)
    write_accuracy_page(tmp_path / "again.md", result)
    assert "excludes zero for: other" in (tmp_path / "again.md").read_text(encoding="utf-8")


def test_the_plot_is_a_picture_with_a_line_for_each_engine() -> None:
    engines = compared()["engines"]
    engines["<hostile> & co"] = engines.pop("third")
    picture = ElementTree.fromstring(det_plot(engines))
    space = "{http://www.w3.org/2000/svg}"
    lines = picture.findall(f"{space}path")
    assert len(lines) == 4, "three engines, and one over its own pairs"
    assert sum(line.get("stroke-dasharray") is not None for line in lines) == 1
    assert "<hostile> & co" in {text.text for text in picture.iter(f"{space}text")}
    for bar in picture.findall(f"{space}line"):
        assert all(0 <= float(bar.get(end) or "nan") <= 700 for end in ("x1", "x2", "y1", "y2"))


# ----------------------------------------------------------------------------------------- real photos


@pytest.fixture(scope="module")
def owners(sample_photos: list[Path]) -> NDArray[np.intp]:
    names = sorted({photo.parent.name for photo in sample_photos})
    return np.array([names.index(photo.parent.name) for photo in sample_photos], np.intp)


@pytest.fixture(scope="module")
def ours(sample_photos: list[Path], reader: FaceReader) -> Reading:
    rows = []
    for photo in sample_photos:
        image = read_image(photo)
        faces = reader.photo(image)
        chosen = subject(faces, (image.shape[1], image.shape[0]))
        rows.append(None if chosen is None or faces.embeddings is None else faces.embeddings[chosen])
    return gathered(rows)


@pytest.mark.models
def test_the_default_recipe_misses_no_face_and_tells_people_apart(ours: Reading, owners: NDArray[np.intp]) -> None:
    assert ours.acquired.all()
    found = figures(all_pairs(ours.similarity(), owners))
    assert found["auc"].value >= 0.996
    assert found["tar@0.001"].value >= 0.92
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| muster | 6,903 |"))
    for name in ("auc", "eer", "tar@0.001"):  # written anew when the recipe changes
        told = float(row.split("|")[{"auc": 3, "eer": 4, "tar@0.001": 6}[name]].split()[0])
        assert told == pytest.approx(found[name].value, abs=2e-3)


@pytest.mark.models
@pytest.mark.skipif(not has_dlib(), reason="the rival is an extra: pip install 'muster[bench]'")
def test_the_default_recipe_is_at_least_as_good_as_dlib(
    ours: Reading, owners: NDArray[np.intp], sample_photos: list[Path]
) -> None:
    dlib = dlib_reading(sample_photos, lambda *_: None)
    assert ours.acquired.sum() > dlib.acquired.sum(), "failure to acquire"
    common = ours.acquired & dlib.acquired
    for kept in (common, None):
        mine, theirs = (figures(all_pairs(each.similarity(), owners, kept)) for each in (ours, dlib))
        assert mine["auc"].value >= theirs["auc"].value
        assert mine["tar@0.001"].value > theirs["tar@0.001"].value
    every = paired(*(all_pairs(each.similarity(), owners) for each in (ours, dlib)))
    assert every["auc"].low > 0, "with failures to acquire counted the gain holds over people"


@pytest.mark.models
def test_the_default_among_the_recipes_is_what_the_product_does(
    sample_photos: list[Path], reader: FaceReader, store: ModelStore
) -> None:
    plain = open_embedder(store, FUSED, mirror=False)
    photos = read_samples(sample_photos[::40], reader, lambda *_: None)
    larger = Recipe("larger", ("larger",))
    found = recipe_readings(photos, plain, lambda *_: None, [DEFAULT, larger])
    same = (found[DEFAULT.name].embeddings * photos.reading.embeddings).sum(1)
    assert (same > 0.999).all(), "the product weighs the mirror image by the length of what the network says"
    alike = (found["larger"].embeddings * photos.reading.embeddings).sum(1)
    assert ((alike > 0.5) & (alike < 0.999)).all(), "another view of the same face"
