"""Who was there when: the log of passages, when cameras were watching, plans, corrections, and the day sheet made of all.

Not here: HR's list and leave (`engine.people`), figures over many days (`engine.reports`).
"""

from engine.attendance.book import ATTENDANCE_COLUMNS, AttendanceBook, Plan, Sighting
from engine.attendance.coverage import CoverageBook, Span, Watching
from engine.attendance.day import SHEET_COLUMNS, DaySheet, Presence, Status, cells
from engine.attendance.evidence import record_shown
from engine.attendance.inside import Inside, count_inside, inside_now
from engine.attendance.rota import Rota
from engine.attendance.sheet import Book, DayRows, day_sheet, plain_book

__all__ = [
    "ATTENDANCE_COLUMNS",
    "SHEET_COLUMNS",
    "AttendanceBook",
    "Book",
    "CoverageBook",
    "DayRows",
    "DaySheet",
    "Inside",
    "Plan",
    "Presence",
    "Rota",
    "Sighting",
    "Span",
    "Status",
    "Watching",
    "cells",
    "count_inside",
    "day_sheet",
    "inside_now",
    "plain_book",
    "record_shown",
]
