"""What a scheduled report says: subject, the main figures in plain words, and the files that are attached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from engine.attendance import DaySheet
from engine.config import ScheduledReport
from engine.operations.reporting import AttendanceReports
from engine.reports import headline, payroll_period
from engine.types import same_department
from engine.words import Words


@dataclass(frozen=True)
class Letter:
    """An e-mail; `files`: content by name of the attached file."""

    title: str
    body: str
    files: Mapping[str, bytes]


def heads_file(day: date) -> str:
    """The name of an attached list of heads."""
    return f"heads-{day}.csv"


def letter(
    reports: AttendanceReports, report: ScheduledReport, first: date, last: date, organisation: str, language: str
) -> Letter:
    """Write a report with the figures of the present.

    Raises:
        ConfigError: a package that makes the files is not installed.
        StorageError: the logs cannot be read.
    """
    words, say = Words(language), Words(language).say
    if report.format == "heads":
        title = " · ".join(filter(None, (say("Heads of the logs"), f"{last}", organisation)))
        body = say(
            "The attached file says how far each log is sealed. Keep it: muster verify --against FILE compares with it."
        )
        return Letter(title, body, {heads_file(last): reports.heads().encode()})
    wanted = set(map(same_department, report.departments))
    rows = [row for row in reports.rows(first, last) if not wanted or same_department(row.department) in wanted]
    span = words.span(first, last)
    heading = say("Attendance {days}", days=span)
    title = " · ".join(filter(None, (heading, organisation)))
    departments = ", ".join(report.departments)
    open_days = sum(row.to_settle for row in rows)
    every = {"day": say("every day"), "week": say("every week"), "month": say("every month")}[report.every]
    lines = [
        heading,
        *([say("Departments: {names}", names=departments)] if departments else []),
        *(
            _figures(rows, words, _warnings(reports, first, last, rows))
            if rows
            else [say("Nobody was seen or expected.")]
        ),
        "",
        say("The attached files have the days of every person."),
        *(
            [say("Settle the open days on the page Month in Muster; the next report then shows what holds.")]
            if open_days
            else []
        ),
        "",
        say("Muster sent this by itself: report “{name}”, {every}.", name=report.name, every=every),
    ]
    return Letter(title, "\n".join(lines), _files(reports, report, first, last, rows, words))


def _warnings(reports: AttendanceReports, first: date, last: date, rows: Sequence[DaySheet]) -> int | None:
    """How often the rows go beyond the law on working time; None: they are held against none."""
    people = {row.employee_id for row in rows}
    if not reports.working_time_rules:
        return None
    return sum(each.employee_id in people for each in reports.working_time(first, last))


def _figures(rows: Sequence[DaySheet], words: Words, warnings: int | None) -> list[str]:
    count, say = headline(rows), words.say
    figures = {
        say("People"): len({row.employee_id for row in rows}),
        say("Days present"): count.present,
        say("Days late"): count.late,
        say("Days absent"): count.absent,
        say("Days away (leave, sick, remote)"): count.away,
        say("Days to settle"): sum(row.to_settle for row in rows),
    }
    if warnings is not None:
        figures[say("Warnings of working time")] = warnings
    return [f"{label}: {figure}" for label, figure in figures.items()]


def _files(
    reports: AttendanceReports,
    report: ScheduledReport,
    first: date,
    last: date,
    rows: Sequence[DaySheet],
    words: Words,
) -> dict[str, bytes]:
    """The files as `muster report --html` and `--xlsx` write them; neither holds pictures."""
    title = words.say("Attendance {days}", days=words.span(first, last))
    if report.departments:
        title += f", {', '.join(report.departments)}"
    name = f"attendance-{first}" if first == last else f"attendance-{first}-to-{last}"
    verified, accounts = reports.verified_days(first, last), reports.accounts(last)
    files: dict[str, bytes] = {}
    if report.format in {"html", "both"}:
        files[f"{name}.html"] = reports.month_page(rows, title, verified, accounts, words).encode()
    if report.format in {"xlsx", "both"}:
        files[f"{name}.xlsx"] = reports.excel(rows, title, verified, payroll_period(first, last), accounts, words)
    return files
