"""The stations one by one, against facenet-pytorch on the same work, in one run.

Each side runs in a process of its own, so that the threads of one do not disturb the other; short blocks alternate between the two,
so that a machine that slows down slows both. Figures are medians; the ratio of two medians is what to quote.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import DetectionConfig
from engine.detection import MTCNNDetector
from engine.embedding import NetworkEmbedder, normalised
from engine.errors import MusterError
from engine.imaging import read_image
from engine.models import FACENET, ModelStore, embedder_spec

__all__ = ["FACENET_GFLOP", "run_pairs"]

RGB = NDArray[np.uint8]
Side = Literal["muster", "facenet-pytorch", "sgemm"]

FACENET_GFLOP = 2 * 1.417
"""Of one face: 1.417 billion multiplications and additions each."""
_MATRIX = 2048

WORK: dict[str, tuple[int, ...]] = {
    "detector_640x360_min40": (640, 360, 40),
    "detector_1920x1080_min60": (1920, 1080, 60),
    "embedder_1_face": (1,),
    "embedder_8_faces": (8,),
}
_ROUNDS = 12
_REPEATS = 3
_REST_S = 0.3
_PATIENCE_S = 40.0


def _scene(photos: Path, width: int, height: int) -> RGB:
    """A camera's picture with five people in it: sample photos side by side before a soft background."""
    rows = np.linspace(200, 90, height)[:, None, None]
    scene = np.broadcast_to(rows, (height, width, 3)).astype(np.uint8).copy()
    files = [sorted(person.glob("*.jpg"))[1] for person in sorted((photos / "val").iterdir())]
    for index, file in enumerate(files):
        photo = read_image(file)
        factor = 0.5 * height / photo.shape[0]
        small = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        left = index * width // len(files)
        part = small[:, : min(small.shape[1], width // len(files) - 4)]
        top = height // 4
        scene[top : top + part.shape[0], left : left + part.shape[1]] = part
    return scene


def _muster_side(photos: Path) -> dict[str, Callable[[], Any]]:
    store = ModelStore("onnx")
    spec = embedder_spec(FACENET)
    embedder = NetworkEmbedder(
        store.embedder(spec.model_id), dimension=spec.dimension, normalisation=spec.normalisation, mirror=False
    )
    detector = MTCNNDetector(*store.mtcnn(), DetectionConfig(), workers=store.threads)
    work: dict[str, Callable[[], Any]] = {}
    for name, size in WORK.items():
        if name.startswith("detector"):
            scene = _scene(photos, size[0], size[1])

            def detect(scene: RGB = scene, smallest: int = size[2]) -> Any:
                found = detector.detect(scene, smallest)
                return found.boxes, found.landmarks

            work[name] = detect
        else:
            faces = _faces(size[0])

            def embed(faces: RGB = faces) -> Any:
                return embedder.embed(faces)

            work[name] = embed
    return work


def _faces(count: int) -> RGB:
    return np.random.default_rng(0).integers(0, 256, (count, 160, 160, 3)).astype(np.uint8)


def _reference_side(photos: Path) -> dict[str, Callable[[], Any]]:
    import torch
    from facenet_pytorch import MTCNN

    spec = embedder_spec(FACENET)
    module = ModelStore("torch").module(spec.model_id)
    work: dict[str, Callable[[], Any]] = {}
    for name, size in WORK.items():
        if name.startswith("detector"):
            scene = _scene(photos, size[0], size[1])
            mtcnn = MTCNN(keep_all=True, min_face_size=size[2], device="cpu")

            def detect(scene: RGB = scene, mtcnn: Any = mtcnn) -> Any:
                boxes, _, landmarks = mtcnn.detect(scene, landmarks=True)
                return np.asarray(boxes, np.float32), np.asarray(landmarks, np.float32)

            work[name] = detect
        else:
            tensor = torch.from_numpy(normalised(_faces(size[0]), spec.normalisation))

            def embed(tensor: Any = tensor) -> Any:
                with torch.inference_mode():
                    return module(tensor).numpy()

            work[name] = embed
    return work


def _sgemm_side(_photos: Path) -> dict[str, Callable[[], Any]]:
    """The fastest that this machine multiplies single-precision matrices: what networks are made of."""
    a = np.random.default_rng(0).random((_MATRIX, _MATRIX), np.float32)
    return {"sgemm": lambda: a @ a}


def _worker(side: Side, photos: Path, connection: Connection) -> None:
    """Body of a side's process: answer a work's name with the milliseconds of some repeats, `result …` with its result."""
    sides = {"muster": _muster_side, "facenet-pytorch": _reference_side, "sgemm": _sgemm_side}
    work = sides[side](photos)
    connection.send("ready")
    while True:
        try:
            request: str = connection.recv()
        except EOFError:
            return
        if request.startswith("result "):
            connection.send(work[request.removeprefix("result ")]())
            continue
        run = work[request]
        run()  # wakes threads and caches after the other side's turn
        times = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            run()
            times.append((time.perf_counter() - began) * 1000)
        connection.send(times)


def _parity(name: str, ours: Any, theirs: Any) -> dict[str, float]:
    if not name.startswith("detector"):
        return {"cosine_min": float((ours * theirs).sum(1).min())}
    (boxes, marks), (reference, reference_marks) = ours, theirs
    if len(boxes) != len(reference):
        return {"faces": len(boxes), "reference_faces": len(reference), "iou_min": 0.0}
    order = [int(np.abs(boxes - row).sum(1).argmin()) for row in reference]
    low = np.maximum(boxes[order, :2], reference[:, :2])
    high = np.minimum(boxes[order, 2:], reference[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    union = (boxes[order, 2:] - boxes[order, :2]).prod(1) + (reference[:, 2:] - reference[:, :2]).prod(1) - common
    return {
        "faces": len(boxes),
        "reference_faces": len(reference),
        "iou_min": float((common / union).min()),
        "landmark_px_max": float(np.abs(marks[order] - reference_marks).max()),
    }


def _rounds() -> Iterator[int]:
    """Count rounds; a slow machine stops early, because more rounds would say no more."""
    began = time.perf_counter()
    for round_ in range(_ROUNDS):
        if time.perf_counter() - began > _PATIENCE_S and round_ >= 3:
            return
        yield round_


def _end(pipes: Iterable[Connection], processes: Iterable[SpawnProcess]) -> None:
    for pipe in pipes:
        pipe.close()
    for process in processes:
        process.join(5)
        process.kill()


def _summary(
    times: dict[str, dict[Side, list[float]]], matrices: list[float], parity: dict[str, dict[str, float]]
) -> dict[str, Any]:
    medians = {name: {side: float(np.median(rows)) for side, rows in sides_.items()} for name, sides_ in times.items()}
    gflops = 2 * _MATRIX**3 / 1e6 / float(np.median(matrices))
    rates = {
        name: FACENET_GFLOP * WORK[name][0] / row["muster"] * 1000
        for name, row in medians.items()
        if name.startswith("embedder")
    }
    return {
        "ratios": {name: row["facenet-pytorch"] / row["muster"] for name, row in medians.items()},
        "medians_ms": medians,
        "parity": parity,
        "sgemm_gflops": gflops,
        "facenet_share_of_sgemm": {name: rate / gflops for name, rate in rates.items()},
    }


def run_pairs(photos: Path, progress: Callable[[str, int, int], None]) -> dict[str, Any]:
    """Measure both sides.

    Args:
        photos: the sample photos' folder.
        progress: told of rounds.

    Returns:
        `ratios` (facenet-pytorch's median over ours), `medians_ms` by side, `parity` of the results, `sgemm_gflops` of the machine and
        `facenet_share_of_sgemm` by work.

    Raises:
        MusterError: a side's process ended early.
    """
    context = multiprocessing.get_context("spawn")
    pipes: dict[Side, Connection] = {}
    processes = []
    sides: tuple[Side, Side] = ("muster", "facenet-pytorch")
    for side in (*sides, "sgemm"):
        ours, theirs = context.Pipe()
        process = context.Process(target=_worker, args=(side, photos, theirs), daemon=True)
        process.start()
        theirs.close()
        pipes[side] = ours
        processes.append(process)

    def ask(side: Side, request: str | None) -> Any:
        try:
            if request is not None:
                pipes[side].send(request)
            return pipes[side].recv()
        except (EOFError, OSError) as error:
            raise MusterError(f"the {side} side of the benchmark ended early", hint="`muster doctor`") from error

    times: dict[str, dict[Side, list[float]]] = {name: {side: [] for side in sides} for name in WORK}
    parity: dict[str, dict[str, float]] = {}
    matrices: list[float] = []
    try:
        for side in pipes:
            progress(f"starting {side}", 0, 0)
            ask(side, None)
        for index, name in enumerate(WORK):
            parity[name] = _parity(name, ask("muster", f"result {name}"), ask("facenet-pytorch", f"result {name}"))
            for round_ in _rounds():
                progress(f"measuring {name}", index * _ROUNDS + round_, len(WORK) * _ROUNDS)
                for side in sides:
                    times[name][side] += ask(side, name)
                if name.startswith("embedder"):
                    matrices += ask("sgemm", "sgemm")
                    time.sleep(_REST_S)  # its threads go on spinning for a while, and would slow down whoever is next
    finally:
        _end(pipes.values(), processes)
    return _summary(times, matrices, parity)
