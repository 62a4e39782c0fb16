"""Archives with real networks and processes: the same bytes whoever works, as a recorder would have written, whatever is killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from command import Answer, muster
from recordings import Walk, plain_video, walking_video
from unsealed import content_of, gallery_in
from waiting import until

from engine.archive.cluster import ray_crew
from engine.archive.crew import Crew, Task, perform
from engine.archive.names import listed
from engine.archive.observe import ObserveTask, Recipe
from engine.archive.process import process
from engine.errors import InputError
from engine.storage import read_rows
from engine.workbench import Workbench

pytestmark = pytest.mark.models

BEGIN = "2026-11-20T08:00:00+00:00"
FIRST, SECOND, BROKEN = "20261120T080000Z.mp4", "20261120T090000Z.mkv", "20261120T093000Z.mp4"
NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """`empty`: a workspace with two people; `door`: two recordings of a minute each, cut into segments where somebody passes."""
    folder = tmp_path_factory.mktemp("archive")
    bench = Workbench(folder / "empty")
    for person in ("ben_afflek", "mindy_kaling"):
        bench.registrar.enrol_photos(
            person, person, sorted((samples / "train" / person).glob("*.jpg"))[:6], author="test", now=NOW
        )
    ben, mindy, other = (
        samples / "val" / each for each in ("ben_afflek/03.jpg", "mindy_kaling/02.jpg", "jerry_seinfeld/03.jpg")
    )
    (folder / "door").mkdir()
    walking_video(folder / "door" / FIRST, 66, [Walk(ben, 26, 36), Walk(other, 48, 56)])
    walking_video(folder / "door" / SECOND, 46, [Walk(mindy, 6, 14), Walk(other, 27, 34)])
    return folder


def fresh(place: Path, tmp_path: Path, name: str) -> Path:
    shutil.copytree(place / "empty", tmp_path / name)
    return tmp_path / name


def archived(place: Path, workspace: Path, *options: str) -> Answer:
    return muster("archive", "process", *recordings(place), "--workspace", workspace, *options)


def recordings(place: Path) -> list[Path]:
    return sorted((place / "door").glob("2026*"))


def contents(workspace: Path) -> dict[str, bytes]:
    """Every file of results: logs, sheets, pictures, galleries; of the list of pictures their names."""
    paths = (path for path in sorted(workspace.rglob("*")) if path.is_file() and not path.name.startswith("."))
    found = {
        str(path.relative_to(workspace)): path
        for path in paths
        if not {".heads", ".made", "archive", "vault.id", "seal.id", "state.seals"}
        & set(path.parts)  # of one workspace alone
    }
    return {
        name: pictures_of(path) if name.startswith("log/pictures-") else content_of(path)
        for name, path in found.items()
    }


def pictures_of(path: Path) -> bytes:
    """Names of the pictures of a list; their bytes are encrypted anew each time, and a run that was killed lists some twice."""
    return "\n".join(sorted({row["picture"] for row in read_rows(path)})).encode()


@pytest.fixture(scope="module")
def one(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """All recordings processed by one worker."""
    workspace = fresh(place, tmp_path_factory.mktemp("one"), "workspace")
    return workspace, archived(place, workspace, "--workers", "1", "--json")


def test_who_came_is_found_across_cuts_and_told_in_a_report(one: tuple[Path, Answer]) -> None:
    workspace, answer = one
    assert answer.code == 0, answer.err
    report = json.loads(answer.out)
    assert [(each["outcome"], each["punches"], each["segments"]) for each in report["files"]] == [
        ("decided", 1, 4),
        ("decided", 1, 3),
    ]
    assert report["complete"]
    rows = read_rows(workspace / "log" / "attendance-2026-11-20.csv")
    assert [row["employee_id"] for row in rows if row["event"] == "punch"] == ["ben_afflek", "mindy_kaling"]
    alarms = [row for row in read_rows(workspace / "log" / "incidents-2026-11-20.csv") if row["kind"] == "unknown"]
    assert len(alarms) == 2
    assert {row["unknown_ids"] for row in alarms} == {"unknown-1"}
    assert not Workbench(workspace).records.verify()
    assert not list((workspace / "archive").rglob("*.npz"))


def test_a_recorder_would_have_written_the_same(place: Path, one: tuple[Path, Answer], tmp_path: Path) -> None:
    workspace = fresh(place, tmp_path, "watched")
    for name, start in ((FIRST, BEGIN), (SECOND, "2026-11-20T09:00:00+00:00")):
        spec = place / "door" / name
        assert (
            muster(
                "watch", "--source", spec, "--fast", "--camera", "door", "--start", start, "--workspace", workspace
            ).code
            == 0
        )
    own = {"event_id", "incident_id", "track", "tracks", "evidence_image", "refers_to", "seal", "image"}
    for log in ("attendance", "incidents", "coverage"):
        rows = [
            [
                {key: cell for key, cell in row.items() if key not in own}
                for row in read_rows(each / "log" / f"{log}-2026-11-20.csv")
            ]
            for each in (one[0], workspace)
        ]
        assert rows[0] == rows[1]
    pictures = [sorted(content_of(path) for path in (each / "images").rglob("*.jpg")) for each in (one[0], workspace)]
    assert pictures[0] == pictures[1]


def test_results_do_not_depend_on_the_number_of_workers(place: Path, one: tuple[Path, Answer], tmp_path: Path) -> None:
    workspace = fresh(place, tmp_path, "workspace")
    assert archived(place, workspace, "--workers", "3").code == 0  # the tests of what is killed have two
    assert contents(workspace) == contents(one[0])


def test_a_second_run_does_only_what_is_missing(place: Path, one: tuple[Path, Answer], tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(one[0], workspace)
    door = tmp_path / "door"
    door.mkdir()
    for name in (BROKEN, "20261120T094000Z.mp4", "20261120T095000Z.mp4"):
        (door / name).touch()
    (door / BROKEN).write_bytes(b"no video")
    plain_video(door / "20261120T095000Z.mp4", range(0, 2000, 40))
    shutil.copyfile(door / "20261120T095000Z.mp4", tmp_path / "20261120T095000Z.mp4")
    answer = muster(
        "archive",
        "process",
        *recordings(place),
        *sorted(door.iterdir()),
        tmp_path / "20261120T095000Z.mp4",
        tmp_path / "x.mp4",
        "--camera",
        "door",
        "--workspace",
        workspace,
        "--workers",
        "1",
        "--json",
    )
    assert answer.code == 1
    files = json.loads(answer.out)["files"]
    assert [each["outcome"] for each in files] == [
        "done before",
        "done before",
        "failed",
        "failed",
        "decided",
        "given twice",
        "failed",
    ]
    told = " ".join(each["told"] for each in files)
    for words in ("not a video", "the file is empty", "does not tell when it began"):
        assert words in told
    before, after = contents(one[0]), contents(workspace)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"log/coverage-2026-11-20.csv"} | {name for name in changed if name.startswith("attendance/")}


class Near:
    """A worker in this process; it cannot see the last piece of the first recording, once the rest is decided, unless it sees well."""

    def __init__(self, bench: Workbench, *, well: bool) -> None:
        self._recipe, self._well = Recipe.of(bench.config, bench.models), well
        self._log = bench.workspace / "log" / "attendance-2026-11-20.csv"

    def submit(self, task: Task | None) -> Future[bytes]:
        answer: Future[bytes] = Future()
        if not self._well and isinstance(task, ObserveTask) and (task.path.name, task.segment.number) == (FIRST, 3):
            until(self._log.exists)
            answer.set_exception(InputError(f"{task.where}: nothing is seen"))
        else:
            answer.set_result(perform(task, self._recipe))
        return answer

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_piece_that_cannot_be_seen_ends_its_recording_there_and_a_second_run_completes_it(
    place: Path, one: tuple[Path, Answer], tmp_path: Path
) -> None:
    workspace = fresh(place, tmp_path, "workspace")
    told = []
    for well in (False, True):
        bench = Workbench(workspace)
        found, wrong = listed(recordings(place), bench.config.zone, camera=None, start=None, manifest=None)
        crew = Crew([Near(bench, well=well)])
        report = process(
            bench, found, wrong, lambda _recipe, crew=crew: contextlib.nullcontext(crew), lambda *_told: None
        )
        told.append([(each.outcome.value, "nothing is seen" in each.told, each.observed) for each in report.files])
    assert told == [
        [("failed", True, 4), ("decided", False, 3)],
        [("decided", False, 1), ("done before", False, 0)],
    ]
    ours, theirs = (
        {
            row["event_id"]: (row["employee_id"], row["event"])
            for row in read_rows(each / "log" / "attendance-2026-11-20.csv")
        }
        for each in (workspace, one[0])
    )
    assert ours == theirs
    assert not Workbench(workspace).records.verify()


# ----------------------------------------------------------------------------------------- killed


def begun(command: Sequence[str | Path], **settings: str) -> subprocess.Popen[bytes]:
    whole = [sys.executable, "-c", "from engine.cli import main; main()", *map(str, command)]
    return subprocess.Popen(whole, env=os.environ | settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_workers_and_the_command_itself_may_be_killed(place: Path, one: tuple[Path, Answer], tmp_path: Path) -> None:
    workspace = fresh(place, tmp_path, "workspace")
    command = ["archive", "process", *recordings(place), "--workspace", workspace, "--workers", "2"]
    first = begun(command)
    until(lambda: list(workspace.glob("archive/observations/*/*.npz")))
    workers = [
        each for each in psutil.Process(first.pid).children(recursive=True) if "spawn_main" in " ".join(each.cmdline())
    ]
    workers[0].kill()
    log = workspace / "log" / "attendance-2026-11-20.csv"
    until(log.exists)  # it is deciding
    orphans = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.communicate()
    assert psutil.wait_procs(orphans, 10)[1] == []
    assert not (workspace / "archive" / "done.csv").exists() or len(read_rows(workspace / "archive" / "done.csv")) < 2
    done = archived(place, workspace, "--workers", "2", "--json")
    assert done.code == 0, done.err
    assert contents(workspace) == contents(one[0])


def test_a_cluster_on_other_machines_needs_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.archive.cluster._TOKEN_FILE", tmp_path / "none")
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    bench = Workbench(tmp_path)
    recipe = Recipe.of(bench.config, bench.models)
    for address, settings in (
        ("10.0.0.1:6379", {}),
        ("ray://muster.example.org:10001", {"RAY_AUTH_MODE": "token"}),
        ("10.0.0.1:6379", {"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "x"}),
        ("auto", {"RAY_ADDRESS": "10.0.0.1:6379"}),
    ):
        with monkeypatch.context() as own:
            for name, value in settings.items():
                own.setenv(name, value)
            with pytest.raises(InputError, match="without a token"), ray_crew(address, recipe, 1):
                pass


_LOCAL_CLUSTER = """
import json, os, psutil, sys
from pathlib import Path
from engine.archive.cluster import ray_crew
from engine.archive.observe import Recipe
from engine.workbench import Workbench

bench = Workbench(Path(sys.argv[1]))
with ray_crew("local", Recipe.of(bench.config, bench.models), 1):
    import ray
    own = psutil.Process()
    below = own.children(recursive=True)
    listening = [each for process in below for each in process.net_connections("tcp") if each.status == "LISTEN"]
    places = {each.laddr.ip.removeprefix("::ffff:") for each in listening}
    found = {name for process in below for name in process.environ() if name.startswith("MUSTER_")}
    print(json.dumps([sorted(places), sorted(found), os.environ["MUSTER_RECORDER"]]), file=sys.__stdout__)
"""


@pytest.mark.slow
def test_a_cluster_on_this_machine_listens_on_loopback_and_knows_no_settings(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    own = {"MUSTER_RECORDER": "x", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", _LOCAL_CLUSTER, tmp_path],
        env=os.environ | own,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout.decode().splitlines()[-1]) == [["127.0.0.1"], [], "x"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[dict[str, str], psutil.Process]]:
    """Two nodes of Ray on this machine, one core each: the settings by which they are reached, and the second node."""
    pytest.importorskip("ray")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_health_check_period_ms": "500",
        "RAY_health_check_failure_threshold": "4",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    ray = [
        sys.executable,
        "-m",
        "ray.scripts.scripts",
        "start",
        "--block",
        "--num-cpus=1",
        "--object-store-memory=80000000",
    ]
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # sockets need a short path
    nodes: list[psutil.Process] = []
    seen = set[psutil.Process]()

    def started(*options: str) -> str:
        said = tmp_path / f"node{len(nodes)}.txt"
        with said.open("wb") as output:
            nodes.append(psutil.Popen([*ray, *options], env=os.environ | own, stdout=output, stderr=output))
        until(lambda: "Ray runtime started" in said.read_text(), 120)
        seen.update([nodes[-1], *nodes[-1].children(recursive=True)])
        return said.read_text()

    try:
        said = started(
            "--head", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}"
        )
        found = re.search(r"--address='([^']+)'", said)
        assert found is not None
        started(f"--address={found.group(1)}")
        yield own | {"ADDRESS": found.group(1)}, nodes[1]
    finally:
        for node in nodes:
            if node.is_running():
                seen.update([node, *node.children(recursive=True)])
        for process in seen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(seen, 10)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_a_cluster_loses_nothing_with_a_worker_and_a_node(
    cluster: tuple[dict[str, str], psutil.Process], place: Path, one: tuple[Path, Answer], tmp_path: Path
) -> None:
    settings, node = cluster
    workspace = fresh(place, tmp_path, "workspace")
    command = ["archive", "process", *recordings(place), "--workspace", workspace, "--workers", "2", "--json"]
    run = begun([*command, "--ray", settings["ADDRESS"]], **settings)

    def actors(of: psutil.Process) -> list[psutil.Process]:
        return [each for each in of.children(recursive=True) if each.name().startswith("ray::Actor")]

    try:
        until(lambda: actors(node), 120)
        actors(node)[0].send_signal(signal.SIGKILL)
        until(lambda: list(workspace.glob("archive/observations/*/*.npz")), 120)
        for process in [*node.children(recursive=True), node]:
            process.kill()
        out, err = run.communicate(timeout=200)
    finally:
        run.kill()
        run.communicate()
    assert run.returncode == 0, err.decode()
    report = json.loads(out)
    assert report["replaced"] >= 1
    assert contents(workspace) == contents(one[0])


# ----------------------------------------------------------------------------------------- another recipe


def test_a_gallery_is_embedded_anew_whoever_works(place: Path, one: tuple[Path, Answer], tmp_path: Path) -> None:
    galleries = []
    for workers in ("1", "2"):
        workspace = tmp_path / workers
        shutil.copytree(one[0], workspace)
        old = gallery_in(workspace / "gallery" / "people.safetensors")
        lost = old.templates[0].template_id
        (workspace / "images" / "enrolment" / f"{lost}.jpg").unlink()
        (workspace / "muster.toml").write_text("[alignment]\nmirror = false\n")
        answer = muster(
            "archive", "reembed", "--workspace", workspace, "--workers", workers, "--author", "test", "--json"
        )
        assert answer.code == 0, answer.err
        people, strangers, anchors = json.loads(answer.out)["galleries"]
        assert people["left_out"] == [[lost, "ben_afflek", "no picture"]]
        assert (strangers["outcome"], anchors["outcome"]) == ("embedded", "empty")
        new = gallery_in(workspace / "gallery" / "people.safetensors")
        assert new.templates == old.templates[1:]
        assert new.version == old.version + 1
        assert ((new.embeddings * old.embeddings[1:]).sum(1) > 0.85).all()
        assert (workspace / "gallery" / people["kept"]).is_file()
        galleries.append(
            [content_of(workspace / "gallery" / f"{name}.safetensors") for name in ("people", "strangers")]
        )
        again = muster("archive", "reembed", "--drop-old", "--workspace", workspace)
        assert again.code == 0
        assert "of this recipe already" in again.out
        assert not (workspace / "gallery" / people["kept"]).exists()
    assert galleries[0] == galleries[1]
