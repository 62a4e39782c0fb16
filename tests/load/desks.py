# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""How fast two people work through a day: `python tests/load/desks.py`, from the project's folder, on a quiet machine.

A security lead decides 30 alerts, and HR settles 20 open days, both in Chromium by key alone. Each looks at what is shown before pressing:
`--alert-look` and `--day-look` seconds for each one (1 and 2.5), after the page has been painted. Prints the whole time, and from key to
painted page the median and the longest.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from alert_year import year
from browser import Site, camera_browser, serve, sign_in
from playwright.sync_api import Browser, Page

from engine.demo.sample import fill, prepare_sample
from engine.workbench import Workbench

ALERTS, DAYS = 30, 20
CHANGED = """([before, where]) => {
  const found = document.querySelector(where);
  return found && found.textContent !== before && document.querySelector("[data-stale=true]") === null;
}"""


class Desk:
    """Somebody at a keyboard."""

    def __init__(self, page: Page, where: str, look_s: float) -> None:
        """`where`: what names the thing that is decided; `look_s`: how long they look at it."""
        self._page, self._where, self._look_s = page, where, look_s
        self.painted_s: list[float] = []

    @property
    def shown(self) -> str:
        """What is being decided."""
        return self._page.locator(self._where).first.text_content() or ""

    def decide(self, key: str) -> None:
        """Look, press a key, and wait until the next one is painted."""
        before = self.shown
        self._page.wait_for_timeout(1000 * self._look_s)
        began = time.perf_counter()
        self._page.keyboard.press(key)
        self._page.wait_for_function(CHANGED, arg=[before, self._where], polling="raf", timeout=30_000)
        self.painted_s.append(time.perf_counter() - began)


def alerts(browser: Browser, site: Site, look_s: float) -> tuple[float, list[float]]:
    """Decide 30 alerts; the first look begins when the list is there."""
    page = sign_in(browser, site, "security", "/alerts?state=open")
    page.locator(".m-tile a").first.wait_for()
    began = time.perf_counter()
    page.locator(".m-tile a").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Acknowledge").wait_for()
    desk = Desk(page, "h1", look_s)
    for number in range(ALERTS):
        desk.decide("ASF"[number % 3])
    return time.perf_counter() - began, desk.painted_s


def days(browser: Browser, site: Site, look_s: float) -> tuple[float, list[float]]:
    """Settle 20 days; the reason is chosen once."""
    last = site.today - timedelta(days=1)
    address = f"/attendance?from={last - timedelta(days=27)}&to={last}"
    page = sign_in(browser, site, "hr", address)
    begin = page.get_by_role("button", name="Settle ")
    begin.wait_for()
    began = time.perf_counter()
    begin.focus()
    page.keyboard.press("Enter")
    page.locator("button", has_text="Told by the person").wait_for()
    page.locator("button", has_text="Told by the person").focus()
    page.keyboard.press("Enter")
    page.locator("button:enabled", has_text="Sick").wait_for()
    desk = Desk(page, ".a-tally", look_s)
    for number in range(DAYS):
        offered = [key for key in "DATLK" if page.locator(f"[class*='-{key}'] button:enabled").count()]
        desk.decide("S" if not offered else offered[number % len(offered)])
    return time.perf_counter() - began, desk.painted_s


def main() -> None:
    """Print both figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--alert-look", type=float, default=1.0)
    options.add_argument("--day-look", type=float, default=2.5)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        workspace, now = Path(place), datetime.now(UTC)
        prepare_sample(workspace)
        bench = Workbench(workspace)
        fill(bench, 24, 60, now.date() - timedelta(days=1))
        year(bench, now, days=3, a_day=20)
        work: dict[str, tuple[Callable[[Browser, Site, float], tuple[float, list[float]]], int, float]] = {
            "alerts": (alerts, ALERTS, asked.alert_look),
            "days": (days, DAYS, asked.day_look),
        }
        with serve(workspace) as site, camera_browser() as browser:
            for name, (run, count, look_s) in work.items():
                whole, painted = run(browser, site, look_s)
                print(
                    f"{count} {name}: {whole:.1f} s, of which {count * look_s:.0f} s looking; key to painted page: "
                    f"median {statistics.median(painted):.2f} s, longest {max(painted):.2f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
