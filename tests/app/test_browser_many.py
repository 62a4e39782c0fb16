"""Many people in a real browser: a folder is uploaded, judged, and enrolled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from playwright.sync_api import Browser, expect
from registration import photos

from engine.imaging import list_images, read_image
from engine.people import Person
from engine.workbench import Workbench

PATIENCE_MS = 60_000
pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Elton is on the staff list; nobody is enrolled."""
    workspace = tmp_path_factory.mktemp("site")
    Workbench(workspace).people.put(Person("E2", "Elton John"))
    with serve(workspace) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with camera_browser() as opened:
        yield opened


def test_a_folder_of_many_people_is_judged_and_enrolled(
    browser: Browser, site: Site, samples: Path, tmp_path: Path
) -> None:
    staff = tmp_path / "staff"
    for place, who in (("E1_Madonna", "madonna"), ("John, Elton", "elton_john")):
        (staff / place).mkdir(parents=True)
        for path in photos(samples, who, 3):
            shutil.copy(path, staff / place / path.name)
    (staff / "E3").mkdir()
    (staff / "E3" / "a.jpg").write_text("no picture")
    page = sign_in(browser, site, "hr", "/people")
    expect(page.get_by_role("link", name="Enrol many people")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Enrol many people").click()
    page.get_by_text("have been informed and agree").click(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("radio", name="Folder", exact=True).click(timeout=PATIENCE_MS)
    expect(page.get_by_text("A folder with a folder per person")).to_be_visible(timeout=PATIENCE_MS)
    page.locator("input[type=file]").set_input_files(staff)
    go = page.get_by_role("button", name="Enrol 2 people")
    expect(go).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("checkbox", name="Elton John · E2")).to_be_checked()
    expect(page.get_by_text("No photo can be used")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 800})
    # by key: the last box is cleared and set again
    box = page.get_by_role("checkbox", name="Madonna · E1")
    box.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Enrol 1 person")).to_be_visible(timeout=PATIENCE_MS)
    box.focus()
    page.keyboard.press("Space")
    go.click(timeout=PATIENCE_MS)
    expect(page.get_by_text("2 people are enrolled")).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download, CSV").click()
    told = Path(saved.value.path()).read_text()
    assert "E3,E3,E3,no,0,1," in told
    bench = Workbench(site.workspace)
    assert {key: len(bench.gallery.current().of(key)[0]) for key in bench.gallery.current().people} == {
        "E1": 3,
        "E2": 3,
    }
    for key, who in (("E1", "madonna"), ("E2", "elton_john")):  # by photos that were not enrolled
        path = list_images(samples / "val" / who)[0]
        assert [face.match.person for face in bench.services().identify(read_image(path))] == [key]
    page.context.close()
