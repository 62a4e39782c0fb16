"""Employment of one person over time: its dates in the form, and what is dated."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from app.words import date_format, say, say_date
from engine.workbench import Workbench


def fields(bench: Workbench, employee_id: str, today: date) -> dict[str, object]:
    """Ask for shift, first and last day, and the day of the change; return what is to be changed."""
    career = bench.people.dated().of(employee_id)
    now, times = career.on(today), career.times()
    first, last = (times[-1].first, times[-1].last) if times else (None, None)
    changes: dict[str, object] = {}
    names = bench.attendance.rota.names
    if names:
        options = ["", *names, *({now.shift} - {"", *names})]
        shift = st.selectbox(
            say("Assigned shift"),
            options,
            options.index(now.shift),
            format_func=lambda name: name or say("As the settings say"),
        )
        changes |= {} if shift == now.shift else {"shift": shift}
    since = st.date_input(
        say("Changes hold from"),
        today,
        format=date_format(),
        help=say("Department and shift. Sheets of days before stay as they are."),
    )
    changes |= {"valid_from": since} if isinstance(since, date) and since != today else {}
    left, right = st.columns(2)
    hired = left.date_input(say("First day"), first, format=date_format(), min_value=date(1950, 1, 1))
    left_on = right.date_input(
        say("Last day"), last, format=date_format(), min_value=date(1950, 1, 1), max_value=date(2099, 12, 31)
    )
    if hired != first:
        changes["hired_on"] = hired if isinstance(hired, date) else date.min
    if left_on != last:
        changes["left_on"] = left_on if isinstance(left_on, date) else date.max
    return changes


def history(bench: Workbench, employee_id: str) -> None:
    """Show what is dated, if anything."""
    rows = bench.people.dated().of(employee_id).rows
    if not rows:
        return
    facts = {"department": say("Department"), "shift": say("Shift"), "employed": say("Employed")}
    answers = {"yes": say("yes"), "no": say("no")}
    with st.expander(say("History")):
        shown = [
            {
                say("From"): say_date(row.valid_from) if row.valid_from else say("before"),
                say("What"): facts[row.fact],
                say("Value"): answers.get(row.value, row.value) if row.fact == "employed" else row.value or "–",
                say("Noted"): say_date(row.noted_on) if row.noted_on else "",
            }
            for row in rows
        ]
        st.dataframe(pd.DataFrame(shown), hide_index=True, alt=say("History"))
