"""Who identifies themselves at the kiosk is no stranger to its camera: faces bound, held, told apart, counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import ListSource, Scene, make_pipeline, pose
from traces import contents, left_behind

from engine.config import Config, EventsConfig
from engine.pipeline import Pipeline, Services

WAITS_S = 6.0


def opened(workspace: Path, scene: Scene, **more: object) -> tuple[Pipeline, Services]:
    return make_pipeline(workspace, scene, Config(**more), waits_s=WAITS_S)  # type: ignore[arg-type]


def shown(pipeline: Pipeline, scene: Scene, claims: dict[int, str]) -> None:
    """Run a scene to its end; `claims`: who identifies themselves, by the number of the frame."""
    for index, frame in enumerate(scene.frames):
        if index in claims:
            pipeline.claim(claims[index])
        pipeline.process(frame)
    pipeline.finish()


def rows(services: Services, kind: str) -> list[dict[str, str]]:
    log = services.incidents.log.raw
    return [row for day in log.days() for row in log.read(day) if row["kind"] == kind]


def kinds(services: Services) -> list[str]:
    log = services.incidents.log.raw
    return [row["kind"] for day in log.days() for row in log.read(day)]


@pytest.mark.parametrize("at", [2, 15, 29, 45], ids=["on the way", "before it", "leaving", "when the face is gone"])
def test_a_badge_leaves_nothing_of_its_holders_face(tmp_path: Path, at: int) -> None:
    scene = Scene()
    scene.walk(["stranger"], 30)
    scene.walk([], 100)
    opened(tmp_path, Scene())  # enrols
    before = contents(tmp_path)
    pipeline, _ = opened(tmp_path, scene)
    shown(pipeline, scene, {at: "E9"})
    assert left_behind(before, contents(tmp_path)) == []


def test_a_face_that_comes_after_the_badge_is_its_holders_too(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk([], 10)
    scene.walk(["stranger"], 30)
    scene.walk([], 100)
    pipeline, services = opened(tmp_path, scene)
    shown(pipeline, scene, {1: "E9"})
    assert kinds(services) == []
    assert services.strangers.current().templates == ()


def test_twenty_passes_with_badges_are_no_strangers_and_one_without_is(tmp_path: Path) -> None:
    scene, claims = Scene(), {}
    for number in range(20):
        claims[len(scene.frames) + 10] = f"E{number}"
        scene.walk(["stranger" if number % 2 else "visitor"], 15)
        scene.walk([], 30)
    scene.walk(["stranger"], 30)
    scene.walk([], 100)
    pipeline, services = opened(tmp_path, scene)
    shown(pipeline, scene, claims)
    assert kinds(services) == ["unknown"]  # the last one, who showed none
    assert services.strangers.current().people == ("unknown-1",)


@pytest.mark.parametrize("keep", ["dossier", "incident"])
def test_who_shows_no_badge_in_time_is_told_and_a_late_one_takes_it_back(tmp_path: Path, keep: str) -> None:
    scene = Scene()
    scene.walk(["stranger"], 120)
    scene.walk([], 100)
    pipeline, services = opened(tmp_path, scene, strangers={"keep": keep})
    for frame in scene.frames[:40]:
        pipeline.process(frame)
    assert kinds(services) == []  # waited for
    for frame in scene.frames[40:110]:
        pipeline.process(frame)
    assert kinds(services) == ["unknown"]
    pipeline.claim("E9")
    for frame in scene.frames[110:]:
        pipeline.process(frame)
    pipeline.finish()
    (found,) = services.incidents.incidents(*[services.incidents.day_of(scene.frames[0].time)] * 2)
    assert found.state == "resolved"
    assert services.strangers.current().templates == ()


def test_a_stranger_behind_a_badge_holder_is_tailgating(tmp_path: Path) -> None:
    scene = Scene()
    for index in range(40):  # the holder is nearer to the camera
        scene.show({"visitor": pose(60 + index, 110, 90), "stranger": pose(190 + index, 110, 60)})
    scene.walk([], 120)
    pipeline, services = opened(tmp_path, scene)
    shown(pipeline, scene, {12: "E9"})
    (row,) = rows(services, "tailgating")
    assert (row["classification"], row["people"], row["employee_ids"]) == ("known+unknown", "2", "E9")
    assert row["severity"] == "high"
    (unknown,) = rows(services, "unknown")  # the one behind, and not the holder
    assert unknown["unknown_ids"] == row["unknown_ids"] == "unknown-1"
    assert all((tmp_path / row[name]).is_file() for name in ("image", "before_image", "after_image"))


def test_a_badge_with_the_face_of_somebody_else_enrolled_is_told_with_pictures(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["ann"], 60)
    scene.walk([], 60)
    pipeline, services = opened(tmp_path, scene)
    shown(pipeline, scene, {1: "bob"})  # before the face is known
    (row,) = rows(services, "badge")
    assert (row["employee_ids"], row["detail"], row["severity"]) == ("bob;ann", "badge or PIN and face differ", "high")
    assert (tmp_path / row["image"]).is_file()
    day = services.incidents.day_of(scene.frames[0].time)
    assert [each.employee_id for each in services.attendance.log.read(day, day) if each.event == "punch"] == ["ann"]


def test_a_badge_of_somebody_whose_face_is_enrolled_in_a_strangers_hand_is_told(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["stranger"], 60)
    scene.walk([], 60)
    pipeline, services = opened(tmp_path, scene)
    shown(pipeline, scene, {20: "bob"})
    (row,) = rows(services, "badge")
    assert row["employee_ids"] == "bob"


def test_whoever_was_recognised_and_is_just_leaving_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    scene = Scene()
    for index in range(30):
        scene.show({"ann": pose(60 + index, 110, 90)} | ({"stranger": pose(200, 110, 60)} if index > 15 else {}))
    for _ in range(30):
        scene.show({"stranger": pose(180, 110, 80)})
    scene.walk([], 100)
    pipeline, services = opened(tmp_path, scene, events=EventsConfig(tailgating=False))
    shown(pipeline, scene, {25: "E9"})
    assert kinds(services) == []


def test_without_a_kiosk_nobody_is_waited_for(tmp_path: Path) -> None:
    scene = Scene()
    scene.walk(["stranger"], 40)
    pipeline, services = make_pipeline(tmp_path, scene)
    pipeline.run(ListSource(scene.frames))
    assert kinds(services) == ["unknown"]
