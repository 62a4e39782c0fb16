"""The router: pages by role."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.ui import frame, parts
from app.views import PAGES, registration
from app.web import access, oidc
from app.web.collector import spare_what_is_loaded
from app.words import say
from engine.errors import MusterError


def _tidy(path: str) -> None:
    """Drop personal pictures and files when the user leaves the page that made them."""
    if path != "registration":
        registration.forget()
    for name, page in (("export", "people"), ("attendance-made", "attendance"), ("tuning-replay", "tuning")):
        if path != page:
            st.session_state.pop(name, None)


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
            oidc.show()
            return
        pages = [page for page in PAGES if account.may(page.action)]
        chosen = st.navigation(
            [
                st.Page(
                    parts.guarded(page.show),
                    title=page.title(),
                    icon=page.icon,
                    url_path=page.path,
                    default=page is pages[0],
                )
                for page in pages
            ],
            expanded=True,
        )
        _tidy(chosen.url_path)
        frame.sidebar(account)
        if access.site() in access.sites():
            frame.above()
            spare_what_is_loaded(chosen.url_path)
            chosen.run()
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
