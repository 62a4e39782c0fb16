"""Nothing is kept longer than the settings say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from engine.config_attendance import RetentionConfig
from engine.logs import DayLog
from engine.records.books import Records
from engine.storage import storage_errors

__all__ = ["Expired", "purge"]

_IMAGES: Mapping[str, tuple[str, ...]] = {
    "unknown_images": ("unknown", "unidentified"),
    "tailgating_images": ("tailgating", "presentation_attack", "watch_list"),
    "evidence_images": ("evidence",),
}
_STAMP = re.compile(r"(\d{8})T\d{6}-")


@dataclass(frozen=True)
class Expired:
    """What of one class of data is older than it may be.

    Attributes:
        what: the class, as the settings call it.
        days: for how long it is kept.
        count: pictures, people or days of a log.
        oldest: day of the oldest one; None when nothing is too old.
    """

    what: str
    days: int
    count: int
    oldest: date | None


def _day(name: str) -> date | None:
    """The day that a generated name begins with."""
    match = _STAMP.match(name)
    with contextlib.suppress(ValueError):
        return date.fromisoformat(match.group(1)) if match else None
    return None


def purge(records: Records, config: RetentionConfig, now: datetime, *, apply: bool, author: str) -> list[Expired]:
    """Erase what is older than the settings allow, or only count it.

    A day's logs are erased as whole files whose heads stay in the journal, so that verification still holds.

    Args:
        records: the books.
        config: how long what is kept.
        now: the present.
        apply: erase; otherwise nothing changes.
        author: for the audit log.

    Raises:
        StorageError: something could not be erased; a second attempt goes on.
    """
    today = records.attendance.day_of(now)
    found = []
    for what, folders in _IMAGES.items():
        days: int | None = getattr(config, what)
        if days is not None:
            paths = [
                path for folder in folders for path in sorted((records.workspace / "images" / folder).glob("*.jpg"))
            ]
            old = [
                (day, path)
                for path in paths
                if (day := _day(path.name) or _changed(path)) < today - timedelta(days=days)
            ]
            found.append(_summary(what, days, [day for day, _ in old]))
            if apply:
                for _, path in old:
                    with storage_errors(path):
                        path.unlink(missing_ok=True)
    if config.strangers is not None:
        found.append(_strangers(records, config.strangers, today, apply=apply))
    coverage = records.attendance.plan.coverage
    attendance = [records.attendance.log, records.attendance.corrections, *([coverage.log] if coverage else [])]
    incidents = [records.incidents.log, records.deliveries]
    for what, limit, logs in (
        ("attendance", config.attendance, attendance),
        ("incidents", config.incidents, incidents),
    ):
        if limit is not None:
            found.append(_logs(records, what, limit, logs, now, apply=apply))
    if apply and (erased := [f"{row.count} {row.what.replace('_', ' ')}" for row in found if row.count]):
        records.audit.note("purge", "", ", ".join(erased), author=author, now=now)
    return found


def _changed(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime).astimezone().date()


def _summary(what: str, days: int, old: Iterable[date]) -> Expired:
    ages = sorted(old)
    return Expired(what, days, len(ages), ages[0] if ages else None)


def _strangers(records: Records, days: int, today: date, *, apply: bool) -> Expired:
    """Strangers nobody has seen for so long, but for those on the watch list."""
    register = records.dossiers.register()
    seen: dict[str, date] = {}
    for row in records.incident_rows():
        for unknown_id in register.of(row):
            day = datetime.fromisoformat(row["timestamp"]).astimezone(records.zone).date()
            seen[unknown_id] = max(day, seen.get(unknown_id, day))
    gallery = records.strangers.current()
    old: dict[str, date] = {}
    for person in gallery.people:
        made = [_day(template.template_id) for template in gallery.of(person)[0]]
        last = max([day for day in (*made, seen.get(person)) if day], default=today)
        if last < today - timedelta(days=days) and person not in register.watched:
            old[person] = last
    if apply and old:
        records.strangers.update(lambda current: current.without(old))
    return _summary("strangers", days, old.values())


def _logs(records: Records, what: str, days: int, logs: Iterable[DayLog], now: datetime, *, apply: bool) -> Expired:
    limit = records.attendance.day_of(now) - timedelta(days=days)
    old = set()
    for log in logs:
        for day in log.days():
            if day < limit:
                old.add(day)
                if apply:
                    log.purge(day, now, f"kept for {days} days")
    if apply and what == "attendance":
        for day in old:
            sheet = records.workspace / "attendance" / f"{day}.csv"
            with storage_errors(sheet):
                sheet.unlink(missing_ok=True)
    return _summary(what, days, old)
