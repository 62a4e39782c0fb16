"""MobileFaceNet (Chen et al. 2018) as a torch module, and its weights out of a TFLite file.

Importing this module imports torch: only conversions do it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from engine.errors import ModelUnavailable

if TYPE_CHECKING:
    from engine.models.convert import Tensors


class _Conv(nn.Module):
    """A convolution with bias and, unless it is linear, a PReLU. A stride of 2 pads at the right and below, as TensorFlow does."""

    def __init__(
        self, inputs: int, outputs: int, side: int = 1, *, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self._halves = stride == 2
        padding = side // 2 if side == 3 and not self._halves else 0
        self.conv = nn.Conv2d(inputs, outputs, side, stride, padding, groups=groups)
        self.prelu = None if linear else nn.PReLU(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self._halves:
            x = nn.functional.pad(x, (0, 1, 0, 1))
        x = self.conv(x)
        return x if self.prelu is None else cast("torch.Tensor", self.prelu(x))


class _Bottleneck(nn.Module):
    """Expand, filter each channel, project; the input is added where the size stays."""

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self._adds = stride == 1
        self.expand = _Conv(inputs, middle)
        self.filter = _Conv(middle, middle, 3, stride=stride, groups=middle)
        self.project = _Conv(middle, outputs, linear=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.filter(self.expand(x)))
        return cast("torch.Tensor", x + y if self._adds else y)


class MobileFaceNet(nn.Module):
    """(n, 3, 112, 112) → (n, 192)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_Conv(3, 64, 3, stride=2), _Conv(64, 64, 3, groups=64), _Conv(64, 64, linear=True))
        self.blocks = nn.Sequential(
            _Bottleneck(64, 128, 64, stride=2),
            *(_Bottleneck(64, 128, 64) for _ in range(4)),
            _Bottleneck(64, 256, 128, stride=2),
            *(_Bottleneck(128, 256, 128) for _ in range(6)),
            _Bottleneck(128, 512, 128, stride=2),
            *(_Bottleneck(128, 256, 128) for _ in range(2)),
        )
        self.head = nn.Sequential(
            _Conv(128, 512),
            _Conv(512, 512, 7, groups=512, linear=True),
            _Conv(512, 512, linear=True),
            _Conv(512, 192, linear=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.blocks(self.stem(x))).flatten(1))


def mobilefacenet_module(tensors: Tensors) -> nn.Module:
    """Load the weights strictly, in evaluation mode.

    Raises:
        ModelUnavailable: a tensor is missing, left over, or has another shape.
    """
    module = MobileFaceNet()
    try:
        module.load_state_dict(
            {name: torch.from_numpy(np.array(array)) for name, array in tensors.items()}, strict=True
        )
    except RuntimeError as error:
        raise _unfit(str(error).splitlines()[-1].strip()[:160]) from error
    return module.eval()


def tflite_tensors(content: bytes) -> Tensors:
    """Read the weights of MobileFaceNet out of a TFLite file.

    The file lists its operators in the order of the data, as this module lists its convolutions. It writes PReLU as
    relu(x) + (x - |x|)·(slope / 2), so the constant of each multiplication is half a slope.

    Returns:
        float32 arrays by torch name, ready for a strict load.

    Raises:
        ModelUnavailable: the file is not MobileFaceNet in TFLite.
    """
    try:
        found = _convolutions(content)
    except (struct.error, ValueError, TypeError, IndexError, AttributeError, KeyError) as error:
        raise _unfit(f"{type(error).__name__}: {error}") from error
    expected = [(name, part) for name, part in MobileFaceNet().named_modules() if isinstance(part, _Conv)]
    if len(found) != len(expected):
        raise _unfit(f"{len(found)} convolutions instead of {len(expected)}")
    tensors: Tensors = {}
    for (name, part), (kernel, bias, slope) in zip(expected, found, strict=True):
        if (slope is None) != (part.prelu is None):
            raise _unfit(f"{name} has another activation")
        tensors |= {f"{name}.conv.weight": kernel, f"{name}.conv.bias": bias}
        if slope is not None:
            tensors[f"{name}.prelu.weight"] = slope
    return {name: np.ascontiguousarray(array, np.float32) for name, array in tensors.items()}


def _convolutions(content: bytes) -> list[tuple[Any, Any, Any]]:
    """Kernel, bias and slope (None: linear) of each convolution, kernels as (out, in, height, width)."""
    import tflite  # noqa: PLC0415 - only needed while converting

    model = tflite.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)

    def constant(index: int) -> Any:
        tensor = graph.Tensors(index)
        values = np.frombuffer(model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes(), "<f4")
        return values.reshape([int(side) for side in tensor.ShapeAsNumpy()])

    order = {tflite.BuiltinOperator.CONV_2D: (0, 3, 1, 2), tflite.BuiltinOperator.DEPTHWISE_CONV_2D: (3, 0, 1, 2)}
    rows: list[tuple[Any, Any, Any]] = []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        inputs = [int(index) for index in operator.InputsAsNumpy()]
        if kind in order:
            rows.append((constant(inputs[1]).transpose(order[kind]), constant(inputs[2]), None))
        elif kind == tflite.BuiltinOperator.MUL:
            kernel, bias, _ = rows.pop()
            rows.append((kernel, bias, 2 * constant(inputs[0]).reshape(-1)))
    return rows


def _unfit(why: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"the weights do not fit MobileFaceNet ({why})", hint="run `muster models fetch mobilefacenet-192 --force`"
    )
