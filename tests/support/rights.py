"""Who may do what on the workbench and the kiosk, found out by asking: `python tests/support/rights.py` renews the tables of
docs/security.md."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from flask import Flask
from kiosk_client import kiosk_app
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from app.kiosk.operations import description
from app.views import PAGES
from app.web import oidc, pictures, rest, services, sign_in, streams
from app.web.gate import Gate
from engine.access import ROLES
from engine.access.rights import ACTIONS
from engine.imaging import write_jpeg
from engine.people import Person

__all__ = ["ASKED", "DOC", "kiosk_rows", "page_rows", "renewed", "route_rows", "tables", "workbench_routes"]

DOC = Path(__file__).parents[2] / "docs" / "security.md"
PASSWORD = "correct horse battery"
_NOBODY = "nobody"
_WHO = (_NOBODY, *ROLES)
_OWN = {"origin": "http://127.0.0.1:8501"}
_PICTURES = ("enrolment", "evidence", "unidentified", "unknown", "tailgating", "presentation_attack", "watch_list")

ASKED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "/sign-in": [("GET", "/sign-in", "sign-in page")],
    "/sign-in/code": [("POST", "/sign-in/code", "second factor, after the password")],
    "/sign-in/organisation": [("GET", "/sign-in/organisation", "leads to the organisation's sign-in")],
    "/oauth2callback": [("GET", "/oauth2callback", "way back from there")],
    "/sign-out": [("GET", "/sign-out", "asks whether to sign out"), ("POST", "/sign-out", "ends the session")],
    "/healthz": [("GET", "/healthz", "whether the server answers")],
    "/live": [("GET", "/live", "leads to the first page")],
    "/picture/{path:path}": [
        ("GET", f"/picture/images/{kind}/x.jpg", f"pictures in `images/{kind}`") for kind in _PICTURES
    ],
    "/portrait": [("GET", "/portrait?id=E1", "a face beside a name")],
    "/camera": [("GET", "/camera?name=none", "a camera's live picture")],
    "/overlay": [("GET", "/overlay?key=none", "boxes over one's own camera, by a key that only its page knows")],
    "/api/v1/{path:path}": [("GET", "/api/v1/sheets", "attendance for programs, by token")],
    "/assets": [("GET", "/assets/sign_in.css", "styles and fonts")],
}
"""How each route is asked: method, address, what is there."""


def workbench_routes() -> list[str]:
    """The addresses that the workbench serves beside Streamlit's own, which the gate keeps behind a session."""
    routes = [*sign_in.routes, *oidc.routes, *pictures.routes, *streams.routes, *rest.routes]
    return [*dict.fromkeys(each.path for each in routes), "/assets"]


def route_rows(folder: Path) -> list[list[str]]:
    """Ask every route as everybody: what, address, then an answer for each of `nobody` and the roles.

    Args:
        folder: an empty one, for a workspace.
    """
    os.environ["MUSTER_WORKSPACE"] = str(folder)
    bench = services.home()
    for role in ROLES:
        bench.accounts.add(role, role, PASSWORD, departments=("Sales",) if role == "manager" else ())
    bench.people.add(Person("E1", "Ann Example", department="Sales"))
    for kind in _PICTURES:
        write_jpeg(folder / "images" / kind / "x.jpg", np.full((60, 60, 3), 90, np.uint8))
    assets = Path(sign_in.__file__).parent / "static"
    served = Starlette(
        routes=[
            *(*sign_in.routes, *oidc.routes, *pictures.routes, *streams.routes, *rest.routes),
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
                    client.post("/sign-in", data={"name": who, "password": PASSWORD}, headers=_OWN)
                status = client.request(method, address, headers=_OWN).status_code
                answers.append("" if status in {401, 403} else "yes")
            rows.append([what, f"`{method} {address.partition('?')[0]}`", *answers])
    return rows


def page_rows() -> list[list[str]]:
    """For every page, who may open it."""
    return [
        [page.path, f"`{page.action}`", "", *("yes" if role in ACTIONS[page.action] else "" for role in ROLES)]
        for page in PAGES
    ]


def kiosk_rows(app: Flask) -> list[list[str]]:
    """For every address of the kiosk, the scope that a device's token must have."""
    found = set()
    for rule in app.url_map.iter_rules():
        address = str(rule).replace("<path:filename>", "{filename}")
        for method, operation in description()["paths"][address].items():
            scope = operation.get("x-scope") or ("–" if address == "/healthz" else "any token")
            found.add((address, method.upper(), str(scope)))
    return [[f"`{method} {address}`", scope] for address, method, scope in sorted(found)]


def tables(folder: Path) -> dict[str, str]:
    """The tables of docs/security.md, by name."""
    heads = ["what", "address", *_WHO]
    kiosk = kiosk_app(folder / "kiosk")
    return {
        "routes": _table(heads, route_rows(folder / "workbench")),
        "pages": _table(["page", "right", *_WHO], page_rows()),
        "kiosk": _table(["address", "scope"], kiosk_rows(kiosk)),
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
