"""Templates that make wrong names: unlike the others of their owner, or more like somebody else.

A photo in the wrong folder, or a mistake at the desk, makes a person answer to two faces. The check finds such templates and sets them
aside, where they can be seen and put back. Look-alikes are told only: both pictures are right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.enrolment.drafts import ENOUGH_PHOTOS
from engine.enrolment.photos import overrule
from engine.enrolment.registrar import Registrar
from engine.errors import InputError
from engine.gallery import Gallery, Template, coherence, fuse
from engine.records import Records
from engine.records.aside import PUT_BACK, SET_ASIDE, Aside, finding, set_aside
from engine.words import phrase

CHECK = "muster"
"""The author of what the check sets aside."""

Kind = Literal["wrong", "unlike", "close"]
"""`wrong`: it would be named as somebody else, and not as its owner. `unlike`: its owner's other templates show another face. `close`:
its owner looks like somebody else, as twins do."""


@dataclass(frozen=True)
class Doubt:
    """A template that may make wrong names.

    Attributes:
        own: similarity with the fused other templates of its owner; None: it is the only one.
        other: the person enrolled whom it resembles most; empty: nobody else is enrolled.
        rival: how much.
    """

    template_id: str
    employee_id: str
    kind: Kind
    own: float | None
    other: str
    rival: float

    @property
    def sets_aside(self) -> bool:
        """Whether the check sets it aside by itself."""
        return self.kind != "close"

    def __str__(self) -> str:
        """Similarities, for the audit log."""
        return finding(self.kind, self.own, self.other, self.rival)


def doubts(gallery: Gallery, threshold: float, other_person: float, people: Iterable[str] | None = None) -> list[Doubt]:
    """Return the templates in doubt, the most doubtful first.

    With two templates of a person nobody can tell which one is wrong, unless one is like somebody else. Whoever is enrolled twice looks
    like somebody else, too, and is like themselves, so their templates stay. A template is judged by the others of its owner, so of
    several wrong ones the worst comes first; set it aside, and look again.

    Args:
        threshold: similarity (`>=`) from which a face gets a name.
        other_person: similarity below which two pictures count as two people's.
        people: whose templates; default: everybody's.
    """
    found: list[tuple[float, Doubt]] = []
    for person in gallery.people if people is None else people:
        templates, rows = gallery.of(person)
        weights = np.array([each.quality for each in templates], np.float32)
        likeness = coherence(rows, weights)
        matches = gallery.search(rows, top=2, without=[person])
        for template, own, match in zip(templates, likeness.tolist(), matches, strict=True):
            best = match.candidates[0] if match.candidates else None
            rival = best.similarity if best else -1.0
            alone = len(templates) == 1
            kind: Kind | None = None
            if not alone and own < threshold <= rival:
                kind = "wrong"
            elif len(templates) >= ENOUGH_PHOTOS and own < other_person:
                kind = "unlike"
            elif rival >= threshold:
                kind = "close"
            if kind is not None:
                told = Doubt(
                    template.template_id, person, kind, None if alone else own, best.person if best else "", rival
                )
                found.append(((1.0 if alone else own) - rival, told))
    order = {"wrong": 0, "unlike": 1, "close": 2}
    return [each for _, each in sorted(found, key=lambda pair: (order[pair[1].kind], pair[0]))]


class Hygiene:
    """Checks the gallery of a workspace, sets templates aside, and puts them back.

    Args:
        threshold: returns the matching threshold for a gallery.
        other_person: see `doubts`.
    """

    def __init__(
        self, records: Records, registrar: Registrar, threshold: Callable[[Gallery], float], other_person: float
    ) -> None:
        self._records, self._registrar, self._threshold, self.other_person = (
            records,
            registrar,
            threshold,
            other_person,
        )

    def doubts(self) -> list[Doubt]:
        """Return the templates in doubt, see `doubts`."""
        gallery = self._records.gallery.current()
        return doubts(gallery, self._threshold(gallery), self.other_person)

    def aside(self) -> list[Aside]:
        """Return what is set aside, oldest first, see `engine.records.aside`."""
        return list(set_aside(self._records).values())

    def check(self, changed: str | None = None) -> list[Doubt]:
        """Set aside what the check may, one after the other, and return it; a person's last template stays.

        Args:
            changed: whose templates have changed: looks at theirs, and at those that may be named as them.

        Raises:
            StorageError: gallery or audit log cannot be written.
        """
        gone: list[Doubt] = []
        while True:
            gallery = self._records.gallery.current()
            threshold = self._threshold(gallery)
            people = None if changed is None else _concerned(gallery, changed, threshold)
            found = [
                each
                for each in doubts(gallery, threshold, self.other_person, people)
                if each.sets_aside and len(gallery.of(each.employee_id)[0]) > 1
            ]
            if not found:
                return gone
            self.set_aside(found[0].template_id, author=CHECK, why=str(found[0]))
            gone.append(found[0])

    def set_aside(self, template_id: str, *, author: str, why: str) -> None:
        """Take a template out of the gallery; its picture stays.

        Raises:
            InputError: there is no such template, or it is its owner's last.
            StorageError: gallery or audit log cannot be written.
        """
        records = self._records
        owner = _owner(records.gallery.current(), template_id)
        if len(records.gallery.current().of(owner)[0]) < 2:
            raise InputError(
                phrase("This is the only template of {who}", who=owner), hint=phrase("add a better picture first")
            )
        # told first: a template whose row is not written would be gone for good
        records.note(SET_ASIDE, owner, f"{template_id}: {records.names.text(why)}", author=author)
        records.gallery.update(lambda gallery: gallery.remove_templates([template_id]))

    def put_back(self, template_id: str, *, author: str) -> None:
        """Make the template again from its picture: whoever does so has looked at both faces.

        Raises:
            InputError: it is not set aside, or its picture shows no face any more.
            ModelUnavailable: the networks are missing.
            StorageError: gallery or audit log cannot be written.
        """
        records = self._records
        found = self._aside(template_id)
        path = self._registrar.picture(template_id)
        shots, _ = overrule(*self._registrar.examine([(path.name, path)]), {path.name})
        if not shots:
            raise InputError(phrase("The picture shows no face any more"), hint=phrase("add another picture"))
        made = Template(template_id, found.employee_id, shots[0].quality.score)

        def added(gallery: Gallery) -> Gallery:
            there = any(each.template_id == template_id for each in gallery.templates)
            return gallery if there else gallery.add([made], shots[0].embedding[None])

        records.gallery.update(added)
        records.note(PUT_BACK, found.employee_id, f"{template_id}: put back", author=author)

    def erase(self, template_id: str, *, author: str) -> None:
        """Erase the picture of a template that is set aside: it cannot be put back any more.

        Raises:
            InputError: it is not set aside.
            StorageError: picture or audit log cannot be written.
        """
        found = self._aside(template_id)
        self._records.vault.erase(self._registrar.picture(template_id))
        self._records.note("erase_template_aside", found.employee_id, f"{template_id}: picture erased", author=author)

    def _aside(self, template_id: str) -> Aside:
        if (found := set_aside(self._records).get(template_id)) is None:
            raise InputError(
                phrase("No template {which} is set aside", which=template_id), hint=phrase("look at the list again")
            )
        return found


def _concerned(gallery: Gallery, changed: str, threshold: float) -> list[str]:
    """The person, and whoever has a template that may be named as them."""
    _, rows = gallery.of(changed)
    if not len(rows):
        return []
    weights = np.array([each.quality for each in gallery.of(changed)[0]], np.float32)
    near = np.flatnonzero(gallery.embeddings @ fuse(rows, weights) >= threshold)
    return list(dict.fromkeys([changed, *(gallery.templates[row].person for row in near.tolist())]))


def _owner(gallery: Gallery, template_id: str) -> str:
    for each in gallery.templates:
        if each.template_id == template_id:
            return each.person
    raise InputError(phrase("There is no template {which}", which=template_id), hint=phrase("look at the list again"))
