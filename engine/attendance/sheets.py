"""Day sheets of a workspace: derived from the logs, or read from the cache if nothing has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.attendance.closing import ClosedBook, Closing
from engine.attendance.correction_log import CorrectionLog
from engine.attendance.corrections import Correction
from engine.attendance.coverage import CoverageBook
from engine.attendance.day import SHEET_COLUMNS, DaySheet, cells
from engine.attendance.log import PunchLog, near
from engine.attendance.periods import AFTER, BEFORE
from engine.attendance.rota import Rota
from engine.attendance.rows import DayRows
from engine.attendance.sheet import Book, day_sheet
from engine.attendance.sheet_cache import SETTLED_DAYS, SheetCache, log_stamps, states
from engine.config import AttendanceConfig
from engine.config.away import Away
from engine.storage import table_text
from engine.storage.logs import Finding
from engine.storage.logs.rows import day_range
from engine.types import Person


@dataclass(frozen=True)
class Plan:
    """Everything that turns a log into sheets.

    Attributes:
        rota: shifts and holidays; None: nobody is expected, so nobody is late or absent.
        leave: returns leave by person and day, for a range of days.
        directions: by camera; other cameras see both ways.
        clock: the present; None: all days are over.
    """

    rota: Rota | None = None
    config: AttendanceConfig = field(default_factory=AttendanceConfig)
    coverage: CoverageBook | None = None
    leave: Callable[[date, date], Mapping[tuple[str, date], Away]] | None = None
    directions: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], datetime] | None = None


class DaySheets:
    """Makes day sheets, see `engine.attendance.sheet`."""

    def __init__(
        self,
        log: PunchLog,
        corrections: CorrectionLog,
        closed: ClosedBook,
        rota: Rota,
        plan: Plan,
        zone: ZoneInfo,
        cache: SheetCache,
    ) -> None:
        self._log, self._corrections, self._closed, self._cache = log, corrections, closed, cache
        self._rota, self._plan, self._zone = rota, plan, zone
        self._making = threading.Lock()

    def on(self, day: date, people: Mapping[str, Person]) -> list[DaySheet]:
        """The sheet of one day.

        Raises:
            StorageError: the logs cannot be read.
        """
        return self.between(day, day, people)

    def between(self, first: date, last: date, people: Mapping[str, Person], only: str | None = None) -> list[DaySheet]:
        """The sheets of the days from `first` to `last`, both included, as far as they have begun; `only`: one person's id.

        Days of a closed month have the sealed figures, whatever was changed since.

        Raises:
            StorageError: the logs cannot be read.
        """
        days = self._begun(first, last)
        found = self._closed.sheets(days, people)
        found |= self._computed([day for day in days if day not in found], people, only)
        return [row for day in days for row in found[day] if only is None or row.employee_id == only]

    def computed(self, first: date, last: date, people: Mapping[str, Person]) -> list[DaySheet]:
        """The sheets as `between` computes them while no month is closed.

        Raises:
            StorageError: the logs cannot be read.
        """
        days = self._begun(first, last)
        found = self._computed(days, people, closed=self._closed.about(first, last))
        return [row for day in days for row in found[day]]

    def foreseen(
        self, day: date, people: Mapping[str, Person], only: str, added: Sequence[Correction]
    ) -> DaySheet | None:
        """One person's sheet of a day with corrections that are in no log; None: nobody would be seen or expected.

        Raises:
            StorageError: the logs cannot be read.
        """
        plan = self._plan
        book = Book(
            people=people,
            rota=self._rota,
            zone=self._zone,
            config=plan.config,
            leave=plan.leave(day, day) if plan.leave else {},
            corrections=[*self._corrections.about_days(day - BEFORE, day + AFTER), *added],
            present=plan.clock().astimezone(UTC) if plan.clock else None,
        )
        rows = self._made([day], book, only, {}, ())[day]
        return next((row for row in rows if row.employee_id == only), None)

    def _begun(self, first: date, last: date) -> list[date]:
        if self._plan.clock is not None:  # a night's working day may have begun before midnight
            last = min(last, self._plan.clock().astimezone(self._zone).date() + timedelta(days=1))
        return day_range(first, last)

    def _computed(
        self,
        days: Sequence[date],
        people: Mapping[str, Person],
        only: str | None = None,
        closed: Sequence[Closing] = (),
    ) -> dict[date, list[DaySheet]]:
        """Sheets by day, from the cache or computed; `closed`: days whose table that people read stays."""
        if not days:
            return {}
        plan, first, last = self._plan, days[0], days[-1]
        now = plan.clock().astimezone(UTC) if plan.clock else None
        today = now.astimezone(self._zone).date() if now else None
        # before anything is read, so that a change meanwhile is noticed the next time
        settled = [day for day in days if today and day <= today - timedelta(days=SETTLED_DAYS)]
        logs = log_stamps(settled, self._log.raw, plan.coverage)
        leave = plan.leave(first, last) if plan.leave else {}
        corrections = self._corrections.about_days(first - BEFORE, last + AFTER)
        rules = (self._rota.rules, repr(plan.config), plan.coverage.rules if plan.coverage else "")
        made_from = states(logs, rules, people, leave, corrections)
        book = Book(
            people=people,
            rota=self._rota,
            zone=self._zone,
            config=plan.config,
            leave=leave,
            corrections=corrections,
            present=now,
        )
        found = self._cached(made_from)
        if only is None and made_from.keys() - found.keys():
            # one at a time: whoever waits finds in the cache what somebody else has made meanwhile
            with self._making:
                found |= self._cached({day: state for day, state in made_from.items() if day not in found})
                missing = [day for day in days if day in made_from and day not in found]
                found |= self._made(missing, book, only, made_from, closed)
        return found | self._made([day for day in days if day not in found], book, only, made_from, closed)

    def _cached(self, made_from: Mapping[date, str]) -> dict[date, list[DaySheet]]:
        found = ((day, self._cache.read(day, state)) for day, state in made_from.items())
        return {day: rows for day, rows in found if rows is not None}

    def _made(
        self,
        days: Sequence[date],
        book: Book,
        only: str | None,
        made_from: Mapping[date, str],
        closed: Sequence[Closing],
    ) -> dict[date, list[DaySheet]]:
        """Compute sheets; those that are complete and settled go into the cache."""
        if not days:
            return {}
        if (coverage := self._plan.coverage) and self._rota:
            book = replace(book, coverage=coverage.between(days[0], days[-1]))
        wanted = sorted({other for day in days for other in near(day)})
        logged = {day: DayRows(rows) for day, rows in self._log.by_day(wanted).items()}
        found = {}
        for day in days:
            found[day] = day_sheet([logged[other] for other in near(day) if other in logged], day, book, only)
            if only is None and day in made_from:
                held = any(each.holds(day) for each in closed)
                self._cache.write(day, found[day], made_from[day], closed=held)
        return found

    def check(self) -> list[Finding]:
        """Return all findings about the tables that people read; see `SheetCache.check`."""
        return self._cache.check()

    def forget_seals(self) -> None:
        """Forget what tables were written with another key: they are not covered until they are written again."""
        self._cache.forget_seals()

    def forget(self, day: date) -> None:
        """Delete the table of a day on purpose."""
        self._cache.forget(day)

    def write(self, day: date, people: Mapping[str, Person]) -> None:
        """Write the table of a day that people read, `attendance/<day>.csv`.

        Raises:
            StorageError: the logs cannot be read, or the table cannot be written.
        """
        self._cache.write_table(day, table_text(SHEET_COLUMNS, map(cells, self.on(day, people))))
