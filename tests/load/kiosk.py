# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""How many screens a kiosk serves: `python tests/load/kiosk.py [--viewers 30] [--seconds 20] [--stall 60]`, from the project's folder.

A clip of 640×480 at 15 frames a second (somebody enrolled walks up and stands there) is recognised and sent to viewers, all in one run on
one machine; /api/status is asked ten times a second meanwhile; one viewer more is refused. Then ten viewers stop reading: what they cost
in memory, and when their threads are free again. Before all that, in Chromium: from a durable punch to the greeting on the screen.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import selectors
import socket
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from browser import camera_browser
from door import Door, serve_kiosk
from live_page import entrance_clip

from engine.imaging import list_images, read_image
from engine.models import fetch_samples
from engine.workbench import Workbench

_MARK = b"--muster-frame\r\n"


def _ask(door: Door, *, buffer: int | None = None) -> socket.socket:
    """A viewer's connection."""
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect(("127.0.0.1", door.port))
    connection.sendall(
        f"GET /stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {door.token}\r\n\r\n".encode()
    )
    return connection


def _view(door: Door, count: int, seconds: float, told: multiprocessing.Queue[object]) -> None:
    """Read as many streams as one program can, and count their pictures once all are there."""
    connections = [_ask(door) for _ in range(count)]
    selector = selectors.DefaultSelector()
    pictures, sizes, tails = [0] * count, [0] * count, [b""] * count
    for index, connection in enumerate(connections):
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, index)
    began, counting = time.monotonic(), False
    while time.monotonic() - began < seconds + 3:
        if not counting and time.monotonic() - began > 3:
            pictures, sizes, counting, start = [0] * count, [0] * count, True, time.monotonic()
        for key, _ in selector.select(0.5):
            with contextlib.suppress(BlockingIOError):
                part = connections[key.data].recv(1 << 20)
                pictures[key.data] += (tails[key.data] + part).count(_MARK)
                tails[key.data] = part[-len(_MARK) + 1 :]
                sizes[key.data] += len(part)
    lasted = time.monotonic() - start
    told.put(([pictured / lasted for pictured in pictures], sum(sizes) / max(1, sum(pictures))))
    for connection in connections:
        connection.close()


def _latency(door: Door, seconds: float, told: multiprocessing.Queue[object]) -> None:
    """Ask for the state ten times a second, each time anew."""
    time.sleep(3)
    times, began = [], time.monotonic()
    while time.monotonic() - began < seconds:
        asked = time.monotonic()
        status, _ = door.get("/api/status")
        assert status == 200
        times.append(time.monotonic() - asked)
        time.sleep(0.1)
    told.put(times)


def greetings(door: Door, count: int) -> dict[str, object]:
    """Seconds from the moment that a punch is on disk until its greeting is on the screen, so many times."""
    bench = Workbench(door.workspace)
    log = bench.attendance.log.raw.shelf.path(bench.attendance.day_of(bench.clock()))
    watch = """() => { window.shown = []; new MutationObserver(() => {
        if (document.body.dataset.view === "greeting") window.shown.push(Date.now() / 1000); else window.last = 0;
    }).observe(document.body, {attributes: true, attributeFilter: ["data-view"]}); }"""
    with camera_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(door.link)
        page.wait_for_selector("body.pictured")
        page.evaluate(watch)
        written: list[float] = []
        size = log.stat().st_size if log.exists() else 0
        while len(written) < count:
            time.sleep(0.005)
            now = log.stat() if log.exists() else None
            if now is not None and now.st_size > size:
                size = now.st_size
                written.append(now.st_mtime)
        time.sleep(2)
        shown = page.evaluate("window.shown")
    waits = [min(moment for moment in shown if moment >= row - 0.05) - row for row in written]
    return {
        "punches": count,
        "greeting_s_median": round(float(np.median(waits)), 2),
        "greeting_s_max": round(max(waits), 2),
    }


def viewers(door: Door, count: int, seconds: float) -> dict[str, object]:
    """Pictures a second of each of many viewers, and how quick the kiosk answers meanwhile."""
    told: multiprocessing.Queue[object] = multiprocessing.Queue()
    answers: multiprocessing.Queue[object] = multiprocessing.Queue()
    watching = multiprocessing.Process(target=_view, args=(door, count, seconds, told))
    asking = multiprocessing.Process(target=_latency, args=(door, seconds, answers))
    watching.start(), asking.start()
    time.sleep(3)
    cpu, frames = door.cpu_s, door.status()["camera"]["frames"]
    time.sleep(seconds / 2)
    refused = door.get("/stream.mjpg")[0]
    seen = door.status()
    rates, size = told.get()  # type: ignore[misc]
    times = answers.get()
    used = (door.cpu_s - cpu) / seconds
    processed = (door.status()["camera"]["frames"] - frames) / seconds
    watching.join(), asking.join()
    return {
        "viewers": count,
        "fps_min": round(min(rates), 2),
        "fps_median": round(float(np.median(rates)), 2),
        "camera_fps": round(processed, 1),
        "dropped": seen["camera"]["dropped"],
        "picture_kb": round(size / 1000, 1),
        "status_ms_p50": round(1000 * float(np.percentile(times, 50)), 1),  # type: ignore[call-overload]
        "status_ms_p95": round(1000 * float(np.percentile(times, 95)), 1),  # type: ignore[call-overload]
        "one_more": refused,
        "cores": round(used, 2),
    }


def stalled(door: Door, count: int, seconds: float, *, until_freed: bool = False) -> dict[str, object]:
    """What viewers cost who ask for the picture and then read nothing; `until_freed`: look no longer than needed."""
    while door.status()["viewers"]:
        time.sleep(0.2)
    quiet = door.memory_mb  # what the same time costs without them
    if not until_freed:
        time.sleep(seconds)
    before, threads = door.memory_mb, door.threads
    began = time.monotonic()
    connections = [_ask(door) for _ in range(count)]
    freed = None
    most = before
    while time.monotonic() - began < seconds:
        time.sleep(0.5)
        most = max(most, door.memory_mb)
        if freed is None and time.monotonic() - began > 2 and door.status()["viewers"] == 0:
            freed = time.monotonic() - began
            if until_freed:
                break
    found = {
        "stalled": count,
        "memory_mb": round(most - before, 1),
        "memory_mb_in_the_time_before": round(before - quiet, 1),
        "threads": door.threads - threads,
        "freed_after_s": None if freed is None else round(freed, 1),
    }
    for connection in connections:
        connection.close()
    return found


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--stall", type=float, default=60)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench(Path(folder) / "workspace")
        bench.registrar.enrol_photos("E1", "Ben", list_images(fetch_samples() / "train" / "ben_afflek")[:8])
        clip = Path(folder) / "camera.y4m"
        entrance_clip(clip, read_image(list_images(fetch_samples() / "val" / "ben_afflek")[0]))
        own = {
            "MUSTER_EVENTS__COOL_DOWN_S": "5",
            "MUSTER_KIOSK__STREAMS_PER_DEVICE": "200",
        }  # one token for all viewers
        with serve_kiosk(bench.workspace, "entrance", str(clip), **own) as door:
            door.wait_for("playing", 60)
            print(json.dumps(greetings(door, 5)), flush=True)
            print(json.dumps(viewers(door, chosen.viewers, chosen.seconds)), flush=True)
            print(json.dumps(stalled(door, 10, chosen.stall)), flush=True)


if __name__ == "__main__":
    main()
