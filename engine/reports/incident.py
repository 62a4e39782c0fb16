"""The sheet of an incident: one self-contained page with faces and names, to read or to print on A4."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from engine.incidents import INCIDENTS
from engine.records.bundle import Case, Party
from engine.reports.render import render

_KINDS: Mapping[str, str] = {
    "unknown": "Unknown person",
    "tailgating": "Tailgating",
    "presentation_attack": "A picture instead of a face",
    "watch_list": "Person on the watch list",
    "wrong_name": "Name denied at the kiosk",
    "badge": "Badge misused",
}
_CAPTIONS: Mapping[str, str] = {
    "image": "What was found",
    "before_image": "A second before",
    "clean_image": "The frame as it was",
    "after_image": "A second after",
}
_SIGNS: Mapping[str, tuple[str, str]] = {
    "open": ("■", "#D55E00"),
    "acknowledged": ("◐", "#E69F00"),
    "resolved": ("●", "#009E73"),
    "false alarm": ("○", "#b8bec5"),
    "high": ("▲", "#D55E00"),
    "medium": ("◆", "#E69F00"),
    "low": ("◇", "#b8bec5"),
}


def incident_sheet(case: Case, *, generated_at: datetime, place: str = "") -> str:
    """A page about one incident, A4 portrait.

    Args:
        generated_at: timezone-aware.

    Raises:
        ConfigError: the package that renders pages is not installed.
    """
    row, cells = case.row, INCIDENTS.texts(case.row)
    people = [
        {"who": _who(each), "key": each.key, "department": each.department, "face": _data(each.face)}
        for each in case.parties
    ]
    return render(
        "incident.html.j2",
        generated_at,
        title=f"Incident {row.incident_id}",
        place=place,
        kind=_KINDS.get(row.kind, row.kind.replace("_", " ")),
        row=cells,
        state=case.incident.state,
        signs=_SIGNS,
        assignee=case.readable(case.incident.assignee),
        begun=_time(row.timestamp),
        ended=_time(row.ended) if row.ended else "",
        people=people,
        pictures=[(_CAPTIONS[column], _data(case.pictures[column])) for column in _CAPTIONS if column in case.pictures],
        gone=len(case.gone),
        history=[{**vars(each), "time": _time(each.timestamp)} for each in case.reviews],
        seals=case.seals,
    )


def _who(party: Party) -> str:
    if party.known:
        return party.name or party.key
    if party.erased:
        return "Erased person"
    return "Unknown person" if party.stranger else "Person no longer listed"


def _time(time: datetime) -> str:
    return f"{time:%a} {time.day} {time:%b %Y, %H:%M:%S}"


def _data(content: bytes) -> str:
    """A picture as part of the page, so that the sheet needs no other file."""
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode('ascii')}" if content else ""
