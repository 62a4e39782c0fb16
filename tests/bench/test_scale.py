"""Protocols with answers known beforehand, and pages that hold the tables of the results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bench.page import put
from tests.bench.protocols import _fold_pairs, lfw_accuracy, products, weights_held_out
from tests.bench.readings import gathered
from tests.bench.scale import _kept_readings
from tests.bench.scale_page import blocks

ROOT = Path(__file__).parents[2]


def crowd(people: int, photos: int, noise: float, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    generator = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people), photos)
    rows = generator.normal(size=(people, 16))[owners] + noise * generator.normal(size=(len(owners), 16))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), owners


def test_pairs_of_a_fold_are_of_its_people_and_come_once() -> None:
    owners = np.repeat(np.arange(60), 3)
    genuine, impostor = _fold_pairs(owners, np.arange(20, 60), np.random.default_rng(0))
    assert genuine.shape == impostor.shape == (2, 120), "there are only 120 pairs of one person"
    assert (owners[genuine[0]] == owners[genuine[1]]).all()
    assert (owners[impostor[0]] != owners[impostor[1]]).all()
    for pairs in (genuine, impostor):
        assert len({tuple(sorted(pair)) for pair in pairs.T.tolist()}) == 120
        assert owners[pairs].min() >= 20
        assert (pairs[0] != pairs[1]).all()


def test_accuracy_of_perfect_useless_and_blind_engines() -> None:
    rows, owners = crowd(100, 4, 0.05)
    useless = np.random.default_rng(0).normal(size=(400, 8))
    blind = np.zeros(400, np.bool_)
    blind[::4] = True  # one photo of four has no face: half of the genuine pairs are lost

    def halved(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.floating]:
        return np.where(blind[first] | blind[second], -np.inf, products(rows)(first, second))

    found = lfw_accuracy({"perfect": products(rows), "useless": products(useless), "blind": halved}, owners)
    assert found["perfect"] == {"accuracy": 1.0, "error": 0.0}
    assert found["useless"]["accuracy"] == pytest.approx(0.5, abs=0.03)
    assert found["blind"]["accuracy"] == pytest.approx(0.75, abs=0.02)
    assert found["useless"]["error"] > 0


def test_the_scale_of_scores_does_not_matter() -> None:
    rows, owners = crowd(100, 4, 0.9)
    score = products(rows)
    found = lfw_accuracy({"as it is": score, "scaled": lambda a, b: 100 * score(a, b) - 7}, owners)
    assert found["as it is"]["accuracy"] == pytest.approx(found["scaled"]["accuracy"], abs=1e-3)
    assert 0.6 < found["as it is"]["accuracy"] < 1


def test_the_network_that_tells_people_apart_gets_the_weight() -> None:
    good, owners = crowd(700, 2, 0.3)
    noise = np.random.default_rng(1).normal(size=good.shape)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    found = weights_held_out(good, noise, owners)
    assert found["fnmr"]["1.0"] < found["fnmr"]["0.4"] < found["fnmr"]["0.0"]
    assert found["chosen"] == [1.0] * 5


def test_readings_are_kept_with_the_way_they_are_compared(tmp_path: Path) -> None:
    first = [
        gathered([np.array([0.0, 0.0]), np.array([3.0, 4.0]), None], "euclidean"),
        gathered([np.array([1.0, 0.0])] * 3),
    ]
    made = _kept_readings(tmp_path / "kept" / "x.npz", lambda: first)
    again = _kept_readings(tmp_path / "kept" / "x.npz", lambda: pytest.fail("they are kept"))
    for found in (made, again):
        assert [each.compared for each in found] == ["euclidean", "cosine"]
        assert found[0].similarity()[0].tolist() == [0, -5, -np.inf]


def test_blocks_go_between_their_markers_and_the_rest_stays() -> None:
    page = "a\n<!-- one: by hand of x -->\nold\n<!-- end of one -->\nb\n<!-- two: y -->\nkeep\n<!-- end of two -->\nc\n"
    found = put(page, {"one": "new"})
    assert found == page.replace("\nold\n", "\n\nnew\n\n")
    assert put(found, {"one": "new"}) == found
    assert put(page, {}) == page


def test_the_pages_hold_the_tables_of_the_results() -> None:
    """Written anew with `python -m tests.bench.scale_page tests/bench/lfw.json docs`."""
    found = blocks(json.loads((ROOT / "tests" / "bench" / "lfw.json").read_text(encoding="utf-8")))
    pages = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("evaluation.md", "models.md")}
    for text in pages.values():
        assert put(text, found) == text
    for name, block in found.items():
        assert any(block in text for text in pages.values()), name


def test_the_results_are_those_that_were_asked_for() -> None:
    """What a release must show: docs/evaluation.md tells it."""
    result = json.loads((ROOT / "tests" / "bench" / "lfw.json").read_text(encoding="utf-8"))
    engines = result["engines"]
    both, facenet = engines["both (default)"], engines["FaceNet alone"]
    assert both["lfw"]["accuracy"] >= 0.9945
    for kind in ("all", "few"):
        assert both[kind]["fnmr"]["0.0001"]["value"] <= 0.6 * facenet[kind]["fnmr"]["0.0001"]["value"]
    for row in result["promises"]["both (default)"]:
        assert row["fpir"]["high"] <= 2 * row["promised"]
    if (readings := result.get("readings")) is not None:
        assert readings["taken_turned"] == 0
        assert readings["tight"] >= 0.98 * readings["photos"]
