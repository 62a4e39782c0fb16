"""Faces in a masked part of the picture do not count, whatever its shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import ListSource, Scene, make_pipeline, pose

from engine.config import CameraConfig, Config
from engine.config.outlines import corners
from engine.pipeline.following import within
from engine.types import Detections

SIZE = (480, 640)
TRIANGLE = "0,0 1,0 0,1"


def faces(*middles: tuple[float, float]) -> Detections:
    """Faces of 20 pixels around these points."""
    boxes = np.array([[x - 10, y - 10, x + 10, y + 10] for x, y in middles], np.float32)
    return Detections(boxes, np.zeros((len(middles), 5, 2)), np.ones(len(middles)))


def left(found: Detections) -> list[tuple[float, float]]:
    return [(float(box[0] + 10), float(box[1] + 10)) for box in found.boxes]


def test_a_face_in_any_mask_does_not_count_and_a_region_still_holds() -> None:
    found = faces((60, 60), (500, 60), (600, 440), (320, 400))
    assert left(within(found, None, SIZE)) == left(found)
    masks = [corners(TRIANGLE)]
    assert left(within(found, None, SIZE, masks)) == [(600, 440), (320, 400)]
    masks.append(corners("0.9,0.8 1,0.8 1,1 0.9,1"))
    assert left(within(found, None, SIZE, masks)) == [(320, 400)]
    assert left(within(found, (0, 0, 1, 0.5), SIZE, masks)) == []
    assert len(within(Detections.empty(), None, SIZE, masks)) == 0


def test_an_outline_that_crosses_itself_or_is_hollow_masks_what_lies_inside() -> None:
    found = faces((320, 60), (320, 240), (60, 240))
    hollow = corners("0,0 1,0 1,1 0,1 0,0 0.3,0.3 0.3,0.7 0.7,0.7 0.7,0.3 0.3,0.3")
    assert (320, 240) in left(within(found, None, SIZE, [hollow]))
    assert (60, 240) not in left(within(found, None, SIZE, [hollow]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "three corners"),
        ("0.1,0.1 0.2,0.2", "three corners"),
        ("0.1 0.2 0.3", "three corners"),
        ("0.1,0.1 0.5,0.1 0.5,nan", "three corners"),
        ("-0.1,0.1 0.5,0.1 0.5,0.5", "three corners"),
        ("0,1;0,2;0,3", "three corners"),
        ("10,20 50,20 50,60", "out of the picture"),
        ("0,0 1,0 1,1.01", "out of the picture"),
    ],
)
def test_what_is_no_outline_is_refused_with_an_example(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        CameraConfig(masks=(text,))


def test_somebody_behind_a_mask_is_not_recorded_and_somebody_beside_it_is(tmp_path: Path) -> None:
    for number, (mask, rows) in enumerate({TRIANGLE: 1, "0,0 1,0 1,1 0,1": 0, "0.9,0 1,0 1,0.1": 2}.items()):
        scene = Scene()
        for index in range(30):
            scene.show({"ann": pose(40 + index, 30, 50), "bob": pose(560, 400, 50)}, size=SIZE)
        config = Config(cameras={"door": CameraConfig(masks=(mask,))})
        pipeline, services = make_pipeline(tmp_path / str(number), scene, config)
        assert pipeline.run(ListSource(scene.frames)).punches == rows
        del services
