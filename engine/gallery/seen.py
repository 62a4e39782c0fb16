"""Faces of those who passed a camera, kept for some weeks so that somebody can be searched for by photo.

One file per model and workplace day, `faces/<model>/<day>.faces`, one line per track that ended: what was decided, and the mean embedding
in 8 bits per number. Against 32 bits that moves a similarity by less than .002, and 100,000 faces take 90 MB of memory. Each line is
encrypted with the day's key (`engine.storage.vault`). Lines are appended; when somebody is erased, the day is written anew without
them, under a new key, so that no copy of the old file can be opened.

Files lie on the machine whose cameras saw the people, as pictures do, also where a database holds the logs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.storage import append_lines, atomic_write, file_name, locked, storage_errors
from engine.storage.vault import Owner, Vault, sealed_key

log = logging.getLogger(__name__)

FOLDER = "faces"
_SUFFIX = ".faces"
_HEADER = "muster faces 1\n"
_LENGTH = 4
_KNOWN = "known"
_MOST_BYTES = 384 * 2**20
"""Faces that stay in memory between searches; older days than fit are read anew each time."""
_ROW_BYTES = 500
"""What is told of a face takes about so much memory."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SeenFace:
    """A track that ended, as it was decided then.

    Attributes:
        track: its name, as in the logs.
        camera: that saw it.
        first_seen, last_seen: timezone-aware.
        state: see `engine.types.TrackState`.
        employee_id: who it was; undecided: whom the face resembled most. Empty: nobody enrolled.
        unknown_id: the stranger's identifier; empty without one.
    """

    track: str
    camera: str
    first_seen: datetime
    last_seen: datetime
    state: str
    employee_id: str = ""
    unknown_id: str = ""


Chosen = Callable[[Sequence[SeenFace], Floats | None], Iterable[int]]
"""Chooses some of n faces by their places; the second argument is their (n, d) unit embeddings, None for those of another model."""


@dataclass(frozen=True)
class SeenHit:
    """A face that was found: what is known of it, and its similarity (cosine)."""

    face: SeenFace
    similarity: float


@dataclass(frozen=True, eq=False)
class _Day:
    """The faces of one day in memory: n rows, oldest first; of a track that was written twice, the later one."""

    stamp: object
    faces: tuple[SeenFace, ...]
    rows: NDArray[np.int8]  # (n, d)
    scales: Floats  # (n,)
    kinds: NDArray[np.int32]  # (n,) place in `alike` of a face with the same camera and decision
    alike: tuple[SeenFace, ...]

    @property
    def bytes(self) -> int:
        return self.rows.nbytes + _ROW_BYTES * len(self.faces)

    def similarities(self, probe: Floats) -> Floats:
        """Return (n,) the cosines with a unit row (d,)."""
        return np.asarray((self.rows.astype(np.float32) @ probe) * self.scales, np.float32)


class SeenFaces:
    """The faces of one workspace; several processes append and read.

    Args:
        workspace: folder that holds `faces/`.
        zone: the workplace's time zone; a face belongs to the day on which its track began.
        recipe: model and alignment that made the embeddings; faces of others are kept and not searched.
        dimension: of an embedding.
        vault: encrypts.
        kept: whether new faces are written.
        strangers: also those of people who are not known to be somebody enrolled.
    """

    def __init__(
        self,
        workspace: Path,
        zone: ZoneInfo,
        recipe: tuple[str, str],
        dimension: int,
        vault: Vault,
        *,
        kept: bool = True,
        strangers: bool = True,
    ) -> None:
        self._root, self._zone, self._dimension = workspace / FOLDER, zone, dimension
        self._folder = self._root / file_name("+".join(recipe))
        self._vault, self._kept, self._strangers = vault, kept, strangers
        self._days: dict[Path, _Day] = {}
        self._mutex = threading.Lock()
        self._written_to: Path | None = None
        self._written: tuple[int, int, set[str]] = (0, 0, set())
        """Of the file that was written last: its number, how far it was read, and the tracks in it."""

    # ----------------------------------------------------------------------------------------- writing

    def takes(self, face: SeenFace) -> bool:
        """Whether a face may be kept."""
        return self._kept and (self._strangers or face.state == _KNOWN)

    def record(self, face: SeenFace, embedding: Floats) -> None:
        """Append a face durably if it may be kept, unless its track is there already: a recording that is decided again leaves the same
        file.

        Args:
            embedding: (d,) float32 unit row.

        Raises:
            StorageError: it could not be written; the file is as it was.
        """
        if self.takes(face):
            path = self._path(face.first_seen.astimezone(self._zone).date())
            with locked(path):
                if face.track not in self._tracks_in(path):
                    append_lines(path, _HEADER, [self._line(path, _packed(face, embedding))])

    def _tracks_in(self, path: Path) -> set[str]:
        """The tracks in a file, of which only what is new is read; the caller holds its lock."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return set()
        inode, end, tracks = self._written if self._written_to == path else (0, 0, set[str]())
        if status.st_ino != inode or status.st_size < end:
            end, tracks = 0, set()
        if status.st_size > end:
            with storage_errors(path), path.open("rb") as handle:
                handle.seek(end)
                content = handle.read()
            content = content[: content.rfind(b"\n") + 1]
            for plain in self._opened(content if end else content.partition(b"\n")[2], path):
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    tracks.add(_unpacked(plain)[0].track)
            end += len(content)
        self._written_to, self._written = path, (status.st_ino, end, tracks)
        return tracks

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}{_SUFFIX}"

    def _line(self, path: Path, plain: bytes) -> str:
        content = self._vault.seal(plain, _owner(path), _place(path)) if self._vault.at_rest else plain
        return b64encode(content).decode() + "\n"

    # ----------------------------------------------------------------------------------------- reading

    def days(self) -> list[date]:
        """Return the days of which there are faces of this model, oldest first."""
        return sorted(_day_of(path) for path in self.files() if path.parent == self._folder)

    def search(
        self,
        probe: Floats,
        *,
        first: date = date.min,
        last: date = date.max,
        camera: str = "",
        wanted: Callable[[SeenFace], bool] = lambda _: True,
        at_least: float = -1.0,
        limit: int = 50,
    ) -> tuple[list[SeenHit], int]:
        """Return the faces most similar to one, best first, and how many are similar enough.

        Args:
            probe: (d,) float32 unit row.
            first, last: days.
            camera: that saw them; empty: any.
            wanted: whether a face may be shown, by its camera and what was decided.
            at_least: smallest similarity (`>=`).
            limit: how many to return.

        Raises:
            StorageError: a file cannot be read.
        """
        best: list[SeenHit] = []
        total = 0
        for day in self._loaded(first, last):  # newest first, so that of equals the later one comes first
            fits = np.array([(not camera or face.camera == camera) and wanted(face) for face in day.alike], np.bool_)
            scores = day.similarities(probe)
            rows = np.flatnonzero((scores >= at_least) & fits[day.kinds])
            total += len(rows)
            rows = rows[np.argsort(-scores[rows], kind="stable")[:limit]]
            best += [SeenHit(day.faces[row], float(scores[row])) for row in rows.tolist()]
        return sorted(best, key=lambda hit: -hit.similarity)[:limit], total

    def about(
        self, wanted: Callable[[SeenFace], bool], first: date = date.min, last: date = date.max
    ) -> list[SeenFace]:
        """Return the faces of somebody, oldest first."""
        return [face for day in self._loaded(first, last) for face in day.faces if wanted(face)]

    def cameras(self) -> list[str]:
        """Return the cameras that saw somebody."""
        return sorted({face.camera for day in self._loaded(date.min, date.max) for face in day.alike})

    def _loaded(self, first: date, last: date) -> Iterator[_Day]:
        """Yield the days in memory, newest first: what does not fit is what is asked for least."""
        paths = [self._path(day) for day in reversed(self.days()) if first <= day <= last]
        with self._mutex:
            known = dict(self._days)
            for path in known.keys() - set(paths):
                if not path.exists():
                    self._days.pop(path, None)
        for path in paths:
            day = self._read(path, known.get(path))
            if day is not None:
                yield day

    def _read(self, path: Path, known: _Day | None) -> _Day | None:
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        if known is not None and known.stamp == stamp:
            return known
        faces: dict[str, tuple[SeenFace, NDArray[np.int8], float]] = {}
        for plain in self._plain(path):
            try:
                face, row, scale = _unpacked(plain)
            except (ValueError, KeyError, TypeError):
                log.warning("%s: a face cannot be read", path)
                continue
            if len(row) == self._dimension:
                faces[face.track] = face, row, scale
        held = sorted(faces.values(), key=lambda each: each[0].first_seen)
        places: dict[tuple[str, ...], int] = {}
        alike: list[SeenFace] = []
        for face, _, _ in held:
            if (kind := (face.camera, face.state, face.employee_id, face.unknown_id)) not in places:
                places[kind] = len(alike)
                alike.append(face)
        kinds = [places[face.camera, face.state, face.employee_id, face.unknown_id] for face, _, _ in held]
        day = _Day(
            stamp,
            tuple(face for face, _, _ in held),
            np.array([row for _, row, _ in held], np.int8).reshape(len(held), self._dimension),
            np.array([scale for _, _, scale in held], np.float32),
            np.array(kinds, np.int32),
            tuple(alike),
        )
        with self._mutex:
            self._days.pop(path, None)
            if day.bytes + sum(each.bytes for each in self._days.values()) <= _MOST_BYTES:
                self._days[path] = day
        return day

    def _plain(self, path: Path) -> Iterator[bytes]:
        """Yield what the lines hold; those whose key was destroyed, or that were changed, are left out."""
        with storage_errors(path):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return
        # the last line may be on its way
        yield from self._opened(content[: content.rfind(b"\n") + 1].partition(b"\n")[2], path)

    def _opened(self, lines: bytes, path: Path) -> Iterator[bytes]:
        contents = []
        for line in lines.splitlines():
            try:
                contents.append(b64decode(line, validate=True))
            except ValueError:  # damaged
                continue
        opened = self._vault.open_all(contents, _place(path))
        lost = 0
        for plain in opened:
            if plain is None:
                lost += 1
            else:
                yield plain
        if lost:
            log.warning("%s: %d faces cannot be opened; they were erased, or changed", path, lost)

    # ----------------------------------------------------------------------------------------- erasing

    def files(self) -> list[Path]:
        """Return the files of all models, oldest day first."""
        return sorted(filter(_is_day, self._root.glob(f"*/*{_SUFFIX}")), key=lambda path: path.name)

    def sealed(self) -> list[bool]:
        """Return of each file whether it is encrypted."""
        return [sealed_key(_first_line(path)) is not None for path in self.files()]

    def remove(self, gone: Chosen) -> int:
        """Erase faces, from every copy of the workspace, too; return how many.

        Args:
            gone: chooses those that go.

        Raises:
            StorageError: a file cannot be read or written; a second attempt continues.
        """
        count = 0
        for path in self.files():
            with locked(path):
                held = list(self._held(path))
                if out := self._chosen(path, held, gone):
                    count += len(out)
                    self._write(path, [each[0] for row, each in enumerate(held) if row not in out])
        return count

    def those(self, wanted: Chosen) -> list[SeenFace]:
        """Return the faces, of every model, that a function chooses, oldest day first.

        Raises:
            StorageError: a file cannot be read.
        """
        found = []
        for path in self.files():
            held = list(self._held(path))
            found += [held[row][1] for row in sorted(self._chosen(path, held, wanted))]
        return found

    def _held(self, path: Path) -> Iterator[tuple[bytes, SeenFace, Floats]]:
        for plain in self._plain(path):
            with contextlib.suppress(ValueError, KeyError, TypeError):  # damaged: it shows nobody, and is not kept
                face, row, scale = _unpacked(plain)
                yield plain, face, row.astype(np.float32) * scale

    def _chosen(self, path: Path, held: Sequence[tuple[bytes, SeenFace, Floats]], choose: Chosen) -> set[int]:
        own = path.parent == self._folder and all(len(row) == self._dimension for _, _, row in held)
        rows = np.array([row for _, _, row in held], np.float32) if own else None
        return set(choose([face for _, face, _ in held], rows)) if held else set()

    def _write(self, path: Path, kept: Iterable[bytes]) -> None:
        """Replace a file and its key; the caller holds its lock."""
        owner = _owner(path)
        with self._vault.erasing_files():
            if self._vault.ring.exists:
                self._vault.ring.retire(lambda each: each == owner)
            lines = [self._line(path, plain) for plain in kept]
            if lines:
                atomic_write(path, (_HEADER + "".join(lines)).encode())
            else:
                with storage_errors(path):
                    path.unlink(missing_ok=True)
            if self._vault.ring.exists:
                self._vault.ring.drop_old(lambda each: each == owner)

    def expired(self, before: date) -> list[date]:
        """Return the days before one, of any model, of which there are faces."""
        return sorted({day for path in self.files() if (day := _day_of(path)) < before})

    def purge(self, before: date) -> list[date]:
        """Erase the faces of all days before one, and their keys; return the days.

        Raises:
            StorageError: a file cannot be deleted.
        """
        old = self.expired(before)
        for path in self.files():
            if _day_of(path) < before:
                with locked(path):
                    self._write(path, [])
        return old

    def convert(self) -> int:
        """Write files anew, encrypted or not as the settings say, if they are otherwise or have an old key; return how many.

        Raises:
            StorageError: a file cannot be read or written; a second attempt continues.
        """
        count = 0
        for path in self.files():
            with locked(path):
                name = sealed_key(_first_line(path))
                if (name is not None) != self._vault.at_rest or (name and self._vault.ring.is_old(name)):
                    self._write(path, list(self._plain(path)))
                    count += 1
        return count


def _owner(path: Path) -> str:
    return Owner.faces(path.parent.name, path.stem)


def _place(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _day_of(path: Path) -> date:
    return date.fromisoformat(path.stem)


def _is_day(path: Path) -> bool:
    """Whether a file is one of ours, and no copy that somebody made."""
    with contextlib.suppress(ValueError):
        return date.fromisoformat(path.stem).isoformat() == path.stem
    return False


def _first_line(path: Path) -> bytes:
    """Return the content of the first line with a face; empty if there is none."""
    with storage_errors(path):
        try:
            with path.open("rb") as handle:
                handle.readline()
                return bytes(b64decode(handle.readline()))
        except (FileNotFoundError, ValueError):
            return b""


def _packed(face: SeenFace, embedding: Floats) -> bytes:
    scale = float(np.abs(embedding).max()) / 127 or 1.0
    told = [
        face.track,
        face.camera,
        face.first_seen.isoformat(timespec="milliseconds"),
        face.last_seen.isoformat(timespec="milliseconds"),
        face.state,
        face.employee_id,
        face.unknown_id,
        scale,
    ]
    head = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    row: NDArray[np.int8] = np.rint(np.asarray(embedding, np.float32) / scale).astype(np.int8)
    return len(head).to_bytes(_LENGTH, "little") + head + row.tobytes()


def _unpacked(plain: bytes) -> tuple[SeenFace, NDArray[np.int8], float]:
    end = _LENGTH + int.from_bytes(plain[:_LENGTH], "little")
    track, camera, first, last, state, employee_id, unknown_id, scale = json.loads(plain[_LENGTH:end])
    face = SeenFace(
        track, camera, datetime.fromisoformat(first), datetime.fromisoformat(last), state, employee_id, unknown_id
    )
    return face, np.frombuffer(plain, np.int8, offset=end), float(scale)
