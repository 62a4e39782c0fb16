"""A field for each kind of value: what it shows is the setting's, what it gives goes into the file."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Any
from zoneinfo import available_timezones

import streamlit as st
from babel import Locale

from app.ui.people_filter import departments
from app.views.settings.choices import choice
from app.views.settings.described import Named
from app.views.settings.draft import UNCHANGED, Draft, key
from app.views.settings.lists import dates, entries, region
from app.words import date_format, language, marked, say, say_weekdays
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
    label = f"{title} ({marked(named.unit)})" if named.unit else title
    note = marked(named.help) if named.help else None
    own = _OWN.get(named.shows)
    if own is not None:
        return own(draft, path, label, note, value, fixed)
    if spec.look == "days":
        return _days(path, label, note, value, fixed)
    draw = _KINDS.get(spec.kind, _text)
    return draw(path, named, spec, label, note, value, fixed)


# ----------------------------------------------------------------------------------------------- by kind of value


def _text(path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    del named
    hint = "20:00-06:00" if spec.look == "window" else None
    found = st.text_input(
        label, value or "", key=key(path), help=note, disabled=fixed, placeholder=hint, max_chars=1000
    )
    return (found or "").strip()


def _secret(
    path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool
) -> Any:
    del named
    found = st.text_input(
        label,
        type="password",
        key=key(path),
        help=note,
        disabled=fixed,
        autocomplete="off",
        placeholder=say("set; empty: it stays") if value else say("not set"),
        max_chars=2000,
    )
    if value and spec.optional and not fixed and st.checkbox(say("Remove it"), key=key(path, "#remove")):
        return None
    return (found or "").strip() or UNCHANGED


def _truth(
    path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool
) -> Any:
    if spec.optional:
        return _one_of(path, named, (None, True, False), label, note, value, fixed)
    return st.toggle(label, bool(value), key=key(path), help=note, disabled=fixed)


def _number(
    path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool
) -> Any:
    del named
    hint = None
    if spec.optional:
        hint = say("empty")
    if spec.whole:
        return st.number_input(
            label,
            value=None if value is None else int(value),
            step=1,
            key=key(path),
            help=note,
            disabled=fixed,
            placeholder=hint,
        )
    usual = abs(float(value or spec.default or 1))
    step = 1.0 if usual >= 10 else 0.1 if usual >= 1 else 0.01 if usual >= 0.01 else usual / 10
    return st.number_input(
        label,
        value=None if value is None else float(value),
        step=step,
        format="%g",
        key=key(path),
        help=note,
        disabled=fixed,
        placeholder=hint,
    )


def _choice(
    path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool
) -> Any:
    options = (None, *spec.choices) if spec.optional else spec.choices
    return _one_of(path, named, options, label, note, value, fixed)


def _one_of(
    path: SettingPath, named: Named, options: Sequence[Any], label: str, note: str | None, value: Any, fixed: bool
) -> Any:
    there = list(options) if value in options else [*options, value]
    return st.selectbox(
        label,
        there,
        there.index(value),
        format_func=lambda each: choice(named.name, each),
        key=key(path),
        help=note,
        disabled=fixed,
    )


def _time(path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    del named, spec
    shown = value if isinstance(value, time) else None
    return st.time_input(label, shown, key=key(path), help=note, disabled=fixed, step=900)


def _date(path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    del named, spec
    shown = value if isinstance(value, date) else None
    return st.date_input(label, shown, key=key(path), help=note, disabled=fixed, format=date_format())


def _numbers(
    path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool
) -> Any:
    """Several numbers in a line; what is no number is left to the model."""
    text = ", ".join(f"{each:g}" for each in value or ())
    found = str(_text(path, named, spec, label, note, text, fixed))
    with contextlib.suppress(ValueError):
        return [float(each) for each in found.split(",")]
    return [each.strip() for each in found.split(",")]


def _list(path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    if spec.entry == "date":
        return dates(path, label, note, value, fixed, named=False)
    if spec.entry == "choice":
        return _several(path, label, note, value, fixed, spec.choices, lambda each: choice(named.name, each), new=False)
    return _several(path, label, note, value, fixed, (), str)


def _dated(
    path: SettingPath, named: Named, spec: Setting, label: str, note: str | None, value: Any, fixed: bool
) -> Any:
    del named, spec
    return dates(path, label, note, value, fixed, named=True)


_KINDS: dict[str, Callable[[SettingPath, Named, Setting, str, str | None, Any, bool], Any]] = {
    "truth": _truth,
    "number": _number,
    "secret": _secret,
    "choice": _choice,
    "time": _time,
    "date": _date,
    "numbers": _numbers,
    "list": _list,
    "dated": _dated,
}


def _several(
    path: SettingPath,
    label: str,
    note: str | None,
    value: Any,
    fixed: bool,
    options: Sequence[Any],
    names: Callable[[Any], str],
    *,
    new: bool = True,
) -> list[Any]:
    """Several values; those that are chosen already are among the options."""
    there = list(value or ())
    return st.multiselect(
        label,
        list(dict.fromkeys([*options, *there])),
        there,
        format_func=names,
        key=key(path),
        help=note,
        disabled=fixed,
        accept_new_options=new,
        placeholder=say("none"),
    )


# ------------------------------------------------------------------------------------------------ of their own


def _days(path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    """Days of the week as buttons."""
    names = say_weekdays()
    chosen = sorted(days_of_week(value)) if value else []
    found = st.pills(
        label,
        list(range(7)),
        selection_mode="multi",
        default=chosen,
        format_func=names.__getitem__,
        key=key(path),
        help=note,
        disabled=fixed,
    )
    return value if sorted(found) == chosen else in_short(found)


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


def _zone(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    del draft
    zones = sorted(each for each in available_timezones() if "/" in each or each == "UTC")
    return _from_list(path, label, note, value, fixed, zones, lambda each: str(each).replace("_", " "))


def _country(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    from holidays import list_supported_countries  # noqa: PLC0415 - takes a moment to load

    del draft
    names = Locale(language()).territories
    known = sorted(list_supported_countries(), key=lambda code: names.get(code, code))
    return _from_list(path, label, note, value or "", fixed, ["", *known], lambda code: names.get(code, code) or "–")


def _subdivision(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    from holidays import list_supported_countries  # noqa: PLC0415 - takes a moment to load

    above = (*path[:-1], "country")
    country = st.session_state.get(key(above)) or draft.effective(above) or ""
    known = list_supported_countries().get(str(country), [])
    return _from_list(path, label, note, value or "", fixed, ["", *known], lambda code: code or "–")


def _language(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    del draft
    return _from_list(path, label, note, value or "", fixed, ["", "en", "de"], lambda code: choice("language", code))


def _from_list(
    path: SettingPath,
    label: str,
    note: str | None,
    value: Any,
    fixed: bool,
    options: Sequence[str],
    names: Callable[[Any], str],
) -> Any:
    there = list(options) if value in options else [value, *options]
    return st.selectbox(label, there, there.index(value), format_func=names, key=key(path), help=note, disabled=fixed)


def _people(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    known = draft.bench.people.known()

    def name(employee_id: str) -> str:
        person: Person | None = known.get(employee_id)
        return f"{person.name} ({employee_id})" if person else employee_id

    return _several(path, label, note, value, fixed, list(known), name)


def _departments(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    known = departments(draft.bench.people.known().values())
    return _several(path, label, note, value, fixed, known, str)


def _cameras(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    return _several(path, label, note, value, fixed, list(draft.now.config.cameras), str)


def _shifts(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    """Shifts in turn: one may come twice, so they are written in a line."""
    known = ", ".join([*draft.now.config.shifts, "off"])
    text = ", ".join(value or ())
    found = st.text_input(
        label,
        text,
        key=key(path),
        help=note,
        disabled=fixed,
        placeholder=say("Example: {name}", name=known),
        max_chars=1000,
    )
    return [each.strip() for each in (found or "").split(",") if each.strip()]


def _incident_kinds(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    del draft
    options = [str(each) for each in INCIDENT_KINDS]
    return _several(path, label, note, value, fixed, options, lambda each: choice("kinds", each), new=False)


def _key_of_webhook(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    """A signing key: typed, or made here; a made one can be read until it is saved, because the receiver needs it, too."""
    del draft
    made = key(path, "#made")

    def make() -> None:
        st.session_state[made] = st.session_state[key(path)] = secrets.token_urlsafe(32)

    found = st.text_input(
        label,
        type="default" if made in st.session_state else "password",
        key=key(path),
        help=note,
        disabled=fixed,
        autocomplete="off",
        placeholder=say("set; empty: it stays") if value else say("not set"),
        max_chars=2000,
    )
    if not fixed:
        st.button(say("Make a key"), key=key(path, "#make"), on_click=make)
    if made in st.session_state:
        st.caption(say("Give it to the receiver now. It is not shown again after saving."))
    return (found or "").strip() or UNCHANGED


def _addresses(draft: Draft, path: SettingPath, label: str, note: str | None, value: Any, fixed: bool) -> Any:
    return entries(draft, path, label, note, value, fixed)


_OWN: dict[str, Callable[[Draft, SettingPath, str, str | None, Any, bool], Any]] = {
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
    "addresses": _addresses,
    "region": lambda _draft, *rest: region(*rest),
}
