"""JupyterLab on copies of the notebooks, and a page of it in which all cells have run."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from browser import free_port
from PIL import Image
from playwright.sync_api import Browser, Page
from served import answers, up

__all__ = ["NOTEBOOKS", "executed", "serve_lab", "shoot_cells"]

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@contextlib.contextmanager
def serve_lab(workspace: Path, folder: Path) -> Iterator[str]:
    """Serve copies of the notebooks.

    Args:
        workspace: that they open.
        folder: where the copies, settings and the server's log go.

    Yields:
        The address.
    """
    copies = folder / "notebooks"
    copies.mkdir(parents=True)
    for path in NOTEBOOKS:
        shutil.copy(path, copies)
    for name, setting in (
        ("notebook-extension/tracker", {"windowingMode": "none"}),  # else only cells in view exist
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
    ):
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(setting))
    port, own = (
        free_port(),
        {f"JUPYTER_{each}_DIR": str(folder / each.lower()) for each in ("CONFIG", "DATA", "RUNTIME")},
    )
    with (folder / "lab.log").open("wb") as told:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                f"--port={port}",
                "--IdentityProvider.token=",
                f"--ServerApp.root_dir={copies}",
                f"--LabApp.user_settings_dir={folder / 'settings'}",
            ],
            env={**os.environ, **own, "PYTHONPATH": str(ROOT), "MUSTER_WORKSPACE": str(workspace)},
            stdout=told,
            stderr=subprocess.STDOUT,
        )
        base = f"http://127.0.0.1:{port}"
        with up(process, lambda: answers(f"{base}/api"), folder / "lab.log", 30):
            yield base


def executed(browser: Browser, base: str, name: str, *, width: int = 1120, height: int = 9000) -> Page:
    """A notebook alone in a page so tall that nothing scrolls, all cells run."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(120_000)
    page.goto(f"{base}/doc/tree/{name}")
    page.wait_for_selector(".jp-CodeCell")
    while "idle" not in {each["execution_state"] for each in page.request.get(f"{base}/api/kernels").json()}:
        page.wait_for_timeout(500)
    page.wait_for_timeout(3000)  # the page asks for a kernel when it has none yet
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    idle = 0  # folded cells show no number, so the kernel is asked; between two cells it may be idle for a moment
    while idle < 4:
        page.wait_for_timeout(1000)
        states = {each["execution_state"] for each in page.request.get(f"{base}/api/kernels").json()}
        idle = idle + 1 if states == {"idle"} else 0
    page.wait_for_timeout(4000)
    return page


def shoot_cells(page: Page, first: str, last: int, path: Path) -> None:
    """The cell whose heading says something, and so many after it.

    Args:
        page: of `executed`.
        first: words of the heading.
        last: how many cells more.
        path: of the picture.
    """
    box = page.evaluate(
        """([words, more]) => {
            const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
            const begin = cells.findIndex(cell => [...cell.querySelectorAll('h1,h2,h3')].some(each => each.textContent.includes(words)));
            const a = cells[begin].getBoundingClientRect(), b = cells[begin + more].getBoundingClientRect();
            return {x: a.x, y: a.y, width: a.width, height: b.bottom - a.y};
        }""",
        [first, last],
    )
    picture = Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB")
    picture.quantize(256).save(path, optimize=True)
