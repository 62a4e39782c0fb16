"""Archives without networks: which recordings there are, where they are cut, who works on them, and that nothing is written twice."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from fakes import ListSource, Scene, make_pipeline, vector
from recordings import plain_video

from engine.archive.crew import Crew, LocalWorker, Task
from engine.archive.footage import Footage, Reel, digest, scan
from engine.archive.kept import DoneList, DoneRow, SegmentFolder, recording_id
from engine.archive.names import Listed, listed, moment_in, start_in_name
from engine.archive.observe import Observation, ObserveTask
from engine.errors import GalleryMismatch, InputError, MusterError, StorageError
from engine.gallery import Gallery, GalleryStore, Template
from engine.imaging import VideoWriter, turned
from engine.storage import new_id, repeatable_ids
from engine.storage.vault import Vault
from engine.workbench import Workbench

BERLIN = ZoneInfo("Europe/Berlin")

# ----------------------------------------------------------------------------------------- when a recording began


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("20261122-085500.mp4", "2026-11-22T08:55:00+01:00"),
        ("2026-11-22_08-55-00.mkv", "2026-11-22T08:55:00+01:00"),
        ("2026-11-22 08.55.00.avi", "2026-11-22T08:55:00+01:00"),
        ("door_20261122085500_20261122090500.mp4", "2026-11-22T08:55:00+01:00"),
        ("20261122T085500+0300.mp4", "2026-11-22T08:55:00+03:00"),
        ("20261122T085500-0330.mp4", "2026-11-22T08:55:00-03:30"),
        ("20261122T085500Z.mp4", "2026-11-22T08:55:00+00:00"),
        ("cam3-20260722_085500-0001.mp4", "2026-07-22T08:55:00+02:00"),
        ("20261025-023000Z.mp4", "2026-10-25T02:30:00+00:00"),
        ("2026-11-22 08.55.00 PM.mp4", "2026-11-22T20:55:00+01:00"),
        ("2026-11-22_08-55-00_AM.mp4", "2026-11-22T08:55:00+01:00"),
        ("2026-11-22 12.05.00 AM.mp4", "2026-11-22T00:05:00+01:00"),
        ("2026-11-22 12.05.00 p.m..mp4", "2026-11-22T12:05:00+01:00"),
        ("Screen Recording 2026-11-22 at 8.55.00\u202fPM.mov", "2026-11-22T20:55:00+01:00"),
        ("22-11-2026_09-12-10_0001.mp4", "2026-11-22T09:12:10+01:00"),
        ("22.11.2026 09.12.10.avi", "2026-11-22T09:12:10+01:00"),
        ("05.11.2026 09.12.10.avi", "2026-11-05T09:12:10+01:00"),
        ("11-22-2026_09-12-10.mp4", "2026-11-22T09:12:10+01:00"),
        ("05-05-2026_09-12-10.mp4", "2026-05-05T09:12:10+02:00"),
        ("22-Nov-2026-09-12-10-0001.mp4", "2026-11-22T09:12:10+01:00"),
        ("Nov 22 2026 09.12.10 PM.mp4", "2026-11-22T21:12:10+01:00"),
        ("5. Okt 2026 09.12.10.mp4", "2026-10-05T09:12:10+02:00"),
        ("2026-11-22_08-55-00.mp4", "2026-11-22T08:55:00+01:00"),
        ("2026-11-22T08:55:00.mp4", "2026-11-22T08:55:00+01:00"),
        ("2026-11-22_08.55.00", "2026-11-22T08:55:00+01:00"),
        ("08h55_2026-11-22 08h55m00s.mp4", "2026-11-22T08:55:00+01:00"),
        ("20261122-085500_UTC.mp4", "2026-11-22T08:55:00+00:00"),
        ("20261122-085500 GMT+2.mp4", "2026-11-22T08:55:00+02:00"),
        ("20261122-085500_CET.mp4", "2026-11-22T08:55:00+01:00"),
        ("20261122-085500_CAM.mp4", "2026-11-22T08:55:00+01:00"),
        ("20261122-085500+0001.mp4", "2026-11-22T08:55:00+01:00"),
        ("20260228-085500.mp4", "2026-02-28T08:55:00+01:00"),
    ],
)
def test_usual_names_tell_when_a_recording_began(name: str, start: str) -> None:
    assert start_in_name(Path(name), BERLIN) == datetime.fromisoformat(start)


@pytest.mark.parametrize(
    "name",
    [
        *("entrance.mp4", "20261322-085500.mp4", "20261122.mp4", "120261122085500.mp4", ".mp4"),
        *(
            "05-11-2026_09-12-10_0001.mp4",
            "3-11-2026-09-12-10-0001.mp4",
            "22-11-26_09-12-10.mp4",
        ),  # day or month first?
        *(
            "2026-13-02_08-55-00.mp4",
            "2026-02-30 08.55.00.mp4",
            "30-02-2026_09-12-10_0001.mp4",
            "31.11.2026 09.12.10.mp4",
        ),
        *(
            "2026-11-22 20.55.00 PM.mp4",
            "2026-11-22 00.55.00 AM.mp4",
            "2026-11-22 at 8.55.00.mp4",
            "20261122_990123.mp4",
        ),
        *("2026-11-22_0001_08-55-00.mp4", "22_11_2026_09-12_0001.mp4", "085500-20261122.mp4"),
        *("1795334100.mp4", "1795334100123.mp4", "cam_1795334100.mp4"),
        "export_20261130-101500_door_20261122-085500.mp4",  # which of both?
        "20261122-085500_20261124-085500.mp4",
        *("20261122-085500_EST.mp4", "20260722-085500_CET.mp4"),
    ],
)
def test_other_names_are_refused_and_the_time_of_change_is_never_taken(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=r"does not tell when it began.*--start.*--manifest"):
        start_in_name(tmp_path / name, BERLIN)


@pytest.mark.parametrize(("text", "often"), [("2026-10-25T02:30:00", "twice"), ("2026-03-29T02:30:00", "never")])
def test_a_local_time_that_is_none_asks_for_an_offset(text: str, often: str) -> None:
    with pytest.raises(InputError, match=rf"came {often} in Europe/Berlin.*\+0100 or \+0200"):
        moment_in(text, BERLIN, "x")
    assert moment_in(f"{text}+02:00", BERLIN, "x").utcoffset() == timedelta(hours=2)


def test_a_manifest_tells_camera_and_start_and_the_folder_the_camera_else(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(
        "file,camera,start\nyard/b.mp4,,2026-11-22T09:00:00\na.mp4,gate,2026-11-22T08:00:00Z\n"
    )
    found, wrong = listed([], BERLIN, camera=None, start=None, manifest=tmp_path / "manifest.csv")
    assert not wrong
    assert [(each.path.name, each.camera, each.start.isoformat()) for each in found] == [
        ("b.mp4", "yard", "2026-11-22T09:00:00+01:00"),  # 08:00 in London is 09:00 here: then by camera
        ("a.mp4", "gate", "2026-11-22T08:00:00+00:00"),
    ][::-1]


def test_one_unusable_name_does_not_hold_up_the_others(tmp_path: Path) -> None:
    found, wrong = listed(
        [tmp_path / "x.mp4", tmp_path / "20261122-085500.mp4"], BERLIN, camera="door", start=None, manifest=None
    )
    assert [each.camera for each in found] == ["door"]
    assert len(wrong) == 1


def test_a_start_for_several_files_is_refused() -> None:
    with pytest.raises(InputError, match="--start is the time of one recording"):
        listed([Path("a"), Path("b")], BERLIN, camera=None, start="2026-11-22T08:55:00Z", manifest=None)


# ----------------------------------------------------------------------------------------- where it is cut


def greys(path: Path, footage: Footage, begin: int | None, end: int | None) -> dict[int, int]:
    with Reel(path, footage) as reel:
        return {picture.key: int(picture.image().mean().round()) for picture in reel.frames(begin, end)}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_segments_hold_each_frame_once_and_show_it_as_the_whole_does(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    plain_video(path, range(0, 8000, 40))
    footage = scan(path)
    assert footage.count == 200
    assert footage.whole == (name == "a.mp4"), "others do not tell how many frames they hold, or not reliably"
    assert footage.seconds == pytest.approx(199 * 0.04)
    segments, whole = footage.segments(1.9), greys(path, footage, None, None)
    assert len(segments) == 4
    assert segments[0].begin == footage.first
    pieces = [
        {key: grey for key, grey in greys(path, footage, each.begin, each.end).items() if key >= each.begin}
        for each in segments
    ]
    assert sum(map(len, pieces)) == len(whole) == 200
    assert {key: grey for piece in pieces for key, grey in piece.items()} == whole
    with Reel(path, footage) as reel:
        for key in np.random.default_rng(1).choice(list(whole), 60).tolist():
            picture = reel.picture(key)
            assert picture is not None
            assert int(picture.image().mean().round()) == whole[key]


def test_times_are_those_of_the_container_when_the_frame_rate_varies(tmp_path: Path) -> None:
    stamps = [0, 40, 80, 1000, 1010, 5000, 5500]
    plain_video(tmp_path / "v.mkv", stamps)
    footage = scan(tmp_path / "v.mkv")
    keys = list(greys(tmp_path / "v.mkv", footage, None, None))
    assert [round(1000 * footage.offset_s(key)) for key in keys] == stamps


@pytest.mark.parametrize(("rotate", "size"), [(0, (96, 128)), (90, (128, 96)), (180, (96, 128)), (270, (128, 96))])
def test_the_pictures_of_a_turned_camera_stand_upright(rotate: int, size: tuple[int, int], tmp_path: Path) -> None:
    picture = np.full((96, 128, 3), 20, np.uint8)
    picture[:48, :64] = 240
    with VideoWriter(tmp_path / "v.mp4", 10) as writer:
        writer.write(picture)
    footage = scan(tmp_path / "v.mp4", rotate)
    with Reel(tmp_path / "v.mp4", footage) as reel:
        (shown,) = reel.frames()
        image = shown.image()
    assert footage.size == shown.size == image.shape[:2] == size
    assert np.abs(image.astype(int) - turned(picture, rotate)).mean() < 10


def test_one_frame_is_a_recording(tmp_path: Path) -> None:
    plain_video(tmp_path / "one.mp4", [0])
    footage = scan(tmp_path / "one.mp4")
    assert (footage.count, footage.seconds, len(footage.segments())) == (1, 0.0, 1)


def test_a_recording_that_was_cut_off_tells_how_much_is_missing(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    plain_video(whole, range(0, 4000, 40), size=(240, 320))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert 1 < scan(cut).count < 100
    assert len(greys(cut, scan(cut), None, None)) <= scan(cut).count


@pytest.mark.parametrize("content", [b"no video at all", b"\0" * 5000])
def test_what_is_no_video_is_told_in_a_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.mp4: not a video"):
        scan(tmp_path / "x.mp4")


def test_a_node_with_another_file_of_that_name_and_size_says_so(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    plain_video(path, range(0, 400, 40))
    footage = scan(path)
    task = ObserveTask(path, digest(path), footage, footage.segments()[0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the file that was looked into"):
        task.run(None, None)  # type: ignore[arg-type]


def test_an_empty_file_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").touch()
    with pytest.raises(InputError, match="the file is empty"):
        digest(tmp_path / "x.mp4")


# ----------------------------------------------------------------------------------------- who works on it


@dataclass(frozen=True)
class Number:
    """A task that gives its own number."""

    number: int

    @property
    def where(self) -> str:
        return f"number {self.number}"

    @property
    def part_of(self) -> str:
        return f"file {self.number // 10}"

    @property
    def deadline_s(self) -> float:
        return 60.0

    def run(self, reader: object, recipe: object) -> bytes:
        return bytes([self.number])


class Clumsy:
    """A worker that dies, or fails, at given calls; `None` tasks count, too."""

    def __init__(self, dies: Sequence[int] = (), fails: Sequence[int] = (), poison: int | None = None) -> None:
        self.calls = self.replaced = 0
        self._dies, self._fails, self._poison = dies, fails, poison

    def submit(self, task: Task | None) -> Future[bytes]:
        self.calls += 1
        answer: Future[bytes] = Future()
        if self.calls in self._dies:
            answer.set_exception(BrokenProcessPool("killed"))
        elif self.calls in self._fails or (isinstance(task, Number) and task.number == self._poison):
            answer.set_exception(ValueError("no"))
        else:
            answer.set_result(task.run(None, None) if task is not None else b"")  # type: ignore[arg-type]
        return answer

    def start(self) -> None:
        self.replaced += 1

    def close(self) -> None:
        pass


def worked(crew: Crew, count: int) -> tuple[dict[int, bytes], list[str]]:
    done: dict[int, bytes] = {}
    failed: list[str] = []

    def failing(error: MusterError) -> None:
        failed.append(str(error))

    for number in range(count):
        crew.add((number,), Number(number), lambda answer, number=number: done.__setitem__(number, answer), failing)
    crew.run()
    return done, failed


def test_workers_that_die_or_fail_lose_nothing() -> None:
    clumsy = Clumsy(dies=[1, 3, 6], fails=[5])
    crew = Crew([clumsy, Clumsy(dies=[2])])
    done, failed = worked(crew, 12)
    assert done == {number: bytes([number]) for number in range(12)}
    assert not failed
    assert (crew.replaced, clumsy.replaced) == (4, 3)


def test_what_fails_three_times_is_told_and_the_others_go_on() -> None:
    workers = [Clumsy(poison=2), Clumsy(poison=2)]
    done, failed = worked(Crew(workers), 5)
    assert sorted(done) == [0, 1, 3, 4]
    assert len(failed) == 1
    assert "number 2: ValueError: no" in failed[0]


@dataclass(frozen=True)
class Hanging(Number):
    """A task whose worker gets no further, like one in a decoder that hangs."""

    @property
    def deadline_s(self) -> float:
        return 0.3

    def run(self, reader: object, recipe: object) -> bytes:
        threading.Event().wait()
        return b""


class OwnProcess(LocalWorker):
    """A worker in a process of its own, without networks."""

    def __init__(self) -> None:
        self.start()

    def submit(self, task: Task | None) -> Future[bytes]:
        return self._pool.submit(_run, task)


def _run(task: Task | None) -> bytes:
    return task.run(None, None) if task is not None else b""  # type: ignore[arg-type]


def test_a_worker_that_hangs_is_ended_and_what_it_works_on_is_named_and_left_out() -> None:
    crew, done, failed = Crew([OwnProcess()]), list[int](), dict[int, str]()
    for task in (Hanging(0), Number(1), Number(10), Number(20)):
        crew.add(
            (task.number,),
            task,
            lambda answer: done.append(answer[0]),
            lambda error, number=task.number: failed.__setitem__(number, str(error)),  # type: ignore[misc]
        )
    try:
        crew.run()
    finally:
        crew.close()
    assert done == [10, 20]
    assert sorted(failed) == [0, 1]  # of the same file
    assert all("number 0: not finished after" in each for each in failed.values())
    assert crew.replaced == 1


def test_workers_that_cannot_start_end_the_run_with_an_error() -> None:
    with pytest.raises(MusterError, match="no worker is left"):
        worked(Crew([Clumsy(dies=range(100))]), 1)


def test_work_goes_on_while_more_is_looked_for() -> None:
    crew, done, seen = Crew([Clumsy()]), threading.Event(), list[bool]()
    crew.add((0,), Number(0), lambda _answer: done.set(), lambda _error: None)

    def more() -> bool:
        seen.append(done.wait(10))
        return False

    crew.run(more)
    assert seen == [True]


def test_nothing_to_do_starts_no_worker() -> None:
    worker = Clumsy()
    Crew([worker]).run()
    assert worker.calls == 0


# ----------------------------------------------------------------------------------------- what is kept


def observation(faces: int) -> Observation:
    rows = np.zeros((faces, 4), np.float32)
    keys, marks = np.arange(3, dtype=np.int64), np.zeros((faces, 5, 2), np.float32)
    none = np.empty((0, 16), np.uint8), np.empty((0, 8), np.float32)
    return Observation(keys, np.array([faces, 0, 0]), rows, marks, np.zeros(faces, np.float32), *none)


def test_a_damaged_observation_is_told_and_made_anew(tmp_path: Path) -> None:
    footage = Footage(Fraction(1, 25), 0, 3, 0, 1.0, (4, 4), numbered=False)
    (segment,) = footage.segments()
    shelf = SegmentFolder.of(tmp_path, "recording", "recipe", None, vault=Vault(tmp_path))
    shelf.put(segment, observation(2).to_bytes())
    assert shelf.read(segment).counts.tolist() == [2, 0, 0]
    shelf.path(segment).write_bytes(observation(2).to_bytes()[:-40])
    with pytest.raises(StorageError, match="run the command again"):
        shelf.read(segment)
    assert not shelf.has(segment)


def test_the_list_of_decided_recordings_survives_a_torn_line(tmp_path: Path) -> None:
    done = DoneList(tmp_path / "done.csv")
    time = datetime(2026, 11, 22, 8, tzinfo=BERLIN)
    row = DoneRow("a", "c0ffee", "=evil.mp4", "gate", time, 1 << 40, 1, 2.5, 60, 4, 3, 0, time)
    done.add(row)
    with (tmp_path / "done.csv").open("ab") as handle:
        handle.write(b"half a li")
    done.add(replace(row, recording_id="b"))
    assert list(done.by_id()) == ["a", "b"]
    assert done.by_id()["a"] == row


def test_a_recording_is_its_content_camera_and_start() -> None:
    start = datetime(2026, 11, 22, 8, tzinfo=UTC)
    ids = {
        recording_id(content, Listed(Path("any"), camera, begin))
        for content in "ab"
        for camera in ("x", "y")
        for begin in (start, start + timedelta(seconds=1))
    }
    assert len(ids) == 8
    other_zone = Listed(Path("other"), "x", start.astimezone(BERLIN))
    assert recording_id("a", other_zone) == recording_id("a", Listed(Path("any"), "x", start))


# ----------------------------------------------------------------------------------------- nothing twice


def contents(workspace: Path) -> dict[str, bytes]:
    """Every file but locks, heads and the name of each workspace."""
    paths = (path for path in sorted(workspace.rglob("*")) if path.is_file() and not path.name.startswith("."))
    own = {".heads", "seal.id"}
    return {str(path.relative_to(workspace)): path.read_bytes() for path in paths if not own & set(path.parts)}


def busy_scene() -> Scene:
    """Somebody known, a stranger, two together, and the first again."""
    scene = Scene()
    for names in (["ann"], ["stranger"], ["bob", "visitor"], ["ann"]):
        scene.walk(names, 25)
        scene.pause(60)
    return scene


def test_a_run_killed_anywhere_and_done_again_gives_the_same_bytes(tmp_path: Path) -> None:
    scene, empty = busy_scene(), tmp_path / "empty"
    make_pipeline(empty, scene)
    (empty / "seal.key").write_text("ab" * 32 + "\n")
    results = []
    for cut in (0, 12, 26, 60, 100, 130, 185, 200, 260, 300, len(scene.frames)):
        workspace = tmp_path / str(cut)
        shutil.copytree(empty, workspace)
        with repeatable_ids("recording"):
            killed, _ = make_pipeline(workspace, scene, run_id="20261123T080000-r")
            for frame in scene.frames[:cut]:
                killed.process(frame)
            again, services = make_pipeline(workspace, scene, run_id="20261123T080000-r")
            stats = again.run(ListSource(scene.frames))
        assert (stats.punches, stats.incidents["unknown"], stats.incidents["tailgating"]) == (2, 2, 1), cut
        assert len({row.event_id for row in services.attendance.log.read(date(2026, 11, 23))}) >= 3
        results.append(contents(workspace))
    first = results[0]
    assert any(name.startswith("images/tailgating") for name in first)
    for cut, other in enumerate(results[1:]):
        assert {name for name in first if first[name] != other.get(name)} == set(), cut
        assert other.keys() == first.keys()


def test_ids_repeat_only_where_they_are_asked_to() -> None:
    now = datetime(2026, 11, 22, 8, tzinfo=UTC)
    with repeatable_ids("a"):
        ids = [new_id(now, "x"), new_id(now, "x"), new_id(now, "y"), new_id(now + timedelta(microseconds=1), "x")]
    with repeatable_ids("b"):
        ids.append(new_id(now, "x"))
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert new_id(now, "x") != new_id(now, "x")


# ----------------------------------------------------------------------------------------- galleries of another model


def gallery_of(*names: str, model: str = "old") -> Gallery:
    templates = tuple(Template(f"t-{name}", name, 0.9) for name in names)
    return Gallery(model, "fake", np.stack([vector(name) for name in names]), templates, 7)


def test_a_superseded_gallery_is_kept_aside_without_those_who_were_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "people.safetensors"
    path.write_bytes(gallery_of("ann", "bob").to_bytes())
    store = GalleryStore(path, "new", "fake", 6)
    with pytest.raises(GalleryMismatch, match="muster archive reembed"):
        store.current()
    old = store.stored()
    assert old is not None
    kept = store.supersede(old, gallery_of("ann", "bob", model="new"))
    assert store.current().model_id == "new"
    assert "old+fake" in kept.name
    assert Gallery.from_file(kept).people == ("ann", "bob")
    store.scrub("ann", ["t-bob"])
    assert Gallery.from_file(kept).people == ()
    with pytest.raises(GalleryMismatch, match="changed meanwhile"):
        store.supersede(old, gallery_of("ann", model="new"))
    assert store.drop_aside() == 1
    assert store.current().people == ("ann", "bob")


def test_the_same_gallery_gives_the_same_bytes_and_is_read_by_the_library(tmp_path: Path) -> None:
    from safetensors import safe_open

    content = gallery_of("ann", "bob").to_bytes()
    assert content == gallery_of("ann", "bob").to_bytes()
    (tmp_path / "g").write_bytes(content)
    with safe_open(tmp_path / "g", framework="numpy") as file:
        assert file.metadata()["version"] == "7"
        np.testing.assert_array_equal(file.get_tensor("embeddings"), gallery_of("ann", "bob").embeddings)


def test_what_was_looked_at_but_never_decided_goes_when_strangers_would(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, clock=lambda: datetime(2026, 11, 23, 8, tzinfo=UTC))
    folder = bench.records.observations / "recording"
    folder.mkdir(parents=True)
    for name, days in (("old", 40), ("new", 3)):
        (folder / f"{name}.npz").write_bytes(b"x")
        moment = (datetime(2026, 11, 23, 8, tzinfo=UTC) - timedelta(days=days)).timestamp()
        os.utime(folder / f"{name}.npz", (moment, moment))
    found = {row.what: row.count for row in bench.privacy.purge(apply=True)}
    assert found["strangers"] == 1
    assert [path.name for path in folder.iterdir()] == ["new.npz"]
