"""Labelled photos as embeddings: read once, and kept in the user's cache for the next evaluation of the same photos."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import engine
from engine.config import Config
from engine.errors import InputError, StorageError
from engine.face_reader import FaceReader
from engine.imaging import read_image
from engine.models import cache_dir
from engine.models.runtime import cores
from engine.storage import atomic_write, parse_json, read_arrays
from engine.types import FaceQuality, Floats, Image, Progress

log = logging.getLogger(__name__)

_BATCH = 32
_KEPT_EVERY = 1024
_LEAST_WEIGHT = 0.05
_STATIONS = ("imaging", "detection", "alignment", "embedding", "face_reader", "occlusion", "models/registry")

Found = tuple[Image, FaceQuality]
"""The aligned face of a photo's subject, and its quality."""


@dataclass(frozen=True, eq=False)
class LabelledPhotos:
    """The subjects of labelled photos.

    Attributes:
        paths: n photos in which a face was found.
        people: names in order; the numbers of people are indices into it.
        owners: (n,) number of each photo's person.
        embeddings: (n, d) float32 unit rows.
        weights: (n,) in a fused template; 0: the photo fails the quality gate.
        failures: photos that cannot be read or show no face, with the reason.
    """

    paths: tuple[Path, ...]
    people: tuple[str, ...]
    owners: NDArray[np.intp]
    embeddings: Floats
    weights: NDArray[np.float64]
    failures: Mapping[str, str]

    def usable_of(self, kept: NDArray[np.bool_]) -> LabelledPhotos:
        """The same photos, none of which passes the quality gate but those of people for whom `kept`, (people,), is True."""
        return replace(self, weights=np.where(kept[self.owners], self.weights, 0.0))


class KeptEmbeddings:
    """Embeddings of photos by their content, in a file of the user's cache.

    They are biometric data of the people in the photos. The folder is named after the place that was evaluated, so that it can be
    deleted alone.

    Args:
        place: folder or table that is evaluated.
        recipe: of the embeddings: other recipes have files of their own.
    """

    def __init__(self, place: Path, recipe: str) -> None:
        self.folder = cache_dir() / "evaluations" / hashlib.sha256(str(place.resolve()).encode()).hexdigest()[:16]
        self._path = self.folder / f"{recipe}.npz"
        self.rows: dict[str, tuple[Floats, FaceQuality] | str] = {}
        """By the SHA-256 of a photo: embedding (d,) and quality, or why there is none."""

    def load(self) -> None:
        """Read what was kept; a damaged file is as good as none."""
        try:
            embeddings, packed = read_arrays(self._path.read_bytes(), str(self._path), "embeddings", "notes")
            notes = parse_json(packed.tobytes())
            rows = iter(np.asarray(embeddings, np.float32))
            self.rows = {
                digest: note if isinstance(note, str) else (next(rows), FaceQuality(*note)) for digest, note in notes
            }
        except FileNotFoundError:
            return
        except (OSError, StorageError, ValueError, KeyError, TypeError, StopIteration) as error:
            log.warning("the kept embeddings in %s are damaged (%s) → the photos are read again", self._path, error)
            self.rows = {}

    def save(self) -> None:
        """Write everything, in place of what older code or settings of the same model left here.

        Raises:
            StorageError: the file cannot be written.
        """
        found = [row[0] for row in self.rows.values() if not isinstance(row, str)]
        notes = [(digest, row if isinstance(row, str) else astuple(row[1])) for digest, row in self.rows.items()]
        content = io.BytesIO()
        np.savez(
            content,
            embeddings=np.stack(found) if found else np.empty((0, 0), np.float32),
            notes=np.frombuffer(json.dumps(notes).encode(), np.uint8),
        )
        atomic_write(self._path, content.getvalue(), mode=0o600)
        model, _, _ = self._path.stem.rpartition("-")
        for other in self.folder.glob(f"{model}-*.npz"):
            if other != self._path:
                other.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete all that was kept of this place, in every recipe.

        Raises:
            StorageError: the folder cannot be deleted.
        """
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self.folder} cannot be deleted ({error})", hint="delete it by hand") from error


def recipe_of(model_id: str, alignment_id: str, config: Config) -> str:
    """A name for the way in which photos become embeddings: model, alignment, settings, and the code of the stations."""
    settings = [section.model_dump_json() for section in (config.detection, config.alignment, config.quality)]
    parts = "\n".join([alignment_id, *settings, _code()])
    return f"{model_id}-{hashlib.sha256(parts.encode()).hexdigest()[:12]}"


@lru_cache(maxsize=1)
def _code() -> str:
    found = hashlib.sha256()
    root = Path(engine.__file__).parent
    for station in _STATIONS:
        for file in sorted([*(root / station).rglob("*.py"), *root.glob(f"{station}.py")]):
            found.update(file.read_bytes())
    return found.hexdigest()


def read_labelled(
    reader: FaceReader, photos: Sequence[tuple[Path, str]], progress: Progress, kept: KeptEmbeddings | None = None
) -> LabelledPhotos:
    """Embed the subject of each photo; photos that are unreadable or show no face are failures to acquire.

    Args:
        photos: paths, and the person of each.
        kept: embeddings of an earlier evaluation are used, and new ones added.
    """
    rows: dict[str, tuple[Floats, FaceQuality] | str] = {} if kept is None else kept.rows
    digests, unreadable = _digests([path for path, _ in photos])
    missing = {digest: path for path, digest in digests.items() if digest not in rows}
    done, total = len(photos) - len(missing), len(photos)
    progress("reading photos", done, total)
    for number, (digest, found) in enumerate(_embedded(reader, missing), start=1):
        rows[digest] = found
        progress("reading photos", done + number, total)
        if kept is not None and number % _KEPT_EVERY == 0:
            kept.save()
    here = set(digests.values())
    if kept is not None and (missing or here != set(rows)):
        kept.rows = {
            digest: row for digest, row in rows.items() if digest in here
        }  # photos that are gone leave nothing behind
        kept.save()
    failures = {
        **unreadable,
        **{str(path): row for path, digest in digests.items() if isinstance(row := rows[digest], str)},
    }
    usable = [
        (path, person, row)
        for path, person in photos
        if path in digests and not isinstance(row := rows[digests[path]], str)
    ]
    people = sorted({person for _, person, _ in usable})
    number_of = {person: index for index, person in enumerate(people)}
    return LabelledPhotos(
        tuple(path for path, _, _ in usable),
        tuple(people),
        np.array([number_of[person] for _, person, _ in usable], np.intp),
        np.stack([row[0] for _, _, row in usable]) if usable else np.empty((0, 1), np.float32),
        np.array([max(row[1].score, _LEAST_WEIGHT) if not row[1].flaw else 0.0 for _, _, row in usable]),
        failures,
    )


def _digests(paths: Sequence[Path]) -> tuple[dict[Path, str], dict[str, str]]:
    """SHA-256 of each photo, and the reasons of those that cannot be read."""
    found, failures = {}, {}
    for path in paths:
        try:
            with path.open("rb") as handle:
                found[path] = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError as error:
            failures[str(path)] = f"{path}: {error.strerror or error}"
    return found, failures


def _embedded(reader: FaceReader, photos: Mapping[str, Path]) -> Iterator[tuple[str, tuple[Floats, FaceQuality] | str]]:
    """Results by digest, a batch at a time: threads find the faces, then the networks that embed them have all cores."""
    left = iter(photos.items())
    with ThreadPoolExecutor(cores(), "reading") as pool:
        while batch := dict(islice(left, _BATCH)):
            looked = list(pool.map(partial(_found, reader), batch.values()))
            found = [(digest, each) for digest, each in zip(batch, looked, strict=True) if not isinstance(each, str)]
            crops = np.stack([crop for _, (crop, _) in found]) if found else np.empty((0, 160, 160, 3), np.uint8)
            rows = reader.embedder.embed(crops)
            embedded = {digest: (row, quality) for (digest, (_, quality)), row in zip(found, rows, strict=True)}
            for digest, each in zip(batch, looked, strict=True):
                yield digest, each if isinstance(each, str) else embedded[digest]


def _found(reader: FaceReader, path: Path) -> Found | str:
    try:
        image = read_image(path)
    except InputError as error:
        return str(error)
    photo = reader.stood_up(image)
    chosen = photo.subject
    return "no face found" if chosen is None else (photo.faces.crops[chosen].copy(), photo.faces.qualities[chosen])
