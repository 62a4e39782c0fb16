"""People: the list, stored data, and actions."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import day_of, to
from app.views.people import forget, identify, importing
from app.views.registration.words import cost
from app.web import access
from app.words import column_format, say, say_count
from engine.enrolment import ENOUGH_PHOTOS
from engine.operations.overview import last_seen
from engine.people.basis import based_on
from engine.types import same_department, spellings
from engine.workbench import Workbench

_DAYS = 31


def show() -> None:
    """The page."""
    bench = access.reading("people.view")
    if forget.going_on():
        st.title(say("People"))
        forget.show_progress()
        return
    person = st.query_params.get("person", "")
    if person:
        from app.views.person import show as show_person  # noqa: PLC0415 - it has this page's tabs, and others

        show_person(person, "details")
        return
    _list(bench)


def _list(bench: Workbench) -> None:
    title, buttons = st.columns([1, 2], vertical_alignment="center")
    title.title(say("People"))
    with buttons, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if access.may("people.enrol"):
            with st.container(width="content"):
                parts.html(parts.link(to("/registration"), say("Register someone"), "m-link"))
            with st.container(width="content"):
                parts.html(parts.link(to("/registration", many="1"), say("Enrol many people"), "m-link"))
        if access.may("people.edit") and st.button(say("Add without a face"), icon=":material/badge:", key="add_badge"):
            _without_face()
        if access.may("people.edit") and st.button(say("Import lists"), icon=":material/upload_file:"):
            importing.dialog()
    table = _table(bench)
    if table.empty:
        parts.notice(say("No people yet"), say("Register someone, or import your staff list and add pictures later."))
        return
    _figures(table)
    if _few(table).any():
        parts.soft(cost(bench, 1))
    _set_aside(bench)
    shown = _filtered(table)
    _people(shown)
    parts.soft(
        say(
            "{count} of {all} people. “Last seen” covers the last {days} days.",
            count=len(shown),
            all=len(table),
            days=_DAYS,
        )
    )


def _without_face() -> None:
    """Ask for somebody who chose a badge in place of their face."""

    @st.dialog(say("Add without a face"))
    @parts.guarded
    def ask() -> None:
        parts.soft(say("For people who chose a badge: no picture and no template is kept of them."))
        with st.form("without_face", border=False):
            employee_id = st.text_input(say("Employee number"), max_chars=64, key="add_badge_id")
            name = st.text_input(say("Name"), max_chars=200, key="add_badge_name")
            added = st.form_submit_button(say("Make a badge"), type="primary")
        if added:
            with parts.told():
                acting, author = access.acting("people.edit")
                given = name.strip() or employee_id
                badge, code = acting.kiosk.issue_badge(employee_id.strip(), author=author, name=given)
                identify.remember(badge.employee_id, code, badge.badge_id)
                st.query_params["person"] = badge.employee_id
                st.rerun()

    ask()


def _set_aside(bench: Workbench) -> None:
    """Whose templates were taken out of use."""
    owners = Counter(each.employee_id for each in bench.hygiene.aside())
    if not owners:
        return
    known = bench.people.known()
    names = (parts.link(to("/people", person=key), known[key].name if key in known else key) for key in owners)
    parts.show(
        "<p>{text} {names}</p>",
        text=say_count("{count} picture is set aside:", "{count} pictures are set aside:", owners.total()),
        names=Markup(", ").join(names),
    )


def _table(bench: Workbench) -> pd.DataFrame:
    """Everyone, including people whose templates have no row in the list."""
    people, gallery = bench.people.all(), bench.gallery.current()
    seen = last_seen(bench, [key for key, person in people.items() if person.active], _DAYS)
    rows = []
    for key in dict.fromkeys([*people, *gallery.people]):
        person, count = people.get(key), len(gallery.of(key)[0])
        active = person is not None and person.active
        missing = [
            *(["not in the list"] if person is None else []),
            *(["no templates"] if active and not count and not bench.badges.has(key) else []),
            *(["few pictures"] if active and 0 < count < ENOUGH_PHOTOS else []),
            *(["no consent"] if active and person and not based_on(person) else []),
        ]
        state = "inactive" if person and not active else missing[0] if missing else "active"
        rows.append(
            {
                "face": parts.portrait(key),
                "name": person.name if person else "",
                "department": person.department if person else "",
                "id": key,
                "state": ", ".join(map(parts.mark, missing)) if missing and active else parts.mark(state),
                "seen": seen[key].timestamp.replace(tzinfo=None) if key in seen else None,
                "templates": count,
                "enrolled": day_of(person.enrolled_at) if person else None,
                "consent": day_of(based_on(person)) if person else None,
                "active": active,
            }
        )
    table = pd.DataFrame(rows)
    if rows:
        for column in ("seen", "enrolled", "consent"):
            table[column] = pd.to_datetime(table[column])
    return table


def _few(table: pd.DataFrame) -> pd.Series[bool]:
    """Who is enrolled, but with too few pictures."""
    return table["active"] & (table["templates"] > 0) & (table["templates"] < ENOUGH_PHOTOS)


def _figures(table: pd.DataFrame) -> None:
    active = table[table["active"]]
    without = int((active["templates"] == 0).sum())
    few = int(_few(active).sum())
    no_consent = int(active["consent"].isna().sum())
    parts.figures(
        parts.Metric(say("People"), len(table), say("on the list")),
        parts.Metric(say("Active"), len(active), say("recognised at the door")),
        parts.Metric(say("Without templates"), without, say("not recognised") if without else "", "warn"),
        parts.Metric(say("Few pictures"), few, say("fewer than {count}", count=ENOUGH_PHOTOS) if few else "", "warn"),
        parts.Metric(say("Without consent"), no_consent, say("no date recorded") if no_consent else "", "warn"),
    )


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    search, view, department = st.columns([2, 1, 1], vertical_alignment="bottom")
    text = search.text_input(
        say("Search"), key="search", type="search", placeholder=say("Name, id or department"), bind="query-params"
    )
    views = {
        "all": say("Everyone"),
        "active": say("Active"),
        "inactive": say("Inactive"),
        "no templates": say("Without templates"),
        "few pictures": say("Few pictures"),
        "no consent": say("Without consent"),
    }
    chosen = view.selectbox(
        say("State"), list(views), format_func=lambda each: views[each], key="show", bind="query-params"
    )
    spelt = spellings(table["department"])
    departments = sorted(spelt.values(), key=str.casefold)
    wanted = department.selectbox(
        say("Department"),
        ["", *departments],
        format_func=lambda each: each or say("All"),
        key="department",
        bind="query-params",
    )
    shown = table
    for word in (text or "").casefold().split():
        cells = (
            shown["name"].str.casefold() + "\n" + shown["id"].str.casefold() + "\n" + shown["department"].str.casefold()
        )
        shown = shown[cells.str.contains(word, regex=False)]
    if wanted:
        shown = shown[shown["department"].map(same_department) == same_department(wanted)]
    if chosen in {"active", "inactive"}:
        shown = shown[shown["active"] == (chosen == "active")]
    elif chosen == "no templates":
        shown = shown[shown["active"] & (shown["templates"] == 0)]
    elif chosen == "few pictures":
        shown = shown[_few(shown)]
    elif chosen == "no consent":
        shown = shown[shown["active"] & shown["consent"].isna()]
    return shown


def _people(shown: pd.DataFrame) -> None:
    if shown.empty:
        parts.notice(say("No one matches these filters"), say("Shorten the search, or show everyone."))
        return
    day = column_format()
    config = st.column_config
    event = st.dataframe(
        shown.drop(columns="active"),
        hide_index=True,
        row_height=60,
        height=min(38 + 60 * len(shown), 640),
        key="people_table",
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="–",
        alt=say("People with departments, templates and last sighting"),
        column_config={
            "face": config.ImageColumn(say("Face"), width=64),
            "name": config.TextColumn(say("Name")),
            "department": config.TextColumn(say("Department")),
            "id": config.TextColumn(say("Id")),
            "state": config.TextColumn(say("State")),
            "seen": config.DatetimeColumn(say("Last seen"), format=f"{day}, HH:mm"),
            "templates": config.NumberColumn(say("Templates"), width="small"),
            "enrolled": config.DateColumn(say("Registered"), format=day),
            "consent": config.DateColumn(say("Consent"), format=day),
        },
    )
    cells = event["selection"]["cells"]
    if cells:
        st.query_params["person"] = str(shown.iloc[cells[0][0]]["id"])
        st.rerun()
