"""A person's access to their own record: an account of the role employee, which they enter by a link."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from app.ui import parts
from app.web import access
from app.web.below import at
from app.words import say, term
from engine.access import EMPLOYEE, INVITED_DAYS, Account
from engine.people import Person
from engine.workbench import Workbench

_ACTION = "people.access"
_LINK, _NAME = "own-access-link", "own-access-name"


def show(bench: Workbench, employee_id: str, person: Person) -> None:
    """Draw it for those who may give access."""
    st.header(say("Own record"))
    account = bench.bindings.account(employee_id)
    _made(employee_id, person)
    if account is None:
        _offer(employee_id, person)
        return
    parts.show(
        '<div><strong>{name}</strong> <span class="m-soft">{role}</span><br><span class="m-soft">{state}</span></div>',
        name=account.name,
        role=term(account.role),
        state=_state(account),
    )
    with st.container(horizontal=True):
        if account.role == EMPLOYEE:
            st.button(
                say("New link"),
                icon=":material/link:",
                key="own-access-renew",
                help=say("For somebody who forgot the password. The old one counts until the link is used."),
                on_click=_renew,
                args=(employee_id,),
            )
        st.button(
            say("End access"),
            icon=":material/block:",
            key="own-access-end",
            help=say("An employee's account is removed. Another account stays, without this record."),
            on_click=_end,
            args=(employee_id,),
        )


def _offer(employee_id: str, person: Person) -> None:
    parts.soft(say("They see their own days, hours and pictures on their phone, and nobody else's."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(say("User name"), employee_id, max_chars=60, key=f"{_NAME}-{employee_id}")
        st.button(
            say("Give access"),
            icon=":material/person_add:",
            key="own-access-give",
            on_click=_give,
            args=(employee_id, name or ""),
            disabled=not person.active,
        )


def _state(account: Account) -> str:
    if not account.active:
        return say("blocked")
    if not account.hash and account.invited:
        return say("has not used the link yet")
    return say("signs in with a password") if account.hash else say("signs in with the organisation's sign-in")


def _made(employee_id: str, person: Person) -> None:
    """The link that has just been made, this once."""
    made = st.session_state.pop(_LINK, None)
    if not made or made[0] != employee_id:
        return
    page = urlsplit(str(st.context.url or ""))
    address = f"{page.scheme}://{page.netloc}" if page.netloc else ""
    with st.container(border=True):
        parts.show("<b>{title}</b>", title=say("Link for {name}", name=person.name or employee_id))
        st.code(f"{address}{at('/sign-in/invited')}?code={made[1]}", language=None, wrap_lines=True)
        parts.soft(
            say(
                "Hand it over now: with it they choose a password, once and within {days} days. Muster cannot show it again.",
                days=INVITED_DAYS,
            )
        )


@parts.guarded
def _give(employee_id: str, name: str) -> None:
    bench, author = access.acting(_ACTION)
    st.session_state[_LINK] = (employee_id, bench.bindings.give(employee_id, name, author=author)[1])


@parts.guarded
def _renew(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    st.session_state[_LINK] = (employee_id, bench.bindings.renew(employee_id, author=author))


@parts.guarded
def _end(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.bindings.end(employee_id, author=author)
