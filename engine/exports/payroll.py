"""The month summary that payroll works with: one row per person and month."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from engine.exports.columns import SUMMARY_COLUMNS, Row, status_of
from engine.storage import table_text

__all__ = ["number", "summarise", "summary_csv"]

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_COUNTED = {
    "absent": {"absent"},
    "on_leave": {"on leave"},
    "remote": {"remote"},
    "sick": {"sick"},
    "holiday": {"holiday"},
    "missing_in_out": {"missing in", "missing out"},
    "not_covered": {"not covered"},
    "not_identified": {"not identified"},
    "late_days": {"late", "late, left early"},
    "early_days": {"left early", "late, left early"},
}


def number(value: object) -> float | None:
    """A cell as a number; None when it is empty or none. Never NaN or infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip(" \t")):
        return None  # what only float() or only the expression calls a digit or a blank is none
    found = float(value)
    return found if math.isfinite(found) else None


def summarise(rows: Iterable[Row]) -> list[dict[str, object]]:
    """Add up day sheet rows per person and month.

    Hours have two digits, minutes and days are whole; `balance` is exactly what its definition in `SUMMARY_COLUMNS` says.

    Returns:
        Rows with the columns of `SUMMARY_COLUMNS`, by department, name, id and month.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((_text(row, "employee_id"), _text(row, "date")[:7]), []).append(row)
    summary = [_summary(employee_id, month, own) for (employee_id, month), own in groups.items()]
    order = ("department", "name", "employee_id", "month")
    return sorted(summary, key=lambda row: tuple(str(row[column]).casefold() for column in order))


def summary_csv(rows: Iterable[Row]) -> str:
    """The month summary of day sheet rows as CSV; no cell runs in a spreadsheet."""
    return table_text(tuple(SUMMARY_COLUMNS), summarise(rows))


def _text(row: Row, column: str) -> str:
    value = row.get(column, "")
    return "" if value is None else str(value)


def _summary(employee_id: str, month: str, rows: list[Row]) -> dict[str, object]:
    rows = sorted(rows, key=lambda row: _text(row, "date"))
    counts = {key: sum(_text(row, "status") in words for row in rows) for key, words in _COUNTED.items()}
    hours, planned = _total(rows, "hours"), _total(rows, "planned_hours")
    credited = round(sum(_credit(row) for row in rows), 2)
    late = [row for row in rows if _text(row, "status") in _COUNTED["late_days"]]
    early = [row for row in rows if _text(row, "status") in _COUNTED["early_days"]]
    corrected = [row for row in rows if _text(row, "corrected_by")]
    values: dict[str, object] = {
        "employee_id": employee_id,
        "name": next((_text(row, "name") for row in reversed(rows) if _text(row, "name")), ""),
        "department": next((_text(row, "department") for row in reversed(rows) if _text(row, "department")), ""),
        "month": month,
        "days_worked": sum(
            bool(_text(row, "first_in") or _text(row, "last_out") or number(row.get("hours"))) for row in rows
        ),
        "hours": hours,
        "planned_hours": planned,
        "credited_hours": credited,
        "balance": round(hours + credited - planned, 2),
        "late_min": round(_total(late, "late_min")),
        "early_min": round(_total(early, "early_min")),
        "corrected": len(corrected),
        "awaiting_approval": sum(not _text(row, "approved_by") for row in corrected),
        **counts,
    }
    return {column: values[column] for column in SUMMARY_COLUMNS}


def _total(rows: Iterable[Row], column: str) -> float:
    return round(math.fsum(number(row.get(column)) or 0.0 for row in rows), 2)


def _credit(row: Row) -> float:
    """Planned hours of a day that are not held against the person."""
    if status_of(row).group in {"worked", "absent"}:
        return 0.0
    return max((number(row.get("planned_hours")) or 0.0) - (number(row.get("hours")) or 0.0), 0.0)
