"""Import of punches that a terminal recorded: what would be new, whose unknown ids are, and what unknown words mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd
import streamlit as st

from app.ui import parts, people_filter, reading
from app.ui.messages import nothing_new, show_messages
from app.web import access, uploads
from app.words import say, say_count, say_date, say_number, say_time
from engine.attendance.presence import Direction
from engine.people import ClockDirection, read_ids
from engine.records import PunchImport, ReadingOfPunches, uploaded
from engine.workbench import Workbench

_SHOWN = 200
_ASKED = 30
"""Of so many unknown ids the page asks whose they are; for more there is a list."""
_FEW, _TALLEST_PX = 3, 260
_KEY = "import_punches"


def dialog() -> None:
    """Ask for a file, preview its punches, and import them."""

    @st.dialog(say("Import punches"), width="large")
    @parts.guarded
    def ask() -> None:
        body()

    ask()


def body() -> None:
    """The content of the dialog."""
    st.caption(
        say(
            "The log of a terminal (attlog.dat), or a table with id, time and direction. "
            "Known punches are not imported again. Rows with errors are left out."
        )
    )
    uploads.expect("attendance.correct")
    file = st.file_uploader(say("Log or table"), type=["dat", "txt", "csv", "tsv", "log", "xlsx"], key=_KEY)
    if file is None:
        return
    with parts.told():
        bench, author = access.acting("attendance.correct")
        how = _reading(bench, file.file_id)
        with uploaded(file.getvalue(), file.name) as path:
            result = bench.punches.import_file(path, how, author=author, dry_run=True)
        _figures(result)
        _words(result, how, file.file_id)
        _people(bench, result, file.file_id)
        _show(bench, result, file.name)
        label = say("Import") if not result.errors else say("Import the rest")
        if st.button(label, type="primary", icon=":material/check:", disabled=not result.added, key="import_apply"):
            with uploaded(file.getvalue(), file.name) as path:
                bench.punches.import_file(path, how, author=author)
            parts.done(say("The punches were imported"))


def _said(what: str, file_id: str) -> dict[str, str]:
    """What was said about a file so far, kept while it is open."""
    return cast("dict[str, str]", st.session_state.setdefault(f"{_KEY}-{what}-{file_id}", {}))


def _directions() -> Mapping[str, str]:
    return {"in": say("Arrival"), "out": say("Departure"), "both": say("Either")}


def _reading(bench: Workbench, file_id: str) -> ReadingOfPunches:
    """Ask how to read the file, for those whom the preview does not convince."""
    directions = {"": say("As the file says"), **_directions()}
    with st.expander(say("How to read the file")):
        left, right = st.columns(2)
        with left:
            source = st.text_input(
                say("Terminal"), key=f"{_KEY}-source", max_chars=60, placeholder=say("As the file says")
            )
            direction = st.selectbox(
                say("Direction"), list(directions), format_func=directions.__getitem__, key=f"{_KEY}-direction"
            )
            zones = [bench.config.timezone, *sorted(available_timezones() - {bench.config.timezone})]
            zone = st.selectbox(say("Time zone"), zones, key=f"{_KEY}-zone")
        with right:
            encoding, order = reading.asked("punches")
        headings = {
            "id": (say("Id"), say("employee id")),
            "datetime": (say("Day and time"), say("date time")),
            "date": (say("Day"), say("date")),
            "time": (say("Time"), say("time")),
            "state": (say("Direction"), say("direction")),
        }
        st.caption(say("Columns that have another name than usual:"))
        columns = {}
        for place, (name, (label, usual)) in zip(st.columns(len(headings)), headings.items(), strict=True):
            if text := place.text_input(label, key=f"{_KEY}-column-{name}", placeholder=usual):
                columns[name] = text
        uploads.expect("attendance.correct")
        listed = st.file_uploader(
            say("Whose ids these are (terminal id, employee id)"), type=["csv", "txt", "tsv", "xlsx"], key=f"{_KEY}-ids"
        )
    people = dict(_said("people", file_id))
    if listed is not None:
        with uploaded(listed.getvalue(), listed.name) as path:
            people = {**read_ids(path), **people}
    return ReadingOfPunches(
        source=source.strip(),
        words=cast("dict[str, ClockDirection]", dict(_said("words", file_id))),
        direction=cast("Direction | None", direction or None),
        people=people,
        columns=columns,
        zone=ZoneInfo(zone),
        encoding=encoding,
        order=order,
    )


def _ask(what: str, file_id: str, word: str, label: str, options: Mapping[str, str]) -> None:
    """Ask what one word of the file means."""
    key = f"{_KEY}-{what}-{file_id}-{word}"

    def chosen() -> None:
        said = {each: meaning for each, meaning in _said(what, file_id).items() if each != word}
        meaning = st.session_state[key]
        st.session_state[f"{_KEY}-{what}-{file_id}"] = {**said, word: meaning} if meaning else said

    st.selectbox(label, list(options), format_func=options.__getitem__, key=key, width=320, on_change=chosen)


def _words(result: PunchImport, how: ReadingOfPunches, file_id: str) -> None:
    """Ask what unknown words for directions mean."""
    if words := [*how.words, *(word for word in result.unknown_words if word not in how.words)]:
        st.subheader(say("Unknown directions"))
        options = {"": say("Leave these rows out"), **_directions()}
        for word in sorted(words, key=str.casefold):
            count = f" ({say_number(result.unknown_words[word])})" if word in result.unknown_words else ""
            _ask("words", file_id, word, f"{parts.plain(word)}{count}", options)


def _people(bench: Workbench, result: PunchImport, file_id: str) -> None:
    """Ask whose unknown ids are."""
    said = _said("people", file_id)
    if ids := [*said, *(who for who in result.unknown_ids if who not in said)]:
        st.subheader(say("Unknown ids"))
        known = bench.people.known()
        names = {key: f"{known[key].name} ({key})" for key in sorted(known, key=lambda key: known[key].name.casefold())}
        options = {"": say("Leave these rows out"), **names}
        st.caption(say("Choose the person for each, or give a list under “How to read the file”."))
        with st.container(height=_TALLEST_PX if len(ids) > _FEW else "content", border=len(ids) > _FEW):
            for who in ids[:_ASKED]:
                count = f" ({say_number(result.unknown_ids[who])})" if who in result.unknown_ids else ""
                asked = people_filter.near(who, known.values())
                label = " · ".join(filter(None, (f"{parts.plain(who)}{count}", parts.plain(asked))))
                _ask("people", file_id, who, label, options)
            if len(ids) > _ASKED:
                st.caption(say("… and {count} more", count=say_number(len(ids) - _ASKED)))


def _figures(result: PunchImport) -> None:
    left_out = sum(result.unknown_ids.values()) + sum(result.unknown_words.values())
    parts.figures(
        parts.Metric(say("New"), len(result.added)),
        parts.Metric(say("People"), len({row.employee_id for row in result.added})),
        parts.Metric(say("Known"), result.known),
        parts.Metric(say("Said twice"), result.repeated),
        parts.Metric(say("Left out"), max(left_out, len(result.errors)), tone="bad"),
    )


def _show(bench: Workbench, result: PunchImport, name: str) -> None:
    for closing in result.closed:
        days = f"{say_date(closing.first)} – {say_date(closing.last)}"
        st.info(
            say("{days} is closed. New punches are listed there and move no figure.", days=days), icon=":material/lock:"
        )
    if not result.added:
        nothing_new(bool(result.errors))
    else:
        st.caption(say("Nothing is saved yet."))
        known, words = bench.people.known(), _directions()
        rows = [
            {
                say("Person"): known[row.employee_id].name,
                say("Day"): say_date(row.timestamp.date()),
                say("Time"): say_time(row.timestamp),
                say("Direction"): words[row.direction or "both"],
                say("Terminal"): row.camera,
            }
            for row in result.added[:_SHOWN]
        ]
        with st.expander(say_count("{count} new punch", "{count} new punches", len(result.added))):
            st.dataframe(pd.DataFrame(rows), hide_index=True, alt=say("New punches"))
            if len(result.added) > _SHOWN:
                st.caption(say("… and {count} more", count=say_number(len(result.added) - _SHOWN)))
    show_messages(result.messages, name)
