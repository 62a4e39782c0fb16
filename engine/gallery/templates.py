"""Galleries: templates per person and 1:N search.

A person has several templates, one per enrolment photo. A search compares with their fused template, the quality-weighted mean
of the templates on the unit sphere. On the sample photos (docs/models.md) it makes as few errors as the best single template.
Its impostor scores do not depend on the number of photos, so one threshold serves everybody, and a single bad photo cannot open
the door, as it could if the best template decided alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import GalleryMismatch, StorageError
from engine.gallery.search import Searcher
from engine.storage import parse_json
from engine.types import Candidate, Match

Floats = NDArray[np.float32]

_LEAST_WEIGHT = 0.05  # of a template in the fused template


@dataclass(frozen=True)
class Template:
    """The origin of one row of the gallery.

    Attributes:
        template_id: generated; also the name of the enrolment picture.
        person: employee id, or a stranger's id.
        quality: weight in the fused template, 0 to 1.
    """

    template_id: str
    person: str
    quality: float


def fuse(embeddings: Floats, weights: NDArray[np.floating[Any]]) -> Floats:
    """Return the weighted mean of unit rows (n, d) as a unit row (d,)."""
    mean = (embeddings * np.maximum(np.asarray(weights, np.float32), _LEAST_WEIGHT)[:, None]).sum(0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def coherence(embeddings: Floats, weights: NDArray[np.floating[Any]]) -> Floats:
    """Return the similarity (n,) of each unit row (n, d) with the fused others; 1 for a single row."""
    if len(embeddings) < 2:
        return np.ones(len(embeddings), np.float32)
    others = ~np.eye(len(embeddings), dtype=np.bool_)
    rows = [row @ fuse(embeddings[rest], weights[rest]) for row, rest in zip(embeddings, others, strict=True)]
    return np.array(rows, np.float32)


def deny(matches: Sequence[Match], probes: Floats, anchors: Gallery) -> list[Match]:
    """Remove candidates for whom people have rejected a face like the probe's.

    Args:
        matches: results of a search.
        probes: (n, d) float32 unit rows, parallel to `matches`.
        anchors: templates of faces that were taken for a person by mistake, under that person's id.

    Returns:
        The matches, without candidates who have an anchor at least as similar to the probe.
    """
    if not len(anchors):
        return list(matches)
    answers = []
    for match, probe in zip(matches, probes, strict=True):
        remaining = tuple(
            row
            for row in match.candidates
            if max((anchors.of(row.person)[1] @ probe).tolist(), default=-2.0) < row.similarity
        )
        answers.append(Match(remaining, match.threshold, match.min_margin))
    return answers


@dataclass(frozen=True, eq=False)
class Gallery:
    """An immutable set of templates of one model and alignment; a change returns a new gallery with the next version.

    Attributes:
        model_id, alignment_id: what made the embeddings.
        embeddings: (n, d) float32 unit rows.
        templates: n rows, parallel to `embeddings`.
        version: increases with every change.
        issued: highest number given to a stranger; numbers are never reused, even after an erasure.
    """

    model_id: str
    alignment_id: str
    embeddings: Floats
    templates: tuple[Template, ...] = ()
    version: int = 0
    issued: int = 0

    def __post_init__(self) -> None:
        rows = np.array(self.embeddings, np.float32)
        if rows.ndim != 2 or len(rows) != len(self.templates):
            raise ValueError(f"expected {len(self.templates)} embeddings as (n, d), got {rows.shape}")
        norms = np.linalg.norm(rows, axis=1)
        if len(rows) and not np.allclose(norms, 1, atol=1e-3):
            raise ValueError("embeddings must be unit rows")
        rows.flags.writeable = False
        object.__setattr__(self, "embeddings", rows)

    @classmethod
    def empty(cls, model_id: str, alignment_id: str, dimension: int) -> Gallery:
        """Return a gallery without anybody."""
        return cls(model_id, alignment_id, np.empty((0, dimension), np.float32))

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.people)

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Ids of the people, in the order of their first templates."""
        return tuple(dict.fromkeys(template.person for template in self.templates))

    @cached_property
    def template_ids(self) -> frozenset[str]:
        """Ids of all templates."""
        return frozenset(template.template_id for template in self.templates)

    @cached_property
    def _rows_of(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for index, template in enumerate(self.templates):
            rows.setdefault(template.person, []).append(index)
        return rows

    @cached_property
    def owners(self) -> NDArray[np.intp]:
        """(n,) index of each template's person in `people`."""
        number = {person: index for index, person in enumerate(self.people)}
        return np.array([number[template.person] for template in self.templates], np.intp)

    @cached_property
    def weights(self) -> Floats:
        """(n,) float32 weight of each template in its person's fused template."""
        return np.maximum(np.array([template.quality for template in self.templates], np.float32), _LEAST_WEIGHT)

    @cached_property
    def fused(self) -> Floats:
        """(people, d) float32: the fused template of each person, in the order of `people`."""
        if not self.people:
            return np.empty((0, self.embeddings.shape[1]), np.float32)
        owner = self.owners
        order = np.argsort(owner, kind="stable")
        weighted = (self.embeddings * self.weights[:, None])[order]
        sums = np.add.reduceat(weighted, np.searchsorted(owner[order], np.arange(len(self.people))), axis=0)
        return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), np.float32)

    @cached_property
    def _searcher(self) -> Searcher:
        return Searcher(self.people, self.fused, self.__dict__.pop("_before", None))

    def succeed(self, before: Gallery) -> Gallery:
        """Reuse the search index of the gallery that this one replaces; return this gallery."""
        searcher = before.__dict__.get("_searcher") or before.__dict__.get("_before")
        if searcher is not None and before is not self and "_searcher" not in self.__dict__:
            self.__dict__["_before"] = searcher
        return self

    def of(self, person: str) -> tuple[tuple[Template, ...], Floats]:
        """Return the templates of a person and their embeddings; zero rows if the person is not enrolled."""
        rows = self._rows_of.get(person, [])
        return tuple(self.templates[row] for row in rows), self.embeddings[rows]

    def best_template(self, person: str) -> str | None:
        """The template of a person that was made from their best picture; None: they have none."""
        templates = self.of(person)[0]
        return max(templates, key=lambda template: template.quality).template_id if templates else None

    # ----------------------------------------------------------------------------------------- search

    def search(
        self,
        probes: Floats,
        *,
        threshold: float = 1.0,
        min_margin: float = 0.0,
        top: int = 3,
        without: Iterable[str] = (),
    ) -> list[Match]:
        """Find the most similar people (beyond 200,000 of them see `engine.gallery.search`).

        Args:
            probes: (n, d) float32 unit rows.
            threshold, min_margin: what a match must reach (`>=` both), see `Match.person`.
            top: people per answer, best first (at least 2, so that the margin is known).
            without: people to leave out.

        Returns:
            One `Match` per probe, without candidates if nobody is enrolled.

        Raises:
            GalleryMismatch: the probes have another length.
        """
        probes = np.asarray(probes, np.float32)
        if probes.ndim != 2 or (len(probes) and probes.shape[1] != self.embeddings.shape[1]):
            raise GalleryMismatch(
                f"probes of shape {probes.shape} against templates of {self.embeddings.shape[1]} values",
                hint="use the embedder that the gallery was made with",
            )
        if not len(self) or not len(probes):
            return [Match((), threshold, min_margin) for _ in probes]
        return [
            Match(tuple(Candidate(person, similarity) for person, similarity in found), threshold, min_margin)
            for found in self._searcher.best(probes, max(top, 2), frozenset(without) & self._rows_of.keys())
        ]

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """(n,) number of templates of each person in `people`."""
        return np.bincount(self.owners, minlength=len(self)).astype(np.intp)

    def impostor_scores(self) -> Floats:
        """Return the similarities of templates with the fused template of every other person, (m,) float32.

        A large gallery uses evenly spaced templates: some millions of scores give a reliable mean and variance.
        """
        if len(self) < 2:
            return np.empty(0, np.float32)
        count = max(1, min(len(self.templates), 4_000_000 // len(self)))
        rows = np.linspace(0, len(self.templates) - 1, count).astype(np.intp)
        scores = self.embeddings[rows] @ self.fused.T
        others = np.ones(scores.shape, np.bool_)
        others[np.arange(count), self.owners[rows]] = False
        return scores[others]

    # ----------------------------------------------------------------------------------------- changes

    def _changed(self, embeddings: Floats, templates: Sequence[Template]) -> Gallery:
        return Gallery(self.model_id, self.alignment_id, embeddings, tuple(templates), self.version + 1, self.issued)

    def next_stranger(self) -> tuple[str, Gallery]:
        """Return an identifier that no stranger has had, and the gallery that remembers it."""
        taken = [int(person.rpartition("-")[2]) for person in self.people if person.startswith("unknown-")]
        number = max([self.issued, *taken]) + 1
        return f"unknown-{number}", replace(self, issued=number)

    def add(self, templates: Sequence[Template], embeddings: Floats) -> Gallery:
        """Return the gallery with more templates; itself if there are none."""
        if not templates:
            return self
        rows = np.vstack([self.embeddings, np.asarray(embeddings, np.float32).reshape(len(templates), -1)])
        return self._changed(rows, [*self.templates, *templates])

    def _filtered(self, keep: Callable[[Template], bool]) -> Gallery:
        mask = np.array([keep(template) for template in self.templates], np.bool_)
        if mask.all():
            return self
        return self._changed(self.embeddings[mask], [self.templates[row] for row in np.flatnonzero(mask)])

    def without(self, people: Iterable[str]) -> Gallery:
        """Return the gallery without these people; itself if it holds none of them."""
        gone = frozenset(people)
        return self._filtered(lambda template: template.person not in gone)

    def unlike(self, face: Floats, threshold: float) -> Gallery:
        """Return the gallery without the templates whose similarity with a face (d,) reaches the threshold."""
        alike = (self.embeddings @ np.asarray(face, np.float32) >= threshold).tolist()
        return self.remove_templates(each.template_id for each, same in zip(self.templates, alike, strict=True) if same)

    def remove(self, person: str) -> Gallery:
        """Return the gallery without a person; itself if it does not hold them."""
        return self.without((person,))

    def remove_templates(self, template_ids: Iterable[str]) -> Gallery:
        """Return the gallery without these templates."""
        gone = set(template_ids)
        return self._filtered(lambda template: template.template_id not in gone)

    def reassign(self, template_ids: Iterable[str], person: str) -> Gallery:
        """Return the gallery with these templates under another person."""
        moved = set(template_ids)
        return self._changed(
            self.embeddings,
            [
                Template(each.template_id, person, each.quality) if each.template_id in moved else each
                for each in self.templates
            ],
        )

    # ----------------------------------------------------------------------------------------- disk

    def to_bytes(self) -> bytes:
        """Return the gallery as a safetensors file; people and templates are in its header.

        The layout (https://github.com/huggingface/safetensors#format) is written here because the library orders header entries
        at random, and the same gallery must give the same bytes.
        """
        templates = [[template.template_id, template.person, round(template.quality, 4)] for template in self.templates]
        rows = np.ascontiguousarray(self.embeddings, "<f4")
        header = {
            "__metadata__": {
                "model_id": self.model_id,
                "alignment_id": self.alignment_id,
                "version": str(self.version),
                "issued": str(self.issued),
                "templates": json.dumps(templates),
            },
            "embeddings": {"dtype": "F32", "shape": rows.shape, "data_offsets": (0, rows.nbytes)},
        }
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + rows.tobytes()

    @property
    def recipe(self) -> tuple[str, str]:
        """Model and alignment: only similarities of the same recipe can be compared."""
        return self.model_id, self.alignment_id

    @classmethod
    def model_of(cls, path: Path) -> str:
        """Read the model of a gallery alone.

        Raises:
            StorageError: the file cannot be read.
        """
        from safetensors import SafetensorError, safe_open  # noqa: PLC0415

        try:
            with safe_open(path, framework="numpy") as file:
                return str((file.metadata() or {})["model_id"])
        except (OSError, SafetensorError, KeyError) as error:
            raise StorageError(
                f"{path} cannot be read ({error})", hint="restore it from a backup, or remove it and enrol again"
            ) from error

    @classmethod
    def from_file(cls, path: Path) -> Gallery:
        """Read a gallery, whatever its model.

        Raises:
            StorageError: the file cannot be read.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StorageError(
                f"{path} cannot be read ({error})", hint="restore it from a backup, or remove it and enrol again"
            ) from error
        return cls.from_bytes(content, str(path))

    @classmethod
    def from_bytes(cls, content: bytes, title: str) -> Gallery:
        """Read a gallery from the bytes of a file; `title` names it in errors.

        Raises:
            StorageError: the bytes are no gallery.
        """
        from safetensors import SafetensorError  # noqa: PLC0415
        from safetensors.numpy import load  # noqa: PLC0415

        try:
            embeddings = load(content)["embeddings"]
            header = parse_json(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
            model_id, alignment_id = header["model_id"], header["alignment_id"]
            templates = tuple(Template(*row) for row in parse_json(header["templates"]))
            version = int(header["version"])
            return cls(model_id, alignment_id, embeddings, templates, version, int(header.get("issued", "0")))
        except (SafetensorError, KeyError, ValueError, TypeError) as error:
            raise StorageError(
                f"{title} cannot be read ({error})", hint="restore it from a backup, or remove it and enrol again"
            ) from error

    def digest_of(self, person: str) -> str:
        """Return a hash of a person's templates, which tells whether they were changed."""
        rows = self._rows_of[person]
        origins = [(each.template_id, round(each.quality, 4)) for each in map(self.templates.__getitem__, rows)]
        return hashlib.sha256(repr(origins).encode() + self.embeddings[rows].tobytes()).hexdigest()[:32]
