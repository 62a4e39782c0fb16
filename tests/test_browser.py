"""The workbench in a real browser, with real faces: what people do with it all day.

The camera is a video file. Timings are printed by `tests/load/`, not judged here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in, start_camera
from browser_steps import enrol_by_camera
from clips import guided_clip, still_clip
from fakes import EVIDENCE
from playwright.sync_api import Page, Request, expect

from engine.analysis import FaceReader
from engine.attendance import Sighting
from engine.images import list_images, read_image
from engine.types import Identity, TrackState
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow, pytest.mark.alone]

HOSTILE = "<img src=x onerror=alert(1)> ![](http://example.invalid/x) :smile: $x$"
PAGES = ("/", "/attendance", "/alerts", "/people", "/registration", "/tuning", "/system")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Site]:
    """A workbench where two people are enrolled, and one bears a hostile name."""
    workspace = tmp_path_factory.mktemp("site")
    bench = Workbench(workspace)
    for key, name, folder in (("E1", "Ben", "ben_afflek"), ("E2", HOSTILE, "mindy_kaling")):
        bench.enrol(key, name, list_images(samples / "train" / folder)[:8])
    punch(bench, "E2", bench.clock() - timedelta(minutes=3))
    with serve(workspace) as served:
        yield served


def punch(bench: Workbench, employee_id: str, time: datetime) -> None:
    """Somebody came, as far as the log is concerned."""
    identity = Identity(TrackState.KNOWN, employee_id, 8, 8, 0.71, None, None, None, 0.48)
    sighting = Sighting(employee_id, time, "entrance", f"t-{employee_id}", identity, "model", 1)
    bench.attendance.record(sighting, bench.known_people())


def settled(page: Page) -> None:
    """Wait until the page has been drawn."""
    page.wait_for_selector("[data-testid=stMain] :is(h1, h2, h3)")
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")


def test_a_person_before_the_camera_is_among_todays_arrivals(
    site: Site, samples: Path, reader: FaceReader, tmp_path: Path
) -> None:
    clip = tmp_path / "ben.y4m"
    still_clip(clip, read_image(list_images(samples / "val" / "ben_afflek")[0]), reader.detector)
    with camera_browser(clip) as browser:
        page = sign_in(browser, site, "hr", "/?camera=browser")
        start_camera(page)
        expect(page.locator(".m-arrival", has_text="Ben").first).to_be_visible(timeout=60_000)
        page.wait_for_function("Number(document.querySelector('[data-frames]')?.dataset.frames) >= 20", timeout=60_000)
    rows = [row for row in Workbench(site.workspace).attendance.log.read(today(site)) if row["employee_id"] == "E1"]
    assert [(row["event"], row["camera"]) for row in rows][:1] == [("punch", "workbench")]
    assert all(rows[0][column] for column in EVIDENCE if not column.startswith("runner_up"))


def today(site: Site) -> date:
    """The workplace's day."""
    bench = Workbench(site.workspace)
    return bench.attendance.day_of(bench.clock())


def test_opening_and_closing_the_live_tab_leaves_nothing_behind(
    site: Site, samples: Path, reader: FaceReader, tmp_path: Path
) -> None:
    clip = tmp_path / "ben.y4m"
    still_clip(clip, read_image(list_images(samples / "val" / "ben_afflek")[0]), reader.detector)
    with camera_browser(clip) as browser:
        page = sign_in(browser, site, "admin")
        context = page.context
        page.close()
        threads = []
        for _ in range(3):
            page = context.new_page()
            page.goto(f"{site.base}/?camera=browser")
            start_camera(page)
            page.wait_for_function(
                "Number(document.querySelector('[data-frames]')?.dataset.frames) >= 5", timeout=60_000
            )
            page.close()
            for _ in range(40):  # the base is what is left after the first time
                time.sleep(0.5)
                if threads and site.threads <= threads[0]:
                    break
            threads.append(site.threads)
    assert max(threads[1:]) <= threads[0]


def test_names_are_text_everywhere_and_nothing_is_asked_of_others(site: Site) -> None:
    dialogs: list[str] = []
    outside: list[str] = []

    def look(request: Request) -> None:
        if not request.url.startswith((site.base, site.base.replace("http", "ws"), "data:", "blob:")):
            outside.append(request.url)

    with camera_browser() as browser:
        page = sign_in(browser, site, "admin")
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.on("request", look)
        for path in (*PAGES, "/attendance?person=E2", "/people?person=E2", "/registration?person=E2"):
            page.goto(site.base + path)
            settled(page)
            page.wait_for_timeout(1500)
            assert page.locator("img[src='x']").count() == 0, path
            assert page.locator("img[src*='example.invalid']").count() == 0, path
            assert page.get_by_text("Traceback").count() == 0, path
        page.goto(site.base + "/people?person=E2")
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert dialogs == []
    assert outside == []


@pytest.mark.parametrize(
    ("role", "path", "title"),
    [
        ("viewer", "/registration", "Registration"),
        ("viewer", "/people", "People"),
        ("viewer", "/alerts", "Alerts"),
        ("viewer", "/system", "System"),
        ("hr", "/alerts", "Alerts"),
        ("security", "/attendance", "Attendance"),
    ],
)
def test_a_page_is_not_behind_its_address_for_a_role_that_lacks_it(
    site: Site, role: str, path: str, title: str
) -> None:
    with camera_browser() as browser:
        page = sign_in(browser, site, role, path)
        settled(page)
        page.wait_for_timeout(1000)
        assert page.get_by_role("heading", name=title, exact=True).count() == 0
        assert page.get_by_role("link", name=title).count() == 0


def test_a_new_person_is_registered_with_the_camera_and_then_recognised_live(
    site: Site, samples: Path, reader: FaceReader, tmp_path: Path
) -> None:
    photos = list_images(samples / "train" / "jerry_seinfeld")
    taken, shown = tmp_path / "guided.y4m", tmp_path / "later.y4m"
    guided_clip(taken, read_image(photos[0]), reader.detector)
    still_clip(shown, read_image(list_images(samples / "val" / "jerry_seinfeld")[0]), reader.detector)
    with camera_browser(taken) as browser:
        enrol_by_camera(sign_in(browser, site, "security", "/registration"), "E7", "Jerry Newcomer")
    with camera_browser(shown) as browser:
        page = sign_in(browser, site, "security", "/?camera=browser")
        start_camera(page)
        expect(page.locator(".m-arrival", has_text="Jerry Newcomer").first).to_be_visible(timeout=60_000)
    person = Workbench(site.workspace).people.all()["E7"]
    assert person.consent_at


def test_a_stranger_becomes_an_alert_that_is_acknowledged_and_a_person_who_is_enrolled(
    site: Site, samples: Path, reader: FaceReader, tmp_path: Path
) -> None:
    clip = tmp_path / "stranger.y4m"
    still_clip(clip, read_image(list_images(samples / "train" / "elton_john")[0]), reader.detector)
    with camera_browser(clip) as browser:
        page = sign_in(browser, site, "security", "/?camera=browser")
        alerts = page.context.new_page()
        alerts.set_default_timeout(60_000)
        start_camera(page)
        page.wait_for_function("Number(document.querySelector('[data-frames]')?.dataset.frames) >= 20", timeout=60_000)
        alerts.goto(site.base + "/alerts")
        expect(alerts.get_by_text("Unknown person").first).to_be_visible(timeout=60_000)
        page.close()
        alerts.get_by_role("button", name="Look").first.click()
        expect(alerts.get_by_role("button", name="Acknowledge")).to_be_visible()
        alerts.keyboard.press("a")
        expect(alerts.locator("[data-testid=stToast]").first).to_be_visible()
        bench = Workbench(site.workspace)
        states = [(found.state, found.author) for found in bench.incidents.incidents(today(site), today(site))]
        assert ("acknowledged", "security") in states
        dossier = bench.office.dossiers()[0].unknown_id
        alerts.goto(f"{site.base}/alerts?view=strangers&dossier={dossier}")
        alerts.get_by_role("button", name="Enrol this person").click()
        alerts.get_by_role("textbox", name="Employee id").fill("E8")
        alerts.get_by_role("textbox", name="Name", exact=True).fill("Elton Known")
        alerts.get_by_role("button", name="Go on").click()
        alerts.get_by_text("was told this and agrees").click()
        alerts.get_by_role("button", name="Go on").click()
        alerts.get_by_role("button", name="Use the chosen pictures").click()
        alerts.get_by_role("button", name="Check", exact=True).click()
        alerts.get_by_role("button", name="Register", exact=True).click()
        expect(alerts.get_by_role("heading", name="Elton Known is registered")).to_be_visible()
    assert bench.dossiers.register().named[dossier] == "E8"
    assert len(bench.gallery.current().of("E8")[0]) >= 1


def test_a_correction_by_hr_stands_in_the_sheet_with_its_author(site: Site) -> None:
    with camera_browser() as browser:
        page = sign_in(browser, site, "hr", f"/attendance?person=E2&day={today(site)}")
        page.get_by_text("Correct this day").click()
        page.get_by_text("Set a status").click()
        page.get_by_role("textbox", name="Reason").fill("worked at the fair")
        page.get_by_role("textbox", name="Reason").press("Tab")
        page.get_by_role("button", name="Save correction").click()
        expect(page.get_by_text("worked at the fair").first).to_be_visible()
        page.goto(site.base + "/attendance")
        expect(page.get_by_text("Exceptions")).to_be_visible()
    bench = Workbench(site.workspace)
    row = next(row for row in bench.attendance.sheet(today(site), bench.known_people()) if row["employee_id"] == "E2")
    assert (row["corrected_by"], row["correction_reason"]) == ("hr", "worked at the fair")
    assert row["recorded_status"] != row["status"]
