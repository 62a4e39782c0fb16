"""A block of settings as a form: its fields, what is wrong with each, what a save would change, and the save itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from app.ui import parts
from app.views.settings import problems
from app.views.settings.catalogue import pattern_of, title_of
from app.views.settings.described import Block, Named, Takes
from app.views.settings.draft import UNCHANGED, Draft, described, forget, plain
from app.views.settings.values import field
from app.web import access, services
from app.words import marked, say, say_count
from engine.config.editing import SettingPath, dotted
from engine.errors import MusterError
from engine.operations.mailing import check_delivery
from engine.operations.reloading import reload_served
from engine.records import Preview, SettingChange

_ERROR, _DONE = "settings-error", "settings-done"
ACTION = "system.settings"


def fields(draft: Draft, block: Block, base: SettingPath, *, new: bool = False) -> dict[str, Any]:
    """Draw the fields of a block; what differs from the settings is noted in the draft.

    Args:
        base: of the section or of the entry. new: it is not there yet.

    Returns:
        For what is new: the values that are not the defaults, by name.
    """
    given: dict[str, Any] = {}
    usual = [named for named in block.fields if not named.more]
    rare = [named for named in block.fields if named.more]

    def draw(some: Sequence[Named]) -> None:
        for first in range(0, len(some), 2):  # row by row, so that a narrow screen keeps the order
            for column, named in zip(st.columns(2, gap="large"), some[first : first + 2], strict=False):
                with column:
                    _field(draft, block, (*base, named.name), named, given if new else None)

    draw(usual)
    if rare:
        with st.expander(say("More")):
            draw(rare)
    if any(named.unless for named in block.fields):
        _without_replaced(draft, block, base, given if new else None)
    return given


def _field(draft: Draft, block: Block, path: SettingPath, named: Named, given: dict[str, Any] | None) -> None:
    spec = described(block, named)
    variable = draft.locked_by(path)
    value = plain(path, spec.default) if given is not None else draft.effective(path)
    found = field(draft, path, named, spec, value, fixed=bool(variable))
    draft.slots[path] = st.container()
    if variable:
        draft.slots[path].caption(say("Set by the environment: {name}", name=variable))
    elif given is None:
        draft.take(path, spec, found)
    elif found is not UNCHANGED and found not in (None, "", []) and found != value:
        given[named.name] = found


def _without_replaced(draft: Draft, block: Block, base: SettingPath, given: dict[str, Any] | None) -> None:
    """Leave out what another setting replaces, as a shift's begin and end when it is split."""
    for named in block.fields:
        if not named.unless:
            continue
        if given is not None:
            if given.get(named.unless):
                given.pop(named.name, None)
        elif draft.changes.get((*base, named.unless)):
            path = (*base, named.name)
            if draft.is_written(path):
                draft.changes[path] = None
            else:
                draft.changes.pop(path, None)


def save_bar(
    draft: Draft,
    takes: Takes,
    *,
    label: str = "",
    done: str = "",
    after: Callable[[], object] = lambda: None,
    close: Callable[[], None] | None = None,
) -> None:
    """What would change, and the buttons; problems go to their fields.

    Args:
        label: of the button. done: said afterwards. after: done after a save. close: leaves the form.
    """
    preview, wrong = _previewed(draft)
    if wrong is not None:
        parts.notice(wrong.message, wrong.hint, tone="bad")
    _place(draft, preview)
    if preview.changes:
        with st.container(border=True):
            parts.show("<b>{title}</b>", title=say_count("{count} change", "{count} changes", len(preview.changes)))
            parts.table((say("Setting"), say("Before"), say("After")), [_row(each) for each in preview.changes])
            with st.expander(say("In muster.toml")):
                st.code("\n".join(preview.lines), language="diff", wrap_lines=True)
            st.caption(taken_over(takes))
    with st.container(horizontal=True):
        ready = bool(preview.changes) and not preview.problems and wrong is None
        st.button(
            label or say("Save"),
            type="primary",
            disabled=not ready,
            key="settings-save",
            on_click=_save,
            args=(dict(draft.changes), done or say("Settings saved"), takes, after),
        )
        if draft.changes:
            st.button(say("Discard"), key="settings-discard", on_click=forget)
        if close is not None:
            st.button(say("Close"), key="settings-close", on_click=close)
    if error := st.session_state.pop(_ERROR, None):
        parts.notice(*error, tone="bad")


def _previewed(draft: Draft) -> tuple[Preview, MusterError | None]:
    if not draft.changes:
        return Preview(), None
    try:
        return draft.bench.settings_desk.preview(draft.changes), None
    except MusterError as error:
        return Preview(), error


def _place(draft: Draft, preview: Preview) -> None:
    """Say what is wrong with each field below it, and the rest here."""
    for problem in preview.problems:
        text = parts.plain(problems.told(problem))
        fitting = [path for path in draft.slots if problem.path[: len(path)] == path]
        if fitting:
            draft.slots[max(fitting, key=len)].error(text)
        else:
            above = title_of(problem.path)[1]
            st.error(f"{parts.plain(marked(above))}: {text}" if above else text)


def _row(change: SettingChange) -> tuple[object, ...]:
    return place_of(change.path), change.before, change.after


def place_of(path: SettingPath) -> str:
    """A setting in words, with the names of entries as they are."""
    pattern = pattern_of(path)
    section, title = title_of(path)
    names = [
        str(int(part) + 1) if isinstance(part, int) or part.isdecimal() else part
        for part, kind in zip(path, pattern, strict=True)
        if kind == "*"
    ]
    if not section:
        return dotted(path)
    return " › ".join([marked(section), *names, *([marked(title)] if title else [])])


def taken_over(takes: Takes, *, served: bool = False) -> str:
    """Who takes a change over, and when; `served`: a running `muster serve` was told."""
    if served and takes != "server":
        return say("Recorders and screens read it now.")
    return {
        "now": say("The workbench takes it over at once, other processes at their next start."),
        "recorder": say("Recorders take it over at their next start or reload."),
        "kiosk": say("The kiosk takes it over at its next start or reload."),
        "server": say("The workbench takes it over at its next start."),
    }[takes]


@parts.guarded
def _save(changes: dict[SettingPath, Any], done: str, takes: Takes, after: Callable[[], object]) -> None:
    try:
        bench, author = access.acting(ACTION)
        bench.settings_desk.change(changes, author=author, check=partial(check_delivery, bench.workspace))
        services.take_over(bench.workspace)
    except MusterError as error:
        st.session_state[_ERROR] = (error.message, error.hint)
        return
    served = reload_served(bench.workspace)
    st.session_state[_DONE] = f"{done}. {taken_over(takes, served=served)}"
    forget()
    after()


@parts.guarded
def undo() -> None:
    """Take the last change back (a callback)."""
    try:
        bench, author = access.acting(ACTION)
        bench.settings_desk.undo(author=author, check=partial(check_delivery, bench.workspace))
        services.take_over(bench.workspace)
        reload_served(bench.workspace)
    except MusterError as error:
        st.session_state[_ERROR] = (error.message, error.hint)
        return
    st.session_state[_DONE] = say("Change taken back")
    forget()


def announce() -> None:
    """Say what was done in the run before."""
    if done := st.session_state.pop(_DONE, None):
        st.toast(parts.plain(done), icon=":material/check:")
