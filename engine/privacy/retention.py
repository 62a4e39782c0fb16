"""Retention: nothing is kept longer than the settings allow."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from engine.config import RetentionConfig
from engine.gallery import Gallery
from engine.privacy.looks import look
from engine.records.books import Records
from engine.storage import storage_errors
from engine.storage.logs import DayLog
from engine.storage.pictures import pictures_in
from engine.storage.vault import Owner

_IMAGES: Mapping[str, tuple[str, ...]] = {
    "unknown_images": ("unknown", "unidentified"),
    "tailgating_images": ("tailgating", "presentation_attack", "watch_list", "wrong_name", "badge"),
    "evidence_images": ("evidence",),
}
QUARANTINE = "quarantine"
"""Folder of what is too old and not erased yet."""
_STAMP = re.compile(r"(\d{8})T\d{6}-")


@dataclass(frozen=True)
class Expired:
    """What is too old in one class of data.

    Attributes:
        what: the class, as the settings name it.
        days: how long the settings allow to keep it.
        count: number of pictures, people, or days of a log.
        oldest: day of the oldest one; None if nothing is too old.
    """

    what: str
    days: int
    count: int
    oldest: date | None


def _day(name: str) -> date | None:
    """Return the day with which a generated name begins."""
    match = _STAMP.match(name)
    with contextlib.suppress(ValueError):
        return date.fromisoformat(match.group(1)) if match else None
    return None


def purge_in_time(records: Records, config: RetentionConfig, *, author: str, own: bool = False) -> list[Expired]:
    """Move to quarantine what is too old, and erase what has been there for long enough; nothing while the clock is doubted.

    Args:
        own: only what lies on this machine alone, see `purge`.

    Raises:
        StorageError: something could not be erased; a second attempt continues.
    """
    now = look(records)
    if now.doubt or now.earlier is None:
        return []
    release(records, now.earlier - timedelta(days=config.quarantine))
    return purge(records, config, apply=True, author=author, today=now.earlier, quarantine=True, own=own)


def release(records: Records, last: date | None = None) -> int:
    """Erase for good what was moved to quarantine by a day, default: everything; return the number of files."""
    count = 0
    for folder in sorted((records.workspace / QUARANTINE).glob("*-*-*")):
        with contextlib.suppress(ValueError):  # another folder is not Muster's
            if last is None or date.fromisoformat(folder.name) <= last:
                for path in sorted(folder.rglob("*"), reverse=True):  # files before their folders
                    if path.is_dir():
                        path.rmdir()
                    else:
                        count += records.vault.erase(path)
                folder.rmdir()
    return count


def purge(
    records: Records,
    config: RetentionConfig,
    *,
    apply: bool,
    author: str,
    today: date | None = None,
    quarantine: bool = False,
    own: bool = False,
) -> list[Expired]:
    """Erase what is older than the settings allow, or only count it.

    Muster erases a day's log as a whole file and keeps its head in the journal, so verification still passes. Decisions about a stranger
    stay as long as one is kept, because they still apply.

    Args:
        apply: erase; otherwise nothing changes.
        author: for the audit log.
        today: the day to count from; default: the clock's.
        quarantine: move pictures and logs to a folder instead of erasing them.
        own: only the pictures of this machine; rows and strangers are in a database, where others purge them.

    Raises:
        StorageError: something could not be erased; a second attempt continues.
    """
    purging = _Purge(records, apply, today, config.quarantine if quarantine else 0)
    classes: dict[str, Callable[[], Iterable[date]]] = {
        what: partial(purging.pictures, folders) for what, folders in _IMAGES.items()
    }
    classes["faces"] = purging.faces  # on the machine that saw them, as pictures are
    shared: dict[str, Callable[[], Iterable[date]]] = {
        "strangers": purging.strangers,
        "sightings": lambda: purging.log(records.sightings.log.raw),
        "attendance": partial(purging.attendance, closed=config.closed_sheets is None),
        "closed_sheets": lambda: purging.log(records.attendance.closed.days.raw),
        "incidents": purging.incidents,
    }
    if own:
        classes["incidents"] = lambda: {day for log in records.local_logs for day in purging.log(log)}
    found = []
    for what, old in (classes if own else classes | shared).items():
        days: int | None = getattr(config, what)
        if days is not None:
            purging.days = days
            ages = sorted(old())
            found.append(Expired(what, days, len(ages), ages[0] if ages else None))
    if apply and records.listing is not None:
        records.listing.purge(purging.today - timedelta(days=config.quarantine), records.now())
    if apply and (erased := [f"{row.count} {row.what.replace('_', ' ')}" for row in found if row.count]):
        records.note("purge", "", ", ".join(erased), author=author)
    return found


class _Purge:
    """Finds, and with `apply` erases, what is older than `days`; each method returns the days of what it found."""

    def __init__(self, records: Records, apply: bool, today: date | None, quarantine_days: int) -> None:
        self._records, self._apply, self._quarantine = records, apply, quarantine_days
        self._now = records.clock()
        self.today = today or records.attendance.day_of(self._now)
        self._forgotten: set[str] = set()
        self.days = 0

    @property
    def _limit(self) -> date:
        return self.today - timedelta(days=self.days)

    def _aside(self, name: str) -> Path:
        """The place of a file in quarantine, whose folder is made."""
        path = self._records.workspace / QUARANTINE / self.today.isoformat() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _files(self, paths: Iterable[Path], named: Callable[[str], date | None] = _day) -> list[date]:
        """Treat files whose name, or else whose time of change, is too old."""
        old: dict[Path, date] = {}
        for path in paths:
            with storage_errors(path), contextlib.suppress(FileNotFoundError):  # another process may erase, too
                day = named(path.name) or datetime.fromtimestamp(path.stat().st_mtime, self._records.zone).date()
                if day < self._limit:
                    old[path] = day
        if self._apply and old:
            self._records.vault.erasing(old)
        for path in old if self._apply else ():
            with storage_errors(path), contextlib.suppress(FileNotFoundError):
                if self._quarantine:
                    path.replace(self._aside(f"{path.parent.name}/{path.name}"))
                else:
                    self._records.vault.erase(path)
        return list(old.values())

    def pictures(self, folders: Collection[str]) -> list[date]:
        images = self._records.workspace / "images"
        old = self._files(path for folder in folders for path in pictures_in(images, folder))
        if self._apply:  # the months of which nothing is left
            first = f"{self._limit - timedelta(days=self._quarantine):%Y-%m}"
            self._records.vault.ring.destroy(lambda owner: Owner.is_before(owner, set(folders), first))
        return old

    def faces(self) -> list[date]:
        """Treat the faces of days; they go at once, as templates do."""
        seen = self._records.seen
        before = self._limit + timedelta(days=not self.days)  # 0: none is kept, not even today's
        return seen.purge(before) if self._apply else seen.expired(before)

    def strangers(self) -> list[date]:
        """Treat strangers whom nobody has seen for so long, except for those on the watch list."""
        records, register = self._records, self._records.dossiers.register()
        seen: dict[str, date] = {}
        for day in records.incidents.log.days():
            for row in records.incidents.log.read(day):
                seen |= dict.fromkeys(register.of(row), day)
        old: dict[str, date] = {}

        def without_old(gallery: Gallery) -> Gallery:
            """Decide again with the present gallery, because somebody may have just come back."""
            last = {register.current(person): date.min for person in gallery.people} | seen
            for template in gallery.templates:
                person = register.current(template.person)
                last[person] = max(last[person], _day(template.template_id) or date.min)
            held = {register.current(person) for person in gallery.people} - register.watched
            old.clear()
            old.update({person: last[person] for person in held if date.min < last[person] < self._limit})
            return gallery.without(person for person in gallery.people if register.current(person) in old)

        without_old(records.strangers.current())
        if self._apply and old:
            records.strangers.update(without_old)
        self._forgotten = set(old)
        # files with faces of strangers under another model, and of recordings that were observed but never decided
        beside = [*records.strangers.kept_aside(), *records.observations.glob("*/*.npz")]
        return [*old.values(), *self._files(beside, named=lambda _name: None)]

    def attendance(self, *, closed: bool) -> set[date]:
        """Treat days of attendance; `closed`: and their sealed sheets."""
        attendance, coverage = self._records.attendance, self._records.attendance.plan.coverage
        books = [attendance.log.raw, attendance.corrections.raw, attendance.requests.log.raw]
        logs = [*books, *([coverage.log.raw] if coverage else [])]
        old = set[date]()
        for log in (*logs, attendance.closed.days.raw) if closed else logs:
            old |= self.log(log)
        for path in sorted((self._records.workspace / "attendance").glob("*.csv")):
            with contextlib.suppress(ValueError):  # other files are not Muster's
                day = date.fromisoformat(path.stem)
                if day < self._limit:
                    old.add(day)
                    if self._apply:
                        attendance.sheets.forget(day)
        return old

    def incidents(self) -> set[date]:
        records, register = self._records, self._records.dossiers.register()
        people = records.strangers.current().people
        held = {register.current(person) for person in people} - self._forgotten | register.watched
        for day in records.incidents.log.days():
            if day >= self._limit:
                held |= {person for row in records.incidents.log.read(day) for person in register.of(row)}
        in_force = {
            day
            for day, rows in records.dossiers.by_day().items()
            if any(held & {register.current(row.subject), register.current(row.into)} for row in rows)
        }
        old = self.log(records.incidents.log.raw) | self.log(records.deliveries.raw)
        for log in (records.answers.log.raw, *records.local_logs):
            old |= self.log(log)
        return old | self.log(records.dossiers.log.raw, keep=in_force)

    def log(self, log: DayLog, keep: Collection[date] = ()) -> set[date]:
        """Treat the days of a log, except for those to keep."""
        old = {day for day in log.days() if day < self._limit and day not in keep}
        for day in sorted(old) if self._apply else ():
            for name in log.files(day) if self._quarantine else ():
                path = self._records.workspace / "log" / name
                with storage_errors(path), contextlib.suppress(FileNotFoundError):  # rows of a database are no files
                    shutil.copy2(path, self._aside(f"log/{name}"))
            log.purge(day, self._now, f"kept for {self.days} days")
        return old
