"""A whole site under `muster serve`, with cameras of its own, and what tests ask of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from browser import free_port
from waiting import until

from engine.incidents import IncidentKind
from engine.operations.reach import own_client
from engine.operations.recording import recorded
from engine.operations.standing import PartStanding, standing
from engine.workbench import Workbench

__all__ = ["RunningSite", "serving", "write_cameras"]

_MAIN = "from engine.cli import main; main()"


def write_cameras(workspace: Path, cameras: Mapping[str, str], more: str = "") -> None:
    """Write the settings: cameras by name with their addresses."""
    tables = "".join(f'[cameras."{name}"]\nsource = "{address}"\n' for name, address in cameras.items())
    (workspace / "muster.toml").write_text(f"{more}\n{tables}", encoding="utf-8")


@dataclass
class RunningSite:
    """A site that is served.

    Attributes:
        port, kiosk_port: on 127.0.0.1. told: the file that its standard error goes to. scheme: http or https.
    """

    process: subprocess.Popen[bytes]
    workspace: Path
    port: int
    kiosk_port: int
    told: Path
    scheme: str = "http"

    def parts(self) -> Mapping[str, PartStanding]:
        """How the parts stand."""
        found = standing(self.workspace)
        return found.parts if found else {}

    def pid(self, part: str) -> int:
        """The process of a part, once it is known."""
        until(lambda: (now := self.parts().get(part)) is not None and now.pid != 0)
        return self.parts()[part].pid

    def playing(self, *cameras: str) -> bool:
        """Whether all these cameras are recorded."""
        found = [recorded(self.workspace, name) for name in cameras]
        return all(each is not None and each.state == "playing" for each in found)

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and content of /readyz; (0, {}) without an answer."""
        unproven = urllib.request.HTTPSHandler(context=own_client())
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), unproven)
        try:
            with direct.open(f"{self.scheme}://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except (OSError, ValueError):
            return 0, {}

    def kill(self, part: str) -> None:
        """Kill a part, as the system does that is short of memory."""
        os.kill(self.pid(part), signal.SIGKILL)

    def back(self, part: str, before: int, cameras: Sequence[str] = (), seconds: float = 90.0) -> float:
        """Wait until a part runs in another process and everything is ready; return how long that took."""
        began = time.monotonic()
        until(
            lambda: (
                (now := self.parts().get(part)) is not None
                and now.pid not in {0, before}
                and self.playing(*cameras)
                and self.ready()[0] == 200
            ),
            seconds,
            every_s=0.1,
        )
        return time.monotonic() - began

    def reload(self) -> None:
        """Have the settings read again."""
        self.process.send_signal(signal.SIGHUP)

    def processes(self) -> list[psutil.Process]:
        """The whole tree."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def punches(self) -> Counter[tuple[str, str]]:
        """How often each person was punched at each camera."""
        bench = Workbench(self.workspace)
        log = bench.attendance.log
        rows = [row for day in log.days() for row in log.read(day)]
        return Counter((row.camera, row.employee_id) for row in rows if row.event == "punch")

    def ended_parts(self) -> list[str]:
        """Details of the incidents about parts."""
        log = Workbench(self.workspace).incidents.log
        rows = [row for day in log.days() for row in log.read(day)]
        return [row.detail for row in rows if row.kind is IncidentKind.PART_LOST]


@contextlib.contextmanager
def serving(workspace: Path, *options: str, seconds: float = 120.0) -> Iterator[RunningSite]:
    """Serve a site until the block ends, then end it and check that nothing remains."""
    port, kiosk_port, told = free_port(), free_port(), workspace / "serve.err"
    command = ["serve", "--workspace", str(workspace), "--port", str(port), "--kiosk-port", str(kiosk_port), *options]
    with told.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, *command],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    site = RunningSite(process, workspace, port, kiosk_port, told, "https" if "--tls" in options else "http")
    try:
        # asked too often, the server answers instead of starting
        until(lambda: process.poll() is not None or site.ready()[0] == 200, seconds, every_s=0.2)
        assert process.poll() is None, told.read_text()
        yield site
    finally:
        left = site.processes() if process.poll() is None else []
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(40)
        process.kill()
        process.wait()
    _, remaining = psutil.wait_procs(left, 10)
    for each in remaining:
        each.kill()
    assert not remaining, remaining
