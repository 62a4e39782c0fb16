"""Sign-in through the organisation's service: `st.login` proves the address, and a ticket turns it into a session."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from urllib.parse import quote

import streamlit as st
from markupsafe import Markup
from streamlit.runtime.secrets import SecretsValue

from app.ui import parts
from app.web import services
from app.words import say
from engine.config import OidcConfig
from engine.errors import ConfigError

_TICKET_S = 60
ASKED = "oidc"
"""Query parameter with which the sign-in page links here."""


def secrets(config: OidcConfig, cookie_secret: str) -> Mapping[str, SecretsValue]:
    """The configuration for `st.login`.

    Raises:
        ConfigError: the library for it is missing.
    """
    if importlib.util.find_spec("authlib") is None:  # Streamlit needs it only at sign-in
        raise ConfigError("[app.oidc] needs the package authlib", hint="pip install 'muster[oidc]'")
    return {
        "auth": {
            "redirect_uri": f"{config.base_url.rstrip('/')}/oauth2callback",
            "cookie_secret": cookie_secret,
            "client_id": config.client_id,
            "client_secret": config.client_secret.get_secret_value(),
            "server_metadata_url": config.metadata_url,
        }
    }


def show() -> None:
    """The page for visitors without a session: sends them to the service, and from there to the workbench."""
    config = services.home().config.app.oidc
    if config is None or not st.user.is_logged_in:
        if config is not None and ASKED in st.query_params:
            st.login()
            return
        parts.notice(say("You are signed out"), say("Sign in again to continue."), action=_sign_in_link)
        return
    address = str(st.user.get("email") or "")
    verified = str(st.user.get("email_verified", "")).casefold() == "true"
    vouched = verified or (config.trust_unverified and st.user.get("email_verified") is None)
    account = services.home().accounts.of_email(address) if vouched else None
    if account is None:
        parts.notice(
            say("No account has the address {address}", address=address or "–"),
            say("Ask an administrator to add it, then sign in again."),
            tone="bad",
            action=_sign_in_link,
        )
        return
    ticket = services.sessions().begin(account, "ticket", life_s=_TICKET_S)
    place = f"/ticket?ticket={quote(ticket, safe='')}"
    # we made and quoted the ticket, so the script contains no user input
    st.html(f"<script>window.location.replace({place!r})</script>", unsafe_allow_javascript=True)
    parts.show('<a href="{place}" target="_self">{text}</a>', place=Markup(place), text=say("Continue"))


def _sign_in_link() -> None:
    parts.sign_out(say("Sign in"))  # ends the service's session, too, so that another address can be given
