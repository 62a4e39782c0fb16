"""How phones and computers learn to trust a server that signs its own certificate: a page with the steps, and the authority to install.

Both servers show it, to everybody: whoever needs it cannot have signed in without warnings yet.
"""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.web import authority as authority_
from app.web import plain
from app.web.below import at
from engine.operations.tls import fingerprint
from engine.words import N_

PAGE, FILE = "/trust", "/trust/muster-authority.crt"
TYPE = "application/x-x509-ca-cert"
"""The media type at which phones offer to install it."""
STEPS = (
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


def page(request: Request, authority: Path) -> Response:
    """The page with the steps."""
    return plain.shown(request, "trust.html", file=at(FILE), fingerprint=fingerprint(authority), steps=STEPS)


async def _page(request: Request) -> Response:
    authority = authority_.offered()
    assert authority is not None, "the routes are served with an authority only"
    return await run_in_threadpool(page, request, authority)


async def _file(_request: Request) -> Response:
    authority = authority_.offered()
    assert authority is not None, "the routes are served with an authority only"
    return Response(await run_in_threadpool(authority.read_bytes), media_type=TYPE)


routes = [Route(PAGE, _page, methods=["GET"]), Route(FILE, _file, methods=["GET"])]
