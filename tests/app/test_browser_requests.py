"""A request goes round on the sample: asked on a phone, approved by one key, read again by who asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from playwright.sync_api import expect

from engine.workbench import Workbench

PATIENCE_MS = 30_000  # beside other tests
WHO = "ben_afflek"
pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]


@pytest.fixture
def site(tmp_path: Path, sample_workspace: Path) -> Iterator[Site]:
    place = tmp_path / "sample"
    shutil.copytree(sample_workspace, place)
    with serve(place) as served:
        Workbench(place).bindings.bind(WHO, "employee", author="admin")
        yield served


def _hours(bench: Workbench, day: date) -> float | None:
    return bench.attendance.sheets.between(day, day, bench.people.known(), WHO)[0].hours


def test_a_request_is_asked_for_on_a_phone_and_approved_by_one_key(site: Site) -> None:
    bench = Workbench(site.workspace)
    friday = site.today - timedelta(days=(site.today.weekday() - 4) % 7 or 7)
    before, last = _hours(bench, friday), bench.requests.passages(WHO, friday)[-1]
    with camera_browser() as browser:
        phone = sign_in(browser, site, "employee", f"/me?day={friday}&ask=not-me")
        phone.set_default_timeout(PATIENCE_MS)
        phone.set_viewport_size({"width": 390, "height": 844})
        at = f"{last.timestamp.astimezone(bench.config.zone):%H:%M}"
        passage = phone.get_by_role("radio", name=at)
        expect(passage).to_be_visible(timeout=PATIENCE_MS)
        passage.click()
        send = phone.get_by_role("button", name="Send request")
        expect(send).to_be_enabled()
        for button in (passage, send):
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["x"] + box["width"] <= 390
        send.click()
        expect(phone.get_by_text("Request sent")).to_be_visible()
        expect(phone.get_by_role("button", name="Withdraw")).to_be_visible()

        desk = sign_in(browser, site, "hr", "/requests")
        desk.set_default_timeout(PATIENCE_MS)
        expect(desk.get_by_text(f"The passage at {at} is somebody else")).to_be_visible()
        expect(desk.get_by_role("link", name="Requests (1)")).to_be_visible()
        desk.keyboard.press("y")
        expect(desk.get_by_text("Approved: Ben Afflek")).to_be_visible()
        expect(desk.get_by_text("No request is open")).to_be_visible()

        phone.reload()
        expect(phone.locator(".m-status", has_text="approved")).to_be_visible()
        expect(phone.get_by_role("button", name="Withdraw")).to_have_count(0)
    again = Workbench(site.workspace)
    after = _hours(again, friday)
    assert after != before
    assert [(row.author, row.action) for row in again.audit.read() if row.action.startswith("request_")] == [
        (WHO, "request_ask"),
        ("hr", "request_approve"),
    ]
