"""Attendance: who is present, late or missing, and how much of the time the cameras covered."""

from __future__ import annotations

from datetime import date

import streamlit as st

from app.ui import parts, people_filter
from app.ui.address import day_of, put, to
from app.views.attendance import charts, downloads, filters, importing, settle, tables
from app.views.attendance.filters import SheetFilter
from app.web import access
from app.words import say, say_count, say_date, say_number, say_percent
from engine.attendance import DaySheet
from engine.operations.reporting import AttendanceReports
from engine.reports import Headline, exceptions, headline
from engine.workbench import Workbench

_REFRESH_S = 30


def show() -> None:
    """The page."""
    bench = access.reading("attendance.view")
    parts.stylesheet("attendance")
    if person := st.query_params.get("person", ""):
        from app.views.person import show as show_person  # noqa: PLC0415 - it has this page's tabs, and others

        show_person(person, "attendance")
        return
    today = AttendanceReports(bench).now.date()
    opens = today if day_of(st.query_params.get("from", "")) else filters.opening(bench, today)
    asked = filters.wanted(opens)
    title, buttons = st.columns(2, vertical_alignment="center")
    title.title(say("Attendance"))
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        if access.may("attendance.correct") and st.button(
            say("Import punches"), icon=":material/upload_file:", key="attendance-import"
        ):
            importing.dialog()
        if access.may("attendance.export"):
            downloads.show(asked)
    filters.row(asked, today, opens, bench.people.known().values())
    filters.cut(asked)
    if opens != today:
        parts.soft(say("{day} is a day off. This is the last working day.", day=say_date(today)))
    shown = asked.shown
    if st.query_params.get("view") == settle.VIEW and access.may("attendance.correct"):
        settle.show(shown)
        return
    if st.query_params.get("chart") and "view" not in st.query_params:  # a link from before there was a view
        put(view="charts")
    view = st.query_params.get("view", "")
    live = shown.last >= today and view != "charts"
    board = st.fragment(parts.guarded(_board), run_every=_REFRESH_S) if live else _board
    board(shown, view)


def _board(asked: SheetFilter, view: str) -> None:
    """Figures, and below them exceptions and the sheet, or charts; the sheet of today is drawn anew every half minute."""
    bench = access.reading("attendance.view")
    if st.query_params.get("view", "") != view:  # the other view was chosen: the whole page changes
        st.rerun()
    reports = AttendanceReports(bench)
    rows = asked.rows(bench)
    today, several = reports.now.date(), asked.first != asked.last
    if rows:
        _figures(headline(rows), asked.first <= today <= asked.last, asked.show, several=several)
    elif view != "charts":
        _nothing(bench, asked, today)
        return
    names = {"sheet": say("Sheet"), "charts": say("Charts")}
    if parts.choice(say("View"), names, "attendance-view", "view", drops="chart") == "charts":
        charts.show(asked)
    else:
        _sheet(bench, asked, rows, reports, several=several)


def _sheet(
    bench: Workbench, asked: SheetFilter, rows: list[DaySheet], reports: AttendanceReports, *, several: bool
) -> None:
    """Exceptions, and all rows; or those alone that a figure counts."""
    if asked.show:
        _counted(asked, rows, several=several)
        return
    found = exceptions(rows, reports.now, bench.attendance.rota)
    st.header(say("Exceptions ({count})", count=len(found)) if found else say("Exceptions"))
    if found:
        waiting = sum(each.open for each in found)
        if waiting and access.may("attendance.correct"):
            st.button(
                say_count("Settle {count} open day", "Settle {count} open days", waiting),
                icon=":material/checklist:",
                key="attendance-settle-begin",
                on_click=settle.begin,
            )
        tables.exceptions(found, several_days=several)
    else:
        st.caption(say("No decisions needed."))
    st.header(say("Sheet of {day}", day=say_date(asked.first)) if not several else say("Sheet"))
    tables.sheet(rows, several_days=several)
    if not bench.config.shifts:
        st.caption(
            say(
                "Without shifts no one is late or absent. Set them in {file}, section {section}.",
                file="muster.toml",
                section="shifts",
            )
        )


def _counted(asked: SheetFilter, rows: list[DaySheet], *, several: bool) -> None:
    """The rows behind a figure, and the way back to all."""
    names = {
        "present": say("Present"),
        "late": say("Late"),
        "not_yet": say("Not here yet"),
        "absent": say("Absent"),
        "away": say("Away"),
        "not_identified": say("Not identified"),
        "uncovered": say("Not fully covered"),
    }
    found = [row for row in rows if filters.KINDS[asked.show](row)]
    parts.show(
        '<div class="a-counted"><h2>{title}</h2><a class="m-link" href="{address}">{text}</a></div>',
        title=f"{names[asked.show]} ({say_number(len(found))})",
        address=tables.here(show="", page=""),
        text=say("Show all"),
    )
    if found:
        tables.sheet(found, several_days=several)
    else:
        st.caption(say("No rows."))


def _figures(found: Headline, has_today: bool, shown: str, *, several: bool) -> None:
    covered = found.covered_pct
    note = say("person-days") if several else ""
    expected = say("of {count} expected", count=found.expected) if found.expected else ""
    missed = say("and {count} not covered", count=found.not_covered) if found.not_covered else ""

    def figure(show: str, label: str, value: int | str, note: str = "", tone: parts.Tone = "quiet") -> parts.Metric:
        rows = tables.here(show="" if show == shown else show, page="", view="")
        return parts.Metric(label, value, note, tone, rows, chosen=show == shown)

    parts.figures(
        figure("present", say("Present"), found.present, _inside_now(found) if has_today else note, "good"),
        figure("late", say("Late"), found.late, note, "warn"),
        *([figure("not_yet", say("Not here yet"), found.not_yet, expected)] if has_today else []),
        figure("absent", say("Absent"), found.absent, note, "bad"),
        figure("away", say("Away"), found.away, say("leave, sick, remote")),
        figure(
            "not_identified",
            say("Not identified"),
            str(found.not_identified) if found.not_covered else found.not_identified,
            missed,
            "info" if found.not_identified or found.not_covered else "quiet",
        ),
        figure(
            "uncovered",
            say("Covered"),
            "–" if covered is None else say_percent(int(covered) / 100),
            say("of planned time"),
            "quiet" if covered is None else "good" if covered >= 99.5 else "warn",
        )
        if covered is not None and covered < 99.5
        else parts.Metric(
            say("Covered"),
            "–" if covered is None else say_percent(int(covered) / 100),
            say("of planned time"),
            "quiet" if covered is None else "good",
        ),
    )


def _inside_now(found: Headline) -> str:
    """Such as `4 inside, 1 unsure`, as the Live page and the muster list count."""
    sure = say("{count} inside", count=found.inside)
    return f"{sure}, {say('{count} unsure', count=found.unsure)}" if found.unsure else sure


def _nothing(bench: Workbench, asked: SheetFilter, today: date) -> None:
    """Why there is nothing to see, and what to do."""
    logged = AttendanceReports(bench).logged_days()
    if not bench.people.known() and not logged:
        parts.notice(
            say("No one is enrolled yet"),
            say("Enrol people, then let a camera watch the entrance."),
            action=(lambda: parts.html(parts.link(to("/registration"), say("Register someone"), "m-link")))
            if access.may("people.enrol")
            else None,
        )
    elif asked.department or asked.find:
        near = people_filter.near(asked.find, bench.people.known().values())
        told = " ".join(filter(None, (say("No row matches this department and person."), near)))
        parts.notice(say("No one matches"), told, action=_all)
    elif asked.first > today:
        parts.notice(say("These days are in the future"), say("Choose days up to today."), action=_all)
    else:
        parts.notice(
            say("No one was expected or seen"),
            say("No shift applies on these days and no camera saw anyone."),
            action=_earlier if logged else None,
        )


def _all() -> None:
    st.button(say("Show today"), on_click=lambda: put(**{"from": "", "to": "", "department": "", "find": ""}))


def _earlier() -> None:
    last = AttendanceReports(access.reading("attendance.view")).logged_days()[-1]
    st.button(
        say("Show {day} (last arrivals)", day=say_date(last)),
        on_click=lambda: put(**{"from": last.isoformat(), "to": ""}),
    )
