"""The cheap half of an archive: who came when, decided by the pipeline itself over what was observed.

The pipeline is the one that watches cameras; only its networks are asked of a record first. What that does not hold (a decided track is
verified at moments that nobody could foresee) is computed here, on one thread, too. So the rows are those that `muster watch --fast`
would have written. Ids are derived from the recording: a run that was killed in the middle is done again without writing a row twice.
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
from engine.detection import Finder
from engine.embedding import Embedder
from engine.errors import InputError
from engine.face_reader import FaceReader
from engine.pipeline import RunStats, open_pipeline
from engine.storage import repeatable_ids
from engine.types import Detections, Frame
from engine.workbench import Workbench

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Decision:
    """What came of a recording.

    Attributes:
        stats: of the pipeline.
        computed: faces that the record did not hold.
        frames: that were observed.
        lost: pictures that could not be decoded a second time; they were taken for black.
        gaps: (from, to) in seconds after the beginning: longer than a camera may be silent.
    """

    stats: RunStats
    computed: int
    frames: int
    lost: int
    gaps: tuple[tuple[float, float], ...]


class _RecordedFinder:
    """See `Finder`; answers from the record."""

    def __init__(self) -> None:
        self.scans = 0
        self.scanned: datetime | None = None
        self.faces: dict[int, Detections] = {}

    def look(self, frame: Frame, expected: Floats, just_seen: NDArray[np.bool_]) -> Detections:
        del expected, just_seen
        return self.faces.get(frame.index) or Detections.empty()


class _RecordedEmbedder:
    """See `Embedder`; answers from the record what that holds."""

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
    """See `FaceReader`; finds and embeds from the record."""

    def __init__(self, networks: FaceReader, config: Config, finder: Finder, embedder: Embedder) -> None:
        super().__init__(networks.detector, embedder, config.quality)
        self._finder = finder

    def finder(self, config: DetectionConfig, min_face_px: int | None = None) -> Finder:
        del config, min_face_px
        return self._finder


class _LateFrame(Frame):
    """A frame that is decoded when somebody looks at it. At most nobody does: their faces are found already."""

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
    """The observed frames of a recording.

    Attributes:
        lost: pictures that could not be decoded again; they are black.
    """

    def __init__(self, reel: Reel, footage: Footage, camera: str, start: datetime) -> None:
        self.footage, self.camera = footage, camera
        self.lost = 0
        self._reel, self._start = reel, start

    def frames(self, keys: NDArray[np.int64], first: int) -> Iterator[Frame]:
        """Frames by their keys; `first` is the running number of the first."""
        offsets = self.footage.offsets_s(keys).tolist()
        for index, (key, offset) in enumerate(zip(keys.tolist(), offsets, strict=True), first):
            yield _LateFrame(self, key, self._start + timedelta(seconds=offset), index)

    def image(self, key: int) -> Image:
        """The pixels of a frame, RGB uint8 (H, W, 3), read-only."""
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
    """Run the pipeline over a recording that was observed, or is being observed: what is there is decided while the next is awaited.

    When it is interrupted nothing is settled: what stands in the books then is what a second run finds there and goes on from.

    Args:
        bench: the workspace.
        networks: for what the record does not hold.
        path, footage: the recording.
        observed: its segments, in order.
        camera, start: its name, and the time of the first frame.
        recording_id: what ids are derived from; also names its tracks.
        told: how many of how many frames are done.

    Raises:
        InputError: the file cannot be opened any more, or none of its pictures could be decoded.
        GalleryMismatch: the gallery is of another model.
        StorageError: something could not be written.
        MusterError: what `observed` raises.
    """
    start = start.astimezone(UTC)
    finder, embedder = _RecordedFinder(), _RecordedEmbedder(networks.embedder)
    reader = _RecordedReader(networks, bench.config, finder, embedder)
    # nobody is called at night because of what happened last month
    services = replace(bench.services(reader), alert=None)
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
    """Those of frames with faces, by the frame's running number."""
    faces: dict[int, Detections] = {}
    end = 0
    for index, count in enumerate(observed.counts.tolist(), first):
        begin, end = end, end + count
        if count:
            rows = slice(begin, end)
            faces[index] = Detections(observed.boxes[rows], observed.landmarks[rows], observed.scores[rows])
    return faces
