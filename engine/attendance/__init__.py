"""Who was there when: the log of passages, camera coverage, plans, corrections, and the day sheet made from all of them.

Not here: HR's list and leave (`engine.people`), figures over many days (`engine.reports`).
"""

from engine.attendance.book import AttendanceBook
from engine.attendance.changes import SheetChange, changes
from engine.attendance.closing import ClosedBook, ClosedDay, Closing
from engine.attendance.corrections import CORRECTION, Correction
from engine.attendance.coverage import CoverageBook, Span, Watching
from engine.attendance.day import KINDS_OF_HOURS, LONG, SHEET_COLUMNS, DaySheet, Presence, Status, cells, kinds_of_hours
from engine.attendance.evidence import record_shown
from engine.attendance.inside import Inside, count_inside, inside_now
from engine.attendance.log import Sighting
from engine.attendance.presence import Direction, Meaning, meaning
from engine.attendance.requests import REQUEST, Decision, Request, RequestBook, RequestRow, RequestState
from engine.attendance.rota import Rota
from engine.attendance.rows import FACELESS, IMPORTED, PUNCH, DayRows, PunchRow, turned, valid_rows
from engine.attendance.sheet import Book, day_sheet
from engine.attendance.sheets import Plan
from engine.attendance.working_time import RULES, WorkingTimeRules, WorkWarning, day_warnings, week_warnings

__all__ = [
    "CORRECTION",
    "FACELESS",
    "IMPORTED",
    "KINDS_OF_HOURS",
    "LONG",
    "PUNCH",
    "REQUEST",
    "RULES",
    "SHEET_COLUMNS",
    "AttendanceBook",
    "Book",
    "ClosedBook",
    "ClosedDay",
    "Closing",
    "Correction",
    "CoverageBook",
    "DayRows",
    "DaySheet",
    "Decision",
    "Direction",
    "Inside",
    "Meaning",
    "Plan",
    "Presence",
    "PunchRow",
    "Request",
    "RequestBook",
    "RequestRow",
    "RequestState",
    "Rota",
    "SheetChange",
    "Sighting",
    "Span",
    "Status",
    "Watching",
    "WorkWarning",
    "WorkingTimeRules",
    "cells",
    "changes",
    "count_inside",
    "day_sheet",
    "day_warnings",
    "inside_now",
    "kinds_of_hours",
    "meaning",
    "record_shown",
    "turned",
    "valid_rows",
    "week_warnings",
]
