"""Everything that the books hold on one person: under their id, as a stranger, or mistaken for somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.config.ids import nobody_has
from engine.gallery import SeenFace, Template
from engine.incidents import IncidentRow, files_of
from engine.records.aside import set_aside
from engine.records.books import Records
from engine.storage.pictures import enrolment_picture
from engine.tracking import SightingRow
from engine.types import Floats, TrackState


class Likeness:
    """Which faces are a person's.

    Args:
        threshold: smallest similarity (`>=`) of the person's own faces.

    Attributes:
        templates, embeddings: n, and (n, d) float32 unit rows.
        face: (d,) float32 fused template; None without templates.
    """

    def __init__(self, records: Records, employee_id: str, threshold: float) -> None:
        self._threshold = threshold
        gallery = records.gallery.current()
        self.templates, self.embeddings = gallery.of(employee_id)
        own = np.array([person == employee_id for person in gallery.people], np.bool_)
        self.face: Floats | None = gallery.fused[own][0] if self.templates else None
        # a face that people have called somebody else's stays so, however similar
        self._others = np.vstack([gallery.fused[~own], records.anchors.current().of(employee_id)[1]])

    def shows(self, embeddings: Floats) -> NDArray[np.bool_]:
        """Return (n,) which of (n, d) float32 unit rows are the person's: similar enough, and less similar to anybody else enrolled."""
        if self.face is None or not len(embeddings):
            return np.zeros(len(embeddings), np.bool_)
        similarity = embeddings @ self.face
        rival = (embeddings @ self._others.T).max(1, initial=-2.0)
        return np.asarray((similarity >= self._threshold) & (similarity > rival), np.bool_)


class Subject(Likeness):
    """Everything about one person at the time of creation.

    Args:
        threshold: see `Likeness`.

    Attributes:
        ids: the id, and the pseudonym that replaces it in logs after an interrupted erasure.
        attendance: rows of the attendance log, including retractions.
        strangers: dossiers that show the person before enrolment or unrecognised.
        elsewhere: templates of the person among strangers and mistaken faces.
        incidents: rows of the incident log with the person, and their reviews.
        sightings: rows decided as the person, undecided with the person as best candidate, or of a dossier of theirs.
        compared: the other sightings in which the person is a candidate.
    """

    def __init__(self, records: Records, employee_id: str, threshold: float) -> None:
        super().__init__(records, employee_id, threshold)
        self.id, self._records = employee_id, records
        self.ids = frozenset({employee_id, records.sealer.pseudonym(employee_id)})
        self.person = records.people.all().get(employee_id)
        self._register = records.dossiers.register()
        self.attendance = [row for _, row in records.attendance_rows() if row.employee_id in self.ids]
        self.strangers, self.elsewhere = self._as_stranger()
        rows = records.incident_rows()
        known = {row.refers_to or row.incident_id for row in rows if self.takes_part(row)}
        self.incidents = [row for row in rows if (row.refers_to or row.incident_id) in known]
        seen = [row for row in records.sightings.rows() if self._sighted(row) or self.ids & set(row.candidates)]
        self.sightings = [row for row in seen if self._sighted(row)]
        self.compared = [row for row in seen if not self._sighted(row)]

    def _as_stranger(self) -> tuple[frozenset[str], dict[str, tuple[Template, Floats]]]:
        register = self._register
        strangers, anchors = self._records.strangers.current(), self._records.anchors.current()
        found = {unknown_id for unknown_id, person in register.named.items() if person in self.ids}
        alike = self.shows(strangers.fused).tolist()
        found |= {register.current(person) for person, same in zip(strangers.people, alike, strict=True) if same}
        elsewhere = {
            template.template_id: (template, row)
            for gallery in (strangers, anchors)
            for template, row, same in zip(
                gallery.templates, gallery.embeddings, self.shows(gallery.embeddings).tolist(), strict=True
            )
            if (same and template.person != self.id) or register.current(template.person) in found
        }
        return frozenset(found), elsewhere

    def takes_part(self, row: IncidentRow) -> bool:
        """Return whether an incident's row names the person, a dossier of theirs, or a track with their face."""
        named, dossiers = self.ids.intersection(row.employee_ids), self.strangers.intersection(self._register.of(row))
        return bool(named or dossiers or self.elsewhere.keys() & set(row.tracks))

    def _sighted(self, row: SightingRow) -> bool:
        """Return whether a sighting is about the person."""
        nearest = row.candidates[0] if row.candidates and row.state is not TrackState.UNKNOWN else ""
        dossier = bool(row.unknown_id) and self._register.current(row.unknown_id) in self.strangers
        return (row.employee_id or nearest) in self.ids or dossier or row.track in self.elsewhere

    def passed(self, faces: Sequence[SeenFace], embeddings: Floats | None) -> set[int]:
        """Return which of n faces that passed cameras are the person's, by decision or by likeness.

        Args:
            embeddings: (n, d) float32 unit rows; None: they cannot be compared.
        """
        current = self._register.current
        told = {
            place
            for place, face in enumerate(faces)
            if face.employee_id in self.ids
            or (face.unknown_id and current(face.unknown_id) in self.strangers)
            or face.track in self.elsewhere
        }
        alike = np.flatnonzero(self.shows(embeddings)).tolist() if embeddings is not None else []
        return told | set(alike)

    @property
    def template_ids(self) -> list[str]:
        """Ids of the person's templates, also of those that are set aside."""
        aside = (key for key, each in set_aside(self._records).items() if each.employee_id in self.ids)
        return [*(template.template_id for template in self.templates), *aside]

    def own_pictures(self) -> set[Path]:
        """Return the person's pictures according to rows and templates: enrolment, evidence, incidents."""
        paths = {self._records.workspace / enrolment_picture(each) for each in self.template_ids}
        named = [row.evidence_image for row in self.attendance]
        named += [place for row in self.incidents for place in files_of(row)]
        found = {self._records.inside(name) for name in named}
        return {path for path in paths if path.is_file()} | {path for path in found if path is not None}


def find(records: Records, employee_id: str, threshold: float) -> Subject:
    """Return everything about a person.

    Raises:
        InputError: the books hold nothing on the person.
    """
    subject = Subject(records, employee_id, threshold)
    known = subject.person is not None or subject.templates or records.pins.has(employee_id)
    known = known or bool(records.badges.of(employee_id))
    if not known and not subject.own_pictures():
        raise nobody_has(employee_id, records.people.known())
    return subject
