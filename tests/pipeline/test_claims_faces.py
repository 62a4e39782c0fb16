"""Badges before a camera that sees real faces: twenty passes, and somebody who slips in behind a badge holder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from http_camera import swaying
from numpy.typing import NDArray

from engine.imaging import decode_image, list_images, read_image
from engine.pipeline import Pipeline
from engine.types import Frame
from engine.workbench import Workbench

pytestmark = pytest.mark.models

BEGIN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FPS = 5.0
STRANGERS = ("madonna", "elton_john", "mindy_kaling", "jerry_seinfeld")


class Door:
    """A camera that is shown people; Ben is enrolled."""

    def __init__(self, workspace: Path, samples: Path) -> None:
        self.samples, self._index = samples, 0
        bench = Workbench(workspace)
        (workspace / "muster.toml").write_text(
            '[presentation]\npolicy = "off"\n'
        )  # pictures that sway are no living people
        self.bench = Workbench(workspace)
        bench.registrar.enrol_photos("E1", "Ben Afflek", list_images(samples / "train" / "ben_afflek")[:5])
        self.pipeline: Pipeline = self.bench.pipeline("entrance", waits_s=lambda: 6.0)

    def photos(self, person: str) -> list[NDArray[np.uint8]]:
        folders = [self.samples / part / person for part in ("val", "train")]
        return [read_image(each) for folder in folders for each in list_images(folder)[:5]]

    def show(self, people: Sequence[NDArray[np.uint8]], seconds: float, badge: str = "") -> None:
        """Show people for some seconds; `badge`: whose is shown in the middle of them."""
        count = round(seconds * FPS)
        for number, picture in enumerate(swaying(people, count=count)):
            if badge and number == count // 2:
                self.pipeline.claim(badge)
            time = BEGIN + timedelta(seconds=self._index / FPS)
            self.pipeline.process(Frame(decode_image(picture, name="frame"), time, "entrance", self._index))
            self._index += 1

    def wait(self, seconds: float) -> None:
        """The camera gives no picture for a while, because nothing moves."""
        self._index += round(seconds * FPS)

    def told(self) -> list[tuple[str, str, tuple[str, ...]]]:
        day = BEGIN.date()
        rows = self.bench.incidents.log.read(day, day)
        return [(row.kind.value, row.classification or "", row.employee_ids) for row in rows]


def test_twenty_passes_with_badges_are_no_strangers(tmp_path: Path, samples: Path) -> None:
    door = Door(tmp_path, samples)
    # a photo of Madonna shows a second face
    photos = [photo for person in STRANGERS for number, photo in enumerate(door.photos(person)[:6]) if number != 2][:20]
    assert len(photos) == 20
    for number, photo in enumerate(photos):
        door.show([photo], 1.4, badge=f"B{number}")
        door.show([], 0.2)
        door.wait(3)
    door.pipeline.finish()
    assert door.pipeline.stats.tracks >= 20  # the camera has seen them all
    assert door.told() == []
    assert door.bench.strangers.current().templates == ()
    assert not list((tmp_path / "images").glob("*/*.jpg"))[6:]  # those of Ben's enrolment alone


def test_a_stranger_who_slips_in_behind_a_badge_holder_is_told(tmp_path: Path, samples: Path) -> None:
    door = Door(tmp_path, samples)
    holder, stranger = door.photos("madonna")[0], door.photos("elton_john")[0]
    smaller = np.full((stranger.shape[0] * 3 // 2, *stranger.shape[1:]), 150, np.uint8)  # further away
    smaller[: stranger.shape[0]] = stranger
    door.show([holder, smaller], 3, badge="B1")
    door.show([], 9)
    door.pipeline.finish()
    told = door.told()
    assert ("tailgating", "known+unknown", ("B1",)) in told
    assert [kind for kind, _, _ in told].count("unknown") == 1
    assert door.bench.strangers.current().people == ("unknown-1",)


def test_a_badge_with_another_enrolled_face_is_told(tmp_path: Path, samples: Path) -> None:
    door = Door(tmp_path, samples)
    door.show([door.photos("ben_afflek")[0]], 6, badge="B1")
    door.show([], 3)
    door.pipeline.finish()
    assert ("badge", "", ("B1", "E1")) in door.told()
    assert any((tmp_path / "images" / "badge").iterdir())
