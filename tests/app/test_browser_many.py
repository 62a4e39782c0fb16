"""Many people and many cameras in a real browser: a folder is judged and enrolled, and cameras are seen at a glance."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from accessibility import faults
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from http_camera import swaying
from playwright.sync_api import Browser, expect
from registration import photos

from engine.imaging import VideoWriter, decode_image, list_images, read_image
from engine.people import Person
from engine.workbench import Workbench

PATIENCE_MS = 60_000
pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Site]:
    """Elton is on the staff list; nobody is enrolled. Two cameras see a stranger."""
    workspace = tmp_path_factory.mktemp("site")
    face = read_image(samples / "val" / "mindy_kaling" / "01.jpg")
    with VideoWriter(workspace / "clip.mp4", 10) as writer:
        for picture in swaying([face], 20):
            writer.write(decode_image(picture))
    (workspace / "muster.toml").write_text(
        "".join(f'[cameras."{name}"]\nsource = "clip.mp4"\n' for name in ("gate", "hall & stairs"))
    )
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
    assert faults(page, "the dry run") == []
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


def test_many_cameras_are_seen_at_a_glance_by_key_and_only_while_somebody_looks(browser: Browser, site: Site) -> None:
    page = sign_in(browser, site, "security", "/")
    page.get_by_role("radio", name="2 × 2").click(timeout=PATIENCE_MS)
    for name in ("gate", "hall & stairs"):
        tile = page.get_by_role("link", name=name)
        expect(tile.get_by_role("img")).to_be_visible(timeout=PATIENCE_MS)
        expect(tile).to_contain_text("live", timeout=PATIENCE_MS)
    assert faults(page, "the cameras") == []
    first = page.locator(".m-grid img").first
    before = first.get_attribute("src")
    expect(first).not_to_have_attribute("src", before or "", timeout=PATIENCE_MS)
    # a hidden page asks for nothing; it says how old its pictures are once it is seen again, until new ones come
    hide = (
        "value => { Object.defineProperty(document, 'hidden', { value, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')) }"
    )
    with page.expect_event("requestfailed", lambda request: "/cameras?" in request.url):
        page.evaluate(hide, True)
    with page.expect_request(lambda request: "/cameras?" in request.url):
        page.evaluate(hide, False)
    page.set_viewport_size({"width": 390, "height": 844})
    boxes = [page.get_by_role("link", name=name).bounding_box() for name in ("gate", "hall & stairs")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] == boxes[1]["x"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("link", name="gate").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="hall & stairs")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_alt_text("Live picture of camera hall & stairs")).to_be_visible(timeout=PATIENCE_MS)
    expect(page).to_have_url(re.compile(r"camera=hall(\+|%20)%26(\+|%20)stairs$"), timeout=PATIENCE_MS)
    expect(page.locator(".m-grid")).to_have_count(0, timeout=PATIENCE_MS)
    # whose face is that? The picture goes to the search, and is stored nowhere
    page.get_by_role("button", name="Find a face in this picture").click()
    expect(page.get_by_role("img", name="The face to search for")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name="Who it may be")).to_be_visible(timeout=PATIENCE_MS)
    assert [row.author for row in Workbench(site.workspace).audit.read() if row.action == "search_face"] == ["security"]
    page.context.close()
