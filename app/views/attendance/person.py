"""One person: the month as a calendar, and each passage of a day with its picture and why it was taken for theirs."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, timedelta

import streamlit as st
from markupsafe import Markup

from app.ui import parts, people_filter
from app.ui.address import day_of, put, to
from app.views.attendance import account, charts, corrections, tables
from app.views.search.tiles import face_link
from app.web import access
from app.words import say, say_date, say_minutes, say_month, say_number, say_time, say_weekdays, term
from engine.attendance import IMPORTED, DaySheet, PunchRow
from engine.attendance.explain import Explanation
from engine.operations.reporting import AttendanceReports
from engine.reports import headline
from engine.types import Person
from engine.workbench import Workbench


def show(bench: Workbench, employee_id: str) -> None:
    """Their attendance, day by day."""
    parts.stylesheet("attendance")
    reports = AttendanceReports(bench)
    today = reports.now.date()
    day = day_of(st.query_params.get("day", "")) or today
    first = day.replace(day=1)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    rows = {row.day: row for row in reports.rows(first, last, employee_id)}
    known = bench.people.known().get(employee_id)
    _head(employee_id, known, first, today)
    if known is None and not rows:
        near = people_filter.near(employee_id, bench.people.known().values())
        told = " ".join(filter(None, (say("The person may have been erased, or the address is wrong."), near)))
        parts.notice(say("No one has this id in this month"), told)
        return
    access.viewed("view_attendance", employee_id, f"month {first:%Y-%m}")
    found = headline(rows.values())
    hours = sum(row.hours or 0.0 for row in rows.values())
    late = sum(row.late_min or 0 for row in rows.values())
    end = min(last, today)
    hours_left = reports.accounts(end, employee_id).at(employee_id, end)
    parts.figures(
        parts.Metric(say("Days present"), found.present),
        parts.Metric(say("Hours"), say_minutes(60 * hours) if hours else "–", say("worked, excluding breaks")),
        parts.Metric(say("Late"), found.late, say_minutes(late) if found.late else "", "warn"),
        parts.Metric(say("Absent"), found.absent, tone="bad"),
        parts.Metric(say("Away"), found.away, say("leave, sick, remote")),
        *(
            []
            if hours_left is None
            else [
                parts.Metric(say("Time account"), account.signed(hours_left), say("hours, {date}", date=say_date(end)))
            ]
        ),
    )
    month, chosen = st.tabs([say("Month"), say("Presence")], key="attendance-person-tab", on_change="rerun")
    if month.open:
        with month:
            _calendar(employee_id, first, last, day, rows)
    if chosen.open:
        with chosen:
            _presence(bench, employee_id, first, min(last, today), known)
    _day(bench, reports, employee_id, day, rows.get(day))
    account.show(bench, employee_id, today)


def _head(employee_id: str, known: Person | None, first: date, today: date) -> None:
    left, right = st.columns([2, 3], vertical_alignment="center")
    with left:
        parts.show(
            '<div class="a-head">{face}<div><h2>{name}</h2><span class="m-soft">{about}</span></div></div>',
            face=parts.face(parts.portrait(employee_id), 56, ""),
            name=known.name if known else employee_id,
            about=" · ".join(filter(None, (employee_id, known.department if known else ""))),
        )
    with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        before, after = first - timedelta(days=1), (first + timedelta(days=32)).replace(day=1)
        st.button(
            say("Previous month"),
            icon=":material/chevron_left:",
            on_click=lambda: put(day=before.replace(day=1).isoformat()),
        )
        st.button(
            say("Next month"),
            icon=":material/chevron_right:",
            disabled=after > today,
            on_click=lambda: put(day=after.isoformat()),
        )


def _calendar(employee_id: str, first: date, last: date, chosen: date, rows: Mapping[date, DaySheet]) -> None:
    head = parts.joined(parts.markup('<th scope="col">{name}</th>', name=name) for name in say_weekdays())
    weeks = []
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        days = [monday + timedelta(days=offset) for offset in range(7)]
        cells = parts.joined(_cell(employee_id, day, first, chosen, rows.get(day)) for day in days)
        weeks.append(parts.markup("<tr>{cells}</tr>", cells=cells))
        monday += timedelta(days=7)
    parts.show(
        '<table class="a-calendar"><caption class="m-soft">{title}</caption><tr>{head}</tr>{weeks}</table>',
        title=say_month(first),
        head=head,
        weeks=parts.joined(weeks),
    )


def _cell(employee_id: str, day: date, first: date, chosen: date, row: DaySheet | None) -> Markup:
    if (day.year, day.month) != (first.year, first.month):
        return parts.markup('<td class="a-none"></td>')
    css = " ".join(filter(None, ("a-chosen" if day == chosen else "", "a-free" if row is None else "")))
    if row is None:
        return parts.markup('<td class="{css}"><span class="a-number">{day}</span></td>', css=css, day=day.day)
    # other filters stay in the address, so that the way back leads to where one came from
    kept = {
        name: st.query_params[name]
        for name in ("from", "to", "department", "find", "view", "chart", "tab")
        if name in st.query_params
    }
    times = tables.span(row.first_in, row.last_out, "–") if row.first_in or row.last_out else ""
    return parts.markup(
        '<td class="{css}"><a href="{address}" target="_self" title="{title}"><b>{day}</b>{status}{times}{corrected}</a></td>',
        css=css,
        address=to(**{**kept, "person": employee_id, "day": day.isoformat()}),
        title=say_date(day),
        day=day.day,
        status=parts.status(row.status),
        times=times,
        corrected=Markup("<br>") + parts.markup("✎ {text}", text=say("corrected")) if row.corrected_by else "",
    )


def _presence(bench: Workbench, employee_id: str, first: date, last: date, known: Person | None) -> None:
    from app.views.attendance import drawn  # noqa: PLC0415 - Plotly takes a moment to load

    chart = drawn.of_person(bench, first, last, employee_id, {employee_id: known.name} if known else {})
    if chart is None:
        parts.notice(say("No data"), say("No arrivals in this month."))
        return
    charts.draw(chart, "attendance-person-figure", f"muster-presence-{first:%Y-%m}")


def _day(bench: Workbench, reports: AttendanceReports, employee_id: str, day: date, row: DaySheet | None) -> None:
    st.header(say_date(day))
    passages = evidence(bench, reports, employee_id, day, row)
    if day <= reports.now.date():
        corrections.show(bench, employee_id, day, passages, row)


def evidence(
    bench: Workbench, reports: AttendanceReports, employee_id: str, day: date, row: DaySheet | None
) -> list[Explanation]:
    """Show what a day came to and each passage, with what the user may see of it, and return the passages."""
    if row is not None:
        _summary(row)
    explained, pictures = access.may("attendance.evidence"), access.may("attendance.picture")
    passages = reports.explained(employee_id, day)
    if passages:
        names = {key: each.name for key, each in bench.people.known().items()}
        told = (
            _explained(bench, each, names)
            if explained
            else _passage(each, shown=pictures and reports.has_picture(each))
            for each in passages
        )
        parts.html(parts.joined(told))
    else:
        st.caption(say("No camera saw this person on this day."))
    return passages


def _summary(row: DaySheet) -> None:
    """What the day came to: what holds, and what the cameras alone say where that differs."""

    def line(term_: str, *cells: object) -> Markup:
        body = Markup(" ").join(parts.markup("{each}", each=cell) for cell in cells if cell)
        return parts.markup("<span>{a}</span><span>{b}</span>", a=term_, b=body)

    times = tables.span(row.first_in, row.last_out) if row.first_in or row.last_out else ""
    lines = [line(say("Status"), parts.status(row.status), times)]
    if row.counted_in or row.counted_out:
        times = tables.span(row.counted_in or row.first_in, row.counted_out or row.last_out)
        lines.append(line(say("Counted"), times, say("(rounded)")))
    if row.planned_in:
        lines.append(line(say("Planned"), tables.planned(row), f"({row.shift})" if row.shift else ""))
    if row.corrected_by:
        recorded = row.recorded
        state = parts.status(recorded.status) if recorded.status else ""
        times = tables.span(recorded.first_in, recorded.last_out)
        lines.append(line(say("Cameras only"), state, times))
        if row.approved_by:
            approved = say("approved by {name}", name=row.approved_by)
        else:
            approved = say("counts, not approved yet") if row.pending is None else say("counts once approved")
        lines.append(line(say("Corrected by"), f"{row.corrected_by}: {row.correction_reason} · {approved}"))
    if row.pending is not None:
        lines.append(line(say("Waiting"), tables.once_approved(row)))
    if row.notes:
        lines.append(line(say("Notes"), tables.note(row)))
    parts.show('<div class="a-row">{lines}</div>', lines=parts.joined(lines))


def _heading(row: PunchRow) -> Markup:
    """When somebody passed, where, and in which direction."""
    direction = {"in": say("came in"), "out": say("went out")}.get(row.direction or "both", say("passed by"))
    kind = {"seen": say("seen again"), "unidentified": say("not certain")}.get(row.event, "")
    kind = say("imported") if row.method == IMPORTED else kind
    return parts.markup(
        "<strong>{time}</strong> {what}",
        time=say_time(row.timestamp),
        what=" · ".join(filter(None, (direction, row.camera, kind))),
    )


def _picture(row: PunchRow) -> Markup:
    return parts.face(parts.picture(row.evidence_image, 160), 160, say("evidence of this passage"))


def _passage(each: Explanation, *, shown: bool) -> Markup:
    """One passage, for those who see no explanations; `shown`: with its picture."""
    return parts.markup(
        '<div class="a-punch">{picture}<div>{head}<br>{gone}</div></div>',
        picture=_picture(each.row) if shown else "",
        head=_heading(each.row),
        gone=say("revoked") if each.taken_back is not None else "",
    )


def _explained(bench: Workbench, each: Explanation, names: Mapping[str, str]) -> Markup:
    """One passage: picture, time, and why it was taken for theirs."""
    row = each.row
    picture = (
        _picture(row)
        if row.evidence_image
        else parts.markup(
            '<span class="a-no">{text}</span>',
            text={
                "sample": say("sample data, no picture"),
                IMPORTED: say("imported, no picture"),
            }.get(row.method, say("no picture kept")),
        )
    )
    return parts.markup(
        '<div class="a-punch{css}">{picture}<div>{head}<br>{bar}<br>{told}</div></div>',
        css=" a-gone" if each.taken_back is not None else "",
        picture=picture,
        head=_heading(row),
        bar=parts.similarity_bar(row.similarity, row.threshold, row.runner_up_similarity),
        told=parts.joined(
            [
                " ".join(filter(None, (_sentence(each, names), _fault(bench, row.evidence_image)))),
                " ",
                face_link(row.evidence_image) if bench.records.inside(row.evidence_image) else "",
            ]
        ),
    )


def _fault(bench: Workbench, picture: str) -> str:
    return say("The picture was changed or deleted outside of Muster.") if bench.records.picture_fault(picture) else ""


def _sentence(each: Explanation, names: Mapping[str, str]) -> str:
    """The explanation as one sentence in the language of who is looking."""
    told = []
    for part in each.parts:
        values: dict[str, str] = dict(part.values)
        if "who" in values:
            values["who"] = names.get(values["who"]) or values["who"]
        if "value" in values:
            values["value"] = say_number(float(values["value"].replace("−", "-")), 2)
        told.append(term(part.text).format(**values))
    text = ", ".join(told)
    return text[:1].upper() + text[1:]
