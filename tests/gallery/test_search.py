"""Searching large galleries: what the index finds against comparing with everybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.gallery import Gallery, GalleryStore, Template, search
from engine.gallery.search import Searcher

pytest.importorskip("faiss")

PEOPLE = 4000


def _rows(count: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, 128)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Galleries count as large at a size that tests can afford."""
    monkeypatch.setattr(search, "EXACT_UP_TO", 1000)


NAMES = [f"p{index}" for index in range(PEOPLE)]
ROWS = _rows(PEOPLE, 1)


@pytest.mark.usefixtures("large")
def test_the_index_finds_whom_the_exact_search_finds() -> None:
    noisy = ROWS[:100] + 0.8 * _rows(100, 2)
    probes = np.vstack([noisy / np.linalg.norm(noisy, axis=1, keepdims=True), _rows(100, 3)])
    searcher = Searcher(NAMES, ROWS)
    assert not searcher.exact
    exact = probes @ ROWS.T
    for probe, found, scores in zip(probes, searcher.best(probes, 5), exact, strict=True):
        order = np.argsort(-scores)[:5]
        assert [name for name, _ in found] == [NAMES[row] for row in order]
        np.testing.assert_allclose([value for _, value in found], np.sort(probe @ ROWS.T)[::-1][:5], atol=1e-6)


@pytest.mark.usefixtures("large")
def test_people_left_out_are_not_found_and_leave_the_answer_complete() -> None:
    best = [name for name, _ in Searcher(NAMES, ROWS).best(ROWS[:1], 6)[0]]
    fewer = [name for name, _ in Searcher(NAMES, ROWS).best(ROWS[:1], 5, without={best[0]})[0]]
    assert best[0] == "p0"
    assert fewer == best[1:]


@pytest.mark.usefixtures("large")
def test_a_changed_gallery_uses_the_index_again_and_is_searched_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Searcher(NAMES, ROWS)
    new = _rows(2, 9)
    names = [*NAMES[1:], "new"]  # p0 has left, p1 looks different, somebody is new
    rows = np.vstack([new[:1], ROWS[2:], new[1:]])

    def refuse(*_: object) -> None:
        raise AssertionError("the index was built again")

    monkeypatch.setattr(search, "_Index", refuse)
    after = Searcher(names, rows, before)
    first = [found[0][0] for found in after.best(np.vstack([new, ROWS[5:6]]), 2)]
    assert first == ["p1", "new", "p5"]
    assert after.best(ROWS[:1], 1)[0][0][0] != "p0"
    assert after.best(ROWS[1:2], 1)[0][0][1] < 0.9


@pytest.mark.usefixtures("large")
def test_many_changes_build_the_index_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_OVERLAY", 10)
    before = Searcher(NAMES, ROWS)
    after = Searcher(NAMES[20:], ROWS[20:], before)
    assert [found[0][0] for found in after.best(ROWS[[3, 30]], 1)][1] == "p30"
    assert after.best(ROWS[3:4], 1)[0][0][0] != "p3"


@pytest.mark.usefixtures("large")
def test_without_the_extra_everybody_is_compared_with_and_told_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(search.importlib.util, "find_spec", lambda _name: None)
    searcher = Searcher(NAMES, ROWS)
    assert searcher.exact
    assert searcher.best(ROWS[7:8], 1)[0][0][0] == "p7"
    assert "pip install 'muster[large]'" in caplog.text


@pytest.mark.usefixtures("large")
def test_a_gallery_searches_the_same_through_the_index() -> None:
    templates = tuple(Template(f"t{index}", name, 0.9) for index, name in enumerate(NAMES))
    gallery = Gallery("m", "a", ROWS, templates)
    match = gallery.search(ROWS[42:43], threshold=0.9, min_margin=0.1)[0]
    assert match.person == "p42"
    grown = gallery.add([Template("t-new", "new", 0.9)], -ROWS[:1]).succeed(gallery)
    assert grown.search(-ROWS[:1], threshold=0.9)[0].person == "new"
    assert grown.search(ROWS[42:43], threshold=0.9)[0].person == "p42"


@pytest.mark.usefixtures("large")
def test_a_stored_gallery_keeps_its_index_over_changes_of_any_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "people.safetensors"
    templates = [Template(f"t{index}", name, 0.9) for index, name in enumerate(NAMES)]
    here, there = (GalleryStore(path, "m", "a", 128) for _ in range(2))
    here.update(lambda gallery: gallery.add(templates, ROWS))
    here.current().search(ROWS[:1], threshold=0.9)
    monkeypatch.setattr(search, "_Index", None)  # none is built from here on
    here.update(lambda gallery: gallery.remove("p1"))
    there.update(lambda gallery: gallery.remove("p2"))
    there.update(lambda gallery: gallery.add([Template("new", "new", 0.9)], -ROWS[:1]))
    found = here.current().search(np.vstack([ROWS[:3], -ROWS[:1]]), threshold=0.9)
    assert [match.person for match in found] == ["p0", None, None, "new"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_names_are_searched_whole(count: int) -> None:
    searcher = Searcher(NAMES[:count], ROWS[:count])
    assert searcher.exact
    assert [name for name, _ in searcher.best(ROWS[:1], 3)[0]][:1] == NAMES[: min(count, 1)]
    assert searcher.best(ROWS[:0], 3) == []
