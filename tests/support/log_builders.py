"""Builders that the tests of sealed logs share: a log of two days, and ways to rewrite its files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from engine.attendance import PunchRow
from engine.storage.logs import DayLog, FileLogs, Finding, Sealer, sealer_of

DAY, OTHER = date(2026, 11, 23), date(2026, 11, 24)
LATER = datetime(2026, 11, 30, tzinfo=UTC)
COLUMNS = ("event_id", "employee_id", "note")
NOTES = ("", 'said "no"; left', "Zoë, =1+1", "x" * 40, "-3", "plain")


def day_log(folder: Path) -> DayLog:
    """A log in that folder."""
    return FileLogs(folder / "log", Sealer(folder / "seal.key")).daily("attendance", COLUMNS, people=("employee_id",))


def rows(count: int, first: int = 1) -> list[dict[str, str]]:
    """Rows with running numbers."""
    numbers = range(first, first + count)
    return [{"event_id": f"e{n}", "employee_id": f"E{n}", "note": NOTES[n % len(NOTES)]} for n in numbers]


def add(log: DayLog, day: date, count: int, first: int = 1) -> None:
    """Append them one by one."""
    for row in rows(count, first):
        with log.exclusive():
            log.append(day, [row])


def filled(folder: Path, count: int = 6, *, closed: bool = True) -> DayLog:
    """A log of two days."""
    log = day_log(folder)
    for day in (DAY, OTHER):
        add(log, day, count)
    if closed:
        log.close(OTHER + timedelta(1), LATER)
    return log


def lines_of(log: DayLog, day: date = DAY) -> list[bytes]:
    """A day's file, line by line."""
    return log.shelf.path(day).read_bytes().splitlines(keepends=True)


def rewrite(log: DayLog, lines: Iterable[bytes], day: date = DAY) -> None:
    """Put these lines in place of a day's file."""
    log.shelf.path(day).write_bytes(b"".join(lines))


def head_of(log: DayLog, day: date = DAY) -> Path:
    """Where a day's running head lies."""
    return log.shelf.folder / ".heads" / log.shelf.path(day).name


def kinds(findings: Iterable[Finding]) -> list[str]:
    """What the findings are."""
    return [finding.what for finding in findings]


def accused(findings: Iterable[Finding]) -> set[int]:
    """Numbers of the rows that are named."""
    spans = re.findall(r"rows? (\d+)(?: to (\d+))?", " ".join(each.detail.split(" after ")[0] for each in findings))
    return {number for begin, end in spans for number in range(int(begin), int(end or begin) + 1)}


def retraction(
    employee_id: str, time: datetime, camera: str, track: str, reason: str, *, author: str = "engine"
) -> PunchRow:
    """A row that takes back what a track was reported as, for `AttendanceBook.retract`."""
    return PunchRow("", time, employee_id, "retract", camera, track=track, author=author, reason=reason)


def opened(workspace: Path, chosen: Path | None = None) -> tuple[DayLog, FileLogs]:
    """A log of a workspace, and all logs; `chosen`: the key that the settings name."""
    logs = FileLogs(workspace / "log", sealer_of(workspace, chosen))
    return logs.daily("attendance", ("event_id", "employee_id", "note"), people=("employee_id",)), logs


def kept(workspace: Path, chosen: Path | None = None) -> DayLog:
    """A log of a closed day and an open one; `chosen`: the key that the settings name."""
    workspace.mkdir()
    log, _ = opened(workspace, chosen)
    add(log, DAY, 5)
    log.close(OTHER, LATER)
    add(log, OTHER, 3, 10)
    return log


def remove(folder: Path, *names: str) -> None:
    """Delete files or folders of a folder."""
    for name in names:
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink(missing_ok=True)


def remove_a_closed_day(folder: Path) -> None:
    """Delete a closed day of the log in `folder`, its head and the journal."""
    name = f"attendance-{DAY}.csv"
    remove(folder, name, f".heads/{name}", "seals.csv", ".heads/seals.csv")
