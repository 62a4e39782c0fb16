"""Builders and fakes that the tests share: times, values, painted faces, scripted networks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.attendance import AttendanceBook, Sighting
from engine.config import Config
from engine.face_reader import FaceReader
from engine.gallery import GalleryStore, SeenFaces, Template
from engine.incidents import DossierBook, IncidentBook
from engine.people import PeopleStore, Person
from engine.pipeline import Pipeline, Services, open_pipeline
from engine.storage import append_lines, csv_line, encode_cell
from engine.storage.vault import Vault
from engine.tracking import SightingBook
from engine.types import Candidate, Detections, Frame, Identity, Match, SourceEvent, Track, TrackState

T0 = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EVIDENCE = ("similarity", "runner_up", "runner_up_similarity", "margin", "threshold", "model", "evidence_image")


def at(seconds: float, start: datetime = T0) -> datetime:
    """A moment that many seconds after the start, to the microsecond."""
    return start + timedelta(seconds=round(seconds, 6))


def unit(*values: float) -> NDArray[np.float32]:
    """A unit row in the direction of the values."""
    row = np.asarray(values, np.float32)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def detections(rows: Sequence[Sequence[float]]) -> Detections:
    """Build `Detections` from `[x1, y1, x2, y2, score]` rows, with landmarks at typical positions."""
    table = np.asarray(rows, np.float32).reshape(-1, 5)
    places = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.34, 0.8], [0.66, 0.8]], np.float32)
    origin, side = table[:, None, :2], (table[:, 2:4] - table[:, :2])[:, None, :]
    return Detections(table[:, :4], origin + places * side, table[:, 4])


def match(threshold: float = 0.5, min_margin: float = 0.0, **similarities: float) -> Match:
    """The answer of a search: one similarity per person, in any order."""
    rows = sorted(similarities.items(), key=lambda pair: -pair[1])
    return Match(tuple(Candidate(person, similarity) for person, similarity in rows), threshold, min_margin)


def pose(x: float, y: float = 100.0, side: float = 40.0) -> list[float]:
    """A detection row: a square box around a centre, with a score."""
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2, 0.99]


def make_track(
    track_id: int,
    first_s: float,
    last_s: float,
    *,
    person: str | None = None,
    stranger: str | None = None,
    state: TrackState | None = None,
    hits: int = 10,
    visible: bool = True,
    ended: bool = False,
    box: Sequence[float] = (10, 10, 50, 50),
    liveness: str = "",
    nearest: str | None = None,
    agreeing: int | None = None,
) -> Track:
    """A snapshot of a track: known when a person is given, unknown when a stranger is, else pending."""
    usual = TrackState.KNOWN if person else TrackState.UNKNOWN if stranger else TrackState.PENDING
    identity = Identity(state or usual, person, hits if agreeing is None else agreeing, hits, nearest=nearest or person)
    landmarks = detections([[*box, 1.0]]).landmarks[0]
    return Track(
        track_id,
        np.asarray(box, np.float32),
        landmarks,
        at(first_s),
        at(last_s),
        hits,
        visible,
        ended,
        identity,
        stranger,
        liveness=liveness,
        liveness_reason="flat" if liveness == "failed" else "",
    )


# --------------------------------------------------------------------------------------------- files


def append_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows to a CSV file as logs are, but without seals."""
    lines = [csv_line(encode_cell(row.get(column, "")) for column in columns) for row in rows]
    append_lines(path, csv_line(columns), lines)


# --------------------------------------------------------------------------------------------- attendance


def sighting(employee_id: str = "E1", time: datetime = T0, *, track: str = "run-1", arrival: bool = True) -> Sighting:
    """Somebody was recognised at the door."""
    identity = Identity(TrackState.KNOWN, employee_id, 4, 5, 0.91234567, "E9", 0.25, 0.66234567, 0.5)
    return Sighting(employee_id, time, "door", track, identity, "model-1", 7, arrival)


def record_in_process(workspace: Path, zone: str, barrier: threading.Barrier, time: datetime) -> None:
    """Body of a child process: record the same people as its sisters do."""
    config = Config(timezone=zone)
    book = AttendanceBook(workspace, config.zone, config.events)
    for number in range(20):
        barrier.wait(30)
        book.record(sighting(f"E{number}", time), {})


# --------------------------------------------------------------------------------------------- painted faces

PALETTE: Mapping[str, tuple[int, int, int]] = {
    "ann": (230, 40, 40),
    "bob": (40, 230, 40),
    "cem": (40, 40, 230),
    "stranger": (220, 220, 40),
    "visitor": (40, 220, 220),
}
BACKGROUND = 90


def vector(name: str) -> NDArray[np.float32]:
    """The embedding of a painted face: everybody differs, all share a little (cosine of two people 0.2)."""
    row = np.zeros(len(PALETTE) + 1, np.float32)
    row[list(PALETTE).index(name)] = 2.0
    row[-1] = 1.0
    return unit(*row.tolist())


def paint(canvas: NDArray[np.uint8], row: Sequence[float], name: str, *, flat: bool = False) -> None:
    """Put a face into a picture: blocks of somebody's colour, light and dark; a `flat` one is below the quality gate."""
    height, width = canvas.shape[:2]
    x1, y1, x2, y2 = (round(value) for value in row[:4])
    ys, xs = np.mgrid[max(y1, 0) : min(y2, height), max(x1, 0) : min(x2, width)]
    step = max((x2 - x1) // 10, 1)
    light = ((ys - y1) // step + (xs - x1) // step) % 2 == 0
    shade = np.where(light, 1.0, 1.0 if flat else 0.5)[..., None]
    canvas[max(y1, 0) : min(y2, height), max(x1, 0) : min(x2, width)] = shade * np.array(PALETTE[name])


class PaletteEmbedder:
    """Tells painted faces apart by their colour, and counts what it is asked."""

    dimension = len(PALETTE) + 1

    def __init__(self) -> None:
        self.calls = 0
        self.faces = 0

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Embedder`."""
        self.calls += 1
        self.faces += len(faces)
        rows = np.empty((len(faces), self.dimension), np.float32)
        colours = np.array(list(PALETTE.values()), np.float32)
        for index, face in enumerate(faces):
            middle = face[40:120, 40:120].reshape(-1, 3).astype(np.float32).mean(0)
            cosines = colours @ middle / np.linalg.norm(colours, axis=1)
            rows[index] = vector(list(PALETTE)[int(cosines.argmax())])
        return rows


class OneWayDetector:
    """Finds by every way of looking what `detect` finds, and takes every known face for one."""

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        """See `Detector`."""
        raise NotImplementedError

    def detect_near(
        self,
        image: NDArray[np.uint8],
        expected: NDArray[np.float32],
        again: NDArray[np.bool_] | None = None,
        *,
        around: bool = True,
    ) -> Detections:
        """See `Detector`."""
        del expected, again, around
        return self.detect(image, 20)

    def search(
        self,
        image: NDArray[np.uint8],
        min_face_px: int | None = None,
        *,
        regions: NDArray[np.int64] | None = None,
        known: NDArray[np.float32],
    ) -> Detections:
        """See `Detector`."""
        del regions, known
        return self.detect(image, min_face_px)

    def confirmed(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """See `Detector`."""
        del image
        return np.ones(len(boxes), np.bool_)

    def detect_photo(self, image: NDArray[np.uint8]) -> Detections:
        """See `Detector`."""
        return self.detect(image, 20)


class CountingDetector(OneWayDetector):
    """Says what it is told to, and remembers what it was asked.

    Attributes:
        near, elsewhere: what looks and searches find.
        confirms: known faces are faces.
        gate: searches wait for it.
    """

    def __init__(self, near: list[float]) -> None:
        self.asked: list[str] = []
        self.near: list[list[float]] = [near]
        self.elsewhere: list[list[float]] = []
        self.regions: list[NDArray[np.int64] | None] = []
        self.confirms = True
        self.gate: threading.Event | None = None

    def search(
        self,
        image: NDArray[np.uint8],
        min_face_px: int | None = None,
        *,
        regions: NDArray[np.int64] | None = None,
        known: NDArray[np.float32],
    ) -> Detections:
        del image, known
        self.asked.append(f"{'whole' if regions is None else 'part'} {min_face_px}")
        self.regions.append(regions)
        if self.gate is not None:
            assert self.gate.wait(10)
        return detections(self.elsewhere)

    def confirmed(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        del image
        return np.full(len(boxes), self.confirms)

    def detect_near(
        self,
        image: NDArray[np.uint8],
        expected: NDArray[np.float32],
        again: NDArray[np.bool_] | None = None,
        *,
        around: bool = True,
    ) -> Detections:
        del image, again, around
        self.asked.append(f"look {len(expected)}")
        return detections(self.near)


class ScriptedDetector(OneWayDetector):
    """Gives the boxes of a scene's script for the scene's own pictures, and none for others."""

    def __init__(self, scene: Scene) -> None:
        self._rows = {id(frame.image): rows for frame, rows in zip(scene.frames, scene.script, strict=True)}
        self._scene = scene  # pictures that are alive keep their identity

    def detect(self, image: NDArray[np.uint8], min_face_px: int | None = None) -> Detections:
        """See `Detector`."""
        del min_face_px
        return detections(self._rows.get(id(image), []))


@dataclass
class Scene:
    """Frames of a camera together with the boxes of the faces painted into them.

    Attributes:
        frames, script: parallel.
        fps: frames a second.
        start: time of the first frame.
    """

    frames: list[Frame] = field(default_factory=list)
    script: list[list[list[float]]] = field(default_factory=list)
    fps: float = 10.0
    start: datetime = T0

    def show(
        self, faces: Mapping[str, Sequence[float]], *, flat: bool = False, size: tuple[int, int] = (240, 320)
    ) -> None:
        """Add a frame with these people at these boxes."""
        canvas = np.full((*size, 3), BACKGROUND, np.uint8)
        for name, row in faces.items():
            paint(canvas, row, name, flat=flat)
        self.add(canvas, [list(row) for row in faces.values()])

    def add(self, canvas: NDArray[np.uint8], rows: list[list[float]]) -> None:
        """Add a picture and what the detector says of it."""
        index = len(self.frames)
        self.frames.append(Frame(canvas, at(index / self.fps, self.start), "door", index))
        self.script.append(rows)

    def walk(self, names: Sequence[str], frames: int, *, flat: bool = False) -> None:
        """People side by side walk slowly to the right for so many frames."""
        for index in range(frames):
            rows = {name: pose(70 + 110 * place + 2 * index, 110, 60) for place, name in enumerate(names)}
            self.show(rows, flat=flat)

    def pause(self, frames: int) -> None:
        """Nobody in view."""
        for _ in range(frames):
            self.show({})


class ListSource:
    """A source of what it is given; remembers that it was closed."""

    resting = catching_up = False
    skipped = 0

    def __init__(self, items: Sequence[Frame | SourceEvent]) -> None:
        self._items = items
        self.closed = False

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        yield from self._items

    def close(self) -> None:
        """See `Source`."""
        self.closed = True


def make_services(
    workspace: Path,
    scene: Scene,
    config: Config,
    enrolled: Sequence[str] = ("ann", "bob"),
    embedder: PaletteEmbedder | None = None,
) -> Services:
    """Real books, galleries and people in a folder; only the networks are fakes."""
    folder = workspace / "gallery"
    stores = [
        GalleryStore(folder / f"{name}.safetensors", "fake", "fake", PaletteEmbedder.dimension)
        for name in ("people", "strangers", "anchors")
    ]
    people = PeopleStore(workspace / "people.csv")
    missing = [name for name in enrolled if name not in stores[0].current().people]
    for name in missing:
        people.put(Person(name, name.title(), "Lab"))
        template = Template(f"t-{name}", name, 0.9)
        stores[0].update(lambda old, name=name, template=template: old.add([template], vector(name)[None]))
    return Services(
        reader=FaceReader(ScriptedDetector(scene), embedder or PaletteEmbedder(), config.quality),
        gallery=stores[0],
        strangers=stores[1],
        anchors=stores[2],
        attendance=AttendanceBook(workspace, config.zone, config.events),
        incidents=IncidentBook(workspace, config.zone),
        dossiers=DossierBook(workspace, config.zone),
        sightings=SightingBook(workspace, config.zone),
        seen=SeenFaces(
            workspace,
            config.zone,
            ("fake", "fake"),
            PaletteEmbedder.dimension,
            Vault(workspace, at_rest=False),
            strangers=config.strangers.recognised_again,
        ),
        people=people.all,
        threshold=lambda _gallery: 0.6,
        swap_similarity=0.4,
    )


def make_pipeline(
    workspace: Path,
    scene: Scene,
    config: Config | None = None,
    *,
    run_id: str = "run",
    enrolled: Sequence[str] = ("ann", "bob"),
    live: bool = False,
    embedder: PaletteEmbedder | None = None,
    waits_s: float = 0.0,
) -> tuple[Pipeline, Services]:
    """A pipeline over a scene and what it works with."""
    config = config or Config()
    services = make_services(workspace, scene, config, enrolled, embedder)
    return open_pipeline(services, config, "door", run_id=run_id, live=live, waits_s=lambda: waits_s), services
