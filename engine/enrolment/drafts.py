"""Photos + person → templates, or the reasons why not.

Each photo must show one face that passes the quality gate (`engine.enrolment.photos`), and all photos of one enrolment must
show one person. The draft is compared with everybody enrolled, and a person enrolled under another id is refused.
`engine.enrolment.registrar` stores the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.enrolment.photos import RefusedPhoto, Shot
from engine.errors import EnrolmentRejected
from engine.gallery import Gallery, fuse
from engine.types import Candidate, Floats

Verdict = Literal["safe", "look_alike", "already_enrolled", "different_people", "unusable"]
"""`look_alike`: an enrolled person is similar enough to be confused with this one; a second user decides whether they are the same.
`already_enrolled`: so similar that they are the same person, or twins. `different_people`: the photos show several people, or not
the person enrolled under that id."""

ENOUGH_PHOTOS = 3
"""Photos that everybody should be enrolled with: with one, cameras miss a person three to five times as often; more give little."""

SAME_PICTURE = 0.995
"""Similarity (`>=`) of a picture with itself, saved again."""

_NOTEWORTHY = 0.1  # a report names look-alikes down to this far below the threshold


@dataclass
class EnrolmentReport:
    """The result of an enrolment.

    Attributes:
        accepted: names of the photos that became templates.
        rejected: by photo, why it was rejected and what to do.
        turned: by photo that lay on its side or stood on its head, the degrees by which it was turned clockwise.
        overruled: by photo that was enrolled anyway, why the check had refused it.
        look_alikes: the most similar enrolled people, best first.
        coherence: mean similarity of each template with the mean of the others; None with one template.
        set_aside: what was set aside because of the enrolment, see `engine.enrolment.hygiene`.
        templates: number of the person's templates after the enrolment.
    """

    employee_id: str
    name: str
    accepted: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    turned: dict[str, int] = field(default_factory=dict)
    overruled: dict[str, str] = field(default_factory=dict)
    look_alikes: list[Candidate] = field(default_factory=list)
    coherence: float | None = None
    set_aside: list[str] = field(default_factory=list)
    templates: int = 0


def _rows(shots: Sequence[Shot]) -> tuple[Floats, Floats]:
    """Return (n, d) embeddings and (n,) weights."""
    weights = np.array([shot.quality.score for shot in shots], np.float32)
    return np.stack([shot.embedding for shot in shots]), weights


def _likeness(shots: Sequence[Shot], inside: NDArray[np.bool_]) -> Floats:
    """Return the (n,) similarity of each shot with the fused other shots of a group; 1 where there are none."""
    rows, weights = _rows(shots)
    similarities = np.ones(len(shots), np.float32)
    for index, row in enumerate(rows):
        others = inside & (np.arange(len(rows)) != index)
        if others.any():
            similarities[index] = row @ fuse(rows[others], weights[others])
    return similarities


def _one_person(shots: Sequence[Shot], same_person: float) -> NDArray[np.bool_]:
    """Return (n,) whether each shot belongs to the largest group that looks alike.

    The group starts from the shot that resembles most others, and grows by the shots that resemble its mean until nothing changes:
    two poor photos of one person may differ from each other and still resemble the rest.
    """
    rows, _ = _rows(shots)
    alike = rows @ rows.T >= same_person
    np.fill_diagonal(alike, True)
    inside = alike[int(alike.sum(1).argmax())]
    for _ in range(10):
        grown = _likeness(shots, inside) >= same_person
        if (grown == inside).all() or not grown.any():
            break
        inside = grown
    return np.asarray(inside, np.bool_)


@dataclass(frozen=True, eq=False)
class Draft:
    """A proposed enrolment; nothing is stored yet.

    Attributes:
        shots, refused: usable and unusable photos.
        alike: (n,) float32, similarity of each shot with the fused other shots of the person (1 for a single shot).
        kept: (n,) whether a shot shows the person that most shots show; the others are outliers and are left out.
        nearest: the three most similar enrolled people, best first.
        threshold: similarity from which two faces match.
        same_person: similarity below which photos count as two people's.
        own_similarity: with the person as enrolled so far; None if they are not enrolled.
        before: number of the person's templates so far.
    """

    employee_id: str
    name: str
    shots: tuple[Shot, ...]
    refused: tuple[RefusedPhoto, ...]
    alike: Floats
    kept: NDArray[np.bool_]
    nearest: tuple[Candidate, ...]
    threshold: float
    same_person: float
    own_similarity: float | None
    before: int = 0

    @property
    def certain(self) -> float:
        """Similarity from which two faces count as one person's."""
        return (
            1 + self.threshold
        ) / 2  # measured: 5 of 100 comparisons of four photos with four of the same person are below

    @property
    def verdict(self) -> Verdict:
        """See `Verdict`."""
        if not self.shots:
            return "unusable"
        if self.mixed or self.stranger:
            return "different_people"
        if not self.nearest or self.nearest[0].similarity < self.threshold:
            return "safe"
        return "already_enrolled" if self.nearest[0].similarity >= self.certain else "look_alike"

    @property
    def chosen(self) -> list[Shot]:
        """The shots that become templates."""
        return [shot for shot, stays in zip(self.shots, self.kept, strict=True) if stays]

    @property
    def templates(self) -> int:
        """Number of the person's templates once this is stored; `ENOUGH_PHOTOS` are wanted."""
        return self.before + int(self.kept.sum())

    @property
    def outliers(self) -> list[Shot]:
        """The shots that do not look like the others."""
        return [shot for shot, stays in zip(self.shots, self.kept, strict=True) if not stays]

    @property
    def coherence(self) -> float | None:
        """Mean similarity of each chosen shot with the others; None with a single one."""
        return float(self.alike[self.kept].mean()) if self.kept.sum() > 1 else None

    @property
    def mixed(self) -> bool:
        """Whether the photos show several people, none of them in most photos."""
        return len(self.shots) > 1 and int(self.kept.sum()) * 2 <= len(self.shots)

    @property
    def stranger(self) -> bool:
        """Whether the photos show one person, but not the one enrolled under this id."""
        return not self.mixed and self.own_similarity is not None and self.own_similarity < self.same_person


def draft(
    employee_id: str,
    name: str,
    shots: Sequence[Shot],
    gallery: Gallery,
    *,
    threshold: float,
    same_person: float,
    refused: Sequence[RefusedPhoto] = (),
) -> Draft:
    """Draft an enrolment without storing anything.

    Args:
        shots, refused: usable and unusable photos of somebody, enrolled before or not.
        threshold: the matching threshold.
        same_person: a photo whose similarity with the fused others is lower counts as another person's.
    """
    alike, kept = np.empty(0, np.float32), np.empty(0, np.bool_)
    nearest: tuple[Candidate, ...] = ()
    own: float | None = None
    templates, before = gallery.of(employee_id)
    if shots:
        kept = _one_person(shots, same_person)
        alike = _likeness(shots, kept)
        rows, weights = _rows([shot for shot, stays in zip(shots, kept, strict=True) if stays])
        fused = fuse(rows, weights)
        if templates:
            own = float(fuse(before, np.array([template.quality for template in templates])) @ fused)
        nearest = gallery.search(fused[None], threshold=threshold, top=3, without=[employee_id])[0].candidates
    return Draft(
        employee_id,
        name,
        tuple(shots),
        tuple(refused),
        alike,
        kept,
        nearest,
        threshold,
        same_person,
        own,
        len(templates),
    )


def _objection(drafted: Draft, *, allow_look_alike: bool) -> tuple[str, str] | None:
    """Return why a draft may not be stored and what to do; None if it may."""
    who = drafted.employee_id
    if drafted.verdict == "unusable":
        first = drafted.refused[0].text if drafted.refused else "no photos given"
        more = f" (and {len(drafted.refused) - 1} more)" if len(drafted.refused) > 1 else ""
        message, _, hint = first.partition(" → ")
        return f"{who} was not enrolled: {message}{more}", hint or "give photos of one face"
    if drafted.stranger:
        return (
            f"these photos do not look like {who} as enrolled (similarity {drafted.own_similarity:.2f})",
            "check the id, or `muster forget` the person first",
        )
    if drafted.mixed:
        shots, kept = drafted.shots, drafted.chosen
        if len(shots) == 2:
            similarity = float(shots[0].embedding @ shots[1].embedding)
            found = f" (similarity {similarity:.2f} between {shots[0].name} and {shots[1].name})"
        else:
            differ = f"{kept[0].name} differs from {drafted.outliers[0].name}"
            found = f", only {len(kept)} of {len(shots)} look alike ({differ})"
        return f"{who} was not enrolled: the photos show different people{found}", "give photos of one person only"
    if drafted.verdict in {"look_alike", "already_enrolled"} and not allow_look_alike:
        best = drafted.nearest[0]
        return (
            f"{who} looks like {best.person}, who is already enrolled "
            f"(similarity {best.similarity:.2f}, threshold {drafted.threshold:.2f})",
            "check whether they are the same person; if not, enrol again with --allow-look-alike",
        )
    return None


def judge(
    shots: Sequence[Shot],
    report: EnrolmentReport,
    gallery: Gallery,
    *,
    threshold: float,
    same_person: float,
    allow_look_alike: bool = False,
) -> list[Shot]:
    """Return the shots that may become templates: all of one person, who is not enrolled under another id.

    Args:
        report: filled in.
        gallery, threshold, same_person: see `draft`.
        allow_look_alike: enrol even if another person is similar enough to match (twins).

    Raises:
        EnrolmentRejected: nothing is usable, the photos show different people, or the person is enrolled under another id.
    """
    refused = [RefusedPhoto(name, "", text) for name, text in report.rejected.items()]
    drafted = draft(
        report.employee_id, report.name, shots, gallery, threshold=threshold, same_person=same_person, refused=refused
    )
    report.look_alikes = [row for row in drafted.nearest if row.similarity >= threshold - _NOTEWORTHY]
    if (objection := _objection(drafted, allow_look_alike=allow_look_alike)) is not None:
        message, hint = objection
        raise EnrolmentRejected(message, hint=hint, left_out=report.rejected.values())
    for shot in drafted.outliers:
        advice = "does not look like the other photos → leave it out, or check who it shows"
        report.rejected[shot.name] = f"{shot.name}: {advice}"
    report.coherence = drafted.coherence
    report.accepted = [shot.name for shot in drafted.chosen]
    report.turned = {shot.name: shot.turned_deg for shot in drafted.chosen if shot.turned_deg}
    report.overruled = {shot.name: shot.overruled for shot in drafted.chosen if shot.overruled}
    return drafted.chosen
