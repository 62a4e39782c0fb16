"""A person's ways without the face: badges and PIN."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app.ui import parts
from app.web import access
from app.words import say, say_date, say_time
from engine.access import Badge
from engine.people import Person
from engine.reports.badge import badge_card
from engine.workbench import Workbench

_ACTION = "people.edit"
_CODE, _PIN = "identify-code", "identify-pin"
_CARD = "identify-card"


def show(bench: Workbench, employee_id: str, person: Person) -> None:
    """Draw them for those who may change people."""
    st.header(say("Badge and PIN"))
    parts.soft(say("At the kiosk, in place of the face. No template is needed."))
    _made(bench, employee_id, person)
    _badges(bench, employee_id)
    state = bench.pins.states(bench.clock()).get(employee_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            say("Make a badge"),
            icon=":material/qr_code_2:",
            key="identify-badge",
            on_click=_issue,
            args=(employee_id,),
            disabled=not person.active,
        )
        label = say("Give new PIN") if state else say("Give PIN")
        st.button(
            label,
            icon=":material/dialpad:",
            key="identify-pin-give",
            on_click=_give,
            args=(employee_id,),
            disabled=not person.active,
        )
        if state:
            st.button(say("Remove PIN"), key="identify-pin-take", on_click=_take, args=(employee_id,))
        if state and state.failures:
            st.button(say("Unlock"), key="identify-pin-unlock", on_click=_unlock, args=(employee_id,))
    if state:
        since = say_date(datetime.fromisoformat(state.since).date())
        told = say("PIN since {day}", day=since)
        if state.waits_until is not None:
            told += " · " + say("waits until {time}", time=say_time(state.waits_until.astimezone(bench.config.zone)))
        parts.soft(told)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.text_input(
            say("Card number"),
            max_chars=64,
            key=_CARD,
            placeholder=say("Read the card here"),
            help=say("The number of an RFID card, as its reader types it."),
        )
        st.button(
            say("Add card"),
            key="identify-card-add",
            on_click=_issue,
            args=(employee_id, number),
            disabled=not person.active or not (number or "").strip(),
        )


def _made(bench: Workbench, employee_id: str, person: Person) -> None:
    """What has just been made, this once."""
    code, pin = st.session_state.get(_CODE), st.session_state.pop(_PIN, None)
    if code and code[0] != employee_id:
        st.session_state.pop(_CODE)  # somebody else's
        code = None
    if code:
        with st.container(border=True):
            parts.show("<b>{title}</b>", title=say("Badge of {name}", name=person.name or employee_id))
            parts.soft(say("Download the card and print it now. Muster keeps no code."))
            st.download_button(
                say("Download the card"),
                badge_card(code[1], person.name, employee_id, bench.config.organisation),
                f"badge-{code[2]}.html",
                "text/html",
                icon=":material/download:",
                type="primary",
                key="identify-download",
                on_click=lambda: st.session_state.pop(_CODE, None),
            )
    if pin and pin[0] == employee_id:
        with st.container(border=True):
            parts.show("<b>{title}</b>", title=say("PIN of {name}", name=person.name or employee_id))
            st.code(pin[1], language=None)
            parts.soft(say("Hand it over now. Muster cannot show it again."))


def _badges(bench: Workbench, employee_id: str) -> None:
    for badge in bench.badges.of(employee_id):
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.show(
                '<div><strong>{kind}</strong> <code>{id}</code><br><span class="m-soft">{state}</span></div>',
                kind=say("QR badge") if badge.kind == "qr" else say("Card"),
                id=badge.badge_id,
                state=_state(badge),
            )
            if not badge.revoked_at:
                st.space("stretch")
                st.button(
                    say("Revoke"),
                    icon=":material/block:",
                    key=f"identify-revoke-{badge.badge_id}",
                    help=say("It is refused from its next use on, and security is told."),
                    on_click=_revoke,
                    args=(badge.badge_id,),
                )


def _state(badge: Badge) -> str:
    if badge.revoked_at:
        return say("revoked on {day}", day=say_date(datetime.fromisoformat(badge.revoked_at).date()))
    return say("valid since {day}", day=say_date(datetime.fromisoformat(badge.created_at).date()))


def remember(employee_id: str, code: str, badge_id: str) -> None:
    """Keep a code for the person's page, which shows it once."""
    st.session_state[_CODE] = (employee_id, code, badge_id)


@parts.guarded
def _issue(employee_id: str, number: str | None = None) -> None:
    bench, author = access.acting(_ACTION)
    badge, code = bench.kiosk.issue_badge(employee_id, number, author=author)
    if number is None:
        remember(employee_id, code, badge.badge_id)
    st.session_state.pop(_CARD, None)


@parts.guarded
def _revoke(badge_id: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.kiosk.revoke_badge(badge_id, author=author)


@parts.guarded
def _give(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    st.session_state[_PIN] = (employee_id, bench.kiosk.give_pin(employee_id, author=author))


@parts.guarded
def _take(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.kiosk.take_pin(employee_id, author=author)


@parts.guarded
def _unlock(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.kiosk.unlock_pin(employee_id, author=author)
