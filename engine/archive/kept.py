"""Files that an archive keeps between runs: observations of recordings that are not decided yet, and the list of decided ones.

Observations hold embeddings of everybody who passed, so Muster deletes them as soon as their recording is decided. `muster forget` and
the retention of strangers' templates (`[retention] strangers`) delete those of a run that was never finished.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from engine.archive.footage import Segment
from engine.archive.names import Listed
from engine.archive.observe import Observation
from engine.errors import StorageError
from engine.storage import append_lines, csv_line, encode_cell, locked, read_rows, storage_errors
from engine.storage.logs.rows import RowType
from engine.storage.vault import Owner, Vault, read_file


@dataclass(frozen=True)
class DoneRow:
    """A recording that is decided.

    Attributes:
        recording_id: see `recording_id`.
        content: digest of the file.
        file, camera, start: as listed; `start` is timezone-aware.
        bytes, changed_ns: size and time of change of the file when it was decided.
        seconds, frames: its length.
        tracks, punches, incidents: how many were found.
        decided_at: when, timezone-aware.
    """

    recording_id: str
    content: str
    file: str
    camera: str
    start: datetime
    bytes: int
    changed_ns: int
    seconds: float
    frames: int
    tracks: int
    punches: int
    incidents: int
    decided_at: datetime


_DONE = RowType(DoneRow, timespec="auto")


def recording_id(content: str, listed: Listed) -> str:
    """Return a recording's name in logs: its start, by which retention finds it, and a digest of its content, camera and start."""
    told = "\0".join((content, listed.camera, str(listed.start.timestamp())))
    return f"{listed.start.astimezone(UTC):%Y%m%dT%H%M%S}-{hashlib.sha256(told.encode()).hexdigest()[:10]}"


class DoneList:
    """`archive/done.csv`, the append-only list of decided recordings."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def by_id(self) -> dict[str, DoneRow]:
        """Return the rows by recording.

        Raises:
            StorageError: the file cannot be read.
        """
        return {row.recording_id: row for row in _DONE.parse_all(read_rows(self._path), self._path.name)}

    def add(self, row: DoneRow) -> None:
        """Record durably that a recording is decided."""
        with locked(self._path):
            cells = map(encode_cell, _DONE.cells(row).values())
            append_lines(self._path, csv_line(_DONE.columns), [csv_line(cells)])


class Shelf(Protocol):
    """The observations of one recording under one recipe."""

    def has(self, segment: Segment) -> bool:
        """Return whether the segment has been observed."""
        ...

    def put(self, segment: Segment, content: bytes) -> None:
        """Keep an observation."""
        ...

    def read(self, segment: Segment) -> Observation:
        """Return a segment's observation.

        Raises:
            StorageError: it is missing or damaged.
        """
        ...

    def clear(self) -> None:
        """Forget the observations."""
        ...


class HeldSegments:
    """Observations that are on no disk, because nobody may be recognised again by them; an interrupted run begins anew."""

    def __init__(self) -> None:
        self._held: dict[int, bytes] = {}

    def has(self, segment: Segment) -> bool:
        return segment.number in self._held

    def put(self, segment: Segment, content: bytes) -> None:
        self._held[segment.number] = content

    def read(self, segment: Segment) -> Observation:
        return Observation.from_bytes(self._held.pop(segment.number, b""), f"segment {segment.number}")

    def clear(self) -> None:
        self._held.clear()


@dataclass(frozen=True)
class SegmentFolder:
    """The folder with the observations of one recording under one recipe."""

    folder: Path
    vault: Vault

    @classmethod
    def of(
        cls,
        observations: Path,
        recording: str,
        recipe: str,
        min_face_px: int | None,
        rotate: int = 0,
        *,
        vault: Vault,
    ) -> SegmentFolder:
        """Return the folder of a recording, given its id, the digest of the recipe, and its camera's settings."""
        turned = f"-turned{rotate}" if rotate else ""
        return cls(observations / f"{recording}-{recipe}-{min_face_px or 0}{turned}", vault)

    def path(self, segment: Segment) -> Path:
        """Return the file of a segment's observation."""
        return self.folder / f"{segment.number:05}.npz"

    def has(self, segment: Segment) -> bool:
        """Return whether the segment has been observed."""
        return self.path(segment).is_file()

    def put(self, segment: Segment, content: bytes) -> None:
        """Keep an observation durably."""
        self.vault.write(self.path(segment), content, Owner.archive())

    def read(self, segment: Segment) -> Observation:
        """Return a segment's observation.

        Raises:
            StorageError: it is missing or damaged; a damaged file is removed, so that the next run observes the segment again.
        """
        path = self.path(segment)
        with storage_errors(path):
            content = read_file(path)
        try:
            return Observation.from_bytes(content, path)
        except StorageError:
            path.unlink(missing_ok=True)
            raise

    def clear(self) -> None:
        """Delete the observations."""
        with storage_errors(self.folder):
            shutil.rmtree(self.folder, ignore_errors=not self.folder.exists())
