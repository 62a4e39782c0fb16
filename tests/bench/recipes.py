"""Other ways from a face to an embedding than the default one: measured on the sample photos, not used by the product.

A *view* is one picture of the face, 160×160; a *recipe* is the mean of the embeddings of one or more views. What a recipe costs is the
number of its views: each is a run of the large network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.alignment import FACE_SIDE, TEMPLATE, align
from engine.embedding import Embedder
from engine.face_reader import FaceReader, Faces, subject
from engine.imaging import read_image
from tests.bench.readings import BOX_MARGIN_PX, Reading, gathered

__all__ = ["DEFAULT", "RECIPES", "Recipe", "SamplePhotos", "read_samples", "recipe_readings"]

RGB = NDArray[np.uint8]
Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

_MIRRORED = "'"
_CENTRE = np.array([80.0, 96.0], np.float32)  # of the face in the template
_MIDDLE_GREY = 0.45


@dataclass(frozen=True)
class Recipe:
    """Views whose embeddings are averaged; a name that ends in ' is the view's mirror image."""

    name: str
    views: tuple[str, ...]


DEFAULT = Recipe("default: aligned face and its mirror image", ("aligned", "aligned'"))
RECIPES: tuple[Recipe, ...] = (
    DEFAULT,
    Recipe("no mirror image", ("aligned",)),
    Recipe("face smaller in the picture, template × 0.85", ("smaller", "smaller'")),
    Recipe("face larger in the picture, template × 1.15", ("larger", "larger'")),
    Recipe("landmarks of a second look of the last detector network", ("again", "again'")),
    Recipe("box crop with margin 32 instead of alignment", ("box", "box'")),
    Recipe("contrast equalised in parts (CLAHE)", ("equalised", "equalised'")),
    Recipe("brightness set to a middle grey by gamma", ("gamma", "gamma'")),
    Recipe("in grey instead of colour", ("grey", "grey'")),
    Recipe("mirror image in grey", ("aligned", "grey'")),
    Recipe("mirror image of the box crop", ("aligned", "box'")),
    Recipe("two sizes, × 0.85 and × 1.15", ("smaller", "smaller'", "larger", "larger'")),
    Recipe("colour and grey", ("aligned", "aligned'", "grey", "grey'")),
    Recipe("aligned and box crop", ("aligned", "aligned'", "box", "box'")),
)
"""The default first; each is two to four runs of the network a face, or one."""


def _scaled(factor: float) -> NDArray[np.float32]:
    return np.asarray((TEMPLATE - _CENTRE) * factor + _CENTRE, np.float32)


def _box_crop(image: RGB, box: NDArray[np.float32]) -> RGB:
    """The box with a margin, stretched to the square, as facenet-pytorch and FaceNet's training cut it."""
    sides = box[2:] - box[:2]
    margin = BOX_MARGIN_PX * sides / (FACE_SIDE - BOX_MARGIN_PX) / 2
    height, width = image.shape[:2]
    left, top = np.maximum(box[:2] - margin, 0).astype(int)
    right, bottom = np.minimum(box[2:] + margin, [width, height]).astype(int)
    part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    return np.asarray(cv2.resize(part, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _equalised(face: RGB) -> RGB:
    lab = cv2.cvtColor(face, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(2.0, (4, 4)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def _gamma(face: RGB) -> RGB:
    luma = float(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)[40:150, 30:130].mean()) / 255
    exponent = np.clip(np.log(_MIDDLE_GREY) / np.log(np.clip(luma, 0.05, 0.95)), 0.6, 1.6)
    return np.asarray((255 * (face / 255.0) ** exponent).round(), np.uint8)


def _grey(face: RGB) -> RGB:
    return np.repeat(np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)[..., None], 3, axis=2)


def _views(image: RGB, faces: Faces, chosen: int, reader: FaceReader) -> dict[str, RGB]:
    """Every view of one face, (160, 160, 3) uint8 each."""
    box, points = faces.detections.boxes[chosen], faces.detections.landmarks[chosen]
    looked = reader.detector.detect_near(image, box[None])
    second = points
    if len(looked):
        nearest = int(np.abs(looked.boxes - box).sum(1).argmin())
        second = (points + looked.landmarks[nearest]) / 2
    face = faces.crops[chosen]
    return {
        "aligned": face,
        "smaller": align(image, points[None], _scaled(0.85))[0],
        "larger": align(image, points[None], _scaled(1.15))[0],
        "again": align(image, second[None])[0],
        "box": _box_crop(image, box),
        "equalised": _equalised(face),
        "gamma": _gamma(face),
        "grey": _grey(face),
    }


@dataclass(frozen=True, eq=False)
class SamplePhotos:
    """Our reading of n photos.

    Attributes:
        reading: with the default recipe.
        weights: (n,) in a fused template; 0: not fit to be enrolled.
        views: of each photo; None: no face was found.
    """

    reading: Reading
    weights: Floats
    views: tuple[Mapping[str, RGB] | None, ...]


def read_samples(files: Sequence[Path], reader: FaceReader, progress: Progress) -> SamplePhotos:
    """Find each photo's subject and cut out every view of it."""
    rows: list[NDArray[np.float32] | None] = []
    weights = np.zeros(len(files))
    views: list[Mapping[str, RGB] | None] = []
    for index, file in enumerate(files):
        progress("reading photos", index, len(files))
        image = read_image(file)
        faces = reader.photo(image)
        chosen = subject(faces, (image.shape[1], image.shape[0]))
        if chosen is None or faces.embeddings is None:
            rows.append(None)
            views.append(None)
            continue
        quality = faces.qualities[chosen]
        weights[index] = max(quality.score, 0.05) if quality.good else 0.0  # as enrolment weighs them
        rows.append(faces.embeddings[chosen])
        views.append(_views(image, faces, chosen, reader))
    return SamplePhotos(gathered(rows), weights, tuple(views))


def recipe_readings(
    photos: SamplePhotos, plain: Embedder, progress: Progress, recipes: Sequence[Recipe] = RECIPES
) -> dict[str, Reading]:
    """The photos by each recipe.

    Args:
        photos: from `read_samples`.
        plain: embeds a picture without its mirror image.
        progress: told of views.
        recipes: by whose names the readings go.
    """
    wanted = sorted({view for recipe in recipes for view in recipe.views})
    present = [index for index, views in enumerate(photos.views) if views is not None]
    embedded: dict[str, Floats] = {}
    for index, name in enumerate(wanted):
        progress("trying other recipes", index, len(wanted))
        faces = [views[name.rstrip(_MIRRORED)] for views in photos.views if views is not None]
        pictures = np.stack(faces) if faces else np.empty((0, FACE_SIDE, FACE_SIDE, 3), np.uint8)
        embedded[name] = plain.embed(pictures[:, :, ::-1] if name.endswith(_MIRRORED) else pictures).astype(np.float64)
    found = {}
    for recipe in recipes:
        sums = sum((embedded[view] for view in recipe.views), np.zeros((len(present), plain.dimension)))
        unit = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        rows: list[NDArray[np.floating] | None] = [None] * len(photos.views)
        for place, row in zip(present, unit, strict=True):
            rows[place] = row
        found[recipe.name] = gathered(rows)
    return found
