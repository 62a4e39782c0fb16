"""Parts under a supervisor: started again when they end, told once, ended with it however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from waiting import until

from engine.operations.supervisor import Supervisor, WantedPart

PART = """
import os, signal, sys, time
from pathlib import Path
from app.web.parent import end_with_input
folder, name, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
(folder / f"{name}-begins").touch()
while (folder / f"{name}-waits").exists():
    time.sleep(0.01)
signal.signal(signal.SIGHUP, lambda *_: (folder / f"{name}-reloaded").touch())
end_with_input()
with (folder / name).open("a") as file:
    file.write(f"{os.getpid()}\\n")
print("hello from", name, file=sys.stderr, flush=True)
time.sleep(seconds)
"""


class Watched:
    """A supervisor and what it told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[tuple[str, str]] = []
        self.incidents: list[tuple[str, str]] = []
        self.supervisor = Supervisor(
            output=lambda name, line: self.lines.append((name, line)),
            incident=lambda name, why: self.incidents.append((name, why)),
        )

    def part(self, name: str, seconds: float = 60.0, settings: str = "", **more: object) -> WantedPart:
        command = ("part_for_tests", str(self.folder), name, str(seconds))
        return WantedPart(name, command, settings, well=lambda pid: pid in self.pids(name), **more)  # type: ignore[arg-type]

    def pids(self, name: str) -> list[int]:
        path = self.folder / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def state(self, name: str) -> str:
        self.supervisor.tick()
        return self.supervisor.standings()[name].state


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    (tmp_path / "part_for_tests.py").write_text(PART)
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), root]))
    found = Watched(tmp_path)
    yield found
    found.supervisor.close()
    assert not any(psutil.pid_exists(pid) for name in "ab" for pid in found.pids(name))


def test_a_part_that_ends_is_started_again_and_told_once(watched: Watched) -> None:
    watched.supervisor.want([watched.part("a"), watched.part("b")])
    until(lambda: watched.state("a") == watched.state("b") == "running")
    for count in (1, 2):
        os.kill(watched.pids("a")[-1], signal.SIGKILL)
        until(lambda count=count: watched.state("a") == "running" and len(watched.pids("a")) == count + 1)
    standing = watched.supervisor.standings()
    assert (standing["a"].restarts, standing["b"].restarts) == (2, 0)
    assert standing["a"].why == "ended by signal 9"
    assert watched.incidents == [("a", "ended by signal 9")]
    assert ("a", "hello from a") in watched.lines


def test_a_part_that_never_works_is_tried_less_and_less_often(watched: Watched) -> None:
    watched.supervisor.want([watched.part("a", seconds=0.0)])
    began = time.monotonic()
    until(lambda: watched.state("a") == "waiting" and watched.supervisor.standings()["a"].restarts >= 3)
    assert time.monotonic() - began > 0.5 + 1.0
    assert len(watched.incidents) == 1


def test_what_is_wanted_may_change(watched: Watched) -> None:
    watched.supervisor.want([watched.part("a", reloads=True), watched.part("b")])
    until(lambda: watched.state("a") == watched.state("b") == "running")
    (first,) = watched.pids("a")
    watched.supervisor.want([watched.part("a", reloads=True), watched.part("b", settings="others")], reload=True)
    until(lambda: watched.state("b") == "running" and len(watched.pids("b")) == 2)
    until((watched.folder / "a-reloaded").exists)
    assert watched.pids("a") == [first]
    watched.supervisor.want([watched.part("b", settings="others")])
    until(lambda: watched.supervisor.tick() is None and not psutil.pid_exists(first))
    assert set(watched.supervisor.standings()) == {"b"}
    assert watched.incidents == []


def test_a_part_that_starts_reads_settings_again_once_it_can(watched: Watched) -> None:
    (watched.folder / "a-waits").touch()
    part = watched.part("a", reloads=True)
    watched.supervisor.want([part])
    until(lambda: watched.state("a") and (watched.folder / "a-begins").exists())
    watched.supervisor.want([part], reload=True)
    assert watched.state("a") == "starting"
    (watched.folder / "a-waits").unlink()
    until(lambda: watched.state("a") == "running" and (watched.folder / "a-reloaded").exists())
    assert watched.supervisor.standings()["a"].restarts == 0


def test_a_part_that_starts_anew_with_other_settings_is_not_told_again(watched: Watched) -> None:
    watched.supervisor.want([watched.part("a", settings="1")])
    for count in (1, 2):
        until(lambda count=count: watched.state("a") == "running" and len(watched.pids("a")) == 2 * count - 1)
        os.kill(watched.pids("a")[-1], signal.SIGKILL)
        until(lambda count=count: watched.state("a") == "running" and len(watched.pids("a")) == 2 * count)
        watched.supervisor.want([watched.part("a", settings=f"{count}+")])
    assert len(watched.incidents) == 1


def test_parts_end_with_a_supervisor_that_is_killed(watched: Watched, tmp_path: Path) -> None:
    code = (
        "import time\nfrom engine.operations.supervisor import WantedPart, Supervisor\nsupervisor = Supervisor()\n"
        f"supervisor.want([WantedPart('a', ('part_for_tests', {str(tmp_path)!r}, 'a', '60'))])\n"
        "while True:\n    supervisor.tick()\n    time.sleep(0.05)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        until(lambda: bool(watched.pids("a")))
    finally:
        parent.kill()
        parent.wait()
    until(lambda: not psutil.pid_exists(watched.pids("a")[0]))
