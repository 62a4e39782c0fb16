"""Sign-in through the organisation's service (OpenID Connect, authorization code flow).

What the service says becomes a session of ours at once, and is kept nowhere else: the list of sessions shows it, and ends it. Streamlit's
own sign-in is not used, because its cookie vouches for a person for thirty days, whatever happens to the account.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.web import plain, services
from app.words import translations
from engine.access import Identity, NotAdmitted, TryLater
from engine.config import OidcConfig
from engine.errors import ConfigError
from engine.words import N_

log = logging.getLogger(__name__)

START, BACK = "/sign-in/organisation", "/oauth2callback"
_UNDER_WAY, _PROOF = "muster_oidc", "muster_oidc_proof"
"""Cookies: a sign-in that is under way, and what the service needs to hear when it ends."""
_LONGEST_S = 600
_COOKIE_BYTES = 3500
_UNKNOWN = "-"
_FUTURE_S = 120

_AWAY = N_("Your organisation's sign-in does not answer as it should. Try again, or tell your administrator.")
_OVER = N_("This sign-in is over. Begin again.")
_REFUSED = N_("Your organisation's sign-in did not let you in.")


def check(config: OidcConfig) -> None:
    """Check that the libraries are there.

    Raises:
        ConfigError: one is missing.
    """
    if importlib.util.find_spec("authlib") is None:
        raise ConfigError("[app.oidc] needs the package authlib", hint="pip install 'muster[oidc]'")
    _client(config)


@functools.cache
def _service(metadata_url: str, client_id: str, secret: str) -> Any:
    registry = importlib.import_module("authlib.integrations.starlette_client").OAuth()
    return registry.register(
        "organisation",
        client_id=client_id,
        client_secret=secret,
        server_metadata_url=metadata_url,
        client_kwargs={"scope": "openid email profile", "timeout": 10},
    )


def _client(config: OidcConfig) -> Any:
    return _service(config.metadata_url, config.client_id, config.client_secret.get_secret_value())


def _back(config: OidcConfig) -> str:
    return config.base_url.rstrip("/") + BACK


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services.key().derived("oidc"))


def _cookie_of(state: str) -> str:
    return f"{_UNDER_WAY}_{state[:8]}"  # one for each: somebody may begin in two tabs


async def _start(request: Request) -> Response:
    """Lead to the service. It is asked to make sure who is there (`prompt`), even if somebody is signed in there already."""
    config = services.home().config.app.oidc
    if config is None:
        return RedirectResponse("/sign-in", 303)
    client, place = _client(config), plain.local(request.query_params.get("next", "/"))
    try:
        described = await client.load_server_metadata()
        if "S256" in (described.get("code_challenge_methods_supported") or ()):
            client.client_kwargs["code_challenge_method"] = "S256"
        life_s = max(1, round(services.sessions().life_s))
        asked = await client.create_authorization_url(_back(config), prompt="login", max_age=life_s)
        kept = {"place": place, **{name: asked[name] for name in ("state", "nonce", "code_verifier") if name in asked}}
    except Exception as error:  # noqa: BLE001 - whatever a foreign service answers
        return await _failed(request, error)
    signed = await run_in_threadpool(lambda: str(_signer().dumps(kept)))
    response = RedirectResponse(asked["url"], 303, headers={"Cache-Control": "no-store"})
    plain.keep(request, response, _cookie_of(asked["state"]), signed, _LONGEST_S, path=BACK, samesite="lax")
    return response


async def _failed(request: Request, error: Exception, cookie: str = "") -> Response:
    # the text of such an error may hold what the service sent: codes and tokens
    log.warning("the organisation's sign-in failed: %s", type(error).__name__)
    return await _refused(request, _AWAY, 502, cookie)


async def _refused(request: Request, problem: str, status: int, cookie: str = "") -> Response:
    told = translations(plain.language(request)).gettext(problem)
    response = await run_in_threadpool(plain.sign_in, request, problem=told, status=status)
    if cookie:
        response.delete_cookie(cookie, path=BACK)
    return response


async def _returned(request: Request) -> Response:
    """The browser comes back from the service."""
    config, asked = services.home().config.app.oidc, request.query_params
    if config is None or not {"code", "error"} & set(asked):
        return RedirectResponse("/sign-in", 303)  # so it does after signing out there
    state = asked.get("state", "")
    cookie = _cookie_of(state)
    kept = await run_in_threadpool(_under_way, request.cookies.get(cookie, ""), state)
    if kept is None or not _fresh(state):
        return await _refused(request, _OVER, 400, cookie)
    if "code" not in asked:
        log.warning("the organisation's sign-in let somebody not in: %.40r", asked["error"])
        return await _refused(request, _REFUSED, 403, cookie)
    client = _client(config)
    try:
        proof = {name: kept[name] for name in ("code_verifier",) if name in kept}
        token = await client.fetch_access_token(_back(config), code=asked["code"], state=state, **proof)
        claims = await client.parse_id_token(token, nonce=kept["nonce"])
        identity = identity_of(claims, config)
    except Exception as error:  # noqa: BLE001 - whatever a foreign service answers
        return await _failed(request, error, cookie)
    response = await run_in_threadpool(_entered, request, identity, str(kept["place"]), str(token.get("id_token", "")))
    response.delete_cookie(cookie, path=BACK)
    return response


def _under_way(cookie: str, state: str) -> dict[str, str] | None:
    """What this browser began with a state; None: it did not, or too long ago."""
    try:
        kept = dict(_signer().loads(cookie, max_age=_LONGEST_S))
    except (BadData, ValueError, TypeError):
        return None
    return kept if state and kept.get("state") == state else None


_used: dict[str, float] = {}


def _fresh(state: str) -> bool:
    """Whether a sign-in comes back for the first time."""
    now = time.monotonic()
    for over in [each for each, since in _used.items() if now - since > _LONGEST_S]:
        del _used[over]
    return _used.setdefault(state, now) == now


def identity_of(claims: Mapping[str, Any], config: OidcConfig) -> Identity:
    """Whom the claims of a checked ID token are about.

    Raises:
        KeyError, TypeError, ValueError: they do not say so.
    """
    verified = str(claims.get("email_verified", "")).casefold() == "true"
    vouched = verified or (config.trust_unverified and claims.get("email_verified") is None)
    email = str(claims.get("email") or "").strip().casefold() if vouched else ""
    proven_s = float(claims.get("auth_time") or claims["iat"])
    if proven_s > time.time() + _FUTURE_S:
        raise ValueError("the proof is from the future")
    return Identity(str(claims["iss"]), str(claims["sub"]), email, proven_s)


def _entered(request: Request, identity: Identity, place: str, id_token: str) -> Response:
    sessions, visitor = services.sessions(), plain.visitor(request)
    try:
        account = services.home().users.identified(identity, sessions.life_s, visitor)
        left_s = max(1.0, sessions.life_s - max(0.0, time.time() - identity.proven_s))
        # a page of ours leads on: after a redirect from elsewhere browsers would not send the session's cookie
        response = plain.welcome(request, account, plain.onward(request, place), life_s=left_s)
    except NotAdmitted as refusal:
        return plain.sign_in(request, problem=plain.told(request, refusal), status=403)
    except TryLater as late:
        return plain.sign_in(request, problem=plain.explained(request, late), status=429, wait_s=late.wait_s)
    proof = id_token if len(id_token) <= _COOKIE_BYTES else _UNKNOWN
    plain.keep(request, response, _PROOF, proof or _UNKNOWN, round(left_s), path="/sign-out")
    return response


async def farewell(request: Request) -> str:
    """Where a browser ends its session with the service, too; empty: it has none, or the service offers nothing.

    Like sign-in, it comes back to `/oauth2callback`, which the service knows already.
    """
    config, proof = services.home().config.app.oidc, request.cookies.get(_PROOF, "")
    if config is None or not proof:
        return ""
    client = _client(config)
    try:
        hint = proof if proof != _UNKNOWN else None
        found = await client.create_logout_url(_back(config), hint, state="out", client_id=config.client_id)
    except Exception as error:  # noqa: BLE001 - whatever a foreign service answers
        log.info("the organisation's sign-in cannot be ended: %s", type(error).__name__)
        return ""
    place = str(found["url"])
    return place if urlsplit(place).scheme in {"http", "https"} else ""


def tidy(request: Request, response: Response) -> None:
    """Remove what browsers keep of the service's sign-in, and what they keep of it from an older version."""
    response.delete_cookie(_PROOF, path="/sign-out")
    for name in request.cookies:
        if name.startswith("_streamlit_user"):
            response.delete_cookie(name)


routes = [
    Route(START, plain.answered(_start), methods=["GET"]),
    Route(BACK, plain.answered(_returned), methods=["GET"]),
]
