"""What leaves Muster: day sheets, month summaries and evacuation lists as CSV, Excel and printable HTML.

Rows are those of the day sheet, one per person and day; `COLUMNS` says what each of their columns means.
"""

from engine.exports.columns import COLUMNS, STATUSES, SUMMARY_COLUMNS, StatusStyle, sheet_csv
from engine.exports.excel import excel_bytes, write_excel
from engine.exports.incident import incident_sheet
from engine.exports.month import month_report
from engine.exports.muster_list import MUSTER_COLUMNS, inside_cells, muster_list_csv, muster_list_html
from engine.exports.payroll import summarise, summary_csv

__all__ = [
    "COLUMNS",
    "MUSTER_COLUMNS",
    "STATUSES",
    "SUMMARY_COLUMNS",
    "StatusStyle",
    "excel_bytes",
    "incident_sheet",
    "inside_cells",
    "month_report",
    "muster_list_csv",
    "muster_list_html",
    "sheet_csv",
    "summarise",
    "summary_csv",
    "write_excel",
]
