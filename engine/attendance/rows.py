"""Rows of the attendance log, and their content by person. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from engine.attendance.presence import SAME_PASSAGE, Direction, Mark
from engine.storage.logs.rows import RowType

IMPORTED = "imported"
"""The method of rows that another system recorded."""
FACELESS = frozenset({"pin", "badge"})
"""Methods by which people identify themselves without their face."""
PunchEvent = Literal["punch", "seen", "unidentified", "retract", "turn"]


@dataclass(frozen=True)
class PunchRow:
    """One row of the attendance log.

    Attributes:
        event_id: unique; begins with the day.
        timestamp: timezone-aware.
        employee_id: the person; in an `unidentified` row, the one whom the face resembled most.
        method: `face`, `pin`, `badge`, `sample` or `imported`.
        track: the track's name; in imported rows the import's id.
        agreeing_frames, voting_frames: good frames for this name, and all that voted; None: no face was compared.
        similarity, runner_up, runner_up_similarity, margin: of the best person and the next best; cosines.
        threshold: the similarity that was required.
        evidence_image: path within the workspace; may be empty.
        refers_to: of a `retract` row: the row that it takes back; of a `turn` row: the passage whose direction the person told.
        author: of a `retract` row: the user who took it back; of an imported row: who imported it.
        reason: of withdrawals and of faces that could not be identified.
        direction: that the camera sees, or in a `turn` row the person told; None: not known.
        liveness: `passed`, `unproven` or `failed`; empty: not checked.
    """

    event_id: str
    timestamp: datetime
    employee_id: str
    event: PunchEvent
    camera: str = ""
    method: str = ""
    track: str = ""
    agreeing_frames: int | None = None
    voting_frames: int | None = None
    similarity: float | None = None
    runner_up: str = ""
    runner_up_similarity: float | None = None
    margin: float | None = None
    threshold: float | None = None
    model: str = ""
    gallery_version: int | None = None
    evidence_image: str = ""
    refers_to: str = ""
    author: str = ""
    reason: str = ""
    direction: Direction | None = None
    liveness: str = ""

    @property
    def passage(self) -> bool:
        """True for a `punch` or a `seen` row: the person passed."""
        return self.event in {"punch", "seen"}

    @property
    def by_camera(self) -> bool:
        """Whether a camera saw a face: neither a PIN nor another system said so."""
        return self.method not in {*FACELESS, IMPORTED}

    @property
    def content(self) -> tuple[str, datetime]:
        """Whose passage it is, and when, in UTC: a person has one imported row at a moment."""
        return self.employee_id, self.timestamp.astimezone(UTC)

    @property
    def mark(self) -> Mark:
        """The row as a passage."""
        return Mark(self.timestamp, self.event_id, self.direction or "both", self.event == "seen")


PUNCH = RowType(PunchRow)


def turned(rows: Iterable[PunchRow]) -> dict[str, Direction]:
    """The directions that people told at the kiosk, by the id of the passage; the last word counts."""
    told = sorted((row for row in rows if row.event == "turn"), key=lambda row: (row.timestamp, row.event_id))
    return {row.refers_to: row.direction for row in told if row.direction}


def as_told(rows: Iterable[PunchRow], told: Mapping[str, Direction]) -> list[PunchRow]:
    """The rows with the directions that people told, see `turned`."""
    return [replace(row, direction=told[row.event_id]) if row.event_id in told else row for row in rows]


def not_taken_back(rows: Sequence[PunchRow]) -> list[PunchRow]:
    """Punches and sightings that no other row takes back, in the direction that the person told, if they did."""
    withdrawn = {row.refers_to for row in rows if row.event == "retract"}
    return as_told((row for row in rows if row.passage and row.event_id not in withdrawn), turned(rows))


def valid_rows(rows: Sequence[PunchRow]) -> list[PunchRow]:
    """Punches and sightings that count: nobody takes them back, and no imported one repeats another, see `without_repeats`."""
    return without_repeats(not_taken_back(rows))


def without_repeats(rows: Sequence[PunchRow]) -> list[PunchRow]:
    """Leave out imported passages that show the same passage as another row, within two minutes.

    A recorded row counts before an imported one, and the earlier imported row before the later. Directions must be the same, or one of them
    not known. A recorded punch whose camera sees both ways takes over the imported direction.

    Args:
        rows: passages of any people, none of them taken back, in any order.
    """
    if all(row.method != IMPORTED for row in rows):
        return list(rows)
    own: dict[str, list[PunchRow]] = {}
    for row in rows:
        own.setdefault(row.employee_id, []).append(row)
    kept = {row.event_id: row for passages in own.values() for row in _merged(passages)}
    return [kept[row.event_id] for row in rows if row.event_id in kept]


def _merged(rows: Iterable[PunchRow]) -> list[PunchRow]:
    """One person's passages."""
    ordered = sorted(rows, key=lambda row: (row.timestamp, row.event_id))
    recorded = [row for row in ordered if row.method != IMPORTED]
    times, kept = [row.timestamp for row in recorded], list[PunchRow]()
    for row in ordered:
        if row.method != IMPORTED:
            continue
        near = range(
            bisect_left(times, row.timestamp - SAME_PASSAGE), bisect_right(times, row.timestamp + SAME_PASSAGE)
        )
        found = min(
            (place for place in near if _same(recorded[place], row)),
            key=lambda place: abs(times[place] - row.timestamp),
            default=None,
        )
        if found is None:
            if not (kept and row.timestamp - kept[-1].timestamp <= SAME_PASSAGE and _same(kept[-1], row)):
                kept.append(row)
        elif recorded[found].direction in {None, "both"} and row.direction in {"in", "out"}:
            recorded[found] = replace(recorded[found], direction=row.direction)
    return [*recorded, *kept]


def _same(one: PunchRow, imported: PunchRow) -> bool:
    """Whether an imported passage can be the same as another one next to it."""
    told, said = one.direction or "both", imported.direction or "both"
    # a sighting cannot begin a presence, so it takes over no direction
    return said in {told, "both"} or (told == "both" and one.event == "punch" and one.method != IMPORTED)


class DayRows:
    """The rows of one day of the log, in the form that the sheets of this day and its neighbours need."""

    def __init__(self, rows: Iterable[PunchRow]) -> None:
        self.passages: dict[str, list[PunchRow]] = {}
        """By person, withdrawn ones included."""
        self.withdrawn: set[str] = set()
        """Ids of rows, of this day or an earlier one, that are taken back."""
        self.doubts: list[PunchRow] = []
        """Rows of people who may have been seen: `unidentified` and `retract`."""
        self.times: dict[str, datetime] = {}
        """Times of all rows by id."""
        self.turns: list[PunchRow] = []
        """Rows in which people told the direction of a passage, of this day or an earlier one."""
        for row in rows:
            self.times[row.event_id] = row.timestamp
            if row.passage:
                self.passages.setdefault(row.employee_id, []).append(row)
                continue
            if row.event == "turn":
                self.turns.append(row)
                continue
            if row.method != IMPORTED:  # whoever takes an import back says nothing about who was there
                self.doubts.append(row)
            if row.event == "retract":
                self.withdrawn.add(row.refers_to)
