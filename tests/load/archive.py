"""How much two single-thread workers gain over one: `python tests/load/archive.py DEMO [FILES] [ROUNDS]`, from the project's folder.

DEMO is a workspace that `muster demo` made. Its minute of video becomes a backlog of so many recordings; each is processed by one worker
and by two in turn, in copies of the workspace, and the seconds of whole commands and their ratios are printed. With `quiet` as a last
argument each recording is followed by nine minutes of nobody, as doors usually are. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

BEGIN = datetime(2026, 11, 22, 8, 55, tzinfo=UTC)
QUIET_S = 540


def prolonged(source: Path, target: Path) -> None:
    """The same video with its last picture, slightly noisy, for nine minutes more."""
    capture, noise = cv2.VideoCapture(str(source)), np.random.default_rng(1)
    fps, size = capture.get(cv2.CAP_PROP_FPS), (int(capture.get(3)), int(capture.get(4)))
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    while (read := capture.read())[0]:
        last = read[1]
        writer.write(last)
    stills = [cv2.add(last, noise.integers(0, 4, last.shape, np.uint8)) for _ in range(5)]
    for number in range(int(QUIET_S * fps)):
        writer.write(stills[number % len(stills)])
    writer.release()


def backlog(demo: Path, folder: Path, count: int, *, quiet: bool) -> list[Path]:
    """So many recordings, named by when they began."""
    folder.mkdir()
    first = folder / f"{BEGIN:%Y%m%d-%H%M%S}.mp4"
    if quiet:
        prolonged(demo / "demo" / "entrance.mp4", first)
    else:
        shutil.copyfile(demo / "demo" / "entrance.mp4", first)
    paths = [first]
    for number in range(1, count):
        paths.append(folder / f"{BEGIN + timedelta(minutes=20 * number):%Y%m%d-%H%M%S}.mp4")
        shutil.copyfile(first, paths[-1])
    return paths


def busy() -> float:
    """Seconds of all cores that anybody used so far."""
    cells = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    return (sum(map(int, cells[:8])) - int(cells[3]) - int(cells[4])) / 100


def used() -> float:
    """Seconds that this script's finished children used."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def seconds(demo: Path, place: Path, recordings: list[Path], workers: int) -> float:
    """Process all in a new copy of the workspace."""
    shutil.copytree(demo, place)
    for name in ("log", "attendance", "archive"):
        shutil.rmtree(place / name, ignore_errors=True)
    command = [sys.executable, "-c", "from engine.cli import main; main()", "archive", "process", *map(str, recordings)]
    began, all_before, own_before = time.perf_counter(), busy(), used()
    subprocess.run(
        [*command, "--camera", "entrance", "--workspace", str(place), "--workers", str(workers), "--json"],
        check=True,
        capture_output=True,
    )
    took = time.perf_counter() - began
    own, everybody = used() - own_before, busy() - all_before
    print(
        f"  {workers} workers: {took:.1f} s, {own:.1f} s of processor; others used {everybody - own:.1f} s meanwhile",
        flush=True,
    )
    return took


def main() -> None:
    """Measure in turn and print."""
    given = [each for each in sys.argv[1:] if each != "quiet"]
    demo, count, rounds = Path(given[0]), *map(int, (given[1:] + ["4", "3"][len(given) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        recordings = backlog(demo, Path(folder) / "recordings", count, quiet="quiet" in sys.argv)
        ratios = []
        for turn in range(rounds):
            one, two = (seconds(demo, Path(folder) / f"{turn}-{workers}", recordings, workers) for workers in (1, 2))
            ratios.append(one / two)
            print(f"one worker {one:.1f} s, two workers {two:.1f} s: {one / two:.2f} times as fast", flush=True)
        print(f"median {np.median(ratios):.2f}")


if __name__ == "__main__":
    main()
