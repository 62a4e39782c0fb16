"""The attendance log, append-only and the truth, and the day sheet that is derived from it.

A person's first sighting is a `punch`. Within the cool-down after it further sightings of the same direction are not punches; at
most one of them per cool-down is kept as a `seen` row, so that the last time out is known. A withdrawn name is a `retract` row
that names the row it takes back. A face that could not be told for certain is an `unidentified` row under the id it resembled
most: nobody's time, but a reason not to call them absent. Nothing is ever rewritten.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from engine.attendance.corrections import CORRECTION_COLUMNS, Correction, check, parse
from engine.attendance.coverage import CoverageBook
from engine.attendance.day import SHEET_COLUMNS, DaySheet, cells
from engine.attendance.kept import SETTLED_DAYS, KeptSheets, log_stamps, states
from engine.attendance.presence import Direction
from engine.attendance.rota import Rota
from engine.attendance.rules import event_for
from engine.attendance.sheet import Book, DayRows, day_sheet, marks_of, valid_rows
from engine.config import AttendanceConfig, EventsConfig, HolidaysConfig
from engine.errors import InputError, StorageError
from engine.storage import clean_text, new_id, write_table
from engine.storage.logs import FileLogs, Logs
from engine.types import NOBODY, Identity, Person

__all__ = ["ATTENDANCE_COLUMNS", "AttendanceBook", "Plan", "Sighting"]

log = logging.getLogger(__name__)

ATTENDANCE_COLUMNS = (
    "event_id", "timestamp", "employee_id", "event", "camera", "method", "track", "agreeing_frames", "voting_frames",
    "similarity", "runner_up", "runner_up_similarity", "margin", "threshold", "model", "gallery_version",
    "evidence_image", "refers_to", "author", "reason", "direction", "liveness",
)  # fmt: skip
PEOPLE_CELLS = ("employee_id", "runner_up", "author")
_KEPT_AHEAD = timedelta(weeks=13)
"""Sheets of so many days are made ready when days are closed: the longest range that people look at day by day."""


@dataclass(frozen=True)
class Sighting:
    """An enrolled person was recognised, or almost.

    Attributes:
        employee_id: who, or whom the face resembled most.
        time: when, timezone-aware.
        camera: where.
        track: the track's name, unique within a day and camera.
        identity: the decision's evidence.
        model: id of the embedder.
        gallery_version: of the gallery that was searched.
        arrival: the beginning of a presence; only such a sighting can be a punch.
        certain: False: it could not be told who it was, `reason` says why.
        liveness: what the presentation checks say: `passed`, `unproven`, `failed`; empty: not checked.
        method: how they were recognised: by their face, or by a PIN they entered; then there is no evidence of a face, and the
            cells for it stay empty.
    """

    employee_id: str
    time: datetime
    camera: str
    track: str
    identity: Identity
    model: str
    gallery_version: int
    arrival: bool = True
    certain: bool = True
    reason: str = ""
    liveness: str = ""
    method: Literal["face", "pin"] = "face"


@dataclass(frozen=True)
class Plan:
    """What turns a log into sheets.

    Attributes:
        rota: shifts and holidays; None: nobody is expected, so nobody late or absent.
        config: margins.
        coverage: the log of when cameras were watching.
        leave: kinds of leave by person and day, for a range of days.
        directions: of cameras by name, others see both ways.
        clock: the present; None: sheets are of days that are over.
    """

    rota: Rota | None = None
    config: AttendanceConfig = field(default_factory=AttendanceConfig)
    coverage: CoverageBook | None = None
    leave: Callable[[date, date], Mapping[tuple[str, date], str]] | None = None
    directions: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], datetime] | None = None


class AttendanceBook:
    """Writes the log and keeps the day sheet current; several processes may do so at once.

    Args:
        workspace: folder that holds `log/` and `attendance/`.
        zone: the workplace's time zone: a day begins and ends there.
        config: cool-down.
        plan: shifts, coverage and what else a sheet knows.
        logs: makes the logs; default: files in the workspace.
        sheets: whether this process may write day sheets; a recorder that sees no more than it must leaves them to others.
    """

    def __init__(
        self,
        workspace: Path,
        zone: ZoneInfo,
        config: EventsConfig,
        plan: Plan | None = None,
        logs: Logs | None = None,
        *,
        sheets: Callable[[], bool] = lambda: True,
    ) -> None:
        self.plan = plan or Plan()
        logs = logs or FileLogs(workspace / "log")
        self.log = logs.daily("attendance", ATTENDANCE_COLUMNS, PEOPLE_CELLS, keys=("employee_id",))
        self.corrections = logs.daily("corrections", CORRECTION_COLUMNS, ("employee_id", "author"))
        self.rota = self.plan.rota or Rota({}, HolidaysConfig(), zone)
        self._workspace = workspace
        self._kept = KeptSheets(workspace / "attendance", self.log.sealer)
        self._zone = zone
        self._cool_down = timedelta(seconds=config.cool_down_s)
        self._stale: set[date] = set()  # days whose sheet could not be written
        self._sheets = sheets
        self._followed: dict[date, object] = {}

    def day_of(self, time: datetime) -> date:
        """The workplace day that a moment belongs to."""
        return time.astimezone(self._zone).date()

    def record(
        self,
        sighting: Sighting,
        people: Mapping[str, Person],
        evidence_image: str = "",
        *,
        renew: bool = True,
    ) -> dict[str, object] | None:
        """Write the sighting down as `punch` or `seen`, or not at all.

        Args:
            sighting: who, when and why.
            people: name and department by id, for the sheet.
            evidence_image: path of the picture within the workspace.
            renew: bring the day sheet up to date at once; otherwise `settle` does.

        Returns:
            The row that was written durably; None when it was one sighting too many.

        Raises:
            StorageError: it could not be written; the log is as it was.
        """
        day = self.day_of(sighting.time)
        event_id = self._id_of(sighting)
        with self.log.exclusive():
            if (standing := self.log.standing(day, "event_id", event_id)) is not None:
                self._renew({self._work_day(sighting.time, sighting.employee_id, people)}, people, now=renew)
                return dict(standing)
            event = self._event(sighting, day)
            if event is None:
                return None
            identity, by_face = sighting.identity, sighting.method == "face"
            row: dict[str, object] = {
                "event_id": event_id,
                "timestamp": self._stamp(sighting.time),
                "employee_id": sighting.employee_id,
                "event": event,
                "camera": sighting.camera,
                "method": sighting.method,
                "track": sighting.track,
                "agreeing_frames": identity.agreeing if by_face else None,
                "voting_frames": identity.voting if by_face else None,
                "similarity": _short(identity.similarity),
                "runner_up": identity.runner_up,
                "runner_up_similarity": _short(identity.runner_up_similarity),
                "margin": _short(identity.margin),
                "threshold": _short(identity.threshold),
                "model": sighting.model,
                "gallery_version": sighting.gallery_version if by_face else None,
                "evidence_image": evidence_image,
                "reason": sighting.reason,
                "direction": self._direction(sighting.camera),
                "liveness": sighting.liveness,
            }
            self.log.append(day, [row])
            self._renew({self._work_day(sighting.time, sighting.employee_id, people)}, people, now=renew)
            return row

    def _id_of(self, sighting: Sighting) -> str:
        about = ("attendance", sighting.track, sighting.employee_id, "certain" if sighting.certain else "doubt")
        return new_id(sighting.time.astimezone(self._zone), *about)

    def _direction(self, camera: str) -> str:
        return self.plan.directions.get(camera, "both")

    def _work_day(self, time: datetime, employee_id: str, people: Mapping[str, Person]) -> date:
        return self.rota.day_of(time, employee_id, people.get(employee_id, NOBODY).department)

    def evidence_path(self, sighting: Sighting) -> Path:
        """Where a new picture of a sighting is to lie: of a punch, or of a face that could not be told for certain."""
        folder = self._workspace / "images" / ("evidence" if sighting.certain else "unidentified")
        about = ("picture", sighting.track, sighting.employee_id)
        return folder / f"{new_id(sighting.time.astimezone(self._zone), *about)}.jpg"

    def relative(self, path: Path) -> str:
        """A path as it stands in a row: within the workspace, with forward slashes."""
        return path.relative_to(self._workspace).as_posix()

    def would_record(self, sighting: Sighting) -> str | None:
        """What `record` would write now: `punch`, `seen` or None."""
        day = self.day_of(sighting.time)
        standing = self.log.standing(day, "event_id", self._id_of(sighting))
        return standing["event"] if standing is not None else self._event(sighting, day)

    def _stamp(self, time: datetime) -> str:
        return time.astimezone(self._zone).isoformat(timespec="milliseconds")

    def _event(self, sighting: Sighting, day: date) -> str | None:
        own = self.log.about(sighting.employee_id, day - timedelta(days=1), day + timedelta(days=1))
        rows = [*valid_rows(own), *(row for row in own if row["event"] == "unidentified")]
        rows = [row for row in rows if row["direction"] == self._direction(sighting.camera)]
        punches, seen, doubts = (
            [mark.time for mark in marks_of([row for row in rows if row["event"] == event])]
            for event in ("punch", "seen", "unidentified")
        )
        return event_for(
            sighting.time,
            self._cool_down,
            punches=punches,
            seen=seen,
            doubts=doubts,
            arrival=sighting.arrival,
            certain=sighting.certain,
        )

    def retract(
        self, employee_id: str, time: datetime, camera: str, track: str, reason: str,
        people: Mapping[str, Person], *, instead: str = "", author: str = "engine", renew: bool = True,
    ) -> dict[str, object] | None:  # fmt: skip
        """Take back what a track was reported as; the row that it refers to stays.

        Args:
            employee_id, camera, track: what was reported.
            time: of the withdrawal.
            reason: why.
            people: name and department by id, for the sheet.
            instead: who it is, if that is known.
            author: who says so.
            renew: bring the day sheet up to date at once; otherwise `settle` does.

        Returns:
            The correcting row, or None when that track had written nothing.
        """
        day = self.day_of(time)
        with self.log.exclusive():
            known = valid_rows(self.log.about(employee_id, day - timedelta(days=1), day))
            own = [row for row in known if (row["camera"], row["track"]) == (camera, track)]
            if not own:
                return None
            rows: list[dict[str, object]] = [
                {
                    "event_id": new_id(time.astimezone(self._zone), "retract", row["event_id"]),
                    "timestamp": self._stamp(time),
                    "employee_id": employee_id,
                    "event": "retract",
                    "camera": camera,
                    "method": row["method"],
                    "track": track,
                    "runner_up": instead,
                    "refers_to": row["event_id"],
                    "author": author,
                    "reason": reason,
                    "direction": row["direction"],
                }
                for row in own
            ]
            self.log.append(day, rows)
            moments = [datetime.fromisoformat(row["timestamp"]) for row in own]
            self._renew({self._work_day(moment, employee_id, people) for moment in moments}, people, now=renew)
            return rows[-1]

    # ----------------------------------------------------------------------------------------- corrections

    def correct(
        self, employee_id: str, day: date, action: str, *, author: str, reason: str, now: datetime,
        people: Mapping[str, Person], time: datetime | None = None, direction: Direction = "both",
        value: str = "", refers_to: str = "",
    ) -> Correction:  # fmt: skip
        """Correct or approve a person's day: a row in a log of its own, in the file of the day on which it is made.

        Args:
            employee_id, day: whose day.
            action, time, direction, value, refers_to: see `Correction`.
            author, reason: who and why; both are needed.
            now: the present.
            people: name and department by id.

        Raises:
            InputError: it makes no sense; nothing was written.
            StorageError: it could not be written.
        """
        author, reason = (
            clean_text(author, what="author", limit=100),
            clean_text(reason, what="reason", limit=500),
        )
        if employee_id not in people and not any(row["employee_id"] == employee_id for row in self._rows(day)):
            raise InputError(f"nobody is known as {employee_id}", hint="`muster people` lists who is")
        begin, end = self.rota.window(employee_id, people.get(employee_id, NOBODY).department, day)
        if now < begin:
            raise InputError(f"{day} has not come yet", hint="correct what has been, import leave for what will be")
        if time is not None and not begin <= time < end:
            first, last = begin.astimezone(self._zone), end.astimezone(self._zone)
            raise InputError(
                f"{time.astimezone(self._zone):%Y-%m-%d %H:%M} is not within the working day {day}",
                hint=f"it lasts from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}",
            )
        with self.corrections.exclusive():
            before = [row for row in self.corrections_of(day, day) if row.employee_id == employee_id]
            identifier = new_id(now.astimezone(self._zone))
            new = Correction(
                identifier, now, day, employee_id, action, author, reason, time, direction, value, refers_to
            )
            passages = marks_of([row for row in valid_rows(self._rows(day)) if row["employee_id"] == employee_id])
            events = [mark.event_id for mark in passages if begin <= mark.time < end]
            check(new, before, events, now, four_eyes=self.plan.config.four_eyes)
            row: dict[str, object] = {
                "correction_id": identifier,
                "timestamp": self._stamp(now),
                "day": day.isoformat(),
                "employee_id": employee_id,
                "action": action,
                "time": self._stamp(time) if time else "",
                "direction": direction if action == "add" else "",
                "value": value,
                "refers_to": refers_to,
                "author": author,
                "reason": reason,
            }
            self.corrections.append(self.day_of(now), [row])
        with self.log.exclusive():
            self._renew({day}, people, now=True)
        return new

    def _rows(self, day: date) -> list[dict[str, str]]:
        return self.log.on(_near(day))

    def corrections_of(self, first: date, last: date) -> list[Correction]:
        """Corrections and approvals of working days in a range, oldest first."""
        made = [day for day in self.corrections.days() if day >= first - timedelta(days=1)]
        return [row for row in parse(self.corrections.on(made)) if first <= row.day <= last]

    # ----------------------------------------------------------------------------------------- sheets

    def sheet(self, day: date, people: Mapping[str, Person]) -> list[DaySheet]:
        """The day sheet, see `engine.attendance.sheet`."""
        return self.sheets(day, day, people)

    def sheets(self, first: date, last: date, people: Mapping[str, Person], only: str | None = None) -> list[DaySheet]:
        """The sheets of several days, one after the other; what has not begun yet is left out.

        Args:
            first, last: both included.
            people: name, department, `active` and `enrolled_at` by id.
            only: this person alone.
        """
        plan = self.plan
        now = plan.clock().astimezone(UTC) if plan.clock else None
        if now is not None:
            last = min(
                last, self.day_of(now) + timedelta(days=1)
            )  # a night's working day may have begun before midnight
        if last < first:
            return []
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        # before anything is read: what changes meanwhile is seen the next time
        limit = self.day_of(now) - timedelta(days=SETTLED_DAYS) if now else None
        logs = log_stamps([day for day in days if limit and day <= limit], self.log, plan.coverage)
        leave = plan.leave(first, last) if plan.leave else {}
        corrections = self.corrections_of(first, last)
        rules = (self.rota.rules, repr(plan.config), plan.coverage.rules if plan.coverage else "")
        made_from = states(logs, rules, people, leave, corrections)
        found = {day: rows for day, state in made_from.items() if (rows := self._kept.read(day, state)) is not None}
        missing = [day for day in days if day not in found]
        if missing:
            book = Book(
                people=people,
                rota=self.rota,
                zone=self._zone,
                config=plan.config,
                coverage=plan.coverage.between(missing[0], missing[-1]) if plan.coverage and self.rota else None,
                leave=leave,
                corrections=self.corrections_of(missing[0] - timedelta(days=1), missing[-1]),
                present=now,
            )
            near = {day: _near(day) for day in missing}
            wanted = sorted({other for others in near.values() for other in others})
            logged = {day: DayRows(rows) for day, rows in self.log.by_day(wanted).items()}
            for day in missing:
                found[day] = day_sheet([logged[other] for other in near[day] if other in logged], day, book, only)
                if only is None and day in made_from:
                    self._kept.write(day, found[day], made_from[day])
        return [row for day in days for row in found[day] if only is None or row.employee_id == only]

    def close_days(self, now: datetime, people: Mapping[str, Person]) -> list[date]:
        """Close the logs of days that are over for everybody, and write their last sheets.

        A day is over when the day after it is, too: until then a night shift may go on, and a name be withdrawn.
        """
        before = self.day_of(now) - timedelta(days=1)
        closed = self.log.close(before, now)
        self.corrections.close(before, now)
        if self.plan.coverage is not None:
            self.plan.coverage.log.close(before, now)
        for day in (*closed, before):  # the day before `now`, too: who was `inside` is not any more
            if self.log.stamps([day]):
                self.refresh(day, people)
        if logged := self.log.days():
            self.sheets(max(logged[0], before - _KEPT_AHEAD), before, people)
        return closed

    def _refresh(self, day: date, people: Mapping[str, Person]) -> None:
        write_table(self._kept.path(day), SHEET_COLUMNS, list(map(cells, self.sheet(day, people))))

    @property
    def behind(self) -> bool:
        """A day sheet is behind the log."""
        return bool(self._stale)

    def _renew(self, days: set[date], people: Mapping[str, Person], *, now: bool) -> None:
        """Bring sheets up to date. The log is the truth and is written already, so a sheet that fails is only made later."""
        if not self._sheets():
            return
        self._stale |= days
        for day in sorted(self._stale) if now else ():
            try:
                self._refresh(day, people)
            except StorageError as error:
                log.warning("the day sheet is behind the log: %s", error)
                return
            self._stale.discard(day)

    def follow(self, now: datetime, people: Mapping[str, Person]) -> list[date]:
        """Write the sheets of today and of the day before anew if other processes have written to the log; which these were.

        Raises:
            StorageError: the log cannot be read, or a sheet not be written.
        """
        today = self.day_of(now)
        stamps = self.log.stamps([today - timedelta(days=1), today, today + timedelta(days=1)])
        changed = [day for day in (today - timedelta(days=1), today) if self._followed.get(day) != stamps.get(day)]
        for day in changed:
            self.refresh(day, people)
            self._followed[day] = stamps.get(day)
        return changed

    def settle(self, people: Mapping[str, Person]) -> None:
        """Write the sheets that could not be written before.

        Raises:
            StorageError: one still cannot.
        """
        for day in sorted(self._stale):
            self.refresh(day, people)
            self._stale.discard(day)

    def refresh(self, day: date, people: Mapping[str, Person]) -> None:
        """Write the day sheet anew from the log."""
        with self.log.exclusive():
            self._refresh(day, people)


def _near(day: date) -> list[date]:
    """Days whose rows a sheet is made from: nights reach from one day into the next, and a retraction may stand a day later still."""
    return [day + timedelta(days=offset) for offset in (-1, 0, 1, 2)]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
