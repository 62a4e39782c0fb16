"""What leaves the attendance page as files: made when asked for, with the exports that the command line uses."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import streamlit as st

from app.ui import parts
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import language, say, term
from engine.operations.reporting import AttendanceReports
from engine.reports import COLUMNS, SUMMARY_COLUMNS, attlog, payroll_period, punches_csv, sheet_csv, summary_csv
from engine.words import Words
from engine.workbench import Workbench

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


def maker(kind: str, bench: Workbench, asked: SheetFilter) -> Callable[[], bytes]:
    """What makes a file of a kind in the language of who is looking; it may run outside of the page, which has been told the language."""
    words = Words(language())
    days = " – ".join(dict.fromkeys((asked.first.isoformat(), asked.last.isoformat())))
    title = say("Attendance {days}", days=days) + (f", {asked.department}" if asked.department else "")

    def made() -> bytes:
        reports = AttendanceReports(bench)
        if kind == "muster":  # the list for the assembly point is of now, and of everybody
            return reports.muster_page(bench.office.inside()).encode()
        rows = asked.rows(bench)
        if kind in {"punches", "attlog"}:
            wanted = {row.employee_id for row in rows}
            passages = [row for row in reports.punches(asked.first, asked.last) if row.employee_id in wanted]
            return (attlog(passages) if kind == "attlog" else punches_csv(passages)).encode()
        if kind == "csv":
            return sheet_csv(rows).encode()
        period, accounts = payroll_period(asked.first, asked.last), reports.accounts(asked.last)
        if kind == "payroll":
            return summary_csv(rows, period, accounts).encode()
        verified = reports.verified_days(asked.first, asked.last)
        if kind == "excel":
            return reports.excel(rows, title, verified, period, accounts, words)
        return reports.month_page(rows, title, verified, accounts, words).encode()

    return made


def _told(kind: str, asked: SheetFilter, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """The same with a row in the audit trail, and only for who still may."""
    tell, action = access.telling(), "export_punches" if kind in {"punches", "attlog"} else "export_sheet"

    def made() -> bytes:
        content = make()
        tell(action, kind, f"{asked.first} to {asked.last}", content)
        return content

    return access.on_click("attendance.export", made)


def show(asked: SheetFilter) -> None:
    """One button, and a menu of files; a file is made when it is chosen."""
    bench = access.reading("attendance.export")
    names = {
        "csv": say("Day sheet, CSV"),
        "excel": say("Day sheet, Excel"),
        "report": say("Printable report, HTML"),
        "payroll": say("Payroll summary, CSV"),
        "punches": say("Punches, CSV"),
        "attlog": say("Punches as of a terminal, attlog.dat"),
        "muster": say("Muster list (who is inside), HTML"),
    }
    days = "-".join(dict.fromkeys((str(asked.first), str(asked.last))))
    with st.popover(say("Download"), icon=":material/download:", key="attendance-download"):
        for kind, (stem, suffix, mime) in _FILES.items():
            if kind == "muster" and not access.may("live.view"):
                continue
            missing = kind == "excel" and find_spec("xlsxwriter") is None
            st.download_button(
                names[kind],
                _told(kind, asked, maker(kind, bench, asked)),
                f"{stem}.{suffix}" if kind == "muster" else f"{stem}-{days}.{suffix}",
                mime,
                type="tertiary",
                width="stretch",
                on_click="ignore",
                disabled=missing,
                key=f"attendance-file-{kind}",
            )
            if missing:
                parts.soft(say("Excel files need the package {name}.", name="muster[office]"))
        with st.expander(say("What the columns mean")):
            for title, columns in ((names["csv"], COLUMNS), (names["payroll"], SUMMARY_COLUMNS)):
                rows = [(parts.markup("<code>{name}</code>", name=name), term(text)) for name, text in columns.items()]
                parts.table((title, say("Meaning")), rows)
