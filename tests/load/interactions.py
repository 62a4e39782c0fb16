# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""How fast the pages answer: `python tests/load/interactions.py WORKSPACE...`, from the project's folder, on a quiet machine.

Serves copies of the workspaces, opens a session in Chromium and prints for each step the seconds from the click, or the key, to the painted
page: the first time, and the median of the following ones. `!` marks a step over its goal. Without a workspace it makes a company of
200 people.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from accessibility import GO, settled
from browser import camera_browser, serve, sign_in
from playwright.sync_api import Page

from app.views import PAGES
from engine.demo.sample import fill, prepare_sample
from engine.workbench import Workbench

GOALS = {"navigation": 0.8, "filter": 0.6, "key": 0.3, "chart": 1.5}
ROUNDS = 3
_PAINTED = """before => document.documentElement.dataset.run !== before
  && !document.querySelector('[data-testid=stApp]:not([data-test-script-state=notRunning]), [data-testid=stSkeleton], [data-stale=true]')
  && document.querySelector('[data-testid=stMain] :is(h1, h2, h3)')"""
_DRAWN = "() => document.querySelector('.js-plotly-plot .main-svg .xtick, .js-plotly-plot .main-svg .ytick')"


def painted(page: Page, act: Callable[[], object], also: str = "") -> float:
    """Seconds from an act to the painted page; `also`: what must stand there, too."""
    before = page.evaluate("document.documentElement.dataset.run")
    began = time.perf_counter()
    act()
    page.wait_for_function(_PAINTED, arg=before, polling="raf")
    if also:
        page.wait_for_function(also, polling="raf")
    return time.perf_counter() - began


def steps(page: Page, base: str, workspace: Path) -> list[tuple[str, str, Callable[[], float]]]:
    """Kind, name and what to do for each step."""
    bench = Workbench(workspace)
    today = bench.attendance.day_of(bench.clock())
    people = len(bench.people.known())
    full = (day for day in reversed(bench.attendance.log.days()) if len(bench.attendance.log.read(day)) > people)
    last = next(full, today)
    month = f"from={last - timedelta(days=27)}&to={last}"
    departments = sorted({each.department for each in bench.people.known().values() if each.department})
    department = departments[0] if departments else ""
    person = next(iter(bench.people.known()))

    def go(path: str, also: str = "") -> float:
        return painted(page, lambda: page.evaluate(GO, base + path), also)

    def after(path: str, act: Callable[[], object], also: str = "") -> float:
        go(path)
        return painted(page, act, also)

    def to(path: str) -> Callable[[], object]:
        return lambda: page.evaluate(GO, base + path)

    found: list[tuple[str, str, Callable[[], float]]] = []

    def visit(name: str) -> Callable[[], float]:
        return lambda: after("/account" if name != "account" else "/system", to(f"/{name}"))

    found += [("navigation", each.path, visit(each.path)) for each in PAGES]
    day = f"/attendance?from={last}"
    found += [
        ("navigation", "a person's month", lambda: after(day, to(f"/attendance?person={person}&day={last}"))),
        ("filter", "attendance: department", lambda: after(day, to(f"{day}&department={department}"))),
        ("filter", "attendance: a figure's rows", lambda: after(day, to(f"{day}&show=present"))),
        ("filter", "attendance: four weeks", lambda: after(day, to(f"/attendance?{month}"))),
        (
            "filter",
            "month: department",
            lambda: after(f"/month?{month}", to(f"/month?{month}&department={department}")),
        ),
        ("filter", "alerts: severity", lambda: after("/alerts?state=any", to("/alerts?state=any&severity=high"))),
        ("filter", "people: find", lambda: after("/people", to("/people?find=a"))),
        ("chart", "attendance: presence", lambda: after(day, to(f"{day}&view=charts"), _DRAWN)),
        (
            "chart",
            "attendance: arrivals of four weeks",
            lambda: after(day, to(f"/attendance?{month}&view=charts&chart=arrivals"), _DRAWN),
        ),
    ]
    if len(bench.gallery.current()):
        found.append(("chart", "tuning", lambda: after("/account", to("/tuning"), _DRAWN)))
    order = [each.row.incident_id for each in reversed(bench.alerts.all())]
    if len(order) > ROUNDS + 2:
        found.append(
            (
                "key",
                "alerts: next",
                lambda: after(f"/alerts?incident={order[0]}&state=any", lambda: page.keyboard.press("n")),
            )
        )
    return found


def measure(workspace: Path) -> None:
    """Print the table of a workspace."""
    with serve(workspace) as site, camera_browser() as browser:
        page = sign_in(browser, site, "admin", "/account")
        settled(page)
        page.wait_for_function("() => document.documentElement.dataset.run")
        print(f"| {workspace.name} | goal, s | first, s | again, s |\n| --- | ---: | ---: | ---: |")
        for kind, name, act in steps(page, site.base, workspace):
            times = [act() for _ in range(ROUNDS)]
            again = statistics.median(times[1:])
            mark = " !" if again > GOALS[kind] else ""
            print(f"| {kind}: {name} | {GOALS[kind]:.1f} | {times[0]:.2f} | {again:.2f}{mark} |", flush=True)


def main() -> None:
    """Run it."""
    with tempfile.TemporaryDirectory() as folder:
        given = [Path(text) for text in sys.argv[1:]]
        if not given:
            company = Path(folder) / "company-of-200"
            prepare_sample(company)
            bench = Workbench(company)
            fill(bench, 200, 60, bench.attendance.day_of(bench.clock() - timedelta(days=1)))
            measure(company)
        for workspace in given:
            measure(Path(shutil.copytree(workspace, Path(folder) / workspace.name)))


if __name__ == "__main__":
    main()
