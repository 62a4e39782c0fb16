"""Who may do what on the workbench and the kiosk, found out by asking: `python tests/support/rights.py` renews the tables of
docs/security.md."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from kiosk_client import token_for
from pages import signed_in, texts
from paperwork import punch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app.kiosk import create_app
from app.kiosk.operations import description
from app.views import PAGES
from app.web import films, monitoring, oidc, pictures, rest, services, sign_in, streams
from app.web.gate import Gate
from app.web.rest.resources import RESOURCES
from app.web.sessions import COOKIE
from engine.access import INCIDENTS, REST_SCOPES, ROLES
from engine.access.devices import SCOPES
from engine.imaging import write_jpeg
from engine.people import Person
from engine.records.books import PICTURE_FOLDERS
from engine.types import Event, EventKind
from engine.workbench import Workbench

__all__ = [
    "ASKED",
    "DOC",
    "kiosk_rows",
    "page_rows",
    "renewed",
    "rest_rows",
    "route_rows",
    "tables",
    "workbench_routes",
]

DOC = Path(__file__).parents[2] / "docs" / "security.md"
_NOBODY = "nobody"
_WHO = (_NOBODY, *ROLES)
_OWN = {"origin": "http://127.0.0.1:8501"}
_OF_SALES = "images/evidence/20250310T080000-x.jpg"
_PICTURES = PICTURE_FOLDERS

ASKED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "/sign-in": [("GET", "/sign-in", "sign-in page")],
    "/sign-in/invited": [
        ("GET", "/sign-in/invited", "page of a link by which somebody chooses a password"),
        ("POST", "/sign-in/invited", "takes the password, with the code of the link"),
    ],
    "/sign-in/code": [("POST", "/sign-in/code", "second factor, after the password")],
    "/sign-in/organisation": [("GET", "/sign-in/organisation", "leads to the organisation's sign-in")],
    "/oauth2callback": [("GET", "/oauth2callback", "way back from there")],
    "/sign-out": [("GET", "/sign-out", "asks whether to sign out"), ("POST", "/sign-out", "ends the session")],
    "/healthz": [("GET", "/healthz", "whether the server answers")],
    "/readyz": [("GET", "/readyz", "whether everything that is wanted runs; details by token")],
    "/metrics": [("GET", "/metrics", "figures for monitoring, by token")],
    "/live": [("GET", "/live", "leads to the first page")],
    "/picture/{path:path}": [
        *(("GET", f"/picture/images/{kind}/x.jpg", f"pictures in `images/{kind}`") for kind in _PICTURES),
        ("GET", f"/picture/{_OF_SALES}", "evidence of a passage of somebody of the manager's department"),
    ],
    "/film/{incident}": [("GET", "/film/{incident}", "film of an incident")],
    "/boxes/{incident}": [("GET", "/boxes/{incident}", "boxes of the faces in it")],
    "/portrait": [("GET", "/portrait?id=E1", "a face beside a name")],
    "/camera": [("GET", "/camera?name=none", "a camera's live picture")],
    "/cameras": [("GET", "/cameras?name=none", "small live pictures of cameras")],
    "/overlay": [("GET", "/overlay?key=none", "boxes over one's own camera, by a key that only its page knows")],
    "/api/v1/{path:path}": [("GET", "/api/v1/sheets", "attendance for programs, by token")],
    "/assets": [("GET", "/assets/sign_in.css", "styles and fonts")],
}
"""How each route is asked: method, address, what is there."""


def workbench_routes() -> list[str]:
    """The addresses that the workbench serves beside Streamlit's own, which the gate keeps behind a session."""
    routes = [*monitoring.routes, *sign_in.routes, *oidc.routes, *pictures.routes, *films.routes]
    routes += [*streams.routes, *rest.routes]
    return [*dict.fromkeys(each.path for each in routes), "/assets"]


def route_rows(folder: Path) -> list[list[str]]:
    """Ask every route as everybody: what, address, then an answer for each of `nobody` and the roles.

    Args:
        folder: an empty one, for a workspace.
    """
    os.environ["MUSTER_WORKSPACE"] = str(folder)
    bench = services.home()
    for role in ROLES:
        bench.accounts.add(role, role, email=f"{role}@example.com", departments=("Sales",) if role == "manager" else ())
    bench.people.add(Person("E1", "Ann Example", department="Sales"))
    bench.bindings.bind("E1", "employee", author="tests")
    write_jpeg(folder / _OF_SALES, np.full((60, 60, 3), 90, np.uint8))
    punch(bench, "E1", datetime(2025, 3, 10, 8, tzinfo=UTC), track="t", image=_OF_SALES)
    for kind in _PICTURES:
        write_jpeg(folder / "images" / kind / "x.jpg", np.full((60, 60, 3), 90, np.uint8))
    row = bench.incidents.record(Event(EventKind.UNKNOWN, datetime(2025, 3, 10, 8, tzinfo=UTC), "door", (), (), ()), {})
    assert row is not None
    bench.incidents.keep_film(row, b"no film, but as good as one")
    assets = Path(sign_in.__file__).parent / "static"
    served = Starlette(
        routes=[
            *(*sign_in.routes, *oidc.routes, *monitoring.routes, *pictures.routes, *films.routes),
            *(*streams.routes, *rest.routes),
            Mount("/assets", StaticFiles(directory=assets)),
        ],
        middleware=[Middleware(Gate)],
    )
    rows = []
    for route in workbench_routes():
        for method, address, what in ASKED[route]:
            answers = []
            for who in _WHO:
                client = TestClient(served, base_url="http://127.0.0.1:8501", follow_redirects=False)
                if who != _NOBODY:
                    client.cookies.set(COOKIE, services.sessions().begin(bench.accounts.all()[who]))
                status = client.request(
                    method, address.replace("{incident}", row.incident_id), headers=_OWN
                ).status_code
                answers.append("" if status in {401, 403} else "yes")
            rows.append([what, f"`{method} {address.partition('?')[0]}`", *answers])
    return rows


_SCRIPT = """
from app.ui import parts
from app.views import PAGES
from app.web import access
access.enter()
parts.style()
parts.guarded(next(page for page in PAGES if page.path == {path!r}).show)()
"""
_REFUSALS = ("does not allow this", "you are signed out")  # whatever begins the sentence


def page_rows(folder: Path) -> list[list[str]]:
    """Open every page as everybody.

    Args:
        folder: an empty one, for a workspace.
    """
    rows = []
    with pytest.MonkeyPatch.context() as patch:
        for page in PAGES:
            answers = []
            for who in _WHO:
                signed_in(folder, patch, None if who == _NOBODY else who)
                opened = AppTest.from_string(_SCRIPT.format(path=page.path), default_timeout=60)
                opened.query_params["camera"] = "still"  # no browser is here to show its camera
                shown = opened.run()
                assert not shown.exception, (page.path, who, shown.exception)
                answers.append("" if any(text in texts(shown).casefold() for text in _REFUSALS) else "yes")
            rows.append([page.path, f"`{page.action}`", *answers])
    return rows


_KIOSK_WHO = ("no token", *SCOPES, "revoked")


def kiosk_rows(folder: Path) -> list[list[str]]:
    """Ask every address of the kiosk with a token of each scope, with none, and with one that was revoked."""
    now = [datetime(2026, 11, 23, 8, 0, tzinfo=UTC)]
    bench = Workbench(folder, clock=lambda: now[0])
    app = create_app(bench, {"camera": "entrance", "source": "0"})
    tokens = {scope: token_for(app, scope, name=scope) for scope in SCOPES} | {"no token": ""}
    tokens["revoked"] = token_for(app, name="gone")
    bench.kiosk.revoke("gone", author="tests")

    def answers(method: str, address: str, token: str) -> str:
        own = {"Authorization": f"Bearer {token}"} if token else {}
        answer = app.test_client().open(address, method=method, headers={"Host": "127.0.0.1:8502", **own})
        answer.close()  # streams do not end by themselves
        return "" if answer.status_code in {401, 403} else "yes"

    found = set()
    for rule in app.url_map.iter_rules():
        for method in description()["paths"][str(rule).replace("<path:filename>", "{filename}")]:
            found.add((str(rule), method.upper()))
    rows = []
    for rule_, method in sorted(found):
        shown, address = rule_.replace("<path:filename>", "{filename}"), rule_.replace("<path:filename>", "kiosk.js")
        rows.append([f"`{method} {shown}`", *(answers(method, address, tokens[who]) for who in _KIOSK_WHO)])
    links = [bench.kiosk.invite(name, ["screen"], author="tests")[1] for name in ("one", "two")]
    used = [answers("GET", f"/?pair={links[0]}", "") for _ in range(2)]
    now[0] += timedelta(minutes=11)
    late = answers("GET", f"/?pair={links[1]}", "")
    for what, answer in (("a new code", used[0]), ("a used code", used[1]), ("a code after ten minutes", late)):
        rows.append([f"`GET /?pair=…`, {what}", answer, *[""] * (len(_KIOSK_WHO) - 1)])
    return rows


_PROGRAMS = ("no token", "session", *REST_SCOPES, "departments", "expired", "revoked")


def rest_rows(folder: Path) -> list[list[str]]:
    """Ask every address for programs with each kind of token, and with the session of an administrator."""
    os.environ["MUSTER_WORKSPACE"] = str(folder)
    bench, today = services.home(), services.home().records.now()
    bench.accounts.add("admin", "admin", email="a@example.com")
    tokens = {scope: bench.tokens.add(scope, [scope], author="x", now=today)[1] for scope in REST_SCOPES}
    own = [scope for scope in REST_SCOPES if scope != INCIDENTS]
    tokens["departments"] = bench.tokens.add("departments", own, author="x", now=today, departments=["Sales"])[1]
    past = today - timedelta(days=9)
    tokens["expired"] = bench.tokens.add("expired", REST_SCOPES, author="x", now=past, until=past.date())[1]
    tokens["revoked"] = bench.tokens.add("revoked", REST_SCOPES, author="x", now=today)[1]
    bench.token_desk.revoke("revoked", author="x")
    served = Starlette(routes=[*sign_in.routes, *rest.routes], middleware=[Middleware(Gate)])
    days = {"from": str(past.date()), "until": str(today.date())}
    rows = []
    for name in (*(resource.name for resource in RESOURCES), "openapi.json"):
        answers = []
        for who in _PROGRAMS:
            client = TestClient(served, base_url="http://127.0.0.1:8501", follow_redirects=False)
            if who == "session":
                client.cookies.set(COOKIE, services.sessions().begin(bench.accounts.all()["admin"]))
            headers = {"Authorization": f"Bearer {tokens[who]}"} if who in tokens else {}
            query = days if name in {"sheets", "incidents"} else {}
            status = client.get(f"/api/v1/{name}", params=query, headers=headers).status_code
            answers.append("" if status in {401, 403} else "yes")
        rows.append([f"`GET /api/v1/{name}`", *answers])
    return rows


def tables(folder: Path) -> dict[str, str]:
    """The tables of docs/security.md, by name."""
    return {
        "routes": _table(["what", "address", *_WHO], route_rows(folder / "workbench")),
        "pages": _table(["page", "right", *_WHO], page_rows(folder / "pages")),
        "kiosk": _table(["address", *_KIOSK_WHO], kiosk_rows(folder / "kiosk")),
        "programs": _table(["address", *_PROGRAMS], rest_rows(folder / "programs")),
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def renewed(text: str, made: Mapping[str, str]) -> str:
    """A page with the tables between their marks made anew."""
    for name, table in made.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(\n<!-- end -->)",
            lambda found, table=table: found[1] + table + found[2],
            text,
            flags=re.S,
        )
    return text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        os.environ["MUSTER_KEYS"] = str(Path(place) / "keys")
        DOC.write_text(renewed(DOC.read_text(encoding="utf-8"), tables(Path(place))), encoding="utf-8")
