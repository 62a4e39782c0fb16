"""Check a photo for enrolment: the face ready to be enrolled, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from engine.errors import InputError, MusterError
from engine.face_reader import BYSTANDER_SHARE, FaceReader, bystanders
from engine.imaging import MAX_PIXELS, crop_around, decode_image, encode_jpeg, read_image
from engine.occlusion import COVERED
from engine.types import Detections, FaceQuality, Floats, Image

Picture = Image | bytes | Path | Callable[[], bytes | Path]
"""A photo: RGB uint8 (H, W, 3), the bytes of an image file, its path, or what reads it and may raise `InputError`."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo that can be enrolled.

    Attributes:
        name: of the file.
        embedding: (d,) float32 unit row.
        quality: of the face.
        jpeg: crop around the face, as it will be stored; five hundred people's fit into memory.
        turned_deg: how far the photo was turned clockwise to stand upright.
        overruled: why the check refused the photo, if a user enrols it anyway; else empty.
    """

    name: str
    embedding: Floats
    quality: FaceQuality
    jpeg: bytes
    turned_deg: int = 0
    overruled: str = ""

    @property
    def picture(self) -> Image:
        """The crop, RGB uint8 (H, W, 3)."""
        return decode_image(self.jpeg, name=self.name)


@dataclass(frozen=True, eq=False)
class RefusedPhoto:
    """One photo that the check refused.

    Attributes:
        name: of the file.
        reason: a reason of the quality gate, one of `engine.occlusion.COVERED`, `no face found`, `unclear which way is up`,
            `several faces` or `not a picture`.
        text: name, reason and advice in one line.
        picture: RGB, what the photo shows; of several faces, the one that `anyway` would enrol is framed. None if the file
            cannot be read.
        anyway: what a user who knows better can enrol; None without a face.
    """

    name: str
    reason: str
    text: str
    picture: Image | None = None
    anyway: Shot | None = None


_FRAME = (230, 159, 0)
_ADVICE = {
    "too small": "come closer or use a larger photo",
    "cut off by the edge": "show the whole face",
    "too dark": "more light from the front",
    "too bright": "less light",
    "too little contrast": "use an even light",
    "blurred": "hold still, or use a sharper photo",
    "turned too far": "look at the camera",
    "looking up or down too far": "look at the camera",
    "eyes covered": "take off dark glasses, and keep the eyes free",
    "mouth covered": "take off the mask or scarf",
    "eyes and mouth covered": "show the whole face",
}


def _examined(reader: FaceReader, image: Image, name: str) -> Shot | RefusedPhoto:
    photo = reader.upright(image)
    faces, chosen = photo.faces, photo.subject
    if chosen is None or faces.embeddings is None:
        whole = crop_around(image, np.array([0, 0, *image.shape[1::-1]], np.float32), grow=0)
        return _refused(name, "no face found", "use a photo that shows the face from the front", picture=whole)
    quality = faces.qualities[chosen]
    picture = crop_around(photo.image, faces.detections.boxes[chosen])
    shot = Shot(name, faces.embeddings[chosen], quality, encode_jpeg(picture), photo.turned_deg)
    if beside := bystanders(faces.detections, chosen):
        together = _together(photo.image, faces.detections, chosen)
        advice = "use a photo of one person alone, or crop it"
        return _refused(name, "several faces", advice, f"{beside + 1} faces", together, shot)
    if flaw := quality.flaw:
        finding = flaw if flaw in COVERED else f"the face is {flaw}"
        return _refused(name, flaw, _ADVICE.get(flaw, "try another photo"), finding, picture, shot)
    if photo.doubtful:
        advice = "turn the photo upright, or use another"
        return _refused(name, "unclear which way is up", advice, picture=picture, shot=shot)
    return shot


def _together(image: Image, found: Detections, chosen: int) -> Image:
    """Return the part of a photo that holds its faces, with a frame around one of them."""
    boxes = found.boxes[found.areas >= BYSTANDER_SHARE * found.areas[chosen]]
    around = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
    line = max(2, round(float((around[2:] - around[:2]).max()) / 60))
    x1, y1, x2, y2 = (round(float(value)) for value in found.boxes[chosen])
    framed = cv2.rectangle(image.copy(), (x1, y1), (x2, y2), _FRAME, line)
    return crop_around(np.asarray(framed, np.uint8), around, grow=0.15)


def _refused(
    name: str,
    reason: str,
    advice: str,
    finding: str = "",
    picture: Image | None = None,
    shot: Shot | None = None,
) -> RefusedPhoto:
    text = str(MusterError(f"{name}: {finding or reason}", hint=advice))
    return RefusedPhoto(name, reason, text, picture, shot and replace(shot, overruled=reason))


def overrule(
    shots: Sequence[Shot], refused: Sequence[RefusedPhoto], names: Collection[str]
) -> tuple[list[Shot], list[RefusedPhoto]]:
    """Move refused photos of some names to the usable ones, because a user knows better.

    Raises:
        InputError: one of them shows no face, or is no picture.
    """
    wanted = [each for each in refused if each.name in names]
    for each in wanted:
        if each.anyway is None:
            raise InputError(f"{each.name}: {each.reason}, so there is nothing to enrol", hint="leave this file out")
    used = [each.anyway for each in wanted if each.anyway is not None]
    return [*shots, *used], [each for each in refused if each.name not in names]


def _read(name: str, picture: Image | bytes | Path, most_px: float) -> Image:
    if isinstance(picture, Path):
        return read_image(picture, most_px=most_px)
    return decode_image(picture, name=name, most_px=most_px) if isinstance(picture, bytes) else picture


def examine_all(
    reader: FaceReader, pictures: Iterable[tuple[str, Picture]], most_px: float = MAX_PIXELS
) -> tuple[list[Shot], list[RefusedPhoto]]:
    """Return the usable photos, and the others with the reasons why not; one picture at a time is held in memory.

    Args:
        most_px: most pixels of a photo, see `decode_image`.
    """
    shots: list[Shot] = []
    refused: list[RefusedPhoto] = []
    for name, picture in pictures:
        try:
            image = _read(name, picture() if callable(picture) else picture, most_px)
        except InputError as error:
            refused.append(RefusedPhoto(name, "not a picture", str(error)))
            continue
        found = _examined(reader, image, name)
        if isinstance(found, Shot):
            shots.append(found)
        else:
            refused.append(found)
    return shots, refused
