"""The Confirm page in a real browser: faces are answered by key, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from near_line import near_line
from playwright.sync_api import expect

from engine.workbench import Workbench

PATIENCE_MS = 30_000  # beside other tests
pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]


@pytest.fixture
def site(tmp_path: Path, samples: Path) -> Iterator[Site]:
    near_line(Workbench(tmp_path), samples, people=2)
    with serve(tmp_path) as served:
        yield served


def test_faces_are_answered_without_a_mouse(site: Site) -> None:
    asked = len(Workbench(site.workspace).confirm.questions())
    assert asked >= 2
    with camera_browser() as browser:
        page = sign_in(browser, site, "security", "/confirm")
        page.set_default_timeout(PATIENCE_MS)
        expect(page.get_by_text(f"1 of {asked}")).to_be_visible(timeout=PATIENCE_MS)
        pictures = page.locator(".m-pair img")
        expect(pictures).to_have_count(2)
        sizes = pictures.evaluate_all("each => each.map((one) => one.naturalWidth)")
        assert min(sizes) >= 60, "both faces are drawn"
        page.keyboard.press("y")
        expect(page.get_by_text("Recorded: this is")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text(f"2 of {asked}")).to_be_visible()
        page.keyboard.press("u")
        expect(page.get_by_text("Recorded: nobody can tell.")).to_be_visible(timeout=PATIENCE_MS)
        for _ in range(asked - 2):
            page.keyboard.press("s")
        expect(page.get_by_text("All questions are answered")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator(".m-pair img")).to_have_count(0)
    answers = Workbench(site.workspace).answers.rows()
    assert [(row.answer, row.author) for row in answers] == [("yes", "security"), ("unsure", "security")]
