"""My record: the present, the month, one's days and leave. Whose it is comes from the account alone, never from the address."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta

import streamlit as st

from app.ui import parts
from app.ui.address import day_of, put, to
from app.views.leave import words as leave_words
from app.views.own import day as own_day
from app.views.own import held, requests
from app.web import access
from app.words import say, say_date, say_minutes, say_month, say_time
from engine.attendance import DaySheet, Presence
from engine.operations.reporting import AttendanceReports
from engine.operations.scoped import of_person
from engine.workbench import Workbench


def forget() -> None:
    """Drop the pictures and the copy, when the user leaves the page."""
    own_day.forget()
    held.forget()


def show() -> None:
    """The page."""
    access.reading("own.view")
    parts.stylesheet("attendance")
    parts.stylesheet("own")
    if not access.bound():
        st.title(say("My record"), anchor=False)
        parts.notice(say("Your account belongs to nobody here"), say("Ask HR for access to your record."))
        return
    whole, employee_id, _ = access.oneself("own.view")
    bench = of_person(whole, employee_id)
    (person,) = bench.people.known().values()
    reports = AttendanceReports(bench)
    today = reports.now.date()
    asked = day_of(st.query_params.get("day", ""))
    if asked is not None and asked <= today:
        _back(asked)
        own_day.show(bench, reports, person.employee_id, asked)
        requests.render(whole, person.employee_id)
        return
    st.title(say("My record"), anchor=False)
    parts.soft(" · ".join(filter(None, (person.name, person.employee_id, person.department))))
    first = _month(today)
    rows = _rows(reports, person.employee_id, first, today)
    _now(bench, reports, person.employee_id)
    _figures(bench, reports, person.employee_id, rows, first, today)
    _days(rows, first, today)
    _leave(bench, today)
    requests.render(whole, person.employee_id)
    held.show(bench, person)


def _month(today: date) -> date:
    """The first day of the month that the address asks for; this month without one, and instead of a later one."""
    asked = day_of(f"{st.query_params.get('month', '')}-01")
    return min(asked or today, today).replace(day=1)


def _rows(reports: AttendanceReports, employee_id: str, first: date, today: date) -> dict[date, DaySheet]:
    """The days of a month up to today, as in the sheet."""
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return {row.day: row for row in reports.rows(first, min(last, today), employee_id)}


def _back(day: date) -> None:
    parts.show(
        '<a class="m-link" href="{address}" target="_self">← {text}</a>',
        address=to("/me", month=f"{day:%Y-%m}"),
        text=say_month(day),
    )


def _now(bench: Workbench, reports: AttendanceReports, employee_id: str) -> None:
    """Whether the person is in, and since when."""
    stay = next(iter(bench.office.inside()), None)
    if stay is None:
        text, told = parts.status("outside", say("You are out")), ""
        today = reports.now.date()
        last = next((row.last_out for row in reports.rows(today, today, employee_id) if row.last_out), None)
        told = say("You left at {time}.", time=say_time(last)) if last else say("You have not come in today.")
    else:
        sure = stay.presence is Presence.INSIDE
        text = parts.status(
            "inside" if sure else "possibly inside", say("You are in") if sure else say("You may be in")
        )
        day = "" if stay.since.date() == reports.now.date() else f"{say_date(stay.since.date(), year=False)}, "
        told = say("Since {time}.", time=f"{day}{say_time(stay.since)}")
        if not sure:
            told += " " + say("No camera can tell whether you left.")
    parts.show('<div class="m-card o-now"><strong>{text}</strong><p>{told}</p></div>', text=text, told=told)


def _figures(
    bench: Workbench,
    reports: AttendanceReports,
    employee_id: str,
    rows: Mapping[date, DaySheet],
    first: date,
    today: date,
) -> None:
    now = next(iter(reports.rows(today, today, employee_id)), None)
    hours = round(sum(row.hours or 0.0 for row in rows.values()), 2)
    planned = round(sum(row.planned_hours or 0.0 for row in rows.values()), 2)
    balance = round(sum(row.balance for row in rows.values()), 2)
    end = max(rows, default=today)
    account = reports.accounts(end, employee_id).at(employee_id, end)
    left = [each for each in bench.leave_desk.balances(today.year) if each.left is not None]
    kinds = bench.leave_desk.kinds
    parts.figures(
        parts.Metric(say("Today"), _hours(now.hours if now else None), say("hours, without breaks")),
        parts.Metric(
            say_month(first),
            _hours(hours),
            say("of {hours} planned so far", hours=say_minutes(60 * planned)) if planned else "",
        ),
        parts.Metric(say("Balance"), _signed(balance), say("this month")),
        *(
            []
            if account is None
            else [parts.Metric(say("Time account"), _signed(account), say_date(end, weekday=False))]
        ),
        *(
            parts.Metric(
                leave_words.kind_name(kinds, each.kind),
                leave_words.days(each.left or 0.0),
                say("days left in {year}", year=each.year),
            )
            for each in left
        ),
    )


def _hours(hours: float | None) -> str:
    return say_minutes(60 * hours) if hours else "–"


def _signed(hours: float) -> str:
    return f"{'+' if hours > 0 else '−' if hours < 0 else '±'}{say_minutes(60 * abs(hours))}"


def _days(rows: Mapping[date, DaySheet], first: date, today: date) -> None:
    """The days of a month, the newest first."""
    st.header(say("My days"), anchor=False)
    before, after = first - timedelta(days=1), (first + timedelta(days=32)).replace(day=1)
    with st.container(horizontal=True, key="own-buttons", vertical_alignment="center"):
        st.button(
            say_month(before),
            icon=":material/chevron_left:",
            key="own-before",
            on_click=lambda: put(month=f"{before:%Y-%m}"),
        )
        st.button(
            say_month(after),
            icon=":material/chevron_right:",
            key="own-after",
            disabled=after > today,
            on_click=lambda: put(month=f"{after:%Y-%m}"),
        )
    if not rows:
        parts.notice(say("No days in {month}", month=say_month(first)), say("There is no plan and no passage."))
        return
    lines = (_line(rows[each]) for each in sorted(rows, reverse=True))
    parts.show('<ul class="o-days">{lines}</ul>', lines=parts.joined(lines))


def _line(row: DaySheet) -> str:
    marks = [say("corrected")] if row.corrected_by else []
    marks += [say("waits for approval")] if row.pending is not None else []
    return parts.markup(
        '<li><a class="o-day" href="{address}" target="_self"><span>{date}</span><span>{hours}</span>'
        "<small>{status}{marks}</small><small>{times}</small></a></li>",
        address=to("/me", day=row.day.isoformat()),
        date=say_date(row.day, year=False),
        hours=_hours(row.hours),
        status=parts.status(row.status),
        marks="".join(f" · {mark}" for mark in marks),
        times=own_day.times(row.first_in, row.last_out),
    )


def _leave(bench: Workbench, today: date) -> None:
    """Leave from the beginning of the year on, and its states."""
    found = bench.leave_desk.entries(date(today.year, 1, 1), date(today.year + 1, 12, 31))
    kinds = bench.leave_desk.kinds
    st.header(say("My leave"), anchor=False)
    if not found:
        parts.soft(say("No leave this year."))
        return
    lines = (
        parts.markup(
            '<li><div class="o-day"><span>{span}</span><span>{days}</span><small>{kind}</small><small>{state}</small></div></li>',
            span=leave_words.span(each.entry),
            days=leave_words.in_days(each.days),
            kind=" · ".join(
                filter(None, (leave_words.kind_name(kinds, each.entry.kind), leave_words.part(each.entry)))
            ),
            state=parts.status("approved" if each.entry.approved else "pending"),
        )
        for each in sorted(found, key=lambda each: each.entry.first_day, reverse=True)
    )
    parts.show('<ul class="o-days">{lines}</ul>', lines=parts.joined(lines))
