"""Who works here: the staff list, employment, leave and other absence, and the lists of other programs, those of terminals included.

Not here: faces (`engine.gallery`, `engine.enrolment`), attendance and its log (`engine.attendance`).
"""

from engine.people.account_list import AccountImport, hours_of, read_openings
from engine.people.balance import Balance, balances
from engine.people.basis import clean_consent
from engine.people.clock_files import (
    CLOCK_FIELDS,
    DIRECTIONS,
    ClockDirection,
    ClockFile,
    ClockPunch,
    read_clock_file,
    read_ids,
)
from engine.people.clock_times import in_zone
from engine.people.dates import DateOrder
from engine.people.employment import NO_CAREER, Career, Dating, EmploymentBook, EmploymentRow
from engine.people.kinds import LeaveKinds
from engine.people.leave import EntryStatus, Leave, LeaveBook, LeaveChange
from engine.people.leave_import import LeaveImport, days_left, import_calendar, import_table
from engine.people.shift_list import import_shifts
from engine.people.staff import StaffImport, import_staff
from engine.people.store import (
    PEOPLE_COLUMNS,
    PeopleFile,
    PeopleKeep,
    PeopleStore,
    Person,
    clean_department,
    clean_email,
    clean_id,
    clean_name,
)
from engine.people.tables import RowMessage
from engine.people.text_files import ENCODINGS
from engine.people.time_account import AccountEntry, TimeAccountBook, TimeAccounts

__all__ = [
    "CLOCK_FIELDS",
    "DIRECTIONS",
    "ENCODINGS",
    "NO_CAREER",
    "PEOPLE_COLUMNS",
    "AccountEntry",
    "AccountImport",
    "Balance",
    "Career",
    "ClockDirection",
    "ClockFile",
    "ClockPunch",
    "DateOrder",
    "Dating",
    "EmploymentBook",
    "EmploymentRow",
    "EntryStatus",
    "Leave",
    "LeaveBook",
    "LeaveChange",
    "LeaveImport",
    "LeaveKinds",
    "PeopleFile",
    "PeopleKeep",
    "PeopleStore",
    "Person",
    "RowMessage",
    "StaffImport",
    "TimeAccountBook",
    "TimeAccounts",
    "balances",
    "clean_consent",
    "clean_department",
    "clean_email",
    "clean_id",
    "clean_name",
    "days_left",
    "hours_of",
    "import_calendar",
    "import_shifts",
    "import_staff",
    "import_table",
    "in_zone",
    "read_clock_file",
    "read_ids",
    "read_openings",
]
