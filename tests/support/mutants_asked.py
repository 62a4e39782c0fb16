"""Bodies and addresses that are sent to the servers, for `mutants`: an answer of 500 is a fault, whatever else is one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk_client import asking, kiosk_app, token_for
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.web import pictures, rest, services, sign_in
from app.web.gate import Gate
from app.web.rest.server import RateLimit
from app.web.sessions import COOKIE
from engine.access import REST_SCOPES
from engine.workbench import Workbench

if TYPE_CHECKING:
    from mutants import Kind

_BASE = "http://127.0.0.1:8501"
_FORM = "application/x-www-form-urlencoded"


class _Asked:
    """The servers of one workspace."""

    def __init__(self, place: Path) -> None:
        os.environ["MUSTER_WORKSPACE"] = str(place)
        bench: Workbench = services.home()
        bench.accounts.add("root", "admin", "a long password of hers")
        self._kiosk = kiosk_app(place)
        self._screen = token_for(self._kiosk)
        self.token = bench.token_desk.add("payroll", tuple(REST_SCOPES), author="ada")[1]
        self.session = services.sessions().begin(bench.accounts.all()["root"], "session", life_s=9e9)
        routes = [*sign_in.routes, *pictures.routes, *rest.routes]
        self._web = Starlette(routes=routes, middleware=[Middleware(Gate)])

    def _client(self) -> TestClient:
        rest.routes[0].app.limit = RateLimit()
        return TestClient(self._web, base_url=_BASE, follow_redirects=False)

    def posted(self, address: str) -> Callable[[Path], object]:
        """Reads a form."""

        def ask(path: Path) -> None:
            headers = {"origin": _BASE, "content-type": _FORM}
            answer = self._client().post(address, content=path.read_bytes(), headers=headers)
            _told(answer.status_code, answer.text)

        return ask

    def got(self, base: str, **headers: str) -> Callable[[Path], object]:
        """Reads the rest of an address."""

        def ask(path: Path) -> None:
            query = "".join(chr(each) if 33 <= each < 127 else f"%{each:02x}" for each in path.read_bytes())
            answer = self._client().get(base + query, headers=headers)
            _told(answer.status_code, answer.text)

        return ask

    def header(self, name: str) -> Callable[[Path], object]:
        """Reads the value of a header."""

        def ask(path: Path) -> None:
            value = bytes(each for each in path.read_bytes() if each >= 32 and each != 127)
            answer = self._client().get("/portrait?id=E1", headers={name: value})  # type: ignore[dict-item]
            _told(answer.status_code, answer.text)

        return ask

    def pin(self, path: Path) -> None:
        """Reads JSON of a PIN pad."""
        with asking(self._kiosk, self._screen) as program:
            answer = program.post("/api/pin", data=path.read_bytes(), content_type="application/json")
        _told(answer.status_code, answer.text)

    def of_kiosk(self, path: Path) -> None:
        """Reads a query of the kiosk's page."""
        query = "".join(f"%{each:02x}" for each in path.read_bytes())
        with asking(self._kiosk, self._screen) as program:
            answer = program.get(f"/?lang={query}&pair={query}")
        _told(answer.status_code, answer.text)


def _told(status: int, what: str) -> None:
    if status >= 500 and status != 503:
        raise RuntimeError(f"{status}: {what[:200]!r}")


def sent(folder: Path, kind: Callable[[bytes, Path, Callable[[Path], object]], Kind]) -> list[Kind]:
    """What is asked of a workbench, a kiosk and the REST interface of a new workspace."""
    place, made = folder / "w", folder / "bodies"
    place.mkdir(parents=True)
    made.mkdir()
    (place / "muster.toml").write_text("timezone = 'Europe/Berlin'\n")
    asked = _Asked(place)
    bearer = f"Bearer {asked.token}"
    days = b"?from=2026-11-02&until=2026-11-06&limit=5&department=Lab&person=E1&cursor=WyJhIiwiYiJd.abc"
    bodies: dict[str, tuple[bytes, Callable[[Path], object]]] = {
        "sign-in": (b"name=nobody&password=a+long+password&next=%2Flive&setup=", asked.posted("/sign-in")),
        "code": (b"pending=abcdefgh&code=123456&next=%2F", asked.posted("/sign-in/code")),
        "sheets": (days, asked.got("/api/v1/sheets", authorization=bearer)),
        "people": (b"?on=2026-11-02&limit=5&site=w", asked.got("/api/v1/people", authorization=bearer)),
        "incidents": (days, asked.got("/api/v1/incidents", authorization=bearer)),
        "picture": (
            b"/images/evidence/a.jpg?site=w&size=80",
            asked.got("/picture", cookie=f"{COOKIE}={asked.session}"),
        ),
        "cookie": (f"{COOKIE}={asked.session}; muster_browser=abc.def.ghi; other=1".encode(), asked.header("cookie")),
        "authorization": (bearer.encode(), asked.header("authorization")),
        "host": (b"127.0.0.1:8501", asked.header("host")),
        "forwarded": (b'for="[::1]:80";proto=https;host=a.example, for=1.2.3.4', asked.header("forwarded")),
        "pin": (json.dumps({"employee_id": "E1", "pin": "123456"}).encode(), asked.pin),
        "kiosk": (b"de&pair=ABCDE-FGHIJ", asked.of_kiosk),
    }
    return [kind(content, made / name, read) for name, (content, read) in bodies.items()]
