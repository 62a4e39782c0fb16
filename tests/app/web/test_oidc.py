"""Signing in through an organisation's own service, in a real browser with a provider of our own."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import camera_browser, free_port, needs_chromium, serve
from playwright.sync_api import expect
from provider import provider

from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.slow]


def settings(workspace: Path, base: str, port: int) -> None:
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "muster.toml").write_text(
        f'[app.oidc]\nmetadata_url = "{base}/.well-known/openid-configuration"\nclient_id = "muster"\n'
        f'client_secret = "kept between two"\nbase_url = "http://127.0.0.1:{port}"\nlabel = "Sign in with Example"\n'
    )


def test_only_an_address_that_is_vouched_for_and_registered_enters(tmp_path: Path) -> None:
    port = free_port()
    with provider() as who:
        settings(tmp_path, who.base, port)
        with serve(tmp_path, port=port) as site, camera_browser() as browser:

            def tries(*, enters: bool) -> None:
                page = browser.new_context().new_page()
                page.goto(site.base + "/attendance")
                page.get_by_role("link", name="Sign in with Example").click()
                if enters:
                    page.wait_for_url("**/attendance")
                    page.get_by_role("button", name="ada").click(timeout=30_000)
                    expect(page.get_by_text("ada · hr")).to_be_visible()
                    page.get_by_role("button", name="Sign out").click()
                    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=30_000)
                    assert len(who.ended) == 1
                    assert page.url == site.base + "/sign-in"
                else:
                    expect(page.get_by_text("No account has the address")).to_be_visible(timeout=30_000)
                # whoever has no session reaches no page, whatever the service says of them
                page.goto(site.base + "/attendance")
                assert "/sign-in" in page.url
                page.context.close()

            tries(enters=False)  # nobody is registered
            Workbench(tmp_path).accounts.add("ada", "hr", email="ada@example.com")
            who.verified = False
            tries(enters=False)
            who.verified = True
            tries(enters=True)
