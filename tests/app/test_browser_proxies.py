"""Workbench and kiosk behind Caddy and nginx, with the configurations of docs/deploy: at the root of a name and below paths."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser import Site, camera_browser, free_port, needs_chromium, serve, sign_in
from door import Door, serve_kiosk
from http_camera import HttpCamera, swaying
from playwright.sync_api import expect
from served import answers, up
from waiting import until

from engine.imaging import read_image
from engine.operations.tls import OwnCertificates
from engine.workbench import Workbench

pytestmark = [needs_chromium, pytest.mark.models, pytest.mark.slow, pytest.mark.alone]

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
NAME = "muster.test"
PICTURE = "() => [...document.querySelectorAll('#picture img')].some((each) => each.naturalWidth > 0)"
ELSEWHERE = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"


@dataclass(frozen=True)
class Served:
    """What a proxy shows.

    Attributes:
        below: whether workbench and kiosk are at paths of one name, or each at a root of its own.
    """

    below: bool
    site: Site
    door: Door


@dataclass(frozen=True)
class Ports:
    """Of a proxy."""

    workbench: int
    kiosk: int


@pytest.fixture(scope="module", params=["root", "path"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Served]:
    """A workbench and a kiosk whose camera shows somebody."""
    workspace, below = tmp_path_factory.mktemp("site"), request.param == "path"
    (workspace / "muster.toml").write_text(f'[app]\nhosts = ["{NAME}"]\n[kiosk]\nhosts = ["{NAME}"]\n')
    Workbench(workspace)
    with contextlib.ExitStack() as stack:
        shown = swaying([read_image(samples / "val" / "ben_afflek" / "03.jpg")])
        camera = stack.enter_context(HttpCamera(shown, fps=10.0))
        site = stack.enter_context(serve(workspace, words=("--root-path", "/muster") if below else ()))
        door = stack.enter_context(
            serve_kiosk(workspace, "entrance", camera.address, words=("--root-path", "/door") if below else ())
        )
        yield Served(below, site, door)


def caddy(served: Served, ports: Ports, folder: Path, chain: Path, key: Path) -> list[str]:
    """The command that runs Caddy; its configuration is the documented one, with names and ports of the test."""
    own, tls = "{\n\tadmin off\n\tauto_https off\n}\n", f"\ttls {chain} {key}\n"
    back = (f"127.0.0.1:{_port(served.site)}", f"127.0.0.1:{served.door.port}")
    if served.below:
        text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
        text = text.replace("muster.example.com {\n", f"https://{NAME}:{ports.workbench} {{\n{tls}")
        text = text.replace("127.0.0.1:8501", back[0]).replace("127.0.0.1:8502", back[1])
    else:
        text = "".join(
            f"https://{NAME}:{port} {{\n{tls}\treverse_proxy {each}\n}}\n"
            for port, each in zip((ports.workbench, ports.kiosk), back, strict=True)
        )
    (folder / "Caddyfile").write_text(own + text)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def nginx(served: Served, ports: Ports, folder: Path, chain: Path, key: Path) -> list[str]:
    """The command that runs nginx, see `caddy`."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for before, after in (
        ("    listen [::]:443 ssl;\n", ""),
        ("muster.example.com;", f"{NAME};"),
        ("/etc/ssl/certs/muster.example.com.pem", str(chain)),
        ("/etc/ssl/private/muster.example.com.key", str(key)),
        ("127.0.0.1:8501", f"127.0.0.1:{_port(served.site)}"),
        ("127.0.0.1:8502", f"127.0.0.1:{served.door.port}"),
    ):
        assert before in text, before
        text = text.replace(before, after)
    if not served.below:
        head, _, block = text.partition("server {")
        body, _, _ = block.partition("    location ")
        text = head + "".join(
            f"server {{{body.replace('listen 443', f'listen {port}')}    location / {{ proxy_pass http://127.0.0.1:{back}; }}\n}}\n"
            for port, back in ((ports.workbench, _port(served.site)), (ports.kiosk, served.door.port))
        )
    text = text.replace("listen 443", f"listen {ports.workbench}")
    temporary = "".join(
        f"{each}_temp_path {folder}/{each};\n" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.getuid() == 0 else ''}\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}\n}}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def _port(site: Site) -> int:
    return int(site.base.rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize("proxy", [caddy, nginx], ids=["caddy", "nginx"])
def test_people_sign_in_and_screens_show_the_door(
    served: Served, proxy: Callable[[Served, Ports, Path, Path, Path], list[str]], tmp_path: Path
) -> None:
    program = proxy.__name__
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    workbench = free_port()
    ports = Ports(workbench, workbench if served.below else free_port())
    chain, key = OwnCertificates((NAME,), tmp_path / "tls").files()
    told = tmp_path / "proxy.log"
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    with told.open("wb") as output:
        process = subprocess.Popen(
            proxy(served, ports, tmp_path, chain, key), env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        root, door = ("/muster", "/door") if served.below else ("", "")
        base, kiosk = f"https://{NAME}:{ports.workbench}{root}", f"https://{NAME}:{ports.kiosk}{door}"
        ready = f"https://127.0.0.1:{ports.workbench}{root}/healthz"
        # Caddy picks the site by the name, so it refuses the address; that it does is an answer
        with up(process, lambda: _reached(ready), told), camera_browser(None, ELSEWHERE) as browser:
            through = Site(served.site.pid, base, served.site.workspace)
            page = sign_in(browser, through, "security", "/alerts", ignore_https_errors=True)
            expect(page.get_by_role("heading", name="Alerts", exact=True)).to_be_visible(timeout=60_000)
            page.get_by_role("link", name="People").first.click()  # goes through the socket
            expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible(timeout=60_000)
            assert page.url.startswith(f"{base}/people")
            cookies = [each for each in page.context.cookies() if each["name"].startswith("muster")]
            assert cookies
            assert all(each["secure"] and each["path"] == f"{root}/" for each in cookies), cookies

            code = served.door.link.partition("?")[2]
            screen = browser.new_context(ignore_https_errors=True).new_page()
            screen.goto(f"{kiosk}/?{code}")
            assert screen.url == f"{kiosk}/"
            # events and pictures are streams; the page's policy forbids the functions that Playwright could wait for
            expect(screen.locator("body")).not_to_have_attribute("data-view", "connecting", timeout=60_000)
            until(lambda: screen.evaluate(PICTURE), seconds=60)


def _reached(address: str) -> bool:
    try:
        return answers(address)
    except OSError as error:
        if "refused" in str(error).casefold():
            raise
        return True
