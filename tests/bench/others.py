"""Searching galleries of any size, and starting up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import MusterError
from engine.gallery.search import Searcher
from engine.imaging import read_image
from engine.models import FACENET, ModelStore, embedder_spec

__all__ = ["facenet_start", "muster_start", "search_among"]

Floats = NDArray[np.float32]

_DIMENSION = 128
_GENUINE = 0.78  # similarity of a probe with its own row, as in a good sighting
_PROBES = 1000
_FIVES = 200
_TIMED = 15


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def search_among(count: int) -> dict[str, Any]:
    """One probe at a time among `count` templates.

    Rows are drawn evenly from the sphere: no clusters help, so this is the hardest case for an index. Half of the probes belong to
    somebody, half to nobody.

    Returns:
        `probe_ms` (median), `exact_ms` of one matrix product, `plain_ms` of a loop-free distance to everybody as
        `face_recognition.face_distance` takes it, `build_s`, and `recall` of the best and `recall_5` of the best five.
    """
    generator = np.random.default_rng(count)
    rows = generator.standard_normal((count, _DIMENSION), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    own = generator.integers(0, count, _PROBES // 2)
    around = _unit(generator.standard_normal((_PROBES // 2, _DIMENSION)).astype(np.float32))
    genuine = _unit(_GENUINE * rows[own] + np.sqrt(1 - _GENUINE**2) * around)
    strangers = _unit(generator.standard_normal((_PROBES // 2, _DIMENSION)).astype(np.float32))
    probes = np.stack([genuine, strangers], 1).reshape(-1, _DIMENSION)  # in turns
    names = [str(index) for index in range(count)]
    began = time.perf_counter()
    searcher = Searcher(names, rows)
    build_s = time.perf_counter() - began

    def timed(index: int) -> tuple[float, float, float]:
        probe = probes[index : index + 1]
        moments = [time.perf_counter()]
        searcher.best(probe, 5)
        moments.append(time.perf_counter())
        scores = (probe @ rows.T)[0]
        np.argpartition(-scores, 4)
        moments.append(time.perf_counter())
        np.linalg.norm(rows - probe, axis=1).argmin()
        moments.append(time.perf_counter())
        first, second, third = np.diff(moments) * 1000
        return float(first), float(second), float(third)

    timed(0)
    medians = np.median([timed(index) for index in np.linspace(0, _PROBES - 1, _TIMED).astype(int)], axis=0)
    best: list[bool] = []
    five: list[float] = []
    for start in range(0, _PROBES, 20):  # an exact comparison of all probes at once would need a gigabyte
        part = probes[start : start + 20]
        exact = part @ rows.T
        answers = [[int(name) for name, _ in found] for found in searcher.best(part, 5)]
        best += [answer[0] == int(scores.argmax()) for answer, scores in zip(answers, exact, strict=True)]
        if len(five) < _FIVES:
            top = np.argpartition(-exact, 4, axis=1)[:, :5]
            five += [len(set(answer) & set(row.tolist())) / 5 for answer, row in zip(answers, top, strict=True)]
    return {
        "templates": count,
        "probe_ms": float(medians[0]),
        "exact_ms": float(medians[1]),
        "plain_ms": float(medians[2]),
        "build_s": build_s,
        "exact": searcher.exact,
        "recall": float(np.mean(best)),
        "recall_5": float(np.mean(five)),
    }


def muster_start(workspace: Path, photo: Path, person: str) -> dict[str, Any]:
    """Seconds from the start of a process to a recognised face, and whether torch came along."""
    code = (
        "import sys\nfrom engine.cli import main\n"
        f"sys.argv = ['muster', 'identify', {str(photo)!r}, '--workspace', {str(workspace)!r}, '--json']\n"
        "try:\n    main()\nfinally:\n    print('torch' in sys.modules, file=sys.stderr)\n"
    )
    began = time.perf_counter()
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if person not in answer.stdout:
        raise MusterError(f"`muster identify` did not recognise {person}", hint="`muster doctor`")
    return {"seconds": seconds, "torch_imported": answer.stderr.split()[-1] == "True"}


def facenet_start(photo: Path) -> dict[str, Any]:
    """The same with facenet-pytorch; `apart` times it from the process' start."""
    import torch
    from facenet_pytorch import MTCNN

    module = ModelStore("torch").module(embedder_spec(FACENET).model_id)
    crops = MTCNN(keep_all=True, device="cpu")(read_image(photo))
    with torch.inference_mode():
        return {"faces": len(module(crops))}
