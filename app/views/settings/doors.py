"""Beside a door's settings: what it would have done in the last day, what it would do, its log, and a test pulse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.ui import parts
from app.views.settings.draft import Draft, key
from app.web import access
from app.words import marked, said, say, say_count, say_moment, say_time
from app.words.terms import N_
from engine.access.doors import WORDS, DoorRow, Refusal
from engine.config.editing import SettingPath
from engine.errors import MusterError
from engine.operations.doors import replayed, send_pulse, what_if
from engine.workbench import Workbench

_SHOWN = 20
_TOLD = "settings-door-told"
_RESULTS = {
    "opened": N_("Opened"),
    "dry_run": N_("Would have opened"),
    "refused": N_("Stayed closed"),
    "failed": N_("Failed"),
    "test": N_("Test"),
}


def show(draft: Draft, base: SettingPath, given: dict[str, Any] | None) -> None:
    """Draw it below the fields of a door that is there; it speaks of the door as it was saved."""
    if given is not None:
        return
    name, bench = str(base[-1]), access.reading("system.settings")
    with parts.told():
        parts.soft(say("It opens for chosen people only: certain, proven alive, alone, before a live camera."))
        _last_day(bench, name)
        _what_if(bench, name, base)
        _log(bench, name)
        _test(draft, bench, name, base)


def _reasons(refusals: Sequence[str], detail: str = "") -> str:
    return ", ".join([*(said(WORDS[Refusal(word)]) for word in refusals), *filter(None, [detail])]) or "–"


def _outcome(opens: bool) -> str:
    return say("Would have opened") if opens else say("Stayed closed")


def _last_day(bench: Workbench, name: str) -> None:
    passages = replayed(bench, name)
    meant = [each for each in passages if Refusal.NOT_CHOSEN not in each.decision.refusals]
    st.subheader(say("The last day"))
    others = len(passages) - len(meant)
    text = say_count(
        "{count} passage of somebody who was not chosen.", "{count} passages of people who were not chosen.", others
    )
    if others or not passages:
        parts.soft(text if passages else say("Nobody passed its cameras."))
    if meant:
        rows = (
            (say_time(each.time), each.person, _outcome(each.decision.opened), _reasons(each.decision.refusals))
            for each in meant[-_SHOWN:]
        )
        parts.table((say("Time"), say("Person"), say("Door"), say("Why not")), rows)


def _what_if(bench: Workbench, name: str, base: SettingPath) -> None:
    door = bench.settings.get().doors[name]
    people = sorted(person.employee_id for person in bench.people.known().values() if person.active)
    if not (people and door.cameras):
        return
    st.subheader(say("Try it"))
    left, right = st.columns(2)
    person = left.selectbox(say("Person"), people, index=None, key=key(base, "#person"))
    now = bench.records.now()
    time = right.time_input(say("Time today"), now.time().replace(second=0, microsecond=0), key=key(base, "#time"))
    if person is None or time is None:
        return
    found = what_if(bench, name, str(person), door.cameras[0], now.replace(hour=time.hour, minute=time.minute))
    if found.opened:
        st.success(say("It would open if they are alone and proven alive."), icon=":material/check:")
    else:
        st.warning(say("It stays closed: {why}.", why=_reasons(found.refusals)), icon=":material/lock:")


def _log(bench: Workbench, name: str) -> None:
    rows = [row for row in bench.door_book.last(7, bench.records.now().date()) if row.door == name]
    st.subheader(say("Door log"))
    if not rows:
        parts.soft(say("Nothing in the last seven days."))
        return
    parts.table((say("Time"), say("Person"), say("Door"), say("Why")), map(_cells, reversed(rows[-_SHOWN:])))


def _cells(row: DoorRow) -> tuple[str, ...]:
    who = row.employee_id or row.author
    return say_moment(row.timestamp, year=False), who, marked(_RESULTS[row.result]), _reasons(row.reasons, row.detail)


def _test(draft: Draft, bench: Workbench, name: str, base: SettingPath) -> None:
    door = bench.settings.get().doors[name]
    problem = (
        say("Save first.")
        if draft.changes
        else say("Give the topic of its relay.")
        if not door.topic
        else ""
        if bench.settings.get().mqtt.on
        else say("There is no MQTT broker.")
    )
    if st.button(
        say("Test pulse"),
        icon=":material/lock_open:",
        key=key(base, "#pulse"),
        disabled=bool(problem),
        help=problem or None,
    ):
        _ask(name)


def _ask(name: str) -> None:
    st.session_state.pop(_TOLD, None)

    @st.dialog(say("Test pulse"))
    @parts.guarded
    def ask() -> None:
        text = say("The door opens now, whoever stands there. The logs record it.")
        parts.show("<p>{text}</p>", text=text)
        st.button(say("Open the door"), type="primary", key="settings-door-pulse", on_click=_pulse, args=(name,))
        problem = st.session_state.get(_TOLD)
        if problem:
            st.error(parts.plain(problem), icon=":material/error:")
        elif problem is not None:
            st.success(say("The broker has the pulse."), icon=":material/check:")

    ask()


def _pulse(name: str) -> None:
    """Send it (a callback), and keep what is wrong; empty: nothing."""
    try:
        bench, author = access.acting("system.settings")
        row = send_pulse(bench, name, author=author)
        st.session_state[_TOLD] = "" if row.result == "test" else say("Not delivered: {what}", what=row.detail)
    except MusterError as error:
        st.session_state[_TOLD] = said(error)
