"""What programs can read: day sheets, people, incidents. Each is read in the order of its keys, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.web.rest.query import COMMON, DEPARTMENT, FROM, ON, PERSON, UNTIL, Key, Parameter, Query
from engine.access import INCIDENTS, PEOPLE, SHEETS
from engine.attendance import DaySheet
from engine.operations.reporting import AttendanceReports
from engine.reports.typed_json import (
    INCIDENT_FIELDS,
    PEOPLE_FIELDS,
    SHEET_FIELDS,
    Column,
    incident_json,
    person_json,
    sheet_json,
)
from engine.types import same_department
from engine.workbench import Workbench

_STEP = timedelta(days=7)
"""Days that are computed at once: a page needs few of a long range."""


@dataclass(frozen=True)
class Part:
    """The rows of a page with their keys, one more than asked for if there are more, and what holds for all of them."""

    rows: Sequence[tuple[Key, Mapping[str, Any]]]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """A route.

    Attributes:
        scope: that a token needs.
        fields: columns of its rows.
        about: schemas of what an answer tells besides the rows.
        read: reads from `Query.after` on, at least one row more than `Query.limit` if there are.
    """

    name: str
    scope: str
    summary: str
    parameters: Sequence[Parameter]
    fields: Sequence[Column]
    about: Mapping[str, Mapping[str, Any]]
    read: Callable[[Workbench, Query], Part]


def _sheets(bench: Workbench, query: Query) -> Part:
    reports, closings = AttendanceReports(bench), bench.attendance.closed.about(query.first, query.last)
    found: list[tuple[Key, DaySheet]] = []
    day = query.first if query.after is None else date.fromisoformat(query.after[0])
    while day <= query.last and len(found) <= query.limit:
        last = min(query.last, day + _STEP - timedelta(days=1))
        rows = (((f"{row.day}", row.employee_id), row) for row in reports.rows(day, last, query.person or None))
        found += sorted((each for each in rows if _wanted(query, *each)), key=lambda each: each[0])
        day = last + timedelta(days=1)
    days = (query.first + timedelta(days=offset) for offset in range((query.last - query.first).days + 1))
    about = {
        "from": f"{query.first}",
        "until": f"{query.last}",
        "timezone": bench.config.timezone,
        "closed": all(any(each.holds(day) for each in closings) for day in days),
        "closings": [
            {
                "from": f"{each.first}",
                "until": f"{each.last}",
                "sha256": each.sha256,
                "closed_at": _time(each.timestamp),
            }
            for each in closings
        ],
    }
    shown = found[: query.limit + 1]
    return Part(
        [(key, sheet_json(row, closed=any(each.holds(row.day) for each in closings))) for key, row in shown], about
    )


def _wanted(query: Query, key: Key, row: DaySheet) -> bool:
    if query.after is not None and key <= query.after:
        return False
    return not query.department or same_department(row.department) == same_department(query.department)


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _people(bench: Workbench, query: Query) -> Part:
    reports = AttendanceReports(bench)
    day = query.days.get("on") or reports.now.date()
    found = []
    for employee_id, row in sorted(reports.people_on(day).items()):
        key = (employee_id, "")
        same = not query.department or same_department(row.department) == same_department(query.department)
        if same and query.person in {"", employee_id} and (query.after is None or key > query.after):
            found.append((key, person_json(row)))
    return Part(found[: query.limit + 1], {"on": f"{day}"})


def _incidents(bench: Workbench, query: Query) -> Part:
    found = []
    for each in bench.incidents.incidents(query.first, query.last):
        key = (each.row.timestamp.astimezone(UTC).isoformat(), each.row.incident_id)
        if query.after is None or key > query.after:
            found.append((key, each))
    found.sort(key=lambda each: each[0])
    rows = [(key, incident_json(each, bench.office.readable)) for key, each in found[: query.limit + 1]]
    return Part(rows, {"from": f"{query.first}", "until": f"{query.last}", "timezone": bench.config.timezone})


_DAY = {"type": "string", "format": "date"}
_SPAN = {"from": _DAY, "until": _DAY, "timezone": {"type": "string"}}
_CLOSING = {
    "type": "object",
    "required": ["from", "until", "sha256", "closed_at"],
    "properties": {
        "from": _DAY,
        "until": _DAY,
        "sha256": {"type": "string"},
        "closed_at": {"type": "string", "format": "date-time"},
    },
}
RESOURCES = (
    Resource(
        "sheets",
        SHEETS,
        "Day sheets, one row per person and day",
        (FROM, UNTIL, DEPARTMENT, PERSON, *COMMON),
        SHEET_FIELDS,
        {
            **_SPAN,
            "closed": {"type": "boolean", "description": "Whether all days of the range are closed."},
            "closings": {
                "type": "array",
                "items": _CLOSING,
                "description": "Closings that hold for days of the range.",
            },
        },
        _sheets,
    ),
    Resource(
        "people",
        PEOPLE,
        "People, with department and employment as they hold on a day",
        (ON, DEPARTMENT, PERSON, *COMMON),
        PEOPLE_FIELDS,
        {"on": _DAY},
        _people,
    ),
    Resource(
        "incidents",
        INCIDENTS,
        "Incidents that began in a range of days, with their latest review",
        (FROM, UNTIL, *COMMON),
        INCIDENT_FIELDS,
        _SPAN,
        _incidents,
    ),
)
