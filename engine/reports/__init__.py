"""Figures made of day sheets and logs, and what is printed or exported from them as CSV, Excel and HTML. Pure.

Rows are those of the day sheet. Days that cannot be judged (a camera was off, a face not identified) count neither as late nor absent.

Not here: what late, present and worked mean (`engine.attendance`), and charts on pages (`app.charts`).
"""

from engine.reports.alerts import AlertRate, FalseAlarms, alert_rates, false_alarms
from engine.reports.arrivals import arrivals, minute_of_day, punctuality, quarters, starts
from engine.reports.case_files import CaseFiles
from engine.reports.columns import COLUMNS, STATUSES, SUMMARY_COLUMNS, StatusStyle, sheet_csv
from engine.reports.excel import excel_bytes
from engine.reports.groups import AWAITING, OpenGroup, open_groups
from engine.reports.headline import Exceptional, Headline, exceptions, headline
from engine.reports.incident import incident_sheet
from engine.reports.month import month_report
from engine.reports.muster_list import MUSTER_COLUMNS, inside_cells, muster_list_csv, muster_list_html
from engine.reports.payroll import payroll_period, period_days, summarise, summary_csv
from engine.reports.punches import PassageInForce, attlog, passages_in_force, punches_csv
from engine.reports.row_messages import messages_excel
from engine.reports.stays import Stay, occupancy, stays
from engine.reports.trends import Day, Department, Week, by_department, days_of, weeks

__all__ = [
    "AWAITING",
    "COLUMNS",
    "MUSTER_COLUMNS",
    "STATUSES",
    "SUMMARY_COLUMNS",
    "AlertRate",
    "CaseFiles",
    "Day",
    "Department",
    "Exceptional",
    "FalseAlarms",
    "Headline",
    "OpenGroup",
    "PassageInForce",
    "StatusStyle",
    "Stay",
    "Week",
    "alert_rates",
    "arrivals",
    "attlog",
    "by_department",
    "days_of",
    "excel_bytes",
    "exceptions",
    "false_alarms",
    "headline",
    "incident_sheet",
    "inside_cells",
    "messages_excel",
    "minute_of_day",
    "month_report",
    "muster_list_csv",
    "muster_list_html",
    "occupancy",
    "open_groups",
    "passages_in_force",
    "payroll_period",
    "period_days",
    "punches_csv",
    "punctuality",
    "quarters",
    "sheet_csv",
    "starts",
    "stays",
    "summarise",
    "summary_csv",
    "weeks",
]
