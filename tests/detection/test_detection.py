"""MTCNN here against facenet-pytorch's, box by box, on real photos; and pictures that are hard on a detector."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from numpy.testing import assert_allclose
from torch.nn.functional import interpolate

from engine.config import DetectionConfig
from engine.detection import MTCNNDetector
from engine.detection.sampler import AreaSampler, compiled
from engine.imaging import read_image
from engine.models import ModelStore

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def detector(store: ModelStore) -> MTCNNDetector:
    return MTCNNDetector(*store.mtcnn(), DetectionConfig())


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    wide, high = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = max(wide, 0) * max(high, 0)
    return float(common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common))


@pytest.mark.parametrize("smallest", [20, 40])
def test_boxes_and_landmarks_are_those_of_facenet_pytorch(
    detector: MTCNNDetector, sample_photos: list[Path], smallest: int
) -> None:
    reference = MTCNN(keep_all=True, min_face_size=smallest, device="cpu")
    overlaps, distances, counts_differ = [], [], []
    for path in sample_photos:
        image = read_image(path)
        boxes, _, landmarks = reference.detect(image, landmarks=True)
        found = detector.detect(image, smallest)
        theirs = np.zeros((0, 4)) if boxes is None else np.asarray(boxes, float)
        if len(theirs) != len(found):
            counts_differ.append(path.name)
            continue
        for row, box in enumerate(theirs):
            best = max(range(len(found)), key=lambda i: _iou(box, found.boxes[i]))
            overlaps.append(_iou(box, found.boxes[best]))
            distances.append(np.linalg.norm(np.asarray(landmarks[row], float) - found.landmarks[best], axis=1))
    assert counts_differ == []
    assert len(overlaps) > 100
    assert np.mean(np.array(overlaps) >= 0.9) >= 0.99
    assert np.mean(np.array(overlaps) >= 0.999) >= 0.98  # the same boxes, but for a tie here and there
    assert np.percentile(np.concatenate(distances), 95) <= 2.0


def test_torch_backend_finds_the_same(store: ModelStore, detector: MTCNNDetector, sample_photos: list[Path]) -> None:
    other = MTCNNDetector(*ModelStore("torch").mtcnn(), DetectionConfig())
    for path in sample_photos[::12]:
        image = read_image(path)
        ours, theirs = detector.detect(image, 20), other.detect(image, 20)
        assert len(ours) == len(theirs)
        assert_allclose(ours.boxes, theirs.boxes, atol=0.05)


def test_pieces_side_by_side_find_the_same_as_one_piece(
    store: ModelStore, detector: MTCNNDetector, sample_photos: list[Path]
) -> None:
    parallel = MTCNNDetector(*store.mtcnn(), DetectionConfig(), workers=3)
    for path in sample_photos[::6]:
        image = read_image(path)
        ours, theirs = parallel.detect(image, 20), detector.detect(image, 20)
        assert len(ours) == len(theirs)
        assert_allclose(ours.boxes, theirs.boxes, atol=0.05)


@pytest.mark.parametrize(("height", "width"), [(60, 80), (33, 91), (240, 320)])
def test_pyramid_levels_are_torchs_area_interpolation(height: int, width: int) -> None:
    image = np.random.default_rng(3).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    ours = AreaSampler(image).resized(height, width, (0, height))
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    theirs = (interpolate(tensor, size=(height, width), mode="area") - 127.5) * 0.0078125
    assert_allclose(ours, theirs.numpy(), atol=1e-5)


def test_a_picture_beyond_32_bit_sums_is_sampled_exactly() -> None:
    image = np.full((3000, 3000, 3), 255, np.uint8)  # its sum does not fit 32 bits
    image[-1, -1] = 0
    crops = AreaSampler(image).crops(np.array([[2990, 2990, 3000, 3000], [0, 0, 10, 10]]), 10)
    assert_allclose(crops[1], (255 - 127.5) * 0.0078125)
    assert_allclose(crops[0, :, -1, -1], -127.5 * 0.0078125)


def test_bands_cover_every_output_row_once() -> None:
    detector = MTCNNDetector(None, None, None, DetectionConfig(), workers=4)  # type: ignore[arg-type]
    levels = [(0.3, 217, 385), (0.2, 154, 273), (0.1, 39, 69), (0.05, 14, 25)]
    bands = detector._bands(levels)
    for index, (_, height, _) in enumerate(levels):
        rows = [(start, stop) for level, start, stop in bands if level == index]
        assert rows[0][0] == 0
        assert rows[-1][1] == height
        assert all(start % 2 == 0 for start, _ in rows)
        # a band of n input rows gives (n - 10) / 2 outputs: the next one begins where it ends
        assert all(nxt[0] == row[1] - 10 for row, nxt in pairwise(rows))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (11, 11), (12, 12), (39, 200)])
def test_a_picture_smaller_than_a_face_has_none(detector: MTCNNDetector, shape: tuple[int, int]) -> None:
    assert len(detector.detect(np.zeros((*shape, 3), np.uint8))) == 0
    assert len(detector.detect_photo(np.full((*shape, 3), 90, np.uint8))) == 0


@pytest.mark.parametrize("value", [0, 127, 255])
def test_a_blank_picture_has_no_face(detector: MTCNNDetector, value: int) -> None:
    found = detector.detect(np.full((240, 320, 3), value, np.uint8))
    assert found.boxes.shape == (0, 4)
    assert found.landmarks.shape == (0, 5, 2)


def test_noise_does_not_break_the_cascade(detector: MTCNNDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    assert len(detector.detect(noise, 20)) <= 2


@pytest.mark.parametrize(
    "image", [np.zeros((50, 50), np.uint8), np.zeros((50, 50, 4), np.uint8), np.zeros((50, 50, 3))]
)
def test_only_rgb_is_accepted(detector: MTCNNDetector, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="RGB"):
        detector.detect(image)


def test_a_face_that_fills_the_picture_is_found_with_a_border(detector: MTCNNDetector, samples: Path) -> None:
    image = read_image(samples / "val" / "jerry_seinfeld" / "05.jpg")
    x1, y1, x2, y2 = detector.detect(image, 20).boxes[0].round().astype(int)
    for cut in range(10, 60, 2):  # ever tighter, until a plain look misses it
        tight = np.ascontiguousarray(image[y1 + cut : y2 - cut // 2, x1 + cut // 2 : x2 - cut // 2])
        if len(detector.detect(tight, 20)) == 0:
            break
    else:
        pytest.fail("no crop was too tight")
    found = detector.detect_photo(tight)
    assert len(found) == 1
    middle = (found.boxes[0, :2] + found.boxes[0, 2:]) / 2
    assert_allclose(middle, np.array(tight.shape[1::-1]) / 2, rtol=0.35)


@pytest.mark.parametrize("margin", [0.05, 0.1, 0.2])
def test_a_face_near_the_edge_is_found_once(detector: MTCNNDetector, sample_photos: list[Path], margin: float) -> None:
    for path in sample_photos[::2]:
        image = read_image(path)
        boxes = detector.detect(image, 20).boxes
        if len(boxes) != 1:
            continue
        middle, half = (boxes[0, :2] + boxes[0, 2:]) / 2, (boxes[0, 2:] - boxes[0, :2]).max() * (1 + margin) / 2
        left, top = (middle - half).round().astype(int).clip(0)
        right, bottom = (middle + half).round().astype(int)
        assert len(detector.detect_photo(np.ascontiguousarray(image[top:bottom, left:right]))) == 1, path


def test_the_input_is_not_changed(detector: MTCNNDetector, sample_photos: list[Path]) -> None:
    image = read_image(sample_photos[0])
    before = image.copy()
    detector.detect_photo(image)
    assert (image == before).all()


# --------------------------------------------------------------------------------------------- near


def _eyes(landmarks: np.ndarray) -> float:
    return float(np.linalg.norm(landmarks[0] - landmarks[1]))


@pytest.mark.parametrize("shift", [0.0, 0.15, 0.3])
def test_faces_are_found_again_near_where_they_are_expected(
    detector: MTCNNDetector, sample_photos: list[Path], shift: float
) -> None:
    generator = np.random.default_rng(7)
    overlaps, distances, missed = [], [], 0
    for path in sample_photos[::3]:
        image = read_image(path)
        whole = detector.detect(image, 40)
        if not len(whole):
            continue
        box, marks = whole.boxes[0], whole.landmarks[0]
        angle = generator.uniform(0, 2 * np.pi)
        move = shift * (box[2:] - box[:2]).max() * np.array([np.cos(angle), np.sin(angle)])
        near = detector.detect_near(image, (box + np.tile(move, 2)).astype(np.float32)[None])
        if not len(near):
            missed += 1
            continue
        best = max(range(len(near)), key=lambda i: _iou(box, near.boxes[i]))
        overlaps.append(_iou(box, near.boxes[best]))
        distances.append(np.linalg.norm(near.landmarks[best] - marks, axis=1).mean() / _eyes(marks))
    assert len(overlaps) > 30
    assert missed <= 2
    assert np.percentile(overlaps, 5) >= 0.7
    assert np.percentile(distances, 90) <= 0.15


def test_looking_again_and_again_does_not_drift(detector: MTCNNDetector, sample_photos: list[Path]) -> None:
    drifts = []
    for path in sample_photos[::6]:
        image = read_image(path)
        whole = detector.detect(image, 40)
        boxes = whole.boxes[:1]
        for _ in range(10):
            again = detector.detect_near(image, boxes)
            boxes = again.boxes[:1]
        if len(whole) and len(again):
            eyes = _eyes(whole.landmarks[0])
            drifts.append(np.linalg.norm(again.landmarks[0] - whole.landmarks[0], axis=1).mean() / eyes)
    assert len(drifts) >= 15
    assert np.median(drifts) <= 0.06


def test_where_no_face_is_none_is_found(detector: MTCNNDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    places = np.array([[50, 50, 110, 110], [-80, -80, -20, -20], [290, 190, 350, 250], [10, 10, 10, 10]], np.float32)
    assert len(detector.detect_near(noise, places)) == 0
    assert len(detector.detect_near(noise, places[:0])) == 0
    assert len(detector.detect_near(noise[:1, :1], places)) == 0


def test_code_that_cannot_be_kept_on_disk_is_compiled_all_the_same() -> None:
    names: dict[str, Any] = {}
    exec(compile("def fill(values):\n    values[:] = 7\n", "nowhere.py", "exec"), names)
    values = np.zeros(3)
    compiled(names["fill"])(values)
    assert values.tolist() == [7, 7, 7]
