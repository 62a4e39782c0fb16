"""A small OpenID provider that lets everybody in without asking."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from waiting import until

__all__ = ["Provider", "provider"]


@dataclass
class Provider:
    """What a provider says of whoever comes, to be changed between sign-ins.

    Attributes:
        base: its address. verified: whether it vouches for the address. auth_time: when they signed in there, in seconds since 1970;
            None: it does not say. issuer: empty: its address. ends: whether it can be told that somebody signs out.
        denies: an error instead of a code. asked: queries of the sign-ins, the last one at the end. ended: queries of the sign-outs.
    """

    base: str
    email: str = "ada@example.com"
    verified: bool | None = True
    subject: str = "1"
    auth_time: int | None = None
    issued_s: int | None = None
    issuer: str = ""
    ends: bool = True
    denies: str = ""
    away: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    ended: list[dict[str, str]] = field(default_factory=list)

    def claims(self) -> dict[str, object]:
        """Of the ID token for the last one who came."""
        now, asked = self.issued_s or int(time.time()), self.asked[-1]
        who = {"sub": self.subject, "email": self.email, "name": "Somebody"}
        if self.verified is not None:
            who["email_verified"] = self.verified
        if self.auth_time is not None:
            who["auth_time"] = self.auth_time
        own = {"iss": self.issuer or self.base, "aud": asked["client_id"], "nonce": asked["nonce"]}
        return {**who, **own, "iat": now, "exp": int(time.time()) + 300}

    def described(self) -> dict[str, object]:
        """Its metadata."""
        return {
            "issuer": self.issuer or self.base,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            **({"end_session_endpoint": f"{self.base}/end"} if self.ends else {}),
        }


@contextlib.contextmanager
def provider() -> Iterator[Provider]:
    """Serve one that lets everybody in without asking."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own, key = Provider(f"http://127.0.0.1:{port}"), RSAKey.generate_key(2048, {"kid": "k1"})

    async def describe(_request: Request) -> Response:
        return JSONResponse(own.described()) if not own.away else Response(status_code=500)

    async def authorize(request: Request) -> Response:
        own.asked.append(dict(request.query_params))
        told = {"error": own.denies} if own.denies else {"code": f"code-{len(own.asked)}"}
        answer = urlencode({**told, "state": request.query_params["state"]})
        return RedirectResponse(f"{request.query_params['redirect_uri']}?{answer}")

    async def token(request: Request) -> Response:
        form = await request.form()
        proof = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=")
        if own.away or proof.decode() != own.asked[-1]["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        signed = jwt.encode({"alg": "RS256", "kid": "k1"}, own.claims(), key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": signed})

    async def keys(_request: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False, use="sig", alg="RS256")]})

    async def end(request: Request) -> Response:
        own.ended.append(dict(request.query_params))
        back = request.query_params["post_logout_redirect_uri"]
        return RedirectResponse(f"{back}?{urlencode({'state': request.query_params['state']})}")

    routes = [
        Route("/.well-known/openid-configuration", describe),
        Route("/authorize", authorize),
        Route("/token", token, methods=["POST"]),
        Route("/keys", keys),
        Route("/end", end),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield own
    finally:
        server.should_exit = True
        thread.join(10)
