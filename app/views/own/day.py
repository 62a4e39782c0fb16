"""One of one's own days: what it came to and why, each passage, and what others corrected."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, datetime

import streamlit as st
from markupsafe import Markup

from app.ui import parts
from app.views.attendance import corrections
from app.views.attendance.tables import note, once_approved, planned
from app.web import access
from app.words import say, say_date, say_minutes, say_number, say_time, term
from engine.attendance import IMPORTED, Correction, DaySheet, PunchRow
from engine.attendance.explain import Explanation
from engine.operations.reporting import AttendanceReports
from engine.workbench import Workbench

_PICTURES = "own-pictures"


def forget() -> None:
    """Drop the pictures."""
    st.session_state.pop(_PICTURES, None)


def show(bench: Workbench, reports: AttendanceReports, employee_id: str, day: date) -> None:
    """The day."""
    st.title(say_date(day), anchor=False)
    row = next(iter(reports.rows(day, day, employee_id)), None)
    if row is None:
        parts.notice(say("Nothing on this day"), say("There is no plan and no passage."))
    else:
        parts.show('<div class="o-box">{facts}</div>', facts=parts.facts(_facts(row)))
    passages = reports.explained(employee_id, day)
    st.header(say("Passages"), anchor=False)
    if passages:
        shown = _pictures(day, passages)
        parts.show('<div class="o-box">{all}</div>', all=parts.joined(_passage(each, shown) for each in passages))
    else:
        parts.soft(say("No camera saw you on this day."))
    _corrections(bench, bench.attendance.corrections.about_days(day, day))


def times(first: datetime | None, last: datetime | None) -> str:
    """When somebody came and left, as far as it is known: `08:55 – 17:31`, `from 08:55`, `until 17:31`, or nothing."""
    if first and last:
        return f"{say_time(first)} – {say_time(last)}"
    if first:
        return say("from {time}", time=say_time(first))
    return say("until {time}", time=say_time(last)) if last else ""


def _facts(row: DaySheet) -> list[tuple[str, object]]:
    """What the day came to, in the order in which one would count it up."""
    found: list[tuple[str, object]] = [(say("Status"), parts.status(row.status))]
    if row.planned_in:
        found.append((say("Planned"), " ".join(filter(None, (planned(row), f"({row.shift})" if row.shift else "")))))
    if row.first_in or row.last_out:
        found.append((say("In and out"), times(row.first_in, row.last_out)))
    if row.counted_in or row.counted_out:
        counted = times(row.counted_in or row.first_in, row.counted_out or row.last_out)
        found.append((say("Counted"), " ".join((counted, say("(rounded)")))))
    spans = {
        say("Breaks"): row.breaks,
        say("Worked"): row.worked,
        say("Credited"): row.credited,
        say("Planned hours"): row.planned,
        say("Overtime"): row.overtime,
    }
    found += [(name, say_minutes(value.total_seconds() / 60)) for name, value in spans.items() if value]
    found += _corrected(row)
    if row.pending is not None:
        found.append((say("Waiting"), once_approved(row)))
    if row.notes:
        found.append((say("Notes"), note(row)))
    return found


def _corrected(row: DaySheet) -> list[tuple[str, object]]:
    """What the cameras alone say, and who corrected that."""
    if not row.corrected_by:
        return []
    recorded = row.recorded
    cameras = [parts.status(recorded.status)] if recorded.status else []
    if row.approved_by:
        state = say("approved by {name}", name=row.approved_by)
    else:
        state = say("counts, not approved yet") if row.pending is None else say("counts once approved")
    return [
        (say("Cameras only"), Markup(" ").join([*cameras, times(recorded.first_in, recorded.last_out)])),
        (say("Corrected by"), f"{row.corrected_by}: {row.correction_reason} · {state}"),
    ]


def _pictures(day: date, passages: Sequence[Explanation]) -> dict[str, str]:
    """Pictures by event id, as data URLs; they are made when the person asks for them, because each is looked through for others."""
    kept = st.session_state.get(_PICTURES)
    if kept and kept[0] == day:
        return dict(kept[1])
    if any(_has_picture(each) for each in passages):
        with st.container(key="own-buttons"):
            if st.button(say("Show pictures"), icon=":material/image:", key="own-pictures-show"):
                with parts.told(), st.spinner(say("Hiding other faces …")):
                    bench, employee_id, _ = access.oneself("own.view")
                    rows = [each.row for each in passages if _has_picture(each) and each.row.employee_id == employee_id]
                    found = {row.event_id: _shown(bench.privacy.picture_of_passage(row)) for row in rows}
                    st.session_state[_PICTURES] = (day, found)
                st.rerun()
    return {}


def _has_picture(each: Explanation) -> bool:
    """Doubts and what was taken back may show somebody else."""
    return bool(each.row.evidence_image) and each.row.passage and each.taken_back is None


def _shown(content: bytes | None) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(content).decode() if content else ""


def _passage(each: Explanation, shown: dict[str, str]) -> Markup:
    row = each.row
    direction = {"in": say("in"), "out": say("out")}.get(row.direction or "both", say("in or out"))
    picture = shown.get(row.event_id, "")
    return parts.markup(
        '<div class="a-punch{css}">{picture}<div><strong>{time}</strong> {what}<br>{told}</div></div>',
        css="" if _counts(each) else " a-gone",
        picture=parts.face(picture, 112, say("evidence of this passage")) if picture else "",
        time=say_time(row.timestamp),
        what=" · ".join(filter(None, (direction, row.camera))),
        told=" ".join(_told(each)),
    )


def _counts(each: Explanation) -> bool:
    return each.row.passage and each.taken_back is None and not each.repeats


def _told(each: Explanation) -> list[str]:
    """Why a passage counts, or why not, for somebody who knows nothing of similarities."""
    row = each.row
    told = [_way(row)]
    if each.told:
        told.append(say("You changed the direction at the kiosk."))
    if row.event == "unidentified":
        told = [say("A camera saw a face that may be yours, but was not certain. It does not count.")]
    elif each.taken_back is not None:
        told.append(say("It was taken back and does not count. Reason: {reason}", reason=each.taken_back or "–"))
    elif each.repeats:
        told.append(say("Another row shows the same passage, so it does not count twice."))
    elif row.event == "seen":
        told.append(say("You were seen again shortly after, which changes nothing."))
    return told


def _way(row: PunchRow) -> str:
    ways = {
        "pin": say("By your PIN."),
        "badge": say("By your badge."),
        IMPORTED: say("From another system."),
        "sample": say("Made up for the sample."),
    }
    if row.method in ways or row.similarity is None:
        return ways.get(row.method, say("By your face."))
    value = say_number(row.similarity, 2)
    if row.threshold is None:
        return say("By your face: similarity {value}.", value=value)
    needed = say_number(row.threshold, 2)
    return say("By your face: similarity {value}, at least {needed} is needed.", value=value, needed=needed)


def _corrections(bench: Workbench, own: Sequence[Correction]) -> None:
    """What others corrected, who and why."""
    if not own:
        return
    st.header(say("Corrections"), anchor=False)
    lines = []
    for each in own:
        made = each.timestamp.astimezone(bench.config.zone)
        lines.append(
            parts.markup(
                '<li><div class="o-day"><span>{what}</span><span></span><small>{who}</small><small>{when}</small></div></li>',
                what=term(corrections.what(bench, each)),
                who=": ".join(filter(None, (each.author, bench.office.readable(each.reason)))),
                when=f"{say_date(made.date(), year=False)} {say_time(made)}",
            )
        )
    parts.show('<ul class="o-days">{lines}</ul>', lines=parts.joined(lines))
