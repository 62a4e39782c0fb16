"""What a database of many cameras costs: `python tests/load/scale.py [rush|notices|templates|drain …]`, on a server of its own on loopback.

rush        synthetic recorders, each with connections of its own, at a rush hour's rate: latency, rows a second, connections
notices     how long until another process knows of a changed gallery
templates   memory of 100,000 templates, and how long they take to load and to follow one change
drain       how fast a spool is handed over
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support")]

import numpy as np  # noqa: E402
from postgres import running  # noqa: E402
from sites import Place, sighting  # noqa: E402

from engine.attendance import AttendanceBook  # noqa: E402
from engine.config import EventsConfig, load_config  # noqa: E402
from engine.gallery import GalleryStore, Template  # noqa: E402
from engine.postgres import open_database  # noqa: E402
from engine.postgres.database import DatabaseStore  # noqa: E402
from engine.postgres.spool import Entry  # noqa: E402
from engine.storage.logs import Sealer  # noqa: E402
from engine.tracking import SightingBook, TrackSighting, Vote  # noqa: E402
from engine.types import Candidate  # noqa: E402

UTC_ZONE = UTC
DIMENSION = 128


def memory_mb() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def quantiles(values: list[float]) -> str:
    """Median, 95% and the largest, in milliseconds."""
    ordered = sorted(values)
    middle, late = statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {1000 * middle:.1f} ms, 95% {1000 * late:.1f} ms, longest {1000 * ordered[-1]:.0f} ms"


class Camera(threading.Thread):
    """A synthetic recorder: a punch and the sighting that it came of, once a second."""

    def __init__(self, store: DatabaseStore, folder: Path, name: str, seconds: float, per_s: float) -> None:
        super().__init__()
        from zoneinfo import ZoneInfo

        self.book = AttendanceBook(folder, ZoneInfo("UTC"), EventsConfig(), logs=store.logs)
        self.sightings = SightingBook(folder, ZoneInfo("UTC"), store.logs)
        self.name_, self.seconds, self.per_s = name, seconds, per_s
        self.took: list[float] = []

    def run(self) -> None:
        """Write at a steady rate."""
        began, number = time.monotonic(), 0
        offset = hash(self.name_) % 1000 / 1000 / self.per_s
        while (at := number / self.per_s + offset) < self.seconds:
            time.sleep(max(0.0, began + at - time.monotonic()))
            now = datetime.now(UTC)
            seen = sighting(f"{self.name_}-{number}", camera=self.name_)
            start = time.perf_counter()
            row = self.book.record(type(seen)(**{**seen.__dict__, "time": now}), {}, renew=False)
            self.took.append(time.perf_counter() - start)
            assert row is not None
            candidates = tuple(Candidate(f"{self.name_}-{each}", 0.5 - each / 100) for each in range(5))
            votes = tuple(Vote(now, candidates[:3], candidates[:2]) for _ in range(12))
            track = TrackSighting(
                seen.track, self.name_, now, now, seen.identity, "", candidates, votes, 0, 0.05, "", "m", 1, 200
            )
            self.sightings.record(track)
            number += 1


def crew(folders: list[Path], seconds: float) -> None:
    """Some of the cameras, in a process of their own; what they took goes to standard output."""
    stores = [
        open_database(each, load_config(each), Sealer(each / "seal.key"), lambda: datetime.now(UTC)) for each in folders
    ]
    cameras = [Camera(store, each, each.name, seconds, 1.0) for store, each in zip(stores, folders, strict=True)]
    cpu = time.process_time()
    for camera in cameras:
        camera.start()
    for camera in cameras:
        camera.join()
    told = {
        "took": [each for camera in cameras for each in camera.took],
        "cpu": time.process_time() - cpu,
        "waiting": sum(store.backlog().rows for store in stores),
    }
    for store in stores:
        store.close()
    print(json.dumps(told))


def rush(cameras: int, sites: int, seconds: float, processes: int = 4) -> None:
    """So many cameras at once."""
    with running() as server, tempfile.TemporaryDirectory() as folder:
        place = Place(server, Path(folder))
        names = ["main", *(f"site-{number}" for number in range(1, sites))]
        for name in names[1:]:
            place.add_site(name)
        folders = [place.workspace(f"camera-{number}", names[number % sites]) for number in range(cameras)]
        began = time.monotonic()
        command = [sys.executable, str(HERE / "scale.py"), "crew", "--seconds", str(seconds), "--folders"]
        children = [
            subprocess.Popen([*command, *map(str, folders[number::processes])], stdout=subprocess.PIPE)
            for number in range(min(processes, cameras))
        ]
        time.sleep(seconds / 2)
        connections = place.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")[0][0]
        told = [json.loads(child.communicate()[0]) for child in children]
        elapsed = time.monotonic() - began
        rows = place.ask("SELECT sum(rows) FROM muster.chains")[0][0]
        tables = "SELECT sum(pg_total_relation_size('muster.' || t)) FROM unnest(array['attendance', 'sightings']) t"
        size = place.ask(tables)[0][0]
        took = [each for some in told for each in some["took"]]
        print(
            f"{cameras} cameras at {sites} sites, {elapsed:.0f} s: {rows} rows, {rows / seconds:.0f}/s · a punch {quantiles(took)} · "
            f"{connections} connections · {sum(some['cpu'] for some in told) / seconds:.2f} core in the recorders · "
            f"{size / rows:.0f} bytes a row · {sum(some['waiting'] for some in told)} waiting"
        )
        place.close()


def notices() -> None:
    """A change here, known there."""
    with running() as server, tempfile.TemporaryDirectory() as folder:
        place = Place(server, Path(folder))
        here, there = (gallery_of(place.open(name)) for name in ("a", "b"))
        there.current()
        took = []
        for number in range(100):
            row = np.eye(1, DIMENSION, number, dtype=np.float32)
            here.update(lambda g, row=row, number=number: g.add([Template(f"t{number}", f"E{number}", 1.0)], row))
            began = time.perf_counter()
            while len(there.current()) <= number:
                time.sleep(0.0005)
            took.append(time.perf_counter() - began)
        print(f"100 changes of a gallery, known in another process's place after: {quantiles(took)}")
        place.close()


def gallery_of(store: DatabaseStore) -> GalleryStore:
    """Its people."""
    return GalleryStore(store.gallery("people", "m", "a", DIMENSION), "m", "a", DIMENSION)


def templates(count: int = 100_000) -> None:
    """A large gallery."""
    with running() as server, tempfile.TemporaryDirectory() as folder:
        place = Place(server, Path(folder))
        rows = np.random.default_rng(1).normal(size=(count, DIMENSION)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        here = gallery_of(place.open("a"))
        began = time.perf_counter()
        here.update(
            lambda g: g.add([Template(f"20261120T080000-{n:012x}", f"E{n // 5}", 0.9) for n in range(count)], rows)
        )
        print(f"{count} templates written in {time.perf_counter() - began:.1f} s")
        del here
        store = place.open("b")
        there = gallery_of(store)
        before, began = memory_mb(), time.perf_counter()
        gallery = there.current()
        print(f"loaded in {time.perf_counter() - began:.1f} s, {memory_mb() - before:.0f} MB more")
        gallery.search(rows[:1])
        print(f"searched once: {memory_mb() - before:.0f} MB more")
        other = gallery_of(place.open("c"))
        other.update(lambda g: g.remove("E7"))
        began = time.perf_counter()
        while len(there.current().templates) == count:
            time.sleep(0.001)
        print(f"one person forgotten elsewhere: gone after {time.perf_counter() - began:.2f} s")
        print(place.ask("SELECT pg_size_pretty(pg_total_relation_size('muster.templates'))")[0][0], "in the database")
        place.close()


def drain(count: int = 20_000) -> None:
    """A spool of a long outage."""
    with running() as server, tempfile.TemporaryDirectory() as folder:
        place = Place(server, Path(folder))
        store = place.open("gate")
        store._stopping.set()
        AttendanceBook(place.folder, UTC_ZONE, EventsConfig(), logs=store.logs)  # type: ignore[arg-type]
        day = datetime(2026, 11, 20, tzinfo=UTC).date()
        began = time.perf_counter()
        for number in range(0, count, 10):
            entries = [
                Entry(f"e{n}", {"event_id": f"e{n}", "employee_id": f"E{n}", "event": "punch"})
                for n in range(number, number + 10)
            ]
            store.spool.put("attendance", day, entries)
        put = time.perf_counter() - began
        size = (place.folder / "gate" / "spool" / "waiting-attendance.csv").stat().st_size
        began = time.perf_counter()
        assert store.drain() == count
        took = time.perf_counter() - began
        print(
            f"{count} rows spooled, ten at a time, at {count / put:.0f}/s ({size / count:.0f} bytes each), drained at {count / took:.0f}/s"
        )
        place.close()


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["rush", "notices", "templates", "drain"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--folders", nargs="*", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == ["crew"]:
        crew(options.folders, options.seconds)
        return
    print(f"{os.cpu_count()} cores")
    for what in options.what:
        if what == "rush":
            rush(10, 1, options.seconds)
            rush(100, 10, options.seconds)
        else:
            {"notices": notices, "templates": templates, "drain": drain}[what]()


if __name__ == "__main__":
    main()
