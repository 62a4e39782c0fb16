"""Signing in and out, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from playwright.sync_api import Browser

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A workbench without any data."""
    with serve(tmp_path_factory.mktemp("sign-in")) as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with camera_browser() as browser:
        yield browser


def test_the_menu_of_ones_account_signs_out_for_good(site: Site, browser: Browser) -> None:
    page = sign_in(browser, site, "hr", "/attendance")
    kept = page.context.cookies()
    page.get_by_role("button", name="hr", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.context.add_cookies(kept)
    page.goto(site.base + "/attendance")
    page.wait_for_url("**/sign-in?next=*")
    page.context.close()


def test_another_session_is_ended_on_the_page_of_ones_account(site: Site, browser: Browser) -> None:
    other = sign_in(browser, site, "viewer", "/attendance")
    page = sign_in(browser, site, "viewer", "/account")
    page.get_by_text("this one").wait_for()
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_text("Session ended").wait_for()
    other.goto(site.base + "/attendance")
    other.wait_for_url("**/sign-in?next=*")
    for each in (page, other):
        each.context.close()
