"""Builders that the tests of records share: a workspace without networks, faces as unit vectors, punches, incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from fakes import T0, unit
from numpy.typing import NDArray

from engine.attendance import PunchRow, Sighting
from engine.config import Config
from engine.gallery import Gallery, Template
from engine.incidents import IncidentRow
from engine.models import FUSED, embedder_spec
from engine.people import Person
from engine.types import Event, EventKind, Identity, Severity, TailgatingClass, TrackState
from engine.workbench import Workbench

__all__ = ["Clock", "bench", "enrol", "face", "picture", "punch", "stranger", "tailgating"]

DIMENSION = embedder_spec(FUSED).dimension


class Clock:
    """A present that tests move."""

    def __init__(self, now: datetime = T0) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


def bench(workspace: Path, clock: Clock | None = None, **settings: object) -> Workbench:
    """A workspace with a clock of its own; networks are not opened."""
    config = Config.model_validate({"matching": {"threshold": 0.5}, "embedding": {"model": FUSED}, **settings})
    return Workbench(workspace, config, clock=clock or Clock())


def face(*seeds: float) -> NDArray[np.float32]:
    """An embedding: (320,) in the direction of a few values, so that similarities can be worked out by hand."""
    return unit(*seeds, *[0.0] * (DIMENSION - len(seeds)))


def picture(value: int = 120) -> NDArray[np.uint8]:
    """A picture of nobody."""
    return np.full((30, 40, 3), value, np.uint8)


def enrol(workbench: Workbench, employee_id: str, name: str, *rows: NDArray[np.float32]) -> None:
    """Somebody in people.csv, with these templates."""
    workbench.people.put(Person(employee_id, name, "Lab"))
    templates = [Template(f"20261101T080000-{employee_id}-{n}", employee_id, 0.9) for n in range(len(rows))]
    if rows:
        workbench.gallery.update(lambda old: old.add(templates, np.stack(rows)))


def punch(
    workbench: Workbench, employee_id: str, time: datetime, *, track: str, image: str = "", certain: bool = True
) -> PunchRow:
    """A row of the attendance log."""
    identity = Identity(TrackState.KNOWN, employee_id, 4, 5, 0.9, "E9", 0.2, 0.7, 0.5)
    sighting = Sighting(employee_id, time, "door", track, identity, "model-1", 1, certain=certain)
    row = workbench.attendance.record(sighting, workbench.people.known(), image)
    assert row is not None
    return row


def stranger(
    workbench: Workbench,
    row: NDArray[np.float32],
    time: datetime,
    *,
    camera: str = "door",
    track: str,
    image: NDArray[np.uint8] | None = None,
    severity: Severity | None = None,
) -> IncidentRow:
    """A visit of somebody unknown, as the engine writes it: template first, then the incident."""
    answer = ""

    def remember(gallery: Gallery) -> Gallery:
        nonlocal answer
        match = gallery.search(row[None], threshold=0.5)[0]
        if match.above_threshold:
            answer = match.candidates[0].person
        else:
            answer, gallery = gallery.next_stranger()
        return gallery.add([Template(track, answer, 0.8)], row[None])

    workbench.strangers.update(remember)
    event = Event(EventKind.UNKNOWN, time, camera, (1,), (), (answer,), until=time + timedelta(seconds=2))
    shown = {} if image is None else {"image": image}
    event = event if severity is None else replace(event, severity=severity)
    written = workbench.incidents.record(event, shown, tracks=[track])
    assert written is not None
    return written


def tailgating(
    workbench: Workbench,
    time: datetime,
    employee_ids: Sequence[str],
    unknown_ids: Sequence[str] = (),
    pictures: Mapping[str, NDArray[np.uint8]] | None = None,
) -> IncidentRow:
    """People who passed together."""
    kind = TailgatingClass.KNOWN_UNKNOWN if unknown_ids else TailgatingClass.TWO_KNOWN
    count = len(employee_ids) + len(unknown_ids)
    event = Event(
        EventKind.TAILGATING,
        time,
        "door",
        (1, 2),
        tuple(employee_ids),
        tuple(unknown_ids),
        classification=kind,
        people=count,
        severity=Severity.HIGH,
        until=time + timedelta(seconds=2),
        detail=f"{count} people together",
    )
    written = workbench.incidents.record(event, pictures or {}, tracks=["run-8", "run-9"])
    assert written is not None
    return written
