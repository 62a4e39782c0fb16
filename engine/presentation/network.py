"""A slot for a network that tells attacks from faces. None is shipped: see docs/presentation.md for what to look for in one.

The ONNX graph must have

- one input, float32 (1, 3, H, W) with H and W fixed: RGB from 0 to 1, the face in the middle. What is seen is a rectangle of the input's
  proportions around the middle of the face box, `model_crop` times as large as the box; beyond the picture's edge it is black;
- one output, float32: (1, 1) or (1,), the probability of a bona fide presentation from 0 to 1, or (1, 2), the logits of attack and
  bona fide, in this order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.config import PresentationConfig
from engine.errors import ConfigError
from engine.presentation.liveness import Liveness, LivenessState

__all__ = ["NetworkCheck", "judged"]

_FEWEST = 3  # answers about a track from which on they say something
_INPUT = "one input, float32 (1, 3, H, W) with fixed H and W"
_OUTPUT = "one output, float32 (1, 1), (1,) or (1, 2)"
_HINT = "convert the network, or empty presentation.model"


class NetworkCheck:
    """A presentation-attack network in ONNX Runtime on the CPU; safe to call from several threads.

    Args:
        config: with `model`.

    Raises:
        ConfigError: there is no such file, it is no ONNX graph, or its input or output is not as described in the module's text.
    """

    def __init__(self, config: PresentationConfig) -> None:
        import onnxruntime as ort  # noqa: PLC0415 - start-up without networks stays light

        path = config.model
        if path is None:
            raise ConfigError("presentation.model is empty, expected an ONNX file", hint="set its path in muster.toml")
        if not path.is_file():
            raise ConfigError(f"presentation.model = {path}: there is no such file", hint="correct the path")
        self._config = config
        self._name = f"presentation.model = {path.name}"
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common base
            raise ConfigError(f"{self._name}: not an ONNX graph that runs here ({error})", hint=_HINT) from error
        self._high, self._wide = self._checked()

    def _checked(self) -> tuple[int, int]:
        """Height and width of the input."""
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if (
            len(shape) != 4
            or not _one(shape[0])
            or shape[1] != 3
            or not all(isinstance(side, int) and side > 0 for side in shape[2:])
            or inputs[0].type != "tensor(float)"
        ):
            raise ConfigError(f"{self._name}: expected {_INPUT}, found {_told(inputs)}", hint=_HINT)
        shape = outputs[0].shape if len(outputs) == 1 else []
        if (
            len(shape) not in {1, 2}
            or not _one(shape[0])
            or (len(shape) == 2 and shape[1] not in {1, 2})
            or outputs[0].type != "tensor(float)"
        ):
            raise ConfigError(f"{self._name}: expected {_OUTPUT}, found {_told(outputs)}", hint=_HINT)
        self._input = inputs[0].name
        return int(inputs[0].shape[2]), int(inputs[0].shape[3])

    def score(self, image: NDArray[np.uint8], box: NDArray[np.float32]) -> float:
        """Probability that a face is a bona fide presentation, 0 to 1.

        Args:
            image: RGB uint8 (H, W, 3).
            box: (4,) float32 xyxy in pixels.

        Raises:
            ConfigError: the network's answer is no probability.
        """
        picture = self._cut(image, box).astype(np.float32) / 255
        answer = np.asarray(self._session.run(None, {self._input: picture.transpose(2, 0, 1)[None]})[0]).ravel()
        attack, value = (float(answer[0]), float(answer[-1]))
        if len(answer) == 2:
            value = 1 / (1 + math.exp(min(700.0, attack - value)))
        if not 0 <= value <= 1:
            raise ConfigError(
                f"{self._name}: expected a probability from 0 to 1, the network gave {value:.3g}", hint=_HINT
            )
        return value

    def _cut(self, image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
        """What the network sees, (H, W, 3) uint8 of its own size."""
        x1, y1, x2, y2 = (float(value) for value in box)
        high = self._config.model_crop * max(y2 - y1, (x2 - x1) * self._high / self._wide, 1.0)
        wide = high * self._wide / self._high
        left, top = round((x1 + x2 - wide) / 2), round((y1 + y2 - high) / 2)
        right, bottom = left + max(1, round(wide)), top + max(1, round(high))
        part = np.zeros((bottom - top, right - left, 3), np.uint8)
        rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        inside = image[rows, columns]
        y, x = max(-top, 0), max(-left, 0)
        part[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        way = cv2.INTER_AREA if part.shape[0] > self._high else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (self._wide, self._high), interpolation=way), np.uint8)


def _one(side: Any) -> bool:
    """True for a dimension that is one or open."""
    return side == 1 or not isinstance(side, int)


def _told(tensors: list[Any]) -> str:
    return "; ".join(f"{tensor.name} {tensor.type} {tensor.shape}" for tensor in tensors) or "none"


def judged(scores: Sequence[float], config: PresentationConfig) -> Liveness:
    """What a network's answers about one track come to: passed iff their mean `>= model_threshold`; unproven while they are few."""
    if len(scores) < _FEWEST:
        return Liveness()
    mean = fmean(scores)
    state = LivenessState.PASSED if mean >= config.model_threshold else LivenessState.FAILED
    return Liveness(state, f"network: bona fide {mean:.2f}", round(mean, 3))
