"""Every page and the important dialogs under axe-core, in a real browser: two languages, light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from accessibility import LANGUAGES, PLACES, Place, found_in, grave, looked, settled, visitor
from browser import Site, camera_browser, needs_chromium, serve
from playwright.sync_api import Browser, Page, expect

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]


@dataclass
class Visitors:
    """Who looks at the sample, in each language.

    Attributes:
        values: for addresses of `PLACES`. pages: by language, opened when they are needed.
    """

    site: Site
    browser: Browser
    values: dict[str, str]
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, language: str) -> Page:
        """The page of a language's visitor."""
        if language not in self.pages:
            self.pages[language] = visitor(self.browser, self.site, language)
        return self.pages[language]


@pytest.fixture(scope="module")
def visitors(tmp_path_factory: pytest.TempPathFactory, sample_workspace: Path) -> Iterator[Visitors]:
    """One server and one browser for all pages."""
    workspace = tmp_path_factory.mktemp("accessible") / "data"
    shutil.copytree(sample_workspace, workspace)
    with serve(workspace) as site, camera_browser() as browser:
        yield Visitors(site, browser, found_in(workspace))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_axe_finds_nothing_serious_or_moderate(visitors: Visitors, place: Place, language: str) -> None:
    address = visitors.site.base + place.address.format(**visitors.values)
    found = list(looked(visitors.page(language), address, place, language))
    assert len(found) == 2
    assert [line for each in found for line in grave(each)] == []


def test_a_link_to_a_page_keeps_what_was_loaded(visitors: Visitors) -> None:
    page = visitors.page("en")
    page.goto(f"{visitors.site.base}/people?person=ben_afflek")
    settled(page)
    page.evaluate("window.kept = true")
    link = page.get_by_test_id("stMain").locator("a[href*='/registration?person=']").first
    expect(link).to_be_visible()
    link.click()
    page.wait_for_url("**/registration?person=ben_afflek*")
    expect(page.get_by_role("heading", name="Registration")).to_be_visible()
    assert page.evaluate("window.kept") is True
    page.go_back()
    expect(page.get_by_role("heading", name="Ben Afflek").first).to_be_visible()
    assert page.evaluate("window.kept") is True


def test_a_row_of_the_sheet_opens_its_person_by_click_and_by_key(visitors: Visitors) -> None:
    page, address = visitors.page("en"), f"{visitors.site.base}/attendance?from={visitors.values['friday']}"
    for pressed in (False, True):
        page.goto(address)
        row = page.locator(".a-sheet tbody tr", has_text="Ben Afflek").last
        expect(row).to_be_visible()
        if pressed:
            row.locator("a").focus()
            page.keyboard.press("Enter")
        else:
            row.locator("td").nth(4).click(force=True)  # the link covers the row
        page.wait_for_url(f"**/attendance?*person=ben_afflek&day={visitors.values['friday']}*")
        expect(page.get_by_role("heading", name="Ben Afflek").first).to_be_visible()


def test_every_column_of_the_sheet_is_in_view_on_each_screen(visitors: Visitors) -> None:
    page = visitors.page("en")
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{visitors.site.base}/attendance?from={visitors.values['friday']}")
        row = page.locator(".a-sheet tbody tr", has_text="Ben Afflek").last
        expect(row).to_be_visible()
        for label in ("Out", "Worked", "Covered"):
            box = row.locator(f"td[data-label={label}]").bounding_box()
            assert box is not None, (width, label)
            assert box["x"] + box["width"] <= width, (width, label)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_the_download_menu_gives_a_file(visitors: Visitors) -> None:
    page = visitors.page("en")
    page.goto(f"{visitors.site.base}/attendance?from={visitors.values['friday']}")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as told:
        page.get_by_role("button", name="Day sheet, CSV").click()
    assert told.value.suggested_filename == f"attendance-{visitors.values['friday']}.csv"
    assert "ben_afflek" in told.value.path().read_text(encoding="utf-8")


def test_a_tile_leads_to_its_alert_and_offers_its_box_under_the_pointer(visitors: Visitors) -> None:
    page = visitors.page("en")
    page.goto(f"{visitors.site.base}/alerts?state=any")
    tile = page.locator("[class*=st-key-tile-]").first
    expect(tile).to_be_visible()
    box = tile.locator("[data-testid=stElementContainer]:has(.stCheckbox)")
    page.mouse.move(0, 0)
    expect(box).to_have_css("opacity", "0")
    tile.hover()
    expect(box).to_have_css("opacity", "1")
    box.get_by_role("checkbox").check(force=True)
    page.mouse.move(0, 0)
    expect(page.get_by_role("button", name="1 selected")).to_be_visible()
    expect(box).to_have_css("opacity", "1")
    tile.get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts?*incident=*")
    expect(page.get_by_role("button", name="All alerts")).to_be_visible()


def test_somebody_known_in_an_alert_leads_to_their_page(visitors: Visitors) -> None:
    page = visitors.page("en")
    page.goto(f"{visitors.site.base}/alerts?incident={visitors.values['alert']}")
    page.locator("[data-testid=stMain] .m-row a[href*='/people?person=']").first.click()
    page.wait_for_url("**/people?person=*")
    expect(page.get_by_role("button", name="All people")).to_be_visible()
