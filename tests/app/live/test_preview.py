"""The preview of a browser's camera in a real browser: what is drawn lies over what it belongs to, however the picture is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, camera_browser, needs_chromium
from playwright.sync_api import Browser, Page, Route, expect

import app
from app.live.stream import _troubles
from app.web import viewer

pytestmark = [needs_chromium, pytest.mark.slow]

STATIC = Path(app.__file__).parent / "web" / "static"
BASE = "http://localhost:4999"
HOSTILE = "<img src=x onerror=alert(1)> $& {names}"
PERSON = {
    "box": [0.25, 0.25, 0.5, 0.75],
    "text": HOSTILE,
    "colour": [0, 158, 115],
    "ink": [0, 0, 0],
    "decided": True,
    "ring": 0.5,
    "similarity": 0.8,
    "threshold": 0.5,
}
PAGE = """
<link rel="stylesheet" href="/workbench.css">
<style>body { margin: 0 } .st-key-browser-camera { width: 800px }</style>
<div class="st-key-browser-camera"><div id="preview"></div><iframe src="/frame"></iframe></div>
<script type="module">
import mount from "/preview.js";
window.EventSource = class extends EventTarget { // the server, which sends what the test wants drawn
  #timer = setInterval(() => {
    if (window.drawing) this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(window.drawing) }));
  }, 50);
  close() { clearInterval(this.#timer); }
};
window.run = (data) => { window.leave = mount({ data, parentElement: document.getElementById("preview") }); };
</script>
"""
FRAME = """
<button onclick="navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } })">Start</button>
"""
DATA = {
    "playing": True,
    "mirrored": False,
    "turn": 0,
    "source": "/overlay",
    "label": "",
    "off": "Off",
    "start": "Start",
    "stop": "Stop",
    "troubles": {"NotAllowedError": "Blocked", "NotFoundError": "No camera", "Lost": "Again", "Other": "Other"},
    "in_view": "In view: {names}",
}
ARROW = """
() => {
  const stage = document.querySelector(".m-stage").getBoundingClientRect();
  return [document.querySelector("svg polygon").getBoundingClientRect().right, (stage.left + stage.right) / 2];
}
"""
SHOWN = """
() => {
  const place = (element) => { const { x, y, width, height } = element.getBoundingClientRect(); return [x, y, width, height]; };
  const video = document.querySelector("video");
  return {
    stage: place(document.querySelector(".m-stage")),
    video: place(video),
    box: place(document.querySelector(".m-person rect")),
    picture: [video.videoWidth, video.videoHeight],
    mirrored: new DOMMatrix(getComputedStyle(video).transform).a < 0,
  };
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with camera_browser() as found:
        yield found


def opened(browser: Browser, drawing: object, base: str = BASE, **viewport: int) -> Page:
    """A page with the preview at an address, whose server sends one drawing."""
    page = browser.new_context(viewport={"width": 1000, "height": 1000, **viewport}).new_page()  # type: ignore[arg-type]
    answers = {
        "/": ("text/html", PAGE),
        "/frame": ("text/html", FRAME),
        "/preview.js": ("text/javascript", (STATIC / "preview.js").read_text()),
        "/workbench.css": ("text/css", (STATIC / "workbench.css").read_text()),
    }

    def answer(route: Route) -> None:
        kind, body = answers.get(route.request.url.removeprefix(base).partition("?")[0], ("text/plain", ""))
        route.fulfill(content_type=kind, body=body)

    page.route(f"{base}/**", answer)
    page.goto(base + "/")
    page.wait_for_function("Boolean(window.run)")
    page.evaluate("drawing => { window.drawing = drawing; }", drawing)
    return page


def started(page: Page, **data: object) -> Page:
    """The same, with the camera on."""
    page.evaluate("data => run(data)", {**DATA, "playing": False})
    page.wait_for_function("document.querySelector('iframe').contentWindow.navigator.mediaDevices.heard === true")
    page.frame_locator("iframe").get_by_role("button").click()
    page.wait_for_function("Boolean(document.querySelector('iframe').camera)")
    page.evaluate("data => run(data)", {**DATA, **data})
    page.wait_for_selector("svg > *", state="attached")
    return page


@pytest.mark.parametrize(
    ("data", "height"),
    [
        ({}, 1000),
        ({"mirrored": True}, 1000),
        ({}, 400),
        ({"mirrored": True}, 400),
        ({"turn": 90}, 1500),
        ({"turn": 270}, 400),
    ],
)
def test_a_box_lies_over_its_part_of_the_picture(browser: Browser, data: dict[str, object], height: int) -> None:
    """Also where the page is too low for the picture's whole width, and of a camera that hangs on its side."""
    page = started(opened(browser, {"people": [PERSON]}, height=height), **data)
    shown = page.evaluate(SHOWN)
    width, high = (480, 640) if data.get("turn") else (640, 480)
    assert shown["picture"] == [640, 480]
    assert shown["mirrored"] == bool(data.get("mirrored"))
    x, y, wide, tall = shown["stage"]
    scale = min(wide / width, tall / high)
    assert tall == pytest.approx(min(800 * high / width, 0.72 * height), abs=1)
    left, top = x + (wide - scale * width) / 2, y + (tall - scale * high) / 2
    first = 0.5 if data.get("mirrored") else 0.25
    wanted = [left + first * width * scale, top + 0.25 * high * scale, 0.25 * width * scale, 0.5 * high * scale]
    assert shown["box"] == pytest.approx(wanted, abs=2)
    if not data.get("turn"):
        assert shown["video"] == pytest.approx(shown["stage"], abs=1)
    else:
        middle = [shown["video"][0] + shown["video"][2] / 2, shown["video"][1] + shown["video"][3] / 2]
        assert middle == pytest.approx([x + wide / 2, y + tall / 2], abs=1)
        assert shown["video"][2:] == pytest.approx([wide, tall], abs=1)
    page.context.close()


FAKE = "--use-fake-device-for-media-stream"
INSECURE = "http://muster.test"
TAKEN = """
navigator.mediaDevices.getUserMedia = () =>
  Promise.reject(new DOMException("Could not start video source", "NotReadableError"));
"""


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("flags", "granted", "base", "cause", "step"),
    [
        ([FAKE], [], BASE, "NotAllowedError", {"en": "choose Allow", "de": "Zulassen"}),
        ([], ["camera"], BASE, "NotFoundError", {"en": "Plug one in", "de": "Schließen Sie"}),
        (
            [FAKE],
            ["camera"],
            BASE,
            "NotReadableError",
            {"en": "video call", "de": "Videokonferenz"},
        ),
        ([FAKE], [], INSECURE, "Insecure", {"en": "https", "de": "https"}),
    ],
)
def test_a_browser_that_gives_no_camera_says_what_to_click(
    flags: list[str], granted: list[str], base: str, cause: str, step: dict[str, str], language: str, browser: Browser
) -> None:
    """One whose user does not allow it, one without any, one whose camera cannot be opened, and a page without encryption."""
    before = viewer.current.get()
    viewer.current.set(viewer.Viewer(language, "light", ""))
    troubles = _troubles()
    viewer.current.set(before)
    real = browser.browser_type.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *flags])
    page = opened(real, {}, base)
    if cause == "NotReadableError":  # Chromium's fake cameras cannot be taken: what the browser says then
        page.add_init_script(TAKEN)
        page.reload()
        page.wait_for_function("Boolean(window.run)")
    page.context.grant_permissions(granted, origin=base)
    page.evaluate("data => run(data)", {**DATA, "playing": False, "troubles": troubles})
    if base == BASE:
        expect(page.locator(".m-stage p")).to_have_text("Off")
        page.wait_for_function("document.querySelector('iframe').contentWindow.navigator.mediaDevices.heard === true")
        page.frame_locator("iframe").get_by_role("button").click()
    expect(page.locator(".m-stage p")).to_have_text(troubles[cause])
    assert step[language] in troubles[cause]
    real.close()


def test_a_connection_that_breaks_off_is_made_again_and_one_that_is_stopped_is_not(browser: Browser) -> None:
    page = started(opened(browser, {"people": [PERSON]}))
    page.evaluate("document.querySelector('iframe').camera = null")
    page.evaluate("data => run(data)", {**DATA, "playing": False})
    expect(page.locator(".m-stage p")).to_have_text("Again")
    page.wait_for_function(
        "Boolean(document.querySelector('iframe').camera)", timeout=10_000
    )  # nobody pressed the button
    page.context.close()


def test_names_are_text_in_the_picture_and_beside_it(browser: Browser) -> None:
    unclear = {**PERSON, "text": "looking…", "decided": False}
    page = started(opened(browser, {"people": [PERSON, unclear]}))
    expect(page.locator(".m-person text")).to_have_text([HOSTILE, "looking…"])
    expect(page.get_by_role("status")).to_have_text(f"In view: {HOSTILE}")
    assert page.locator("img").count() == 0
    page.context.close()


def test_nothing_is_left_when_the_camera_is_off_or_the_page_is_left(browser: Browser) -> None:
    page = started(opened(browser, {"people": [PERSON]}))
    expect(page.locator(".m-stage p")).to_be_hidden()
    page.evaluate("data => run(data)", {**DATA, "playing": False})
    assert page.locator(".m-person").count() == 0
    assert page.evaluate("document.querySelector('video').srcObject") is None
    expect(page.locator(".m-stage p")).to_be_visible()
    expect(page.locator("[role=status]")).to_be_empty()
    page.evaluate("data => run(data)", DATA)
    page.wait_for_selector(".m-person", state="attached")
    page.evaluate("leave()")
    page.wait_for_timeout(300)
    assert page.locator(".m-person").count() == 0
    page.context.close()


def test_a_camera_that_was_opened_before_the_preview_is_shown_nevertheless(browser: Browser) -> None:
    page = opened(browser, {"people": [PERSON]})
    page.frame_locator("iframe").get_by_role("button").click()
    page.evaluate("data => run(data)", DATA)
    page.wait_for_selector(".m-person", state="attached")
    assert page.evaluate("document.querySelector('video').videoWidth") > 0
    page.context.close()


def test_a_drawing_that_nothing_follows_disappears(browser: Browser) -> None:
    page = started(opened(browser, {"people": [PERSON]}))
    page.evaluate("window.drawing = null")
    expect(page.locator(".m-person")).to_have_count(0, timeout=5_000)
    page.context.close()


def test_a_guided_capture_tells_its_states_apart_without_colour(browser: Browser) -> None:
    seen = []
    for state, turn in (("looking", ""), ("wrong", "left"), ("good", ""), ("taken", "")):
        page = started(opened(browser, {"guide": {"state": state, "held": 0.5, "turn": turn}}), mirrored=True)
        seen.append(
            page.evaluate(
                "[...document.querySelector('svg').children].map((each) => each.getAttribute('stroke-dasharray'))"
            )
        )
        arrow = page.locator("svg polygon")
        assert arrow.count() == bool(turn)
        if turn:
            points, middle = page.evaluate(ARROW)
            assert points < middle
        page.context.close()
    looking, wrong, good, taken = seen
    assert "2.5" in looking
    assert "2.5" in wrong
    assert "50 100" in good
    assert {*taken} == {None, "none"}
    assert len(taken) == 4  # with a tick
