"""The meaning of each column and each status of a day sheet, for every export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.attendance import SHEET_COLUMNS, DaySheet, cells
from engine.storage import table_text

COLUMNS: Mapping[str, str] = {
    "employee_id": "id as in people.csv",
    "name": "the person's current name",
    "date": "day at the workplace; a night shift belongs to the day on which it starts",
    "first_in": "local time of the first valid arrival, or empty",
    "last_out": "local time of the last valid departure; the note names the next day after midnight",
    "hours": "hours worked, excluding breaks; empty while unknown",
    "status": "the status of the day",
    "punches": "number of recorded arrivals and departures",
    "utc_offset": "offset of local time from UTC at the first arrival",
    "camera_in": "camera of the first arrival",
    "similarity_in": "cosine similarity of the face at the first arrival, at most 1",
    "department": "the person's current department",
    "shift": "the shift that applied, or empty",
    "planned_in": "local time at which the shift begins; of a half day of leave, its other half",
    "planned_out": "local time at which the shift ends; of a half day of leave, its other half",
    "planned_hours": "hours of the shift, excluding breaks; empty on public holidays",
    "presence_hours": "hours from first in to last out, including breaks",
    "break_hours": "hours deducted for breaks",
    "late_min": "minutes from the planned start to a late arrival; 0 within the grace, empty while unknown",
    "early_min": "minutes from an early departure to the planned end; 0 within the grace, empty while unknown",
    "note": "further notes",
    "recorded_first_in": "first in by cameras only, before corrections",
    "recorded_last_out": "last out by cameras only, before corrections",
    "recorded_hours": "hours by cameras only, before corrections",
    "recorded_status": "status by cameras only, before corrections",
    "corrected_by": "who corrected the row, or empty",
    "correction_reason": "reason for the correction",
    "approved_by": "who approved the row, or empty",
    "covered_pct": "per cent of the planned time with cameras running",
    "liveness": "liveness of the face: passed, unproven or failed",
    "late": "yes or no; empty if no one was expected or cameras may have missed the arrival",
    "left_early": "yes or no; empty while open or if cameras may have missed the departure",
    "credited_hours": "planned hours of excused and undecided days, and those missing where a correction says present",
    "presence": "where the person was when Muster made the sheet: inside, outside or unsure",
    "long": "yes if the person was inside for so long that a passage may be missing",
    "pending_first_in": "first in if the unapproved corrections counted; empty if none waits",
    "pending_last_out": "last out if the unapproved corrections counted",
    "pending_hours": "hours if the unapproved corrections counted",
    "pending_status": "status if the unapproved corrections counted",
    "leave": "kind of leave, of working days",
    "leave_days": "share of the day that is leave, such as 1 or 0.5",
    "counted_in": "local time from which hours count, if the arrival was rounded; empty: first in counts",
    "counted_out": "local time until which hours count, if the departure was rounded; empty: last out counts",
    "day_share": "0.5 or 0 if the day has too few hours for a whole day; empty: it counts as one",
    "overtime_hours": "hours, worked or credited, beyond the planned ones and the threshold in the settings",
    "night_hours": "hours worked at night; one hour may be in several of these columns",
    "sunday_hours": "hours worked on a Sunday, from midnight to midnight",
    "holiday_hours": "hours worked on a public holiday of the person, from midnight to midnight",
}
"""Meaning of each column of a day sheet, in the sheet's order."""

SUMMARY_COLUMNS: Mapping[str, str] = {
    "employee_id": "id as in people.csv",
    "name": "the person's current name",
    "department": "the person's current department",
    "month": "year and month, or first and last day of another period",
    "days_worked": "days with an arrival, a departure or hours; days with too few hours count half or not at all",
    "hours": "sum of the valid hours",
    "planned_hours": "sum of the planned hours",
    "credited_hours": "planned hours of excused and undecided days (leave, remote, sick, holiday, excused, missing in or "
    "out, not covered, not identified, today), less hours worked on them",
    "balance": "hours + credited hours − planned hours",
    "late_days": "days with a late arrival",
    "late_min": "minutes late on these days",
    "early_days": "days with an early departure",
    "early_min": "minutes early on these days",
    "absent": "days absent",
    "on_leave": "working days on leave; half days count half",
    "remote": "working days of remote work",
    "sick": "working days sick",
    "unpaid": "of these, days of leave without pay",
    "holiday": "public holidays",
    "missing_in_out": "undecided days without an arrival or departure",
    "not_covered": "undecided days with a camera offline",
    "not_identified": "undecided days on which the person may be among unidentified faces",
    "corrected": "corrected rows",
    "awaiting_approval": "corrected rows awaiting approval",
    "pending_hours": "hours, worked or credited, that the unapproved corrections would add",
    "long_days": "days so long that a passage may be missing",
    "overtime_hours": "sum of the overtime of each day; missing hours of other days are not taken off",
    "night_hours": "sum of the hours worked at night",
    "sunday_hours": "sum of the hours worked on Sundays",
    "holiday_hours": "sum of the hours worked on public holidays",
    "account": "hours of the time account at the end of the month or period; empty without an opening balance",
}
"""Meaning of each column of a month summary, in order."""


@dataclass(frozen=True)
class StatusStyle:
    """How a status is shown and counted.

    Attributes:
        symbol, colour: always shown with the word. The colours are Okabe and Ito's, "Color universal design", 2008.
        group: `worked`, `absent` (no hours), `away` (need not be worked), `open` (somebody must settle it), `today` (not over).
        next_step: what settles it; empty if nothing needs to be done.
    """

    symbol: str
    colour: str
    group: Literal["worked", "absent", "away", "open", "today"]
    meaning: str
    next_step: str = ""


_BLUE, _ORANGE, _GREEN, _PURPLE, _SKY, _RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"

STATUSES: Mapping[str, StatusStyle] = {
    "on time": StatusStyle("✓", _GREEN, "worked", "came and went as planned, within the grace"),
    "present": StatusStyle("●", _GREEN, "worked", "was there; no shift applied, or a correction says so"),
    "as planned": StatusStyle("≡", _GREEN, "worked", "a correction counts the planned hours as worked"),
    "late": StatusStyle("▲", _ORANGE, "worked", "came after the planned start and the grace"),
    "left early": StatusStyle("▼", _ORANGE, "worked", "left before the planned end and the grace"),
    "late, left early": StatusStyle("◆", _ORANGE, "worked", "both"),
    "half day": StatusStyle("◐", _ORANGE, "worked", "worked too few hours for a whole day"),
    "inside": StatusStyle("▶", _SKY, "today", "is inside now"),
    "possibly inside": StatusStyle("▷", _SKY, "today", "came today; no camera can tell whether they left"),
    "not yet": StatusStyle("…", _SKY, "today", "has not come yet, but still may"),
    "missing out": StatusStyle("!", _PURPLE, "open", "came, but no departure was seen", "Enter when they left."),
    "missing in": StatusStyle("!", _PURPLE, "open", "left, but no arrival was seen", "Enter when they came."),
    "not covered": StatusStyle(
        "○", _PURPLE, "open", "the camera was offline, so nothing can be said", "Ask when they were there."
    ),
    "not identified": StatusStyle(
        "?", _PURPLE, "open", "may be among faces that were not identified", "Check that day's unknown people."
    ),
    "not enrolled": StatusStyle(
        "◌", _PURPLE, "open", "works here, but no pictures are enrolled yet", "Enrol the person."
    ),
    "absent": StatusStyle("✕", _RED, "absent", "planned, but not seen", "Enter leave, or times and a reason."),
    "on leave": StatusStyle("■", _BLUE, "away", "leave is entered"),
    "remote": StatusStyle("□", _BLUE, "away", "works from elsewhere"),
    "sick": StatusStyle("+", _BLUE, "away", "is ill"),
    "holiday": StatusStyle("★", _BLUE, "away", "public holiday"),
    "day off": StatusStyle("–", _SKY, "away", "no work is planned"),
    "excused": StatusStyle("✓", _BLUE, "away", "somebody with the right to do so excused the day"),
}
"""All statuses by their word."""


def heading(column: str) -> str:
    """A column's name for people: `utc_offset` becomes `UTC offset`."""
    text = column.replace("_", " ").replace("utc", "UTC").replace("csv", "CSV").replace("pct", "%")
    return text[:1].upper() + text[1:]


def sheet_csv(rows: Iterable[DaySheet]) -> str:
    """Day sheet rows as CSV; a spreadsheet takes no cell for a formula."""
    return table_text(SHEET_COLUMNS, map(cells, rows))
