"""The heavy half of an archive: observe the faces in a segment, without deciding anything.

A worker finds the faces of each frame like a recorder, and embeds those that a recorder would embed, as far as it can know that without
identities: at short intervals first, later rarely. It writes nothing. The result depends on segment and recipe alone: one thread, no
random numbers, no clock.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.alignment import ALIGNMENT_ID
from engine.archive.footage import SEGMENT_S, WARM_UP_S, Footage, Reel, Segment, digest
from engine.config import (
    AlignmentConfig,
    Config,
    DetectionConfig,
    EmbeddingConfig,
    QualityConfig,
    TrackingConfig,
    VotingConfig,
)
from engine.errors import InputError, StorageError
from engine.face_reader import FaceReader, open_reader
from engine.models import ModelStore
from engine.pipeline import Offers
from engine.storage import read_arrays
from engine.tracking import Tracker
from engine.types import Detections, Floats, Frame

_FORMAT = 2
_SECTIONS = ("embedding", "alignment", "detection", "quality", "tracking", "voting")
_LEAST_S, _SLOWEST = 120.0, 40.0
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Recipe:
    """The settings on which observations depend, which are all that workers on other machines need."""

    embedding: EmbeddingConfig
    alignment: AlignmentConfig
    detection: DetectionConfig
    quality: QualityConfig
    tracking: TrackingConfig
    voting: VotingConfig
    backend: str

    @classmethod
    def of(cls, config: Config, models: ModelStore) -> Recipe:
        """Return the recipe of a workspace."""
        return cls(**{name: getattr(config, name) for name in _SECTIONS}, backend=models.backend)

    @property
    def digest(self) -> str:
        """12 hexadecimal digits, which differ if observations may differ."""
        sections = [getattr(self, name).model_dump() for name in _SECTIONS]
        parts = [_FORMAT, ALIGNMENT_ID, SEGMENT_S, WARM_UP_S, self.backend, *sections]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    def opened(self) -> FaceReader:
        """Open the networks on one thread, with the same result on every machine.

        Raises:
            ModelUnavailable: the weights are missing and cannot be downloaded.
        """
        models = ModelStore("torch" if self.backend == "torch" else "onnx", threads=1)
        return open_reader(models, self.embedding, self.alignment, self.detection, self.quality)


def face_print(crop: NDArray[np.uint8]) -> bytes:
    """Return 16 bytes that identify an aligned face, (160, 160, 3) uint8."""
    return hashlib.blake2b(np.ascontiguousarray(crop).tobytes(), digest_size=16).digest()


@dataclass(frozen=True, eq=False)
class Observation:
    """The faces in a segment, or in a frame.

    Attributes:
        keys: (f,) int64 of the decoded frames, in order.
        counts: (f,) int64 faces per frame.
        boxes, landmarks, scores: (n, 4), (n, 5, 2) and (n,) float32 of all faces, frame by frame.
        prints: (e, 16) uint8 of the embedded faces, see `face_print`.
        embeddings: (e, d) float32 unit rows.
    """

    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    boxes: Floats
    landmarks: Floats
    scores: Floats
    prints: NDArray[np.uint8]
    embeddings: Floats

    def to_bytes(self) -> bytes:
        """Return an npz file without pickle."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **vars(self))
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, place: object) -> Observation:
        """Read an npz file; `place` names it in an error.

        Raises:
            StorageError: the file is damaged.
        """
        try:
            found = cls(*read_arrays(content, str(place), *cls.__dataclass_fields__))
            faces, embedded = len(found.scores), len(found.embeddings)
            shapes = (
                found.boxes.shape,
                found.landmarks.shape,
                found.scores.shape,
                found.prints.shape,
                found.keys.shape,
            )
            fitting = ((faces, 4), (faces, 5, 2), (faces,), (embedded, 16), found.counts.shape)
            if shapes != fitting or found.embeddings.ndim != 2 or found.counts.sum() != faces:
                raise ValueError("its rows do not fit together")
        except (ValueError, TypeError, OverflowError) as error:
            raise StorageError(f"{place} is damaged ({error})", hint="run the command again") from error
        return found

    @classmethod
    def of(cls, key: int, found: Detections, prints: Sequence[bytes], embeddings: Floats) -> Observation:
        """Return the observation of one frame."""
        shown = np.frombuffer(b"".join(prints), np.uint8).reshape(-1, 16)
        frame = (np.array([key], np.int64), np.array([len(found)], np.int64))
        return cls(*frame, found.boxes, found.landmarks, found.scores, shown, embeddings)

    @classmethod
    def joined(cls, parts: Sequence[Observation]) -> Observation:
        """Join observations; `parts` must not be empty."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class ObserveTask:
    """Observe one segment.

    Attributes:
        content: SHA-256 of the file, which must be the same on every machine.
        min_face_px: smallest face; None: of the settings.
    """

    path: Path
    content: str
    footage: Footage
    segment: Segment
    min_face_px: int | None = None

    @property
    def part_of(self) -> str:
        """The file."""
        return str(self.path)

    @property
    def deadline_s(self) -> float:
        """After this time a decoder hangs: the slowest machines take a tenth of it in a crowd."""
        begin, end = self.footage.offset_s(self.segment.begin), self.footage.seconds
        if self.segment.end is not None:
            end = self.footage.offset_s(self.segment.end)
        return _LEAST_S + _SLOWEST * (max(0.0, end - begin) + WARM_UP_S)

    @property
    def where(self) -> str:
        """File and part, for people."""
        begin = self.footage.offset_s(self.segment.begin)
        end = self.footage.seconds if self.segment.end is None else self.footage.offset_s(self.segment.end)
        return f"{self.path}, {_minutes(begin)} to {_minutes(end)}"

    def run(self, reader: FaceReader, recipe: Recipe) -> bytes:
        """Return the observation as bytes.

        Raises:
            InputError: the file is missing, is another one here, or changes meanwhile.
        """
        before = self._state()
        if _digest(*before) != self.content:
            raise InputError(
                f"{self.path} is not the file that was looked into",
                hint="it changed meanwhile, or this node has another: copy it there again, then run the command again",
            )
        nothing = Observation.of(0, Detections.empty(), (), np.empty((0, reader.embedder.dimension), np.float32))
        nothing = replace(nothing, keys=nothing.keys[:0], counts=nothing.counts[:0])
        found = Observation.joined([nothing, *self._frames(reader, recipe)]).to_bytes()
        if self._state() != before:
            raise InputError(f"{self.path} changed meanwhile", hint="run the command again when it is complete")
        return found

    def _state(self) -> tuple[Path, int, int, int]:
        """Return path, size, time of change and number of the file."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise InputError(
                f"{self.path}: {error.strerror}", hint="recordings must lie under the same path on every node"
            ) from error
        return self.path, status.st_size, status.st_mtime_ns, status.st_ino

    def _frames(self, reader: FaceReader, recipe: Recipe) -> Iterator[Observation]:
        footage, segment = self.footage, self.segment
        finder, tracker = reader.finder(recipe.detection, self.min_face_px), Tracker(recipe.tracking)
        guesses: dict[int, _Guess] = {}
        warm = segment.begin - round(WARM_UP_S / footage.tick)
        with Reel(self.path, footage) as reel:
            for picture in reel.frames(warm, segment.end):
                if picture.key < warm:
                    continue
                image, time = picture.image(), _EPOCH + timedelta(seconds=footage.offset_s(picture.key))
                found = finder.look(Frame(image, time), *tracker.expected(time, finder.scanned))
                ids, _ = tracker.update(found, time)
                if picture.key < segment.begin:
                    continue
                doubted = {trail.track_id: trail.doubted for trail in tracker.trails}
                for track_id in ids:
                    guesses.setdefault(track_id, _Guess(recipe.voting))
                yield Observation.of(
                    picture.key, found, *self._embedded(reader, image, time, ids, found, guesses, doubted)
                )

    @staticmethod
    def _embedded(
        reader: FaceReader,
        image: NDArray[np.uint8],
        time: datetime,
        ids: list[int],
        found: Detections,
        guesses: Mapping[int, _Guess],
        doubted: Mapping[int, datetime | None],
    ) -> tuple[list[bytes], Floats]:
        """Embed the faces that a recorder would embed; return their prints and embeddings."""
        rows = [row for row, each in enumerate(ids) if guesses[each].due(1.0, time, doubted.get(each))]
        faces = reader.cut(image, found[rows])
        good, prints = [], []
        for place, (row, quality) in enumerate(zip(rows, faces.qualities, strict=True)):
            ways = guesses[ids[row]].due(quality.score, time, doubted.get(ids[row])) if quality.good else []
            for made in ways:
                made.made(quality.score, time)
            if ways:
                good.append(place)
                prints.append(face_print(faces.crops[place]))
        if not good:
            return [], np.empty((0, reader.embedder.dimension), np.float32)
        return prints, reader.beside.embedder.embed(faces.crops[good])


@lru_cache(maxsize=64)
def _digest(path: Path, _size: int, _changed_ns: int, _inode: int) -> str:
    """Return the SHA-256 of a file in a state: a worker reads each file once as a whole."""
    return digest(path)


class _Guess:
    """Which faces of a track a recorder would embed if the fewest votes decided it, as a name or as a stranger.

    Both are embedded, so that later decisions nearly always find their embeddings.
    """

    def __init__(self, voting: VotingConfig) -> None:
        self._voting = voting
        self._ways = [(Offers(), votes) for votes in sorted({voting.min_agreeing, voting.min_unknown})]

    def due(self, score: float, time: datetime, doubted: datetime | None) -> list[Offers]:
        """Return the cases in which a recorder would embed a face of this quality."""
        return [
            made
            for made, votes in self._ways
            if made.due(score, time, doubted, self._voting, settled=made.count >= votes)
        ]


def _minutes(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
