"""Puts a threshold in force, rolls it back, and lists earlier decisions."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import put
from app.web import access
from app.words import say, say_count, say_number
from app.words.tuning import among, moment, often, sentence, warnings
from engine.storage import writable
from engine.tuning.calibration import Calibration, CalibrationReport, Version
from engine.types import NOBODY
from engine.workbench import Workbench

_SHOWN = 4


def buttons(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    """The buttons to apply a threshold and to roll it back."""
    past, why_not = bench.calibration.history(), ""
    if bench.calibration.fixed_where:
        why_not = say("Remove {where} first.", where=bench.calibration.fixed_where)
    elif not writable(bench.workspace):
        why_not = say("The workspace is read-only.")
    same = threshold == made.in_force
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            say("Apply {threshold} …", threshold=say_number(threshold, 3)),
            type="primary",
            key="tuning-apply",
            icon=":material/check:",
            disabled=same or bool(why_not),
            help=parts.plain(why_not or (say("This threshold is active. Try another one.") if same else "")) or None,
        ):
            _apply(bench, made, threshold)
        proposed = made.proposed_threshold
        for word, label, value in (
            ("", say("Try the active one"), made.in_force),
            ("proposed", say("Try the proposed {threshold}", threshold=say_number(proposed, 3)), proposed),
        ):
            if value != threshold:
                st.button(label, key=f"tuning-at-{word}", on_click=put, kwargs={"at": word})
        if past and past[-1].restores:
            label, why = say("Roll back to {threshold} …", threshold=_goal(past)), parts.plain(why_not) or None
            if st.button(label, key="tuning-rollback", icon=":material/undo:", disabled=bool(why_not), help=why):
                _roll_back(past)


def _goal(past: tuple[Version, ...]) -> str:
    """The target of a rollback."""
    before = past[-1].before
    return _value(past[before - 1].threshold if before else None)


def _value(threshold: float | None) -> str:
    return say("the derived threshold") if threshold is None else say_number(threshold, 3)


def _apply(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    @st.dialog(say("Apply a threshold"), width="medium")
    @parts.guarded
    def ask() -> None:
        _what_changes(bench, made, threshold)
        reason = _reason()
        if st.button(say("Apply"), type="primary", disabled=not reason, key="tuning-apply-now"):
            _decide(lambda desk, author: desk.apply(made, threshold, author=author, reason=reason))

    ask()


def _change(before: str, after: str) -> None:
    parts.show('<p class="m-change">{a} <span aria-hidden="true">→</span> {b}</p>', a=before, b=after)


def _what_changes(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    now, then = made.now, made.at(threshold)
    reached = [[pair for pair in made.look_alikes if pair.reaches(each)] for each in (made.in_force, threshold)]
    known = bench.people.known()

    def name(key: str) -> str:
        return known.get(key, NOBODY).name or key

    _change(say_number(made.in_force, 3), say_number(threshold, 3))
    parts.show("<p>{text}</p>", text=sentence(then))
    rows = [
        (say("Strangers named"), among(now.model_fpir), among(then.model_fpir)),
        (say("Second looks"), among(now.try_again), among(then.try_again)),
        (say("Wrong punches"), often(now.wrong_per_month), often(then.wrong_per_month)),
        (say("Look-alikes"), len(reached[0]), len(reached[1])),
    ]
    parts.table(("", say("active"), say("then")), rows)
    if reached[1]:
        faces = parts.joined(
            parts.markup(
                '<div class="m-row">{a}{b}<span>{text}</span></div>',
                a=parts.face(parts.portrait(pair.first), 56, name(pair.first)),
                b=parts.face(parts.portrait(pair.second), 56, name(pair.second)),
                text=say("{a} and {b}", a=name(pair.first), b=name(pair.second)),
            )
            for pair in reached[1][:_SHOWN]
        )
        more = ""
        if len(reached[1]) > _SHOWN:
            more = say_count("and {count} more pair", "and {count} more pairs", len(reached[1]) - _SHOWN)
        parts.show(
            '<p><b>{title}</b></p>{faces}<p class="m-soft">{more}</p>',
            title=say("Look-alikes that cameras may confuse:"),
            faces=faces,
            more=more,
        )
    others = list(warnings(made, 2.0, name))  # no pair reaches this: the pairs are shown above
    if others:
        parts.bullets(others, "m-warned")


def _reason() -> str:
    typed = st.text_input(
        say("Reason"), key="tuning-reason", max_chars=1000, live=True, placeholder=say("Reason (for the history)")
    )
    account = access.account()
    signed = say(
        "History and audit trail name {name}. Running cameras use it at once.", name=account.name if account else ""
    )
    st.caption(parts.plain(signed))
    return (typed or "").strip()


def _roll_back(past: tuple[Version, ...]) -> None:
    @st.dialog(say("Roll back the threshold"), width="medium")
    @parts.guarded
    def ask() -> None:
        latest = past[-1]
        _change(_value(latest.threshold), _goal(past))
        text = say(
            "This reverts the change by {author} on {day}: “{reason}”.",
            author=latest.author,
            day=moment(latest.made_at),
            reason=latest.reason,
        )
        parts.show("<p>{text}</p>", text=text)
        reason = _reason()
        if st.button(say("Roll back"), type="primary", disabled=not reason, key="tuning-rollback-now"):
            _decide(lambda desk, author: desk.rollback(author=author, reason=reason))

    ask()


def _decide(decision: Callable[[Calibration, str], Version]) -> None:
    """Take a decision in the name of who is signed in."""
    with parts.told():
        bench, author = access.acting("system.tune")
        version = decision(bench.calibration, author)
        put(at="")
        parts.done(say("Active: {threshold}", threshold=_value(version.threshold)))


def history(bench: Workbench) -> None:
    """The table of who decided what, when and why, the latest first."""
    past = bench.calibration.history()
    if not past:
        parts.notice(
            say("No threshold chosen yet"), say("Until then Muster derives one whenever the people on the list change.")
        )
        return
    used = bench.calibration.in_force()
    rows = [
        (
            each.version,
            parts.markup("{day}<br><span class='m-soft'>{author}</span>", day=moment(each.made_at), author=each.author),
            parts.markup(
                "{a} → <b>{b}</b><br>{state}",
                a=say_number(each.previous, 3),
                b=_value(each.threshold),
                state=_state(each, past[-1] if used.source != "settings" else None),
            ),
            each.reason,
            _expected(each),
        )
        for each in reversed(past)
    ]
    heads = (say("No."), say("Time and author"), say("Threshold"), say("Reason"), say("Expected"))
    parts.table(heads, rows)


def _state(each: Version, latest: Version | None) -> Markup:
    if latest is not None and each.version == latest.version and each.threshold is not None:
        return parts.status("active", say("active"))
    if each.action == "rollback":
        return parts.status("acknowledged", say("rolled back"))
    return Markup("")


def _expected(each: Version) -> str:
    said = []
    if each.try_again is not None:
        said.append(say("second looks: {share}", share=among(each.try_again)))
    if each.wrong_per_month is not None:
        said.append(say("wrong punches: {often}", often=often(each.wrong_per_month)))
    said.append(say_count("{count} person", "{count} people", each.people))
    return "; ".join([*said, each.target] if each.target else said)
