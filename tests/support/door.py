"""A kiosk that is served, as `muster kiosk` does, and what devices ask of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from browser import Served, free_port
from served import up

from engine.access.devices import SCOPES
from engine.operations.memory import ENVIRONMENT
from engine.workbench import Workbench

__all__ = ["Door", "serve_kiosk"]


@dataclass(frozen=True)
class Door(Served):
    """A kiosk that is served.

    Attributes:
        port: on 127.0.0.1. workspace: its folder. token: of a device that may do everything.
    """

    port: int
    workspace: Path
    token: str

    @property
    def link(self) -> str:
        """Pairs a screen, once."""
        bench = Workbench(self.workspace)
        name = f"screen {len(bench.devices.all())}"
        return f"http://127.0.0.1:{self.port}/?pair={bench.kiosk.invite(name, list(SCOPES), author='tests')[1]}"

    def get(self, path: str, timeout: float = 10.0, token: str | None = None) -> tuple[int, bytes]:
        """Status and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token or self.token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        """What /api/status says."""
        found: dict[str, Any] = json.loads(self.get("/api/status")[1])
        return found

    def wait_for(self, state: str, seconds: float) -> float:
        """Until the camera is in a state; the seconds that it took.

        Raises:
            AssertionError: it is not, after that time.
        """
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            with contextlib.suppress(OSError):
                if self.status()["camera"]["state"] == state:
                    return time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(f"the camera is not {state} after {seconds} s: {self.status()}")

    def events(self, seconds: float, last_id: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
        """Kind, data and id of what is told in a time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers = {"Authorization": f"Bearer {self.token}", **({"Last-Event-ID": last_id} if last_id else {})}
        try:
            connection.request("GET", "/events", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200
            deadline, fields = time.monotonic() + seconds, dict[str, str]()
            while time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    line = answer.readline().decode().rstrip("\n")
                    if not line and "data" in fields:
                        yield fields["event"], json.loads(fields["data"]), fields.get("id", "")
                        fields = {}
                    elif ": " in line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
        finally:
            connection.close()

    @property
    def children(self) -> list[int]:
        """Processes that the kiosk started: those that read cameras. The resource tracker of Python is not one."""
        return [each.pid for server in _servers(psutil.Process(self.pid)) for each in server.children()]


def _servers(process: psutil.Process) -> list[psutil.Process]:
    """The processes that fork readers of cameras for another one."""
    return [each for each in process.children() if "forkserver" in " ".join(each.cmdline())]


@contextlib.contextmanager
def serve_kiosk(
    workspace: Path, camera: str, source: str, *, words: Sequence[str] = (), **environment: str
) -> Iterator[Door]:
    """Serve a kiosk, with a device that may do everything; `words`: further arguments of its process."""
    bench = Workbench(workspace)
    _, token = bench.kiosk.pair("tests", list(SCOPES), author="tests", replace=True)
    port = free_port()
    told = (workspace / "kiosk.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "app.kiosk", str(workspace), camera, source, "127.0.0.1", str(port), *words],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **ENVIRONMENT, **environment},
        stdout=told,
        stderr=subprocess.STDOUT,
    )
    door = Door(process.pid, port, workspace, token)
    with told, up(process, lambda: door.get("/healthz")[0] == 200, workspace / "kiosk.log"):
        yield door
