"""The Attendance page: `page` shows it, the other modules are its parts."""

from app.views.attendance.page import show

__all__ = ["show"]
