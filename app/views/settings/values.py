"""A field for each kind of value: what it shows is the setting's, what it gives goes into the file."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, time
from typing import Any

import streamlit as st
from babel import Locale

from app.ui.people_filter import departments
from app.views.settings.choices import choice, zones
from app.views.settings.described import Named
from app.views.settings.draft import UNCHANGED, Draft, Field, key
from app.views.settings.lists import dates, entries, region
from app.words import LANGUAGES, date_format, language, marked, say, say_weekdays
from engine.config.editing import SettingPath
from engine.config.fields import Setting
from engine.config.hours import DAYS, days_of_week
from engine.incidents import INCIDENT_KINDS
from engine.people import Person


def field(draft: Draft, path: SettingPath, named: Named, spec: Setting, value: Any, *, fixed: bool) -> Any:
    """Draw a field and return what it holds, as the file would say it; None: empty.

    Args:
        value: what it shows at first. fixed: it cannot be changed.
    """
    title = marked(named.title)
    label = f"{title} ({marked(named.measure)})" if named.measure else title
    found = Field(draft, path, named, spec, label, marked(named.help) or None, value, fixed)
    kind = next((each for each in (named.shows, spec.look, spec.kind) if each in _FIELDS), "text")
    return _FIELDS[kind](found)


# ----------------------------------------------------------------------------------------------- by kind of value


def _line(each: Field, text: str, hint: str | None) -> str:
    found = st.text_input(
        each.label, text, key=each.key, help=each.note, disabled=each.fixed, placeholder=hint, max_chars=1000
    )
    return (found or "").strip()


def _text(each: Field) -> str:
    return _line(each, each.value or "", "20:00-06:00" if each.spec.look == "window" else None)


def _hidden(each: Field, *, readable: bool = False) -> str:
    found = st.text_input(
        each.label,
        type="default" if readable else "password",
        key=each.key,
        help=each.note,
        disabled=each.fixed,
        autocomplete="off",
        placeholder=say("set; empty: it stays") if each.value else say("not set"),
        max_chars=2000,
    )
    return (found or "").strip()


def _secret(each: Field) -> Any:
    found = _hidden(each)
    removable = each.value and each.spec.optional and not each.fixed
    if removable and st.checkbox(say("Remove it"), key=key(each.path, "#remove")):
        return None
    return found or UNCHANGED


def _truth(each: Field) -> Any:
    if each.spec.optional:
        return _choice_of(each, (None, True, False))
    return st.toggle(each.label, bool(each.value), key=each.key, help=each.note, disabled=each.fixed)


def _number(each: Field) -> Any:
    hint = say("empty") if each.spec.optional else None
    if each.spec.whole:
        return st.number_input(
            each.label,
            value=None if each.value is None else int(each.value),
            step=1,
            key=each.key,
            help=each.note,
            disabled=each.fixed,
            placeholder=hint,
        )
    usual = abs(float(each.value or each.spec.default or 1))
    step = 1.0 if usual >= 10 else 0.1 if usual >= 1 else 0.01 if usual >= 0.01 else usual / 10
    return st.number_input(
        each.label,
        value=None if each.value is None else float(each.value),
        step=step,
        format="%g",
        key=each.key,
        help=each.note,
        disabled=each.fixed,
        placeholder=hint,
    )


def _choice(each: Field) -> Any:
    return _choice_of(each, (None, *each.spec.choices) if each.spec.optional else each.spec.choices)


def _choice_of(each: Field, options: Sequence[Any]) -> Any:
    return _one_of(each, options, lambda value: choice(each.named.name, value))


def _one_of(each: Field, options: Sequence[Any], names: Callable[[Any], str]) -> Any:
    """One of some values; the one that holds is among the options."""
    there = list(options) if each.value in options else [*options, each.value]
    return st.selectbox(
        each.label,
        there,
        there.index(each.value),
        format_func=names,
        key=each.key,
        help=each.note,
        disabled=each.fixed,
    )


def _one_or_none(each: Field, options: Sequence[str], names: Callable[[Any], str]) -> Any:
    """One of some texts, or an empty one."""
    return _one_of(replace(each, value=each.value or ""), ["", *options], names)


def _several(each: Field, options: Sequence[Any], names: Callable[[Any], str] = str, *, new: bool = True) -> list[Any]:
    """Several values; those that are chosen already are among the options."""
    there = list(each.value or ())
    return st.multiselect(
        each.label,
        list(dict.fromkeys([*options, *there])),
        there,
        format_func=names,
        key=each.key,
        help=each.note,
        disabled=each.fixed,
        accept_new_options=new,
        placeholder=say("none"),
    )


def _time(each: Field) -> Any:
    shown = each.value if isinstance(each.value, time) else None
    return st.time_input(each.label, shown, key=each.key, help=each.note, disabled=each.fixed, step=900)


def _date(each: Field) -> Any:
    shown = each.value if isinstance(each.value, date) else None
    return st.date_input(each.label, shown, key=each.key, help=each.note, disabled=each.fixed, format=date_format())


def _numbers(each: Field) -> Any:
    """Several numbers in a line; what is no number is left to the model."""
    found = _line(each, ", ".join(f"{number:g}" for number in each.value or ()), None)
    with contextlib.suppress(ValueError):
        return [float(part) for part in found.split(",")]
    return [part.strip() for part in found.split(",")]


def _list(each: Field) -> Any:
    if each.spec.entry == "date":
        return dates(each, named=False)
    if each.spec.entry == "choice":
        return _several(each, each.spec.choices, lambda value: choice(each.named.name, value), new=False)
    return _several(each, ())


def _lines(each: Field) -> Any:
    """Several texts, one a line."""
    found = st.text_area(
        each.label,
        "\n".join(each.value or ()),
        key=each.key,
        help=each.note,
        disabled=each.fixed,
        height=96,
        placeholder="0.1,0.2 0.5,0.2 0.5,0.6" if each.spec.look == "area" else None,
    )
    return [line.strip() for line in (found or "").splitlines() if line.strip()]


def _days(each: Field) -> Any:
    """Days of the week as buttons."""
    names = say_weekdays()
    chosen = sorted(days_of_week(each.value)) if each.value else []
    found = st.pills(
        each.label,
        list(range(7)),
        selection_mode="multi",
        default=chosen,
        format_func=names.__getitem__,
        key=each.key,
        help=each.note,
        disabled=each.fixed,
    )
    return each.value if sorted(found) == chosen else in_short(found)


def in_short(numbers: Sequence[int]) -> str:
    """Days of the week as the settings write them, such as `mon-fri,sun`."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ",".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ",".join(DAYS[each] for each in run) for run in found
    )


# ------------------------------------------------------------------------------------------------ of their own


def _zone(each: Field) -> Any:
    return _one_of(each, zones(), lambda name: str(name).replace("_", " "))


def _country(each: Field) -> Any:
    from holidays import list_supported_countries  # noqa: PLC0415 - takes a moment to load

    names = Locale(language()).territories
    known = sorted(list_supported_countries(), key=lambda code: names.get(code, code))
    return _one_or_none(each, known, lambda code: names.get(code, code) or "–")


def _subdivision(each: Field) -> Any:
    from holidays import list_supported_countries  # noqa: PLC0415 - takes a moment to load

    above = (*each.path[:-1], "country")
    country = st.session_state.get(key(above)) or each.draft.effective(above) or ""
    return _one_or_none(each, list_supported_countries().get(str(country), []), lambda code: code or "–")


def _language(each: Field) -> Any:
    return _one_or_none(each, list(LANGUAGES), lambda code: choice("language", code))


def _people(each: Field) -> Any:
    known = each.draft.bench.people.known()

    def name(employee_id: str) -> str:
        person: Person | None = known.get(employee_id)
        return f"{person.name} ({employee_id})" if person else employee_id

    return _several(each, list(known), name)


def _departments(each: Field) -> Any:
    return _several(each, departments(each.draft.bench.people.known().values()))


def _cameras(each: Field) -> Any:
    return _several(each, list(each.draft.now.config.cameras))


def _shifts(each: Field) -> Any:
    """Shifts in turn: one may come twice, so they are written in a line."""
    known = ", ".join([*each.draft.now.config.shifts, "off"])
    found = _line(each, ", ".join(each.value or ()), say("Example: {name}", name=known))
    return [part.strip() for part in found.split(",") if part.strip()]


def _incident_kinds(each: Field) -> Any:
    return _several(each, [str(kind) for kind in INCIDENT_KINDS], lambda kind: choice("kinds", kind), new=False)


def _key_of_webhook(each: Field) -> Any:
    """A signing key: typed, or made here; a made one can be read until it is saved, because the receiver needs it, too."""
    made = key(each.path, "#made")

    def make() -> None:
        st.session_state[made] = st.session_state[each.key] = secrets.token_urlsafe(32)

    found = _hidden(each, readable=made in st.session_state)
    if not each.fixed:
        st.button(say("Make a key"), key=key(each.path, "#make"), on_click=make)
    if made in st.session_state:
        st.caption(say("Give it to the receiver now. It is not shown again after saving."))
    return found or UNCHANGED


_FIELDS: dict[str, Callable[[Field], Any]] = {
    "text": _text,
    "truth": _truth,
    "number": _number,
    "secret": _secret,
    "choice": _choice,
    "time": _time,
    "date": _date,
    "days": _days,
    "numbers": _numbers,
    "list": _list,
    "lines": _lines,
    "dated": lambda each: dates(each, named=True),
    "zone": _zone,
    "country": _country,
    "subdivision": _subdivision,
    "language": _language,
    "people": _people,
    "departments": _departments,
    "cameras": _cameras,
    "shifts": _shifts,
    "kinds": _incident_kinds,
    "key": _key_of_webhook,
    "addresses": entries,
    "region": region,
}
"""By what a field shows, what its text looks like, or its kind of value."""
