"""The kiosk as people meet it: a camera, the real recognition, a screen in a real browser."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import camera_browser, needs_chromium
from door import Door, serve_kiosk
from http_camera import HttpCamera, swaying
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as TimedOut
from waiting import until

from engine.attendance import PunchRow
from engine.imaging import list_images, read_image
from engine.people import Person
from engine.workbench import Workbench

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.alone]

FPS = 10.0
PIN = "482913"
Scenes = dict[str, list[bytes]]


@pytest.fixture(scope="module")
def scenes(samples: Path) -> Scenes:
    """What the camera may show."""
    ben = read_image(samples / "val" / "ben_afflek" / "03.jpg")
    madonna = read_image(samples / "val" / "madonna" / "03.jpg")
    elton = read_image(samples / "val" / "elton_john" / "01.jpg")
    jerry = read_image(samples / "val" / "jerry_seinfeld" / "01.jpg")
    return {
        "nobody": swaying([]),
        "ben": swaying([ben]),
        "jerry": swaying([jerry]),
        "elton": swaying([elton]),
        "stranger": swaying([madonna]),
        "two": swaying([ben, madonna]),
    }


@pytest.fixture(scope="module")
def camera(scenes: Scenes) -> Iterator[HttpCamera]:
    """On 127.0.0.1."""
    with HttpCamera(scenes["nobody"], fps=FPS) as found:
        yield found


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, samples: Path, camera: HttpCamera) -> Iterator[Door]:
    """A kiosk before that camera; Ben is enrolled, Ada has a PIN."""
    bench = Workbench(tmp_path_factory.mktemp("door"))
    bench.registrar.enrol_photos("E1", "Ben Afflek", list_images(samples / "train" / "ben_afflek")[:6])
    bench.registrar.enrol_photos("E2", "Jerry Seinfeld", list_images(samples / "train" / "jerry_seinfeld")[:6])
    bench.people.put(Person("A7", "Ada Lovelace"))
    bench.kiosk.give_pin("A7", PIN, author="tests")
    # pictures that sway are no living people, and repeat themselves
    own = {"MUSTER_PRESENTATION__POLICY": "off", "MUSTER_KIOSK__STREAMS_PER_DEVICE": "200"}  # one token for all viewers
    with serve_kiosk(bench.workspace, "entrance", camera.address, **own) as found:
        found.wait_for("playing", 60)
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with camera_browser() as found:
        yield found


@pytest.fixture
def screen(browser: Browser, door: Door, camera: HttpCamera, scenes: Scenes) -> Iterator[Page]:
    """A paired screen before an empty hall."""
    camera.pictures = scenes["nobody"]
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    page.set_default_timeout(30_000)
    page.goto(door.link)
    page.wait_for_selector("body[data-view=idle].pictured")
    yield page
    page.context.close()


def _rows(door: Door) -> list[PunchRow]:
    bench = Workbench(door.workspace)
    return bench.attendance.log.read(*[bench.attendance.day_of(bench.clock())] * 2)


@needs_chromium
def test_the_link_pairs_a_screen_that_shows_the_camera_and_greets_who_comes(
    screen: Page, door: Door, camera: HttpCamera, scenes: Scenes
) -> None:
    assert "pair" not in screen.url  # the token is not in the address any more
    assert screen.evaluate("document.cookie") == ""
    camera.pictures = scenes["ben"]
    screen.wait_for_selector("body[data-view=greeting]")
    message = screen.locator("#message")
    expect(message).to_contain_text("Ben")
    expect(message).not_to_contain_text("Afflek")
    (row,) = [row for row in _rows(door) if row.employee_id == "E1"]
    expect(message).to_contain_text(f"{row.timestamp:%H:%M}")
    height = screen.locator("#message .large").evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    assert height >= 0.08 * 800  # readable from two metres
    camera.pictures = scenes["nobody"]
    screen.wait_for_selector("body[data-view=idle]")
    assert door.status()["people_today"] == 1


@needs_chromium
def test_who_is_greeted_says_that_they_went_out_by_touch_and_that_it_is_not_them_by_keyboard(
    screen: Page, door: Door, camera: HttpCamera, scenes: Scenes
) -> None:
    bench = Workbench(door.workspace)
    day = bench.attendance.day_of(bench.clock())
    camera.pictures = scenes["jerry"]
    out = screen.get_by_role("button", name="I am going out")
    expect(out).to_be_visible()
    expect(screen.locator("#message")).to_contain_text("Came in")
    camera.pictures = scenes["nobody"]
    size = out.bounding_box()
    assert size is not None
    assert min(size["width"], size["height"]) >= 0.1 * 800
    letters = out.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    assert letters >= 0.04 * 800  # read from 1.5 m
    screen.wait_for_timeout(800)  # a touch right after the change may be meant for somebody else
    out.click()
    expect(screen.locator("#message")).to_contain_text("Goodbye")
    expect(screen.locator("#message .line")).to_have_text(re.compile(r"Changed: Went out \d\d:\d\d"))
    own = [row for row in _rows(door) if row.employee_id == "E2"]
    assert [(row.event, row.direction) for row in own] == [("punch", "both"), ("turn", "out")]
    (sheet,) = [row for row in bench.attendance.sheets.on(day, bench.people.known()) if row.employee_id == "E2"]
    assert (sheet.first_in, sheet.last_out) == (None, own[0].timestamp)

    for _ in range(6):
        screen.keyboard.press("Tab")
        if screen.locator(":focus").text_content() == "Not me":
            break
    expect(screen.get_by_role("button", name="Not me")).to_be_focused()
    screen.wait_for_timeout(800)
    screen.keyboard.press("Enter")
    expect(screen.locator("#message .large")).to_have_text("Name removed")
    expect(screen.locator("#message .line")).to_have_text("Please use your PIN")
    assert _rows(door)[-1].event == "retract"
    assert "wrong_name" in [row["kind"] for row in bench.incidents.log.raw.read(day, day)]
    screen.wait_for_selector("body[data-view=idle]")


@needs_chromium
def test_people_are_told_what_to_do(screen: Page, camera: HttpCamera, scenes: Scenes) -> None:
    camera.pictures = scenes["stranger"]
    screen.wait_for_selector("body[data-view=prompt]")
    expect(screen.locator("#message")).to_contain_text("Not recognised")
    camera.pictures = scenes["two"]
    expect(screen.locator("#message")).to_contain_text("One at a time", timeout=20_000)
    camera.pictures = scenes["nobody"]
    screen.wait_for_selector("body[data-view=idle]")


@needs_chromium
def test_a_pin_is_a_way_in(screen: Page, door: Door) -> None:
    screen.click("#corner")
    screen.keyboard.type("a7")
    screen.keyboard.press("Enter")
    screen.keyboard.type(PIN)
    screen.keyboard.press("Enter")
    screen.wait_for_selector("body[data-view=greeting]")
    expect(screen.locator("#message")).to_contain_text("Ada")
    (row,) = [row for row in _rows(door) if row.employee_id == "A7"]
    assert (row.event, row.method, row.camera) == ("punch", "pin", "entrance")
    assert (door.workspace / row.evidence_image).is_file()
    screen.wait_for_timeout(4_500)  # until then whoever comes into view is taken for her


@needs_chromium
def test_a_qr_badge_is_read_by_a_reader_that_types_and_leaves_a_pin_that_is_being_typed_alone(
    screen: Page, door: Door, camera: HttpCamera, scenes: Scenes
) -> None:
    bench = Workbench(door.workspace)
    today = bench.attendance.day_of(bench.clock())

    badge, code = bench.kiosk.issue_badge("B1", author="tests", name="Grace Hopper")
    screen.reload()  # as it does by itself when badges are new
    screen.wait_for_selector("body[data-view=idle].pictured")
    began = bench.clock()
    camera.pictures = scenes["elton"]  # has no template
    screen.wait_for_selector("body[data-view=prompt]")
    expect(screen.locator("#message .line")).to_have_text("Please use your badge or PIN")
    screen.click("#corner")
    screen.keyboard.type("a", delay=100)
    screen.keyboard.type("7", delay=100)
    _read(screen, code, "#pin-greeting")
    expect(screen.locator("#pin-greeting")).to_contain_text("Grace")
    expect(screen.locator("#pin-typed")).to_have_text("a7")  # what the reader typed is gone again
    expect(screen.locator("#pin-title")).to_have_text("Employee number")  # and its Enter went nowhere
    screen.keyboard.press("Escape")
    expect(screen.locator("#message")).to_contain_text("Grace")
    (row,) = [row for row in _rows(door) if row.employee_id == "B1"]
    assert (row.event, row.method, row.camera) == ("punch", "badge", "entrance")
    assert (door.workspace / row.evidence_image).is_file()
    camera.pictures = scenes["nobody"]

    bench.kiosk.revoke_badge(badge.badge_id, author="tests")
    screen.wait_for_selector("body[data-view=idle]")
    screen.wait_for_timeout(2_100)  # held before the reader for long, a badge is shown once
    _read(screen, code, "body[data-view=prompt]")
    expect(screen.locator("#message .large")).to_have_text("This badge is not valid")
    told = [row for row in bench.incidents.log.read(today, today) if row.timestamp >= began]
    assert [row.kind for row in told] == ["badge"]  # and whoever showed it is no stranger


def _read(screen: Page, code: str, shown: str) -> None:
    """Hold a badge before a reader: quick keystrokes and Enter; once more if the machine was too slow for that."""
    for _ in range(5):
        screen.keyboard.type(code)
        screen.keyboard.press("Enter")
        with contextlib.suppress(TimedOut):
            screen.wait_for_selector(shown, timeout=3_000)
            return
    raise AssertionError("the badge was not read")


@needs_chromium
def test_a_camera_that_is_gone_is_told_on_the_screen_and_its_return_too(
    screen: Page, door: Door, camera: HttpCamera
) -> None:
    camera.frozen.set()
    try:
        screen.wait_for_selector("body[data-view=off]")
        assert door.status()["camera"]["state"] == "lost"
        assert door.get("/snapshot.jpg")[0] == 503  # no old picture for a new one
        assert door.get("/readyz")[0] == 503
    finally:
        camera.frozen.clear()
    screen.wait_for_selector("body[data-view=idle].pictured")
    assert door.get("/readyz")[0] == 200


def test_a_reader_that_is_killed_is_replaced_nobody_arrives_twice_and_the_gap_is_on_record(
    door: Door, camera: HttpCamera, scenes: Scenes
) -> None:
    bench = Workbench(door.workspace)
    coverage, day = bench.attendance.plan.coverage, bench.attendance.day_of(bench.clock())
    assert coverage is not None

    def lost() -> int:
        return sum(row.why == "lost" for row in coverage.log.read(day))

    camera.pictures = scenes["ben"]
    until(lambda: any(row.employee_id == "E1" for row in _rows(door)))
    punches = sum(row.event == "punch" for row in _rows(door))
    for _ in range(2):
        before, losses = lost(), door.status()["camera"]["losses"]
        (child,) = door.children
        os.kill(child, signal.SIGKILL)
        until(lambda losses=losses: door.status()["camera"]["losses"] > losses)  # type: ignore[misc]
        door.wait_for("playing", 60)
        until(lambda before=before: lost() == before + 1)  # type: ignore[misc]
        assert door.children != [child]
    camera.pictures = scenes["nobody"]
    assert sum(row.event == "punch" for row in _rows(door)) == punches
    told = [row["kind"] for row in bench.incidents.log.raw.read(day, day)]
    assert (told.count("camera_lost"), told.count("camera_back")) == (1, 1)  # it flaps
    (flapping,) = (each for each in bench.incidents.incidents(day, day) if each.row.kind == "camera_lost")
    assert re.match(r"lost \d+ times since .*, back since", flapping.note)


def test_many_viewers_share_one_picture_and_stalled_ones_are_sent_away(
    door: Door, camera: HttpCamera, scenes: Scenes
) -> None:
    import sys

    sys.path.append(str(Path(__file__).parents[2] / "load"))
    from kiosk import stalled, viewers

    camera.pictures = scenes["nobody"]
    found = viewers(door, 30, 4)
    assert found["one_more"] == 503
    assert float(str(found["fps_min"])) > 0
    left = stalled(door, 10, 60, until_freed=True)
    assert left["freed_after_s"] is not None
    assert left["threads"] == 0
    assert float(str(left["memory_mb"])) < 40


def test_a_device_that_is_revoked_sees_no_more_of_a_stream_that_runs(door: Door) -> None:
    import http.client

    bench = Workbench(door.workspace)
    _, token = bench.kiosk.pair("lost tablet", ["screen"], author="tests")
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/stream.mjpg", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.read(1000)
        bench.kiosk.revoke("lost tablet", author="tests")
        deadline = time.monotonic() + 30
        while answer.read(65536):
            assert time.monotonic() < deadline


def test_the_workbench_shows_what_a_kiosk_sees_without_reading_the_camera_itself(
    door: Door, camera: HttpCamera
) -> None:

    from app.live.cameras import Camera

    bench = Workbench(door.workspace)
    shown = Camera(bench, "entrance", camera.address)
    with shown.watched() as picture:
        until(lambda: picture.newest.number > 5 and bool(picture.newest.jpeg))
        assert (shown.state, shown.recording) == ("playing", False)
        assert len(door.children) == 1
        newest = picture.newest.jpeg
    with shown.kept():  # ends with it: otherwise it would go on for some seconds, and record once the kiosk is gone
        pass
    assert newest.startswith(b"\xff\xd8")


def test_ending_the_kiosk_settles_what_is_open_and_leaves_no_process(door: Door) -> None:
    children = door.children
    assert children
    os.kill(door.pid, signal.SIGTERM)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
    bench = Workbench(door.workspace)
    assert bench.attendance.plan.coverage is not None
    day = bench.attendance.day_of(bench.clock())
    until(lambda: bench.attendance.plan.coverage.log.read(day)[-1].why == "stopped")  # type: ignore[union-attr]
    assert bench.records.verify() == []
