"""Tuning: what a match threshold means for the people enrolled here, which one is in force, and how to change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import put, to
from app.views.tuning import decide, replay
from app.views.tuning import people as tuning_people
from app.views.tuning.asked import asked, evaluated, report, row, step, tried
from app.web import access
from app.words import say, say_number, term
from app.words.tuning import (
    among,
    concerns,
    confidence,
    foundation,
    often,
    origin,
    passage,
    sentence,
    support,
    traffic,
    warnings,
)
from engine.tuning.calibration import ASSUMPTIONS, CalibrationReport, Operating, ThresholdInForce
from engine.types import NOBODY
from engine.workbench import Workbench

_SLIDER = "tuning-slider"
_SAME = 0.0005


def show() -> None:
    """The page."""
    bench = access.reading("system.tune")
    parts.stylesheet("alerts")
    st.title(say("Tuning"))
    found = bench.calibration.in_force()
    people = len(bench.gallery.current())
    _in_force(found, people)
    for concern in concerns(found, people):
        parts.notice(say("Review the active threshold"), concern, tone="warn")
    if where := bench.calibration.fixed_where:
        parts.notice(
            say("The settings fix the threshold"),
            say("To choose another one, remove {where} and restart Muster.", where=where),
            tone="warn",
        )
    if not people:
        parts.notice(
            say("No one is enrolled yet"),
            say("Register at least two people, with several pictures each."),
            action=_register if access.may("people.enrol") else None,
        )
        decide.history(bench)
        return
    if people == 1:
        parts.notice(
            say("One person is enrolled"),
            say("One person cannot be compared with others. All figures come from a cohort of other people."),
        )
    _decision()


def _register() -> None:
    parts.html(parts.link(to("/registration"), say("Register someone"), "m-link"))


def _in_force(found: ThresholdInForce, people: int) -> None:
    why = origin(found, people)
    reason = f": “{found.version.reason}”" if found.source == "calibration" and found.version else ""
    parts.show(
        '<p class="m-tuned"><b>{text}</b> <span class="m-soft">{why}</span></p>',
        text=say("Active: {threshold}", threshold=say_number(found.threshold, 3)),
        why=why + reason,
    )


@st.fragment
@parts.guarded
def _decision() -> None:
    """What a threshold means in one sentence, what it depends on, and all that follows; only this part is drawn anew."""
    bench = access.reading("system.tune")
    wanted = asked(bench)
    with st.spinner(say("Comparing all people …")):
        usual = evaluated(bench, wanted)
    made = report(bench, wanted)
    threshold = tried(made)
    found = made.at(threshold)
    level, name, why = confidence(made)
    parts.show(
        '<p class="m-sentence">{text}</p><p class="m-sure">{level} <span class="m-soft">{why}</span></p>',
        text=sentence(found),
        level=parts.status(level, name),
        why=why,
    )
    row(bench, wanted, usual)
    _slider(made, threshold)
    _figures(made, found)
    decide.buttons(bench, made, threshold)
    names = bench.people.known()
    warned = list(warnings(made, threshold, lambda key: names.get(key, NOBODY).name or key))
    if warned:
        parts.bullets(warned, "m-warned")
    _charts(made, threshold)
    _support(made, found)
    _parts(bench, made, threshold)


def _slider(made: CalibrationReport, threshold: float) -> None:
    def moved() -> None:
        put(at=f"{st.session_state[_SLIDER]:.3f}")

    st.session_state[_SLIDER] = step(threshold)
    marks = [(made.in_force, say("active")), (made.proposed_threshold, say("proposed"))]
    if abs(marks[0][0] - marks[1][0]) < _SAME:
        marks = [(made.in_force, say("active, proposed"))]
    with st.container(gap=None):
        st.slider(say("Threshold to try"), 0.0, 1.0, step=0.005, format="%.3f", key=_SLIDER, on_change=moved)
        parts.html(_scale(marks))


def _scale(marks: list[tuple[float, str]]) -> Markup:
    """The marks below the slider: the name of the lower one to its left, that of the higher one to its right."""
    low = min(value for value, _ in marks)
    cells = parts.joined(
        parts.markup(
            '<span class="{side}" style="left:{x}%">{text}</span>',
            side="m-before" if len(marks) > 1 and value == low else "m-after",
            x=f"{100 * min(1.0, max(0.0, value)):.2f}",
            text=name,
        )
        for value, name in marks
    )
    return parts.markup('<div class="m-scale">{cells}</div>', cells=cells)


def _figures(made: CalibrationReport, found: Operating) -> None:
    now, alike = made.now, [pair for pair in made.look_alikes if pair.reaches(found.threshold)]
    before = sum(pair.reaches(now.threshold) for pair in made.look_alikes)

    def beside(text: str) -> str:
        return say("active: {value}", value=text)

    many = "+" if len(alike) == len(made.look_alikes) >= 20 else ""
    parts.figures(
        parts.Metric(say("Strangers named"), among(found.model_fpir), beside(among(now.model_fpir))),
        parts.Metric(say("Second looks"), among(found.try_again), beside(among(now.try_again))),
        parts.Metric(say("Wrong punches"), often(found.wrong_per_month), beside(often(now.wrong_per_month))),
        parts.Metric(say("Look-alikes"), f"{len(alike)}{many}", beside(str(before)), "warn" if alike else "quiet"),
    )


def _charts(made: CalibrationReport, threshold: float) -> None:
    from app.charts.tuning import densities, det  # noqa: PLC0415

    similar = say("Similarities of people with themselves and with others")
    costs = say("False non-matches against false matches")
    _side_by_side((densities(made, threshold), "densities", similar), (det(made, threshold), "det", costs))


def _side_by_side(*plots: tuple[object, str, str]) -> None:
    """Figures with their keys and descriptions."""
    grid = st.grid(2, min_column_width=380)
    for figure, key, alt in plots:
        with grid.cell():
            parts.plot(figure, f"tuning-{key}", alt)


def _support(made: CalibrationReport, found: Operating) -> None:
    with st.expander(say("Basis of these figures")):
        parts.show("<p>{text}</p>", text=passage(made, found))
        parts.bullets([support(made), *foundation(made, found), traffic(made.traffic), *map(term, ASSUMPTIONS)])


def _size(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    """The effects of gallery size and of the number of photos."""
    del bench
    from app.charts.tuning import open_set, photos_effect  # noqa: PLC0415

    named = say("Strangers named, by the number of people enrolled")
    misses = say("Misses, by the number of enrolment photos")
    _side_by_side((open_set(made, threshold), "open-set", named), (photos_effect(made, threshold), "photos", misses))


def _parts(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    """One further part at a time; only the chosen one is computed."""
    names = {
        "alike": say("Look-alikes"),
        "misfits": say("Odd templates ({count})", count=len(made.outliers)) if made.outliers else say("Odd templates"),
        "people": say("Difficult people"),
        "size": say("People and photos"),
        "replay": say("Replay last month"),
        "history": say("History"),
    }
    draw: Mapping[str, Callable[[Workbench, CalibrationReport, float], None]] = {
        "alike": tuning_people.look_alikes,
        "misfits": tuning_people.misfits,
        "people": tuning_people.difficult,
        "size": _size,
        "replay": replay.show,
        "history": lambda bench, *_: decide.history(bench),
    }
    draw[parts.choice(say("More views"), names, "tuning-part", "part")](bench, made, threshold)
