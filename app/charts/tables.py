"""Tables behind the charts: from day sheets to what is drawn, which is also what a page offers as CSV.

The first column of a grouped table says what its rows are: `date`, `week` (its Monday) or `department`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from engine.attendance import DaySheet, Status, WorkWarning, kinds_of_hours
from engine.reports import Stay, by_department
from engine.storage import table_text

_HOURS = ["hours", "credited_hours", "planned_hours", "balance", "overtime_hours"]
_WHO = ["employee_id", "name", "department"]
FEW = 6
"""So many people have a line each in a chart of balances."""
_QUARTILES = ("quartile_1", "median", "quartile_3")
_LONGEST_BY_DAY = 35


def csv(table: pd.DataFrame) -> bytes:
    """A table as CSV; a spreadsheet takes no cell for a formula."""
    shown = table.round(4).astype(object).where(table.notna(), "")
    rows = (dict(zip(table.columns, row, strict=True)) for row in shown.itertuples(index=False))
    return table_text(list(table.columns), rows).encode()


def person_days(rows: Iterable[DaySheet]) -> pd.DataFrame:
    """One row per person and day, with hours, balance, overtime and lateness."""
    measured = ("planned_hours", "hours", "credited_hours", "overtime_hours", "absence_days")
    columns = [*_WHO, "date", *measured[:4], "late", "late_min", measured[4]]
    found = pd.DataFrame(
        [
            (
                row.employee_id,
                row.name or row.employee_id,
                row.department,
                row.day,
                row.planned_hours or 0.0,
                row.hours or 0.0,
                row.credited_hours,
                kinds_of_hours(row)["overtime_hours"] or 0.0,
                row.late is True,
                row.late_min or 0,
                sum(share for _, share in _absent(row)),
            )
            for row in rows
        ],
        columns=columns,
    ).astype(dict.fromkeys(measured, float))
    found["balance"] = (found["hours"] + found["credited_hours"] - found["planned_hours"]).round(2)
    return found


def by_time(days: pd.DataFrame) -> pd.DataFrame:
    """Hours of everybody and the number of people: by department for one day, by day up to five weeks, otherwise by week."""
    key, days = _grouped(days)
    return days.groupby(key)[_HOURS].sum().round(2).join(_people(days, key)).reset_index()


def _grouped(days: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The column to group by, and the table with it."""
    dates = pd.to_datetime(days["date"])
    span = (dates.max() - dates.min()).days + 1 if len(days) else 0
    if span <= 1:
        return "department", days
    if span <= _LONGEST_BY_DAY:
        return "date", days
    return "week", days.assign(week=(dates - pd.to_timedelta(dates.dt.day_of_week, unit="D")).dt.date)


def steps(days: pd.DataFrame) -> list[object]:
    """The days, weeks or departments of a chart by time, in order."""
    key, days = _grouped(days)
    return sorted(set(days[key]))


def _people(days: pd.DataFrame, key: str) -> pd.DataFrame:
    return days.groupby(key).agg(people=("employee_id", "nunique"))


def overtime_by_department(days: pd.DataFrame) -> pd.DataFrame:
    """Overtime by time as in `by_time` and by department, with the number of people who have any."""
    key, days = _grouped(days)
    keys = list(dict.fromkeys((key, "department")))
    having = days[days["overtime_hours"] > 0]
    sums = days.groupby(keys)[["overtime_hours"]].sum().round(2)
    people = having.groupby(keys).agg(people=("employee_id", "nunique"))
    return sums.join(people).fillna({"people": 0}).astype({"people": int}).reset_index()


def running_balance(days: pd.DataFrame, most: int = FEW) -> pd.DataFrame:
    """The balance from the first day on, per person: of each person if they are few, otherwise the mean of each department."""
    few = days["employee_id"].nunique() <= most
    key = "employee_id" if few else "department"
    wide = days.pivot_table(index="date", columns=key, values="balance", aggfunc="sum").fillna(0.0).cumsum()
    long = wide.melt(ignore_index=False, value_name="total_balance").reset_index()
    if few:
        last = days.sort_values("date").groupby("employee_id")[["name", "department"]].last()
        long = long.join(last, on="employee_id")
    long = long.join(_people(days, key), on=key)
    long["balance"] = (long["total_balance"] / long["people"]).round(2)
    return long.round({"total_balance": 2}).sort_values(["date", key], ignore_index=True)


def _absent(row: DaySheet) -> list[tuple[str, float]]:
    """Kinds of absence of a day with their share; remote work is none."""
    found = [(part.name, part.share) for part in row.leave if part.status != Status.REMOTE]
    if row.away and not row.leave and row.status != Status.REMOTE:  # a correction says so
        found.append((row.status.value, 1.0))
    if row.status is Status.ABSENT:
        found.append((row.status.value, 1.0 - row.leave_days))
    return found


def absences(rows: Iterable[DaySheet]) -> pd.DataFrame:
    """One row per person, day and kind of absence, with the share of the day; without remote work, holidays and days off."""
    found = [
        (row.employee_id, row.name or row.employee_id, row.department, row.day, kind, share)
        for row in rows
        for kind, share in _absent(row)
    ]
    return pd.DataFrame(found, columns=[*_WHO, "date", "kind", "days"]).astype({"days": float})


def absence_by_kind(rows: Sequence[DaySheet]) -> pd.DataFrame:
    """Days of absence by time as in `by_time` and by kind, with the number of people; days without any are left out."""
    found = absences(rows)
    key, days = _grouped(pd.DataFrame({"date": [row.day for row in rows]}))
    if key == "week":
        found["week"] = found["date"].map(dict(zip(days["date"], days["week"], strict=True)))
    sums = found.groupby([key, "kind"]).agg(days=("days", "sum"), people=("employee_id", "nunique"))
    return sums.round({"days": 2}).reset_index()


_WARNED: Mapping[str, str] = {
    "rest": "short rest",
    "day": "too many hours",
    "break": "short breaks",
    "week": "long weeks",
}


def warnings_by_kind(rows: Sequence[DaySheet], warnings: Iterable[WorkWarning]) -> pd.DataFrame:
    """Warnings of working time by time as in `by_time` and by kind, with the number of people."""
    table = pd.DataFrame(
        [(each.employee_id, each.department, each.day, _WARNED[each.kind], 1.0) for each in warnings],
        columns=["employee_id", "department", "date", "kind", "days"],
    )
    key, days = _grouped(pd.DataFrame({"date": [row.day for row in rows]}))
    if key == "week":
        table["week"] = table["date"].map(dict(zip(days["date"], days["week"], strict=True)))
    return table.groupby([key, "kind"]).agg(days=("days", "sum"), people=("employee_id", "nunique")).reset_index()


def per_person(days: pd.DataFrame) -> pd.DataFrame:
    """Sums of each person, under the name and the department of the last day."""
    days = days.sort_values("date", kind="stable")
    sums = days.groupby("employee_id").agg(
        name=("name", "last"),
        department=("department", "last"),
        **{column: (column, "sum") for column in _HOURS},
        late_days=("late", "sum"),
        late_min=("late_min", "sum"),
        absence_days=("absence_days", "sum"),
    )
    return sums.round(2).reset_index()


def arrivals(rows: Iterable[DaySheet]) -> pd.DataFrame:
    """One row per arrival whose punctuality is known, with minutes after the planned start."""
    found = [
        (
            row.employee_id,
            row.name or row.employee_id,
            row.department,
            row.day,
            row.shift,
            f"{row.arrival:%H:%M:%S}",
            f"{row.planned_in:%H:%M}",
            row.start_offset_min,
            row.late is True,
        )
        for row in rows
        if row.start_offset_min is not None
    ]
    columns = [*_WHO, "date", "shift", "arrival", "planned_in", "min_after_start", "late"]
    return pd.DataFrame(found, columns=columns).astype({"min_after_start": float})


def departments(rows: Sequence[DaySheet]) -> pd.DataFrame:
    """One row per department: shares of late arrivals and of absent person-days, and quartiles of minutes after the planned start."""
    found = [vars(each) for each in by_department(rows)]
    came = arrivals(rows).groupby("department")["min_after_start"]
    quartiles = {f"{name}_min": came.quantile(q) for name, q in zip(_QUARTILES, (0.25, 0.5, 0.75), strict=True)}
    columns = ["name", "people", "expected", "late", "absent", "unsettled"]
    table = pd.DataFrame(found, columns=columns).rename(columns={"name": "department"})
    counted = {"arrivals": came.size(), **quartiles}
    for name, values in counted.items():
        table[name] = table["department"].map(values)
    return table.fillna({"arrivals": 0})


def stays(found: Iterable[Stay], names: Mapping[str, str]) -> pd.DataFrame:
    """One row per stay; without `end` where nobody saw the person leave."""
    rows: list[tuple[Any, ...]] = [
        (
            stay.employee_id,
            names.get(stay.employee_id, stay.employee_id),
            stay.day,
            stay.begin.isoformat(timespec="seconds"),
            "" if stay.open else stay.end.isoformat(timespec="seconds"),
        )
        for stay in found
    ]
    return pd.DataFrame(rows, columns=["employee_id", "name", "date", "begin", "end"])


def quarter_hours(counts: Mapping[tuple[int, int], int]) -> pd.DataFrame:
    """Arrivals by weekday (1 Monday) and quarter hour."""
    rows = [
        (day + 1, f"{quarter // 4:02d}:{15 * (quarter % 4):02d}", count)
        for (day, quarter), count in sorted(counts.items())
    ]
    return pd.DataFrame(rows, columns=["weekday", "quarter_hour", "arrivals"])


def shares(days: Iterable[Any]) -> pd.DataFrame:
    """One row per day, see `engine.reports.Day`."""
    return pd.DataFrame([vars(day) for day in days]).rename(columns={"day": "date"})
