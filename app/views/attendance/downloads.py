"""What leaves the attendance page as files: made when asked for, with the exports that the command line uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from app.ui import parts
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import say, term
from engine.attendance import DaySheet
from engine.errors import MusterError
from engine.operations.reporting import AttendanceReports
from engine.reports import COLUMNS, SUMMARY_COLUMNS, sheet_csv, summary_csv
from engine.workbench import Workbench

__all__ = ["show"]

_KEY = "attendance-file"
_KINDS = ("csv", "excel", "report", "payroll", "muster")
_MADE = "attendance-made"


def _csv(bench: Workbench, asked: SheetFilter) -> tuple[bytes, str, str]:
    return sheet_csv(_rows(bench, asked)).encode(), "csv", "text/csv"


def _excel(bench: Workbench, asked: SheetFilter) -> tuple[bytes, str, str]:
    reports = AttendanceReports(bench)
    verified = reports.verified_days(asked.first, asked.last)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return reports.excel(_rows(bench, asked), _title(asked), verified), "xlsx", kind


def _report(bench: Workbench, asked: SheetFilter) -> tuple[bytes, str, str]:
    reports = AttendanceReports(bench)
    verified = reports.verified_days(asked.first, asked.last)
    return reports.month_page(_rows(bench, asked), _title(asked), verified).encode(), "html", "text/html"


def _payroll(bench: Workbench, asked: SheetFilter) -> tuple[bytes, str, str]:
    return summary_csv(_rows(bench, asked)).encode(), "csv", "text/csv"


def _muster(bench: Workbench, asked: SheetFilter) -> tuple[bytes, str, str]:
    del asked  # the list for the assembly point is of now, and of everybody
    return AttendanceReports(bench).muster_page(bench.office.inside()).encode(), "html", "text/html"


_MAKERS: Mapping[str, Callable[[Workbench, SheetFilter], tuple[bytes, str, str]]] = {
    "csv": _csv,
    "excel": _excel,
    "report": _report,
    "payroll": _payroll,
    "muster": _muster,
}


def _rows(bench: Workbench, asked: SheetFilter) -> list[DaySheet]:
    return [row for row in AttendanceReports(bench).rows(asked.first, asked.last) if asked.keeps(row)]


def _span(asked: SheetFilter) -> str:
    first, last = asked.first.isoformat(), asked.last.isoformat()
    return first if first == last else f"{first} – {last}"


def _title(asked: SheetFilter) -> str:
    return f"Attendance {_span(asked)}" + (f", {asked.department}" if asked.department else "")


@st.fragment
@parts.guarded
def show(asked: SheetFilter) -> None:
    """The choice of files, and the one that was made.

    Args:
        asked: days and people.
    """
    access.reading("attendance.export")
    names = {
        "csv": say("Day sheet, CSV"),
        "excel": say("Day sheet, Excel"),
        "report": say("Printable report, HTML"),
        "payroll": say("Payroll summary, CSV"),
        "muster": say("Muster list (who is inside), HTML"),
    }
    st.subheader(say("Downloads"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(say("File"), _KINDS, key=_KEY, format_func=lambda name: names[name], width=330)
        wanted = (kind, asked)
        if st.button(say("Prepare"), icon=":material/build:", key=f"{_KEY}-make"):
            _make(kind, asked)
        made = st.session_state.get(_MADE)
        if made is not None and made[0] == wanted:
            content, suffix, mime = made[1]
            stem = (
                "muster-list"
                if kind == "muster"
                else f"{'payroll' if kind == 'payroll' else 'attendance'}-{asked.first}"
            )
            if kind != "muster" and asked.last != asked.first:
                stem += f"-{asked.last}"
            st.download_button(
                say("Download {size} kB", size=max(1, round(len(content) / 1000))),
                content,
                f"{stem}.{suffix}",
                mime,
                type="primary",
                icon=":material/download:",
                on_click="ignore",
                key=f"{_KEY}-save",
            )
    if error := st.session_state.pop(f"{_KEY}-error", None):
        parts.notice(*error, tone="bad")
    with st.expander(say("What the columns mean")):
        columns = SUMMARY_COLUMNS if kind == "payroll" else COLUMNS
        body = parts.markup("").join(
            parts.markup("<tr><td><code>{name}</code></td><td>{meaning}</td></tr>", name=name, meaning=term(meaning))
            for name, meaning in columns.items()
        )
        head = parts.markup("<tr><th>{a}</th><th>{b}</th></tr>", a=say("Column"), b=say("Meaning"))
        parts.show('<table class="m-table">{head}{body}</table>', head=head, body=body)


def _make(kind: str, asked: SheetFilter) -> None:
    try:
        bench, _author = access.acting("attendance.export")
        with st.spinner(say("Preparing the file…")):
            st.session_state[_MADE] = ((kind, asked), _MAKERS[kind](bench, asked))
    except MusterError as error:
        st.session_state.pop(_MADE, None)
        st.session_state[f"{_KEY}-error"] = (error.message, error.hint)
