"""Networks ready to run: ONNX Runtime on the CPU, or torch where there is a GPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OnnxNetwork:
    """An ONNX graph in ONNX Runtime on the CPU, in the caller's thread: who wants more cores runs several calls side by side.

    Args:
        graph: the graph's bytes, or its path.
        changing_shapes: inputs differ in size between calls, so that memory patterns would only cost time.
    """

    def __init__(self, graph: bytes | Path, *, changing_shapes: bool = False) -> None:
        import onnxruntime as ort  # noqa: PLC0415 - keeps a start without networks light

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.enable_mem_pattern = not changing_shapes
        source: Any = str(graph) if isinstance(graph, Path) else graph
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __call__(self, x: Floats) -> tuple[Floats, ...]:
        return tuple(self._session.run(None, {self._input: x}))


def cuda_available() -> bool:
    """Return whether torch sees a CUDA device. Imports torch only if NVIDIA's driver is present."""
    if not Path("/proc/driver/nvidia/version").exists():
        return False
    import torch  # noqa: PLC0415

    return torch.cuda.is_available()


class TorchNetwork:
    """A torch module, on a CUDA device if there is one."""

    def __init__(self, module: torch.nn.Module) -> None:
        self._device = "cuda" if cuda_available() else "cpu"
        self._module = module.to(self._device).eval()

    def __call__(self, x: Floats) -> tuple[Floats, ...]:
        import torch  # noqa: PLC0415

        with torch.inference_mode():
            outputs = self._module(torch.from_numpy(np.ascontiguousarray(x)).to(self._device))
        rows = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(row.cpu().numpy() for row in rows)
