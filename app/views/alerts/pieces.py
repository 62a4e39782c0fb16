"""Building blocks of the Alerts pages: pictures, faces, names and times."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.ui.address import to
from app.web import access
from app.words import said, say, say_count, say_minutes, say_moment, say_time, term
from engine.errors import MusterError
from engine.incidents import Incident, IncidentKind, IncidentRow
from engine.records.alerts import erased, is_stranger, latest_picture, parties
from engine.workbench import Workbench

PAGE = 24
_FACES = 2


def kind_name(kind: str) -> str:
    """The title of an incident."""
    names = {
        "unknown": say("Unknown person"),
        "tailgating": say("Tailgating"),
        "presentation_attack": say("Picture instead of face"),
        "watch_list": say("Person on the watch list"),
        "wrong_name": say("Name denied at the kiosk"),
        "badge": say("Badge misused"),
    }
    return names.get(kind) or term(kind)


def moment(bench: Workbench, time: datetime) -> str:
    """A time as `08:57`, with its day unless today."""
    today = bench.clock().astimezone(bench.config.zone).date()
    if time.date() == today:
        return say_time(time)
    return say_moment(time, year=time.year != today.year)


def age(span: timedelta) -> str:
    """How long ago, such as `35 min`, `7 h 42 min` or `12 days`."""
    if span < timedelta(days=2):
        return say_minutes(max(0.0, span.total_seconds()) / 60)
    return say_count("{count} day", "{count} days", span.days)


def name_of(bench: Workbench, key: str) -> str:
    """The label of a person involved: name, dossier, or erased."""
    key = bench.office.readable(key)
    person = bench.people.known().get(key)
    if person is not None:
        return person.name or key
    if erased(key):
        return say("Erased person")
    if not is_stranger(key):
        return say("Person no longer listed")
    nickname = bench.dossiers.register().nicknames.get(key, "")
    return f"{nickname} ({key})" if nickname else key


def gone(width: int, height: int, text: str = "") -> Markup:
    """Placeholder for a picture that is no longer kept; `text`: another reason."""
    return parts.markup(
        '<div class="m-gone" style="width:{width}px;height:{height}px">{text}</div>',
        width=width,
        height=height,
        text=text or say("Picture no longer kept"),
    )


def without_picture(bench: Workbench) -> str:
    """Why an alert has no picture."""
    if bench.config.strangers.leave_traces:
        return say("The camera took no picture.")
    return say("No picture was kept, because strangers leave nothing here (Settings › Retention).")


def shown(bench: Workbench, path: str, side: int, alt: str) -> Markup:
    """A square picture of the workspace, or its placeholder."""
    if bench.records.inside(path) is None:
        return gone(side, side)
    # twice the size, because the frame of a whole door is cropped to a square
    return parts.face(parts.picture(path, 2 * side), side, alt)


def face_of(bench: Workbench, key: str, side: int = 56) -> Markup:
    """The face of a person involved, enrolled or not."""
    key = bench.office.readable(key)
    if key in bench.people.known():
        return parts.face(parts.portrait(key), side, name_of(bench, key))
    current = bench.dossiers.register().current(key)
    path = latest_picture(bench.records, [each.row for each in bench.alerts.all()], current)
    return parts.face(parts.picture(path, 2 * side) if path else parts.portrait(""), side, name_of(bench, current))


def _scene(bench: Workbench, row: IncidentRow) -> Markup:
    """The frame of a joint passage, with the faces below it."""
    if row.image and bench.records.inside(row.image) is None:
        return gone(160, 160)
    faces = [face_of(bench, key, 66) for key in parties(row)]
    more = (
        parts.markup('<span class="m-soft">+{count}</span>', count=len(faces) - _FACES) if len(faces) > _FACES else ""
    )
    scene = parts.markup(
        '<img src="{source}" width="160" height="90" alt="{alt}" loading="lazy">',
        source=parts.picture(row.image, 320),
        alt=say("People who passed together"),
    )
    return parts.markup(
        '<div class="m-scene">{scene}<div class="m-faces">{faces}{more}</div></div>',
        scene=scene if row.image else gone(160, 90, say("No picture was kept")),
        faces=Markup("").join(faces[:_FACES]),
        more=more,
    )


_KEPT = ("view", "who", "page", "state", "kind", "camera", "severity", "since", "until")


def here(**values: str) -> str:
    """The address of this page with other values; filters stay, so that the way back leads to what one came from."""
    return to("/alerts", **{name: st.query_params[name] for name in _KEPT if name in st.query_params} | values)


def person_link(bench: Workbench, key: str) -> Markup | str:
    """The name of somebody involved, linked to their page for who may see one."""
    name, key = name_of(bench, key), bench.office.readable(key)
    page = "/people" if access.may("people.view") else "/attendance" if access.may("attendance.view") else ""
    return parts.link(to(page, person=key), name) if page and key in bench.people.known() else name


def tile(bench: Workbench, alert: Incident) -> Markup:
    """An alert in the gallery: how grave and how old it is at once, and the whole tile leads to it."""
    row = alert.row
    kind = kind_name(row.kind)
    return parts.markup(
        '<div class="m-tile">{picture}<span class="m-states">{severity}<b>{age}</b></span>'
        '<strong><a href="{address}">{kind}</a></strong><span class="m-soft">{time} · {camera}</span>{state}</div>',
        picture=_scene(bench, row) if row.kind is IncidentKind.TAILGATING else shown(bench, row.image, 160, kind),
        kind=kind,
        address=here(incident=row.incident_id),
        age=age(bench.clock() - row.timestamp),
        time=moment(bench, row.timestamp),
        camera=row.camera,
        severity=parts.status(row.severity or ""),
        state=parts.status(alert.state),
    )


_PROBLEM = "alerts-problem"


def act(deed: Callable[[Workbench, str], str]) -> bool:
    """Run a change as the signed-in user, say what it returns, and tell whether it was done; errors are kept for `problem`."""
    try:
        bench, author = access.acting("alerts.review")
        text = deed(bench, author)
    except MusterError as error:
        st.session_state[_PROBLEM] = said(error)
        return False
    if text:
        st.toast(parts.plain(text), icon=":material/check:")
    return True


def problem() -> None:
    """Show the error of the last action once, near its control."""
    text = st.session_state.pop(_PROBLEM, "")
    if text:
        st.error(parts.plain(text), icon=":material/error:")


def assignee_field(key: str) -> None:
    """Choose an assignee: a colleague with the right, or any other name."""
    st.selectbox(
        say("Assignee"),
        access.colleagues("alerts.review"),
        index=None,
        key=key,
        accept_new_options=True,
        placeholder=say("No one"),
    )


def state_buttons(states: Collection[str], settle: Callable[[str], None], prefix: str = "") -> None:
    """Buttons that put alerts into other states; without a prefix of their keys they have shortcuts, too."""
    for state, key, label, shortcut in (
        ("acknowledged", "acknowledge", say("Acknowledge"), "A"),
        ("resolved", "resolve", say("Resolve"), "S"),
        ("false alarm", "false-alarm", say("False alarm"), "F"),
        ("open", "reopen", say("Reopen"), "O"),
    ):
        if state in states:
            st.button(
                label,
                key=f"{prefix}{key}",
                type="primary" if state == "acknowledged" else "secondary",
                shortcut=None if prefix else shortcut,
                on_click=partial(settle, state),
            )
