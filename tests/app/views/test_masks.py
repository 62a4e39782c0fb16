"""Masks drawn on a camera's picture, in a real browser: what the hand does is what the page is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import camera_browser, needs_chromium
from playwright.sync_api import Browser, Page, Route, expect

import app
from engine.config.outlines import corners
from engine.imaging import encode_jpeg

pytestmark = [needs_chromium, pytest.mark.slow]

STATIC = Path(app.__file__).parent / "web" / "static"
BASE = "http://localhost:4998"
PAGE = """
<link rel="stylesheet" href="/workbench.css"><div id="masks"></div>
<script type="module">
import mount from "/masks.js";
window.told = [];
window.run = (data) => mount({
  data, parentElement: document.getElementById("masks"),
  setTriggerValue: (name, text) => window.told.push([name, text]),
});
</script>
"""
PICTURE = "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(np.full((360, 640, 3), 120, np.uint8))).decode()
WORDS = {"picture": "Picture", "how": "<b>How</b>", "undo": "Undo", "clear": "Remove all"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with camera_browser() as found:
        yield found


@pytest.fixture(params=[1440, 390])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    found = browser.new_context(viewport={"width": request.param, "height": 900}).new_page()
    files = {
        "/": ("text/html", PAGE),
        "/masks.js": ("text/javascript", (STATIC / "masks.js").read_text()),
        "/workbench.css": ("text/css", (STATIC / "workbench.css").read_text()),
    }

    def answer(route: Route) -> None:
        kind, body = files.get(route.request.url.removeprefix(BASE), ("text/plain", ""))
        route.fulfill(content_type=kind, body=body)

    found.route(f"{BASE}/**", answer)
    found.goto(BASE + "/")
    found.wait_for_function("Boolean(window.run)")
    shown(found)
    yield found
    found.context.close()


def shown(page: Page, masks: list[Any] | None = None) -> None:
    """What the page says in a run."""
    page.evaluate("data => run(data)", {"picture": PICTURE, "masks": masks or [], "words": WORDS})
    page.wait_for_function("Boolean(document.querySelector('.m-masks svg').getAttribute('viewBox'))")


def told(page: Page) -> list[tuple[tuple[float, float], ...]]:
    """The masks that the page was told last."""
    name, text = page.evaluate("told.at(-1)")
    assert name == "masks"
    return [corners(line) for line in text.splitlines()]


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where in the window a place of the picture is."""
    box = page.locator(".m-masks-stage").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def dragged(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=4)
    page.mouse.up()


def test_a_dragged_rectangle_a_clicked_outline_and_undo(page: Page) -> None:
    dragged(page, (0.1, 0.2), (0.4, 0.6))
    (rectangle,) = told(page)
    wanted = [(0.1, 0.2), (0.4, 0.2), (0.4, 0.6), (0.1, 0.6)]
    assert np.allclose(rectangle, wanted, atol=0.01)
    outline = [(0.6, 0.3), (0.9, 0.3), (0.8, 0.8)]
    for place in (*outline, outline[0]):
        page.mouse.click(*at(page, *place))
    assert np.allclose(told(page)[1], outline, atol=0.01)
    expect(page.locator(".m-masks polygon")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    assert len(told(page)) == 1
    page.get_by_role("button", name="Undo").click()
    assert told(page) == []
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    assert len(page.evaluate("told")) == 4


def test_corners_are_taken_back_one_by_one_and_a_drag_out_of_the_picture_ends_at_its_edge(page: Page) -> None:
    for place in ((0.2, 0.2), (0.5, 0.2)):
        page.mouse.click(*at(page, *place))
    expect(page.locator(".m-masks polyline")).to_have_count(1)
    for _ in range(2):
        page.get_by_role("button", name="Undo").click()
    expect(page.locator(".m-masks polyline")).to_have_count(0)
    assert page.evaluate("told") == []
    dragged(page, (0.5, 0.5), (1.2, 1.3))
    (found,) = told(page)
    assert max(share for corner in found for share in corner) == 1


def test_what_the_page_says_is_shown_and_texts_are_text(page: Page) -> None:
    shown(page, [[[0, 0], [1, 0], [1, 1]], [[0, 0], [0.5, 0], [0.5, 1]]])
    expect(page.locator(".m-masks polygon")).to_have_count(2)
    expect(page.get_by_text("<b>How</b>")).to_be_visible()
    page.get_by_role("button", name="Remove all").click()
    assert json.dumps(told(page)) == "[]"
    page.get_by_role("button", name="Undo").click()
    assert len(told(page)) == 2
