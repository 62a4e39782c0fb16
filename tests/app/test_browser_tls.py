"""A whole site over its own TLS, from another host name: the browser's camera works there, and a screen is paired."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Site, camera_browser, needs_chromium, sign_in, start_camera
from clips import still_clip
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from http_camera import HttpCamera, swaying
from playwright.sync_api import Error, expect
from site_run import serving, write_cameras
from waiting import until

from engine.face_reader import FaceReader
from engine.imaging import list_images, read_image
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow, pytest.mark.alone]

NAME = "entrance.test"
FETCH = """
async () => {
  const answer = await fetch("/trust/muster-authority.crt");
  const [type, pinned] = ["content-type", "strict-transport-security"].map((name) => answer.headers.get(name));
  return { type, pinned, text: await answer.text() };
}
"""
PICTURE = "() => [...document.querySelectorAll('#picture img')].some((each) => each.naturalWidth > 0)"
ELSEWHERE = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
"""The browser is on another machine, as far as it can tell: the name is not `localhost`."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Site]:
    """`muster serve` with a certificate of its own, one person enrolled, and a camera at the door."""
    workspace, keys = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch, HttpCamera(swaying([]), fps=10) as camera:
        patch.setenv("MUSTER_KEYS", str(keys))
        bench = Workbench(workspace)
        bench.registrar.enrol_photos("E1", "Ben", list_images(samples / "train" / "ben_afflek")[:8])
        for role in ("admin", "hr"):
            bench.accounts.add(role, role, Site.password(role), language="en")
        write_cameras(workspace, {"door": camera.address}, f'[app]\nhosts = ["{NAME}"]\n[kiosk]\nhosts = ["{NAME}"]\n')
        with serving(workspace, "--tls", "self-signed", "--host", "0.0.0.0") as served:
            yield Site(served.process.pid, f"https://{NAME}:{served.port}", workspace)


def trusting(keys: Path) -> str:
    """A switch that makes Chromium trust the authority in a folder of keys, as if it were installed."""
    authority = x509.load_pem_x509_certificate((keys / "tls" / "authority.pem").read_bytes())
    public = authority.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"--ignore-certificate-errors-spki-list={base64.b64encode(hashlib.sha256(public).digest()).decode()}"


@pytest.fixture(scope="module")
def keys(site: Site) -> Path:
    """The folder with the authority."""
    return next(site.workspace.parent.glob("keys*"))


def test_a_camera_from_another_host_name_punches_somebody_in(
    site: Site, keys: Path, samples: Path, reader: FaceReader, tmp_path: Path
) -> None:
    clip = tmp_path / "ben.y4m"
    still_clip(clip, read_image(list_images(samples / "val" / "ben_afflek")[0]), reader.detector)
    with camera_browser(clip, ELSEWHERE, trusting(keys)) as browser:
        page = sign_in(browser, site, "hr", "/?camera=browser")
        assert page.evaluate("isSecureContext")
        cookies = {each["name"]: each for each in page.context.cookies()}
        assert all(each["secure"] for each in cookies.values()), cookies
        start_camera(page)
        expect(page.locator(".m-arrival", has_text="Ben").first).to_be_visible(timeout=60_000)


def test_a_screen_is_paired_through_the_link_on_the_page(site: Site, keys: Path) -> None:
    with camera_browser(None, ELSEWHERE, trusting(keys)) as browser:
        page = sign_in(browser, site, "admin", "/settings?part=kiosk")
        page.get_by_role("button", name="Pair", exact=True).click()
        link = page.locator("[data-testid=stCode]", has_text="?pair=").inner_text().strip()
        assert link.startswith(f"https://{NAME}:")
        screen = browser.new_context().new_page()
        screen.goto(link)
        assert screen.url == f"{link.partition('?')[0]}"
        assert all(each["secure"] for each in screen.context.cookies())
        expect(screen.locator("body")).not_to_have_attribute("data-view", "connecting", timeout=60_000)
        until(lambda: screen.evaluate(PICTURE), seconds=60)


def test_who_does_not_trust_the_authority_yet_can_fetch_it(site: Site, keys: Path) -> None:
    with camera_browser(None, ELSEWHERE) as browser:
        page = browser.new_context().new_page()
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            page.goto(site.base)
        page = browser.new_context(ignore_https_errors=True, locale="de-DE").new_page()
        page.goto(site.base)
        page.get_by_role("link", name="Warnt der Browser vor diesem Server?").click()
        fetched = page.evaluate(FETCH)
        assert fetched["type"] == "application/x-x509-ca-cert"
        assert fetched["pinned"] == "max-age=31536000"
        assert fetched["text"].encode() == (keys / "tls" / "authority.pem").read_bytes()
        found = x509.load_pem_x509_certificate(fetched["text"].encode())
        shown = page.locator("code").inner_text()
        assert (
            bytes.fromhex(shown.replace(":", ""))
            == hashlib.sha256(found.public_bytes(serialization.Encoding.DER)).digest()
        )
        page.get_by_role("link", name="Zertifizierungsstelle herunterladen").wait_for()
