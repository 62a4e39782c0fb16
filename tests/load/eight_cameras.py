# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Eight 1080p cameras under `muster serve`: six empty halls with sensor noise, and one and two people who pass two doors again and again.

`python tests/load/eight_cameras.py [--minutes 10] [--clips FOLDER]` prints what the whole tree of processes uses over time, and at the end
one figure a line. The folder keeps the rendered clips for the next run; rendering takes some minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from live_clips import LiveClips
from site_run import RunningSite, serving, write_cameras

from engine.config import DetectionConfig
from engine.detection import MTCNNDetector
from engine.models import ModelStore, fetch_samples
from engine.operations.recording import recorded
from engine.workbench import Workbench
from tests.bench.crowd import ENROLLED, PHOTOS, enrolment_of, render_clip
from tests.bench.site import tree_use
from tests.bench.street import render_empty

SIZE, FPS = (1920, 1080), 25.0
ROUND_S, ENTER_S, LEAVE_S = 24.0, 4.0, 18.0
COOL_DOWN_S = 15.0
"""Longer than a passage, so that nobody is punched twice in one; who is seen nine seconds late is still punched in the next one."""
HALLS = tuple(f"hall-{number}" for number in range(1, 7))
DOORS = {"door-1": (2, 1), "door-2": (0, 2)}
"""Whom they show: the first of `PHOTOS`, and how many. Nobody passes both: a person is punched once, wherever they are seen."""
_SETTLED_S = 12.0
"""After so long the cameras rest or follow; the processor's time counts from here."""
_EVERY_S = 2.0


@dataclass
class _Seen:
    """What the tree used: moments with seconds of the processor and megabytes."""

    started_s: float | None = None
    rows: list[tuple[float, float, float]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def watch(self, workspace: Path, cameras: tuple[str, ...], began: float) -> None:
        """Look at `muster serve`, which this process starts, until `closed`."""
        told = 0.0
        while not self.closed.wait(0.1 if self.started_s is None else _EVERY_S):
            now = time.monotonic() - began
            if self.started_s is None:
                found = [recorded(workspace, name) for name in cameras]
                if all(each is not None and each.state == "playing" for each in found):
                    self.started_s = now
            if self.rows and now - self.rows[-1][0] < _EVERY_S:
                continue
            try:
                (server,) = (each for each in psutil.Process().children() if "engine.operations.site" in each.cmdline())
                seconds, megabytes = tree_use(server.pid)
            except (psutil.Error, ValueError):  # not yet, or one of them just ended
                continue
            self.rows.append((now, seconds, megabytes))
            if now - told >= 30.0:
                told = now
                print(f"{now:6.0f} s: {self.cores(now - 30.0):.2f} cores, {megabytes:.0f} MB", flush=True)

    def cores(self, since_s: float) -> float:
        """On average, from a moment on."""
        late = [row for row in self.rows if row[0] >= since_s]
        return (late[-1][1] - late[0][1]) / max(late[-1][0] - late[0][0], 1e-3) if late else 0.0


def clips(folder: Path) -> dict[str, Path]:
    """The cameras' clips, rendered if the folder has none: H.264, 4 Mbit/s, a key frame every two seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    empty = folder / "hall.mp4"
    if not empty.exists():
        print("rendering an empty hall", flush=True)
        render_empty(_part(empty), size=SIZE, fps=FPS, seconds=ROUND_S)
        _part(empty).replace(empty)
    found = dict.fromkeys(HALLS, empty)
    for name, (first, people) in DOORS.items():
        found[name] = folder / f"{name}-{first}-{people}.mp4"
        if not found[name].exists():
            print(f"rendering {name}", flush=True)
            _render(found[name], first, people)
    return found


def _part(path: Path) -> Path:
    return path.with_stem(f"{path.stem}.part")


def _render(path: Path, first: int, people: int) -> None:
    store, plain = ModelStore("onnx"), path.with_stem(f"{path.stem}.plain")
    detector = MTCNNDetector(*store.mtcnn(), DetectionConfig(), workers=store.threads)
    between = (ENTER_S, LEAVE_S)
    photos = fetch_samples()
    told = {"size": SIZE, "fps": FPS, "seconds": ROUND_S, "between_s": between}
    render_clip(plain, detector, photos, people=people, first=first, **told)  # type: ignore[arg-type]
    form = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "50", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-i", plain, *form, _part(path)], check=True)
    _part(path).replace(path)
    plain.unlink()


def _passages(shown: Mapping[str, list[float]]) -> Counter[tuple[str, str]]:
    """How often each person has passed each door, as the cameras showed it."""
    rounds = {name: sum(int((each + ROUND_S - LEAVE_S) // ROUND_S) for each in shown[name]) for name in DOORS}
    people = {
        name: [photo.split("/")[0] for photo in PHOTOS[first : first + count]] for name, (first, count) in DOORS.items()
    }
    return Counter({(name, person): rounds[name] for name in DOORS for person in people[name]})


def _wait_for_a_gap(shown: Mapping[str, list[float]]) -> None:
    """Until nobody is before a camera, and the last ones have been written."""
    deadline = time.monotonic() + 4 * ROUND_S
    while not all(shown[name][-1] % ROUND_S > LEAVE_S + 2.0 for name in DOORS) and time.monotonic() < deadline:
        time.sleep(0.1)


def _by_process(site: RunningSite, seconds: float = 10.0) -> None:
    """What each process uses, over some seconds."""
    before = {each: sum(each.cpu_times()[:2]) for each in site.processes()}
    time.sleep(seconds)
    parts = {part.pid: name for name, part in site.parts().items()} | {site.process.pid: "supervisor"}
    for each, used in before.items():
        with contextlib.suppress(psutil.Error):
            name = parts.get(each.pid) or f"below {parts.get(each.ppid(), 'another')}"
            cores, megabytes = (sum(each.cpu_times()[:2]) - used) / seconds, each.memory_full_info().pss / 1e6
            print(f"  {name}: {cores:.2f} cores, {megabytes:.0f} MB")


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--clips", type=Path, help="folder in which rendered clips are kept")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, photos = Path(temporary), fetch_samples()
        shown, workspace = clips(given.clips or folder / "clips"), folder / "site"
        bench = Workbench(workspace)
        for person in ENROLLED:
            bench.registrar.enrol_photos(person, person, enrolment_of(photos, person), author="load")
        del bench
        with LiveClips(shown) as cameras:
            rules = f"[events]\ncool_down_s = {COOL_DOWN_S}\nunknown = false\ntailgating = false\n"
            write_cameras(workspace, {name: cameras.address(name) for name in shown}, rules)
            seen, began = _Seen(), time.monotonic()
            watching = threading.Thread(target=seen.watch, args=(workspace, tuple(shown), began), daemon=True)
            watching.start()
            try:
                with serving(workspace) as site:
                    ready_s = time.monotonic() - began
                    time.sleep(max(0.0, given.minutes * 60 - ready_s))
                    _by_process(site)
                    _wait_for_a_gap(cameras.shown)
                    _tell(site, seen, cameras, ready_s)
                    seen.closed.set()
            finally:
                seen.closed.set()
                watching.join()
        print(f"log: {Workbench(workspace).records.verify() or 'sealed and whole'}")


def _tell(site: RunningSite, seen: _Seen, cameras: LiveClips, ready_s: float) -> None:
    punches, passages = site.punches(), _passages(cameras.shown)
    told = {name: recorded(site.workspace, name) for name in (*HALLS, *DOORS)}
    settled = [row[2] for row in seen.rows if row[0] > _SETTLED_S]
    print(
        f"start: all cameras recorded after {seen.started_s or float('nan'):.1f} s, everything ready after {ready_s:.1f} s"
    )
    print(f"processor: {seen.cores(_SETTLED_S + (seen.started_s or 0.0)):.2f} cores")
    print(
        f"memory (PSS of the whole tree): at most {max(row[2] for row in seen.rows):.0f} MB, then {settled[-1]:.0f} MB"
    )
    for name, each in told.items():
        if each is not None:
            frames = each.frames + each.dropped
            left = f"{each.dropped} of {frames} frames left out ({each.dropped / max(frames, 1):.1%})"
            print(f"{name}: {each.state}, {each.fps:.1f} fps, {left}, lost {each.losses} times")
    missing, doubled = passages - punches, punches - passages
    print(
        f"passages: {passages.total()}, punches: {punches.total()}; missing {dict(missing)}, too many {dict(doubled)}"
    )
    print(f"incidents about parts: {site.ended_parts()}")
    print("".join(f"  {line}\n" for line in site.told.read_text().splitlines() if " INFO " not in line), end="")


if __name__ == "__main__":
    main()
