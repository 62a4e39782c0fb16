"""A running workbench and a real browser before it, with a video file for a camera."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from served import answers, up

from engine.access import MANAGER, ROLES
from engine.workbench import Workbench

__all__ = [
    "CHROMIUM",
    "Served",
    "Site",
    "camera_browser",
    "free_port",
    "needs_chromium",
    "serve",
    "sign_in",
    "start_camera",
]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


@dataclass(frozen=True)
class Served:
    """A server's process.

    Attributes:
        pid: its number.
    """

    pid: int

    @property
    def threads(self) -> int:
        """Of the server's process."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/task").iterdir())

    @property
    def memory_mb(self) -> float:
        """Resident memory of the server's process."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    @property
    def cpu_s(self) -> float:
        """Processor seconds that the server's process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Site(Served):
    """A workbench that is served.

    Attributes:
        base: its address. workspace: its folder. Accounts are called like their roles.
    """

    base: str
    workspace: Path

    @staticmethod
    def password(role: str) -> str:
        """Of the account of a role."""
        return f"password of {role}"

    @property
    def today(self) -> date:
        """The workplace's day."""
        bench = Workbench(self.workspace)
        return bench.attendance.day_of(bench.clock())


def free_port() -> int:
    """A TCP port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serve(
    workspace: Path, *, port: int | None = None, words: Sequence[str] = (), base: str = "", **environment: str
) -> Iterator[Site]:
    """Serve a workspace as `muster app` does, with an account for each role.

    Args:
        words: further arguments of the server's process.
        base: where browsers find it; default: the server itself.
    """
    accounts = Workbench(workspace).accounts
    for role in ROLES:
        if role not in accounts.all():
            own = ("Production",) if role == MANAGER else ()
            accounts.add(role, role, Site.password(role), language="en", departments=own)
    port = port or free_port()
    told = (workspace / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "app", str(workspace), "127.0.0.1", str(port), *words],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "MALLOC_ARENA_MAX": "2", **environment},
        stdout=told,
        stderr=subprocess.STDOUT,
    )
    own = f"http{'s' if '--tls' in words else ''}://127.0.0.1:{port}"
    with told, up(process, lambda: answers(f"{own}/healthz"), workspace / "server.log"):
        yield Site(process.pid, base or own, workspace)


@contextlib.contextmanager
def camera_browser(clip: Path | None = None, *more: str) -> Iterator[Browser]:
    """Chromium, whose camera shows a clip (.y4m) again and again; `more`: switches."""
    flags = [*_FLAGS, *more, *([f"--use-file-for-fake-video-capture={clip}"] if clip else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(browser: Browser, site: Site, role: str, path: str = "/", **context: object) -> Page:
    """A page of a new visitor who signs in as a role."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, **context).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(60_000)
    page.goto(site.base + path)
    page.fill("input[name=name]", role)
    page.fill("input[name=password]", site.password(role))
    page.click("button")
    page.wait_for_selector("[data-testid=stMain]")
    return page


def start_camera(page: Page) -> None:
    """Press the button inside the camera's frame."""
    page.frame_locator("iframe").first.get_by_role("button", name="Start camera").click()
