"""Photos + person → templates, or the reasons why not.

Each photo must show one face that passes the quality gate, and all photos of one enrolment must show one person. The result
is compared with everybody enrolled before anything is stored: somebody who is already there under another id is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.analysis import FaceReader, subject
from engine.drawing import crop_around
from engine.errors import EnrolmentRejected, InputError
from engine.gallery import Gallery, fuse
from engine.images import read_image
from engine.types import Candidate, FaceQuality

__all__ = ["EnrolmentReport", "Shot", "examine", "judge"]

Floats = NDArray[np.float32]

BYSTANDER_SHARE = 0.10
"""A second face smaller than this share of the first is somebody in the background."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo that can be enrolled.

    Attributes:
        name: of the file.
        embedding: (d,) float32 unit row.
        quality: of the face.
        picture: RGB crop around the face, to be kept.
    """

    name: str
    embedding: Floats
    quality: FaceQuality
    picture: NDArray[np.uint8]


@dataclass
class EnrolmentReport:
    """What came of an enrolment.

    Attributes:
        employee_id, name: who.
        accepted: names of the photos that became templates.
        rejected: photo → why not, and what to do.
        look_alikes: enrolled people nearest to the new one, best first.
        coherence: mean similarity of each template with the mean of the others; None with one template.
        templates: how many the person has now.
    """

    employee_id: str
    name: str
    accepted: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    look_alikes: list[Candidate] = field(default_factory=list)
    coherence: float | None = None
    templates: int = 0


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


def examine(reader: FaceReader, image: NDArray[np.uint8], name: str) -> Shot:
    """One photo's face, ready to be enrolled.

    Args:
        reader: networks.
        image: RGB uint8 (H, W, 3).
        name: how to call it in an error.

    Raises:
        EnrolmentRejected: no face, two faces, or a face below the gate.
    """
    faces = reader.photo(image)
    size = (image.shape[1], image.shape[0])
    chosen = subject(faces, size)
    if chosen is None or faces.embeddings is None:
        raise EnrolmentRejected(f"{name}: no face found", hint="use a photo that shows the face from the front")
    areas = faces.detections.areas
    beside = [
        index for index in range(len(faces)) if index != chosen and areas[index] > BYSTANDER_SHARE * areas[chosen]
    ]
    if beside:
        raise EnrolmentRejected(f"{name}: {len(beside) + 1} faces", hint="use a photo of one person alone, or crop it")
    quality = faces.qualities[chosen]
    if not quality.good:
        raise EnrolmentRejected(
            f"{name}: the face is {quality.reason}", hint=_ADVICE.get(quality.reason, "try another photo")
        )
    return Shot(name, faces.embeddings[chosen], quality, crop_around(image, faces.detections.boxes[chosen]))


def examine_files(reader: FaceReader, paths: Sequence[Path], report: EnrolmentReport) -> list[Shot]:
    """The usable photos among files; the reasons for the others go into the report."""
    shots: list[Shot] = []
    for path in paths:
        try:
            shots.append(examine(reader, read_image(path), str(path)))
        except (EnrolmentRejected, InputError) as error:
            report.rejected[str(path)] = str(error)
    return shots


def _likeness(shots: Sequence[Shot]) -> Floats:
    """(n,) similarity of each shot with the fused rest."""
    rows = np.stack([shot.embedding for shot in shots])
    weights = np.array([shot.quality.score for shot in shots], np.float32)
    others = [np.arange(len(shots)) != index for index in range(len(shots))]
    return np.array([rows[i] @ fuse(rows[mask], weights[mask]) for i, mask in enumerate(others)], np.float32)


def _one_person(shots: Sequence[Shot], same_person: float) -> tuple[list[Shot], list[Shot]]:
    """The largest group of shots that look alike, and the others.

    The group starts from the shot that resembles most others and takes in whatever resembles the group's mean, until nothing
    changes: two poor photos of one person may be unlike each other, but are like the rest.
    """
    rows = np.stack([shot.embedding for shot in shots])
    weights = np.array([shot.quality.score for shot in shots], np.float32)
    alike = rows @ rows.T >= same_person
    np.fill_diagonal(alike, True)
    inside = alike[int(alike.sum(1).argmax())]
    for _ in range(10):
        grown = inside.copy()
        for index in range(len(rows)):
            others = inside & (np.arange(len(rows)) != index)
            grown[index] = not others.any() or rows[index] @ fuse(rows[others], weights[others]) >= same_person
        if (grown == inside).all() or not grown.any():
            break
        inside = grown
    return (
        [shot for shot, stays in zip(shots, inside, strict=True) if stays],
        [shot for shot, stays in zip(shots, inside, strict=True) if not stays],
    )


def judge(
    shots: Sequence[Shot],
    report: EnrolmentReport,
    gallery: Gallery,
    *,
    threshold: float,
    same_person: float,
    allow_look_alike: bool = False,
) -> list[Shot]:
    """The shots that may become templates, all of one person who is not somebody else already.

    Args:
        shots: usable photos.
        report: filled in.
        gallery: who is enrolled.
        threshold: the matching threshold.
        same_person: similarity with the fused rest below which a photo is taken for another person's.
        allow_look_alike: enrol although somebody else is as similar as a match (twins).

    Raises:
        EnrolmentRejected: nothing usable, different people, or already enrolled as somebody else.
    """
    if not shots:
        first = next(iter(report.rejected.values()), "no photos given")
        more = f" (and {len(report.rejected) - 1} more)" if len(report.rejected) > 1 else ""
        message, _, hint = first.partition(" → ")
        raise EnrolmentRejected(
            f"{report.employee_id} was not enrolled: {message}{more}", hint=hint or "give photos of one face"
        )
    kept, odd = _one_person(shots, same_person)
    if len(kept) * 2 <= len(shots) and len(shots) > 1:
        likeness = _likeness(shots)
        raise EnrolmentRejected(
            f"{report.employee_id} was not enrolled: the photos show different people "
            f"(similarity {likeness.min():.2f} between {shots[0].name} and {shots[-1].name})"
            if len(shots) == 2
            else f"{report.employee_id} was not enrolled: the photos show different people, no more than {len(kept)} of "
            f"{len(shots)} look alike (such as {kept[0].name}, unlike {odd[0].name})",
            hint="give photos of one person only",
        )
    for shot in odd:
        report.rejected[shot.name] = (
            f"{shot.name}: does not look like the other photos → leave it out, or check who it shows"
        )
    likeness = _likeness(kept) if len(kept) > 1 else np.ones(1, np.float32)
    report.coherence = float(likeness.mean()) if len(kept) > 1 else None
    rows = np.stack([shot.embedding for shot in kept])
    fused = fuse(rows, np.array([shot.quality.score for shot in kept], np.float32))
    templates, own = gallery.of(report.employee_id)
    if templates:
        similarity = float(fuse(own, np.array([template.quality for template in templates])) @ fused)
        if similarity < same_person:
            raise EnrolmentRejected(
                f"these photos do not look like {report.employee_id} as enrolled (similarity {similarity:.2f})",
                hint="check the id, or `muster forget` the person first",
            )
    match = gallery.search(fused[None], threshold=threshold, top=4, without=[report.employee_id])[0]
    report.look_alikes = [row for row in match.candidates if row.similarity >= threshold - 0.1]
    if match.above_threshold and not allow_look_alike:
        best = match.candidates[0]
        raise EnrolmentRejected(
            f"{report.employee_id} looks like {best.person}, who is already enrolled "
            f"(similarity {best.similarity:.2f}, threshold {threshold:.2f})",
            hint="check whether they are one person; if not, enrol again with --allow-look-alike",
        )
    report.accepted = [shot.name for shot in kept]
    return kept
