"""Search by photo: where and when somebody was seen, among all who passed a camera, strangers and enrolled people.

The photo that is searched with is never stored. Each search is in the audit log: by whom, over which days, and how much it found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from engine.attendance import PunchRow, valid_rows
from engine.errors import InputError
from engine.face_reader import FaceReader, subject
from engine.gallery import SeenFace
from engine.imaging import crop_around, read_image
from engine.incidents import IncidentKind, IncidentRow, Register
from engine.people.basis import WITHDRAWN, basis_of
from engine.records.books import Records
from engine.types import Candidate, FaceQuality, Floats, Image, Progress, TrackState
from engine.words import phrase

Who = Literal["", "people", "strangers"]
SMALLEST_PX = 8.0
"""Smallest distance of the eyes of a face that is searched for; below it a face resembles everybody a little."""
MARGIN = 0.08
"""Similarity below the threshold down to which a search shows faces, unless it says otherwise: a person judges them."""
TIMELINE_DAYS = 90
_TOP = 6


@dataclass(frozen=True, eq=False)
class Probe:
    """A face of a photo.

    Attributes:
        box: (4,) float32 xyxy in pixels.
        picture: RGB uint8 (H, W, 3), the face and its surroundings.
        embedding: (d,) float32 unit row.
        main: the photo is of this face.
    """

    box: Floats
    picture: Image
    quality: FaceQuality
    embedding: Floats
    main: bool = False


@dataclass(frozen=True)
class Wanted:
    """What to show; empty values stand for any.

    Attributes:
        camera: that saw the face.
        first, last: days.
        at_least: smallest similarity; None: `MARGIN` below the threshold in force.
        who: enrolled people only, or strangers only.
        limit, skip: how many sightings to return, and how many of the best to leave out before.
    """

    camera: str = ""
    first: date = date.min
    last: date = date.max
    at_least: float | None = None
    who: Who = ""
    limit: int = 24
    skip: int = 0


@dataclass(frozen=True)
class Seen:
    """Somebody who passed a camera.

    Attributes:
        face: as it was decided then.
        similarity: with the photo; None: nobody was searched for.
        key: who it is by now: an employee or a stranger; empty: nobody knows.
        certain: the camera or a person said so; otherwise the face resembled them most.
        punch: the row that it became; None: none, or it was taken back.
        incident_id: of an incident with the track; empty without one.
        picture: path within the workspace; empty if none is kept.
    """

    face: SeenFace
    similarity: float | None
    key: str
    certain: bool
    punch: PunchRow | None
    incident_id: str
    picture: str


@dataclass(frozen=True)
class Answer:
    """What a search found, everything best first.

    Attributes:
        people, strangers: enrolled people and dossiers that resemble the face enough, with their similarity.
        seen: this page of the sightings; `total`: how many there are.
        at_least: the smallest similarity that was shown; `threshold`: from which on faces are taken for one person's.
    """

    people: tuple[Candidate, ...]
    strangers: tuple[Candidate, ...]
    seen: tuple[Seen, ...]
    total: int
    at_least: float
    threshold: float


class FaceSearch:
    """Searches a workspace by photo, and lists who was seen when.

    Args:
        reader: opens the networks.
        threshold: returns the matching threshold in force.
        kept_days: faces are kept so long; None: for ever.
    """

    def __init__(
        self,
        records: Records,
        reader: Callable[[], FaceReader],
        threshold: Callable[[], float],
        kept_days: int | None = None,
    ) -> None:
        self._records, self._reader, self._threshold, self._kept_days = records, reader, threshold, kept_days

    # ----------------------------------------------------------------------------------------- the photo

    def faces(self, image: Image) -> list[Probe]:
        """Return the faces of a photo that can be searched for, the main one first, then from left to right.

        Args:
            image: RGB uint8 (H, W, 3), upright or not.

        Raises:
            InputError: it shows none, or they are too small.
        """
        photo = self._reader().upright(image)
        found = photo.faces
        if not len(found) or found.embeddings is None:
            raise InputError(
                phrase("There is no face in this picture"),
                hint=phrase("use one that shows the face from the front, in good light"),
            )
        large = [row for row, quality in enumerate(found.qualities) if quality.size_px >= SMALLEST_PX]
        if not large:
            wide = max(float(box[2] - box[0]) for box in found.detections.boxes)
            raise InputError(
                phrase("The face is too small: {wide} pixels wide", wide=f"{wide:.0f}"),
                hint=phrase(
                    "use a picture in which it is at least {least} pixels wide", least=f"{3 * SMALLEST_PX:.0f}"
                ),
            )
        chosen = subject(found, (photo.image.shape[1], photo.image.shape[0]))
        large.sort(key=lambda row: (row != chosen, float(found.detections.boxes[row][0])))
        return [
            Probe(
                found.detections.boxes[row],
                crop_around(photo.image, found.detections.boxes[row]),
                found.qualities[row],
                np.asarray(found.embeddings[row], np.float32),
                row == chosen,
            )
            for row in large
        ]

    # ----------------------------------------------------------------------------------------- searching

    def search(self, probe: Floats, wanted: Wanted, *, author: str, again: bool = False) -> Answer:
        """Return where and when a face was seen, and whom it resembles.

        Args:
            probe: (d,) float32 unit row.
            again: the audit log has this search: a page is drawn anew, or shows the next ones.

        Raises:
            InputError: the face is that of somebody who withdrew their consent.
            StorageError: something cannot be read, or the audit log cannot be written.
        """
        threshold = self._threshold()
        at_least = threshold - MARGIN if wanted.at_least is None else wanted.at_least
        withdrawn = self._withdrawn()
        self._refuse(probe, withdrawn, threshold)
        view = _View(self._records)
        hits, total = self._records.seen.search(
            probe,
            first=wanted.first,
            last=wanted.last,
            camera=wanted.camera,
            wanted=lambda face: view.fits(face, wanted.who) and view.key(face) not in withdrawn,
            at_least=at_least,
            limit=wanted.skip + wanted.limit,
        )
        people = () if wanted.who == "strangers" else self._people(probe, withdrawn, at_least)
        strangers = () if wanted.who == "people" else self._strangers(probe, at_least, view.register)
        found = tuple(view.seen(hit.face, round(hit.similarity, 4)) for hit in hits[wanted.skip :])
        if not again:
            self._note(wanted, at_least, total, author)
        return Answer(people, strangers, found, total, at_least, threshold)

    def _note(self, wanted: Wanted, at_least: float, total: int, author: str) -> None:
        ends = [
            f"{word} {day.isoformat()}"
            for word, day, never in (("from", wanted.first, date.min), ("until", wanted.last, date.max))
            if day != never
        ]
        told = [*ends, *([f"camera {wanted.camera}"] if wanted.camera else []), wanted.who, f"from {at_least:.2f} on"]
        detail = f"{', '.join(filter(None, told))}: {total} sightings"
        names = self._records.names
        self._records.note_reading("search_face", "", detail, author=names.author(author))

    def _withdrawn(self) -> frozenset[str]:
        people = self._records.people.known()
        return frozenset(key for key, person in people.items() if basis_of(person) == WITHDRAWN)

    def _refuse(self, probe: Floats, withdrawn: frozenset[str], threshold: float) -> None:
        """Do not search for somebody who does not want to be recognised."""
        gallery = self._records.gallery.current()
        if not withdrawn or not len(gallery):
            return
        best = gallery.search(probe[None], top=1)[0].candidates[0]
        if best.person in withdrawn and best.similarity >= threshold:
            raise InputError(
                phrase("This person withdrew their consent, so Muster does not search for them"),
                hint=phrase("`muster forget` erases what is still kept of them"),
            )

    def _people(self, probe: Floats, withdrawn: frozenset[str], at_least: float) -> tuple[Candidate, ...]:
        found = self._records.gallery.current().search(probe[None], top=_TOP, without=withdrawn)[0].candidates
        return tuple(each for each in found[:_TOP] if each.similarity >= at_least)

    def _strangers(self, probe: Floats, at_least: float, register: Register) -> tuple[Candidate, ...]:
        gallery = self._records.strangers.current()
        best: dict[str, float] = {}
        for person, similarity in zip(gallery.people, (gallery.fused @ probe).tolist(), strict=True):
            key = register.current(person)
            if key not in register.named:
                best[key] = max(similarity, best.get(key, -1.0))
        found = [Candidate(key, similarity) for key, similarity in best.items() if similarity >= at_least]
        return tuple(sorted(found, key=lambda each: -each.similarity)[:_TOP])

    def cameras(self) -> list[str]:
        """Return the cameras that saw somebody who can be found."""
        return self._records.seen.cameras()

    # ----------------------------------------------------------------------------------------- old pictures

    def read_pictures(self, *, author: str, progress: Progress) -> int:
        """Read the faces of punches and strangers of which only pictures are kept; return how many.

        That is what another model or an earlier version recorded.

        Raises:
            StorageError: something cannot be read or written; a second attempt continues.
        """
        records, count = self._records, 0
        wanted = self._unread()
        try:
            for index, (face, path) in enumerate(wanted):
                progress("reading pictures", index, len(wanted))
                try:
                    image = read_image(path)
                except InputError:
                    continue
                faces = self._reader().photo(image)
                chosen = subject(faces, (image.shape[1], image.shape[0]))
                if chosen is not None and faces.embeddings is not None:
                    records.seen.record(face, np.asarray(faces.embeddings[chosen], np.float32))
                    count += 1
            progress("reading pictures", len(wanted), len(wanted))
        finally:  # what was read before an interruption can be found
            if count:
                records.note("read_pictures", "", f"{count} faces for the search by photo", author=author)
        return count

    def unread(self) -> int:
        """Return how many pictures `read_pictures` would read. It looks through the logs of attendance and incidents."""
        return len(self._unread())

    def _unread(self) -> list[tuple[SeenFace, Path]]:
        """Pictures that are there, of the days for which faces are kept, and whose face is not among them."""
        records = self._records
        known = {face.track for face in records.seen.about(lambda _: True)}
        found = []
        for face, picture in self._pictured():
            age = records.clock() - face.first_seen
            kept = self._kept_days is None or age < timedelta(days=self._kept_days)
            if (
                kept
                and records.seen.takes(face)
                and face.track not in known
                and (path := records.inside(picture)) is not None
            ):
                found.append((face, path))
        return found

    def _pictured(self) -> list[tuple[SeenFace, str]]:
        records, found = self._records, dict[str, tuple[SeenFace, str]]()
        for day in records.attendance.log.days():
            for row in valid_rows(records.attendance.log.read(day)):
                if row.evidence_image and (face := _of_row(row)).track:
                    found.setdefault(face.track, (face, row.evidence_image))
        for incident in records.incident_rows():
            if incident.kind is IncidentKind.UNKNOWN and incident.image:
                face = _of_incident(incident)
                found.setdefault(face.track, (face, incident.image))
        return list(found.values())

    # ----------------------------------------------------------------------------------------- one by one

    def timeline(self, key: str, *, skip: int = 0, limit: int = 24) -> tuple[list[Seen], int]:
        """Return a page of what cameras saw of a person or a stranger, newest first, and how much there is in all.

        That is what is kept for the search by photo, the passages of the last `TIMELINE_DAYS` days, and the visits of strangers.

        Args:
            key: id of a person, or current id of a dossier.
        """
        view = _View(self._records)
        seen = self._records.seen.about(lambda face: view.key(face) == key and view.certain(face))
        by_track = {face.track: face for face in (*view.recorded(key), *seen)}
        found = sorted(by_track.values(), key=lambda face: face.first_seen, reverse=True)
        return [view.seen(face) for face in found[skip : skip + limit]], len(found)


def _of_row(row: PunchRow) -> SeenFace:
    """What a row of the attendance log saw; without a track if no camera saw a face."""
    key = (row.track or row.event_id) if row.by_camera else ""
    return SeenFace(key, row.camera, row.timestamp, row.timestamp, TrackState.KNOWN.value, row.employee_id)


def _of_incident(row: IncidentRow) -> SeenFace:
    """Whom an alert about a stranger saw."""
    key = row.tracks[0] if row.tracks else row.incident_id
    unknown_id = row.unknown_ids[0] if row.unknown_ids else ""
    return SeenFace(
        key, row.camera, row.timestamp, row.ended or row.timestamp, TrackState.UNKNOWN.value, "", unknown_id
    )


class _View:
    """What the books say by now of faces that were seen; reads each day once."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._punches: dict[date, tuple[dict[str, PunchRow], frozenset[str]]] = {}

    @cached_property
    def register(self) -> Register:
        """Decisions about strangers."""
        return self._records.dossiers.register()

    @cached_property
    def _incidents(self) -> dict[str, IncidentRow]:
        """By track; alerts about the very face come before those of people who passed together."""
        found: dict[str, IncidentRow] = {}
        for row in self._records.incident_rows():
            for track in row.tracks or (row.incident_id,):
                before = found.get(track)
                if before is None or (len(row.tracks) < len(before.tracks)):
                    found[track] = row
        return found

    def _of_day(self, day: date) -> tuple[dict[str, PunchRow], frozenset[str]]:
        """The valid rows of a day by track, the best evidence first; and the tracks whose rows were taken back."""
        if day not in self._punches:
            rows = self._records.attendance.log.read(day)
            valid = valid_rows(rows)
            by_track: dict[str, PunchRow] = {}
            for row in sorted(valid, key=lambda each: (each.event != "punch", not each.evidence_image)):
                by_track.setdefault(row.track or row.event_id, row)
            undecided = {row.track: row for row in rows if row.event == "unidentified" and row.track}
            gone = {row.track or row.event_id for row in rows if row.passage} - by_track.keys()
            self._punches[day] = undecided | by_track, frozenset(gone)
        return self._punches[day]

    def recorded(self, key: str) -> list[SeenFace]:
        """What the logs of attendance and incidents say a camera saw of somebody, whether or not the face is kept."""
        records = self._records
        today, found = records.attendance.day_of(records.clock()), list[SeenFace]()
        for day in records.attendance.log.days():
            if today - day <= timedelta(days=TIMELINE_DAYS):
                found += [
                    _of_row(row) for row in self._of_day(day)[0].values() if row.employee_id == key and row.passage
                ]
        for incident in records.incident_rows():
            owners = {self.register.named.get(each, each) for each in self.register.of(incident)}
            if incident.kind is IncidentKind.UNKNOWN and key in owners:
                found.append(_of_incident(incident))
        return [face for face in found if face.track]

    def key(self, face: SeenFace) -> str:
        """Who a face is by now."""
        if face.state == TrackState.UNKNOWN and face.unknown_id:
            current = self.register.current(face.unknown_id)
            return self.register.named.get(current, current)
        return face.employee_id

    def certain(self, face: SeenFace) -> bool:
        """Whether the camera, or a person later, said who it is."""
        return face.state == TrackState.KNOWN or (face.state == TrackState.UNKNOWN and bool(face.unknown_id))

    def fits(self, face: SeenFace, who: Who) -> bool:
        """Whether a face is one of an enrolled person's, or of a stranger's."""
        if not who:
            return True
        known = self.certain(face) and not self.key(face).startswith("unknown-")
        return known == (who == "people")

    def seen(self, face: SeenFace, similarity: float | None = None) -> Seen:
        """What became of a face."""
        records = self._records
        punches, gone = self._of_day(face.first_seen.astimezone(records.zone).date())
        punch, incident = punches.get(face.track), self._incidents.get(face.track)
        if incident is not None and (moved := self.register.moved.get(incident.incident_id)):
            key = self.register.named.get(self.register.current(moved), self.register.current(moved))
        else:
            key = self.key(face)
        pictures = [punch.evidence_image if punch else "", incident.image if incident else ""]
        return Seen(
            face,
            similarity,
            key,
            self.certain(face) and face.track not in gone,
            punch if punch is not None and punch.passage else None,
            incident.incident_id if incident else "",
            next((each for each in pictures if each and records.inside(each)), ""),
        )
