"""The cheap half of an archive: who came when, decided by the pipeline itself over what was observed.

The pipeline is the one that watches cameras; only its networks are asked of a record first. What that does not hold (a decided track is
verified at moments that nobody could foresee) is computed here, on one thread, too. So the rows are those that `muster watch --fast`
would have written. Ids are derived from the recording: a run that was killed in the middle is done again without writing a row twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.analysis import FaceReader
from engine.archive.footage import Footage, Picture, frames
from engine.archive.observe import Observation, face_print
from engine.config import Config, DetectionConfig
from engine.detection import Finder
from engine.embedding import Embedder
from engine.pipeline import Pipeline, RunStats
from engine.staging import Intake
from engine.storage import repeatable_ids
from engine.types import Detections, Frame
from engine.workbench import Workbench

__all__ = ["Decision", "decide"]

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Decision:
    """What came of a recording.

    Attributes:
        stats: of the pipeline.
        computed: faces that the record did not hold.
        lost: frames whose picture could not be decoded a second time; they were left out.
        gaps: (from, to) in seconds after the beginning: longer than a camera may be silent.
    """

    stats: RunStats
    computed: int
    lost: int
    gaps: tuple[tuple[float, float], ...]


class _RecordedFinder:
    """See `Finder`; answers from the record."""

    def __init__(self, faces: dict[datetime, Detections]) -> None:
        self.scans = 0
        self.scanned: datetime | None = None
        self._faces = faces

    def look(self, frame: Frame, expected: Floats, just_seen: NDArray[np.bool_]) -> Detections:
        """See `Finder`."""
        del expected, just_seen
        return self._faces.get(frame.time) or Detections.empty()


class _RecordedEmbedder:
    """See `Embedder`; answers from the record what that holds."""

    def __init__(self, record: dict[bytes, Floats], network: Embedder) -> None:
        self.dimension = network.dimension
        self.computed = 0
        self._record, self._network = record, network

    def embed(self, faces: Image) -> Floats:
        """See `Embedder`."""
        rows = []
        for face in faces:
            row = self._record.get(face_print(face))
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
        """See `FaceReader`."""
        del config, min_face_px
        return self._finder


class _LateFrame(Frame):
    """A frame whose pixels are made when somebody looks at them: of most nobody does, as their faces are found already."""

    def __init__(self, picture: Picture, time: datetime, camera: str, index: int) -> None:
        for name, value in (("_picture", picture), ("time", time), ("camera", camera), ("index", index)):
            object.__setattr__(self, name, value)

    @property
    def image(self) -> Image:
        """See `Frame`."""
        image: Image | None = self.__dict__.get("_image")
        if image is None:
            image = self.__dict__["_picture"].image()
            image.flags.writeable = False
            self.__dict__["_image"] = image
        return image

    @property
    def size(self) -> tuple[int, int]:
        """See `Frame`."""
        size: tuple[int, int] = self.__dict__["_picture"].size
        return size


class _Playback:
    """The observed frames of a recording. Those far from any face are black: nobody looks at them, so they are not even decoded.

    Args:
        path, footage: of the recording.
        camera, start: its name, and the time of the first frame.
        keys: of the frames.
        needed: (n,) those that are decoded.

    Attributes:
        lost: frames that could not be decoded again.
    """

    def __init__(
        self, path: Path, footage: Footage, camera: str, start: datetime, keys: Sequence[int], needed: NDArray[np.bool_]
    ) -> None:
        self.lost = 0
        self._path, self._footage, self._camera, self._start = path, footage, camera, start
        self._keys, self._needed = keys, needed
        self._blank = np.zeros((*footage.size, 3), np.uint8)
        self._blank.flags.writeable = False
        self._pictures: Iterator[Picture] = iter(())
        self._next: Picture | None = None
        self._closed = False

    def __iter__(self) -> Iterator[Frame]:
        jumped = True
        for index, (key, needed) in enumerate(zip(self._keys, self._needed.tolist(), strict=True)):
            if self._closed:
                return
            time = self._start + timedelta(seconds=self._footage.offset_s(key))
            if not needed:
                jumped = True
                yield Frame(self._blank, time, self._camera, index)
                continue
            picture = self._picture(key, jumped=jumped)
            jumped = False
            if picture is None:
                self.lost += 1
            else:
                yield _LateFrame(picture, time, self._camera, index)

    def _picture(self, key: int, *, jumped: bool) -> Picture | None:
        if self._next is None or (jumped and self._footage.cue_between(self._next.key, key)):
            self._pictures = frames(self._path, self._footage, key)
            self._next = next(self._pictures, None)
        while self._next is not None and self._next.key < key:
            self._next = next(self._pictures, None)
        return self._next if self._next is not None and self._next.key == key else None

    def close(self) -> None:
        """See `engine.sources.Source`."""
        self._closed = True


def decide(
    bench: Workbench,
    networks: FaceReader,
    path: Path,
    footage: Footage,
    observed: Sequence[Observation],
    *,
    camera: str,
    start: datetime,
    recording_id: str,
    told: Callable[[int, int], None],
) -> Decision:
    """Run the pipeline over a recording that was observed.

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
        InputError: the file cannot be opened any more.
        GalleryMismatch: the gallery is of another model.
        StorageError: something could not be written.
    """
    start = start.astimezone(UTC)
    keys = np.concatenate([each.keys for each in observed]).tolist()
    counts = np.concatenate([each.counts for each in observed])
    offsets = np.array([footage.offset_s(key) for key in keys])
    faces = _faces(observed, [start + timedelta(seconds=offset) for offset in offsets.tolist()])
    prints = [row.tobytes() for each in observed for row in each.prints]
    record = dict(zip(prints, (row for each in observed for row in each.embeddings), strict=True))
    embedder = _RecordedEmbedder(record, networks.embedder)
    reader = _RecordedReader(networks, bench.config, _RecordedFinder(faces), embedder)
    # nobody is called at night because of what happened last month
    services = replace(bench.services(reader), alert=None)
    playback = _Playback(path, footage, camera, start, keys, _needed(offsets, counts, bench.config))
    with repeatable_ids(recording_id):
        pipeline = Pipeline(services, bench.config, camera, run_id=recording_id)
        intake = Intake(playback, newest_wins=False)
        try:
            while isinstance(item := intake.next(), Frame):
                pipeline.process(item)
                told(item.index + 1, len(keys))
        finally:
            intake.close()
        pipeline.finish()
    silent = np.flatnonzero(np.diff(offsets) > bench.config.attendance.gap_s)
    gaps = tuple((float(offsets[row]), float(offsets[row + 1])) for row in silent)
    return Decision(pipeline.stats, embedder.computed, playback.lost, gaps)


def _faces(observed: Sequence[Observation], times: Sequence[datetime]) -> dict[datetime, Detections]:
    faces: dict[datetime, Detections] = {}
    clock = iter(times)
    for each in observed:
        end = 0
        for count in each.counts.tolist():
            time, begin, end = next(clock), end, end + count
            if count:
                rows = slice(begin, end)
                faces[time] = Detections(each.boxes[rows], each.landmarks[rows], each.scores[rows])
    return faces


def _needed(offsets: NDArray[np.float64], counts: NDArray[np.int64], config: Config) -> NDArray[np.bool_]:
    """Frames whose pictures somebody may look at: with a face, before one comes, and until the incident that it may be part of is told."""
    events = config.events
    windows = [events.door_window_s, *(each.door_window_s or 0.0 for each in config.cameras.values())]
    before = 2 * events.context_s + 1.0
    after = before + events.settle_s + max(windows) + config.tracking.max_gap_s
    with_face = offsets[counts > 0]
    if not len(with_face):
        return np.zeros(len(offsets), np.bool_)
    following = np.searchsorted(with_face, offsets)
    coming = np.append(with_face, np.inf)[following] - offsets <= before
    gone = offsets - np.append(-np.inf, with_face)[np.searchsorted(with_face, offsets, side="right")] <= after
    return np.asarray(coming | gone, np.bool_)
