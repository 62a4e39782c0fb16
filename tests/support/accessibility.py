# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Every page and the important dialogs under axe-core: `python tests/support/accessibility.py`, from the project's folder.

Seeds a sample workspace, serves it, opens each page in Chromium in English and German, light and dark, and prints a table of violations.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from browser import Site, camera_browser, serve, sign_in
from playwright.sync_api import Browser, Page

from engine.demo.sample import seed_sample
from engine.workbench import Workbench

__all__ = [
    "GO",
    "LANGUAGES",
    "PLACES",
    "THEMES",
    "Looked",
    "Place",
    "faults",
    "found_in",
    "grave",
    "looked",
    "settled",
    "visitor",
]

LANGUAGES = ("en", "de")
THEMES = ("light", "dark")
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_RUN = """async only => {
  const found = await axe.run(document, {resultTypes: ['violations'], runOnly: only ?? undefined});
  const told = node => `${node.target.join(' ').slice(-90)} (${(node.any[0]?.message ?? '').slice(0, 160)})`;
  return found.violations.map(each => [each.impact, each.id, each.nodes.slice(0, 4).map(told)]);
}"""
_SETTLED = """() => !document.querySelector(
  '[data-testid=stApp]:not([data-test-script-state=notRunning]), [data-testid=stSkeleton], [data-stale=true], .stSpinner')
  && document.querySelector('[data-testid=stMain] :is(h1, h2, h3)')"""
GO = "address => { history.pushState({}, '', address); window.dispatchEvent(new PopStateEvent('popstate')) }"
_RUN_OF = "document.documentElement.dataset.run"


@dataclass(frozen=True)
class Place:
    """A page, or a dialog on it.

    Attributes:
        name: in the table. address: where it is. opens: selectors to click one after the other.
    """

    name: str
    address: str
    opens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looked:
    """What axe said of a place, once.

    Attributes:
        violations: impact, rule, and where.
    """

    place: str
    theme: str
    language: str
    violations: tuple[tuple[str, str, tuple[str, ...]], ...]


def _button(key: str) -> str:
    return f".st-key-{key} button"


PLACES = (
    Place("Live", "/live"),
    Place("Attendance", "/attendance?from={friday}"),
    Place("Attendance, import", "/attendance?from={friday}", (_button("attendance-import"),)),
    Place("Attendance, open days", "/attendance?from={first}&to={friday}&view=settle"),
    Place("Attendance, charts", "/attendance?from={friday}&view=charts"),
    Place("Person", "/attendance?person=ben_afflek&day={friday}"),
    Place("Month", "/month?from={first}&to={friday}&department=Sample"),
    Place("Leave", "/leave"),
    Place("Requests", "/requests"),
    Place("Alerts", "/alerts?state=any"),
    Place("Alert", "/alerts?incident={alert}"),
    Place("Strangers", "/alerts?view=strangers"),
    Place("Dossier", "/alerts?dossier={stranger}&view=strangers"),
    Place("Search", "/search"),
    Place("Search, earlier", "/search", (_button("search-earlier"),)),
    Place("Confirm", "/confirm"),
    Place("People", "/people"),
    Place("Person's details", "/people?person=ben_afflek"),
    Place("Registration", "/registration"),
    Place("Registration, many", "/registration?many=1"),
    Place("Tuning", "/tuning?at=0.5"),
    Place("Tuning, apply", "/tuning?at=0.5", (_button("tuning-apply"),)),
    Place("Tuning, history", "/tuning?part=history"),
    Place("Settings", "/settings"),
    Place("Settings, a door", "/settings?part=cameras&entry=doors:=main"),
    Place("System", "/system"),
    Place("System, check-up", "/system?part=check"),
    Place("System, users", "/system?part=users"),
    Place("My record", "/me"),
    Place("My record, a day", "/me?day={friday}"),
    Place("Account menu", "/account", (_button("account-menu"),)),
)
"""Every page, its views, and the dialogs that people use most; braces stand for what a workspace has, see `found_in`."""

_DOOR = """
[doors.main]
action = "dry_run"
cameras = ["entrance"]
people = ["ben_afflek"]
hours = ["07:00-19:00"]
"""


def found_in(workspace: Path) -> dict[str, str]:
    """What addresses of `PLACES` name: days, an alert and a stranger of the sample."""
    with (workspace / "muster.toml").open("a") as settings:
        settings.write(_DOOR)
    bench = Workbench(workspace)
    day = bench.attendance.day_of(bench.clock())
    friday = day - timedelta(days=(day.weekday() - 4) % 7 or 7)
    alerts = bench.alerts.all()
    if not bench.requests.open():  # the queue of requests has something to decide
        passages = bench.requests.passages("ben_afflek", friday)
        bench.requests.ask_removal("ben_afflek", friday, passages[-1].event_id, reason="this is not me")
    return {
        "friday": str(friday),
        "first": str(friday - timedelta(days=11)),
        "alert": next(each.row.incident_id for each in reversed(alerts) if each.row.kind == "tailgating"),
        "stranger": bench.dossiers.dossiers([each.row for each in alerts])[0].unknown_id,
    }


def settled(page: Page) -> None:
    """Wait until the page stands."""
    page.wait_for_function(_SETTLED)


def visitor(browser: Browser, site: Site, language: str) -> Page:
    """A page of an administrator who reads a language; `looked` goes on with it, which is quicker than loading anew."""
    name, bench = f"admin-{language}", Workbench(site.workspace)
    if name not in bench.accounts.all():
        bench.accounts.add(name, "admin", site.password(name), language=language)
        bench.bindings.bind({"en": "ben_afflek", "de": "jerry_seinfeld"}[language], name, author="tests")
    page = sign_in(browser, site, name, "/account", color_scheme="light")
    settled(page)
    page.evaluate(_AXE)
    return page


def looked(page: Page, address: str, place: Place, language: str) -> Iterator[Looked]:
    """What axe says of a place in both themes; only contrast depends on the theme. The address is complete."""
    page.emulate_media(color_scheme="light")
    before = page.evaluate(_RUN_OF)
    page.evaluate(GO, address)
    page.wait_for_function(f"before => {_RUN_OF} !== before", arg=before)
    settled(page)
    for selector in place.opens:
        page.locator(selector).first.click()
        page.wait_for_selector("[role=dialog], [data-testid=stPopoverBody]")
        settled(page)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.wait_for_timeout(250)  # colours fade
        settled(page)
        rules = ["color-contrast"] if theme == "dark" else None
        told = tuple((impact, rule, tuple(nodes)) for impact, rule, nodes in page.evaluate(_RUN, rules))
        yield Looked(place.name, theme, language, told)
    if place.opens:
        page.keyboard.press("Escape")
        page.wait_for_selector("[role=dialog], [data-testid=stPopoverBody]", state="hidden")


def grave(found: Looked) -> list[str]:
    """Violations that are more than minor, in words."""
    return [
        f"{found.place}, {found.theme}, {found.language}: {impact} {rule} at {'; '.join(nodes)}"
        for impact, rule, nodes in found.violations
        if impact != "minor"
    ]


def faults(page: Page, name: str) -> list[str]:
    """What is more than minor on a page as it stands, in its theme, with nothing under the pointer."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(250)  # colours fade
    page.evaluate(_AXE)
    told = tuple((impact, rule, tuple(nodes)) for impact, rule, nodes in page.evaluate(_RUN, None))
    return grave(Looked(name, "as it is", "", told))


def main() -> None:
    """Print the table, and what was found."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "sample"
        seed_sample(workspace, lambda *_told: None)
        with serve(workspace) as site, camera_browser() as browser:
            report(site, browser)


def report(site: Site, browser: Browser) -> None:
    """The table of a site, see `main`."""
    found: list[Looked] = []
    columns = [(theme, language) for language in LANGUAGES for theme in THEMES]
    values = found_in(site.workspace)
    for language in LANGUAGES:
        page = visitor(browser, site, language)
        for place in PLACES:
            found += looked(page, site.base + place.address.format(**values), place, language)
        page.context.close()
    print("| page |", " | ".join(f"{theme}, {language}" for theme, language in columns), "|")
    print("| --- |", " | ".join("---:" for _ in columns), "|")
    for place in PLACES:
        cells = [
            str(len(grave(each)))
            for theme, language in columns
            for each in found
            if (each.place, each.theme, each.language) == (place.name, theme, language)
        ]
        print(f"| {place.name} |", " | ".join(cells), "|")
    print(f"Pages and dialogs: {len(PLACES)}; looked at: {len(found)}; violations that are more than minor: ", end="")
    told = [line for each in found for line in grave(each)]
    print(len(told), *told, sep="\n")


if __name__ == "__main__":
    main()
