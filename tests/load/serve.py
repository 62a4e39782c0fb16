# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Whether a site under `muster serve` loses or doubles anything while its parts are killed, its cameras pulled and its settings reloaded.

`python tests/load/serve.py [--kills 20] [--pulls 20] [--reloads 50]` prints figures. People pass between the faults: each passage is of
another person than the one before, and each must be punched exactly once.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from http_camera import HttpCamera, swaying
from site_run import RunningSite, serving, write_cameras
from waiting import until

from engine.imaging import list_images, read_image
from engine.models import fetch_samples
from engine.operations.recording import recorded
from engine.workbench import Workbench

PEOPLE = ("ben_afflek", "elton_john", "jerry_seinfeld", "mindy_kaling")
CAMERAS = ("north", "south")


class Passages:
    """People who pass, and how often each should have been punched."""

    def __init__(self, site: RunningSite, cameras: dict[str, HttpCamera]) -> None:
        samples = fetch_samples()
        self._site, self._cameras = site, cameras
        self._pictures = {name: swaying([read_image(list_images(samples / "val" / name)[0])]) for name in PEOPLE}
        self._empty = swaying([])
        self._who = itertools.cycle(itertools.product(PEOPLE, CAMERAS))
        self.expected = dict.fromkeys(itertools.product(CAMERAS, PEOPLE), 0)
        self._last: dict[str, float] = {}

    def one(self, cool_down_s: float) -> None:
        """Let somebody pass."""
        person, camera = next(self._who)
        time.sleep(max(0.0, self._last.get(person, 0.0) + cool_down_s + 1.0 - time.monotonic()))
        self.expected[camera, person] += 1
        self._cameras[camera].pictures = self._pictures[person]
        wanted = self.expected[camera, person]
        until(lambda: self._site.punches()[camera, person] >= wanted, 30)
        self._cameras[camera].pictures = self._empty
        self._last[person] = time.monotonic()
        time.sleep(1.5)

    def missing_and_doubled(self) -> tuple[int, int]:
        """How many punches are missing, and how many are too many."""
        found = self._site.punches()
        differences = [found[key] - count for key, count in self.expected.items()]
        return -sum(min(0, each) for each in differences), sum(max(0, each) for each in differences)


def _told(what: str, seconds: list[float]) -> None:
    if seconds:
        print(
            f"{what}: {len(seconds)} times, back after {statistics.median(seconds):.1f} s, at most {max(seconds):.1f} s",
            flush=True,
        )


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser()
    for name, count in (("kills", 20), ("pulls", 20), ("reloads", 50)):
        options.add_argument(f"--{name}", type=int, default=count)
    given = options.parse_args()
    cool_down_s = 2.0
    with tempfile.TemporaryDirectory() as folder, HttpCamera(swaying([]), fps=10) as spare:
        workspace, samples = Path(folder, "site"), fetch_samples()
        bench = Workbench(workspace)
        for person in PEOPLE:
            bench.registrar.enrol_photos(person, person, list_images(samples / "train" / person)[:4], author="load")
        cameras = {name: HttpCamera(swaying([]), fps=10) for name in CAMERAS}
        more = f"[events]\ncool_down_s = {cool_down_s}\nunknown = false\ntailgating = false\n[attendance]\n"
        for each in cameras.values():
            each.__enter__()
        addresses = {name: each.address for name, each in cameras.items()}
        write_cameras(workspace, addresses, more)
        began = time.monotonic()
        try:
            with serving(workspace) as site:
                print(f"everything runs after {time.monotonic() - began:.1f} s", flush=True)
                passages = Passages(site, cameras)
                passages.one(cool_down_s)
                for part in site.parts():
                    _told(f"{part} killed", list(_killed(site, part, given.kills, lambda: passages.one(cool_down_s))))
                for name in CAMERAS:
                    back = []
                    for _ in range(given.pulls):
                        port = cameras[name].port
                        cameras[name].__exit__()
                        until(lambda name=name: not site.playing(name), 30)
                        cameras[name] = HttpCamera(swaying([]), port=port, fps=10)
                        passages._cameras = cameras
                        cameras[name].__enter__()
                        again = time.monotonic()
                        until(lambda name=name: site.playing(name), 60)
                        back.append(time.monotonic() - again)
                    passages.one(cool_down_s)
                    _told(f"camera {name} pulled", back)
                pid, back = site.parts()["recorder"].pid, []
                for index in range(given.reloads):
                    extra = {"spare": spare.address} if index % 2 == 0 else {}
                    write_cameras(workspace, {**addresses, **extra}, more)
                    again = time.monotonic()
                    site.reload()
                    until(
                        lambda extra=extra: site.playing("spare") if extra else recorded(workspace, "spare") is None, 60
                    )
                    back.append(time.monotonic() - again)
                    if index % 10 == 9:
                        passages.one(cool_down_s)
                _told("settings reloaded", back)
                assert site.parts()["recorder"].pid == pid
                missing, doubled = passages.missing_and_doubled()
                print(f"{sum(passages.expected.values())} passages: {missing} punches missing, {doubled} doubled")
                print(f"incidents about parts: {site.ended_parts()}")
                print(f"log: {Workbench(workspace).records.verify() or 'sealed and whole'}")
        finally:
            for each in cameras.values():
                each.__exit__()


def _killed(site: RunningSite, part: str, times: int, between: Callable[[], object]) -> Iterator[float]:
    for index in range(times):
        before = site.parts()[part].pid
        site.kill(part)
        yield site.back(part, before, CAMERAS)
        if index % 4 == 0:
            between()


if __name__ == "__main__":
    main()
