"""From an empty folder to a working site in the browser alone: account, camera, people, shift, holiday, alert, kiosk, PIN."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from browser import camera_browser, free_port, needs_chromium
from door import serve_kiosk
from http_camera import HttpCamera
from playwright.sync_api import Browser, Page, expect
from served import answers, up

from engine.access import offer_setup
from engine.config import load_config
from engine.config.outlines import corners
from engine.imaging import encode_jpeg
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow, pytest.mark.alone]

PATIENCE_MS = 30_000
SHOTS = os.environ.get("MUSTER_SHOTS_FOLDER", "")


class Receiver:
    """A webhook's receiver on this computer."""

    def __init__(self) -> None:
        self.signatures = signatures = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                signatures.append(self.headers["X-Muster-Signature"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                del args

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with camera_browser() as opened:
        yield opened


def settled(page: Page) -> None:
    """Wait until the page has been drawn."""
    page.wait_for_selector("[data-testid=stMain] :is(h1, h2, h3)")
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")


def shoot(page: Page, name: str) -> None:
    """Keep a picture, if somebody wants to look."""
    if SHOTS:
        settled(page)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def typed(page: Page, label: str, text: str) -> None:
    """Fill a field and leave it, so that the page learns of it."""
    field = page.get_by_label(label, exact=True).first
    field.fill(text)
    field.press("Enter")
    settled(page)


def spelled(page: Page, label: str, digits: str) -> None:
    """Type into a field for a time or a day, which has a part for each number."""
    page.get_by_role("group", name=label, exact=True).get_by_role("spinbutton").first.click()
    page.keyboard.type(digits, delay=30)
    page.keyboard.press("Tab")
    settled(page)


def pressed(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()
    settled(page)


def registered(page: Page, base: str, employee_id: str, name: str, photos: list[Path]) -> None:
    page.goto(f"{base}/registration")
    settled(page)
    page.get_by_role("textbox", name="Employee id").fill(employee_id)
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("has been informed").click()
    settled(page)
    page.get_by_role("button", name="Continue").click()
    settled(page)
    page.get_by_text("Files", exact=True).click()
    page.locator("input[type=file]").set_input_files(photos)
    page.get_by_role("button", name="Check", exact=True).click(timeout=60_000)
    page.get_by_role("button", name="Register", exact=True).click(timeout=60_000)
    expect(page.get_by_role("heading", name=f"{name} is registered")).to_be_visible(timeout=60_000)


def test_from_an_empty_folder_to_a_working_site(browser: Browser, tmp_path: Path, samples: Path) -> None:
    workspace = tmp_path / "site"
    code, port = offer_setup(workspace), free_port()
    base, log = f"http://127.0.0.1:{port}", tmp_path / "server.log"
    picture = encode_jpeg(np.full((240, 320, 3), 120, np.uint8))
    command = [sys.executable, "-m", "app", str(workspace), "127.0.0.1", str(port)]
    with (
        log.open("wb") as told,
        HttpCamera([picture]) as camera,
        Receiver() as receiver,
        up(
            subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=told, stderr=subprocess.STDOUT),
            lambda: answers(f"{base}/healthz"),
            log,
        ),
    ):
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        page.set_default_timeout(40_000)
        _sign_up(page, base, code)
        expect(page.get_by_text("0 of 5 done")).to_be_visible(timeout=PATIENCE_MS)
        shoot(page, "1-first-steps")
        _add_camera(page, camera)
        _add_shift_and_holiday(page, base)
        _add_channel(page, base, receiver)
        _choose_basis(page, base)
        people = sorted((samples / "train").iterdir())[:3]
        for number, folder in enumerate(people, 1):
            registered(page, base, f"E{number}", f"Person {number}", sorted(folder.glob("*.jpg"))[:5])
        page.goto(f"{base}/live")
        settled(page)
        expect(page.get_by_text("Getting started")).to_have_count(0)
        _pair_and_give_pin(page, base, workspace, camera.address)
        page.context.close()
    config = load_config(workspace)
    assert config.cameras["entrance"].source == camera.address
    (mask,) = (corners(text) for text in config.cameras["entrance"].masks)
    assert np.allclose(mask, [(0.1, 0.1), (0.3, 0.1), (0.3, 0.4), (0.1, 0.4)], atol=0.01)
    assert config.shifts["office"].start == time(9)
    assert (config.people.basis, config.people.basis_version) == ("agreement", "BV 7")
    assert config.holidays.extra == {date(2026, 12, 24): "Christmas Eve"}
    (rule,) = config.notifications.rules
    assert rule.webhook_key is not None
    assert rule.webhook_key.get_secret_value() not in (workspace / "muster.toml").read_text()
    done = {row.action for row in Workbench(workspace).audit.read()}
    assert {"change_setting", "enrol", "invite_device", "pair_device", "set_pin"} <= done


def _sign_up(page: Page, base: str, code: str) -> None:
    page.goto(f"{base}/sign-in?setup={code}")
    page.fill("input[name=name]", "ada")
    for field in ("password", "again"):
        page.fill(f"input[name={field}]", "correct horse battery")
    page.click("button")
    settled(page)


def _add_camera(page: Page, camera: HttpCamera) -> None:
    page.get_by_role("link", name="A camera with a picture").click()
    settled(page)
    typed(page, "Name", "entrance")
    typed(page, "Address", camera.address)
    pressed(page, "Test")
    expect(page.get_by_text(re.compile(r"320 × 240 .*mjpeg"))).to_be_visible(timeout=PATIENCE_MS)
    _draw_mask(page)
    shoot(page, "2-camera")
    pressed(page, "Add")
    expect(page.get_by_role("button", name="Change")).to_be_visible(timeout=PATIENCE_MS)


def _draw_mask(page: Page) -> None:
    """Draw a rectangle on the camera's picture."""
    stage = page.locator(".m-masks-stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"], steps=4)
    page.mouse.up()
    expect(page.get_by_label("Masks", exact=True)).to_have_value(re.compile(r"^0\.1"), timeout=PATIENCE_MS)


def _add_shift_and_holiday(page: Page, base: str) -> None:
    page.goto(f"{base}/settings?part=shifts&entry=shifts:new")
    settled(page)
    typed(page, "Name", "office")
    for label, text in (("Begin", "0900"), ("End", "1730")):
        spelled(page, label, text)
    shoot(page, "3-shift")
    pressed(page, "Add")
    page.goto(f"{base}/settings?part=shifts")
    settled(page)
    spelled(page, "Day", "24122026")
    page.get_by_label("Name", exact=True).first.fill("Christmas Eve")
    page.keyboard.press("Enter")
    settled(page)
    pressed(page, "Add day")
    shoot(page, "4-holiday")
    pressed(page, "Save")
    expect(page.get_by_text("Settings saved")).to_be_visible(timeout=PATIENCE_MS)


def _add_channel(page: Page, base: str, receiver: Receiver) -> None:
    page.goto(f"{base}/settings?part=notifications&entry=notifications-rules:new")
    settled(page)
    typed(page, "Name", "desk")
    typed(page, "Webhook", receiver.url)
    pressed(page, "Make a key")
    shoot(page, "5-channel")
    pressed(page, "Add")
    page.get_by_role("button", name="Change").click()
    settled(page)
    pressed(page, "Send a test")
    expect(page.get_by_text("Delivered:")).to_be_visible(timeout=PATIENCE_MS)
    assert receiver.signatures


def _choose_basis(page: Page, base: str) -> None:
    page.goto(f"{base}/settings?part=organisation")
    settled(page)
    page.get_by_label("Basis", exact=True).first.fill("Works agreement")
    page.keyboard.press("Enter")
    settled(page)
    typed(page, "Version", "BV 7")
    pressed(page, "Save")
    expect(page.get_by_text("Settings saved")).to_be_visible(timeout=PATIENCE_MS)


def _pair_and_give_pin(page: Page, base: str, workspace: Path, source: str) -> None:
    with serve_kiosk(workspace, "entrance", source) as door:
        page.goto(f"{base}/settings?part=kiosk")
        settled(page)
        pressed(page, "Pair")
        shoot(page, "6-screen")
        link = page.locator("[data-testid=stCode]", has_text="?pair=").inner_text().strip()
        assert link.startswith(f"http://127.0.0.1:{door.port}/?pair=")
        screen = page.context.new_page()
        screen.goto(link)
        screen.wait_for_url(re.compile(r"^[^?]*$"))
        screen.close()
    page.reload()
    settled(page)
    expect(page.get_by_text("paired, last used").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Rename").first.click()
    opened = page.get_by_test_id("stPopoverBody")
    opened.get_by_role("textbox", name="Name of the screen").fill("reception")
    page.keyboard.press("Enter")
    settled(page)
    opened.get_by_role("button", name="Save").click()
    expect(page.get_by_text("reception", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_label("Person", exact=True).first.fill("Person 1")
    page.keyboard.press("Enter")
    settled(page)
    pressed(page, "Give PIN")
    expect(page.get_by_text("PIN of Person 1")).to_be_visible(timeout=PATIENCE_MS)
    shoot(page, "7-pin")
