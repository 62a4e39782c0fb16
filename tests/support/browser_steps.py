"""What a person does on the Registration page, for tests in a real browser."""

from __future__ import annotations

from browser import start_camera
from playwright.sync_api import Page, expect

__all__ = ["enrol_by_camera", "enrol_until_pictures"]


def enrol_until_pictures(page: Page, employee_id: str, name: str) -> None:
    """From details to the pictures of a new person. The page shows /registration."""
    page.get_by_role("textbox", name="Employee id").fill(employee_id)
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("has been informed and agrees").click()
    page.get_by_role("button", name="Continue").click()


def enrol_by_camera(page: Page, employee_id: str, name: str, *, capture_ms: int = 90_000) -> None:
    """From details to done, with pictures of the guided capture.

    Args:
        page: shows /registration; its browser's camera is a clip of `clips.guided_clip`.
        employee_id, name: of the new person.
        capture_ms: longest time that the four pictures may take.
    """
    enrol_until_pictures(page, employee_id, name)
    start_camera(page)
    expect(page.get_by_text("All pictures taken")).to_be_visible(timeout=capture_ms)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Safe to enrol")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_role("heading", name=f"{name} is registered")).to_be_visible(timeout=30_000)
