"""The month page in a real browser: the table is one stop of the Tab key, arrows move through it, and Enter opens the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from playwright.sync_api import expect

from engine.demo.sample import fill, prepare_sample
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    workspace = tmp_path_factory.mktemp("site")
    prepare_sample(workspace)
    fill(Workbench(workspace, clock=lambda: datetime(2025, 3, 20, 9, 20, tzinfo=UTC)), 14, 40, date(2025, 3, 14))
    with serve(workspace) as served:
        yield served


def test_the_table_is_walked_with_the_keyboard(site: Site) -> None:
    with camera_browser() as browser:
        page = sign_in(browser, site, "hr", "/month?from=2025-03-01")
        rows = page.locator(".q-grid tbody tr")
        expect(rows).to_have_count(14, timeout=60_000)
        expect(page.locator(".q-grid a[tabindex='0']")).to_have_count(1)
        focused = page.locator(":focus")
        page.locator(".q-grid a[tabindex='0']").focus()
        name = rows.nth(1).locator("th a").inner_text()
        page.keyboard.press("ArrowDown")
        assert focused.inner_text() == name
        page.keyboard.press("ArrowRight")
        # 1 and 2 March 2025 are a weekend, unless the person was away
        day = focused.get_attribute("aria-label") or ""
        assert day.startswith(f"{name}, ")
        expect(page.locator(".q-grid a[tabindex='0']")).to_have_count(1)
        page.keyboard.press("Home")
        assert focused.inner_text() == name
        page.keyboard.press("ArrowRight")
        assert focused.get_attribute("aria-label") == day
        page.keyboard.press("Enter")
        page.wait_for_url("**/attendance?**person=**")
        expect(page.get_by_role("heading", name=name)).to_be_visible(timeout=60_000)
