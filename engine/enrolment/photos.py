"""Check a photo for enrolment: the face ready to be enrolled, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError, MusterError
from engine.face_reader import FaceReader, bystanders, subject
from engine.imaging import crop_around, decode_image, read_image
from engine.types import FaceQuality, Floats, Image

Picture = Image | bytes | Path
"""A photo: RGB uint8 (H, W, 3), the bytes of an image file, or its path."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo that can be enrolled.

    Attributes:
        name: of the file.
        embedding: (d,) float32 unit row.
        quality: of the face.
        picture: RGB crop around the face, to be stored.
    """

    name: str
    embedding: Floats
    quality: FaceQuality
    picture: Image


@dataclass(frozen=True)
class RefusedPhoto:
    """One photo that cannot be enrolled.

    Attributes:
        name: of the file.
        reason: a reason of the quality gate, `no face found`, `several faces` or `not a picture`.
        text: name, reason and advice in one line.
    """

    name: str
    reason: str
    text: str


_ADVICE = {
    "too small": "come closer or use a larger photo",
    "cut off by the edge": "show the whole face",
    "too dark": "more light from the front",
    "too bright": "less light",
    "too little contrast": "use an even light",
    "blurred": "hold still, or use a sharper photo",
    "turned too far": "look at the camera",
    "looking up or down too far": "look at the camera",
}


def _examined(reader: FaceReader, image: Image, name: str) -> Shot | RefusedPhoto:
    faces = reader.photo(image)
    chosen = subject(faces, (image.shape[1], image.shape[0]))
    if chosen is None or faces.embeddings is None:
        return _refused(name, "no face found", "use a photo that shows the face from the front")
    if beside := bystanders(faces.detections, chosen):
        return _refused(name, "several faces", "use a photo of one person alone, or crop it", f"{beside + 1} faces")
    quality = faces.qualities[chosen]
    if not quality.good:
        advice = _ADVICE.get(quality.reason, "try another photo")
        return _refused(name, quality.reason, advice, f"the face is {quality.reason}")
    return Shot(name, faces.embeddings[chosen], quality, crop_around(image, faces.detections.boxes[chosen]))


def _refused(name: str, reason: str, advice: str, finding: str = "") -> RefusedPhoto:
    return RefusedPhoto(name, reason, str(MusterError(f"{name}: {finding or reason}", hint=advice)))


def examine_all(reader: FaceReader, pictures: Iterable[tuple[str, Picture]]) -> tuple[list[Shot], list[RefusedPhoto]]:
    """Return the usable photos, and the others with the reasons why not; one picture at a time is held in memory."""
    shots: list[Shot] = []
    refused: list[RefusedPhoto] = []
    for name, picture in pictures:
        try:
            if isinstance(picture, Path):
                image = read_image(picture)
            else:
                image = decode_image(picture, name=name) if isinstance(picture, bytes) else picture
        except InputError as error:
            refused.append(RefusedPhoto(name, "not a picture", str(error)))
            continue
        found = _examined(reader, image, name)
        if isinstance(found, Shot):
            shots.append(found)
        else:
            refused.append(found)
    return shots, refused
