"""Counters of a run, and what one frame gave."""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.attendance import PunchRow
from engine.incidents import IncidentKind, IncidentRow
from engine.types import Event, Floats, Frame, Image, Track


@dataclass(frozen=True)
class FrameResult:
    """What one frame gave.

    Attributes:
        tracks: alive, and those that ended with it.
        rows: log rows written since the frame before: punches, sightings, retractions and incidents.
        alarmed: tracks of a running tailgating incident.
    """

    frame: Frame
    tracks: tuple[Track, ...]
    events: tuple[Event, ...]
    rows: tuple[PunchRow | IncidentRow, ...]
    alarmed: frozenset[int] = frozenset()


@dataclass
class RunStats:
    """Counters of a run.

    Attributes:
        dropped: frames of a live camera that were left out because newer ones were there, while it did not rest.
        scans: searches for new faces; in the other frames faces were looked for where they were expected.
        embedded, glances, passed_over: faces embedded, faces of decided tracks that were only glanced at, and good faces that were left
            out because the embedder had no time.
        seen, retracted, unresolved: `seen` rows, withdrawn names, tracks that ended without a decision.
        stage_s: seconds spent per stage; stages of a live camera run side by side.
        latencies_s: from a person's first good frame to their durable punch.
    """

    frames: int = 0
    faces: int = 0
    tracks: int = 0
    punches: int = 0
    dropped: int = 0
    scans: int = 0
    embedded: int = 0
    glances: int = 0
    passed_over: int = 0
    seen: int = 0
    retracted: int = 0
    unresolved: int = 0
    incidents: Counter[str] = field(default_factory=lambda: Counter({"unknown": 0, "tailgating": 0}))
    stage_s: dict[str, float] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent in the block to a stage."""
        began = clock.perf_counter()
        try:
            yield
        finally:
            self.stage_s[name] = self.stage_s.get(name, 0.0) + clock.perf_counter() - began

    def embedding(self, network: Callable[[Image], Floats], faces: Image) -> Floats:
        """Do the work of the embedding stage, and add the time it took."""
        with self.stage("embedding"):
            return network(faces)

    def count(self, rows: Sequence[PunchRow | IncidentRow]) -> None:
        """Take in rows that were written."""
        for row in rows:
            if isinstance(row, PunchRow):
                self.punches += row.event == "punch"
                self.seen += row.event == "seen"
                self.retracted += row.event == "retract"
            elif row.kind is not IncidentKind.REVIEW:
                self.incidents[row.kind.value] += 1
