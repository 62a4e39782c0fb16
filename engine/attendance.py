"""The attendance log, append-only and the truth, and the day sheet that is derived from it.

A person's first sighting is a `punch`. Within the cool-down after it further sightings are not punches; at most one of them per
cool-down is kept as a `seen` row, so that the last time out is known. A withdrawn name is a `retract` row that names the row it takes
back. Nothing is ever rewritten.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.config import EventsConfig
from engine.errors import StorageError
from engine.storage import DayLog, new_id, write_table
from engine.types import Identity

__all__ = ["ATTENDANCE_COLUMNS", "SHEET_COLUMNS", "AttendanceBook", "Sighting", "day_sheet"]

log = logging.getLogger(__name__)

ATTENDANCE_COLUMNS = (
    "event_id", "timestamp", "employee_id", "event", "camera", "method", "track", "agreeing_frames", "voting_frames",
    "similarity", "runner_up", "runner_up_similarity", "margin", "threshold", "model", "gallery_version",
    "evidence_image", "refers_to", "author", "reason",
)  # fmt: skip

SHEET_COLUMNS = (
    "employee_id", "name", "date", "first_in", "last_out", "hours", "status", "punches", "utc_offset", "camera_in",
    "similarity_in", "department",
)  # fmt: skip


@dataclass(frozen=True)
class Sighting:
    """An enrolled person was recognised.

    Attributes:
        employee_id: who.
        time: when, timezone-aware.
        camera: where.
        track: the track's name, unique within a day and camera.
        identity: the decision's evidence.
        model: id of the embedder.
        gallery_version: of the gallery that was searched.
        arrival: the beginning of a presence; only such a sighting can be a punch.
    """

    employee_id: str
    time: datetime
    camera: str
    track: str
    identity: Identity
    model: str
    gallery_version: int
    arrival: bool = True


class AttendanceBook:
    """Writes the log and keeps the day sheet current; several processes may do so at once.

    Args:
        workspace: folder that holds `log/` and `attendance/`.
        zone: the workplace's time zone: a day begins and ends there.
        config: cool-down.
    """

    def __init__(self, workspace: Path, zone: ZoneInfo, config: EventsConfig) -> None:
        self.log = DayLog(workspace / "log", "attendance", ATTENDANCE_COLUMNS)
        self._workspace = workspace
        self._sheets = workspace / "attendance"
        self._zone = zone
        self._cool_down = timedelta(seconds=config.cool_down_s)
        self._stale: set[date] = set()  # days whose sheet could not be written

    def day_of(self, time: datetime) -> date:
        """The workplace day that a moment belongs to."""
        return time.astimezone(self._zone).date()

    def record(
        self,
        sighting: Sighting,
        people: Mapping[str, Mapping[str, str]],
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
        with self.log.exclusive():
            event = self._event(sighting, day)
            if event is None:
                return None
            identity = sighting.identity
            row: dict[str, object] = {
                "event_id": new_id(sighting.time.astimezone(self._zone)),
                "timestamp": self._stamp(sighting.time),
                "employee_id": sighting.employee_id,
                "event": event,
                "camera": sighting.camera,
                "method": "face",
                "track": sighting.track,
                "agreeing_frames": identity.agreeing,
                "voting_frames": identity.voting,
                "similarity": _short(identity.similarity),
                "runner_up": identity.runner_up,
                "runner_up_similarity": _short(identity.runner_up_similarity),
                "margin": _short(identity.margin),
                "threshold": _short(identity.threshold),
                "model": sighting.model,
                "gallery_version": sighting.gallery_version,
                "evidence_image": evidence_image,
            }
            self.log.append(day, [row])
            self._renew({day}, people, now=renew)
            return row

    def evidence_path(self, name: str) -> Path:
        """Where the evidence picture of that generated name lies."""
        return self._workspace / "images" / "evidence" / f"{name}.jpg"

    def relative(self, path: Path) -> str:
        """A path as it stands in a row: within the workspace, with forward slashes."""
        return path.relative_to(self._workspace).as_posix()

    def would_record(self, sighting: Sighting) -> str | None:
        """What `record` would write now: `punch`, `seen` or None."""
        return self._event(sighting, self.day_of(sighting.time))

    def _stamp(self, time: datetime) -> str:
        return time.astimezone(self._zone).isoformat(timespec="milliseconds")

    def _event(self, sighting: Sighting, day: date) -> str | None:
        rows = [
            row
            for row in _valid(self.log.read(day - timedelta(days=1), day + timedelta(days=1)))
            if row["employee_id"] == sighting.employee_id
        ]
        punches = [datetime.fromisoformat(row["timestamp"]) for row in rows if row["event"] == "punch"]
        seen = [datetime.fromisoformat(row["timestamp"]) for row in rows if row["event"] == "seen"]
        # abs(): after a step of the clock a sighting may lie before the rows that are there
        if all(abs(sighting.time - time) >= self._cool_down for time in punches) and (sighting.arrival or not punches):
            return "punch"
        if all(abs(sighting.time - time) >= self._cool_down for time in seen) and any(
            sighting.time > time for time in punches
        ):
            return "seen"
        return None

    def retract(
        self, employee_id: str, time: datetime, camera: str, track: str, reason: str,
        people: Mapping[str, Mapping[str, str]], *, renew: bool = True,
    ) -> dict[str, object] | None:  # fmt: skip
        """Take back what a track was reported as; the row that it refers to stays.

        Returns:
            The correcting row, or None when that track had written nothing.
        """
        day = self.day_of(time)
        with self.log.exclusive():
            own = [
                row
                for row in _valid(self.log.read(day - timedelta(days=1), day))
                if (row["employee_id"], row["camera"], row["track"]) == (employee_id, camera, track)
            ]
            if not own:
                return None
            rows: list[dict[str, object]] = [
                {
                    "event_id": new_id(time.astimezone(self._zone)),
                    "timestamp": self._stamp(time),
                    "employee_id": employee_id,
                    "event": "retract",
                    "camera": camera,
                    "method": "face",
                    "track": track,
                    "refers_to": row["event_id"],
                    "author": "engine",
                    "reason": reason,
                }
                for row in own
            ]
            self.log.append(day, rows)
            days = {self.day_of(datetime.fromisoformat(row["timestamp"])) for row in own}
            self._renew(days, people, now=renew)
            return rows[-1]

    def sheet(self, day: date, people: Mapping[str, Mapping[str, str]]) -> list[dict[str, object]]:
        """The day sheet, one row per person who was seen."""
        # a retraction of the day before's last minutes may stand in the next file
        return day_sheet(self.log.read(day, day + timedelta(days=1)), people, day, self._zone)

    def _refresh(self, day: date, people: Mapping[str, Mapping[str, str]]) -> None:
        write_table(self._sheets / f"{day.isoformat()}.csv", SHEET_COLUMNS, self.sheet(day, people))

    @property
    def behind(self) -> bool:
        """A day sheet is behind the log."""
        return bool(self._stale)

    def _renew(self, days: set[date], people: Mapping[str, Mapping[str, str]], *, now: bool) -> None:
        """Bring sheets up to date. The log is the truth and is written already, so a sheet that fails is only made later."""
        self._stale |= days
        for day in sorted(self._stale) if now else ():
            try:
                self._refresh(day, people)
            except StorageError as error:
                log.warning("the day sheet is behind the log: %s", error)
                return
            self._stale.discard(day)

    def settle(self, people: Mapping[str, Mapping[str, str]]) -> None:
        """Write the sheets that could not be written before.

        Raises:
            StorageError: one still cannot.
        """
        for day in sorted(self._stale):
            self.refresh(day, people)
            self._stale.discard(day)

    def refresh(self, day: date, people: Mapping[str, Mapping[str, str]]) -> None:
        """Write the day sheet anew from the log."""
        with self.log.exclusive():
            self._refresh(day, people)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _valid(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Punches and sightings that no later row takes back, and whose time can be read."""
    gone = {row["refers_to"] for row in rows if row["event"] == "retract"}
    kept = []
    for row in rows:
        if row["event"] not in {"punch", "seen"} or row["event_id"] in gone:
            continue
        try:
            aware = datetime.fromisoformat(row["timestamp"]).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            log.warning("attendance row %s has no readable time: %r", row["event_id"], row["timestamp"])
            continue
        kept.append(row)
    return kept


def day_sheet(
    rows: Sequence[dict[str, str]], people: Mapping[str, Mapping[str, str]], day: date, zone: ZoneInfo
) -> list[dict[str, object]]:
    """First in, last out and hours of everybody seen on a day: a pure function of the log.

    Hours are the time that really passed between first and last sighting, so a clock change does not lengthen or shorten them.
    Somebody seen only once has no last out and no hours: `status` says `missing out`.

    Args:
        rows: of the log; those of other days are left out.
        people: name and department by id; an unknown id keeps an empty name.
        day: the workplace day.
        zone: the workplace's time zone.
    """
    times: dict[str, list[tuple[datetime, dict[str, str]]]] = {}
    for row in _valid(rows):
        moment = datetime.fromisoformat(row["timestamp"])
        if moment.astimezone(zone).date() == day:
            times.setdefault(row["employee_id"], []).append((moment, row))
    sheet: list[dict[str, object]] = []
    for employee_id, found in times.items():
        found.sort(key=lambda pair: (pair[0], pair[1]["event_id"]))
        (first, first_row), (last, _) = found[0], found[-1]
        out = last > first
        person = people.get(employee_id, {})
        sheet.append(
            {
                "employee_id": employee_id,
                "name": person.get("name", ""),
                "date": day.isoformat(),
                "first_in": f"{first.astimezone(zone):%H:%M:%S}",
                "last_out": f"{last.astimezone(zone):%H:%M:%S}" if out else "",
                "hours": f"{(last - first).total_seconds() / 3600:.2f}" if out else "",
                "status": "present" if out else "missing out",
                "punches": sum(row["event"] == "punch" for _, row in found),
                "utc_offset": f"UTC{first.astimezone(zone).isoformat()[-6:]}",
                "camera_in": first_row["camera"],
                "similarity_in": first_row.get("similarity", ""),
                "department": person.get("department", ""),
            }
        )
    return sorted(sheet, key=_sheet_order)


def _sheet_order(row: Mapping[str, object]) -> tuple[str, str]:
    return str(row["first_in"]), str(row["employee_id"])
