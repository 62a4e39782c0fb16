"""`muster serve`: a whole site in real processes. The tests stand in the order in which one site lives through them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from command import muster
from http_camera import HttpCamera, swaying
from site_run import RunningSite, serving, write_cameras
from waiting import until

from app.live.cameras import Camera, may_record
from engine.imaging import list_images, read_image
from engine.operations.recording import newest_picture, recorded, recording
from engine.workbench import Workbench

pytestmark = [pytest.mark.models, pytest.mark.alone]

EMPTY = swaying([])
_BACK_S = 15.0


@pytest.fixture(scope="module")
def pictures(samples: Path) -> dict[str, list[bytes]]:
    return {
        name: swaying([read_image(list_images(samples / "val" / name)[0])]) for name in ("ben_afflek", "mindy_kaling")
    }


@pytest.fixture(scope="module")
def cameras() -> Iterator[dict[str, HttpCamera]]:
    with HttpCamera(EMPTY, fps=10) as north, HttpCamera(EMPTY, fps=10) as south, HttpCamera(EMPTY, fps=10) as yard:
        yield {"north": north, "south": south, "yard": yard}


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, samples: Path, cameras: dict[str, HttpCamera]
) -> Iterator[RunningSite]:
    workspace = tmp_path_factory.mktemp("site")
    bench = Workbench(workspace)
    for person in ("ben_afflek", "mindy_kaling"):
        bench.registrar.enrol_photos(person, person, list_images(samples / "train" / person)[:4], author="test")
    write_cameras(workspace, {name: cameras[name].address for name in ("north", "south")})
    log = workspace / "logs" / "serve.log"
    with serving(workspace, "--log-format", "json", "--log-file", str(log)) as found:
        yield found


def test_everything_runs_and_a_passage_is_recorded(
    site: RunningSite, cameras: dict[str, HttpCamera], pictures: dict[str, list[bytes]]
) -> None:
    assert {name: part.state for name, part in site.parts().items()} == {
        "recorder": "running",
        "workbench": "running",
        "kiosk north": "running",
    }
    assert site.playing("north", "south")
    cameras["north"].pictures = pictures["ben_afflek"]
    until(lambda: site.punches() == {("north", "ben_afflek"): 1})


def test_other_processes_look_through_the_recorder_and_record_nothing_themselves(site: RunningSite) -> None:
    bench = Workbench(site.workspace)
    assert not may_record(site.workspace, "north")
    camera = Camera(bench, "north", "nothing.mp4", records=lambda: may_record(site.workspace, "north"))
    with camera.watched() as picture:
        until(lambda: camera.state == "playing" and picture.newest.jpeg.startswith(b"\xff\xd8") and camera.told.fps > 0)
        assert not camera.recording
        assert not camera.taken, "it is the site's own recorder"
        assert camera.frame() is not None
    plain = newest_picture(site.workspace, "north")
    assert plain is not None
    assert plain.startswith(b"\xff\xd8")
    (file,) = (site.workspace / "log").glob("recording-north-*.json")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("part", ["recorder", "workbench", "kiosk north"])
def test_a_part_that_is_killed_is_back_soon_and_nothing_is_doubled(site: RunningSite, part: str) -> None:
    before = site.parts()[part].pid
    site.kill(part)
    until(lambda: site.parts()[part].pid != before)
    assert site.back(part, before, ("north", "south")) < _BACK_S
    assert site.parts()[part].restarts == 1
    assert site.punches() == {("north", "ben_afflek"): 1}
    until(lambda: f"{part}: ended by signal 9" in site.ended_parts())
    assert sum(each.startswith(part) for each in site.ended_parts()) == 1


def test_who_comes_afterwards_is_recorded(
    site: RunningSite, cameras: dict[str, HttpCamera], pictures: dict[str, list[bytes]]
) -> None:
    cameras["south"].pictures = pictures["mindy_kaling"]
    until(lambda: site.punches() == {("north", "ben_afflek"): 1, ("south", "mindy_kaling"): 1})


def test_reloading_starts_and_stops_cameras_and_leaves_the_others_alone(
    site: RunningSite, cameras: dict[str, HttpCamera]
) -> None:
    before = {name: (part.pid, part.since) for name, part in site.parts().items()}
    since = recorded(site.workspace, "north").since  # type: ignore[union-attr]
    own = '[shifts.early]\nstart = "06:00"\nend = "14:00"\n'
    write_cameras(site.workspace, {name: cameras[name].address for name in ("north", "yard")}, own)
    site.reload()
    until(lambda: site.playing("yard") and recorded(site.workspace, "south") is None)
    until(lambda: site.ready()[0] == 200)
    now = recorded(site.workspace, "north")
    assert now is not None
    assert now.since == since
    assert {name: (part.pid, part.since) for name, part in site.parts().items() if not name.startswith("kiosk")} == {
        name: told for name, told in before.items() if not name.startswith("kiosk")
    }


def test_settings_that_make_no_sense_change_nothing(site: RunningSite, cameras: dict[str, HttpCamera]) -> None:
    told = (site.workspace / "muster.toml").read_text()
    (site.workspace / "muster.toml").write_text(told + "\n[events]\ncool_down_s = -1\n")
    site.reload()
    until(lambda: site.ready()[0] == 503)
    assert site.playing("north", "yard")
    (site.workspace / "muster.toml").write_text(told)
    site.reload()
    until(lambda: site.ready()[0] == 200)


def test_a_camera_that_another_process_records_is_left_to_it(site: RunningSite, cameras: dict[str, HttpCamera]) -> None:
    with recording(Workbench(site.workspace), "hall") as recorder:
        assert recorder
        write_cameras(
            site.workspace,
            {name: cameras[name].address for name in ("north", "yard")} | {"hall": "http://127.0.0.1:9/"},
        )
        site.reload()
        until(lambda: "camera hall is already recorded by process" in site.told.read_text())
        assert site.playing("north", "yard")
        answer = muster(
            "watch", "--camera", "north", "--source", cameras["north"].address, "--workspace", site.workspace
        )
        assert answer.code == 4
        assert "already records camera north" in answer.error_lines[0]
    until(lambda: (found := recorded(site.workspace, "hall")) is not None and found.pid == site.parts()["recorder"].pid)
    write_cameras(site.workspace, {name: cameras[name].address for name in ("north", "yard")})
    site.reload()
    until(lambda: site.ready()[0] == 200)


def test_a_second_one_is_refused_in_one_line(site: RunningSite) -> None:
    answer = muster("serve", "--workspace", site.workspace, "--port", "8599", "--kiosk-port", "8598")
    assert answer.code == 4
    (line,) = answer.error_lines
    assert "another `muster serve` runs" in line
    assert f"process {site.process.pid}" in line


def test_lines_of_the_log_are_json_with_the_part_that_wrote_them(site: RunningSite) -> None:
    lines = [json.loads(line) for line in site.told.read_text().splitlines()]
    assert {line["part"] for line in lines} >= {"serve", "recorder"}
    assert (site.workspace / "logs" / "serve.log").read_text().splitlines()[-1] in site.told.read_text()


def test_sigterm_ends_everything_with_what_was_decided_written(site: RunningSite) -> None:
    left = site.processes()
    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(40) == 0
    assert psutil.wait_procs(left, 5)[1] == []
    assert site.parts() == {}
    bench = Workbench(site.workspace)
    assert bench.attendance.plan.coverage is not None
    spans = bench.attendance.plan.coverage.log.read(bench.attendance.day_of(bench.clock()))
    assert {span.camera for span in spans if span.why == "stopped"} == {"north", "south", "yard"}
    assert bench.records.verify() == []
