# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""Makes the pictures of the pages and notebooks in docs/images: `python tests/support/screens.py`, from the project's folder.

Seeds a sample workspace, serves it, opens each page in Chromium at 1280 pixels, and runs the notebooks in JupyterLab. With `notebooks`,
these only. With `all`, every page in dark and on a tablet, too, into the folder given after it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from browser import Site, camera_browser, serve, sign_in
from clips import guided_clip
from door import serve_kiosk
from lab import executed, serve_lab, shoot_cells
from playwright.sync_api import Page

from engine.demo.sample import seed_sample
from engine.imaging import list_images, read_image
from engine.models import fetch_samples
from engine.workbench import Workbench

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def places(bench: Workbench) -> dict[str, str]:
    """Name of the picture → address."""
    day = bench.attendance.day_of(bench.clock())
    friday = day - timedelta(days=(day.weekday() - 4) % 7 or 7)
    alert = next(each for each in reversed(bench.incidents.incidents(day, day)) if each.row.kind == "tailgating")
    return {
        "live": "/?camera=entrance",
        "attendance": f"/attendance?from={friday}",
        "charts": f"/attendance?from={friday - timedelta(days=11)}&to={friday}&view=charts&chart=delays",
        "month": f"/month?from={bench.attendance.log.days()[0]}&to={friday}",  # the sample has three weeks
        "person": f"/attendance?person=ben_afflek&day={day}",
        "alerts": "/alerts",
        "incident": f"/alerts?incident={alert.row.incident_id}",
        "people": "/people",
        "tuning": "/tuning?at=0.5",
        "system": "/system",
    }


def shoot(page: Page, path: Path, *, width: int, height: int, quiet_s: float = 3.5) -> None:
    """The page as it stands after a while."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(quiet_s * 1000)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)


def own_record(site: Site, bench: Workbench, target: Path, scheme: str) -> None:
    """What an employee sees on a phone."""
    if bench.bindings.account("ben_afflek") is None:
        bench.bindings.bind("ben_afflek", "employee", author="screens")
    with camera_browser() as browser:
        page = sign_in(browser, site, "employee", color_scheme=scheme)
        page.goto(
            f"{site.base}/me?month={bench.attendance.log.days()[-1]:%Y-%m}"
        )  # on the first of a month nothing stands there yet
        shoot(page, target / "me.png", width=390, height=844)


def registration(site: Site, clip: Path) -> None:
    """The guided pictures."""
    with camera_browser(clip) as browser:
        page = sign_in(browser, site, "admin", "/registration")
        page.get_by_role("textbox", name="Employee id").fill("E51")
        page.get_by_role("textbox", name="Name", exact=True).fill("Madonna")
        page.get_by_role("button", name="Continue").click()
        page.get_by_text("has been informed and agrees").click()
        page.get_by_role("button", name="Continue").click()
        page.frame_locator("iframe").first.get_by_role("button", name="Start camera").click()
        page.wait_for_timeout(7000)
        shoot(page, IMAGES / "registration.png", width=1280, height=860, quiet_s=0)


def kiosk(sample: Path, folder: Path) -> None:
    """The screen at the door: somebody is greeted, somebody is asked something; on a day on which nobody has come yet."""
    workspace = folder / "door"
    shutil.copytree(sample, workspace, ignore=shutil.ignore_patterns("log", "attendance", "evidence", "unknown"))
    with (
        serve_kiosk(workspace, "entrance", str(workspace / "demo" / "entrance.mp4")) as door,
        camera_browser() as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
        page.goto(door.link)
        for name, view, text in (("kiosk", "greeting", "Ben"), ("kiosk-prompt", "prompt", "")):
            page.wait_for_selector(f"body[data-view={view}]", timeout=90_000)
            page.locator("#message", has_text=text).wait_for(timeout=90_000)
            page.wait_for_timeout(900)
            page.screenshot(path=IMAGES / f"{name}.jpg", type="jpeg", quality=85)


def notebooks(workspace: Path, folder: Path) -> None:
    """A part of each notebook, after a run of all its cells."""
    with serve_lab(workspace, folder) as base, camera_browser() as browser:
        for name, heading, cells in (
            ("01_threshold_tuning", "4. Try a threshold", 1),
            ("02_attendance_explorer", "When people arrive", 3),
            ("03_incident_review", "Strangers who came again", 3),
        ):
            shoot_cells(executed(browser, base, f"{name}.ipynb"), heading, cells, IMAGES / f"notebook_{name[:2]}.png")


def main() -> None:
    """Make them."""
    more = Path(sys.argv[2]) if sys.argv[1:2] == ["all"] else None
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "sample"
        seed_sample(workspace, lambda *_told: None)
        if more is None:
            notebooks(Path(shutil.copytree(workspace, Path(folder) / "tuned")), Path(folder) / "lab")
        if sys.argv[1:] == ["notebooks"]:
            return
        bench = Workbench(workspace)
        clip = Path(folder) / "guided.y4m"
        guided_clip(clip, read_image(list_images(fetch_samples() / "train" / "madonna")[0]), bench.reader.detector)
        looks = [("light", 1280, IMAGES)]
        if more is not None:
            looks = [("dark", 1280, more / "dark"), ("light", 820, more / "tablet"), ("light", 1280, more / "light")]
        with serve(workspace) as site:
            for scheme, width, target in looks:
                with camera_browser() as browser:
                    page = sign_in(browser, site, "admin", color_scheme=scheme)
                    for name, address in places(bench).items():
                        page.goto(site.base + address)
                        shoot(
                            page, target / f"{name}.png", width=width, height=860, quiet_s=8 if name == "live" else 3.5
                        )
                own_record(site, bench, target, scheme)
            if more is None:
                registration(site, clip)
        if more is None:
            kiosk(workspace, Path(folder))


if __name__ == "__main__":
    main()
