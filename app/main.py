"""The router: which pages there are, and for whom."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import access, oidc, parts, services
from app.views import PAGES, registration
from app.words import say, term
from engine.errors import MusterError


def _tidy(path: str) -> None:
    """Pictures and files about people do not outlive the page that they were made on."""
    if path != "registration":
        registration.forget()
    for name, page in (("export", "people"), ("attendance-made", "attendance"), ("tuning-replay", "tuning")):
        if path != page:
            st.session_state.pop(name, None)


def _frame() -> None:
    """What stands around every page."""
    account = access.account()
    assert account is not None
    config = services.bench().config
    with st.sidebar:
        name = config.organisation or say("Workbench")
        parts.html(
            parts.markup(
                '<div class="m-soft">{organisation}<br>{name} · {role} · <a href="/sign-out" target="_self">{out}</a></div>',
                organisation=name,
                name=account.name,
                role=term(account.role),
                out=say("Sign out"),
            )
        )
    if not services.bench().writable:
        parts.notice(
            say("The workspace cannot be written"),
            say("Nothing is recorded and nothing can be changed: give the user that runs Muster write access to it."),
            tone="bad",
        )
    if config.sample:
        st.info(say("Sample workspace: these people and punches are made up."), icon=":material/science:")


def main() -> None:
    """One run of the script."""
    st.set_page_config(
        page_title="Muster", page_icon=str(Path(__file__).parent / "static" / "muster.svg"), layout="wide"
    )
    parts.style()
    try:
        account = access.account()
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
        _frame()
        chosen.run()
    except MusterError as error:
        parts.notice(error.message, error.hint, tone="bad")


if __name__ == "__main__":
    main()
