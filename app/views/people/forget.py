"""Erasing a person: preview, typed confirmation, progress and receipt."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.web import access
from app.words import said, say
from engine.errors import MusterError
from engine.privacy import Prospect
from engine.workbench import Workbench

_KEY = "forgetting"


@dataclass
class _Job:
    """Erasing runs in the background, so leaving the page does not interrupt it."""

    employee_id: str
    done: int = 0
    total: int = 0
    receipt: dict[str, Any] = field(default_factory=dict)
    error: MusterError | str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, bench: Workbench, author: str) -> None:
        """Erase; called in a thread of its own."""
        try:
            self.receipt = bench.privacy.forget(self.employee_id, author=author, progress=self._told)
        except MusterError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - nobody else would ever hear of it
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.ended.set()

    def _told(self, _what: str, done: int, total: int) -> None:
        self.done, self.total = done, total


def dialog(bench: Workbench, employee_id: str, name: str) -> None:
    """Ask for confirmation."""
    with parts.told():
        with st.spinner(say("Searching their data …")):
            gone = _gone(bench.privacy.foresee(employee_id))
        _ask(employee_id, name, gone)


def _ask(employee_id: str, name: str, gone: Markup) -> None:
    @st.dialog(say("Forget this person"), width="medium")
    @parts.guarded
    def ask() -> None:
        parts.html(gone)
        wanted = name or employee_id
        parts.show("<p>{a} <b>{b}</b></p>", a=say("To continue, type exactly:"), b=wanted)
        typed = st.text_input(say("Name") if name else say("Id"), key="typed_name", live=True)
        right = (typed or "").strip() == wanted
        if st.button(
            say("Erase for good"), type="primary", icon=":material/delete_forever:", disabled=not right, key="erase"
        ):
            _start(employee_id)

    ask()


def _gone(found: Prospect) -> Markup:
    lines = [
        say("Templates: {count}", count=found.templates),
        say("Enrolment, evidence and incident pictures: {count}", count=found.pictures),
        say("Name, department, e-mail and consent"),
        found.leave_entries and say("Leave entries: {count}", count=found.leave_entries),
        found.pin and say("PIN"),
        found.dossiers and say("Dossiers of them as a stranger: {count}", count=found.dossiers),
        found.messages and say("Waiting messages: {count}", count=found.messages),
    ]
    stays = [
        say("Attendance rows, under a pseudonym: {count}", count=found.rows)
        if found.pseudonym
        else say("Attendance rows, under the id alone: {count}", count=found.rows),
        say("Incidents with them, without their pictures: {count}", count=found.incidents),
        say("Pictures of others, to be searched for their face and blurred: {count}", count=found.others),
    ]
    return parts.markup(
        "<p><b>{gone}</b></p><ul>{a}</ul><p><b>{rest}</b></p><ul>{b}</ul><p>{end}</p>",
        gone=say("Muster erases:"),
        a=parts.items(filter(None, lines)),
        rest=say("Muster keeps, without the name:"),
        b=parts.items(stays),
        end=say("You cannot undo this. Backups elsewhere stay untouched."),
    )


def _start(employee_id: str) -> None:
    with parts.told():
        bench, author = access.acting("people.forget")
        job = st.session_state[_KEY] = _Job(employee_id)
        threading.Thread(target=job.run, args=(bench, author), name="forget").start()
        st.rerun()


def going_on() -> bool:
    """Whether an erasure is running or its receipt is still open."""
    return _KEY in st.session_state


@st.fragment(run_every=0.5)
@parts.guarded
def _bar(job: _Job) -> None:
    if job.ended.is_set():
        st.rerun()
    text = say("Erasing …")
    if job.total:
        text = say("Searching other pictures: {done} of {total}", done=job.done, total=job.total)
    st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text)


def show_progress() -> None:
    """Show progress, then the receipt."""
    job: _Job = st.session_state[_KEY]
    if not job.ended.is_set():
        _bar(job)
        return
    if job.error:
        parts.notice(say("Muster could not erase everything"), said(job.error), tone="bad")
    else:
        _receipt(job.receipt)
    if st.button(say("Done"), type="primary", key="receipt_done"):
        del st.session_state[_KEY]
        if not job.error:
            st.query_params.pop("person", None)
        st.rerun()


def _receipt(receipt: dict[str, Any]) -> None:
    lines = [
        say("Templates: {count}", count=receipt["templates"] + receipt["templates_as_stranger_or_by_mistake"]),
        say("Pictures: {count}", count=receipt["pictures"]),
        say("Destroyed keys: {count}", count=receipt["keys_destroyed"]),
        say("Faces blurred in pictures of others: {count}", count=receipt["faces_hidden_in_pictures_of_others"]),
        say("Leave entries: {count}", count=receipt["leave_entries"]),
        say("Rebuilt day sheets: {count}", count=receipt["day_sheets"]),
        say("Removed messages: {count}", count=receipt["messages_not_sent"]),
        say("Log rows under a pseudonym: {count}", count=receipt["log_rows_under_the_pseudonym"])
        if receipt["log_rows_under_the_pseudonym"]
        else say("Log rows under the id alone: {count}", count=receipt["log_rows_kept_under_the_id"]),
    ]
    with st.container(border=True):
        parts.show(
            '<h2 style="padding:0">{title}</h2><p class="m-soft">{time} · {author}</p><ul>{lines}</ul>',
            title=say("Receipt: {subject} was forgotten", subject=receipt["subject"]),
            time=str(receipt["time"])[:16].replace("T", " "),
            author=receipt["author"],
            lines=parts.items(lines),
        )
        if receipt["machines_that_have_not_confirmed"]:
            st.info(
                say("These machines have not confirmed yet. The System page shows which remain:"),
                icon=":material/sync:",
            )
            parts.bullets(receipt["machines_that_have_not_confirmed"])
        if receipt["still_named_in"]:
            st.warning(say("These files still contain the name. Check them:"), icon=":material/warning:")
            parts.bullets(receipt["still_named_in"])
        if receipt["not_read"]:
            st.warning(say("Muster cannot read these files. Look into them yourself:"), icon=":material/warning:")
            parts.bullets(receipt["not_read"])
        if receipt["pictures_that_could_not_be_read"]:
            st.warning(
                say("Unreadable pictures: {count}", count=receipt["pictures_that_could_not_be_read"]),
                icon=":material/warning:",
            )
        st.download_button(
            say("Download the receipt"),
            json.dumps(receipt, indent=1, ensure_ascii=False),
            f"receipt-{receipt['receipt_id']}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
