# ruff: noqa: E402 - run as a script, it must find its neighbours first
"""How the live page keeps up: `python tests/load/live_page.py [CYCLES]`, from the project's folder.

Prints processed frames per second of a browser's camera (640×480, 15 frames a second, browser and engine on one machine), the time from
the first frame to the person among today's arrivals, how far the boxes are behind the preview, then threads and memory of the server over
cycles of opening and closing the tab.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

from browser import Site, camera_browser, serve, sign_in, start_camera
from playwright.sync_api import Browser, Page

from engine.imaging import list_images, read_image
from engine.models import fetch_samples
from engine.workbench import Workbench

MARK_PX = 32
WATCH = """
() => {
  const video = document.querySelector(".m-stage video"), drawing = document.querySelector(".m-stage svg");
  const pen = new OffscreenCanvas(320, 1).getContext("2d", { willReadFrequently: true });
  window.seen = { frames: 0, marks: [], boxes: [] };
  const look = () => {
    window.seen.frames += 1;
    pen.drawImage(video, 0, 8, 640, 16, 0, 0, 320, 1);
    const grey = [...pen.getImageData(0, 0, 320, 1).data].filter((_, index) => index % 4 === 0);
    const bright = grey.flatMap((value, index) => (value > 110 ? [2 * index] : []));
    if (bright.length && bright.length < 32) window.seen.marks.push([performance.now(), bright.reduce((a, b) => a + b) / bright.length]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  new MutationObserver(() => {
    const box = drawing.querySelector(".m-person rect");
    if (box) window.seen.boxes.push([performance.now(), box.x.baseVal.value + box.width.baseVal.value / 2]);
  }).observe(drawing, { childList: true });
}
"""


def entrance_clip(path: Path, photo: np.ndarray, *, fps: int = 15, seconds: int = 20) -> None:
    """Somebody sways before the camera for most of the clip, and is gone in between; a white mark above sways with them."""
    width, height = 640, 480
    face = cv2.resize(photo, (round(photo.shape[1] * 300 / photo.shape[0]), 300), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for index in range(fps * seconds):
            frame = noise.normal(150, 2, (height, width, 3)).clip(0, 255).astype(np.uint8)
            if index >= fps * 2:
                left = 120 + round(60 * np.sin(index / 9))
                frame[100:400, left : left + face.shape[1]] = face[:, : width - left]
                frame[:MARK_PX] = 16
                frame[:MARK_PX, left + 100 : left + 124] = 235
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())


def frame_rate(browser: Browser, site: Site, name: str) -> None:
    """Frames per second, and the time until the person is among the arrivals."""
    page = sign_in(browser, site, "admin", "/?camera=browser")
    start_camera(page)
    began = time.monotonic()
    page.wait_for_selector("[data-frames]")
    playing = time.monotonic() - began
    page.locator(".m-arrival", has_text=name).first.wait_for()
    print(
        f"{name} among today's arrivals {time.monotonic() - began:.1f} s after the button; "
        f"the camera played after {playing:.1f} s, and shows nobody for the first 2 s of the clip"
    )
    for _ in range(3):
        first, began = int(page.get_attribute("[data-frames]", "data-frames") or 0), time.monotonic()
        time.sleep(10)
        frames = int(page.get_attribute("[data-frames]", "data-frames") or 0) - first
        print(
            f"{frames / (time.monotonic() - began):.1f} processed frames a second · {page.inner_text('[data-frames]')}"
        )
    delay(page)
    page.context.close()


def delay(page: Page, seconds: int = 20) -> None:
    """Frames of the preview, and by how much the boxes have to be moved in time to sway with the mark."""
    page.evaluate(WATCH)
    page.wait_for_timeout(1000 * seconds)
    seen = page.evaluate("window.seen")
    marks, boxes = np.array(seen["marks"]), np.array(seen["boxes"])
    apart = []
    for lag_ms in range(0, 1500, 10):
        at = boxes[:, 0] - lag_ms
        inside = (at > marks[0, 0]) & (at < marks[-1, 0])
        apart.append(np.std(boxes[inside, 1] - np.interp(at[inside], marks[:, 0], marks[:, 1])))
    print(
        f"preview {seen['frames'] / seconds:.1f} frames a second · boxes {len(boxes) / seconds:.1f} times a second, "
        f"{10 * int(np.argmin(apart))} ms behind it"
    )


def cycles(browser: Browser, site: Site, count: int) -> None:
    """Open the tab, let it run, close it."""
    page = sign_in(browser, site, "admin")
    context = page.context
    page.close()
    time.sleep(30)
    print(f"base: {site.threads} threads, {site.memory_mb:.0f} MB")
    for cycle in range(count):
        page = context.new_page()
        page.goto(f"{site.base}/?camera=browser")
        start_camera(page)
        page.wait_for_function("Number(document.querySelector('[data-frames]')?.dataset.frames) >= 10", timeout=60_000)
        page.close()
        print(f"cycle {cycle + 1}: {site.threads} threads, {site.memory_mb:.0f} MB", flush=True)
    for second in range(5, 35, 5):
        time.sleep(5)
        print(f"{second} s after the last: {site.threads} threads, {site.memory_mb:.0f} MB", flush=True)


def main() -> None:
    """Run it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        photos = list_images(fetch_samples() / "train" / "ben_afflek")
        bench = Workbench(Path(folder) / "workspace")
        bench.registrar.enrol_photos("E1", "Ben", photos[:8])
        clip = Path(folder) / "camera.y4m"
        entrance_clip(clip, read_image(list_images(fetch_samples() / "val" / "ben_afflek")[0]))
        with serve(bench.workspace) as site, camera_browser(clip) as browser:
            frame_rate(browser, site, "Ben")
            cycles(browser, site, count)


if __name__ == "__main__":
    main()
