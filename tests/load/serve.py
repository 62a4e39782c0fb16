# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Whether a site under `muster serve` loses or doubles anything while its parts are killed, its cameras pulled and its settings reloaded.

`python tests/load/serve.py [--kills 20] [--pulls 20] [--reloads 50] [--minutes 20]` prints figures. People pass between the faults: each
passage is of another person than the one before, and each must be punched exactly once. The kinds of faults take turns; when the time is
over, no more are begun.
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

from engine.imaging import list_images, read_image
from engine.models import fetch_samples
from engine.operations.recording import recorded
from engine.workbench import Workbench

PEOPLE = ("ben_afflek", "elton_john", "jerry_seinfeld", "mindy_kaling")
CAMERAS = ("north", "south")
RULES = "[events]\ncool_down_s = {cool_down_s}\nunknown = false\ntailgating = false\n"
COOL_DOWN_S = 2.0
_LIMIT_S = 120.0
_STEP_S, _FROZEN_S = 0.05, 1.0


def took(what: Callable[[], object], limit_s: float = _LIMIT_S) -> float:
    """Wait until something is so; return how long that took, without the time in which this process itself was halted."""
    waited, before = 0.0, time.monotonic()
    while not what():
        assert waited < limit_s, f"not so after {limit_s:g} s"
        time.sleep(_STEP_S)
        now = time.monotonic()
        waited += now - before if now - before < _FROZEN_S else _STEP_S
        before = now
    return waited


class Passages:
    """People who pass, and how often each should have been punched."""

    def __init__(self, site: RunningSite, cameras: dict[str, HttpCamera]) -> None:
        samples = fetch_samples()
        self._site, self._cameras = site, cameras
        self._pictures = {name: swaying([read_image(list_images(samples / "val" / name)[0])]) for name in PEOPLE}
        self.empty = swaying([])
        self._who = itertools.cycle(itertools.product(PEOPLE, CAMERAS))
        self.expected = dict.fromkeys(itertools.product(CAMERAS, PEOPLE), 0)
        self._last: dict[str, float] = {}

    def one(self) -> None:
        """Let somebody pass."""
        person, camera = next(self._who)
        time.sleep(max(0.0, self._last.get(person, 0.0) + COOL_DOWN_S + 1.0 - time.monotonic()))
        self.expected[camera, person] += 1
        self._cameras[camera].pictures = self._pictures[person]
        wanted = self.expected[camera, person]
        took(lambda: self._site.punches()[camera, person] >= wanted)
        self._cameras[camera].pictures = self.empty
        self._last[person] = time.monotonic()
        time.sleep(1.5)

    def missing_and_doubled(self) -> tuple[int, int]:
        """How many punches are missing, and how many are too many."""
        found = self._site.punches()
        differences = [found[key] - count for key, count in self.expected.items()]
        return -sum(min(0, each) for each in differences), sum(max(0, each) for each in differences)


class Faults:
    """What happens to a site; each yields once per fault how long it took until everything was back, seconds."""

    def __init__(
        self, site: RunningSite, cameras: dict[str, HttpCamera], passages: Passages, spare: HttpCamera
    ) -> None:
        self._site, self._cameras, self._passages, self._spare = site, cameras, passages, spare

    def kill(self, part: str) -> Iterator[float]:
        """A part is killed, as the system does that is short of memory."""
        while True:
            before = self._site.pid(part)
            self._site.kill(part)
            yield took(lambda before=before: self._back(part, before))  # type: ignore[misc]

    def _back(self, part: str, before: int) -> bool:
        now = self._site.parts().get(part)
        back = now is not None and now.pid not in {0, before}
        return back and self._site.playing(*CAMERAS) and self._site.ready()[0] == 200

    def pull(self, name: str) -> Iterator[float]:
        """A camera goes away, and is there again once that was noticed."""
        while True:
            port = self._cameras[name].port
            self._cameras[name].__exit__()
            took(lambda: not self._site.playing(name))
            self._cameras[name] = HttpCamera(self._passages.empty, port=port, fps=10).__enter__()
            yield took(lambda: self._site.playing(name))

    def reload(self) -> Iterator[float]:
        """A camera is added to the settings, or taken out of them, while the others go on."""
        addresses, pid = {name: each.address for name, each in self._cameras.items()}, self._site.pid("recorder")
        there = self._spare.address
        for more in itertools.cycle(({"spare": there}, {})):
            since = {name: _since(self._site, name) for name in CAMERAS}
            again = self._site.pid("recorder") != pid
            write_cameras(self._site.workspace, {**addresses, **more}, RULES.format(cool_down_s=COOL_DOWN_S))
            self._site.reload()
            seconds = took(lambda more=more: self._followed(bool(more)))  # type: ignore[misc]
            assert again or since == {name: _since(self._site, name) for name in CAMERAS}, (
                "another camera was disturbed"
            )
            pid = self._site.pid("recorder")
            yield seconds

    def _followed(self, there: bool) -> bool:
        spare = self._site.playing("spare") if there else recorded(self._site.workspace, "spare") is None
        return spare and self._site.ready()[0] == 200


def _since(site: RunningSite, camera: str) -> str:
    found = recorded(site.workspace, camera)
    return found.since if found else ""


def _told(what: str, wanted: int, seconds: list[float]) -> None:
    if wanted:
        median, longest = (statistics.median(seconds), max(seconds)) if seconds else (0.0, 0.0)
        print(
            f"{what}: {len(seconds)} of {wanted} times, back after {median:.1f} s, at most {longest:.1f} s", flush=True
        )


def run(site: RunningSite, cameras: dict[str, HttpCamera], spare: HttpCamera, given: argparse.Namespace) -> None:
    """All faults, in turns, with passages between them."""
    until = time.monotonic() + given.minutes * 60
    passages = Passages(site, cameras)
    passages.one()
    faults = Faults(site, cameras, passages, spare)
    kinds: dict[str, tuple[int, Iterator[float]]] = {
        **{f"{part} killed": (given.kills, faults.kill(part)) for part in site.parts()},
        **{f"camera {name} pulled": (given.pulls, faults.pull(name)) for name in CAMERAS},
        "settings reloaded": (given.reloads, faults.reload()),
    }
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    done = 0
    while due := [kind for kind, (wanted, _) in kinds.items() if len(seconds[kind]) < wanted]:
        if time.monotonic() > until:
            break
        # the one that lags behind its share most
        kind = min(due, key=lambda each: (len(seconds[each]) + 1) / kinds[each][0])
        seconds[kind].append(next(kinds[kind][1]))
        done += 1
        if done % 5 == 0:
            passages.one()
    passages.one()
    for kind, (wanted, _) in kinds.items():
        _told(kind, wanted, seconds[kind])
    missing, doubled = passages.missing_and_doubled()
    print(f"{sum(passages.expected.values())} passages: {missing} punches missing, {doubled} doubled")
    print(f"incidents about parts: {site.ended_parts()}")


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, count in (("kills", 20), ("pulls", 20), ("reloads", 50)):
        options.add_argument(f"--{name}", type=int, default=count)
    options.add_argument("--minutes", type=float, default=20.0, help="when these are over, no more faults are begun")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, HttpCamera(swaying([]), fps=10) as spare:
        workspace, samples = Path(folder, "site"), fetch_samples()
        bench = Workbench(workspace)
        for person in PEOPLE:
            bench.registrar.enrol_photos(person, person, list_images(samples / "train" / person)[:4], author="load")
        cameras = {name: HttpCamera(swaying([]), fps=10).__enter__() for name in CAMERAS}
        write_cameras(
            workspace, {name: each.address for name, each in cameras.items()}, RULES.format(cool_down_s=COOL_DOWN_S)
        )
        began = time.monotonic()
        try:
            with serving(workspace) as site:
                print(f"everything runs after {time.monotonic() - began:.1f} s", flush=True)
                try:
                    run(site, cameras, spare, given)
                except BaseException:
                    print(site.told.read_text(), file=sys.stderr)
                    raise
            lines = (workspace / "serve.err").read_text()
            print(
                f"tracebacks in the log: {lines.count('Traceback')}; log: {bench.records.verify() or 'sealed and whole'}"
            )
        finally:
            for each in cameras.values():
                each.__exit__()


if __name__ == "__main__":
    main()
