"""Who is enrolled: search, changes, and a file that several processes share."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from processes import CONTEXT

from engine.errors import GalleryMismatch, StorageError
from engine.gallery import Gallery, GalleryStore, Template, deny, fuse

Floats = NDArray[np.float32]
AXES = np.eye(4, dtype=np.float32)
DIAGONAL = np.full(4, 0.5, np.float32)  # unit, and exactly 0.5 similar to each axis
MODEL, ALIGNMENT = "model-a", "five-point"


def gallery_of(people: dict[str, Floats], quality: float = 0.5) -> Gallery:
    """Templates per person, as rows."""
    gallery = Gallery.empty(MODEL, ALIGNMENT, next(iter(people.values())).shape[1] if people else 4)
    for person, rows in people.items():
        gallery = gallery.add([Template(f"{person}/{i}", person, quality) for i in range(len(rows))], rows)
    return gallery


ABC = {name: AXES[index : index + 1] for index, name in enumerate(["anna", "ben", "cleo"])}


# --------------------------------------------------------------------------------------------- search


def test_nobody_is_found_in_an_empty_gallery() -> None:
    gallery = gallery_of({})
    assert len(gallery) == 0
    assert gallery.fused.shape == (0, 4)
    answers = gallery.search(AXES[:2], threshold=-1)
    assert [(answer.person, answer.candidates) for answer in answers] == [(None, ()), (None, ())]


def test_no_probe_has_no_answer() -> None:
    assert gallery_of(ABC).search(np.empty((0, 4), np.float32)) == []


@pytest.mark.parametrize("names", [["anna"], ["anna", "ben"], ["anna", "ben", "cleo"]])
def test_each_probe_finds_its_person(names: list[str]) -> None:
    gallery = gallery_of({name: ABC[name] for name in names})
    answers = gallery.search(AXES[: len(names)][::-1], threshold=0.9, min_margin=0.9)
    assert [answer.person for answer in answers] == names[::-1]
    assert [answer.similarity for answer in answers] == [1.0] * len(names)


def test_a_stranger_is_nobody() -> None:
    answer = gallery_of(ABC).search(AXES[3:], threshold=0.1)[0]
    assert (answer.person, answer.similarity) == (None, 0.0)


@pytest.mark.parametrize(("threshold", "person"), [(0.5, "anna"), (math.nextafter(0.5, 1), None)])
def test_a_similarity_on_the_threshold_is_a_match(threshold: float, person: str | None) -> None:
    answer = gallery_of({"anna": AXES[:1]}, quality=0.7).search(DIAGONAL[None], threshold=threshold)[0]
    assert answer.similarity == 0.5
    assert answer.person == person


@pytest.mark.parametrize(("margin", "person"), [(0.25, "anna"), (math.nextafter(0.25, 1), None)])
def test_a_margin_on_the_limit_is_a_match(margin: float, person: str | None) -> None:
    probe = np.array([[0.5, 0.25, 0, math.sqrt(1 - 0.25 - 0.0625)]], np.float32)
    answer = gallery_of(ABC).search(probe, threshold=0.5, min_margin=margin)[0]
    assert (answer.person, answer.margin) == (person, 0.25)


def test_people_of_equal_similarity_are_told_apart_by_no_margin() -> None:
    gallery = gallery_of(ABC)
    assert gallery.search(DIAGONAL[None], threshold=0.5, min_margin=0.01)[0].person is None
    assert gallery.search(DIAGONAL[None], threshold=0.5)[0].person in ABC


@pytest.mark.parametrize(("top", "expected"), [(1, 2), (2, 2), (3, 3), (9, 3)])
def test_candidates_come_best_first_and_at_least_two(top: int, expected: int) -> None:
    probe = np.array([[0.2, 0.8, 0.5, 0.265]], np.float32)
    found = gallery_of(ABC).search(probe, top=top)[0].candidates
    assert [row.person for row in found] == ["ben", "cleo", "anna"][:expected]


@pytest.mark.parametrize(
    ("without", "expected"),
    [([], "anna"), (["anna"], "ben"), (["nobody"], "anna"), (["anna", "ben"], "cleo"), (list(ABC), None)],
)
def test_people_can_be_left_out(without: list[str], expected: str | None) -> None:
    probe = np.array([[0.8, 0.5, 0.2, 0.265]], np.float32)
    answer = gallery_of(ABC).search(probe, threshold=0.1, without=without)[0]
    assert answer.person == expected
    assert not {row.person for row in answer.candidates} & set(without)


@pytest.mark.parametrize("shape", [(1, 5), (4,), (1, 1, 4)])
def test_probes_of_another_length_are_a_mismatch(shape: tuple[int, ...]) -> None:
    with pytest.raises(GalleryMismatch, match="templates of 4 values"):
        gallery_of(ABC).search(np.ones(shape, np.float32))


def test_one_bad_template_does_not_open_the_door() -> None:
    ben = np.stack([AXES[1], AXES[1], AXES[1], AXES[1], AXES[0]])  # the last is a photo of somebody else
    gallery = gallery_of({"ben": ben})
    assert (gallery.of("ben")[1] @ AXES[0]).max() == 1
    answer = gallery.search(AXES[:2], threshold=0.5)
    assert [row.person for row in answer] == [None, "ben"]
    assert_allclose([row.similarity for row in answer], [1 / math.sqrt(17), 4 / math.sqrt(17)], rtol=1e-6)


def test_a_template_counts_by_its_quality_but_never_not_at_all() -> None:
    fused = fuse(AXES[:2], np.array([0.9, 0.3]))
    assert_allclose(fused, np.array([3, 1, 0, 0]) / math.sqrt(10), rtol=1e-6)
    assert fuse(AXES[:1], np.array([0.0])).tolist() == AXES[0].tolist()


def test_ten_thousand_people_with_five_templates_each_are_found() -> None:
    rng = np.random.default_rng(7)
    people, each, size = 10_000, 5, 128
    centres = rng.standard_normal((people, 1, size), np.float32)
    photos = centres + 0.7 * rng.standard_normal((people, each + 1, size), np.float32)
    photos /= np.linalg.norm(photos, axis=2, keepdims=True)
    templates = tuple(Template(f"{i}/{j}", f"p{i}", 0.8) for i in range(people) for j in range(each))
    gallery = Gallery(MODEL, ALIGNMENT, photos[:, :each].reshape(-1, size), templates)
    asked = np.arange(0, people, 100)
    answers = gallery.search(photos[asked, each], threshold=0.5, min_margin=0.05)
    assert [answer.person for answer in answers] == [f"p{i}" for i in asked]
    assert gallery.fused.shape == (people, size)
    scores = photos[asked, each] @ gallery.fused.T  # one product is all a search computes
    assert_array_equal([answer.similarity for answer in answers], scores.max(1))


@pytest.mark.parametrize(("people", "expected"), [([], []), (["anna"], []), (["anna", "ben"], [0.0] * 4)])
def test_impostor_scores_are_of_different_people_only(people: list[str], expected: list[float]) -> None:
    gallery = gallery_of({name: np.vstack([ABC[name], ABC[name]]) for name in people})
    assert gallery.impostor_scores().tolist() == expected


# --------------------------------------------------------------------------------------------- changes


def test_rows_must_be_unit_finite_and_as_many_as_templates() -> None:
    for rows in (AXES[:2], AXES[:1] * 1.1, AXES[:1] * np.nan, AXES[0]):
        with pytest.raises(ValueError, match="embeddings"):
            Gallery(MODEL, ALIGNMENT, rows, (Template("t", "anna", 1),))


def test_a_gallery_is_read_only_and_the_callers_array_is_not() -> None:
    rows = AXES[:1].copy()
    gallery = Gallery(MODEL, ALIGNMENT, rows, (Template("t", "anna", 1),))
    with pytest.raises(ValueError, match="read-only"):
        gallery.embeddings[0, 0] = 0
    rows[0] = AXES[1]
    assert rows[0].tolist() == AXES[1].tolist()


def test_every_change_is_a_new_gallery_of_the_next_version() -> None:
    first = gallery_of({"anna": AXES[:2]})
    second = first.add([Template("b", "ben", 1)], AXES[2])
    third = second.reassign(["b"], "Ben")
    fourth = third.remove_templates(["anna/0", "none"])
    fifth = fourth.remove("anna")
    galleries = [first, second, third, fourth, fifth]
    assert [row.version for row in galleries] == [first.version + step for step in range(5)]
    assert [row.people for row in galleries] == [("anna",), ("anna", "ben"), ("anna", "Ben"), ("anna", "Ben"), ("Ben",)]
    assert [len(row.templates) for row in galleries] == [2, 3, 3, 2, 1]
    assert fourth.of("anna")[1].tolist() == AXES[1:2].tolist()
    assert fifth.of("Ben")[1].tolist() == AXES[2:3].tolist()


def test_what_changes_nothing_keeps_the_version() -> None:
    for gallery in (gallery_of({}), gallery_of(ABC)):
        assert gallery.remove("nobody") is gallery
        assert gallery.remove_templates([]) is gallery
        assert gallery.remove_templates(["none"]) is gallery
        assert (gallery.of("nobody")[0], gallery.of("nobody")[1].shape) == ((), (0, 4))


def test_adding_no_template_adds_nobody() -> None:
    for gallery in (gallery_of({}), gallery_of(ABC)):
        assert gallery.add([], np.empty((0, 4), np.float32)).templates == gallery.templates


def test_a_strangers_number_is_never_given_twice() -> None:
    gallery = gallery_of({})
    for number in (1, 2, 3):
        name, gallery = gallery.next_stranger()
        assert name == f"unknown-{number}"
        gallery = gallery.add([Template(f"t{number}", name, 1)], AXES[number - 1]).without([name])
    assert gallery_of({"unknown-41": AXES[:1]}).next_stranger()[0] == "unknown-42"


def test_a_candidate_is_denied_to_a_face_that_was_taken_for_them_by_mistake() -> None:
    probes = np.stack([AXES[0], AXES[1]])
    matches = gallery_of(ABC).search(probes, threshold=0.5)
    anchors = gallery_of({matches[0].candidates[0].person: probes[:1]})
    denied, other = deny(matches, probes, anchors)
    assert denied.person != matches[0].person
    assert [row.person for row in denied.candidates] == [row.person for row in matches[0].candidates[1:]]
    assert other.person == matches[1].person == "ben"
    assert deny(matches, probes, gallery_of({})) == matches


# --------------------------------------------------------------------------------------------- disk


def open_store(path: Path, model: str = MODEL, alignment: str = ALIGNMENT) -> GalleryStore:
    return GalleryStore(path, model, alignment, 4)


@pytest.mark.parametrize("names", [[], ["anna"], ['=HYPERLINK("x")', "../../x", "张伟", "a\nb", "\u202eq", ""]])
def test_a_gallery_comes_back_from_its_file(tmp_path: Path, names: list[str]) -> None:
    gallery = gallery_of({name: np.vstack([DIAGONAL, AXES[index % 4]]) for index, name in enumerate(names)}, 0.1234)
    (tmp_path / "g").write_bytes(gallery.to_bytes())
    found = Gallery.from_file(tmp_path / "g")
    assert (found.people, found.templates, found.version) == (tuple(names), gallery.templates, gallery.version)
    assert_array_equal(found.embeddings, gallery.embeddings, strict=True)


@pytest.mark.parametrize(("model", "alignment"), [("model-b", ALIGNMENT), (MODEL, "other")])
def test_templates_of_another_model_or_alignment_are_a_mismatch(tmp_path: Path, model: str, alignment: str) -> None:
    open_store(tmp_path / "g").update(lambda gallery: gallery.add([Template("t", "anna", 1)], AXES[:1]))
    content = (tmp_path / "g").read_bytes()
    other = open_store(tmp_path / "g", model, alignment)
    for _ in range(2):
        with pytest.raises(GalleryMismatch, match=f"made with {MODEL} and {ALIGNMENT}"):
            other.current()
    with pytest.raises(GalleryMismatch):
        other.update(lambda gallery: gallery.add([Template("u", "ben", 1)], AXES[1:2]))
    assert (tmp_path / "g").read_bytes() == content


WHOLE = gallery_of(ABC).to_bytes()
CLEO = rb", [\"cleo/0\", \"cleo\", 0.5]"
DAMAGED = {
    "empty": b"",
    "text": b"no gallery at all",
    "half": WHOLE[: len(WHOLE) // 2],
    "one byte short": WHOLE[:-1],
    "broken header": WHOLE[:20] + b"\xff" + WHOLE[21:],
    "wrong numbers": WHOLE[:-16] + np.full(4, 3, np.float32).tobytes(),
    "no numbers": WHOLE[:-16] + np.full(4, np.nan, np.float32).tobytes(),
    "a template fewer": WHOLE.replace(CLEO, b" " * len(CLEO)),
    "a template that is none": WHOLE.replace(CLEO, b", 5".ljust(len(CLEO))),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_file_is_a_storage_error_that_names_it(tmp_path: Path, what: str) -> None:
    assert DAMAGED[what] != WHOLE
    (tmp_path / "people.safetensors").write_bytes(DAMAGED[what])
    with pytest.raises(StorageError, match=r"people\.safetensors cannot be read") as caught:
        open_store(tmp_path / "people.safetensors").current()
    assert str(caught.value).isprintable()


def test_a_missing_file_is_an_empty_gallery_and_nothing_is_written_until_it_changes(tmp_path: Path) -> None:
    store = open_store(tmp_path / "g")
    assert len(store.current()) == 0
    store.update(lambda gallery: gallery.remove("nobody"))
    assert not (tmp_path / "g").exists()


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path / "g")
    before = store.update(lambda gallery: gallery.add([Template("t", "anna", 1)], AXES[:1]))
    with pytest.raises(ValueError, match="unit rows"):
        store.update(lambda gallery: gallery.add([Template("u", "ben", 1)], AXES[0] * 2))
    assert store.current().version == before.version
    assert store.current().templates == before.templates
    assert open_store(tmp_path / "g").current().people == ("anna",)


def _add(path: Path, names: list[str], start: Barrier | None = None) -> None:
    if start:
        start.wait(60)
    for name in names:
        open_store(path).update(lambda gallery, name=name: gallery.add([Template(name, name, 1)], DIAGONAL))


def test_a_store_sees_what_another_process_changed(tmp_path: Path) -> None:
    store = open_store(tmp_path / "g")
    mine = store.update(lambda gallery: gallery.add([Template("t", "anna", 1)], AXES[:1]))
    assert store.current() is mine
    with ProcessPoolExecutor(1, mp_context=CONTEXT) as pool:
        pool.submit(_add, tmp_path / "g", ["ben"]).result(60)
    assert store.current().people == ("anna", "ben")
    (tmp_path / "g").unlink()
    assert len(store.current()) == 0


def test_two_processes_that_add_at_once_lose_nobody(tmp_path: Path) -> None:
    start = CONTEXT.Barrier(2)
    names = [[f"{crew}{index}" for index in range(25)] for crew in "ab"]
    crew = [CONTEXT.Process(target=_add, args=(tmp_path / "g", own, start)) for own in names]
    for process in crew:
        process.start()
    for process in crew:
        process.join(60)
    assert [process.exitcode for process in crew] == [0, 0]
    found = open_store(tmp_path / "g").current()
    assert (set(found.people), found.version) == ({*names[0], *names[1]}, 50)
