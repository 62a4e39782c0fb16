"""The cheap half of an archive: the pipeline decides who came when from the observations.

It is the pipeline that watches cameras, but it looks up faces and embeddings in the observations. Embeddings that these lack, such as
those that verify a decided track, are computed here on one thread. The rows are therefore those of `muster watch --fast`. Ids derive from
the recording, so repeating an interrupted run writes no row twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.archive.footage import Footage, Reel
from engine.archive.observe import Observation, face_print
from engine.config import Config, DetectionConfig
from engine.detection import Finder, Searcher
from engine.embedding import Embedder
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.pipeline import RunStats, open_pipeline
from engine.storage import repeatable_ids
from engine.types import Detections, Floats, Frame, Image
from engine.workbench import Workbench


@dataclass(frozen=True)
class Decision:
    """The result for a recording.

    Attributes:
        computed: number of faces that the observations lacked.
        frames: number of observed frames.
        lost: number of frames that could not be decoded again and were replaced by black ones.
        gaps: (from, to) in seconds from the beginning, longer than a camera may be silent.
    """

    stats: RunStats
    computed: int
    frames: int
    lost: int
    gaps: tuple[tuple[float, float], ...]


class _RecordedFinder:
    """A `Finder` that looks up faces in the observations."""

    def __init__(self) -> None:
        self.scans = 0
        self.scanned: datetime | None = None
        self.moved: datetime | None = None
        self.faces: dict[int, Detections] = {}

    def look(self, frame: Frame, expected: Floats, just_seen: NDArray[np.bool_]) -> Detections:
        del expected, just_seen
        return self.faces.get(frame.index) or Detections.empty()

    def forget(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing runs."""


class _RecordedEmbedder:
    """An `Embedder` that looks up embeddings in the observations first."""

    def __init__(self, network: Embedder) -> None:
        self.dimension = network.dimension
        self.computed = 0
        self.record: dict[bytes, Floats] = {}
        self._network = network

    def embed(self, faces: Image) -> Floats:
        rows = []
        for face in faces:
            row = self.record.get(face_print(face))
            if row is None:
                self.computed += 1
                row = self._network.embed(face[None])[0]
            rows.append(row)
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)


class _RecordedReader(FaceReader):
    """A `FaceReader` that looks up faces and embeddings in the observations."""

    def __init__(self, networks: FaceReader, config: Config, finder: Finder, embedder: Embedder) -> None:
        super().__init__(networks.detector, embedder, config.quality, networks.occlusion)
        self._finder = finder

    def finder(
        self, config: DetectionConfig, min_face_px: int | None = None, searcher: Searcher | None = None
    ) -> Finder:
        del config, min_face_px, searcher
        return self._finder


class _LateFrame(Frame):
    """A frame that is decoded on access, which is rare because its faces are known."""

    def __init__(self, playback: _Playback, key: int, time: datetime, index: int) -> None:
        fields = {"_playback": playback, "_key": key, "time": time, "camera": playback.camera, "index": index}
        self.__dict__.update(fields)

    @property
    def image(self) -> Image:
        image: Image | None = self.__dict__.get("_image")
        if image is None:
            image = self.__dict__["_image"] = self.__dict__["_playback"].image(self.__dict__["_key"])
        return image

    @property
    def size(self) -> tuple[int, int]:
        size: tuple[int, int] = self.__dict__["_playback"].footage.size
        return size


class _Playback:
    """The observed frames of a recording; `lost` counts those replaced by black ones."""

    def __init__(self, reel: Reel, footage: Footage, camera: str, start: datetime) -> None:
        self.footage, self.camera = footage, camera
        self.lost = 0
        self._reel, self._start = reel, start

    def frames(self, keys: NDArray[np.int64], first: int) -> Iterator[Frame]:
        """Yield frames by their keys; `first` is the index of the first."""
        offsets = self.footage.offsets_s(keys).tolist()
        for index, (key, offset) in enumerate(zip(keys.tolist(), offsets, strict=True), first):
            yield _LateFrame(self, key, self._start + timedelta(seconds=offset), index)

    def image(self, key: int) -> Image:
        """Return the pixels of a frame, RGB uint8 (H, W, 3), read-only."""
        picture = self._reel.picture(key)
        if picture is None:
            self.lost += 1
        image = picture.image() if picture is not None else np.zeros((*self.footage.size, 3), np.uint8)
        image.flags.writeable = False
        return image


def decide(
    bench: Workbench,
    networks: FaceReader,
    path: Path,
    footage: Footage,
    observed: Iterable[Observation],
    *,
    camera: str,
    start: datetime,
    recording_id: str,
    told: Callable[[int, int], None],
) -> Decision:
    """Run the pipeline over a recording while its segments are being observed.

    A second run continues from the rows of an interrupted one.

    Args:
        networks: compute the embeddings that the observations lack.
        observed: segments of the recording in order.
        start: time of the first frame.
        recording_id: from which ids derive; also names tracks.
        told: called with the number of finished frames and of all.

    Raises:
        InputError: the file cannot be opened again, or has no decodable picture.
        GalleryMismatch: the gallery belongs to another model.
        StorageError: something cannot be written.
        MusterError: from `observed`.
    """
    start = start.astimezone(UTC)
    finder, embedder = _RecordedFinder(), _RecordedEmbedder(networks.beside.embedder)
    reader = _RecordedReader(networks, bench.config, finder, embedder)
    # nobody needs an alert about last month
    services = replace(bench.services(reader), alert=None, announce=None)
    keys = [np.empty(0, np.int64)]
    with repeatable_ids(recording_id), Reel(path, footage) as reel:
        pipeline, count = open_pipeline(services, bench.config, camera, run_id=recording_id), 0
        playback = _Playback(reel, footage, camera, start)
        for each in observed:
            finder.faces = _faces(each, count)
            embedder.record = {row.tobytes(): known for row, known in zip(each.prints, each.embeddings, strict=True)}
            for frame in playback.frames(each.keys, count):
                pipeline.process(frame)
                told(frame.index + 1, footage.count)
            keys.append(each.keys)
            count += len(each.keys)
        if not count:
            raise InputError(f"{path}: no picture can be decoded", hint="copy the recording again")
        pipeline.finish()
    offsets = footage.offsets_s(np.concatenate(keys))
    silent = np.flatnonzero(np.diff(offsets) > bench.config.attendance.gap_s)
    gaps = tuple((float(offsets[row]), float(offsets[row + 1])) for row in silent)
    return Decision(pipeline.stats, embedder.computed, count, playback.lost, gaps)


def _faces(observed: Observation, first: int) -> dict[int, Detections]:
    """Return the faces of frames that have any, by the index of the frame."""
    faces: dict[int, Detections] = {}
    end = 0
    for index, count in enumerate(observed.counts.tolist(), first):
        begin, end = end, end + count
        if count:
            rows = slice(begin, end)
            faces[index] = Detections(observed.boxes[rows], observed.landmarks[rows], observed.scores[rows])
    return faces
