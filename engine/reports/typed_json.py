"""Rows as JSON for other programs: the columns of the tables, with numbers, times, yes and no as such, and null for an empty cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypeAlias, get_args, get_type_hints

from engine.attendance import DaySheet, cells
from engine.attendance.day import Variant
from engine.incidents import Incident, IncidentRow
from engine.reports.columns import COLUMNS
from engine.types import Person

Value: TypeAlias = str | int | float | bool | list[str] | None
Form = Literal["text", "date", "time", "number", "integer", "truth", "texts"]

_PENDING = Variant()
_TIMES: Mapping[str, Callable[[DaySheet], datetime | None]] = {
    "first_in": lambda row: row.first_in,
    "last_out": lambda row: row.last_out,
    "planned_in": lambda row: row.planned_in,
    "planned_out": lambda row: row.planned_out,
    "counted_in": lambda row: row.counted_in,
    "counted_out": lambda row: row.counted_out,
    "recorded_first_in": lambda row: row.recorded.first_in,
    "recorded_last_out": lambda row: row.recorded.last_out,
    "pending_first_in": lambda row: (row.pending or _PENDING).first_in,
    "pending_last_out": lambda row: (row.pending or _PENDING).last_out,
}
_TRUTHS = frozenset({"late", "left_early", "long"})
_INTEGERS = re.compile(r"punches|.*_(min|pct)")
_NUMBERS = re.compile(r"similarity_in|balance|(.*_)?(hours|days)")


@dataclass(frozen=True)
class Column:
    """A column of a table in JSON.

    Attributes:
        empty: whether a value may be null.
    """

    name: str
    form: Form
    meaning: str = ""
    empty: bool = True


def _form(column: str) -> Form:
    if column in _TIMES:
        return "time"
    if column in _TRUTHS:
        return "truth"
    if column == "date":
        return "date"
    return "integer" if _INTEGERS.fullmatch(column) else "number" if _NUMBERS.fullmatch(column) else "text"


_ALWAYS = frozenset({"employee_id", "date", "status", "presence", "punches", "long"})
SHEET_FIELDS: Sequence[Column] = (
    *(
        Column(name, _form(name), meaning.replace("local time", "time"), name not in _ALWAYS)
        for name, meaning in COLUMNS.items()
    ),
    Column("closed", "truth", "whether the day is closed, so that its figures do not move", empty=False),
)
"""Columns of a day sheet, and whether the day is closed."""

PEOPLE_FIELDS: Sequence[Column] = (
    Column("employee_id", "text", "id as in people.csv", empty=False),
    Column("name", "text", "the person's current name"),
    Column("department", "text", "department on the day asked for"),
    Column("email", "text", "e-mail address"),
    Column("enrolled_at", "text", "when the person was enrolled"),
    Column("consent_at", "text", "when the person agreed to face recognition"),
    Column("active", "truth", "whether the person is employed on the day asked for", empty=False),
)
"""Columns of the list of people."""


def sheet_json(row: DaySheet, *, closed: bool) -> dict[str, Value]:
    """A day sheet with `SHEET_FIELDS`."""
    texts = cells(row)
    found: dict[str, Value] = {}
    for column in SHEET_FIELDS[:-1]:
        if column.form == "time":
            time = _TIMES[column.name](row)
            found[column.name] = time.isoformat(timespec="seconds") if time else None
        else:
            found[column.name] = _typed(str(texts[column.name]), column.form)
    return {**found, "long": row.long, "closed": closed}


def _typed(text: str, form: Form) -> Value:
    if not text:
        return None
    if form == "truth":
        return text == "yes"
    return int(text) if form == "integer" else float(text) if form == "number" else text


def person_json(person: Person) -> dict[str, Value]:
    """A person with `PEOPLE_FIELDS`."""
    return {column.name: _plain(getattr(person, column.name)) for column in PEOPLE_FIELDS}


_INCIDENT = {
    "incident_id": "the incident's id",
    "timestamp": "when it began",
    "kind": "what happened",
    "camera": "name of the camera",
    "employee_ids": "people who were involved",
    "unknown_ids": "strangers who were involved",
    "image": "picture, as a path in the workspace",
    "clean_image": "the same without boxes",
    "before_image": "picture before it",
    "after_image": "picture after it",
    "classification": "of tailgating: who passed together",
    "people": "number of people who passed together",
    "ended": "when it ended",
    "similarity": "cosine similarity to the most similar person",
    "threshold": "similarity that a name needs",
    "model": "network that compared the faces",
    "gallery_version": "version of the gallery",
    "detail": "further remarks",
    "severity": "how urgent it is",
    "tracks": "names of the tracks",
}
_FORMS: Mapping[object, Form] = {
    datetime: "time",
    int: "integer",
    float: "number",
    tuple[str, ...]: "texts",
}


def _fields_of_incidents() -> tuple[Column, ...]:
    hints = get_type_hints(IncidentRow)
    found = []
    for each in fields(IncidentRow):
        if each.name in _INCIDENT:
            kinds = [kind for kind in get_args(hints[each.name]) if kind is not type(None)]
            hint = kinds[0] if hints[each.name] not in _FORMS and kinds else hints[each.name]
            form = _FORMS.get(hint, "text")
            always = each.name in {"incident_id", "timestamp", "kind", "camera"} or form == "texts"
            found.append(Column(each.name, form, _INCIDENT[each.name], not always))
    return tuple(found)


INCIDENT_FIELDS: Sequence[Column] = (
    *_fields_of_incidents(),
    Column("state", "text", "state after the latest review"),
    Column("assignee", "text", "who handles it"),
    Column("note", "text", "note of the latest review"),
    Column("reviewed_by", "text", "who reviewed it last"),
    Column("reviewed_at", "time", "when it was reviewed last"),
)
"""Columns of the incident log that other programs get, and the latest review."""


def incident_json(incident: Incident, readable: Callable[[str], str]) -> dict[str, Value]:
    """An incident with `INCIDENT_FIELDS`; `readable`: as `Office.readable`."""
    review: dict[str, Any] = {
        "state": incident.state,
        "assignee": readable(incident.assignee),
        "note": readable(incident.note),
        "reviewed_by": incident.author,
        "reviewed_at": incident.reviewed_at,
        "detail": readable(incident.row.detail),
    }
    names = (column.name for column in INCIDENT_FIELDS)
    return {name: _plain(review[name] if name in review else getattr(incident.row, name)) for name in names}


def _plain(value: Any) -> Value:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return [str(each) for each in value]
    found: Value = None if value == "" else value
    return found
