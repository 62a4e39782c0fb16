"""Pages in a real browser, without a camera: names stay text, addresses open nothing, and what is written stands there."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect

from engine.attendance import Sighting
from engine.imaging import list_images
from engine.types import Identity, TrackState
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)> ![](http://example.invalid/x) :smile: $x$"
PAGES = (
    "/",
    "/attendance",
    "/month",
    "/alerts",
    "/confirm",
    "/search",
    "/people",
    "/registration",
    "/tuning",
    "/system",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Site]:
    """A workbench where somebody with a hostile name is enrolled and came a moment ago."""
    workspace = tmp_path_factory.mktemp("site")
    bench = Workbench(workspace)
    bench.registrar.enrol_photos("E2", HOSTILE, list_images(samples / "train" / "mindy_kaling")[:8])
    time = bench.clock() - timedelta(minutes=3)
    identity = Identity(TrackState.KNOWN, "E2", 8, 8, 0.71, None, None, None, 0.48)
    bench.attendance.record(Sighting("E2", time, "entrance", "t-E2", identity, "model", 1), bench.people.known())
    with serve(workspace) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all visitors, each of whom has a context of their own."""
    with camera_browser() as opened:
        yield opened


def settled(page: Page) -> None:
    """Wait until the page has been drawn."""
    page.wait_for_selector("[data-testid=stMain] :is(h1, h2, h3)")
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")


def test_names_are_text_everywhere_and_nothing_is_asked_of_others(browser: Browser, site: Site) -> None:
    dialogs: list[str] = []
    outside: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((site.base, site.base.replace("http", "ws"), "data:", "blob:")):
            outside.append(request.url)

    page = sign_in(browser, site, "admin")
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", look)
    for path in (*PAGES, "/attendance?person=E2", "/registration?person=E2", "/people?person=E2"):
        page.goto(site.base + path)
        settled(page)
        page.wait_for_timeout(300)
        assert page.locator("img[src='x']").count() == 0, path
        assert page.locator("img[src*='example.invalid']").count() == 0, path
        assert page.get_by_text("Traceback").count() == 0, path
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert dialogs == []
    assert outside == []
    page.context.close()


@pytest.mark.parametrize(
    ("role", "titles"),
    [
        ("viewer", ("Registration", "People", "Alerts", "System")),
        ("hr", ("Alerts",)),
        ("security", ("Attendance",)),
    ],
)
def test_a_page_is_not_behind_its_address_for_a_role_that_lacks_it(
    browser: Browser, site: Site, role: str, titles: tuple[str, ...]
) -> None:
    page = sign_in(browser, site, role, f"/{titles[0].lower()}")
    for title in titles:
        if title != titles[0]:
            page.goto(f"{site.base}/{title.lower()}")
        settled(page)
        page.wait_for_timeout(500)
        assert page.get_by_role("heading", name=title, exact=True).count() == 0
        assert page.get_by_role("link", name=title).count() == 0
        expect(page.get_by_role("heading", name="Your role does not allow this page")).to_be_visible()
        expect(page.get_by_text(f"{title} needs the right")).to_be_visible()
    page.context.close()


def test_a_tab_names_what_it_shows_and_the_page_its_language(browser: Browser, site: Site) -> None:
    Workbench(site.workspace).accounts.change("hr", language="de")
    page = sign_in(browser, site, "hr", "/people?person=E2")
    expect(page.locator("h1").first).to_contain_text("alert(1)")
    expect(page).to_have_title(f"{HOSTILE} · Personen · Muster")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.goto(f"{site.base}/attendance")
    expect(page).to_have_title("Anwesenheit · Muster")
    page.context.close()
    Workbench(site.workspace).accounts.change("hr", language="en")
    page = sign_in(browser, site, "hr", "/attendance")
    expect(page).to_have_title("Attendance · Muster")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.context.close()


def test_a_correction_by_hr_stands_in_the_sheet_with_its_author(browser: Browser, site: Site) -> None:
    page = sign_in(browser, site, "hr", f"/attendance?person=E2&day={site.today}")
    page.get_by_text("Correct this day").click()
    page.get_by_text("Set a status").click()
    page.get_by_role("textbox", name="Reason").fill("worked at the fair")
    page.get_by_role("textbox", name="Reason").press("Tab")
    page.get_by_role("button", name="Save correction").click()
    expect(page.get_by_text("worked at the fair").first).to_be_visible()
    page.goto(site.base + "/attendance")
    expect(page.get_by_text("Exceptions")).to_be_visible()
    page.context.close()
    bench = Workbench(site.workspace)
    row = next(row for row in bench.attendance.sheets.on(site.today, bench.people.known()) if row.employee_id == "E2")
    assert (row.corrected_by, row.correction_reason) == ("hr", "worked at the fair")
    # it holds once somebody else approves it
    assert row.pending is not None
    assert row.pending.status not in {None, row.status}


def test_any_file_can_be_chosen_and_each_is_shown_with_its_verdict(
    browser: Browser, site: Site, samples: Path, tmp_path: Path
) -> None:
    madonna = samples / "train" / "madonna"
    files = [tmp_path / name for name in ("phone.heic", "scan", "cut.jfif", "notes.txt", "turned.tiff")]
    with Image.open(madonna / "01.jpg") as first, Image.open(madonna / "05.jpg") as second:
        first.save(files[0], format="HEIF", quality=90)
        second.crop((0, 0, 241, 188)).save(files[2], format="JPEG", quality=95)
    shutil.copy(madonna / "06.jpg", files[1])
    files[3].write_text("photos of Madonna")
    with Image.open(madonna / "12.jpg") as third:
        third.transpose(Image.Transpose.ROTATE_180).save(files[4])
    page = sign_in(browser, site, "hr", "/registration")
    page.get_by_role("textbox", name="Employee id").fill("M1")
    page.get_by_role("textbox", name="Name", exact=True).fill("Madonna")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("has been informed and agrees").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Files", exact=True).click()
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_text("Not used (2)")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("not a picture that can be read")).to_be_visible()
    expect(page.get_by_text("turned by 180°")).to_be_visible()
    page.get_by_role("button", name="Use anyway").click()  # one only: a text shows no face
    expect(page.get_by_text("used anyway")).to_be_visible()
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Safe to enrol, with reservations")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_role("heading", name="Madonna is registered")).to_be_visible(timeout=30_000)
    page.context.close()
    bench = Workbench(site.workspace)
    assert len(bench.gallery.current().of("M1")[0]) == 4
    assert [(row.author, row.subject) for row in bench.audit.read() if row.action == "overrule"] == [("hr", "M1")]


def test_somebody_is_added_without_a_face_and_their_card_is_a_badge_that_is_read(browser: Browser, site: Site) -> None:
    bench = Workbench(site.workspace)
    page = sign_in(browser, site, "hr", "/people")
    settled(page)
    page.get_by_role("button", name="Add without a face").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Employee number").fill("B7")
    dialog.get_by_label("Name").fill("Grace Hopper")
    dialog.get_by_role("button", name="Make a badge").click()
    offered = page.get_by_role("button", name="Download the card")
    offered.wait_for()
    with page.expect_download() as waiting:
        offered.click()
    text = waiting.value.path().read_text(encoding="utf-8")
    card = page.context.new_page()
    card.set_content(text)
    picture = np.asarray(Image.open(io.BytesIO(card.locator("svg").screenshot())).convert("L"))
    code, *_ = cv2.QRCodeDetector().detectAndDecode(picture)
    badge = bench.badges.find(code)
    assert badge is not None
    assert (badge.employee_id, badge.kind) == ("B7", "qr")
    assert code not in page.content()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("revoked on")).to_be_visible()
    page.context.close()
