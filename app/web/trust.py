"""How phones and computers learn to trust a server that signs its own certificate: a page with the steps, and the authority to install.

The kiosk offers the authority alone, at the same address.
"""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.web import authority, plain
from app.web.below import at
from engine.operations.tls import fingerprint
from engine.words import N_

_STEPS = (
    (
        "iPhone, iPad",
        N_("Open the file and install the profile in Settings. Then switch it on under Certificate Trust Settings."),
    ),
    (
        "Android",
        N_("Search Settings for “CA certificate”. Install it from the downloaded file and confirm the warning."),
    ),
    (
        "Windows",
        N_("Open the file and choose Install Certificate. Put it into Trusted Root Certification Authorities."),
    ),
    ("macOS", N_("Open the file in Keychain Access. Set the certificate to Always Trust.")),
    (
        "Linux, ChromeOS",
        N_("Open the browser's certificate settings. Import the file under Authorities, for websites."),
    ),
    ("Firefox", N_("Open Settings, Privacy & Security, View Certificates. Import the file under Authorities.")),
)


def _path() -> Path:
    found = authority.offered()
    assert found is not None, "the routes are served with an authority only"
    return found


def _page(request: Request) -> Response:
    return plain.shown(request, "trust.html", file=at(authority.FILE), fingerprint=fingerprint(_path()), steps=_STEPS)


def _file(_request: Request) -> Response:
    return Response(_path().read_bytes(), media_type=authority.TYPE)


# Starlette runs both in threads: they read files
routes = [Route("/trust", _page, methods=["GET"]), Route(authority.FILE, _file, methods=["GET"])]
