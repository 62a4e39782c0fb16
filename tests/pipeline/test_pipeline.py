"""Frames in, rows and pictures out: painted people before scripted networks, with the real books, galleries and tracker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import EVIDENCE, T0, ListSource, PaletteEmbedder, Scene, at, make_pipeline, paint, pose, vector
from numpy.testing import assert_allclose
from PIL import Image

from engine.config import Config, EventsConfig, VotingConfig
from engine.errors import StorageError
from engine.pipeline import FrameResult, RunStats, Services, open_pipeline
from engine.storage import read_rows
from engine.types import EventKind, SourceEvent, TrackState

DAY = date(2026, 11, 23)


def run(
    workspace: Path, scene: Scene, config: Config | None = None, *, run_id: str = "run"
) -> tuple[RunStats, Services]:
    """Let a pipeline of its own, opened anew on the folder, watch the scene to its end."""
    pipeline, services = make_pipeline(workspace, scene, config, run_id=run_id)
    return pipeline.run(ListSource(scene.frames)), services


def scene_of(*parts: tuple[Sequence[str], int], start_s: float = 0, flat: bool = False) -> Scene:
    """People side by side for so many frames, then the next ones."""
    scene = Scene(start=at(start_s))
    for names, frames in parts:
        scene.walk(names, frames, flat=flat)
    return scene


def incidents(services: Services, kind: str) -> list[dict[str, str]]:
    return [row for row in services.incidents.log.raw.read(DAY) if row["kind"] == kind]


def pictures(workspace: Path) -> list[Path]:
    return sorted(path for path in (workspace / "images").rglob("*") if path.is_file())


def embedder(services: Services) -> PaletteEmbedder:
    assert isinstance(services.reader.embedder, PaletteEmbedder)
    return services.reader.embedder


# ----------------------------------------------------------------------------------------- nobody, poor frames


def test_a_run_without_frames_writes_nothing(tmp_path: Path) -> None:
    pipeline, _ = make_pipeline(tmp_path, Scene())
    assert pipeline.finish() is None
    assert pipeline.run(ListSource([])).frames == 0
    assert not (tmp_path / "log").exists()


def test_frames_without_faces_write_nothing_and_embed_nothing(tmp_path: Path) -> None:
    stats, services = run(tmp_path, scene_of(((), 15)))
    assert (stats.frames, stats.faces, stats.tracks, stats.punches) == (15, 0, 0, 0)
    assert embedder(services).calls == 0
    assert not (tmp_path / "log").exists()


def test_poor_frames_never_vote(tmp_path: Path) -> None:
    stats, services = run(tmp_path, scene_of((("ann",), 30), flat=True))
    assert (stats.faces, stats.tracks, stats.punches) == (30, 1, 0)
    assert embedder(services).faces == 0  # not even asked
    assert stats.unresolved == 1
    assert not (tmp_path / "log").exists()


def test_one_pixel_frames_and_sizes_that_change_are_taken(tmp_path: Path) -> None:
    scene = Scene()
    scene.add(np.zeros((1, 1, 3), np.uint8), [])
    scene.add(np.zeros((1, 1, 3), np.uint8), [[0, 0, 1, 1, 0.9]])
    for size in ((240, 320), (60, 80), (480, 640)):
        for index in range(8):
            scene.show({"ann": pose(40 + index, 30, 50), "bob": pose(size[1] - 45, 30, 50)}, size=size)
    stats, _ = run(tmp_path, scene)
    assert (stats.frames, stats.faces, stats.punches) == (26, 48, 2)


# ----------------------------------------------------------------------------------------- known people


def test_a_known_person_who_walks_by_is_one_punch_with_its_evidence(tmp_path: Path) -> None:
    stats, services = run(tmp_path, scene_of((("ann",), 30), ((), 15)))
    (row,) = services.attendance.log.read(DAY)
    assert (row.employee_id, row.event, row.camera, row.track) == ("ann", "punch", "door", "run-1")
    assert row.timestamp == T0
    assert all(getattr(row, column) for column in EVIDENCE)
    assert row.similarity == pytest.approx(1, abs=1e-3)
    assert row.runner_up_similarity == pytest.approx(0.2, abs=1e-3)  # as the painted faces are made
    assert (row.runner_up, row.threshold, row.agreeing_frames) == ("bob", 0.6, 3)
    assert row.gallery_version == services.gallery.current().version
    red, green, blue = np.asarray(Image.open(tmp_path / row.evidence_image)).mean((0, 1))
    assert red > max(green, blue)  # Ann is painted red
    assert pictures(tmp_path) == [tmp_path / row.evidence_image]
    (line,) = read_rows(tmp_path / "attendance" / f"{DAY}.csv")
    assert (line["name"], line["first_in"]) == ("Ann", "08:00:00")
    assert (stats.punches, stats.tracks, stats.unresolved, sum(stats.incidents.values())) == (1, 1, 0, 0)


def test_somebody_who_comes_again_within_the_cool_down_does_not_punch_again(tmp_path: Path) -> None:
    run(tmp_path, scene_of((("ann",), 15)), run_id="a")
    stats, services = run(tmp_path, scene_of((("ann",), 15), start_s=60), run_id="b")
    assert (stats.punches, stats.seen) == (0, 1)
    stats, _ = run(tmp_path, scene_of((("ann",), 15), start_s=3600), run_id="c")
    assert (stats.punches, stats.seen) == (1, 0)
    assert [row.event for row in services.attendance.log.read(DAY)] == ["punch", "seen", "punch"]


def test_somebody_who_takes_anothers_place_in_a_track_is_a_punch_under_a_track_of_their_own(tmp_path: Path) -> None:
    scene = Scene()
    for name in ("ann", "bob"):
        for _ in range(20):
            scene.show({name: pose(120, 110, 60)})
    stats, services = run(tmp_path, scene)
    rows = [(row.employee_id, row.event, row.track) for row in services.attendance.log.read(DAY)]
    assert rows == [("ann", "punch", "run-1"), ("bob", "punch", "run-2")]
    assert stats.tracks == 2


def test_single_odd_frames_do_not_split_a_track(tmp_path: Path) -> None:
    scene = Scene()
    for index in range(40):
        scene.show({"bob" if index % 10 == 9 else "ann": pose(120, 110, 60)})
    stats, services = run(tmp_path, scene, Config(voting=VotingConfig(settled_interval_s=0)))
    assert (stats.tracks, stats.punches, stats.retracted) == (1, 1, 0)
    assert [row.employee_id for row in services.attendance.log.read(DAY)] == ["ann"]


def test_a_name_that_no_face_confirms_any_more_is_unsure_and_its_time_ends(tmp_path: Path) -> None:
    scene = Scene()
    for name, flat, frames in (("ann", False, 20), ("bob", True, 40)):  # the second one's face is too poor
        for _ in range(frames):
            scene.show({name: pose(120, 110, 60)}, flat=flat)
    pipeline, services = make_pipeline(tmp_path, scene)
    results: list[FrameResult] = []
    pipeline.run(ListSource(scene.frames), results.append)
    named = [result.frame.index for result in results if any(track.identity.person for track in result.tracks)]
    assert named[0] < 10
    assert all(index < 20 + 20 or index == 59 for index in named), "two seconds at ten frames a second"
    (sighting,) = services.sightings.log.read(DAY)
    assert sighting.employee_id == "ann"
    assert sighting.until <= at(1.9)
    (seen,) = services.seen.search(vector("ann"), at_least=0.9)[0]
    assert (seen.face.track, seen.face.employee_id, seen.face.state) == (sighting.track, "ann", "known")
    assert (seen.face.first_seen, seen.face.last_seen) == (sighting.timestamp, sighting.until)
    assert [row.event for row in services.attendance.log.read(DAY)] == ["punch"], "nothing is taken back"


def test_a_name_comes_back_with_the_face_that_confirms_it(tmp_path: Path) -> None:
    scene = Scene()
    for flat, frames in ((False, 20), (True, 30), (False, 10)):
        for _ in range(frames):
            scene.show({"ann": pose(120, 110, 60)}, flat=flat)
    stats, services = run(tmp_path, scene)
    assert (stats.tracks, stats.punches, stats.retracted) == (1, 1, 0)
    (sighting,) = services.sightings.log.read(DAY)
    assert sighting.until >= at(5)


@pytest.mark.parametrize("cut", ["scene", "stall", "step back"])
def test_nobody_keeps_a_name_over_a_break(tmp_path: Path, cut: str) -> None:
    scene = Scene()
    for _ in range(20):
        scene.show({"ann": pose(120, 110, 60)})
    for _ in range(30):
        if cut == "scene":
            canvas = np.full((240, 320, 3), 200, np.uint8)
            canvas[:, :160] = 10
            paint(canvas, pose(120, 110, 60), "bob", flat=True)
            scene.add(canvas, [pose(120, 110, 60)])
        else:
            scene.show({"bob": pose(120, 110, 60)}, flat=True)
    shift = {"scene": 0, "stall": 1.1, "step back": -1.5}[cut]
    frames = [
        *scene.frames[:20],
        *(replace(each, time=each.time + timedelta(seconds=shift)) for each in scene.frames[20:]),
    ]
    pipeline, _ = make_pipeline(tmp_path, scene)
    results = [pipeline.process(frame) for frame in frames]
    pipeline.finish()
    assert any(track.identity.person for track in results[19].tracks)
    after = [track for result in results[20:] for track in result.tracks if track.visible]
    assert after
    assert not [track for track in after if track.identity.person or track.unsure]


def test_two_faces_like_one_person_are_not_both_that_person(tmp_path: Path) -> None:
    scene = Scene()
    for index in range(20):
        canvas = np.full((240, 320, 3), 90, np.uint8)
        rows = [pose(70 + index, 110, 60), pose(220 + index, 110, 60)]
        for row in rows:
            paint(canvas, row, "ann")
        scene.add(canvas, rows)
    pipeline, _ = make_pipeline(tmp_path, scene)
    known = [[t for t in pipeline.process(f).tracks if t.identity.state is TrackState.KNOWN] for f in scene.frames]
    assert max(len(tracks) for tracks in known) == 1


def test_a_name_that_later_frames_deny_is_retracted_and_off_the_sheet(tmp_path: Path) -> None:
    scene = Scene()
    for name in ["ann"] * 10 + ["stranger"] * 60:
        scene.show({name: pose(120, 110, 60)})
    _, services = make_pipeline(tmp_path, scene)
    blind = replace(services, swap_similarity=-1.0)  # to whom all faces are alike: only the votes can tell
    stats = open_pipeline(blind, Config(), "door", run_id="run").run(ListSource(scene.frames))
    punch, retraction = services.attendance.log.read(DAY)
    assert (punch.event, retraction.event, punch.track, retraction.track) == (
        "punch",
        "retract",
        "run-1",
        "run-1",
    )
    assert retraction.refers_to == punch.event_id
    assert read_rows(tmp_path / "attendance" / f"{DAY}.csv") == []
    assert (stats.punches, stats.retracted, stats.incidents["unknown"]) == (1, 1, 1)


def test_with_one_frame_enough_somebody_is_decided_on_in_the_very_first_frame(tmp_path: Path) -> None:
    config = Config(voting=VotingConfig(min_agreeing=1, min_unknown=1))
    _, services = run(tmp_path, scene_of((("ann", "stranger"), 1)), config)
    assert [row.employee_id for row in services.attendance.log.read(DAY)] == ["ann"]
    assert [row["unknown_ids"] for row in incidents(services, "unknown")] == ["unknown-1"]


# ----------------------------------------------------------------------------------------- strangers


def test_a_stranger_twice_is_one_identifier_and_two_incidents_also_after_a_restart(tmp_path: Path) -> None:
    run(tmp_path, scene_of((("stranger",), 15)), run_id="a")
    _, services = run(tmp_path, scene_of((("stranger",), 15), ((), 15), start_s=600), run_id="b")
    rows = incidents(services, "unknown")
    assert [row["unknown_ids"] for row in rows] == ["unknown-1", "unknown-1"]
    assert all((tmp_path / row["image"]).is_file() for row in rows)
    assert services.strangers.current().people == ("unknown-1",)
    assert services.attendance.log.read(DAY) == []


def test_another_stranger_gets_another_identifier(tmp_path: Path) -> None:
    _, services = run(tmp_path, scene_of((("stranger",), 15), ((), 30), (("visitor",), 15)))
    assert [row["unknown_ids"] for row in incidents(services, "unknown")] == ["unknown-1", "unknown-2"]


def test_a_stranger_whose_track_breaks_is_one_incident(tmp_path: Path) -> None:
    stats, services = run(tmp_path, scene_of((("stranger",), 15), ((), 30), (("stranger",), 15)))
    assert (stats.tracks, len(incidents(services, "unknown"))) == (2, 1)


# ----------------------------------------------------------------------------------------- tailgating


@pytest.mark.parametrize(
    ("people", "kind"),
    [("ann bob", "known+known"), ("ann stranger", "known+unknown"), ("stranger visitor", "unknown+unknown")],
)
def test_two_together_are_one_tailgating_incident_with_its_pictures(tmp_path: Path, people: str, kind: str) -> None:
    stats, services = run(tmp_path, scene_of(((), 15), (people.split(), 40), ((), 40)))
    (row,) = incidents(services, "tailgating")
    assert (row["classification"], row["people"]) == (kind, "2")
    assert len(f"{row['employee_ids']};{row['unknown_ids']}".strip(";").split(";")) == 2
    stored = {
        column: np.asarray(Image.open(tmp_path / row[column]).convert("RGB"), np.int16)
        for column in ("image", "clean_image", "before_image", "after_image")
    }
    assert stored["before_image"].std() < 5  # the empty door
    assert stored["clean_image"].std() > 20  # people at it
    assert stored["after_image"].std() > 20
    assert np.abs(stored["image"] - stored["clean_image"]).max() > 60  # drawn on
    assert stats.incidents["tailgating"] == 1


def test_a_running_incident_marks_its_tracks(tmp_path: Path) -> None:
    results: list[FrameResult] = []
    pipeline, _ = make_pipeline(tmp_path, scene := scene_of((("ann", "bob"), 40)))
    pipeline.run(ListSource(scene.frames), results.append)
    told = next(k for k, row in enumerate(results) if EventKind.TAILGATING in {event.kind for event in row.events})
    assert [len(results[k].alarmed) for k in (told - 1, told, told + 10)] == [0, 2, 2]


def test_what_is_open_at_the_end_of_the_source_is_settled(tmp_path: Path) -> None:
    config = Config(events=EventsConfig(context_s=5))
    _, services = run(tmp_path, scene_of((("ann", "bob"), 9)), config)
    assert len(incidents(services, "tailgating")) == 1


# ----------------------------------------------------------------------------------------- failures, driving


@pytest.mark.parametrize("obstacle", ["log/.attendance.lock/x", "images"])  # the log can be read, but not locked
def test_when_a_punch_or_its_evidence_cannot_be_written_neither_is_left(tmp_path: Path, obstacle: str) -> None:
    (tmp_path / obstacle).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / obstacle).touch()
    pipeline, services = make_pipeline(tmp_path, scene := scene_of((("ann",), 20)))
    with pytest.raises(StorageError):
        pipeline.run(ListSource(scene.frames))
    assert pictures(tmp_path) == []
    assert services.attendance.log.read(DAY) == []


def test_a_log_that_cannot_be_written_for_a_while_costs_no_punch(tmp_path: Path) -> None:
    obstacle = tmp_path / "log" / ".attendance.lock"
    obstacle.mkdir(parents=True)
    pipeline, services = make_pipeline(tmp_path, scene := scene_of((("ann",), 20)))
    stats = pipeline.run(ListSource(scene.frames), lambda result: obstacle.rmdir() if result.frame.index == 9 else None)
    (row,) = services.attendance.log.read(DAY)
    assert (row.event, row.timestamp) == ("punch", T0)
    assert pictures(tmp_path) == [tmp_path / row.evidence_image]
    assert stats.punches == 1


def test_the_run_closes_the_source_at_its_end_and_on_errors(tmp_path: Path) -> None:
    scene = scene_of((("ann",), 5))
    source = ListSource(scene.frames)
    make_pipeline(tmp_path, scene)[0].run(source)
    assert source.closed
    source = ListSource([*scene.frames, SourceEvent("nonsense", T0, "door")])
    with pytest.raises(ValueError, match="nonsense"):
        make_pipeline(tmp_path, scene)[0].run(source)
    assert source.closed


def test_a_limit_ends_the_run_and_every_frame_is_told(tmp_path: Path) -> None:
    results: list[FrameResult] = []
    pipeline, _ = make_pipeline(tmp_path, scene := scene_of((("ann",), 20)))
    pipeline.run(ListSource(scene.frames), results.append, limit=7)
    assert [result.frame.index for result in results] == [*range(7), 6]  # and the settlement at the end
    assert all(track.ended for track in results[-1].tracks)
    assert_allclose(results[3].tracks[0].box, scene.script[3][0][:4])


def test_a_camera_that_is_lost_and_back_is_written_down(tmp_path: Path) -> None:
    scene = scene_of((("ann",), 12))
    events = [SourceEvent(kind, at(2), "door") for kind in ("camera_lost", "camera_back")]
    items = [*scene.frames[:6], *events, *scene.frames[6:]]
    pipeline, services = make_pipeline(tmp_path, scene)
    stats = pipeline.run(ListSource(items))
    assert [row["kind"] for row in services.incidents.log.raw.read(DAY)] == ["camera_lost", "camera_back"]
    assert (stats.frames, stats.punches) == (12, 1)


def test_a_clock_that_steps_back_during_a_run_writes_no_second_punch(tmp_path: Path) -> None:
    scene = scene_of((("ann",), 30))
    late = [replace(frame, time=frame.time - timedelta(seconds=120)) for frame in scene.frames[15:]]
    stats = make_pipeline(tmp_path, scene)[0].run(ListSource([*scene.frames[:15], *late]))
    assert (stats.punches, stats.tracks) == (1, 2)  # what goes on from another time is recognised anew
