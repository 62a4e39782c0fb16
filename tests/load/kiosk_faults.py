# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""What a kiosk makes of a bad camera: `python tests/load/kiosk_faults.py [--cycles 50]`, from the project's folder.

A camera on 127.0.0.1, with somebody enrolled before it, is refused, stalled and killed in turn, and returns each time after some seconds:
how long until the kiosk shows it offline (counted from the last picture), and online again (counted from its return). At the end the log
of coverage must have a gap for each outage, and the attendance log one punch.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from browser import free_port
from door import Door, serve_kiosk
from http_camera import HttpCamera, swaying

from engine.imaging import list_images, read_image
from engine.models import fetch_samples
from engine.workbench import Workbench

FPS = 10.0
KINDS = ("refused", "stalled", "killed")


class Fault:
    """Breaks a camera and mends it.

    Args:
        shown: its pictures.
    """

    def __init__(self, shown: Sequence[bytes]) -> None:
        self._shown, self._port = shown, free_port()
        self._stack = contextlib.ExitStack()
        self._camera: HttpCamera | None = None

    @property
    def address(self) -> str:
        """Of the camera."""
        return f"http://127.0.0.1:{self._port}/video"

    def start(self) -> None:
        """It works, or works again."""
        if self._camera is not None:
            self._camera.frozen.clear()
            return
        self._camera = self._stack.enter_context(HttpCamera(self._shown, self._port, FPS))

    def stop(self) -> None:
        """Connections end, new ones are refused."""
        self._stack.close()
        self._camera = None

    def freeze(self) -> None:
        """The connection is kept, nothing is sent."""
        assert self._camera is not None
        self._camera.frozen.set()


def _kill(door: Door) -> None:
    for pid in door.children:
        os.kill(pid, signal.SIGKILL)


def run(door: Door, fault: Fault, cycles: int, told: Callable[[dict[str, object]], None]) -> list[dict[str, object]]:
    """Break and mend the camera so many times; what was seen."""
    away = random.Random(0)
    found = []
    for cycle in range(cycles):
        kind = KINDS[cycle % len(KINDS)]
        time.sleep(1)
        losses, broken = door.status()["camera"]["losses"], time.monotonic()
        if kind == "killed":
            _kill(door)
        elif kind == "stalled":
            fault.freeze()
        else:
            fault.stop()
        while door.status()["camera"]["losses"] == losses and time.monotonic() - broken < 20:
            time.sleep(0.02)
        offline = time.monotonic() - broken
        if kind != "killed":
            door.wait_for("lost", 10)
            time.sleep(away.uniform(0.5, 8.0))
        mended = time.monotonic() if kind != "killed" else broken
        fault.start()
        door.wait_for("playing", 30)
        found.append({"kind": kind, "offline_s": round(offline, 2), "back_s": round(time.monotonic() - mended, 2)})
        told(found[-1])
    return found


def books(bench: Workbench) -> dict[str, object]:
    """Rows that tell of it."""
    day = bench.attendance.day_of(bench.clock())
    rows = bench.attendance.log.read(day, day)
    assert bench.attendance.plan.coverage is not None
    spans = bench.attendance.plan.coverage.log.read(day)
    lost = [row for row in spans if row.why == "lost"]
    incidents = bench.incidents.log.raw.read(day, day)
    pairs = itertools.pairwise(spans)
    return {
        "punches": sum(row.event == "punch" for row in rows),
        "outages_in_coverage": len(lost),
        "gaps_s": [
            round((after.begins - before.ends).total_seconds(), 1) for before, after in pairs if before.why == "lost"
        ],
        "lost_and_back_told": [
            sum(row.get("kind") == kind for row in incidents) for kind in ("camera_lost", "camera_back")
        ],
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench(Path(folder) / "workspace")
        bench.registrar.enrol_photos("E1", "Ben", list_images(fetch_samples() / "train" / "ben_afflek")[:8])
        fault = Fault(swaying([read_image(list_images(fetch_samples() / "val" / "ben_afflek")[0])]))
        fault.start()
        with serve_kiosk(bench.workspace, "entrance", fault.address) as door:
            door.wait_for("playing", 60)
            time.sleep(8)
            found = run(door, fault, chosen.cycles, lambda row: print(json.dumps(row), flush=True))
        fault.stop()
        for kind in KINDS:
            rows = [row for row in found if row["kind"] == kind]
            worst = {
                name: max((float(str(row[name])) for row in rows), default=0.0) for name in ("offline_s", "back_s")
            }
            print(json.dumps({"kind": kind, "times": len(rows), "worst": worst}))
        print(json.dumps(books(bench)))


if __name__ == "__main__":
    main()
