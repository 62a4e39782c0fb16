"""A small OpenID provider that lets one address in without asking: what `st.login` talks to in the tests."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from waiting import until

__all__ = ["provider"]


@contextlib.contextmanager
def provider(email: str, verified: Callable[[], bool]) -> Iterator[str]:
    """Serve one that vouches for the address while `verified` says so; its base address comes back."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base, key, asked = f"http://127.0.0.1:{port}", RSAKey.generate_key(2048, {"kid": "k1"}), {}

    async def describe(_request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/keys",
                "userinfo_endpoint": f"{base}/who",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def authorize(request: Request) -> Response:
        asked["nonce"], asked["client"] = request.query_params.get("nonce"), request.query_params["client_id"]
        answer = urlencode({"code": "code-1", "state": request.query_params["state"]})
        return RedirectResponse(f"{request.query_params['redirect_uri']}?{answer}")

    def claims() -> dict[str, object]:
        now = int(time.time())
        who = {"sub": "1", "email": email, "email_verified": verified(), "name": "Somebody"}
        return {**who, "iss": base, "aud": asked["client"], "iat": now, "exp": now + 300, "nonce": asked["nonce"]}

    async def token(_request: Request) -> Response:
        signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims(), key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": signed})

    async def keys(_request: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False, use="sig", alg="RS256")]})

    async def who(_request: Request) -> Response:
        return JSONResponse(claims())

    routes = [
        Route("/.well-known/openid-configuration", describe),
        Route("/authorize", authorize),
        Route("/token", token, methods=["POST"]),
        Route("/keys", keys),
        Route("/who", who),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield base
    finally:
        server.should_exit = True
        thread.join(10)
