"""Enrol many: the photos of many people are examined, judged together, and stored one person after the other.

Nothing is stored before `enrol`. Each person is enrolled whole or not at all, so that what was interrupted can be done again: whoever
is enrolled by then has nothing new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from engine.enrolment.drafts import ENOUGH_PHOTOS, SAME_PICTURE, Draft, EnrolmentReport
from engine.enrolment.files import PhotoFile
from engine.enrolment.folders import Folder
from engine.enrolment.photos import RefusedPhoto, Shot
from engine.enrolment.registrar import Registrar
from engine.errors import InputError
from engine.gallery import Gallery, fuse
from engine.imaging import encode_jpeg, shrunk
from engine.people import Person
from engine.people.basis import WITHDRAWN, based_on, basis_of
from engine.types import NOBODY, Floats, Image

Standing = Literal["enrol", "add", "look", "nothing"]
"""`enrol`: they will be recognised from then on; `add`: they get more pictures; `look`: somebody must look at it first; `nothing`: there
is nothing to be done."""

MOST_PHOTOS = 20
"""Of a person; more add nothing."""
MOST_PEOPLE = 2_000


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo of a batch.

    Attributes:
        file: its name.
        verdict: `good`, `unlike the others`, `already enrolled`, `duplicate file`, `too many pictures`, `nobody's`, or a reason of
            `RefusedPhoto`.
        thumbnail: small JPEG of the face, or of what the photo shows; empty: it is no picture.
        shot: what is enrolled of it; None: nothing can be.
        text: why it is not used, in one line.
    """

    file: str
    verdict: str
    thumbnail: bytes = b""
    shot: Shot | None = None
    text: str = ""


@dataclass(frozen=True, eq=False)
class Planned:
    """What would happen to a person.

    Attributes:
        folder: whose photos. photos: with their verdicts.
        standing: see `Standing`. reason: why, see `Batch.plan`.
        other: id of the person whom they resemble too much; `similarity`: by how much.
        draft: as it would be stored.
    """

    folder: Folder
    photos: tuple[Photo, ...]
    standing: Standing
    reason: str
    other: str = ""
    similarity: float | None = None
    draft: Draft | None = None

    @property
    def used(self) -> int:
        """Number of pictures that would be stored."""
        return sum(photo.verdict == "good" for photo in self.photos)


@dataclass
class _Person:
    folder: Folder
    photos: list[Photo] = field(default_factory=list)
    waiting: list[PhotoFile] = field(default_factory=list)
    digests: dict[bytes, str] = field(default_factory=dict)


class Batch:
    """The photos of many people.

    Args:
        registrar: of the workspace.
        thumbnail_px: side of a thumbnail.
    """

    def __init__(self, registrar: Registrar, thumbnail_px: int = 112) -> None:
        self._registrar, self._side = registrar, thumbnail_px
        self._people: dict[str, _Person] = {}
        self._alone: tuple[tuple[object, ...], list[Planned]] | None = None
        self.examined = 0

    def add(self, folders: Sequence[Folder]) -> None:
        """Add people, or more photos of people who are here already; nothing is examined yet.

        Raises:
            InputError: too many people.
        """
        if len({*self._people, *map(_key, folders)}) > MOST_PEOPLE:
            raise InputError(f"more than {MOST_PEOPLE} people at once", hint="enrol them in several uploads")
        for folder in folders:
            person = self._people.setdefault(_key(folder), _Person(replace(folder, files=[])))
            person.waiting += folder.files

    @property
    def waiting(self) -> int:
        """Number of photos that are not examined yet."""
        return sum(len(person.waiting) for person in self._people.values())

    def __len__(self) -> int:
        return len(self._people)

    @property
    def taken(self) -> set[str]:
        """Ids of the people here."""
        return {person.folder.employee_id for person in self._people.values()}

    def examine_next(self) -> None:
        """Examine one photo; one picture at a time is in memory, and of each stays the face."""
        person = next(person for person in self._people.values() if person.waiting)
        photo = self._examined(person, person.waiting[0])
        person.photos.append(photo)
        del person.waiting[0]  # last: what is interrupted is examined again
        self.examined += 1

    def drop_waiting(self) -> None:
        """Forget the photos that are not examined yet, and the people of whom none is."""
        for person in self._people.values():
            person.waiting.clear()
        self._people = {key: person for key, person in self._people.items() if person.photos}

    def _examined(self, person: _Person, file: PhotoFile) -> Photo:
        if person.folder.problem is not None:
            return Photo(file.name, "nobody's")
        if sum(photo.shot is not None for photo in person.photos) >= MOST_PHOTOS:
            return Photo(file.name, "too many pictures")
        try:
            picture = file.load()
            content = picture if isinstance(picture, bytes) else picture.read_bytes()
        except (InputError, OSError) as error:
            return Photo(file.name, "not a picture", text=f"{file.name}: {error}")
        if (first := person.digests.setdefault(hashlib.sha256(content).digest(), file.name)) != file.name:
            return Photo(file.name, "duplicate file", text=f"{file.name}: the same file as {first}")
        shots, refused = self._registrar.examine([(file.name, picture)])
        if shots:
            return Photo(file.name, "good", self._thumbnail(shots[0].picture, face=True), shots[0])
        (found,) = refused
        shown = b"" if found.picture is None else self._thumbnail(found.picture, face=False)
        return Photo(file.name, found.reason, shown, text=found.text)

    def _thumbnail(self, image: Image, *, face: bool) -> bytes:
        side = min(image.shape[:2])
        if face:  # the crop has a margin of 0.6 sides all around
            cut = round(side * 0.12)
            image = image[cut : image.shape[0] - cut, cut : image.shape[1] - cut]
        return encode_jpeg(np.ascontiguousarray(shrunk(image, self._side)[0]), 85)

    # ----------------------------------------------------------------------------------------- judging

    def plan(self, left_out: Collection[str] = ()) -> list[Planned]:
        """Judge everybody, as the workspace is now. The reasons are

        - `safe`, `few photos`: they can be enrolled, or get more pictures.
        - `different people`, `somebody else` (than is enrolled under that id), `looks like` (`other`, who is enrolled), `twice` (`other`
          in this batch has the same face), `withdrawn` (their consent), `nobody` (see `Folder.problem`): somebody must look.
        - `no usable photo`, `nothing new`: there is nothing to be done.

        Args:
            left_out: ids of people who are not to be enrolled, so nobody is compared with them.
        """
        gallery, people = self._registrar.books()
        state = (gallery.version, self.examined, len(self), tuple(people.values()))
        if self._alone is None or self._alone[0] != state:
            self._alone = (state, [self._judged(person, gallery, people) for person in self._people.values()])
        return _compared(self._alone[1], left_out)

    def _judged(self, person: _Person, gallery: Gallery, people: Mapping[str, Person]) -> Planned:
        folder, photos = person.folder, person.photos
        if folder.problem is not None:
            return Planned(folder, tuple(photos), "look", "nobody")
        row = people.get(folder.employee_id)
        folder.known, folder.name = row is not None, row.name if row else folder.name
        _, own = gallery.of(folder.employee_id)
        photos = [
            replace(photo, verdict="already enrolled")
            if photo.shot is not None and len(own) and float((own @ photo.shot.embedding).max()) >= SAME_PICTURE
            else photo
            for photo in photos
        ]
        shots = [photo.shot for photo in photos if photo.shot is not None and photo.verdict == "good"]
        if not shots:
            there = any(photo.verdict == "already enrolled" for photo in photos)
            return Planned(folder, tuple(photos), "nothing", "nothing new" if there else "no usable photo")
        refused = [RefusedPhoto(photo.file, photo.verdict, photo.text) for photo in photos if photo.text]
        drafted = self._registrar.draft(folder.employee_id, folder.name, shots, refused)
        outliers = {id(shot) for shot in drafted.outliers}
        photos = [
            replace(photo, verdict="unlike the others") if id(photo.shot) in outliers else photo for photo in photos
        ]
        if drafted.stranger and any(photo.verdict == "already enrolled" for photo in photos):
            strays = {id(shot) for shot in shots}  # the folder is theirs, these photos are not
            photos = [
                replace(each, verdict="unlike the others") if id(each.shot) in strays else each for each in photos
            ]
            return Planned(folder, tuple(photos), "nothing", "nothing new")
        planned = Planned(folder, tuple(photos), "add" if drafted.before else "enrol", "safe", draft=drafted)
        return _objected(planned, drafted, row)

    # ----------------------------------------------------------------------------------------- storing

    def enrol(self, planned: Planned, *, basis: str, author: str) -> EnrolmentReport:
        """Enrol a person, or give them more pictures. Whoever has a basis on record keeps it.

        Args:
            basis: on what the recognition of the others rests, see `engine.people.basis`.

        Raises:
            MusterError: see `Registrar.enrol`; nothing of this person was stored.
        """
        assert planned.draft is not None
        known = planned.folder.known
        row = self._registrar.books()[1].get(planned.folder.employee_id, NOBODY)
        given = "" if based_on(row) else basis
        return self._registrar.enrol(planned.draft, consent_at=given, new=not known, known=known, author=author)


def _objected(planned: Planned, drafted: Draft, row: Person | None) -> Planned:
    """A plan, with what speaks against it."""
    if row is not None and basis_of(row) == WITHDRAWN:
        return replace(planned, standing="look", reason="withdrawn")
    if drafted.stranger:
        return replace(planned, standing="look", reason="somebody else", similarity=drafted.own_similarity)
    if drafted.mixed:
        return replace(planned, standing="look", reason="different people")
    if drafted.verdict in {"look_alike", "already_enrolled"}:
        best = drafted.nearest[0]
        return replace(planned, standing="look", reason="looks like", other=best.person, similarity=best.similarity)
    return replace(planned, reason="few photos" if drafted.templates < ENOUGH_PHOTOS else "safe")


def _key(folder: Folder) -> str:
    return folder.employee_id or f"\0{folder.label}"


def _compared(planned: Sequence[Planned], left_out: Collection[str]) -> list[Planned]:
    """Look for one face under two ids: neither is enrolled, because nobody knows which of them is right."""
    fresh = [
        (row, each.draft)
        for row, each in enumerate(planned)
        if each.draft is not None and each.standing == "enrol" and each.folder.employee_id not in left_out
    ]
    found = list(planned)
    if len(fresh) < 2:
        return found
    rows = np.stack([_fused(drafted) for _, drafted in fresh])
    alike = rows @ rows.T
    np.fill_diagonal(alike, -1.0)
    for place, (row, drafted) in enumerate(fresh):
        nearest = int(alike[place].argmax())
        if (similarity := float(alike[place, nearest])) >= drafted.threshold:
            other = planned[fresh[nearest][0]].folder.employee_id
            found[row] = replace(found[row], standing="look", reason="twice", other=other, similarity=similarity)
    return found


def _fused(drafted: Draft) -> Floats:
    shots = drafted.chosen
    return fuse(np.stack([shot.embedding for shot in shots]), np.array([shot.quality.score for shot in shots]))
