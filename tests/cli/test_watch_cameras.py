"""`muster watch` with several cameras in one process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clips import person_frame
from command import Answer, muster

from engine.face_reader import FaceReader
from engine.imaging import VideoWriter, read_image
from engine.workbench import Workbench


def _refused(answer: Answer, *words: str) -> None:
    assert answer.code == 4
    (line,) = answer.error_lines
    assert all(word in line for word in (*words, "→"))


def test_each_camera_needs_a_name_of_its_own_and_a_source(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('[cameras.yard]\nsource = "nowhere.mp4"\n', encoding="utf-8")
    at = ("--workspace", tmp_path)
    _refused(muster("watch", "--camera", "a", "--camera", "a", "--source", "x", "--source", "y", *at), "same name")
    _refused(muster("watch", "--camera", "a", "--camera", "b", "--source", "x", *at), "2 cameras and 1 sources")
    _refused(muster("watch", "--camera", "yard", "--camera", "hall", *at), "hall", "[cameras.hall]")
    _refused(muster("watch", "--camera", "yard", *at), "nowhere.mp4")  # the source in the settings
    both = ("--camera", "a", "--source", "x", "--camera", "b", "--source", "y")
    _refused(muster("watch", *both, "--save-video", tmp_path / "v.mp4", *at), "one camera")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, reader: FaceReader, samples: Path) -> dict[str, Path]:
    """Two people who stand before a camera each, and an empty hall."""
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for person in ("ben_afflek", "mindy_kaling", ""):
        path = made[person] = folder / f"{person or 'nobody'}.mp4"
        frame = np.full((360, 640, 3), 120, np.uint8)
        if person:
            frame = person_frame(read_image(samples / "val" / person / "01.jpg"), reader.detector)[0][::2, ::2]
        with VideoWriter(path, 10) as writer:
            for index in range(40):
                writer.write(np.roll(frame, 2 * (index % 4), 1))
    return made


@pytest.mark.models
@pytest.mark.parametrize("fast", [True, False])
def test_cameras_are_watched_together_and_one_that_fails_ends_no_other(
    tmp_path: Path, clips: dict[str, Path], samples: Path, fast: bool
) -> None:
    bench = Workbench(tmp_path)
    for person in ("ben_afflek", "mindy_kaling"):
        photos = sorted((samples / "train" / person).glob("*.jpg"))[:4]
        bench.registrar.enrol_photos(person, person, photos, author="test")
    cameras = {"north": "ben_afflek", "south": "mindy_kaling", "yard": ""}
    command = [word for name, who in cameras.items() for word in ("--camera", name, "--source", clips[who])]
    options = ("--fast",) if fast else ()
    answer = muster("watch", *command, *options, "--workspace", tmp_path, "--json")
    assert answer.code == 0, answer.err
    results = json.loads(answer.out)["cameras"]
    assert list(results) == list(cameras)
    assert {name: result["punches"] for name, result in results.items()} == {"north": 1, "south": 1, "yard": 0}
    if fast:
        assert {result["frames"] for result in results.values()} == {40}
    rows = [row for day in bench.attendance.log.days() for row in bench.attendance.log.read(day)]
    assert sorted((row.camera, row.employee_id) for row in rows if row.event == "punch") == [
        ("north", "ben_afflek"),
        ("south", "mindy_kaling"),
    ]
