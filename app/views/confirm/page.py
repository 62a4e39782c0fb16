"""Is this the same person? One question at a time, face beside face, answered by key."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.views.alerts.pieces import moment, name_of
from app.web import access
from app.web.pictures import inline
from app.words import said, say, say_count, say_number
from engine.errors import InputError, MusterError
from engine.imaging import read_image
from engine.records import Question
from engine.tracking import AnswerRow, Said
from engine.tuning.calibration import NearLine
from engine.workbench import Workbench

__all__ = ["forget", "show"]

RIGHT = "faces.confirm"
_KEY = "confirm"
_SIDE = 480
_RENEWED_S = 60.0


@dataclass
class _Round:
    """The questions of a session.

    Attributes:
        workspace: whose questions they are; made: when they were read.
        done: ids of those that were answered or skipped.
        last: the latest answer; problem: why the latest one failed; news: what became of it.
    """

    workspace: Path
    made: float
    questions: list[Question]
    done: set[str] = field(default_factory=set)
    last: AnswerRow | None = None
    problem: str = ""
    news: str = ""

    @property
    def open(self) -> list[Question]:
        """What is still to be answered."""
        return [each for each in self.questions if each.question not in self.done]


def forget() -> None:
    """Drop the questions: the user left the page."""
    st.session_state.pop(_KEY, None)


def _round(bench: Workbench) -> _Round:
    """The questions, read again now and then: others answer, too."""
    known, now = st.session_state.get(_KEY), time.monotonic()
    if isinstance(known, _Round) and known.workspace == bench.workspace:
        if now - known.made > _RENEWED_S:
            there = {each.question for each in known.questions}
            fresh = bench.confirm.questions()
            known.questions = [each for each in known.questions if each.question in known.done] + [
                each for each in fresh if each.question not in known.done or each.question not in there
            ]
            known.made = now
        return known
    made = _Round(bench.workspace, now, bench.confirm.questions())
    st.session_state[_KEY] = made
    return made


def show() -> None:
    """The page."""
    bench = access.reading(RIGHT)
    parts.stylesheet("alerts")
    st.title(say("Confirm"), anchor=False)
    found = _round(bench)
    _after(bench, found)
    waiting = found.open
    if not waiting:
        _nothing(bool(found.questions))
    else:
        _ask(bench, found, waiting[0])
    _near_line(bench.calibration.answers())


def _nothing(asked: bool) -> None:
    if asked:
        parts.notice(say("All questions are answered"), say("Skipped ones come back when you open the page again."))
    else:
        parts.notice(
            say("No face is near the threshold"),
            say("Muster asks about faces of the last 14 days that it nearly named, or barely."),
        )


def _picture(bench: Workbench, place: str) -> str:
    """A data URL of a picture: who answers sees this one alone; empty if it cannot be read."""
    path = bench.records.inside(place)
    try:
        return inline(read_image(path), _SIDE, whole=True) if path is not None else ""
    except MusterError:
        return ""


def _figure(source: str, alt: str, caption: str) -> Markup:
    image = parts.markup('<img src="{source}" alt="{alt}">', source=source, alt=alt) if source else alt
    return parts.markup("<figure>{image}<figcaption>{caption}</figcaption></figure>", image=image, caption=caption)


def _ask(bench: Workbench, found: _Round, asked: Question) -> None:
    name, when = name_of(bench, asked.employee_id), moment(bench, asked.seen_at)
    text = (
        say("Is this {name}? The camera said so.", name=name)
        if asked.kind == "punch"
        else say("Is this {name} after all? The camera was not sure.", name=name)
    )
    number = len(found.done & {each.question for each in found.questions}) + 1
    parts.show(
        '<p><b>{text}</b> <span class="m-soft">{tally}</span></p>',
        text=text,
        tally=say("{number} of {total}", number=number, total=len(found.questions)),
    )
    access.viewed("view_question", asked.question)
    parts.html(
        parts.markup(
            '<div class="m-frames m-pair">{seen}{known}</div>',
            seen=_figure(
                _picture(bench, asked.picture),
                say("The face that the camera saw"),
                say("{camera}, {time}", camera=asked.camera, time=when),
            ),
            known=_figure(
                _picture(bench, asked.portrait),
                say("Picture of {name}", name=name),
                say("{name}, enrolled", name=name),
            ),
        )
    )
    parts.show(
        '{bar} <span class="m-soft">{text}</span>',
        bar=parts.similarity_bar(asked.similarity, asked.threshold),
        text=say("similarity {a}, threshold {b}", a=say_number(asked.similarity, 3), b=say_number(asked.threshold, 3)),
    )
    no = say("No, take the passage back") if asked.kind == "punch" else say("No")
    with st.container(horizontal=True):
        for answer, label, key, kind in (
            ("yes", say("Yes"), "Y", "primary"),
            ("no", no, "N", "secondary"),
            ("unsure", say("Cannot tell"), "U", "secondary"),
        ):
            st.button(
                label,
                key=f"confirm-{answer}",
                type="primary" if kind == "primary" else "secondary",
                shortcut=key,
                on_click=partial(_answer, asked, answer),  # type: ignore[arg-type]
            )
        st.button(say("Skip"), key="confirm-skip", shortcut="S", on_click=partial(_skip, asked))


def _skip(asked: Question) -> None:
    found = st.session_state.get(_KEY)
    if isinstance(found, _Round):
        found.done.add(asked.question)
        found.last, found.problem, found.news = None, "", ""


def _answer(asked: Question, answer: Said) -> None:
    found = st.session_state.get(_KEY)
    if not isinstance(found, _Round) or asked.question in found.done:
        return
    found.last, found.problem, found.news = None, "", ""
    try:
        bench, author = access.acting(RIGHT)
        found.last = bench.confirm.answer(asked.question, answer, author=author)
    except InputError as error:  # it cannot be answered any more, or not so
        found.problem = said(error)
    except MusterError as error:
        found.problem = said(error)
        return  # the same question again
    found.done.add(asked.question)


def _after(bench: Workbench, found: _Round) -> None:
    """What became of the latest answer, and what may follow from it."""
    if found.problem:
        parts.notice(say("This was not recorded"), found.problem, tone="warn")
    if found.news:
        parts.notice(say("Template added"), found.news, tone="good")
    row = found.last
    if row is None:
        return
    name = name_of(bench, row.employee_id)
    told = {
        "yes": say("Recorded: this is {name}.", name=name),
        "no": say("Recorded: this is not {name}.", name=name),
        "unsure": say("Recorded: nobody can tell."),
    }[row.answer]
    if row.answer == "no" and row.kind == "punch":
        told = say("Recorded: this is not {name}. The passage was taken back.", name=name)
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(width="content"):
            parts.show("<p>{text}</p>", text=told)
        if row.answer != "yes":
            return
        if access.may("people.enrol"):
            st.button(
                say("Add as template"),
                key="confirm-template",
                shortcut="T",
                help=say("Muster checks first that the picture is like this person and like nobody else."),
                on_click=partial(_add, row),
            )
        if row.kind == "near miss" and access.may("attendance.correct"):
            day = row.seen_at.astimezone(bench.config.zone).date().isoformat()
            parts.html(parts.link(to("/attendance", person=row.employee_id, day=day), say("Correct the day"), "m-link"))


def _add(row: AnswerRow) -> None:
    found = st.session_state.get(_KEY)
    if not isinstance(found, _Round):
        return
    found.problem, found.news = "", ""
    try:
        access.acting(RIGHT)
        bench, author = access.acting("people.enrol")
        report = bench.confirmed.add(row.question, author=author)
        found.news = say_count("{count} template now", "{count} templates now", report.templates)
        found.last = None
    except MusterError as error:
        found.problem = said(error)


def _near_line(near: NearLine) -> None:
    """How the answers lie against the threshold."""
    if not near.answers:
        return
    text = say_count("Of {count} answer near the line:", "Of {count} answers near the line:", near.answers)
    parts.show("<h2>{title}</h2><p>{text}</p>", title=say("Answers so far"), text=text)
    heads = ("", say("at or above {threshold}", threshold=say_number(near.threshold, 3)), say("below"))
    rows = [
        (say("the person"), near.right, near.missed),
        (say("somebody else"), near.wrong, near.refused),
    ]
    parts.table(heads, rows)
    notes = []
    for what, rate in (
        (say("The person's faces below the line"), near.genuine_missed),
        (say("Accepted faces of somebody else"), near.wrong_named),
    ):
        if rate.trials:
            low, high = rate.interval
            notes.append(
                say(
                    "{what}: {share}% (95% interval {low}–{high}%).",
                    what=what,
                    share=say_number(100 * rate.value, 0),
                    low=say_number(100 * low, 0),
                    high=say_number(100 * high, 0),
                )
            )
    notes.append(say("These faces were chosen because they are difficult; the threshold stays as it is."))
    parts.bullets(notes, "m-soft")
