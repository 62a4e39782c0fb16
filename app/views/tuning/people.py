"""The people whom a threshold affects most: look-alikes, templates that do not fit, people who are hard to recognise."""

from __future__ import annotations

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.views.alerts.pieces import name_of, shown
from app.words import say, say_count
from engine.evaluation import Difficulty, LookAlike, Outlier
from engine.storage.pictures import enrolment_picture
from engine.tuning.calibration import CalibrationReport
from engine.workbench import Workbench

_PAIRS = 6
_MOST = 24


def _person(bench: Workbench, key: str, text: str = "") -> Markup:
    """A name linked to the person's templates."""
    return parts.link(to("/people", person=key), text or name_of(bench, key))


def _grid(cells: list[Markup]) -> None:
    parts.show('<div class="m-near m-cards">{cells}</div>', cells=parts.joined(cells))


def look_alikes(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    """The most similar pairs, both faces side by side."""
    pairs = made.look_alikes
    if not pairs:
        parts.notice(say("No look-alikes"), say("Look-alikes are pairs. Enrol a second person."))
        return
    reached = sum(pair.reaches(threshold) for pair in pairs)
    fewer = max(_PAIRS, reached)
    parts.soft(say("Most similar pairs first. At or above the line, cameras may confuse them."))
    several = len(pairs) > fewer and st.toggle(say("Show all {count} pairs", count=len(pairs)), key="tuning-all-pairs")
    _grid([_pair(bench, pair, threshold) for pair in (pairs if several else pairs[:fewer])])


def _pair(bench: Workbench, pair: LookAlike, threshold: float) -> Markup:
    both = parts.joined(_portrait(bench, key, _person(bench, key)) for key in (pair.first, pair.second))
    over = pair.reaches(threshold)
    state = ("no templates", say("may be confused")) if over else ("good", say("distinguishable"))
    return parts.markup(
        '<div><div class="m-pair">{both}</div>{bar}<div>{state}</div></div>',
        both=both,
        bar=parts.similarity_bar(max(pair.similarity, pair.closest), threshold, tone="warn" if over else "good"),
        state=parts.status(*state),
    )


def _portrait(bench: Workbench, key: str, caption: object) -> Markup:
    return parts.captioned(parts.face(parts.portrait(key, 320), 160, name_of(bench, key)), caption)


def misfits(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    """Templates that do not fit their person, with their pictures."""
    found = made.outliers
    if not found:
        parts.notice(
            say("Every template fits its person"),
            say("No template resembles another person more than its own."),
            tone="good",
        )
        return
    parts.soft(say("Templates that differ from the rest of their person. With only two, both are shown."))
    _grid([_misfit(bench, made, each, threshold) for each in found[:_MOST]])
    _more(len(found))


def _more(count: int) -> None:
    if count > _MOST:
        parts.soft(say("and {count} more", count=count - _MOST))


def _misfit(bench: Workbench, made: CalibrationReport, each: Outlier, threshold: float) -> Markup:
    template = made.gallery.templates[each.row]
    stranger = each.nearest is not None and each.nearest > each.similarity
    alt = say("Picture of {name}", name=name_of(bench, each.person))
    cells = [
        parts.captioned(shown(bench, enrolment_picture(template.template_id), 160, alt), _person(bench, each.person))
    ]
    if stranger:
        other = say("more like {name}", name=name_of(bench, each.nearest_person))
        cells.append(_portrait(bench, each.nearest_person, other))
    question = say("Another person's photo?") if stranger else say("A poor photo?")
    return parts.markup(
        '<div><div class="m-pair">{cells}</div>{bar}<div>{state}</div><div>{link}</div></div>',
        cells=parts.joined(cells),
        bar=parts.similarity_bar(each.similarity, threshold, each.nearest),
        state=parts.status("no templates", question),
        link=_person(bench, each.person, say("View templates")),
    )


def difficult(bench: Workbench, made: CalibrationReport, threshold: float) -> None:
    """People who need a look; the others are only counted."""
    rows = [(each, why) for each in made.difficulty if (why := _why(each, threshold))]
    if not rows:
        parts.notice(
            say("No one stands out"),
            say_count(
                "This person is easy to recognise.",
                "All {count} people are easy to recognise and to tell apart.",
                len(made.difficulty),
            ),
            tone="good",
        )
        return
    text = say("{count} of {all} people need a look.", count=len(rows), all=len(made.difficulty))
    if len(made.difficulty) < 8:
        text += " " + say("This needs at least eight people.")
    parts.soft(text)
    heads = ("", say("Person"), say("Weakest template"), say("Most similar person"), say("Finding"))
    parts.table(heads, (_line(bench, each, why, threshold) for each, why in rows[:_MOST]), "m-hard")
    _more(len(rows))


def _why(each: Difficulty, threshold: float) -> list[str]:
    """Reasons to look at somebody."""
    found = []
    if each.hardest is not None and each.hardest < threshold:
        found.append(say("one of their pictures would not match"))
    if each.nearest is not None and each.nearest >= threshold:
        found.append(say("one of their pictures would match someone else"))
    traits = {
        "goat": say("harder to recognise than the others (“goat”)"),
        "wolf": say("resembles many others (“wolf”)"),
        "lamb": say("many others resemble them (“lamb”)"),
        "worm": say("unlike themselves, like others (“worm”)"),
    }
    return found + [text for trait, text in traits.items() if trait in each.traits]


def _line(bench: Workbench, each: Difficulty, why: list[str], threshold: float) -> tuple[Markup, ...]:
    own = parts.similarity_bar(each.hardest, threshold) or Markup("–")
    other = Markup("–")
    if each.nearest is not None:
        other = parts.markup(
            "{bar}<br>{name}",
            bar=parts.similarity_bar(each.nearest, threshold, tone="warn" if each.nearest >= threshold else "good"),
            name=_person(bench, each.nearest_person),
        )
    return (
        parts.face(parts.portrait(each.person), 56, name_of(bench, each.person)),
        parts.markup(
            "{name}<br><span class='m-soft'>{count}</span>",
            name=_person(bench, each.person),
            count=say("Templates: {count}", count=each.templates),
        ),
        own,
        other,
        Markup("<br>").join(why),
    )
