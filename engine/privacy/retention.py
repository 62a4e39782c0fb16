"""Nothing is kept longer than the settings say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.config import RetentionConfig
from engine.gallery import Gallery
from engine.records.books import Records
from engine.storage import storage_errors
from engine.storage.logs import DayLog

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

    A day's logs are erased as whole files whose heads stay in the journal, so that verification still holds. What was decided about
    strangers stays as long as one of them is held, because it still applies.

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
        kept_days: int | None = getattr(config, what)
        if kept_days is not None:
            found.append(_pictures(records, what, kept_days, folders, today, apply=apply))
    forgotten: set[str] = set()
    if config.strangers is not None:
        row, forgotten = _strangers(records, config.strangers, today, apply=apply)
        found.append(row)
    if config.sightings is not None:
        found.append(_sightings(records, config.sightings, now, apply=apply))
    if config.attendance is not None:
        found.append(_attendance(records, config.attendance, now, apply=apply))
    if config.incidents is not None:
        found.append(_incidents(records, config.incidents, now, forgotten, apply=apply))
    if apply and (erased := [f"{row.count} {row.what.replace('_', ' ')}" for row in found if row.count]):
        records.audit.note("purge", "", ", ".join(erased), author=author, now=now)
    return found


def _summary(what: str, days: int, old: Iterable[date]) -> Expired:
    ages = sorted(old)
    return Expired(what, days, len(ages), ages[0] if ages else None)


def _pictures(records: Records, what: str, days: int, folders: Iterable[str], today: date, *, apply: bool) -> Expired:
    old = []
    for path in (path for folder in folders for path in sorted((records.workspace / "images" / folder).glob("*.jpg"))):
        with storage_errors(path), contextlib.suppress(FileNotFoundError):  # another process erases, too
            day = _day(path.name) or datetime.fromtimestamp(path.stat().st_mtime, records.zone).date()
            if day < today - timedelta(days=days):
                old.append(day)
                if apply:
                    path.unlink()
    return _summary(what, days, old)


def _strangers(records: Records, days: int, today: date, *, apply: bool) -> tuple[Expired, set[str]]:
    """Strangers nobody has seen for so long, but for those on the watch list; and by which identifiers they went."""
    register = records.dossiers.register()
    seen: dict[str, date] = {}
    for day in records.incidents.log.days():
        for row in records.incidents.rows.read(day):
            seen |= dict.fromkeys(register.of(row), day)
    old: dict[str, date] = {}
    limit = today - timedelta(days=days)

    def without_old(gallery: Gallery) -> Gallery:
        """Anew with the gallery as it is: somebody may have come back a moment ago."""
        last = {register.current(person): date.min for person in gallery.people} | seen
        for template in gallery.templates:
            person = register.current(template.person)
            last[person] = max(last[person], _day(template.template_id) or date.min)
        held = {register.current(person) for person in gallery.people} - register.watched
        old.clear()
        old.update({person: last[person] for person in held if date.min < last[person] < limit})
        return gallery.without(person for person in gallery.people if register.current(person) in old)

    without_old(records.strangers.current())
    if apply and old:
        records.strangers.update(without_old)
    left = _left_behind(records, limit, apply=apply)
    return _summary("strangers", days, [*old.values(), *left]), set(old)


def _left_behind(records: Records, limit: date, *, apply: bool) -> list[date]:
    """Days of what holds faces of nobody in particular beside the gallery: strangers under another model, and recordings that were
    looked at, but never decided.
    """
    paths = [*records.strangers.kept_aside(), *records.observations.glob("*/*.npz")]
    old = []
    for path in paths:
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            day = datetime.fromtimestamp(path.stat().st_mtime, records.zone).date()
            if day < limit:
                old.append(day)
                if apply:
                    path.unlink()
    return old


def _sightings(records: Records, days: int, now: datetime, *, apply: bool) -> Expired:
    limit = records.attendance.day_of(now) - timedelta(days=days)
    return _summary("sightings", days, _log_days(records.sightings.log, limit, days, now, apply=apply))


def _attendance(records: Records, days: int, now: datetime, *, apply: bool) -> Expired:
    limit = records.attendance.day_of(now) - timedelta(days=days)
    coverage = records.attendance.plan.coverage
    old = set()
    attendance = records.attendance
    for log in (attendance.log.raw, attendance.corrections.raw, *([coverage.log.raw] if coverage else [])):
        old |= _log_days(log, limit, days, now, apply=apply)
    for path in sorted((records.workspace / "attendance").glob("*.csv")):
        with contextlib.suppress(ValueError):  # other files are not ours
            day = date.fromisoformat(path.stem)
            if day < limit:
                old.add(day)
                with storage_errors(path):
                    if apply:
                        path.unlink(missing_ok=True)
    return _summary("attendance", days, old)


def _incidents(records: Records, days: int, now: datetime, forgotten: set[str], *, apply: bool) -> Expired:
    limit = records.attendance.day_of(now) - timedelta(days=days)
    register = records.dossiers.register()
    held = {register.current(person) for person in records.strangers.current().people} - forgotten | register.watched
    for day in records.incidents.log.days():
        if day >= limit:
            held |= {person for row in records.incidents.rows.read(day) for person in register.of(row)}
    in_force = {
        day
        for day, rows in records.dossiers.by_day().items()
        if any(held & {register.current(row.subject), register.current(row.into)} for row in rows)
    }
    old = set()
    for log in (records.incidents.log, records.deliveries.raw):
        old |= _log_days(log, limit, days, now, apply=apply)
    old |= _log_days(records.dossiers.log, limit, days, now, apply=apply, keep=in_force)
    return _summary("incidents", days, old)


def _log_days(
    log: DayLog, limit: date, days: int, now: datetime, *, apply: bool, keep: Collection[date] = ()
) -> set[date]:
    """Days of a log before `limit`, and those to `keep` left out; erased."""
    old = {day for day in log.days() if day < limit and day not in keep}
    for day in sorted(old) if apply else ():
        log.purge(day, now, f"kept for {days} days")
    return old
