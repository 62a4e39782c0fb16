"""What each column and each status of a day sheet means: one place, printed in every export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from engine.attendance import SHEET_COLUMNS, DaySheet, cells
from engine.storage import table_text

__all__ = ["COLUMNS", "STATUSES", "SUMMARY_COLUMNS", "StatusStyle", "heading", "sheet_csv"]

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "employee_id": "who, as in people.csv",
        "name": "the person's name as it is today",
        "date": "the workplace's day; an overnight shift belongs to the day on which it begins",
        "first_in": "local time of the first arrival that is in force; empty when there is none",
        "last_out": "local time of the last departure that is in force; after midnight the note says next day",
        "hours": "hours worked, without breaks; empty while they cannot be told",
        "status": "what the day was, in words; see the list of statuses",
        "punches": "how many arrivals and departures were recorded",
        "utc_offset": "what local time differed from UTC by at the first arrival",
        "camera_in": "camera of the first arrival",
        "similarity_in": "cosine similarity of the face at the first arrival, at most 1",
        "department": "the person's department as it is today",
        "shift": "the shift that applied; empty when none did",
        "planned_in": "local time at which the shift begins",
        "planned_out": "local time at which the shift ends",
        "planned_hours": "hours that the shift asks for, without breaks; empty on public holidays",
        "presence_hours": "hours between first in and last out, breaks included",
        "break_hours": "hours taken off as breaks",
        "late_min": "whole minutes from the planned start to a late arrival; 0 within the grace, empty when unknown",
        "early_min": "whole minutes from an early departure to the planned end; 0 within the grace, empty when unknown",
        "note": "what else is worth knowing, in words",
        "recorded_first_in": "first in by the cameras alone, before any correction",
        "recorded_last_out": "last out by the cameras alone, before any correction",
        "recorded_hours": "hours by the cameras alone, before any correction",
        "recorded_status": "status by the cameras alone, before any correction",
        "corrected_by": "who corrected the row; empty when nobody did",
        "correction_reason": "why it was corrected",
        "approved_by": "who approved the row; empty when nobody did",
        "covered_pct": "per cent of the planned time during which the cameras ran",
        "liveness": "whether the face was shown to be a living one: passed, unproven or failed",
        "late": "yes or no; empty when nobody was expected, or cameras may have missed the arrival",
        "left_early": "yes or no; empty while it is open, or cameras may have missed the departure",
        "credited_hours": "planned hours that need not be worked or are not settled yet",
        "presence": "where the person was when the sheet was made: inside, outside, or unsure",
    }
)
"""Meaning of each column of a day sheet, in the sheet's order."""

SUMMARY_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "employee_id": "who, as in people.csv",
        "name": "the person's name as it is today",
        "department": "the person's department as it is today",
        "month": "year and month",
        "days_worked": "days with an arrival, a departure or hours",
        "hours": "sum of the hours in force",
        "planned_hours": "sum of the planned hours",
        "credited_hours": "planned hours that need not be worked or are not settled yet: leave, remote, sick, holiday, excused, "
        "missing in or out, not covered, not identified, today; less what was worked on these days",
        "balance": "hours + credited hours − planned hours",
        "late_days": "days with a late arrival",
        "late_min": "minutes late, on these days",
        "early_days": "days with an early departure",
        "early_min": "minutes early, on these days",
        "absent": "days absent",
        "on_leave": "days on leave",
        "remote": "days of remote work",
        "sick": "days sick",
        "holiday": "public holidays",
        "missing_in_out": "days without an arrival or without a departure; to be settled",
        "not_covered": "days on which the camera was offline; to be settled",
        "not_identified": "days on which the person may have been among faces not identified; to be settled",
        "corrected": "rows that somebody corrected",
        "awaiting_approval": "corrected rows that nobody has approved yet",
    }
)
"""Meaning of each column of a month summary, in order."""


@dataclass(frozen=True)
class StatusStyle:
    """How a status is shown and counted.

    Attributes:
        symbol, colour: always beside the word, never alone. The colours are Okabe and Ito's, "Color universal design", 2008.
        group: `worked`, `absent` (no hours), `away` (need not be worked), `open` (somebody must settle it), `today` (not over).
        meaning: in words.
        next_step: what settles it; empty when nothing is to be done.
    """

    symbol: str
    colour: str
    group: Literal["worked", "absent", "away", "open", "today"]
    meaning: str
    next_step: str = ""


_BLUE, _ORANGE, _GREEN, _PURPLE, _SKY, _RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"

STATUSES: Mapping[str, StatusStyle] = MappingProxyType(
    {
        "on time": StatusStyle("✓", _GREEN, "worked", "came and went as planned, within the grace"),
        "present": StatusStyle("●", _GREEN, "worked", "was there; no shift applied"),
        "late": StatusStyle("▲", _ORANGE, "worked", "came after the planned start and the grace"),
        "left early": StatusStyle("▼", _ORANGE, "worked", "left before the planned end and the grace"),
        "late, left early": StatusStyle("◆", _ORANGE, "worked", "both"),
        "inside": StatusStyle("▶", _SKY, "today", "is inside now"),
        "possibly inside": StatusStyle("▷", _SKY, "today", "came today; no camera can tell whether they left"),
        "not yet": StatusStyle("…", _SKY, "today", "has not come yet, but still may"),
        "missing out": StatusStyle("!", _PURPLE, "open", "came, but no departure was seen", "Enter when they left."),
        "missing in": StatusStyle("!", _PURPLE, "open", "left, but no arrival was seen", "Enter when they came."),
        "not covered": StatusStyle(
            "○", _PURPLE, "open", "the camera was offline, so nothing can be said", "Ask when they were there."
        ),
        "not identified": StatusStyle(
            "?",
            _PURPLE,
            "open",
            "may be among faces that were not identified",
            "Look through that day's unknown people.",
        ),
        "absent": StatusStyle("✕", _RED, "absent", "planned, but not seen", "Enter leave, or times and a reason."),
        "on leave": StatusStyle("■", _BLUE, "away", "leave is entered"),
        "remote": StatusStyle("□", _BLUE, "away", "works from elsewhere"),
        "sick": StatusStyle("+", _BLUE, "away", "is ill"),
        "holiday": StatusStyle("★", _BLUE, "away", "public holiday"),
        "day off": StatusStyle("–", _SKY, "away", "no work is planned"),
        "excused": StatusStyle("✓", _BLUE, "away", "somebody with the right to do so excused the day"),
    }
)
"""All statuses by their word."""


def heading(column: str) -> str:
    """A column's name as people read it: `utc_offset` is `UTC offset`."""
    text = column.replace("_", " ").replace("utc", "UTC").replace("pct", "%")
    return text[:1].upper() + text[1:]


def sheet_csv(rows: Iterable[DaySheet]) -> str:
    """Day sheet rows as CSV; no cell runs in a spreadsheet."""
    return table_text(SHEET_COLUMNS, map(cells, rows))
