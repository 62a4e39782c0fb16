"""Search by photo in a real browser: choose or paste a picture, see who was where, and go on from there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from browser import Site, camera_browser, needs_chromium, serve, sign_in
from paperwork import stranger
from paperwork_faces import beside
from playwright.sync_api import Browser, Page, expect

from engine.attendance import Sighting
from engine.gallery import SeenFace
from engine.imaging import crop_around, list_images, read_image, write_jpeg
from engine.types import Identity, TrackState
from engine.workbench import Workbench

PATIENCE_MS = 30_000  # a page that is loaded anew beside other tests
pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Site]:
    """Mindy is enrolled and punched; Madonna is a stranger with an alert."""
    workspace = tmp_path_factory.mktemp("site")
    bench = Workbench(workspace)
    bench.registrar.enrol_photos("E7", "Mindy Kaling", list_images(samples / "train" / "mindy_kaling")[:3])
    now = bench.clock()
    for number, (who, key) in enumerate((("mindy_kaling", "E7"), ("madonna", ""))):
        for shot, path in enumerate(list_images(samples / "val" / who)[:3]):
            image = read_image(path)
            faces = bench.reader.photo(image)
            best = int(faces.detections.areas.argmax())
            assert faces.embeddings is not None
            time, track, unknown = now - timedelta(hours=30 * shot, minutes=number), f"run-{number}-{shot}", ""
            if key:
                identity = Identity(TrackState.KNOWN, key, 6, 6, 0.7, None, None, None, 0.5)
                sighting = Sighting(key, time, "entrance", track, identity, "model", 1)
                bench.attendance.record(sighting, bench.people.known())
            else:
                crop = crop_around(image, faces.detections.boxes[best])
                unknown = stranger(bench, faces.embeddings[best], time, track=track, image=crop).unknown_ids[0]
            face = SeenFace(
                track, "gate" if shot else "entrance", time, time, "known" if key else "unknown", key, unknown
            )
            bench.records.seen.record(face, faces.embeddings[best])
    with serve(workspace) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with camera_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    opened = sign_in(browser, site, "security", "/search")
    yield opened
    opened.context.close()


def upload(page: Page, path: Path) -> None:
    page.goto(page.url.split("?")[0])
    expect(page.get_by_text("Whom are you looking for?")).to_be_visible(timeout=PATIENCE_MS)
    page.set_input_files("input[type=file]", str(path))


def test_a_photo_shows_who_was_where_and_leads_on(page: Page, site: Site, samples: Path) -> None:
    upload(page, list_images(samples / "val" / "mindy_kaling")[4])
    expect(page.get_by_role("heading", name="Sightings (3)")).to_be_visible(timeout=PATIENCE_MS)
    first = page.locator(".m-tile").first
    expect(first).to_contain_text("Mindy Kaling", timeout=PATIENCE_MS)
    expect(first.locator(".m-bar")).to_be_visible(timeout=PATIENCE_MS)
    expect(first).to_contain_text("recognised", timeout=PATIENCE_MS)
    expect(page.get_by_text("Who it may be")).to_be_visible(timeout=PATIENCE_MS)
    # filters
    page.get_by_role("combobox", name="Camera").click()
    page.get_by_role("option", name="entrance").click()
    expect(page.get_by_role("heading", name="Sightings (1)")).to_be_visible(timeout=PATIENCE_MS)
    noted = [row for row in Workbench(site.workspace).audit.read() if row.action == "search_face"]
    assert (noted[-1].author, noted[-1].detail.endswith("1 sightings")) == ("security", True)
    assert "camera entrance" in noted[-1].detail
    # on a phone nothing hangs over
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 800})


def test_a_pasted_picture_counts_like_a_file(page: Page, samples: Path) -> None:
    page.goto(page.url.split("?")[0])
    expect(page.get_by_text("Whom are you looking for?")).to_be_visible(timeout=PATIENCE_MS)
    content = base64.b64encode(list_images(samples / "val" / "madonna")[0].read_bytes()).decode()
    page.wait_for_load_state("networkidle")  # the listener comes with the page's last part
    page.evaluate(
        """text => {
            const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "face.jpg", { type: "image/jpeg" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        content,
    )
    expect(page.locator(".m-tile").first).to_contain_text("unknown-1", timeout=PATIENCE_MS)
    page.locator(".m-tile").first.get_by_role("link", name="View alert").click()
    expect(page.get_by_role("heading", name="Unknown person")).to_be_visible(timeout=PATIENCE_MS)
    # from any picture back to a search for its face
    page.get_by_role("link", name="Find this face").first.click()
    expect(page.locator(".m-tile").first).to_contain_text("unknown-1", timeout=PATIENCE_MS)


def test_of_two_faces_one_is_chosen_and_a_blank_picture_says_why(page: Page, samples: Path, tmp_path: Path) -> None:
    crops = [(crop_around(read_image(path), _box(path)), 240 - 40 * n) for n, path in enumerate(_two(samples))]
    write_jpeg(tmp_path / "two.jpg", beside(*crops))
    write_jpeg(tmp_path / "blank.jpg", np.full((300, 300, 3), 255, np.uint8))
    upload(page, tmp_path / "two.jpg")
    expect(page.get_by_text("2 faces in the picture")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".m-tile").first).to_contain_text("unknown-1", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Face 2").click()
    expect(page.locator(".m-tile").first).to_contain_text("Mindy Kaling", timeout=PATIENCE_MS)
    upload(page, tmp_path / "blank.jpg")
    expect(page.get_by_text("There is no face in this picture")).to_be_visible(timeout=PATIENCE_MS)


def _two(samples: Path) -> list[Path]:
    return [list_images(samples / "val" / "mindy_kaling")[4], list_images(samples / "val" / "madonna")[0]]


def _box(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    height, width = read_image(path).shape[:2]
    return np.array([width * 0.3, height * 0.3, width * 0.7, height * 0.7], np.float32)


def test_who_may_not_search_has_no_such_page(browser: Browser, site: Site) -> None:
    page = sign_in(browser, site, "hr", "/search")
    expect(page.get_by_role("link", name="People")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="Search")).to_have_count(0)
    expect(page.get_by_text("Photo of a face")).to_have_count(0)
    page.context.close()
