"""Somebody else's face where an employee's was: over a cut, a stall, a seek, a loop, or in the same picture. Real faces, real models."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import T0, ListSource, at
from numpy.typing import NDArray

from engine.imaging import read_image
from engine.models import ModelStore
from engine.pipeline import FrameResult
from engine.types import Frame, Track
from engine.workbench import Workbench

pytestmark = pytest.mark.models

Picture = NDArray[np.uint8]
Head = tuple[Picture, tuple[int, int]]
EMPLOYEE, COLLEAGUE, STRANGER = "ben_afflek", "jerry_seinfeld", "madonna"
FPS = 12
FACE = 110  # height of a face in the clips
HOLDS = 2 * FPS  # frames for which a name may be shown that no face confirms


@pytest.fixture(scope="module")
def enrolled(samples: Path, store: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Two people enrolled."""
    workbench = Workbench(tmp_path_factory.mktemp("faces"), models=store)
    for person in (EMPLOYEE, COLLEAGUE):
        workbench.registrar.enrol_photos(person, person, sorted((samples / "train" / person).glob("*.jpg"))[:6])
    return workbench


@pytest.fixture(scope="module")
def heads(enrolled: Workbench, samples: Path) -> dict[str, Head]:
    """A good photo of each person at the clips' scale, and the middle of the face in it."""

    def head(person: str) -> Head:
        for path in sorted((samples / "val" / person).glob("*.jpg")):
            photo = enrolled.reader.stood_up(read_image(path))
            if (chosen := photo.subject) is not None and photo.faces.qualities[chosen].good:
                x1, y1, x2, y2 = photo.faces.detections.boxes[chosen]
                scale = FACE / float(y2 - y1)
                image = cv2.resize(photo.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                return np.asarray(image, np.uint8), (int((x1 + x2) / 2 * scale), int((y1 + y2) / 2 * scale))
        raise AssertionError(f"no good photo of {person}")

    return {person: head(person) for person in (EMPLOYEE, COLLEAGUE, STRANGER)}


@dataclass
class Clip:
    """Frames of a hall in which one face after the other is at the same place.

    Attributes:
        own, others: frames with the employee, and with somebody else.
        until: when the employee was there for the last time.
    """

    heads: dict[str, Head]
    frames: list[Frame] = field(default_factory=list)
    time: float = 0.0
    until: datetime = T0
    own: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)

    def show(self, person: str, seconds: float, *, hall: int = 1, blurred: float = 0.0) -> Clip:
        """Go on with somebody's face, in one hall or another."""
        head, (x, y) = self.heads[person]
        side = FACE
        part = head[max(y - side, 0) : y + side, max(x - side, 0) : x + side]
        left, top = 320 - min(x, side), 240 - min(y, side)
        generator = np.random.default_rng(hall)
        blocks = generator.integers(30, 226, (9, 12, 3)).astype(np.uint8)
        wall = cv2.resize(blocks, (640, 480), interpolation=cv2.INTER_CUBIC)
        for step in range(round(seconds * FPS)):
            image = wall.copy()
            dx, dy = round(6 * np.sin(step / 5)), round(3 * np.cos(step / 7))
            image[top + dy : top + dy + len(part), left + dx : left + dx + part.shape[1]] = part
            if blurred:
                image = np.asarray(cv2.GaussianBlur(image, (0, 0), blurred), np.uint8)
            noisy = image + np.random.default_rng(len(self.frames)).normal(0, 2, image.shape)
            frame = Frame(noisy.clip(0, 255).astype(np.uint8), at(self.time), "door", len(self.frames))
            self.frames.append(frame)
            self.time += 1 / FPS
            (self.own if person == EMPLOYEE else self.others).add(frame.index)
            if person == EMPLOYEE:
                self.until = max(self.until, frame.time)
        return self

    def jump(self, seconds: float) -> Clip:
        """The next frame comes so much later, or earlier."""
        self.time += seconds
        return self


def cut(clip: Clip, other: str) -> None:
    clip.show(EMPLOYEE, 3).show(other, 4, hall=2)


def swapped(clip: Clip, other: str) -> None:
    clip.show(EMPLOYEE, 3).show(other, 4)


def swapped_for_a_poor_picture(clip: Clip, other: str) -> None:
    clip.show(EMPLOYEE, 3).show(other, 4, blurred=4)


def stall(clip: Clip, other: str) -> None:
    clip.show(EMPLOYEE, 3).jump(1.5).show(other, 4)


def lost_second(clip: Clip, other: str) -> None:
    clip.show(EMPLOYEE, 3).jump(0.9).show(other, 4)


def seek(clip: Clip, other: str) -> None:
    clip.show(EMPLOYEE, 3).jump(-2).show(other, 5)


def loop(clip: Clip, other: str) -> None:
    for _ in range(3):
        clip.show(EMPLOYEE, 2.5).show(other, 2.5, hall=2)


@pytest.mark.parametrize("other", [STRANGER, COLLEAGUE])
@pytest.mark.parametrize("film", [cut, swapped, swapped_for_a_poor_picture, stall, lost_second, seek, loop])
def test_nobody_carries_the_name_of_whoever_was_there_before(
    enrolled: Workbench, heads: dict[str, Head], tmp_path: Path, film: Callable[[Clip, str], None], other: str
) -> None:
    clip = Clip(heads)
    film(clip, other)
    workbench = Workbench(shutil.copytree(enrolled.workspace, tmp_path / "data"), models=enrolled.models)
    results: list[FrameResult] = []
    workbench.pipeline("door").run(ListSource(clip.frames), results.append)
    named = {
        result.frame.index for result in results for track in result.tracks if track.visible and is_employee(track)
    }
    assert named & clip.own, "the employee is recognised at all"
    late = {index for index in clip.others if not {index - step for step in range(HOLDS)} & clip.own}
    assert not named & late
    rows = workbench.attendance.log.read(T0.date())
    assert {row.employee_id for row in rows} <= {EMPLOYEE, COLLEAGUE}
    assert [row for row in rows if row.employee_id == EMPLOYEE and row.timestamp > clip.until] == []
    if other == STRANGER:
        assert {row.employee_id for row in rows} == {EMPLOYEE}
    for sighting in workbench.sightings.log.read(T0.date()):
        if sighting.employee_id == EMPLOYEE:
            assert sighting.until <= clip.until


def is_employee(track: Track) -> bool:
    return track.identity.person == EMPLOYEE
