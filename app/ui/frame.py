"""The frame around every page: site, account, and notices for everyone."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import streamlit as st

from app.ui import parts
from app.ui.address import to
from app.web import access, services
from app.web.below import at
from app.words import LANGUAGES, language, say, say_date, say_minutes, say_time, term
from engine.access import EMPLOYEE, Account
from engine.errors import MusterError
from engine.storage import writable
from engine.workbench import Workbench

_tell = parts.component("page")
_LOGO = str(Path(__file__).parents[1] / "web" / "static" / "logo.svg")
_PATIENCE = timedelta(minutes=1)
"""A restart of the database takes less than this and needs no notice."""


def speak(paths: Iterable[str]) -> None:
    """Tell the browser the language of the page, and the paths of pages, to which links lead without loading anew."""
    told = {
        "language": language(),
        "pages": [at("/"), *(at(f"/{path}") for path in paths)],
        "run": str(time.monotonic_ns()),
    }
    with st.container(height=1, border=False, key="language"):
        _tell(key="page-language", data=told)


def refused(title: str, action: str) -> None:
    """The page of somebody whose role does not have the right to it, but who has its address."""
    parts.notice(
        say("Your role does not allow this page"),
        say("{page} needs the right {right}. Ask an administrator for it.", page=title, right=action),
        tone="bad",
    )


def sidebar(account: Account) -> None:
    """The switch between sites, for who sees several, and the account."""
    theirs, here = access.sites(), access.site()
    st.logo(_LOGO, size="large", link=None)
    with st.sidebar:
        if len(theirs) > 1:
            st.selectbox(
                say("Site"),
                theirs,
                theirs.index(here) if here in theirs else None,
                key="site-switch",
                placeholder=say("Choose a site"),
                on_change=lambda: access.turn_to(str(st.session_state["site-switch"])),
            )
        parts.show(
            '<div class="m-soft">{organisation}</div>',
            organisation=services.home().config.organisation or say("Workbench"),
        )
        with st.popover(
            parts.plain(account.name), icon=":material/account_circle:", width="stretch", key="account-menu"
        ):
            parts.show(
                '<div>{name} · <span class="m-soft">{role}</span></div>', name=account.name, role=term(account.role)
            )
            _language(account)
            parts.show(
                '<p><a class="m-link" href="{address}" target="_self">{text}</a></p>',
                address=to("/account"),
                text=say("Password, second factor and sessions"),
            )
            parts.sign_out(say("Sign out"))


def _language(account: Account) -> None:
    """The language of one's own account."""
    options = ["", *LANGUAGES]

    def chosen() -> None:
        try:
            access.own_language(str(st.session_state["own_language"]))
        except MusterError as error:
            st.toast(parts.plain(error), icon=":material/error:")

    st.selectbox(
        say("Your language"),
        options,
        options.index(account.language) if account.language in options else 0,
        format_func=lambda code: LANGUAGES.get(code, say("Browser's language")),
        key="own_language",
        on_change=chosen,
    )


def own_site() -> None:
    """A button back from a site that the user may not see."""
    for name in access.sites()[:1]:
        st.button(say("Go to {name}", name=parts.plain(name)), on_click=access.turn_to, args=(name,), key="own-site")


def above() -> None:
    """The name of the site and what keeps it from working."""
    try:
        bench = access.visiting()
    except MusterError:
        return
    if len(services.sites().names) > 1:
        parts.show(
            '<p class="m-site"><strong>{site}</strong> <span class="m-soft">· {zone}</span></p>',
            site=access.site(),
            zone=say("times in {zone}", zone=bench.config.timezone.replace("_", " ")),
        )
    if access.own().role == EMPLOYEE:  # what keeps the workspace from working is for those who can help
        _sample(bench)
        return
    if not writable(bench.workspace):
        parts.notice(
            say("The workspace is read-only"),
            say("Muster cannot record or change anything. Give the user that runs Muster write access."),
            tone="bad",
        )
    _changed(bench)
    _waiting(bench)
    _sample(bench)


def _sample(bench: Workbench) -> None:
    if bench.config.sample:
        parts.show('<p class="m-chip">{text}</p>', text=say("Sample workspace: these people and punches are not real."))


def _changed(bench: Workbench) -> None:
    """A notice about files that somebody changed outside of Muster."""
    if changed := bench.records.changed_files():
        parts.notice(
            say("Changed outside of Muster: {files}", files=", ".join(changed)),
            say(
                "Changed templates are not used, changed tables are. "
                "Ask an administrator to restore the file, or to accept it with `muster verify --accept`."
            ),
            tone="bad",
        )


def _waiting(bench: Workbench) -> None:
    """A notice about rows that have waited for the database longer than a restart takes."""
    backlog = bench.store.backlog()
    now = bench.clock()
    if backlog is None or backlog.since is None or now - backlog.since < _PATIENCE:
        return
    since, today = backlog.since.astimezone(bench.config.zone), now.astimezone(bench.config.zone).date()
    day = "" if since.date() == today else f"{say_date(since.date(), year=False)}, "
    parts.notice(
        say("Rows waiting for the database: {count}", count=backlog.rows),
        say(
            "The oldest has waited for {time}, since {since}. All are safe on this machine. "
            "Sheets and alerts show them once the database answers.",
            time=say_minutes((now - backlog.since).total_seconds() / 60),
            since=f"{day}{say_time(since)}",
        ),
        tone="warn",
    )
