"""My record on a phone, in a real browser, on the sample's real photos: an employee enters by the link and reads their day."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browser import Site, camera_browser, needs_chromium, serve
from playwright.sync_api import expect

from app.words import say_minutes
from engine.operations.reporting import AttendanceReports
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]

_WIDE = """() => { const main = document.querySelector("[data-testid=stMain]"); return main.scrollWidth - main.clientWidth }"""
_SMALL = """() => [...document.querySelectorAll("[data-testid=stMain] :is(a, button, summary)")]
  .filter(each => each.offsetHeight && each.offsetHeight < 44).map(each => each.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sample_workspace: Path) -> Iterator[Site]:
    workspace = tmp_path_factory.mktemp("own") / "data"
    shutil.copytree(sample_workspace, workspace)
    with serve(workspace) as served:
        yield served


def test_an_employee_enters_by_the_link_and_reads_their_own_day(site: Site) -> None:
    bench = Workbench(site.workspace)
    code = bench.bindings.give("ben_afflek", "ben", author="hr")[1]
    today = bench.attendance.day_of(bench.clock())
    day = next(  # in the first hours of a month, one of the month before
        day
        for day in reversed(bench.attendance.log.days())
        if any(each.row.evidence_image for each in AttendanceReports(bench).explained("ben_afflek", day))
    )
    end = (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    rows = AttendanceReports(bench).rows(day.replace(day=1), min(today, end), "ben_afflek")
    others = [person.name for key, person in bench.people.known().items() if key != "ben_afflek"]
    with camera_browser() as browser:
        page = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB").new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{site.base}/sign-in/invited?code={code}")
        for field in ("password", "again"):
            page.fill(f"input[name={field}]", "correct horse battery")
        page.click("button")
        expect(page.get_by_role("heading", name="My record")).to_be_visible()
        page.goto(f"{site.base}/me?month={day:%Y-%m}")
        main = page.get_by_test_id("stMain")
        expect(main).to_contain_text("Ben Afflek")
        expect(main).to_contain_text(say_minutes(60 * round(sum(row.hours or 0 for row in rows), 2)))
        expect(page.locator("a.o-day")).to_have_count(len(rows))
        assert page.evaluate(_WIDE) == 0
        assert page.evaluate(_SMALL) == []
        assert [name for name in others if name in page.inner_text("body")] == []
        page.locator(f"a.o-day[href*='day={day}']").click()
        page.locator(".st-key-own-pictures-show button").click()
        picture = page.locator(".a-punch img").first
        expect(picture).to_be_visible(timeout=60_000)  # the networks are opened first
        assert picture.evaluate("each => each.naturalWidth") > 0
        assert page.evaluate(_WIDE) == 0
        assert page.evaluate(_SMALL) == []
        assert [name for name in others if name in page.inner_text("body")] == []
        bench.bindings.end("ben_afflek", author="hr")  # while the page is open
        page.locator("a.m-link[href*='month=']").click()
        expect(page.get_by_text("Ben Afflek")).to_have_count(0)
        expect(
            page.get_by_text("You are signed out").or_(page.get_by_role("button", name="Sign in")).first
        ).to_be_visible()
