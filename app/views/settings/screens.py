"""Screens at the door, which are paired and revoked, and the PINs of people whom no camera recognises."""

from __future__ import annotations

import itertools
from datetime import datetime, tzinfo

import streamlit as st

from app.ui import parts
from app.web import access
from app.words import say, say_date, say_time
from engine.access import CODE_LIFE, SCREEN_SCOPES, Device, PinState
from engine.operations.kiosks import kiosks, pairing_link
from engine.workbench import Workbench

_MADE, _PIN, _NAME = "settings-screen", "settings-pin", "settings-rename"
_ACTION = "system.settings"
_OWN = "engine"
"""Author of devices that Muster's own processes use among themselves."""


def show(bench: Workbench) -> None:
    """Draw them below the kiosk's settings."""
    left, right = st.columns(2, gap="large")
    with left:
        st.header(say("Screens"))
        _screens(bench)
    with right:
        st.header(say("PINs"))
        _pins(bench)


def _screens(bench: Workbench) -> None:
    if made := st.session_state.pop(_MADE, None):
        with st.container(border=True):
            parts.show("<b>{title}</b>", title=say("Code for {name}", name=made[0]))
            st.code(made[1], language=None)
            minutes = round(CODE_LIFE.total_seconds() / 60)
            parts.soft(
                say(
                    "Open the kiosk on the screen and enter it within {minutes} minutes. It works once.",
                    minutes=minutes,
                )
            )
            _links(bench, made[1])
    found, now = list(bench.devices.all().values()), bench.clock()
    there = [each for each in found if not each.revoked_at and each.author != _OWN]
    showing = {screen: each.camera for each in kiosks(bench.workspace) for screen in each.screens}
    for device in there:
        parts.show(
            '<div><strong>{name}</strong><br><span class="m-soft">{state}</span></div>',
            name=device.name,
            state=_state(device, now, showing.get(device.device_id)),
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            _renaming(device)
            st.button(
                say("Revoke"),
                icon=":material/block:",
                key=f"settings-revoke-{device.device_id}",
                help=say("It is refused from its next request on."),
                on_click=_revoke,
                args=(device.device_id,),
            )
    if not there:
        parts.soft(say("No screen is paired."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(say("Name of the screen"), _free(found), max_chars=40, key="settings-screen-name")
        st.button(
            say("Pair"),
            type="primary",
            key="settings-pair",
            on_click=_pair,
            args=(name,),
            disabled=not (name or "").strip(),
        )


def _links(bench: Workbench, code: str) -> None:
    """Where the kiosks that run can be opened with the code in their address."""
    running = kiosks(bench.workspace)
    seen = {each.camera: each.seen_from(str(st.context.url or "")) for each in running}
    for camera, address in seen.items():
        if address:
            parts.soft(say("Or open this address there, for camera {camera}:", camera=camera))
            st.code(pairing_link(address, code), language=None, wrap_lines=True)
    if not running:
        parts.soft(say("No kiosk runs now. Give a camera a kiosk port, or start one with muster kiosk."))
    elif not all(seen.values()):
        parts.soft(say("Only the server's own browser reaches this kiosk."))
        parts.soft(say("Behind a proxy, set the camera's kiosk address; else start Muster with --host 0.0.0.0."))


def _free(found: list[Device]) -> str:
    taken = {device.name for device in found}
    return next(name for number in itertools.count(1) if (name := f"screen-{number}") not in taken)


def _renaming(device: Device) -> None:
    key = f"{_NAME}-{device.device_id}"
    with st.popover(say("Rename"), icon=":material/edit:", key=f"{key}-open"):
        name = st.text_input(say("Name of the screen"), device.name, max_chars=40, key=key)
        wanted = (name or "").strip()
        st.button(
            say("Save"),
            key=f"{key}-save",
            on_click=_rename,
            args=(device.device_id, wanted),
            disabled=wanted in {"", device.name},
        )


def _state(device: Device, now: datetime, camera: str | None) -> str:
    """Whether it is paired, and what it shows; `camera`: it shows this one's kiosk now."""
    if camera is not None:
        return say("on now, camera {camera}", camera=camera)
    if device.hash:
        last = datetime.fromisoformat(device.used_on or device.created_at).date()
        return say("paired, last used {day}", day=say_date(last))
    if device.awaited(now):
        return say("code until {time}", time=say_time(device.code_until))
    return say("code expired")


@parts.guarded
def _pair(name: str) -> None:
    bench, author = access.acting(_ACTION)
    device, code = bench.kiosk.invite(name.strip(), SCREEN_SCOPES, author=author)
    st.session_state[_MADE] = (device.name, code)
    st.session_state.pop("settings-screen-name", None)


@parts.guarded
def _rename(device_id: str, name: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.kiosk.rename(device_id, name, author=author)


@parts.guarded
def _revoke(device_id: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.kiosk.revoke(device_id, author=author)


def _pins(bench: Workbench) -> None:
    if made := st.session_state.pop(_PIN, None):
        with st.container(border=True):
            parts.show("<b>{title}</b>", title=say("PIN of {name}", name=made[0]))
            st.code(made[1], language=None)
            parts.soft(say("Hand it over now. Muster cannot show it again."))
    people = {each: person for each, person in bench.people.known().items() if person.active}
    if not people:
        parts.soft(say("Nobody is registered yet."))
        return
    having = bench.pins.states(bench.clock())
    parts.soft(say("For people whom no camera recognises: they enter their number and PIN at the kiosk."))
    chosen = st.selectbox(
        say("Person"),
        list(people),
        None,
        format_func=lambda each: f"{people[each].name} ({each}){' ●' if each in having else ''}",
        key="settings-pin-person",
        placeholder=say("Choose a person"),
        help=say("● has a PIN."),
    )
    with st.container(horizontal=True):
        label = say("Give new PIN") if chosen in having else say("Give PIN")
        st.button(label, key="settings-pin-give", disabled=chosen is None, on_click=_give, args=(chosen,))
        st.button(
            say("Remove PIN"), key="settings-pin-take", disabled=chosen not in having, on_click=_take, args=(chosen,)
        )
        if chosen in having and having[chosen].failures:
            st.button(say("Unlock"), key="settings-pin-unlock", on_click=_unlock, args=(chosen,))
    lines = [
        (people[each].name, each, *_told(state, bench.config.zone)) for each, state in having.items() if each in people
    ]
    if lines:
        parts.table((say("Name"), say("Id"), say("PIN since"), say("Wrong tries")), sorted(lines))


def _told(state: PinState, zone: tzinfo) -> tuple[str, str]:
    tries = str(state.failures or "–")
    if state.waits_until is not None:
        tries = say("{count}, waits until {time}", count=tries, time=say_time(state.waits_until.astimezone(zone)))
    return say_date(datetime.fromisoformat(state.since).date()), tries


@parts.guarded
def _unlock(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.kiosk.unlock_pin(employee_id, author=author)


@parts.guarded
def _give(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    pin = bench.kiosk.give_pin(employee_id, author=author)
    st.session_state[_PIN] = (bench.people.known()[employee_id].name, pin)


@parts.guarded
def _take(employee_id: str) -> None:
    bench, author = access.acting(_ACTION)
    bench.kiosk.take_pin(employee_id, author=author)
