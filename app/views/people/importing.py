"""Import of staff, shift and leave lists, with a preview before anything is written."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.attendance import importing as punch_importing
from app.views.leave import importing as leave_importing
from app.views.people import staff_import
from app.words import say


def dialog() -> None:
    """Ask for a file, preview its changes, and import it."""

    @st.dialog(say("Import lists"), width="large")
    @parts.guarded
    def ask() -> None:
        kinds = {
            "staff": say("Staff list"),
            "shifts": say("Shifts of people"),
            "leave": say("Leave, remote and sick days"),
            "punches": say("Punches of a terminal"),
        }
        what = parts.choice(say("Contents"), kinds, "import_what")
        if what == "leave":
            leave_importing.body()
        elif what == "punches":
            punch_importing.body()
        else:
            staff_import.body(what)

    ask()
