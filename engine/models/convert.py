"""Convert weights: read checkpoints, load them strictly into facenet-pytorch's modules, export these to ONNX.

This module and `runtime` are the only ones that import torch, and only inside their functions: a process that finds exported
graphs in the cache starts without torch.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import io
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError, ModelUnavailable
from engine.models.fetch import file_sha256
from engine.models.registry import MTCNN_WEIGHTS, EmbedderSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

Tensors = dict[str, NDArray[np.float32]]

OPSET = 17


def check_torch() -> None:
    """Import torch and what the networks are built from.

    Raises:
        ModelUnavailable: they cannot be imported, as where torch is built for CPUs and torchvision is not.
    """
    try:
        import facenet_pytorch  # noqa: F401, PLC0415
        import torch  # noqa: F401, PLC0415
    except Exception as error:
        found = [f"{each} {_version(each)}" for each in ("torch", "torchvision")]
        why = str(error).strip().splitlines()[:1]
        raise ModelUnavailable(
            f"{' and '.join(found)} cannot be used ({': '.join([type(error).__name__, *why])})",
            hint="install both again, of releases that belong together and from the same index: docs/installing.md, Without CUDA",
        ) from error


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(missing)"


def digest(tensors: Tensors) -> str:
    """Return the SHA-256 over names, shapes and bytes of all tensors, in the order of their names: independent of any file format."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name], np.dtype("<f4"))
        total.update(f"{name}{list(array.shape)}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


# --------------------------------------------------------------------------------------------- Keras → torch


def _block_name(keras: str) -> str:
    """Return the module path in facenet-pytorch of a Keras layer (without its `_BatchNorm` suffix)."""
    plain = {
        "Conv2d_1a_3x3": "conv2d_1a",
        "Conv2d_2a_3x3": "conv2d_2a",
        "Conv2d_2b_3x3": "conv2d_2b",
        "Conv2d_3b_1x1": "conv2d_3b",
        "Conv2d_4a_3x3": "conv2d_4a",
        "Conv2d_4b_3x3": "conv2d_4b",
    }
    if keras in plain:
        return plain[keras]
    family, *rest = keras.split("_")
    if family == "Mixed":
        return f"mixed_{rest[0]}"
    number = int(rest[0])
    stack = {"Block35": "repeat_1", "Block17": "repeat_2", "Block8": "repeat_3"}[family]
    return "block8" if (family, number) == ("Block8", 6) else f"{stack}.{number - 1}"


def keras_tensors(content: bytes, dimension: int) -> Tensors:
    """Read the Keras FaceNet weights and give them the names of facenet-pytorch's `InceptionResnetV1`.

    h5py reads the arrays alone: a Keras model file can hold Python code, so Keras never opens it. Kernels turn from (height,
    width, in, out) to (out, in, height, width). Keras' BatchNorm has no scale here, so its weights are ones.

    Args:
        content: the .h5 file.
        dimension: length of the embedding.

    Returns:
        float32 arrays by torch name, ready for a strict load.

    Raises:
        ModelUnavailable: the file does not hold the layers of this architecture.
    """
    import h5py  # noqa: PLC0415 - only needed while converting

    layers: dict[str, Tensors] = {}
    try:
        with h5py.File(io.BytesIO(content), "r") as file:

            def collect(name: str, item: object) -> None:
                if isinstance(item, h5py.Dataset):
                    layer, _, parameter = name.rpartition("/")
                    layers.setdefault(layer.split("/")[0], {})[parameter.split(":")[0]] = np.asarray(item, np.float32)

            file["model_weights"].visititems(collect)
        return _named_as_torch(layers, dimension)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise ModelUnavailable(
            f"the Keras weights cannot be read ({error})", hint="run `muster models fetch`"
        ) from error


def _named_as_torch(layers: dict[str, Tensors], dimension: int) -> Tensors:
    # torch holds a branch with several convolutions as a Sequential, in the order of the Keras names
    branches: dict[str, list[str]] = {}
    for layer in sorted(layers):
        if "_Branch_" in layer and not layer.endswith("_BatchNorm"):
            head, _, tail = layer.partition("_Branch_")
            branches.setdefault(f"{head}_Branch_{tail[0]}", []).append(layer)
    tensors: Tensors = {}
    for layer, arrays in layers.items():
        is_norm = layer.endswith("_BatchNorm")
        name = layer.removesuffix("_BatchNorm")
        if name == "Bottleneck":
            prefix = "last_bn" if is_norm else "last_linear"
        elif "_Branch_" in name:
            head, _, tail = name.partition("_Branch_")
            members = branches[f"{head}_Branch_{tail[0]}"]
            position = f".{members.index(name)}" if len(members) > 1 else ""
            prefix = f"{_block_name(head)}.branch{tail[0]}{position}.{'bn' if is_norm else 'conv'}"
        elif name.startswith("Block"):
            prefix = f"{_block_name(name.removesuffix('_Conv2d_1x1'))}.conv2d"
        else:
            prefix = f"{_block_name(name)}.{'bn' if is_norm else 'conv'}"
        if is_norm:
            tensors[f"{prefix}.bias"] = arrays["beta"]
            tensors[f"{prefix}.weight"] = np.ones_like(arrays["beta"])
            tensors[f"{prefix}.running_mean"] = arrays["moving_mean"]
            tensors[f"{prefix}.running_var"] = arrays["moving_variance"]
        else:
            kernel = arrays["kernel"]
            tensors[f"{prefix}.weight"] = kernel.T if kernel.ndim == 2 else kernel.transpose(3, 2, 0, 1)
            if "bias" in arrays:
                tensors[f"{prefix}.bias"] = arrays["bias"]
    if tensors["last_linear.weight"].shape != (dimension, 1792):
        raise ValueError(f"expected a {dimension}-d bottleneck, got {tensors['last_linear.weight'].shape}")
    return {name: np.ascontiguousarray(array) for name, array in tensors.items()}


# --------------------------------------------------------------------------------------------- torch modules


def facenet_module(tensors: Tensors, dimension: int) -> torch.nn.Module:
    """Load the weights strictly into facenet-pytorch's `InceptionResnetV1`, in evaluation mode.

    Raises:
        ModelUnavailable: a tensor is missing, left over, or has another shape.
    """
    import torch  # noqa: PLC0415
    from facenet_pytorch import InceptionResnetV1  # noqa: PLC0415

    module = cast("torch.nn.Module", InceptionResnetV1(pretrained=None, classify=False))
    module.last_linear = torch.nn.Linear(1792, dimension, bias=False)
    module.last_bn = torch.nn.BatchNorm1d(dimension, eps=0.001, momentum=0.1, affine=True)
    state = {name: torch.from_numpy(np.array(array)) for name, array in tensors.items()}
    for name in module.state_dict():
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, torch.tensor(0))
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ModelUnavailable(
            f"the weights do not fit InceptionResnetV1 ({str(error).splitlines()[-1].strip()[:160]})",
            hint="use a checkpoint of facenet-pytorch's InceptionResnetV1",
        ) from error
    return module.eval()


def network_module(spec: EmbedderSpec, tensors: Tensors) -> torch.nn.Module:
    """Load an embedder's weights strictly into its torch module, in evaluation mode.

    Raises:
        ModelUnavailable: a tensor is missing, left over, or has another shape.
    """
    if spec.origin == "npm":
        from engine.models.mobilefacenet import mobilefacenet_module  # noqa: PLC0415 - imports torch

        return mobilefacenet_module(tensors)
    return facenet_module(tensors, spec.dimension)


def load_checkpoint(path: Path, spec: EmbedderSpec) -> Tensors:
    """Read the tensors of a facenet-pytorch `.pt` checkpoint without executing anything in it.

    The classifier that facenet-pytorch stores with the embedder (`logits.*`) is left out; everything else must fit.

    Raises:
        InputError: the file is missing or not a plain checkpoint.
        ModelUnavailable: the checkpoint is of another network.
    """
    import pickle  # noqa: PLC0415 - only its exception is used

    import torch  # noqa: PLC0415

    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
        items = {str(name): value for name, value in state.items()}
        tensors = {
            name: np.ascontiguousarray(value.detach().numpy(), np.float32)
            for name, value in items.items()
            if not name.startswith("logits.") and not name.endswith("num_batches_tracked")
        }
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file", hint="give the path of facenet-pytorch's .pt checkpoint") from error
    except (
        OSError,
        pickle.UnpicklingError,
        RuntimeError,
        AttributeError,
        TypeError,
        ValueError,
        EOFError,
        KeyError,
    ) as error:
        raise InputError(
            f"{path} is not a checkpoint that can be loaded safely ({type(error).__name__})",
            hint="give the .pt file that facenet-pytorch publishes, unchanged",
        ) from error
    facenet_module(tensors, spec.dimension)  # raises if a tensor is missing or left over
    return tensors


def mtcnn_path(name: str) -> Path:
    """Return the verified path of the weights of `pnet`, `rnet` or `onet` in facenet-pytorch's wheel, without importing torch.

    Raises:
        ModelUnavailable: the package is missing or its file is not the pinned one.
    """
    found = importlib.util.find_spec("facenet_pytorch")
    folders = list(found.submodule_search_locations or []) if found else []
    path = Path(folders[0]) / "data" / f"{name}.pt" if folders else None
    if path is None or not path.exists():
        raise ModelUnavailable(
            "facenet-pytorch's MTCNN weights are missing", hint="run `pip install facenet-pytorch==2.5.3`"
        )
    if file_sha256(path) != MTCNN_WEIGHTS[name]:
        raise ModelUnavailable(
            f"{path} is not the file from facenet-pytorch 2.5.3",
            hint="run `pip install --force-reinstall --no-deps facenet-pytorch==2.5.3`",
        )
    return path


def mtcnn_module(name: str) -> torch.nn.Module:
    """Return facenet-pytorch's PNet, RNet or ONet with the weights from its wheel, in evaluation mode."""
    import torch  # noqa: PLC0415
    from facenet_pytorch.models.mtcnn import ONet, PNet, RNet  # noqa: PLC0415

    module = cast("torch.nn.Module", {"pnet": PNet, "rnet": RNet, "onet": ONet}[name](pretrained=False))
    module.load_state_dict(torch.load(mtcnn_path(name), map_location="cpu", weights_only=True), strict=True)
    return module.eval()


def _blocked_prelu(slope: torch.Tensor) -> torch.nn.Module:
    """PReLU(x) as (1 - slope)·relu(x) + slope·x, two depthwise 1×1 convolutions: ONNX Runtime leaves its blocked layout for PRelu."""
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    class Blocked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            channels = len(slope)
            self.above = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
            self.straight = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
            self.fusible = bool((slope <= 1).all())
            self.above.weight.data = (1 - slope).reshape(-1, 1, 1, 1).clone()
            self.straight.weight.data = slope.reshape(-1, 1, 1, 1).clone()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            # relu((1 - slope)·x) is the same if no slope exceeds 1, and fuses with the convolution
            above = torch.relu(self.above(x)) if self.fusible else self.above(torch.relu(x))
            return cast("torch.Tensor", above + self.straight(x))

    return Blocked()


def without_prelus(module: torch.nn.Module) -> torch.nn.Module:
    """Rewrite every PReLU of a module in place, see `_blocked_prelu`: same function, 1.7× as fast with MobileFaceNet."""
    from torch import nn  # noqa: PLC0415

    for name, part in module.named_children():
        if isinstance(part, nn.PReLU):
            setattr(module, name, _blocked_prelu(part.weight.detach()))
        else:
            without_prelus(part)
    return module.eval()


def _pooled_prelu(conv: nn.Conv2d, slope: torch.Tensor, pool: nn.Module) -> tuple[nn.Conv2d, nn.Module]:
    """A convolution, PReLU and max-pooling with the PReLU last, where a quarter of the values is left.

    The PReLU of a channel with a slope of at least 0 rises everywhere, so it may as well come after. With a slope below 0 it is the
    larger of x and slope·x, so the convolution returns slope·x as well, in a channel of its own, and both are pooled.

    Returns:
        What takes the place of the convolution, and what of the pooling.
    """
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    channels, falling = len(slope), (slope < 0).nonzero().ravel()
    assert conv.bias is not None
    weight = torch.cat([conv.weight, slope[falling].reshape(-1, 1, 1, 1) * conv.weight[falling]]).detach()
    bias = torch.cat([conv.bias, slope[falling] * conv.bias[falling]]).detach()
    wider = _padded_conv(weight, bias, -len(weight) % 8)
    out = channels + -channels % 8
    straight, above = torch.zeros(out, wider.out_channels), torch.zeros(out, wider.out_channels)
    rows = torch.arange(channels)
    straight[rows, rows] = slope.clamp(min=0.0)
    above[rows, rows] = torch.where(slope < 0, torch.ones_like(slope), (1 - slope).abs())
    places = channels + torch.arange(len(falling))
    straight[falling, places], above[falling, places] = 1.0, -1.0
    sign = torch.ones(out)
    sign[rows] = torch.where(slope > 1, -1.0, 1.0)

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool = pool
            self.straight = _padded_conv(straight[:, :, None, None], None, 0)
            self.above = _padded_conv(above[:, :, None, None], None, 0)
            self.sign = nn.Conv2d(out, out, 1, groups=out, bias=False)
            self.sign.weight.data = sign.reshape(-1, 1, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.pool(x)
            return cast("torch.Tensor", self.straight(x) + self.sign(torch.relu(self.above(x))))

    return wider, Pooled()


def _padded_conv(weight: torch.Tensor, bias: torch.Tensor | None, after: int, before: int = 0) -> nn.Conv2d:
    """A convolution with channels of zeros after those that a layer returns, and after those that it takes."""
    from torch import nn  # noqa: PLC0415

    out, into, *kernel = weight.shape
    conv = nn.Conv2d(into + before, out + after, (kernel[0], kernel[1]), bias=bias is not None)
    conv.weight.data = nn.functional.pad(weight.detach(), (0, 0, 0, 0, 0, before, 0, after))
    if bias is not None:
        conv.bias = nn.Parameter(nn.functional.pad(bias.detach(), (0, after)))
    return conv


def blocked(module: torch.nn.Module) -> torch.nn.Module:
    """Rewrite MTCNN's module in place so that ONNX Runtime keeps its blocked memory layout throughout: same function, 1.5× as fast,
    PNet 2×.

    The runtime leaves that layout for PRelu and for convolutions whose channels are not a multiple of 8, so channels are padded
    with zeros.
    """
    from torch import nn  # noqa: PLC0415

    parts = dict(module.named_children())
    chain = [name for name in parts if f"prelu{name.removeprefix('conv')}" in parts and name.startswith("conv")]
    extra = 0  # zero channels that the previous layer added
    for name in [*chain, *(name for name in parts if name.startswith("conv") and name not in chain)]:
        old = cast("nn.Conv2d", parts[name])
        after = -old.out_channels % 8 if name in chain else 0
        prelu = f"prelu{name.removeprefix('conv')}"
        setattr(module, name, _padded_conv(old.weight, old.bias, after, extra))
        if name in chain:
            slope = cast("nn.PReLU", parts[prelu]).weight.detach()
            setattr(module, prelu, _blocked_prelu(nn.functional.pad(slope, (0, after))))
            extra = after
    if "softmax4_1" in parts:
        first, prelu1 = cast("nn.Conv2d", parts["conv1"]), cast("nn.PReLU", parts["prelu1"])
        module.conv1, module.pool1 = _pooled_prelu(first, prelu1.weight.detach(), parts["pool1"])
        module.prelu1 = nn.Identity()
    return module.eval()


def with_logits(pnet: torch.nn.Module) -> torch.nn.Module:
    """Rewrite PNet in place so that it returns the logit of a face, not two probabilities: its softmax takes a tenth of its time."""
    from torch import nn  # noqa: PLC0415

    scores = cast("nn.Conv2d", pnet.conv4_1)
    assert scores.bias is not None
    pnet.conv4_1 = _padded_conv(scores.weight[1:] - scores.weight[:1], scores.bias[1:] - scores.bias[:1], 0)
    pnet.softmax4_1 = nn.Identity()
    return pnet.eval()


def export_onnx(module: torch.nn.Module, example: tuple[int, ...], dynamic: dict[int, str]) -> bytes:
    """Export a module with one input `x` as an ONNX graph.

    Args:
        module: in evaluation mode; the exporter folds BatchNorms into convolutions.
        example: shape of an example input, NCHW.
        dynamic: axes of the input that may change, with names.
    """
    import torch  # noqa: PLC0415

    with torch.inference_mode(False), torch.no_grad():
        outputs = module(torch.zeros(example))
    names = [f"y{index}" for index in range(len(outputs) if isinstance(outputs, tuple) else 1)]
    # every output shares the batch axis, and PNet's outputs keep the picture's axes; the exporter infers the rest
    axes = {"x": dynamic, **{name: {0: "n"} for name in names}}
    if 2 in dynamic:
        axes |= {name: {0: "n", 2: "oh", 3: "ow"} for name in names}
    descriptor, scratch = tempfile.mkstemp(suffix=".onnx")
    os.close(descriptor)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # the exporter warns of its successor and of shapes traced as constants; tests check the graph's outputs
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                (torch.zeros(example),),
                scratch,
                dynamo=False,
                opset_version=OPSET,
                input_names=["x"],
                output_names=names,
                dynamic_axes=axes,
            )
        return Path(scratch).read_bytes()
    finally:
        Path(scratch).unlink(missing_ok=True)
