"""The router: pages by role."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app.ui import frame, parts
from app.views import PAGES, confirm, registration, search, settings
from app.views import account as account_page
from app.views import own as own_page
from app.web import access, ahead, uploads
from app.web.below import at
from app.web.collector import spare_what_is_loaded
from app.words import say
from engine.access import EMPLOYEE, Account
from engine.errors import MusterError


def _tidy(path: str) -> None:
    """Drop personal pictures and files when the user leaves the page that made them."""
    if path != "registration":
        registration.forget()
    if path != "search":
        search.forget()
    if path != "confirm":
        confirm.forget()
    if path != "account":
        account_page.forget()
    if path != "settings":
        settings.forget()
    if path not in {"me", "", "start"}:
        own_page.forget()
    for name, page in (("export", "people"), ("tuning-replay", "tuning")):
        if path != page:
            st.session_state.pop(name, None)


def _bound(account: Account) -> bool:
    """Whether "My record" stands in the menu."""
    try:
        return account.role == EMPLOYEE or access.bound()
    except MusterError:  # the database does not answer: pages that can do without it go on
        return False


def _pages(account: Account) -> list[StreamlitPage]:
    """The pages that an account may see. Streamlit shows one of them at the server's address, without a path of its own."""
    own = [page for page in PAGES if account.may(page.action) and (not page.own or _bound(account))]
    shown = [
        st.Page(
            parts.guarded(page.show),
            title=page.title(),
            icon=page.icon,
            url_path=page.path,
            default=page is PAGES[0],
        )
        for page in own
    ]
    shown += [
        st.Page(
            partial(frame.refused, page.title(), page.action),
            title=page.title(),
            url_path=page.path,
            visibility="hidden",
        )
        for page in PAGES
        if page not in own and not page.own
    ]
    shown += [
        st.Page(parts.guarded(page.show), title=page.title(), url_path=page.path, visibility="hidden")
        for page in PAGES
        if page not in own and page.own  # it says what is missing
    ]
    if own[0] is not PAGES[0]:  # links lead to all other pages by their paths, so this one keeps its own, too
        first = parts.guarded(own[0].show)
        start = st.Page(first, title=own[0].title(), url_path="start", default=True, visibility="hidden")
        shown.insert(0, start)
    return shown


def _sign_in_link() -> None:
    parts.show('<a href="{place}" target="_self">{text}</a>', place=at("/sign-in"), text=say("Sign in"))


def main() -> None:
    """One run of the script."""
    st.set_page_config(
        page_title="Muster", page_icon=str(Path(__file__).parent / "web" / "static" / "muster.svg"), layout="wide"
    )
    parts.style()
    try:
        account = access.account()
        if account is not None:
            access.enter()
        access.look()
        if account is None:
            _tidy("")
            parts.notice(say("You are signed out"), say("Sign in again to continue."), action=_sign_in_link)
            return
        chosen = st.navigation(_pages(account), expanded=True)
        parts.window(chosen.title)
        frame.speak(page.path for page in PAGES)
        _tidy(chosen.url_path)
        frame.sidebar(account)
        if access.site() in access.sites():
            frame.above()
            if chosen.url_path in {"", "live", "settings"}:
                settings.checklist()
            spare_what_is_loaded(chosen.url_path)
            uploads.run(chosen.run)
            ahead.begin()
        else:
            parts.notice(
                say("You have no access to the site “{name}”", name=access.site()),
                say("Choose one of your sites, or ask an administrator for access."),
                tone="bad",
                action=frame.own_site,
            )
    except MusterError as error:
        parts.failed(error)


if __name__ == "__main__":
    main()
