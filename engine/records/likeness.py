"""Similarity of a stranger with others, for somebody who decides who it is."""

from __future__ import annotations

import numpy as np

from engine.gallery import fuse
from engine.records.books import Records
from engine.types import Candidate, Floats


def _fused(records: Records, key: str) -> Floats | None:
    """Return the fused template (d,) of a stranger or an enrolled person; None without templates."""
    people = records.gallery.current()
    if key in people.people:
        return np.asarray(people.fused[people.people.index(key)], np.float32)
    strangers, register = records.strangers.current(), records.dossiers.register()
    own = [person for person in strangers.people if register.current(person) == key]
    found = [strangers.of(person) for person in own]
    templates = [template for each, _ in found for template in each]
    if not templates:
        return None
    return fuse(np.vstack([rows for _, rows in found]), np.array([each.quality for each in templates], np.float32))


def likeness(records: Records, one: str, other: str) -> float | None:
    """Return the cosine of the fused templates of two strangers or people; None if one has none.

    Args:
        one, other: current ids of strangers, or ids of people.
    """
    first, second = _fused(records, one), _fused(records, other)
    return None if first is None or second is None else float(first @ second)


def nearest_people(records: Records, unknown_id: str, top: int = 5) -> list[Candidate]:
    """Return the enrolled people most similar to a stranger, best first; none without templates of the stranger."""
    face = _fused(records, unknown_id)
    if face is None:
        return []
    return list(records.gallery.current().search(face[None], top=top)[0].candidates[:top])


def nearest_strangers(records: Records, unknown_id: str, top: int = 5) -> list[Candidate]:
    """Return the strangers most similar to another one, best first."""
    face = _fused(records, unknown_id)
    if face is None:
        return []
    strangers, register = records.strangers.current(), records.dossiers.register()
    best: dict[str, float] = {}
    for person, similarity in zip(strangers.people, (strangers.fused @ face).tolist(), strict=True):
        current = register.current(person)
        best[current] = max(similarity, best.get(current, -1.0))
    best.pop(unknown_id, None)
    found = [Candidate(person, similarity) for person, similarity in best.items()]
    return sorted(found, key=lambda each: -each.similarity)[:top]
