"""Embeddings of one network, of a smaller one, and of both together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from engine.alignment import TEMPLATE
from engine.config import Config
from engine.embedding import FusedEmbedder, Glance, NetworkEmbedder, fused, resized
from engine.face_reader import open_embedder, open_glance, open_reader
from engine.imaging import read_image
from engine.models import FACENET, FUSED, MOBILEFACENET, ModelStore, embedder_spec

FIVE_POINTS_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where the field's networks for 112 px expect eyes, nose and mouth."""


def faces(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 160, 160, 3)).astype(np.uint8)


def test_landmarks_of_a_resized_face_are_where_a_network_for_112_px_expects_them() -> None:
    for point, expected in zip(TEMPLATE, FIVE_POINTS_112, strict=True):
        face = np.zeros((1, 160, 160, 3), np.uint8)
        cv2.circle(face[0], tuple(np.round(point).astype(int).tolist()), 4, (255, 255, 255), -1)
        rows, columns = np.nonzero(resized(face, 112)[0, :, :, 0] > 100)
        assert abs(columns.mean() - expected[0]) < 1
        assert abs(rows.mean() - expected[1]) < 1


def test_a_face_of_the_right_size_is_left_as_it_is() -> None:
    assert resized(faces(2), 160) is not None
    assert resized(faces(2), 160).shape == (2, 160, 160, 3)
    assert resized(faces(0), 112).shape == (0, 112, 112, 3)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_similarity_of_fused_rows_is_the_weighted_mean_of_both(share: float) -> None:
    generator = np.random.default_rng(1)
    parts = [generator.normal(size=(6, width)).astype(np.float32) for width in (8, 12)]
    first, second = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in parts)
    rows = fused(first, second, share)
    assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert_allclose(rows @ rows.T, share * first @ first.T + (1 - share) * second @ second.T, atol=1e-6)


class Constant:
    """Gives each face the same values."""

    def __init__(self, *values: float) -> None:
        self._row = np.array([values], np.float32)

    def __call__(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        return (np.repeat(self._row, len(x), axis=0),)


def test_nobody_gives_no_rows_of_both_lengths_together() -> None:
    embedder = FusedEmbedder(
        NetworkEmbedder(Constant(1, 0), dimension=2, normalisation="fixed"),
        NetworkEmbedder(Constant(0, 3, 4), dimension=3, normalisation="fixed", side=112),
        0.4,
    )
    assert embedder.dimension == 5
    assert embedder.embed(faces(0)).shape == (0, 5)
    assert_allclose(embedder.embed(faces(1))[0], [0.4**0.5, 0, 0, 0.6 * 0.6**0.5, 0.8 * 0.6**0.5], atol=1e-6)


@pytest.mark.models
def test_the_usual_embedder_is_both_networks_side_by_side(store: ModelStore) -> None:
    together, facenet, mobile = (open_embedder(store, model) for model in (FUSED, FACENET, MOBILEFACENET))
    pictures, spec = faces(3, seed=2), embedder_spec(FUSED)
    assert together.dimension == spec.dimension == facenet.dimension + mobile.dimension
    assert_allclose(
        together.embed(pictures), fused(facenet.embed(pictures), mobile.embed(pictures), spec.share), atol=1e-6
    )


@pytest.mark.models
def test_several_workers_give_the_same_rows(store: ModelStore) -> None:
    pictures = faces(5, seed=3)
    one, three = (open_embedder(store, MOBILEFACENET, workers=workers) for workers in (1, 3))
    assert_allclose(three.embed(pictures), one.embed(pictures), atol=1e-5)
    assert three.embed(pictures[:0]).shape == (0, 192)


def test_a_glance_compares_one_part_of_a_whole_embedding() -> None:
    glance = Glance(
        NetworkEmbedder(Constant(0, 3, 4), dimension=3, normalisation="fixed", side=112), slice(2, None), 0.9
    )
    (row,) = glance.embed(faces(1))
    whole = np.array([0.9, 0.3, 0, 0.06, 0.08], np.float32)  # the length of a part says nothing
    assert glance.agrees(row, whole)
    assert not glance.agrees(row, whole[[0, 1, 2, 4, 3]] * [1, 1, 1, 1, -1])
    assert not glance.agrees(row, np.zeros(5, np.float32))


@pytest.mark.models
def test_a_glance_knows_a_persons_other_photo_and_no_other_person(store: ModelStore, samples: Path) -> None:
    config = Config()
    reader = open_reader(
        store, config.embedding.model_copy(update={"model": FUSED}), config.alignment, config.detection, config.quality
    )
    glance = open_glance(store, FUSED)
    assert glance is not None
    crops, people = [], []
    for person in sorted(path for path in (samples / "train").iterdir() if path.is_dir()):
        for file in sorted(person.glob("*.jpg"))[:6]:
            photo = reader.upright(read_image(file))
            if photo.subject is not None and photo.faces.qualities[photo.subject].good:
                crops.append(photo.faces.crops[photo.subject])
                people.append(person.name)
    whole, rows = reader.embedder.embed(np.stack(crops)), glance.embed(np.stack(crops))
    pairs = [(a, b) for a in range(len(people)) for b in range(len(people)) if a != b]
    same = [glance.agrees(rows[a], whole[b]) for a, b in pairs if people[a] == people[b]]
    other = [glance.agrees(rows[a], whole[b]) for a, b in pairs if people[a] != people[b]]
    assert len(same) >= 80
    assert np.mean(same) > 0.75  # photos of other years; looks of one track are far more alike
    assert np.mean(other) < 0.01
