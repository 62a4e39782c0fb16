"""The muster list: who is inside now, to print and tick off at the assembly point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from engine.attendance import Inside, Presence, count_inside
from engine.reports.render import render
from engine.storage import table_text

MUSTER_COLUMNS: Mapping[str, str] = {
    "employee_id": "id as in people.csv",
    "name": "the person's name",
    "department": "the person's department",
    "state": "inside: came and has not left; unsure: no camera can tell whether they left",
    "since": "when the person came, local time",
    "last_seen": "when a camera last saw the person, local time",
    "camera": "the camera that did",
    "date": "the workplace's day of the stay; an overnight shift belongs to the day on which it begins",
}
"""Meaning of each column of a muster list, in order."""

NO_DEPARTMENT = "No department"


def inside_cells(row: Inside) -> dict[str, object]:
    """One person as cells of `MUSTER_COLUMNS`."""
    return {
        "employee_id": row.employee_id,
        "name": row.name,
        "department": row.department,
        "state": row.presence.value,
        "since": f"{row.since:%H:%M}",
        "last_seen": f"{row.last_seen:%H:%M}",
        "camera": row.camera,
        "date": row.day.isoformat(),
    }


def muster_list_csv(rows: Iterable[Inside]) -> str:
    """The muster list as CSV; a spreadsheet takes no cell for a formula."""
    return table_text(tuple(MUSTER_COLUMNS), map(inside_cells, rows))


def muster_list_html(
    rows: Sequence[Inside], *, generated_at: datetime, place: str, unknown_today: int | None = None
) -> str:
    """A self-contained page, A4 portrait: counts first, then people by department, with a box to tick for each.

    Args:
        rows: everybody who is inside or may be, because nobody would look for a person who is missing here.
        generated_at: timezone-aware; the moment of the list.
        place: such as the name of the building.
        unknown_today: number of strangers seen today; None: not known.

    Raises:
        ConfigError: the package that renders pages is not installed.
    """
    departments: dict[str, list[dict[str, object]]] = {}
    for row in sorted(rows, key=lambda row: ((row.name or row.employee_id).casefold(), row.employee_id)):
        departments.setdefault(row.department or NO_DEPARTMENT, []).append(_shown(row, generated_at))
    inside, unsure = count_inside(rows)
    return render(
        "muster.html.j2",
        generated_at,
        title=f"Muster list {place}".strip(),
        place=place,
        day=f"{generated_at:%A}, {generated_at.day} {generated_at:%B %Y}",
        clock=f"{generated_at:%H:%M}",
        inside=inside,
        unsure=unsure,
        unknown=unknown_today,
        departments=sorted(departments.items(), key=lambda pair: (pair[0] == NO_DEPARTMENT, pair[0].casefold())),
    )


def _shown(row: Inside, now: datetime) -> dict[str, object]:
    return {
        "employee_id": row.employee_id,
        "name": row.name or row.employee_id,
        "inside": row.presence is Presence.INSIDE,
        "since": _clock(row.since, now),
        "shift": "" if row.day == now.date() else f"of {row.day:%a} {row.day.day} {row.day:%b}",
        "last_seen": _clock(row.last_seen, now),
        "camera": row.camera,
    }


def _clock(moment: datetime, now: datetime) -> str:
    """A time as hours and minutes, with the day if it is not today."""
    moment = moment.astimezone(now.tzinfo)
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%a} {moment.day} {moment:%b}, {moment:%H:%M}"
