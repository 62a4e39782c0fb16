"""What a scheduled report says: subject, the main figures in plain words, and the files that are attached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from engine.attendance import DaySheet
from engine.config import ScheduledReport
from engine.operations.reporting import AttendanceReports
from engine.reports import headline, payroll_period
from engine.types import same_department

_GERMAN: Mapping[str, str] = {
    "Attendance": "Anwesenheit",
    "Departments": "Abteilungen",
    "People": "Personen",
    "Days present": "Tage anwesend",
    "Days late": "Tage mit Verspätung",
    "Days absent": "Fehltage",
    "Days away (leave, sick, remote)": "Tage mit Urlaub, Krankheit oder mobiler Arbeit",
    "Days to settle": "Tage zu klären",
    "Nobody was seen or expected.": "Niemand wurde gesehen oder erwartet.",
    "The attached files have the days of every person.": "Die Anlagen enthalten die Tage aller Personen.",
    "Settle the open days on the page Month in Muster; the next report then shows what holds.": (
        "Klären Sie die offenen Tage in Muster auf der Seite Monat; der nächste Bericht zeigt dann, was gilt."
    ),
    "Muster sent this by itself": "Muster hat diese E-Mail automatisch gesendet",
    "every day": "täglich",
    "every week": "wöchentlich",
    "every month": "monatlich",
    "report": "Bericht",
}


@dataclass(frozen=True)
class Letter:
    """An e-mail; `files`: content by name of the attached file."""

    title: str
    body: str
    files: Mapping[str, bytes]


def letter(
    reports: AttendanceReports, report: ScheduledReport, first: date, last: date, organisation: str, language: str
) -> Letter:
    """Write a report with the figures of the present.

    Raises:
        ConfigError: a package that makes the files is not installed.
        StorageError: the logs cannot be read.
    """
    words = _GERMAN if language == "de" else {}

    def say(text: str) -> str:
        return words.get(text, text)

    wanted = set(map(same_department, report.departments))
    rows = [row for row in reports.rows(first, last) if not wanted or same_department(row.department) in wanted]
    span = spelled_days(first, last, language)
    title = " · ".join(filter(None, (f"{say('Attendance')} {span}", organisation)))
    departments = ", ".join(report.departments)
    open_days = sum(row.to_settle for row in rows)
    name = f"„{report.name}“" if language == "de" else f"“{report.name}”"
    settle = "Settle the open days on the page Month in Muster; the next report then shows what holds."
    lines = [
        f"{say('Attendance')} {span}",
        *([f"{say('Departments')}: {departments}"] if departments else []),
        *(_figures(rows, say) if rows else [say("Nobody was seen or expected.")]),
        "",
        say("The attached files have the days of every person."),
        *([say(settle)] if open_days else []),
        "",
        f"{say('Muster sent this by itself')}: {say('report')} {name}, {say(f'every {report.every}')}.",
    ]
    return Letter(title, "\n".join(lines), _files(reports, report, first, last, rows))


def spelled_days(first: date, last: date, language: str) -> str:
    """Days as people write them: `16 to 22 November 2026`, `16. bis 22. November 2026`."""
    locale = "de" if language == "de" else "en_GB"
    whole = format_date(last, "d. MMMM y" if language == "de" else "d MMMM y", locale)
    if first == last:
        return f"{format_date(first, 'EEEE', locale)}, {whole}"
    parts = ("d.", " MMMM", " y") if language == "de" else ("d", " MMMM", " y")
    count = 1 if (first.year, first.month) == (last.year, last.month) else 2 if first.year == last.year else 3
    begin = format_date(first, "".join(parts[:count]), locale)
    return f"{begin} {'bis' if language == 'de' else 'to'} {whole}"


def _figures(rows: Sequence[DaySheet], say: Callable[[str], str]) -> list[str]:
    count = headline(rows)
    figures = {
        "People": len({row.employee_id for row in rows}),
        "Days present": count.present,
        "Days late": count.late,
        "Days absent": count.absent,
        "Days away (leave, sick, remote)": count.away,
        "Days to settle": sum(row.to_settle for row in rows),
    }
    return [f"{say(label)}: {figure}" for label, figure in figures.items()]


def _files(
    reports: AttendanceReports, report: ScheduledReport, first: date, last: date, rows: Sequence[DaySheet]
) -> dict[str, bytes]:
    """The files as `muster report --html` and `--xlsx` write them; neither holds pictures."""
    title = f"Attendance {spelled_days(first, last, 'en')}"
    if report.departments:
        title += f", {', '.join(report.departments)}"
    name = f"attendance-{first}" if first == last else f"attendance-{first}-to-{last}"
    verified = reports.verified_days(first, last)
    files: dict[str, bytes] = {}
    if report.format in {"html", "both"}:
        files[f"{name}.html"] = reports.month_page(rows, title, verified).encode()
    if report.format in {"xlsx", "both"}:
        files[f"{name}.xlsx"] = reports.excel(rows, title, verified, payroll_period(first, last))
    return files
