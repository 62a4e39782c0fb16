"""Who was there when: the log of passages, when cameras were watching, plans, corrections, and the day sheet made of all."""

from engine.attendance.book import ATTENDANCE_COLUMNS, AttendanceBook, Plan, Sighting
from engine.attendance.coverage import CoverageBook, Span, Watching
from engine.attendance.evidence import record_shown
from engine.attendance.rota import Rota
from engine.attendance.sheet import SHEET_COLUMNS, Book, DayRows, Status, day_sheet, plain_book

__all__ = [
    "ATTENDANCE_COLUMNS",
    "SHEET_COLUMNS",
    "AttendanceBook",
    "Book",
    "CoverageBook",
    "DayRows",
    "Plan",
    "Rota",
    "Sighting",
    "Span",
    "Status",
    "Watching",
    "day_sheet",
    "plain_book",
    "record_shown",
]
