"""What strangers leave behind under each setting of `strangers.keep`, decided before anything is written."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from fakes import ListSource, Scene, make_pipeline, pose
from PIL import Image
from traces import contents, left_behind

from engine.config import Config
from engine.pipeline import RunStats, Services


def config_of(keep: str, **more: object) -> Config:
    return Config.model_validate({"strangers": {"keep": keep}, **more})


def run(workspace: Path, scene: Scene, config: Config) -> tuple[RunStats, Services]:
    pipeline, services = make_pipeline(workspace, scene, config)
    return pipeline.run(ListSource(scene.frames)), services


def walks(*parts: tuple[str, int]) -> Scene:
    scene = Scene()
    for names, frames in parts:
        scene.walk(names.split(), frames)
    return scene


BYSTANDERS = (("stranger", 30), ("", 10), ("visitor", 30), ("", 10), ("stranger visitor", 30), ("", 40))


def rows(services: Services, kind: str) -> list[dict[str, str]]:
    log = services.incidents.log.raw
    return [row for day in log.days() for row in log.read(day) if row["kind"] == kind]


def test_bystanders_leave_nothing(tmp_path: Path) -> None:
    make_pipeline(tmp_path, Scene(), config_of("nothing"))  # enrols
    before = contents(tmp_path)
    stats, _ = run(tmp_path, walks(*BYSTANDERS), config_of("nothing"))
    assert stats.tracks == 4
    assert left_behind(before, contents(tmp_path)) == []


def test_by_default_they_leave_incidents_dossiers_and_faces(tmp_path: Path) -> None:
    """The scan of the test before finds what there is."""
    make_pipeline(tmp_path, Scene(), Config())
    before = contents(tmp_path)
    _, services = run(tmp_path, walks(*BYSTANDERS), Config())
    told = " ".join(left_behind(before, contents(tmp_path)))
    assert all(place in told for place in ("gallery/strangers", "faces/", "log/sightings-", "log/incidents-", "JPEG"))
    assert {row["unknown_ids"] for row in rows(services, "unknown")} == {"unknown-1", "unknown-2"}


def test_incidents_alone_have_pictures_and_nothing_to_recognise_anybody_by(tmp_path: Path) -> None:
    _, services = run(tmp_path, walks(*BYSTANDERS, *BYSTANDERS), config_of("incident"))
    told = rows(services, "unknown")
    assert len(told) == 8  # the same two come back, and nobody can tell
    assert {row["unknown_ids"] for row in told} == {""}
    assert all((tmp_path / row["image"]).is_file() for row in told)
    assert services.strangers.current().templates == ()
    assert not (tmp_path / "faces").exists()


def test_an_incident_is_told_while_the_stranger_is_in_view(tmp_path: Path) -> None:
    pipeline, services = make_pipeline(tmp_path, scene := walks(("stranger", 40)), config_of("incident"))
    for frame in scene.frames[:30]:
        pipeline.process(frame)
    assert len(rows(services, "unknown")) == 1


@pytest.mark.parametrize(
    ("keep", "people", "kind"),
    [
        *((keep, "ann bob", "known+known") for keep in ("nothing", "incident", "dossier")),
        *((keep, "ann stranger", "known+unknown") for keep in ("nothing", "incident", "dossier")),
        *((keep, "stranger visitor", "unknown+unknown") for keep in ("incident", "dossier")),
    ],
)
def test_tailgating_with_somebody_enrolled_is_counted_in_every_mode(
    tmp_path: Path, keep: str, people: str, kind: str
) -> None:
    _, services = run(tmp_path, walks(("", 15), (people, 40), ("", 40)), config_of(keep))
    (row,) = rows(services, "tailgating")
    assert (row["classification"], row["people"]) == (kind, "2")
    strangers = 2 - len(people.replace("stranger", "").replace("visitor", "").split())
    assert len(row["unknown_ids"].split(";") if row["unknown_ids"] else []) == (strangers if keep == "dossier" else 0)
    pictures = [row[column] for column in ("image", "clean_image", "before_image", "after_image") if row[column]]
    assert len(pictures) == (0 if keep == "nothing" else 4)
    if keep == "nothing":
        assert not list((tmp_path / "images").glob("tailgating/*"))
        assert not (tmp_path / "gallery" / "strangers.safetensors").exists()


def test_the_picture_of_a_punch_shows_nobody_else(tmp_path: Path) -> None:
    """Ann's evidence, with a stranger so near that the usual picture shows both."""
    scene = Scene()
    for index in range(30):
        scene.show({"stranger": pose(168 + index, 110, 60), "ann": pose(100 + index, 110, 60)})
    yellow = {}
    for keep in ("dossier", "nothing"):
        run(tmp_path / keep, scene, config_of(keep))
        (path,) = (tmp_path / keep / "images").glob("evidence/**/*.jpg")
        pixels = np.asarray(Image.open(path).convert("RGB"), np.int16)
        yellow[keep] = int(((pixels[..., 0] > 90) & (pixels[..., 1] > 90) & (pixels[..., 2] < 60)).sum())
    assert yellow["dossier"] > 500
    assert yellow["nothing"] == 0


def test_whoever_left_too_early_to_be_certain_leaves_nothing(tmp_path: Path) -> None:
    make_pipeline(tmp_path, Scene(), config_of("nothing"))
    before = contents(tmp_path)
    run(tmp_path, walks(("ann", 2), ("", 40)), config_of("nothing", voting={"embed_interval_s": 0}))
    assert left_behind(before, contents(tmp_path)) == []


def test_the_memory_of_strangers_ends_with_their_tracks(tmp_path: Path) -> None:
    scene = Scene()
    for _ in range(6):
        scene.walk(["stranger"], 14)
        scene.pause(250)
    pipeline, _ = make_pipeline(tmp_path, scene, config_of("nothing", events={"episode_gap_s": 1}))
    for frame in scene.frames:
        pipeline.process(frame)
    maker = pipeline._stages.events._maker
    assert len(maker._episodes._last) <= 1
    assert not maker._alerted


def _killed(workspace: Path, frames: int) -> None:
    pipeline, _ = make_pipeline(workspace, scene := walks(*BYSTANDERS), config_of("nothing"))
    for frame in scene.frames[:frames]:
        pipeline.process(frame)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("frames", [5, 25, 60])
def test_nothing_is_left_by_a_process_that_is_killed(tmp_path: Path, frames: int) -> None:
    make_pipeline(tmp_path, Scene(), config_of("nothing"))
    before = contents(tmp_path)
    child = multiprocessing.get_context("fork").Process(target=_killed, args=(tmp_path, frames))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert left_behind(before, contents(tmp_path)) == []
