# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""How fast pages are with a large workspace: `python tests/load/pages.py [PEOPLE] [DAYS]`, from the project's folder.

Generates people, punches and incidents, serves them, opens every page in Chromium and prints the seconds from the request to the page being
drawn: a first time (files are read) and again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from browser import camera_browser, serve, sign_in
from playwright.sync_api import Page

from engine.config import load_config
from engine.demo.sample import fill, prepare_sample
from engine.workbench import Workbench


def paths(bench: Workbench) -> list[str]:
    """Addresses to open: every page, and what is heavy on it."""
    day = bench.attendance.day_of(bench.clock()) - timedelta(days=1)
    month = f"from={day - timedelta(days=30)}&to={day}"
    names = [
        "presence",
        "arrivals",
        "delays",
        "departments",
        "hours",
        "balance",
        "overtime",
        "absence",
        "people",
        "trend",
    ]
    charts = [f"/attendance?{month}&view=charts&chart={name}" for name in names]
    person = next(iter(bench.people.known()))
    return [
        "/",
        "/attendance",
        f"/attendance?from={day}",
        f"/attendance?{month}",
        *charts,
        f"/attendance?person={person}",
        "/alerts",
        "/alerts?view=strangers",
        "/people",
        f"/people?person={person}",
        "/registration",
        "/system",
    ]


def drawn(page: Page, address: str) -> float:
    """Seconds until a page stands."""
    began = time.monotonic()
    page.goto(address)
    page.wait_for_selector("[data-testid=stMain] :is(h1, h2, h3)")
    page.wait_for_function(
        "!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true]')"
    )
    return time.monotonic() - began


def main() -> None:
    """Run it."""
    people, days = (int(text) for text in (*sys.argv[1:], "200", "260")[:2])
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        prepare_sample(workspace)
        bench = Workbench(workspace, load_config(workspace))
        began = time.monotonic()
        fill(bench, people, days, bench.attendance.day_of(bench.clock() - timedelta(days=1)))
        print(f"{people} people × {days} days made in {time.monotonic() - began:.0f} s")
        with serve(workspace) as site, camera_browser() as browser:
            page = sign_in(browser, site, "admin")
            for path in paths(bench):
                times = [drawn(page, site.base + path) for _ in range(3)]
                print(f"{path:64s} first {times[0]:.2f} s, again {min(times[1:]):.2f} s", flush=True)


if __name__ == "__main__":
    main()
