# ruff: noqa: E402 - run as a script, it must find its neighbours first; certificates are those of the servers it starts
"""Attack a workbench and a kiosk over the network, as somebody on it or with an account of little rights, and print what came of it.

    python tests/load/network_attacks.py [--only WORD]

Starts servers of its own on loopback, with small workspaces. Prints a line for each attack: held or got through, and figures; exit code 1
when something got through. `attacks.py` attacks the files of a workspace.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

import httpx2 as httpx
from browser import Site, free_port, serve
from door import Door, serve_kiosk
from http_camera import HttpCamera
from network_bombs import bombs, read_all
from network_secrets import formulas, planted
from open_sockets import page
from served import answers, ended, up

from app.web.sessions import COOKIE
from engine.access import Visitor
from engine.access.setup import offer_setup
from engine.errors import InputError, MusterError
from engine.imaging import encode_jpeg
from engine.workbench import Workbench

Found = tuple[bool, str]
Attack = Callable[["Targets"], Found]
ATTACKS: dict[str, Attack] = {}
MB = 1_000_000
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "streamlit",
}


class Targets:
    """What is attacked: servers that are started when they are needed first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stack = folder, contextlib.ExitStack()
        self._site: Site | None = None
        self._door: Door | None = None

    def new(self, name: str) -> Path:
        """An empty folder."""
        place = self.folder / name
        place.mkdir()
        return place

    @property
    def site(self) -> Site:
        """A workbench with an account for each role."""
        self._site = self._site or self.stack.enter_context(serve(self.new("site")))
        return self._site

    @property
    def door(self) -> Door:
        """A kiosk before a grey picture."""
        if self._door is None:
            camera = self.stack.enter_context(HttpCamera([_grey()]))
            self._door = self.stack.enter_context(serve_kiosk(self.new("door"), "entrance", camera.address))
        return self._door

    def client(self, role: str = "", **more: object) -> httpx.Client:
        """A browser, signed in as a role."""
        headers = {"origin": self.site.base}
        client = httpx.Client(base_url=self.site.base, headers=headers, timeout=60, **more)  # type: ignore[arg-type]
        self.stack.callback(client.close)
        if role:
            form = {"name": role, "password": Site.password(role)}
            assert client.post("/sign-in", data=form).status_code == 303
        return client


def attack(title: str) -> Callable[[Attack], Attack]:
    """Name an attack."""

    def named(each: Attack) -> Attack:
        ATTACKS[title] = each
        return each

    return named


def _grey(width: int = 320) -> bytes:
    import numpy as np

    return encode_jpeg(np.full((width * 3 // 4, width, 3), 120, np.uint8))


def _asks(client: httpx.Client) -> int:
    """Whether a session is one: 200 or 404 if so, else 401."""
    return client.get("/portrait?id=nobody").status_code


@contextlib.contextmanager
def _beside(ask: Callable[[], object]) -> Iterator[list[float]]:
    """Seconds that somebody waits who asks again and again meanwhile; a failure counts as a minute."""
    took, over = list[float](), threading.Event()

    def go() -> None:
        while not over.is_set():
            begun = time.monotonic()
            try:
                ask()
                took.append(time.monotonic() - begun)
            except Exception:  # noqa: BLE001 - not answered
                took.append(60.0)
            over.wait(0.05)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join()


def _p95(took: Sequence[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)] if took else 60.0


# --------------------------------------------------------------------------------------------------------- accounts


@attack("a removed account's cookie, and an account of its name")
def namesake(targets: Targets) -> Found:
    """Remove a viewer, make an administrator of that name, and come with the old cookie; the same with a new role and password."""
    client, accounts = targets.client(), Workbench(targets.site.workspace).accounts
    told = []
    for change in ("namesake", "role", "password", "inactive"):
        name = f"kim-{change}"
        accounts.add(name, "viewer", "a long password of kim")
        client.cookies.clear()
        assert client.post("/sign-in", data={"name": name, "password": "a long password of kim"}).status_code == 303
        assert _asks(client) == 200
        if change == "namesake":
            accounts.remove(name)
            accounts.add(name, "admin", "another long password")
        else:
            new: dict[str, object] = {"role": "admin", "password": "another long password", "inactive": False}
            accounts.change(name, **{"active" if change == "inactive" else change: new[change]})  # type: ignore[arg-type]
        told.append(_asks(client))
    return set(told) == {401}, f"answers {told}"


@attack("a cookie after signing out, and after a restart")
def signed_out(targets: Targets) -> Found:
    """Keep a cookie, sign out, start the server anew."""
    workspace = targets.new("restarted")
    told = []
    for start in range(2):
        with serve(workspace) as site, httpx.Client(base_url=site.base, headers={"origin": site.base}) as client:
            if not start:
                client.post("/sign-in", data={"name": "admin", "password": Site.password("admin")})
                cookie = client.cookies[COOKIE]
                told.append(_asks(client))
                client.post("/sign-out")
            client.cookies.clear()
            told.append(client.get("/portrait?id=nobody", headers={"cookie": f"{COOKIE}={cookie}"}).status_code)
    return told == [200, 401, 401], f"signed in, out, restarted: {told}"


@attack("a sign-out from another site")
def foreign_sign_out(targets: Targets) -> Found:
    """A link, an image and forms of other origins."""
    client = targets.client("viewer")
    told = [client.get("/sign-out").status_code]
    for origin in ("https://evil.example", "null", targets.site.base.replace("http", "https"), targets.site.base + "0"):
        told.append(client.post("/sign-out", headers={"origin": origin}).status_code)
    bare = httpx.Client(base_url=targets.site.base, cookies=dict(client.cookies))
    told.append(bare.post("/sign-out").status_code)
    return _asks(client) == 200 and set(told[1:]) == {403}, f"answers {told}, still signed in: {_asks(client) == 200}"


@attack("two first visitors at once, with the same set-up code")
def first_two(targets: Targets) -> Found:
    """Ten strangers post the code that was printed, and ten one that was not."""
    workspace = targets.new("first")
    bench = Workbench(workspace)
    with serve(workspace) as site:
        for name in list(bench.accounts.all()):  # `serve` makes accounts
            (workspace / "accounts.json").unlink(missing_ok=True)
            del name
        with contextlib.suppress(MusterError):
            bench.records.accept("all", author="x", reason="emptied")
        code = offer_setup(workspace)

        def come(number: int) -> int:
            with httpx.Client(base_url=site.base, headers={"origin": site.base}, timeout=60) as client:
                password = f"a long password {number}"
                form = {"name": f"first-{number}", "password": password, "again": password}
                return client.post("/sign-in", data={**form, "setup": code if number % 2 else "guess"}).status_code

        with ThreadPoolExecutor(20) as crowd:
            told = Counter(crowd.map(come, range(20)))
    made = len(Workbench(workspace).accounts.all())
    return made == 1, f"{made} account, answers {dict(told)}"


@attack("names that look like another's")
def homographs(targets: Targets) -> Found:
    """Cyrillic, Greek, wide and invisible letters, other cases, reserved names; passwords that are tried first."""
    accounts = Workbench(targets.new("names")).accounts
    accounts.add("admin", "admin", "a long password of hers")
    names = ["\u0430dmin", "adm\u0456n", "ADMIN", "Admin ", "\uff41dmin", "ad\u200bmin", "admin\u00ad", "\u202enimda"]
    names += [
        "admi\u0578",
        "engine",
        "Engine",
        "\u0435ngine",
        "muster",
        "a\u0301dmin\u0000",
        "\u03b1dmin",
        "admin\u3164",
    ]
    passwords = ["1234567890", "administrator", "password1234", "qwertyuiop", "muster1234", "Password123", "1111111111"]
    taken = []
    for name in names:
        with contextlib.suppress(InputError):
            accounts.add(name, "viewer", "another long password")
            taken.append(ascii(name))
    for password in passwords:
        with contextlib.suppress(InputError):
            accounts.add(f"user{len(taken)}{len(password)}", "viewer", password)
            taken.append(password)
    return not taken, f"{len(names)} names, {len(passwords)} passwords; accepted: {', '.join(taken) or 'none'}"


@attack("guessing once a second for twelve hours")
def patient(targets: Targets) -> Found:
    """A stranger guesses for one name; its owner comes now and then, from the usual browser and from a new one."""
    accounts = Workbench(targets.new("patient")).accounts
    owner = accounts.add("ann", "admin", "a long password of hers")
    from datetime import UTC, datetime, timedelta

    now, looked, shut = datetime(2026, 11, 23, 8, tzinfo=UTC), 0, Counter[str]()
    known = Visitor("203.0.113.9", "her browser", frozenset({owner.id}))
    for second in range(12 * 3600):
        now += timedelta(seconds=1)
        try:
            accounts.check("ann", "nonsense", now, Visitor("203.0.113.9" if second % 2 else "198.51.100.7"))
        except InputError as error:
            looked += type(error).__name__ == "WrongSecret"
        if second % 7200 == 7199:
            for who, visitor in (("known", known), ("new", Visitor("192.0.2.44"))):
                try:
                    accounts.check("ann", "a long password of hers", now, visitor)
                except InputError:
                    shut[who] += 1
    return (
        not shut and looked < 1500,
        f"{looked} of 43200 guesses looked at; owner shut out: {dict(shut) or 'never'} of 12",
    )


# ----------------------------------------------------------------------------------------------------------- floods


@attack("fifty sign-ins at once under unknown names")
def flood(targets: Targets) -> Found:
    """With addresses that they make up in headers, too; a signed-in user asks meanwhile."""
    user, site = targets.client("hr"), targets.site
    before, most, told, over = site.memory_mb, [0.0], Counter[int](), threading.Event()

    def post(number: int) -> None:
        with httpx.Client(base_url=site.base, headers={"origin": site.base}, timeout=60) as stranger:
            while not over.is_set():
                made_up = {"x-forwarded-for": f"10.1.{number}.{len(told)}"}
                form = {"name": f"user {number} {sum(told.values())}", "password": "nonsense, and long"}
                told[stranger.post("/sign-in", data=form, headers=made_up).status_code] += 1
                most.append(site.memory_mb)

    crowd = [threading.Thread(target=post, args=(number,)) for number in range(50)]
    with _beside(lambda: _asks(user)) as took:
        for thread in crowd:
            thread.start()
        time.sleep(8)
        over.set()
        for thread in crowd:
            thread.join()
    grown, waited = max(most) - before, _p95(took)
    back = user.post("/sign-in", data={"name": "hr", "password": Site.password("hr")}).status_code
    held = grown <= 150 and waited < 1 and set(told) <= {400, 429} and back == 303
    return held, f"+{grown:.0f} MB, p95 {waited * 1000:.0f} ms of {len(took)}, answers {dict(told)}"


@attack("a page on another port or under another name opens the socket")
def other_port(targets: Targets) -> Found:
    """Origins that are nearly right."""
    site, client = targets.site, targets.client("admin")
    host, _, port = site.base.removeprefix("http://").partition(":")
    origins = [f"http://{host}:{int(port) + 1}", f"http://{host}", f"https://{host}:{port}", f"http://localhost:{port}"]
    origins += [f"http://{host}.:{port}", f"http://a@{host}:{port}", f"http://{host}:{port}.evil.example", "null", ""]
    origins += ["https://evil.example", f"http://127.1:{port}", f"http://[::ffff:127.0.0.1]:{port}", "file://"]
    told = {}
    for origin in [*origins, None, site.base]:
        line = http.client.HTTPConnection(host, int(port), timeout=10)
        named = {} if origin is None else {"Origin": origin}
        line.request(
            "GET", "/_stcore/stream", headers={"Cookie": f"{COOKIE}={client.cookies[COOKIE]}", **_UPGRADE, **named}
        )
        told[origin] = line.getresponse().status
        line.close()
    right = told.pop(site.base)
    return right == 101 and set(told.values()) <= {
        400,
        403,
    }, f"{len(told)} foreign origins: {dict(Counter(told.values()))}"


@attack("thirty files of 59 MB from a viewer, and to a page without an uploader")
def uploads(targets: Targets) -> Found:
    """To the own page, to somebody else's, chunked, and with a length that lies."""
    site, viewer, admin = targets.site, targets.client("viewer"), targets.client("admin")
    for each in (viewer, admin):
        each.get("/_stcore/health")
        each.headers["X-Xsrftoken"] = each.cookies["_streamlit_xsrf"]
    content, told, before = bytes(59 * MB), Counter[object](), site.memory_mb
    with (
        page(site, viewer.cookies[COOKIE], "camera=still") as own,
        page(site, admin.cookies[COOKIE], "", name="people") as other,
    ):
        for number in range(30):
            whose, session = ((viewer, own), (viewer, other), (admin, other))[number % 3]
            try:
                answer = whose.put(f"/_stcore/upload_file/{session}/{number}", files={"file": ("x.jpg", content)})
                told[answer.status_code] += 1
            except httpx.HTTPError:
                told["cut off"] += 1
        for path in ("x/y", f"{own}/../{other}/z", f"{own}%2f..%2f{other}/z"):
            told[viewer.put(f"/_stcore/upload_file/{path}", content=iter([content[:MB]])).status_code] += 1
        grown = site.memory_mb - before
    return 204 not in told and 200 not in told and grown < 150, f"answers {dict(told)}, +{grown:.0f} MB"


# ------------------------------------------------------------------------------------------------------ connections


def _hello() -> bytes:
    """What a client of TLS says first."""
    said = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl._create_unverified_context().wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


def _loris(port: int, *, tls: bool, number: int = 600) -> Found:
    """Connections that stop at different places or drip on, and how long others wait for /healthz."""
    unproven = ssl._create_unverified_context()
    head = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    starts = [b"", head + b"X: ", b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 8000\r\n\r\nname="]
    starts += [
        head + b"\r\n" + b"GET /heal",
        b"GET /" + b"a" * 9000,
        head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ]
    hello, lines = _hello(), list[socket.socket]()

    def health() -> None:
        line = socket.create_connection(("127.0.0.1", port), 10)
        if tls:
            line = unproven.wrap_socket(line)
        with line:
            line.sendall(head + b"Connection: close\r\n\r\n")
            assert b" 200 " in line.recv(100)

    began = time.monotonic()
    for each in range(number):
        line = socket.create_connection(("127.0.0.1", port), 10, (f"127.0.0.{2 + each % 3}", 0))
        lines.append(line)
        with contextlib.suppress(OSError):
            if tls and each % 2:
                line.sendall((hello[:3], hello, hello[:-1], b"\x16\x03\x01\xff\xff")[each // 2 % 4])
                continue
            if tls:
                line.settimeout(30)
                lines[-1] = line = unproven.wrap_socket(line)
            line.sendall(starts[each // 2 % len(starts)])
    began_waiting = time.monotonic()
    with _beside(health) as took:
        while time.monotonic() - began_waiting < 14:
            for line in lines[-12:]:
                with contextlib.suppress(OSError):
                    line.settimeout(0.05)
                    line.send(b"x")
            time.sleep(0.5)
    until = began_waiting + 20
    closed = sum(ended(line, until) for line in lines)
    for line in lines:
        line.close()
    held = closed == number and max(took) < 2
    return held, (
        f"{closed} of {number} closed within {time.monotonic() - began_waiting:.0f} s, begun in {began_waiting - began:.0f} s, "
        f"/healthz p95 {_p95(took) * 1000:.0f} ms, at most {max(took):.2f} s"
    )


@attack("slow loris before the workbench")
def loris_site(targets: Targets) -> Found:
    """See `_loris`."""
    return _loris(int(targets.site.base.rpartition(":")[2]), tls=False)


@attack("slow loris before the kiosk")
def loris_door(targets: Targets) -> Found:
    """See `_loris`."""
    return _loris(targets.door.port, tls=False)


@attack("slow loris and half-open handshakes before the workbench's TLS")
def loris_site_tls(targets: Targets) -> Found:
    """See `_loris`."""
    with serve(targets.new("site-tls"), words=("--tls", "self-signed")) as site:
        return _loris(int(site.base.rpartition(":")[2]), tls=True)


@attack("slow loris and half-open handshakes before the kiosk's TLS")
def loris_door_tls(targets: Targets) -> Found:
    """See `_loris`."""
    place, port = targets.new("door-tls"), free_port()
    Workbench(place)
    words = [str(place), "entrance", "http://127.0.0.1:9/x.mjpg", "127.0.0.1", str(port), "--tls", "self-signed"]
    with (place / "kiosk.log").open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.kiosk", *words], stdout=told, stderr=told, cwd=Path(__file__).parents[2]
        )
        with up(process, lambda: answers(f"https://127.0.0.1:{port}/healthz"), place / "kiosk.log"):
            return _loris(port, tls=True)


@attack("eighty streams of one screen")
def streams(targets: Targets) -> Found:
    """Events and pictures of one token; another screen asks for the same."""
    door = targets.door
    bench = Workbench(door.workspace)
    _, greedy = bench.kiosk.pair("greedy", ["screen"], author="x", replace=True)
    _, other = bench.kiosk.pair("other", ["screen"], author="x", replace=True)

    def opened(path: str, token: str) -> tuple[socket.socket, int]:
        line = socket.create_connection(("127.0.0.1", door.port), 10)
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        return line, int(line.recv(100).split()[1])

    told, lines, others = Counter[int](), list[socket.socket](), list[int]()
    for path in ("/events", "/stream.mjpg"):
        for _ in range(80):
            line, status = opened(path, greedy)
            told[status] += 1
            lines.append(line)
    with _beside(lambda: door.get("/healthz", timeout=5)) as took:
        for path in ("/events", "/stream.mjpg"):
            line, status = opened(path, other)
            others.append(status)
            lines.append(line)
        time.sleep(1)
    for line in lines:
        line.close()
    return others == [200, 200] and max(
        took
    ) < 2, f"of 160: {dict(told)}; the other screen: {others}, /healthz {max(took):.2f} s"


@attack("a pairing link used twice, and by twenty at once")
def pairing(targets: Targets) -> Found:
    """Who opens it first has it; nobody else."""
    told = []
    for _ in range(3):
        link = targets.door.link

        def come(_: int, link: str = link) -> int:
            return httpx.get(link, follow_redirects=False, timeout=30).status_code

        with ThreadPoolExecutor(20) as crowd:
            told.append(Counter(crowd.map(come, range(20))))
        told[-1][come(0)] += 1
    return all(each == {303: 1, 401: 20} for each in told), f"answers {[dict(each) for each in told]}"


# ------------------------------------------------------------------------------------------------- bombs and secrets


@attack("small files that unpack to much")
def unpacked(targets: Targets) -> Found:
    """A PNG of 49 million pixels and its relatives to the kiosk; workbooks and pictures to what reads uploaded files."""
    door, told, most, slowest = targets.door, Counter[int](), [0.0], 0.0
    before = 0.0
    for content in (_grey(1920), *bombs("picture").values()):  # the first one loads the networks
        line = http.client.HTTPConnection("127.0.0.1", door.port, timeout=120)
        begun = time.monotonic()
        kind = {"Content-Type": "application/octet-stream", "Authorization": f"Bearer {door.token}"}
        line.request("POST", "/api/recognitions", content, kind)
        status = line.getresponse().status
        line.close()
        if not before:
            before = door.memory_mb
            continue
        told[status] += 1
        slowest = max(slowest, time.monotonic() - begun)
        most.append(door.memory_mb)
    grown = max(most) - before
    worst = read_all(targets.new("bombs"))
    held = set(told) <= {200, 413, 422} and slowest < 3 and grown < 250 and worst.megabytes < 700 and worst.seconds < 30
    return held, f"kiosk {dict(told)}, {slowest:.1f} s, +{grown:.0f} MB; readers: {worst}"


@attack("secrets planted in settings, environment and arguments")
def secrets_told(targets: Targets) -> Found:
    """Read everything that comes out: pages, JSON, logs, errors, process lists, metrics, backups."""
    return planted(targets.new("secrets"))


@attack("names that are formulas, in every export")
def exported(targets: Targets) -> Found:
    """Split at commas, semicolons and tabs."""
    return formulas(targets.new("formulas"))


def main() -> int:
    """Try all; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="attacks whose title has this word")
    only, through = parser.parse_args().only, 0
    with tempfile.TemporaryDirectory(prefix="muster-network-") as name:
        os.environ["MUSTER_KEYS"] = str(Path(name) / "keys")
        targets = Targets(Path(name))
        with targets.stack:
            for title, each in ATTACKS.items():
                if only not in title:
                    continue
                begun = time.monotonic()
                held, figures = each(targets)
                through += not held
                print(
                    f"{title:72} {'held       ' if held else 'GOT THROUGH'} {figures} [{time.monotonic() - begun:.0f} s]",
                    flush=True,
                )
    return 1 if through else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
