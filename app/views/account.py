"""Your account: password, second factor and sessions of whoever is signed in."""

from __future__ import annotations

from datetime import datetime

import segno
import streamlit as st

from app.ui import parts
from app.web import access, services
from app.words import say, say_moment
from engine.access import Account, Session, second_factor
from engine.errors import InputError

_SECRET, _CODES = "own-secret", "own-codes"


def show() -> None:
    """The page."""
    account = access.own()
    st.title(say("Your account"))
    left, right = st.columns(2, gap="large")
    with left:
        st.header(say("Password"))
        _password(account)
    with right:
        st.header(say("Second factor"))
        _factor(account)
    st.header(say("Sessions"))
    _sessions()


def forget() -> None:
    """Drop secrets that are shown once."""
    for name in (_SECRET, _CODES):
        st.session_state.pop(name, None)


def _password(account: Account) -> None:
    if not account.hash:
        parts.soft(say("You sign in with your organisation's password."))
        return
    with st.form("own_password", border=False, clear_on_submit=True):
        old = st.text_input(
            say("Current password"), type="password", max_chars=200, key="own_old", autocomplete="current-password"
        )
        new = parts.new_password(say("New password"), "own_new")
        again = st.text_input(
            say("Password again"), type="password", max_chars=200, key="own_again", autocomplete="new-password"
        )
        wanted = st.form_submit_button(say("Change password"), type="primary")
    if wanted:
        with parts.told():
            if new != again:
                raise InputError("the passwords differ", hint="type the same password twice")
            access.own_password(old or "", new or "")
            parts.done(say("Password changed. All other sessions have ended."))


def _factor(account: Account) -> None:
    if codes := st.session_state.get(_CODES):
        st.success(say("Your second factor is set up."), icon=":material/check:")
        st.caption(
            say(
                "Keep these codes in a safe place. Each one signs you in once when the app is lost. Muster cannot show them again."
            )
        )
        st.code("\n".join(codes), language=None)
        return
    if account.totp:
        parts.show(
            "<p>{text}</p>",
            text=say("An authenticator app is set up. Recovery codes left: {count}.", count=len(account.recovery)),
        )
    elif not account.hash:
        parts.soft(say("Your organisation's sign-in asks for it, where it needs one."))
        return
    else:
        parts.soft(say("A code of an app on your phone, asked for beside the password."))
    if _SECRET not in st.session_state:
        text = say("Set up another app") if account.totp else say("Set up")
        if st.button(text, icon=":material/phonelink_lock:", key="own_set_up"):
            st.session_state[_SECRET] = second_factor.new_secret()
            st.rerun()
        return
    _set_up(account, str(st.session_state[_SECRET]))


def _set_up(account: Account, secret: str) -> None:
    code = segno.make(second_factor.address(secret, account.name, services.home().config.organisation))
    parts.show(
        '<p>{text}</p><img src="{qr}" alt="{alt}" style="background:#fff;border-radius:8px;max-width:100%">'
        '<p class="m-soft"><code>{secret}</code></p>',
        text=say("Scan the picture with an authenticator app, or type the key into it."),
        qr=code.svg_data_uri(scale=4),
        alt=say("QR code for the app"),
        secret=secret,
    )
    with st.form("own_factor", border=False):
        password = st.text_input(
            say("Current password"), type="password", max_chars=200, key="own_proof", autocomplete="current-password"
        )
        typed = st.text_input(say("Code"), max_chars=10, key="own_code", autocomplete="one-time-code")
        wanted = st.form_submit_button(say("Set up"), type="primary")
    if wanted:
        with parts.told():
            st.session_state[_CODES] = access.own_factor(password or "", secret, typed or "")
            st.session_state.pop(_SECRET, None)
            st.rerun()


def _when(moment_s: float) -> str:
    return say_moment(datetime.fromtimestamp(moment_s, services.home().config.zone), year=False)


def _sessions() -> None:
    here, found = access.own_sessions()
    for row in found:
        _session(row, here=row.key == here)
    if len(found) > 1 and st.button(say("End all others"), icon=":material/logout:", key="end_others"):
        with parts.told():
            access.end_own()
            parts.done(say("All other sessions have ended."))


def _session(row: Session, *, here: bool) -> None:
    text, button = st.columns([4, 1], vertical_alignment="center")
    with text:
        parts.show(
            '<div class="m-row"><div><strong>{browser}</strong> {here}<br><span class="m-soft">{about}</span></div></div>',
            browser=row.browser or say("Unknown browser"),
            here="· " + say("this one") if here else "",
            about=say(
                "{address} · since {began} · last used {seen}",
                address=row.address or "–",
                began=_when(row.began_s),
                seen=_when(row.seen_s),
            ),
        )
    with button:
        if not here and st.button(say("End"), key=f"end-{row.key[:16]}"):
            with parts.told():
                access.end_own(row.key)
                parts.done(say("Session ended"))
