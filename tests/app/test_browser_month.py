"""The month page in a real browser: the table is one stop of the Tab key, arrows move through it, and Enter opens the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from playwright.sync_api import Page, expect

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


class Keys:
    """Somebody who has no mouse."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self._page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self._page.keyboard.type(text)

    def to(self, name: str, most: int = 120) -> None:
        """Press Tab until something of this name has the focus.

        A page that is drawn anew takes the focus away, so it is waited for first.
        """
        self._page.evaluate("delete window.lastBusy")
        self._page.wait_for_function(_SETTLED, polling=50, timeout=60_000)
        met = []
        for _ in range(most):
            self._page.keyboard.press("Tab")
            told = str(self._page.evaluate(_FOCUSED))
            if name in told and len(told) < len(name) + 80:  # what scrolls can have the focus, too
                return
            met.append(told)
        raise AssertionError(f"{name} is not reached: {[each[:40] for each in met]}")


_SETTLED = """() => {
  const now = performance.now();
  if (document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'notRunning') window.lastBusy = now;
  return now - (window.lastBusy ??= now) > 500;
}"""

_FOCUSED = """() => {
  const at = document.activeElement;
  return [at.getAttribute('aria-label'), at.innerText, ...[...(at.labels || [])].map((each) => each.innerText)].filter(Boolean).join(' ');
}"""


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    with camera_browser() as browser:
        yield sign_in(browser, site, "hr", "/account")


def test_leave_is_added_without_a_mouse(site: Site, page: Page) -> None:
    page.goto(f"{site.base}/leave")
    expect(page.get_by_role("button", name="Add leave")).to_be_visible(timeout=60_000)
    keys = Keys(page)
    keys.to("Add leave")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Add leave")).to_be_visible(timeout=60_000)
    form = page.get_by_test_id("stMain")
    keys.to("Year")
    keys.to("Person")
    keys.type("(S003)")
    expect(page.get_by_role("option")).to_have_count(1, timeout=60_000)
    keys.press("Enter")
    keys.to("Part of the day")
    keys.to("First day")
    keys.to("Save")
    keys.press("Enter")
    expect(form.get_by_role("heading", name="Add leave")).to_have_count(0, timeout=60_000)
    held = [each for each in Workbench(site.workspace).leave.all() if each.employee_id == "S003"]
    assert [each.kind for each in held if each.first_day == site.today] == ["annual"]


def test_an_exception_is_corrected_without_a_mouse(site: Site, page: Page) -> None:
    bench = Workbench(site.workspace)
    day = date(2025, 3, 11)
    page.goto(f"{site.base}/attendance?person=S002&day={day}")
    expect(page.get_by_text("Correct this day")).to_be_visible(timeout=60_000)
    keys = Keys(page)
    keys.to("Correct this day")
    keys.press("Enter")
    keys.to("Add an arrival")
    keys.press("ArrowRight", "ArrowRight", "Space")
    expect(page.get_by_role("button", name="Save correction")).to_be_visible(timeout=60_000)
    keys.to("Status")
    keys.press("ArrowDown")
    keys.type("sick")
    expect(page.get_by_role("option")).to_have_count(1, timeout=60_000)
    keys.press("Enter")
    keys.to("Reason")
    keys.type("called in the morning")
    keys.to("Save correction")
    keys.press("Enter")
    expect(page.get_by_role("cell", name="called in the morning")).to_be_visible(timeout=60_000)
    (row,) = [each for each in bench.attendance.corrections.about_days(day, day) if each.employee_id == "S002"]
    assert (row.action, row.value, row.author) == ("status", "sick", "hr")


def test_a_month_is_closed_and_opened_again_without_a_mouse(site: Site, page: Page) -> None:
    page.goto(f"{site.base}/month?from=2025-02-01")
    keys = Keys(page)
    expect(page.get_by_text("Close this month")).to_be_visible(timeout=60_000)
    keys.to("Close this month")
    keys.press("Enter")
    keys.to("Close although days are open")
    keys.press("Space")
    expect(page.get_by_role("button", name="Close February 2025")).to_be_enabled(timeout=60_000)
    keys.to("Remark")
    keys.type("payroll is told")
    keys.to("Close February")
    keys.press("Enter")
    expect(page.get_by_text("Reopen this month")).to_be_visible(timeout=60_000)
    assert len(Workbench(site.workspace).months.history()) == 1
    keys.to("Reopen this month")
    keys.press("Enter")
    keys.to("Reason")
    keys.type("a list came late")
    keys.to("Reopen February")
    keys.press("Enter")
    expect(page.get_by_text("Close this month")).to_be_visible(timeout=60_000)
