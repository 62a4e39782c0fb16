"""The heavy half of an archive: what can be seen in a segment, without deciding anything.

A worker finds the faces of each frame as a recorder does, and embeds those that a recorder would, as far as that can be told without
knowing who they are: at short intervals first, later rarely. Nothing is written here. What it returns is a matter of the segment and
the recipe alone: one thread, no chance, no clock.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from engine.alignment import ALIGNMENT_ID
from engine.archive.footage import SEGMENT_S, WARM_UP_S, Footage, Reel, Segment
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
from engine.tracking import Tracker
from engine.types import Detections, Frame

Floats = NDArray[np.float32]

_FORMAT = 2
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Recipe:
    """The settings that what is seen depends on, and nothing else of them: workers on other machines need no more."""

    embedding: EmbeddingConfig
    alignment: AlignmentConfig
    detection: DetectionConfig
    quality: QualityConfig
    tracking: TrackingConfig
    voting: VotingConfig
    backend: str

    @classmethod
    def of(cls, config: Config, models: ModelStore) -> Recipe:
        """Those of a workspace."""
        return cls(
            config.embedding,
            config.alignment,
            config.detection,
            config.quality,
            config.tracking,
            config.voting,
            models.backend,
        )

    @property
    def digest(self) -> str:
        """Different for recipes under which something else may be seen, 12 hexadecimal digits."""
        sections = (self.embedding, self.alignment, self.detection, self.quality, self.tracking, self.voting)
        parts = [_FORMAT, ALIGNMENT_ID, SEGMENT_S, WARM_UP_S, self.backend, *(each.model_dump() for each in sections)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    def opened(self) -> FaceReader:
        """The networks on one thread: the same bits wherever they run.

        Raises:
            ModelUnavailable: weights are not on this machine and cannot be fetched.
        """
        models = ModelStore("torch" if self.backend == "torch" else "onnx", threads=1)
        return open_reader(models, self.embedding, self.alignment, self.detection, self.quality)


def face_print(crop: NDArray[np.uint8]) -> bytes:
    """What tells an aligned face, (160, 160, 3) uint8, from all others: 16 bytes."""
    return hashlib.blake2b(np.ascontiguousarray(crop).tobytes(), digest_size=16).digest()


@dataclass(frozen=True, eq=False)
class Observation:
    """What was seen in a segment.

    Attributes:
        keys: (f,) int64, of the frames that could be decoded, in order.
        counts: (f,) int64, faces in each.
        boxes, landmarks, scores: (n, 4), (n, 5, 2) and (n,) float32: of all faces, frame by frame.
        prints: (e, 16) uint8, of the faces that were embedded, see `face_print`.
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
        """As an npz file without pickle."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **vars(self))
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, place: object) -> Observation:
        """The reverse.

        Raises:
            StorageError: it is damaged; `place` says where it lies.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                found = cls(**{name: file[name] for name in cls.__dataclass_fields__})
            if len(found.keys) != len(found.counts) or found.counts.sum() != len(found.boxes):
                raise ValueError("its rows do not fit together")
        except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
            raise StorageError(f"{place} is damaged ({error})", hint="run the command again") from error
        return found


@dataclass
class _Columns:
    keys: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    boxes: list[Floats] = field(default_factory=list)
    landmarks: list[Floats] = field(default_factory=list)
    scores: list[Floats] = field(default_factory=list)
    prints: list[bytes] = field(default_factory=list)
    embeddings: list[Floats] = field(default_factory=list)

    def observation(self, dimension: int) -> Observation:
        def joined(rows: list[Floats], *shape: int) -> Floats:
            return np.concatenate([np.empty((0, *shape), np.float32), *rows]).astype(np.float32)

        return Observation(
            np.array(self.keys, np.int64),
            np.array(self.counts, np.int64),
            joined(self.boxes, 4),
            joined(self.landmarks, 5, 2),
            joined(self.scores),
            np.frombuffer(b"".join(self.prints), np.uint8).reshape(-1, 16),
            joined(self.embeddings, dimension),
        )


@dataclass(frozen=True, eq=False)
class ObserveTask:
    """Look at one segment.

    Attributes:
        path, size: of the file; it must be the same wherever it is looked at.
        footage, segment: of it.
        min_face_px: smallest face; None: of the settings.
    """

    path: Path
    size: int
    footage: Footage
    segment: Segment
    min_face_px: int | None = None

    @property
    def where(self) -> str:
        """For people: which part of which file."""
        begin = self.footage.offset_s(self.segment.begin)
        end = self.footage.seconds if self.segment.end is None else self.footage.offset_s(self.segment.end)
        return f"{self.path}, {_minutes(begin)} to {_minutes(end)}"

    def run(self, reader: FaceReader, recipe: Recipe) -> bytes:
        """See all of it.

        Raises:
            InputError: the file is not there, or another one.
        """
        try:
            size = self.path.stat().st_size
        except OSError as error:
            raise InputError(
                f"{self.path}: {error.strerror}", hint="recordings must lie under the same path on every node"
            ) from error
        if size != self.size:
            raise InputError(f"{self.path} changed meanwhile", hint="run the command again when it is complete")
        return self._seen(reader, recipe).observation(reader.embedder.dimension).to_bytes()

    def _seen(self, reader: FaceReader, recipe: Recipe) -> _Columns:
        footage, segment, seen = self.footage, self.segment, _Columns()
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
                seen.keys.append(picture.key)
                seen.counts.append(len(found))
                seen.boxes.append(found.boxes)
                seen.landmarks.append(found.landmarks)
                seen.scores.append(found.scores)
                doubted = {trail.track_id: trail.doubted for trail in tracker.trails}
                self._embed(reader, recipe, image, time, ids, found, guesses, doubted, seen)
        return seen

    @staticmethod
    def _embed(
        reader: FaceReader,
        recipe: Recipe,
        image: NDArray[np.uint8],
        time: datetime,
        ids: list[int],
        found: Detections,
        guesses: dict[int, _Guess],
        doubted: Mapping[int, datetime | None],
        seen: _Columns,
    ) -> None:
        """Embed the faces that a recorder would."""

        for track_id in ids:
            if track_id not in guesses:
                guesses[track_id] = _Guess(recipe.voting)
        rows = [row for row, each in enumerate(ids) if guesses[each].due(1.0, time, doubted.get(each))]
        faces = reader.cut(image, found[rows])
        good = []
        for place, (row, quality) in enumerate(zip(rows, faces.qualities, strict=True)):
            ways = guesses[ids[row]].due(quality.score, time, doubted.get(ids[row])) if quality.good else []
            for made in ways:
                made.made(quality.score, time)
            if ways:
                good.append(place)
                seen.prints.append(face_print(faces.crops[place]))
        if good:
            seen.embeddings.append(reader.embedder.embed(faces.crops[good]))


class _Guess:
    """Which faces of a track a recorder would have embedded: as if it were decided by the fewest votes that make a name, and as if by
    those that make a stranger. Both are embedded, so what is asked for later is nearly always there.
    """

    def __init__(self, voting: VotingConfig) -> None:
        self._voting = voting
        self._ways = [(Offers(), votes) for votes in sorted({voting.min_agreeing, voting.min_unknown})]

    def due(self, score: float, time: datetime, doubted: datetime | None) -> list[Offers]:
        """The ways on which a face of that quality would be embedded."""
        return [
            made
            for made, votes in self._ways
            if made.due(score, time, doubted, self._voting, settled=made.count >= votes)
        ]


def _minutes(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
