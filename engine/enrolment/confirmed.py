"""A picture that somebody confirmed becomes a template, if it is like its owner and like nobody else.

Galleries that grow by themselves rot: one wrong picture draws others like it. So this is asked for picture by picture, and a new template
is never less like its owner than the templates that they have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.enrolment.drafts import ENOUGH_PHOTOS, SAME_PICTURE, EnrolmentReport
from engine.enrolment.photos import Shot
from engine.enrolment.registrar import Registrar
from engine.errors import InputError
from engine.gallery import Gallery, coherence, fuse
from engine.records import Records
from engine.types import NOBODY
from engine.words import phrase


@dataclass(frozen=True)
class Fit:
    """How a picture fits its owner's templates.

    Attributes:
        own: similarity with the owner's fused template; needed: the smallest that is accepted.
        twin: greatest similarity with one of the owner's templates.
        other: who else it resembles most; empty: nobody else is enrolled. rival: how much.
        mistaken: greatest similarity with a face that people called somebody else's; -1 without any.
    """

    own: float
    needed: float
    twin: float
    other: str
    rival: float
    mistaken: float


def fit(shot: Shot, owner: str, gallery: Gallery, anchors: Gallery, threshold: float) -> Fit:
    """Compare a face with the templates of its owner and of everybody else.

    The similarity that is needed is that of the owner's worst template with their others, if they have at least `ENOUGH_PHOTOS`,
    and at most the threshold.
    """
    templates, rows = gallery.of(owner)
    weights = np.array([each.quality for each in templates], np.float32)
    worst = float(coherence(rows, weights).min()) if len(rows) >= ENOUGH_PHOTOS else threshold
    others = gallery.search(shot.embedding[None], top=2, without=[owner])[0].candidates
    denied = anchors.of(owner)[1]
    return Fit(
        own=float(fuse(rows, weights) @ shot.embedding),
        needed=min(threshold, worst),
        twin=float((rows @ shot.embedding).max()),
        other=others[0].person if others else "",
        rival=others[0].similarity if others else -1.0,
        mistaken=float((denied @ shot.embedding).max(initial=-1.0)),
    )


class ConfirmedPictures:
    """Makes templates of confirmed pictures.

    Args:
        threshold: returns the matching threshold for a gallery.
        min_margin: by how much the owner must lie before everybody else.
    """

    def __init__(
        self, records: Records, registrar: Registrar, threshold: Callable[[Gallery], float], min_margin: float
    ) -> None:
        self._records, self._registrar, self._threshold, self._margin = records, registrar, threshold, min_margin

    def add(self, question: str, *, author: str) -> EnrolmentReport:
        """Make a template of the picture of a question that was answered with yes.

        Raises:
            InputError: there is no such answer, or the picture does not pass the check; nothing was changed.
            EnrolmentRejected: it looks like somebody else by now.
            StorageError: the workspace cannot be written.
        """
        records = self._records
        row = records.answers.in_force().get(question)
        if row is None or row.answer != "yes":
            raise InputError(
                phrase("Nobody has confirmed this picture"), hint=phrase("answer the question with yes first")
            )
        path, owner = records.inside(row.picture), row.employee_id
        gallery = records.gallery.current()
        if path is None or owner not in gallery.people or records.picture_fault(row.picture):
            raise InputError(
                phrase("The picture or the person is gone, or the picture was changed"),
                hint=phrase("register the person with photos instead"),
            )
        shots, refused = self._registrar.examine([(path.name, path)])
        if not shots:
            raise InputError(
                phrase("The picture is not good enough for a template: {why}", why=refused[0].reason),
                hint=phrase("register the person with photos instead"),
            )
        self._check(fit(shots[0], owner, gallery, records.anchors.current(), self._threshold(gallery)))
        name = records.people.all().get(owner, NOBODY).name
        drafted = self._registrar.draft(owner, name or owner, shots)
        return self._registrar.enrol(drafted, known=True, author=author)

    def _check(self, found: Fit) -> None:
        left = phrase("the answer stays; templates are as they were")
        if found.twin >= SAME_PICTURE:
            raise InputError(phrase("This picture is a template already"), hint=phrase("nothing needs to be done"))
        if found.own < found.needed:
            raise InputError(
                phrase(
                    "The picture is not enough like the person: {own}, at least {needed} is needed",
                    own=f"{found.own:.2f}",
                    needed=f"{found.needed:.2f}",
                ),
                hint=left,
            )
        if found.mistaken >= found.own:
            raise InputError(
                phrase("The picture is more like a face that was taken for this person by mistake"), hint=left
            )
        if found.rival > found.own - self._margin:
            raise InputError(
                phrase(
                    "The picture is too much like {other}: {rival}, and {own} like its owner",
                    other=found.other,
                    rival=f"{found.rival:.2f}",
                    own=f"{found.own:.2f}",
                ),
                hint=left,
            )
