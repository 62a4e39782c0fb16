"""The muster list: who is inside now, to be printed and ticked off at the assembly point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType

from engine.exports.columns import Row
from engine.exports.render import render
from engine.storage import table_text

__all__ = ["MUSTER_COLUMNS", "muster_list_csv", "muster_list_html"]

MUSTER_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "employee_id": "who, as in people.csv",
        "name": "the person's name",
        "department": "the person's department",
        "state": "inside: came and has not left; possibly inside: a departure may have been missed",
        "since": "when the person came, local time",
        "last_seen": "when a camera last saw the person, local time",
        "camera": "the camera that did",
        "date": "the workplace's day of the stay; an overnight shift belongs to the day on which it begins",
    }
)
"""Meaning of each column of a muster list, in order."""

NO_DEPARTMENT = "No department"


def muster_list_csv(rows: Iterable[Row]) -> str:
    """The muster list as CSV; no cell runs in a spreadsheet."""
    return table_text(tuple(MUSTER_COLUMNS), rows)


def muster_list_html(
    rows: Sequence[Row], *, generated_at: datetime, place: str, unknown_today: int | None = None
) -> str:
    """A self-contained page, A4 portrait: counts first, then people by department, with a box to tick for each.

    Args:
        rows: with the columns of `MUSTER_COLUMNS`; whoever is not plainly `inside` is listed as possibly inside, as a person too
            many is looked for, and one too few is not.
        generated_at: timezone-aware; the list holds for this moment.
        place: such as the name of the building.
        unknown_today: how many people that nobody knows were seen today; None: not known.

    Raises:
        ConfigError: the package that renders pages is not installed.
    """
    shown = [_shown(row, generated_at) for row in rows]
    departments: dict[str, list[dict[str, object]]] = {}
    for row in sorted(shown, key=lambda row: (str(row["name"]).casefold(), str(row["employee_id"]))):
        departments.setdefault(str(row["department"]), []).append(row)
    inside = sum(bool(row["inside"]) for row in shown)
    return render(
        "muster.html.j2",
        generated_at,
        title=f"Muster list {place}".strip(),
        place=place,
        day=f"{generated_at:%A}, {generated_at.day} {generated_at:%B %Y}",
        clock=f"{generated_at:%H:%M}",
        inside=inside,
        possibly=len(shown) - inside,
        unknown=unknown_today,
        departments=sorted(departments.items(), key=lambda pair: (pair[0] == NO_DEPARTMENT, pair[0].casefold())),
    )


def _shown(row: Row, now: datetime) -> dict[str, object]:
    def text(column: str) -> str:
        value = row.get(column, "")
        return "" if value is None else str(value)

    return {
        "employee_id": text("employee_id"),
        "name": text("name") or text("employee_id"),
        "department": text("department") or NO_DEPARTMENT,
        "inside": text("state") == "inside",
        "since": _clock(text("since"), now),
        "shift": _other_day(text("date"), now),
        "last_seen": _clock(text("last_seen"), now),
        "camera": text("camera"),
    }


def _other_day(text: str, now: datetime) -> str:
    """The day of the stay where that is not today, as after midnight."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return "" if day == now.date() else f"of {day:%a} {day.day} {day:%b}"


def _clock(text: str, now: datetime) -> str:
    """A time as hours and minutes, with the day when that is not today; a text that is no moment stays as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text[:5] if text[2:3] == ":" else text
    if moment.tzinfo:
        moment = moment.astimezone(now.tzinfo)
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%a} {moment.day} {moment:%b}, {moment:%H:%M}"
