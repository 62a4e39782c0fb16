"""What HR brings along: the staff list, and leave from tables and calendars."""

from engine.hr.leave import LeaveBook, LeaveImport
from engine.hr.staff import StaffImport, import_staff
from engine.hr.tables import RowMessage

__all__ = ["LeaveBook", "LeaveImport", "RowMessage", "StaffImport", "import_staff"]
