"""The attendance log: append-only, and the truth from which everything else is derived.

A person's first sighting is a `punch`. Within the cool-down after it, further sightings in the same direction become `seen` rows, so
that the last time out is known; a camera that sees the person go the other way writes a punch all the same. A `retract` row withdraws
a name and refers to the row that it takes back. A face that could not be identified for certain is an `unidentified` row under the id
that it resembled most: it adds to nobody's time, but that person is not called absent. A `turn` row keeps what the person said at the
kiosk: in which direction the passage went that it refers to. Rows are never rewritten.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, cast
from zoneinfo import ZoneInfo

from engine.attendance.presence import SAME_PASSAGE, Direction
from engine.attendance.rows import IMPORTED, PUNCH, PunchEvent, PunchRow, not_taken_back
from engine.attendance.rules import event_for
from engine.storage import new_id
from engine.storage.logs import Logs
from engine.storage.logs.rows import TypedDayLog
from engine.types import Identity

_PEOPLE_CELLS = ("employee_id", "runner_up", "author")


@dataclass(frozen=True)
class Sighting:
    """An enrolled person was recognised, or nearly.

    Attributes:
        employee_id: the person, or the one whom the face resembled most.
        time: timezone-aware.
        track: the track's name, unique within a day and camera.
        arrival: a presence begins; only such a sighting can be a punch.
        certain: False: the face could not be identified for certain, and `reason` says why.
        liveness: `passed`, `unproven` or `failed`; empty: not checked.
        method: with `pin` or `badge`, no face was compared, and the cells about it stay empty.
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
    method: Literal["face", "pin", "badge"] = "face"


class PunchLog(TypedDayLog[PunchRow]):
    """Appends sightings and withdrawals to the attendance log; several processes may do so at once.

    Args:
        workspace: paths of pictures are relative to it.
        directions: by camera; other cameras see both ways.
    """

    def __init__(
        self, logs: Logs, workspace: Path, zone: ZoneInfo, cool_down: timedelta, directions: Mapping[str, str]
    ) -> None:
        super().__init__(logs.daily("attendance", PUNCH.columns, _PEOPLE_CELLS, keys=("employee_id",)), PUNCH)
        self._workspace, self._zone = workspace, zone
        self._cool_down, self._directions = cool_down, directions

    def record(self, sighting: Sighting, evidence_image: str = "") -> PunchRow | None:
        """Record a sighting as `punch`, `seen` or `unidentified`, or not at all.

        Args:
            evidence_image: path of the picture within the workspace.

        Returns:
            The row that was written durably, now or by an interrupted run; None within the cool-down.

        Raises:
            StorageError: the row could not be written; the log is unchanged.
        """
        time = sighting.time.astimezone(self._zone)
        event_id = self._id_of(sighting)

        def written() -> PunchRow | None:
            if (standing := self.standing(time.date(), "event_id", event_id)) is not None:
                return standing
            event = self._event(sighting, time.date())
            if event is None:
                return None
            identity, by_face = sighting.identity, sighting.method == "face"
            row = PunchRow(
                event_id=event_id,
                timestamp=time,
                employee_id=sighting.employee_id,
                event=event,
                camera=sighting.camera,
                method=sighting.method,
                track=sighting.track,
                agreeing_frames=identity.agreeing if by_face else None,
                voting_frames=identity.voting if by_face else None,
                similarity=_short(identity.similarity),
                runner_up=identity.runner_up or "",
                runner_up_similarity=_short(identity.runner_up_similarity),
                margin=_short(identity.margin),
                threshold=_short(identity.threshold),
                model=sighting.model,
                gallery_version=sighting.gallery_version if by_face else None,
                evidence_image=evidence_image,
                reason=sighting.reason,
                direction=self._direction(sighting.camera),
                liveness=sighting.liveness,
            )
            self.append(time.date(), [row])
            return row

        return self.repeated(written)

    def would_record(self, sighting: Sighting) -> PunchEvent | None:
        """The event that `record` would write now; None: none.

        Raises:
            StorageError: the log cannot be read.
        """
        day = sighting.time.astimezone(self._zone).date()
        standing = self.standing(day, "event_id", self._id_of(sighting))
        return standing.event if standing is not None else self._event(sighting, day)

    def retract(self, wanted: PunchRow) -> list[tuple[PunchRow, PunchRow]]:
        """Take back what a track was reported as; the rows that are taken back stay.

        Args:
            wanted: a `retract` row without its own id and that of the row that it takes back; `runner_up`: who it is, if known.

        Returns:
            Each row that is taken back, with the row that does so; empty if the track had written nothing.

        Raises:
            StorageError: the rows could not be written; the log is unchanged.
        """
        time = wanted.timestamp.astimezone(self._zone)
        day, place = time.date(), (wanted.camera, wanted.track)

        def written() -> list[tuple[PunchRow, PunchRow]]:
            rows = not_taken_back(self.about(wanted.employee_id, day - timedelta(days=1), day))
            found = [
                (
                    row,
                    replace(
                        wanted,
                        event_id=new_id(time, "retract", row.event_id),
                        timestamp=time,
                        method=row.method,
                        refers_to=row.event_id,
                        direction=row.direction,
                    ),
                )
                for row in rows
                if (row.camera, row.track) == place
            ]
            if found:
                self.append(day, [retraction for _, retraction in found])
            return found

        return self.repeated(written)

    def turn(self, passage: PunchRow, direction: Direction, time: datetime) -> PunchRow | None:
        """Write in which direction a passage went, as the person says; the row of the passage stays.

        Args:
            time: when they said so, timezone-aware.

        Returns:
            The row; None: the passage does not count any more, or that is its direction already.

        Raises:
            StorageError: the row could not be written; the log is unchanged.
        """
        time = time.astimezone(self._zone)
        first, last = passage.timestamp.astimezone(self._zone).date(), time.date()

        def written() -> PunchRow | None:
            rows = not_taken_back(self.about(passage.employee_id, first, last))
            standing = next((row for row in rows if row.event_id == passage.event_id), None)
            if standing is None or standing.direction == direction:
                return None
            row = PunchRow(
                new_id(time, "turn", passage.event_id, direction, time.isoformat()),
                time,
                passage.employee_id,
                "turn",
                passage.camera,
                method=passage.method,
                track=passage.track,
                refers_to=passage.event_id,
                direction=direction,
            )
            self.append(last, [row])
            return row

        return self.repeated(written)

    def unknown(self, wanted: Iterable[PunchRow]) -> list[PunchRow]:
        """Return the imported passages that the log does not have yet, each person's of one moment once, with their ids.

        Args:
            wanted: punches without ids, in the order in which they are written.

        Raises:
            StorageError: the log cannot be read.
        """
        there, taken_back = dict[tuple[str, datetime], PunchRow](), Counter[tuple[str, datetime]]()
        rows = [replace(row, timestamp=row.timestamp.astimezone(self._zone)) for row in wanted]
        for logged in self.by_day(sorted({row.timestamp.date() for row in rows})).values():
            old = [row for row in logged if row.method == IMPORTED]
            there |= {row.content: row for row in not_taken_back(old)}
            taken_back.update(row.content for row in old if row.event == "retract")
        found = []
        for row in rows:
            content = row.content
            if content not in there:
                there[content] = row
                found.append(replace(row, event_id=self._imported_id(row, taken_back[content])))
        return found

    def add(self, wanted: Sequence[PunchRow]) -> list[PunchRow]:
        """Append imported passages that the log does not have yet; return them.

        Raises:
            StorageError: a day could not be written; those before it stay, and adding them again does no harm.
        """
        with self.exclusive():
            found = self.unknown(wanted)
            by_day: dict[date, list[PunchRow]] = {}
            for row in found:
                by_day.setdefault(row.timestamp.date(), []).append(row)
            for day, rows in sorted(by_day.items()):
                self.append(day, sorted(rows, key=lambda row: (row.timestamp, row.event_id)))
        return found

    def take_back(self, import_id: str, author: str, reason: str) -> list[PunchRow]:
        """Take back the passages of an import that still count; return the rows that do so.

        Raises:
            StorageError: a day could not be written; a second attempt continues.
        """
        written = []
        with self.exclusive():
            for day, rows in self.by_day(self.days()).items():
                own = [row for row in not_taken_back(rows) if row.method == IMPORTED and row.track == import_id]
                back = [
                    replace(
                        row,
                        event_id=f"{row.event_id}-back",
                        event="retract",
                        refers_to=row.event_id,
                        author=author,
                        reason=reason,
                    )
                    for row in own
                ]
                if back:
                    self.append(day, back)
                    written += back
        return written

    def _imported_id(self, row: PunchRow, number: int) -> str:
        """The id of an imported row follows from its person and moment. It reveals nothing once the person is forgotten.

        Args:
            number: of earlier rows of the same content that were taken back.
        """
        who, time = self.raw.sealer.pseudonym(row.employee_id), row.timestamp.astimezone(UTC).isoformat()
        basis = "\0".join((IMPORTED, who, time, str(number)))
        return f"{row.timestamp:%Y%m%dT%H%M%S}-{hashlib.sha256(basis.encode('utf-8', 'replace')).hexdigest()[:12]}"

    def evidence_path(self, sighting: Sighting) -> Path:
        """Path for a new picture of a sighting, certain or not."""
        folder = self._workspace / "images" / ("evidence" if sighting.certain else "unidentified")
        about = ("picture", sighting.track, sighting.employee_id)
        return folder / f"{new_id(sighting.time.astimezone(self._zone), *about)}.jpg"

    def month_of(self, sighting: Sighting) -> str:
        """The month of a sighting, such as `2026-11`, in the workplace's time zone."""
        return f"{sighting.time.astimezone(self._zone):%Y-%m}"

    def relative(self, path: Path) -> str:
        """A path as in rows: within the workspace, with forward slashes."""
        return path.relative_to(self._workspace).as_posix()

    def _id_of(self, sighting: Sighting) -> str:
        about = ("attendance", sighting.track, sighting.employee_id, "certain" if sighting.certain else "doubt")
        return new_id(sighting.time.astimezone(self._zone), *about)

    def _direction(self, camera: str) -> Direction:
        return cast("Direction", self._directions.get(camera, "both"))

    def _event(self, sighting: Sighting, day: date) -> PunchEvent | None:
        own = self.about(sighting.employee_id, day - timedelta(days=1), day + timedelta(days=1))
        own = [row for row in own if row.method != IMPORTED]  # what cameras record does not depend on imports
        valid, direction = not_taken_back(own), self._direction(sighting.camera)
        counted = {row.event_id for row in valid}
        # two looks of one camera are one passage, whichever direction the person told
        rows = [row for row in own if row.event_id in counted or row.event == "unidentified"]
        rows = [row for row in rows if row.direction == direction]
        punches, seen, doubts = (
            [row.timestamp for row in rows if row.event == event] for event in ("punch", "seen", "unidentified")
        )
        return event_for(
            sighting.time,
            self._cool_down,
            punches=punches,
            seen=seen,
            doubts=doubts,
            arrival=sighting.arrival,
            certain=sighting.certain,
            changes=_changes(direction, [row for row in valid if row.timestamp <= sighting.time], sighting.time),
        )


def _changes(direction: Direction, before: Sequence[PunchRow], time: datetime) -> bool:
    """Whether a passage goes the other way than the last one before it whose direction is known."""
    if direction == "both":  # somebody who told that they went out, and is here again
        last = max(before, key=lambda row: row.timestamp, default=None)
        return last is not None and last.direction == "out" and time - last.timestamp > SAME_PASSAGE
    known = [row for row in before if row.direction in {"in", "out"}]
    last = max(known, key=lambda row: row.timestamp, default=None)
    return last is not None and last.direction != direction


def near(day: date) -> list[date]:
    """Days whose rows a sheet needs: those that decide where a day begins, a night's next day, and a day of retractions after it."""
    return [day + timedelta(days=offset) for offset in range(-3, 3)]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
