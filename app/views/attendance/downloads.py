"""What leaves the attendance page as files: made when asked for, with the exports that the command line uses."""

from __future__ import annotations

import streamlit as st

from app.ui import parts
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import language, say, term
from engine.errors import MusterError
from engine.operations.reporting import AttendanceReports
from engine.reports import COLUMNS, SUMMARY_COLUMNS, attlog, payroll_period, punches_csv, sheet_csv, summary_csv
from engine.words import Words
from engine.workbench import Workbench

_KEY = "attendance-file"
_MADE = "attendance-made"


_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILES = {
    "csv": ("attendance", "csv", "text/csv"),
    "excel": ("attendance", "xlsx", _EXCEL),
    "report": ("attendance", "html", "text/html"),
    "payroll": ("payroll", "csv", "text/csv"),
    "punches": ("punches", "csv", "text/csv"),
    "attlog": ("attlog", "dat", "text/plain"),
    "muster": ("muster-list", "html", "text/html"),
}
"""Name, suffix and media type by kind."""


def _content(kind: str, bench: Workbench, asked: SheetFilter) -> bytes:
    reports = AttendanceReports(bench)
    if kind == "muster":  # the list for the assembly point is of now, and of everybody
        return reports.muster_page(bench.office.inside()).encode()
    if kind in {"punches", "attlog"}:
        passages = reports.punches(asked.first, asked.last)
        wanted = {row.employee_id for row in asked.rows(bench)}
        passages = [row for row in passages if row.employee_id in wanted]
        return (attlog(passages) if kind == "attlog" else punches_csv(passages)).encode()
    rows = asked.rows(bench)
    period = payroll_period(asked.first, asked.last)
    if kind == "csv":
        return sheet_csv(rows).encode()
    if kind == "payroll":
        return summary_csv(rows, period, reports.accounts(asked.last)).encode()
    days = " – ".join(dict.fromkeys((asked.first.isoformat(), asked.last.isoformat())))
    title = say("Attendance {days}", days=days) + (f", {asked.department}" if asked.department else "")
    verified, accounts, words = (
        reports.verified_days(asked.first, asked.last),
        reports.accounts(asked.last),
        Words(language()),
    )
    if kind == "excel":
        return reports.excel(rows, title, verified, period, accounts, words)
    return reports.month_page(rows, title, verified, accounts, words).encode()


@st.fragment
@parts.guarded
def show(asked: SheetFilter) -> None:
    """The choice of files, and the one that was made."""
    access.reading("attendance.export")
    names = {
        "csv": say("Day sheet, CSV"),
        "excel": say("Day sheet, Excel"),
        "report": say("Printable report, HTML"),
        "payroll": say("Payroll summary, CSV"),
        "punches": say("Punches, CSV"),
        "attlog": say("Punches as of a terminal, attlog.dat"),
        "muster": say("Muster list (who is inside), HTML"),
    }
    problem = None
    st.header(say("Downloads"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        offered = [kind for kind in _FILES if kind != "muster" or access.may("live.view")]
        kind = st.selectbox(say("File"), offered, key=_KEY, format_func=lambda name: names[name], width=330)
        wanted = (kind, asked)
        if st.button(say("Prepare"), icon=":material/build:", key=f"{_KEY}-make"):
            st.session_state.pop(_MADE, None)
            try:
                bench, _ = access.acting("attendance.export")
                with st.spinner(say("Preparing the file…")):
                    content = _content(kind, bench, asked)
                action = "export_punches" if kind in {"punches", "attlog"} else "export_sheet"
                access.exported(action, kind, f"{asked.first} to {asked.last}", content)
                st.session_state[_MADE] = (wanted, content)
            except MusterError as error:
                problem = error
        made = st.session_state.get(_MADE)
        if made is not None and made[0] == wanted:
            content, (stem, suffix, mime) = made[1], _FILES[kind]
            days = "-".join(dict.fromkeys((str(asked.first), str(asked.last))))
            st.download_button(
                say("Download {size} kB", size=max(1, round(len(content) / 1000))),
                content,
                f"{stem}.{suffix}" if kind == "muster" else f"{stem}-{days}.{suffix}",
                mime,
                type="primary",
                icon=":material/download:",
                on_click="ignore",
                key=f"{_KEY}-save",
            )
    if problem is not None:
        parts.failed(problem)
    with st.expander(say("What the columns mean")):
        columns = SUMMARY_COLUMNS if kind == "payroll" else COLUMNS
        rows = [(parts.markup("<code>{name}</code>", name=name), term(text)) for name, text in columns.items()]
        parts.table((say("Column"), say("Meaning")), rows)
