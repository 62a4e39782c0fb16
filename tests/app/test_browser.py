"""The workbench in a real browser, with real faces: what people do with it all day.

The camera is a video file. Timings are printed by `tests/load/`, not judged here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Site, camera_browser, free_port, needs_chromium, serve, sign_in, start_camera
from browser_steps import enrol_by_camera, enrol_until_pictures
from clips import guided_clip, still_clip
from fakes import EVIDENCE
from playwright.sync_api import expect

from engine.face_reader import FaceReader
from engine.imaging import list_images, read_image
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow, pytest.mark.alone]


NOTE_PEERS = """
(() => {
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = function (...given) { return (window.top.peer = new Peer(...given)); };
})();
"""
FACE = """
() => {
  const box = document.querySelector(".m-person rect")?.getBoundingClientRect();
  const video = document.querySelector(".m-stage video");
  if (!box || !video.videoWidth) return null;
  const { left, top, width, height } = video.getBoundingClientRect();
  return [(box.left + box.width / 2 - left) / width, (box.top + box.height / 2 - top) / height, box.height / height];
}
"""
SENT = """
async () => {
  const stats = [...(await window.top.peer.getStats()).values()];
  return {
    directions: window.top.peer.getTransceivers().map((each) => each.currentDirection),
    received: stats.filter((each) => each.type === "inbound-rtp").length,
    sends: stats.some((each) => each.type === "outbound-rtp" && each.kind === "video" && each.framesSent > 0),
  };
}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Site]:
    """A workbench where two people are enrolled."""
    workspace = tmp_path_factory.mktemp("site")
    bench = Workbench(workspace)
    for key, name, folder in (("E1", "Ben", "ben_afflek"), ("E2", "Mindy", "mindy_kaling")):
        bench.registrar.enrol_photos(key, name, list_images(samples / "train" / folder)[:8])
    with serve(workspace) as served:
        yield served


def test_a_person_before_the_camera_is_among_todays_arrivals(
    site: Site, samples: Path, reader: FaceReader, tmp_path: Path
) -> None:
    bench, clip = Workbench(site.workspace), tmp_path / "ben.y4m"
    still_clip(clip, read_image(list_images(samples / "val" / "ben_afflek")[0]), reader.detector)
    with camera_browser(clip) as browser:
        page = sign_in(browser, site, "hr", "/?camera=browser")
        start_camera(page)
        expect(page.locator(".m-arrival", has_text="Ben").first).to_be_visible(timeout=60_000)
        page.wait_for_function("Number(document.querySelector('[data-frames]')?.dataset.frames) >= 20", timeout=60_000)
        # a stream that is starting may lose sight of him before three frames agree: that is a row, too, but no punch
        for _ in range(240):
            rows = [row for row in bench.attendance.log.read(site.today) if row.event == "punch"]
            if rows:
                break
            page.wait_for_timeout(250)
    assert [(row.employee_id, row.camera) for row in rows] == [("E1", "workbench")]
    assert all(getattr(rows[0], column) for column in EVIDENCE if not column.startswith("runner_up"))


def test_names_are_drawn_over_the_browsers_own_picture_and_none_is_sent_back(
    site: Site, samples: Path, reader: FaceReader, tmp_path: Path
) -> None:
    clip = tmp_path / "ben.y4m"
    still_clip(clip, read_image(list_images(samples / "val" / "ben_afflek")[0]), reader.detector)
    with camera_browser(clip) as browser:
        page = sign_in(browser, site, "security", "/")
        page.context.add_init_script(NOTE_PEERS)
        page.goto(site.base + "/?camera=browser")
        start_camera(page)
        expect(page.locator(".m-person text")).to_have_text("Ben", timeout=60_000)
        expect(page.get_by_role("status").filter(has_text="In view: Ben")).to_be_visible()
        x, y, high = page.wait_for_function(FACE).json_value()
        assert (x, y) == (pytest.approx(0.5, abs=0.06), pytest.approx(0.5, abs=0.06))
        assert high == pytest.approx(0.42, abs=0.1)  # see `person_frame`
        assert page.evaluate(SENT) == {"directions": ["sendonly"], "received": 0, "sends": True}
        page.frame_locator("iframe").first.get_by_role("button", name="Stop camera").click()
        expect(page.get_by_text("The camera is off")).to_be_visible()
        expect(page.locator(".m-person")).to_have_count(0)

        page.goto(site.base + "/registration")
        enrol_until_pictures(page, "E9", "Ben Again")
        start_camera(page)
        page.wait_for_selector(".m-stage svg path", state="attached")
        assert (
            page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.m-stage video')).transform).a") == -1
        )
        expect(page.get_by_text("Follow the arrow.").or_(page.get_by_text("Hold still")).first).to_be_visible()
        assert page.evaluate(SENT) == {"directions": ["sendonly"], "received": 0, "sends": True}


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
            if not threads:  # the base is what is left after the first time, when no more goes
                counts = [site.threads]
                while len(counts) < 10 or min(counts[:-8]) > min(counts[-8:]):
                    time.sleep(0.5)
                    counts.append(site.threads)
            for _ in range(120):  # a connection ends when its closed tab has been silent for half a minute
                if not threads or site.threads <= threads[0]:
                    break
                time.sleep(0.5)
            threads.append(site.threads)
    assert max(threads[1:]) <= threads[0]


def test_a_camera_that_plays_goes_on_by_itself_after_the_server_was_restarted(tmp_path: Path) -> None:
    port = free_port()

    def looked_at() -> int:
        """Pictures that the server has looked at, as the page says."""
        told = page.locator("[data-frames]")
        return int(told.first.get_attribute("data-frames", timeout=1_000) or 0) if told.count() else 0

    def growing(patience_s: float) -> bool:
        until, first = time.monotonic() + patience_s, looked_at()
        while time.monotonic() < until and looked_at() <= first:
            page.wait_for_timeout(250)
        return looked_at() > first

    with camera_browser() as fresh:
        with serve(tmp_path, port=port) as site:
            page = sign_in(fresh, site, "hr", "/?camera=browser")
            start_camera(page)
            expect(page.locator("[data-frames]")).to_be_visible()
            assert growing(60)
        with serve(tmp_path, port=port):
            expect(page.locator(".m-stage.m-on")).to_have_count(0, timeout=60_000)  # the page has heard of it
            expect(page.locator(".m-stage.m-on")).to_have_count(1, timeout=60_000)
            assert growing(60)
        page.context.close()


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
        alerts.locator(".m-tile a").first.click()
        expect(alerts.get_by_role("button", name="Acknowledge")).to_be_visible()
        alerts.keyboard.press("a")
        expect(alerts.locator("[data-testid=stToast]").first).to_be_visible()
        bench = Workbench(site.workspace)
        states = [(found.state, found.author) for found in bench.incidents.incidents(site.today, site.today)]
        assert ("acknowledged", "security") in states
        dossier = bench.office.dossiers()[0].unknown_id
        alerts.goto(f"{site.base}/alerts?view=strangers&dossier={dossier}")
        alerts.get_by_role("button", name="Enrol this person").click()
        alerts.get_by_role("textbox", name="Employee id").fill("E8")
        alerts.get_by_role("textbox", name="Name", exact=True).fill("Elton Known")
        alerts.get_by_role("button", name="Continue").click()
        alerts.get_by_text("has been informed and agrees").click()
        alerts.get_by_role("button", name="Continue").click()
        alerts.get_by_role("button", name="Check", exact=True).click()
        alerts.get_by_role("button", name="Register", exact=True).click()
        expect(alerts.get_by_role("heading", name="Elton Known is registered")).to_be_visible()
    assert bench.dossiers.register().named[dossier] == "E8"
    assert len(bench.gallery.current().of("E8")[0]) >= 1
