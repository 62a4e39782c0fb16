"""What another threshold would have changed in the last month: computed in a thread, shown when it is done."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, fields
from datetime import date, timedelta

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.views.alerts.pieces import name_of, shown
from app.web import access
from app.web.pictures import allowed
from app.words import said, say, say_count, say_date, say_number, say_time, term
from engine.errors import MusterError
from engine.tuning.calibration import CalibrationReport
from engine.tuning.replay import Change, ChangeKind, Limits, Past, Replay
from engine.workbench import Workbench

_KEY = "tuning-replay"
_DAYS = 30
_PAGE = 20
_QUICK_S = 0.4
_LONELY_S = 20.0


class _Stopped(Exception):
    """Nobody waits for the result any more."""


@dataclass(eq=False)
class _ReplayJob:
    """One replay, in a thread of its own.

    Attributes:
        threshold: tried. since: first day. state: of gallery and day; in another one the job is out of date.
        past: of an earlier replay of the same days, or made by this one.
        done, total: progress. result, error: how it ended. asked_at: when the page was last shown.
    """

    threshold: float
    since: date
    state: tuple[object, ...]
    past: Past | None = None
    done: int = 0
    total: int = 0
    result: Replay | None = None
    error: MusterError | str = ""
    asked_at: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def tell(self, done: int, total: int) -> None:
        """Note the progress; stop when nobody waits any more."""
        self.done, self.total = done, total
        if self.stopped.is_set() or time.monotonic() - self.asked_at > _LONELY_S:
            raise _Stopped

    def run(self, bench: Workbench) -> None:
        """Do the work."""
        try:
            if self.past is None:
                self.past = bench.replays.past(self.since, progress=self.tell)
            self.result = self.past.at(self.threshold, progress=self.tell)
        except _Stopped:
            pass
        except MusterError as error:
            self.error = error
        finally:
            self.ended.set()


def show(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    """The button, the progress, and the result."""
    del made
    today = bench.attendance.day_of(bench.clock())
    since, gallery = today - timedelta(days=_DAYS - 1), bench.gallery.current()
    state = (str(bench.workspace), today, gallery.model_id, gallery.version)
    job: _ReplayJob | None = st.session_state.get(_KEY)
    if job is not None and job.state != state:
        _stop(job)
        job = None
    if not any(since <= day for day in bench.sightings.log.days()):
        parts.notice(
            say("Nothing to replay yet"),
            say("Muster logs sightings while a camera runs. [retention] sightings sets how long it keeps them."),
        )
        return
    threshold = round(threshold, 4)  # rounded like similarities in the log
    if job is None or (job.ended.is_set() and job.threshold != threshold):
        text = say(
            "Which punches and alerts since {since} would differ at {threshold}?",
            since=say_date(since),
            threshold=say_number(threshold, 3),
        )
        parts.show("<p>{text}</p>", text=text)
        st.button(
            say("Replay at {threshold}", threshold=say_number(threshold, 3)),
            icon=":material/history:",
            key="tuning-replay-go",
            on_click=_start,
            args=(bench, _ReplayJob(threshold, since, state, job.past if job is not None else None)),
        )
    if job is None:
        return
    if not job.ended.is_set():
        _bar(job)
    elif job.error:
        parts.notice(say("The replay failed"), said(job.error), tone="bad")
    elif job.result is not None:
        _result(bench, job.result)


def _start(bench: Workbench, job: _ReplayJob) -> None:
    job.asked_at = time.monotonic()
    st.session_state[_KEY] = job
    threading.Thread(target=job.run, args=(bench,), name="replay", daemon=True).start()
    job.ended.wait(_QUICK_S)


def _stop(job: _ReplayJob) -> None:
    job.stopped.set()
    st.session_state.pop(_KEY, None)


@st.fragment(run_every=0.5)
@parts.guarded
def _bar(job: _ReplayJob) -> None:
    if job.ended.is_set() or job.stopped.is_set():
        st.rerun()
    job.asked_at = time.monotonic()
    text = say("Reading the sightings …")
    if job.total:
        text = say("Replaying: {done} of {total} passages", done=job.done, total=job.total)
    st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text)
    st.button(say("Cancel"), key="tuning-replay-stop", icon=":material/close:", on_click=_stop, args=(job,))


def _result(bench: Workbench, found: Replay) -> None:
    names = {
        ChangeKind.LOST: say("Missing punches"),
        ChangeKind.NEW: say("New punches"),
        ChangeKind.GONE: say("Missing alerts"),
        ChangeKind.APPEARED: say("New alerts"),
        ChangeKind.RECLASSIFIED: say("Changed tailgating"),
    }
    then = ", ".join(say_number(value, 3) for value in dict.fromkeys(found.in_force or ()))
    parts.show(
        "<p><b>{text}</b> <span class='m-soft'>{then}</span></p>",
        text=say_count(
            "At {threshold}, {first} to {last}, {count} passage:",
            "At {threshold}, {first} to {last}, {count} passages:",
            found.tracks,
            threshold=say_number(found.threshold, 3),
            first=say_date(found.first),
            last=say_date(found.last),
        ),
        then=say("active then: {threshold}", threshold=then) if then else "",
    )
    parts.figures(*(parts.Metric(names[kind], found.count(kind)) for kind in names))
    kinds = [kind for kind in names if found.count(kind)]
    if not kinds:
        parts.notice(say("No differences"), say("All punches and alerts of these days stay the same."), tone="good")
    else:
        labels = {kind.value: f"{names[kind]} ({found.count(kind)})" for kind in kinds}
        kind = parts.choice(say("Which"), labels, "tuning-change")
        rows = [change for change in found.changes if change.kind.value == kind]
        pages = -(-len(rows) // _PAGE)
        page = st.pagination(pages, key=f"tuning-page-{kind}") if pages > 1 else 1
        shown_now = rows[(page - 1) * _PAGE : page * _PAGE]
        parts.html(parts.joined(_change(bench, each, found.threshold) for each in shown_now))
    _limits(found.limits)


def _change(bench: Workbench, change: Change, threshold: float) -> Markup:
    key = change.person_then or change.person_now
    who = " · ".join(name_of(bench, each) for each in key.split(";")) if key else say("Unknown person")
    if change.kind is ChangeKind.RECLASSIFIED:
        who = f"{term(change.then)} → {term(change.now)}"
    said = parts.markup(" · {text}", text=term(change.said)) if change.said else Markup("")
    return parts.markup(
        '<div class="m-row m-arrival">{face}<div><strong>{who}</strong><br><span class="m-soft">{when} · {camera}{said}</span></div>'
        "<div>{bar}</div><div>{link}</div></div>",
        face=_face(bench, change, who),
        who=who,
        when=f"{say_date(change.day)}, {say_time(change.time)}",
        camera=change.camera,
        said=said,
        bar=parts.similarity_bar(change.similarity, threshold),
        link=_link(change),
    )


def _face(bench: Workbench, change: Change, who: str) -> Markup:
    """The picture of that moment if the role may see it, else the person's own."""
    account, folders = access.account(), change.picture.split("/")
    if change.picture and account is not None and len(folders) > 1 and allowed(account, folders[1]):
        return shown(bench, change.picture, 56, who)
    return parts.face(parts.portrait(change.person_then or change.person_now), 56, who)


def _link(change: Change) -> Markup:
    """A link to the row that would change."""
    if change.incident_id and access.may("alerts.view"):
        return parts.link(to("/alerts", incident=change.incident_id), say("View alert"), "m-link")
    if change.event_id and access.may("attendance.evidence"):
        address = to("/attendance", person=change.person_then, day=str(change.day))
        return parts.link(address, say("View punch"), "m-link")
    return Markup("")


def _limits(found: Limits) -> None:
    """What the replay had to leave out."""
    texts = {
        "without_sighting": say("punches without a logged sighting (unchanged)"),
        "unreadable": say("altered log rows"),
        "unexplained": say("passages whose frames do not explain the decision (unchanged)"),
        "disagreeing": say("passages that the rules do not explain (not counted as changes)"),
        "tailgating": say("tailgating alerts that the rules do not explain (unchanged)"),
        "shortened": say("passages without their first frames"),
        "undecided": say("undecided passages: at the door, Muster would use more frames"),
        "other_gallery": say("passages compared with an earlier list of people"),
    }
    lines = [f"{getattr(found, each.name)} {texts[each.name]}" for each in fields(found) if getattr(found, each.name)]
    if lines:
        with st.expander(say("Limits of this replay")):
            parts.bullets(lines)
