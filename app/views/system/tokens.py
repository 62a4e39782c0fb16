"""Access tokens: with which programs such as payroll read attendance from this site."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from app.ui import parts
from app.ui.people_filter import departments
from app.web import access
from app.web.below import at
from app.words import date_format, say, say_date
from engine.access import INCIDENTS, PEOPLE, REST_SCOPES, SHEETS, AccessToken
from engine.workbench import Workbench

_MADE = "token-made"


def show(_bench: Workbench) -> None:
    """The part of the page."""
    bench = access.reading("system.tokens")
    found, today = list(bench.tokens.all().values()), bench.records.now().date()
    parts.soft(say("With a token, a program reads attendance at {address}.", address=at("/api/v1")))
    _new()
    if found:
        _table(found, today)
    left, right = st.columns(2, gap="large")
    with left:
        st.header(say("Make a token"))
        _add(bench, today)
    with right:
        st.header(say("Revoke a token"))
        _revoke([row for row in found if not row.revoked_at])


def _scope(scope: str) -> str:
    return {SHEETS: say("Day sheets"), PEOPLE: say("People"), INCIDENTS: say("Incidents")}[scope]


def _state(row: AccessToken, today: date) -> str:
    return "revoked" if row.revoked_at else "expired" if row.expired(today) else "valid"


def _new() -> None:
    """The token that was just made: shown in this run, kept nowhere."""
    if (made := st.session_state.pop(_MADE, None)) is None:
        return
    name, token = made
    with st.container(border=True):
        parts.show("<b>{title}</b>", title=say("Token {name}", name=name))
        st.code(f"Authorization: Bearer {token}", language=None, wrap_lines=True)
        st.caption(say("Copy it now. Muster stores its hash only and cannot show it again."))


def _table(found: list[AccessToken], today: date) -> None:
    rows = [
        {
            say("Name"): row.name,
            say("State"): parts.mark(_state(row, today)),
            say("Reads"): ", ".join(map(_scope, row.scopes)),
            say("Departments"): ", ".join(row.departments) or say("all"),
            say("Until"): say_date(date.fromisoformat(row.until)) if row.until else "–",
            say("Created"): say_date(date.fromisoformat(row.created_at[:10])),
            say("By"): row.author or "–",
            say("Id"): row.token_id,
        }
        for row in found[::-1]
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", alt=say("Access tokens"))


def _add(bench: Workbench, today: date) -> None:
    known = departments(bench.people.known().values())
    with st.form("add_token", border=False):
        name = st.text_input(
            say("Name"), max_chars=60, key="token_name", placeholder=say("Example: {name}", name="payroll")
        )
        scopes = st.multiselect(say("Reads"), list(REST_SCOPES), [SHEETS], format_func=_scope, key="token_scopes")
        wanted_departments = st.multiselect(
            say("Departments"),
            known,
            key="token_departments",
            accept_new_options=True,
            placeholder=say("all"),
            help=say("The program sees the people of these departments only."),
        )
        until = st.date_input(
            say("Last day"), None, min_value=today, format=date_format(), key="token_until", help=say("Empty: no end.")
        )
        wanted = st.form_submit_button(say("Make token"), type="primary")
    if wanted:
        with parts.told():
            acting, author = access.acting("system.tokens")
            made = acting.token_desk.add(name or "", scopes, departments=wanted_departments, until=until, author=author)
            st.session_state[_MADE] = (made[0].name, made[1])
            parts.done(say("Token made"))


def _revoke(valid: list[AccessToken]) -> None:
    if not valid:
        st.caption(say("No token can be revoked."))
        return
    names = {row.token_id: f"{row.name} ({row.token_id})" for row in valid}
    with st.form("revoke_token", border=False):
        chosen = st.selectbox(say("Token"), list(names), format_func=names.__getitem__, key="token_revoked")
        st.caption(say("The program is refused from its next request on."))
        wanted = st.form_submit_button(say("Revoke"), icon=":material/block:")
    if wanted and chosen:
        with parts.told():
            acting, author = access.acting("system.tokens")
            acting.token_desk.revoke(chosen, author=author)
            parts.done(say("Token revoked"))
