"""The values that pass between stations: validated on construction, frozen, with read-only arrays.

Conventions: images are RGB `uint8 (H, W, 3)`; boxes are `xyxy float32` in pixels of that image; landmarks are `(n, 5, 2)
float32` in pixels, in the order image-left eye, image-right eye, nose, image-left and image-right mouth corner; times are
timezone-aware; similarity is the cosine of unit embeddings and is accepted iff `similarity >= threshold`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "NOBODY",
    "NOTHING_DATED",
    "Candidate",
    "Detections",
    "Event",
    "EventKind",
    "FaceQuality",
    "Frame",
    "Identity",
    "Match",
    "Network",
    "Person",
    "Position",
    "Severity",
    "SourceEvent",
    "TailgatingClass",
    "Track",
    "TrackState",
    "same_department",
    "spellings",
]

Image = NDArray[np.uint8]
Progress = Callable[[str, int, int], None]
"""Called with (activity, done, total)."""
Floats = NDArray[np.float32]


class Network(Protocol):
    """A network with one input and one or more outputs; safe to call from several threads."""

    def __call__(self, x: Floats) -> tuple[Floats, ...]:
        """Run on `x` (n, c, h, w) float32; the outputs are float32."""


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of the array."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def check_image(image: NDArray[Any]) -> Image:
    """Return `image` if it is RGB uint8 (H, W, 3) with at least one pixel.

    Raises:
        ValueError: it is not.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"expected an RGB image, uint8 (H, W, 3), got {image.dtype} {image.shape}")
    return image


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a camera.

    Attributes:
        image: RGB uint8 (H, W, 3), read-only.
        time: when it was taken, timezone-aware.
        camera: the camera's name in the workspace.
        index: running number within its source, from 0.
    """

    image: Image
    time: datetime
    camera: str = "camera"
    index: int = 0

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError("Frame.time must be timezone-aware")
        object.__setattr__(self, "image", _frozen(check_image(self.image)))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True)
class SourceEvent:
    """A source's message between frames: `kind` is `camera_lost` or `camera_back`."""

    kind: str
    time: datetime
    camera: str
    detail: str = ""


@dataclass(frozen=True, eq=False)
class Detections:
    """Faces found in one image, as columns; no face is a value with zero rows.

    Attributes:
        boxes: (n, 4) float32, xyxy in pixels, may extend beyond the image's edge.
        landmarks: (n, 5, 2) float32 in pixels.
        scores: (n,) float32 in [0, 1], the detector's confidence.
    """

    boxes: Floats
    landmarks: Floats
    scores: Floats

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        landmarks = np.asarray(self.landmarks, np.float32).reshape(-1, 5, 2)
        scores = np.asarray(self.scores, np.float32).reshape(-1)
        if not len(boxes) == len(landmarks) == len(scores):
            raise ValueError(
                f"rows differ: {len(boxes)} boxes, {len(landmarks)} landmark sets, {len(scores)} scores; expected equal numbers"
            )
        if not (np.isfinite(boxes).all() and np.isfinite(landmarks).all() and np.isfinite(scores).all()):
            raise ValueError("detections hold NaN or infinity")
        object.__setattr__(self, "boxes", _frozen(boxes))
        object.__setattr__(self, "landmarks", _frozen(landmarks))
        object.__setattr__(self, "scores", _frozen(scores))

    @classmethod
    def empty(cls) -> Detections:
        """Return a value without faces."""
        return cls(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: ArrayLike) -> Detections:
        """Return the rows picked by a boolean mask, an index array or a list of indices."""
        picked = np.asarray(rows)
        if picked.dtype != np.bool_:
            picked = picked.astype(np.intp)
        return Detections(self.boxes[picked], self.landmarks[picked], self.scores[picked])

    def shifted(self, dx: float, dy: float) -> Detections:
        """Return the same faces in an image whose origin is at (-dx, -dy) of this one, in pixels."""
        offset = np.array([dx, dy], np.float32)
        return Detections(self.boxes + np.tile(offset, 2), self.landmarks + offset, self.scores)

    def joined(self, other: Detections) -> Detections:
        """Return these faces followed by those of another value."""
        return Detections(
            np.vstack([self.boxes, other.boxes]),
            np.vstack([self.landmarks, other.landmarks]),
            np.concatenate([self.scores, other.scores]),
        )

    @property
    def areas(self) -> Floats:
        """(n,) float32 box areas in px²."""
        sides = np.clip(self.boxes[:, 2:] - self.boxes[:, :2], 0, None)
        areas: Floats = sides[:, 0] * sides[:, 1]
        return areas


@dataclass(frozen=True)
class FaceQuality:
    """Quality of an aligned face; `engine.alignment` documents the scales.

    Attributes:
        size_px: distance of the eyes in pixels of the source image.
        sharpness: 0 (blurred) upwards; 0.5 and more for a photo in focus.
        brightness: mean luma, 0 to 1.
        contrast: standard deviation of the luma, 0 to 0.5.
        yaw_deg, pitch_deg, roll_deg: head pose estimated from the five landmarks; 0 is frontal and upright.
        inside: share of the face box inside the image, 0 to 1.
        score: 0 to 1, the product of the ramps of these measures.
        reason: the first measure that misses the gate; `""` if the face passes.
        covered: what of the face is covered, see `engine.occlusion`; `""` if nothing is, or if that was not checked.
    """

    size_px: float
    sharpness: float
    brightness: float
    contrast: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    inside: float
    score: float
    reason: str = ""
    covered: str = ""

    @property
    def good(self) -> bool:
        """True if the face passes every gate, so that it may vote; a covered one for a name only."""
        return not self.reason

    @property
    def flaw(self) -> str:
        """Why the face is not to be enrolled; `""` if it is fit for it."""
        return self.reason or self.covered


@dataclass(frozen=True)
class Candidate:
    """A person in the gallery and the probe's similarity with them."""

    person: str
    similarity: float


@dataclass(frozen=True)
class Match:
    """The result of a 1:N search.

    Attributes:
        candidates: best first, one row per person.
        threshold: minimum similarity of the best candidate (`>=`).
        min_margin: how far the best must be ahead of the runner-up.
    """

    candidates: tuple[Candidate, ...] = ()
    threshold: float = 1.0
    min_margin: float = 0.0

    @property
    def similarity(self) -> float | None:
        """Similarity of the best candidate; None for an empty gallery."""
        return self.candidates[0].similarity if self.candidates else None

    @property
    def runner_up(self) -> Candidate | None:
        """The second-best person; None if there is only one."""
        return self.candidates[1] if len(self.candidates) > 1 else None

    @property
    def margin(self) -> float | None:
        """Similarity of the best minus that of the runner-up; None without a runner-up."""
        if self.runner_up is None:
            return None
        return self.candidates[0].similarity - self.runner_up.similarity

    @property
    def above_threshold(self) -> bool:
        """True iff the best candidate's similarity `>= threshold`."""
        return bool(self.candidates) and self.candidates[0].similarity >= self.threshold

    @property
    def person(self) -> str | None:
        """The accepted person, or None: similarity `>= threshold` and margin `>= min_margin`."""
        if not self.above_threshold:
            return None
        if self.margin is not None and self.margin < self.min_margin:
            return None
        return self.candidates[0].person


class TrackState(StrEnum):
    """What is known about the person in a track."""

    PENDING = "pending"
    KNOWN = "known"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Identity:
    """The decision about a track, with its evidence.

    Attributes:
        state: pending, known, unknown or conflict.
        person: employee id if known, else None.
        agreeing: good frames that voted for `person` (unknown tracks: that voted unknown).
        voting: good frames that voted at all.
        similarity, runner_up, runner_up_similarity, margin, threshold: of the track's fused embedding.
        nearest: the enrolled person named by most frames, decided or not; None if no frame named anybody.
    """

    state: TrackState = TrackState.PENDING
    person: str | None = None
    agreeing: int = 0
    voting: int = 0
    similarity: float | None = None
    runner_up: str | None = None
    runner_up_similarity: float | None = None
    margin: float | None = None
    threshold: float | None = None
    nearest: str | None = None


@dataclass(frozen=True, eq=False)
class Track:
    """A snapshot of one person followed through the frames of a camera.

    Attributes:
        track_id: unique within a run of the pipeline.
        box: (4,) float32 xyxy in pixels, from the last detection.
        landmarks: (5, 2) float32 in pixels, from the last detection.
        first_seen, last_seen: times of the first and last detection.
        hits: frames with a detection.
        visible: the current frame has a detection of it.
        ended: it will not be seen again.
        identity: the decision so far. Of an unsure track it is pending, with the person it was as the nearest.
        unknown_id: the stranger's identifier, once assigned.
        quality: of the last detection.
        liveness: `passed`, `unproven` or `failed`; empty: not checked. `liveness_reason`: why, one short line.
        unsure: it had a name, which no face has confirmed for a while, or which something speaks against.
        recognised: when a face last confirmed the decision; None: none has.
        covered: what of the face is covered, if that is why it was not recognised, see `engine.occlusion`.
        held: unknown by the face, and may yet identify themselves at the kiosk.
        claimed: identified by badge or PIN; the face decided nothing.
    """

    track_id: int
    box: Floats
    landmarks: Floats
    first_seen: datetime
    last_seen: datetime
    hits: int
    visible: bool
    ended: bool = False
    identity: Identity = field(default_factory=Identity)
    unknown_id: str | None = None
    quality: FaceQuality | None = None
    liveness: str = ""
    liveness_reason: str = ""
    unsure: bool = False
    recognised: datetime | None = None
    covered: str = ""
    held: bool = False
    claimed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "box", _frozen(np.asarray(self.box, np.float32).reshape(4)))
        object.__setattr__(self, "landmarks", _frozen(np.asarray(self.landmarks, np.float32).reshape(5, 2)))

    @property
    def until(self) -> datetime:
        """When whoever it was decided to be was last seen: of a name, when a face last confirmed it."""
        named = self.identity.state is TrackState.KNOWN or self.unsure
        return self.recognised if named and self.recognised is not None else self.last_seen

    @property
    def label(self) -> str:
        """The label by which tracks of one person are counted once: employee id, stranger's id, or the state."""
        person = self.identity.nearest if self.unsure else self.identity.person
        if (self.unsure or self.identity.state is TrackState.KNOWN) and person:
            return person
        if self.unknown_id:
            return self.unknown_id
        return self.identity.state.value


class EventKind(StrEnum):
    """Kinds of events."""

    SIGHTING = "sighting"
    RETRACTION = "retraction"
    UNKNOWN = "unknown"
    TAILGATING = "tailgating"
    UNIDENTIFIED = "unidentified"
    PRESENTATION_ATTACK = "presentation_attack"
    WATCH_LIST = "watch_list"
    WRONG_NAME = "wrong_name"
    BADGE = "badge"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    PART_LOST = "part_lost"


class Severity(StrEnum):
    """How much an incident matters, in increasing order."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TailgatingClass(StrEnum):
    """Who passed together."""

    TWO_KNOWN = "known+known"
    KNOWN_UNKNOWN = "known+unknown"
    TWO_UNKNOWN = "unknown+unknown"


@dataclass(frozen=True)
class Event:
    """Something that the logs may keep.

    Attributes:
        kind: what happened.
        time: when it began.
        camera: where.
        track_ids: its tracks, the main one first.
        employee_ids, unknown_ids: the people, as far as known.
        identity: the decision and its evidence (sightings, retractions, unknown people).
        until: when it was last seen.
        arrival: for a sighting: it begins a presence instead of continuing one.
        classification, people: for tailgating: its class and the number of people.
        severity: of an incident; `info` needs no attention.
        liveness: of the main track.
        detail: one line for users, without ids of people, which have their own fields.
    """

    kind: EventKind
    time: datetime
    camera: str
    track_ids: tuple[int, ...] = ()
    employee_ids: tuple[str, ...] = ()
    unknown_ids: tuple[str, ...] = ()
    identity: Identity | None = None
    until: datetime | None = None
    arrival: bool = True
    classification: TailgatingClass | None = None
    people: int = 0
    severity: Severity = Severity.MEDIUM
    liveness: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Position:
    """What is dated of a person's work on a day; None: nothing is dated, so that what holds now holds.

    Attributes:
        shift: assigned to the person; empty: the settings decide.
        hired_on: first day of the employment that the day is in.
    """

    department: str | None = None
    shift: str = ""
    employed: bool | None = None
    hired_on: date | None = None


NOTHING_DATED = Position()


@lru_cache(maxsize=4096)
def same_department(text: str) -> str:
    """A department to compare: `SALES ` is `Sales`."""
    return " ".join(text.split()).casefold()


def spellings(names: Iterable[str]) -> dict[str, str]:
    """Return how to write each department, by its form to compare: as most write it, or the first of the alphabet of those."""
    counts = Counter(name for name in names if name.strip())
    found: dict[str, str] = {}
    for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        found.setdefault(same_department(name), name)
    return found


@dataclass(frozen=True)
class Person:
    """One row of `people.csv`; times are ISO 8601, empty if not given; `consent_at`: see `engine.people.basis`."""

    employee_id: str
    name: str
    department: str = ""
    email: str = ""
    enrolled_at: str = ""
    consent_at: str = ""
    active: bool = True

    def at(self, position: Position) -> Person:
        """The row with what is dated for a day."""
        department, employed = position.department, position.employed
        if department is None and employed is None:
            return self
        return replace(
            self,
            department=self.department if department is None else department,
            active=self.active if employed is None else employed,
        )


NOBODY = Person("", "")
"""Placeholder for an id that is not in people.csv."""
